/* All devices there are. */
#include "engine/kvm/dev/dev.h"
#include "engine/kvm/dev/pci.h"
#include "engine/kvm/dev/platform.h"
#include "engine/kvm/virtio/devices.h"

/* The PCI host comes first: PCI devices need it. */
const struct mv_dev_ops *const mv_dev_platform[] = {
	&mv_pci_host_ops, &mv_acpi_pm_ops, &mv_rtc_ops, &mv_i8042_ops, &mv_legacy_ops, NULL,
};

static const struct mv_dev_ops *const by_kind[MV_DEVICE_LAST] = {
	[MV_DEVICE_SERIAL] = &mv_serial_dev_ops,   [MV_DEVICE_PVPANIC] = &mv_pvpanic_dev_ops,
	[MV_DEVICE_NET] = &mv_net_dev_ops,         [MV_DEVICE_BLK] = &mv_blk_dev_ops,
	[MV_DEVICE_CONSOLE] = &mv_console_dev_ops, [MV_DEVICE_RNG] = &mv_rng_dev_ops,
	[MV_DEVICE_BALLOON] = &mv_balloon_dev_ops, [MV_DEVICE_VSOCK] = &mv_vsock_dev_ops,
};

const struct mv_dev_ops *mv_dev_ops_of(enum mv_device_kind kind)
{
	return (unsigned)kind < MV_DEVICE_LAST ? by_kind[kind] : NULL;
}
