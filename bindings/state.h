/* SPDX-License-Identifier: MIT */
/* What the bindings keep for one Lua state, in its registry: nothing of it is global. */
#ifndef BINDINGS_STATE_H
#define BINDINGS_STATE_H

#include <lua.h>
#include <stdbool.h>

#include "engine/base/error.h"

enum mv_class_id {
	MV_CLASS_CONNECTION,
	MV_CLASS_DOMAIN,
	MV_CLASS_STREAM,
	MV_CLASS_REGISTRATION,
	MV_CLASS_DATA_STREAM,
	MV_CLASS_LAST
};

struct mv_lua_state {
	struct mv_error *error;       /* of the engine call in progress; see mv_lua_error() */
	int interrupt_fd;             /* waits end when it is readable; -1: none */
	bool compiled;                /* this Lua can load our bytecode */
	unsigned open[MV_CLASS_LAST]; /* handles that are open now */
};

/* Creates the state's part when it is not there yet. May raise (memory). */
void mv_lua_state_open(lua_State *L);
/* Never NULL between mv_lua_state_open() and the end of the Lua state. Does not raise. */
struct mv_lua_state *mv_lua_state(lua_State *L);

#endif
