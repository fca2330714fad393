/* The virtio devices that a specification can ask for: one file each, listed in dev/table.c. */
#ifndef MV_KVM_VIRTIO_DEVICES_H
#define MV_KVM_VIRTIO_DEVICES_H

#include "engine/kvm/dev/dev.h"

extern const struct mv_dev_ops mv_blk_dev_ops;
extern const struct mv_dev_ops mv_net_dev_ops;
extern const struct mv_dev_ops mv_console_dev_ops;
extern const struct mv_dev_ops mv_rng_dev_ops;
extern const struct mv_dev_ops mv_balloon_dev_ops;
extern const struct mv_dev_ops mv_vsock_dev_ops;

#endif
