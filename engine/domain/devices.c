#define MV_ERROR_DOMAIN MV_FROM_DOMAIN
#include "engine/domain/devices.h"

#include <stdlib.h>
#include <string.h>

#include "conf/domain_chardevs_def.h"
#include "conf/domain_devices_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_graphics_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/base/cleanup.h"
#include "engine/conf/device.h"
#include "engine/conf/device_match.h"

/* --- reading --------------------------------------------------------------------------------------------------------
 */

#define MAX_NAME 64

/* The name of the first element; false: there is none, or a longer one than any that is known. */
static bool root_name(const char *xml, char name[MAX_NAME])
{
	while ((xml = strchr(xml, '<'))) {
		size_t len = strcspn(++xml, " \t\r\n/>");

		if (!strncmp(xml, "!--", 3)) {
			xml = strstr(xml, "-->");
			if (!xml)
				return false;
		} else if (*xml != '?' && *xml != '!') {
			if (!len || len >= MAX_NAME)
				return false;
			memcpy(name, xml, len);
			name[len] = '\0';
			return true;
		}
	}
	return false;
}

int mv_device_parse(const char *xml, unsigned flags, struct mv_conf_notes *notes, struct mv_device *device,
		    struct mv_error **err)
{
	char name[MAX_NAME];

	*device = (struct mv_device){ 0 };
	if (!root_name(xml, name))
		return mv_error_set(err, MV_ERR_XML, "The text is not the XML of a device.");
	device->kind = mv_device_kind(name);
	if (!device->kind || !(device->kind->flags & MV_CONF_LIST))
		return mv_error_set(err, MV_ERR_XML, "unknown device type '%s'", name);
	return mv_conf_parse_element(device->kind->desc, name, xml, flags, notes, &device->def, err);
}

void mv_device_clear(struct mv_device *device)
{
	if (device->def)
		mv_conf_free(device->kind->desc, device->def);
	*device = (struct mv_device){ 0 };
}

/* --- finding --------------------------------------------------------------------------------------------------------
 */

static void **list_of(const struct mv_domain_def *def, const struct mv_conf_member *kind, size_t **count)
{
	char *base = (char *)&def->devices;

	*count = (size_t *)(void *)(base + kind->count_offset);
	return *(void ***)(void *)(base + kind->offset);
}

/* The place of the one that is described in its list. -1 with *err. */
static long find(const struct mv_domain_def *def, const struct mv_device *like, struct mv_error **err)
{
	size_t *count;
	void **list = list_of(def, like->kind, &count);
	long found = -1;

	for (size_t i = 0; i < *count; i++) {
		if (!mv_device_matches(like->kind, like->def, list[i]))
			continue;
		if (found >= 0)
			return mv_error_set(
				err, MV_ERR_OPERATION_FAILED,
				"Several devices <%s> are as described; an address or an alias tells which.",
				like->kind->name);
		found = (long)i;
	}
	if (found < 0)
		return mv_error_set(err, MV_ERR_DEVICE_MISSING,
				    "device not found: no <%s> of the domain is as described", like->kind->name);
	return found;
}

void *mv_domain_device_find(const struct mv_domain_def *def, const struct mv_device *like, struct mv_error **err)
{
	size_t *count;
	long place = find(def, like, err);

	return place < 0 ? NULL : list_of(def, like->kind, &count)[place];
}

/* --- attach ---------------------------------------------------------------------------------------------------------
 */

/* Kinds of which a second one with the same key cannot be. */
static int check_new(const struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err)
{
	const struct mv_conf_desc *desc = device->kind->desc;
	size_t *count;
	void **list = list_of(def, device->kind, &count);

	if (desc == &mv_disk_desc) {
		const struct mv_disk_def *disk = device->def;

		for (size_t i = 0; i < *count; i++) {
			if (!strcmp(((struct mv_disk_def *)list[i])->target.dev, disk->target.dev))
				return mv_error_set(err, MV_ERR_OPERATION_INVALID, "target %s already exists",
						    disk->target.dev);
		}
	} else if (desc == &mv_controller_desc || desc == &mv_filesystem_desc || desc == &mv_lease_desc) {
		const struct mv_controller_def *controller = device->def;

		if (desc == &mv_controller_desc && !controller->has_index)
			return 0;
		for (size_t i = 0; i < *count; i++) {
			if (mv_device_matches(device->kind, device->def, list[i]))
				return mv_error_set(err, MV_ERR_OPERATION_INVALID,
						    "The domain has such a <%s> already.", device->kind->name);
		}
	}
	return 0;
}

int mv_domain_device_attach(struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err)
{
	void *copy;

	if (check_new(def, device, err) < 0)
		return -1;
	copy = mv_conf_copy(device->kind->desc, device->def, err);
	if (!copy)
		return -1;
	if (mv_device_complete(def, device->kind, copy, err) < 0 ||
	    mv_device_insert(&def->devices, device->kind, copy, err) < 0) {
		mv_conf_free(device->kind->desc, copy);
		return -1;
	}
	return mv_devices_settle(def, err);
}

/* --- detach ---------------------------------------------------------------------------------------------------------
 */

static void take_out(struct mv_domain_def *def, const struct mv_conf_member *kind, size_t place)
{
	struct mv_devices_def *d = &def->devices;
	size_t *count;
	void **list = list_of(def, kind, &count);

	/* The first console is the first serial port: one goes with the other. */
	if (place == 0 && d->n_consoles && d->n_serials &&
	    d->consoles[0]->target.type == MV_CONSOLE_TARGET_TYPE_SERIAL) {
		if (kind->desc == &mv_serial_desc)
			mv_conf_free(&mv_console_desc, mv_conf_remove(d->consoles, &d->n_consoles, 0));
		else if (kind->desc == &mv_console_desc)
			mv_conf_free(&mv_serial_desc, mv_conf_remove(d->serials, &d->n_serials, 0));
	}
	mv_conf_free(kind->desc, mv_conf_remove_pointer(list, count, place));
}

int mv_domain_device_detach(struct mv_domain_def *def, const struct mv_device *like, struct mv_error **err)
{
	long place = find(def, like, err);

	if (place < 0)
		return -1;
	take_out(def, like->kind, (size_t)place);
	return mv_devices_settle(def, err);
}

struct by_alias {
	const char *alias;
	const struct mv_conf_member *kind;
	void *device;
};

static int has_alias(const struct mv_conf_member *kind, void *device, void *opaque)
{
	struct by_alias *search = opaque;
	struct mv_device_info info;

	mv_device_info(kind->desc, device, &info);
	if (!info.alias || !*info.alias || strcmp(*info.alias, search->alias))
		return 0;
	search->kind = kind;
	search->device = device;
	return 1;
}

int mv_domain_device_detach_alias(struct mv_domain_def *def, const char *alias, struct mv_error **err)
{
	struct by_alias search = { .alias = alias };
	size_t *count, place = 0;
	void **list;

	if (!mv_device_each(&def->devices, has_alias, &search))
		return mv_error_set(err, MV_ERR_DEVICE_MISSING, "no device found with alias %s", alias);
	list = list_of(def, search.kind, &count);
	while (list[place] != search.device)
		place++;
	take_out(def, search.kind, place);
	return mv_devices_settle(def, err);
}

/* --- update ---------------------------------------------------------------------------------------------------------
 */

/* What the new device does not say about where and what it is stays. */
static int keep_place(const struct mv_conf_desc *desc, const void *old, void *device, struct mv_error **err)
{
	struct mv_device_info from, to;
	void *copy = mv_conf_copy(desc, old, err);

	if (!copy)
		return -1;
	mv_device_info(desc, copy, &from);
	mv_device_info(desc, device, &to);
	if (to.alias && !*to.alias) {
		*to.alias = *from.alias;
		*from.alias = NULL;
	}
	if (to.address && !to.address->present) {
		*to.address = *from.address;
		*from.address = (struct mv_address_def){ 0 };
	}
	if (desc == &mv_domain_interface_desc) {
		static const uint8_t none[6];
		struct mv_domain_interface_def *net = device, *was = copy;

		if (!memcmp(net->mac, none, sizeof(none)))
			memcpy(net->mac, was->mac, sizeof(none));
		if (!net->target.dev && was->target.dev) {
			if (!net->target.present && mv_conf_init(&mv_interface_target_desc, &net->target, err) < 0) {
				mv_conf_free(desc, copy);
				return -1;
			}
			net->target.dev = was->target.dev;
			was->target.dev = NULL;
		}
	}
	if (desc == &mv_disk_desc) {
		struct mv_disk_def *disk = device, *was = copy;

		if (disk->target.bus == MV_DISK_BUS_NONE)
			disk->target.bus = was->target.bus;
	}
	mv_conf_free(desc, copy);
	return 0;
}

int mv_domain_device_update(struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err)
{
	const struct mv_conf_desc *desc = device->kind->desc;
	size_t *count;
	void **list = list_of(def, device->kind, &count), *copy;
	struct mv_device like = *device;
	long place;

	if (desc != &mv_disk_desc && desc != &mv_domain_interface_desc && desc != &mv_graphics_desc &&
	    desc != &mv_memory_device_desc)
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "live update of device '%s' is not supported",
				    device->kind->name);
	if (desc == &mv_memory_device_desc) {
		/* Known by its place: what is asked of it is what changes. */
		struct mv_memory_device_def key = { .present = true,
						    .model = ((struct mv_memory_device_def *)device->def)->model };
		const struct mv_memory_device_def *new = device->def;

		key.alias = new->alias;
		key.address = new->address;
		like.def = &key;
		place = find(def, &like, err);
	} else {
		place = find(def, device, err);
	}
	if (place < 0)
		return -1;
	copy = mv_conf_copy(desc, device->def, err);
	if (!copy)
		return -1;
	if (keep_place(desc, list[place], copy, err) < 0 || mv_device_complete(def, device->kind, copy, err) < 0) {
		mv_conf_free(desc, copy);
		return -1;
	}
	mv_conf_free(desc, list[place]);
	list[place] = copy;
	return mv_devices_settle(def, err);
}

/* --- guests ---------------------------------------------------------------------------------------------------------
 */

/* One change of a definition: of the device, or by the alias. */
typedef int (*change_fn)(struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err);

static int change_copy(const struct mv_domain_def *def, change_fn change, const struct mv_device *device,
		       const char *alias, struct mv_domain_def **out, struct mv_error **err)
{
	mv_auto(mv_domain_def) copy = mv_domain_def_copy(def, err);

	if (!copy)
		return -1;
	if ((change ? change(copy, device, err) : mv_domain_device_detach_alias(copy, alias, err)) < 0)
		return -1;
	*out = mv_steal(copy);
	return 0;
}

/* Gives a definition the contents of another, which is freed. */
static void replace(struct mv_domain_def *def, struct mv_domain_def *with)
{
	struct mv_domain_def old;

	if (!with)
		return;
	old = *def;
	*def = *with;
	*with = old;
	mv_domain_def_free(with);
}

static int change_guest(struct mv_domobj *guest, unsigned flags, change_fn change, const struct mv_device *device,
			const char *alias, struct mv_error **err)
{
	struct mv_domain_def *live, *config;
	mv_auto(mv_domain_def) new_live = NULL;
	mv_auto(mv_domain_def) new_config = NULL;

	if (mv_domobj_defs(guest, flags & (MV_AFFECT_LIVE | MV_AFFECT_CONFIG), &live, &config, err) < 0)
		return -1;
	if ((config && change_copy(config, change, device, alias, &new_config, err) < 0) ||
	    (live && change_copy(live, change, device, alias, &new_live, err) < 0))
		return -1;
	replace(config, mv_steal(new_config));
	replace(live, mv_steal(new_live));
	return 0;
}

static int change_by_xml(struct mv_domobj *guest, const char *xml, unsigned flags, change_fn change,
			 struct mv_error **err)
{
	struct mv_device device;
	int rc;

	if (mv_device_parse(xml, 0, NULL, &device, err) < 0 || !device.kind || !device.def)
		return -1;
	rc = change_guest(guest, flags, change, &device, NULL, err);
	mv_device_clear(&device);
	return rc;
}

int mv_domobj_attach_device(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_error **err)
{
	return change_by_xml(guest, xml, flags, mv_domain_device_attach, err);
}

int mv_domobj_detach_device(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_error **err)
{
	return change_by_xml(guest, xml, flags, mv_domain_device_detach, err);
}

int mv_domobj_update_device(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_error **err)
{
	return change_by_xml(guest, xml, flags, mv_domain_device_update, err);
}

int mv_domobj_detach_device_alias(struct mv_domobj *guest, const char *alias, unsigned flags, struct mv_error **err)
{
	return change_guest(guest, flags, NULL, NULL, alias, err);
}
