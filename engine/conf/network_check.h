/* The parts of the check of networks: addresses and routes are in network_ip_check.c. */
#ifndef MV_CONF_NETWORK_CHECK_H
#define MV_CONF_NETWORK_CHECK_H

#include "conf/network_def.h"
#include "engine/conf/schema.h"

/* An <ip> with its DHCP ranges and hosts; `network` is the name for messages. */
int mv_network_ip_check_in(struct mv_network_ip_def *ip, const char *network, const struct mv_conf_at *at,
			   struct mv_error **err);
/* A <route>, whose gateway must be on one of the network's own addresses' links. */
/* A route of whatever `owner` is called in messages: its addresses, and that it is one of a network. Addresses get
 * their usual form. */
int mv_route_check(const char *owner, struct mv_network_route_def *route, const struct mv_conf_at *at,
		   struct mv_error **err);
/* The same of a network, which must reach the gateway. */
int mv_network_route_check_in(const struct mv_network_def *def, struct mv_network_route_def *route,
			      const struct mv_conf_at *at, struct mv_error **err);

#endif
