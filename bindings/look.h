/* SPDX-License-Identifier: MIT */
/* Calls with a time limit, for completion at the prompt: what a slow host has to say may come too late, but nobody
 * waits for it. Such a call is made by a thread of its own, one at a time for a connection; whoever uses the connection
 * before it is done waits for its end, because a connection serves one caller at a time. */
#ifndef BINDINGS_LOOK_H
#define BINDINGS_LOOK_H

#include <lua.h>

struct mv_look;
struct mv_conn;
struct mv_lua_conn;

/* Waits for the end of the call that is under way, if there is one. Raises `interrupted` on Ctrl-C, and waits no more.
 */
void mv_look_finish(lua_State *L, struct mv_lua_conn *conn);
/* The connection is closed. Takes `conn`, which a call under way gives back when it ends; `look` may be NULL. */
void mv_look_abandon(struct mv_look *look, struct mv_conn *conn);

/* Adds look(), looked() and looking() to the table on the top of the stack; see look.c. */
void mv_lua_look_open(lua_State *L);

#endif
