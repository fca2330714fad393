#include "tests/guest/lib/hostile.h"

#define PROOF 0x600000ULL

struct device victim;
static u32 random_state = 12345;

u32 random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void console_works(struct device *d)
{
	struct ring r;

	/* Without ports: queue 1 is the console's output. */
	device_negotiate(d, F_VERSION_1);
	ring_open(&r, d, 0, 8, PROOF);
	ring_open(&r, d, 1, 8, PROOF + 0x4000);
	device_go(d);
	ring_describe(&r, 0, PROOF + 0x8000, 16, 0, 0);
	ring_do(&r, 0);
}

static void balloon_works(struct device *d)
{
	struct ring inflate, deflate;
	u64 page = PROOF + 0x10000;

	device_negotiate(d, F_VERSION_1);
	ring_open(&inflate, d, 0, 8, PROOF);
	ring_open(&deflate, d, 1, 8, PROOF + 0x4000);
	device_go(d);
	write64(page, 0x1234);
	write32(PROOF + 0x8000, (u32)(page >> 12));
	ring_describe(&inflate, 0, PROOF + 0x8000, 4, 0, 0);
	ring_do(&inflate, 0);
	check_equal(read64(page), 0, "a page that was given to the balloon");
	ring_describe(&deflate, 0, PROOF + 0x8000, 4, 0, 0);
	ring_do(&deflate, 0);
}

void all_work(void)
{
	static u32 sector;
	struct device d;

	if (device_find(&d, VIRTIO_RNG))
		rng_works(&d, PROOF);
	if (device_find(&d, VIRTIO_BLK))
		blk_works(&d, PROOF, 200 + sector++ % 50);
	if (device_find(&d, VIRTIO_CONSOLE))
		console_works(&d);
	if (device_find(&d, VIRTIO_BALLOON))
		balloon_works(&d);
}

void repeat(void (*mischief)(void), unsigned rounds)
{
	device_open(&victim, (u16)guest_argument);
	mischief();
	all_work();
	say_and_wait("ready");
	for (unsigned i = 0; i < (guest_argument2 ? guest_argument2 : rounds); i++)
		mischief();
	all_work();
	say_and_wait("checked");
}

unsigned victim_queues(void)
{
	return read16(victim.common + COMMON_QUEUES);
}

void victim_open(u64 without)
{
	device_negotiate(&victim, device_offered(&victim) & ~without);
	check(device_status(&victim) & STATUS_FEATURES_OK, "the victim refuses its own features");
}

void victim_ring(struct ring *r, u16 queue, u64 without)
{
	victim_open(without);
	ring_open(r, &victim, queue, 8, RINGS);
	device_go(&victim);
}

bool victim_broke(void)
{
	u32 start = pm_timer();

	while (!(device_status(&victim) & STATUS_NEEDS_RESET))
		if (pm_timer() - start > 3580 * 2)
			return false;
	return true;
}
