#include "engine/conf/cpuset.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/schema.h"

#define WORD_BITS 64
#define LONGEST 65536

struct set {
	uint64_t bits[MV_CONF_MAX_CPU / WORD_BITS];
	unsigned end; /* one more than the highest */
};

static bool has(const struct set *set, unsigned n)
{
	return set->bits[n / WORD_BITS] >> n % WORD_BITS & 1;
}

static bool is_empty(const struct set *set)
{
	for (size_t i = 0; i < MV_CONF_MAX_CPU / WORD_BITS; i++) {
		if (set->bits[i])
			return false;
	}
	return true;
}

static const char *skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static int read_one(const char **text, unsigned *n)
{
	const char *p = skip_space(*text);

	if (!isdigit((unsigned char)*p))
		return -1;
	for (*n = 0; isdigit((unsigned char)*p); p++) {
		*n = *n * 10 + (unsigned)(*p - '0');
		if (*n >= MV_CONF_MAX_CPU)
			return -1;
	}
	*text = skip_space(p);
	return 0;
}

static int read_set(const char *p, struct set *set)
{
	p = skip_space(p);
	for (;;) {
		bool without = *p == '^';
		unsigned first, last;

		if (without)
			p++;
		if (read_one(&p, &first) < 0)
			return -1;
		last = first;
		if (*p == '-' && !without) {
			p++;
			if (read_one(&p, &last) < 0 || last < first)
				return -1;
		}
		if (last >= set->end)
			set->end = last + 1;
		for (unsigned n = first; n <= last; n++) {
			uint64_t bit = UINT64_C(1) << n % WORD_BITS;

			if (without)
				set->bits[n / WORD_BITS] &= ~bit;
			else
				set->bits[n / WORD_BITS] |= bit;
		}
		if (!*p)
			return 0;
		if (*p++ != ',')
			return -1;
		p = skip_space(p);
	}
}

static void write_set(const struct set *set, FILE *out)
{
	const char *comma = "";

	for (unsigned n = 0; n < set->end; n++) {
		unsigned first = n;

		if (!has(set, n))
			continue;
		while (n + 1 < set->end && has(set, n + 1))
			n++;
		if (n > first)
			fprintf(out, "%s%u-%u", comma, first, n);
		else
			fprintf(out, "%s%u", comma, n);
		comma = ",";
	}
}

int mv_cpuset_read(const char *text, char **out, char **why)
{
	struct set set = { 0 };
	char *canonical = NULL;
	size_t size;
	FILE *stream;

	*why = NULL;
	/* Beyond this length it says the same more than once, and would cost more than it could be worth. */
	if (strlen(text) > LONGEST || read_set(text, &set) < 0 || is_empty(&set)) {
		if (asprintf(why, "is not a set of numbers below %d like 0-3,^2,5", MV_CONF_MAX_CPU) < 0)
			*why = NULL;
		return -1;
	}
	stream = open_memstream(&canonical, &size);
	if (!stream)
		return -1;
	write_set(&set, stream);
	if (fclose(stream) != 0) {
		free(canonical);
		return -1;
	}
	free(*out);
	*out = canonical;
	return 0;
}
