/* virtio-pci by hand: finding a device, its registers, MSI-X, split rings. Nothing is hidden and nothing checked, so
 * that hostile guests can use it too. VIRTIO 1.2, sections 2.7 and 4.1. */
#ifndef MV_TESTS_GUEST_VIRTIO_H
#define MV_TESTS_GUEST_VIRTIO_H

#include "tests/guest/lib/guest.h"

#define VIRTIO_NET 1
#define VIRTIO_BLK 2
#define VIRTIO_CONSOLE 3
#define VIRTIO_RNG 4
#define VIRTIO_BALLOON 5

#define ECAM 0xe0000000ULL
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_BAR0 0x10
#define PCI_INTERRUPT_LINE 0x3c

/* Offsets in the common structure. */
#define COMMON_DEVICE_SELECT 0x00
#define COMMON_DEVICE_FEATURES 0x04
#define COMMON_DRIVER_SELECT 0x08
#define COMMON_DRIVER_FEATURES 0x0c
#define COMMON_CONFIG_VECTOR 0x10
#define COMMON_QUEUES 0x12
#define COMMON_STATUS 0x14
#define COMMON_GENERATION 0x15
#define COMMON_QUEUE_SELECT 0x16
#define COMMON_QUEUE_SIZE 0x18
#define COMMON_QUEUE_VECTOR 0x1a
#define COMMON_QUEUE_ENABLE 0x1c
#define COMMON_QUEUE_NOTIFY 0x1e
#define COMMON_QUEUE_DESC 0x20
#define COMMON_QUEUE_AVAIL 0x28
#define COMMON_QUEUE_USED 0x30

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_NEEDS_RESET 0x40
#define STATUS_FAILED 0x80

#define F_INDIRECT (1ULL << 28)
#define F_EVENT_INDEX (1ULL << 29)
#define F_VERSION_1 (1ULL << 32)

#define NO_VECTOR 0xffff

#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4

struct desc {
	u64 address;
	u32 len;
	u16 flags, next;
};

struct avail {
	u16 flags, index;
	u16 entries[];
};

struct used {
	u16 flags, index;
	struct {
		u32 id, len;
	} entries[];
};

struct device {
	unsigned slot;
	u64 config; /* its configuration space */
	u64 bar;
	u64 common, isr, specific, notify;
	u32 notify_multiplier;
	unsigned msix_capability;
	u64 msix_table, msix_pba;
	unsigned vectors;
};

struct ring {
	struct device *device;
	u16 index, size;
	u16 next;     /* entry of the available ring to fill */
	u16 seen;     /* entry of the used ring to look at */
	u64 doorbell; /* where to notify */
	volatile struct desc *desc;
	volatile struct avail *avail;
	volatile struct used *used;
};

/* The first device of this kind; false: there is none. */
bool device_find(struct device *d, u16 kind);
void device_open(struct device *d, u16 kind); /* fails the guest when there is none */
u64 device_offered(struct device *d);
/* Reset, then everything up to FEATURES_OK. */
void device_reset(struct device *d);
void device_negotiate(struct device *d, u64 features);
void device_go(struct device *d); /* DRIVER_OK */
u8 device_status(struct device *d);

/* Uses three pages and more from `memory` on (a page's start): descriptors (16 bytes each), rings behind them. */
void ring_lay_out(struct ring *r, struct device *d, u16 index, u16 size, u64 memory);
/* Tells the device of it, as it is, and enables it. */
void ring_enable(struct ring *r, u16 vector);
void ring_open(struct ring *r, struct device *d, u16 index, u16 size, u64 memory); /* both, without a vector */
void ring_describe(struct ring *r, u16 i, u64 address, u32 len, u16 flags, u16 next);
void ring_offer(struct ring *r, u16 head); /* makes a chain available */
void ring_kick(struct ring *r);
bool ring_has_used(struct ring *r);
/* Waits for the next used entry; returns its length, and its head by *head (may be NULL). */
u32 ring_wait(struct ring *r, u32 *head);
/* Offer, kick and wait. */
u32 ring_do(struct ring *r, u16 head);
volatile u16 *ring_used_event(struct ring *r);
volatile u16 *ring_avail_event(struct ring *r);

/* One buffer to be filled by virtio-rng through a ring of its own set-up: proof that the device works. */
void rng_works(struct device *d, u64 memory);
/* One sector read by virtio-blk, whose first 32 bits must be its number. */
void blk_works(struct device *d, u64 memory, u32 sector);
#define BLK_IN 0
#define BLK_OUT 1
#define BLK_FLUSH 4
#define BLK_GET_ID 8
#define BLK_DISCARD 11
#define BLK_ZERO 13
/* A request of header, data and status in descriptors 0 to 2; returns the status byte (0xff: none was written). */
u8 blk_request(struct ring *r, u32 type, u64 sector, u64 data, u32 len);

void msix_vector(struct device *d, unsigned entry, u8 vector, bool masked);
void msix_control(struct device *d, bool enabled, bool function_mask);
bool msix_pending(struct device *d, unsigned entry);

#endif
