#define MV_ERROR_DOMAIN MV_FROM_NONE
#include "engine/api/typed.h"

#include <stdlib.h>
#include <string.h>

static struct mv_typed_param *add(struct mv_typed_out out, const char *field, enum mv_typed_type type,
				  struct mv_error **err)
{
	struct mv_typed_param *grown = reallocarray(*out.params, *out.count + 1, sizeof(*grown));
	char *copy = strdup(field);

	if (grown)
		*out.params = grown;
	if (!grown || !copy) {
		free(copy);
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the parameter '%s'", field);
		return NULL;
	}
	grown += (*out.count)++;
	*grown = (struct mv_typed_param){ .field = copy, .type = type };
	return grown;
}

int mv_typed_add_int(struct mv_typed_out out, const char *field, int32_t value, struct mv_error **err)
{
	struct mv_typed_param *p = add(out, field, MV_TYPED_INT, err);

	if (!p)
		return -1;
	p->value.i = value;
	return 0;
}

int mv_typed_add_uint(struct mv_typed_out out, const char *field, uint32_t value, struct mv_error **err)
{
	struct mv_typed_param *p = add(out, field, MV_TYPED_UINT, err);

	if (!p)
		return -1;
	p->value.ui = value;
	return 0;
}

int mv_typed_add_ullong(struct mv_typed_out out, const char *field, uint64_t value, struct mv_error **err)
{
	struct mv_typed_param *p = add(out, field, MV_TYPED_ULLONG, err);

	if (!p)
		return -1;
	p->value.ul = value;
	return 0;
}

int mv_typed_add_boolean(struct mv_typed_out out, const char *field, bool value, struct mv_error **err)
{
	struct mv_typed_param *p = add(out, field, MV_TYPED_BOOLEAN, err);

	if (!p)
		return -1;
	p->value.b = value;
	return 0;
}

int mv_typed_add_string(struct mv_typed_out out, const char *field, const char *value, struct mv_error **err)
{
	char *copy = strdup(value ? value : "");
	struct mv_typed_param *p = copy ? add(out, field, MV_TYPED_STRING, err) : NULL;

	if (!copy)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the parameter '%s'", field);
	if (!p) {
		free(copy);
		return -1;
	}
	p->value.s = copy;
	return 0;
}

const struct mv_typed_param *mv_typed_find(const struct mv_typed_param *params, size_t count, const char *field)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(params[i].field, field) == 0)
			return &params[i];
	}
	return NULL;
}

static const char *type_name(enum mv_typed_type type)
{
	static const char *const names[] = {
		"unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string"
	};

	return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : names[0];
}

int mv_typed_check(const struct mv_typed_param *params, size_t count, const struct mv_typed_rule *rules,
		   size_t rule_count, struct mv_error **err)
{
	for (size_t i = 0; i < count; i++) {
		const struct mv_typed_rule *rule = NULL;

		for (size_t k = 0; k < rule_count; k++) {
			if (strcmp(rules[k].field, params[i].field) == 0)
				rule = &rules[k];
		}
		if (!rule)
			return mv_error_set(err, MV_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported",
					    params[i].field);
		if (rule->type != params[i].type)
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "invalid type '%s' for parameter '%s', expected '%s'",
					    type_name(params[i].type), params[i].field, type_name(rule->type));
		if (mv_typed_find(params, i, params[i].field))
			return mv_error_set(err, MV_ERR_INVALID_ARG, "parameter '%s' occurs multiple times",
					    params[i].field);
	}
	return 0;
}
