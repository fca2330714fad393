/* Addresses of networks: families, prefixes, DHCP ranges and hosts, static routes. */
#define MV_ERROR_DOMAIN MV_FROM_NETWORK
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "engine/conf/check.h"
#include "engine/conf/network_check.h"
#include "engine/conf/uuid.h"

/* The classes of old: what an IPv4 address without netmask and prefix means. */
static unsigned class_prefix(const struct mv_conf_addr *addr)
{
	if (addr->family == AF_INET6)
		return 64;
	return addr->bytes[0] < 128 ? 8 : addr->bytes[0] < 192 ? 16 : 24;
}

static int own_address(const struct mv_network_ip_def *ip, const char *network, struct mv_conf_addr *addr,
		       unsigned *prefix, const struct mv_conf_at *at, struct mv_error **err)
{
	if (!ip->address)
		return mv_conf_fail(at, err, MV_ERR_XML, "Missing required address attribute in network '%s'", network);
	if (mv_conf_addr_parse(ip->address, addr) < 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "Invalid address '%s' in network '%s'", ip->address, network);
	if (addr->family == AF_INET6 && ip->family != MV_IP_FAMILY_IPV6)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "%s family specified for non-IPv4 address '%s' in network '%s'",
				    ip->family ? "ipv4" : "no", ip->address, network);
	if (addr->family == AF_INET && ip->family == MV_IP_FAMILY_IPV6)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Family 'ipv6' specified for non-IPv6 address '%s' in network '%s'", ip->address,
				    network);
	if (ip->netmask && ip->has_prefix)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Network '%s' IP address cannot have both a prefix and a netmask", network);
	if (ip->netmask && addr->family == AF_INET6)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "netmask not allowed for IPv6 address '%s' in network '%s'", ip->address, network);
	if (ip->has_prefix && ip->prefix > mv_conf_addr_bits(addr))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "Invalid %s prefix '%u' in network '%s'",
				    addr->family == AF_INET ? "IPv4" : "IPv6", ip->prefix, network);
	*prefix = ip->has_prefix ? ip->prefix : class_prefix(addr);
	if (ip->netmask) {
		int bits = mv_conf_netmask_prefix(ip->netmask);

		if (bits < 0)
			return mv_conf_fail(at, err, MV_ERR_XML, "Invalid netmask '%s' in network '%s'", ip->netmask,
					    network);
		*prefix = (unsigned)bits;
	}
	return 0;
}

static int check_lease(struct mv_network_lease_def *lease, const struct mv_conf_at *at, struct mv_error **err)
{
	if (!lease->present)
		return 0;
	if (!lease->has_expiry) {
		mv_conf_clear(&mv_network_lease_desc, lease);
		return 0;
	}
	if (!lease->expiry) { /* for ever */
		lease->unit = MV_LEASE_UNIT_NONE;
		return 0;
	}
	if (!lease->unit)
		lease->unit = MV_LEASE_UNIT_MINUTES;
	if ((lease->unit == MV_LEASE_UNIT_SECONDS && lease->expiry < 120) ||
	    (lease->unit == MV_LEASE_UNIT_MINUTES && lease->expiry < 2))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The minimum lease time should be greater than 2 minutes");
	return 0;
}

static int check_range(const struct mv_network_dhcp_range_def *range, const struct mv_network_ip_def *ip,
		       const struct mv_conf_addr *own, unsigned prefix, const struct mv_conf_at *at,
		       struct mv_error **err)
{
	struct mv_conf_addr start, end;
	int64_t distance;

	if (mv_conf_addr_parse(range->start, &start) < 0 || mv_conf_addr_parse(range->end_, &end) < 0 ||
	    start.family != own->family || end.family != own->family)
		return mv_conf_fail(at, err, MV_ERR_XML, "mismatch of address family in range %s - %s for network %s",
				    range->start, range->end_, ip->address);
	distance = mv_conf_addr_distance(&start, &end);
	if (distance < 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "range %s - %s is reversed", range->start, range->end_);
	if (!mv_conf_addr_same_network(own, &start, prefix) || !mv_conf_addr_same_network(own, &end, prefix))
		return mv_conf_fail(at, err, MV_ERR_XML, "range %s - %s is not entirely within network %s/%u",
				    range->start, range->end_, ip->address, prefix);
	if (own->family == AF_INET && mv_conf_addr_rest_is(&start, prefix, 0))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "start of range %s - %s in network %s/%u is the network address", range->start,
				    range->end_, ip->address, prefix);
	if (own->family == AF_INET && mv_conf_addr_rest_is(&end, prefix, 1))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "end of range %s - %s in network %s/%u is the broadcast address", range->start,
				    range->end_, ip->address, prefix);
	if (distance >= 65535)
		return mv_conf_fail(at, err, MV_ERR_XML, "range %s - %s is too large (> 65535)", range->start,
				    range->end_);
	return 0;
}

static int check_host(const struct mv_network_dhcp_host_def *host, int family, const char *network,
		      const struct mv_conf_at *at, struct mv_error **err)
{
	uint8_t mac[6];

	if (family == AF_INET6 && host->mac)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Invalid to specify MAC address '%s' in network '%s' IPv6 static host definition",
				    host->mac, network);
	if (host->mac && mv_mac_parse(host->mac, mac) < 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "Cannot parse MAC address '%s' in network '%s'", host->mac,
				    network);
	if (host->mac && mac[0] & 1)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "expected unicast mac address, found multicast '%s' in network '%s'", host->mac,
				    network);
	for (const char *c = host->id; c && *c; c++)
		if (!isxdigit((unsigned char)*c) && *c != ':')
			return mv_conf_fail(at, err, MV_ERR_XML, "Invalid character '%c' in id '%s' of network '%s'",
					    *c, host->id, network);
	if (family == AF_INET6 && !host->id && !host->name)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Static host definition in IPv6 network '%s' must have id or name attribute",
				    network);
	if (family == AF_INET && !host->mac && !host->name)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Static host definition in IPv4 network '%s' must have mac or name attribute",
				    network);
	if (host->name && !isalnum((unsigned char)host->name[0]))
		return mv_conf_fail(at, err, MV_ERR_XML, "Cannot use host name '%s' in network '%s'", host->name,
				    network);
	if (!host->ip)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "Missing IP address in static host definition for network '%s'", network);
	return 0;
}

static int clean_addresses(struct mv_network_ip_def *ip, struct mv_error **err)
{
	if (mv_conf_clean_addr(&ip->address, err) < 0)
		return -1;
	for (size_t i = 0; i < ip->dhcp.n_ranges; i++)
		if (mv_conf_clean_addr(&ip->dhcp.ranges[i]->start, err) < 0 ||
		    mv_conf_clean_addr(&ip->dhcp.ranges[i]->end_, err) < 0)
			return -1;
	for (size_t i = 0; i < ip->dhcp.n_hosts; i++)
		if (mv_conf_clean_addr(&ip->dhcp.hosts[i]->ip, err) < 0)
			return -1;
	return 0;
}

int mv_network_ip_check_in(struct mv_network_ip_def *ip, const char *network, const struct mv_conf_at *at,
			   struct mv_error **err)
{
	struct mv_network_dhcp_def *dhcp = &ip->dhcp;
	struct mv_conf_addr own;
	unsigned prefix;

	if (own_address(ip, network, &own, &prefix, at, err) < 0 || clean_addresses(ip, err) < 0)
		return -1;
	if (own.family == AF_INET6 && ip->tftp_root)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Unsupported <tftp> element in an IPv6 element in network '%s'", network);
	for (size_t i = 0; i < dhcp->n_ranges; i++)
		if (check_range(dhcp->ranges[i], ip, &own, prefix, at, err) < 0 ||
		    check_lease(&dhcp->ranges[i]->lease, at, err) < 0)
			return -1;
	for (size_t i = 0; i < dhcp->n_hosts; i++)
		if (check_host(dhcp->hosts[i], own.family, network, at, err) < 0 ||
		    check_lease(&dhcp->hosts[i]->lease, at, err) < 0)
			return -1;
	/* Without a file there is nothing to boot, and IPv6 has no such thing. */
	if (dhcp->bootp.present && (!dhcp->bootp.file || own.family == AF_INET6)) {
		mv_conf_clear(&mv_network_bootp_desc, &dhcp->bootp);
		if (mv_conf_warn(at, err, "<bootp> in network '%s' has no effect here and was left out", network) < 0)
			return -1;
	}
	return 0;
}

/* Is the gateway on the link of one of the network's addresses? */
static bool reachable(const struct mv_network_def *def, const struct mv_conf_addr *gateway, const struct mv_conf_at *at)
{
	for (size_t i = 0; i < def->n_ips; i++) {
		const struct mv_network_ip_def *ip = def->ips[i];
		struct mv_conf_addr own;
		unsigned prefix = 0;

		if (own_address(ip, def->name, &own, &prefix, at, NULL) == 0 &&
		    mv_conf_addr_same_network(&own, gateway, prefix))
			return true;
	}
	return false;
}

int mv_route_check(const char *owner, struct mv_network_route_def *route, const struct mv_conf_at *at,
		   struct mv_error **err)
{
	bool six = route->family == MV_IP_FAMILY_IPV6;
	const char *family = six ? "ipv6" : route->family ? "ipv4" : "no";
	struct mv_conf_addr address, gateway;
	unsigned prefix;
	int mask = -1;

	if (mv_conf_addr_parse(route->address, &address) < 0 || (address.family == AF_INET6) != six)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "%s: %s family specified for non-%s address '%s' in route definition", owner,
				    family, six ? "IPv6" : "IPv4", route->address);
	if (mv_conf_addr_parse(route->gateway, &gateway) < 0 || (gateway.family == AF_INET6) != six)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "%s: %s specified for non-%s gateway address '%s' in route definition", owner,
				    family, six ? "IPv6" : "IPv4", route->gateway);
	if (route->netmask && six)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "%s: Specifying netmask invalid for IPv6 address '%s' in route definition", owner,
				    route->address);
	if (route->netmask && route->has_prefix)
		return mv_conf_fail(at, err, MV_ERR_XML, "%s: Route definition cannot have both a prefix and a netmask",
				    owner);
	if (route->has_prefix && route->prefix > mv_conf_addr_bits(&address))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "%s: Invalid prefix %u specified in route definition, must be 0 - %u", owner,
				    route->prefix, mv_conf_addr_bits(&address));
	if (route->netmask && (mask = mv_conf_netmask_prefix(route->netmask)) < 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "%s: Invalid netmask '%s' in route definition", owner,
				    route->netmask);
	/* 0.0.0.0 without a prefix is the default route. */
	prefix = route->has_prefix                   ? route->prefix :
		mask >= 0                            ? (unsigned)mask :
		mv_conf_addr_rest_is(&address, 0, 0) ? 0 :
						       class_prefix(&address);
	if (!mv_conf_addr_rest_is(&address, prefix, 0))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "%s: Address '%s' in route definition is not a network address", owner,
				    route->address);
	return mv_conf_clean_addr(&route->address, err) < 0 || mv_conf_clean_addr(&route->gateway, err) < 0 ? -1 : 0;
}

int mv_network_route_check_in(const struct mv_network_def *def, struct mv_network_route_def *route,
			      const struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_conf_addr gateway;

	if (mv_route_check(def->name, route, at, err) < 0)
		return -1;
	if (mv_conf_addr_parse(route->gateway, &gateway) < 0 || !reachable(def, &gateway, at))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "unreachable static route gateway '%s' specified for network '%s'", route->gateway,
				    def->name);
	return 0;
}
