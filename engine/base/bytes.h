/* Little-endian loads and stores at any alignment, as devices and on-disk formats need them. */
#ifndef MV_BASE_BYTES_H
#define MV_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define MV_BYTES_DEFINE(bits)                                             \
	static inline uint##bits##_t mv_get_le##bits(const void *p)       \
	{                                                                 \
		uint##bits##_t v;                                         \
		memcpy(&v, p, sizeof(v));                                 \
		return le##bits##toh(v);                                  \
	}                                                                 \
	static inline void mv_put_le##bits(void *p, uint##bits##_t value) \
	{                                                                 \
		uint##bits##_t v = htole##bits(value);                    \
		memcpy(p, &v, sizeof(v));                                 \
	}
MV_BYTES_DEFINE(16)
MV_BYTES_DEFINE(32)
MV_BYTES_DEFINE(64)
#undef MV_BYTES_DEFINE

/* The low `len` bytes (1..8) at p as a number, and back; for bus accesses of any width. */
static inline uint64_t mv_get_le(const void *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len <= 8 ? len : 8);
	return le64toh(v);
}

static inline void mv_put_le(void *p, uint64_t value, unsigned len)
{
	uint64_t v = htole64(value);

	memcpy(p, &v, len <= 8 ? len : 8);
}

#endif
