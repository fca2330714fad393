/* Sets of processors and nodes as text: "0-3,^2,5". */
#ifndef MV_CONF_CPUSET_H
#define MV_CONF_CPUSET_H

/* Replaces *out (owned, may be NULL) by the canonical text of the set: ascending ranges, "0-1,3,5"; numbers below
 * MV_CONF_MAX_CPU. 0, or -1 with the end of a sentence in *why ("is not ..."), owned by the caller; NULL: no memory. */
int mv_cpuset_read(const char *text, char **out, char **why);

#endif
