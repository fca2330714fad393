/* SPDX-License-Identifier: MIT */
#include "bindings/xpath.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bindings/error.h"
#include "bindings/handle.h"
#include "engine/conf/xpath.h"

/* xpath(xml, expression, wrap) -> the nodes as text */
static int xpath(lua_State *L)
{
	const char *xml = luaL_checkstring(L, 1);
	const char *expression = luaL_checkstring(L, 2);
	bool wrap = lua_toboolean(L, 3);
	char **out = (char **)mv_lua_box(L, free);

	if (mv_xpath(xml, expression, wrap, out, mv_lua_error(L)) < 0)
		return mv_lua_raise(L);
	lua_pushstring(L, *out);
	return 1;
}

void mv_lua_xpath_open(lua_State *L)
{
	lua_pushcfunction(L, xpath);
	lua_setfield(L, -2, "xpath");
}
