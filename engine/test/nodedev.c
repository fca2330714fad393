/* Node devices: a computer with three SCSI hosts, and virtual host bus adapters, which can be made and destroyed. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "conf/nodedev_def.h"
#include "engine/test/calls.h"
#include "engine/test/load.h"

struct test_nodedev {
	struct mv_entity object;
	struct mv_nodedev_def *def;
};

static void release(struct mv_entity *obj)
{
	mv_nodedev_def_free(((struct test_nodedev *)obj)->def);
}

/* Makes the definition (taken, also on failure) a device, in place of one of that name. */
static struct test_nodedev *assign(struct mv_test_host *host, struct mv_nodedev_def *def, struct mv_error **err)
{
	struct test_nodedev *dev = mv_entity_by_name(&host->nodedevs, def->name);

	if (dev) {
		mv_nodedev_def_free(dev->def);
		dev->def = def;
		return dev;
	}
	dev = mv_entity_create(sizeof(*dev), def->name, NULL, err);
	if (!dev) {
		mv_nodedev_def_free(def);
		return NULL;
	}
	dev->def = def;
	dev->object.release = release;
	dev->object.active = true;
	if (mv_entity_add(&host->nodedevs, &dev->object, err) < 0) {
		mv_entity_unref(dev);
		return NULL;
	}
	mv_entity_unref(dev); /* the table has it */
	return dev;
}

int mv_test_load_nodedev(struct mv_test_host *host, const struct mv_test_source *source,
			 const struct mv_xml_piece *piece, struct mv_error **err)
{
	mv_autofree char *xml = mv_test_piece(source, piece, err);
	struct mv_nodedev_def *def;

	if (!xml || mv_nodedev_def_parse(xml, 0, NULL, &def, err) < 0)
		return -1;
	return assign(host, def, err) ? 0 : -1;
}

static struct test_nodedev *find(struct mv_driver *drv, const char *name, struct mv_error **err)
{
	struct test_nodedev *dev = mv_entity_by_name(&mv_test_host(drv)->nodedevs, name);

	if (!dev)
		mv_error_set(err, MV_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", name);
	return dev;
}

/* --- capabilities --- */

/* Bits of virConnectListAllNodeDevices, in their order from 0. */
static const enum mv_nodedev_cap_type filters[] = {
	MV_NODEDEV_CAP_TYPE_SYSTEM,      MV_NODEDEV_CAP_TYPE_PCI,        MV_NODEDEV_CAP_TYPE_USB_DEVICE,
	MV_NODEDEV_CAP_TYPE_USB,         MV_NODEDEV_CAP_TYPE_NET,        MV_NODEDEV_CAP_TYPE_SCSI_HOST,
	MV_NODEDEV_CAP_TYPE_SCSI_TARGET, MV_NODEDEV_CAP_TYPE_SCSI,       MV_NODEDEV_CAP_TYPE_STORAGE,
	MV_NODEDEV_CAP_TYPE_FC_HOST,     MV_NODEDEV_CAP_TYPE_VPORT_OPS,  MV_NODEDEV_CAP_TYPE_SCSI_GENERIC,
	MV_NODEDEV_CAP_TYPE_DRM,         MV_NODEDEV_CAP_TYPE_MDEV_TYPES, MV_NODEDEV_CAP_TYPE_MDEV,
	MV_NODEDEV_CAP_TYPE_CCW,         MV_NODEDEV_CAP_TYPE_CSS,        MV_NODEDEV_CAP_TYPE_VDPA,
	MV_NODEDEV_CAP_TYPE_AP_CARD,     MV_NODEDEV_CAP_TYPE_AP_QUEUE,   MV_NODEDEV_CAP_TYPE_AP_MATRIX,
	MV_NODEDEV_CAP_TYPE_VPD,
};
enum { FILTERS = (1 << 22) - 1 };
#define INACTIVE (1u << 30)
#define ACTIVE (1u << 31)

static struct mv_nodedev_cap_def *cap_of(const struct mv_nodedev_def *def, enum mv_nodedev_cap_type type)
{
	for (size_t i = 0; i < def->n_capabilities; i++) {
		struct mv_nodedev_cap_def *cap = def->capabilities[i];

		if (cap->type == type)
			return cap;
		for (size_t k = 0; k < cap->n_capabilities; k++) {
			if (cap->capabilities[k]->type == type)
				return cap->capabilities[k];
		}
	}
	return NULL;
}

static bool listed(const struct test_nodedev *dev, uint32_t flags)
{
	if ((flags & (ACTIVE | INACTIVE)) == INACTIVE)
		return false; /* all devices are there */
	if (!(flags & FILTERS))
		return true;
	for (size_t i = 0; i < MV_ARRAY_SIZE(filters); i++) {
		if ((flags & 1u << i) && cap_of(dev->def, filters[i]))
			return true;
	}
	return false;
}

int mv_test_connect_list_all_node_devices(struct mv_driver *drv,
					  const struct mv_connect_list_all_node_devices_args *args,
					  struct mv_connect_list_all_node_devices_ret *ret, struct mv_error **err)
{
	struct mv_entity_table *table = &mv_test_host(drv)->nodedevs;

	/* libvirt's test driver does not know the last two, which every virsh gives since they exist. */
	if (mv_test_check_flags(args->flags, FILTERS | ACTIVE | INACTIVE, "testConnectListAllNodeDevices", err) < 0)
		return -1;
	if (args->need_results) {
		ret->devices = calloc(table->count + 1, sizeof(*ret->devices));
		if (!ret->devices)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of devices");
	}
	for (struct test_nodedev *dev = mv_entity_first(table); dev; dev = mv_entity_next(dev)) {
		if (!listed(dev, args->flags))
			continue;
		if (args->need_results && mv_test_copy(dev->object.name, &ret->devices[ret->n_devices++].name, err) < 0)
			return -1;
		ret->ret++;
	}
	return 0;
}

static bool has_capability(const struct test_nodedev *dev, const char *word)
{
	int type = word ? mv_conf_word_value(&mv_nodedev_cap_type_enum, word) : 0;

	return !word || (type > 0 && cap_of(dev->def, (enum mv_nodedev_cap_type)type));
}

int mv_test_node_num_of_devices(struct mv_driver *drv, const struct mv_node_num_of_devices_args *args,
				struct mv_node_num_of_devices_ret *ret, struct mv_error **err)
{
	if (mv_test_check_flags(args->flags, 0, "testNodeNumOfDevices", err) < 0)
		return -1;
	for (struct test_nodedev *dev = mv_entity_first(&mv_test_host(drv)->nodedevs); dev; dev = mv_entity_next(dev))
		ret->num += has_capability(dev, args->cap);
	return 0;
}

int mv_test_node_list_devices(struct mv_driver *drv, const struct mv_node_list_devices_args *args,
			      struct mv_node_list_devices_ret *ret, struct mv_error **err)
{
	struct mv_entity_table *table = &mv_test_host(drv)->nodedevs;

	if (mv_test_check_flags(args->flags, 0, "testNodeListDevices", err) < 0)
		return -1;
	ret->names = calloc(table->count + 1, sizeof(*ret->names));
	if (!ret->names)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of devices");
	for (struct test_nodedev *dev = mv_entity_first(table); dev; dev = mv_entity_next(dev)) {
		if ((int64_t)ret->n_names >= args->maxnames)
			break;
		if (has_capability(dev, args->cap) &&
		    mv_test_copy(dev->object.name, &ret->names[ret->n_names++], err) < 0)
			return -1;
	}
	return 0;
}

/* --- one device --- */

int mv_test_node_device_lookup_by_name(struct mv_driver *drv, const struct mv_node_device_lookup_by_name_args *args,
				       struct mv_node_device_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct test_nodedev *dev = find(drv, args->name, err);

	return dev ? mv_test_copy(dev->object.name, &ret->dev.name, err) : -1;
}

int mv_test_node_device_get_xml_desc(struct mv_driver *drv, const struct mv_node_device_get_xml_desc_args *args,
				     struct mv_node_device_get_xml_desc_ret *ret, struct mv_error **err)
{
	struct test_nodedev *dev;

	if (mv_test_check_flags(args->flags, 0, "testNodeDeviceGetXMLDesc", err) < 0)
		return -1;
	dev = find(drv, args->name, err);
	return dev ? mv_nodedev_def_format(dev->def, 0, &ret->xml, err) : -1;
}

/* Devices of this host are always there. */
int mv_test_node_device_is_active(struct mv_driver *drv, const struct mv_node_device_is_active_args *args,
				  struct mv_node_device_is_active_ret *ret, struct mv_error **err)
{
	ret->active = 1;
	return find(drv, args->name, err) ? 0 : -1;
}

int mv_test_node_device_is_persistent(struct mv_driver *drv, const struct mv_node_device_is_persistent_args *args,
				      struct mv_node_device_is_persistent_ret *ret, struct mv_error **err)
{
	ret->persistent = 1;
	return find(drv, args->name, err) ? 0 : -1;
}

int mv_test_node_device_get_parent(struct mv_driver *drv, const struct mv_node_device_get_parent_args *args,
				   struct mv_node_device_get_parent_ret *ret, struct mv_error **err)
{
	struct test_nodedev *dev = find(drv, args->name, err);

	if (!dev)
		return -1;
	/* A device without a parent is no failure: the answer is optional. */
	return dev->def->parent.name ? mv_test_copy(dev->def->parent.name, &ret->parentName, err) : 0;
}

int mv_test_node_device_num_of_caps(struct mv_driver *drv, const struct mv_node_device_num_of_caps_args *args,
				    struct mv_node_device_num_of_caps_ret *ret, struct mv_error **err)
{
	struct test_nodedev *dev = find(drv, args->name, err);

	if (!dev)
		return -1;
	ret->num = (int32_t)dev->def->n_capabilities;
	return 0;
}

int mv_test_node_device_list_caps(struct mv_driver *drv, const struct mv_node_device_list_caps_args *args,
				  struct mv_node_device_list_caps_ret *ret, struct mv_error **err)
{
	struct test_nodedev *dev = find(drv, args->name, err);

	if (!dev)
		return -1;
	ret->names = calloc(dev->def->n_capabilities + 1, sizeof(*ret->names));
	if (!ret->names)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of capabilities");
	for (size_t i = 0; i < dev->def->n_capabilities && (int64_t)i < args->maxnames; i++) {
		const char *word = mv_conf_word(&mv_nodedev_cap_type_enum, dev->def->capabilities[i]->type);

		if (mv_test_copy(word, &ret->names[ret->n_names++], err) < 0)
			return -1;
	}
	return 0;
}

/* --- virtual adapters --- */

static void event(struct mv_driver *drv, const struct test_nodedev *dev, bool created)
{
	mv_test_event(mv_test_host(drv), MV_CALL_NODE_DEVICE_EVENT_LIFECYCLE,
		      &(struct mv_node_device_event_lifecycle_msg){
			      .dev = { .name = dev->object.name },
			      .event = created ? 0 : 1,
		      });
}

/* The world-wide names of a device that is to be a virtual adapter. NULL with *err. */
static const struct mv_nodedev_cap_def *wwns(const struct mv_nodedev_def *def, struct mv_error **err)
{
	const struct mv_nodedev_cap_def *fc = cap_of(def, MV_NODEDEV_CAP_TYPE_FC_HOST);

	if (!fc)
		mv_error_set(err, MV_ERR_INTERNAL, "Device is not a fibre channel HBA");
	return fc;
}

static bool matches(const struct mv_nodedev_parent_def *parent, const struct mv_nodedev_cap_def *fc)
{
	if (parent->wwnn && parent->wwpn)
		return fc->wwnn && fc->wwpn && strcmp(fc->wwnn, parent->wwnn) == 0 &&
			strcmp(fc->wwpn, parent->wwpn) == 0;
	return !parent->fabric_wwn || (fc->fabric_wwn && strcmp(fc->fabric_wwn, parent->fabric_wwn) == 0);
}

/* The adapter that a new one hangs from exists and can have some. */
static int check_parent(struct mv_test_host *host, const struct mv_nodedev_def *def, struct mv_error **err)
{
	const struct mv_nodedev_parent_def *parent = &def->parent;

	if (parent->name) {
		struct test_nodedev *dev = mv_entity_by_name(&host->nodedevs, parent->name);

		if (!dev)
			return mv_error_set(err, MV_ERR_INTERNAL, "Could not find parent device for 'new device'");
		if (!cap_of(dev->def, MV_NODEDEV_CAP_TYPE_VPORT_OPS))
			return mv_error_set(err, MV_ERR_INTERNAL, "Parent device %s is not capable of vport operations",
					    parent->name);
		return 0;
	}
	for (struct test_nodedev *dev = mv_entity_first(&host->nodedevs); dev; dev = mv_entity_next(dev)) {
		const struct mv_nodedev_cap_def *fc = cap_of(dev->def, MV_NODEDEV_CAP_TYPE_FC_HOST);

		if (fc && cap_of(dev->def, MV_NODEDEV_CAP_TYPE_VPORT_OPS) && matches(parent, fc))
			return 0;
	}
	return mv_error_set(err, MV_ERR_INTERNAL, "Could not find parent device for 'new device'");
}

static int replace(char **at, const char *text, struct mv_error **err)
{
	free(*at);
	return mv_test_copy(text, at, err);
}

/* A new adapter looks like the one that is there (scsi_host11), with other world-wide names. */
static struct test_nodedev *new_adapter(struct mv_test_host *host, const struct mv_nodedev_cap_def *names,
					struct mv_error **err)
{
	struct test_nodedev *model = mv_entity_by_name(&host->nodedevs, "scsi_host11");
	struct mv_nodedev_def *def;
	struct mv_nodedev_cap_def *fc;

	if (!model) {
		mv_error_set(err, MV_ERR_INTERNAL, "There is no scsi_host11 that a new adapter could look like");
		return NULL;
	}
	def = mv_nodedev_def_copy(model->def, err);
	if (!def)
		return NULL;
	fc = cap_of(def, MV_NODEDEV_CAP_TYPE_FC_HOST);
	if (replace(&def->name, "scsi_host12", err) < 0 || (fc && replace(&fc->wwnn, names->wwnn, err) < 0) ||
	    (fc && replace(&fc->wwpn, names->wwpn, err) < 0)) {
		mv_nodedev_def_free(def);
		return NULL;
	}
	return assign(host, def, err);
}

static int create(struct mv_driver *drv, const struct mv_nodedev_def *def, struct mv_node_device_ref *ref,
		  struct mv_error **err)
{
	const struct mv_nodedev_cap_def *names;
	struct test_nodedev *dev;

	if (cap_of(def, MV_NODEDEV_CAP_TYPE_SYSTEM) &&
	    mv_uuid_is_zero(cap_of(def, MV_NODEDEV_CAP_TYPE_SYSTEM)->hardware.uuid))
		return mv_error_set(err, MV_ERR_INTERNAL, "no system UUID supplied for 'new device'");
	names = wwns(def, err);
	if (!names)
		return -1;
	if (!names->wwnn || !names->wwpn)
		return mv_error_set(err, MV_ERR_INTERNAL, "no %s supplied for 'new device', and auto-generation failed",
				    names->wwnn ? "WWPN" : "WWNN");
	if (check_parent(mv_test_host(drv), def, err) < 0)
		return -1;
	dev = new_adapter(mv_test_host(drv), names, err);
	if (!dev)
		return -1;
	event(drv, dev, true);
	return mv_test_copy(dev->object.name, &ref->name, err);
}

int mv_test_node_device_create_xml(struct mv_driver *drv, const struct mv_node_device_create_xml_args *args,
				   struct mv_node_device_create_xml_ret *ret, struct mv_error **err)
{
	struct mv_nodedev_def *def;
	int result;

	if (mv_test_check_flags(args->flags, 0, "testNodeDeviceCreateXML", err) < 0 ||
	    mv_nodedev_def_parse(args->xml_desc, 0, NULL, &def, err) < 0)
		return -1;
	result = create(drv, def, &ret->dev, err);
	mv_nodedev_def_free(def);
	return result;
}

/* What is no adapter, or has no parent any more, stays as it is, and that is no failure: as in libvirt's driver. */
int mv_test_node_device_destroy(struct mv_driver *drv, const struct mv_node_device_destroy_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct test_nodedev *dev = find(drv, args->name, err);

	(void)ret;
	if (!dev)
		return -1;
	if (!cap_of(dev->def, MV_NODEDEV_CAP_TYPE_FC_HOST) || !dev->def->parent.name ||
	    !mv_entity_by_name(&host->nodedevs, dev->def->parent.name))
		return 0;
	event(drv, dev, false);
	mv_entity_remove(&dev->object);
	return 0;
}
