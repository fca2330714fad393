/* SPDX-License-Identifier: MIT */
#include "bindings/raw.h"

#include <lauxlib.h>
#include <string.h>

#include "bindings/conf.h"
#include "bindings/conn.h"
#include "bindings/data_stream.h"
#include "bindings/error.h"
#include "bindings/raw_read.h"
#include "bindings/raw_write.h"
#include "engine/api/call.h"

#define FRAME_METATABLE "moonvisor.call"

/* The structures of a call in progress: ret at the beginning of `data`, args after it. Lua's memory, so that nothing
 * is lost when something raises; what ret owns is freed with it. */
struct frame {
	const struct mv_wire_struct *ret; /* NULL: nothing to free */
	struct mv_conf_notes notes;       /* about XML among the arguments */
	_Alignas(16) char data[];
};

static size_t round_up(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

static int frame_gc(lua_State *L)
{
	struct frame *frame = luaL_checkudata(L, 1, FRAME_METATABLE);

	mv_wire_clear(frame->ret, frame->data);
	frame->ret = NULL;
	mv_conf_notes_clear(&frame->notes);
	return 0;
}

static enum mv_call_id check_call(lua_State *L, int index)
{
	lua_Integer number = luaL_checkinteger(L, index);

	if (number <= MV_CALL_NONE || number >= MV_CALL_LAST || mv_call_descs[number].event)
		mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "There is no call with the number %lld.", (long long)number);
	return (enum mv_call_id)number;
}

/* Of the list that a call returned, keeps the items whose first field is a string that begins with the prefix. */
static void keep_matching(const struct mv_wire_struct *ret, char *data, const char *prefix)
{
	const struct mv_wire_field *list = ret ? &ret->fields[0] : NULL;
	size_t kept = 0, length = strlen(prefix), size, *count;
	char *items;

	if (!list || !list->array || list->kind != MV_WIRE_STRUCT || list->optional ||
	    list->type->fields[0].kind != MV_WIRE_STRING)
		return;
	items = *(char **)(data + list->offset);
	count = (size_t *)(data + list->count_offset);
	size = mv_wire_item_size(list);
	for (size_t i = 0; i < *count; i++) {
		const char *text = *(char *const *)(items + i * size + list->type->fields[0].offset);

		if (text && strncmp(text, prefix, length) == 0) {
			if (kept < i)
				memcpy(items + kept * size, items + i * size, size);
			kept++;
		} else {
			mv_wire_clear(list->type, items + i * size);
		}
	}
	*count = kept;
}

/* Stack: conn, number, arguments, and the handle of the stream if the call opens one, or the prefix, if there is one.
 * Makes the call, and pushes what it returns. */
static int make_call(lua_State *L, enum mv_call_id call, struct mv_lua_data_stream *stream, const char *prefix)
{
	const struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const struct mv_call_desc *desc = &mv_call_descs[call];
	int wanted = desc->args ? (int)desc->args->field_count : 0;
	int given = lua_gettop(L) - 2 - (stream || prefix ? 1 : 0);
	size_t ret_size = round_up(desc->ret ? desc->ret->size : 0);
	size_t args_size = desc->args ? desc->args->size : 0;
	struct frame *frame;
	int keep, result;
	struct mv_conf_notes *before;

	if (given != wanted)
		mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "%s: %d argument%s expected, got %d", desc->name, wanted,
			    wanted == 1 ? "" : "s", given);
	luaL_checkstack(L, 8, "too many arguments");
	frame = lua_newuserdatauv(L, sizeof(*frame) + ret_size + args_size, 0);
	memset(frame, 0, sizeof(*frame) + ret_size + args_size);
	luaL_setmetatable(L, FRAME_METATABLE);
	lua_pushnil(L);
	keep = lua_gettop(L);
	if (desc->args)
		mv_lua_read_args(L, desc->name, desc->args, 3, keep, frame->data + ret_size);
	before = mv_conf_notes_sink(&frame->notes);
	result = mv_call_stream(conn->conn, call, frame->data + ret_size, frame->data, stream ? &stream->stream : NULL,
				mv_lua_error(L));
	mv_conf_notes_sink(before);
	if (result < 0)
		return mv_lua_raise(L);
	frame->ret = desc->ret;
	if (frame->notes.count > 0)
		mv_lua_conf_warn(L, &frame->notes);
	if (prefix)
		keep_matching(desc->ret, frame->data, prefix);
	if (stream)
		mv_lua_data_stream_opened(L, stream, conn->conn);
	given = mv_lua_push_ret(L, desc->ret, frame->data);
	/* Large results go now, not when the collector comes by. */
	mv_wire_clear(desc->ret, frame->data);
	frame->ret = NULL;
	return given;
}

/* call(conn, number, ...) */
static int raw_call(lua_State *L)
{
	enum mv_call_id call = check_call(L, 2);

	if (mv_call_descs[call].stream)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "%s: this call opens a stream", mv_call_descs[call].name);
	return make_call(L, call, NULL, NULL);
}

/* matching(conn, number, prefix, ...): the same; of a list that it returns, only what has a name that begins so */
static int raw_matching(lua_State *L)
{
	enum mv_call_id call = check_call(L, 2);

	luaL_checkstring(L, 3);
	if (mv_call_descs[call].stream)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "%s: this call opens a stream", mv_call_descs[call].name);
	lua_rotate(L, 3, -1);
	return make_call(L, call, NULL, lua_tostring(L, -1));
}

/* stream(conn, number, ...) -> stream, what the call returns */
static int raw_stream(lua_State *L)
{
	enum mv_call_id call = check_call(L, 2);
	struct mv_lua_data_stream *handle;
	int position;
	int count;

	if (!mv_call_descs[call].stream)
		return mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "%s: this call opens no stream", mv_call_descs[call].name);
	handle = mv_lua_data_stream_new(L, 1);
	position = lua_gettop(L);
	count = make_call(L, call, handle, NULL);
	lua_pushvalue(L, position);
	lua_insert(L, -count - 1);
	return count + 1;
}

/* --- what there is --- */

static void set_string(lua_State *L, const char *key, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, key);
}

static void set_names(lua_State *L, const char *key, const struct mv_wire_struct *desc)
{
	if (!desc)
		return;
	lua_createtable(L, (int)desc->field_count, 0);
	for (uint32_t i = 0; i < desc->field_count; i++) {
		lua_pushstring(L, desc->fields[i].name);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_setfield(L, -2, key);
}

/* calls() -> { [name] = { number =, name =, args = { names }, ret = { names }, event =, stream = "r"|"w", ... }, ... }
 */
static int raw_calls(lua_State *L)
{
	lua_createtable(L, 0, MV_CALL_LAST);
	for (int i = MV_CALL_NONE + 1; i < MV_CALL_LAST; i++) {
		const struct mv_call_desc *desc = &mv_call_descs[i];

		lua_createtable(L, 0, 10);
		lua_pushinteger(L, i);
		lua_setfield(L, -2, "number");
		set_string(L, "name", desc->name);
		set_string(L, "libvirt", desc->function);
		set_string(L, "permission", desc->permission);
		set_names(L, "args", desc->args);
		set_names(L, "ret", desc->ret);
		set_names(L, "msg", desc->msg);
		if (desc->event_id >= 0) {
			lua_pushinteger(L, desc->event_id);
			lua_setfield(L, -2, "event_id");
		}
		if (desc->stream) {
			lua_pushlstring(L, &desc->stream, 1);
			lua_setfield(L, -2, "stream");
		}
		lua_pushboolean(L, desc->event);
		lua_setfield(L, -2, "event");
		lua_pushboolean(L, desc->reads);
		lua_setfield(L, -2, "reads");
		lua_setfield(L, -2, desc->name);
	}
	return 1;
}

/* call_number(name) -> number, whether it opens a stream, whether it is an event; nothing when there is none */
static int raw_number(lua_State *L)
{
	enum mv_call_id call = mv_call_find(luaL_checkstring(L, 1));

	if (call == MV_CALL_NONE)
		return 0;
	lua_pushinteger(L, call);
	lua_pushboolean(L, mv_call_descs[call].stream);
	lua_pushboolean(L, mv_call_descs[call].event);
	return 3;
}

void mv_lua_raw_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "call", raw_call },   { "matching", raw_matching },  { "stream", raw_stream },
		{ "calls", raw_calls }, { "call_number", raw_number }, { "listen", mv_lua_conn_listen },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, functions, 0);
	mv_class_open(L, &mv_data_stream_class);
	luaL_newmetatable(L, FRAME_METATABLE);
	lua_pushcfunction(L, frame_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
}
