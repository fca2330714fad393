/* Goes through the processor's modes and says each: 32-bit protected, 16-bit protected, real, back, long, compatibility. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	mov $0x80000, %esp
	lgdt gdt_pointer
	print "protected\n"

	/* The 16-bit part runs at an address that real mode reaches. */
	mov $low_start, %esi
	mov $0x8000, %edi
	mov $(low_end - low_start), %ecx
	rep movsb
	ljmp $0x18, $0x8000

back_in_32:
	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x80000, %esp
	print "protected again\n"

	/* Long mode: identity-map the first 1 GiB with one 2 MiB-page directory. */
	mov $0x70000, %edi
	xor %eax, %eax
	mov $(3 * 1024), %ecx
	rep stosl
	movl $0x71003, 0x70000
	movl $0x72003, 0x71000
	mov $0x83, %eax
	mov $0x72000, %edi
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	cmp $0x40000083, %eax
	jb 1b
	mov %cr4, %eax
	or $0x20, %eax
	mov %eax, %cr4
	mov $0x70000, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax
	mov %eax, %cr0
	ljmp $0x28, $in_64

	.code64
in_64:
	mov $COM1, %dx
	lea long_text(%rip), %rsi
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	/* A register that only long mode has. */
	movabs $0x123456789abcdef0, %r10
	mov %r10, %rax
	shr $32, %rax
	cmp $0x12345678, %eax
	jne 3f
	ljmp *compat_pointer(%rip)
3:	hlt
	jmp 3b

	.code32
in_compat:
	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %ss
	print "compatibility\n"
	power_off

	.code16
low_start:
	mov $0x20, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov %cr0, %eax
	and $~1, %al
	mov %eax, %cr0
	ljmp $0, $(0x8000 + real - low_start)
real:
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $(0x8000 + real_text - low_start), %si
	mov $COM1, %dx
1:	lodsb
	test %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $0x08, $back_in_32
real_text:
	.asciz "real\n"
low_end:

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 0x08: 32-bit code */
	.quad 0x00cf93000000ffff /* 0x10: data */
	.quad 0x00009b000000ffff /* 0x18: 16-bit code */
	.quad 0x000093000000ffff /* 0x20: 16-bit data */
	.quad 0x00af9b000000ffff /* 0x28: 64-bit code */
gdt_pointer:
	.word . - gdt - 1
	.long gdt
compat_pointer:
	.long in_compat
	.word 0x08
long_text:
	.asciz "long\n"
	helpers
