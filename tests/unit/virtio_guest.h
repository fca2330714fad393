/* The guest's side of PCI and virtio, for tests of devices: everything goes through the bus, as a vCPU's accesses do.
 * The device's thread is the caller's unless the test runs the loop elsewhere. */
#ifndef MV_TESTS_UNIT_VIRTIO_GUEST_H
#define MV_TESTS_UNIT_VIRTIO_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/kvm/virtio/virtio.h"
#include "tests/unit/fake_machine.h"

/* Offsets in the common configuration structure. */
enum {
	VG_DEVICE_FEATURE_SELECT = 0x00,
	VG_DEVICE_FEATURE = 0x04,
	VG_DRIVER_FEATURE_SELECT = 0x08,
	VG_DRIVER_FEATURE = 0x0c,
	VG_CONFIG_VECTOR = 0x10,
	VG_QUEUE_COUNT = 0x12,
	VG_STATUS = 0x14,
	VG_GENERATION = 0x15,
	VG_QUEUE_SELECT = 0x16,
	VG_QUEUE_SIZE = 0x18,
	VG_QUEUE_VECTOR = 0x1a,
	VG_QUEUE_ENABLE = 0x1c,
	VG_QUEUE_NOTIFY_OFFSET = 0x1e,
	VG_QUEUE_DESC = 0x20,
	VG_QUEUE_AVAIL = 0x28,
	VG_QUEUE_USED = 0x30,
};

enum {
	VG_ACKNOWLEDGE = 1,
	VG_DRIVER = 2,
	VG_DRIVER_OK = 4,
	VG_FEATURES_OK = 8,
	VG_NEEDS_RESET = 0x40,
	VG_FAILED = 0x80,
	VG_READY = VG_ACKNOWLEDGE | VG_DRIVER | VG_FEATURES_OK | VG_DRIVER_OK,
};

#define VG_VERSION_1 (UINT64_C(1) << MV_VIRTIO_F_VERSION_1)
#define VG_EVENT_IDX (UINT64_C(1) << MV_VIRTIO_F_EVENT_IDX)
#define VG_INDIRECT (UINT64_C(1) << MV_VIRTIO_F_INDIRECT_DESC)

/* Configuration space, by ECAM. */
uint32_t vg_config_read(struct fake_machine *f, unsigned slot, unsigned reg, unsigned len);
void vg_config_write(struct fake_machine *f, unsigned slot, unsigned reg, uint32_t value, unsigned len);
/* The next capability `id` after offset `from` (0: the first); 0: none. */
unsigned vg_capability(struct fake_machine *f, unsigned slot, uint8_t id, unsigned from);
uint64_t vg_memory_read(struct fake_machine *f, uint64_t address, unsigned len);
void vg_memory_write(struct fake_machine *f, uint64_t address, uint64_t value, unsigned len);

/* A virtio device as its driver found it. Addresses are where the BAR was then. */
struct vg_device {
	struct fake_machine *f;
	unsigned slot;
	uint64_t bar;
	uint64_t common, isr, device, notify; /* guest-physical; device: 0 when it has no configuration of its own */
	uint32_t multiplier;
	unsigned access; /* offset of the capability for access through configuration space */
};

void vg_find(struct vg_device *g, struct fake_machine *f, unsigned slot);
uint64_t vg_read(const struct vg_device *g, unsigned field, unsigned len);
void vg_write(const struct vg_device *g, unsigned field, uint64_t value, unsigned len);
uint8_t vg_status(const struct vg_device *g);
void vg_set_status(const struct vg_device *g, uint8_t status);
uint64_t vg_offered(const struct vg_device *g);
/* Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK; returns whether the device kept that. */
bool vg_negotiate(const struct vg_device *g, uint64_t features);

/* A queue of its driver: descriptors at base, the rings behind. */
struct vg_queue {
	const struct vg_device *g;
	unsigned index;
	uint16_t size;
	uint64_t desc, avail, used;
	uint16_t next_avail, next_used, next_desc;
};

struct vg_segment {
	uint64_t gpa;
	uint32_t len;
	bool writable;
};

/* Sets the queue up with `size` descriptors in cleared guest memory at base (a page's start, 20 KiB at most). */
void vg_queue_init(struct vg_queue *q, const struct vg_device *g, unsigned index, uint16_t size, uint64_t base);
void vg_queue_enable(const struct vg_queue *q);
/* Makes a chain available without a notification; returns its head. */
uint16_t vg_add(struct vg_queue *q, const struct vg_segment *segments, unsigned count);
void vg_kick(const struct vg_queue *q);
/* Takes the next used chain, if there is one. */
bool vg_take(struct vg_queue *q, uint32_t *head, uint32_t *written);
/* Turns the loop until a chain was used, and takes it. */
void vg_expect(struct vg_queue *q, uint32_t head, uint32_t written);
uint16_t vg_used_index(const struct vg_queue *q);

/* Programs and unmasks all MSI-X vectors and enables MSI-X. */
void vg_enable_msix(const struct vg_device *g, unsigned vectors);
/* How often the vector was signalled since the last call. The vector must be one that has a route. */
uint64_t vg_interrupts(struct mv_pci_fn *fn, unsigned vector);

/* Open descriptors of this process, and bytes that its main thread has allocated (0 with sanitizers). */
unsigned vg_open_descriptors(void);
size_t vg_allocated(void);

#endif
