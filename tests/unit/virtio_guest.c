#include "tests/unit/virtio_guest.h"

#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"

uint64_t vg_memory_read(struct fake_machine *f, uint64_t address, unsigned len)
{
	uint8_t raw[8];

	mv_bus_read(f->machine.bus, MV_SPACE_MEMORY, address, raw, len);
	return mv_get_le(raw, len);
}

void vg_memory_write(struct fake_machine *f, uint64_t address, uint64_t value, unsigned len)
{
	uint8_t raw[8];

	mv_put_le(raw, value, len);
	mv_bus_write(f->machine.bus, MV_SPACE_MEMORY, address, raw, len);
}

uint32_t vg_config_read(struct fake_machine *f, unsigned slot, unsigned reg, unsigned len)
{
	return (uint32_t)vg_memory_read(f, MV_ECAM_BASE + (slot << 15) + reg, len);
}

void vg_config_write(struct fake_machine *f, unsigned slot, unsigned reg, uint32_t value, unsigned len)
{
	vg_memory_write(f, MV_ECAM_BASE + (slot << 15) + reg, value, len);
}

unsigned vg_capability(struct fake_machine *f, unsigned slot, uint8_t id, unsigned from)
{
	unsigned at = vg_config_read(f, slot, from ? from + 1 : 0x34, 1);

	for (unsigned n = 0; at && n < 48; n++) {
		if (vg_config_read(f, slot, at, 1) == id)
			return at;
		at = vg_config_read(f, slot, at + 1, 1);
	}
	return 0;
}

void vg_find(struct vg_device *g, struct fake_machine *f, unsigned slot)
{
	*g = (struct vg_device){ .f = f, .slot = slot };
	assert_int_equal(vg_config_read(f, slot, 0, 2), 0x1af4);
	g->bar = vg_config_read(f, slot, 0x10, 4);
	for (unsigned cap = 0; (cap = vg_capability(f, slot, 9, cap));) {
		uint64_t address = g->bar + vg_config_read(f, slot, cap + 8, 4);

		switch (vg_config_read(f, slot, cap + 3, 1)) {
		case 1: g->common = address; break;
		case 2:
			g->notify = address;
			g->multiplier = vg_config_read(f, slot, cap + 16, 4);
			break;
		case 3: g->isr = address; break;
		case 4: g->device = address; break;
		case 5: g->access = cap; break;
		default: break;
		}
	}
	assert_true(g->common && g->notify && g->isr && g->access && g->multiplier);
}

uint64_t vg_read(const struct vg_device *g, unsigned field, unsigned len)
{
	return vg_memory_read(g->f, g->common + field, len);
}

void vg_write(const struct vg_device *g, unsigned field, uint64_t value, unsigned len)
{
	vg_memory_write(g->f, g->common + field, value, len);
}

uint8_t vg_status(const struct vg_device *g)
{
	return (uint8_t)vg_read(g, VG_STATUS, 1);
}

void vg_set_status(const struct vg_device *g, uint8_t status)
{
	vg_write(g, VG_STATUS, status, 1);
}

uint64_t vg_offered(const struct vg_device *g)
{
	uint64_t low;

	vg_write(g, VG_DEVICE_FEATURE_SELECT, 0, 4);
	low = vg_read(g, VG_DEVICE_FEATURE, 4);
	vg_write(g, VG_DEVICE_FEATURE_SELECT, 1, 4);
	return low | vg_read(g, VG_DEVICE_FEATURE, 4) << 32;
}

bool vg_negotiate(const struct vg_device *g, uint64_t features)
{
	vg_set_status(g, 0);
	vg_set_status(g, VG_ACKNOWLEDGE);
	vg_set_status(g, VG_ACKNOWLEDGE | VG_DRIVER);
	for (unsigned i = 0; i < 2; i++) {
		vg_write(g, VG_DRIVER_FEATURE_SELECT, i, 4);
		vg_write(g, VG_DRIVER_FEATURE, (uint32_t)(features >> 32 * i), 4);
	}
	vg_set_status(g, VG_ACKNOWLEDGE | VG_DRIVER | VG_FEATURES_OK);
	return vg_status(g) & VG_FEATURES_OK;
}

static uint8_t *bytes(const struct vg_queue *q, uint64_t gpa)
{
	uint8_t *p = mv_memory_ptr(q->g->f->machine.memory, gpa, 1);

	assert_non_null(p);
	return p;
}

void vg_queue_init(struct vg_queue *q, const struct vg_device *g, unsigned index, uint16_t size, uint64_t base)
{
	*q = (struct vg_queue){ .g = g, .index = index, .size = size, .desc = base };
	q->avail = base + 16 * (uint64_t)size;
	q->used = (q->avail + 6 + 2 * (uint64_t)size + 3) & ~UINT64_C(3);
	memset(bytes(q, base), 0, q->used + 6 + 8 * (uint64_t)size - base);
	vg_write(g, VG_QUEUE_SELECT, index, 2);
	vg_write(g, VG_QUEUE_SIZE, size, 2);
	vg_write(g, VG_QUEUE_VECTOR, index + 1, 2);
	vg_write(g, VG_QUEUE_DESC, q->desc, 8);
	/* As two halves, too. */
	vg_write(g, VG_QUEUE_AVAIL, (uint32_t)q->avail, 4);
	vg_write(g, VG_QUEUE_AVAIL + 4, q->avail >> 32, 4);
	vg_write(g, VG_QUEUE_USED, q->used, 8);
}

void vg_queue_enable(const struct vg_queue *q)
{
	vg_write(q->g, VG_QUEUE_SELECT, q->index, 2);
	vg_write(q->g, VG_QUEUE_ENABLE, 1, 2);
}

uint16_t vg_add(struct vg_queue *q, const struct vg_segment *segments, unsigned count)
{
	uint16_t head = q->next_desc;

	for (unsigned i = 0; i < count; i++) {
		uint8_t *d = bytes(q, q->desc + 16 * (uint64_t)q->next_desc);

		q->next_desc = (uint16_t)((q->next_desc + 1) % q->size);
		mv_put_le64(d, segments[i].gpa);
		mv_put_le32(d + 8, segments[i].len);
		mv_put_le16(d + 12, (uint16_t)((segments[i].writable ? 2 : 0) | (i + 1 < count ? 1 : 0)));
		mv_put_le16(d + 14, q->next_desc);
	}
	mv_put_le16(bytes(q, q->avail + 4 + 2 * (uint64_t)(q->next_avail % q->size)), head);
	q->next_avail++;
	__atomic_store_n((uint16_t *)(void *)bytes(q, q->avail + 2), q->next_avail, __ATOMIC_RELEASE);
	return head;
}

void vg_kick(const struct vg_queue *q)
{
	vg_memory_write(q->g->f, q->g->notify + q->index * q->g->multiplier, q->index, 2);
}

uint16_t vg_used_index(const struct vg_queue *q)
{
	return __atomic_load_n((uint16_t *)(void *)bytes(q, q->used + 2), __ATOMIC_ACQUIRE);
}

bool vg_take(struct vg_queue *q, uint32_t *head, uint32_t *written)
{
	const uint8_t *entry;

	if (vg_used_index(q) == q->next_used)
		return false;
	entry = bytes(q, q->used + 4 + 8 * (uint64_t)(q->next_used % q->size));
	*head = mv_get_le32(entry);
	*written = mv_get_le32(entry + 4);
	q->next_used++;
	return true;
}

static bool used_more(void *opaque)
{
	struct vg_queue *q = opaque;

	return vg_used_index(q) != q->next_used;
}

void vg_expect(struct vg_queue *q, uint32_t head, uint32_t written)
{
	uint32_t h = 0, w = 0;

	assert_true(fake_machine_until(q->g->f, used_more, q));
	assert_true(vg_take(q, &h, &w));
	assert_int_equal(h, head);
	assert_int_equal(w, written);
}

void vg_enable_msix(const struct vg_device *g, unsigned vectors)
{
	unsigned cap = vg_capability(g->f, g->slot, 0x11, 0);
	uint64_t table = g->bar + (vg_config_read(g->f, g->slot, cap + 4, 4) & ~7u);

	for (unsigned i = 0; i < vectors; i++) {
		vg_memory_write(g->f, table + 16 * i, MV_LAPIC_BASE, 8);
		vg_memory_write(g->f, table + 16 * i + 8, 0x40 + i, 4);
		vg_memory_write(g->f, table + 16 * i + 12, 0, 4);
	}
	vg_config_write(g->f, g->slot, cap + 2, 0x8000, 2);
}

uint64_t vg_interrupts(struct mv_pci_fn *fn, unsigned vector)
{
	eventfd_t value = 0;

	eventfd_read(mv_msix_fd(fn, vector), &value);
	return value;
}

unsigned vg_open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

size_t vg_allocated(void)
{
	return mallinfo2().uordblks;
}
