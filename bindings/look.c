/* SPDX-License-Identifier: MIT */
#include "bindings/look.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bindings/conn.h"
#include "bindings/error.h"
#include "bindings/module.h"
#include "bindings/raw_read.h"
#include "bindings/raw_write.h"
#include "engine/api/call.h"
#include "engine/base/cleanup.h"

enum look_state { LOOK_RUNNING, LOOK_DONE, LOOK_ABANDONED };

/* A call that a thread makes. While it runs it is the thread's, but for `state` and `fd`; when it is done it is Lua's
 * again, or the thread frees it, if nobody is left to take the result. */
struct mv_look {
	atomic_int state;
	int fd; /* readable when it is done */
	struct mv_conn *conn;
	enum mv_call_id call;
	const struct mv_call_desc *desc;
	void *args, *ret;
	struct mv_error *err;
	int result;
};

static void look_free(struct mv_look *look)
{
	if (!look)
		return;
	if (look->desc) {
		mv_wire_clear(look->desc->args, look->args);
		mv_wire_clear(look->desc->ret, look->ret);
	}
	free(look->args);
	free(look->ret);
	mv_error_free(look->err);
	if (look->fd >= 0)
		close(look->fd);
	free(look);
}

static void look_release(void *look)
{
	look_free(look);
}

static void *look_main(void *opaque)
{
	struct mv_look *look = opaque;
	uint64_t one = 1;
	int running = LOOK_RUNNING;

	look->result = mv_call(look->conn, look->call, look->args, look->ret, &look->err);
	/* Before the state changes: after that, Lua may have freed it. The counter cannot overflow. */
	if (write(look->fd, &one, sizeof(one)) < 0)
		look->result = -1;
	if (!atomic_compare_exchange_strong(&look->state, &running, LOOK_DONE)) {
		mv_conn_unref(look->conn);
		look_free(look);
	}
	return NULL;
}

/* Whether it is done, after at most so many milliseconds. interrupt_fd: what ends the wait too; -1: nothing. */
static bool look_wait(struct mv_look *look, int timeout, int interrupt_fd)
{
	struct pollfd fds[] = {
		{ .fd = look->fd, .events = POLLIN },
		{ .fd = interrupt_fd, .events = POLLIN },
	};
	struct timespec pause = { .tv_nsec = 10000 };

	while (poll(fds, MV_ARRAY_SIZE(fds), timeout) < 0 && errno == EINTR)
		;
	if (!fds[0].revents)
		return false;
	while (atomic_load(&look->state) == LOOK_RUNNING) /* the thread is between its last two lines */
		nanosleep(&pause, NULL);
	return true;
}

void mv_look_finish(lua_State *L, struct mv_lua_conn *conn)
{
	int interrupt_fd = mv_lua_state(L)->interrupt_fd;

	if (!conn->look || look_wait(conn->look, -1, interrupt_fd))
		return;
	mv_lua_push_interrupted(L);
	lua_error(L);
}

void mv_look_abandon(struct mv_look *look, struct mv_conn *conn)
{
	int running = LOOK_RUNNING;

	if (look && atomic_compare_exchange_strong(&look->state, &running, LOOK_ABANDONED))
		return;
	look_free(look);
	mv_conn_unref(conn);
}

/* Starts the thread. Signals are the main thread's business. */
static int look_start(struct mv_look *look)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int errnum = pthread_attr_init(&attributes);

	if (errnum != 0)
		return errnum;
	sigfillset(&all);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(&thread, &attributes, look_main, look);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (errnum == 0)
		pthread_setname_np(thread, "look");
	return errnum;
}

/* The connection at index 1; raises when it is closed. Does not wait for a call under way. */
static struct mv_lua_conn *check(lua_State *L)
{
	return mv_handle_check(L, 1, &mv_conn_class);
}

/* looked(conn, milliseconds) -> false: the call goes on; or true and what it returned; raises its error. Nothing: there
 * is none. */
static int look_looked(lua_State *L)
{
	struct mv_lua_conn *conn = check(L);
	struct mv_look *look = conn->look;
	struct mv_error **err;
	void **box;

	if (!look)
		return 0;
	if (!look_wait(look, (int)luaL_checkinteger(L, 2), -1)) {
		lua_pushboolean(L, false);
		return 1;
	}
	box = mv_lua_box(L, look_release);
	*box = look;
	conn->look = NULL;
	lua_gc(L, LUA_GCRESTART);
	if (look->result < 0) {
		err = mv_lua_error(L);
		*err = mv_steal(look->err);
		return mv_lua_raise(L);
	}
	lua_pushboolean(L, true);
	return 1 + mv_lua_push_ret(L, look->desc->ret, look->ret);
}

/* look(conn, milliseconds, number, ...): makes a call that only looks, and returns like looked(). While one is under
 * way on this connection: false. */
static int look_look(lua_State *L)
{
	struct mv_lua_conn *conn = check(L);
	lua_Integer timeout = luaL_checkinteger(L, 2);
	lua_Integer number = luaL_checkinteger(L, 3);
	const struct mv_call_desc *desc;
	struct mv_look *look;
	void *args;
	void **box;
	int keep;

	if (conn->look) {
		lua_pushboolean(L, false);
		return 1;
	}
	if (number <= MV_CALL_NONE || number >= MV_CALL_LAST || !mv_call_descs[number].args ||
	    mv_call_descs[number].stream)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "look: the call %lld cannot be made.", (long long)number);
	desc = &mv_call_descs[number];
	if (lua_gettop(L) - 3 != (int)desc->args->field_count)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "look: %s: %d arguments expected, got %d", desc->name,
				   (int)desc->args->field_count, lua_gettop(L) - 3);
	luaL_checkstack(L, 8, "too many arguments");
	args = lua_newuserdatauv(L, desc->args->size, 0);
	memset(args, 0, desc->args->size);
	lua_pushnil(L);
	keep = lua_gettop(L);
	mv_lua_read_args(L, desc->name, desc->args, 4, keep, args);
	box = mv_lua_box(L, look_release);
	look = calloc(1, sizeof(*look));
	if (look) {
		*box = look;
		look->fd = eventfd(0, EFD_CLOEXEC);
		look->args = calloc(1, desc->args->size);
		look->ret = calloc(1, desc->ret ? desc->ret->size : 1);
	}
	if (!look || look->fd < 0 || !look->args || !look->ret)
		return mv_lua_fail(L, MV_ERR_NO_MEMORY, 0, "There is no memory for the call.");
	/* The thread may outlive everything that Lua has. */
	if (mv_wire_copy(desc->args, look->args, args, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	look->desc = desc;
	look->call = (enum mv_call_id)number;
	look->conn = conn->conn;
	if (look_start(look) != 0)
		return mv_lua_fail(L, MV_ERR_SYSTEM, 0, "A thread cannot be started.");
	*box = NULL;
	conn->look = look;
	/* What the collector closes may belong to this connection, too; it goes on when the result is taken. */
	lua_gc(L, LUA_GCSTOP);
	lua_settop(L, 1);
	lua_pushinteger(L, timeout);
	return look_looked(L);
}

/* looking(conn) -> a descriptor that is readable when the call under way is done; nil: there is none, or it is done */
static int look_looking(lua_State *L)
{
	const struct mv_lua_conn *conn = check(L);

	if (!conn->look || atomic_load(&conn->look->state) != LOOK_RUNNING)
		return 0;
	lua_pushinteger(L, conn->look->fd);
	return 1;
}

/* slow(conn): whether its host may need long for an answer */
static int look_slow(lua_State *L)
{
	lua_pushboolean(L, mv_conn_slow(check(L)->conn));
	return 1;
}

void mv_lua_look_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "look", look_look }, { "looked", look_looked }, { "looking", look_looking }, { "slow", look_slow },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, functions, 0);
}
