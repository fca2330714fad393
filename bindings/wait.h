/* SPDX-License-Identifier: MIT */
/* The one place where a Lua program waits: connections, streams and plain descriptors, all at once. */
#ifndef BINDINGS_WAIT_H
#define BINDINGS_WAIT_H

#include <lua.h>

/* Adds to the table on the top of the stack: now() and poll(); see wait.c. */
void mv_lua_wait_open(lua_State *L);

#endif
