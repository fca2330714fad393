/* All devices there are. */
#include "engine/kvm/dev/dev.h"
#include "engine/kvm/dev/pci.h"
#include "engine/kvm/dev/platform.h"
#include "engine/kvm/virtio/devices.h"

/* The PCI host comes first: PCI devices need it. */
const struct mv_dev_ops *const mv_dev_platform[] = {
	&mv_pci_host_ops,
	NULL,
};

static const struct mv_dev_ops *const by_kind[MV_DEVICE_LAST] = {
	[MV_DEVICE_SERIAL] = &mv_serial_dev_ops,
	[MV_DEVICE_RNG] = &mv_rng_dev_ops,
};

const struct mv_dev_ops *mv_dev_ops_of(enum mv_device_kind kind)
{
	return (unsigned)kind < MV_DEVICE_LAST ? by_kind[kind] : NULL;
}
