/* Numbers that start.S and C share. */
#ifndef MV_TESTS_GUEST_LAYOUT_H
#define MV_TESTS_GUEST_LAYOUT_H

#define TRAMPOLINE 0x8000
#define MAX_APS 16
#define AP_STACK_SHIFT 13
#define FREE_MEMORY 0x400000 /* nothing of ours is from here on */

#endif
