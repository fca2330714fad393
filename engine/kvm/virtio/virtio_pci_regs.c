/* What the guest sees of a virtio-pci device: the structures in its BAR, and the capabilities that lead to them. */
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/virtio_pci.h"

/* Fields of the common configuration structure (4.1.4.3). */
enum {
	COMMON_DEVICE_FEATURE_SELECT = 0x00,
	COMMON_DEVICE_FEATURE = 0x04,
	COMMON_DRIVER_FEATURE_SELECT = 0x08,
	COMMON_DRIVER_FEATURE = 0x0c,
	COMMON_CONFIG_VECTOR = 0x10,
	COMMON_QUEUE_COUNT = 0x12,
	COMMON_STATUS = 0x14,
	COMMON_GENERATION = 0x15,
	COMMON_QUEUE_SELECT = 0x16,
	COMMON_QUEUE_SIZE = 0x18,
	COMMON_QUEUE_VECTOR = 0x1a,
	COMMON_QUEUE_ENABLE = 0x1c,
	COMMON_QUEUE_NOTIFY_OFFSET = 0x1e,
	COMMON_QUEUE_DESC = 0x20,
	COMMON_QUEUE_AVAIL = 0x28,
	COMMON_QUEUE_USED = 0x30,
};

enum { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_ACCESS = 5 };

#define PCI_CAP_VENDOR 0x09
#define CAP_SIZE 16
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_DATA 16 /* of the access capability */

/* A register access on its way to the device's thread. */
struct access {
	struct mv_virtio *v;
	uint32_t offset;
	unsigned len;
	void *in;
	const void *out;
	unsigned queue;
	uint16_t value;
};

static struct mv_virtio *virtio_of(struct mv_pci_fn *fn)
{
	return mv_container_of(fn, struct mv_virtio, pci);
}

/* ---- the common structure ---- */

static uint32_t half(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> 32 * select) : 0;
}

/* A queue that does not exist has size 0 (4.1.4.3.1). */
static void put_queue(const struct mv_virtio *v, unsigned index, uint8_t *c)
{
	const struct mv_queue *q;

	if (index >= v->queue_count) {
		mv_put_le16(c + COMMON_QUEUE_VECTOR, MV_QUEUE_NO_VECTOR);
		return;
	}
	q = &v->queues[index];
	mv_put_le16(c + COMMON_QUEUE_SIZE, q->size);
	mv_put_le16(c + COMMON_QUEUE_VECTOR, q->vector);
	mv_put_le16(c + COMMON_QUEUE_ENABLE, q->enabled);
	mv_put_le16(c + COMMON_QUEUE_NOTIFY_OFFSET, (uint16_t)index);
	mv_put_le64(c + COMMON_QUEUE_DESC, q->desc);
	mv_put_le64(c + COMMON_QUEUE_AVAIL, q->avail);
	mv_put_le64(c + COMMON_QUEUE_USED, q->used);
}

/* Reads may have any width and alignment: they are served from a picture of the whole structure. */
static void common_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	struct mv_virtio_transport *t = v->transport;
	uint8_t c[MV_VIRTIO_COMMON_SIZE] = { 0 };

	pthread_mutex_lock(&t->lock);
	mv_put_le32(c + COMMON_DEVICE_FEATURE_SELECT, t->device_feature_select);
	mv_put_le32(c + COMMON_DEVICE_FEATURE, half(v->offered, t->device_feature_select));
	mv_put_le32(c + COMMON_DRIVER_FEATURE_SELECT, t->driver_feature_select);
	mv_put_le32(c + COMMON_DRIVER_FEATURE, half(t->driver_features, t->driver_feature_select));
	mv_put_le16(c + COMMON_CONFIG_VECTOR, t->config_vector);
	mv_put_le16(c + COMMON_QUEUE_COUNT, (uint16_t)v->queue_count);
	c[COMMON_STATUS] = mv_virtio_status(v);
	c[COMMON_GENERATION] = __atomic_load_n(&t->generation, __ATOMIC_ACQUIRE);
	mv_put_le16(c + COMMON_QUEUE_SELECT, t->queue_select);
	put_queue(v, t->queue_select, c);
	pthread_mutex_unlock(&t->lock);
	memcpy(buf, c + offset, len);
}

static void set_driver_features(struct mv_virtio *v, uint32_t value)
{
	struct mv_virtio_transport *t = v->transport;
	unsigned shift = 32 * t->driver_feature_select;

	/* What was agreed on stays agreed on. */
	if (t->driver_feature_select > 1 || mv_virtio_status(v) & MV_VIRTIO_S_FEATURES_OK)
		return;
	t->driver_features &= ~((uint64_t)UINT32_MAX << shift);
	t->driver_features |= (uint64_t)value << shift;
}

/* There is a vector for each queue and one for configuration changes; what cannot be set reads back as none. */
static uint16_t valid_vector(const struct mv_virtio *v, uint64_t vector)
{
	return vector <= v->queue_count ? (uint16_t)vector : MV_QUEUE_NO_VECTOR;
}

/* A 64-bit field is written as a whole or as two halves. */
static void set_address(uint64_t *field, uint32_t offset, uint64_t value, unsigned len)
{
	if (len == 8 && offset % 8 == 0)
		*field = value;
	else if (len == 4 && offset % 8 == 0)
		*field = (*field & ~UINT64_C(0xffffffff)) | value;
	else if (len == 4 && offset % 8 == 4)
		*field = (*field & 0xffffffff) | value << 32;
}

/* The selected queue's fields. Once it is enabled all but its vector are fixed. */
static void queue_write(struct mv_virtio *v, uint32_t offset, uint64_t value, unsigned len)
{
	unsigned index = v->transport->queue_select;
	struct mv_queue *q;

	if (index >= v->queue_count)
		return;
	q = &v->queues[index];
	if (offset == COMMON_QUEUE_VECTOR && len == 2)
		__atomic_store_n(&q->vector, valid_vector(v, value), __ATOMIC_RELAXED);
	if (q->enabled)
		return;
	if (offset == COMMON_QUEUE_SIZE && len == 2)
		q->size = (uint16_t)value;
	else if (offset >= COMMON_QUEUE_DESC && offset < COMMON_QUEUE_AVAIL)
		set_address(&q->desc, offset, value, len);
	else if (offset >= COMMON_QUEUE_AVAIL && offset < COMMON_QUEUE_USED)
		set_address(&q->avail, offset, value, len);
	else if (offset >= COMMON_QUEUE_USED && offset < MV_VIRTIO_COMMON_SIZE)
		set_address(&q->used, offset, value, len);
}

static void set_status(void *opaque)
{
	struct access *a = opaque;

	mv_virtio_set_status(a->v, (uint8_t)a->value);
}

static void enable_queue(void *opaque)
{
	struct access *a = opaque;

	mv_virtio_enable_queue(a->v, a->queue, a->value);
}

/* Fields are written with their own width (4.1.3.1); other accesses change nothing. */
static void common_write(struct mv_virtio *v, uint32_t offset, uint64_t value, unsigned len)
{
	struct mv_virtio_transport *t = v->transport;
	struct access a = { .v = v, .value = (uint16_t)value };

	if (offset == COMMON_STATUS && len == 1) {
		mv_loop_call(v->loop, set_status, &a);
		return;
	}
	pthread_mutex_lock(&t->lock);
	a.queue = t->queue_select;
	if (offset == COMMON_DEVICE_FEATURE_SELECT && len == 4)
		t->device_feature_select = (uint32_t)value;
	else if (offset == COMMON_DRIVER_FEATURE_SELECT && len == 4)
		t->driver_feature_select = (uint32_t)value;
	else if (offset == COMMON_DRIVER_FEATURE && len == 4)
		set_driver_features(v, (uint32_t)value);
	else if (offset == COMMON_CONFIG_VECTOR && len == 2)
		__atomic_store_n(&t->config_vector, valid_vector(v, value), __ATOMIC_RELAXED);
	else if (offset == COMMON_QUEUE_SELECT && len == 2)
		t->queue_select = (uint16_t)value;
	else
		queue_write(v, offset, value, len);
	pthread_mutex_unlock(&t->lock);
	if (offset == COMMON_QUEUE_ENABLE && len == 2)
		mv_loop_call(v->loop, enable_queue, &a);
}

/* ---- the other structures ---- */

/* Reading the register acknowledges the interrupt (4.1.4.5). */
static void isr_read(struct mv_virtio *v, uint32_t offset, uint8_t *buf)
{
	struct mv_virtio_transport *t = v->transport;

	if (offset)
		return;
	pthread_mutex_lock(&t->isr_lock);
	buf[0] = t->isr;
	if (t->isr) {
		t->isr = 0;
		mv_pci_intx(&v->pci, false);
	}
	pthread_mutex_unlock(&t->isr_lock);
}

static void device_read(void *opaque)
{
	struct access *a = opaque;

	a->v->ops->config_read(a->v, a->offset, a->in, a->len);
}

static void device_write(void *opaque)
{
	struct access *a = opaque;

	a->v->ops->config_write(a->v, a->offset, a->out, a->len);
}

/* How many of the bytes are part of the device's configuration. */
static unsigned clip(const struct mv_virtio *v, uint32_t offset, unsigned len)
{
	size_t size = v->ops->config_size;

	if (offset >= size)
		return 0;
	return len < size - offset ? len : (unsigned)(size - offset);
}

static void notify_write(struct mv_virtio *v, uint32_t offset)
{
	unsigned index = offset / MV_VIRTIO_NOTIFY_MULTIPLIER;

	/* Where the kernel does not do it (no ioeventfd), this does the same. */
	if (index < v->queue_count)
		eventfd_write(v->transport->kicks[index].fd, 1);
}

/* ---- the BAR ---- */

static void bar_read(struct mv_virtio *v, uint64_t offset, void *buf, unsigned len)
{
	uint32_t in_part = (uint32_t)offset % MV_VIRTIO_BAR_PART;
	struct access a = { .v = v, .offset = in_part, .in = buf };

	memset(buf, 0, len);
	if (mv_msix_covers(&v->pci, offset)) {
		mv_msix_read(&v->pci, offset, buf, len);
		return;
	}
	switch (offset - in_part) {
	case MV_VIRTIO_BAR_COMMON:
		if (in_part < MV_VIRTIO_COMMON_SIZE)
			common_read(v, in_part, buf,
				    len < MV_VIRTIO_COMMON_SIZE - in_part ? len : MV_VIRTIO_COMMON_SIZE - in_part);
		break;
	case MV_VIRTIO_BAR_ISR: isr_read(v, in_part, buf); break;
	case MV_VIRTIO_BAR_DEVICE:
		a.len = clip(v, in_part, len);
		if (a.len)
			mv_loop_call(v->loop, device_read, &a);
		break;
	default: break;
	}
}

static void bar_write(struct mv_virtio *v, uint64_t offset, const void *buf, unsigned len)
{
	uint32_t in_part = (uint32_t)offset % MV_VIRTIO_BAR_PART;
	struct access a = { .v = v, .offset = in_part, .out = buf };

	if (mv_msix_covers(&v->pci, offset)) {
		mv_msix_write(&v->pci, offset, buf, len);
		return;
	}
	switch (offset - in_part) {
	case MV_VIRTIO_BAR_COMMON: common_write(v, in_part, mv_get_le(buf, len), len); break;
	case MV_VIRTIO_BAR_DEVICE:
		a.len = v->ops->config_write ? clip(v, in_part, len) : 0;
		if (a.len)
			mv_loop_call(v->loop, device_write, &a);
		break;
	case MV_VIRTIO_BAR_NOTIFY: notify_write(v, in_part); break;
	default: break;
	}
}

void mv_virtio_pci_bar_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct mv_pci_bar *bar = opaque;

	bar_read(virtio_of(bar->fn), offset, buf, len);
}

void mv_virtio_pci_bar_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct mv_pci_bar *bar = opaque;

	bar_write(virtio_of(bar->fn), offset, buf, len);
}

/* ---- access through configuration space (4.1.4.9) ---- */

/* Does an access to [offset, offset+len) touch the window's data? If so: what it is a window to. */
static bool window(struct mv_virtio *v, unsigned offset, unsigned len, uint8_t *cap, uint32_t *at, uint32_t *width)
{
	unsigned data = v->transport->access_capability + CAP_DATA;

	if (offset >= data + 4 || offset + len <= data)
		return false;
	mv_pci_config_get(&v->pci, v->transport->access_capability, cap, CAP_SIZE + 4);
	*at = mv_get_le32(cap + CAP_OFFSET);
	*width = mv_get_le32(cap + CAP_LENGTH);
	return cap[CAP_BAR] == MV_VIRTIO_BAR && (*width == 1 || *width == 2 || *width == 4) && *at % *width == 0 &&
		*at < MV_VIRTIO_BAR_SIZE;
}

void mv_virtio_pci_config_read(struct mv_pci_fn *fn, unsigned offset, unsigned len)
{
	struct mv_virtio *v = virtio_of(fn);
	uint8_t cap[CAP_SIZE + 4], data[4];
	uint32_t at, width;

	if (!window(v, offset, len, cap, &at, &width))
		return;
	bar_read(v, at, data, width);
	mv_pci_config_set(fn, v->transport->access_capability + CAP_DATA, data, width);
}

void mv_virtio_pci_config_written(struct mv_pci_fn *fn, unsigned offset, unsigned len)
{
	struct mv_virtio *v = virtio_of(fn);
	uint8_t cap[CAP_SIZE + 4];
	uint32_t at, width;

	if (window(v, offset, len, cap, &at, &width))
		bar_write(v, at, cap + CAP_DATA, width);
}

/* ---- capabilities ---- */

static unsigned add_capability(struct mv_virtio *v, uint8_t type, uint32_t offset, uint32_t length, unsigned extra)
{
	uint8_t cap[CAP_SIZE + 4] = { 0 };

	cap[2] = (uint8_t)(CAP_SIZE + extra);
	cap[3] = type;
	cap[CAP_BAR] = MV_VIRTIO_BAR;
	mv_put_le32(cap + CAP_OFFSET, offset);
	mv_put_le32(cap + CAP_LENGTH, length);
	if (type == CAP_NOTIFY)
		mv_put_le32(cap + CAP_SIZE, MV_VIRTIO_NOTIFY_MULTIPLIER);
	return mv_pci_add_capability(&v->pci, PCI_CAP_VENDOR, cap + 2, CAP_SIZE + extra);
}

int mv_virtio_pci_add_capabilities(struct mv_virtio *v, struct mv_error **err)
{
	uint32_t config_size = (uint32_t)v->ops->config_size;
	uint8_t *writable;
	unsigned access;

	if (!add_capability(v, CAP_COMMON, MV_VIRTIO_BAR_COMMON, MV_VIRTIO_COMMON_SIZE, 0) ||
	    !add_capability(v, CAP_NOTIFY, MV_VIRTIO_BAR_NOTIFY, v->queue_count * MV_VIRTIO_NOTIFY_MULTIPLIER, 4) ||
	    !add_capability(v, CAP_ISR, MV_VIRTIO_BAR_ISR, 1, 0) ||
	    (config_size && !add_capability(v, CAP_DEVICE, MV_VIRTIO_BAR_DEVICE, config_size, 0)) ||
	    !(access = add_capability(v, CAP_ACCESS, 0, 0, 4)))
		return mv_error_set(err, MV_ERR_INTERNAL,
				    "The capabilities of '%s' do not fit into its configuration space.", v->dev.id);
	v->transport->access_capability = access;
	writable = v->pci.writable + access;
	writable[CAP_BAR] = 0xff;
	memset(writable + CAP_OFFSET, 0xff, CAP_SIZE + 4 - CAP_OFFSET);
	return 0;
}
