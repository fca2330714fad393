/* A saved guest comes back: memory is mapped from the image, so that nothing is read before the guest touches it;
 * devices and vCPUs are loaded from its sections. */
#ifndef MV_KVM_VMM_RESTORE_H
#define MV_KVM_VMM_RESTORE_H

#include "engine/kvm/vmm/guest.h"

/* Checks the image and maps its memory. */
int mv_restore_memory(struct mv_guest *g, struct mv_error **err);
/* Loads everything else; the VM, its vCPUs and devices exist and are new. */
int mv_restore_state(struct mv_guest *g, struct mv_error **err);

#endif
