/* MSI-X (PCI Local Bus 3.0, section 6.8.2). The guest's table is plain memory here; a vector gets a route (which costs
 * system calls) when the guest first lets it through, and keeps it. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/dev/pci_bus.h"

#define ENTRY_SIZE 16
#define ENTRY_MASKED 1u /* bit of the entry's fourth dword */
#define CONTROL_FUNCTION_MASK 0x4000
#define CONTROL_ENABLE 0x8000
#define CAPABILITY_SIZE 12
#define MAX_VECTORS 2048

struct vector {
	struct mv_msi *msi; /* once made, it stays until release, so signalling needs no lock */
	bool pending;       /* signalled before there was a route */
	bool open;          /* the route is open, with the address and data: */
	uint64_t address;
	uint32_t data;
};

struct mv_msix {
	pthread_mutex_t lock; /* guards all; order: after the PCI bus's lock, before those of interrupts */
	struct mv_irq *irq;
	unsigned count;
	unsigned capability;
	uint32_t table_offset, pba_offset;
	uint8_t *table; /* as the guest sees it */
	struct vector *vectors;
	bool enabled; /* also read without the lock */
	bool function_mask;
};

static uint32_t pba_size(const struct mv_msix *x)
{
	return (x->count + 63) / 64 * 8;
}

int mv_msix_init(struct mv_pci_fn *fn, unsigned vectors, unsigned bar, uint32_t table_offset, uint32_t pba_offset,
		 struct mv_error **err)
{
	uint8_t body[CAPABILITY_SIZE - 2];
	struct mv_msix *x;

	if (!vectors || vectors > MAX_VECTORS)
		return mv_error_set(err, MV_ERR_INTERNAL, "A device cannot have %u interrupts: 1 to %d are possible.",
				    vectors, MAX_VECTORS);
	x = calloc(1, sizeof(*x));
	if (!x)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the interrupt table of a device.");
	pthread_mutex_init(&x->lock, NULL);
	x->irq = fn->machine->irq;
	x->count = vectors;
	x->table_offset = table_offset;
	x->pba_offset = pba_offset;
	x->table = calloc(vectors, ENTRY_SIZE);
	x->vectors = calloc(vectors, sizeof(*x->vectors));
	fn->msix = x;
	if (!x->table || !x->vectors)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the interrupt table of a device.");
	mv_put_le16(body, (uint16_t)(vectors - 1));
	mv_put_le32(body + 2, table_offset | bar);
	mv_put_le32(body + 6, pba_offset | bar);
	x->capability = mv_pci_add_capability(fn, MV_PCI_CAP_MSIX, body, CAPABILITY_SIZE);
	if (!x->capability)
		return mv_error_set(err, MV_ERR_INTERNAL, "There is no room for the MSI-X capability of device %u.",
				    fn->slot);
	mv_put_le16(fn->writable + x->capability + 2, CONTROL_FUNCTION_MASK | CONTROL_ENABLE);
	mv_msix_reset(fn);
	return 0;
}

void mv_msix_release(struct mv_pci_fn *fn)
{
	struct mv_msix *x = fn->msix;

	if (!x)
		return;
	for (unsigned i = 0; x->vectors && i < x->count; i++)
		mv_msi_free(x->vectors[i].msi);
	pthread_mutex_destroy(&x->lock);
	free(x->vectors);
	free(x->table);
	free(x);
	fn->msix = NULL;
}

static int make_route(struct mv_msix *x, struct vector *v)
{
	struct mv_msi *msi;

	if (v->msi)
		return 0;
	if (mv_msi_create(x->irq, &msi, NULL) < 0)
		return -1;
	/* Pairs with the acquiring load in mv_msix_signal(): who sees the pointer sees what it points to. */
	__atomic_store_n(&v->msi, msi, __ATOMIC_RELEASE);
	return 0;
}

/* Makes the route of one vector what the guest's settings say. A host that has no route left leaves it silent. */
static void apply(struct mv_msix *x, unsigned index)
{
	struct vector *v = &x->vectors[index];
	const uint8_t *entry = x->table + (size_t)index * ENTRY_SIZE;
	uint64_t address = mv_get_le64(entry);
	uint32_t data = mv_get_le32(entry + 8);

	if (!x->enabled || x->function_mask || mv_get_le32(entry + 12) & ENTRY_MASKED) {
		if (v->open)
			mv_msi_set(v->msi, v->address, v->data, true);
		v->open = false;
		return;
	}
	if ((v->open && v->address == address && v->data == data) || make_route(x, v) < 0)
		return;
	v->open = true;
	v->address = address;
	v->data = data;
	mv_msi_set(v->msi, address, data, false);
	if (v->pending)
		mv_msi_signal(v->msi);
	v->pending = false;
}

void mv_msix_config_changed(struct mv_pci_fn *fn)
{
	struct mv_msix *x = fn->msix;
	uint16_t control;
	bool enabled, function_mask;

	if (!x || !x->capability)
		return;
	control = mv_get_le16(fn->config + x->capability + 2);
	enabled = control & CONTROL_ENABLE;
	function_mask = control & CONTROL_FUNCTION_MASK;
	pthread_mutex_lock(&x->lock);
	if (enabled != x->enabled || function_mask != x->function_mask) {
		__atomic_store_n(&x->enabled, enabled, __ATOMIC_RELAXED);
		x->function_mask = function_mask;
		for (unsigned i = 0; i < x->count; i++)
			apply(x, i);
	}
	pthread_mutex_unlock(&x->lock);
}

bool mv_msix_enabled(const struct mv_pci_fn *fn)
{
	return fn->msix && __atomic_load_n(&fn->msix->enabled, __ATOMIC_RELAXED);
}

void mv_msix_signal(struct mv_pci_fn *fn, unsigned vector)
{
	struct mv_msix *x = fn->msix;
	struct vector *v;
	struct mv_msi *msi;

	if (!mv_msix_enabled(fn) || vector >= x->count)
		return;
	v = &x->vectors[vector];
	msi = __atomic_load_n(&v->msi, __ATOMIC_ACQUIRE);
	if (!msi) {
		/* Looked at again under the lock: it may be made right now. */
		pthread_mutex_lock(&x->lock);
		msi = v->msi;
		v->pending = !msi;
		pthread_mutex_unlock(&x->lock);
	}
	if (msi)
		mv_msi_signal(msi);
}

int mv_msix_fd(struct mv_pci_fn *fn, unsigned vector)
{
	struct mv_msix *x = fn->msix;
	int fd = -1;

	if (!x || vector >= x->count)
		return -1;
	pthread_mutex_lock(&x->lock);
	if (make_route(x, &x->vectors[vector]) == 0)
		fd = mv_msi_fd(x->vectors[vector].msi);
	pthread_mutex_unlock(&x->lock);
	return fd;
}

/* ---- the guest's view ---- */

static bool within(uint64_t offset, uint32_t start, uint32_t size)
{
	return offset >= start && offset - start < size;
}

bool mv_msix_covers(const struct mv_pci_fn *fn, uint64_t offset)
{
	const struct mv_msix *x = fn->msix;

	return x &&
		(within(offset, x->table_offset, x->count * ENTRY_SIZE) || within(offset, x->pba_offset, pba_size(x)));
}

static bool pending(struct vector *v)
{
	return v->pending || (v->msi && !v->open && mv_msi_pending(v->msi));
}

static uint8_t pba_byte(struct mv_msix *x, unsigned index)
{
	uint8_t byte = 0;

	for (unsigned bit = 0; bit < 8 && index * 8 + bit < x->count; bit++)
		if (pending(&x->vectors[index * 8 + bit]))
			byte |= (uint8_t)(1u << bit);
	return byte;
}

void mv_msix_read(struct mv_pci_fn *fn, uint64_t offset, void *buf, unsigned len)
{
	struct mv_msix *x = fn->msix;
	uint8_t *bytes = buf;

	pthread_mutex_lock(&x->lock);
	for (unsigned i = 0; i < len; i++) {
		if (within(offset + i, x->table_offset, x->count * ENTRY_SIZE))
			bytes[i] = x->table[offset + i - x->table_offset];
		else if (within(offset + i, x->pba_offset, pba_size(x)))
			bytes[i] = pba_byte(x, (unsigned)(offset + i - x->pba_offset));
		else
			bytes[i] = 0;
	}
	pthread_mutex_unlock(&x->lock);
}

void mv_msix_write(struct mv_pci_fn *fn, uint64_t offset, const void *buf, unsigned len)
{
	struct mv_msix *x = fn->msix;
	uint64_t at;
	uint8_t *entry;

	/* The specification knows aligned accesses of four and eight bytes; the pending bits are read-only. */
	if (!within(offset, x->table_offset, x->count * ENTRY_SIZE) || (len != 4 && len != 8) || offset % len)
		return;
	at = offset - x->table_offset;
	entry = x->table + at / ENTRY_SIZE * ENTRY_SIZE;
	pthread_mutex_lock(&x->lock);
	memcpy(x->table + at, buf, len);
	/* The reserved bits of address and vector control stay zero. */
	mv_put_le32(entry, mv_get_le32(entry) & ~UINT32_C(3));
	mv_put_le32(entry + 12, mv_get_le32(entry + 12) & ENTRY_MASKED);
	apply(x, (unsigned)(at / ENTRY_SIZE));
	pthread_mutex_unlock(&x->lock);
}

/* ---- reset, save, restore ---- */

void mv_msix_reset(struct mv_pci_fn *fn)
{
	struct mv_msix *x = fn->msix;

	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	__atomic_store_n(&x->enabled, false, __ATOMIC_RELAXED);
	x->function_mask = false;
	memset(x->table, 0, (size_t)x->count * ENTRY_SIZE);
	for (unsigned i = 0; i < x->count; i++) {
		mv_put_le32(x->table + (size_t)i * ENTRY_SIZE + 12, ENTRY_MASKED);
		apply(x, i);
		x->vectors[i].pending = false;
		if (x->vectors[i].msi)
			mv_msi_clear(x->vectors[i].msi);
	}
	pthread_mutex_unlock(&x->lock);
}

void mv_msix_state(struct mv_pci_fn *fn, struct mv_state *st, uint16_t tag)
{
	struct mv_msix *x = fn->msix;
	uint8_t pba[MAX_VECTORS / 8];
	uint32_t count = x->count;

	pthread_mutex_lock(&x->lock);
	for (unsigned i = 0; i < pba_size(x); i++)
		pba[i] = pba_byte(x, i);
	mv_state_u32(st, tag, &count);
	if (count != x->count)
		mv_state_fail(st, "The saved device in slot %u has %u interrupts, this one has %u.", fn->slot, count,
			      x->count);
	mv_state_bytes(st, (uint16_t)(tag + 1), x->table, (size_t)x->count * ENTRY_SIZE);
	mv_state_bytes(st, (uint16_t)(tag + 2), pba, pba_size(x));
	if (mv_state_loading(st) && mv_state_ok(st))
		for (unsigned i = 0; i < x->count; i++) {
			x->vectors[i].pending = pba[i / 8] >> i % 8 & 1;
			apply(x, i);
		}
	pthread_mutex_unlock(&x->lock);
}
