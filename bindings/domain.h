/* SPDX-License-Identifier: MIT */
#ifndef BINDINGS_DOMAIN_H
#define BINDINGS_DOMAIN_H

#include <lua.h>

#include "bindings/handle.h"
#include "engine/api/moonvisor.h"

/* Uservalue 1: the connection. A domain whose connection is closed cannot be used any more. */
struct mv_lua_domain {
	struct mv_handle handle;
	struct mv_domain *domain;
};

extern const struct mv_class mv_domain_class;

/* Pushes a closed handle for a domain of the connection at stack index `conn`. */
struct mv_lua_domain *mv_lua_domain_new(lua_State *L, int conn);
/* Opens it; `domain` is taken. Does not raise. */
void mv_lua_domain_set(lua_State *L, struct mv_lua_domain *handle, struct mv_domain *domain);

/* Adds the class Domain to the table on the top of the stack. */
void mv_lua_domain_open(lua_State *L);

#endif
