#include "engine/base/crc32c.h"

#include <nmmintrin.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u

/* Bit by bit: for processors without SSE4.2, which no server of the last fifteen years is. */
static uint32_t plain(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return crc;
}

__attribute__((target("sse4.2"))) static uint32_t with_sse(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide = crc, word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	while (len--)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}

uint32_t mv_crc32c(uint32_t crc, const void *data, size_t len)
{
	return ~(__builtin_cpu_supports("sse4.2") ? with_sse(~crc, data, len) : plain(~crc, data, len));
}
