/* What pools and volumes of the test driver share. */
#ifndef MV_TEST_STORAGE_H
#define MV_TEST_STORAGE_H

#include "conf/storagepool_def.h"
#include "conf/storagevol_def.h"
#include "engine/test/driver.h"

struct mv_test_pool {
	struct mv_entity object;
	struct mv_storagepool_def *def;
	struct mv_storagepool_def *next; /* what it will be when it has been stopped; NULL: the same */
	struct mv_entity_table volumes;  /* struct mv_test_volume */
};

struct mv_test_volume {
	struct mv_entity object;
	struct mv_storagevol_def *def;
	struct mv_test_pool *pool; /* which has it */
};

/* The pool of that name; MV_ERR_NO_STORAGE_POOL. */
struct mv_test_pool *mv_test_pool(struct mv_driver *drv, const char *name, struct mv_error **err);
/* The same, which must be active: MV_ERR_OPERATION_INVALID. */
struct mv_test_pool *mv_test_pool_active(struct mv_driver *drv, const char *name, struct mv_error **err);
/* Fills an empty reference. */
int mv_test_pool_ref(const struct mv_test_pool *pool, struct mv_storage_pool_ref *ref, struct mv_error **err);

/* A volume of what a file says about a pool. */
int mv_test_load_volume(struct mv_test_pool *pool, const char *xml, struct mv_error **err);

#endif
