/* Parts of mv_domain_complete_devices(): in files of their own. 0 or -1. */
#ifndef MV_CONF_DEVICE_CLASH_H
#define MV_CONF_DEVICE_CLASH_H

struct mv_domain_def;
struct mv_error;

/* Refuses devices that cannot be there together: two of one place, name or kind (device_clash.c). */
int mv_devices_check(const struct mv_domain_def *def, struct mv_error **err);
/* Targets of consoles, and the pair of the first console and the first serial port (console_complete.c). */
int mv_devices_complete_consoles(struct mv_domain_def *def, struct mv_error **err);

#endif
