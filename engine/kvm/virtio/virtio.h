/* A virtio device over PCI (modern only). The transport (virtio_pci.c) implements status, features, queue set-up and
 * interrupts; a device implements this table. Everything of a device runs on one thread, the thread of its loop: the
 * main loop, or an I/O thread of its own. So devices need no locks. */
#ifndef MV_KVM_VIRTIO_VIRTIO_H
#define MV_KVM_VIRTIO_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"
#include "engine/kvm/common/state.h"
#include "engine/kvm/dev/dev.h"
#include "engine/kvm/dev/pci.h"
#include "engine/kvm/virtio/queue.h"

#define MV_VIRTIO_F_INDIRECT_DESC 28
#define MV_VIRTIO_F_EVENT_IDX 29
#define MV_VIRTIO_F_VERSION_1 32

struct mv_virtio;

/* All slots mandatory unless noted; all on the device's thread. */
struct mv_virtio_ops {
	uint16_t device_id;  /* virtio device id: 1 net, 2 block, ... */
	uint32_t class_code; /* PCI */
	size_t config_size;  /* of the device-specific configuration */
	/* The guest reads configuration bytes: fill buf, which holds zeros. offset+len <= config_size. */
	void (*config_read)(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len);
	/* Optional: NULL means that nothing is writable. */
	void (*config_write)(struct mv_virtio *v, uint32_t offset, const void *buf, unsigned len);
	/* DRIVER_OK: v->features and the queues are set. Also after state() loaded an active device; pause follows then
	 * at once, before the loop runs. On -1 the device needs reset: a failed activate leaves nothing that works. */
	int (*activate)(struct mv_virtio *v, struct mv_error **err);
	/* Stops all work and forgets everything negotiated, a pause too; nothing touches guest memory afterwards. Also
	 * when not active. */
	void (*reset)(struct mv_virtio *v);
	/* The guest notified queue `index`. Optional: a device that polls mv_virtio_kick_fd() by itself (io_uring,
	 * vhost) has none. */
	void (*notify)(struct mv_virtio *v, unsigned index);
	/* Optional: pause returns when no request is in flight and nothing touches guest memory; resume goes on (it
	 * must look at the queues: notifications may have been missed). Only called while active. A device with notify
	 * has it called for every queue after resume, and never while paused. */
	void (*pause)(struct mv_virtio *v);
	void (*resume)(struct mv_virtio *v);
	/* The device's own fields, tags 1000 to 9999. Optional. When loading, v->features is set and the queues are
	 * not. */
	void (*state)(struct mv_virtio *v, struct mv_state *st);
};

struct mv_virtio {
	struct mv_dev dev; /* first */
	struct mv_pci_fn pci;
	const struct mv_virtio_ops *ops;
	struct mv_loop *loop; /* the device's thread */
	bool own_loop;        /* an I/O thread of its own, made and joined by the transport */
	uint64_t offered;     /* features, set by the device before mv_virtio_init() */
	uint64_t features;    /* negotiated */
	uint8_t status;
	bool active; /* between activate and reset */
	bool paused;
	struct mv_queue *queues;
	unsigned queue_count;
	struct mv_virtio_transport *transport; /* private to the transport */
};

/* For a device's create(), after which ops->reset must work: v->offered set (VERSION_1, EVENT_IDX and INDIRECT_DESC are
 * added). own_thread: an I/O thread named after the device's id. sizes: max size of each queue. */
int mv_virtio_init(struct mv_virtio *v, const struct mv_virtio_ops *ops, unsigned slot, bool own_thread,
		   unsigned queue_count, const uint16_t *sizes, struct mv_error **err);
/* For destroy(): resets the device, joins its thread. Accepts one that was not initialised. */
void mv_virtio_release(struct mv_virtio *v);
/* For the slots of mv_dev_ops with the same names. */
void mv_virtio_dev_reset(struct mv_dev *d);
void mv_virtio_dev_pause(struct mv_dev *d);
void mv_virtio_dev_resume(struct mv_dev *d);
int mv_virtio_dev_state(struct mv_dev *d, struct mv_state *st, struct mv_error **err);

static inline bool mv_virtio_has(const struct mv_virtio *v, unsigned feature)
{
	return v->features >> feature & 1;
}

/* Interrupts the guest for this queue if it wants to know (mv_queue_wants_interrupt). Device's thread. */
void mv_virtio_interrupt(struct mv_virtio *v, unsigned queue);
/* The same for a device that has its own way to write to an eventfd: the one it must write to now, or -1 when the guest
 * does not want to know or has been interrupted by this call. Device's thread. */
int mv_virtio_interrupt_fd(struct mv_virtio *v, unsigned queue);
/* The configuration changed: new generation, interrupt. Device's thread. */
void mv_virtio_config_changed(struct mv_virtio *v);
/* The guest broke the rules (or a queue is broken): DEVICE_NEEDS_RESET, configuration interrupt, event with the reason.
 * The device takes nothing more until reset. Device's thread. */
void mv_virtio_needs_reset(struct mv_virtio *v, const char *why);
/* Has the loop call ops->notify for this queue again, after whatever else waits: for a device that bounds what it does
 * in one call. Any thread. */
void mv_virtio_notify_again(struct mv_virtio *v, unsigned queue);
/* The eventfd that the guest's notification of this queue signals; the same for the device's whole life. */
int mv_virtio_kick_fd(struct mv_virtio *v, unsigned queue);
/* The eventfd that interrupts for this queue, for vhost; -1 when MSI-X is not used for it. */
int mv_virtio_call_fd(struct mv_virtio *v, unsigned queue);

#endif
