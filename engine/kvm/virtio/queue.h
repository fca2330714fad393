/* A split virtqueue, seen from the device: take descriptor chains, give them back. Devices touch no ring; barriers and
 * all checks of what the guest wrote live in queue.c. Not thread-safe: one thread (the device's) uses a queue.
 * Source: Virtual I/O Device (VIRTIO) 1.2, section 2.7. */
#ifndef MV_KVM_VIRTIO_QUEUE_H
#define MV_KVM_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "engine/base/error.h"
#include "engine/kvm/common/state.h"
#include "engine/kvm/vmm/memory.h"

#define MV_QUEUE_MAX_SIZE 1024
#define MV_QUEUE_NO_VECTOR 0xffff

/* One chain. Segments that the device reads come first, then those that it writes. All lie in guest RAM, none is empty
 * (a chain of empty descriptors has no segment at all). A segment that crosses from one RAM region into another is
 * refused. The guest may change the bytes at any moment: copy before checking. */
struct mv_chain {
	uint16_t head;
	unsigned readable; /* count of iov[0..readable) */
	unsigned writable; /* count of iov[readable..readable+writable) */
	uint64_t readable_bytes;
	uint64_t writable_bytes;
	struct iovec *iov; /* points into the queue's own array: valid until the next mv_queue_pop() of this queue */
};

struct mv_queue {
	const struct mv_memory *memory;
	uint16_t max_size;
	/* Set by the transport while the queue is not enabled; vector also later, so read it with mv_virtio_interrupt()
	 * only. */
	uint16_t size;
	bool enabled;
	uint64_t desc, avail, used; /* guest-physical */
	uint16_t vector;            /* MSI-X vector, 0xffff: none */
	/* Progress. */
	uint16_t last_avail;        /* next entry of the available ring to take */
	uint16_t used_index;        /* next entry of the used ring to fill */
	uint16_t signalled_used;    /* used_index at the last mv_queue_wants_interrupt() */
	bool signalled_valid;       /* false: unknown (vhost had the queue), the next call says yes */
	bool event_index, indirect; /* negotiated features */
	bool broken;                /* the guest broke the rules: nothing more is taken; see why */
	const char *why;            /* the end of a sentence: "a buffer lies outside memory" */
	struct iovec *iov;          /* max_size + 2 entries */
	/* Host addresses of the three parts, checked when the queue was enabled. */
	void *desc_ptr, *avail_ptr, *used_ptr;
};

int mv_queue_init(struct mv_queue *q, const struct mv_memory *memory, uint16_t max_size, struct mv_error **err);
void mv_queue_release(struct mv_queue *q);
void mv_queue_reset(struct mv_queue *q);
/* Checks size (power of two, at most max_size), alignment and that all parts lie in RAM. A queue that fails is broken.
 * Progress stays as it is: zero after mv_queue_reset(). */
bool mv_queue_enable(struct mv_queue *q);

/* Takes the next chain: 1: got it; 0: none (also when the queue is not enabled); -1: the queue is (now) broken. A chain
 * has at most q->size segments, and at most 4 GiB. */
int mv_queue_pop(struct mv_queue *q, struct mv_chain *chain);
/* Gives back the chain that was taken last, untaken; called again, the one before it, as long as none of them was
 * pushed. */
void mv_queue_unpop(struct mv_queue *q);
/* Returns a chain as used with `written` bytes written to its writable part. The guest sees it at once. */
void mv_queue_push(struct mv_queue *q, uint16_t head, uint32_t written);
/* Several chains become visible together (mergeable receive buffers): fill entries ahead, then flush. */
void mv_queue_fill(struct mv_queue *q, unsigned ahead, uint16_t head, uint32_t written);
void mv_queue_flush(struct mv_queue *q, unsigned count);

/* True when the guest wants an interrupt for what was pushed since the last call. */
bool mv_queue_wants_interrupt(struct mv_queue *q);
/* Asks the guest to notify (or, as a hint, not to). After enabling, look again: returns true when chains are there. */
bool mv_queue_enable_notify(struct mv_queue *q);
void mv_queue_disable_notify(struct mv_queue *q);
/* How many chains wait; 0 when broken. */
uint16_t mv_queue_waiting(struct mv_queue *q);

/* Fields of the caller's section with tags tag..tag+15. */
void mv_queue_state(struct mv_queue *q, struct mv_state *st, uint16_t tag);

/* Helpers over chains. They return the number of bytes copied, which is short when the chain is. offset counts from the
 * start of the readable (writable) part. */
size_t mv_chain_read(const struct mv_chain *c, uint64_t offset, void *buf, size_t len);
size_t mv_chain_write(const struct mv_chain *c, uint64_t offset, const void *buf, size_t len);

#endif
