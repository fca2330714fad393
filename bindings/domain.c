/* SPDX-License-Identifier: MIT */
#include "bindings/domain.h"

#include <stdlib.h>
#include <string.h>

#include "bindings/conn.h"
#include "bindings/error.h"
#include "bindings/stream.h"

struct mv_lua_domain *mv_lua_domain_new(lua_State *L, int conn)
{
	struct mv_lua_domain *handle = mv_handle_new(L, &mv_domain_class);

	lua_pushvalue(L, conn);
	lua_setiuservalue(L, -2, 1);
	return handle;
}

void mv_lua_domain_set(lua_State *L, struct mv_lua_domain *handle, struct mv_domain *domain)
{
	handle->domain = domain;
	mv_handle_opened(L, &mv_domain_class, &handle->handle);
}

static bool connection_is_open(lua_State *L, int index)
{
	const struct mv_lua_conn *conn;

	lua_getiuservalue(L, index, 1);
	conn = mv_handle_test(L, -1, &mv_conn_class);
	lua_pop(L, 1);
	return conn && conn->handle.open;
}

static struct mv_domain *check(lua_State *L)
{
	const struct mv_lua_domain *handle = mv_handle_check(L, 1, &mv_domain_class);

	if (!connection_is_open(L, 1))
		mv_lua_fail(L, MV_ERR_INVALID_CONN, 0, "The connection of the domain '%s' is closed.",
			    mv_domain_name(handle->domain));
	return handle->domain;
}

static void domain_release(struct mv_handle *handle)
{
	struct mv_lua_domain *domain = mv_container_of(handle, struct mv_lua_domain, handle);

	mv_domain_unref(domain->domain);
	domain->domain = NULL;
}

static int domain_describe(lua_State *L)
{
	struct mv_domain *domain = ((struct mv_lua_domain *)lua_touserdata(L, 1))->domain;
	const char *name = mv_domain_name(domain);
	const char *state = NULL;
	const char *reason = NULL;

	if (!connection_is_open(L, 1))
		lua_pushfstring(L, "domain \"%s\" (connection closed)", name);
	else if (mv_domain_state(domain, &state, &reason, NULL, mv_lua_error(L)) < 0)
		lua_pushfstring(L, "domain \"%s\" (gone)", name);
	else if (mv_domain_id(domain) >= 0)
		lua_pushfstring(L, "domain \"%s\" (%s, id %d)", name, state, mv_domain_id(domain));
	else
		lua_pushfstring(L, "domain \"%s\" (%s)", name, state);
	return 1;
}

/* Two handles are equal when they name the same domain of the same connection. */
static int domain_equal(lua_State *L)
{
	const struct mv_lua_domain *a = mv_handle_test(L, 1, &mv_domain_class);
	const struct mv_lua_domain *b = mv_handle_test(L, 2, &mv_domain_class);

	lua_pushboolean(L,
			a && b && a->handle.open && b->handle.open &&
				mv_domain_conn(a->domain) == mv_domain_conn(b->domain) &&
				strcmp(mv_domain_uuid(a->domain), mv_domain_uuid(b->domain)) == 0);
	return 1;
}

/* --- functions of moonvisor.core.EmbeddedDomain; stdlib/object/domain.lua has methods and properties of them --- */

static int domain_conn(lua_State *L)
{
	check(L);
	lua_getiuservalue(L, 1, 1);
	return 1;
}

static int domain_name(lua_State *L)
{
	lua_pushstring(L, mv_domain_name(check(L)));
	return 1;
}

static int domain_uuid(lua_State *L)
{
	lua_pushstring(L, mv_domain_uuid(check(L)));
	return 1;
}

/* nil when it does not run */
static int domain_id(lua_State *L)
{
	int id = mv_domain_id(check(L));

	if (id >= 0)
		lua_pushinteger(L, id);
	else
		lua_pushnil(L);
	return 1;
}

static int domain_persistent(lua_State *L)
{
	lua_pushboolean(L, mv_domain_persistent(check(L)));
	return 1;
}

/* spec(dom): JSON text */
static int domain_spec(lua_State *L)
{
	struct mv_domain *domain = check(L);
	char **json = (char **)mv_lua_box(L, free);

	if (mv_domain_spec(domain, json, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	lua_pushstring(L, *json);
	return 1;
}

/* state(dom) -> state, reason, detail or nil */
static int domain_state(lua_State *L)
{
	struct mv_domain *domain = check(L);
	char **detail = (char **)mv_lua_box(L, free);
	const char *state = NULL;
	const char *reason = NULL;

	if (mv_domain_state(domain, &state, &reason, detail, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	lua_pushstring(L, state);
	lua_pushstring(L, reason);
	lua_pushstring(L, *detail);
	return 3;
}

/* start(dom, paused, nowait) */
static int domain_start(lua_State *L)
{
	struct mv_domain *domain = check(L);
	unsigned flags = (lua_toboolean(L, 2) ? MV_START_PAUSED : 0) | (lua_toboolean(L, 3) ? MV_START_NOWAIT : 0);

	if (mv_domain_start(domain, flags, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	return 0;
}

/* wait_start(dom, milliseconds) */
static int domain_wait_start(lua_State *L)
{
	struct mv_domain *domain = check(L);
	int timeout = (int)luaL_checkinteger(L, 2);

	if (mv_domain_wait_start(domain, timeout, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	return 0;
}

/* save(dom, path, keep_running) */
static int domain_save(lua_State *L)
{
	struct mv_domain *domain = check(L);
	const char *path = luaL_checkstring(L, 2);

	if (mv_domain_save(domain, path, lua_toboolean(L, 3), mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	return 0;
}

/* console(dom, port or nil) -> stream */
static int domain_console(lua_State *L)
{
	struct mv_domain *domain = check(L);
	const char *port = luaL_optstring(L, 2, NULL);
	struct mv_lua_stream *stream;
	int fd;

	lua_pushfstring(L, "console%s%s of domain \"%s\"", port ? " " : "", port ? port : "", mv_domain_name(domain));
	stream = mv_lua_stream_new(L, -1);
	fd = mv_domain_console(domain, port, mv_lua_error(L));
	if (fd < 0)
		return mv_lua_raise(L);
	mv_lua_stream_set(L, stream, fd);
	return 1;
}

static const luaL_Reg functions[] = {
	{ "conn", domain_conn },
	{ "name", domain_name },
	{ "uuid", domain_uuid },
	{ "id", domain_id },
	{ "persistent", domain_persistent },
	{ "spec", domain_spec },
	{ "state", domain_state },
	{ "start", domain_start },
	{ "wait_start", domain_wait_start },
	{ "save", domain_save },
	{ "console", domain_console },
	{ NULL, NULL },
};

const struct mv_class mv_domain_class = {
	.name = "EmbeddedDomain",
	.metatable = "moonvisor.EmbeddedDomain",
	.noun = "domain",
	.id = MV_CLASS_DOMAIN,
	.closed_code = MV_ERR_INVALID_DOMAIN,
	.size = sizeof(struct mv_lua_domain),
	.uservalues = 1,
	.release = domain_release,
	.describe = domain_describe,
	.equal = domain_equal,
	.functions = functions,
};

void mv_lua_domain_open(lua_State *L)
{
	mv_class_open(L, &mv_domain_class);
}
