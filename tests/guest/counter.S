/* Counts as fast as it can, in a register and in memory beyond 1 MiB of zeros; on each 'n' from COM1 says whether the two
 * agree and the next number of its own. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	mov $0x80000, %esp
	xor %ebp, %ebp /* answers given */
	xor %ebx, %ebx /* the fast counter */
	print "ready\n"
count:
	inc %ebx
	mov %ebx, 0x300000
	mov $(COM1 + 5), %dx
	in %dx, %al
	test $1, %al
	jz count
	mov $COM1, %dx
	in %dx, %al
	cmp $'n', %al
	jne count
	cmp %ebx, 0x300000
	jne differ
	inc %ebp
	mov %ebp, %eax
	call print_hex
	print "\n"
	jmp count
differ:
	print "memory and register differ\n"
	power_off
	helpers
