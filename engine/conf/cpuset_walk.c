#include "engine/conf/cpuset_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mv_cpuset_next(const char **set, unsigned *first, unsigned *last)
{
	char *end;

	if (!*set || !**set)
		return false;
	*first = *last = (unsigned)strtoul(*set, &end, 10);
	if (*end == '-')
		*last = (unsigned)strtoul(end + 1, &end, 10);
	*set = *end == ',' ? end + 1 : end;
	return true;
}

bool mv_cpuset_has(const char *set, unsigned number)
{
	unsigned first, last;

	while (mv_cpuset_next(&set, &first, &last)) {
		if (number >= first && number <= last)
			return true;
	}
	return false;
}

bool mv_cpuset_overlap(const char *a, const char *b)
{
	unsigned first, last, other, other_last;

	while (mv_cpuset_next(&a, &first, &last)) {
		const char *at = b;

		while (mv_cpuset_next(&at, &other, &other_last)) {
			if (other <= last && other_last >= first)
				return true;
		}
	}
	return false;
}

bool mv_cpuset_contains(const char *set, const char *part)
{
	unsigned first, last, other, other_last;

	while (mv_cpuset_next(&part, &first, &last)) {
		const char *at = set;
		bool found = false;

		/* Ranges of a canonical set do not touch, so one of them holds all of this one. */
		while (!found && mv_cpuset_next(&at, &other, &other_last))
			found = other <= first && other_last >= last;
		if (!found)
			return false;
	}
	return true;
}

unsigned mv_cpuset_count(const char *set)
{
	unsigned first, last, count = 0;

	while (mv_cpuset_next(&set, &first, &last))
		count += last - first + 1;
	return count;
}

unsigned mv_cpuset_last(const char *set)
{
	unsigned first, last = 0;

	while (mv_cpuset_next(&set, &first, &last))
		;
	return last;
}

void mv_cpuset_limit(char **set, unsigned limit)
{
	const char *at = *set;
	unsigned first, last;

	while (at) {
		const char *begin = at;
		size_t offset;

		if (!mv_cpuset_next(&at, &first, &last))
			return;
		if (last < limit)
			continue;
		offset = (size_t)(begin - *set);
		/* The text only becomes shorter: the last number of the range is replaced by a smaller one. */
		if (first < limit && limit - 1 > first)
			sprintf(*set + offset, "%u-%u", first, limit - 1);
		else if (first < limit)
			sprintf(*set + offset, "%u", first);
		else
			(*set)[offset > 0 ? offset - 1 : 0] = 0;
		if (!**set) {
			free(*set);
			*set = NULL;
		}
		return;
	}
}

void mv_cpuset_single(char *set, unsigned number)
{
	sprintf(set, "%u", number);
}
