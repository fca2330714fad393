#include "engine/conf/device_match.h"

#include <string.h>

#include "conf/common_def.h"
#include "conf/domain_devices_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_graphics_def.h"
#include "conf/domain_hostdevs_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/conf/device.h"

static const void *at(const void *def, uint32_t offset)
{
	return (const char *)def + offset;
}

static bool same_value(const struct mv_conf_member *m, const void *a, const void *b)
{
	char left[MV_CONF_VALUE_TEXT], right[MV_CONF_VALUE_TEXT];
	const char *x = mv_conf_value_text(m, a, left), *y = mv_conf_value_text(m, b, right);

	return x && y ? !strcmp(x, y) : x == y;
}

static bool covers_list(const struct mv_conf_member *m, const void *part, const void *whole)
{
	size_t n = *(const size_t *)at(part, m->count_offset), other = *(const size_t *)at(whole, m->count_offset);
	size_t size;

	if (!n)
		return true;
	if (n != other || m->kind == MV_CONF_CHOICE)
		return false;
	if (m->kind == MV_CONF_STRUCT) {
		void *const *a = *(void *const *const *)at(part, m->offset);
		void *const *b = *(void *const *const *)at(whole, m->offset);

		for (size_t i = 0; i < n; i++) {
			if (!mv_conf_covers(m->desc, a[i], b[i]))
				return false;
		}
		return true;
	}
	size = mv_conf_value_size(m);
	for (size_t i = 0; i < n; i++) {
		if (!same_value(m, *(const char *const *)at(part, m->offset) + i * size,
				*(const char *const *)at(whole, m->offset) + i * size))
			return false;
	}
	return true;
}

static bool covers_struct(const struct mv_conf_member *m, const void *part, const void *whole)
{
	const void *a = at(part, m->offset), *b = at(whole, m->offset);

	if (m->flags & MV_CONF_POINTER) {
		a = *(const void *const *)a;
		b = *(const void *const *)b;
	}
	if (!a || !*(const bool *)a)
		return true;
	return b && *(const bool *)b && mv_conf_covers(m->desc, a, b);
}

static bool covers_member(const struct mv_conf_member *m, const void *part, const void *whole)
{
	if (m->flags & MV_CONF_LIST)
		return covers_list(m, part, whole);
	if (m->kind == MV_CONF_STRUCT)
		return covers_struct(m, part, whole);
	if (m->kind == MV_CONF_RAW || !mv_conf_is_given(m, part))
		return true;
	return mv_conf_is_given(m, whole) && same_value(m, at(part, m->offset), at(whole, m->offset));
}

bool mv_conf_covers(const struct mv_conf_desc *desc, const void *part, const void *whole)
{
	for (unsigned i = 0; i < desc->n_members; i++) {
		if (!covers_member(&desc->members[i], part, whole))
			return false;
	}
	return true;
}

/* --- devices --------------------------------------------------------------------------------------------------------
 */

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static bool same_controller(const struct mv_controller_def *a, const struct mv_controller_def *b)
{
	return a->type == b->type && (!a->has_index || (b->has_index && a->index == b->index)) &&
		(a->model == MV_CONTROLLER_MODEL_NONE || a->model == b->model);
}

static bool same_interface(const struct mv_domain_interface_def *a, const struct mv_domain_interface_def *b)
{
	static const uint8_t none[6];

	return !memcmp(a->mac, none, sizeof(none)) || !memcmp(a->mac, b->mac, sizeof(none));
}

/* What each kind is known by; a kind that is not here, by all that is said. */
static bool same_key(const struct mv_conf_desc *desc, const void *like, const void *device)
{
	if (desc == &mv_disk_desc) {
		const struct mv_disk_def *a = like, *b = device;

		return same_text(a->target.dev, b->target.dev);
	}
	if (desc == &mv_domain_interface_desc)
		return same_interface(like, device);
	if (desc == &mv_controller_desc)
		return same_controller(like, device);
	if (desc == &mv_hostdev_desc) {
		const struct mv_hostdev_def *a = like, *b = device;

		return a->type == b->type && mv_conf_covers(&mv_hostdev_source_desc, &a->source, &b->source);
	}
	if (desc == &mv_filesystem_desc) {
		const struct mv_filesystem_def *a = like, *b = device;

		return same_text(a->target_dir, b->target_dir);
	}
	if (desc == &mv_lease_desc) {
		const struct mv_lease_def *a = like, *b = device;

		return same_text(a->key, b->key) &&
			(a->lockspace ? same_text(a->lockspace, b->lockspace) : !b->lockspace);
	}
	if (desc == &mv_graphics_desc) {
		const struct mv_graphics_def *a = like, *b = device;

		return a->type == b->type;
	}
	return mv_conf_covers(desc, like, device);
}

bool mv_device_matches(const struct mv_conf_member *kind, const void *like, const void *device)
{
	struct mv_device_info a, b;

	/* The device is not changed: it only has no const pointers into it. */
	mv_device_info(kind->desc, (void *)like, &a);
	mv_device_info(kind->desc, (void *)device, &b);
	if (a.alias && *a.alias && !same_text(*a.alias, *b.alias))
		return false;
	if (a.address && a.address->present &&
	    (!b.address->present || !mv_conf_covers(&mv_address_desc, a.address, b.address)))
		return false;
	return same_key(kind->desc, like, device);
}
