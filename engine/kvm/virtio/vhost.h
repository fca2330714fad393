/* Virtqueues served by the kernel: what the vhost devices (net, vsock) have in common. The caller starts and stops the
 * kernel's worker by its own means (backend, running) between mv_vhost_start() and mv_vhost_stop(). Device's thread.
 * Source: linux/vhost.h. */
#ifndef MV_KVM_VIRTIO_VHOST_H
#define MV_KVM_VIRTIO_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"
#include "engine/kvm/virtio/virtio.h"

#define MV_VHOST_RINGS 2

struct mv_vhost;

struct mv_vhost_ring {
	struct mv_vhost *vhost;
	unsigned queue;         /* index within the device */
	int call_fd;            /* our own, where the queue has no MSI-X vector; -1: the vector's */
	struct mv_watch *watch; /* of call_fd */
};

struct mv_vhost {
	struct mv_virtio *v;
	int fd;              /* owned by the device; -1: none */
	uint64_t features;   /* what the kernel offers */
	unsigned ring_count; /* 0: not started */
	struct mv_vhost_ring rings[MV_VHOST_RINGS];
	int error_fd; /* signalled when the kernel finds a ring to be broken */
	struct mv_watch *error_watch;
};

/* Takes possession of the kernel device behind fd (borrowed) and tells it where guest memory is. `what` names it in
 * messages ("/dev/vhost-net"). Sets *features to what it offers; `needed` are those that must be among them. */
int mv_vhost_open(int fd, const char *what, const struct mv_memory *memory, uint64_t needed, uint64_t *features,
		  struct mv_error **err);
/* Gives `count` queues of v, from `first_queue` on, to the kernel; `features` are what the device's own feature set
 * means for it. All of the queues are enabled. On failure nothing is started. */
int mv_vhost_start(struct mv_vhost *h, struct mv_virtio *v, unsigned first_queue, unsigned count, uint64_t features,
		   struct mv_error **err);
/* Takes the queues back, with the progress that the kernel made. The worker must not run any more. Accepts one that was
 * not started. */
void mv_vhost_stop(struct mv_vhost *h);
/* Makes the kernel look at all rings: notifications may have been missed. */
void mv_vhost_kick(struct mv_vhost *h);

#endif
