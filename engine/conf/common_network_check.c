/* Checks of what networks and domains' interfaces share: virtual ports, rates, VLAN tags. */
#define MV_ERROR_DOMAIN MV_FROM_NETWORK
#include <string.h>

#include "conf/common_network_def.h"
#include "engine/conf/check.h"
#include "engine/conf/uuid.h"

/* Each type of virtual port has parameters of its own. */
int mv_virtualport_check(struct mv_virtualport_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_virtualport_parameters_def *p = &def->parameters;
	bool vsi = def->type == MV_VIRTUALPORT_TYPE_802_1QBG, vnlink = def->type == MV_VIRTUALPORT_TYPE_802_1QBH;
	bool ovs = def->type == MV_VIRTUALPORT_TYPE_OPENVSWITCH, midonet = def->type == MV_VIRTUALPORT_TYPE_MIDONET;
	const struct {
		const char *name;
		bool given, allowed;
	} parameters[] = {
		{ "managerid", p->has_manager_id, vsi },
		{ "typeid", p->has_type_id, vsi },
		{ "typeidversion", p->has_type_id_version, vsi },
		{ "instanceid", !mv_uuid_is_zero(p->instance_id), vsi },
		{ "profileid", p->profile_id, vnlink || ovs },
		{ "interfaceid", !mv_uuid_is_zero(p->interface_id), ovs || midonet },
	};

	for (size_t i = 0; def->type && i < MV_ARRAY_SIZE(parameters); i++)
		if (parameters[i].given && !parameters[i].allowed)
			return mv_conf_fail(at, err, MV_ERR_XML, "extra %s unsupported in <virtualport type='%s'>",
					    parameters[i].name, mv_conf_word(&mv_virtualport_type_enum, def->type));
	if (p->profile_id && strlen(p->profile_id) > 39)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "profileid parameter too long: it has %zu bytes, 39 are possible",
				    strlen(p->profile_id));
	return 0;
}

int mv_bandwidth_rate_check(struct mv_bandwidth_rate_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (!def->has_average && !def->has_floor)
		return mv_conf_fail(at, err, MV_ERR_XML, "Missing mandatory average or floor attributes");
	if ((def->has_peak || def->has_burst) && !def->has_average)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "'peak' and 'burst' require 'average' attribute in bandwidth element");
	return 0;
}

int mv_vlan_check(struct mv_vlan_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	unsigned native = 0;

	if (!def->n_tags)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement");
	for (size_t i = 0; i < def->n_tags; i++)
		native += def->tags[i]->native_mode != MV_VLAN_NATIVE_MODE_NONE;
	if (native > 1)
		return mv_conf_fail(at, err, MV_ERR_XML, "duplicate native vlan setting");
	if (def->trunk == MV_TRI_NO && (def->n_tags > 1 || native))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for %s",
				    native ? "native vlan" : "more than one vlan tag");
	if (def->n_tags > 1)
		def->trunk = MV_TRI_YES;
	else if (def->trunk == MV_TRI_NO)
		def->trunk = MV_TRI_NONE; /* what is meant anyway */
	return 0;
}
