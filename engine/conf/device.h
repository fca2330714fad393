/* Devices of a domain, whatever their kind: what they share, and what a definition as a whole needs. Over the
 * structures of schema/domain_devices.lua. Any thread; nothing is kept. */
#ifndef MV_CONF_DEVICE_H
#define MV_CONF_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/conf/schema.h"

struct mv_address_def;
struct mv_devices_def;
struct mv_device_boot_def;
struct mv_disk_def;
struct mv_controller_def;
struct mv_domain_def;

/* What a device of any kind may have; NULL: it has none. Pointers into the device. */
struct mv_device_info {
	char **alias;
	struct mv_address_def *address;
	struct mv_device_boot_def *boot;
};

void mv_device_info(const struct mv_conf_desc *desc, void *def, struct mv_device_info *info);

/* The member of mv_devices_desc for <element>: its list (or single structure) and, in ->desc, the device's description.
 * NULL: there is no such device. */
const struct mv_conf_member *mv_device_kind(const char *element);

/* Calls `each` for every device, in the order in which they are written, until it returns other than 0: that is
 * returned. */
typedef int (*mv_device_each_fn)(const struct mv_conf_member *kind, void *def, void *opaque);
int mv_device_each(const struct mv_devices_def *devices, mv_device_each_fn each, void *opaque);

/* Number of a disk by its name: "vda" 0, "hdc3" 2, "sdaa" 26. *partition (0 where there is none) may be NULL.
 * -1: it is no name of a disk. */
int mv_disk_name_index(const char *dev, int *partition);
/* "vd", 27 -> "vdab". buf has room for len bytes. -1: too small. */
int mv_disk_index_name(const char *prefix, unsigned index, char *buf, size_t len);
/* "file '/x'", "volume 'a/b'"...: what a disk's data is, for messages; NULL: an empty drive. */
const char *mv_disk_source_path(const struct mv_disk_def *disk);

/* Puts a device where libvirt has it: disks of a bus by their names, controllers of a type by their numbers, others
 * last. The device is taken when it works. 0 or -1 (no memory). */
int mv_device_insert(struct mv_devices_def *devices, const struct mv_conf_member *kind, void *device,
		     struct mv_error **err);

/* Completes one device that is to join `def` (and is not in it yet), as libvirt does when it reads one: bus, address,
 * numbers. mv_domain_complete_devices() does it for all of a definition. 0 or -1: MV_ERR_XML,
 * MV_ERR_CONFIG_UNSUPPORTED. */
int mv_device_complete(struct mv_domain_def *def, const struct mv_conf_member *kind, void *device,
		       struct mv_error **err);
/* After devices have come or gone: adds what they imply (controllers, a console, a video card), and refuses what
 * clashes. */
int mv_devices_settle(struct mv_domain_def *def, struct mv_error **err);
/* Controllers that addresses of devices name and nobody has given. */
int mv_devices_add_controllers(struct mv_domain_def *def, struct mv_error **err);
/* Gives a controller without an index one: that of its companion, or the first that is free. */
void mv_controller_number(const struct mv_devices_def *d, struct mv_controller_def *c);
/* The console that stands for the first serial port shows what that port is. */
int mv_devices_pair_console(struct mv_domain_def *def, struct mv_error **err);

/* For check functions: a definition keeps only names of the user's own ("ua-..."). */
void mv_device_drop_alias(char **alias, const struct mv_conf_at *at);
int mv_device_no_memory(struct mv_error **err); /* -1 */

#endif
