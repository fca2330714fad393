/* What the tables of schema/domain_hostdevs.lua cannot say about one device of the host. Called when its element has
 * been read. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_hostdevs_def.h"
#include "engine/conf/device.h"
#include "engine/conf/network_check.h"

static bool is_subsystem(enum mv_hostdev_type type)
{
	return type < MV_HOSTDEV_TYPE_STORAGE;
}

static int check_usb(struct mv_hostdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_hostdev_source_def *s = &def->source;

	/* What is at 0.0 is nowhere. */
	if (s->usb_address.present && !s->usb_address.bus && !s->usb_address.device)
		mv_conf_clear(&mv_hostdev_usb_address_desc, &s->usb_address);
	if (s->has_vendor != s->has_product)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "a USB device of the host needs <vendor> and <product>, or neither.");
	if (s->has_vendor && !s->vendor)
		return mv_conf_fail(at, err, MV_ERR_XML, "the vendor of a USB device cannot be 0.");
	if (def->address.present && def->address.type != MV_ADDRESS_TYPE_USB)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "a USB device of the host needs an address of the type 'usb'.");
	return 0;
}

static int check_pci(struct mv_hostdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->source.startup_policy != MV_STARTUP_POLICY_NONE)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "startupPolicy is for USB devices of the host.");
	if (def->address.present && def->address.type != MV_ADDRESS_TYPE_PCI &&
	    def->address.type != MV_ADDRESS_TYPE_UNASSIGNED)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "a PCI device of the host needs an address of the type 'pci' or 'unassigned'.");
	if (def->teaming.present && def->teaming.type != MV_TEAMING_TYPE_TRANSIENT)
		return mv_conf_fail(
			at, err, MV_ERR_CONFIG_UNSUPPORTED,
			"a device of the host can only be the transient one of a team (<teaming type='transient'>).");
	return def->source.pci_address.present ? 0 : mv_conf_init(&mv_pci_address_desc, &def->source.pci_address, err);
}

static int check_scsi(struct mv_hostdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_hostdev_source_def *s = &def->source;

	if (def->sgio == MV_DISK_SGIO_UNFILTERED)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the sgio 'unfiltered' is no longer supported.");
	if (s->protocol != MV_HOSTDEV_PROTOCOL_ISCSI) {
		s->protocol = MV_HOSTDEV_PROTOCOL_NONE;
		if (!s->scsi_address.present)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a SCSI device of the host needs an <address> in its source.");
		if (!s->adapter)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a SCSI device of the host needs <adapter name='...'>.");
		return 0;
	}
	if (!s->name)
		return mv_conf_fail(at, err, MV_ERR_XML, "the iSCSI source of a device needs the attribute 'name'.");
	if (!s->n_hosts)
		return mv_conf_fail(at, err, MV_ERR_XML, "the iSCSI source of a device needs a <host>.");
	if (s->n_hosts > 1)
		return mv_conf_fail(at, err, MV_ERR_XML, "the iSCSI source of a device has only one <host>.");
	if (!strchr(s->name, '/')) {
		char *name;

		if (asprintf(&name, "%s/0", s->name) < 0)
			return mv_device_no_memory(err);
		free(s->name);
		s->name = name;
	}
	return 0;
}

static int check_vhost(const struct mv_hostdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const char *wwpn = def->source.wwpn;

	if (def->source.protocol != MV_HOSTDEV_PROTOCOL_VHOST)
		return mv_conf_fail(at, err, MV_ERR_XML, "a source of the type 'scsi_host' needs protocol='vhost'.");
	if (!wwpn)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "a source of the type 'scsi_host' needs the attribute 'wwpn'.");
	if (strncmp(wwpn, "naa.", 4) || strlen(wwpn) != 20 || wwpn[4 + strspn(wwpn + 4, "0123456789abcdefABCDEF")])
		return mv_conf_fail(at, err, MV_ERR_XML, "the wwpn '%s' is not 'naa.' and 16 hexadecimal digits.",
				    wwpn);
	return 0;
}

static int check_model(const struct mv_hostdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool mediated = def->model >= MV_HOSTDEV_MODEL_VFIO_PCI;

	if (def->type == MV_HOSTDEV_TYPE_MDEV && def->model == MV_HOSTDEV_MODEL_NONE)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"a mediated device needs the attribute 'model'; one of: vfio-pci, vfio-ccw, vfio-ap.");
	if (def->model != MV_HOSTDEV_MODEL_NONE && mediated != (def->type == MV_HOSTDEV_TYPE_MDEV))
		return mv_conf_fail(at, err, MV_ERR_XML, "the model '%s' is none of a device of the type '%s'.",
				    mv_conf_word(&mv_hostdev_model_enum, def->model),
				    mv_conf_word(&mv_hostdev_type_enum, def->type));
	if (def->type == MV_HOSTDEV_TYPE_MDEV && !def->source.mdev_address.present)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "a mediated device needs <address uuid='...'/> in its source.");
	return 0;
}

int mv_hostdev_check(struct mv_hostdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const char *type = mv_conf_word(&mv_hostdev_type_enum, def->type);
	const struct mv_hostdev_source_def *s = &def->source;

	mv_device_drop_alias(&def->alias, at);
	if (is_subsystem(def->type) != (def->mode == MV_HOSTDEV_MODE_SUBSYSTEM))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "a device of the host of the mode '%s' cannot be of the type '%s'; one of: %s.",
				    mv_conf_word(&mv_hostdev_mode_enum, def->mode), type,
				    def->mode == MV_HOSTDEV_MODE_SUBSYSTEM ? "usb, pci, scsi, scsi_host, mdev" :
									     "storage, misc, net");
	if (!s->present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the device of the host has no <source>.");
	if (check_model(def, at, err) < 0)
		return -1;
	for (size_t i = 0; i < def->n_routes; i++) {
		if (mv_route_check("guest interface", def->routes[i], at, err) < 0)
			return -1;
	}
	switch (def->type) {
	case MV_HOSTDEV_TYPE_USB: return check_usb(def, at, err);
	case MV_HOSTDEV_TYPE_PCI: return check_pci(def, at, err);
	case MV_HOSTDEV_TYPE_SCSI: return check_scsi(def, at, err);
	case MV_HOSTDEV_TYPE_SCSI_HOST: return check_vhost(def, at, err);
	case MV_HOSTDEV_TYPE_STORAGE:
		return s->block ? 0 :
				  mv_conf_fail(at, err, MV_ERR_XML,
					       "a device of the type 'storage' needs <block> in its source.");
	case MV_HOSTDEV_TYPE_MISC:
		return s->character ?
			0 :
			mv_conf_fail(at, err, MV_ERR_XML, "a device of the type 'misc' needs <char> in its source.");
	case MV_HOSTDEV_TYPE_NET:
		return s->interface ? 0 :
				      mv_conf_fail(at, err, MV_ERR_XML,
						   "a device of the type 'net' needs <interface> in its source.");
	default: return 0;
	}
}
