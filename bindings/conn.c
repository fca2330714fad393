/* SPDX-License-Identifier: MIT */
#include "bindings/conn.h"

#include <stdlib.h>

#include "bindings/domain.h"
#include "bindings/error.h"

struct mv_lua_conn *mv_lua_conn_check(lua_State *L, int index)
{
	struct mv_lua_conn *conn = mv_handle_check(L, index, &mv_conn_class);

	mv_look_finish(L, conn);
	return conn;
}

static int open_connection(lua_State *L)
{
	const char *uri = luaL_checkstring(L, 1);
	unsigned flags = lua_toboolean(L, 2) ? MV_CONN_READ_ONLY : 0;
	struct mv_lua_conn *conn = mv_handle_new(L, &mv_conn_class);

	lua_newtable(L);
	lua_setiuservalue(L, -2, 1);
	if (mv_conn_open_flags(uri, flags, &conn->conn, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	conn->queue.conn = conn->conn;
	mv_handle_opened(L, &mv_conn_class, &conn->handle);
	return 1;
}

static void conn_release(struct mv_handle *handle)
{
	struct mv_lua_conn *conn = mv_container_of(handle, struct mv_lua_conn, handle);

	mv_lua_event_queue_clear(&conn->queue);
	mv_look_abandon(conn->look, conn->conn);
	conn->look = NULL;
	conn->conn = NULL;
}

/* Lets go of the registrations and their functions. */
static void conn_forget(lua_State *L, int index)
{
	lua_pushnil(L);
	lua_setiuservalue(L, index, 1);
	lua_gc(L, LUA_GCRESTART); /* look.c may have stopped it */
}

static int conn_describe(lua_State *L)
{
	const struct mv_lua_conn *conn = lua_touserdata(L, 1);

	lua_pushfstring(L, "connection \"%s\"", mv_conn_uri(conn->conn));
	return 1;
}

/* --- functions of moonvisor.core.Connection; stdlib/connection.lua makes the methods of them
 * -------------------------- */

static int conn_uri(lua_State *L)
{
	lua_pushstring(L, mv_conn_uri(mv_lua_conn_check(L, 1)->conn));
	return 1;
}

/* embedded(conn): whether its driver runs in this process, with guests from specifications */
static int conn_embedded(lua_State *L)
{
	lua_pushboolean(L, mv_conn_embedded(mv_lua_conn_check(L, 1)->conn));
	return 1;
}

static int conn_read_only(lua_State *L)
{
	lua_pushboolean(L, mv_conn_read_only(mv_lua_conn_check(L, 1)->conn));
	return 1;
}

/* dispatch(conn, milliseconds): lets the engine work; what it reports waits in the queue for next_event(). */
static int conn_dispatch(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	int timeout = (int)luaL_checkinteger(L, 2);

	if (mv_conn_dispatch(conn->conn, timeout, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	return 0;
}

static int conn_define(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const char *spec = luaL_checkstring(L, 2);
	struct mv_lua_domain *domain = mv_lua_domain_new(L, 1);
	struct mv_domain *found = NULL;

	if (mv_domain_define(conn->conn, spec, &found, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	mv_lua_domain_set(L, domain, found);
	return 1;
}

/* create(conn, json, paused, nowait) */
static int conn_create(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const char *spec = luaL_checkstring(L, 2);
	unsigned flags = (lua_toboolean(L, 3) ? MV_START_PAUSED : 0) | (lua_toboolean(L, 4) ? MV_START_NOWAIT : 0);
	struct mv_lua_domain *domain = mv_lua_domain_new(L, 1);
	struct mv_domain *found = NULL;

	if (mv_domain_create(conn->conn, spec, flags, &found, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	mv_lua_domain_set(L, domain, found);
	return 1;
}

/* restore(conn, path, paused, verify, force) */
static int conn_restore(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const char *path = luaL_checkstring(L, 2);
	unsigned flags = (lua_toboolean(L, 3) ? MV_RESTORE_PAUSED : 0) | (lua_toboolean(L, 4) ? MV_RESTORE_VERIFY : 0) |
		(lua_toboolean(L, 5) ? MV_RESTORE_FORCE : 0);
	struct mv_lua_domain *domain = mv_lua_domain_new(L, 1);
	struct mv_domain *found = NULL;

	if (mv_domain_restore(conn->conn, path, flags, &found, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	mv_lua_domain_set(L, domain, found);
	return 1;
}

/* lookup(conn, name or UUID) */
static int conn_lookup(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const char *name = luaL_checkstring(L, 2);
	struct mv_lua_domain *domain = mv_lua_domain_new(L, 1);
	struct mv_domain *found = NULL;

	if (mv_domain_lookup(conn->conn, name, &found, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	mv_lua_domain_set(L, domain, found);
	return 1;
}

static const luaL_Reg functions[] = {
	{ "uri", conn_uri },
	{ "dispatch", conn_dispatch },
	{ "on", mv_lua_conn_on },
	{ "next_event", mv_lua_conn_next_event },
	{ "define", conn_define },
	{ "create", conn_create },
	{ "restore", conn_restore },
	{ "lookup", conn_lookup },
	{ "read_only", conn_read_only },
	{ "embedded", conn_embedded },
	{ NULL, NULL },
};

const struct mv_class mv_conn_class = {
	.name = "Connection",
	.metatable = "moonvisor.Connection",
	.noun = "connection",
	.id = MV_CLASS_CONNECTION,
	.closed_code = MV_ERR_INVALID_CONN,
	.size = sizeof(struct mv_lua_conn),
	.uservalues = 1,
	.release = conn_release,
	.forget = conn_forget,
	.describe = conn_describe,
	.functions = functions,
};

void mv_lua_conn_open(lua_State *L)
{
	mv_class_open(L, &mv_conn_class);
	lua_pushcfunction(L, open_connection);
	lua_setfield(L, -2, "open");
}
