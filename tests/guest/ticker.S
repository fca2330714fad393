/* Touches a byte in each page of 4 MiB, then prints dots for ever: for measuring restores, where the first dot is the
 * sign of life. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	mov $COM1, %dx
	mov $'.', %al
	out %al, %dx
	mov $0x200000, %edi
1:	movb $1, (%edi)
	add $4096, %edi
	cmp $0x600000, %edi
	jb 1b
2:	mov $'.', %al
	out %al, %dx
	mov $50, %ecx
3:	dec %ecx
	jnz 3b
	jmp 2b
