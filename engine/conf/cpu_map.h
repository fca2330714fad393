/* Processors by name: which there are, and what several of them have in common. */
#ifndef MV_CONF_CPU_MAP_H
#define MV_CONF_CPU_MAP_H

#include "conf/cpu_def.h"

/* One of the x86 processors (cpu_map_x86.c); both tables end with NULL. */
struct mv_cpu_x86_model {
	const char *name;
	const char *vendor;   /* NULL: anybody's */
	const char *base;     /* an earlier model, NULL: none */
	bool guest;           /* a description of features can become this model */
	const char *features; /* those it has more than the base; with a -: those that it has not */
};
extern const char *const mv_cpu_x86_features[];
extern const struct mv_cpu_x86_model mv_cpu_x86_models[];

/* The names of an architecture's processors, in libvirt's order: *names is returned owned, *count may be 0, which means
 * that any name is accepted. Any thread. Errors: MV_ERR_NO_SUPPORT for an architecture without names, MV_ERR_NO_MEMORY.
 */
int mv_cpu_model_names(enum mv_arch arch, char ***names, size_t *count, struct mv_error **err);

/* What a guest can have on each of the hosts that the descriptions are of (each with <arch> and <model>): a processor
 * for its definition, returned owned. `expand`: with all of its features by name. Any thread. Errors: MV_ERR_XML for
 * what is missing in a description, MV_ERR_INTERNAL for names that are not known, MV_ERR_OPERATION_FAILED when they
 * have too little in common, MV_ERR_NO_SUPPORT for other architectures. */
int mv_cpu_baseline(struct mv_cpu_def *const *cpus, size_t count, bool expand, struct mv_cpu_def **out,
		    struct mv_error **err);

#endif
