/* SPDX-License-Identifier: MIT */
#include "bindings/conf.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/conf_read.h"
#include "bindings/conf_write.h"
#include "bindings/error.h"
#include "bindings/handle.h"
#include "engine/conf/schema.h"
#include "engine/conf/suggest.h"

/* What a call holds outside of Lua, freed when something raises. */
struct hold {
	const struct mv_conf_desc *desc;
	void *def;
	char *xml;
	struct mv_conf_notes notes;
};

static void hold_free(void *pointer)
{
	struct hold *hold = pointer;

	if (!hold)
		return;
	mv_conf_free(hold->desc, hold->def);
	free(hold->xml);
	mv_conf_notes_clear(&hold->notes);
	free(hold);
}

static struct hold *new_hold(lua_State *L, const struct mv_conf_desc *desc)
{
	void **box = mv_lua_box(L, hold_free);
	struct hold *hold = *box = calloc(1, sizeof(*hold));

	if (!hold) {
		mv_lua_fail(L, MV_ERR_NO_MEMORY, 0, "There is no memory left for a configuration.");
		return NULL;
	}
	hold->desc = desc;
	return hold;
}

/* The kind or structure of that name; raises. */
static const struct mv_conf_desc *check_kind(lua_State *L, int index, const char **element)
{
	const char *name = luaL_checkstring(L, index);
	const struct mv_conf_kind *kind = mv_conf_kind_find(name);
	const struct mv_conf_desc *desc = kind ? kind->desc : mv_conf_desc_find(name);
	const char *names[64];
	const char *near;
	size_t count = 0;

	*element = kind ? kind->element : desc ? desc->element : NULL;
	if (*element)
		return desc;
	for (; count < mv_conf_n_kinds && count < MV_ARRAY_SIZE(names); count++)
		names[count] = mv_conf_kinds[count]->name;
	near = mv_suggest(name, names, count);
	mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "There is no kind of object '%s'%s%s%s", name,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

static unsigned check_flags(lua_State *L, int index)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = { { "validate", MV_CONF_VALIDATE }, { "live", MV_CONF_LIVE }, { "secure", MV_CONF_SECURE } };
	unsigned result = 0;

	if (lua_isnoneornil(L, index))
		return 0;
	luaL_checktype(L, index, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		size_t i = 0;

		if (lua_type(L, -2) == LUA_TSTRING) {
			while (i < MV_ARRAY_SIZE(flags) && strcmp(flags[i].name, lua_tostring(L, -2)) != 0)
				i++;
		}
		if (lua_type(L, -2) != LUA_TSTRING || i == MV_ARRAY_SIZE(flags))
			mv_lua_fail(L, MV_ERR_INVALID_ARG, 0,
				    "The flags are validate, live and secure, each true or false.");
		if (lua_toboolean(L, -1))
			result |= flags[i].flag;
	}
	return result;
}

static void push_notes(lua_State *L, const struct mv_conf_notes *notes)
{
	lua_createtable(L, (int)notes->count, 0);
	for (size_t i = 0; i < notes->count; i++) {
		lua_createtable(L, 0, 3);
		lua_pushinteger(L, notes->notes[i].line);
		lua_setfield(L, -2, "line");
		lua_pushstring(L, notes->notes[i].path);
		lua_setfield(L, -2, "path");
		lua_pushstring(L, notes->notes[i].message);
		lua_setfield(L, -2, "message");
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	if (notes->dropped > 0) {
		lua_pushinteger(L, (lua_Integer)notes->dropped);
		lua_setfield(L, -2, "dropped");
	}
}

static int conf_parse(lua_State *L)
{
	const char *element;
	const struct mv_conf_desc *desc = check_kind(L, 1, &element);
	size_t len;
	const char *xml = luaL_checklstring(L, 2, &len);
	unsigned flags = check_flags(L, 3);
	struct hold *hold = new_hold(L, desc);

	if (memchr(xml, 0, len))
		return mv_lua_fail(L, MV_ERR_XML, 0, "the XML has a zero byte in it");
	if (mv_conf_parse_element(desc, element, xml, flags, &hold->notes, &hold->def, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	mv_lua_conf_push(L, desc, hold->def);
	push_notes(L, &hold->notes);
	return 2;
}

static int conf_format(lua_State *L)
{
	const char *element;
	const struct mv_conf_desc *desc = check_kind(L, 1, &element);
	unsigned flags = check_flags(L, 3);
	struct hold *hold = new_hold(L, desc);

	luaL_checktype(L, 2, LUA_TTABLE);
	hold->def = mv_conf_new(desc, mv_lua_error(L));
	if (!hold->def)
		return mv_lua_raise(L);
	mv_lua_conf_take(L, 2, desc, hold->def, flags);
	if (mv_conf_format_element(desc, element, hold->def, flags, &hold->xml, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	lua_pushstring(L, hold->xml);
	return 1;
}

static const char on_note_key; /* its address is the key of the function in the registry */

static int conf_on_note(lua_State *L)
{
	if (!lua_isnoneornil(L, 1))
		luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &on_note_key);
	return 0;
}

/* Stack: the message. */
static void warn(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &on_note_key) == LUA_TFUNCTION) {
		lua_insert(L, -2);
		lua_call(L, 1, 0);
		return;
	}
	fprintf(stderr, "warning: %s\n", lua_tostring(L, -2));
	lua_pop(L, 2);
}

void mv_lua_conf_warn(lua_State *L, struct mv_conf_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		lua_pushstring(L, notes->notes[i].message);
		warn(L);
	}
	if (notes->dropped > 0) {
		lua_pushfstring(L, "%I more like these", (lua_Integer)notes->dropped);
		warn(L);
	}
	mv_conf_notes_clear(notes);
}

void mv_lua_conf_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "parse", conf_parse }, { "format", conf_format }, { "on_note", conf_on_note }, { NULL, NULL }
	};

	luaL_newlib(L, functions);
	lua_createtable(L, (int)mv_conf_n_kinds, 0);
	for (size_t i = 0; i < mv_conf_n_kinds; i++) {
		lua_pushstring(L, mv_conf_kinds[i]->name);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_setfield(L, -2, "kinds");
	lua_createtable(L, 0, (int)mv_conf_n_kinds);
	for (size_t i = 0; i < mv_conf_n_kinds; i++) {
		lua_pushstring(L, mv_conf_kinds[i]->schema);
		lua_setfield(L, -2, mv_conf_kinds[i]->name);
	}
	lua_setfield(L, -2, "schemas");
	lua_setfield(L, -2, "conf");
}
