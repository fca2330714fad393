/* SPDX-License-Identifier: MIT */
/* The Lua files of stdlib/, as text inside the program, so that a shell is one file. */
#ifndef BINDINGS_EMBEDDED_H
#define BINDINGS_EMBEDDED_H

#include <stddef.h>

struct mv_embedded_lua {
	const char *name; /* module name for require: "moonvisor." and the path below stdlib/ with dots */
	const char *text; /* the source, followed by a NUL that `size` does not count */
	size_t size;      /* bytes */
};

/* Sorted by name (bytes compared), so that a binary search works; ended by an entry whose name is NULL.
 * Written by bindings/embed.lua at build time. Any thread. */
extern const struct mv_embedded_lua mv_embedded_lua[];

#endif
