/* What the files of the virtio-pci transport share: virtio_pci.c (a device's life), virtio_pci_regs.c (what the guest
 * sees of it), virtio_pci_notify.c (kicks and interrupts), virtio_pci_state.c (pause, save, restore). Devices see
 * virtio.h only. Source: VIRTIO 1.2, sections 2.1 to 2.6, 3.1 and 4.1.
 *
 * Who runs where: registers that only the transport needs are handled on the vCPU's thread under `lock`; whatever the
 * device must take part in (status, enabling queues, its own configuration) goes to the device's thread by
 * mv_loop_call(), without any lock. So status, features and active change on the device's thread only. */
#ifndef MV_KVM_VIRTIO_VIRTIO_PCI_H
#define MV_KVM_VIRTIO_VIRTIO_PCI_H

#include <pthread.h>
#include <time.h>

#include "engine/kvm/virtio/virtio.h"

/* BAR 0: one page for each structure, so that the notification addresses have a page of their own. */
#define MV_VIRTIO_BAR 0
#define MV_VIRTIO_BAR_COMMON 0x0000
#define MV_VIRTIO_BAR_ISR 0x1000
#define MV_VIRTIO_BAR_DEVICE 0x2000
#define MV_VIRTIO_BAR_NOTIFY 0x3000
#define MV_VIRTIO_BAR_MSIX_TABLE 0x4000
#define MV_VIRTIO_BAR_MSIX_PBA 0x5000
#define MV_VIRTIO_BAR_SIZE 0x8000
#define MV_VIRTIO_BAR_PART 0x1000
#define MV_VIRTIO_COMMON_SIZE 0x38
#define MV_VIRTIO_NOTIFY_MULTIPLIER 4
#define MV_VIRTIO_MAX_VIRTQUEUES 255 /* and one interrupt more than that, which is what fits into the table's page */

#define MV_VIRTIO_S_ACKNOWLEDGE 0x01
#define MV_VIRTIO_S_DRIVER 0x02
#define MV_VIRTIO_S_DRIVER_OK 0x04
#define MV_VIRTIO_S_FEATURES_OK 0x08
#define MV_VIRTIO_S_NEEDS_RESET 0x40
#define MV_VIRTIO_S_FAILED 0x80

#define MV_VIRTIO_ISR_QUEUE 1
#define MV_VIRTIO_ISR_CONFIG 2

/* The way of one queue's notifications. */
struct mv_virtio_kick {
	struct mv_virtio *v;
	unsigned index;
	int fd;                 /* eventfd, for the device's whole life: vCPUs write it without a lock */
	struct mv_watch *watch; /* device's thread; only while active */
	bool in_kernel;         /* registered as ioeventfd; notify_lock */
};

struct mv_virtio_transport {
	pthread_mutex_t lock; /* guards the registers: these, and the queues' fields until they are enabled */
	uint32_t device_feature_select;
	uint32_t driver_feature_select;
	uint64_t driver_features;
	uint16_t queue_select;
	uint16_t config_vector; /* also read without the lock */
	uint8_t generation;     /* atomic */

	pthread_mutex_t isr_lock; /* keeps ISR and line together; order: before the PCI bus's lock */
	uint8_t isr;

	pthread_mutex_t notify_lock; /* guards what follows; order: after the PCI bus's lock */
	bool bar_mapped;
	uint64_t bar_address;
	bool notify_wanted; /* the device is active */
	bool notify_registered;
	uint64_t registered_at; /* BAR address in the ioeventfds */

	struct mv_virtio_kick *kicks; /* one a queue */
	unsigned kick_count;
	unsigned access_capability; /* offset of the capability for access through configuration space */

	unsigned reports; /* events that may still be sent in this second; device's thread */
	time_t report_second;
};

/* Functions of the guest's side (virtio_pci_regs.c), for struct mv_pci_ops. */
void mv_virtio_pci_bar_read(void *bar, uint64_t offset, void *buf, unsigned len);
void mv_virtio_pci_bar_write(void *bar, uint64_t offset, const void *buf, unsigned len);
void mv_virtio_pci_config_read(struct mv_pci_fn *fn, unsigned offset, unsigned len);
void mv_virtio_pci_config_written(struct mv_pci_fn *fn, unsigned offset, unsigned len);
int mv_virtio_pci_add_capabilities(struct mv_virtio *v, struct mv_error **err);

/* The rest is for the device's thread, unless noted. What the guest's writes to registers bring about (virtio_pci.c):
 */
void mv_virtio_set_status(struct mv_virtio *v, uint8_t value);
void mv_virtio_enable_queue(struct mv_virtio *v, unsigned index, uint16_t value);
/* Makes the device active: queues and features are set. On -1 it is not. */
int mv_virtio_activate(struct mv_virtio *v, struct mv_error **err);
/* Afterwards nothing is left of what the driver did. */
void mv_virtio_reset(struct mv_virtio *v);
/* A driver may take what was offered, and must take VERSION_1: there is no legacy interface (6.1). */
bool mv_virtio_features_valid(const struct mv_virtio *v, uint64_t features);
void mv_virtio_set_queue_features(struct mv_virtio *v);

/* Kicks (virtio_pci_notify.c). Is the device active, not paused, not broken? */
bool mv_virtio_may_work(const struct mv_virtio *v);
/* Calls the device's notify() and sees to what that finds broken. */
void mv_virtio_notify(struct mv_virtio *v, unsigned index);
/* Watches the kicks of all enabled queues, for devices that have a notify(). */
int mv_virtio_watch(struct mv_virtio *v, struct mv_error **err);
void mv_virtio_unwatch(struct mv_virtio *v);
/* Kicks are looked at while the device may work; what comes at other times stays in the eventfd. */
void mv_virtio_listen(struct mv_virtio *v, bool on);
/* From now on the kernel takes the guest's notifications (ioeventfd), or not any more. */
void mv_virtio_want_notify(struct mv_virtio *v, bool wanted);
/* For struct mv_pci_ops; the PCI bus's lock held. */
void mv_virtio_bar_mapped(struct mv_pci_fn *fn, unsigned bar, uint64_t address, bool mapped);

static inline uint8_t mv_virtio_status(const struct mv_virtio *v)
{
	return __atomic_load_n(&v->status, __ATOMIC_ACQUIRE);
}

#endif
