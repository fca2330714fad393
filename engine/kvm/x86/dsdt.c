#include "engine/kvm/x86/dsdt.h"

#include "engine/kvm/common/layout.h"
#include "engine/kvm/x86/acpi.h"

#define PINS 4

static void write_routing(struct mv_aml *a)
{
	size_t table, entry;

	/* Package entries: slot << 16 and any function, pin, no link device, GSI. */
	mv_aml_name(a, "_PRT");
	table = mv_aml_open_package(a, MV_MACHINE_PCI_SLOTS * PINS);
	for (unsigned slot = 1; slot <= MV_MACHINE_PCI_SLOTS; slot++) {
		for (unsigned pin = 0; pin < PINS; pin++) {
			entry = mv_aml_open_package(a, 4);
			mv_aml_integer(a, (uint64_t)slot << 16 | 0xffff);
			mv_aml_integer(a, pin);
			mv_aml_integer(a, 0);
			mv_aml_integer(a, mv_acpi_intx_gsi(slot, pin));
			mv_aml_close(a, entry);
		}
	}
	mv_aml_close(a, table);
}

static void write_host_bridge(struct mv_aml *a)
{
	size_t device = mv_aml_open_device(a, "PCI0");
	size_t resources;

	mv_aml_name_eisa_id(a, "_HID", "PNP0A08");
	mv_aml_name_eisa_id(a, "_CID", "PNP0A03");
	mv_aml_name_integer(a, "_SEG", 0);
	mv_aml_name_integer(a, "_BBN", 0);
	mv_aml_name_integer(a, "_UID", 0);
	resources = mv_aml_open_resources(a);
	mv_aml_bus_window(a, 0, 0);
	mv_aml_io(a, MV_PORT_PCI_ADDRESS, 8);
	mv_aml_io_window(a, 0x0000, MV_PORT_PCI_ADDRESS - 1);
	mv_aml_io_window(a, MV_PORT_PCI_ADDRESS + 8, 0xffff);
	mv_aml_memory_window(a, MV_PCI_MMIO_BASE, MV_PCI_MMIO_BASE + MV_PCI_MMIO_SIZE - 1);
	mv_aml_close_resources(a, resources);
	write_routing(a);
	mv_aml_close(a, device);
}

/* What no driver claims, but nobody else may use: a guest trusts MCFG only when its memory is reserved here or in the
 * memory map. */
static void write_reserved(struct mv_aml *a)
{
	size_t device = mv_aml_open_device(a, "MRES");
	size_t resources;

	mv_aml_name_eisa_id(a, "_HID", "PNP0C02");
	mv_aml_name_integer(a, "_UID", 0);
	resources = mv_aml_open_resources(a);
	mv_aml_memory(a, MV_ECAM_BASE, MV_ECAM_SIZE);
	mv_aml_io(a, MV_PORT_PM_BASE, MV_PORT_PM_SIZE);
	mv_aml_close_resources(a, resources);
	mv_aml_close(a, device);
}

static void write_rtc(struct mv_aml *a)
{
	size_t device = mv_aml_open_device(a, "RTC_");
	size_t resources;

	mv_aml_name_eisa_id(a, "_HID", "PNP0B00");
	resources = mv_aml_open_resources(a);
	mv_aml_io(a, 0x70, 2);
	mv_aml_irq(a, 8);
	mv_aml_close_resources(a, resources);
	mv_aml_close(a, device);
}

static void write_serial(struct mv_aml *a, uint32_t index)
{
	static const struct {
		uint16_t port;
		uint8_t irq;
	} com[] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
	char name[] = "COM1";
	size_t device, resources;

	if (index >= MV_ARRAY_SIZE(com))
		return;
	name[3] = (char)('1' + index);
	device = mv_aml_open_device(a, name);
	mv_aml_name_eisa_id(a, "_HID", "PNP0501");
	mv_aml_name_integer(a, "_UID", index + 1);
	resources = mv_aml_open_resources(a);
	mv_aml_io(a, com[index].port, 8);
	mv_aml_irq(a, com[index].irq);
	mv_aml_close_resources(a, resources);
	mv_aml_close(a, device);
}

/* Linux and Windows know the panic device by this name. */
static void write_pvpanic(struct mv_aml *a)
{
	size_t device = mv_aml_open_device(a, "PEVT");
	size_t resources;

	mv_aml_name_string(a, "_HID", "QEMU0001");
	resources = mv_aml_open_resources(a);
	mv_aml_io(a, MV_PORT_PVPANIC, 1);
	mv_aml_close_resources(a, resources);
	mv_aml_name_integer(a, "_STA", 0x0f);
	mv_aml_close(a, device);
}

void mv_dsdt_write(struct mv_aml *a, const struct mv_machine_spec *spec)
{
	bool serial[4] = { false };
	bool pvpanic = false;
	size_t scope, sleep;

	for (uint32_t i = 0; i < spec->device_count; i++) {
		const struct mv_device_spec *d = &spec->devices[i];

		if (d->kind == MV_DEVICE_SERIAL && d->serial.index < MV_ARRAY_SIZE(serial))
			serial[d->serial.index] = true;
		if (d->kind == MV_DEVICE_PVPANIC)
			pvpanic = true;
	}

	scope = mv_aml_open_scope(a, "_SB_");
	write_host_bridge(a);
	write_reserved(a);
	write_rtc(a);
	for (uint32_t i = 0; i < MV_ARRAY_SIZE(serial); i++)
		if (serial[i])
			write_serial(a, i);
	if (pvpanic)
		write_pvpanic(a);
	mv_aml_close(a, scope);

	mv_aml_name(a, "_S5_");
	sleep = mv_aml_open_package(a, 4);
	mv_aml_integer(a, MV_PM_S5_TYPE); /* PM1a, PM1b (there is none), two reserved */
	mv_aml_integer(a, MV_PM_S5_TYPE);
	mv_aml_integer(a, 0);
	mv_aml_integer(a, 0);
	mv_aml_close(a, sleep);
}
