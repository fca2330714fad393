/* Questions to sets of processors and nodes in their canonical text ("0-3,5": ascending ranges). All accept NULL, which
 * is the empty set. */
#ifndef MV_CONF_CPUSET_WALK_H
#define MV_CONF_CPUSET_WALK_H

#include <stdbool.h>

#include "engine/base/error.h"

/* The next range of *set, which moves behind it. False: there is none. */
bool mv_cpuset_next(const char **set, unsigned *first, unsigned *last);

bool mv_cpuset_has(const char *set, unsigned number);
bool mv_cpuset_overlap(const char *a, const char *b);
bool mv_cpuset_contains(const char *set, const char *part); /* is all of part in set? */
unsigned mv_cpuset_count(const char *set);
/* The highest number; the set is not empty. */
unsigned mv_cpuset_last(const char *set);
/* Takes the numbers that are not below `limit` out of the set. *set becomes NULL when nothing is left. */
void mv_cpuset_limit(char **set, unsigned limit);
/* Makes the set that one number, which is in it (so that its text is long enough). */
void mv_cpuset_single(char *set, unsigned number);

#endif
