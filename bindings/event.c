/* SPDX-License-Identifier: MIT */
#include "bindings/event.h"

#include <stdlib.h>
#include <string.h>

#include "bindings/conn.h"
#include "bindings/domain.h"
#include "bindings/error.h"
#include "bindings/raw_read.h"
#include "bindings/raw_write.h"
#include "engine/api/notice.h"

struct mv_queued_event {
	struct mv_queued_event *next;
	struct mv_registration *registration;
	struct mv_domain *domain;
	char *id, *event, *detail, *text; /* may be NULL */
	uint64_t number;
	/* Of a notice: */
	enum mv_call_id call;
	void *msg;
};

static void queued_free(struct mv_queued_event *event)
{
	if (event->domain)
		mv_domain_unref(event->domain);
	free(event->id);
	free(event->event);
	free(event->detail);
	free(event->text);
	if (event->msg)
		mv_wire_clear(mv_call_descs[event->call].msg, event->msg);
	free(event->msg);
	free(event);
}

static bool copy(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return *out || !text;
}

static void append(struct mv_lua_event_queue *queue, struct mv_queued_event *queued)
{
	if (queue->last)
		queue->last->next = queued;
	else
		queue->first = queued;
	queue->last = queued;
}

/* Called by the engine, inside mv_conn_dispatch(). */
static void on_event(const struct mv_event *event, void *opaque)
{
	struct mv_registration *registration = opaque;
	struct mv_lua_event_queue *queue = registration->queue;
	struct mv_queued_event *queued = calloc(1, sizeof(*queued));

	if (!queued || !copy(&queued->id, event->id) || !copy(&queued->event, event->event) ||
	    !copy(&queued->detail, event->detail) || !copy(&queued->text, event->text)) {
		queue->lost = true;
		if (queued)
			queued_free(queued);
		return;
	}
	queued->domain = event->domain ? mv_domain_ref(event->domain) : NULL;
	queued->number = event->number;
	queued->registration = registration;
	append(queue, queued);
}

/* The same for notices. */
static void on_notice(enum mv_call_id call, const void *msg, void *opaque)
{
	struct mv_registration *registration = opaque;
	const struct mv_wire_struct *desc = mv_call_descs[call].msg;
	struct mv_queued_event *queued = calloc(1, sizeof(*queued));

	if (queued)
		queued->msg = calloc(1, desc->size);
	if (!queued || !queued->msg || mv_wire_copy(desc, queued->msg, msg, NULL) < 0) {
		registration->queue->lost = true;
		if (queued)
			free(queued->msg);
		free(queued);
		return;
	}
	queued->call = call;
	queued->registration = registration;
	append(registration->queue, queued);
}

static void drop_first(struct mv_lua_event_queue *queue)
{
	struct mv_queued_event *event = queue->first;

	queue->first = event->next;
	if (!queue->first)
		queue->last = NULL;
	queued_free(event);
}

/* What is queued for a registration that has ended is not delivered any more. */
static void drop_events_of(struct mv_lua_event_queue *queue, const struct mv_registration *registration)
{
	struct mv_queued_event **link = &queue->first;

	queue->last = NULL;
	while (*link) {
		struct mv_queued_event *event = *link;

		if (event->registration == registration) {
			*link = event->next;
			queued_free(event);
		} else {
			queue->last = event;
			link = &event->next;
		}
	}
}

static void registration_release(struct mv_handle *handle)
{
	struct mv_registration *registration = mv_container_of(handle, struct mv_registration, handle);
	struct mv_lua_event_queue *queue = registration->queue;
	struct mv_registration **link;

	if (!queue) /* the connection was closed first, and ended it */
		return;
	link = &queue->registrations;
	while (*link && *link != registration)
		link = &(*link)->next;
	if (*link)
		*link = registration->next;
	mv_conn_off(queue->conn, registration->number, NULL);
	drop_events_of(queue, registration);
	registration->queue = NULL;
}

/* Takes it out of the connection's table. Setting nil allocates nothing, so nothing can raise here. */
static void registration_forget(lua_State *L, int index)
{
	lua_getiuservalue(L, index, 1);
	if (lua_isuserdata(L, -1) && lua_getiuservalue(L, -1, 1) == LUA_TTABLE) {
		lua_pushvalue(L, index);
		lua_pushnil(L);
		lua_rawset(L, -3);
	}
	lua_settop(L, index);
}

static int registration_describe(lua_State *L)
{
	const struct mv_registration *registration = lua_touserdata(L, 1);

	if (!registration->queue)
		lua_pushliteral(L, "event registration (connection closed)");
	else if (registration->id[0])
		lua_pushfstring(L, "registration for the event \"%s\"", registration->id);
	else
		lua_pushliteral(L, "registration for all events");
	return 1;
}

void mv_lua_event_queue_clear(struct mv_lua_event_queue *queue)
{
	while (queue->registrations) {
		struct mv_registration *registration = queue->registrations;

		queue->registrations = registration->next;
		mv_conn_off(queue->conn, registration->number, NULL);
		registration->queue = NULL;
	}
	while (queue->first)
		drop_first(queue);
}

/* Stack: conn, ..., function. Pushes a registration, which the connection keeps; it is not open yet. */
static struct mv_registration *new_registration(lua_State *L, struct mv_lua_conn *conn, const char *id)
{
	int function = lua_gettop(L);
	struct mv_registration *registration;

	registration = mv_handle_new(L, &mv_registration_class);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, function + 1, 1);
	lua_pushvalue(L, function);
	lua_setiuservalue(L, function + 1, 2);
	lua_getiuservalue(L, 1, 1);
	lua_pushvalue(L, function + 1);
	lua_pushboolean(L, 1);
	lua_rawset(L, -3); /* the connection keeps it from now on */
	lua_settop(L, function + 1);
	registration->queue = &conn->queue;
	strncat(registration->id, id ? id : "", sizeof(registration->id) - 1);
	return registration;
}

/* The registration is on the top of the stack. */
static int registered(lua_State *L, struct mv_lua_conn *conn, struct mv_registration *registration)
{
	if (registration->number < 0) {
		registration_forget(L, lua_gettop(L));
		return mv_lua_raise(L);
	}
	mv_handle_opened(L, &mv_registration_class, &registration->handle);
	registration->next = conn->queue.registrations;
	conn->queue.registrations = registration;
	return 1;
}

int mv_lua_conn_on(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const char *id = luaL_optstring(L, 2, NULL);
	struct mv_registration *registration;

	luaL_checktype(L, 3, LUA_TFUNCTION);
	lua_settop(L, 3);
	registration = new_registration(L, conn, id);
	registration->number = mv_conn_on(conn->conn, id, on_event, registration, NULL, mv_lua_error(L));
	return registered(L, conn, registration);
}

int mv_lua_conn_listen(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	enum mv_call_id event = mv_call_find(luaL_checkstring(L, 2));
	const struct mv_wire_struct *type = mv_notice_object_type(event);
	struct mv_registration *registration;
	void *object = NULL;

	luaL_checktype(L, 4, LUA_TFUNCTION);
	lua_settop(L, 4);
	lua_pushnil(L);
	if (type && !lua_isnil(L, 3)) {
		object = lua_newuserdatauv(L, type->size, 0);
		memset(object, 0, type->size);
		mv_lua_read_struct(L, lua_tostring(L, 2), type, 3, 5, object);
	}
	lua_pushvalue(L, 4);
	registration = new_registration(L, conn, lua_tostring(L, 2));
	registration->number = mv_conn_listen(conn->conn, event, object, on_notice, registration, NULL,
					      mv_lua_error(L));
	return registered(L, conn, registration);
}

static void set_text(lua_State *L, const char *field, const char *text)
{
	if (!text)
		return;
	lua_pushstring(L, text);
	lua_setfield(L, -2, field);
}

/* Pushes the function of `registration`, which is a key of the connection's table. */
static void push_function(lua_State *L, int conn, const struct mv_registration *registration)
{
	lua_getiuservalue(L, conn, 1);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pop(L, 1);
		if (lua_touserdata(L, -1) == registration) {
			lua_getiuservalue(L, -1, 2);
			lua_replace(L, -3);
			lua_pop(L, 1);
			return;
		}
	}
	lua_pop(L, 1);
	lua_pushnil(L);
}

int mv_lua_conn_next_event(lua_State *L)
{
	struct mv_lua_conn *conn = mv_lua_conn_check(L, 1);
	const struct mv_queued_event *event = conn->queue.first;

	lua_settop(L, 1);
	if (conn->queue.lost) {
		conn->queue.lost = false;
		return mv_lua_fail(L, MV_ERR_NO_MEMORY, 0,
				   "An event was lost, because there was no memory left for it.");
	}
	if (!event)
		return 0;
	push_function(L, 1, event->registration);
	if (event->msg) {
		const struct mv_call_desc *desc = &mv_call_descs[event->call];

		lua_createtable(L, 0, (int)desc->msg->field_count + 1);
		mv_lua_set_fields(L, desc->msg, event->msg);
		set_text(L, "id", desc->name);
		drop_first(&conn->queue);
		return 2;
	}
	lua_createtable(L, 0, 6);
	set_text(L, "id", event->id);
	set_text(L, "event", event->event);
	set_text(L, "detail", event->detail);
	set_text(L, "text", event->text);
	lua_pushinteger(L, (lua_Integer)event->number);
	lua_setfield(L, -2, "number");
	if (event->domain) {
		struct mv_lua_domain *domain = mv_lua_domain_new(L, 1);

		mv_lua_domain_set(L, domain, mv_domain_ref(event->domain));
		lua_setfield(L, -2, "domain");
	}
	drop_first(&conn->queue);
	return 2;
}

static const luaL_Reg functions[] = {
	{ NULL, NULL },
};

const struct mv_class mv_registration_class = {
	.name = "Registration",
	.metatable = "moonvisor.Registration",
	.noun = "event registration",
	.id = MV_CLASS_REGISTRATION,
	.closed_code = MV_ERR_INVALID_ARG,
	.size = sizeof(struct mv_registration),
	.uservalues = 2,
	.release = registration_release,
	.forget = registration_forget,
	.describe = registration_describe,
	.functions = functions,
};

void mv_lua_event_open(lua_State *L)
{
	mv_class_open(L, &mv_registration_class);
}
