/* SPDX-License-Identifier: MIT */
/* The Lua module "moonvisor": the C part is "moonvisor.core", the rest is Lua from stdlib/, embedded. */
#ifndef BINDINGS_MODULE_H
#define BINDINGS_MODULE_H

#include <lua.h>

int luaopen_moonvisor(lua_State *L);

/* The C part alone, and `require` for the modules inside the program: what a program needs that may not need the rest.
 * May raise. */
void mv_lua_core_open(lua_State *L);

/* Waits of this Lua state raise the error `interrupted` while `fd` is readable, so that a signal handler can end them
 * by writing to a pipe. Borrowed; -1: none. luaopen_moonvisor() comes first. */
void mv_lua_set_interrupt_fd(lua_State *L, int fd);

/* Pushes the error object that a hook raises when the user has pressed Ctrl-C: unlike any other error it also ends the
 * wait inside which an event's function ran. */
void mv_lua_push_interrupted(lua_State *L);

#endif
