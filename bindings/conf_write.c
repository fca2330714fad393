/* SPDX-License-Identifier: MIT */
#include "bindings/conf_write.h"

#include <lauxlib.h>

static const void *at(const void *def, size_t offset)
{
	return (const char *)def + offset;
}

/* Numbers beyond Lua's integers are pushed as text, which is taken back as well. */
static void push_unsigned(lua_State *L, uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX) {
		lua_pushinteger(L, (lua_Integer)value);
		return;
	}
	lua_pushlstring(L, text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)value));
}

static void push_value(lua_State *L, const struct mv_conf_member *m, const void *item)
{
	char buf[MV_CONF_VALUE_TEXT];

	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_INT: lua_pushinteger(L, *(const int *)item); break;
	case MV_CONF_T_UINT: lua_pushinteger(L, *(const unsigned *)item); break;
	case MV_CONF_T_I64: lua_pushinteger(L, *(const int64_t *)item); break;
	case MV_CONF_T_U64:
	case MV_CONF_T_SIZE: push_unsigned(L, *(const uint64_t *)item); break;
	case MV_CONF_T_HEX: push_unsigned(L, m->wide ? *(const uint64_t *)item : *(const unsigned *)item); break;
	case MV_CONF_T_DOUBLE: lua_pushnumber(L, *(const double *)item); break;
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF:
	case MV_CONF_T_EMPTY: lua_pushboolean(L, *(const bool *)item); break;
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF: lua_pushboolean(L, *(const enum mv_tri *)item == MV_TRI_YES); break;
	default: lua_pushstring(L, mv_conf_value_text(m, item, buf)); break;
	}
}

static void push_struct(lua_State *L, const struct mv_conf_desc *desc, const void *def, unsigned by);

static void push_item(lua_State *L, const struct mv_conf_member *m, const void *item, unsigned by)
{
	if (m->kind == MV_CONF_STRUCT) {
		push_struct(L, m->desc, *(void *const *)item, by);
	} else if (m->kind == MV_CONF_CHOICE) {
		const void *chosen = *(void *const *)item;
		unsigned which = *(const unsigned *)chosen;

		lua_createtable(L, 0, 1);
		if (which < m->n_alternatives) {
			const struct mv_conf_alternative *a = &m->alternatives[which];
			const void *inner = *(void *const *)at(chosen, a->offset);

			if (inner) {
				push_struct(L, a->desc, inner, by);
				lua_setfield(L, -2, a->field);
			}
		}
	} else {
		push_value(L, m, item);
	}
}

static bool push_list(lua_State *L, const struct mv_conf_member *m, const void *def, unsigned by)
{
	const char *list = *(char *const *)at(def, m->offset);
	size_t count = *(const size_t *)at(def, m->count_offset);
	size_t size = m->kind == MV_CONF_STRUCT || m->kind == MV_CONF_CHOICE ? sizeof(void *) : mv_conf_value_size(m);

	if (count == 0)
		return false;
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		push_item(L, m, list + i * size, by);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return true;
}

static bool applies(const struct mv_conf_member *m, const void *def, unsigned by)
{
	if (!m->only)
		return true;
	if (m->only_own)
		by = *(const unsigned *)at(def, (size_t)m->by);
	return by < 64 && m->only >> by & 1;
}

/* False, and nothing pushed: it is not given. */
static bool push_member(lua_State *L, const struct mv_conf_member *m, const void *def, unsigned by)
{
	const void *item = at(def, m->offset);

	if (!applies(m, def, by))
		return false;
	if (m->by >= 0)
		by = *(const unsigned *)at(def, (size_t)m->by);
	if (m->flags & MV_CONF_LIST)
		return push_list(L, m, def, by);
	if (m->kind == MV_CONF_STRUCT) {
		if (m->flags & MV_CONF_POINTER)
			item = *(void *const *)item;
		if (!item || !*(const bool *)item)
			return false;
		push_struct(L, m->desc, item, by);
		return true;
	}
	/* What is quiet is not written in XML because it goes without saying; a script wants to read it. */
	if (!(m->flags & MV_CONF_QUIET) && !mv_conf_is_given(m, def))
		return false;
	push_value(L, m, item);
	return true;
}

static void push_struct(lua_State *L, const struct mv_conf_desc *desc, const void *def, unsigned by)
{
	luaL_checkstack(L, 8, "the configuration is too deep");
	lua_newtable(L);
	for (unsigned i = 0; i < desc->n_members; i++) {
		if (push_member(L, &desc->members[i], def, by))
			lua_setfield(L, -2, desc->members[i].field);
	}
}

void mv_lua_conf_push(lua_State *L, const struct mv_conf_desc *desc, const void *def)
{
	push_struct(L, desc, def, 0);
}
