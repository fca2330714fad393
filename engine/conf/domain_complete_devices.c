/* The devices of a definition as a whole: what libvirt adds when a domain is defined (addresses, numbers, controllers,
 * a console, a video card), the order in which it keeps them, and what clashes. The order of the steps is part of it:
 * disks are sorted by the buses that the document gives, and only then get those that follow from their names. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conf/domain_chardevs_def.h"
#include "conf/domain_def.h"
#include "conf/domain_devices_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_graphics_def.h"
#include "conf/domain_hostdevs_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/conf/device.h"
#include "engine/conf/device_clash.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/conf/uuid.h"

#define SCSI_UNITS 7 /* of a controller, without its own */

/* --- disks
 * ------------------------------------------------------------------------------------------------------------ */

static enum mv_disk_bus default_bus(const struct mv_disk_def *disk)
{
	const char *dev = disk->target.dev;

	if (disk->device == MV_DISK_DEVICE_FLOPPY)
		return MV_DISK_BUS_FDC;
	if (!strncmp(dev, "sd", 2))
		return MV_DISK_BUS_SCSI;
	if (!strncmp(dev, "vd", 2))
		return MV_DISK_BUS_VIRTIO;
	if (!strncmp(dev, "xvd", 3))
		return MV_DISK_BUS_XEN;
	if (!strncmp(dev, "ubd", 3))
		return MV_DISK_BUS_UML;
	return MV_DISK_BUS_IDE;
}

static int set_drive_address(struct mv_address_def *a, unsigned controller, unsigned bus, unsigned unit,
			     struct mv_error **err)
{
	if (mv_conf_init(&mv_address_desc, a, err) < 0)
		return -1;
	a->type = MV_ADDRESS_TYPE_DRIVE;
	a->controller = controller;
	a->unit_bus = bus;
	a->target = 0;
	a->unit = unit;
	return 0;
}

static int complete_disk_address(struct mv_disk_def *disk, struct mv_error **err)
{
	int index = mv_disk_name_index(disk->target.dev, NULL);
	unsigned n = index < 0 ? 0 : (unsigned)index;

	if (disk->address.present)
		return 0;
	switch (disk->target.bus) {
	case MV_DISK_BUS_IDE: return set_drive_address(&disk->address, n / 4, n % 4 / 2, n % 2, err);
	case MV_DISK_BUS_SCSI: return set_drive_address(&disk->address, n / SCSI_UNITS, 0, n % SCSI_UNITS, err);
	case MV_DISK_BUS_SATA: return set_drive_address(&disk->address, n / 6, 0, n % 6, err);
	case MV_DISK_BUS_FDC: return set_drive_address(&disk->address, n / 2, 0, n % 2, err);
	default: return 0;
	}
}

/* What a disk may have on its bus. */
static int check_disk_bus(const struct mv_disk_def *d, struct mv_error **err)
{
	const struct mv_disk_driver_def *r = &d->driver;
	enum mv_disk_bus bus = d->target.bus;
	const char *word = mv_conf_word(&mv_disk_bus_enum, bus), *option = NULL;
	bool drive = bus == MV_DISK_BUS_IDE || bus == MV_DISK_BUS_SCSI || bus == MV_DISK_BUS_SATA ||
		bus == MV_DISK_BUS_FDC;

	if (d->target.removable != MV_TRI_NONE && bus != MV_DISK_BUS_USB)
		return mv_error_set(err, MV_ERR_XML,
				    "The disk '%s' is on the bus '%s'; 'removable' is for the bus 'usb'.",
				    d->target.dev, word);
	if (d->address.present && drive && d->address.type != MV_ADDRESS_TYPE_DRIVE)
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"Invalid address type '%s' for the disk '%s' with the bus type '%s'; it needs one of the type 'drive'.",
			mv_conf_word(&mv_address_type_enum, d->address.type), d->target.dev, word);
	if (d->address.present && d->address.type == MV_ADDRESS_TYPE_UNASSIGNED)
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"The disk '%s' has an address of the type 'unassigned', which is for devices of the host.",
			d->target.dev);
	if (d->type == MV_DISK_TYPE_VHOSTUSER && bus != MV_DISK_BUS_VIRTIO)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The disk '%s' is of the type 'vhostuser', which has only the bus 'virtio'.",
				    d->target.dev);
	if (bus == MV_DISK_BUS_VIRTIO)
		return 0;
	if (d->model != MV_VIRTIO_MODEL_NONE)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "disk model '%s' not supported for bus '%s'",
				    mv_conf_word(&mv_virtio_model_enum, d->model), word);
	option = r->ioeventfd != MV_TRI_NONE  ? "ioeventfd" :
		r->event_idx != MV_TRI_NONE   ? "event_idx" :
		r->has_queues                 ? "queues" :
		r->has_queue_size             ? "queue_size" :
		r->iommu != MV_TRI_NONE       ? "iommu" :
		r->ats != MV_TRI_NONE         ? "ats" :
		r->packed != MV_TRI_NONE      ? "packed" :
		r->page_per_vq != MV_TRI_NONE ? "page_per_vq" :
						NULL;
	if (option)
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"The disk '%s' is on the bus '%s'; the driver's option '%s' is for the bus 'virtio'.",
			d->target.dev, word, option);
	return 0;
}

static int complete_disk(struct mv_disk_def *disk, struct mv_error **err)
{
	if (disk->target.bus == MV_DISK_BUS_NONE)
		disk->target.bus = default_bus(disk);
	if (check_disk_bus(disk, err) < 0)
		return -1;
	return complete_disk_address(disk, err);
}

/* --- where other devices sit
 * ------------------------------------------------------------------------------------------ */

static bool sits_at(const struct mv_address_def *a, enum mv_address_type type, unsigned controller, unsigned unit)
{
	return a->present && a->type == type && a->controller == controller &&
		(type == MV_ADDRESS_TYPE_CCID ? a->card_slot == unit :
						a->unit_bus == 0 && a->target == 0 && a->unit == unit);
}

static bool scsi_is_taken(const struct mv_devices_def *d, unsigned controller, unsigned unit)
{
	for (size_t i = 0; i < d->n_disks; i++) {
		if (d->disks[i]->target.bus == MV_DISK_BUS_SCSI &&
		    sits_at(&d->disks[i]->address, MV_ADDRESS_TYPE_DRIVE, controller, unit))
			return true;
	}
	for (size_t i = 0; i < d->n_hostdevs; i++) {
		if (d->hostdevs[i]->type == MV_HOSTDEV_TYPE_SCSI &&
		    sits_at(&d->hostdevs[i]->address, MV_ADDRESS_TYPE_DRIVE, controller, unit))
			return true;
	}
	return false;
}

static int complete_hostdev(const struct mv_devices_def *d, struct mv_hostdev_def *h, struct mv_error **err)
{
	unsigned controller = 0, unit = 0;

	if (h->type != MV_HOSTDEV_TYPE_SCSI)
		return 0;
	if (h->address.present)
		return h->address.type == MV_ADDRESS_TYPE_DRIVE ?
			0 :
			mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "SCSI host device must use 'drive' address type");
	while (scsi_is_taken(d, controller, unit)) {
		if (++unit == SCSI_UNITS) {
			unit = 0;
			controller++;
		}
	}
	return set_drive_address(&h->address, controller, 0, unit, err);
}

static int complete_smartcard(const struct mv_devices_def *d, struct mv_smartcard_def *card, struct mv_error **err)
{
	unsigned slot = 0;

	if (card->address.present)
		return card->address.type == MV_ADDRESS_TYPE_CCID ?
			0 :
			mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				     "The address of a smartcard must be of the type 'ccid'.");
	for (size_t i = 0; i < d->n_smartcards; i++) {
		if (sits_at(&d->smartcards[i]->address, MV_ADDRESS_TYPE_CCID, 0, slot)) {
			slot++;
			i = (size_t)-1;
		}
	}
	if (mv_conf_init(&mv_address_desc, &card->address, err) < 0)
		return -1;
	card->address.type = MV_ADDRESS_TYPE_CCID;
	card->address.controller = 0;
	card->address.card_slot = slot;
	return 0;
}

/* --- interfaces
 * ------------------------------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t len)
{
	while (len && !*bytes)
		bytes++, len--;
	return !len;
}

static int fill_uuid(uint8_t uuid[16], struct mv_error **err)
{
	return is_zero(uuid, 16) ? mv_uuid_generate(uuid, err) : 0;
}

static int complete_virtualport(struct mv_virtualport_def *port, struct mv_error **err)
{
	struct mv_virtualport_parameters_def *p = &port->parameters;
	enum mv_virtualport_type type = port->type;

	if (!port->present)
		return 0;
	if (type == MV_VIRTUALPORT_TYPE_OPENVSWITCH && !p->present &&
	    mv_conf_init(&mv_virtualport_parameters_desc, p, err) < 0)
		return -1;
	if (!p->present)
		return 0;
	if ((type == MV_VIRTUALPORT_TYPE_NONE || type == MV_VIRTUALPORT_TYPE_802_1QBG) &&
	    fill_uuid(p->instance_id, err) < 0)
		return -1;
	if ((type == MV_VIRTUALPORT_TYPE_NONE || type == MV_VIRTUALPORT_TYPE_OPENVSWITCH) &&
	    fill_uuid(p->interface_id, err) < 0)
		return -1;
	return 0;
}

static int complete_interface(struct mv_domain_interface_def *net, struct mv_error **err)
{
	if (is_zero(net->mac, sizeof(net->mac))) {
		static const uint8_t prefix[3] = { 0x52, 0x54, 0x00 };

		memcpy(net->mac, prefix, 3);
		if (getrandom(net->mac + 3, 3, 0) != 3)
			return mv_error_set_errno(err, errno, "No random MAC address could be made");
	}
	if (net->address.present && net->address.type == MV_ADDRESS_TYPE_UNASSIGNED)
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"An interface has an address of the type 'unassigned', which is for devices of the host.");
	return complete_virtualport(&net->virtualport, err);
}

/* "testnet0", "testnet1": the first from *next on that no interface has; *next is behind it then. */
static int name_interface(const struct mv_devices_def *d, struct mv_domain_interface_def *net, const char *prefix,
			  unsigned *next, struct mv_error **err)
{
	char name[32];

	if (!prefix || net->target.dev)
		return 0;
	for (;;) {
		bool taken = false;

		snprintf(name, sizeof(name), "%s%u", prefix, (*next)++);
		for (size_t i = 0; i < d->n_interfaces && !taken; i++)
			taken = d->interfaces[i]->target.dev && !strcmp(d->interfaces[i]->target.dev, name);
		if (!taken)
			break;
	}
	if (!net->target.present && mv_conf_init(&mv_interface_target_desc, &net->target, err) < 0)
		return -1;
	net->target.dev = strdup(name);
	return net->target.dev ? 0 : mv_device_no_memory(err);
}

/* --- input, video
 * ----------------------------------------------------------------------------------------------------- */

static int complete_input(const struct mv_domain_def *def, struct mv_input_def *input, struct mv_error **err)
{
	bool hvm = def->os.type.value == MV_OS_TYPE_HVM;

	if (input->bus == MV_INPUT_BUS_XEN && hvm)
		return mv_error_set(err, MV_ERR_INTERNAL,
				    "The input bus 'xen' is for paravirtual machines, not for 'hvm'.");
	if (input->bus != MV_INPUT_BUS_NONE || input->type == MV_INPUT_TYPE_EVDEV)
		return 0;
	if (input->type == MV_INPUT_TYPE_PASSTHROUGH)
		input->bus = MV_INPUT_BUS_VIRTIO;
	else if (input->type == MV_INPUT_TYPE_TABLET)
		input->bus = MV_INPUT_BUS_USB;
	else
		input->bus = hvm ? MV_INPUT_BUS_PS2 : MV_INPUT_BUS_XEN;
	return 0;
}

static void complete_video(struct mv_video_def *video)
{
	struct mv_video_card_def *card = &video->model;

	if (card->type == MV_VIDEO_MODEL_NONE)
		card->type = MV_VIDEO_MODEL_CIRRUS;
	if (card->type == MV_VIDEO_MODEL_NONE_) {
		card->has_heads = card->primary = false;
		card->vram = 0;
		return;
	}
	if (card->type == MV_VIDEO_MODEL_QXL && !card->ram)
		card->ram = 64 * 1024;
	if (!card->vram) {
		switch (card->type) {
		case MV_VIDEO_MODEL_QXL: card->vram = 64 * 1024; break;
		case MV_VIDEO_MODEL_VGA:
		case MV_VIDEO_MODEL_CIRRUS:
		case MV_VIDEO_MODEL_VMVGA:
		case MV_VIDEO_MODEL_BOCHS: card->vram = 16 * 1024; break;
		case MV_VIDEO_MODEL_XEN: card->vram = 4 * 1024; break;
		default: break;
		}
	}
	if (!card->has_heads) {
		card->heads = 1;
		card->has_heads = true;
	} else if (!card->heads) {
		card->has_heads = false;
	}
}

/* A user who sees something needs a card; the first one is the primary one. */
static int complete_videos(struct mv_devices_def *d, struct mv_error **err)
{
	size_t primary = d->n_videos, n_primary = 0;

	if (!d->n_videos && d->n_graphics) {
		struct mv_video_def *video = mv_conf_new(&mv_video_desc, err);

		if (!video)
			return -1;
		if (mv_conf_append(&d->videos, &d->n_videos, video, err) < 0) {
			mv_conf_free(&mv_video_desc, video);
			return -1;
		}
	}
	for (size_t i = 0; i < d->n_videos; i++) {
		complete_video(d->videos[i]);
		if (d->videos[i]->model.type == MV_VIDEO_MODEL_NONE_ && d->n_videos > 1)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "a 'none' video type must be the only video device defined for the domain");
		if (d->videos[i]->model.primary) {
			primary = i;
			n_primary++;
		}
	}
	if (n_primary > 1)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "Only one primary video device is supported");
	if (primary < d->n_videos && primary > 0) {
		struct mv_video_def *video = d->videos[primary];

		memmove(d->videos + 1, d->videos, primary * sizeof(void *));
		d->videos[0] = video;
	}
	if (d->n_videos && d->videos[0]->model.type != MV_VIDEO_MODEL_NONE_)
		d->videos[0]->model.primary = true;
	return 0;
}

/* --- ports of serial and parallel devices
 * ----------------------------------------------------------------------------- */

static int complete_serials(struct mv_devices_def *d, struct mv_error **err)
{
	unsigned next = 0;

	for (size_t i = 0; i < d->n_serials; i++) {
		struct mv_serial_target_def *t = &d->serials[i]->target;

		if (!t->present && mv_conf_init(&mv_serial_target_desc, t, err) < 0)
			return -1;
		if (!t->has_port || t->port == -1) {
			t->port = (int)next;
			t->has_port = true;
		}
		if (t->port >= (int)next)
			next = (unsigned)t->port + 1;
	}
	next = 0;
	for (size_t i = 0; i < d->n_parallels; i++) {
		struct mv_parallel_target_def *t = &d->parallels[i]->target;

		if (!t->present && mv_conf_init(&mv_parallel_target_desc, t, err) < 0)
			return -1;
		if (!t->has_port || t->port == -1) {
			t->port = (int)next;
			t->has_port = true;
		}
		if (t->port >= (int)next)
			next = (unsigned)t->port + 1;
	}
	return 0;
}

/* --- all of them
 * ------------------------------------------------------------------------------------------------------ */

/* Takes the devices of a kind out of their list and puts them back where they belong. */
static int sort_devices(struct mv_devices_def *d, const char *element, struct mv_error **err)
{
	const struct mv_conf_member *kind = mv_device_kind(element);
	void ***list = (void ***)(void *)((char *)d + kind->offset), **old = *list;
	size_t *count = (size_t *)(void *)((char *)d + kind->count_offset), n = *count;

	*list = NULL;
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		if (mv_device_insert(d, kind, old[i], err) < 0) {
			while (i < n)
				mv_conf_free(kind->desc, old[i++]);
			free(old);
			return -1;
		}
		if (kind->desc == &mv_controller_desc)
			mv_controller_number(d, old[i]);
	}
	free(old);
	return 0;
}

/* Completes what a device says itself; not where it sits among others. */
static int complete_one(struct mv_domain_def *def, const struct mv_conf_member *kind, void *device,
			struct mv_error **err)
{
	if (kind->desc == &mv_disk_desc)
		return complete_disk(device, err);
	if (kind->desc == &mv_domain_interface_desc)
		return complete_interface(device, err);
	if (kind->desc == &mv_input_desc)
		return complete_input(def, device, err);
	if (kind->desc == &mv_hostdev_desc)
		return complete_hostdev(&def->devices, device, err);
	if (kind->desc == &mv_smartcard_desc)
		return complete_smartcard(&def->devices, device, err);
	return 0;
}

int mv_device_complete(struct mv_domain_def *def, const struct mv_conf_member *kind, void *device,
		       struct mv_error **err)
{
	if (kind->desc == &mv_video_desc)
		complete_video(device);
	if (kind->desc == &mv_controller_desc)
		mv_controller_number(&def->devices, device);
	return complete_one(def, kind, device, err);
}

static int complete_each(const struct mv_conf_member *kind, void *device, void *opaque)
{
	void **args = opaque;

	return complete_one(args[0], kind, device, args[1]);
}

int mv_devices_settle(struct mv_domain_def *def, struct mv_error **err)
{
	struct mv_devices_def *d = &def->devices;

	if (complete_serials(d, err) < 0 || mv_devices_complete_consoles(def, err) < 0 || complete_videos(d, err) < 0 ||
	    mv_devices_add_controllers(def, err) < 0 || mv_devices_pair_console(def, err) < 0)
		return -1;
	return mv_devices_check(def, err);
}

int mv_domain_complete_devices(struct mv_domain_def *def, const struct mv_domain_rules *rules, struct mv_error **err)
{
	struct mv_devices_def *d = &def->devices;
	void *args[] = { def, err };
	unsigned next = 0;

	if (sort_devices(d, "disk", err) < 0 || sort_devices(d, "controller", err) < 0 ||
	    complete_serials(d, err) < 0 || mv_devices_complete_consoles(def, err) < 0 || complete_videos(d, err) < 0 ||
	    mv_device_each(d, complete_each, args) < 0 || mv_devices_add_controllers(def, err) < 0 ||
	    mv_devices_pair_console(def, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_interfaces; i++) {
		if (name_interface(d, d->interfaces[i], rules->interface_prefix, &next, err) < 0)
			return -1;
	}
	return mv_devices_check(def, err);
}
