/* Host interfaces: what each type is made of. */
#define MV_ERROR_DOMAIN MV_FROM_INTERFACE
#include <string.h>
#include <sys/socket.h>

#include "conf/interface_def.h"
#include "engine/conf/check.h"

/* The interfaces that another is made of have no addresses and are started with it. */
static int check_parts(struct mv_interface_def **parts, size_t count, bool bond, const struct mv_conf_at *at,
		       struct mv_error **err)
{
	for (size_t i = 0; i < count; i++) {
		struct mv_interface_def *part = parts[i];

		if (part->type == MV_HOSTIF_TYPE_BRIDGE || (bond && part->type != MV_HOSTIF_TYPE_ETHERNET))
			return mv_conf_fail(at, err, MV_ERR_XML, "interface has unsupported type '%s'",
					    mv_conf_word(&mv_hostif_type_enum, part->type));
		if ((part->start || part->mtu || part->n_protocols) &&
		    mv_conf_warn(
			    at, err,
			    "start, mtu and protocol of '%s' have no effect below another interface and were left out",
			    part->name) < 0)
			return -1;
		part->start = MV_HOSTIF_START_NONE;
		part->mtu = 0;
		while (part->n_protocols)
			mv_conf_free(&mv_hostif_protocol_desc,
				     mv_conf_remove(part->protocols, &part->n_protocols, part->n_protocols - 1));
	}
	return 0;
}

int mv_hostif_bridge_check(struct mv_hostif_bridge_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_parts(def->interfaces, def->n_interfaces, false, at, err);
}

int mv_hostif_bond_check(struct mv_hostif_bond_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->miimon.present && def->arpmon.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "a bond is watched by miimon or by arpmon, not by both");
	return check_parts(def->interfaces, def->n_interfaces, true, at, err);
}

int mv_hostif_protocol_check(struct mv_hostif_protocol_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	int family = def->family == MV_IP_FAMILY_IPV6 ? AF_INET6 : AF_INET;

	if (def->autoconf && family == AF_INET) {
		def->autoconf = false;
		if (mv_conf_warn(at, err, "<autoconf> is for family ipv6 only and was left out") < 0)
			return -1;
	}
	for (size_t i = 0; i < def->n_ips; i++) {
		struct mv_hostif_ip_def *ip = def->ips[i];
		struct mv_conf_addr addr;

		if (mv_conf_addr_parse(ip->address, &addr) < 0 || addr.family != family)
			return mv_conf_fail(at, err, MV_ERR_XML, "'%s' is no address of family %s", ip->address,
					    mv_conf_word(&mv_ip_family_enum, def->family));
		if (ip->has_prefix && ip->prefix > mv_conf_addr_bits(&addr))
			return mv_conf_fail(at, err, MV_ERR_XML, "the prefix %u of '%s' is more than %u", ip->prefix,
					    ip->address, mv_conf_addr_bits(&addr));
		ip->has_prefix &= ip->prefix != 0;
	}
	return 0;
}

int mv_interface_check(struct mv_interface_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (!def->name)
		return mv_conf_fail(at, err, MV_ERR_XML, "interface has no name");
	if (def->type == MV_HOSTIF_TYPE_BRIDGE && !def->bridge)
		return mv_conf_fail(at, err, MV_ERR_XML, "bridge interface misses the bridge element");
	if (def->type == MV_HOSTIF_TYPE_BOND && !def->bond)
		return mv_conf_fail(at, err, MV_ERR_XML, "bond interface misses the bond element");
	if (def->type == MV_HOSTIF_TYPE_VLAN && !def->vlan.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "vlan interface misses the vlan element");
	if (def->vlan.present && !def->vlan.interface)
		return mv_conf_fail(at, err, MV_ERR_XML, "vlan interface misses name attribute");
	return 0;
}
