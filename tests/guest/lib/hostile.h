/* What hostile guests share: a victim (the kind of device that the command line names), and the proof that nothing but
 * the victim suffered, and that it works again after a reset. */
#ifndef MV_TESTS_GUEST_HOSTILE_H
#define MV_TESTS_GUEST_HOSTILE_H

#include "tests/guest/lib/virtio.h"

#define RAM_END (16ULL << 20)
#define RINGS 0x400000ULL
#define BUFFERS 0x800000ULL

extern struct device victim;

/* Does the mischief once, says "ready", waits for a key, does it `rounds` times, proves that all devices work, says
 * "checked" and waits for a key: the test looks at the process in between. The command line's third word, if there is
 * one, is the number of rounds. */
void repeat(void (*mischief)(void), unsigned rounds);

/* How many queues the victim has, and the features to use it with. */
unsigned victim_queues(void);
/* Reset and negotiated; every feature but those named. */
void victim_open(u64 without);
/* Opens this queue with sound rings of 8 descriptors and lets the device run. */
void victim_ring(struct ring *r, u16 queue, u64 without);
/* Waits until the device says that it needs a reset. A device that does not look at this queue never says so: then
 * this returns after some ms. True: it said so. */
bool victim_broke(void);
/* All devices of the machine work, the victim too. */
void all_work(void);

/* A small generator of pseudo-random numbers, always the same ones. */
u32 random32(void);

#endif
