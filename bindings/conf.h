/* SPDX-License-Identifier: MIT */
/* Configuration objects (engine/conf) for Lua: core.conf. */
#ifndef BINDINGS_CONF_H
#define BINDINGS_CONF_H

#include <lua.h>

#include "engine/conf/schema.h"

/* Adds `conf` to the table on the top of the stack:
 *
 *   kinds                                 sequence of the names of all kinds: "domain", "network", ...
 *   schemas                               name of a kind -> libvirt's schema of it ("domain.rng"; nil: it has none)
 *   parse(kind, xml [, flags])            the object as a table, and a sequence of notes {line=, path=, message=}
 *   format(kind, object [, flags])        its XML
 *
 *   on_note(function or nil)              called with the message of each note about XML that a call is given; nil:
 * they are written to standard error
 *
 * A kind is one of `kinds` or the name of a structure in a schema ("disk": one device). flags: a table of "validate",
 * "live", "secure" = true. What is wrong is raised; in a table, with its path ("devices.disks[2].target.buss is not
 * known; did you mean 'bus'?"). */
void mv_lua_conf_open(lua_State *L);

/* Says the notes, as on_note() was told, and clears them. May raise. */
void mv_lua_conf_warn(lua_State *L, struct mv_conf_notes *notes);

#endif
