/* Devices that come, go and change: what attach, detach and update mean for the definition of a domain, whichever
 * driver it is. A driver does to its machine what these do to the definition of what runs. Not thread-safe: the guest's
 * lock is held. */
#ifndef MV_DOMAIN_DEVICES_H
#define MV_DOMAIN_DEVICES_H

#include "conf/domain_def.h"
#include "engine/domain/domobj.h"

/* One device of any kind. */
struct mv_device {
	const struct mv_conf_member *kind; /* member of mv_devices_desc: its list, name and description */
	void *def;                         /* owned */
};

/* Reads "<disk ...>" and the like. flags: MV_CONF_LIVE, MV_CONF_VALIDATE; notes may be NULL. *device is owned by the
 * caller: mv_device_clear(). Errors: MV_ERR_XML; MV_ERR_CONFIG_UNSUPPORTED. */
int mv_device_parse(const char *xml, unsigned flags, struct mv_conf_notes *notes, struct mv_device *device,
		    struct mv_error **err);
void mv_device_clear(struct mv_device *device);

/* The device that `like` describes (mv_device_matches()), borrowed; NULL: MV_ERR_DEVICE_MISSING when there is none,
 * MV_ERR_OPERATION_FAILED when there are several. */
void *mv_domain_device_find(const struct mv_domain_def *def, const struct mv_device *like, struct mv_error **err);

/* Completes a copy of the device (bus, address, MAC address) and adds it where libvirt keeps it, with the controllers
 * that it needs. `def` may be half changed when it fails. Errors: MV_ERR_OPERATION_INVALID, there is one of that name
 * already; MV_ERR_CONFIG_UNSUPPORTED, it clashes with another. */
int mv_domain_device_attach(struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err);
/* Takes the one device that is described out of the definition. */
int mv_domain_device_detach(struct mv_domain_def *def, const struct mv_device *like, struct mv_error **err);
/* The same by alias. MV_ERR_DEVICE_MISSING. */
int mv_domain_device_detach_alias(struct mv_domain_def *def, const char *alias, struct mv_error **err);
/* Puts a copy of the device in the place of the one that it describes, whose address, alias and MAC address stay when
 * the new one says none. Disks, interfaces, graphics and memory devices can be changed; MV_ERR_OPERATION_UNSUPPORTED
 * for others. */
int mv_domain_device_update(struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err);

/* The same for a guest: for what runs, for the next start or both, as `flags` say (MV_AFFECT_*; others are the
 * driver's). All or nothing: both definitions are changed, or neither. */
int mv_domobj_attach_device(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_error **err);
int mv_domobj_detach_device(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_error **err);
int mv_domobj_detach_device_alias(struct mv_domobj *guest, const char *alias, unsigned flags, struct mv_error **err);
int mv_domobj_update_device(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_error **err);

#endif
