/* SPDX-License-Identifier: MIT */
/* The keyboard as a guest's console needs it: each key at once, none with a meaning here. */
#ifndef SHELL_KEYS_H
#define SHELL_KEYS_H

#include <lua.h>

int mv_keys_raw(lua_State *L);
int mv_keys_wait(lua_State *L);
int mv_keys_read(lua_State *L);

#endif
