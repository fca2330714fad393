#define MV_ERROR_DOMAIN MV_FROM_STORAGE
#include <ctype.h>
#include <string.h>

#include "engine/conf/check.h"
#include "engine/conf/storagevol_check.h"

/* "1.1": the version of QEMU's format. */
static bool is_version(const char *text)
{
	size_t major = strspn(text, "0123456789");

	return major && text[major] == '.' && text[major + 1] &&
		strspn(text + major + 1, "0123456789") == strlen(text + major + 1);
}

int mv_storagevol_check(struct mv_storagevol_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_vol_target_def *target = &def->target;

	if (!def->has_allocation) {
		def->allocation = def->capacity;
		def->has_allocation = true;
	}
	if (target->compat && !is_version(target->compat))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "forbidden characters in 'compat' attribute: '%s' is not like \"1.1\"",
				    target->compat);
	/* The features are those of the format's second version. */
	if (target->features.present && !target->compat && mv_conf_set_text(&target->compat, "1.1", err) < 0)
		return -1;
	if (def->backing_store.present && !def->backing_store.path)
		mv_conf_clear(&mv_vol_backing_desc, &def->backing_store);
	return 0;
}

static bool is_file_format(enum mv_vol_format format)
{
	return format >= MV_VOL_FORMAT_RAW && format <= MV_VOL_FORMAT_VMDK && format != MV_VOL_FORMAT_LUKS;
}

static bool is_partition_format(enum mv_vol_format format)
{
	return format == MV_VOL_FORMAT_NONE_ || format >= MV_VOL_FORMAT_LINUX;
}

int mv_storagevol_complete(struct mv_storagevol_def *def, enum mv_pool_type pool, struct mv_error **err)
{
	enum mv_vol_format *formats[] = { &def->target.format,
					  def->backing_store.present ? &def->backing_store.format : NULL };
	bool disk = pool == MV_POOL_TYPE_DISK;

	for (size_t i = 0; i < MV_ARRAY_SIZE(formats) && formats[i]; i++) {
		switch (pool) {
		case MV_POOL_TYPE_LOGICAL:
		case MV_POOL_TYPE_ISCSI:
		case MV_POOL_TYPE_ISCSI_DIRECT:
		case MV_POOL_TYPE_SCSI:
		case MV_POOL_TYPE_MPATH:
		case MV_POOL_TYPE_ZFS: *formats[i] = MV_VOL_FORMAT_NONE; continue;
		default: break;
		}
		if (*formats[i] == MV_VOL_FORMAT_NONE)
			*formats[i] = disk ? MV_VOL_FORMAT_NONE_ : MV_VOL_FORMAT_RAW;
		else if (disk ? !is_partition_format(*formats[i]) : !is_file_format(*formats[i]))
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "unknown volume format type %s for a pool of type %s",
					    mv_conf_word(&mv_vol_format_enum, *formats[i]),
					    mv_conf_word(&mv_pool_type_enum, pool));
	}
	return 0;
}
