/* SPDX-License-Identifier: MIT */
/* Errors in Lua: tables {code, number, domain, message, errno} whose tostring() is the message; `text` is what libvirt
 * would print: its words for the code, and the message. */
#ifndef BINDINGS_ERROR_H
#define BINDINGS_ERROR_H

#include <lua.h>

#include "engine/base/error.h"

/* Where an engine call that is made from Lua puts its error. It belongs to the Lua state, not to the C stack, so that
 * a longjmp loses nothing; whatever an earlier call left in it is freed. */
struct mv_error **mv_lua_error(lua_State *L);
/* Raises what the last engine call left in mv_lua_error(). Does not return. */
int mv_lua_raise(lua_State *L);
/* Raises an error of our own; the message is a whole sentence. Does not return. */
int mv_lua_fail(lua_State *L, enum mv_error_code code, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds to the table on the top of the stack: error(fields) makes an error object of a table {code, message, errno},
 * codes is a table from code names to numbers, error_metatable tells error objects from other tables. */
void mv_lua_error_open(lua_State *L);

#endif
