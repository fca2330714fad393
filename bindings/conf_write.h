/* SPDX-License-Identifier: MIT */
/* Structures of engine/conf as Lua tables. */
#ifndef BINDINGS_CONF_WRITE_H
#define BINDINGS_CONF_WRITE_H

#include <lua.h>

#include "engine/conf/schema.h"

/* Pushes a table with a field for each member that is given: integers, booleans (yes and on are true), sizes as
 * integers in the schema's unit, all else as text; lists as sequences, a choice's items as tables with one field. */
void mv_lua_conf_push(lua_State *L, const struct mv_conf_desc *desc, const void *def);

#endif
