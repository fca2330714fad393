/* Tables that describe the structures of a configuration: for each key its type, limits, default and help. Reading,
 * writing, defaults and the manual (docs/spec.md) all come from the same table. */
#ifndef MV_CONF_FIELD_H
#define MV_CONF_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum mv_field_type {
	MV_FIELD_STRING,   /* char *; min..max bytes */
	MV_FIELD_PATH,     /* char *, absolute */
	MV_FIELD_BOOL,     /* bool */
	MV_FIELD_NUMBER,   /* uint32_t; min..max; 0 means not given where min > 0 */
	MV_FIELD_SIZE,     /* uint64_t, bytes; min..max; 0 means not given */
	MV_FIELD_ENUM,     /* uint32_t, index into values */
	MV_FIELD_UUID,     /* uint8_t[16]; all zero means not given */
	MV_FIELD_MAC,      /* uint8_t[6]; the same */
	MV_FIELD_FEATURES, /* struct mv_feature_conf *, and a count: names with true or false */
	MV_FIELD_ANY,      /* char *: any value, kept as JSON text */
	MV_FIELD_OBJECT,   /* a structure */
	MV_FIELD_DEVICE,   /* a structure that begins with `bool present`: true, false, or a table */
	MV_FIELD_LIST,     /* pointer to structures, and a count; at most max */
};

struct mv_feature_conf {
	char *name;
	bool enable;
};

struct mv_object;

struct mv_field {
	const char *name;
	enum mv_field_type type;
	bool required;
	size_t offset;
	size_t count_offset;             /* LIST, FEATURES: of a size_t */
	uint64_t min, max;               /* max 0: no limit */
	uint64_t preset;                 /* BOOL, NUMBER, SIZE, ENUM: the default; DEVICE: present; LIST: elements */
	const char *const *values;       /* ENUM: names, ended by NULL */
	bool (*valid)(const char *text); /* STRING: optional further rule, with its words in `allowed` */
	const char *allowed;
	const struct mv_object *object; /* OBJECT, DEVICE, LIST */
	const char *automatic;          /* for the manual: what an absent key becomes, where no preset says it */
	const char *help;
};

struct mv_object {
	const char *name;
	size_t size;
	const struct mv_field *fields; /* ended by one without a name */
};

/* Where in a specification something is; on the stack, linked to its parent. index counts from 1 (0: no list). */
struct mv_key {
	const struct mv_key *parent;
	const char *name;
	size_t index;
};

/* "disks[1].cache: " and the message. Always -1. Any thread. */
int mv_key_error(struct mv_error **err, const struct mv_key *key, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a message that begins with a path of keys already. */
#define mv_conf_error(err, ...) mv_error_set_full(err, MV_FROM_CONF, MV_ERR_XML, 0, __VA_ARGS__)

/* Zeroes the structure and fills in presets. */
int mv_object_preset(const struct mv_object *object, void *data, struct mv_error **err);
/* Frees what it points to and zeroes it. */
void mv_object_clear(const struct mv_object *object, void *data);
/* Appends a preset element to a list. Returns it, or NULL. */
void *mv_list_append(const struct mv_field *list, void *data, struct mv_error **err);

static inline void *mv_field_at(const struct mv_field *f, void *data)
{
	return (char *)data + f->offset;
}

static inline size_t *mv_field_count(const struct mv_field *f, void *data)
{
	return (size_t *)((char *)data + f->count_offset);
}

#endif
