#include "engine/kvm/virtio/queue.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"

#define DESC_SIZE 16
#define DESC_F_NEXT 1
#define DESC_F_WRITE 2
#define DESC_F_INDIRECT 4
#define DESC_ALIGN 16
#define AVAIL_ALIGN 2
#define USED_ALIGN 4
#define AVAIL_F_NO_INTERRUPT 1
#define USED_F_NO_NOTIFY 1
#define MAX_CHAIN_BYTES (UINT64_C(1) << 32)

/* A descriptor, copied out of guest memory. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* Layout of the rings, both with one more word at their end (the event indexes). All fields are little-endian. */
static uint16_t *avail_flags(const struct mv_queue *q)
{
	return q->avail_ptr;
}

static uint16_t *avail_index(const struct mv_queue *q)
{
	return (uint16_t *)q->avail_ptr + 1;
}

static uint16_t *avail_entry(const struct mv_queue *q, uint16_t index)
{
	return (uint16_t *)q->avail_ptr + 2 + (index & (q->size - 1));
}

static uint16_t *used_event(const struct mv_queue *q)
{
	return (uint16_t *)q->avail_ptr + 2 + q->size;
}

static uint16_t *used_flags(const struct mv_queue *q)
{
	return q->used_ptr;
}

static uint16_t *used_index(const struct mv_queue *q)
{
	return (uint16_t *)q->used_ptr + 1;
}

static uint32_t *used_entry(const struct mv_queue *q, uint16_t index)
{
	return (uint32_t *)q->used_ptr + 1 + 2 * (index & (q->size - 1));
}

static uint16_t *avail_event(const struct mv_queue *q)
{
	return (uint16_t *)(used_entry(q, 0) + 2 * q->size);
}

/* The guest may write at any moment: each field is loaded, and stored, exactly once. */
static uint16_t load16(const uint16_t *p)
{
	return le16toh(__atomic_load_n(p, __ATOMIC_RELAXED));
}

static void store16(uint16_t *p, uint16_t value)
{
	__atomic_store_n(p, htole16(value), __ATOMIC_RELAXED);
}

static void store32(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, htole32(value), __ATOMIC_RELAXED);
}

/* ---- set-up ---- */

int mv_queue_init(struct mv_queue *q, const struct mv_memory *memory, uint16_t max_size, struct mv_error **err)
{
	*q = (struct mv_queue){ .memory = memory, .max_size = max_size };
	q->iov = calloc(max_size + 2u, sizeof(*q->iov));
	if (!q->iov)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a queue of %u descriptors.", max_size);
	mv_queue_reset(q);
	return 0;
}

void mv_queue_release(struct mv_queue *q)
{
	free(q->iov);
	q->iov = NULL;
}

void mv_queue_reset(struct mv_queue *q)
{
	*q = (struct mv_queue){
		.memory = q->memory,
		.max_size = q->max_size,
		.size = q->max_size,
		.vector = MV_QUEUE_NO_VECTOR,
		.signalled_valid = true,
		.iov = q->iov,
	};
}

static int break_queue(struct mv_queue *q, const char *why)
{
	if (!q->broken)
		q->why = why;
	q->broken = true;
	return -1;
}

static void *part(struct mv_queue *q, uint64_t address, uint64_t len, uint64_t align)
{
	return address % align ? NULL : mv_memory_ptr(q->memory, address, len);
}

bool mv_queue_enable(struct mv_queue *q)
{
	unsigned size = q->size;

	q->enabled = true;
	if (!size || size & (size - 1) || size > q->max_size)
		return break_queue(q, "its queue's size is no power of two or larger than offered") == 0;
	q->desc_ptr = part(q, q->desc, (uint64_t)DESC_SIZE * size, DESC_ALIGN);
	q->avail_ptr = part(q, q->avail, 6 + 2 * size, AVAIL_ALIGN);
	q->used_ptr = part(q, q->used, 6 + 8 * size, USED_ALIGN);
	if (!q->desc_ptr || !q->avail_ptr || !q->used_ptr) {
		q->desc_ptr = q->avail_ptr = q->used_ptr = NULL;
		return break_queue(q, "a part of its queue is misaligned or outside memory") == 0;
	}
	return true;
}

/* ---- taking chains ---- */

/* What is checked afterwards is what is used: a descriptor is copied once. An indirect table may have any alignment,
 * for which there are no atomic loads; the barrier makes the compiler keep that copy. */
static struct desc copy_desc(const uint8_t *table, unsigned index)
{
	const uint8_t *from = table + (size_t)index * DESC_SIZE;
	uint64_t raw[2];

	if ((uintptr_t)from % sizeof(raw[0]) == 0) {
		raw[0] = __atomic_load_n((const uint64_t *)(const void *)from, __ATOMIC_RELAXED);
		raw[1] = __atomic_load_n((const uint64_t *)(const void *)from + 1, __ATOMIC_RELAXED);
	} else {
		memcpy(raw, from, sizeof(raw));
		__asm__ volatile("" ::: "memory");
	}
	raw[1] = le64toh(raw[1]);
	return (struct desc){
		.addr = le64toh(raw[0]),
		.len = (uint32_t)raw[1],
		.flags = (uint16_t)(raw[1] >> 32),
		.next = (uint16_t)(raw[1] >> 48),
	};
}

/* Adds one segment. An empty one is legal (nothing in 2.7 forbids it), but nothing to work on. */
static int add_segment(struct mv_queue *q, struct mv_chain *c, const struct desc *d)
{
	bool writable = d->flags & DESC_F_WRITE;
	void *host;

	if (!writable && c->writable)
		return break_queue(q, "a buffer to read follows one to write");
	if (!d->len)
		return 0;
	host = mv_memory_ptr(q->memory, d->addr, d->len);
	if (!host)
		return break_queue(q, "a buffer lies outside memory");
	c->iov[c->readable + c->writable] = (struct iovec){ .iov_base = host, .iov_len = d->len };
	if (writable) {
		c->writable++;
		c->writable_bytes += d->len;
	} else {
		c->readable++;
		c->readable_bytes += d->len;
	}
	if (c->readable_bytes + c->writable_bytes > MAX_CHAIN_BYTES)
		return break_queue(q, "a chain is longer than 4 GiB");
	return 0;
}

/* Where a walk over descriptors is: the queue's table, then perhaps one indirect table. */
struct walk {
	const uint8_t *table;
	unsigned table_size;
	bool indirect;
};

static int enter_indirect(struct mv_queue *q, struct walk *w, const struct desc *d)
{
	if (!q->indirect)
		return break_queue(q, "an indirect descriptor was not negotiated");
	if (w->indirect)
		return break_queue(q, "an indirect table has an indirect descriptor");
	if (d->flags & DESC_F_NEXT)
		return break_queue(q, "an indirect descriptor has a next one");
	if (!d->len || d->len % DESC_SIZE)
		return break_queue(q, "an indirect table's length is no multiple of 16");
	w->table = mv_memory_ptr(q->memory, d->addr, d->len);
	if (!w->table)
		return break_queue(q, "an indirect table lies outside memory");
	w->table_size = d->len / DESC_SIZE;
	w->indirect = true;
	return 0;
}

static int walk_chain(struct mv_queue *q, struct mv_chain *c)
{
	struct walk w = { .table = q->desc_ptr, .table_size = q->size };
	unsigned index = c->head, count = 0;

	/* A chain has at most as many descriptors as the queue (2.7.5.3.1 for indirect ones), so a loop ends here too.
	 * The one that leads to an indirect table is not counted: it is the last of its kind. */
	while (count < q->size) {
		struct desc d;

		if (index >= w.table_size)
			return break_queue(q, "a descriptor's index is out of range");
		d = copy_desc(w.table, index);
		if (d.flags & DESC_F_INDIRECT) {
			if (enter_indirect(q, &w, &d) < 0)
				return -1;
			index = 0;
			continue;
		}
		if (add_segment(q, c, &d) < 0)
			return -1;
		count++;
		if (!(d.flags & DESC_F_NEXT))
			return 0;
		index = d.next;
	}
	return break_queue(q, "a chain is longer than the queue, or a loop");
}

int mv_queue_pop(struct mv_queue *q, struct mv_chain *c)
{
	uint16_t available;

	if (!q->enabled)
		return 0;
	if (q->broken)
		return -1;
	/* Acquire: the driver wrote entry and descriptors before it moved the index. */
	available = (uint16_t)(le16toh(__atomic_load_n(avail_index(q), __ATOMIC_ACQUIRE)) - q->last_avail);
	if (!available)
		return 0;
	if (available > q->size)
		return break_queue(q, "the available ring's index ran away");
	*c = (struct mv_chain){ .head = load16(avail_entry(q, q->last_avail)), .iov = q->iov };
	if (c->head >= q->size)
		return break_queue(q, "a chain's head is out of range");
	if (walk_chain(q, c) < 0)
		return -1;
	q->last_avail++;
	return 1;
}

void mv_queue_unpop(struct mv_queue *q)
{
	q->last_avail--;
}

uint16_t mv_queue_waiting(struct mv_queue *q)
{
	uint16_t available;

	if (!q->enabled || q->broken)
		return 0;
	available = (uint16_t)(le16toh(__atomic_load_n(avail_index(q), __ATOMIC_ACQUIRE)) - q->last_avail);
	/* More than that cannot be: the next mv_queue_pop() says so. */
	return available < q->size ? available : q->size;
}

/* ---- giving them back ---- */

void mv_queue_fill(struct mv_queue *q, unsigned ahead, uint16_t head, uint32_t written)
{
	uint32_t *entry;

	if (!q->used_ptr)
		return;
	entry = used_entry(q, (uint16_t)(q->used_index + ahead));
	store32(entry, head);
	store32(entry + 1, written);
}

void mv_queue_flush(struct mv_queue *q, unsigned count)
{
	if (!q->used_ptr || !count)
		return;
	q->used_index = (uint16_t)(q->used_index + count);
	/* Release: the driver that sees the index sees the entries, and the data in the buffers. */
	__atomic_store_n(used_index(q), htole16(q->used_index), __ATOMIC_RELEASE);
}

void mv_queue_push(struct mv_queue *q, uint16_t head, uint32_t written)
{
	mv_queue_fill(q, 0, head, written);
	mv_queue_flush(q, 1);
}

/* ---- notifications ---- */

bool mv_queue_wants_interrupt(struct mv_queue *q)
{
	uint16_t before = q->signalled_used, now = q->used_index;
	bool valid = q->signalled_valid;

	if (!q->used_ptr || (valid && before == now))
		return false;
	q->signalled_used = now;
	q->signalled_valid = true;
	/* A full barrier: our store of the used index must be visible before we read what the driver wants. It writes
	 * that first and reads the index afterwards, so one of us sees the other. */
	__sync_synchronize();
	if (!q->event_index)
		return !(load16(avail_flags(q)) & AVAIL_F_NO_INTERRUPT);
	/* 2.7.7.2: did the index pass the driver's mark since the last time? */
	return !valid || (uint16_t)(now - load16(used_event(q)) - 1) < (uint16_t)(now - before);
}

bool mv_queue_enable_notify(struct mv_queue *q)
{
	if (!q->used_ptr || q->broken)
		return false;
	if (q->event_index)
		store16(avail_event(q), q->last_avail);
	else
		store16(used_flags(q), 0);
	/* A full barrier, as above with the roles exchanged: what the driver added before it could see our wish is seen
	 * now. */
	__sync_synchronize();
	return mv_queue_waiting(q) != 0;
}

void mv_queue_disable_notify(struct mv_queue *q)
{
	/* With event indexes nothing has to be done: a mark that is not moved is soon behind. */
	if (q->used_ptr && !q->broken && !q->event_index)
		store16(used_flags(q), USED_F_NO_NOTIFY);
}

/* ---- save and restore ---- */

void mv_queue_state(struct mv_queue *q, struct mv_state *st, uint16_t tag)
{
	bool broken = q->broken;

	mv_state_u16(st, tag, &q->size);
	mv_state_bool(st, (uint16_t)(tag + 1), &q->enabled);
	mv_state_u64(st, (uint16_t)(tag + 2), &q->desc);
	mv_state_u64(st, (uint16_t)(tag + 3), &q->avail);
	mv_state_u64(st, (uint16_t)(tag + 4), &q->used);
	mv_state_u16(st, (uint16_t)(tag + 5), &q->vector);
	mv_state_u16(st, (uint16_t)(tag + 6), &q->last_avail);
	mv_state_u16(st, (uint16_t)(tag + 7), &q->used_index);
	mv_state_u16(st, (uint16_t)(tag + 8), &q->signalled_used);
	mv_state_bool(st, (uint16_t)(tag + 9), &q->signalled_valid);
	mv_state_bool(st, (uint16_t)(tag + 10), &broken);
	if (!mv_state_loading(st) || !mv_state_ok(st) || !q->enabled)
		return;
	if (!mv_queue_enable(q) && !broken)
		mv_state_fail(st, "A saved queue does not fit into this guest: %s.", q->why);
	else if (broken)
		break_queue(q, "it was broken when the guest was saved");
}

/* ---- chains ---- */

/* Copies between buf and the segments, starting `offset` bytes into them. */
static size_t copy(const struct iovec *iov, unsigned count, uint64_t offset, void *buf, size_t len, bool to_guest)
{
	size_t done = 0;

	for (unsigned i = 0; i < count && done < len; i++) {
		size_t n = iov[i].iov_len;
		uint8_t *guest;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		guest = (uint8_t *)iov[i].iov_base + offset;
		n -= offset;
		n = n < len - done ? n : len - done;
		if (to_guest)
			memcpy(guest, (uint8_t *)buf + done, n);
		else
			memcpy((uint8_t *)buf + done, guest, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t mv_chain_read(const struct mv_chain *c, uint64_t offset, void *buf, size_t len)
{
	return copy(c->iov, c->readable, offset, buf, len, false);
}

size_t mv_chain_write(const struct mv_chain *c, uint64_t offset, const void *buf, size_t len)
{
	/* The buffer is only read from in this direction. */
	return copy(c->iov + c->readable, c->writable, offset, (void *)(uintptr_t)buf, len, true);
}
