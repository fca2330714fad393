#include "engine/kvm/dev/pci.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/pci_bus.h"

#define PCIE_SIZE 0x3c
#define PCIE_ROOT_COMPLEX_INTEGRATED 9

/* ---- BARs ---- */

static void bar_unmap(struct mv_pci_bar *bar)
{
	struct mv_pci_fn *fn = bar->fn;

	if (!bar->mapped)
		return;
	mv_bus_remove(fn->machine->bus, MV_SPACE_MEMORY, bar->address, bar);
	bar->mapped = false;
	if (fn->ops->bar_mapped)
		fn->ops->bar_mapped(fn, bar->index, bar->address, false);
}

/* May the BAR be mapped where the guest put it? Whether the place is taken, the bus knows. */
static bool bar_wanted(const struct mv_pci_bar *bar, uint64_t *address)
{
	const struct mv_pci_fn *fn = bar->fn;

	if (!bar->size || !(mv_get_le16(fn->config + MV_PCI_COMMAND) & MV_PCI_COMMAND_MEMORY))
		return false;
	*address = mv_get_le32(fn->config + MV_PCI_BAR0 + 4 * bar->index) & ~UINT32_C(15);
	return *address >= MV_PCI_MMIO_BASE && *address + bar->size <= MV_PCI_MMIO_BASE + MV_PCI_MMIO_SIZE;
}

static void bar_map(struct mv_pci_bar *bar)
{
	struct mv_pci_fn *fn = bar->fn;
	uint64_t address;

	if (bar->mapped || !bar_wanted(bar, &address) ||
	    mv_bus_add(fn->machine->bus, MV_SPACE_MEMORY, address, bar->size, &fn->ops->bar, bar, NULL) < 0)
		return;
	bar->address = address;
	bar->mapped = true;
	if (fn->ops->bar_mapped)
		fn->ops->bar_mapped(fn, bar->index, address, true);
}

/* Maps what can be mapped and unmaps what may not be: for all functions, because what leaves a place makes room there.
 */
static void bars_update(struct mv_pci_bus *bus)
{
	uint64_t address;

	for (unsigned s = 0; s < MV_PCI_SLOTS; s++)
		for (unsigned b = 0; bus->fns[s] && b < MV_PCI_BARS; b++) {
			struct mv_pci_bar *bar = &bus->fns[s]->bars[b];

			if (bar->mapped && (!bar_wanted(bar, &address) || address != bar->address))
				bar_unmap(bar);
		}
	for (unsigned s = 0; s < MV_PCI_SLOTS; s++)
		for (unsigned b = 0; bus->fns[s] && b < MV_PCI_BARS; b++)
			bar_map(&bus->fns[s]->bars[b]);
}

int mv_pci_add_bar(struct mv_pci_fn *fn, unsigned index, uint64_t size, struct mv_error **err)
{
	struct mv_pci_bus *bus = fn->machine->pci;
	uint64_t rounded = 16, address;
	unsigned reg = MV_PCI_BAR0 + 4 * index;

	while (rounded < size)
		rounded *= 2;
	pthread_mutex_lock(&bus->lock);
	address = (bus->next_bar + rounded - 1) & ~(rounded - 1);
	if (address + rounded <= MV_PCI_MMIO_BASE + MV_PCI_MMIO_SIZE) {
		bus->next_bar = address + rounded;
		fn->bars[index].size = rounded;
		mv_put_le32(fn->config + reg, (uint32_t)address);
		mv_put_le32(fn->writable + reg, (uint32_t) ~(rounded - 1));
		memcpy(fn->initial + reg, fn->config + reg, 4);
		fn->config[MV_PCI_COMMAND] |= MV_PCI_COMMAND_MEMORY;
		fn->initial[MV_PCI_COMMAND] |= MV_PCI_COMMAND_MEMORY;
		bars_update(bus);
	}
	pthread_mutex_unlock(&bus->lock);
	if (!fn->bars[index].mapped)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "There is no room for %" PRIu64
				    " bytes of device %u in the PCI window of %llu MiB.",
				    rounded, fn->slot, MV_PCI_MMIO_SIZE >> 20);
	return 0;
}

/* ---- interrupts ---- */

static void intx_update(struct mv_pci_fn *fn)
{
	bool disabled = mv_get_le16(fn->config + MV_PCI_COMMAND) & MV_PCI_COMMAND_INTX_DISABLE;
	bool line = fn->intx_level && !disabled && !mv_msix_enabled(fn);

	if (fn->intx_level)
		fn->config[MV_PCI_STATUS] |= MV_PCI_STATUS_INTERRUPT;
	else
		fn->config[MV_PCI_STATUS] &= (uint8_t)~MV_PCI_STATUS_INTERRUPT;
	if (line == fn->intx_line)
		return;
	fn->intx_line = line;
	mv_irq_set(fn->machine->irq, MV_GSI_PCI_INTX + fn->slot % MV_GSI_PCI_INTX_COUNT, fn->slot, line);
}

void mv_pci_intx(struct mv_pci_fn *fn, bool level)
{
	struct mv_pci_bus *bus = fn->machine->pci;

	pthread_mutex_lock(&bus->lock);
	fn->intx_level = level;
	intx_update(fn);
	pthread_mutex_unlock(&bus->lock);
}

/* ---- configuration space ---- */

static struct mv_pci_fn *find(const struct mv_pci_bus *bus, unsigned slot, unsigned function)
{
	return slot < MV_PCI_SLOTS && function == 0 ? bus->fns[slot] : NULL;
}

/* How many of the bytes [reg, reg+len) exist in the space we keep; the rest of the extended space is empty: zeros. */
static unsigned kept(unsigned reg, unsigned len)
{
	if (reg >= MV_PCI_CONFIG_SIZE)
		return 0;
	return len < MV_PCI_CONFIG_SIZE - reg ? len : MV_PCI_CONFIG_SIZE - reg;
}

void mv_pci_config_read(struct mv_pci_bus *bus, unsigned slot, unsigned function, unsigned reg, void *buf, unsigned len)
{
	/* No function comes or goes while vCPUs run, so finding it needs no lock. */
	struct mv_pci_fn *fn = find(bus, slot, function);
	unsigned n = kept(reg, len);

	memset(buf, fn && reg + len <= MV_PCI_EXTENDED_SIZE ? 0 : 0xff, len);
	if (!fn || !n)
		return;
	if (fn->ops->config_read)
		fn->ops->config_read(fn, reg, n);
	pthread_mutex_lock(&bus->lock);
	memcpy(buf, fn->config + reg, n);
	pthread_mutex_unlock(&bus->lock);
}

void mv_pci_config_write(struct mv_pci_bus *bus, unsigned slot, unsigned function, unsigned reg, const void *buf,
			 unsigned len)
{
	struct mv_pci_fn *fn = find(bus, slot, function);
	const uint8_t *bytes = buf;
	unsigned n = kept(reg, len);

	if (!fn || !n)
		return;
	pthread_mutex_lock(&bus->lock);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *byte = &fn->config[reg + i], mask = fn->writable[reg + i];

		*byte = (uint8_t)((*byte & ~mask) | (bytes[i] & mask));
		*byte &= (uint8_t) ~(bytes[i] & fn->write1_clear[reg + i]);
	}
	if (reg < MV_PCI_BARS_END && reg + n > MV_PCI_COMMAND)
		bars_update(bus);
	mv_msix_config_changed(fn);
	intx_update(fn);
	pthread_mutex_unlock(&bus->lock);
	if (fn->ops->config_written)
		fn->ops->config_written(fn, reg, n);
}

void mv_pci_config_get(struct mv_pci_fn *fn, unsigned offset, void *buf, unsigned len)
{
	pthread_mutex_lock(&fn->machine->pci->lock);
	memcpy(buf, fn->config + offset, len);
	pthread_mutex_unlock(&fn->machine->pci->lock);
}

void mv_pci_config_set(struct mv_pci_fn *fn, unsigned offset, const void *buf, unsigned len)
{
	pthread_mutex_lock(&fn->machine->pci->lock);
	memcpy(fn->config + offset, buf, len);
	pthread_mutex_unlock(&fn->machine->pci->lock);
}

unsigned mv_pci_add_capability(struct mv_pci_fn *fn, uint8_t id, const void *body, unsigned size)
{
	unsigned offset = fn->capability_end, last = MV_PCI_CAPABILITIES;

	if (size < 2 || offset + size > MV_PCI_CONFIG_SIZE)
		return 0;
	/* The list ends with the capability whose link is 0; the first link is in the header. */
	while (fn->config[last])
		last = fn->config[last] + 1u;
	fn->config[last] = (uint8_t)offset;
	fn->config[offset] = id;
	fn->config[offset + 1] = 0;
	memcpy(fn->config + offset + 2, body, size - 2);
	fn->config[MV_PCI_STATUS] |= MV_PCI_STATUS_CAPABILITIES;
	fn->capability_end = (offset + size + 3) & ~3u;
	memcpy(fn->initial, fn->config, sizeof(fn->initial));
	return offset;
}

/* ---- functions ---- */

void mv_pci_bus_init(struct mv_pci_bus *bus, struct mv_machine *m)
{
	pthread_mutex_init(&bus->lock, NULL);
	bus->machine = m;
	bus->next_bar = MV_PCI_MMIO_BASE;
}

void mv_pci_bus_release(struct mv_pci_bus *bus)
{
	pthread_mutex_destroy(&bus->lock);
}

static void set_header(struct mv_pci_fn *fn, const struct mv_pci_ids *ids)
{
	uint8_t *c = fn->config, *w = fn->writable;

	mv_put_le16(c + MV_PCI_VENDOR, ids->vendor);
	mv_put_le16(c + MV_PCI_DEVICE, ids->device);
	c[MV_PCI_REVISION] = ids->revision;
	c[MV_PCI_CLASS] = (uint8_t)ids->class_code;
	mv_put_le16(c + MV_PCI_CLASS + 1, (uint16_t)(ids->class_code >> 8));
	mv_put_le16(c + MV_PCI_SUBSYSTEM_VENDOR, ids->subsystem_vendor);
	mv_put_le16(c + MV_PCI_SUBSYSTEM, ids->subsystem);
	mv_put_le16(w + MV_PCI_COMMAND,
		    MV_PCI_COMMAND_MEMORY | MV_PCI_COMMAND_MASTER | MV_PCI_COMMAND_PARITY | MV_PCI_COMMAND_SERR |
			    MV_PCI_COMMAND_INTX_DISABLE);
	mv_put_le16(fn->write1_clear + MV_PCI_STATUS, MV_PCI_STATUS_ERRORS);
	w[MV_PCI_CACHE_LINE] = 0xff;
	w[MV_PCI_INTERRUPT_LINE] = 0xff;
}

/* So that guests read extended configuration space, which is empty. No link, no slot: those registers stay zero. */
static void add_pcie(struct mv_pci_fn *fn)
{
	uint8_t body[PCIE_SIZE - 2] = { 0 };
	unsigned offset;

	mv_put_le16(body, 2 | PCIE_ROOT_COMPLEX_INTEGRATED << 4);
	mv_put_le32(body + 2, 1 << 15); /* role-based error reporting, which is mandatory */
	offset = mv_pci_add_capability(fn, MV_PCI_CAP_PCIE, body, PCIE_SIZE);
	/* Device control: error reporting, payload and request sizes are kept and mean nothing here. */
	mv_put_le16(fn->writable + offset + 8, 0x78ff);
}

int mv_pci_bus_plug(struct mv_pci_bus *bus, struct mv_pci_fn *fn, unsigned slot, const struct mv_pci_ids *ids,
		    const struct mv_pci_ops *ops, struct mv_error **err)
{
	if (slot >= MV_PCI_SLOTS)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "PCI slot %u does not exist: there are 1 to %d.",
				    slot, MV_MACHINE_PCI_SLOTS);
	if (bus->fns[slot])
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "Two devices want PCI slot %u.", slot);
	*fn = (struct mv_pci_fn){
		.machine = bus->machine,
		.ops = ops,
		.slot = slot,
		.capability_end = MV_PCI_HEADER_END,
	};
	for (unsigned i = 0; i < MV_PCI_BARS; i++) {
		fn->bars[i].fn = fn;
		fn->bars[i].index = i;
	}
	set_header(fn, ids);
	memcpy(fn->initial, fn->config, sizeof(fn->initial));
	bus->fns[slot] = fn;
	return 0;
}

int mv_pci_fn_init(struct mv_pci_fn *fn, struct mv_machine *m, unsigned slot, const struct mv_pci_ids *ids,
		   const struct mv_pci_ops *ops, struct mv_error **err)
{
	struct mv_pci_bus *bus = m->pci;

	if (!slot) {
		for (slot = 1; slot < MV_PCI_SLOTS && bus->fns[slot]; slot++)
			;
		if (slot == MV_PCI_SLOTS)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "All %d PCI slots are taken.",
					    MV_MACHINE_PCI_SLOTS);
	}
	if (mv_pci_bus_plug(bus, fn, slot, ids, ops, err) < 0)
		return -1;
	fn->config[MV_PCI_INTERRUPT_LINE] = (uint8_t)(MV_GSI_PCI_INTX + slot % MV_GSI_PCI_INTX_COUNT);
	fn->config[MV_PCI_INTERRUPT_PIN] = 1; /* INTA */
	add_pcie(fn);
	return 0;
}

void mv_pci_fn_release(struct mv_pci_fn *fn)
{
	struct mv_pci_bus *bus = fn->machine ? fn->machine->pci : NULL;

	if (!bus || bus->fns[fn->slot] != fn)
		return;
	mv_pci_intx(fn, false);
	pthread_mutex_lock(&bus->lock);
	for (unsigned i = 0; i < MV_PCI_BARS; i++)
		bar_unmap(&fn->bars[i]);
	bus->fns[fn->slot] = NULL;
	pthread_mutex_unlock(&bus->lock);
	mv_msix_release(fn);
}

void mv_pci_fn_reset(struct mv_pci_fn *fn)
{
	struct mv_pci_bus *bus = fn->machine->pci;

	mv_msix_reset(fn);
	pthread_mutex_lock(&bus->lock);
	memcpy(fn->config, fn->initial, sizeof(fn->config));
	fn->intx_level = false;
	bars_update(bus);
	mv_msix_config_changed(fn);
	intx_update(fn);
	pthread_mutex_unlock(&bus->lock);
}

/* Bits that a guest or the device changes; all others come from the specification and must be the same again. */
static bool same_device(const struct mv_pci_fn *fn, const uint8_t *loaded)
{
	for (unsigned i = 0; i < MV_PCI_CONFIG_SIZE; i++) {
		uint8_t may_differ = fn->writable[i] | fn->write1_clear[i];

		if (i == MV_PCI_STATUS)
			may_differ |= MV_PCI_STATUS_INTERRUPT;
		if ((loaded[i] ^ fn->initial[i]) & ~may_differ)
			return false;
	}
	return true;
}

void mv_pci_fn_state(struct mv_pci_fn *fn, struct mv_state *st, uint16_t tag)
{
	struct mv_pci_bus *bus = fn->machine->pci;
	uint8_t config[MV_PCI_CONFIG_SIZE];
	bool level = fn->intx_level;

	memcpy(config, fn->config, sizeof(config));
	mv_state_bytes(st, tag, config, sizeof(config));
	mv_state_bool(st, (uint16_t)(tag + 1), &level);
	if (!mv_state_loading(st) || !mv_state_ok(st))
		return;
	if (!same_device(fn, config)) {
		mv_state_fail(st, "The saved PCI device in slot %u is another one.", fn->slot);
		return;
	}
	pthread_mutex_lock(&bus->lock);
	memcpy(fn->config, config, sizeof(config));
	fn->intx_level = level;
	bars_update(bus);
	mv_msix_config_changed(fn);
	intx_update(fn);
	pthread_mutex_unlock(&bus->lock);
}
