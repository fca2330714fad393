/* What networks of each forward mode must and may not have, and what is filled in. */
#define MV_ERROR_DOMAIN MV_FROM_NETWORK
#include <string.h>

#include "conf/network_def.h"
#include "engine/conf/check.h"
#include "engine/conf/network_check.h"
#include "engine/conf/uuid.h"

/* Networks with a bridge of their own, for which addresses, DHCP and firewall are made. */
static bool has_own_bridge(enum mv_forward_mode mode)
{
	return mode == MV_FORWARD_MODE_NONE || mode == MV_FORWARD_MODE_NAT || mode == MV_FORWARD_MODE_ROUTE ||
		mode == MV_FORWARD_MODE_OPEN;
}

/* <forward dev='eth0'> and the first <interface> mean the same. */
static int complete_forward_dev(struct mv_network_def *def, const struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_network_forward_def *f = &def->forward;

	if (f->dev && f->n_interfaces && strcmp(f->dev, f->interfaces[0]->dev) != 0)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "<forward dev='%s'> must match first <interface dev='%s'/> in network %s", f->dev,
				    f->interfaces[0]->dev, def->name);
	if (f->dev && !f->n_interfaces) {
		struct mv_network_forward_interface_def *interface = mv_conf_new(&mv_network_forward_interface_desc,
										 err);

		if (!interface || mv_conf_set_text(&interface->dev, f->dev, err) < 0 ||
		    mv_conf_append(&f->interfaces, &f->n_interfaces, interface, err) < 0) {
			mv_conf_free(&mv_network_forward_interface_desc, interface);
			return -1;
		}
	}
	if (!f->dev && f->n_interfaces)
		return mv_conf_set_text(&f->dev, f->interfaces[0]->dev, err);
	return 0;
}

static int check_nat(const struct mv_network_def *def, const struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_network_nat_def *nat = &def->forward.nat;
	struct mv_conf_addr start, end;

	if (nat->port.present && nat->port.start > nat->port.end_)
		return mv_conf_fail(at, err, MV_ERR_XML, "the port range %u - %u of <nat> in network %s is reversed",
				    nat->port.start, nat->port.end_, def->name);
	if (!nat->address.present)
		return 0;
	if (mv_conf_addr_parse(nat->address.start, &start) < 0 || mv_conf_addr_parse(nat->address.end_, &end) < 0 ||
	    start.family != end.family)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "mismatch of address family in range %s - %s of <nat> in network %s",
				    nat->address.start, nat->address.end_, def->name);
	if (mv_conf_addr_distance(&start, &end) < 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "range %s - %s is reversed", nat->address.start,
				    nat->address.end_);
	return 0;
}

static int check_forward(struct mv_network_def *def, const struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_network_forward_def *f = &def->forward;

	if (f->n_pfs > 1)
		return mv_conf_fail(at, err, MV_ERR_XML, "Only one <pf> element is allowed in <forward> of network %s",
				    def->name);
	if (f->nat.present && f->mode != MV_FORWARD_MODE_NAT)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "The <nat> element can only be used when <forward> 'mode' is 'nat' in network %s",
				    def->name);
	if (check_nat(def, at, err) < 0 || complete_forward_dev(def, at, err) < 0)
		return -1;
	if (f->n_interfaces && (f->n_addresses || f->n_pfs))
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"<address>, <interface>, and <pf> elements in <forward> of network %s are mutually exclusive",
			def->name);
	if (f->n_addresses && f->n_pfs)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"<address>, <interface>, and <pf> elements in <forward> of network %s are mutually exclusive",
			def->name);
	if (f->mode == MV_FORWARD_MODE_HOSTDEV) {
		if (!f->managed)
			f->managed = MV_TRI_NO;
	} else if (f->managed == MV_TRI_NO) {
		f->managed = MV_TRI_NONE;
	}
	if (has_own_bridge(f->mode)) {
		const char *mode = mv_conf_word(&mv_forward_mode_enum, f->mode);

		if (!def->n_ips)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "%s forwarding requested, but no IP address provided for network '%s'",
					    mode, def->name);
		if (f->n_interfaces > 1)
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"multiple forwarding interfaces specified for network '%s', only one is supported",
				def->name);
		if (f->mode == MV_FORWARD_MODE_OPEN && f->n_interfaces)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "forward dev not allowed for network '%s' with forward mode='open'",
					    def->name);
	}
	return 0;
}

static int check_bridge(struct mv_network_def *def, const struct mv_conf_at *at, struct mv_error **err)
{
	enum mv_forward_mode mode = def->forward.present ? def->forward.mode : MV_FORWARD_MODE_NONE;
	struct mv_network_bridge_def *bridge = &def->bridge;

	if (has_own_bridge(mode)) {
		if (!bridge->present && mv_conf_init(&mv_network_bridge_desc, bridge, err) < 0)
			return -1;
		if (!bridge->stp)
			bridge->stp = MV_TRI_YES;
		bridge->has_delay = true;
		return 0;
	}
	if (!bridge->present)
		return 0;
	if (bridge->name && mode != MV_FORWARD_MODE_BRIDGE)
		return mv_conf_fail(at, err, MV_ERR_XML, "bridge name not allowed in %s mode (network '%s')",
				    mv_conf_word(&mv_forward_mode_enum, mode), def->name);
	if (bridge->name && def->forward.n_interfaces)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"A network with forward mode='%s' can specify a bridge name or a forward dev, but not both "
			"(network '%s')",
			mv_conf_word(&mv_forward_mode_enum, mode), def->name);
	if (bridge->stp || bridge->zone || (bridge->has_delay && bridge->delay))
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"bridge delay/stp/zone options only allowed in route, nat, and isolated mode, not in %s "
			"(network '%s')",
			mv_conf_word(&mv_forward_mode_enum, mode), def->name);
	bridge->has_delay = false;
	if (!bridge->name && !bridge->mac_table_manager)
		mv_conf_clear(&mv_network_bridge_desc, bridge);
	return 0;
}

static int check_bandwidth(const struct mv_bandwidth_def *bandwidth, const struct mv_conf_at *at, struct mv_error **err)
{
	if (bandwidth->present && (bandwidth->inbound.has_floor || bandwidth->outbound.has_floor))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "floor attribute is not supported for this config");
	return 0;
}

static int check_dns(const struct mv_network_def *def, const struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_network_dns_def *dns = &def->dns;

	if (dns->enable == MV_TRI_NO &&
	    (dns->n_txts || dns->n_hosts || dns->n_srvs || dns->n_forwarders || dns->forward_plain_names))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Extra data in disabled network '%s': its <dns> is not enabled", def->name);
	for (size_t i = 0; i < dns->n_forwarders; i++) {
		if (mv_conf_clean_addr(&dns->forwarders[i]->addr, err) < 0)
			return -1;
		if (!dns->forwarders[i]->addr && !dns->forwarders[i]->domain)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "Invalid forwarder element, must contain at least one of addr or domain");
	}
	for (size_t i = 0; i < dns->n_txts; i++) {
		if (strchr(dns->txts[i]->name, ' '))
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "prohibited character in DNS TXT record name '%s' of network %s",
					    dns->txts[i]->name, def->name);
		if (!dns->txts[i]->value)
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"missing required value attribute in DNS TXT record named '%s' of network %s",
				dns->txts[i]->name, def->name);
	}
	for (size_t i = 0; i < dns->n_srvs; i++) {
		if (!dns->srvs[i]->service)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "missing required service attribute in DNS SRV record of network '%s'",
					    def->name);
		if (!dns->srvs[i]->protocol)
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"missing required protocol attribute in DNS SRV record '%s' of network '%s'",
				dns->srvs[i]->service, def->name);
		if (dns->srvs[i]->has_port && !dns->srvs[i]->target)
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"DNS SRV port attribute not permitted without target for service '%s' in network '%s'",
				dns->srvs[i]->service, def->name);
	}
	for (size_t i = 0; i < dns->n_hosts; i++) {
		if (mv_conf_clean_addr(&dns->hosts[i]->ip, err) < 0)
			return -1;
		if (!dns->hosts[i]->ip)
			return mv_conf_fail(at, err, MV_ERR_XML, "Missing IP address in network '%s' DNS HOST record",
					    def->name);
		if (!dns->hosts[i]->n_hostnames)
			return mv_conf_fail(at, err, MV_ERR_XML, "Missing hostname in network '%s' DNS HOST record",
					    def->name);
	}
	return 0;
}

static int check_portgroups(const struct mv_network_def *def, const struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 0; i < def->n_portgroups; i++) {
		if (!def->portgroups[i]->name)
			return mv_conf_fail(at, err, MV_ERR_XML, "Missing required name attribute in portgroup");
		if (check_bandwidth(&def->portgroups[i]->bandwidth, at, err) < 0)
			return -1;
	}
	return 0;
}

int mv_network_check(struct mv_network_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (mv_conf_check_name(def->name, "network", at, err) < 0 || mv_conf_complete_uuid(def->uuid, err) < 0)
		return -1;
	if (def->mac[0] & 1)
		return mv_conf_fail(at, err, MV_ERR_XML, "Invalid multicast bridge mac address in network '%s'",
				    def->name);
	if (def->virtualport.present && !def->virtualport.type)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing required virtualport type");
	if (def->forward.present && check_forward(def, at, err) < 0)
		return -1;
	if (check_bridge(def, at, err) < 0 || check_bandwidth(&def->bandwidth, at, err) < 0 ||
	    check_dns(def, at, err) < 0 || check_portgroups(def, at, err) < 0)
		return -1;
	for (size_t i = 0; i < def->n_ips; i++)
		if (mv_network_ip_check_in(def->ips[i], def->name, at, err) < 0)
			return -1;
	for (size_t i = 0; i < def->n_routes; i++)
		if (mv_network_route_check_in(def, def->routes[i], at, err) < 0)
			return -1;
	return 0;
}
