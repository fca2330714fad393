#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_devices_def.h"
#include "conf/domain_disks_def.h"
#include "engine/conf/device.h"

int mv_device_no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory for the devices of a domain.");
}

void mv_device_drop_alias(char **alias, const struct mv_conf_at *at)
{
	const char *c = *alias;

	if (!c || at->flags & MV_CONF_LIVE)
		return;
	if (!strncmp(c, "ua-", 3)) {
		while (isalnum((unsigned char)*c) || *c == '-' || *c == '_' || *c == '.')
			c++;
		if (!*c)
			return;
	}
	free(*alias);
	*alias = NULL;
}

void mv_device_info(const struct mv_conf_desc *desc, void *def, struct mv_device_info *info)
{
	char *base = def;

	*info = (struct mv_device_info){ 0 };
	for (unsigned i = 0; i < desc->n_members; i++) {
		const struct mv_conf_member *m = &desc->members[i];

		if (m->kind == MV_CONF_IN && m->type == MV_CONF_T_STRING && !strcmp(m->field, "alias"))
			info->alias = (char **)(void *)(base + m->offset);
		else if (m->kind == MV_CONF_STRUCT && !(m->flags & (MV_CONF_LIST | MV_CONF_POINTER)) &&
			 m->desc == &mv_address_desc)
			info->address = (struct mv_address_def *)(void *)(base + m->offset);
		else if (m->kind == MV_CONF_STRUCT && m->desc == &mv_device_boot_desc)
			info->boot = (struct mv_device_boot_def *)(void *)(base + m->offset);
	}
}

const struct mv_conf_member *mv_device_kind(const char *element)
{
	for (unsigned i = 0; i < mv_devices_desc.n_members; i++) {
		const struct mv_conf_member *m = &mv_devices_desc.members[i];

		if (m->kind == MV_CONF_STRUCT && !strcmp(m->name, element))
			return m;
	}
	return NULL;
}

int mv_device_each(const struct mv_devices_def *devices, mv_device_each_fn each, void *opaque)
{
	const char *base = (const char *)devices;

	for (unsigned i = 0; i < mv_devices_desc.n_members; i++) {
		const struct mv_conf_member *m = &mv_devices_desc.members[i];
		void **list;
		size_t count;
		int rc;

		if (m->kind != MV_CONF_STRUCT || !(m->flags & MV_CONF_LIST))
			continue;
		list = *(void **const *)(const void *)(base + m->offset);
		count = *(const size_t *)(const void *)(base + m->count_offset);
		for (size_t n = 0; n < count; n++) {
			rc = each(m, list[n], opaque);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* --- names of disks
 * --------------------------------------------------------------------------------------------------- */

int mv_disk_name_index(const char *dev, int *partition)
{
	static const char *const prefixes[] = { "fd", "hd", "vd", "sd", "xvd", "ubd" };
	long index = 0, part = 0;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(dev, prefixes[i], len))
			continue;
		dev += len;
		if (!islower((unsigned char)*dev))
			return -1;
		for (; islower((unsigned char)*dev); dev++) {
			index = index * 26 + (*dev - 'a') + 1;
			if (index > 1 << 24)
				return -1;
		}
		/* A partition has no leading zero. */
		if (*dev == '0')
			return -1;
		for (; isdigit((unsigned char)*dev); dev++) {
			part = part * 10 + (*dev - '0');
			if (part > 1 << 24)
				return -1;
		}
		if (*dev)
			return -1;
		if (partition)
			*partition = (int)part;
		return (int)index - 1;
	}
	return -1;
}

int mv_disk_index_name(const char *prefix, unsigned index, char *buf, size_t len)
{
	char letters[8];
	size_t n = sizeof(letters);
	int written;

	letters[--n] = '\0';
	do {
		if (!n)
			return -1;
		letters[--n] = (char)('a' + index % 26);
		index /= 26;
	} while (index--);
	written = snprintf(buf, len, "%s%s", prefix, letters + n);
	return written < 0 || (size_t)written >= len ? -1 : 0;
}

const char *mv_disk_source_path(const struct mv_disk_def *disk)
{
	const struct mv_disk_source_def *s = &disk->source;

	if (!s->present)
		return NULL;
	switch (disk->type) {
	case MV_DISK_TYPE_FILE: return s->file;
	case MV_DISK_TYPE_BLOCK: return s->dev;
	case MV_DISK_TYPE_DIR: return s->dir;
	case MV_DISK_TYPE_NETWORK: return s->name;
	case MV_DISK_TYPE_VOLUME: return s->volume;
	case MV_DISK_TYPE_VHOSTUSER: return s->path;
	default: return NULL;
	}
}

/* --- order
 * ------------------------------------------------------------------------------------------------------------ */

/* Where libvirt puts a disk: before the first disk of its bus with a higher number, else behind the last of its bus,
 * else at the end. Buses are what the document gives, so that disks without one are a bus of their own here. */
static size_t disk_place(const struct mv_devices_def *devices, const struct mv_disk_def *disk)
{
	int index = mv_disk_name_index(disk->target.dev ? disk->target.dev : "", NULL);
	size_t place = SIZE_MAX;

	for (size_t i = devices->n_disks; i-- > 0;) {
		const struct mv_disk_def *other = devices->disks[i];

		if (other->target.bus != disk->target.bus)
			continue;
		if (mv_disk_name_index(other->target.dev ? other->target.dev : "", NULL) > index)
			place = i;
		else if (place == SIZE_MAX)
			place = i + 1;
	}
	return place == SIZE_MAX ? devices->n_disks : place;
}

/* The same for controllers of a type; those without a number go behind the last, a companion behind its master. */
static size_t controller_place(const struct mv_devices_def *devices, const struct mv_controller_def *c)
{
	size_t place = SIZE_MAX;

	for (size_t i = devices->n_controllers; i-- > 0;) {
		const struct mv_controller_def *other = devices->controllers[i];

		if (other->type != c->type)
			continue;
		if (!c->has_index) {
			place = i + 1;
			break;
		}
		if (other->has_index && other->index > c->index)
			place = i;
		else if (!c->has_master_startport && other->has_master_startport && other->has_index &&
			 other->index == c->index)
			place = i;
		else if (place == SIZE_MAX)
			place = i + 1;
	}
	return place == SIZE_MAX ? devices->n_controllers : place;
}

int mv_device_insert(struct mv_devices_def *devices, const struct mv_conf_member *kind, void *device,
		     struct mv_error **err)
{
	void ***list = (void ***)(void *)((char *)devices + kind->offset);
	size_t *count = (size_t *)(void *)((char *)devices + kind->count_offset);
	size_t place = *count;

	if (kind->desc == &mv_disk_desc)
		place = disk_place(devices, device);
	else if (kind->desc == &mv_controller_desc)
		place = controller_place(devices, device);
	if (mv_conf_append_pointer(list, count, device, err) < 0)
		return -1;
	memmove(*list + place + 1, *list + place, (*count - 1 - place) * sizeof(**list));
	(*list)[place] = device;
	return 0;
}
