/* Devices that cannot be in one domain together: two with one name, place or boot order, more of a kind than there can
 * be, or one that needs what is not there. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/device_clash.h"

#include <stdlib.h>
#include <string.h>

#include "conf/domain_chardevs_def.h"
#include "conf/domain_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_graphics_def.h"
#include "conf/domain_hostdevs_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/conf/device.h"

/* --- names and boot orders
 * -------------------------------------------------------------------------------------------- */

struct seen {
	const char **aliases;
	unsigned *orders;
	size_t n_aliases, n_orders, room;
	const struct mv_conf_member *kind;
	struct mv_error **err;
};

static int count_device(const struct mv_conf_member *kind, void *def, void *opaque)
{
	(void)kind;
	(void)def;
	(*(size_t *)opaque)++;
	return 0;
}

static int note_device(const struct mv_conf_member *kind, void *def, void *opaque)
{
	struct seen *seen = opaque;
	struct mv_device_info info;

	mv_device_info(kind->desc, def, &info);
	/* The first console has the name of its serial port. */
	if (info.alias && *info.alias && kind->desc != &mv_console_desc)
		seen->aliases[seen->n_aliases++] = *info.alias;
	if (info.boot && info.boot->present)
		seen->orders[seen->n_orders++] = info.boot->order;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static int find_twice(struct seen *seen)
{
	qsort(seen->aliases, seen->n_aliases, sizeof(*seen->aliases), compare_names);
	qsort(seen->orders, seen->n_orders, sizeof(*seen->orders), compare_numbers);
	for (size_t i = 1; i < seen->n_aliases; i++) {
		if (!strcmp(seen->aliases[i - 1], seen->aliases[i]))
			return mv_error_set(seen->err, MV_ERR_CONFIG_UNSUPPORTED, "non unique alias detected: %s",
					    seen->aliases[i]);
	}
	for (size_t i = 1; i < seen->n_orders; i++) {
		if (seen->orders[i - 1] == seen->orders[i])
			return mv_error_set(seen->err, MV_ERR_CONFIG_UNSUPPORTED,
					    "boot order '%u' used for more than one device", seen->orders[i]);
	}
	return 0;
}

static int check_names(const struct mv_devices_def *d, struct mv_error **err)
{
	struct seen seen = { .err = err };
	int rc = -1;

	mv_device_each(d, count_device, &seen.room);
	if (!seen.room)
		return 0;
	seen.aliases = calloc(seen.room, sizeof(*seen.aliases));
	seen.orders = calloc(seen.room, sizeof(*seen.orders));
	if (seen.aliases && seen.orders) {
		mv_device_each(d, note_device, &seen);
		rc = find_twice(&seen);
	} else {
		mv_device_no_memory(err);
	}
	free(seen.aliases);
	free(seen.orders);
	return rc;
}

/* --- disks
 * ------------------------------------------------------------------------------------------------------------ */

static int compare_targets(const void *a, const void *b)
{
	const struct mv_disk_def *x = *(struct mv_disk_def *const *)a, *y = *(struct mv_disk_def *const *)b;

	return strcmp(x->target.dev, y->target.dev);
}

static int compare_drives(const void *a, const void *b)
{
	const struct mv_disk_def *x = *(struct mv_disk_def *const *)a, *y = *(struct mv_disk_def *const *)b;
	const unsigned left[] = { x->address.type,     x->target.bus,     x->address.controller,
				  x->address.unit_bus, x->address.target, x->address.unit };
	const unsigned right[] = { y->address.type,     y->target.bus,     y->address.controller,
				   y->address.unit_bus, y->address.target, y->address.unit };

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	}
	return 0;
}

static const char *source_name(const struct mv_disk_def *disk)
{
	const char *path = mv_disk_source_path(disk);

	return path ? path : "(null)";
}

static int find_disk_twice(struct mv_disk_def **disks, size_t n, struct mv_error **err)
{
	qsort(disks, n, sizeof(void *), compare_targets);
	for (size_t i = 1; i < n; i++) {
		if (!compare_targets(&disks[i - 1], &disks[i]))
			return mv_error_set(err, MV_ERR_XML, "target '%s' duplicated for disk sources '%s' and '%s'",
					    disks[i]->target.dev, source_name(disks[i - 1]), source_name(disks[i]));
	}
	qsort(disks, n, sizeof(void *), compare_drives);
	for (size_t i = 1; i < n; i++) {
		const struct mv_address_def *a = &disks[i]->address;

		if (a->type == MV_ADDRESS_TYPE_DRIVE && !compare_drives(&disks[i - 1], &disks[i]))
			return mv_error_set(
				err, MV_ERR_CONFIG_UNSUPPORTED,
				"Found duplicate drive address for disk with target name '%s' controller='%u' bus='%u' target='%u' unit='%u'",
				disks[i]->target.dev, a->controller, a->unit_bus, a->target, a->unit);
	}
	return 0;
}

static int check_disks(const struct mv_devices_def *d, struct mv_error **err)
{
	struct mv_disk_def **disks;
	int rc;

	if (d->n_disks < 2)
		return 0;
	disks = malloc(d->n_disks * sizeof(void *));
	if (!disks)
		return mv_device_no_memory(err);
	memcpy(disks, d->disks, d->n_disks * sizeof(void *));
	rc = find_disk_twice(disks, d->n_disks, err);
	free(disks);
	return rc;
}

/* --- USB, controllers
 * ------------------------------------------------------------------------------------------------- */

struct usb {
	bool given, disabled, master;
	unsigned n;
};

static struct usb look_at_usb(const struct mv_devices_def *d)
{
	struct usb usb = { 0 };

	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct mv_controller_def *c = d->controllers[i];

		if (c->type != MV_CONTROLLER_TYPE_USB)
			continue;
		usb.n++;
		if (c->model == MV_CONTROLLER_MODEL_NONE_)
			usb.disabled = true;
		else
			usb.given = true;
		usb.master |= c->index == 0 && !c->has_master_startport;
	}
	return usb;
}

static int check_usb(const struct mv_devices_def *d, struct mv_error **err)
{
	struct usb usb = look_at_usb(d);
	const char *what = NULL;

	if (usb.disabled && usb.n > 1)
		return mv_error_set(err, MV_ERR_XML,
				    "Can't add another USB controller: USB is disabled for this domain");
	if (usb.n && !usb.disabled && !usb.master)
		return mv_error_set(err, MV_ERR_XML, "No master USB controller specified");
	if (usb.disabled) {
		for (size_t i = 0; i < d->n_inputs; i++)
			what = d->inputs[i]->bus == MV_INPUT_BUS_USB ? "input device" : what;
		for (size_t i = 0; i < d->n_hostdevs; i++)
			what = d->hostdevs[i]->type == MV_HOSTDEV_TYPE_USB ? "device of the host" : what;
		what = d->n_hubs ? "hub" : what;
	}
	if (d->n_redirdevs && !usb.given)
		what = "redirected device";
	if (what)
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"A USB %s is given, but USB is disabled for this domain: it needs <controller type='usb'/>.",
			what);
	return 0;
}

static int check_controllers(const struct mv_devices_def *d, struct mv_error **err)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct mv_controller_def *c = d->controllers[i];

		if (c->type == MV_CONTROLLER_TYPE_PCI && c->index == 0 && c->target.present && c->target.has_node)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "The PCI controller with index=0 can't be associated with a NUMA node");
		for (size_t n = 0; n < i && c->type != MV_CONTROLLER_TYPE_USB; n++) {
			if (d->controllers[n]->type == c->type && d->controllers[n]->index == c->index)
				return mv_error_set(err, MV_ERR_XML, "Multiple '%s' controllers with index '%u'",
						    mv_conf_word(&mv_controller_type_enum, c->type), c->index);
		}
	}
	return 0;
}

/* --- devices of the host
 * ---------------------------------------------------------------------------------------------- */

static bool same_pci(const struct mv_pci_address_def *a, const struct mv_pci_address_def *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot && a->function_ == b->function_;
}

static bool same_hostdev(const struct mv_hostdev_def *x, const struct mv_hostdev_def *y)
{
	const struct mv_hostdev_source_def *a = &x->source, *b = &y->source;

	if (x->type != y->type)
		return false;
	switch (x->type) {
	case MV_HOSTDEV_TYPE_PCI: return same_pci(&a->pci_address, &b->pci_address);
	case MV_HOSTDEV_TYPE_USB:
		if (a->usb_address.present && b->usb_address.present)
			return a->usb_address.bus == b->usb_address.bus &&
				a->usb_address.device == b->usb_address.device;
		return !a->usb_address.present && !b->usb_address.present && a->has_vendor && b->has_vendor &&
			a->vendor == b->vendor && a->product == b->product;
	case MV_HOSTDEV_TYPE_SCSI:
		if (a->protocol != b->protocol)
			return false;
		if (a->protocol == MV_HOSTDEV_PROTOCOL_ISCSI)
			return !strcmp(a->name, b->name) && !strcmp(a->hosts[0]->name, b->hosts[0]->name);
		return !strcmp(a->adapter, b->adapter) && a->scsi_address.bus == b->scsi_address.bus &&
			a->scsi_address.target == b->scsi_address.target &&
			a->scsi_address.unit == b->scsi_address.unit;
	case MV_HOSTDEV_TYPE_SCSI_HOST: return !strcmp(a->wwpn, b->wwpn);
	case MV_HOSTDEV_TYPE_MDEV:
		return !memcmp(a->mdev_address.uuid, b->mdev_address.uuid, sizeof(a->mdev_address.uuid));
	case MV_HOSTDEV_TYPE_STORAGE: return !strcmp(a->block, b->block);
	case MV_HOSTDEV_TYPE_MISC: return !strcmp(a->character, b->character);
	case MV_HOSTDEV_TYPE_NET: return !strcmp(a->interface, b->interface);
	default: return false;
	}
}

/* An interface that is a PCI device of the host. */
static bool is_interface_of(const struct mv_domain_interface_def *net, const struct mv_hostdev_def *h)
{
	const struct mv_interface_host_address_def *a = &net->source.host_address;
	const struct mv_pci_address_def *b = &h->source.pci_address;

	return net->type == MV_INTERFACE_TYPE_HOSTDEV && a->type == MV_INTERFACE_ADDRESS_TYPE_PCI &&
		h->type == MV_HOSTDEV_TYPE_PCI && a->domain == b->domain && a->bus == b->bus && a->slot == b->slot &&
		a->function_ == b->function_;
}

static int check_hostdevs(const struct mv_devices_def *d, struct mv_error **err)
{
	for (size_t i = 0; i < d->n_hostdevs; i++) {
		bool twice = false;

		for (size_t n = 0; n < i; n++)
			twice |= same_hostdev(d->hostdevs[n], d->hostdevs[i]);
		for (size_t n = 0; n < d->n_interfaces; n++)
			twice |= is_interface_of(d->interfaces[n], d->hostdevs[i]);
		if (twice)
			return mv_error_set(err, MV_ERR_XML, "Hostdev already exists in the domain configuration");
	}
	return 0;
}

/* --- sound, memory, the rest
 * ------------------------------------------------------------------------------------------ */

static bool has_audio(const struct mv_devices_def *d, unsigned id)
{
	for (size_t i = 0; i < d->n_audios; i++) {
		if (d->audios[i]->id == id)
			return true;
	}
	return false;
}

static int check_audio(const struct mv_devices_def *d, struct mv_error **err)
{
	for (size_t i = 0; i < d->n_audios; i++) {
		for (size_t n = 0; n < i; n++) {
			if (d->audios[n]->id == d->audios[i]->id)
				return mv_error_set(err, MV_ERR_XML, "audio ID %u is used multiple times",
						    d->audios[i]->id);
		}
	}
	for (size_t i = 0; i < d->n_sounds; i++) {
		if (d->sounds[i]->has_audio_id && !has_audio(d, d->sounds[i]->audio_id))
			return mv_error_set(err, MV_ERR_XML, "no audio device with ID %u", d->sounds[i]->audio_id);
	}
	for (size_t i = 0; i < d->n_graphics; i++) {
		if (d->graphics[i]->type == MV_GRAPHICS_TYPE_VNC && d->graphics[i]->has_audio_id &&
		    !has_audio(d, d->graphics[i]->audio_id))
			return mv_error_set(err, MV_ERR_XML, "no audio device with ID %u", d->graphics[i]->audio_id);
	}
	return 0;
}

static int check_memory(const struct mv_domain_def *def, struct mv_error **err)
{
	const struct mv_devices_def *d = &def->devices;

	for (size_t i = 0; i < d->n_memories; i++) {
		const struct mv_memory_target_def *t = &d->memories[i]->target;

		if (!t->has_node)
			continue;
		if (!def->cpu.numa.n_cells)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "can't add memory backend as guest has no NUMA nodes configured");
		if (t->node >= def->cpu.numa.n_cells)
			return mv_error_set(
				err, MV_ERR_CONFIG_UNSUPPORTED,
				"can't add memory backend for guest node '%u' as the guest has only '%zu' NUMA nodes configured",
				t->node, def->cpu.numa.n_cells);
	}
	return 0;
}

static int check_iommu(const struct mv_domain_def *def, struct mv_error **err)
{
	const struct mv_devices_def *d = &def->devices;

	for (size_t i = 0; i < d->n_iommus; i++) {
		const struct mv_iommu_driver_def *driver = &d->iommus[i]->driver;

		if (driver->intremap == MV_TRI_YES && def->features.ioapic != MV_IOAPIC_DRIVER_QEMU)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')");
		if (driver->eim == MV_TRI_YES && driver->intremap != MV_TRI_YES)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "IOMMU eim requires interrupt remapping to be enabled");
	}
	return 0;
}

static int check_counts(const struct mv_devices_def *d, struct mv_error **err)
{
	static const struct {
		const char *element, *message;
	} single[] = {
		{ "watchdog", "only a single watchdog device is supported" },
		{ "memballoon", "only a single memory balloon device is supported" },
		{ "nvram", "only a single nvram device is supported" },
		{ "iommu", "only a single IOMMU device is supported" },
		{ "vsock", "only a single vsock device is supported" },
	};

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		const struct mv_conf_member *kind = mv_device_kind(single[i].element);

		if (*(const size_t *)(const void *)((const char *)d + kind->count_offset) > 1)
			return mv_error_set(err, MV_ERR_XML, "%s", single[i].message);
	}
	for (size_t i = 1; i < d->n_panics; i++) {
		for (size_t n = 0; n < i; n++) {
			if (d->panics[n]->model == d->panics[i]->model)
				return mv_error_set(err, MV_ERR_XML, "Multiple panic devices with model '%s'",
						    d->panics[i]->model ?
							    mv_conf_word(&mv_panic_model_enum, d->panics[i]->model) :
							    "default");
		}
	}
	return 0;
}

int mv_devices_check(const struct mv_domain_def *def, struct mv_error **err)
{
	const struct mv_devices_def *d = &def->devices;

	if (check_disks(d, err) < 0 || check_controllers(d, err) < 0 || check_usb(d, err) < 0 ||
	    check_hostdevs(d, err) < 0 || check_audio(d, err) < 0 || check_memory(def, err) < 0 ||
	    check_iommu(def, err) < 0 || check_counts(d, err) < 0)
		return -1;
	return check_names(d, err);
}
