/* SPDX-License-Identifier: MIT */
/* Streams: a connected socket, never blocking. Buffering and waiting are stdlib/stream.lua's. */
#ifndef BINDINGS_STREAM_H
#define BINDINGS_STREAM_H

#include <lua.h>

#include "bindings/handle.h"

/* Uservalue 1: what tostring() says. */
struct mv_lua_stream {
	struct mv_handle handle;
	int fd;
};

extern const struct mv_class mv_stream_class;

/* Pushes a closed stream; the name at stack index `name` is what tostring() says of it. */
struct mv_lua_stream *mv_lua_stream_new(lua_State *L, int name);
/* Opens it; `fd` is taken. Does not raise. */
void mv_lua_stream_set(lua_State *L, struct mv_lua_stream *stream, int fd);

/* Adds the class Stream to the table on the top of the stack. */
void mv_lua_stream_open(lua_State *L);

#endif
