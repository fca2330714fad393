/* A guest in libvirt's words. */
#ifndef MV_KVM_DESCRIBE_H
#define MV_KVM_DESCRIBE_H

#include "engine/base/error.h"
#include "engine/conf/domain.h"

/* XML of what a specification says, as libvirt would describe such a guest. id: of a running one, else -1. What has no
 * element there (PCI slots, the sandbox) is left out. *xml is owned by the caller. Errors: MV_ERR_NO_MEMORY. */
int mv_kvm_describe(const struct mv_domain_conf *conf, int id, char **xml, struct mv_error **err);

#endif
