/* The ACPI tables (ACPI 6.4), made for the machine: RSDP, XSDT, FADT, FACS, MADT, MCFG, DSDT. */
#ifndef MV_KVM_X86_ACPI_H
#define MV_KVM_X86_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/vmm/memory.h"

/* INTx pin 0..3 (A..D) of a slot on bus 0 raises this GSI. _PRT says so; dev/pci.c must do so. */
static inline unsigned mv_acpi_intx_gsi(unsigned slot, unsigned pin)
{
	return MV_GSI_PCI_INTX + (slot + pin) % MV_GSI_PCI_INTX_COUNT;
}

/* Writes the tables to MV_ACPI_RSDP and MV_ACPI_TABLES; *rsdp is the RSDP's address.
 * Errors: MV_ERR_CONFIG_UNSUPPORTED when they do not fit below MV_ACPI_TABLES_END (cannot happen for a valid
 * specification). */
int mv_acpi_build(const struct mv_machine_spec *spec, struct mv_memory *mem, uint64_t *rsdp, struct mv_error **err);

/* The bytes of the table with this signature ("DSDT", "APIC", "RSD PTR ", ...) among those written to memory, or NULL.
 * For tests. */
const void *mv_acpi_table(const struct mv_memory *mem, const char *signature, size_t *size);

#endif
