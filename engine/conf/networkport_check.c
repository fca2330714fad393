/* Ports of networks: each way to be plugged in has attributes of its own. */
#define MV_ERROR_DOMAIN MV_FROM_NETWORK
#include <string.h>

#include "conf/networkport_def.h"
#include "engine/conf/check.h"
#include "engine/conf/uuid.h"

static int check_plug(struct mv_networkport_plug_def *plug, const struct mv_conf_at *at, struct mv_error **err)
{
	const char *type = mv_conf_word(&mv_networkport_plug_type_enum, plug->type);

	switch (plug->type) {
	case MV_NETWORKPORT_PLUG_TYPE_NETWORK:
	case MV_NETWORKPORT_PLUG_TYPE_BRIDGE:
		if (!plug->bridge)
			return mv_conf_fail(at, err, MV_ERR_XML, "Missing network port bridge name (plug type '%s')",
					    type);
		break;
	case MV_NETWORKPORT_PLUG_TYPE_DIRECT:
		if (!plug->dev)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "Missing network port link device name (plug type '%s')", type);
		break;
	case MV_NETWORKPORT_PLUG_TYPE_HOSTDEV_PCI:
		if (!plug->address.present)
			return mv_conf_fail(at, err, MV_ERR_XML, "Missing network port PCI address (plug type '%s')",
					    type);
		if (!plug->managed)
			plug->managed = MV_TRI_NO;
		break;
	default: break;
	}
	return 0;
}

int mv_networkport_check(struct mv_networkport_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	static const uint8_t none[6];

	if (mv_conf_complete_uuid(def->uuid, err) < 0)
		return -1;
	if (!def->owner.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the network port has no owner");
	if (memcmp(def->mac, none, sizeof(none)) == 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "the network port has no MAC address");
	return def->plug.present ? check_plug(&def->plug, at, err) : 0;
}
