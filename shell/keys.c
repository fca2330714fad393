/* SPDX-License-Identifier: MIT */
#include "shell/keys.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* raw() -> a function that gives the terminal back as it was. Until then keys come at once and are not shown; nil and
 * the reason when standard input is no terminal. */
static int restore(lua_State *L)
{
	const struct termios *before = lua_touserdata(L, lua_upvalueindex(1));

	tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
	return 0;
}

int mv_keys_raw(lua_State *L)
{
	struct termios *before = lua_newuserdatauv(L, sizeof(*before), 0);
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, before) < 0) {
		lua_pushnil(L);
		lua_pushfstring(L, "unable to get tty attributes: %s", strerror(errno));
		return 2;
	}
	raw = *before;
	cfmakeraw(&raw);
	lua_pushcclosure(L, restore, 1);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0) {
		lua_pushnil(L);
		lua_pushfstring(L, "unable to set tty attributes: %s", strerror(errno));
		return 2;
	}
	return 1;
}

/* wait(descriptor) -> whether there are keys, whether the descriptor has something; waits until one is true. */
int mv_keys_wait(lua_State *L)
{
	struct pollfd fds[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = (int)luaL_checkinteger(L, 1), .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	lua_pushboolean(L, fds[0].revents != 0);
	lua_pushboolean(L, fds[1].revents != 0);
	return 2;
}

/* read_keys() -> what was typed; nil when standard input has ended. */
int mv_keys_read(lua_State *L)
{
	char keys[256];
	ssize_t n;

	do {
		n = read(STDIN_FILENO, keys, sizeof(keys));
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		lua_pushnil(L);
	else
		lua_pushlstring(L, keys, (size_t)n);
	return 1;
}
