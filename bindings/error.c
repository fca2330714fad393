/* SPDX-License-Identifier: MIT */
#include "bindings/error.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/handle.h"
#include "bindings/state.h"

#define ERROR_METATABLE "moonvisor.Error"

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
	if (mv_error_code_name(code)) {
		lua_pushstring(L, mv_error_code_name(code));
		lua_setfield(L, -2, "code");
	}
	lua_pushinteger(L, code);
	lua_setfield(L, -2, "number");
	if (mv_error_domain_name(domain)) {
		lua_pushstring(L, mv_error_domain_name(domain));
		lua_setfield(L, -2, "domain");
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

/* __index: only `text` is not there already. */
static int error_index(lua_State *L)
{
	const char *key = lua_tostring(L, 2);
	const char *message;
	char **text;
	int number;

	if (!key || strcmp(key, "text") != 0)
		return 0;
	lua_settop(L, 1);
	lua_getfield(L, 1, "number");
	number = (int)lua_tointeger(L, -1);
	lua_getfield(L, 1, "message");
	message = lua_tostring(L, -1);
	text = (char **)mv_lua_box(L, free);
	*text = mv_error_text(number, message);
	lua_pushstring(L, *text);
	return 1;
}

static int error_new(lua_State *L)
{
	const char *name;
	int number;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "code");
	name = luaL_checkstring(L, -1);
	number = mv_error_code_find(name);
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
	lua_pushcfunction(L, error_index);
	lua_setfield(L, -2, "__index");
	lua_setfield(L, -2, "error_metatable");
	lua_pushcfunction(L, error_new);
	lua_setfield(L, -2, "error");
	lua_createtable(L, 0, MV_ERR_LAST);
	for (int i = 1; i < MV_ERR_LAST; i++) {
		if (!mv_error_code_name(i))
			continue;
		lua_pushinteger(L, i);
		lua_setfield(L, -2, mv_error_code_name(i));
	}
	lua_setfield(L, -2, "codes");
}
