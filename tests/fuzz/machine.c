#include "tests/fuzz/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/dev/pci.h"
#include "engine/kvm/virtio/virtio_pci.h"

#define AVAIL 0x1000
#define USED 0x2000

void fz_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static void on_request(struct mv_machine *m, enum mv_request request, enum mv_reason reason, const char *detail)
{
	(void)m;
	(void)request;
	(void)reason;
	(void)detail;
}

static void on_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	(void)kind;
	(void)number;
	(void)text;
	((struct fz_machine *)m)->events++;
}

static const struct mv_machine_ops machine_ops = { .request = on_request, .event = on_event };

void fz_machine_init(struct fz_machine *m)
{
	memset(m, 0, sizeof(*m));
	mv_machine_spec_init(&m->spec);
	m->spec.memory = FZ_MEMORY;
	m->machine = (struct mv_machine){ .ops = &machine_ops, .spec = &m->spec, .memory = &m->memory };
	fz_must(mv_loop_create(&m->machine.loop, NULL) == 0 && mv_bus_create(&m->machine.bus, NULL) == 0 &&
			mv_irq_create(-1, &m->machine.irq, NULL) == 0 &&
			mv_memory_create(&m->memory, FZ_MEMORY, false, false, NULL) == 0 &&
			mv_dev_create(&mv_pci_host_ops, &m->machine, "pci", NULL, &m->pci, NULL) == 0,
		"there is no machine");
}

struct mv_dev *fz_device(struct fz_machine *m, const struct mv_dev_ops *ops, const struct mv_device_spec *spec)
{
	struct mv_dev *d = NULL;

	fz_must(mv_dev_create(ops, &m->machine, spec ? spec->id : ops->name, spec, &d, NULL) == 0,
		"there is no device");
	return d;
}

void fz_turn(struct fz_machine *m)
{
	for (int i = 0; i < 8; i++)
		mv_loop_once(m->machine.loop, 0);
}

uint8_t fz_next(struct fz_input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

size_t fz_take(struct fz_input *in, void *to, size_t len)
{
	if (len > in->size)
		len = in->size;
	if (len)
		memcpy(to, in->data, len);
	in->data += len;
	in->size -= len;
	return len;
}

/* ---- registers ---- */

static void write_bar(struct fz_driver *d, uint64_t offset, uint64_t value, unsigned len)
{
	uint8_t raw[8];

	mv_put_le64(raw, value);
	mv_bus_write(d->m->machine.bus, MV_SPACE_MEMORY, d->v->pci.bars[MV_VIRTIO_BAR].address + offset, raw, len);
}

void fz_config_write(struct fz_driver *d, unsigned offset, uint64_t value, unsigned len)
{
	write_bar(d, MV_VIRTIO_BAR_DEVICE + offset, value, len);
}

uint64_t fz_config_read(struct fz_driver *d, unsigned offset, unsigned len)
{
	uint8_t raw[8];

	mv_bus_read(d->m->machine.bus, MV_SPACE_MEMORY,
		    d->v->pci.bars[MV_VIRTIO_BAR].address + MV_VIRTIO_BAR_DEVICE + offset, raw, len);
	return mv_get_le(raw, len);
}

void fz_drive(struct fz_driver *d, struct fz_machine *m, struct mv_dev *dev, uint64_t features, uint64_t queues)
{
	*d = (struct fz_driver){ .m = m, .v = (struct mv_virtio *)dev };
	d->count = d->v->queue_count < FZ_MAX_QUEUES ? d->v->queue_count : FZ_MAX_QUEUES;
	features |= UINT64_C(1) << MV_VIRTIO_F_VERSION_1;
	dev->ops->reset(dev); /* its BAR is where it was at first */
	write_bar(d, 0x14, 0, 1);
	write_bar(d, 0x14, 3, 1);
	for (unsigned i = 0; i < 2; i++) {
		write_bar(d, 0x08, i, 4);
		write_bar(d, 0x0c, features >> 32 * i, 4);
	}
	write_bar(d, 0x14, 11, 1);
	for (unsigned i = 0; i < d->count; i++) {
		uint64_t base = FZ_RINGS + i * UINT64_C(0x10000);

		memset(mv_memory_ptr(&m->memory, base, USED + 0x1000), 0, USED + 0x1000);
		if (!(queues >> i & 1))
			continue;
		write_bar(d, 0x16, i, 2);
		write_bar(d, 0x18, FZ_RING_SIZE, 2);
		write_bar(d, 0x20, base, 8);
		write_bar(d, 0x28, base + AVAIL, 8);
		write_bar(d, 0x30, base + USED, 8);
		write_bar(d, 0x1c, 1, 2);
	}
	write_bar(d, 0x14, 15, 1);
	fz_must(d->v->active, "the device did not start");
}

/* ---- rings ---- */

void fz_chain(struct fz_driver *d, unsigned queue, struct fz_input *in)
{
	uint8_t shape = fz_next(in);
	unsigned readable = shape & 3, writable = shape >> 2 & 3, count = readable + writable;
	uint64_t gpa = FZ_BUFFERS + queue * UINT64_C(0x40000) + (shape >> 4);
	uint8_t *ring, *avail;
	uint16_t head;

	queue %= d->count;
	count = count > FZ_MAX_SEGMENTS ? FZ_MAX_SEGMENTS : count;
	if (!count || (uint16_t)(d->given[queue] - d->taken[queue]) >= FZ_RING_SIZE / FZ_MAX_SEGMENTS)
		return;
	ring = mv_memory_ptr(&d->m->memory, FZ_RINGS + queue * UINT64_C(0x10000), USED);
	avail = ring + AVAIL;
	head = d->next_desc[queue];
	d->room[queue][head] = 0;
	for (unsigned i = 0; i < count; i++) {
		uint8_t *desc = ring + d->next_desc[queue] * 16UL;
		uint32_t len = fz_next(in);
		bool writes = i >= readable;

		/* Some are long, so that turns end in the middle of them; some lie at the end of memory, or beyond. */
		if (len >= 0xf0)
			len = (len & 15) << 14;
		if (len == 0xef)
			gpa = FZ_MEMORY - 64;
		if (writes)
			d->room[queue][head] += len;
		else if (mv_memory_ptr(&d->m->memory, gpa, len ? len : 1))
			fz_take(in, mv_memory_ptr(&d->m->memory, gpa, len ? len : 1), len < 64 ? len : 64);
		d->next_desc[queue] = (uint16_t)((d->next_desc[queue] + 1) % FZ_RING_SIZE);
		mv_put_le64(desc, gpa);
		mv_put_le32(desc + 8, len);
		mv_put_le16(desc + 12, (uint16_t)((writes ? 2 : 0) | (i + 1 < count ? 1 : 0)));
		mv_put_le16(desc + 14, d->next_desc[queue]);
		gpa += len;
	}
	mv_put_le16(avail + 4 + d->given[queue] % FZ_RING_SIZE * 2UL, head);
	d->given[queue]++;
	__atomic_store_n((uint16_t *)(void *)(avail + 2), d->given[queue], __ATOMIC_RELEASE);
	write_bar(d, MV_VIRTIO_BAR_NOTIFY + queue * MV_VIRTIO_NOTIFY_MULTIPLIER, queue, 2);
}

void fz_collect(struct fz_driver *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		const uint8_t *used = mv_memory_ptr(&d->m->memory, FZ_RINGS + i * UINT64_C(0x10000) + USED, 0x1000);
		uint16_t index = __atomic_load_n((const uint16_t *)(const void *)(used + 2), __ATOMIC_ACQUIRE);

		fz_must((uint16_t)(index - d->taken[i]) <= (uint16_t)(d->given[i] - d->taken[i]),
			"more was used than was given");
		for (; d->taken[i] != index; d->taken[i]++) {
			const uint8_t *entry = used + 4 + d->taken[i] % FZ_RING_SIZE * 8UL;

			fz_must(mv_get_le32(entry) < FZ_RING_SIZE, "a head that was never given");
			fz_must(mv_get_le32(entry + 4) <= d->room[i][mv_get_le32(entry)],
				"more was written than there was room for");
		}
	}
}

void fz_save_and_load(struct mv_dev *dev, uint16_t place, uint8_t flip)
{
	struct mv_state *saver = NULL, *loader = NULL;
	const void *body;
	uint8_t *copy;
	size_t size;

	if (dev->ops->pause)
		dev->ops->pause(dev);
	fz_must(mv_state_saver(dev->id, dev->ops->version, &saver, NULL) == 0, "no state");
	fz_must(dev->ops->state(dev, saver, NULL) == 0 && mv_state_finish(saver, NULL) == 0, "it cannot be saved");
	body = mv_state_body(saver, &size);
	copy = malloc(size + 1);
	fz_must(copy != NULL, "no memory");
	memcpy(copy, body, size);
	if (size)
		copy[place % size] ^= flip;
	fz_must(mv_state_loader(dev->id, dev->ops->version, copy, size, &loader, NULL) == 0, "no state");
	if (dev->ops->state(dev, loader, NULL) == 0 && mv_state_finish(loader, NULL) == 0) {
		if (dev->ops->resume)
			dev->ops->resume(dev);
	} else {
		fz_must(flip, "what was saved cannot be loaded");
		dev->ops->reset(dev);
		if (dev->ops->resume)
			dev->ops->resume(dev);
	}
	free(copy);
	mv_state_free(saver);
	mv_state_free(loader);
}
