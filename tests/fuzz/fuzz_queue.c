/* The virtqueue, with a guest that writes anything anywhere into its memory between the device's calls.
 *
 * Input: 1 byte size of the queue (as a shift) and flags, 3 x 2 bytes places of its parts, 2 bytes length of guest
 * memory's first contents and these, then operations until the end: a byte each, some with arguments. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/virtio/queue.h"

#define LOW 0x10000
#define HIGH 0x1000
#define QUEUE_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take8(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static uint16_t take16(struct input *in)
{
	uint16_t low = take8(in);

	return (uint16_t)(low | take8(in) << 8);
}

/* What must hold, whatever the guest did. */
static void require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static bool in_memory(const struct mv_memory *m, const struct iovec *iov)
{
	const uint8_t *base = iov->iov_base;

	for (unsigned i = 0; i < m->region_count; i++)
		if (base >= m->regions[i].host && base < m->regions[i].host + m->regions[i].size)
			return iov->iov_len && iov->iov_len <= (size_t)(m->regions[i].host + m->regions[i].size - base);
	return false;
}

static void check_chain(const struct mv_queue *q, const struct mv_chain *c)
{
	uint64_t bytes = 0;

	require(c->head < q->size && c->readable + c->writable <= q->size);
	for (unsigned i = 0; i < c->readable + c->writable; i++) {
		require(in_memory(q->memory, &c->iov[i]));
		bytes += c->iov[i].iov_len;
	}
	require(bytes == c->readable_bytes + c->writable_bytes && bytes <= UINT64_C(1) << 32);
}

static void use_chain(struct mv_queue *q, const struct mv_chain *c, uint8_t how)
{
	uint8_t text[64];
	size_t n = mv_chain_read(c, how, text, sizeof(text));

	require(n <= sizeof(text) && n <= c->readable_bytes);
	memset(text + n, how, sizeof(text) - n);
	n = mv_chain_write(c, how, text, sizeof(text));
	require(n <= c->writable_bytes);
	if (how & 1)
		mv_queue_push(q, c->head, (uint32_t)n);
	else if (how & 2)
		mv_queue_fill(q, how >> 2 & 3, c->head, (uint32_t)n);
	else if (how & 4)
		mv_queue_unpop(q);
}

static void pop(struct mv_queue *q, uint8_t how)
{
	struct mv_chain c;
	int rc = mv_queue_pop(q, &c);

	if (rc == 1) {
		check_chain(q, &c);
		use_chain(q, &c, how);
	}
	require(rc >= 0 ? !q->broken : q->broken && q->why);
}

/* Through a saved image into a queue of the same kind, which then goes on. */
static void save_and_load(struct mv_queue *q)
{
	struct mv_state *saver, *loader;
	const void *body;
	size_t size;

	if (mv_state_saver("queue", 1, &saver, NULL) < 0)
		return;
	mv_queue_state(q, saver, 1);
	body = mv_state_body(saver, &size);
	if (mv_state_loader("queue", 1, body, size, &loader, NULL) == 0) {
		bool event_index = q->event_index, indirect = q->indirect, broken = q->broken;

		mv_queue_reset(q);
		mv_queue_state(q, loader, 1);
		require(mv_state_finish(loader, NULL) == 0 && q->broken == broken);
		q->event_index = event_index;
		q->indirect = indirect;
		mv_state_free(loader);
	}
	mv_state_free(saver);
}

static void operate(struct mv_queue *q, struct input *in)
{
	uint8_t op = take8(in);
	uint16_t at;
	uint8_t *p;

	switch (op & 7) {
	case 0: /* the guest writes */
		at = take16(in);
		p = mv_memory_ptr(q->memory, at, 2);
		if (p)
			mv_put_le16(p, take16(in));
		break;
	case 1: /* the guest makes chains available */
		p = mv_memory_ptr(q->memory, q->avail + 2, 2);
		if (p)
			mv_put_le16(p, (uint16_t)(mv_get_le16(p) + (op >> 3)));
		break;
	case 2: mv_queue_flush(q, op >> 3); break;
	case 3: require(mv_queue_waiting(q) <= q->size); break;
	case 4: mv_queue_wants_interrupt(q); break;
	case 5:
		if (op & 8)
			mv_queue_enable_notify(q);
		else
			mv_queue_disable_notify(q);
		break;
	case 6:
		if (op & 8)
			save_and_load(q);
		break;
	default: pop(q, op >> 3); break;
	}
}

static void run(struct mv_queue *q, struct mv_memory *m, struct input *in)
{
	uint8_t head = take8(in);
	uint16_t contents;

	q->size = (uint16_t)(1u << (head & 7));
	q->event_index = head & 0x10;
	q->indirect = head & 0x20;
	q->desc = take16(in);
	q->avail = take16(in);
	q->used = take16(in);
	if (head & 0x40)
		q->used += MV_HIGH_RAM_BASE;
	contents = take16(in);
	if (contents > in->size)
		contents = (uint16_t)in->size;
	memcpy(m->regions[0].host, in->data, contents);
	in->data += contents;
	in->size -= contents;
	mv_queue_enable(q);
	while (in->size)
		operate(q, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Allocated, so that the sanitizer sees a byte too far. */
	struct mv_memory m = {
		.regions = { { .gpa = 0, .size = LOW, .host = calloc(1, LOW) },
			     { .gpa = MV_HIGH_RAM_BASE, .size = HIGH, .host = calloc(1, HIGH) } },
		.region_count = 2,
		.size = LOW + HIGH,
		.fd = -1,
	};
	struct input in = { .data = data, .size = size };
	struct mv_queue q;

	if (m.regions[0].host && m.regions[1].host && mv_queue_init(&q, &m, QUEUE_MAX, NULL) == 0) {
		run(&q, &m, &in);
		mv_queue_release(&q);
	}
	free(m.regions[0].host);
	free(m.regions[1].host);
	return 0;
}
