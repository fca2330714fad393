/* SPDX-License-Identifier: MIT */
/* Libvirt's calls from Lua, without a function for each: moonvisor.core.call and its company; stdlib/raw.lua makes
 * methods of them. */
#ifndef BINDINGS_RAW_H
#define BINDINGS_RAW_H

#include <lua.h>

/* Adds call(conn, number, ...), stream(conn, number, ...) and calls(), and the class DataStream, to the table on the
 * top of the stack. */
void mv_lua_raw_open(lua_State *L);

#endif
