#include "engine/kvm/x86/acpi.h"

#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/x86/aml.h"
#include "engine/kvm/x86/dsdt.h"
#include "engine/kvm/x86/topology.h"

#define HEADER_SIZE 36
#define OEM_ID "MOONV "
#define OEM_TABLE_ID "MOONVISR"
#define CREATOR_ID "MOON"

/* RSDP, version 2 (5.2.5). */
#define RSDP_SIZE 36
#define RSDP_V1_SIZE 20
#define RSDP_CHECKSUM 8
#define RSDP_OEM_ID 9
#define RSDP_REVISION 15
#define RSDP_LENGTH 20
#define RSDP_XSDT 24
#define RSDP_EXTENDED_CHECKSUM 32

/* FADT, version 6.3 (5.2.9): offsets of its fields. */
#define FADT_SIZE 276
#define FADT_FACS 36
#define FADT_DSDT 40
#define FADT_SCI 46
#define FADT_PM1A_EVENT 56
#define FADT_PM1A_CONTROL 64
#define FADT_PM_TIMER 76
#define FADT_GPE0 80
#define FADT_PM1_EVENT_LENGTH 88
#define FADT_PM1_CONTROL_LENGTH 89
#define FADT_PM_TIMER_LENGTH 91
#define FADT_GPE0_LENGTH 92
#define FADT_C2_LATENCY 96
#define FADT_C3_LATENCY 98
#define FADT_CENTURY 108
#define FADT_BOOT_FLAGS 109
#define FADT_FLAGS 112
#define FADT_RESET 116
#define FADT_RESET_VALUE 128
#define FADT_MINOR_VERSION 131
#define FADT_X_DSDT 140
#define FADT_X_PM1A_EVENT 148
#define FADT_X_PM1A_CONTROL 172
#define FADT_X_PM_TIMER 208
#define FADT_X_GPE0 220

/* No VGA. There is a CMOS clock, so that flag is not set; there is no keyboard (the 8042 only resets), so that no guest
 * waits for one to answer. */
#define BOOT_LEGACY_DEVICES 0x0001
#define BOOT_NO_VGA 0x0004
/* There is a fixed power button (that flag is not set), but no sleep button, and the RTC cannot wake. The timer has
 * 32 bits, and its event comes when the highest of them changes. */
#define FLAG_WBINVD (1u << 0)
#define FLAG_C1 (1u << 2)
#define FLAG_NO_SLEEP_BUTTON (1u << 5)
#define FLAG_NO_RTC_WAKE (1u << 6)
#define FLAG_TIMER_32_BITS (1u << 8)
#define FLAG_RESET_REGISTER (1u << 10)
#define NO_C2 101
#define NO_C3 1001

#define GAS_IO 1

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4, MADT_X2APIC = 9, MADT_X2APIC_NMI = 10 };
#define MADT_8259 1
#define MADT_ENABLED 1
#define MADT_ACTIVE_HIGH_LEVEL 0x000d
/* Id 255 means all processors in an entry of eight bits. */
#define MADT_MAX_LAPIC_ID 254

/* The tables are laid one after the other; `used` grows. */
struct builder {
	uint8_t *base; /* host address of MV_ACPI_TABLES */
	size_t used, capacity;
	bool full;
};

static uint64_t address_of(const struct builder *b, const void *table)
{
	return MV_ACPI_TABLES + (uint64_t)((const uint8_t *)table - b->base);
}

/* Room for a table of `size` bytes, zeroed, or NULL. FACS wants 64 bytes of alignment; the base has it. */
static uint8_t *table_new(struct builder *b, size_t size)
{
	size_t at = (b->used + 63) & ~(size_t)63;

	if (at > b->capacity || size > b->capacity - at) {
		b->full = true;
		return NULL;
	}
	b->used = at + size;
	return memset(b->base + at, 0, size);
}

static uint8_t checksum(const uint8_t *p, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + p[i]);
	return (uint8_t)-sum;
}

/* Fills in the header of a table whose body is complete. */
static void table_seal(uint8_t *t, const char *signature, uint8_t revision, size_t size)
{
	memcpy(t, signature, 4);
	mv_put_le32(t + 4, (uint32_t)size);
	t[8] = revision;
	memcpy(t + 10, OEM_ID, 6);
	memcpy(t + 16, OEM_TABLE_ID, 8);
	mv_put_le32(t + 24, 1);
	memcpy(t + 28, CREATOR_ID, 4);
	mv_put_le32(t + 32, 1);
	t[9] = checksum(t, size);
}

static uint8_t *build_dsdt(struct builder *b, const struct mv_machine_spec *spec)
{
	uint8_t *t = table_new(b, HEADER_SIZE);
	struct mv_aml aml;

	if (!t)
		return NULL;
	aml = (struct mv_aml){ .data = b->base + b->used, .capacity = b->capacity - b->used };
	mv_dsdt_write(&aml, spec);
	if (aml.full) {
		b->full = true;
		return NULL;
	}
	b->used += aml.size;
	table_seal(t, "DSDT", 2, HEADER_SIZE + aml.size);
	return t;
}

/* FACS has no checksum and no common header. */
static uint8_t *build_facs(struct builder *b)
{
	uint8_t *t = table_new(b, 64);

	if (!t)
		return NULL;
	memcpy(t, "FACS", 4);
	mv_put_le32(t + 4, 64);
	t[32] = 2; /* version */
	return t;
}

/* A generic address structure for a register block in port space. */
static void put_gas(uint8_t *p, uint16_t port, uint8_t bytes)
{
	p[0] = GAS_IO;
	p[1] = (uint8_t)(8 * bytes);
	p[3] = bytes == 1 ? 1 : bytes == 2 ? 2 : 3; /* access size: 1, 2 or 4 bytes */
	mv_put_le64(p + 4, port);
}

static uint8_t *build_fadt(struct builder *b, uint64_t dsdt, uint64_t facs)
{
	uint8_t *t = table_new(b, FADT_SIZE);

	if (!t)
		return NULL;
	mv_put_le32(t + FADT_FACS, (uint32_t)facs);
	mv_put_le32(t + FADT_DSDT, (uint32_t)dsdt);
	mv_put_le64(t + FADT_X_DSDT, dsdt);
	mv_put_le16(t + FADT_SCI, MV_GSI_SCI);

	/* No SMI command port: the machine is in ACPI mode from the start. */
	mv_put_le32(t + FADT_PM1A_EVENT, MV_PORT_PM_BASE);
	mv_put_le32(t + FADT_PM1A_CONTROL, MV_PORT_PM_BASE + 4);
	mv_put_le32(t + FADT_PM_TIMER, MV_PORT_PM_TIMER);
	mv_put_le32(t + FADT_GPE0, MV_PORT_PM_GPE0);
	t[FADT_PM1_EVENT_LENGTH] = 4;
	t[FADT_PM1_CONTROL_LENGTH] = 2;
	t[FADT_PM_TIMER_LENGTH] = 4;
	t[FADT_GPE0_LENGTH] = 2;
	put_gas(t + FADT_X_PM1A_EVENT, MV_PORT_PM_BASE, 4);
	put_gas(t + FADT_X_PM1A_CONTROL, MV_PORT_PM_BASE + 4, 2);
	put_gas(t + FADT_X_PM_TIMER, MV_PORT_PM_TIMER, 4);
	put_gas(t + FADT_X_GPE0, MV_PORT_PM_GPE0, 2);
	/* The event and GPE blocks are a status and an enable register each, which are accessed one by one. */
	t[FADT_X_PM1A_EVENT + 3] = 2;
	t[FADT_X_GPE0 + 3] = 1;

	mv_put_le16(t + FADT_C2_LATENCY, NO_C2);
	mv_put_le16(t + FADT_C3_LATENCY, NO_C3);
	t[FADT_CENTURY] = 0x32; /* CMOS index */
	mv_put_le16(t + FADT_BOOT_FLAGS, BOOT_LEGACY_DEVICES | BOOT_NO_VGA);
	mv_put_le32(t + FADT_FLAGS,
		    FLAG_WBINVD | FLAG_C1 | FLAG_NO_SLEEP_BUTTON | FLAG_NO_RTC_WAKE | FLAG_TIMER_32_BITS |
			    FLAG_RESET_REGISTER);
	put_gas(t + FADT_RESET, MV_PORT_PM_RESET, 1);
	t[FADT_RESET_VALUE] = MV_PM_RESET_VALUE;
	t[FADT_MINOR_VERSION] = 3;
	table_seal(t, "FACP", 6, FADT_SIZE);
	return t;
}

static uint8_t *put_cpu(uint8_t *p, uint32_t vcpu, uint32_t apic_id)
{
	if (apic_id <= MADT_MAX_LAPIC_ID) {
		p[0] = MADT_LAPIC;
		p[1] = 8;
		p[2] = (uint8_t)vcpu;
		p[3] = (uint8_t)apic_id;
		mv_put_le32(p + 4, MADT_ENABLED);
		return p + 8;
	}
	p[0] = MADT_X2APIC;
	p[1] = 16;
	mv_put_le32(p + 4, apic_id);
	mv_put_le32(p + 8, MADT_ENABLED);
	mv_put_le32(p + 12, vcpu);
	return p + 16;
}

static uint8_t *put_override(uint8_t *p, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	p[0] = MADT_OVERRIDE;
	p[1] = 10;
	p[3] = irq;
	mv_put_le32(p + 4, gsi);
	mv_put_le16(p + 8, flags);
	return p + 10;
}

/* LINT1 of all processors takes NMIs. */
static uint8_t *put_nmi(uint8_t *p, bool wide)
{
	if (!wide) {
		p[0] = MADT_LAPIC_NMI;
		p[1] = 6;
		p[2] = 0xff;
		p[5] = 1;
		return p + 6;
	}
	p[0] = MADT_X2APIC_NMI;
	p[1] = 12;
	mv_put_le32(p + 4, UINT32_MAX);
	p[8] = 1;
	return p + 12;
}

static uint8_t *build_madt(struct builder *b, const struct mv_machine_spec *spec)
{
	bool wide = mv_topology_max_apic_id(spec) > MADT_MAX_LAPIC_ID;
	uint8_t *t = table_new(b, HEADER_SIZE + 8);
	uint8_t *p;
	size_t size;

	/* The largest it can be; what is not needed is given back. */
	if (!t || (size_t)spec->vcpus * 16 + 64 > b->capacity - b->used) {
		b->full = true;
		return NULL;
	}
	p = t + HEADER_SIZE;
	mv_put_le32(p, MV_LAPIC_BASE);
	mv_put_le32(p + 4, MADT_8259);
	p += 8;
	memset(p, 0, (size_t)spec->vcpus * 16 + 64);
	for (uint32_t i = 0; i < spec->vcpus; i++)
		p = put_cpu(p, i, mv_topology_apic_id(spec, i));
	p[0] = MADT_IOAPIC;
	p[1] = 12;
	mv_put_le32(p + 4, MV_IOAPIC_BASE); /* id 0, first GSI 0 */
	p += 12;
	p = put_override(p, 0, 2, 0); /* as ISA: edge, active high */
	p = put_override(p, MV_GSI_SCI, MV_GSI_SCI, MADT_ACTIVE_HIGH_LEVEL);
	p = put_nmi(p, false);
	if (wide)
		p = put_nmi(p, true);
	size = (size_t)(p - t);
	b->used = (size_t)(p - b->base);
	table_seal(t, "APIC", 5, size);
	return t;
}

static uint8_t *build_mcfg(struct builder *b)
{
	uint8_t *t = table_new(b, HEADER_SIZE + 8 + 16);

	if (!t)
		return NULL;
	mv_put_le64(t + HEADER_SIZE + 8, MV_ECAM_BASE); /* segment 0, buses 0 to 0 */
	table_seal(t, "MCFG", 1, HEADER_SIZE + 8 + 16);
	return t;
}

static void build_rsdp(uint8_t *t, uint64_t xsdt)
{
	memset(t, 0, RSDP_SIZE);
	memcpy(t, "RSD PTR ", 8);
	memcpy(t + RSDP_OEM_ID, OEM_ID, 6);
	t[RSDP_REVISION] = 2;
	mv_put_le32(t + RSDP_LENGTH, RSDP_SIZE);
	mv_put_le64(t + RSDP_XSDT, xsdt);
	t[RSDP_CHECKSUM] = checksum(t, RSDP_V1_SIZE);
	t[RSDP_EXTENDED_CHECKSUM] = checksum(t, RSDP_SIZE);
}

int mv_acpi_build(const struct mv_machine_spec *spec, struct mv_memory *mem, uint64_t *rsdp, struct mv_error **err)
{
	struct builder b = { .capacity = MV_ACPI_TABLES_END - MV_ACPI_TABLES };
	uint8_t *root = mv_memory_ptr(mem, MV_ACPI_RSDP, RSDP_SIZE);
	uint8_t *dsdt, *facs, *tables[3], *xsdt;

	b.base = mv_memory_ptr(mem, MV_ACPI_TABLES, b.capacity);
	if (!root || !b.base)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The guest's memory has no room for the ACPI tables: it must cover the first MiB.");
	dsdt = build_dsdt(&b, spec);
	facs = build_facs(&b);
	tables[1] = build_madt(&b, spec);
	tables[2] = build_mcfg(&b);
	if (b.full)
		goto full;
	tables[0] = build_fadt(&b, address_of(&b, dsdt), address_of(&b, facs));
	xsdt = table_new(&b, HEADER_SIZE + sizeof(uint64_t) * MV_ARRAY_SIZE(tables));
	if (b.full)
		goto full;
	for (size_t i = 0; i < MV_ARRAY_SIZE(tables); i++)
		mv_put_le64(xsdt + HEADER_SIZE + 8 * i, address_of(&b, tables[i]));
	table_seal(xsdt, "XSDT", 1, HEADER_SIZE + sizeof(uint64_t) * MV_ARRAY_SIZE(tables));
	build_rsdp(root, address_of(&b, xsdt));
	*rsdp = MV_ACPI_RSDP;
	return 0;
full:
	return mv_error_set(
		err, MV_ERR_CONFIG_UNSUPPORTED,
		"The ACPI tables of %u vCPUs and %u devices do not fit into the %zu bytes there are for them.",
		spec->vcpus, spec->device_count, b.capacity);
}

static const void *table_at(const struct mv_memory *mem, uint64_t gpa, size_t *size)
{
	const uint8_t *header = mv_memory_ptr(mem, gpa, HEADER_SIZE);

	if (!header)
		return NULL;
	*size = mv_get_le32(header + 4);
	return mv_memory_ptr(mem, gpa, *size);
}

const void *mv_acpi_table(const struct mv_memory *mem, const char *signature, size_t *size)
{
	const uint8_t *rsdp = mv_memory_ptr(mem, MV_ACPI_RSDP, RSDP_SIZE);
	const uint8_t *xsdt, *table = NULL;
	size_t xsdt_size;

	if (rsdp && !strncmp(signature, "RSD PTR ", 8)) {
		*size = RSDP_SIZE;
		return rsdp;
	}
	xsdt = rsdp ? table_at(mem, mv_get_le64(rsdp + RSDP_XSDT), &xsdt_size) : NULL;
	if (!xsdt)
		return NULL;
	if (!strncmp(signature, "XSDT", 4)) {
		*size = xsdt_size;
		return xsdt;
	}
	for (size_t at = HEADER_SIZE; at + 8 <= xsdt_size; at += 8) {
		table = table_at(mem, mv_get_le64(xsdt + at), size);
		if (table && !memcmp(table, signature, 4))
			return table;
		if (!table || memcmp(table, "FACP", 4) != 0)
			continue;
		if (!strncmp(signature, "DSDT", 4))
			return table_at(mem, mv_get_le64(table + FADT_X_DSDT), size);
		if (!strncmp(signature, "FACS", 4))
			return table_at(mem, mv_get_le32(table + FADT_FACS), size);
	}
	return NULL;
}
