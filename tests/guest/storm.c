/* Guests that end, reset and start themselves faster than anybody can look, from all processors at once. */
#include "tests/guest/lib/virtio.h"

#define RINGS 0x400000ULL

static volatile u32 go;

static void reset_somehow(unsigned how)
{
	switch (how % 5) {
	case 0: out8(0xcf9, 6); break;
	case 1: out8(0x64, 0xfe); break;
	case 2: out8(0x60f, 1); break;
	case 3: out8(0x92, 1); break;
	default:
		/* A triple fault: no interrupt table, and an exception. */
		{
			static const struct __attribute__((packed)) {
				u16 limit;
				u64 base;
			} none = { 0, 0 };

			__asm__ volatile("lidt %0\n\tud2" : : "m"(none));
		}
		break;
	}
}

static void reset_when_told(unsigned index)
{
	while (!go)
		pause();
	reset_somehow(index + (unsigned)rdtsc());
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

/* All processors at once, each in its own way, with a request in flight. */
static void resets(void)
{
	struct device blk;
	struct ring r;

	print(".");
	if (device_find(&blk, VIRTIO_BLK)) {
		static struct {
			u32 type, reserved;
			u64 sector;
		} header = { 0, 0, 5 };

		device_negotiate(&blk, F_VERSION_1);
		ring_open(&r, &blk, 0, 8, RINGS);
		device_go(&blk);
		ring_describe(&r, 0, (u64)&header, 16, DESC_NEXT, 1);
		ring_describe(&r, 1, RINGS + 0x8000, 0x4000, DESC_NEXT | DESC_WRITE, 2);
		ring_describe(&r, 2, RINGS + 0x7000, 1, DESC_WRITE, 0);
		ring_offer(&r, 0);
		ring_kick(&r);
	}
	if (guest_argument > 1)
		aps_start((unsigned)guest_argument - 1, reset_when_told);
	go = 1;
	reset_somehow((unsigned)rdtsc() >> 3);
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

/* One resets while another powers off: whichever comes first, one of them happens. */
static void power_off_when_told(unsigned index)
{
	(void)index;
	while (!go)
		pause();
	out16(0x604, (5 << 10) | (1 << 13));
}

static void reset_and_power_off(void)
{
	aps_start(1, power_off_when_told);
	go = 1;
	reset_somehow((unsigned)rdtsc() >> 3);
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

const struct guest_case guest_cases[] = {
	{ "resets", resets },
	{ "reset_and_power_off", reset_and_power_off },
	{ NULL, NULL },
};
