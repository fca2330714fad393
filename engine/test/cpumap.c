#define MV_ERROR_DOMAIN MV_FROM_TEST
#include "engine/test/cpumap.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/conf/cpuset_walk.h"

static bool has(const struct mv_blob *map, size_t bit)
{
	return bit < map->size * 8 && (((const uint8_t *)map->data)[bit / 8] >> bit % 8 & 1);
}

int mv_cpumap_text(const struct mv_blob *map, char **set, struct mv_error **err)
{
	size_t bits = map->size * 8, len = 0;
	char *text = malloc(bits * 8 + 1);

	if (!text)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a set of %zu processors", bits);
	text[0] = 0;
	for (size_t bit = 0; bit < bits; bit++) {
		size_t last = bit;

		if (!has(map, bit))
			continue;
		while (has(map, last + 1))
			last++;
		len += (size_t)sprintf(text + len, "%s%zu", len ? "," : "", bit);
		if (last > bit)
			len += (size_t)sprintf(text + len, "-%zu", last);
		bit = last;
	}
	free(*set);
	*set = text;
	return 0;
}

void mv_cpumap_fill(const char *set, uint8_t *map, size_t len)
{
	unsigned first, last;

	while (mv_cpuset_next(&set, &first, &last)) {
		for (size_t bit = first; bit <= last && bit < len * 8; bit++)
			map[bit / 8] |= (uint8_t)(1 << bit % 8);
	}
}

void mv_cpumap_fill_all(unsigned count, uint8_t *map, size_t len)
{
	for (size_t bit = 0; bit < count && bit < len * 8; bit++)
		map[bit / 8] |= (uint8_t)(1 << bit % 8);
}
