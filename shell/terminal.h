/* SPDX-License-Identifier: MIT */
/* What the shell's Lua code needs from the system and the standard library of Lua does not have. */
#ifndef SHELL_TERMINAL_H
#define SHELL_TERMINAL_H

#include <lua.h>

/* Pushes the table of functions; see terminal.c. */
int mv_terminal_open(lua_State *L);

#endif
