/* SPDX-License-Identifier: MIT */
/* Event registrations, and the events that wait for their function. The engine's callback only queues: no Lua runs
 * inside an engine call, so a function may raise, and may call whatever it likes. */
#ifndef BINDINGS_EVENT_H
#define BINDINGS_EVENT_H

#include <lua.h>
#include <stdbool.h>

#include "bindings/handle.h"
#include "engine/api/moonvisor.h"

struct mv_queued_event;

/* Uservalue 1: the connection. Uservalue 2: the function. */
struct mv_registration {
	struct mv_handle handle;
	struct mv_lua_event_queue *queue;
	struct mv_registration *next;
	int number;
	char id[64]; /* "" for all */
};

struct mv_lua_event_queue {
	struct mv_conn *conn; /* borrowed */
	struct mv_queued_event *first, *last;
	struct mv_registration *registrations;
	bool lost; /* there was no memory for an event */
};

extern const struct mv_class mv_registration_class;

/* Ends all registrations and frees all events. Calls no Lua. */
void mv_lua_event_queue_clear(struct mv_lua_event_queue *queue);

/* on(conn, id or nil, function) -> registration */
int mv_lua_conn_on(lua_State *L);
/* listen(conn, event procedure's name, reference or nil, function) -> registration */
int mv_lua_conn_listen(lua_State *L);
/* next_event(conn) -> function, event; nothing when none is left */
int mv_lua_conn_next_event(lua_State *L);

void mv_lua_event_open(lua_State *L);

#endif
