/* What a secret must have for its usage, and its UUID. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "conf/secret_def.h"
#include "engine/conf/check.h"

int mv_secret_usage_check(struct mv_secret_usage_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	switch (def->type) {
	case MV_SECRET_USAGE_TYPE_VOLUME:
		if (!def->volume)
			return mv_conf_fail(at, err, MV_ERR_XML, "volume usage specified, but volume path is missing");
		break;
	case MV_SECRET_USAGE_TYPE_CEPH:
		if (!def->name)
			return mv_conf_fail(at, err, MV_ERR_XML, "Ceph usage specified, but name is missing");
		break;
	case MV_SECRET_USAGE_TYPE_ISCSI:
		if (!def->target)
			return mv_conf_fail(at, err, MV_ERR_XML, "iSCSI usage specified, but target is missing");
		break;
	case MV_SECRET_USAGE_TYPE_TLS:
		if (!def->name)
			return mv_conf_fail(at, err, MV_ERR_XML, "TLS usage specified, but name is missing");
		break;
	case MV_SECRET_USAGE_TYPE_VTPM:
		if (!def->name)
			return mv_conf_fail(at, err, MV_ERR_XML, "vTPM usage specified, but name is missing");
		break;
	case MV_SECRET_USAGE_TYPE_NONE:
	case MV_SECRET_USAGE_TYPE_NONE_: break;
	}
	return 0;
}

int mv_secret_check(struct mv_secret_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)at;
	/* No usage is not written. */
	if (def->usage.type == MV_SECRET_USAGE_TYPE_NONE_)
		mv_conf_clear(&mv_secret_usage_desc, &def->usage);
	return mv_conf_complete_uuid(def->uuid, err);
}
