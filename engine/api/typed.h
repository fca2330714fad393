/* Typed parameters: names with values of several types, as many of libvirt's calls take and give them. */
#ifndef MV_API_TYPED_H
#define MV_API_TYPED_H

#include "engine/api/call_types.h"
#include "engine/base/error.h"

/* Where a call's results go: &ret->params, &ret->n_params. Both start as zero; what is added is owned by the results.
 */
struct mv_typed_out {
	struct mv_typed_param **params;
	size_t *count;
};
#define MV_TYPED_OUT(ret) ((struct mv_typed_out){ &(ret)->params, &(ret)->n_params })

int mv_typed_add_int(struct mv_typed_out out, const char *field, int32_t value, struct mv_error **err);
int mv_typed_add_uint(struct mv_typed_out out, const char *field, uint32_t value, struct mv_error **err);
int mv_typed_add_ullong(struct mv_typed_out out, const char *field, uint64_t value, struct mv_error **err);
int mv_typed_add_boolean(struct mv_typed_out out, const char *field, bool value, struct mv_error **err);
int mv_typed_add_string(struct mv_typed_out out, const char *field, const char *value, struct mv_error **err);

/* The parameter of that name, or NULL. */
const struct mv_typed_param *mv_typed_find(const struct mv_typed_param *params, size_t count, const char *field);

struct mv_typed_rule {
	const char *field;
	enum mv_typed_type type;
};
/* Each parameter is one of the rules', of its type, and there once. Errors: MV_ERR_ARGUMENT_UNSUPPORTED,
 * MV_ERR_INVALID_ARG. */
int mv_typed_check(const struct mv_typed_param *params, size_t count, const struct mv_typed_rule *rules,
		   size_t rule_count, struct mv_error **err);

#endif
