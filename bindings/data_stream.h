/* SPDX-License-Identifier: MIT */
/* Data streams that calls open: moonvisor.core.DataStream. */
#ifndef BINDINGS_DATA_STREAM_H
#define BINDINGS_DATA_STREAM_H

#include <lua.h>

#include "bindings/handle.h"

struct mv_conn;
struct mv_stream;

/* Uservalue 1: the connection. */
struct mv_lua_data_stream {
	struct mv_handle handle;
	struct mv_stream *stream;
	struct mv_conn *conn; /* a reference: the driver's part of the stream needs it to the end */
};

extern const struct mv_class mv_data_stream_class;

/* Pushes a closed stream of the connection at `conn`. Its member `stream` is to be filled; then it is opened. */
struct mv_lua_data_stream *mv_lua_data_stream_new(lua_State *L, int conn);
void mv_lua_data_stream_opened(lua_State *L, struct mv_lua_data_stream *handle, struct mv_conn *conn);

#endif
