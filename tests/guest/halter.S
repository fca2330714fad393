/* Prints a dot and sleeps: for measuring starts, many at once too. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	mov $COM1, %dx
	mov $'.', %al
	out %al, %dx
1:	hlt
	jmp 1b
