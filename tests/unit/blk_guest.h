/* The guest's side of a block device's queue, for tests and fuzzing: a ring made by hand in guest memory. */
#ifndef MV_TESTS_UNIT_BLK_GUEST_H
#define MV_TESTS_UNIT_BLK_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/vmm/memory.h"

#define BLK_RING_SPACE 0x10000 /* guest memory for one ring */
#define BLK_RING_AVAIL 0x8000
#define BLK_RING_USED 0xc000

#define BLK_IN 0
#define BLK_OUT 1
#define BLK_FLUSH 4
#define BLK_GET_ID 8
#define BLK_DISCARD 11
#define BLK_WRITE_ZEROES 13
#define BLK_OK 0
#define BLK_IOERR 1
#define BLK_UNSUPP 2
#define BLK_NO_STATUS 0xff

struct blk_segment {
	uint64_t gpa;
	uint32_t len;
	bool writable;
};

struct blk_ring {
	const struct mv_memory *memory;
	uint64_t base;
	uint16_t size;
	uint16_t avail;     /* entries given to the device */
	uint16_t seen;      /* entries taken back */
	uint16_t next_desc; /* descriptors are used one after the other, and again from the first */
};

static inline uint8_t *blk_memory(const struct mv_memory *memory, uint64_t gpa)
{
	return mv_memory_ptr(memory, gpa, 1);
}

static inline void blk_ring_init(struct blk_ring *r, const struct mv_memory *memory, uint64_t base, uint16_t size)
{
	*r = (struct blk_ring){ .memory = memory, .base = base, .size = size };
	memset(blk_memory(memory, base), 0, BLK_RING_SPACE);
}

/* Makes a chain available; returns its head. */
static inline uint16_t blk_ring_add(struct blk_ring *r, const struct blk_segment *segments, unsigned count)
{
	uint8_t *desc = blk_memory(r->memory, r->base);
	uint8_t *avail = blk_memory(r->memory, r->base + BLK_RING_AVAIL);
	uint16_t head = r->next_desc;

	for (unsigned i = 0; i < count; i++) {
		uint8_t *d = desc + (size_t)r->next_desc * 16;

		r->next_desc = (uint16_t)((r->next_desc + 1) & (r->size - 1));
		mv_put_le64(d, segments[i].gpa);
		mv_put_le32(d + 8, segments[i].len);
		mv_put_le16(d + 12, (uint16_t)((segments[i].writable ? 2 : 0) | (i + 1 < count ? 1 : 0)));
		mv_put_le16(d + 14, r->next_desc);
	}
	mv_put_le16(avail + 4 + 2 * (size_t)(r->avail & (r->size - 1)), head);
	r->avail++;
	__atomic_store_n((uint16_t *)(void *)(avail + 2), htole16(r->avail), __ATOMIC_RELEASE);
	return head;
}

/* Takes back one used chain; false: there is none. */
static inline bool blk_ring_take(struct blk_ring *r, uint32_t *head, uint32_t *written)
{
	const uint8_t *used = blk_memory(r->memory, r->base + BLK_RING_USED);
	const uint8_t *entry = used + 4 + 8 * (size_t)(r->seen & (r->size - 1));

	if (r->seen == le16toh(__atomic_load_n((const uint16_t *)(const void *)(used + 2), __ATOMIC_ACQUIRE)))
		return false;
	*head = mv_get_le32(entry);
	*written = mv_get_le32(entry + 4);
	r->seen++;
	return true;
}

/* With event indexes: asks for an interrupt at the next used chain. Look again afterwards. */
static inline void blk_ring_want_interrupt(struct blk_ring *r)
{
	uint8_t *avail = blk_memory(r->memory, r->base + BLK_RING_AVAIL);

	__atomic_store_n((uint16_t *)(void *)(avail + 4 + 2 * (size_t)r->size), htole16(r->seen), __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void blk_put_header(const struct mv_memory *memory, uint64_t gpa, uint32_t type, uint64_t sector)
{
	uint8_t *p = blk_memory(memory, gpa);

	mv_put_le32(p, type);
	mv_put_le32(p + 4, 0);
	mv_put_le64(p + 8, sector);
}

static inline void blk_put_range(const struct mv_memory *memory, uint64_t gpa, uint64_t sector, uint32_t sectors,
				 uint32_t flags)
{
	uint8_t *p = blk_memory(memory, gpa);

	mv_put_le64(p, sector);
	mv_put_le32(p + 8, sectors);
	mv_put_le32(p + 12, flags);
}

#endif
