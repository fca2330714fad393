/* The requests of a virtio block device: takes chains from its queues, checks them, gives them to the image, returns
 * them with a status. Knows nothing of the transport, so that it can be driven by hand. Source: Virtual I/O Device
 * (VIRTIO) 1.2, section 5.2.6. */
#ifndef MV_KVM_VIRTIO_BLK_REQUEST_H
#define MV_KVM_VIRTIO_BLK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/image/image.h"
#include "engine/kvm/virtio/queue.h"

#define MV_BLK_SECTOR 512
#define MV_BLK_SERIAL_SIZE 20
#define MV_BLK_MAX_RANGES 16                /* of one discard or write zeroes request */
#define MV_BLK_MAX_RANGE_SECTORS (1U << 22) /* of one range: 2 GiB */

/* Through the page cache, so many bytes are taken at once at most: they are copied there and then, and the guest should
 * hear of the first before the last is copied. */
#define MV_BLK_BURST (1U << 20)

struct mv_blk_slot;

/* Written by the device's thread, read by any, with relaxed atomics. */
struct mv_blk_stats {
	uint64_t read_requests, read_bytes;
	uint64_t write_requests, write_bytes;
	uint64_t flush_requests;
	uint64_t discard_requests, discard_bytes;
	uint64_t errors;
};

/* All on the device's thread. */
struct mv_blk_disk {
	/* Set by the device. */
	struct mv_image *image;
	struct mv_queue *queues; /* at most 64; bits below are their numbers */
	bool discard;
	bool durable;  /* every write is durable when it completes */
	bool no_flush; /* flushes are answered without doing anything */
	bool dropping; /* chains in flight are forgotten when they complete: the device is being reset */
	char serial[MV_BLK_SERIAL_SIZE]; /* padded with zeros */
	/* A request failed for a reason that is not the guest's fault. sector: where it began; 0 for flushes. */
	void (*failed)(void *opaque, enum mv_image_op op, uint64_t sector, int errnum);
	void *opaque;

	uint64_t dirty; /* queues to which chains were returned; cleared by the device when it has interrupted */
	uint64_t retry; /* queues to look at again: what was lacking, slots or time, is there; cleared by the device */
	uint64_t starved; /* queues that wait for a slot */
	uint64_t burst;   /* bytes taken by this mv_blk_take() */
	struct mv_blk_stats stats;

	struct mv_blk_slot *slots;
	unsigned slot_count;
	unsigned fresh; /* slots from here on were never used, so that their memory need not be touched */
	struct mv_blk_slot *free_slots;
};

/* count: how many requests can be in flight. The rest of *d must have been zeroed. */
int mv_blk_disk_init(struct mv_blk_disk *d, unsigned count, struct mv_error **err);
void mv_blk_disk_release(struct mv_blk_disk *d); /* accepts one that was only zeroed */

/* Takes and starts all requests that wait in a queue. Bits in dirty, retry and starved may be set. -1: the guest broke
 * the rules, *why (static) says how, and the device needs a reset. */
int mv_blk_take(struct mv_blk_disk *d, unsigned queue, const char **why);

#endif
