/* Writes a structure as JSON, keys in the order of the table. */
#include <stdlib.h>

#include "engine/conf/json.h"
#include "engine/conf/uuid.h"

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static json_t *write_list(const struct mv_field *f, const void *data)
{
	const char *items = *(char *const *)((const char *)data + f->offset);
	size_t count = *(const size_t *)((const char *)data + f->count_offset);
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++) {
		if (json_array_append_new(list, mv_json_write(f->object, items + i * f->object->size)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *write_features(const struct mv_field *f, const void *data)
{
	const struct mv_feature_conf *features = *(struct mv_feature_conf *const *)((const char *)data + f->offset);
	size_t count = *(const size_t *)((const char *)data + f->count_offset);
	json_t *table = json_object();

	for (size_t i = 0; table && i < count; i++) {
		if (json_object_set_new(table, features[i].name, json_boolean(features[i].enable)) < 0) {
			json_decref(table);
			return NULL;
		}
	}
	return table;
}

/* *given is false for what the configuration leaves open. */
static json_t *write_field(const struct mv_field *f, const void *data, bool *given)
{
	const void *at = (const char *)data + f->offset;
	char buf[MV_UUID_TEXT];

	*given = true;
	switch (f->type) {
	case MV_FIELD_STRING:
	case MV_FIELD_PATH: *given = *(char *const *)at; return *given ? json_string(*(char *const *)at) : NULL;
	case MV_FIELD_ANY:
		*given = *(char *const *)at;
		return *given ? json_loads(*(char *const *)at, JSON_DECODE_ANY, NULL) : NULL;
	case MV_FIELD_BOOL: return json_boolean(*(const bool *)at);
	case MV_FIELD_NUMBER:
		*given = *(const uint32_t *)at || f->min == 0;
		return *given ? json_integer(*(const uint32_t *)at) : NULL;
	case MV_FIELD_SIZE:
		*given = *(const uint64_t *)at;
		return *given ? json_integer((json_int_t) * (const uint64_t *)at) : NULL;
	case MV_FIELD_ENUM: return json_string(f->values[*(const uint32_t *)at]);
	case MV_FIELD_UUID: *given = !is_zero(at, 16); return *given ? json_string(mv_uuid_format(at, buf)) : NULL;
	case MV_FIELD_MAC: *given = !is_zero(at, 6); return *given ? json_string(mv_mac_format(at, buf)) : NULL;
	case MV_FIELD_FEATURES:
		*given = *(const size_t *)((const char *)data + f->count_offset);
		return *given ? write_features(f, data) : NULL;
	case MV_FIELD_OBJECT: return mv_json_write(f->object, at);
	case MV_FIELD_DEVICE: return *(const bool *)at ? mv_json_write(f->object, at) : json_false();
	case MV_FIELD_LIST: return write_list(f, data);
	}
	return NULL;
}

json_t *mv_json_write(const struct mv_object *object, const void *data)
{
	json_t *table = json_object();

	for (const struct mv_field *f = object->fields; table && f->name; f++) {
		bool given;
		json_t *value = write_field(f, data, &given);

		if (given && json_object_set_new(table, f->name, value) < 0) {
			json_decref(table);
			return NULL;
		}
	}
	return table;
}
