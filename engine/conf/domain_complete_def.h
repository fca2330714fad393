/* Completing the definition of a domain for the driver that takes it: what libvirt adds to a document, or refuses, when
 * it is defined. mv_domain_def_parse() has already done what does not depend on the driver. */
#ifndef MV_CONF_DOMAIN_COMPLETE_DEF_H
#define MV_CONF_DOMAIN_COMPLETE_DEF_H

#include "conf/domain_def.h"

/* What a driver says about its domains. */
struct mv_domain_rules {
	enum mv_arch arch;            /* of an <os> that says none */
	const char *machine;          /* the same; NULL: it stays open */
	const char *emulator;         /* the same for <devices>; NULL: it stays open */
	const char *interface_prefix; /* "testnet": the host's ends of interfaces that name none are testnet0, ...;
					 NULL: open */
	bool qemu_namespace;          /* <qemu:...> is understood; otherwise left out. The same for the others: */
	bool lxc_namespace, bhyve_namespace, xen_namespace, vmware_namespace;
};

/* Makes a UUID and a generation id where they are missing, fills in the architecture, the boot device and what the
 * devices need (addresses, controllers, MAC addresses), and checks what goes beyond single elements. `def` may be half
 * completed when it fails. Any thread. Errors: MV_ERR_XML, MV_ERR_CONFIG_UNSUPPORTED, MV_ERR_NO_MEMORY. */
int mv_domain_def_complete(struct mv_domain_def *def, const struct mv_domain_rules *rules, struct mv_error **err);

/* The part of it about <devices> (domain_complete_devices.c). */
int mv_domain_complete_devices(struct mv_domain_def *def, const struct mv_domain_rules *rules, struct mv_error **err);

/* Is this a name that a domain can have? 0 or -1, MV_ERR_XML. */
int mv_domain_name_check(const char *name, struct mv_error **err);

#endif
