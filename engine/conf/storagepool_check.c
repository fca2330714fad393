/* What storage pools of each type must have, and what is filled in. */
#define MV_ERROR_DOMAIN MV_FROM_STORAGE
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/storagepool_def.h"
#include "engine/conf/check.h"
#include "engine/conf/uuid.h"

enum named { UNNAMED, NAMED_AS_POOL, NAMED };

static const struct pool_rules {
	const char *target;                      /* where the target is, before the source's name; NULL: as is given */
	enum named name;                         /* the source's */
	enum mv_pool_format format, first, last; /* the default, and the words of this type; NONE: no format */
	bool host, device, dir, adapter, initiator; /* needed in the source */
	bool remote;                                /* has no target */
} rules[] = {
	[MV_POOL_TYPE_FS] = { .device = true,
			      .format = MV_POOL_FORMAT_AUTO,
			      .first = MV_POOL_FORMAT_AUTO,
			      .last = MV_POOL_FORMAT_VMFS },
	[MV_POOL_TYPE_NETFS] = { .host = true,
				 .dir = true,
				 .format = MV_POOL_FORMAT_AUTO,
				 .first = MV_POOL_FORMAT_NFS,
				 .last = MV_POOL_FORMAT_CIFS },
	[MV_POOL_TYPE_LOGICAL] = { .name = NAMED_AS_POOL,
				   .format = MV_POOL_FORMAT_LVM2,
				   .first = MV_POOL_FORMAT_LVM2,
				   .last = MV_POOL_FORMAT_LVM2,
				   .target = "/dev/" },
	[MV_POOL_TYPE_DISK] = { .device = true,
				.format = MV_POOL_FORMAT_UNKNOWN,
				.first = MV_POOL_FORMAT_UNKNOWN,
				.last = MV_POOL_FORMAT_LVM2 },
	[MV_POOL_TYPE_ISCSI] = { .host = true },
	[MV_POOL_TYPE_ISCSI_DIRECT] = { .host = true, .device = true, .initiator = true, .remote = true },
	[MV_POOL_TYPE_SCSI] = { .adapter = true },
	[MV_POOL_TYPE_RBD] = { .host = true, .name = NAMED, .remote = true },
	[MV_POOL_TYPE_SHEEPDOG] = { .host = true, .name = NAMED_AS_POOL, .remote = true },
	[MV_POOL_TYPE_GLUSTER] = { .host = true, .name = NAMED_AS_POOL, .remote = true },
	[MV_POOL_TYPE_ZFS] = { .name = NAMED_AS_POOL, .target = "/dev/zvol/" },
	[MV_POOL_TYPE_VSTORAGE] = { .name = NAMED_AS_POOL },
	[MV_POOL_TYPE_MPATH] = { 0 },
	[MV_POOL_TYPE_DIR] = { 0 },
};

/* "20000000c9831b4b" */
static int check_wwn(const char *wwn, const struct mv_conf_at *at, struct mv_error **err)
{
	size_t len = wwn ? strlen(wwn) : 16;

	for (size_t i = 0; wwn && i < len; i++)
		if (!isxdigit((unsigned char)wwn[i]))
			len = 0;
	if (len != 16)
		return mv_conf_fail(at, err, MV_ERR_XML, "Malformed wwn: %s is not 16 hexadecimal digits", wwn);
	return 0;
}

static int check_fc_host(const struct mv_pool_adapter_def *a, const struct mv_conf_at *at, struct mv_error **err)
{
	const char *const names[] = { a->wwnn, a->wwpn, a->parent_wwnn, a->parent_wwpn, a->parent_fabric_wwn };

	if (!a->wwnn || !a->wwpn)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "'wwnn' and 'wwpn' must be specified for adapter type 'fchost'");
	for (size_t i = 0; i < MV_ARRAY_SIZE(names); i++)
		if (check_wwn(names[i], at, err) < 0)
			return -1;
	if (a->parent_wwnn && !a->parent_wwpn)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "when providing parent_wwnn='%s', the parent_wwpn must also be provided",
				    a->parent_wwnn);
	if (a->parent_wwpn && !a->parent_wwnn)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "when providing parent_wwpn='%s', the parent_wwnn must also be provided",
				    a->parent_wwpn);
	return 0;
}

static int check_adapter(struct mv_pool_adapter_def *a, const struct mv_conf_at *at, struct mv_error **err)
{
	if (!a->present || (!a->type && !a->name))
		return mv_conf_fail(at, err, MV_ERR_XML, "missing storage pool source adapter");
	if (a->type == MV_POOL_ADAPTER_TYPE_FC_HOST)
		return check_fc_host(a, at, err);
	if (!a->type && (a->wwnn || a->wwpn || a->parent))
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"Use of 'wwnn', 'wwpn', and 'parent' attributes requires use of the adapter 'type'");
	a->type = MV_POOL_ADAPTER_TYPE_SCSI_HOST;
	if (a->name && a->parent_address.present)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter");
	if (!a->name && !a->parent_address.present)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Either 'name' or 'parent' must be specified for the 'scsi_host' adapter");
	if (a->parent_address.present && !a->parent_address.address.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "Missing scsi_host PCI address element");
	return 0;
}

static int check_format(struct mv_storagepool_def *def, const struct pool_rules *rule, const struct mv_conf_at *at,
			struct mv_error **err)
{
	struct mv_pool_source_def *source = &def->source;

	if (!rule->format)
		return 0;
	if (!source->format)
		source->format = rule->format;
	if (source->format == rule->format || (source->format >= rule->first && source->format <= rule->last) ||
	    (def->type == MV_POOL_TYPE_LOGICAL && source->format == MV_POOL_FORMAT_UNKNOWN))
		return 0;
	return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "unknown pool format type %s for a pool of type %s",
			    mv_conf_word(&mv_pool_format_enum, source->format),
			    mv_conf_word(&mv_pool_type_enum, def->type));
}

static int check_source(struct mv_storagepool_def *def, const struct pool_rules *rule, const struct mv_conf_at *at,
			struct mv_error **err)
{
	struct mv_pool_source_def *source = &def->source;

	if (rule->host && !source->n_hosts)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing storage pool source host name");
	if (rule->dir && !source->dir)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing storage pool source path");
	if (def->type == MV_POOL_TYPE_GLUSTER && !source->dir && mv_conf_set_text(&source->dir, "/", err) < 0)
		return -1;
	if (source->dir)
		mv_conf_clean_path(source->dir);
	if (rule->adapter && check_adapter(&source->adapter, at, err) < 0)
		return -1;
	if (rule->device && !source->n_devices)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing storage pool source device name");
	if (rule->initiator && !source->initiator.iqn_name)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "missing initiator IQN");
	if (source->initiator.present && !source->initiator.iqn_name)
		mv_conf_clear(&mv_storage_initiator_desc, &source->initiator);
	if (check_format(def, rule, at, err) < 0)
		return -1;
	if (source->has_protocol_ver && source->format != MV_POOL_FORMAT_NFS && source->format != MV_POOL_FORMAT_AUTO)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "storage pool protocol ver unsupported for pool type '%s'",
				    mv_conf_word(&mv_pool_format_enum, source->format));
	return 0;
}

static int check_names(struct mv_storagepool_def *def, const struct pool_rules *rule, const struct mv_conf_at *at,
		       struct mv_error **err)
{
	char **source = &def->source.name;

	if (!def->name && *source && mv_conf_set_text(&def->name, *source, err) < 0)
		return -1;
	if (!def->name)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing pool source name element");
	if (mv_conf_check_name(def->name, "pool", at, err) < 0)
		return -1;
	if (*source || rule->name == UNNAMED)
		return 0;
	if (rule->name == NAMED)
		return mv_conf_fail(at, err, MV_ERR_XML, "element 'name' is mandatory for RBD pool");
	return mv_conf_set_text(source, def->name, err);
}

static int check_target(struct mv_storagepool_def *def, const struct pool_rules *rule, const struct mv_conf_at *at,
			struct mv_error **err)
{
	struct mv_pool_target_def *target = &def->target;

	if (rule->remote) {
		if (target->present &&
		    mv_conf_warn(at, err, "a pool of type %s has no target, so <target> was left out",
				 mv_conf_word(&mv_pool_type_enum, def->type)) < 0)
			return -1;
		mv_conf_clear(&mv_pool_target_desc, target);
		return 0;
	}
	if (!target->present && mv_conf_init(&mv_pool_target_desc, target, err) < 0)
		return -1;
	if (rule->target) {
		mv_autofree char *path = NULL;

		if (asprintf(&path, "%s%s", rule->target, def->source.name) < 0) {
			path = NULL;
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a definition was completed");
		}
		return mv_conf_set_text(&target->path, path, err);
	}
	if (!target->path)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing storage pool target path");
	mv_conf_clean_path(target->path);
	return 0;
}

int mv_storagepool_check(struct mv_storagepool_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct pool_rules *rule = &rules[def->type];

	if (check_names(def, rule, at, err) < 0 || mv_conf_complete_uuid(def->uuid, err) < 0 ||
	    check_source(def, rule, at, err) < 0 || check_target(def, rule, at, err) < 0)
		return -1;
	/* How full it is the pool knows, not its definition. */
	if (!(at->flags & MV_CONF_LIVE))
		def->capacity = def->allocation = def->available = 0;
	return 0;
}
