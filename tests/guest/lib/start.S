/* How every guest written in C begins: PVH's 32-bit entry, page tables, long mode, guest_start(). And how the other
 * processors join: by a real-mode trampoline at TRAMPOLINE, into ap_start(). */
#include "tests/guest/lib/layout.h"

	.pushsection .note.Xen, "a", @note
	.balign 4
	.long 4, 4, 18 /* name size, description size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start
	.popsection

	.text
	.code32
	.globl start
start:
	mov $stack_end, %esp
	mov %ebx, start_info
	lgdt gdt_pointer
	/* Identity-mapped, in pages of 2 MiB: the first GiB, and the fourth, where devices are. map_gigabyte() adds more. */
	movl $(pdpt + 3), pml4
	movl $(directories + 3), pdpt
	movl $(directories + 0x1000 + 3), pdpt + 3 * 8
	mov $0x83, %eax
	mov $directories, %edi
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	cmp $0x40000083, %eax
	jb 1b
	mov $0xc0000083, %eax
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	jnc 1b
	mov $in_64, %edi
	jmp enter_long_mode

/* To the 64-bit code at edi, on the stack at esp; clobbers eax, ecx, edx. */
enter_long_mode:
	mov %cr4, %eax
	or $0x20, %eax
	mov %eax, %cr4
	mov $pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax
	mov %eax, %cr0
	ljmp $0x18, $1f
	.code64
1:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %edi, %edi
	mov %esp, %esp
	jmp *%rdi

in_64:
	xor %ebp, %ebp
	mov start_info, %edi
	call guest_start
	ud2

ap_64:
	mov %ebx, %edi
	call ap_start
	ud2

	.code32
ap_32:
	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $1, %ebx
	lock xadd %ebx, ap_tickets
	mov %ebx, %eax
	inc %eax
	shl $AP_STACK_SHIFT, %eax
	lea ap_stacks(%eax), %esp
	mov $ap_64, %edi
	jmp enter_long_mode

	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	xor %ax, %ax
	mov %ax, %ds
	lgdtl TRAMPOLINE + trampoline_gdt - trampoline
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $0x08, $ap_32
	.balign 4
trampoline_gdt:
	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:

/* Interrupts and exceptions: a frame of the same shape for all, then interrupt(frame). */
	.code64
	.globl idt_stubs
	.balign 16
idt_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	push $0
	.endif
	push $vector
	jmp common_stub
	.set vector, vector + 1
	.endr

common_stub:
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	cld
	call interrupt
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

	.data
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 0x08: 32-bit code */
	.quad 0x00cf93000000ffff /* 0x10: data */
	.quad 0x00af9b000000ffff /* 0x18: 64-bit code */
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
	.globl ap_tickets
	.balign 4
ap_tickets:
	.long 0
start_info:
	.long 0

	.bss
	.balign 4096
	.globl pml4, pdpt
pml4:	.skip 4096
pdpt:	.skip 4096
directories:
	.skip 2 * 4096
ap_stacks:
	.skip MAX_APS << AP_STACK_SHIFT
stack:	.skip 16384
stack_end:
