/* Says that it runs, then powers off. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	mov $0x80000, %esp
	print "hello\n"
	power_off
	helpers
