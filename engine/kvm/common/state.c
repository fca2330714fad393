#include "engine/kvm/common/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"

#define FIELD_HEADER 8 /* tag (2), zero (2), length (4) */

struct mv_state {
	char section[64];
	uint32_t version;
	bool loading;
	struct mv_error *error;
	const uint8_t *in; /* loading */
	size_t pos;
	uint8_t *out; /* saving */
	size_t size, capacity;
};

static int make(const char *section, uint32_t version, bool loading, struct mv_state **out, struct mv_error **err)
{
	struct mv_state *st = calloc(1, sizeof(*st));

	if (!st)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the state of '%s'.", section);
	snprintf(st->section, sizeof(st->section), "%s", section);
	st->version = version;
	st->loading = loading;
	*out = st;
	return 0;
}

int mv_state_saver(const char *section, uint32_t version, struct mv_state **out, struct mv_error **err)
{
	return make(section, version, false, out, err);
}

int mv_state_loader(const char *section, uint32_t version, const void *body, size_t size, struct mv_state **out,
		    struct mv_error **err)
{
	if (make(section, version, true, out, err) < 0)
		return -1;
	(*out)->in = body;
	(*out)->size = size;
	return 0;
}

void mv_state_free(struct mv_state *st)
{
	if (!st)
		return;
	mv_error_free(st->error);
	free(st->out);
	free(st);
}

bool mv_state_loading(const struct mv_state *st)
{
	return st->loading;
}

uint32_t mv_state_version(const struct mv_state *st)
{
	return st->version;
}

bool mv_state_ok(const struct mv_state *st)
{
	return !st->error;
}

const void *mv_state_body(const struct mv_state *st, size_t *size)
{
	*size = st->size;
	return st->out;
}

void mv_state_fail(struct mv_state *st, const char *fmt, ...)
{
	mv_autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	mv_error_set(&st->error, MV_ERR_OPERATION_FAILED, "Saved state of '%s': %s", st->section,
		     text ? text : "out of memory");
}

int mv_state_finish(struct mv_state *st, struct mv_error **err)
{
	if (st->loading && !st->error && st->pos != st->size)
		mv_state_fail(st, "%zu bytes at its end belong to no known field", st->size - st->pos);
	if (!st->error)
		return 0;
	if (err && !*err)
		*err = mv_steal(st->error);
	return -1;
}

/* Makes room for a field of len bytes and returns where they go. */
static uint8_t *append(struct mv_state *st, uint16_t tag, size_t len)
{
	size_t need = FIELD_HEADER + len;
	uint8_t *p;

	if (st->error)
		return NULL;
	if (st->capacity - st->size < need) {
		size_t capacity = (st->capacity + need) * 2;

		p = realloc(st->out, capacity);
		if (!p) {
			mv_state_fail(st, "out of memory");
			return NULL;
		}
		st->out = p;
		st->capacity = capacity;
	}
	p = st->out + st->size;
	mv_put_le16(p, tag);
	mv_put_le16(p + 2, 0);
	mv_put_le32(p + 4, (uint32_t)len);
	st->size += need;
	return p + FIELD_HEADER;
}

/* Steps over the next field, which must be `tag` and have min..max bytes. */
static const uint8_t *next(struct mv_state *st, uint16_t tag, size_t min, size_t max, size_t *len)
{
	const uint8_t *p = st->in + st->pos;
	size_t left = st->size - st->pos;

	if (st->error)
		return NULL;
	if (left < FIELD_HEADER || mv_get_le16(p) != tag || mv_get_le16(p + 2)) {
		mv_state_fail(st, "field %u is missing", tag);
		return NULL;
	}
	*len = mv_get_le32(p + 4);
	if (*len < min || *len > max || *len > left - FIELD_HEADER) {
		mv_state_fail(st, "field %u has %zu bytes, which cannot be", tag, *len);
		return NULL;
	}
	st->pos += FIELD_HEADER + *len;
	return p + FIELD_HEADER;
}

void mv_state_bytes(struct mv_state *st, uint16_t tag, void *data, size_t len)
{
	size_t found;

	if (st->loading) {
		const uint8_t *p = next(st, tag, len, len, &found);

		if (p && len)
			memcpy(data, p, len);
	} else {
		uint8_t *p = append(st, tag, len);

		if (p && len)
			memcpy(p, data, len);
	}
}

#define DEFINE_NUMBER(bits)                                                         \
	void mv_state_u##bits(struct mv_state *st, uint16_t tag, uint##bits##_t *v) \
	{                                                                           \
		uint8_t wire[sizeof(*v)];                                           \
		mv_put_le(wire, *v, sizeof(*v));                                    \
		mv_state_bytes(st, tag, wire, sizeof(wire));                        \
		if (st->loading && !st->error)                                      \
			*v = (uint##bits##_t)mv_get_le(wire, sizeof(*v));           \
	}

/* mv_put_le copies only the low bytes: the host is little-endian (x86-64 only). */
DEFINE_NUMBER(8)
DEFINE_NUMBER(16)
DEFINE_NUMBER(32)
DEFINE_NUMBER(64)
#undef DEFINE_NUMBER

void mv_state_bool(struct mv_state *st, uint16_t tag, bool *v)
{
	uint8_t byte = *v;

	mv_state_u8(st, tag, &byte);
	if (!st->loading || st->error)
		return;
	if (byte > 1)
		mv_state_fail(st, "field %u is %u where only 0 or 1 can be", tag, byte);
	else
		*v = byte;
}

void mv_state_blob(struct mv_state *st, uint16_t tag, void **data, size_t *len, size_t max)
{
	size_t found;

	if (!st->loading) {
		uint8_t *p = append(st, tag, *len);

		if (p && *len)
			memcpy(p, *data, *len);
		return;
	}
	const uint8_t *p = next(st, tag, 0, max, &found);

	if (!p)
		return;
	free(*data);
	*data = NULL;
	*len = 0;
	if (!found)
		return;
	*data = malloc(found);
	if (!*data) {
		mv_state_fail(st, "out of memory");
		return;
	}
	memcpy(*data, p, found);
	*len = found;
}
