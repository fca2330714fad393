/* virNetworkUpdate: changes of one part of a network's definition, for all drivers. */
#ifndef MV_DOMAIN_NETWORK_UPDATE_H
#define MV_DOMAIN_NETWORK_UPDATE_H

#include "conf/network_def.h"

struct mv_network_change {
	unsigned command; /* VIR_NETWORK_UPDATE_COMMAND_* */
	unsigned section; /* VIR_NETWORK_SECTION_* */
	int parent;       /* which <ip>, from 0; -1: the one with <dhcp>, or else the first */
	const char *xml;  /* the element to add or to put in place, or what is to be found */
};

/* *out is the changed definition, returned owned; `def` stays as it is. Errors: MV_ERR_OPERATION_INVALID when there is
 * nothing to change, or something in the way; MV_ERR_OPERATION_UNSUPPORTED for sections and commands that do not go
 * together; MV_ERR_XML, also when the result would be no valid definition. */
int mv_network_update(const struct mv_network_def *def, const struct mv_network_change *change,
		      struct mv_network_def **out, struct mv_error **err);

#endif
