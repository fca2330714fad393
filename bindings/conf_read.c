/* SPDX-License-Identifier: MIT */
#include "bindings/conf_read.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/error.h"
#include "bindings/handle.h"
#include "engine/conf/suggest.h"

#define PATH_TEXT 256
#define MAX_NAMES 256

/* Where the walk is: each step lives in its function's frame. */
struct step {
	const struct step *above;
	const char *field;
	lua_Integer index; /* 0: no item of a list */
};

struct walk {
	lua_State *L;
	unsigned flags;
	int why; /* stack index of the box for texts of the engine */
};

static void *at(void *def, size_t offset)
{
	return (char *)def + offset;
}

/* "devices.disks[2].target" */
static size_t path_of(const struct step *step, char path[PATH_TEXT])
{
	size_t len = step->above ? path_of(step->above, path) : 0;
	int n;

	if (!step->field)
		return len;
	n = snprintf(path + len, PATH_TEXT - len, "%s%s", len ? "." : "", step->field);
	len += n < 0 ? 0 : (size_t)n;
	if (step->index > 0 && len < PATH_TEXT) {
		n = snprintf(path + len, PATH_TEXT - len, "[%lld]", (long long)step->index);
		len += n < 0 ? 0 : (size_t)n;
	}
	return len < PATH_TEXT ? len : PATH_TEXT - 1;
}

static void refuse(const struct walk *w, const struct step *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void refuse(const struct walk *w, const struct step *step, const char *fmt, ...)
{
	char path[PATH_TEXT] = "", text[512];
	va_list args;

	path_of(step, path);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mv_lua_fail(w->L, MV_ERR_XML, 0, "%s%s%s", path, *path ? " " : "", text);
}

static void no_memory(const struct walk *w)
{
	mv_lua_fail(w->L, MV_ERR_NO_MEMORY, 0, "There is no memory left for a configuration.");
}

/* --- values ---------------------------------------------------------------------------------------------------- */

static const char *wanted_type(const struct mv_conf_member *m)
{
	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_INT:
	case MV_CONF_T_UINT:
	case MV_CONF_T_I64:
	case MV_CONF_T_U64:
	case MV_CONF_T_HEX: return "an integer";
	case MV_CONF_T_SIZE: return "an integer or a text with a unit";
	case MV_CONF_T_DOUBLE: return "a number";
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF:
	case MV_CONF_T_EMPTY:
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF: return "a boolean";
	default: return "a string";
	}
}

static bool is_boolean(const struct mv_conf_member *m)
{
	return (m->type >= MV_CONF_T_BOOL && m->type <= MV_CONF_T_TRI_ONOFF);
}

static bool is_number(const struct mv_conf_member *m)
{
	return (m->type >= MV_CONF_T_INT && m->type <= MV_CONF_T_SIZE) || m->type == MV_CONF_T_DOUBLE;
}

static void take_text(const struct walk *w, const struct step *step, const struct mv_conf_member *m, const char *text,
		      size_t len, const char *unit, void *item)
{
	struct mv_conf_member kept;
	void **box = lua_touserdata(w->L, w->why);
	char *why = NULL;

	if (memchr(text, 0, len))
		refuse(w, step, "has a zero byte in it");
	if (m->type == MV_CONF_T_SIZE && !unit) {
		/* A number is what parse() gives: in the unit that is kept, which need not be the one that XML means.
		 */
		kept = *m;
		kept.read_unit = m->unit;
		m = &kept;
	}
	if (mv_conf_value_read(m, text, len, unit, item, &why) == 0)
		return;
	if (!why)
		no_memory(w);
	free(*box);
	*box = why;
	refuse(w, step, "'%.64s%s' %s", text, len > 64 ? "..." : "", why);
}

/* "2 GiB": the number and its unit apart. */
static void take_size(const struct walk *w, const struct step *step, const struct mv_conf_member *m, const char *text,
		      void *item)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	char number[24];

	while (isspace((unsigned char)*unit))
		unit++;
	if (digits == 0 || digits >= sizeof(number)) {
		refuse(w, step, "'%.64s' is not a size", text);
		return;
	}
	memcpy(number, text, digits);
	number[digits] = 0;
	take_text(w, step, m, number, digits, *unit ? unit : NULL, item);
}

static void take_boolean(const struct walk *w, const struct step *step, const struct mv_conf_member *m, int index,
			 void *item)
{
	bool value = lua_toboolean(w->L, index);

	if (lua_type(w->L, index) != LUA_TBOOLEAN)
		refuse(w, step, "is not a boolean but a %s", luaL_typename(w->L, index));
	if (m->type == MV_CONF_T_TRI_BOOL || m->type == MV_CONF_T_TRI_ONOFF)
		*(enum mv_tri *)item = value ? MV_TRI_YES : MV_TRI_NO;
	else
		*(bool *)item = value;
}

static void take_number(const struct walk *w, const struct step *step, const struct mv_conf_member *m, int index,
			void *item)
{
	int is_integer;
	lua_Integer integer = lua_tointegerx(w->L, index, &is_integer);
	char text[48];

	if (m->type == MV_CONF_T_DOUBLE)
		snprintf(text, sizeof(text), "%.17g", lua_tonumber(w->L, index));
	else if (!is_integer)
		refuse(w, step, "is not a whole number");
	else if (m->base == 16)
		snprintf(text, sizeof(text), "%s0x%llx", integer < 0 ? "-" : "",
			 integer < 0 ? 0 - (unsigned long long)integer : (unsigned long long)integer);
	else
		snprintf(text, sizeof(text), "%lld", (long long)integer);
	take_text(w, step, m, text, strlen(text), NULL, item);
}

static void take_raw(const struct walk *w, const struct step *step, const struct mv_conf_member *m, int index,
		     char **item)
{
	if (lua_type(w->L, index) != LUA_TSTRING)
		refuse(w, step, "is not a string but a %s", luaL_typename(w->L, index));
	free(*item);
	*item = NULL;
	if (mv_conf_raw_read(m->name, lua_tostring(w->L, index), item, mv_lua_error(w->L)) < 0)
		mv_lua_raise(w->L);
}

static void take_value(const struct walk *w, const struct step *step, const struct mv_conf_member *m, int index,
		       void *item)
{
	int type = lua_type(w->L, index);
	size_t len;
	const char *text;

	if (m->kind == MV_CONF_RAW) {
		take_raw(w, step, m, index, item);
		return;
	}
	if (is_boolean(m)) {
		take_boolean(w, step, m, index, item);
		return;
	}
	if (type == LUA_TNUMBER && is_number(m)) {
		take_number(w, step, m, index, item);
		return;
	}
	if (type != LUA_TSTRING)
		refuse(w, step, "is not %s but a %s", wanted_type(m), luaL_typename(w->L, index));
	text = lua_tolstring(w->L, index, &len);
	if (m->type == MV_CONF_T_SIZE)
		take_size(w, step, m, text, item);
	else
		take_text(w, step, m, text, len, NULL, item);
}

/* --- structures ------------------------------------------------------------------------------------------------ */

static void take_struct(struct walk *w, const struct step *step, int index, const struct mv_conf_desc *desc, void *def,
			unsigned by);

static void check_table(const struct walk *w, const struct step *step, int index)
{
	if (lua_type(w->L, index) != LUA_TTABLE)
		refuse(w, step, "is not a table but a %s", luaL_typename(w->L, index));
}

static void check_keys(const struct walk *w, const struct step *step, int index, const struct mv_conf_desc *desc)
{
	lua_State *L = w->L;

	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
		const char *names[MAX_NAMES], *near;
		unsigned i = 0;

		if (!key) {
			refuse(w, step, "has a key that is a %s", luaL_typename(L, -2));
			return;
		}
		while (i < desc->n_members && strcmp(desc->members[i].field, key) != 0)
			i++;
		if (i < desc->n_members)
			continue;
		for (i = 0; i < desc->n_members && i < MAX_NAMES; i++)
			names[i] = desc->members[i].field;
		near = mv_suggest(key, names, i);
		struct step wrong = { .above = step, .field = key };

		refuse(w, &wrong, "is not known%s%s%s", near ? "; did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
	}
}

/* A new structure at the end of a list, owned by it. */
static void *add_struct(const struct walk *w, const struct mv_conf_desc *desc, void *list, size_t *count)
{
	void *def = mv_conf_new(desc, mv_lua_error(w->L));

	if (def && mv_conf_append_pointer(list, count, def, mv_lua_error(w->L)) == 0)
		return def;
	mv_conf_free(desc, def);
	no_memory(w);
	return NULL;
}

static void take_choice(struct walk *w, const struct step *step, const struct mv_conf_member *m, int index, void *def,
			unsigned by)
{
	const char *names[MAX_NAMES], *key, *near;
	void *item, *inner;
	unsigned i = 0;

	check_table(w, step, index);
	lua_pushnil(w->L);
	key = lua_next(w->L, index) && lua_type(w->L, -2) == LUA_TSTRING ? lua_tostring(w->L, -2) : NULL;
	if (!key) {
		refuse(w, step, "is not a table with one field, whose name says what it is");
		return;
	}
	while (i < m->n_alternatives && strcmp(m->alternatives[i].field, key) != 0)
		i++;
	struct step inside = { .above = step, .field = key };

	if (i == m->n_alternatives) {
		for (i = 0; i < m->n_alternatives && i < MAX_NAMES; i++)
			names[i] = m->alternatives[i].field;
		near = mv_suggest(key, names, i);
		refuse(w, &inside, "is not known%s%s%s", near ? "; did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
	}
	lua_pushvalue(w->L, -2);
	if (lua_next(w->L, index))
		refuse(w, step, "has more than one field");
	item = calloc(1, m->item_size);
	if (!item ||
	    mv_conf_append_pointer(at(def, m->offset), at(def, m->count_offset), item, mv_lua_error(w->L)) < 0) {
		free(item);
		no_memory(w);
		return;
	}
	*(unsigned *)item = i;
	inner = mv_conf_new(m->alternatives[i].desc, mv_lua_error(w->L));
	if (!inner)
		no_memory(w);
	*(void **)at(item, m->alternatives[i].offset) = inner;
	take_struct(w, &inside, lua_gettop(w->L), m->alternatives[i].desc, inner, by);
	lua_pop(w->L, 2);
}

static void take_item(struct walk *w, const struct step *step, const struct mv_conf_member *m, void *def, unsigned by)
{
	size_t *count = at(def, m->count_offset), size = mv_conf_value_size(m), room = 1;
	int index = lua_gettop(w->L);
	char *list;

	if (m->kind == MV_CONF_STRUCT) {
		check_table(w, step, index);
		take_struct(w, step, index, m->desc, add_struct(w, m->desc, at(def, m->offset), count), by);
		return;
	}
	if (m->kind == MV_CONF_CHOICE) {
		take_choice(w, step, m, index, def, by);
		return;
	}
	while (room <= *count)
		room *= 2;
	list = realloc(*(void **)at(def, m->offset), room * size);
	if (!list) {
		no_memory(w);
		return;
	}
	*(void **)at(def, m->offset) = list;
	memset(list + *count * size, 0, size);
	take_value(w, step, m, index, list + *count * size);
	++*count;
}

static void take_list(struct walk *w, const struct step *step, const struct mv_conf_member *m, int index, void *def,
		      unsigned by)
{
	lua_Integer count = 0;

	check_table(w, step, index);
	for (lua_pushnil(w->L); lua_next(w->L, index); lua_pop(w->L, 1))
		count++;
	if (count > m->max_items)
		refuse(w, step, "has %lld items; at most %u are possible", (long long)count, m->max_items);
	for (lua_Integer i = 1; i <= count; i++) {
		struct step item = { .above = step->above, .field = m->field, .index = i };

		if (lua_rawgeti(w->L, index, i) == LUA_TNIL)
			refuse(w, step, "is not a sequence");
		take_item(w, &item, m, def, by);
		lua_pop(w->L, 1);
	}
}

static void take_member_struct(struct walk *w, const struct step *step, const struct mv_conf_member *m, int index,
			       void *def, unsigned by)
{
	void *inner = at(def, m->offset);

	check_table(w, step, index);
	if (m->flags & MV_CONF_POINTER) {
		void **pointer = inner;

		if (!*pointer)
			*pointer = mv_conf_new(m->desc, mv_lua_error(w->L));
		if (!*pointer)
			no_memory(w);
		inner = *pointer;
	} else if (!*(bool *)inner && mv_conf_init(m->desc, inner, mv_lua_error(w->L)) < 0) {
		no_memory(w);
	}
	take_struct(w, step, index, m->desc, inner, by);
}

static bool applies(const struct mv_conf_member *m, void *def, unsigned by)
{
	if (!m->only)
		return true;
	if (m->only_own)
		by = *(unsigned *)at(def, (size_t)m->by);
	return by < 64 && m->only >> by & 1;
}

/* Whether another member that has the same name in Lua applies. */
static bool is_other(const struct mv_conf_desc *desc, const struct mv_conf_member *m, void *def, unsigned by)
{
	for (unsigned i = 0; i < desc->n_members; i++) {
		const struct mv_conf_member *other = &desc->members[i];

		if (other != m && !strcmp(other->field, m->field) && applies(other, def, by))
			return true;
	}
	return false;
}

static void take_member(struct walk *w, const struct step *above, const struct mv_conf_desc *desc,
			const struct mv_conf_member *m, int index, void *def, unsigned by)
{
	struct step step = { .above = above, .field = m->field };
	unsigned inner_by = m->by >= 0 ? *(unsigned *)at(def, (size_t)m->by) : by;
	int value = lua_gettop(w->L) + 1;

	if (lua_getfield(w->L, index, m->field) == LUA_TNIL) {
		if (m->flags & MV_CONF_REQUIRED && applies(m, def, by) && m->kind != MV_CONF_TEXT)
			refuse(w, &step, "is missing");
		lua_pop(w->L, 1);
		return;
	}
	if (!applies(m, def, by)) {
		if (!is_other(desc, m, def, by))
			refuse(w, &step, "does not apply here");
		lua_pop(w->L, 1);
		return;
	}
	if (m->flags & MV_CONF_LIST) {
		take_list(w, &step, m, value, def, inner_by);
	} else if (m->kind == MV_CONF_STRUCT) {
		take_member_struct(w, &step, m, value, def, inner_by);
	} else {
		take_value(w, &step, m, value, at(def, m->offset));
		if (m->flags & MV_CONF_HAS)
			*(bool *)at(def, m->has_offset) = true;
	}
	lua_pop(w->L, 1);
}

static void take_struct(struct walk *w, const struct step *step, int index, const struct mv_conf_desc *desc, void *def,
			unsigned by)
{
	char path[PATH_TEXT] = "";

	luaL_checkstack(w->L, 8, "the table is too deep");
	check_keys(w, step, index, desc);
	/* What decides about other members are attributes. */
	for (int dependent = 0; dependent < 2; dependent++) {
		for (unsigned i = 0; i < desc->n_members; i++) {
			const struct mv_conf_member *m = &desc->members[i];

			if ((m->kind != MV_CONF_ATTR || m->only_own) == dependent)
				take_member(w, step, desc, m, index, def, by);
		}
	}
	if (!desc->check)
		return;
	path_of(step, path);
	struct mv_conf_at where = { .path = *path ? path : NULL, .flags = w->flags };

	if (desc->check(def, &where, mv_lua_error(w->L)) < 0)
		mv_lua_raise(w->L);
}

void mv_lua_conf_take(lua_State *L, int index, const struct mv_conf_desc *desc, void *def, unsigned flags)
{
	struct step root = { 0 };
	struct walk w = { .L = L, .flags = flags };

	mv_lua_box(L, free);
	w.why = lua_gettop(L);
	take_struct(&w, &root, lua_absindex(L, index), desc, def, 0);
	lua_pop(L, 1);
}
