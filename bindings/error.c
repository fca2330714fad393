/* SPDX-License-Identifier: MIT */
#include "bindings/error.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bindings/state.h"

#define ERROR_METATABLE "moonvisor.Error"

static const struct {
	int number;
	const char *name;
} codes[] = {
	{ MV_ERR_INTERNAL, "internal" },
	{ MV_ERR_NO_MEMORY, "no_memory" },
	{ MV_ERR_NO_SUPPORT, "no_support" },
	{ MV_ERR_INVALID_CONN, "invalid_conn" },
	{ MV_ERR_INVALID_DOMAIN, "invalid_domain" },
	{ MV_ERR_INVALID_ARG, "invalid_arg" },
	{ MV_ERR_OPERATION_FAILED, "operation_failed" },
	{ MV_ERR_DOM_EXIST, "dom_exist" },
	{ MV_ERR_XML, "xml" },
	{ MV_ERR_SYSTEM, "system" },
	{ MV_ERR_NO_DOMAIN, "no_domain" },
	{ MV_ERR_OPERATION_DENIED, "operation_denied" },
	{ MV_ERR_OPERATION_INVALID, "operation_invalid" },
	{ MV_ERR_CONFIG_UNSUPPORTED, "config_unsupported" },
	{ MV_ERR_OPERATION_TIMEOUT, "operation_timeout" },
	{ MV_ERR_OPERATION_ABORTED, "operation_aborted" },
	{ MV_ERR_RESOURCE_BUSY, "resource_busy" },
	{ MV_ERR_ACCESS_DENIED, "access_denied" },
};

static const struct {
	int number;
	const char *name;
} domains[] = {
	{ MV_FROM_NONE, "none" }, { MV_FROM_DOM, "domain" }, { MV_FROM_CONF, "conf" },
	{ MV_FROM_KVM, "kvm" },   { MV_FROM_RPC, "rpc" },
};

struct mv_error **mv_lua_error(lua_State *L)
{
	struct mv_lua_state *state = mv_lua_state(L);

	mv_error_free(state->error);
	state->error = NULL;
	return &state->error;
}

/* Stack: message. Replaces it by the error object. */
static void build(lua_State *L, int code, int domain, int errnum)
{
	lua_createtable(L, 0, 5);
	lua_rotate(L, -2, 1);
	lua_setfield(L, -2, "message");
	for (size_t i = 0; i < MV_ARRAY_SIZE(codes); i++) {
		if (codes[i].number == code) {
			lua_pushstring(L, codes[i].name);
			lua_setfield(L, -2, "code");
		}
	}
	lua_pushinteger(L, code);
	lua_setfield(L, -2, "number");
	for (size_t i = 0; i < MV_ARRAY_SIZE(domains); i++) {
		if (domains[i].number == domain) {
			lua_pushstring(L, domains[i].name);
			lua_setfield(L, -2, "domain");
		}
	}
	if (errnum != 0) {
		lua_pushinteger(L, errnum);
		lua_setfield(L, -2, "errno");
	}
	luaL_setmetatable(L, ERROR_METATABLE);
}

int mv_lua_raise(lua_State *L)
{
	const struct mv_error *error = mv_lua_state(L)->error;

	if (!error) /* a call that failed without a reason: a bug of ours, but still an error */
		return mv_lua_fail(L, MV_ERR_INTERNAL, 0, "The operation failed and gave no reason.");
	lua_pushstring(L, error->message ? error->message : "There is no memory left for the message of this error.");
	build(L, error->code, error->domain, error->errnum);
	mv_lua_error(L);
	return lua_error(L);
}

int mv_lua_fail(lua_State *L, enum mv_error_code code, int errnum, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	lua_pushstring(L, text);
	build(L, (int)code, MV_FROM_NONE, errnum);
	return lua_error(L);
}

static int error_tostring(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "message");
	if (!lua_isstring(L, -1))
		lua_pushliteral(L, "unknown error");
	return 1;
}

static int error_new(lua_State *L)
{
	const char *name;
	int number = -1;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "code");
	name = luaL_checkstring(L, -1);
	for (size_t i = 0; i < MV_ARRAY_SIZE(codes); i++) {
		if (strcmp(codes[i].name, name) == 0)
			number = codes[i].number;
	}
	if (number < 0)
		return luaL_error(L, "there is no error code '%s'", name);
	lua_getfield(L, 1, "errno");
	lua_getfield(L, 1, "message");
	luaL_checkstring(L, -1);
	build(L, number, MV_FROM_NONE, (int)lua_tointeger(L, -2));
	return 1;
}

void mv_lua_error_open(lua_State *L)
{
	luaL_newmetatable(L, ERROR_METATABLE);
	lua_pushcfunction(L, error_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_setfield(L, -2, "error_metatable");
	lua_pushcfunction(L, error_new);
	lua_setfield(L, -2, "error");
	lua_createtable(L, 0, MV_ARRAY_SIZE(codes));
	for (size_t i = 0; i < MV_ARRAY_SIZE(codes); i++) {
		lua_pushinteger(L, codes[i].number);
		lua_setfield(L, -2, codes[i].name);
	}
	lua_setfield(L, -2, "codes");
}
