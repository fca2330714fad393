/* SPDX-License-Identifier: MIT */
#include "bindings/module.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "bindings/conf.h"
#include "bindings/conn.h"
#include "bindings/data_stream.h"
#include "bindings/domain.h"
#include "bindings/embedded.h"
#include "bindings/error.h"
#include "bindings/event.h"
#include "bindings/file.h"
#include "bindings/look.h"
#include "bindings/raw.h"
#include "bindings/state.h"
#include "bindings/stream.h"
#include "bindings/wait.h"
#include "bindings/xpath.h"
#include "engine/domain/state.h"

#define CORE "moonvisor.core"

static const char interrupted_key; /* its address is the key */

static const struct mv_embedded_lua *find_embedded(const char *name)
{
	for (const struct mv_embedded_lua *m = mv_embedded_lua; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

/* Pushes the module as a function, or raises its syntax error. */
static void load_embedded(lua_State *L, const struct mv_embedded_lua *module)
{
	int status;

	lua_pushfstring(L, "=%s", module->name);
	if (mv_lua_state(L)->compiled)
		status = luaL_loadbufferx(L, module->code, module->code_size, lua_tostring(L, -1), "b");
	else
		status = luaL_loadbufferx(L, module->text, module->size, lua_tostring(L, -1), "t");
	if (status != LUA_OK)
		lua_error(L);
	lua_remove(L, -2);
}

struct comparison {
	const char *rest;
	size_t left;
};

/* A lua_Writer: 1, which ends the dump, when the bytes are other ones. */
static int compare(lua_State *L, const void *data, size_t size, void *state)
{
	struct comparison *with = state;

	(void)L;
	if (size > with->left || memcmp(with->rest, data, size) != 0)
		return 1;
	with->rest += size;
	with->left -= size;
	return 0;
}

/* Whether this Lua's bytecode is that of the Lua that built us: then modules are loaded in a fraction of the time. */
static bool same_bytecode(lua_State *L)
{
	struct comparison with = { .rest = mv_embedded_probe.code, .left = mv_embedded_probe.code_size };
	bool same;

	if (luaL_loadbufferx(L, mv_embedded_probe.text, mv_embedded_probe.size, "=probe", "t") != LUA_OK)
		lua_error(L);
	same = lua_dump(L, compare, &with, 0) == 0 && with.left == 0;
	lua_pop(L, 1);
	return same;
}

/* Finds "moonvisor.*" inside the program, before any file of that name. */
static int search_embedded(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct mv_embedded_lua *module = find_embedded(name);

	if (!module) {
		lua_pushfstring(L, "no module '%s' inside moonvisor", name);
		return 1;
	}
	load_embedded(L, module);
	lua_pushliteral(L, ":embedded:");
	return 2;
}

/* Second in package.searchers: after package.preload, before the files. */
static void add_searcher(lua_State *L)
{
	lua_getglobal(L, "package");
	if (!lua_istable(L, -1) || lua_getfield(L, -1, "searchers") != LUA_TTABLE)
		luaL_error(L, "moonvisor needs the standard library 'package'");
	for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
		lua_geti(L, -1, i);
		lua_seti(L, -2, i + 1);
	}
	lua_pushcfunction(L, search_embedded);
	lua_seti(L, -2, 2);
	lua_pop(L, 2);
}

/* open_handles() -> { Domain = 2, ... }: how many handles of each class are open, for tests of leaks */
static int open_handles(lua_State *L)
{
	static const struct mv_class *const classes[] = { &mv_conn_class, &mv_domain_class, &mv_stream_class,
							  &mv_registration_class, &mv_data_stream_class };

	lua_createtable(L, 0, MV_ARRAY_SIZE(classes));
	for (size_t i = 0; i < MV_ARRAY_SIZE(classes); i++) {
		lua_pushinteger(L, mv_lua_state(L)->open[classes[i]->id]);
		lua_setfield(L, -2, classes[i]->name);
	}
	return 1;
}

/* Stack: the core table, with error(). */
static void add_interrupted(lua_State *L)
{
	lua_getfield(L, -1, "error");
	lua_createtable(L, 0, 2);
	lua_pushliteral(L, "operation_aborted");
	lua_setfield(L, -2, "code");
	lua_pushliteral(L, "interrupted");
	lua_setfield(L, -2, "message");
	lua_call(L, 1, 1);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &interrupted_key);
	lua_setfield(L, -2, "interrupted");
}

/* state_name(state [, reason]) -> libvirt's words for them */
static int state_name(lua_State *L)
{
	lua_Integer state = luaL_checkinteger(L, 1);
	lua_Integer reason = luaL_optinteger(L, 2, 0);

	lua_pushstring(L, mv_domain_state_name((enum mv_domain_state)state));
	lua_pushstring(L, mv_domain_reason_name((enum mv_domain_state)state, (unsigned)reason));
	return 2;
}

static void push_core(lua_State *L)
{
	lua_newtable(L);
	lua_pushliteral(L, MV_VERSION);
	lua_setfield(L, -2, "version");
	lua_pushcfunction(L, open_handles);
	lua_setfield(L, -2, "open_handles");
	lua_pushcfunction(L, state_name);
	lua_setfield(L, -2, "state_name");
	mv_lua_box_open(L);
	mv_lua_error_open(L);
	add_interrupted(L);
	mv_lua_conf_open(L);
	mv_lua_conn_open(L);
	mv_lua_domain_open(L);
	mv_lua_stream_open(L);
	mv_lua_event_open(L);
	mv_lua_wait_open(L);
	mv_lua_file_open(L);
	mv_lua_xpath_open(L);
	mv_lua_raw_open(L);
	mv_lua_look_open(L);
}

void mv_lua_core_open(lua_State *L)
{
	mv_lua_state_open(L);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	if (lua_getfield(L, -1, CORE) == LUA_TNIL) {
		mv_lua_state(L)->compiled = same_bytecode(L);
		push_core(L);
		lua_setfield(L, -3, CORE);
		add_searcher(L);
	}
	lua_pop(L, 2);
}

int luaopen_moonvisor(lua_State *L)
{
	mv_lua_core_open(L);
	load_embedded(L, find_embedded("moonvisor"));
	lua_pushliteral(L, "moonvisor");
	lua_call(L, 1, 1);
	return 1;
}

void mv_lua_push_interrupted(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &interrupted_key);
}

void mv_lua_set_interrupt_fd(lua_State *L, int fd)
{
	mv_lua_state(L)->interrupt_fd = fd;
}
