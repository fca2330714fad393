/* The host bridge in slot 0 and the ways to configuration space: ECAM (PCI Express 3.0, 7.2.2) for bus 0, and
 * configuration mechanism 1 (PCI Local Bus 3.0, 3.2.2.3.2) at ports 0xcf8 and 0xcfc. */
#include <stddef.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/pci_bus.h"

#define PORT_PCI_DATA 0xcfc
#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_WRITABLE 0x80fffffcu

#define RESET_CONTROL_CPU 0x04 /* its rising edge resets */
#define RESET_CONTROL_KEPT 0x0a

struct host {
	struct mv_dev dev;
	struct mv_pci_bus bus;
	struct mv_pci_fn fn;
	uint32_t address; /* port 0xcf8; dev.lock guards it and the next */
	uint8_t reset_control;
	bool ecam, address_port, data_port; /* in the bus's table */
};

/* ---- ECAM ---- */

static void ecam_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct host *h = opaque;

	mv_pci_config_read(&h->bus, offset >> 15 & 31, offset >> 12 & 7, offset & 0xfff, buf, len);
}

static void ecam_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct host *h = opaque;

	mv_pci_config_write(&h->bus, offset >> 15 & 31, offset >> 12 & 7, offset & 0xfff, buf, len);
}

static const struct mv_bus_ops ecam_ops = { .read = ecam_read, .write = ecam_write };

/* ---- ports ---- */

/* The address register answers to four bytes at 0xcf8 only; the byte at 0xcf9 is the reset control register, as on PCs.
 */
static void address_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct host *h = opaque;

	memset(buf, 0xff, len);
	pthread_mutex_lock(&h->dev.lock);
	if (offset == 0 && len == 4)
		mv_put_le32(buf, h->address);
	else if (offset == MV_PORT_RESET_CONTROL - MV_PORT_PCI_ADDRESS && len == 1)
		*(uint8_t *)buf = h->reset_control;
	pthread_mutex_unlock(&h->dev.lock);
}

static bool write_reset_control(struct host *h, uint8_t value)
{
	bool edge = value & RESET_CONTROL_CPU && !(h->reset_control & RESET_CONTROL_CPU);

	/* The reset ends at once, so its bit never reads as set. */
	h->reset_control = value & RESET_CONTROL_KEPT;
	return edge;
}

static void address_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct host *h = opaque;
	bool reset = false;

	pthread_mutex_lock(&h->dev.lock);
	if (offset == 0 && len == 4)
		h->address = mv_get_le32(buf) & ADDRESS_WRITABLE;
	else if (offset == MV_PORT_RESET_CONTROL - MV_PORT_PCI_ADDRESS && len == 1)
		reset = write_reset_control(h, *(const uint8_t *)buf);
	pthread_mutex_unlock(&h->dev.lock);
	if (reset)
		mv_machine_request(h->dev.machine, MV_REQUEST_RESET, MV_REASON_RESET, "port 0xcf9");
}

static const struct mv_bus_ops address_ops = { .read = address_read, .write = address_write };

/* Where the data port leads now; false: nowhere. */
static bool data_target(struct host *h, uint64_t offset, unsigned *slot, unsigned *function, unsigned *reg)
{
	uint32_t address;

	pthread_mutex_lock(&h->dev.lock);
	address = h->address;
	pthread_mutex_unlock(&h->dev.lock);
	*slot = address >> 11 & 31;
	*function = address >> 8 & 7;
	*reg = (address & 0xfc) + (unsigned)offset;
	return address & ADDRESS_ENABLE && !(address >> 16 & 0xff);
}

static void data_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct host *h = opaque;
	unsigned slot, function, reg;

	memset(buf, 0xff, len);
	if (data_target(h, offset, &slot, &function, &reg))
		mv_pci_config_read(&h->bus, slot, function, reg, buf, len);
}

static void data_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct host *h = opaque;
	unsigned slot, function, reg;

	if (data_target(h, offset, &slot, &function, &reg))
		mv_pci_config_write(&h->bus, slot, function, reg, buf, len);
}

static const struct mv_bus_ops data_ops = { .read = data_read, .write = data_write };

/* ---- the device ---- */

static const struct mv_pci_ops bridge_ops = { .config_written = NULL };

static int host_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	static const struct mv_pci_ids ids = {
		.vendor = 0x1b36, /* the generic PCI Express host bridge */
		.device = 0x0008,
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = 0x060000,
	};
	struct host *h = (struct host *)d;
	struct mv_bus *bus = d->machine->bus;

	(void)spec;
	mv_pci_bus_init(&h->bus, d->machine);
	d->machine->pci = &h->bus;
	if (mv_pci_bus_plug(&h->bus, &h->fn, 0, &ids, &bridge_ops, err) < 0)
		return -1;
	if (mv_bus_add(bus, MV_SPACE_MEMORY, MV_ECAM_BASE, MV_ECAM_SIZE, &ecam_ops, h, err) < 0)
		return -1;
	h->ecam = true;
	if (mv_bus_add(bus, MV_SPACE_PORT, MV_PORT_PCI_ADDRESS, 4, &address_ops, h, err) < 0)
		return -1;
	h->address_port = true;
	if (mv_bus_add(bus, MV_SPACE_PORT, PORT_PCI_DATA, 4, &data_ops, h, err) < 0)
		return -1;
	h->data_port = true;
	return 0;
}

static void host_reset(struct mv_dev *d)
{
	struct host *h = (struct host *)d;

	h->address = 0;
	h->reset_control = 0;
	mv_pci_fn_reset(&h->fn);
}

static int host_state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct host *h = (struct host *)d;

	mv_state_u32(st, 1, &h->address);
	mv_state_u8(st, 2, &h->reset_control);
	mv_pci_fn_state(&h->fn, st, 16);
	if (mv_state_ok(st))
		return 0;
	return mv_state_finish(st, err);
}

static void host_destroy(struct mv_dev *d)
{
	struct host *h = (struct host *)d;
	struct mv_bus *bus = d->machine->bus;

	if (h->data_port)
		mv_bus_remove(bus, MV_SPACE_PORT, PORT_PCI_DATA, h);
	if (h->address_port)
		mv_bus_remove(bus, MV_SPACE_PORT, MV_PORT_PCI_ADDRESS, h);
	if (h->ecam)
		mv_bus_remove(bus, MV_SPACE_MEMORY, MV_ECAM_BASE, h);
	mv_pci_fn_release(&h->fn);
	if (d->machine->pci == &h->bus) {
		d->machine->pci = NULL;
		mv_pci_bus_release(&h->bus);
	}
}

const struct mv_dev_ops mv_pci_host_ops = {
	.name = "PCI host bridge",
	.size = sizeof(struct host),
	.version = 1,
	.create = host_create,
	.reset = host_reset,
	.state = host_state,
	.destroy = host_destroy,
};
