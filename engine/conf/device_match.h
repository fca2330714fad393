/* Is a device the one that somebody describes? */
#ifndef MV_CONF_DEVICE_MATCH_H
#define MV_CONF_DEVICE_MATCH_H

#include <stdbool.h>

#include "engine/conf/schema.h"

/* Whether everything that `part` says is also said by `whole`, which may say more; both are structures of `desc`. */
bool mv_conf_covers(const struct mv_conf_desc *desc, const void *part, const void *whole);

/* Whether `device` is the one that `like` describes, as libvirt finds the device of a call: disks by their targets,
 * interfaces by their MAC addresses, controllers by type and number, host's devices by their sources, file systems by
 * what the guest sees, leases by lockspace and key; an alias or an address that is given must be the device's. All
 * others by everything that is said. Both are of `kind`, a member of mv_devices_desc. */
bool mv_device_matches(const struct mv_conf_member *kind, const void *like, const void *device);

#endif
