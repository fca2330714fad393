#include "engine/base/xdr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t padding[4];

void mv_xdr_encoder(struct mv_xdr *x)
{
	*x = (struct mv_xdr){ .decoding = false };
}

void mv_xdr_decoder(struct mv_xdr *x, const void *data, size_t size)
{
	*x = (struct mv_xdr){ .decoding = true, .in = data, .size = size };
}

void mv_xdr_release(struct mv_xdr *x)
{
	free(x->out);
	*x = (struct mv_xdr){ .failed = true };
}

bool mv_xdr_ok(const struct mv_xdr *x)
{
	return !x->failed;
}

bool mv_xdr_done(const struct mv_xdr *x)
{
	return !x->failed && x->pos == x->size;
}

void mv_xdr_fail(struct mv_xdr *x)
{
	x->failed = true;
}

static void put(struct mv_xdr *x, const void *data, size_t len)
{
	if (x->failed || !len)
		return;
	if (x->capacity - x->size < len) {
		size_t capacity = x->capacity ? x->capacity * 2 : 256;
		uint8_t *grown;

		while (capacity - x->size < len)
			capacity *= 2;
		grown = realloc(x->out, capacity);
		if (!grown) {
			x->failed = true;
			return;
		}
		x->out = grown;
		x->capacity = capacity;
	}
	memcpy(x->out + x->size, data, len);
	x->size += len;
}

static const uint8_t *get(struct mv_xdr *x, size_t len)
{
	const uint8_t *p;

	if (x->failed || x->size - x->pos < len) {
		x->failed = true;
		return NULL;
	}
	p = x->in + x->pos;
	x->pos += len;
	return p;
}

void mv_xdr_u32(struct mv_xdr *x, uint32_t *v)
{
	uint32_t wire;

	if (x->decoding) {
		const uint8_t *p = get(x, sizeof(wire));

		if (!p)
			return;
		memcpy(&wire, p, sizeof(wire));
		*v = ntohl(wire);
	} else {
		wire = htonl(*v);
		put(x, &wire, sizeof(wire));
	}
}

void mv_xdr_i32(struct mv_xdr *x, int32_t *v)
{
	uint32_t bits = (uint32_t)*v;

	mv_xdr_u32(x, &bits);
	if (x->decoding && !x->failed)
		*v = (int32_t)bits;
}

void mv_xdr_u64(struct mv_xdr *x, uint64_t *v)
{
	uint32_t high = (uint32_t)(*v >> 32), low = (uint32_t)*v;

	mv_xdr_u32(x, &high);
	mv_xdr_u32(x, &low);
	if (x->decoding && !x->failed)
		*v = (uint64_t)high << 32 | low;
}

void mv_xdr_enum(struct mv_xdr *x, uint32_t *v, uint32_t limit)
{
	uint32_t value = *v;

	mv_xdr_u32(x, &value);
	if (!x->failed && value >= limit)
		x->failed = true;
	if (x->decoding && !x->failed)
		*v = value;
}

void mv_xdr_bool(struct mv_xdr *x, bool *v)
{
	uint32_t value = *v;

	mv_xdr_enum(x, &value, 2);
	if (x->decoding && !x->failed)
		*v = value;
}

void mv_xdr_opaque(struct mv_xdr *x, void *data, size_t len)
{
	size_t pad = -len & 3;

	if (!x->decoding) {
		put(x, data, len);
		put(x, padding, pad);
		return;
	}
	if (len > SIZE_MAX - 3) {
		x->failed = true;
		return;
	}
	const uint8_t *p = get(x, len + pad);

	if (!p)
		return;
	if (memcmp(p + len, padding, pad)) {
		x->failed = true;
		return;
	}
	if (len)
		memcpy(data, p, len);
}

void mv_xdr_string(struct mv_xdr *x, char **s, size_t max)
{
	bool present = !x->decoding && *s;
	uint32_t len;

	mv_xdr_bool(x, &present);
	if (x->decoding) {
		free(*s);
		*s = NULL;
	}
	if (x->failed || !present)
		return;
	len = x->decoding ? 0 : (uint32_t)strlen(*s);
	mv_xdr_u32(x, &len);
	/* The length is checked against what is there before it is allocated. */
	if (x->failed || len > max || (x->decoding && len > x->size - x->pos)) {
		x->failed = true;
		return;
	}
	if (x->decoding) {
		*s = calloc(1, (size_t)len + 1);
		if (!*s) {
			x->failed = true;
			return;
		}
	}
	mv_xdr_opaque(x, *s, len);
	if (x->decoding && !x->failed && strlen(*s) != len)
		x->failed = true;
}

void mv_xdr_array(struct mv_xdr *x, void **array, uint32_t *count, size_t element, uint32_t max)
{
	uint32_t n = *count;

	mv_xdr_u32(x, &n);
	if (x->decoding) {
		*array = NULL;
		*count = 0;
	}
	/* Every element takes at least four bytes on the wire: a huge count without the bytes is refused before memory
	 * is. */
	if (x->failed || n > max || (x->decoding && n > (x->size - x->pos) / 4)) {
		x->failed = true;
		return;
	}
	if (!x->decoding || !n)
		return;
	*array = calloc(n, element);
	if (!*array)
		x->failed = true;
	else
		*count = n;
}
