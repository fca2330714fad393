#define MV_ERROR_DOMAIN MV_FROM_NETWORK
#include "engine/domain/network_update.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flags.h"

struct update {
	struct mv_network_def *def; /* the copy that is changed */
	const struct mv_network_change *change;
	const char *name; /* of the network */
	bool add, first, remove, modify;
};

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* A text that is asked for is not given, or is the same. */
static bool fits(const char *wanted, const char *is)
{
	return !wanted || same_text(wanted, is);
}

static bool same_address(const char *a, const char *b)
{
	uint8_t x[16] = { 0 }, y[16] = { 0 };

	if (!a || !b)
		return false;
	if (inet_pton(AF_INET, a, x) == 1)
		return inet_pton(AF_INET, b, y) == 1 && memcmp(x, y, sizeof(x)) == 0;
	return inet_pton(AF_INET6, a, x) == 1 && inet_pton(AF_INET6, b, y) == 1 && memcmp(x, y, sizeof(x)) == 0;
}

/* --- lists --- */

/* Puts an item, which is taken, at the list's end or start. */
static int put(struct update *u, void ***list, size_t *count, void *item, struct mv_error **err)
{
	if (mv_conf_append_pointer(list, count, item, err) < 0)
		return -1;
	if (u->first) {
		memmove(*list + 1, *list, (*count - 1) * sizeof(**list));
		(*list)[0] = item;
	}
	return 0;
}
#define PUT(u, list, count, item, err) put(u, (void ***)(list), count, item, err)

static void drop(const struct mv_conf_desc *desc, void **list, size_t *count, size_t index)
{
	mv_conf_free(desc, mv_conf_remove_pointer(list, count, index));
}
#define DROP(desc, list, count, index) drop(desc, (void **)(list), count, index)

static int unsupported(const char *what, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "%s cannot be modified, only added or deleted", what);
}

/* Reads the element of the change. NULL with *err. */
static void *read_element(struct update *u, const struct mv_conf_desc *desc, const char *element, struct mv_error **err)
{
	const char *start = u->change->xml + strspn(u->change->xml, " \t\r\n");
	size_t len = strlen(element);
	void *item = NULL;

	if (start[0] == '<' && start[1] != '?' && start[1] != '!' &&
	    (strncmp(start + 1, element, len) != 0 || !strchr(" \t\r\n/>", start[1 + len]))) {
		mv_error_set(err, MV_ERR_XML, "unexpected element <%.*s>, expecting <%s>, while updating network '%s'",
			     (int)strcspn(start + 1, " \t\r\n/>"), start + 1, element, u->name);
		return NULL;
	}
	return mv_conf_parse_element(desc, element, u->change->xml, 0, NULL, &item, err) < 0 ? NULL : item;
}

/* --- DHCP --- */

/* The <ip> whose <dhcp> is meant. */
static struct mv_network_ip_def *find_ip(struct update *u, struct mv_error **err)
{
	struct mv_network_def *def = u->def;
	int parent = u->change->parent;

	if (parent >= 0) {
		if ((size_t)parent < def->n_ips)
			return def->ips[parent];
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "couldn't update dhcp host entry - no <ip> element found at index %d in network '%s'",
			     parent, u->name);
		return NULL;
	}
	for (size_t i = 0; i < def->n_ips; i++)
		if (def->ips[i]->dhcp.n_ranges || def->ips[i]->dhcp.n_hosts)
			return def->ips[i];
	for (size_t i = 0; i < def->n_ips; i++)
		if (def->ips[i]->family != MV_IP_FAMILY_IPV6)
			return def->ips[i];
	if (def->n_ips)
		return def->ips[0];
	mv_error_set(err, MV_ERR_OPERATION_INVALID,
		     "couldn't update dhcp host entry - no <ip> element found in network '%s'", u->name);
	return NULL;
}

static bool same_mac(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

static int change_host(struct update *u, struct mv_network_dhcp_def *dhcp, struct mv_network_dhcp_host_def **taken,
		       struct mv_error **err)
{
	const struct mv_network_dhcp_host_def *host = *taken;
	size_t found = dhcp->n_hosts;

	for (size_t i = 0; i < dhcp->n_hosts && found == dhcp->n_hosts; i++) {
		const struct mv_network_dhcp_host_def *is = dhcp->hosts[i];

		if (u->remove ? (!host->mac || same_mac(host->mac, is->mac)) && fits(host->name, is->name) &&
				    (!host->ip || same_address(host->ip, is->ip)) :
				same_mac(host->mac, is->mac) || same_text(host->name, is->name) ||
				    same_address(host->ip, is->ip))
			found = i;
	}
	if (u->add && found < dhcp->n_hosts)
		return mv_error_set(
			err, MV_ERR_OPERATION_INVALID,
			"there is an existing dhcp host entry in network '%s' that matches \"<host mac='%s' name='%s' "
			"ip='%s'/>\"",
			u->name, host->mac ? host->mac : "", host->name ? host->name : "", host->ip ? host->ip : "");
	if (u->add) {
		if (PUT(u, &dhcp->hosts, &dhcp->n_hosts, *taken, err) < 0)
			return -1;
		*taken = NULL;
		return 0;
	}
	if (found == dhcp->n_hosts && u->modify)
		return mv_error_set(
			err, MV_ERR_OPERATION_INVALID,
			"couldn't locate an existing dhcp host entry with \"mac='%s'\" \"name='%s'\" \"ip='%s'\" in "
			"network '%s'",
			host->mac ? host->mac : "", host->name ? host->name : "", host->ip ? host->ip : "", u->name);
	if (found == dhcp->n_hosts)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "couldn't locate a matching dhcp host entry in network '%s'", u->name);
	if (u->remove) {
		DROP(&mv_network_dhcp_host_desc, dhcp->hosts, &dhcp->n_hosts, found);
		return 0;
	}
	mv_conf_free(&mv_network_dhcp_host_desc, dhcp->hosts[found]);
	dhcp->hosts[found] = *taken;
	*taken = NULL;
	return 0;
}

static int update_host(struct update *u, struct mv_error **err)
{
	struct mv_network_ip_def *ip = find_ip(u, err);
	struct mv_network_dhcp_host_def *host;
	struct in_addr four;
	int ret = -1;

	host = ip ? read_element(u, &mv_network_dhcp_host_desc, "host", err) : NULL;
	if (!host)
		return -1;
	if (!host->mac && !host->name && !host->ip && u->remove)
		mv_error_set(
			err, MV_ERR_XML,
			"At least one of name, mac, or ip attribute must be specified for static host definition in "
			"network '%s'",
			u->name);
	else if (host->ip && (inet_pton(AF_INET, host->ip, &four) == 1) != (ip->family != MV_IP_FAMILY_IPV6))
		mv_error_set(
			err, MV_ERR_OPERATION_INVALID,
			"the address family of a host entry IP must match the address family of the dhcp element's parent");
	else
		ret = change_host(u, &ip->dhcp, &host, err);
	ip->dhcp.present = true;
	mv_conf_free(&mv_network_dhcp_host_desc, host);
	return ret;
}

static int update_range(struct update *u, struct mv_error **err)
{
	struct mv_network_ip_def *ip = find_ip(u, err);
	struct mv_network_dhcp_range_def *range;
	struct mv_network_dhcp_def *dhcp;
	size_t found;
	int ret = -1;

	if (!ip)
		return -1;
	if (u->modify)
		return unsupported("dhcp ranges", err);
	dhcp = &ip->dhcp;
	range = read_element(u, &mv_network_dhcp_range_desc, "range", err);
	if (!range)
		return -1;
	for (found = 0; found < dhcp->n_ranges; found++)
		if (same_address(range->start, dhcp->ranges[found]->start) &&
		    same_address(range->end_, dhcp->ranges[found]->end_))
			break;
	if (u->add && found < dhcp->n_ranges) {
		mv_error_set(
			err, MV_ERR_OPERATION_INVALID,
			"there is an existing dhcp range entry in network '%s' that matches \"<range start='%s' end='%s'/>\"",
			u->name, range->start, range->end_);
	} else if (u->add) {
		dhcp->present = true;
		ret = PUT(u, &dhcp->ranges, &dhcp->n_ranges, range, err);
		range = ret == 0 ? NULL : range;
	} else if (found == dhcp->n_ranges) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "couldn't locate a matching dhcp range entry in network '%s'", u->name);
	} else {
		DROP(&mv_network_dhcp_range_desc, dhcp->ranges, &dhcp->n_ranges, found);
		ret = 0;
	}
	mv_conf_free(&mv_network_dhcp_range_desc, range);
	return ret;
}

/* --- forwarding --- */

static int update_interface(struct update *u, struct mv_error **err)
{
	struct mv_network_forward_def *forward = &u->def->forward;
	struct mv_network_forward_interface_def *interface;
	size_t found;
	int ret = -1;

	if (u->modify)
		return unsupported("forward interface entries", err);
	if (!forward->present)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "network '%s' has no <forward>, so it has no interfaces there", u->name);
	interface = read_element(u, &mv_network_forward_interface_desc, "interface", err);
	if (!interface)
		return -1;
	for (found = 0; found < forward->n_interfaces; found++)
		if (strcmp(interface->dev, forward->interfaces[found]->dev) == 0)
			break;
	if (u->add && found < forward->n_interfaces) {
		mv_error_set(
			err, MV_ERR_OPERATION_INVALID,
			"there is an existing interface entry in network '%s' that matches \"<interface dev='%s'>\"",
			u->name, interface->dev);
	} else if (u->add) {
		ret = PUT(u, &forward->interfaces, &forward->n_interfaces, interface, err);
		interface = ret == 0 ? NULL : interface;
	} else if (found == forward->n_interfaces) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "couldn't find an interface entry in network '%s' matching <interface dev='%s'>", u->name,
			     interface->dev);
	} else {
		DROP(&mv_network_forward_interface_desc, forward->interfaces, &forward->n_interfaces, found);
		ret = 0;
	}
	/* <forward dev=''> is the first of them; it is filled in again. */
	free(forward->dev);
	forward->dev = NULL;
	mv_conf_free(&mv_network_forward_interface_desc, interface);
	return ret;
}

static int put_portgroup(struct update *u, struct mv_network_portgroup_def **taken, size_t found, struct mv_error **err)
{
	struct mv_network_def *def = u->def;

	for (size_t i = 0; i < def->n_portgroups && (*taken)->default_ == MV_TRI_YES; i++)
		if (i != found && def->portgroups[i]->default_ == MV_TRI_YES)
			return mv_error_set(
				err, MV_ERR_OPERATION_INVALID,
				"a different portgroup entry in network '%s' is already set as the default. Only one "
				"default is allowed.",
				u->name);
	if (u->modify) {
		mv_conf_free(&mv_network_portgroup_desc, def->portgroups[found]);
		def->portgroups[found] = *taken;
	} else if (PUT(u, &def->portgroups, &def->n_portgroups, *taken, err) < 0) {
		return -1;
	}
	*taken = NULL;
	return 0;
}

static int update_portgroup(struct update *u, struct mv_error **err)
{
	struct mv_network_portgroup_def *group = read_element(u, &mv_network_portgroup_desc, "portgroup", err);
	struct mv_network_def *def = u->def;
	size_t found;
	int ret = -1;

	if (!group)
		return -1;
	for (found = 0; group->name && found < def->n_portgroups; found++)
		if (strcmp(group->name, def->portgroups[found]->name) == 0)
			break;
	if (!group->name) {
		mv_error_set(err, MV_ERR_XML, "Missing required name attribute in portgroup");
	} else if (u->add && found < def->n_portgroups) {
		mv_error_set(
			err, MV_ERR_OPERATION_INVALID,
			"there is an existing portgroup entry in network '%s' that matches \"<portgroup name='%s'>\"",
			u->name, group->name);
	} else if (!u->add && found == def->n_portgroups) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "couldn't find a portgroup entry in network '%s' matching <portgroup name='%s'>", u->name,
			     group->name);
	} else if (u->remove) {
		DROP(&mv_network_portgroup_desc, def->portgroups, &def->n_portgroups, found);
		ret = 0;
	} else {
		ret = put_portgroup(u, &group, found, err);
	}
	mv_conf_free(&mv_network_portgroup_desc, group);
	return ret;
}

/* --- DNS --- */

static bool names_host(const struct mv_network_dns_host_def *is, const struct mv_network_dns_host_def *wanted)
{
	for (size_t i = 0; i < is->n_hostnames; i++)
		for (size_t k = 0; k < wanted->n_hostnames; k++)
			if (strcmp(is->hostnames[i], wanted->hostnames[k]) == 0)
				return true;
	return false;
}

static int update_dns_host(struct update *u, struct mv_error **err)
{
	struct mv_network_dns_def *dns = &u->def->dns;
	struct mv_network_dns_host_def *host;
	size_t found = 0, count = 0;
	int ret = -1;

	if (u->modify)
		return unsupported("DNS HOST records", err);
	host = read_element(u, &mv_network_dns_host_desc, "host", err);
	if (!host)
		return -1;
	for (size_t i = 0; i < dns->n_hosts; i++) {
		/* Several addresses may have the same name, so that is no reason not to add one. */
		if (same_address(host->ip, dns->hosts[i]->ip) || (u->remove && names_host(dns->hosts[i], host))) {
			found = i;
			count++;
		}
	}
	if (!host->ip && !host->n_hostnames) {
		mv_error_set(err, MV_ERR_XML, "Missing ip and hostname in network '%s' DNS HOST record", u->name);
	} else if (u->add && count) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "there is already at least one DNS HOST record with a matching field in network %s",
			     u->name);
	} else if (u->add) {
		dns->present = true;
		ret = PUT(u, &dns->hosts, &dns->n_hosts, host, err);
		host = ret == 0 ? NULL : host;
	} else if (count != 1) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     count ? "multiple matching DNS HOST records were found in network %s" :
				     "couldn't locate a matching DNS HOST record in network %s",
			     u->name);
	} else {
		DROP(&mv_network_dns_host_desc, dns->hosts, &dns->n_hosts, found);
		ret = 0;
	}
	mv_conf_free(&mv_network_dns_host_desc, host);
	return ret;
}

static int update_dns_txt(struct update *u, struct mv_error **err)
{
	struct mv_network_dns_def *dns = &u->def->dns;
	struct mv_network_dns_txt_def *txt;
	size_t found;
	int ret = -1;

	if (u->modify)
		return unsupported("DNS TXT records", err);
	txt = read_element(u, &mv_network_dns_txt_desc, "txt", err);
	if (!txt)
		return -1;
	for (found = 0; found < dns->n_txts; found++)
		if (strcmp(txt->name, dns->txts[found]->name) == 0 && fits(txt->value, dns->txts[found]->value))
			break;
	for (size_t i = 0; i < dns->n_txts && u->add; i++)
		if (strcmp(txt->name, dns->txts[i]->name) == 0)
			found = i;
	if (u->add && found < dns->n_txts) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "there is already a DNS TXT record with name '%s' in network %s", txt->name, u->name);
	} else if (u->add) {
		dns->present = true;
		ret = PUT(u, &dns->txts, &dns->n_txts, txt, err);
		txt = ret == 0 ? NULL : txt;
	} else if (found == dns->n_txts) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID, "couldn't locate a matching DNS TXT record in network %s",
			     u->name);
	} else {
		DROP(&mv_network_dns_txt_desc, dns->txts, &dns->n_txts, found);
		ret = 0;
	}
	mv_conf_free(&mv_network_dns_txt_desc, txt);
	return ret;
}

static int update_dns_srv(struct update *u, struct mv_error **err)
{
	struct mv_network_dns_def *dns = &u->def->dns;
	struct mv_network_dns_srv_def *srv;
	size_t found = 0, count = 0;
	int ret = -1;

	if (u->modify)
		return unsupported("DNS SRV records", err);
	srv = read_element(u, &mv_network_dns_srv_desc, "srv", err);
	if (!srv)
		return -1;
	for (size_t i = 0; i < dns->n_srvs; i++) {
		const struct mv_network_dns_srv_def *is = dns->srvs[i];

		if (fits(srv->domain, is->domain) && fits(srv->service, is->service) &&
		    fits(srv->protocol, is->protocol) && fits(srv->target, is->target) &&
		    (!srv->has_port || (is->has_port && srv->port == is->port)) &&
		    (!srv->priority || srv->priority == is->priority) && (!srv->weight || srv->weight == is->weight)) {
			found = i;
			count++;
		}
	}
	if (u->add && count) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     "there is already at least one DNS SRV record matching all specified fields in network %s",
			     u->name);
	} else if (u->add) {
		dns->present = true;
		ret = PUT(u, &dns->srvs, &dns->n_srvs, srv, err);
		srv = ret == 0 ? NULL : srv;
	} else if (count != 1) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID,
			     count ? "multiple matching DNS SRV records were found in network %s" :
				     "couldn't locate a matching DNS SRV record in network %s",
			     u->name);
	} else {
		DROP(&mv_network_dns_srv_desc, dns->srvs, &dns->n_srvs, found);
		ret = 0;
	}
	mv_conf_free(&mv_network_dns_srv_desc, srv);
	return ret;
}

/* --- all of them --- */

static const struct {
	const char *name;
	int (*update)(struct update *u, struct mv_error **err); /* NULL: libvirt has no such change either */
} sections[] = {
	[VIR_NETWORK_SECTION_NONE] = { "none", NULL },
	[VIR_NETWORK_SECTION_BRIDGE] = { "bridge", NULL },
	[VIR_NETWORK_SECTION_DOMAIN] = { "domain", NULL },
	[VIR_NETWORK_SECTION_IP] = { "ip", NULL },
	[VIR_NETWORK_SECTION_IP_DHCP_HOST] = { "dhcp host", update_host },
	[VIR_NETWORK_SECTION_IP_DHCP_RANGE] = { "dhcp range", update_range },
	[VIR_NETWORK_SECTION_FORWARD] = { "forward", NULL },
	[VIR_NETWORK_SECTION_FORWARD_INTERFACE] = { "forward interface", update_interface },
	[VIR_NETWORK_SECTION_FORWARD_PF] = { "forward pf", NULL },
	[VIR_NETWORK_SECTION_PORTGROUP] = { "portgroup", update_portgroup },
	[VIR_NETWORK_SECTION_DNS_HOST] = { "dns host", update_dns_host },
	[VIR_NETWORK_SECTION_DNS_TXT] = { "dns txt", update_dns_txt },
	[VIR_NETWORK_SECTION_DNS_SRV] = { "dns srv", update_dns_srv },
};

int mv_network_update(const struct mv_network_def *def, const struct mv_network_change *change,
		      struct mv_network_def **out, struct mv_error **err)
{
	mv_auto(mv_network_def) copy = NULL;
	mv_autofree char *xml = NULL;
	struct update u = {
		.change = change,
		.name = def->name,
		.add = change->command == VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST ||
			change->command == VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
		.first = change->command == VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST,
		.remove = change->command == VIR_NETWORK_UPDATE_COMMAND_DELETE,
		.modify = change->command == VIR_NETWORK_UPDATE_COMMAND_MODIFY,
	};

	if (change->section >= MV_ARRAY_SIZE(sections) || change->section == VIR_NETWORK_SECTION_NONE)
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "can't update unrecognized section of network");
	if (!sections[change->section].update)
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "can't update '%s' section of network '%s'",
				    sections[change->section].name, def->name);
	if (!u.add && !u.remove && !u.modify)
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "unrecognized network update command code %u",
				    change->command);
	copy = mv_network_def_copy(def, err);
	if (!copy)
		return -1;
	u.def = copy;
	if (sections[change->section].update(&u, err) < 0 || mv_network_def_format(copy, MV_CONF_SECURE, &xml, err) < 0)
		return -1;
	/* Read again, so that all that is checked in a definition is checked in this one. */
	return mv_network_def_parse(xml, 0, NULL, out, err);
}
