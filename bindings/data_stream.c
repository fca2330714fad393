/* SPDX-License-Identifier: MIT */
#include "bindings/data_stream.h"

#include <lauxlib.h>

#include "bindings/conn.h"
#include "bindings/error.h"
#include "engine/api/stream.h"

#define RECV_SIZE 262144 /* bytes: what libvirt's streams carry in a message */

struct mv_lua_data_stream *mv_lua_data_stream_new(lua_State *L, int conn)
{
	struct mv_lua_data_stream *handle;

	conn = lua_absindex(L, conn);
	handle = mv_handle_new(L, &mv_data_stream_class);
	lua_pushvalue(L, conn);
	lua_setiuservalue(L, -2, 1);
	return handle;
}

static void stream_release(struct mv_handle *handle)
{
	struct mv_lua_data_stream *stream = mv_container_of(handle, struct mv_lua_data_stream, handle);

	mv_stream_free(stream->stream);
	stream->stream = NULL;
	mv_conn_unref(stream->conn);
	stream->conn = NULL;
}

void mv_lua_data_stream_opened(lua_State *L, struct mv_lua_data_stream *handle, struct mv_conn *conn)
{
	handle->conn = mv_conn_ref(conn);
	mv_handle_opened(L, &mv_data_stream_class, &handle->handle);
}

/* A stream of a closed connection is of no use, and says so. */
static struct mv_stream *check(lua_State *L)
{
	const struct mv_lua_data_stream *stream = mv_handle_check(L, 1, &mv_data_stream_class);
	struct mv_lua_conn *conn;

	lua_getiuservalue(L, 1, 1);
	conn = mv_handle_test(L, -1, &mv_conn_class);
	lua_pop(L, 1);
	if (!conn || !conn->handle.open)
		mv_lua_fail(L, MV_ERR_INVALID_CONN, 0, "The connection of this stream is closed.");
	else
		mv_look_finish(L, conn);
	return stream->stream;
}

static int stream_describe(lua_State *L)
{
	lua_pushliteral(L, "data stream");
	return 1;
}

/* send(stream, data): all of it */
static int stream_send(lua_State *L)
{
	struct mv_stream *stream = check(L);
	size_t size;
	const char *data = luaL_checklstring(L, 2, &size);

	for (size_t done = 0; done < size;) {
		ssize_t n = mv_stream_send(stream, data + done, size - done, mv_lua_error(L));

		if (n < 0)
			return mv_lua_raise(L);
		done += (size_t)n;
	}
	return 0;
}

/* recv(stream [, most]) -> data, at least one byte and at most `most`; nil at the end */
static int stream_recv(lua_State *L)
{
	struct mv_stream *stream = check(L);
	lua_Integer most = luaL_optinteger(L, 2, RECV_SIZE);
	luaL_Buffer buffer;
	char *space;
	ssize_t n;

	if (most < 1)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "At least one byte has to be asked for, not %lld.",
				   (long long)most);
	most = most > RECV_SIZE ? RECV_SIZE : most;
	space = luaL_buffinitsize(L, &buffer, (size_t)most);
	n = mv_stream_recv(stream, space, (size_t)most, mv_lua_error(L));
	if (n < 0)
		return mv_lua_raise(L);
	if (n == 0) {
		lua_pushnil(L);
		return 1;
	}
	luaL_pushresultsize(&buffer, (size_t)n);
	return 1;
}

static int stream_finish(lua_State *L)
{
	if (mv_stream_finish(check(L), mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	return 0;
}

static int stream_abort(lua_State *L)
{
	mv_stream_abort(check(L));
	return 0;
}

/* fd(stream) -> descriptor, or nil when there is none to wait for */
static int stream_fd(lua_State *L)
{
	int fd = mv_stream_fd(check(L));

	if (fd < 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, fd);
	return 1;
}

static const luaL_Reg functions[] = {
	{ "send", stream_send },   { "recv", stream_recv }, { "finish", stream_finish },
	{ "abort", stream_abort }, { "fd", stream_fd },     { NULL, NULL },
};

const struct mv_class mv_data_stream_class = {
	.name = "DataStream",
	.metatable = "moonvisor.DataStream",
	.noun = "data stream",
	.id = MV_CLASS_DATA_STREAM,
	.closed_code = MV_ERR_INVALID_STREAM,
	.size = sizeof(struct mv_lua_data_stream),
	.uservalues = 1,
	.release = stream_release,
	.describe = stream_describe,
	.functions = functions,
};
