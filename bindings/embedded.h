/* SPDX-License-Identifier: MIT */
/* The Lua files of stdlib/, compiled and as text inside the program, so that a shell is one file. */
#ifndef BINDINGS_EMBEDDED_H
#define BINDINGS_EMBEDDED_H

#include <stddef.h>

struct mv_embedded_lua {
	const char *name; /* module name for require: "moonvisor." and the path below stdlib/ with dots */
	const char *text; /* the source, followed by a NUL that `size` does not count */
	size_t size;      /* bytes */
	const char *code; /* the same as bytecode of the Lua that built it */
	size_t code_size;
};

/* Sorted by name (bytes compared), so that a binary search works; ended by an entry whose name is NULL.
 * Written by bindings/embed.lua at build time. Any thread. */
extern const struct mv_embedded_lua mv_embedded_lua[];

/* A text that is in no module, and its bytecode: a Lua that makes the same of it can load the others' bytecode. */
extern const struct mv_embedded_lua mv_embedded_probe;

#endif
