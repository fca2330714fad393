/* Rings as no driver would set them up, and chains as none would write. */
#include "tests/guest/lib/hostile.h"

static struct ring ring;

static const u64 bad_addresses[] = {
	RAM_END,
	RAM_END - 64,
	0xbffff000,
	0xc0000000,
	0xc0003000,
	0xe0000000,
	0xfec00000,
	0xfee00000,
	0xfffff000,
	0x100000000,
	0x7fffffffffffff00ULL,
	0xfffffffffffff000ULL,
	0xffffffffffffff00ULL,
	0xffffffffffffffc0ULL,
};
#define BAD_ADDRESSES (sizeof(bad_addresses) / sizeof(bad_addresses[0]))

/* Each part of a queue where no memory is. */
static void rings_outside(void)
{
	for (u16 queue = 0; queue < victim_queues() && queue < 4; queue++)
		for (unsigned i = 0; i < BAD_ADDRESSES * 3; i++) {
			volatile void *place = (volatile void *)bad_addresses[i / 3];

			victim_open(0);
			ring_lay_out(&ring, &victim, queue, 64, RINGS);
			if (i % 3 == 0)
				ring.desc = place;
			else if (i % 3 == 1)
				ring.avail = place;
			else
				ring.used = place;
			ring_enable(&ring, NO_VECTOR);
			check(victim_broke(), "a ring outside memory was taken");
			ring_kick(&ring);
			write8(victim.common + COMMON_STATUS, 0xf);
			ring_kick(&ring);
		}
}

/* Up to the last byte of memory is fine; a byte more is not. */
static void rings_at_end(void)
{
	u64 avail_end = RAM_END - 6 - 2 * 64, used_end = RAM_END - 6 - 8 * 64 - 2;

	for (unsigned part = 0; part < 3; part++)
		for (unsigned beyond = 0; beyond < 2; beyond++) {
			victim_open(0);
			ring_lay_out(&ring, &victim, 0, 64, RINGS);
			if (part == 0)
				ring.desc = (volatile void *)(RAM_END - 16 * 64 + 16 * beyond);
			else if (part == 1)
				ring.avail = (volatile void *)(avail_end + 2 * beyond);
			else
				ring.used = (volatile void *)((used_end & ~3ULL) + 4 * beyond);
			ring_enable(&ring, NO_VECTOR);
			check_equal(device_status(&victim) & STATUS_NEEDS_RESET, beyond ? STATUS_NEEDS_RESET : 0,
				    "a ring at the end of memory");
			if (beyond)
				continue;
			memset((void *)(RAM_END - 4096), 0, 4096);
			device_go(&victim);
			ring_describe(&ring, 0, BUFFERS, 64, DESC_WRITE, 0);
			ring_offer(&ring, 0);
			ring_kick(&ring);
			sleep_ms(1);
		}
}

/* All parts in one place, and the buffers there too. */
static void rings_overlapping(void)
{
	for (u16 queue = 0; queue < victim_queues() && queue < 4; queue++)
		for (unsigned variant = 0; variant < 6; variant++) {
			victim_open(variant & 1 ? F_EVENT_INDEX : 0);
			ring_lay_out(&ring, &victim, queue, 16, RINGS);
			if (variant / 2 == 0)
				ring.avail = (volatile void *)ring.desc;
			else if (variant / 2 == 1)
				ring.used = (volatile void *)ring.avail;
			else
				ring.used = (volatile void *)ring.desc;
			ring_enable(&ring, NO_VECTOR);
			device_go(&victim);
			for (u16 i = 0; i < 8; i++) {
				/* Whatever a balloon takes for page numbers here is no page of ours. */
				ring_describe(&ring, i, (u64)ring.desc + 16u * i, 0x800, i & 1 ? DESC_WRITE : 0, 0);
				ring_offer(&ring, i);
				ring_kick(&ring);
			}
			/* Buffers that are the rings: what the device writes is what it reads next. */
			ring_describe(&ring, 0, (u64)ring.used, 134, DESC_WRITE, 0);
			ring_offer(&ring, 0);
			ring_describe(&ring, 1, (u64)ring.avail, 38, DESC_WRITE, 0);
			ring_offer(&ring, 1);
			ring_kick(&ring);
			sleep_ms(1);
		}
}

/* Offers descriptor 0 of a queue, whose rings are sound, and looks what becomes of it. */
static void offer_bad(const char *what)
{
	ring_offer(&ring, 0);
	ring_kick(&ring);
	/* Either the device looks at this queue and breaks, or it does not look (nothing came for it). */
	if (!victim_broke() && ring_has_used(&ring))
		fail(what);
}

static void for_each_queue(void (*fn)(u16 queue))
{
	for (u16 queue = 0; queue < victim_queues() && queue < 4; queue++)
		fn(queue);
}

static void bad_buffers(u16 queue)
{
	static const u32 lengths[] = { 1, 64, 4096, 0x7fffffff, 0xffffffff };

	for (unsigned i = 0; i < BAD_ADDRESSES; i++)
		for (unsigned k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			/* What ends within memory is not bad. */
			if (bad_addresses[i] < RAM_END && bad_addresses[i] + lengths[k] <= RAM_END)
				continue;
			victim_ring(&ring, queue, 0);
			ring_describe(&ring, 0, bad_addresses[i], lengths[k], k & 1 ? DESC_WRITE : 0, 0);
			ring_offer(&ring, 0);
			ring_kick(&ring);
		}
	check(!ring_has_used(&ring), "a buffer outside memory was used");
}

static void buffers_outside(void)
{
	for_each_queue(bad_buffers);
}

static void bad_index(u16 queue)
{
	static const u16 leaps[] = { 9, 100, 0x7fff, 0x8000, 0xffff };

	for (unsigned i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++) {
		victim_ring(&ring, queue, 0);
		for (u16 k = 0; k < 8; k++)
			ring_describe(&ring, k, BUFFERS, 64, DESC_WRITE, 0);
		ring.avail->index = leaps[i];
		ring_kick(&ring);
		victim_broke();
		ring.avail->index = 0;
		ring_kick(&ring);
	}
}

static void index_runs_away(void)
{
	for_each_queue(bad_index);
}

static void bad_heads(u16 queue)
{
	static const u16 heads[] = { 8, 9, 255, 0x7fff, 0xffff };

	for (unsigned i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		victim_ring(&ring, queue, 0);
		ring_offer(&ring, heads[i]);
		ring_kick(&ring);
		victim_broke();
		check(!ring_has_used(&ring), "a head that is none was used");
		victim_ring(&ring, queue, 0);
		ring_describe(&ring, 0, BUFFERS, 16, DESC_NEXT, heads[i]);
		offer_bad("a chain into nowhere was used");
	}
}

static void heads_out_of_range(void)
{
	for_each_queue(bad_heads);
}

static void loop(u16 queue)
{
	for (u16 length = 1; length <= 8; length++) {
		victim_ring(&ring, queue, 0);
		for (u16 i = 0; i < length; i++)
			ring_describe(&ring, i, BUFFERS + 64u * i, 64, (u16)(DESC_NEXT | (length & 1 ? DESC_WRITE : 0)),
				      (u16)((i + 1) % length));
		offer_bad("a loop was used");
	}
}

static void loops(void)
{
	for_each_queue(loop);
}

/* An indirect table of 65,536 descriptors, in a row and in a loop; and a table of 2^28. */
static void long_chain(u16 queue)
{
	static bool made;
	volatile struct desc *table = (volatile struct desc *)0x900000ULL;

	if (!made)
		for (unsigned i = 0; i < 65536; i++) {
			table[i].address = BUFFERS;
			table[i].len = 1;
			table[i].flags = DESC_NEXT | DESC_WRITE;
			table[i].next = (u16)(i + 1);
		}
	made = true;
	victim_ring(&ring, queue, 0);
	ring_describe(&ring, 0, (u64)table, 65536 * 16, DESC_INDIRECT, 0);
	offer_bad("a chain of 65,536 was used");
	victim_ring(&ring, queue, 0);
	ring_describe(&ring, 0, (u64)table, 0xfffffff0, DESC_INDIRECT, 0);
	offer_bad("a table of 4 GiB was used");
	/* The loop of 65,536 on itself: its entries are in range, the chain never ends. */
	victim_ring(&ring, queue, 0);
	ring_describe(&ring, 0, (u64)table + 16, 65535 * 16, DESC_INDIRECT, 0);
	offer_bad("a chain of 65,535 was used");
}

static void chain_of_65536(void)
{
	for_each_queue(long_chain);
}

static void bad_indirect(u16 queue)
{
	volatile struct desc *table = (volatile struct desc *)BUFFERS;
	static const u32 lengths[] = { 0, 1, 15, 17, 16 * 8 + 8 };

	table[0].address = BUFFERS + 0x1000;
	table[0].len = 16;
	table[0].flags = DESC_WRITE;
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		victim_ring(&ring, queue, 0);
		ring_describe(&ring, 0, (u64)table, lengths[i], DESC_INDIRECT, 0);
		offer_bad("an indirect table of a wrong size was used");
	}
	/* One within another, one that goes on, one outside memory, one that was not negotiated. */
	victim_ring(&ring, queue, 0);
	table[0].flags = DESC_INDIRECT;
	ring_describe(&ring, 0, (u64)table, 16, DESC_INDIRECT, 0);
	offer_bad("an indirect table within another was used");
	table[0].flags = DESC_WRITE;
	victim_ring(&ring, queue, 0);
	ring_describe(&ring, 0, (u64)table, 16, DESC_INDIRECT | DESC_NEXT, 1);
	ring_describe(&ring, 1, BUFFERS, 16, DESC_WRITE, 0);
	offer_bad("an indirect table that goes on was used");
	for (unsigned i = 0; i < BAD_ADDRESSES; i++) {
		victim_ring(&ring, queue, 0);
		ring_describe(&ring, 0, bad_addresses[i], 4096, DESC_INDIRECT, 0);
		offer_bad("an indirect table outside memory was used");
	}
	victim_ring(&ring, queue, F_INDIRECT);
	ring_describe(&ring, 0, (u64)table, 16, DESC_INDIRECT, 0);
	offer_bad("an indirect table that was not negotiated was used");
}

static void indirect_tables(void)
{
	for_each_queue(bad_indirect);
}

/* Legal or not, none may hurt: empty buffers, all of memory as one, written before read. */
static void odd_lengths(u16 queue)
{
	victim_ring(&ring, queue, 0);
	for (u16 i = 0; i < 4; i++)
		ring_describe(&ring, i, BUFFERS, 0, DESC_NEXT, (u16)(i + 1));
	ring_describe(&ring, 4, BUFFERS, 0, 0, 0);
	ring_offer(&ring, 0);
	ring_kick(&ring);
	victim_ring(&ring, queue, 0);
	for (u16 i = 0; i < 4; i++)
		ring_describe(&ring, i, ~0ULL, 0, DESC_NEXT | DESC_WRITE, (u16)(i + 1));
	ring_describe(&ring, 4, 0xdead0000dead, 0, DESC_WRITE, 0);
	ring_offer(&ring, 0);
	ring_kick(&ring);
	sleep_ms(2);
	/* What is behind 12 MiB belongs to nobody. */
	victim_ring(&ring, queue, 0);
	for (u16 i = 0; i < 7; i++)
		ring_describe(&ring, i, 12 << 20, 4 << 20, (u16)(DESC_WRITE | (i < 6 ? DESC_NEXT : 0)), (u16)(i + 1));
	ring_offer(&ring, 0);
	ring_kick(&ring);
	sleep_ms(2);
	victim_ring(&ring, queue, 0);
	for (u16 i = 0; i < 7; i++)
		ring_describe(&ring, i, 12 << 20, 4 << 20, (u16)(i < 6 ? DESC_NEXT : 0), (u16)(i + 1));
	ring_offer(&ring, 0);
	ring_kick(&ring);
	sleep_ms(2);
	victim_ring(&ring, queue, 0);
	ring_describe(&ring, 0, BUFFERS, 16, DESC_WRITE | DESC_NEXT, 1);
	ring_describe(&ring, 1, BUFFERS, 16, 0, 0);
	offer_bad("a chain that is read after it is written was used");
}

static void lengths(void)
{
	for_each_queue(odd_lengths);
}

/* Single bytes at the very start and end of memory. */
static void edges(void)
{
	for (u16 queue = 0; queue < victim_queues() && queue < 4; queue++)
		for (unsigned i = 0; i < 2; i++) {
			victim_ring(&ring, queue, 0);
			ring_describe(&ring, 0, RAM_END - 1, 1, (u16)(DESC_NEXT | (i ? DESC_WRITE : 0)), 1);
			ring_describe(&ring, 1, RAM_END - 4096, 4096, i ? DESC_WRITE : 0, 0);
			ring_offer(&ring, 0);
			ring_kick(&ring);
			sleep_ms(1);
		}
}

/* Another processor rewrites descriptors and rings all the time, while this one offers them. */
static volatile bool stop_writing;

static void rewrite(unsigned index)
{
	u32 state = 77 + index;

	while (!stop_writing) {
		volatile u32 *at;

		state = state * 1664525 + 1013904223;
		at = (volatile u32 *)(RINGS + (state >> 20) % 0x140 / 4 * 4);
		*at = state >> 28 ? (u32)BUFFERS + (state & 0xfff) : state;
	}
}

static void rewritten(void)
{
	static bool started;

	if (!started)
		aps_start(1, rewrite);
	started = true;
	for (unsigned round = 0; round < 60; round++) {
		u16 queue = (u16)(round % (victim_queues() < 4 ? victim_queues() : 4));

		victim_open(round & 1 ? F_EVENT_INDEX : 0);
		ring_open(&ring, &victim, queue, 8, RINGS);
		device_go(&victim);
		for (u16 i = 0; i < 12; i++) {
			ring_describe(&ring, i % 8, BUFFERS, 64, DESC_WRITE, 0);
			ring_offer(&ring, i % 8);
			ring_kick(&ring);
		}
	}
	device_reset(&victim);
}

#define CASE(name)                    \
	static void case_##name(void) \
	{                             \
		repeat(name, 1);      \
	}

CASE(rings_outside)
CASE(rings_at_end)
CASE(rings_overlapping)
CASE(buffers_outside)
CASE(index_runs_away)
CASE(heads_out_of_range)
CASE(loops)
CASE(chain_of_65536)
CASE(indirect_tables)
CASE(lengths)
CASE(edges)
CASE(rewritten)

const struct guest_case guest_cases[] = {
	{ "rings_outside", case_rings_outside },
	{ "rings_at_end", case_rings_at_end },
	{ "rings_overlapping", case_rings_overlapping },
	{ "buffers_outside", case_buffers_outside },
	{ "index_runs_away", case_index_runs_away },
	{ "heads_out_of_range", case_heads_out_of_range },
	{ "loops", case_loops },
	{ "chain_of_65536", case_chain_of_65536 },
	{ "indirect_tables", case_indirect_tables },
	{ "lengths", case_lengths },
	{ "edges", case_edges },
	{ "rewritten", case_rewritten },
	{ NULL, NULL },
};
