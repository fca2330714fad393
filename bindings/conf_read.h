/* SPDX-License-Identifier: MIT */
/* Lua tables as structures of engine/conf. */
#ifndef BINDINGS_CONF_READ_H
#define BINDINGS_CONF_READ_H

#include <lua.h>

#include "engine/conf/schema.h"

/* Fills a new structure from the table at `index`, as conf_write.h makes them; sizes may be texts with a unit ("2
 * GiB"), numbers texts. Raises for unknown keys, wrong types and values, missing members and whatever the checks
 * refuse. The caller frees `def` in any case. */
void mv_lua_conf_take(lua_State *L, int index, const struct mv_conf_desc *desc, void *def, unsigned flags);

#endif
