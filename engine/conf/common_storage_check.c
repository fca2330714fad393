/* Checks of what pools, volumes and disks share: who may read, which secret. */
#define MV_ERROR_DOMAIN MV_FROM_STORAGE
#include <stdio.h>
#include <string.h>

#include "conf/common_storage_def.h"
#include "engine/conf/check.h"
#include "engine/conf/uuid.h"

/* The mode is kept as libvirt writes it, with a leading 0; -1 stands for "as it is" and is not written. */
int mv_storage_permissions_check(struct mv_storage_permissions_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->mode) {
		char text[16];
		size_t digits = strspn(def->mode, "01234567");
		unsigned long mode = strtoul(def->mode, NULL, 8);

		if (!digits || def->mode[digits] || mode > 07777)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "malformed octal mode: '%s' is not an octal number of at most 7777",
					    def->mode);
		snprintf(text, sizeof(text), "0%lo", mode);
		if (mv_conf_set_text(&def->mode, text, err) < 0)
			return -1;
	}
	def->has_owner &= def->owner != -1;
	def->has_group &= def->group != -1;
	return 0;
}

/* A secret is known by one of two names. */
static int check_lookup(const uint8_t uuid[16], const char *usage, const struct mv_conf_at *at, struct mv_error **err)
{
	bool by_uuid = !mv_uuid_is_zero(uuid);

	if (!by_uuid && !usage)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing secret uuid or usage attribute");
	if (by_uuid && usage)
		return mv_conf_fail(at, err, MV_ERR_XML, "either secret uuid or usage expected, not both");
	return 0;
}

int mv_auth_secret_check(struct mv_auth_secret_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_lookup(def->uuid, def->usage, at, err);
}

int mv_encryption_secret_check(struct mv_encryption_secret_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_lookup(def->uuid, def->usage, at, err);
}

int mv_storage_auth_check(struct mv_storage_auth_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (!def->secret.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "Missing <secret> element in auth");
	return 0;
}
