/* What the files about tuning parameters have in common. */
#ifndef MV_TEST_DOMAIN_TUNE_H
#define MV_TEST_DOMAIN_TUNE_H

#include "engine/api/typed.h"
#include "engine/test/driver.h"

/* Flags of calls about parameters: which definition, and (virTypedParameterFlags) that strings are understood. */
enum { MV_TUNE_IMPACT = MV_AFFECT_LIVE | MV_AFFECT_CONFIG, MV_TUNE_STRING_OKAY = 4 };

/* The definition that a call with these flags is about, borrowed; *live: whether that is the running guest's. NULL:
 * flags that are not among `known`, no such guest, ... */
struct mv_domain_def *mv_test_one_def(struct mv_driver *drv, const struct mv_domain_ref *ref, uint32_t flags,
				      uint32_t known, const char *function, bool *live, struct mv_error **err);
/* Calls that get parameters are asked for none first, to learn how many there are (true); otherwise they give at most
 * `asked`. */
bool mv_test_only_count(int32_t asked, int32_t count, int32_t *nparams);
void mv_test_limit_params(int32_t asked, struct mv_typed_out out, int32_t *nparams);

#endif
