/* All devices there are. */
#include "engine/kvm/dev/dev.h"
#include "engine/kvm/dev/pci.h"
#include "engine/kvm/dev/platform.h"
#include "engine/kvm/virtio/devices.h"

const struct mv_dev_ops *const mv_dev_platform[] = {
	&mv_pci_host_ops, /* first: PCI devices need it */
	&mv_acpi_pm_ops,  /* power button, power off, reset */
	&mv_rtc_ops,      /* clock */
	&mv_i8042_ops,    /* reset */
	&mv_legacy_ops,   /* system control ports */
	NULL,
};

/* clang-format off */
static const struct mv_dev_ops *const by_kind[MV_DEVICE_LAST] = {
	[MV_DEVICE_SERIAL]  = &mv_serial_dev_ops,
	[MV_DEVICE_PVPANIC] = &mv_pvpanic_dev_ops,
	[MV_DEVICE_BLK]     = &mv_blk_dev_ops,
	[MV_DEVICE_NET]     = &mv_net_dev_ops,
	[MV_DEVICE_CONSOLE] = &mv_console_dev_ops,
	[MV_DEVICE_RNG]     = &mv_rng_dev_ops,
	[MV_DEVICE_BALLOON] = &mv_balloon_dev_ops,
	[MV_DEVICE_VSOCK]   = &mv_vsock_dev_ops,
};
/* clang-format on */

const struct mv_dev_ops *mv_dev_ops_of(enum mv_device_kind kind)
{
	return (unsigned)kind < MV_DEVICE_LAST ? by_kind[kind] : NULL;
}
