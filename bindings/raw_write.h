/* SPDX-License-Identifier: MIT */
/* Structures of calls -> Lua values, by description. */
#ifndef BINDINGS_RAW_WRITE_H
#define BINDINGS_RAW_WRITE_H

#include <lua.h>

#include "engine/api/call_types.h"

/* Pushes a table with a key for each field; absent ones are nil. Structures inside are tables, arrays sequences, UUIDs
 * text, blobs strings; typed parameters are {field=, type=, value=}. Unsigned 64-bit numbers from 2^63 on are negative,
 * as in all of Lua. */
void mv_lua_push_struct(lua_State *L, const struct mv_wire_struct *desc, const void *data);
/* Sets the fields in the table on the top of the stack instead. This is for events: a
 * member `msg` is taken apart too, and a callbackID, which means nothing here, left out. */
void mv_lua_set_fields(lua_State *L, const struct mv_wire_struct *desc, const void *data);
/* Pushes what a call returns: nothing, the only field, or the table. Returns how many values. */
int mv_lua_push_ret(lua_State *L, const struct mv_wire_struct *desc, const void *data);

#endif
