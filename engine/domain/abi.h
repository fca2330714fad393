/* Whether a guest that runs could go on with another definition. */
#ifndef MV_DOMAIN_ABI_H
#define MV_DOMAIN_ABI_H

#include "conf/domain_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/base/error.h"

/* Compares what a guest sees of its hardware. Fails with MV_ERR_CONFIG_UNSUPPORTED, and what differs. */
int mv_domain_check_abi(const struct mv_domain_def *source, const struct mv_domain_def *target, struct mv_error **err);

#endif
