/* Kinds and structures by name. */
#include <string.h>

#include "engine/conf/schema.h"

const struct mv_conf_desc *mv_conf_desc_find(const char *name)
{
	size_t low = 0, high = mv_conf_n_descs;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, mv_conf_descs[middle]->name);

		if (order == 0)
			return mv_conf_descs[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct mv_conf_kind *mv_conf_kind_find(const char *name)
{
	for (size_t i = 0; i < mv_conf_n_kinds; i++) {
		if (strcmp(mv_conf_kinds[i]->name, name) == 0)
			return mv_conf_kinds[i];
	}
	return NULL;
}
