/* The controllers that devices need and a definition does not name, and the numbers of those that have none. */
#define MV_ERROR_DOMAIN MV_FROM_CONF

#include "conf/domain_chardevs_def.h"
#include "conf/domain_def.h"
#include "conf/domain_devices_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_hostdevs_def.h"
#include "engine/conf/device.h"

static const struct mv_controller_def *find_controller(const struct mv_devices_def *d, enum mv_controller_type type,
						       unsigned index)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct mv_controller_def *c = d->controllers[i];

		if (c->type == type && c->has_index && c->index == index)
			return c;
	}
	return NULL;
}

/* A companion goes with the USB 2 controller before it. */
static bool companion_index(const struct mv_devices_def *d, const struct mv_controller_def *c, unsigned *index)
{
	const struct mv_controller_def *previous = NULL;

	if (c->type != MV_CONTROLLER_TYPE_USB || !c->has_master_startport ||
	    c->model < MV_CONTROLLER_MODEL_ICH9_UHCI1 || c->model > MV_CONTROLLER_MODEL_ICH9_UHCI3)
		return false;
	for (size_t i = 0; i < d->n_controllers && d->controllers[i] != c; i++) {
		if (d->controllers[i]->type == MV_CONTROLLER_TYPE_USB && d->controllers[i]->has_index)
			previous = d->controllers[i];
	}
	if (!previous)
		return false;
	*index = previous->index;
	return true;
}

void mv_controller_number(const struct mv_devices_def *d, struct mv_controller_def *c)
{
	unsigned index = 0;

	if (c->has_index)
		return;
	if (!companion_index(d, c, &index)) {
		while (find_controller(d, c->type, index))
			index++;
	}
	c->index = index;
	c->has_index = true;
}

static int add_controller(struct mv_devices_def *d, enum mv_controller_type type, unsigned index, struct mv_error **err)
{
	struct mv_controller_def *c;

	if (find_controller(d, type, index))
		return 0;
	c = mv_conf_new(&mv_controller_desc, err);
	if (!c)
		return -1;
	c->type = type;
	if (mv_device_insert(d, mv_device_kind("controller"), c, err) < 0) {
		mv_conf_free(&mv_controller_desc, c);
		return -1;
	}
	c->index = index;
	c->has_index = true;
	return 0;
}

/* All up to the highest that is used. A document that names one beyond all reason is refused before. */
static int add_controllers(struct mv_devices_def *d, enum mv_controller_type type, int highest, struct mv_error **err)
{
	if (highest > 1024)
		return mv_error_set(err, MV_ERR_XML,
				    "An address names the controller %d of the type '%s'; there can be 1024.", highest,
				    mv_conf_word(&mv_controller_type_enum, type));
	for (int i = 0; i <= highest; i++) {
		if (add_controller(d, type, (unsigned)i, err) < 0)
			return -1;
	}
	return 0;
}

static void note_highest(const struct mv_address_def *a, enum mv_address_type type, int *highest)
{
	if (a->present && a->type == type && (int)a->controller > *highest)
		*highest = (int)a->controller;
}

static int add_disk_controllers(struct mv_devices_def *d, enum mv_controller_type type, enum mv_disk_bus bus,
				struct mv_error **err)
{
	int highest = -1;

	for (size_t i = 0; i < d->n_disks; i++) {
		if (d->disks[i]->target.bus == bus)
			note_highest(&d->disks[i]->address, MV_ADDRESS_TYPE_DRIVE, &highest);
	}
	return add_controllers(d, type, highest, err);
}

/* One where virtio channels and consoles are, even when they do not say which. */
static int add_serial_controllers(struct mv_devices_def *d, struct mv_error **err)
{
	for (size_t i = 0; i < d->n_channels; i++) {
		const struct mv_channel_def *c = d->channels[i];
		unsigned index = c->address.present && c->address.type == MV_ADDRESS_TYPE_VIRTIO_SERIAL ?
			c->address.controller :
			0;

		if (c->target.type == MV_CHANNEL_TARGET_TYPE_VIRTIO &&
		    add_controller(d, MV_CONTROLLER_TYPE_VIRTIO_SERIAL, index, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < d->n_consoles; i++) {
		const struct mv_console_def *c = d->consoles[i];
		unsigned index = c->address.present && c->address.type == MV_ADDRESS_TYPE_VIRTIO_SERIAL ?
			c->address.controller :
			0;

		if (c->target.type == MV_CONSOLE_TARGET_TYPE_VIRTIO &&
		    add_controller(d, MV_CONTROLLER_TYPE_VIRTIO_SERIAL, index, err) < 0)
			return -1;
	}
	return 0;
}

int mv_devices_add_controllers(struct mv_domain_def *def, struct mv_error **err)
{
	struct mv_devices_def *d = &def->devices;
	int scsi = -1;

	for (size_t i = 0; i < d->n_hostdevs; i++) {
		if (d->hostdevs[i]->type == MV_HOSTDEV_TYPE_SCSI)
			note_highest(&d->hostdevs[i]->address, MV_ADDRESS_TYPE_DRIVE, &scsi);
	}
	if (add_controllers(d, MV_CONTROLLER_TYPE_SCSI, scsi, err) < 0 ||
	    add_disk_controllers(d, MV_CONTROLLER_TYPE_SCSI, MV_DISK_BUS_SCSI, err) < 0 ||
	    add_disk_controllers(d, MV_CONTROLLER_TYPE_FDC, MV_DISK_BUS_FDC, err) < 0 ||
	    add_disk_controllers(d, MV_CONTROLLER_TYPE_IDE, MV_DISK_BUS_IDE, err) < 0 ||
	    add_disk_controllers(d, MV_CONTROLLER_TYPE_SATA, MV_DISK_BUS_SATA, err) < 0 ||
	    add_serial_controllers(d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_smartcards; i++) {
		const struct mv_address_def *a = &d->smartcards[i]->address;

		if (a->present && a->type == MV_ADDRESS_TYPE_CCID &&
		    add_controller(d, MV_CONTROLLER_TYPE_CCID, a->controller, err) < 0)
			return -1;
	}
	return 0;
}
