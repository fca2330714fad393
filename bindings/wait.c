/* SPDX-License-Identifier: MIT */
#include "bindings/wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "bindings/conn.h"
#include "bindings/error.h"
#include "bindings/stream.h"

/* now(): seconds of a clock that is never set. */
static int wait_now(lua_State *L)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
	return 1;
}

/* The descriptor of the value on the top of the stack. */
static int descriptor(lua_State *L)
{
	const struct mv_lua_conn *conn = mv_handle_test(L, -1, &mv_conn_class);
	int isnum = 0;
	int fd = (int)lua_tointegerx(L, -1, &isnum);

	if (isnum)
		return fd;
	if (conn)
		return mv_conn_fd(((struct mv_lua_conn *)mv_handle_check(L, -1, &mv_conn_class))->conn);
	return ((struct mv_lua_stream *)mv_handle_check(L, -1, &mv_stream_class))->fd;
}

/* poll(list, milliseconds, writers or nil) -> readable, interrupted, writable
 *
 * Waits until one of the list (connections, streams, descriptors) can be read, one of the list `writers` can be
 * written, the time is over (-1: for ever), or a signal came. readable and writable are tables whose keys are the
 * members that can be (an error or the end counts). interrupted: the descriptor for it is readable. */
static int wait_poll(lua_State *L)
{
	int interrupt_fd = mv_lua_state(L)->interrupt_fd;
	int timeout = (int)luaL_checkinteger(L, 2);
	lua_Unsigned count, all;
	struct pollfd *fds;
	int result;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 3);
	if (lua_isnil(L, 3)) {
		lua_newtable(L);
		lua_replace(L, 3);
	}
	luaL_checktype(L, 3, LUA_TTABLE);
	count = lua_rawlen(L, 1);
	all = count + lua_rawlen(L, 3);
	lua_newtable(L);
	lua_newtable(L);
	fds = lua_newuserdatauv(L, (all + 1) * sizeof(*fds), 0);
	for (lua_Unsigned i = 0; i < all; i++) {
		if (i < count)
			lua_rawgeti(L, 1, (lua_Integer)i + 1);
		else
			lua_rawgeti(L, 3, (lua_Integer)(i - count) + 1);
		fds[i] = (struct pollfd){ .fd = descriptor(L), .events = i < count ? POLLIN : POLLOUT };
		lua_pop(L, 1);
	}
	fds[all] = (struct pollfd){ .fd = interrupt_fd, .events = POLLIN };
	result = poll(fds, all + 1, timeout);
	if (result < 0 && errno != EINTR) {
		int errnum = errno;

		return mv_lua_fail(L, MV_ERR_SYSTEM, errnum, "Waiting failed: %s.", strerror(errnum));
	}
	for (lua_Unsigned i = 0; result > 0 && i < all; i++) {
		if (!fds[i].revents)
			continue;
		if (i < count)
			lua_rawgeti(L, 1, (lua_Integer)i + 1);
		else
			lua_rawgeti(L, 3, (lua_Integer)(i - count) + 1);
		lua_pushboolean(L, 1);
		lua_rawset(L, i < count ? 4 : 5);
	}
	lua_pushvalue(L, 4);
	lua_pushboolean(L, result > 0 && fds[all].revents);
	lua_pushvalue(L, 5);
	return 3;
}

void mv_lua_wait_open(lua_State *L)
{
	lua_pushcfunction(L, wait_now);
	lua_setfield(L, -2, "now");
	lua_pushcfunction(L, wait_poll);
	lua_setfield(L, -2, "poll");
}
