/* SPDX-License-Identifier: MIT */
#ifndef BINDINGS_CONN_H
#define BINDINGS_CONN_H

#include <lua.h>

#include "bindings/event.h"
#include "bindings/handle.h"
#include "bindings/look.h"
#include "engine/api/moonvisor.h"

/* Uservalue 1: a table from each registration to its function, which keeps both alive. */
struct mv_lua_conn {
	struct mv_handle handle;
	struct mv_conn *conn;
	struct mv_lua_event_queue queue;
	struct mv_look *look; /* a call that a thread makes (look.h); NULL: none */
};

extern const struct mv_class mv_conn_class;

/* The open connection at `index`, when nobody else uses it; raises otherwise. */
struct mv_lua_conn *mv_lua_conn_check(lua_State *L, int index);

/* Adds open(uri) to the table on the top of the stack, and the class Connection. */
void mv_lua_conn_open(lua_State *L);

#endif
