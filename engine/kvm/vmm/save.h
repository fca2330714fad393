/* The guest's state as sections, and the image file made of them. */
#ifndef MV_KVM_VMM_SAVE_H
#define MV_KVM_VMM_SAVE_H

#include "engine/kvm/vmm/guest.h"

/* Version of the sections that do not belong to a device. */
#define MV_SAVE_MACHINE_VERSION 1

/* Visits everything but memory in the order that KVM needs: machine, clock, vCPUs, devices, interrupt controllers.
 * `section` is called with a name and version, calls back `body` with a saver or loader for it. Shared by save and
 * restore, so that both see the same sections in the same order. */
typedef int (*mv_section_body)(struct mv_guest *g, void *what, struct mv_state *st, struct mv_error **err);
typedef int (*mv_section_fn)(struct mv_guest *g, const char *name, uint32_t version, mv_section_body body, void *what,
			     void *opaque, struct mv_error **err);
int mv_save_each_section(struct mv_guest *g, mv_section_fn section, void *opaque, struct mv_error **err);

/* Writes the guest, which is held, into fd (borrowed, empty). The file is complete when this returns 0, but nothing is
 * synced. */
int mv_save_write(struct mv_guest *g, int fd, struct mv_error **err);

#endif
