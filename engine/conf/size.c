#include "engine/conf/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char units[] = "KMGTPE";

int mv_size_unit(const char *unit, uint64_t *factor)
{
	const char *found;
	uint64_t base;

	*factor = 1;
	if (!*unit || strcasecmp(unit, "b") == 0 || strcasecmp(unit, "byte") == 0 || strcasecmp(unit, "bytes") == 0)
		return 0;
	found = strchr(units, toupper((unsigned char)unit[0]));
	if (!found || !*found)
		return -1;
	if (!unit[1] || strcasecmp(unit + 1, "ib") == 0)
		base = 1024;
	else if (strcasecmp(unit + 1, "b") == 0)
		base = 1000;
	else
		return -1;
	for (const char *u = units; u <= found; u++)
		*factor *= base;
	return 0;
}

int mv_size_parse(const char *text, uint64_t *bytes, const char **why)
{
	const char *p = text;
	uint64_t factor;
	char *end;

	while (isspace((unsigned char)*p))
		p++;
	if (*p == '-') {
		*why = "a size cannot be negative";
		return -1;
	}
	if (!isdigit((unsigned char)*p)) {
		*why = "a size begins with a number, like \"512M\"";
		return -1;
	}
	errno = 0;
	*bytes = strtoull(p, &end, 10);
	if (errno) {
		*why = "it is more than 64 bits hold";
		return -1;
	}
	if (*end == '.') {
		*why = "a size is a whole number; use a smaller unit (\"1536M\" for 1.5G)";
		return -1;
	}
	while (isspace((unsigned char)*end))
		end++;
	if (mv_size_unit(end, &factor) < 0) {
		*why = "its unit is not known; units are K, M, G, T, P (or KiB, MiB, ...: times 1024; KB, MB, ...: times 1000)";
		return -1;
	}
	if (__builtin_mul_overflow(*bytes, factor, bytes)) {
		*why = "it is more than 64 bits hold";
		return -1;
	}
	return 0;
}

const char *mv_size_format(uint64_t bytes, char buf[MV_SIZE_TEXT])
{
	uint64_t scale = 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, MV_SIZE_TEXT, "%u bytes", (unsigned)bytes);
		return buf;
	}
	while (unit + 3 < sizeof(units) && bytes / scale >= 1024) {
		scale *= 1024;
		unit++;
	}
	if (bytes % scale == 0)
		snprintf(buf, MV_SIZE_TEXT, "%llu %ciB", (unsigned long long)(bytes / scale), units[unit]);
	else
		snprintf(buf, MV_SIZE_TEXT, "%.1f %ciB", (double)bytes / (double)scale, units[unit]);
	return buf;
}
