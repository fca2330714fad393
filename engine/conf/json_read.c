/* Reads a structure from JSON. A message says where in the specification the fault is, what is wanted, and what is
 * there. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/json.h"
#include "engine/conf/path.h"
#include "engine/conf/size.h"
#include "engine/conf/suggest.h"
#include "engine/conf/uuid.h"

#define MAX_KEYS 64 /* of one table */

json_t *mv_json_parse(const char *text, struct mv_error **err)
{
	json_error_t fault;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);

	if (!json)
		mv_error_set(err, MV_ERR_XML, "The specification is not valid JSON: line %d, column %d: %s", fault.line,
			     fault.column, fault.text);
	return json;
}

/* "a list", "the string 'x'", "3": what is there instead of what is wanted. */
static const char *describe(const json_t *json, char buf[80])
{
	switch (json_typeof(json)) {
	case JSON_OBJECT: return "a table";
	case JSON_ARRAY: return "a list";
	case JSON_STRING: snprintf(buf, 80, "the string '%.40s'", json_string_value(json)); return buf;
	case JSON_INTEGER: snprintf(buf, 80, "%" JSON_INTEGER_FORMAT, json_integer_value(json)); return buf;
	case JSON_REAL: snprintf(buf, 80, "%g", json_real_value(json)); return buf;
	case JSON_TRUE: return "true";
	case JSON_FALSE: return "false";
	default: return "null";
	}
}

static int wrong_type(struct mv_error **err, const struct mv_key *key, const char *wanted, const json_t *json)
{
	char buf[80];

	return mv_key_error(err, key, MV_ERR_XML, "%s is wanted, not %s", wanted, describe(json, buf));
}

/* A whole number, also where Lua made a float of it. */
static bool whole_number(const json_t *json, int64_t *value)
{
	if (json_is_integer(json)) {
		*value = json_integer_value(json);
		return true;
	}
	if (json_is_real(json)) {
		double d = json_real_value(json);

		if (d != trunc(d) || fabs(d) > 9007199254740992.0)
			return false;
		*value = (int64_t)d;
		return true;
	}
	return false;
}

/* --- one function per type --- */

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was read");
}

static int read_string(const struct mv_field *f, char **at, const json_t *json, const struct mv_key *key,
		       struct mv_error **err)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json);

	if (!text)
		return wrong_type(err, key, f->type == MV_FIELD_PATH ? "a path" : "a string", json);
	if (f->type == MV_FIELD_PATH && len == 0)
		return mv_key_error(err, key, MV_ERR_XML, "the path is empty");
	if (len < f->min || (f->max && len > f->max) || (f->valid && !f->valid(text))) {
		if (f->allowed)
			return mv_key_error(err, key, MV_ERR_XML, "'%.80s' cannot be it; allowed: %s", text,
					    f->allowed);
		return mv_key_error(err, key, MV_ERR_XML,
				    "it is %zu bytes long; from %" PRIu64 " to %" PRIu64 " are allowed", len, f->min,
				    f->max);
	}
	free(*at);
	*at = f->type == MV_FIELD_PATH ? mv_path_absolute(text) : strdup(text);
	return *at ? 0 : no_memory(err);
}

static int read_bool(bool *at, const json_t *json, const struct mv_key *key, struct mv_error **err)
{
	if (!json_is_boolean(json))
		return wrong_type(err, key, "true or false", json);
	*at = json_is_true(json);
	return 0;
}

static int read_number(const struct mv_field *f, uint32_t *at, const json_t *json, const struct mv_key *key,
		       struct mv_error **err)
{
	char wanted[80];
	int64_t value;

	snprintf(wanted, sizeof(wanted), "a whole number from %" PRIu64 " to %" PRIu64, f->min, f->max);
	if (!whole_number(json, &value) || value < 0 || (uint64_t)value < f->min || (uint64_t)value > f->max)
		return wrong_type(err, key, wanted, json);
	*at = (uint32_t)value;
	return 0;
}

static int check_size(const struct mv_field *f, uint64_t bytes, const struct mv_key *key, struct mv_error **err)
{
	char is[MV_SIZE_TEXT], limit[MV_SIZE_TEXT];

	if (bytes == 0)
		return mv_key_error(err, key, MV_ERR_XML, "a size cannot be 0");
	if (bytes < f->min)
		return mv_key_error(err, key, MV_ERR_XML, "%s is less than the least possible, %s",
				    mv_size_format(bytes, is), mv_size_format(f->min, limit));
	if (f->max && bytes > f->max)
		return mv_key_error(err, key, MV_ERR_XML, "%s is more than the most possible, %s",
				    mv_size_format(bytes, is), mv_size_format(f->max, limit));
	return 0;
}

static int read_size(const struct mv_field *f, uint64_t *at, const json_t *json, const struct mv_key *key,
		     struct mv_error **err)
{
	const char *why;
	int64_t value;
	uint64_t bytes;
	char buf[80];

	if (json_is_string(json)) {
		if (mv_size_parse(json_string_value(json), &bytes, &why) < 0)
			return mv_key_error(err, key, MV_ERR_XML, "'%.40s' is not a size: %s", json_string_value(json),
					    why);
	} else if (whole_number(json, &value)) {
		if (value < 0)
			return mv_key_error(err, key, MV_ERR_XML, "a size cannot be negative, as %" PRId64 " is",
					    value);
		bytes = (uint64_t)value;
	} else {
		return mv_key_error(err, key, MV_ERR_XML, "a size is wanted (bytes, or a string like \"512M\"), not %s",
				    describe(json, buf));
	}
	if (check_size(f, bytes, key, err) < 0)
		return -1;
	*at = bytes;
	return 0;
}

/* "did you mean 'x'? " or nothing. */
static const char *meant(const char *wrong, const char *const *names, size_t count, char buf[160])
{
	const char *near = mv_suggest(wrong, names, count);

	buf[0] = 0;
	if (near)
		snprintf(buf, 160, "did you mean '%s'? ", near);
	return buf;
}

static void join(const char *const *names, size_t count, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (size_t i = 0; i < count && len < size; i++) {
		int n = snprintf(buf + len, size - len, "%s%s", i ? ", " : "", names[i]);

		len += n < 0 ? 0 : (size_t)n;
	}
}

static int read_enum(const struct mv_field *f, uint32_t *at, const json_t *json, const struct mv_key *key,
		     struct mv_error **err)
{
	const char *text = json_string_value(json);
	char near[160], all[512];
	size_t count = 0;

	while (f->values[count])
		count++;
	join(f->values, count, all, sizeof(all));
	if (!text) {
		char wanted[600];

		snprintf(wanted, sizeof(wanted), "one of the strings %s", all);
		return wrong_type(err, key, wanted, json);
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(f->values[i], text) == 0) {
			*at = (uint32_t)i;
			return 0;
		}
	}
	return mv_key_error(err, key, MV_ERR_XML, "'%.80s' is not known; %sone of: %s", text,
			    meant(text, f->values, count, near), all);
}

static int read_uuid(uint8_t *at, const json_t *json, const struct mv_key *key, struct mv_error **err)
{
	const char *text = json_string_value(json);
	uint8_t uuid[16];

	if (!text)
		return wrong_type(err, key, "a UUID", json);
	if (mv_uuid_parse(text, uuid) < 0)
		return mv_key_error(
			err, key, MV_ERR_XML,
			"'%.80s' is not a UUID (32 hexadecimal digits, like d1c37b43-6b32-4f4c-8a3f-0f9e5c2c7a11)",
			text);
	if (mv_uuid_is_zero(uuid))
		return mv_key_error(err, key, MV_ERR_XML, "a UUID of zeroes identifies nothing");
	memcpy(at, uuid, sizeof(uuid));
	return 0;
}

static int read_mac(uint8_t *at, const json_t *json, const struct mv_key *key, struct mv_error **err)
{
	const char *text = json_string_value(json);
	uint8_t mac[6];

	if (!text)
		return wrong_type(err, key, "a MAC address", json);
	if (mv_mac_parse(text, mac) < 0)
		return mv_key_error(err, key, MV_ERR_XML, "'%.80s' is not a MAC address (like 52:54:00:12:34:56)",
				    text);
	if (mac[0] & 1)
		return mv_key_error(err, key, MV_ERR_XML,
				    "'%s' is a multicast address; the first byte of a card's own address is even",
				    text);
	if (!(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]))
		return mv_key_error(err, key, MV_ERR_XML, "an address of zeroes cannot be a card's");
	memcpy(at, mac, sizeof(mac));
	return 0;
}

static int read_features(const struct mv_field *f, void *data, json_t *json, const struct mv_key *key,
			 struct mv_error **err)
{
	struct mv_feature_conf **features = mv_field_at(f, data);
	size_t *count = mv_field_count(f, data);
	const char *name;
	json_t *value;

	if (json_is_array(json) && json_array_size(json) == 0)
		return 0;
	if (!json_is_object(json))
		return wrong_type(err, key, "a table like { avx2 = false }", json);
	if (json_object_size(json) == 0)
		return 0;
	*features = calloc(json_object_size(json), sizeof(**features));
	if (!*features)
		return no_memory(err);
	json_object_foreach(json, name, value)
	{
		struct mv_key child = { .parent = key, .name = name };
		struct mv_feature_conf *feature = &(*features)[*count];

		if (!*name || strlen(name) > 64)
			return mv_key_error(err, key, MV_ERR_XML, "'%.80s' cannot be a CPU feature's name", name);
		if (read_bool(&feature->enable, value, &child, err) < 0)
			return -1;
		feature->name = strdup(name);
		if (!feature->name)
			return no_memory(err);
		(*count)++;
	}
	return 0;
}

static int read_any(const struct mv_field *f, char **at, const json_t *json, const struct mv_key *key,
		    struct mv_error **err)
{
	free(*at);
	*at = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!*at)
		return no_memory(err);
	if (f->max && strlen(*at) > f->max)
		return mv_key_error(err, key, MV_ERR_XML, "it is longer than %" PRIu64 " bytes of JSON", f->max);
	return 0;
}

static int read_list(const struct mv_field *f, void *data, json_t *json, const struct mv_key *key,
		     struct mv_error **err)
{
	void **items = mv_field_at(f, data);
	size_t *count = mv_field_count(f, data);

	/* Lua's empty table may arrive as either. */
	if (!json_is_array(json) && !(json_is_object(json) && json_object_size(json) == 0)) {
		if (json_is_object(json))
			return mv_key_error(err, key, MV_ERR_XML,
					    "a list of tables is wanted, like { { %s = ... } }, not a single table",
					    f->object->fields[0].name);
		return wrong_type(err, key, "a list of tables", json);
	}
	if (json_array_size(json) > f->max)
		return mv_key_error(err, key, MV_ERR_XML, "it has %zu entries; at most %" PRIu64 " are possible",
				    json_array_size(json), f->max);
	for (size_t i = 0; i < *count; i++)
		mv_object_clear(f->object, (char *)*items + i * f->object->size);
	free(*items);
	*items = NULL;
	*count = 0;
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct mv_key child = { .parent = key, .index = i + 1 };
		void *element = mv_list_append(f, data, err);

		if (!element || mv_json_read(f->object, element, json_array_get(json, i), &child, err) < 0)
			return -1;
	}
	return 0;
}

static int read_device(const struct mv_field *f, void *at, json_t *json, const struct mv_key *key,
		       struct mv_error **err)
{
	bool *present = at;

	if (json_is_false(json)) {
		*present = false;
		return 0;
	}
	*present = true;
	if (json_is_true(json)) {
		mv_autojson json_t *empty = json_object();

		return mv_json_read(f->object, at, empty, key, err);
	}
	if (!json_is_object(json) && !(json_is_array(json) && json_array_size(json) == 0))
		return wrong_type(err, key, "true, false or a table", json);
	return mv_json_read(f->object, at, json, key, err);
}

static int read_field(const struct mv_field *f, void *data, json_t *json, const struct mv_key *key,
		      struct mv_error **err)
{
	void *at = mv_field_at(f, data);

	switch (f->type) {
	case MV_FIELD_STRING:
	case MV_FIELD_PATH: return read_string(f, at, json, key, err);
	case MV_FIELD_BOOL: return read_bool(at, json, key, err);
	case MV_FIELD_NUMBER: return read_number(f, at, json, key, err);
	case MV_FIELD_SIZE: return read_size(f, at, json, key, err);
	case MV_FIELD_ENUM: return read_enum(f, at, json, key, err);
	case MV_FIELD_UUID: return read_uuid(at, json, key, err);
	case MV_FIELD_MAC: return read_mac(at, json, key, err);
	case MV_FIELD_FEATURES: return read_features(f, data, json, key, err);
	case MV_FIELD_ANY: return read_any(f, at, json, key, err);
	case MV_FIELD_OBJECT: return mv_json_read(f->object, at, json, key, err);
	case MV_FIELD_DEVICE: return read_device(f, at, json, key, err);
	case MV_FIELD_LIST: return read_list(f, data, json, key, err);
	}
	return mv_key_error(err, key, MV_ERR_INTERNAL, "its type is not known");
}

/* --- a table --- */

static int unknown_key(const struct mv_object *object, const char *name, const struct mv_key *key,
		       struct mv_error **err)
{
	struct mv_key child = { .parent = key, .name = name };
	const char *names[MAX_KEYS];
	char near[160], all[1024];
	size_t count = 0;

	for (const struct mv_field *f = object->fields; f->name && count < MAX_KEYS; f++)
		names[count++] = f->name;
	join(names, count, all, sizeof(all));
	return mv_key_error(err, &child, MV_ERR_XML, "there is no such key; %sknown here: %s",
			    meant(name, names, count, near), all);
}

static const struct mv_field *find_field(const struct mv_object *object, const char *name)
{
	for (const struct mv_field *f = object->fields; f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

int mv_json_read(const struct mv_object *object, void *data, json_t *json, const struct mv_key *key,
		 struct mv_error **err)
{
	const char *name;
	json_t *value;

	if (json_is_array(json) && json_array_size(json) == 0) {
		json = NULL;
	} else if (!json_is_object(json)) {
		if (!key->parent && !key->name) {
			char buf[80];

			return mv_error_set(err, MV_ERR_XML, "The specification must be a table, not %s",
					    describe(json, buf));
		}
		return wrong_type(err, key, "a table", json);
	}
	/* Keys that nobody knows first: a misspelt required key should not be reported as missing. */
	json_object_foreach(json, name, value)
	{
		if (!find_field(object, name))
			return unknown_key(object, name, key, err);
	}
	for (const struct mv_field *f = object->fields; f->name; f++) {
		struct mv_key child = { .parent = key, .name = f->name };

		value = json_object_get(json, f->name);
		if (value && !json_is_null(value)) {
			if (read_field(f, data, value, &child, err) < 0)
				return -1;
		} else if (f->required) {
			return mv_key_error(err, &child, MV_ERR_XML, "it is missing, and must be given");
		}
	}
	return 0;
}
