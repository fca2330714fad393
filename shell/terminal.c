/* SPDX-License-Identifier: MIT */
#include "shell/terminal.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/signals.h"

/* isatty(descriptor) */
static int terminal_isatty(lua_State *L)
{
	lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
	return 1;
}

/* width() -> columns of the terminal, 80 where there is none */
static int terminal_width(lua_State *L)
{
	struct winsize size;

	lua_pushinteger(L, ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80);
	return 1;
}

/* make_folder(path): with those above it, for this user only; nil, or why not */
static int terminal_make_folder(lua_State *L)
{
	size_t size;
	const char *path = luaL_checklstring(L, 1, &size);
	char *copy = lua_newuserdatauv(L, size + 1, 0);

	memcpy(copy, path, size + 1);
	for (char *p = copy + 1; p <= copy + size; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
			lua_pushstring(L, strerror(errno));
			return 1;
		}
		*p = c;
	}
	return 0;
}

/* interruptible(function, ...): calls it; Ctrl-C raises `interrupted` in it. Returns what pcall() returns. */
static int terminal_interruptible(lua_State *L)
{
	int status;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	mv_signals_arm(L);
	status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
	mv_signals_arm(NULL);
	lua_pushboolean(L, status == LUA_OK);
	lua_insert(L, 1);
	return lua_gettop(L);
}

static const luaL_Reg functions[] = {
	{ "isatty", terminal_isatty },
	{ "width", terminal_width },
	{ "make_folder", terminal_make_folder },
	{ "interruptible", terminal_interruptible },
	{ NULL, NULL },
};

int mv_terminal_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
