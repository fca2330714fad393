/* Waits for a letter on COM1 and ends in the way it names. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	mov $0x80000, %esp
	print "how?\n"
wait:
	mov $(COM1 + 5), %dx
	in %dx, %al
	test $1, %al
	jz wait
	mov $COM1, %dx
	in %dx, %al
	cmp $'p', %al
	je off
	cmp $'r', %al
	je reset_register
	cmp $'c', %al
	je reset_control
	cmp $'k', %al
	je keyboard
	cmp $'t', %al
	je triple
	cmp $'x', %al
	je panic
	cmp $'l', %al
	je panic_loaded
	cmp $'u', %al
	je bad_instruction
	jmp wait
off:
	power_off
reset_register:
	mov $0x60f, %dx
	mov $1, %al
	out %al, %dx
	jmp stop
reset_control:
	mov $0xcf9, %dx
	mov $6, %al
	out %al, %dx
	jmp stop
keyboard:
	mov $0xfe, %al
	out %al, $0x64
	jmp stop
triple:
	lidt no_idt
	xor %eax, %eax
	mov %ax, %ss /* #GP, #DF, and no handler for either */
panic:
	mov $0x505, %dx
	mov $1, %al
	out %al, %dx
	jmp stop
panic_loaded:
	mov $0x505, %dx
	mov $2, %al
	out %al, %dx
	print "on it goes\n"
	jmp wait
bad_instruction:
	/* An instruction fetch from where no memory is cannot be emulated. */
	mov $0xd0000000, %eax
	jmp *%eax
stop:
	hlt
	jmp stop
	.balign 8
no_idt:
	.word 0
	.long 0
	helpers
