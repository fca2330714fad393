/* SPDX-License-Identifier: MIT */
/* Line editing with GNU readline, for stdlib/repl.lua. The editor never waits: the prompt's loop does, so that events
 * of guests are delivered while a line is being typed. */
#ifndef SHELL_EDITOR_H
#define SHELL_EDITOR_H

#include <lua.h>

/* Pushes the table of functions; see editor.c. */
int mv_editor_open(lua_State *L);

#endif
