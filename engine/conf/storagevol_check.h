/* What only a pool knows about its volumes. */
#ifndef MV_CONF_STORAGEVOL_CHECK_H
#define MV_CONF_STORAGEVOL_CHECK_H

#include "conf/storagepool_def.h"
#include "conf/storagevol_def.h"

/* Completes a definition for a pool of that type: the formats of volume and backing store, and checks that the pool can
 * have them; pools whose volumes are bare devices have no formats. Errors: MV_ERR_CONFIG_UNSUPPORTED. */
int mv_storagevol_complete(struct mv_storagevol_def *def, enum mv_pool_type pool, struct mv_error **err);

#endif
