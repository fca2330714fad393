/* Where things are in the guest's physical address space and port space. */
#ifndef MV_KVM_COMMON_LAYOUT_H
#define MV_KVM_COMMON_LAYOUT_H

#define MV_LOW_RAM_LIMIT 0xC0000000ULL /* RAM below the PCI hole ends here at the latest */
#define MV_HIGH_RAM_BASE 0x100000000ULL

#define MV_PCI_MMIO_BASE 0xC0000000ULL /* window for BARs */
#define MV_PCI_MMIO_SIZE 0x20000000ULL
#define MV_ECAM_BASE 0xE0000000ULL /* bus 0 only */
#define MV_ECAM_SIZE 0x00100000ULL
#define MV_IOAPIC_BASE 0xFEC00000ULL
#define MV_LAPIC_BASE 0xFEE00000ULL
#define MV_KVM_IDENTITY_MAP 0xFEFFC000ULL /* one page for KVM */
#define MV_KVM_TSS_BASE 0xFEFFD000ULL     /* three pages for KVM */

/* ACPI tables and the EBDA-like area live in the last KiB of conventional memory and the BIOS area. */
#define MV_ACPI_RSDP 0x000E0000ULL
#define MV_ACPI_TABLES 0x000E0040ULL
#define MV_ACPI_TABLES_END 0x00100000ULL

/* Ports */
#define MV_PORT_PM_BASE \
	0x600 /* ACPI PM1 event block (4), PM1 control (2), PM timer (4 at +8), GPE0 (2 at +0xc), reset (1 at +0xf) */
#define MV_PORT_PM_SIZE 0x10
#define MV_PORT_PM_TIMER (MV_PORT_PM_BASE + 0x8)
#define MV_PORT_PM_GPE0 (MV_PORT_PM_BASE + 0xc)
#define MV_PORT_PM_RESET (MV_PORT_PM_BASE + 0xf)
#define MV_PM_RESET_VALUE 0x01
#define MV_PM_S5_TYPE 5
#define MV_PORT_PVPANIC 0x505
#define MV_PORT_PCI_ADDRESS 0xcf8
#define MV_PORT_RESET_CONTROL 0xcf9

/* Interrupts: ISA 0-15; the four PCI INTx lines share GSI 16-19 (slot and pin swizzled). */
#define MV_GSI_SCI 9
#define MV_GSI_PCI_INTX 16
#define MV_GSI_PCI_INTX_COUNT 4
#define MV_GSI_MSI_BASE 24 /* first GSI used for MSI-X routes */

#endif
