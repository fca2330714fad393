/* SPDX-License-Identifier: MIT */
#include "bindings/state.h"

#include <lauxlib.h>

static const char state_key; /* its address is the key */

static int state_gc(lua_State *L)
{
	struct mv_lua_state *state = lua_touserdata(L, 1);

	mv_error_free(state->error);
	state->error = NULL;
	return 0;
}

void mv_lua_state_open(lua_State *L)
{
	struct mv_lua_state *state;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) != LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	lua_pop(L, 1);
	state = lua_newuserdatauv(L, sizeof(*state), 0);
	*state = (struct mv_lua_state){ .interrupt_fd = -1 };
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, state_gc);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

struct mv_lua_state *mv_lua_state(lua_State *L)
{
	struct mv_lua_state *state;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
	state = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return state;
}
