/* The guest's side of a network device, for tests and fuzzing: rings made by hand in guest memory, a socket in the
 * tap's place. The device's functions are called on its own thread, one at a time, so what a test sees is settled. */
#ifndef MV_TESTS_UNIT_NET_GUEST_H
#define MV_TESTS_UNIT_NET_GUEST_H

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/devices.h"
#include "engine/kvm/virtio/net.h"
#include "engine/kvm/virtio/virtio_pci.h"

#define RING_SPACE 0x10000 /* guest memory for one ring: descriptors, available, used */
#define RING_AVAIL 0x8000
#define RING_USED 0xc000
#define RING_BUFFERS 0x800000 /* where buffers are put */

struct ring {
	struct mv_memory *memory;
	struct mv_queue *q;
	uint16_t avail;     /* entries given to the device */
	uint16_t seen;      /* entries taken back */
	uint16_t next_desc; /* descriptors are used one after the other, and again from the first */
};

struct segment {
	uint64_t gpa;
	uint32_t len;
	bool writable;
};

static inline uint8_t *guest_bytes(struct mv_memory *memory, uint64_t gpa)
{
	return mv_memory_ptr(memory, gpa, 1);
}

static inline void ring_init(struct ring *r, struct mv_memory *memory, struct mv_queue *q, unsigned index,
			     uint16_t size)
{
	uint64_t base = (uint64_t)(index + 1) * RING_SPACE;

	memset(guest_bytes(memory, base), 0, RING_SPACE);
	*r = (struct ring){ .memory = memory, .q = q };
	q->size = size;
	q->desc = base;
	q->avail = base + RING_AVAIL;
	q->used = base + RING_USED;
	mv_queue_enable(q);
}

/* Makes a chain available; returns its head. */
static inline uint16_t ring_add(struct ring *r, const struct segment *segments, unsigned count)
{
	uint8_t *desc = guest_bytes(r->memory, r->q->desc), *avail = guest_bytes(r->memory, r->q->avail);
	uint16_t head = r->next_desc;

	for (unsigned i = 0; i < count; i++) {
		uint8_t *d = desc + (size_t)r->next_desc * 16;

		r->next_desc = (uint16_t)((r->next_desc + 1) & (r->q->size - 1));
		mv_put_le64(d, segments[i].gpa);
		mv_put_le32(d + 8, segments[i].len);
		mv_put_le16(d + 12, (segments[i].writable ? 2 : 0) | (i + 1 < count ? 1 : 0));
		mv_put_le16(d + 14, r->next_desc);
	}
	mv_put_le16(avail + 4 + 2 * (size_t)(r->avail & (r->q->size - 1)), head);
	__atomic_store_n((uint16_t *)(void *)(avail + 2), ++r->avail, __ATOMIC_RELEASE);
	return head;
}

static inline uint16_t ring_used_index(const struct ring *r)
{
	return __atomic_load_n((uint16_t *)(void *)(guest_bytes(r->memory, r->q->used) + 2), __ATOMIC_ACQUIRE);
}

/* Takes back one used chain; false: there is none. */
static inline bool ring_take(struct ring *r, uint32_t *head, uint32_t *written)
{
	const uint8_t *entry;

	*head = *written = 0;
	if (r->seen == ring_used_index(r))
		return false;
	entry = guest_bytes(r->memory, r->q->used) + 4 + 8 * (size_t)(r->seen & (r->q->size - 1));
	*head = mv_get_le32(entry);
	*written = mv_get_le32(entry + 4);
	r->seen++;
	return true;
}

/* --- the device ------------------------------------------------------------------------------------------------- */

static inline int socket_prepare(int fd, const char *id, unsigned pair, unsigned pairs, struct mv_error **err)
{
	(void)id;
	(void)pair;
	(void)pairs;
	(void)err;
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static inline uint64_t socket_features(int fd)
{
	(void)fd;
	return MV_NET_GUEST_OFFLOADS | MV_NET_HOST_OFFLOADS;
}

static inline int socket_set_offloads(int fd, uint64_t offloads)
{
	(void)fd;
	(void)offloads;
	return 0;
}

static inline int socket_set_queue(int fd, bool on)
{
	(void)fd;
	(void)on;
	return 0;
}

static const struct mv_net_backend socket_backend = {
	.prepare = socket_prepare,
	.features = socket_features,
	.set_offloads = socket_set_offloads,
	.set_queue = socket_set_queue,
};

static inline int socket_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	((struct mv_net *)d)->backend = &socket_backend;
	return mv_net_dev_ops.create(d, spec, err);
}

/* The network device's operations, with sockets for taps. */
static inline struct mv_dev_ops socket_net_ops(void)
{
	struct mv_dev_ops ops = mv_net_dev_ops;

	ops.create = socket_create;
	return ops;
}

struct net_call {
	struct mv_virtio *v;
	unsigned queue;
	uint64_t features;
};

/* The driver's way to FEATURES_OK, after which the queues can be set up. */
static inline void call_negotiate(void *opaque)
{
	struct net_call *c = opaque;

	c->v->transport->driver_features = c->features;
	mv_virtio_set_status(c->v, 0xb);
}

static inline void call_activate(void *opaque)
{
	struct net_call *c = opaque;

	mv_virtio_set_status(c->v, 0xf);
}

static inline void call_reset(void *opaque)
{
	struct net_call *c = opaque;

	mv_virtio_set_status(c->v, 0);
}

static inline void call_notify(void *opaque)
{
	struct net_call *c = opaque;

	c->v->ops->notify(c->v, c->queue);
}

static inline void net_call(struct mv_net *n, mv_loop_fn fn, unsigned queue)
{
	struct net_call c = { .v = &n->v, .queue = queue };

	mv_loop_call(n->v.loop, fn, &c);
}

static inline void net_negotiate(struct mv_net *n, uint64_t features)
{
	struct net_call c = { .v = &n->v, .features = features };

	mv_loop_call(n->v.loop, call_negotiate, &c);
}

static inline void call_link(void *opaque)
{
	struct net_call *c = opaque;
	uint8_t status[2];

	c->v->ops->config_read(c->v, 6, status, sizeof(status));
	c->queue = mv_get_le16(status) & 1;
}

/* The link's state as the guest reads it. */
static inline bool net_link_up(struct mv_net *n)
{
	struct net_call c = { .v = &n->v };

	mv_loop_call(n->v.loop, call_link, &c);
	return c.queue;
}

static inline void net_sync_fn(void *opaque)
{
	(void)opaque;
}

/* Returns when the device's thread has done what was posted to it before. */
static inline void net_sync(struct mv_net *n)
{
	mv_loop_call(n->v.loop, net_sync_fn, NULL);
}

#endif
