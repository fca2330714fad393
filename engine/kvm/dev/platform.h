/* The devices of a PC that are not PCI. One file each; table.c lists them. */
#ifndef MV_KVM_DEV_PLATFORM_H
#define MV_KVM_DEV_PLATFORM_H

#include "engine/kvm/dev/dev.h"

/* Every machine has these; their specification is NULL. */
extern const struct mv_dev_ops mv_rtc_ops;     /* clock and CMOS memory, ports 0x70-0x71, IRQ 8 */
extern const struct mv_dev_ops mv_i8042_ops;   /* keyboard controller without devices, ports 0x60 and 0x64, IRQ 1 */
extern const struct mv_dev_ops mv_acpi_pm_ops; /* ACPI fixed hardware at MV_PORT_PM_BASE, SCI */
extern const struct mv_dev_ops mv_legacy_ops;  /* system control port 0x92: fast reset */

/* By specification. */
extern const struct mv_dev_ops mv_serial_dev_ops;  /* MV_DEVICE_SERIAL: 16550A */
extern const struct mv_dev_ops mv_pvpanic_dev_ops; /* MV_DEVICE_PVPANIC: port MV_PORT_PVPANIC */

#endif
