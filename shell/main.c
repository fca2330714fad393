/* SPDX-License-Identifier: MIT */
/* mvsh: a Lua state with Moonvisor in it. What the shell does is written in Lua, in stdlib/shell.lua. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/module.h"
#include "shell/editor.h"
#include "shell/signals.h"
#include "shell/terminal.h"

#define INTERRUPTED 130 /* what a shell calls the status of a program that SIGINT ended */

static void preload(lua_State *L, const char *name, lua_CFunction open)
{
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	lua_pushcfunction(L, open);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

/* Stack: argc, argv. Returns the exit status. */
static int protected_main(lua_State *L)
{
	int argc = (int)lua_tointeger(L, 1);
	char **argv = lua_touserdata(L, 2);
	int fd;

	luaL_openlibs(L);
	preload(L, "moonvisor", luaopen_moonvisor);
	preload(L, "moonvisor.editor", mv_editor_open);
	preload(L, "moonvisor.terminal", mv_terminal_open);
	mv_lua_core_open(L);
	fd = mv_signals_open();
	if (fd < 0)
		return luaL_error(L, "cannot make a pipe for signals");
	mv_lua_set_interrupt_fd(L, fd);

	lua_getglobal(L, "require");
	lua_pushliteral(L, "moonvisor.shell");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "main");
	lua_createtable(L, argc, 1);
	for (int i = 0; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i);
	}
	lua_call(L, 1, 1);
	return 1;
}

/* Memory for Lua. At the end the process's memory goes as a whole: giving it back piece by piece would take as long as
 * a short command. A sanitizer still wants to see each piece. */
static void *allocate(void *opaque, void *memory, size_t old_size, size_t size)
{
	const bool *leaving = opaque;

	(void)old_size;
	if (size)
		return realloc(memory, size);
#ifndef __SANITIZE_ADDRESS__
	if (*leaving)
		return NULL;
#endif
	(void)leaving;
	free(memory);
	return NULL;
}

int main(int argc, char **argv)
{
	int status = EXIT_FAILURE;
	bool leaving = false;
	lua_State *L = lua_newstate(allocate, &leaving);

	if (!L) {
		fputs("mvsh: there is not enough memory to start\n", stderr);
		return EXIT_FAILURE;
	}
	/* What a start makes stays; a command is over before a collection would pay. */
	lua_gc(L, LUA_GCINC, 400, 0, 0);
	lua_pushcfunction(L, protected_main);
	lua_pushinteger(L, argc);
	lua_pushlightuserdata(L, argv);
	if (lua_pcall(L, 2, 1, 0) == LUA_OK)
		status = (int)lua_tointeger(L, -1);
	else
		fprintf(stderr, "mvsh: %s\n", lua_isstring(L, -1) ? lua_tostring(L, -1) : "it cannot start");
	leaving = true;
	lua_close(L);                /* what has a finalizer is finished */
	if (status == INTERRUPTED) { /* whoever waits for us learns that it was Ctrl-C, not an exit */
		signal(SIGINT, SIG_DFL);
		raise(SIGINT);
	}
	return status;
}
