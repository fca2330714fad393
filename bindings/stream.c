/* SPDX-License-Identifier: MIT */
#include "bindings/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bindings/error.h"

#define READ_SIZE 65536

struct mv_lua_stream *mv_lua_stream_new(lua_State *L, int name)
{
	struct mv_lua_stream *stream;

	name = lua_absindex(L, name);
	stream = mv_handle_new(L, &mv_stream_class);
	stream->fd = -1;
	lua_pushvalue(L, name);
	lua_setiuservalue(L, -2, 1);
	return stream;
}

void mv_lua_stream_set(lua_State *L, struct mv_lua_stream *stream, int fd)
{
	stream->fd = fd;
	mv_handle_opened(L, &mv_stream_class, &stream->handle);
}

static void stream_release(struct mv_handle *handle)
{
	struct mv_lua_stream *stream = mv_container_of(handle, struct mv_lua_stream, handle);

	close(stream->fd);
	stream->fd = -1;
}

static int stream_describe(lua_State *L)
{
	lua_getiuservalue(L, 1, 1);
	return 1;
}

/* recv(stream): the bytes that are there; "" when there are none now; nil at the end. */
static int stream_recv(lua_State *L)
{
	const struct mv_lua_stream *stream = mv_handle_check(L, 1, &mv_stream_class);
	luaL_Buffer buffer;
	char *space = luaL_buffinitsize(L, &buffer, READ_SIZE);
	ssize_t got;

	do {
		got = recv(stream->fd, space, READ_SIZE, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got == 0 || (got < 0 && errno == ECONNRESET)) {
		lua_pushnil(L);
		return 1;
	}
	if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
		int errnum = errno;

		return mv_lua_fail(L, MV_ERR_SYSTEM, errnum, "The stream cannot be read: %s.", strerror(errnum));
	}
	luaL_pushresultsize(&buffer, got < 0 ? 0 : (size_t)got);
	return 1;
}

/* send(stream, data, from): sends what fits of data from byte `from` (counted from 1) on; returns how many bytes. */
static int stream_send(lua_State *L)
{
	const struct mv_lua_stream *stream = mv_handle_check(L, 1, &mv_stream_class);
	size_t size;
	const char *data = luaL_checklstring(L, 2, &size);
	lua_Integer from = luaL_checkinteger(L, 3);
	ssize_t sent;

	luaL_argcheck(L, from >= 1 && (size_t)from <= size + 1, 3, "outside the data");
	do {
		sent = send(stream->fd, data + from - 1, size - (size_t)from + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
		return mv_lua_fail(L, MV_ERR_OPERATION_FAILED, errno,
				   "The stream cannot be written: the other side has closed it.");
	}
	if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
		int errnum = errno;

		return mv_lua_fail(L, MV_ERR_SYSTEM, errnum, "The stream cannot be written: %s.", strerror(errnum));
	}
	lua_pushinteger(L, sent < 0 ? 0 : sent);
	return 1;
}

/* pair(): two streams, what is written to one is read from the other. */
static int stream_pair(lua_State *L)
{
	struct mv_lua_stream *a, *b;
	int fds[2];

	lua_pushliteral(L, "stream");
	a = mv_lua_stream_new(L, -1);
	b = mv_lua_stream_new(L, -2);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		int errnum = errno;

		return mv_lua_fail(L, MV_ERR_SYSTEM, errnum, "A pair of streams cannot be made: %s.", strerror(errnum));
	}
	mv_lua_stream_set(L, a, fds[0]);
	mv_lua_stream_set(L, b, fds[1]);
	return 2;
}

/* connect(address, port): a stream to a TCP port of a numeric address, on its way there: it can be written when it has
 * arrived or failed, and failure() tells which. */
static int stream_connect(lua_State *L)
{
	const char *address = luaL_checkstring(L, 1);
	lua_Integer port = luaL_checkinteger(L, 2);
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct mv_lua_stream *stream;
	struct addrinfo *info = NULL;
	char service[16];
	int fd;

	luaL_argcheck(L, port > 0 && port < 65536, 2, "no TCP port");
	lua_pushfstring(L, "connection to %s port %d", address, (int)port);
	stream = mv_lua_stream_new(L, -1);
	snprintf(service, sizeof(service), "%d", (int)port);
	if (getaddrinfo(address, service, &hints, &info) != 0)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "'%s' is no numeric address.", address);
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		mv_lua_stream_set(L, stream, fd);
	if (fd < 0 || (connect(fd, info->ai_addr, info->ai_addrlen) < 0 && errno != EINPROGRESS)) {
		int errnum = errno;

		freeaddrinfo(info);
		return mv_lua_fail(L, MV_ERR_SYSTEM, errnum, "'%s' port %d cannot be connected to: %s.", address,
				   (int)port, strerror(errnum));
	}
	freeaddrinfo(info);
	return 1;
}

/* failure(stream): nil, or the text of the error that it has met. */
static int stream_failure(lua_State *L)
{
	const struct mv_lua_stream *stream = mv_handle_check(L, 1, &mv_stream_class);
	int errnum = 0;
	socklen_t size = sizeof(errnum);

	getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &errnum, &size);
	if (errnum)
		lua_pushstring(L, strerror(errnum));
	else
		lua_pushnil(L);
	return 1;
}

static const luaL_Reg functions[] = {
	{ "recv", stream_recv },       { "send", stream_send },       { "pair", stream_pair },
	{ "connect", stream_connect }, { "failure", stream_failure }, { NULL, NULL },
};

const struct mv_class mv_stream_class = {
	.name = "Stream",
	.metatable = "moonvisor.Stream",
	.noun = "stream",
	.id = MV_CLASS_STREAM,
	.closed_code = MV_ERR_INVALID_ARG,
	.size = sizeof(struct mv_lua_stream),
	.uservalues = 1,
	.release = stream_release,
	.describe = stream_describe,
	.functions = functions,
};

void mv_lua_stream_open(lua_State *L)
{
	mv_class_open(L, &mv_stream_class);
}
