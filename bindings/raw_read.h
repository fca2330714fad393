/* SPDX-License-Identifier: MIT */
/* Lua values -> structures of calls, by description. What is made borrows Lua's strings and lives in Lua's memory: it
 * is valid as long as the call's arguments and the table `keep` are on the stack, and nothing has to be freed. */
#ifndef BINDINGS_RAW_READ_H
#define BINDINGS_RAW_READ_H

#include <lua.h>

#include "engine/api/call_types.h"

/* Fills *data (all zero) from the values at `first` and after it, one for each field. Raises invalid_arg:
 * "domain_set_memory_flags: argument 2 (memory): an integer expected, got string". Pushes nothing but uses
 * stack index `keep`, where a nil is replaced by a table when something has to be kept alive. */
void mv_lua_read_args(lua_State *L, const char *call, const struct mv_wire_struct *desc, int first, int keep,
		      void *data);
/* The same for one structure from the table (or object) at `index`, which is argument `number` of `call`. */
void mv_lua_read_struct(lua_State *L, const char *call, const struct mv_wire_struct *desc, int index, int keep,
			void *data);

#endif
