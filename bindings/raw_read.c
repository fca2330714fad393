/* SPDX-License-Identifier: MIT */
#include "bindings/raw_read.h"

#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bindings/error.h"
#include "engine/api/call.h"
#include "engine/conf/uuid.h"

#define MAX_PATH 160

struct reader {
	lua_State *L;
	const char *call;
	int argument;        /* counted from 1; 0: an object that is no argument */
	int keep;            /* stack index of what must stay alive */
	char path[MAX_PATH]; /* "dom.name", "params[3].value": where we are */
	size_t path_length;
};

/* --- where we are, for messages --- */

__attribute__((format(printf, 2, 3))) static size_t enter(struct reader *r, const char *fmt, ...)
{
	size_t before = r->path_length;
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->path + before, sizeof(r->path) - before, fmt, args);
	va_end(args);
	r->path_length = strlen(r->path);
	return before;
}

static void leave(struct reader *r, size_t before)
{
	r->path_length = before;
	r->path[before] = 0;
}

__attribute__((format(printf, 2, 3))) static void fail(const struct reader *r, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (r->argument)
		mv_lua_fail(r->L, MV_ERR_INVALID_ARG, 0, "%s: argument %d (%s): %s", r->call, r->argument, r->path,
			    text);
	else
		mv_lua_fail(r->L, MV_ERR_INVALID_ARG, 0, "%s: %s: %s", r->call, r->path, text);
}

static void expect(const struct reader *r, int index, const char *what)
{
	fail(r, "%s expected, got %s", what, luaL_typename(r->L, index));
}

/* --- keeping alive --- */

/* Keeps the value on the top of the stack, and pops it. */
static void keep(struct reader *r)
{
	if (!lua_istable(r->L, r->keep)) {
		lua_newtable(r->L);
		lua_replace(r->L, r->keep);
	}
	lua_rawseti(r->L, r->keep, (lua_Integer)lua_rawlen(r->L, r->keep) + 1);
}

/* Memory that goes with the arguments, all zero. */
static void *allocate(struct reader *r, size_t size)
{
	void *memory = lua_newuserdatauv(r->L, size, 0);

	memset(memory, 0, size);
	keep(r);
	return memory;
}

/* --- one value --- */

static lua_Integer read_integer(const struct reader *r, int index, lua_Integer least, lua_Integer most)
{
	lua_Integer value;
	int whole;

	/* Not what merely looks like a number: "10" is a mistake that should be found. */
	if (lua_type(r->L, index) != LUA_TNUMBER)
		expect(r, index, "an integer");
	value = lua_tointegerx(r->L, index, &whole);
	if (!whole)
		fail(r, "an integer expected, got %g", lua_tonumber(r->L, index));
	if (value < least || value > most)
		fail(r, "%lld is out of range, which is %lld to %lld", value, least, most);
	return value;
}

/* Above what Lua's integers hold there are floats, which reach 2^64 with gaps. */
static uint64_t read_unsigned(const struct reader *r, int index)
{
	lua_Number number;

	if (lua_type(r->L, index) == LUA_TNUMBER && !lua_isinteger(r->L, index)) {
		number = lua_tonumber(r->L, index);
		if (number >= 0x1p63 && number < 0x1p64 && floor(number) == number)
			return (uint64_t)number;
	}
	return (uint64_t)read_integer(r, index, 0, LUA_MAXINTEGER);
}

static char *read_string(const struct reader *r, int index)
{
	const char *text;
	size_t length;

	if (lua_type(r->L, index) != LUA_TSTRING)
		expect(r, index, "a string");
	text = lua_tolstring(r->L, index, &length);
	if (strlen(text) != length)
		fail(r, "the string has a zero byte in it");
	return (char *)text; /* who makes a call changes no argument */
}

static void read_uuid(const struct reader *r, int index, uint8_t uuid[16])
{
	const char *text;

	if (lua_type(r->L, index) != LUA_TSTRING)
		expect(r, index, "a UUID");
	text = lua_tostring(r->L, index);
	if (mv_uuid_parse(text, uuid) < 0)
		fail(r, "'%.60s' is no UUID", text);
}

static void read_bytes(const struct reader *r, int index, struct mv_blob *blob)
{
	if (lua_type(r->L, index) != LUA_TSTRING)
		expect(r, index, "a string");
	blob->data = (void *)lua_tolstring(r->L, index, &blob->size);
}

static void read_text(const struct reader *r, const struct mv_wire_field *field, int index, char *at)
{
	size_t length;
	const char *text;

	if (lua_type(r->L, index) != LUA_TSTRING)
		expect(r, index, "a string");
	text = lua_tolstring(r->L, index, &length);
	if (length >= field->limit)
		fail(r, "a string of at most %u bytes expected, got %zu", field->limit - 1, length);
	memcpy(at, text, length);
}

/* --- typed parameters --- */

static const char *const typed_names[] = {
	[0] = "", /* types count from 1 */
	[MV_TYPED_INT] = "int",
	[MV_TYPED_UINT] = "uint",
	[MV_TYPED_LLONG] = "llong",
	[MV_TYPED_ULLONG] = "ullong",
	[MV_TYPED_DOUBLE] = "double",
	[MV_TYPED_BOOLEAN] = "boolean",
	[MV_TYPED_STRING] = "string",
};

static enum mv_typed_type read_typed_type(struct reader *r, int index)
{
	if (lua_type(r->L, index) == LUA_TSTRING) {
		for (int i = MV_TYPED_INT; i <= MV_TYPED_STRING; i++) {
			if (strcmp(lua_tostring(r->L, index), typed_names[i]) == 0)
				return (enum mv_typed_type)i;
		}
		fail(r, "'%.40s' is no type of a parameter; known: int, uint, llong, ullong, double, boolean, string",
		     lua_tostring(r->L, index));
	}
	return (enum mv_typed_type)read_integer(r, index, MV_TYPED_INT, MV_TYPED_STRING);
}

static void get_field(struct reader *r, int index, const char *name)
{
	if (lua_getmetatable(r->L, index)) {
		/* The value may have been made just now, for us alone. */
		lua_pop(r->L, 1);
		lua_getfield(r->L, index, name);
		lua_pushvalue(r->L, -1);
		keep(r);
	} else {
		lua_pushstring(r->L, name);
		lua_rawget(r->L, index);
	}
}

static void read_typed(struct reader *r, int index, struct mv_typed_param *param)
{
	size_t before;

	if (!lua_istable(r->L, index))
		expect(r, index, "a parameter {field=, type=, value=}");
	before = enter(r, ".field");
	get_field(r, index, "field");
	param->field = read_string(r, -1);
	leave(r, before);
	before = enter(r, ".type");
	get_field(r, index, "type");
	param->type = read_typed_type(r, -1);
	leave(r, before);
	before = enter(r, ".value");
	get_field(r, index, "value");
	switch (param->type) {
	case MV_TYPED_INT: param->value.i = (int32_t)read_integer(r, -1, INT32_MIN, INT32_MAX); break;
	case MV_TYPED_UINT: param->value.ui = (uint32_t)read_integer(r, -1, 0, UINT32_MAX); break;
	case MV_TYPED_LLONG: param->value.l = read_integer(r, -1, LUA_MININTEGER, LUA_MAXINTEGER); break;
	case MV_TYPED_ULLONG: param->value.ul = read_unsigned(r, -1); break;
	case MV_TYPED_DOUBLE:
		if (lua_type(r->L, -1) != LUA_TNUMBER)
			expect(r, -1, "a number");
		param->value.d = lua_tonumber(r->L, -1);
		break;
	case MV_TYPED_BOOLEAN:
		if (!lua_isboolean(r->L, -1))
			expect(r, -1, "a boolean");
		param->value.b = lua_toboolean(r->L, -1);
		break;
	case MV_TYPED_STRING: param->value.s = read_string(r, -1); break;
	}
	leave(r, before);
	lua_pop(r->L, 3);
}

/* --- structures --- */

static void read_field(struct reader *r, const struct mv_wire_field *field, int index, void *data);

static void read_struct(struct reader *r, const struct mv_wire_struct *desc, int index, void *data)
{
	index = lua_absindex(r->L, index);
	if (!lua_istable(r->L, index) && !lua_isuserdata(r->L, index))
		expect(r, index, desc->name[0] ? "a table" : "an object");
	luaL_checkstack(r->L, 8, "arguments are nested too deep");
	for (uint32_t i = 0; i < desc->field_count; i++) {
		const struct mv_wire_field *field = &desc->fields[i];
		size_t before = enter(r, ".%s", field->name);

		get_field(r, index, field->name);
		/* A domain that does not run has no id, and nobody needs to say so. */
		if (lua_isnil(r->L, -1) && desc == &mv_domain_ref_wire && field->kind == MV_WIRE_INT)
			*(int32_t *)((char *)data + field->offset) = -1;
		else
			read_field(r, field, -1, data);
		lua_pop(r->L, 1);
		leave(r, before);
	}
}

static void read_item(struct reader *r, const struct mv_wire_field *field, int index, void *at)
{
	lua_Integer (*const integer)(const struct reader *, int, lua_Integer, lua_Integer) = read_integer;

	switch (field->kind) {
	case MV_WIRE_INT: *(int32_t *)at = (int32_t)integer(r, index, INT32_MIN, INT32_MAX); break;
	case MV_WIRE_UINT: *(uint32_t *)at = (uint32_t)integer(r, index, 0, UINT32_MAX); break;
	case MV_WIRE_HYPER: *(int64_t *)at = integer(r, index, LUA_MININTEGER, LUA_MAXINTEGER); break;
	case MV_WIRE_UHYPER: *(uint64_t *)at = read_unsigned(r, index); break;
	case MV_WIRE_CHAR: *(int8_t *)at = (int8_t)integer(r, index, INT8_MIN, INT8_MAX); break;
	case MV_WIRE_UCHAR: *(uint8_t *)at = (uint8_t)integer(r, index, 0, UINT8_MAX); break;
	case MV_WIRE_USHORT: *(uint16_t *)at = (uint16_t)integer(r, index, 0, UINT16_MAX); break;
	case MV_WIRE_STRING: *(char **)at = read_string(r, index); break;
	case MV_WIRE_UUID: read_uuid(r, index, at); break;
	case MV_WIRE_BLOB:
	case MV_WIRE_CHARS: read_bytes(r, index, at); break;
	case MV_WIRE_TEXT: read_text(r, field, index, at); break;
	case MV_WIRE_TYPED: read_typed(r, lua_absindex(r->L, index), at); break;
	case MV_WIRE_STRUCT:
		if (field->optional)
			at = *(void **)at = allocate(r, field->type->size);
		read_struct(r, field->type, index, at);
		break;
	}
}

static void read_array(struct reader *r, const struct mv_wire_field *field, int index, void *data)
{
	size_t size = mv_wire_item_size(field);
	lua_Unsigned count;
	char *items;

	index = lua_absindex(r->L, index);
	if (!lua_istable(r->L, index))
		expect(r, index, "a sequence");
	count = lua_rawlen(r->L, index);
	if (count > field->limit)
		fail(r, "at most %u items can be given, not %llu", field->limit, (unsigned long long)count);
	if (!count)
		return;
	items = allocate(r, (size_t)count * size);
	*(char **)((char *)data + field->offset) = items;
	*(size_t *)((char *)data + field->count_offset) = (size_t)count;
	for (lua_Unsigned i = 0; i < count; i++) {
		size_t before = enter(r, "[%llu]", (unsigned long long)i + 1);

		lua_rawgeti(r->L, index, (lua_Integer)i + 1);
		read_item(r, field, -1, items + i * size);
		lua_pop(r->L, 1);
		leave(r, before);
	}
}

static void read_field(struct reader *r, const struct mv_wire_field *field, int index, void *data)
{
	if (field->array)
		read_array(r, field, index, data);
	else if (!field->optional || !lua_isnil(r->L, index))
		read_item(r, field, index, (char *)data + field->offset);
}

void mv_lua_read_args(lua_State *L, const char *call, const struct mv_wire_struct *desc, int first, int keep_index,
		      void *data)
{
	struct reader r = { .L = L, .call = call, .keep = keep_index };

	for (uint32_t i = 0; i < desc->field_count; i++) {
		r.argument = (int)i + 1;
		leave(&r, 0);
		enter(&r, "%s", desc->fields[i].name);
		read_field(&r, &desc->fields[i], first + (int)i, data);
	}
}

void mv_lua_read_struct(lua_State *L, const char *call, const struct mv_wire_struct *desc, int index, int keep_index,
			void *data)
{
	struct reader r = { .L = L, .call = call, .keep = keep_index };

	enter(&r, "%s", desc->name);
	read_struct(&r, desc, index, data);
}
