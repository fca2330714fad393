/* SPDX-License-Identifier: MIT */
#include "bindings/raw_write.h"

#include <lauxlib.h>
#include <string.h>

#include "engine/api/call.h"
#include "engine/conf/uuid.h"

static void push_blob(lua_State *L, const struct mv_blob *blob, bool text)
{
	const char *data = blob->data ? blob->data : "";
	size_t size = blob->data ? blob->size : 0;

	/* Text travels with its NUL. */
	if (text && size && data[size - 1] == 0)
		size--;
	lua_pushlstring(L, data, size);
}

static void push_typed(lua_State *L, const struct mv_typed_param *param)
{
	static const char *const names[] = { "", "int", "uint", "llong", "ullong", "double", "boolean", "string" };

	lua_createtable(L, 0, 3);
	lua_pushstring(L, param->field ? param->field : "");
	lua_setfield(L, -2, "field");
	switch (param->type) {
	case MV_TYPED_INT: lua_pushinteger(L, param->value.i); break;
	case MV_TYPED_UINT: lua_pushinteger(L, param->value.ui); break;
	case MV_TYPED_LLONG: lua_pushinteger(L, param->value.l); break;
	case MV_TYPED_ULLONG: lua_pushinteger(L, (lua_Integer)param->value.ul); break;
	case MV_TYPED_DOUBLE: lua_pushnumber(L, param->value.d); break;
	case MV_TYPED_BOOLEAN: lua_pushboolean(L, param->value.b); break;
	case MV_TYPED_STRING: lua_pushstring(L, param->value.s ? param->value.s : ""); break;
	default: return; /* a type that nobody knows has no value that could be shown */
	}
	lua_setfield(L, -2, "value");
	lua_pushstring(L, names[param->type]);
	lua_setfield(L, -2, "type");
}

static void push_array(lua_State *L, const struct mv_wire_field *field, const void *data);

/* keys: stack index of the first field's name, 0: they are not on the stack. A long list of structures has them there
 * once, since looking up a name costs more than the rest. */
static void push_struct(lua_State *L, const struct mv_wire_struct *desc, const void *data, int keys);

static void push_item(lua_State *L, const struct mv_wire_field *field, const void *at, int keys)
{
	char uuid[MV_UUID_TEXT];
	const char *text;

	switch (field->kind) {
	case MV_WIRE_INT: lua_pushinteger(L, *(const int32_t *)at); break;
	case MV_WIRE_UINT: lua_pushinteger(L, *(const uint32_t *)at); break;
	case MV_WIRE_HYPER:
	case MV_WIRE_UHYPER: lua_pushinteger(L, *(const int64_t *)at); break;
	case MV_WIRE_CHAR: lua_pushinteger(L, *(const int8_t *)at); break;
	case MV_WIRE_UCHAR: lua_pushinteger(L, *(const uint8_t *)at); break;
	case MV_WIRE_USHORT: lua_pushinteger(L, *(const uint16_t *)at); break;
	case MV_WIRE_STRING:
		text = *(char *const *)at;
		lua_pushstring(L, text || field->optional ? text : "");
		break;
	case MV_WIRE_UUID: lua_pushlstring(L, mv_uuid_format(at, uuid), MV_UUID_TEXT - 1); break;
	case MV_WIRE_BLOB: push_blob(L, at, false); break;
	case MV_WIRE_CHARS: push_blob(L, at, true); break;
	case MV_WIRE_TEXT: lua_pushlstring(L, at, strnlen(at, field->limit)); break;
	case MV_WIRE_TYPED: push_typed(L, at); break;
	case MV_WIRE_STRUCT:
		if (!field->optional)
			push_struct(L, field->type, at, keys);
		else if (*(void *const *)at)
			push_struct(L, field->type, *(void *const *)at, keys);
		else
			lua_pushnil(L);
		break;
	}
}

static void push_field(lua_State *L, const struct mv_wire_field *field, const void *data)
{
	if (field->array)
		push_array(L, field, data);
	else
		push_item(L, field, (const char *)data + field->offset, 0);
}

static void push_struct(lua_State *L, const struct mv_wire_struct *desc, const void *data, int keys)
{
	luaL_checkstack(L, 8, "a result is nested too deep");
	lua_createtable(L, 0, (int)desc->field_count);
	for (uint32_t i = 0; i < desc->field_count; i++) {
		if (keys)
			lua_pushvalue(L, keys + (int)i);
		else
			lua_pushstring(L, desc->fields[i].name);
		push_field(L, &desc->fields[i], data);
		lua_rawset(L, -3);
	}
}

static void push_array(lua_State *L, const struct mv_wire_field *field, const void *data)
{
	const char *items = *(char *const *)((const char *)data + field->offset);
	size_t count = *(const size_t *)((const char *)data + field->count_offset);
	size_t size = mv_wire_item_size(field);
	int keys = 0;
	int named = 0;

	if (count > 1 && field->kind == MV_WIRE_STRUCT) {
		named = (int)field->type->field_count;
		luaL_checkstack(L, named + 8, "a result has too many fields");
		keys = lua_gettop(L) + 1;
		for (int i = 0; i < named; i++)
			lua_pushstring(L, field->type->fields[i].name);
	}
	lua_createtable(L, count < 0x7fffffff ? (int)count : 0, 0);
	for (size_t i = 0; i < count; i++) {
		push_item(L, field, items + i * size, keys);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	if (named) {
		lua_replace(L, keys);
		lua_settop(L, keys);
	}
}

void mv_lua_push_struct(lua_State *L, const struct mv_wire_struct *desc, const void *data)
{
	push_struct(L, desc, data, 0);
}

void mv_lua_set_fields(lua_State *L, const struct mv_wire_struct *desc, const void *data)
{
	for (uint32_t i = 0; i < desc->field_count; i++) {
		const struct mv_wire_field *field = &desc->fields[i];

		if (strcmp(field->name, "callbackID") == 0)
			continue;
		if (field->kind == MV_WIRE_STRUCT && !field->array && strcmp(field->name, "msg") == 0) {
			mv_lua_set_fields(L, field->type, (const char *)data + field->offset);
			continue;
		}
		push_field(L, field, data);
		lua_setfield(L, -2, field->name);
	}
}

int mv_lua_push_ret(lua_State *L, const struct mv_wire_struct *desc, const void *data)
{
	if (!desc)
		return 0;
	if (desc->field_count == 1)
		push_field(L, &desc->fields[0], data);
	else
		push_struct(L, desc, data, 0);
	return 1;
}
