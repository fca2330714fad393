/* Says that it runs, then powers off. */
#include "tiny.inc"
	.text
	.code32
	.globl start
start:
	print "hello\n"
	power_off
	helpers
