/* SPDX-License-Identifier: MIT */
/* Handles: full userdata that stand for something of the engine. One is created closed, gets its metatable, and only
 * then acquires what it stands for; so whatever raises in between, nothing is lost and nothing is released twice. */
#ifndef BINDINGS_HANDLE_H
#define BINDINGS_HANDLE_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "bindings/state.h"

/* The first member of every class's structure. */
struct mv_handle {
	bool open;
};

struct mv_class {
	const char *name;      /* "Domain" */
	const char *metatable; /* "moonvisor.Domain" */
	const char *noun;      /* for messages: "domain" */
	enum mv_class_id id;
	int closed_code; /* enum mv_error_code raised when a closed one is used */
	size_t size;     /* of the structure */
	int uservalues;
	void (*release)(struct mv_handle *handle); /* gives back what it stands for; calls no Lua */
	void (*forget)(lua_State *L, int index);   /* optional: removes it from Lua tables; must not raise */
	int (*describe)(lua_State *L);             /* tostring() of an open one */
	int (*equal)(lua_State *L);                /* optional: __eq */
	const luaL_Reg *functions;                 /* what the class adds to moonvisor.core; the handle comes first */
};

/* Pushes a closed handle, all zero, without uservalues. */
void *mv_handle_new(lua_State *L, const struct mv_class *class);
/* The handle has acquired what it stands for. Does not raise. */
void mv_handle_opened(lua_State *L, const struct mv_class *class, struct mv_handle *handle);
/* The open handle at `index`; raises when the value is something else, or a closed one. */
void *mv_handle_check(lua_State *L, int index, const struct mv_class *class);
/* The same without raising: NULL when it is something else. May be closed. */
void *mv_handle_test(lua_State *L, int index, const struct mv_class *class);

/* Makes the class's metatable and adds to the table on the top of the stack a table NAME with the class's functions,
 * `close`, `is_open`, `check` and the metatable (for stdlib/class.lua, which adds methods and properties). */
void mv_class_open(lua_State *L, const struct mv_class *class);

/* A pointer that the collector frees when the C code that was to free it was jumped over. Pushed on the stack; what is
 * put into it later is released by `release`, which accepts NULL. */
void **mv_lua_box(lua_State *L, void (*release)(void *));
/* Once for a Lua state, before the first box. */
void mv_lua_box_open(lua_State *L);

#endif
