/* What the tables of schema/common.lua and schema/domain_devices.lua cannot say about single elements: which attributes
 * need each other, what is left out, what is filled in. Each function is called when its element has been read, so that
 * messages have its line. What looks at several devices is in device_complete.c. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/common_def.h"
#include "conf/domain_devices_def.h"
#include "engine/conf/device.h"

/* --- what all devices share ------------------------------------------------------------------------------------------
 */

/* "1.2.3": ports of hubs, one after the other. */
static bool is_usb_port(const char *text)
{
	unsigned parts = 0;

	while (isdigit((unsigned char)*text) && ++parts <= 4) {
		while (isdigit((unsigned char)*text))
			text++;
		if (!*text)
			return true;
		if (*text++ != '.')
			return false;
	}
	return false;
}

int mv_address_check(struct mv_address_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	/* A PCI address of zeros is no address: one is still to be chosen. */
	if (def->type == MV_ADDRESS_TYPE_PCI) {
		def->has_domain = def->has_bus = def->has_slot = def->has_function_ = def->domain || def->bus ||
			def->slot || def->function_ || def->multifunction != MV_TRI_NONE;
	} else if (def->type == MV_ADDRESS_TYPE_CCW) {
		if (def->has_cssid != def->has_ssid || def->has_ssid != def->has_devno)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "an address of the type 'ccw' has cssid, ssid and devno, or none of them.");
	} else if (def->type == MV_ADDRESS_TYPE_USB && def->usb_port && !is_usb_port(def->usb_port)) {
		return mv_conf_fail(
			at, err, MV_ERR_INTERNAL,
			"the USB port '%s' is not known; it is a number, or up to four with dots between them (\"1.2\").",
			def->usb_port);
	}
	return 0;
}

int mv_device_boot_check(struct mv_device_boot_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	size_t len;

	if (!def->loadparm)
		return 0;
	for (char *c = def->loadparm; *c; c++) {
		*c = (char)toupper((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != ' ')
			return mv_conf_fail(at, err, MV_ERR_INTERNAL,
					    "the loadparm '%s' may have letters, digits, dots and spaces only.",
					    def->loadparm);
	}
	len = strlen(def->loadparm);
	if (!len || len > 8)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL, "the loadparm '%s' must have 1 to 8 characters.",
				    def->loadparm);
	return 0;
}

int mv_device_teaming_check(struct mv_device_teaming_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->type == MV_TEAMING_TYPE_TRANSIENT && !def->persistent)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"a transient device of a team needs the attribute 'persistent', the alias of the one that stays.");
	if (def->type == MV_TEAMING_TYPE_PERSISTENT && def->persistent)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the persistent device of a team has no attribute 'persistent'.");
	return 0;
}

int mv_device_seclabel_check(struct mv_device_seclabel_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->label && def->relabel == MV_TRI_NO)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "a label cannot be given for a file that is not to be relabelled (relabel='no').");
	/* With neither, it says nothing. */
	if (!def->label && def->relabel != MV_TRI_NO && def->labelskip == MV_TRI_NONE) {
		def->relabel = MV_TRI_NONE;
		free(def->model);
		def->model = NULL;
	}
	return 0;
}

int mv_ip_address_check(struct mv_ip_address_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool v6 = strchr(def->address, ':');

	if (def->family == MV_IP_FAMILY_NONE)
		def->family = v6 ? MV_IP_FAMILY_IPV6 : MV_IP_FAMILY_IPV4;
	else if (v6 != (def->family == MV_IP_FAMILY_IPV6))
		return mv_conf_fail(at, err, MV_ERR_INVALID_ARG, "the address '%s' is not one of the family '%s'.",
				    def->address, mv_conf_word(&mv_ip_family_enum, def->family));
	if (def->has_prefix && !v6 && def->prefix > 32)
		return mv_conf_fail(at, err, MV_ERR_INVALID_ARG,
				    "the prefix of the IPv4 address '%s' is at most 32, not %u.", def->address,
				    def->prefix);
	return 0;
}

/* --- controllers
 * ------------------------------------------------------------------------------------------------------ */

struct model_range {
	enum mv_controller_type type;
	enum mv_controller_model first, last, more;
};

/* Which models a type has; `more` is one outside of the range. */
static const struct model_range model_ranges[] = {
	{ MV_CONTROLLER_TYPE_SCSI, MV_CONTROLLER_MODEL_AUTO, MV_CONTROLLER_MODEL_AM53C974, MV_CONTROLLER_MODEL_NONE },
	{ MV_CONTROLLER_TYPE_USB, MV_CONTROLLER_MODEL_PIIX3_UHCI, MV_CONTROLLER_MODEL_NONE_, MV_CONTROLLER_MODEL_NONE },
	{ MV_CONTROLLER_TYPE_IDE, MV_CONTROLLER_MODEL_PIIX3, MV_CONTROLLER_MODEL_ICH6, MV_CONTROLLER_MODEL_NONE },
	{ MV_CONTROLLER_TYPE_PCI, MV_CONTROLLER_MODEL_PCI_ROOT, MV_CONTROLLER_MODEL_PCIE_EXPANDER_BUS,
	  MV_CONTROLLER_MODEL_NONE },
	{ MV_CONTROLLER_TYPE_VIRTIO_SERIAL, MV_CONTROLLER_MODEL_VIRTIO_TRANSITIONAL,
	  MV_CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL, MV_CONTROLLER_MODEL_VIRTIO },
};

static int check_controller_model(const struct mv_controller_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const char *type = mv_conf_word(&mv_controller_type_enum, def->type), *word;
	char words[512] = "";

	if (def->model == MV_CONTROLLER_MODEL_NONE)
		return 0;
	word = mv_conf_word(&mv_controller_model_enum, def->model);
	for (size_t i = 0; i < sizeof(model_ranges) / sizeof(model_ranges[0]); i++) {
		const struct model_range *r = &model_ranges[i];

		if (r->type != def->type)
			continue;
		if ((def->model >= r->first && def->model <= r->last) || def->model == r->more)
			return 0;
		for (unsigned m = r->first; m <= r->last; m++) {
			strncat(words, mv_conf_word(&mv_controller_model_enum, m), sizeof(words) - strlen(words) - 1);
			strncat(words, m < r->last ? ", " : "", sizeof(words) - strlen(words) - 1);
		}
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the model '%s' is none of a controller of the type '%s'; one of: %s.", word, type,
				    words);
	}
	return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "a controller of the type '%s' has no models ('%s').",
			    type, word);
}

int mv_controller_check(struct mv_controller_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool root = def->model == MV_CONTROLLER_MODEL_PCI_ROOT || def->model == MV_CONTROLLER_MODEL_PCIE_ROOT;
	bool virtio = def->model == MV_CONTROLLER_MODEL_VIRTIO_SCSI ||
		def->model == MV_CONTROLLER_MODEL_VIRTIO_TRANSITIONAL ||
		def->model == MV_CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL || def->model == MV_CONTROLLER_MODEL_NONE;

	mv_device_drop_alias(&def->alias, at);
	if (check_controller_model(def, at, err) < 0)
		return -1;
	if (!root)
		def->has_pcihole64 = false;
	if (def->driver.present && def->driver.iothread && def->type == MV_CONTROLLER_TYPE_SCSI &&
	    (!virtio || def->model == MV_CONTROLLER_MODEL_NONE))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "only a controller of the model 'virtio-scsi' has an iothread.");
	if (def->has_master_startport && def->master_startport > 127)
		return mv_conf_fail(at, err, MV_ERR_XML, "the start port %u of a companion controller is too high.",
				    def->master_startport);
	return 0;
}

/* --- leases, file systems
 * --------------------------------------------------------------------------------------------- */

int mv_lease_check(struct mv_lease_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (!def->key)
		return mv_conf_fail(at, err, MV_ERR_XML, "the lease has no <key>.");
	if (!def->target.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the lease has no <target>.");
	return 0;
}

/* Octal permissions: "644" becomes "0644", "0" becomes nothing. */
static int check_permissions(char **mode, const char *name, struct mv_conf_at *at, struct mv_error **err)
{
	char *end, *text = NULL;
	unsigned long value;

	if (!*mode)
		return 0;
	value = strtoul(*mode, &end, 8);
	if (!isdigit((unsigned char)**mode) || *end || value > 0777)
		return mv_conf_fail(at, err, MV_ERR_XML, "%s is '%s'; it must be an octal number from 0 to 0777.", name,
				    *mode);
	if (value && asprintf(&text, "%04lo", value) < 0)
		return mv_device_no_memory(err);
	free(*mode);
	*mode = text;
	return 0;
}

int mv_filesystem_check(struct mv_filesystem_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_filesystem_source_def *s = &def->source;
	bool virtiofs = def->driver.present && def->driver.type == MV_FILESYSTEM_DRIVER_TYPE_VIRTIOFS;

	mv_device_drop_alias(&def->alias, at);
	if (def->type == MV_FILESYSTEM_TYPE_RAM && !s->has_usage)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the source of a file system in memory needs the attribute 'usage'.");
	if (def->type == MV_FILESYSTEM_TYPE_VOLUME && (!s->pool || !s->volume))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the source of a file system of the type 'volume' needs 'pool' and 'volume'.");
	if (def->type != MV_FILESYSTEM_TYPE_RAM && def->type != MV_FILESYSTEM_TYPE_VOLUME && !s->dir && !s->socket &&
	    !s->dev && !s->file && !s->name)
		return mv_conf_fail(at, err, MV_ERR_NO_SOURCE, "the file system has no source.");
	if (!def->target_dir && !s->socket)
		return mv_conf_fail(at, err, MV_ERR_NO_TARGET, "the file system has no target.");
	if (check_permissions(&def->fmode, "fmode", at, err) < 0 ||
	    check_permissions(&def->dmode, "dmode", at, err) < 0)
		return -1;
	if (!virtiofs) {
		mv_conf_clear(&mv_filesystem_binary_desc, &def->binary);
		def->driver.queue = 0;
	}
	/* Only virtiofs and a binary of the user's leave the choice open. */
	if (def->access_mode == MV_FILESYSTEM_ACCESS_MODE_NONE && !s->socket)
		def->access_mode = MV_FILESYSTEM_ACCESS_MODE_PASSTHROUGH;
	return 0;
}

/* --- the small ones
 * --------------------------------------------------------------------------------------------------- */

int mv_hub_check(struct mv_hub_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	return 0;
}

int mv_watchdog_check(struct mv_watchdog_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	return 0;
}

int mv_nvram_check(struct mv_nvram_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	return 0;
}

int mv_panic_check(struct mv_panic_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	return 0;
}

int mv_iommu_check(struct mv_iommu_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	return 0;
}

int mv_tpm_check(struct mv_tpm_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_tpm_backend_def *b = &def->backend;

	mv_device_drop_alias(&def->alias, at);
	if (!b->present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the TPM has no <backend>.");
	if (b->type == MV_TPM_BACKEND_TYPE_EXTERNAL && !b->source.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the backend of an external TPM has no <source>.");
	if (b->active_pcr_banks.present && b->version != MV_TPM_VERSION_2_0)
		return mv_conf_fail(at, err, MV_ERR_XML, "<active_pcr_banks> is for a TPM of version '2.0'.");
	if (b->type == MV_TPM_BACKEND_TYPE_PASSTHROUGH && !b->device) {
		b->device = strdup("/dev/tpm0");
		if (!b->device)
			return mv_device_no_memory(err);
	}
	return 0;
}

int mv_memballoon_check(struct mv_memballoon_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	/* There is no device that could be somewhere or have a name. */
	if (def->model == MV_MEMBALLOON_MODEL_NONE_) {
		free(def->alias);
		def->alias = NULL;
		mv_conf_clear(&mv_address_desc, &def->address);
	}
	return 0;
}

int mv_shmem_check(struct mv_shmem_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	if (strchr(def->name, '/') || !strcmp(def->name, ".") || !strcmp(def->name, ".."))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the name '%s' of a shared memory must have no '/' and be neither '.' nor '..'.",
				    def->name);
	if (def->msi.present && !def->server.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "<msi> is for shared memory with a <server>.");
	if (def->has_size && !def->size)
		def->has_size = false;
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	while (len && !*bytes)
		bytes++, len--;
	return !len;
}

int mv_memory_device_check(struct mv_memory_device_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_memory_target_def *t = &def->target;
	const char *model = mv_conf_word(&mv_memory_model_enum, def->model);

	mv_device_drop_alias(&def->alias, at);
	if (!t->present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the memory device has no <target>.");
	if (!def->source.path && (def->model == MV_MEMORY_MODEL_NVDIMM || def->model == MV_MEMORY_MODEL_VIRTIO_PMEM))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "a memory device of the model '%s' needs a path in its source.", model);
	if (!is_zero(def->uuid, sizeof(def->uuid)))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "an NVDIMM of this machine has no UUID.");
	if (t->label.present && t->label.has_size) {
		if (t->label.size < 128)
			return mv_conf_fail(at, err, MV_ERR_XML, "the label of an NVDIMM has at least 128 KiB.");
		if (t->label.size >= t->size)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the label of an NVDIMM must be smaller than the NVDIMM.");
	}
	if (def->model == MV_MEMORY_MODEL_VIRTIO_PMEM) {
		if (def->access == MV_MEMORY_DEVICE_ACCESS_PRIVATE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "memory of the model 'virtio-pmem' cannot be private.");
		def->access = MV_MEMORY_DEVICE_ACCESS_SHARED;
	}
	if (def->model == MV_MEMORY_MODEL_VIRTIO_MEM) {
		if (!t->has_block || !t->has_requested)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the target of 'virtio-mem' needs <block> and <requested>.");
		if (t->requested > t->size)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the requested memory must not be more than the size.");
		if (!t->block || t->block & (t->block - 1))
			return mv_conf_fail(at, err, MV_ERR_XML, "the block of 'virtio-mem' must be a power of two.");
		if (t->requested % t->block || t->size % t->block)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the requested memory and the size must be multiples of the block.");
	}
	return 0;
}

int mv_vsock_check(struct mv_vsock_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	if (def->cid_auto == MV_TRI_NONE)
		def->cid_auto = def->has_cid_address ? MV_TRI_NO : MV_TRI_YES;
	return 0;
}
