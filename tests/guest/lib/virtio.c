#include "tests/guest/lib/virtio.h"

#define CAP_VENDOR 9
#define CAP_MSIX 0x11
#define PCI_SLOTS 32

static void note_capability(struct device *d, unsigned at)
{
	u64 cap = d->config + at;
	u64 base = d->bar + read32(cap + 8);

	if (read8(cap) == CAP_MSIX) {
		d->msix_capability = at;
		d->vectors = (read16(cap + 2) & 0x7ffu) + 1;
		d->msix_table = d->bar + (read32(cap + 4) & ~7u);
		d->msix_pba = d->bar + (read32(cap + 8) & ~7u);
		return;
	}
	if (read8(cap) != CAP_VENDOR)
		return;
	switch (read8(cap + 3)) {
	case 1: d->common = base; break;
	case 2:
		d->notify = base;
		d->notify_multiplier = read32(cap + 16);
		break;
	case 3: d->isr = base; break;
	case 4: d->specific = base; break;
	default: break;
	}
}

bool device_find(struct device *d, u16 kind)
{
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		u64 config = ECAM + ((u64)slot << 15);

		if (read32(config) != ((0x1040u + kind) << 16 | 0x1af4))
			continue;
		*d = (struct device){ .slot = slot, .config = config, .bar = read32(config + PCI_BAR0) & ~15u };
		for (unsigned at = read8(config + 0x34), n = 0; at && n < 16; at = read8(config + at + 1), n++)
			note_capability(d, at);
		check(d->common && d->isr && d->notify && d->msix_table, "a capability is missing");
		write16(config + PCI_COMMAND, read16(config + PCI_COMMAND) | 6);
		return true;
	}
	return false;
}

void device_open(struct device *d, u16 kind)
{
	check(device_find(d, kind), "the device is not there");
}

u8 device_status(struct device *d)
{
	return read8(d->common + COMMON_STATUS);
}

u64 device_offered(struct device *d)
{
	u64 low;

	write32(d->common + COMMON_DEVICE_SELECT, 0);
	low = read32(d->common + COMMON_DEVICE_FEATURES);
	write32(d->common + COMMON_DEVICE_SELECT, 1);
	return low | (u64)read32(d->common + COMMON_DEVICE_FEATURES) << 32;
}

void device_reset(struct device *d)
{
	write8(d->common + COMMON_STATUS, 0);
	while (device_status(d))
		pause();
}

void device_negotiate(struct device *d, u64 features)
{
	device_reset(d);
	write8(d->common + COMMON_STATUS, STATUS_ACKNOWLEDGE);
	write8(d->common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	for (u32 half = 0; half < 2; half++) {
		write32(d->common + COMMON_DRIVER_SELECT, half);
		write32(d->common + COMMON_DRIVER_FEATURES, (u32)(features >> 32 * half));
	}
	write8(d->common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
}

void device_go(struct device *d)
{
	check(device_status(d) & STATUS_FEATURES_OK, "the device refuses the features");
	write8(d->common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

/* ---- rings ---- */

void ring_lay_out(struct ring *r, struct device *d, u16 index, u16 size, u64 memory)
{
	u64 avail = memory + 16ULL * size;
	u64 used = (avail + 6 + 2ULL * size + 4095) & ~4095ULL;

	*r = (struct ring){ .device = d, .index = index, .size = size };
	r->desc = (volatile struct desc *)memory;
	r->avail = (volatile struct avail *)avail;
	r->used = (volatile struct used *)used;
	memset((void *)memory, 0, used + 6 + 8ULL * size - memory);
}

void ring_enable(struct ring *r, u16 vector)
{
	u64 c = r->device->common;

	write16(c + COMMON_QUEUE_SELECT, r->index);
	write16(c + COMMON_QUEUE_SIZE, r->size);
	write16(c + COMMON_QUEUE_VECTOR, vector);
	write64(c + COMMON_QUEUE_DESC, (u64)r->desc);
	write32(c + COMMON_QUEUE_AVAIL, (u32)(u64)r->avail);
	write32(c + COMMON_QUEUE_AVAIL + 4, (u32)((u64)r->avail >> 32));
	write64(c + COMMON_QUEUE_USED, (u64)r->used);
	write16(c + COMMON_QUEUE_ENABLE, 1);
	r->doorbell = r->device->notify + (u64)read16(c + COMMON_QUEUE_NOTIFY) * r->device->notify_multiplier;
}

void ring_open(struct ring *r, struct device *d, u16 index, u16 size, u64 memory)
{
	ring_lay_out(r, d, index, size, memory);
	ring_enable(r, NO_VECTOR);
}

void ring_describe(struct ring *r, u16 i, u64 address, u32 len, u16 flags, u16 next)
{
	r->desc[i].address = address;
	r->desc[i].len = len;
	r->desc[i].flags = flags;
	r->desc[i].next = next;
}

void ring_offer(struct ring *r, u16 head)
{
	r->avail->entries[r->next % r->size] = head;
	barrier();
	r->avail->index = ++r->next;
	barrier();
}

void ring_kick(struct ring *r)
{
	write16(r->doorbell, r->index);
}

bool ring_has_used(struct ring *r)
{
	return r->used->index != r->seen;
}

u32 ring_wait(struct ring *r, u32 *head)
{
	u16 entry = r->seen % r->size;

	while (!ring_has_used(r))
		pause();
	r->seen++;
	barrier();
	if (head)
		*head = r->used->entries[entry].id;
	return r->used->entries[entry].len;
}

u32 ring_do(struct ring *r, u16 head)
{
	ring_offer(r, head);
	ring_kick(r);
	return ring_wait(r, NULL);
}

volatile u16 *ring_used_event(struct ring *r)
{
	return &r->avail->entries[r->size];
}

volatile u16 *ring_avail_event(struct ring *r)
{
	return (volatile u16 *)&r->used->entries[r->size];
}

/* ---- proofs ---- */

void rng_works(struct device *d, u64 memory)
{
	u8 *buffer = (u8 *)(memory + 0x3000);
	unsigned zeros = 0;
	struct ring r;

	memset(buffer, 0, 64);
	device_negotiate(d, F_VERSION_1);
	ring_open(&r, d, 0, 8, memory);
	device_go(d);
	ring_describe(&r, 0, (u64)buffer, 64, DESC_WRITE, 0);
	check_equal(ring_do(&r, 0), 64, "the random bytes that came");
	for (unsigned i = 0; i < 64; i++)
		zeros += !buffer[i];
	check(zeros < 8, "the random bytes are zeros");
}

struct blk_header {
	u32 type, reserved;
	u64 sector;
};

u8 blk_request(struct ring *r, u32 type, u64 sector, u64 data, u32 len)
{
	static struct blk_header header;
	static volatile u8 status;
	bool to_guest = type == BLK_IN || type == BLK_GET_ID;

	header = (struct blk_header){ type, 0, sector };
	status = 0xff;
	ring_describe(r, 0, (u64)&header, 16, DESC_NEXT, len ? 1 : 2);
	ring_describe(r, 1, data, len, (u16)(DESC_NEXT | (to_guest ? DESC_WRITE : 0)), 2);
	ring_describe(r, 2, (u64)&status, 1, DESC_WRITE, 0);
	ring_do(r, 0);
	return status;
}

void blk_works(struct device *d, u64 memory, u32 sector)
{
	u32 *buffer = (u32 *)(memory + 0x3000);
	struct ring r;

	memset(buffer, 0xee, 512);
	device_negotiate(d, F_VERSION_1);
	ring_open(&r, d, 0, 8, memory);
	device_go(d);
	check_equal(blk_request(&r, BLK_IN, sector, (u64)buffer, 512), 0, "the status of a read");
	check_equal(buffer[0], sector, "a sector's number");
	check_equal(buffer[1], 0, "the rest of a sector");
}

/* ---- MSI-X ---- */

void msix_vector(struct device *d, unsigned entry, u8 vector, bool masked)
{
	u64 at = d->msix_table + 16ULL * entry;

	write32(at + 12, 1);
	write32(at, 0xfee00000);
	write32(at + 4, 0);
	write32(at + 8, vector);
	write32(at + 12, masked);
}

void msix_control(struct device *d, bool enabled, bool function_mask)
{
	write16(d->config + d->msix_capability + 2, (u16)(enabled << 15 | function_mask << 14));
}

bool msix_pending(struct device *d, unsigned entry)
{
	return read64(d->msix_pba + entry / 64 * 8) >> entry % 64 & 1;
}
