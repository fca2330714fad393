/* Structures from JSON values and back, by their tables. Only inside engine/conf. */
#ifndef MV_CONF_JSON_H
#define MV_CONF_JSON_H

#include <jansson.h>

#include "engine/conf/field.h"

/* Parses text; duplicate keys and trailing text are errors. Returned owned; NULL with *err. */
json_t *mv_json_parse(const char *text, struct mv_error **err);
/* Fills *data, which holds the presets, from a JSON object. On failure the caller clears *data. */
int mv_json_read(const struct mv_object *object, void *data, json_t *json, const struct mv_key *key,
		 struct mv_error **err);
/* The JSON object for *data, without what is not given. Returned owned; NULL when memory is out. */
json_t *mv_json_write(const struct mv_object *object, const void *data);

static inline void mv_json_cleanup(json_t **p)
{
	json_decref(*p);
}
#define mv_autojson __attribute__((cleanup(mv_json_cleanup)))

#endif
