/* Requests as no driver would make them, over sound rings: each kind of device in its own language. */
#include "tests/guest/lib/hostile.h"

static struct ring ring;

/* Offers descriptor 0 and lets the device have it for a while; a broken device is opened again. */
static void offer(void)
{
	u32 start = pm_timer();

	ring_offer(&ring, 0);
	ring_kick(&ring);
	while (!ring_has_used(&ring) && !(device_status(&victim) & STATUS_NEEDS_RESET) && pm_timer() - start < 3580 * 3)
		pause();
	if (ring_has_used(&ring))
		ring_wait(&ring, NULL);
	else
		victim_ring(&ring, ring.index, 0);
}

/* ---- virtio-blk ---- */

struct header {
	u32 type, reserved;
	u64 sector;
};

#define HEADER BUFFERS
#define DATA (BUFFERS + 0x1000)
#define STATUS (BUFFERS + 0x100000)

static void put_header(u32 type, u64 sector)
{
	*(struct header *)HEADER = (struct header){ type, 0, sector };
}

/* Every type with every shape of chain. */
static void blk_shapes(void)
{
	static const u32 types[] = { 0, 1, 4, 8, 9, 11, 13, 2, 5, 7, 14, 99, 0x80000000, 0xffffffff };

	victim_ring(&ring, 0, 0);
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (unsigned shape = 0; shape < 12; shape++) {
			put_header(types[i], 3);
			memset((void *)DATA, 0, 64);
			ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
			ring_describe(&ring, 1, DATA, 512, DESC_NEXT, 2);
			ring_describe(&ring, 2, STATUS, 1, DESC_WRITE, 0);
			switch (shape) {
			case 0: break;
			case 1: ring_describe(&ring, 1, DATA, 512, DESC_NEXT | DESC_WRITE, 2); break;
			case 2: ring_describe(&ring, 0, HEADER, 16, 0, 0); break; /* no status */
			case 3: ring_describe(&ring, 0, HEADER, 15, 0, 0); break; /* no header */
			case 4: ring_describe(&ring, 0, STATUS, 1, DESC_WRITE, 0); break;
			case 5: ring_describe(&ring, 1, DATA, 511, DESC_NEXT, 2); break;
			case 6: ring_describe(&ring, 1, DATA, 1, DESC_NEXT | DESC_WRITE, 2); break;
			case 7: ring_describe(&ring, 1, DATA, 0, DESC_NEXT, 2); break;
			case 8: ring_describe(&ring, 2, STATUS, 0, DESC_WRITE, 0); break; /* an empty status */
			case 9: /* all in one, header in pieces */
				ring_describe(&ring, 0, HEADER, 1, DESC_NEXT, 1);
				ring_describe(&ring, 1, HEADER + 1, 15, DESC_NEXT, 2);
				ring_describe(&ring, 2, STATUS, 513, DESC_WRITE, 0);
				break;
			case 10: ring_describe(&ring, 1, 0x900000, 6 << 20, DESC_NEXT | DESC_WRITE, 2); break;
			default: ring_describe(&ring, 1, 0x900000, 6 << 20, DESC_NEXT, 2); break;
			}
			offer();
		}
}

/* Sectors and ranges at the end, over it, and so far that they wrap. */
static void blk_ranges(void)
{
	static const u64 sectors[] = {
		255, 256, 257, 1ULL << 32, 1ULL << 55, (1ULL << 55) - 1, 1ULL << 63, ~0ULL >> 9, ~0ULL - 7, ~0ULL,
	};
	static const u32 counts[] = { 0, 1, 8, 0x7fffffff, 0x80000000, 0xffffffff };
	static const u32 types[] = { BLK_DISCARD, BLK_ZERO };

	victim_ring(&ring, 0, 0);
	for (unsigned i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		for (u32 type = 0; type < 2; type++) {
			put_header(type, sectors[i]);
			ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
			ring_describe(&ring, 1, DATA, 4096, (u16)(DESC_NEXT | (type ? 0 : DESC_WRITE)), 2);
			ring_describe(&ring, 2, STATUS, 1, DESC_WRITE, 0);
			write8(STATUS, 0xff);
			offer();
			check_equal(read8(STATUS), 1, "the status of a request beyond the end");
		}
		for (unsigned k = 0; k < 2 * sizeof(counts) / sizeof(counts[0]); k++) {
			u64 *range = (u64 *)DATA;

			put_header(types[k & 1], 0);
			range[0] = sectors[i];
			range[1] = counts[k / 2] | (u64)(k / 2 == 5 ? 0xffffffff : 0) << 32; /* and flags of nobody */
			ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
			ring_describe(&ring, 1, DATA, 16, DESC_NEXT, 2);
			ring_describe(&ring, 2, STATUS, 1, DESC_WRITE, 0);
			write8(STATUS, 0xff);
			offer();
			if (counts[k / 2] && !(sectors[i] < 256 && counts[k / 2] <= 256 - sectors[i]))
				check(read8(STATUS) == 1 || read8(STATUS) == 2, "a range beyond the end was taken");
		}
	}
	/* More ranges than are allowed, and a part of one. */
	for (u32 len = 0; len < 8192; len += 8 + len) {
		put_header(BLK_DISCARD, 0);
		memset((void *)DATA, 0, 8192);
		ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
		ring_describe(&ring, 1, DATA, len, DESC_NEXT, 2);
		ring_describe(&ring, 2, STATUS, 1, DESC_WRITE, 0);
		offer();
	}
}

/* Header, data and status over one another. */
static void blk_overlaps(void)
{
	victim_ring(&ring, 0, 0);
	for (u32 i = 0; i < 32; i++) {
		put_header(i & 1, i);
		ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
		ring_describe(&ring, 1, HEADER - (i & 12) * 32, 1024, (u16)(DESC_NEXT | (i & 1 ? 0 : DESC_WRITE)), 2);
		ring_describe(&ring, 2, i & 2 ? HEADER : (u64)ring.used + 4, 1, DESC_WRITE, 0);
		offer();
	}
	/* Reads into the rings themselves: what is on the disk is a hostile ring. */
	for (u32 i = 0; i < 16; i++) {
		victim_ring(&ring, 0, 0);
		put_header(0, i);
		ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
		ring_describe(&ring, 1, i & 1 ? (u64)ring.desc : (u64)ring.used, 512, DESC_NEXT | DESC_WRITE, 2);
		ring_describe(&ring, 2, STATUS, 1, DESC_WRITE, 0);
		ring_offer(&ring, 0);
		ring_kick(&ring);
		sleep_ms(1);
	}
}

/* The cache switch while requests are under way. */
static void blk_cache_switch(void)
{
	victim_ring(&ring, 0, 0);
	for (u32 i = 0; i < 64; i++) {
		put_header(BLK_OUT, i);
		ring_describe(&ring, 0, HEADER, 16, DESC_NEXT, 1);
		ring_describe(&ring, 1, DATA, 4096, DESC_NEXT, 2);
		ring_describe(&ring, 2, STATUS, 1, DESC_WRITE, 0);
		*(u32 *)DATA = i;
		ring_offer(&ring, 0);
		ring_kick(&ring);
		write8(victim.specific + 32, (u8)i);
		check_equal(read8(victim.specific + 32), i & 1, "the cache switch");
		ring_wait(&ring, NULL);
	}
	/* The disk as it was: its sectors carry their numbers. */
	for (u32 i = 0; i < 72; i++) {
		put_header(BLK_OUT, i);
		memset((void *)DATA, 0, 512);
		*(u32 *)DATA = i;
		ring_describe(&ring, 1, DATA, 512, DESC_NEXT, 2);
		offer();
	}
}

/* ---- virtio-console ---- */

struct control {
	u32 id;
	u16 event, value;
};

static void console_control(void)
{
	static const u32 ids[] = { 0, 1, 2, 31, 0x7fffffff, 0xffffffff };
	struct control *c = (struct control *)BUFFERS;

	for (unsigned with_input = 0; with_input < 2; with_input++) {
		struct ring in;

		victim_open(0);
		ring_open(&in, &victim, 2, 8, RINGS + 0x10000);
		ring_open(&ring, &victim, 3, 8, RINGS);
		device_go(&victim);
		for (u16 i = 0; with_input && i < 8; i++) {
			ring_describe(&in, i, BUFFERS + 0x1000 + 64u * i, 64, DESC_WRITE, 0);
			ring_offer(&in, i);
		}
		ring_kick(&in);
		for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
			for (u16 event = 0; event < 12; event++) {
				*c = (struct control){ ids[i], event < 11 ? event : 0xffff, (u16)(event * i) };
				ring_describe(&ring, 0, BUFFERS, sizeof(*c) + (event & 1) * 100, 0, 0);
				ring_do(&ring, 0);
			}
		/* Again and again the same, without ever taking the answers. */
		for (unsigned i = 0; i < 100; i++) {
			*c = (struct control){ i & 1, i % 3 ? 3 : 6, (u16)(i >> 1 & 1) };
			ring_describe(&ring, 0, BUFFERS, sizeof(*c), 0, 0);
			ring_do(&ring, 0);
		}
	}
	/* Shorter than a message; and buffers too short for the device's own. */
	for (u32 len = 0; len < 8; len++) {
		victim_ring(&ring, 3, 0);
		ring_describe(&ring, 0, BUFFERS, len, 0, 0);
		offer();
	}
	for (u32 len = 0; len < 12; len += 3) {
		struct ring in;

		victim_open(0);
		ring_open(&in, &victim, 2, 8, RINGS + 0x10000);
		ring_open(&ring, &victim, 3, 8, RINGS);
		device_go(&victim);
		for (u16 i = 0; i < 8; i++) {
			ring_describe(&in, i, BUFFERS + 0x1000, len, DESC_WRITE, 0);
			ring_offer(&in, i);
		}
		*c = (struct control){ 0, 0, 1 };
		ring_describe(&ring, 0, BUFFERS, sizeof(*c), 0, 0);
		offer();
		sleep_ms(1);
	}
}

/* Output by the megabyte, in all sizes, from all queues that are output and from those that are none. */
static void console_output(void)
{
	for (u16 queue = 0; queue < victim_queues(); queue++) {
		victim_ring(&ring, queue, 0);
		for (u32 len = 1; len < 4 << 20; len *= 5) {
			ring_describe(&ring, 0, 0x800000, len, 0, 0);
			offer();
			ring_describe(&ring, 0, 0x800000, len, DESC_WRITE, 0);
			offer();
		}
	}
}

/* ---- virtio-balloon ---- */

static void balloon_pages(void)
{
	u32 *pages = (u32 *)BUFFERS;
	static const u32 outside[] = { 0x1000,  0x1001,   0xbffff,    0xc0000,    0xe0000,   0xfec00,
				       0xfee00, 0x100000, 0x7fffffff, 0x80000000, 0xffffffff };

	for (u16 queue = 0; queue < 2; queue++) {
		victim_ring(&ring, queue, 0);
		for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
			pages[i] = outside[i];
		ring_describe(&ring, 0, BUFFERS, sizeof(outside), 0, 0);
		offer();
		/* The same page over and over, pages of pages, parts of numbers, numbers in pieces. */
		for (unsigned i = 0; i < 1024; i++)
			pages[i] = 0xc00;
		ring_describe(&ring, 0, BUFFERS, 4096, 0, 0);
		offer();
		for (unsigned i = 0; i < 256; i++)
			pages[i] = 0xc00 + i;
		for (u32 len = 0; len < 40; len += 3) {
			ring_describe(&ring, 0, BUFFERS, len, 0, 0);
			offer();
		}
		for (u16 i = 0; i < 7; i++)
			ring_describe(&ring, i, BUFFERS + 3u * i, 3, i < 6 ? DESC_NEXT : 0, (u16)(i + 1));
		offer();
		/* The page that holds the numbers themselves; a chain to write. */
		pages[0] = (u32)(BUFFERS >> 12);
		ring_describe(&ring, 0, BUFFERS, 64, 0, 0);
		offer();
		ring_describe(&ring, 0, BUFFERS, 64, DESC_WRITE, 0);
		offer();
	}
	/* Hundreds of thousands of pages in one request. */
	victim_ring(&ring, 0, 0);
	for (unsigned i = 0; i < 0x40000; i++)
		((u32 *)0x900000)[i] = 0xd00 + (i & 0xff);
	ring_describe(&ring, 0, 0x900000, 0x100000, 0, 0);
	ring_offer(&ring, 0);
	ring_kick(&ring);
	ring_wait(&ring, NULL);
}

static void balloon_reports(void)
{
	for (u16 queue = 2; queue < victim_queues(); queue++) {
		victim_ring(&ring, queue, 0);
		ring_describe(&ring, 0, 0xc00000, 0x100000, DESC_WRITE, 0);
		offer();
		ring_describe(&ring, 0, 0xc00001, 0xfff, DESC_WRITE, 0);
		offer();
		ring_describe(&ring, 0, 0xc00fff, 2, DESC_WRITE, 0);
		offer();
		ring_describe(&ring, 0, 0xfff000, 4096, DESC_WRITE, 0);
		offer();
		/* What is read: statistics of all tags, too many of them, in parts. */
		for (u32 i = 0; i < 4000; i++)
			((u16 *)BUFFERS)[i] = (u16)(i * 77);
		for (u32 len = 0; len < 8000; len = len * 3 + 1) {
			ring_describe(&ring, 0, BUFFERS, len, 0, 0);
			offer();
		}
	}
	for (unsigned i = 0; i < 2000; i++)
		write32(victim.specific + 4, random32()); /* "actual" */
	write32(victim.specific + 4, 0);
	write32(victim.specific + 8, 0xdeadbeef);
	write32(victim.specific + 12, 0xdeadbeef);
}

/* ---- virtio-rng ---- */

/* All that it has to give, at once: it may not keep others from their turn. */
static void rng_greedy(void)
{
	struct device other;
	struct ring theirs;

	device_open(&other, VIRTIO_CONSOLE);
	device_negotiate(&other, F_VERSION_1);
	ring_open(&theirs, &other, 1, 8, RINGS + 0x20000);
	device_go(&other);
	victim_ring(&ring, 0, 0);
	for (u16 i = 0; i < 8; i++) {
		ring_describe(&ring, i, 0x900000, 6 << 20, DESC_WRITE, 0);
		ring_offer(&ring, i);
	}
	ring_kick(&ring);
	ring_describe(&theirs, 0, BUFFERS, 1, 0, 0);
	ring_do(&theirs, 0);
	for (u16 i = 0; i < 8; i++)
		check(ring_wait(&ring, NULL) > 0, "a greedy request got nothing");
	device_reset(&other);
	/* Buffers to read, mixed with those to write. */
	for (u16 i = 0; i < 4; i++) {
		victim_ring(&ring, 0, 0);
		ring_describe(&ring, 0, BUFFERS, i & 1 ? 0 : 64, i & 2 ? DESC_NEXT : 0, 1);
		ring_describe(&ring, 1, BUFFERS, i & 1 ? 64 : 0, DESC_WRITE, 0);
		offer();
	}
}

#define CASE(name)                    \
	static void case_##name(void) \
	{                             \
		repeat(name, 1);      \
	}

CASE(blk_shapes)
CASE(blk_ranges)
CASE(blk_overlaps)
CASE(blk_cache_switch)
CASE(console_control)
CASE(console_output)
CASE(balloon_pages)
CASE(balloon_reports)
CASE(rng_greedy)

const struct guest_case guest_cases[] = {
	{ "blk_shapes", case_blk_shapes },           { "blk_ranges", case_blk_ranges },
	{ "blk_overlaps", case_blk_overlaps },       { "blk_cache_switch", case_blk_cache_switch },
	{ "console_control", case_console_control }, { "console_output", case_console_output },
	{ "balloon_pages", case_balloon_pages },     { "balloon_reports", case_balloon_reports },
	{ "rng_greedy", case_rng_greedy },           { NULL, NULL },
};
