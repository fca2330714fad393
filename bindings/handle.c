/* SPDX-License-Identifier: MIT */
#include "bindings/handle.h"

#include <string.h>

#include "bindings/error.h"

#define BOX_METATABLE "moonvisor.box"

struct box {
	void *pointer;
	void (*release)(void *pointer);
};

void *mv_handle_new(lua_State *L, const struct mv_class *class)
{
	struct mv_handle *handle = lua_newuserdatauv(L, class->size, class->uservalues);

	memset(handle, 0, class->size);
	luaL_setmetatable(L, class->metatable);
	return handle;
}

void mv_handle_opened(lua_State *L, const struct mv_class *class, struct mv_handle *handle)
{
	handle->open = true;
	mv_lua_state(L)->open[class->id]++;
}

void *mv_handle_test(lua_State *L, int index, const struct mv_class *class)
{
	return luaL_testudata(L, index, class->metatable);
}

void *mv_handle_check(lua_State *L, int index, const struct mv_class *class)
{
	struct mv_handle *handle = luaL_testudata(L, index, class->metatable);

	if (!handle) {
		mv_lua_fail(L, MV_ERR_INVALID_ARG, 0, "A %s is expected here, not a value of type %s.", class->noun,
			    luaL_typename(L, index));
	} else if (!handle->open) {
		mv_lua_fail(L, (enum mv_error_code) class->closed_code, 0, "This %s is closed.", class->noun);
	}
	return handle;
}

/* The class is the first upvalue of the functions below. */
static const struct mv_class *own_class(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

/* __gc, __close and close(): closing twice is no error. */
static int handle_close(lua_State *L)
{
	const struct mv_class *class = own_class(L);
	struct mv_handle *handle = luaL_checkudata(L, 1, class->metatable);

	if (!handle->open)
		return 0;
	handle->open = false;
	mv_lua_state(L)->open[class->id]--;
	class->release(handle);
	if (class->forget)
		class->forget(L, 1);
	return 0;
}

static int handle_tostring(lua_State *L)
{
	const struct mv_class *class = own_class(L);
	const struct mv_handle *handle = luaL_checkudata(L, 1, class->metatable);

	if (handle->open)
		return class->describe(L);
	lua_pushfstring(L, "%s (closed)", class->noun);
	return 1;
}

static int handle_is_open(lua_State *L)
{
	const struct mv_handle *handle = luaL_checkudata(L, 1, own_class(L)->metatable);

	lua_pushboolean(L, handle->open);
	return 1;
}

/* Raises unless it is open. A class that has more to check brings a function of this name itself. */
static int handle_check(lua_State *L)
{
	mv_handle_check(L, 1, own_class(L));
	return 0;
}

static void set_closure(lua_State *L, const struct mv_class *class, lua_CFunction fn, const char *field)
{
	lua_pushlightuserdata(L, (void *)class);
	lua_pushcclosure(L, fn, 1);
	lua_setfield(L, -2, field);
}

void mv_class_open(lua_State *L, const struct mv_class *class)
{
	lua_newtable(L);
	set_closure(L, class, handle_close, "close");
	set_closure(L, class, handle_is_open, "is_open");
	set_closure(L, class, handle_check, "check");
	luaL_setfuncs(L, class->functions, 0);

	luaL_newmetatable(L, class->metatable);
	lua_getfield(L, -2, "close");
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "__gc");
	lua_setfield(L, -2, "__close");
	set_closure(L, class, handle_tostring, "__tostring");
	if (class->equal) {
		lua_pushcfunction(L, class->equal);
		lua_setfield(L, -2, "__eq");
	}
	lua_setfield(L, -2, "metatable");
	lua_setfield(L, -2, class->name);
}

static int box_gc(lua_State *L)
{
	struct box *box = luaL_checkudata(L, 1, BOX_METATABLE);

	box->release(box->pointer);
	box->pointer = NULL;
	return 0;
}

void **mv_lua_box(lua_State *L, void (*release)(void *))
{
	struct box *box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = (struct box){ .release = release };
	luaL_setmetatable(L, BOX_METATABLE);
	return &box->pointer;
}

/* Not at the first use: without memory in the middle of this, later boxes would have a metatable without __gc. */
void mv_lua_box_open(lua_State *L)
{
	luaL_newmetatable(L, BOX_METATABLE);
	lua_pushcfunction(L, box_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
}
