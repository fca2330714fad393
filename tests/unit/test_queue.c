/* The split virtqueue against a driver written out by hand, and against guests that break every rule of it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/virtio/queue.h"

#define LOW (UINT64_C(8) << 20)  /* bytes of RAM from 0 */
#define HIGH (UINT64_C(1) << 20) /* bytes of RAM from 4 GiB */
#define SIZE 8                   /* of the queue, unless a test says otherwise */

#define DESC 0x1000
#define AVAIL 0x8000
#define USED 0xc000
#define BUFFERS 0x10000
#define TABLE 0x20000 /* indirect */

#define NEXT 1
#define WRITE 2
#define INDIRECT 4

struct rig {
	struct mv_memory memory;
	struct mv_queue q;
	uint16_t avail;
};

static uint8_t *at(struct rig *r, uint64_t gpa)
{
	uint8_t *p = mv_memory_ptr(&r->memory, gpa, 1);

	assert_non_null(p);
	return p;
}

static void enable(struct rig *r, uint16_t size)
{
	r->q.size = size;
	r->q.desc = DESC;
	r->q.avail = AVAIL;
	r->q.used = USED;
	r->q.indirect = true;
	assert_true(mv_queue_enable(&r->q));
}

/* Memory is malloc'ed, so that the sanitizer sees a byte too far. */
static void add_region(struct rig *r, uint64_t gpa, uint64_t size)
{
	struct mv_memory_region *region = &r->memory.regions[r->memory.region_count++];

	region->gpa = gpa;
	region->size = size;
	assert_int_equal(posix_memalign((void **)&region->host, 4096, size), 0);
	memset(region->host, 0, size);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	add_region(r, 0, LOW);
	add_region(r, MV_HIGH_RAM_BASE, HIGH);
	assert_int_equal(mv_queue_init(&r->q, &r->memory, MV_QUEUE_MAX_SIZE, NULL), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	mv_queue_release(&r->q);
	free(r->memory.regions[0].host);
	free(r->memory.regions[1].host);
	free(r);
	return 0;
}

static void put_desc(struct rig *r, uint64_t table, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	uint8_t *d = at(r, table + 16 * (uint64_t)i);

	mv_put_le64(d, addr);
	mv_put_le32(d + 8, len);
	mv_put_le16(d + 12, flags);
	mv_put_le16(d + 14, next);
}

static void desc(struct rig *r, unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	put_desc(r, DESC, i, addr, len, flags, next);
}

static void set_avail_index(struct rig *r, uint16_t index)
{
	__atomic_store_n((uint16_t *)(void *)at(r, AVAIL + 2), index, __ATOMIC_RELEASE);
}

static void make_available(struct rig *r, uint16_t head)
{
	mv_put_le16(at(r, AVAIL + 4 + 2 * (uint64_t)(r->avail & (r->q.size - 1))), head);
	set_avail_index(r, ++r->avail);
}

static uint16_t used_index(struct rig *r)
{
	return mv_get_le16(at(r, USED + 2));
}

static void expect_used(struct rig *r, uint16_t index, uint32_t head, uint32_t written)
{
	const uint8_t *entry = at(r, USED + 4 + 8 * (uint64_t)(index & (r->q.size - 1)));

	assert_int_equal(mv_get_le32(entry), head);
	assert_int_equal(mv_get_le32(entry + 4), written);
}

/* The chain that starts at descriptor 0 is refused, for this reason; the queue stays broken and nothing else happens.
 */
static void expect_broken(struct rig *r, const char *why)
{
	struct mv_chain c;

	make_available(r, 0);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	assert_true(r->q.broken);
	assert_string_equal(r->q.why, why);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	assert_int_equal(mv_queue_waiting(&r->q), 0);
	assert_false(mv_queue_enable_notify(&r->q));
	assert_int_equal(used_index(r), 0);
}

/* ---- what a good driver does ---- */

static void test_chain(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;
	char text[16] = { 0 };

	enable(r, SIZE);
	assert_int_equal(mv_queue_pop(&r->q, &c), 0);
	memcpy(at(r, BUFFERS), "moonvisor", 9);
	desc(r, 3, BUFFERS, 4, NEXT, 1);
	desc(r, 1, BUFFERS + 4, 5, NEXT, 6);
	desc(r, 6, BUFFERS + 0x100, 2, NEXT | WRITE, 2);
	desc(r, 2, MV_HIGH_RAM_BASE + HIGH - 3, 3, WRITE, 0);
	make_available(r, 3);
	assert_int_equal(mv_queue_waiting(&r->q), 1);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.head, 3);
	assert_int_equal(c.readable, 2);
	assert_int_equal(c.writable, 2);
	assert_int_equal(c.readable_bytes, 9);
	assert_int_equal(c.writable_bytes, 5);
	assert_int_equal(mv_chain_read(&c, 0, text, sizeof(text)), 9);
	assert_string_equal(text, "moonvisor");
	assert_int_equal(mv_chain_read(&c, 3, text, 3), 3);
	assert_memory_equal(text, "nvi", 3);
	assert_int_equal(mv_chain_read(&c, 9, text, 1), 0);
	assert_int_equal(mv_chain_write(&c, 1, "abcdef", 6), 4);
	assert_memory_equal(at(r, BUFFERS + 0x101), "a", 1);
	assert_memory_equal(at(r, MV_HIGH_RAM_BASE + HIGH - 3), "bcd", 3);
	mv_queue_push(&r->q, c.head, 5);
	assert_int_equal(used_index(r), 1);
	expect_used(r, 0, 3, 5);
	assert_int_equal(mv_queue_pop(&r->q, &c), 0);
}

static void test_unpop(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	desc(r, 5, BUFFERS, 1, WRITE, 0);
	make_available(r, 5);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(mv_queue_waiting(&r->q), 0);
	mv_queue_unpop(&r->q);
	assert_int_equal(mv_queue_waiting(&r->q), 1);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.head, 5);
}

static void test_fill_and_flush(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	for (uint16_t i = 0; i < 3; i++) {
		desc(r, i, BUFFERS, 10, WRITE, 0);
		make_available(r, i);
		assert_int_equal(mv_queue_pop(&r->q, &c), 1);
		mv_queue_fill(&r->q, i, c.head, 10u + i);
		assert_int_equal(used_index(r), 0);
	}
	mv_queue_flush(&r->q, 3);
	assert_int_equal(used_index(r), 3);
	for (uint16_t i = 0; i < 3; i++)
		expect_used(r, i, i, 10u + i);
}

/* Both indexes pass 65535 several times, in batches that do not divide the queue's size. */
static void test_indexes_wrap(void **state)
{
	struct rig *r = *state;
	uint16_t size = 16;
	struct mv_chain c;

	enable(r, size);
	for (uint16_t i = 0; i < size; i++)
		desc(r, i, BUFFERS, 1, WRITE, 0);
	for (unsigned total = 0; total < 200000;) {
		unsigned batch = 1 + total % 16;

		for (unsigned i = 0; i < batch; i++)
			make_available(r, (uint16_t)((total + i) % size));
		assert_int_equal(mv_queue_waiting(&r->q), batch);
		for (unsigned i = 0; i < batch; i++, total++) {
			assert_int_equal(mv_queue_pop(&r->q, &c), 1);
			assert_int_equal(c.head, total % size);
			mv_queue_push(&r->q, c.head, total);
			assert_int_equal(used_index(r), (uint16_t)(total + 1));
			expect_used(r, (uint16_t)total, c.head, total);
		}
		assert_int_equal(mv_queue_pop(&r->q, &c), 0);
	}
}

static void test_indirect(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	/* A direct descriptor may come first; the table is at an odd address, and its order is its own. */
	put_desc(r, TABLE + 1, 0, BUFFERS, 100, NEXT, 2);
	put_desc(r, TABLE + 1, 2, BUFFERS + 100, 50, NEXT | WRITE, 1);
	put_desc(r, TABLE + 1, 1, BUFFERS + 200, 25, WRITE, 0);
	desc(r, 0, BUFFERS, 7, NEXT, 4);
	desc(r, 4, TABLE + 1, 3 * 16, INDIRECT, 0);
	make_available(r, 0);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.readable, 2);
	assert_int_equal(c.readable_bytes, 107);
	assert_int_equal(c.writable, 2);
	assert_int_equal(c.writable_bytes, 75);
}

/* A table as long as the queue is the longest that may be. */
static void test_longest_chains(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	for (uint16_t i = 0; i < SIZE; i++)
		desc(r, i, BUFFERS + i, 1, i + 1 < SIZE ? NEXT | WRITE : WRITE, i + 1);
	make_available(r, 0);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.writable, SIZE);
	mv_queue_push(&r->q, 0, 0);
	for (uint16_t i = 0; i < SIZE; i++)
		put_desc(r, TABLE, i, BUFFERS + i, 1, i + 1 < SIZE ? NEXT | WRITE : WRITE, i + 1);
	desc(r, 2, TABLE, SIZE * 16, INDIRECT, 0);
	make_available(r, 2);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.writable, SIZE);
}

static void test_empty_buffers(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	/* Their addresses do not matter. */
	desc(r, 0, ~UINT64_C(0), 0, NEXT, 1);
	desc(r, 1, BUFFERS, 0, NEXT | WRITE, 2);
	desc(r, 2, 0xd0000000, 0, WRITE, 0);
	make_available(r, 0);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.readable + c.writable, 0);
	assert_int_equal(c.readable_bytes + c.writable_bytes, 0);
	assert_int_equal(mv_chain_write(&c, 0, "x", 1), 0);
	mv_queue_push(&r->q, c.head, 0);
	expect_used(r, 0, 0, 0);
}

static void test_smallest_queue(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, 1);
	desc(r, 0, BUFFERS, 4, WRITE, 0);
	for (unsigned i = 0; i < 5; i++) {
		make_available(r, 0);
		assert_int_equal(mv_queue_pop(&r->q, &c), 1);
		mv_queue_push(&r->q, 0, i);
		assert_int_equal(used_index(r), i + 1);
		expect_used(r, 0, 0, i);
	}
}

/* ---- notifications ---- */

static void push_one(struct rig *r)
{
	struct mv_chain c;

	desc(r, 0, BUFFERS, 4, WRITE, 0);
	make_available(r, 0);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	mv_queue_push(&r->q, 0, 4);
}

static void test_interrupt_flag(void **state)
{
	struct rig *r = *state;

	enable(r, SIZE);
	assert_false(mv_queue_wants_interrupt(&r->q));
	push_one(r);
	assert_true(mv_queue_wants_interrupt(&r->q));
	assert_false(mv_queue_wants_interrupt(&r->q));
	mv_put_le16(at(r, AVAIL), 1);
	push_one(r);
	assert_false(mv_queue_wants_interrupt(&r->q));
	mv_put_le16(at(r, AVAIL), 0);
	push_one(r);
	assert_true(mv_queue_wants_interrupt(&r->q));
}

static void test_interrupt_event_index(void **state)
{
	struct rig *r = *state;
	uint8_t *event;

	enable(r, SIZE);
	r->q.event_index = true;
	event = at(r, AVAIL + 4 + 2 * SIZE);
	mv_put_le16(event, 2);
	for (unsigned i = 0; i < 2; i++) {
		push_one(r);
		assert_false(mv_queue_wants_interrupt(&r->q));
	}
	push_one(r); /* the index passes the mark: 2 -> 3 */
	assert_true(mv_queue_wants_interrupt(&r->q));
	push_one(r);
	assert_false(mv_queue_wants_interrupt(&r->q));
	/* Passed in one step with others. */
	mv_put_le16(event, 6);
	for (unsigned i = 0; i < 5; i++)
		push_one(r);
	assert_true(mv_queue_wants_interrupt(&r->q));
	/* The flag means nothing here. */
	mv_put_le16(at(r, AVAIL), 1);
	mv_put_le16(event, r->q.used_index);
	push_one(r);
	assert_true(mv_queue_wants_interrupt(&r->q));
	/* Around 65535. */
	while (r->q.used_index != 65534) {
		push_one(r);
		mv_queue_wants_interrupt(&r->q);
	}
	mv_put_le16(event, 0);
	push_one(r);
	push_one(r);
	assert_false(mv_queue_wants_interrupt(&r->q));
	push_one(r);
	assert_true(mv_queue_wants_interrupt(&r->q));
	/* Somebody else used the queue meanwhile: rather one too many. */
	r->q.signalled_valid = false;
	mv_put_le16(event, 1000);
	assert_true(mv_queue_wants_interrupt(&r->q));
}

static void test_notify_wishes(void **state)
{
	struct rig *r = *state;
	uint8_t *event;

	enable(r, SIZE);
	mv_queue_disable_notify(&r->q);
	assert_int_equal(mv_get_le16(at(r, USED)), 1);
	assert_false(mv_queue_enable_notify(&r->q));
	assert_int_equal(mv_get_le16(at(r, USED)), 0);
	r->q.event_index = true;
	event = at(r, USED + 4 + 8 * SIZE);
	push_one(r);
	mv_queue_disable_notify(&r->q);
	assert_int_equal(mv_get_le16(at(r, USED)), 0);
	assert_false(mv_queue_enable_notify(&r->q));
	assert_int_equal(mv_get_le16(event), 1);
	make_available(r, 0);
	assert_true(mv_queue_enable_notify(&r->q));
}

/* ---- rings where they must not be ---- */

static void refuse_rings(struct rig *r, uint16_t size, uint64_t desc_at, uint64_t avail_at, uint64_t used_at)
{
	struct mv_chain c;

	mv_queue_reset(&r->q);
	r->q.size = size;
	r->q.desc = desc_at;
	r->q.avail = avail_at;
	r->q.used = used_at;
	assert_false(mv_queue_enable(&r->q));
	assert_true(r->q.broken);
	/* Everything is harmless afterwards. */
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	mv_queue_push(&r->q, 0, 0);
	mv_queue_fill(&r->q, 3, 0, 0);
	mv_queue_flush(&r->q, 3);
	assert_false(mv_queue_wants_interrupt(&r->q));
	assert_false(mv_queue_enable_notify(&r->q));
	mv_queue_disable_notify(&r->q);
	assert_int_equal(mv_queue_waiting(&r->q), 0);
}

static void accept_rings(struct rig *r, uint16_t size, uint64_t desc_at, uint64_t avail_at, uint64_t used_at)
{
	mv_queue_reset(&r->q);
	r->q.size = size;
	r->q.desc = desc_at;
	r->q.avail = avail_at;
	r->q.used = used_at;
	assert_true(mv_queue_enable(&r->q));
}

static void test_ring_places(void **state)
{
	struct rig *r = *state;
	static const uint64_t bad[] = {
		LOW,           0xd0000000,        0xfee00000, MV_HIGH_RAM_BASE - 16, MV_HIGH_RAM_BASE + HIGH,
		~UINT64_C(15), UINT64_C(1) << 63,
	};

	for (unsigned i = 0; i < MV_ARRAY_SIZE(bad); i++) {
		refuse_rings(r, SIZE, bad[i], AVAIL, USED);
		refuse_rings(r, SIZE, DESC, bad[i], USED);
		refuse_rings(r, SIZE, DESC, AVAIL, bad[i]);
	}
	/* At the very end of memory: the last place that fits, and the next. */
	accept_rings(r, SIZE, LOW - 16 * SIZE, AVAIL, USED);
	refuse_rings(r, SIZE, LOW - 16 * SIZE + 16, AVAIL, USED);
	accept_rings(r, SIZE, DESC, LOW - 6 - 2 * SIZE, USED);
	refuse_rings(r, SIZE, DESC, LOW - 6 - 2 * SIZE + 2, USED);
	accept_rings(r, SIZE, DESC, AVAIL, LOW - 8 - 8 * SIZE);
	refuse_rings(r, SIZE, DESC, AVAIL, LOW - 8 - 8 * SIZE + 4);
	/* Misaligned. */
	refuse_rings(r, SIZE, DESC + 8, AVAIL, USED);
	refuse_rings(r, SIZE, DESC, AVAIL + 1, USED);
	refuse_rings(r, SIZE, DESC, AVAIL, USED + 2);
}

static void test_ring_sizes(void **state)
{
	struct rig *r = *state;
	static const uint16_t bad[] = { 0, 3, 6, 1000, 1023, 1025, 2048, 32768, 65535 };

	for (unsigned i = 0; i < MV_ARRAY_SIZE(bad); i++)
		refuse_rings(r, bad[i], DESC, AVAIL, USED);
	for (uint16_t size = 1; size <= MV_QUEUE_MAX_SIZE; size *= 2)
		accept_rings(r, size, DESC, 0x10000, 0x20000);
}

/* All three parts at one place: nonsense comes out of it, but only nonsense of the guest's own. */
static void test_overlapping_rings(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	for (uint32_t seed = 0; seed < 2000; seed++) {
		accept_rings(r, SIZE, DESC, DESC, DESC);
		for (unsigned i = 0; i < 256; i++)
			*at(r, DESC + i) = (uint8_t)((seed * 2654435761u + i * 40503u) >> (i % 13));
		for (unsigned i = 0; i < 3 * SIZE; i++) {
			if (mv_queue_pop(&r->q, &c) != 1)
				break;
			mv_queue_push(&r->q, c.head, (uint32_t)c.writable_bytes);
			mv_queue_wants_interrupt(&r->q);
			mv_queue_enable_notify(&r->q);
		}
	}
}

/* ---- chains that must not be ---- */

static void test_index_runs_away(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	desc(r, 0, BUFFERS, 1, 0, 0);
	set_avail_index(r, SIZE);
	assert_int_equal(mv_queue_waiting(&r->q), SIZE);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	set_avail_index(r, SIZE + 2);
	assert_int_equal(mv_queue_waiting(&r->q), SIZE);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	assert_string_equal(r->q.why, "the available ring's index ran away");
	/* Backwards is as far ahead. */
	mv_queue_reset(&r->q);
	enable(r, SIZE);
	set_avail_index(r, 65535);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
}

static void test_head_out_of_range(void **state)
{
	struct rig *r = *state;
	struct mv_chain c;

	enable(r, SIZE);
	make_available(r, SIZE);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	assert_string_equal(r->q.why, "a chain's head is out of range");
}

static void test_next_out_of_range(void **state)
{
	struct rig *r = *state;

	enable(r, SIZE);
	desc(r, 0, BUFFERS, 1, NEXT, 65535);
	expect_broken(r, "a descriptor's index is out of range");
}

static void test_loop(void **state)
{
	struct rig *r = *state;

	enable(r, SIZE);
	desc(r, 0, BUFFERS, 1, NEXT, 1);
	desc(r, 1, BUFFERS, 1, NEXT, 0);
	expect_broken(r, "a chain is longer than the queue, or a loop");
}

static void test_loop_of_empty_buffers(void **state)
{
	struct rig *r = *state;

	enable(r, SIZE);
	desc(r, 0, 0, 0, NEXT, 0);
	expect_broken(r, "a chain is longer than the queue, or a loop");
}

static void test_very_long_indirect_chain(void **state)
{
	struct rig *r = *state;

	enable(r, SIZE);
	for (unsigned i = 0; i < 65536; i++)
		put_desc(r, TABLE, i, BUFFERS, 1, NEXT, (uint16_t)(i + 1));
	desc(r, 0, TABLE, 65536 * 16, INDIRECT, 0);
	expect_broken(r, "a chain is longer than the queue, or a loop");
}

static void test_order(void **state)
{
	struct rig *r = *state;

	enable(r, SIZE);
	desc(r, 0, BUFFERS, 1, NEXT | WRITE, 1);
	desc(r, 1, BUFFERS, 1, 0, 0);
	expect_broken(r, "a buffer to read follows one to write");
}

static void buffer_outside(struct rig *r, uint64_t addr, uint32_t len)
{
	mv_queue_reset(&r->q);
	r->avail = 0;
	mv_put_le16(at(r, USED + 2), 0);
	enable(r, SIZE);
	desc(r, 0, addr, len, WRITE, 0);
	expect_broken(r, "a buffer lies outside memory");
}

static void test_buffers_outside(void **state)
{
	struct rig *r = *state;

	buffer_outside(r, LOW, 1);
	buffer_outside(r, LOW - 1, 2);
	buffer_outside(r, 0, UINT32_MAX);
	buffer_outside(r, ~UINT64_C(0), 1);
	buffer_outside(r, ~UINT64_C(0) - 15, 0x1000);
	buffer_outside(r, MV_HIGH_RAM_BASE - 1, 2);
	buffer_outside(r, MV_HIGH_RAM_BASE + HIGH - 1, 2);
	buffer_outside(r, 0xfee00000, 4);
}

static void test_longer_than_4_gib(void **state)
{
	struct rig *r = *state;
	uint64_t avail = 0x80000;
	const uint16_t count = 512; /* as many buffers of all low memory are 4 GiB */
	struct mv_chain c;

	accept_rings(r, MV_QUEUE_MAX_SIZE, DESC, avail, USED);
	for (uint16_t i = 0; i < count; i++)
		desc(r, i, 0, (uint32_t)LOW, i + 1 < count ? NEXT | WRITE : WRITE, i + 1);
	desc(r, count, 0, 1, WRITE, 0);
	mv_put_le16(at(r, avail + 2), 1);
	assert_int_equal(mv_queue_pop(&r->q, &c), 1);
	assert_int_equal(c.writable_bytes, UINT64_C(1) << 32);
	desc(r, count - 1, 0, (uint32_t)LOW, NEXT | WRITE, count);
	mv_put_le16(at(r, avail + 2), 2);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	assert_string_equal(r->q.why, "a chain is longer than 4 GiB");
}

static void refuse_indirect(struct rig *r, uint64_t table, uint32_t len, uint16_t flags, const char *why)
{
	mv_queue_reset(&r->q);
	r->avail = 0;
	enable(r, SIZE);
	desc(r, 0, table, len, INDIRECT | flags, 1);
	desc(r, 1, BUFFERS, 1, 0, 0);
	expect_broken(r, why);
}

static void test_bad_indirect(void **state)
{
	struct rig *r = *state;

	put_desc(r, TABLE, 0, BUFFERS, 1, 0, 0);
	refuse_indirect(r, TABLE, 0, 0, "an indirect table's length is no multiple of 16");
	refuse_indirect(r, TABLE, 15, 0, "an indirect table's length is no multiple of 16");
	refuse_indirect(r, TABLE, 17, 0, "an indirect table's length is no multiple of 16");
	refuse_indirect(r, TABLE, 16, NEXT, "an indirect descriptor has a next one");
	refuse_indirect(r, LOW - 16, 32, 0, "an indirect table lies outside memory");
	refuse_indirect(r, TABLE, UINT32_MAX & ~15u, 0, "an indirect table lies outside memory");
	refuse_indirect(r, ~UINT64_C(15), 32, 0, "an indirect table lies outside memory");
	put_desc(r, TABLE, 0, TABLE, 16, INDIRECT, 0);
	refuse_indirect(r, TABLE, 16, 0, "an indirect table has an indirect descriptor");
	put_desc(r, TABLE, 0, BUFFERS, 1, NEXT, 1);
	refuse_indirect(r, TABLE, 16, 0, "a descriptor's index is out of range");
	mv_queue_reset(&r->q);
	r->avail = 0;
	enable(r, SIZE);
	r->q.indirect = false;
	expect_broken(r, "an indirect descriptor was not negotiated");
}

/* A guest that changes descriptors all the time gets chains of one kind or the other, or a broken queue; never a
 * segment that was not checked. */
struct changer {
	struct rig *r;
	bool stop;
};

static void *change_descriptors(void *opaque)
{
	struct changer *x = opaque;
	uint32_t *desc0 = (uint32_t *)(void *)at(x->r, DESC);

	for (unsigned n = 0; !__atomic_load_n(&x->stop, __ATOMIC_RELAXED); n++) {
		__atomic_store_n(&desc0[0], n & 1 ? BUFFERS : (uint32_t)LOW - 0x100, __ATOMIC_RELAXED);
		__atomic_store_n(&desc0[2], n & 1 ? 0x10000 : 0x100, __ATOMIC_RELAXED);
	}
	return NULL;
}

#if defined(__SANITIZE_THREAD__)
__attribute__((no_sanitize("thread"))) /* the race is the point */
#endif
static void
test_changing_descriptors(void **state)
{
	struct changer x = { .r = *state };
	const uint8_t *low = x.r->memory.regions[0].host;
	pthread_t thread;
	struct mv_chain c;

	enable(x.r, SIZE);
	desc(x.r, 0, BUFFERS, 0x100, WRITE, 0);
	assert_int_equal(pthread_create(&thread, NULL, change_descriptors, &x), 0);
	for (unsigned n = 0; n < 100000; n++) {
		make_available(x.r, 0);
		if (mv_queue_pop(&x.r->q, &c) < 0) {
			assert_string_equal(x.r->q.why, "a buffer lies outside memory");
			x.r->q.broken = false;
			mv_queue_pop(&x.r->q, &c);
			x.r->q.broken = false;
			x.r->q.last_avail = x.r->avail;
			continue;
		}
		for (unsigned i = 0; i < c.writable; i++) {
			const uint8_t *base = c.iov[i].iov_base;

			assert_true(base >= low && base + c.iov[i].iov_len <= low + LOW);
		}
	}
	__atomic_store_n(&x.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* ---- save and restore ---- */

static void save_and_load(struct rig *r, struct mv_queue *to, int result)
{
	mv_auto(mv_state) saver = NULL;
	mv_auto(mv_state) loader = NULL;
	const void *body;
	size_t size;

	assert_int_equal(mv_state_saver("queue", 1, &saver, NULL), 0);
	mv_queue_state(&r->q, saver, 100);
	assert_int_equal(mv_state_finish(saver, NULL), 0);
	body = mv_state_body(saver, &size);
	assert_int_equal(mv_queue_init(to, &r->memory, SIZE, NULL), 0);
	assert_int_equal(mv_state_loader("queue", 1, body, size, &loader, NULL), 0);
	mv_queue_state(to, loader, 100);
	assert_int_equal(mv_state_finish(loader, NULL), result);
}

static void test_state(void **state)
{
	struct rig *r = *state;
	struct mv_queue to;
	struct mv_chain c;

	enable(r, SIZE);
	for (unsigned i = 0; i < 5; i++)
		push_one(r);
	make_available(r, 0);
	r->q.vector = 3;
	save_and_load(r, &to, 0);
	assert_int_equal(to.vector, 3);
	assert_int_equal(mv_queue_pop(&to, &c), 1);
	mv_queue_push(&to, 0, 77);
	assert_int_equal(used_index(r), 6);
	expect_used(r, 5, 0, 77);
	mv_queue_release(&to);
}

static void test_state_of_broken_queue(void **state)
{
	struct rig *r = *state;
	struct mv_queue to;
	struct mv_chain c;

	enable(r, SIZE);
	make_available(r, SIZE);
	assert_int_equal(mv_queue_pop(&r->q, &c), -1);
	save_and_load(r, &to, 0);
	assert_true(to.broken);
	assert_int_equal(mv_queue_pop(&to, &c), -1);
	mv_queue_release(&to);
	/* One that never was good loads as broken, too. */
	refuse_rings(r, SIZE, LOW, AVAIL, USED);
	save_and_load(r, &to, 0);
	assert_true(to.broken);
	mv_queue_release(&to);
}

/* A file that says the queue was good, with rings outside of memory, is refused. */
static void test_state_that_cannot_be(void **state)
{
	struct rig *r = *state;
	struct mv_queue to;

	enable(r, SIZE);
	r->q.used = LOW;
	save_and_load(r, &to, -1);
	mv_queue_release(&to);
	r->q.used = USED;
	r->q.size = 2 * SIZE; /* more than that device has */
	save_and_load(r, &to, -1);
	mv_queue_release(&to);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_chain),
		CASE(test_unpop),
		CASE(test_fill_and_flush),
		CASE(test_indexes_wrap),
		CASE(test_indirect),
		CASE(test_longest_chains),
		CASE(test_empty_buffers),
		CASE(test_smallest_queue),
		CASE(test_interrupt_flag),
		CASE(test_interrupt_event_index),
		CASE(test_notify_wishes),
		CASE(test_ring_places),
		CASE(test_ring_sizes),
		CASE(test_overlapping_rings),
		CASE(test_index_runs_away),
		CASE(test_head_out_of_range),
		CASE(test_next_out_of_range),
		CASE(test_loop),
		CASE(test_loop_of_empty_buffers),
		CASE(test_very_long_indirect_chain),
		CASE(test_order),
		CASE(test_buffers_outside),
		CASE(test_longer_than_4_gib),
		CASE(test_bad_indirect),
		CASE(test_changing_descriptors),
		CASE(test_state),
		CASE(test_state_of_broken_queue),
		CASE(test_state_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
