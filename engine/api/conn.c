/* Connections and the delivery of events. */
#include "engine/api/conn.h"

#include <stdlib.h>
#include <string.h>

#include "engine/kvm/driver.h"
#include "engine/test/driver.h"

static const struct mv_driver_ops *const drivers[] = {
	&mv_kvm_driver,
	&mv_test_driver,
};

static const char *const event_ids[MV_EVENT_ID_LAST] = {
	[MV_EVENT_ID_LIFECYCLE] = "lifecycle",
	[MV_EVENT_ID_REBOOT] = "reboot",
	[MV_EVENT_ID_BALLOON] = "balloon",
	[MV_EVENT_ID_DEVICE] = "device",
};

int mv_conn_open(const char *uri, struct mv_conn **out, struct mv_error **err)
{
	return mv_conn_open_flags(uri, 0, out, err);
}

int mv_conn_open_flags(const char *uri, unsigned flags, struct mv_conn **out, struct mv_error **err)
{
	mv_auto(mv_uri) parsed = NULL;
	const struct mv_driver_ops *ops = NULL;
	struct mv_conn *conn;

	if (flags & ~(unsigned)MV_CONN_READ_ONLY)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The flags 0x%x are not known", flags);
	if (mv_uri_parse(uri, &parsed, err) < 0)
		return -1;
	for (size_t i = 0; i < MV_ARRAY_SIZE(drivers); i++) {
		if (strcmp(drivers[i]->scheme, parsed->scheme) == 0)
			ops = drivers[i];
	}
	if (!ops)
		return mv_error_set(
			err, MV_ERR_NO_SUPPORT,
			"There is no driver for '%s'; try kvm:///embed?root=DIR, which runs guests from this process, or test:///default",
			uri);
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a connection");
	conn->refs = 1;
	conn->read_only = flags & MV_CONN_READ_ONLY;
	conn->uri = strdup(uri);
	if (!conn->uri) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a connection");
		goto fail;
	}
	if (ops->open(parsed, &conn->drv, err) < 0)
		goto fail;
	*out = conn;
	return 0;
fail:
	free(conn->uri);
	free(conn);
	return -1;
}

struct mv_conn *mv_conn_ref(struct mv_conn *conn)
{
	conn->refs++;
	return conn;
}

static void free_listener(struct mv_listener *l)
{
	if (l->free_opaque)
		l->free_opaque(l->opaque);
	free(l->object_name);
	free(l);
}

void mv_conn_unref(struct mv_conn *conn)
{
	if (!conn || --conn->refs)
		return;
	conn->drv->notices.listeners = 0; /* nobody hears what happens at the end */
	mv_notices_clear(conn->drv);
	conn->drv->ops->close(conn->drv);
	while (conn->listeners) {
		struct mv_listener *l = conn->listeners;

		conn->listeners = l->next;
		free_listener(l);
	}
	free(conn->uri);
	free(conn);
}

bool mv_conn_embedded(const struct mv_conn *conn)
{
	return conn->drv->ops->define;
}

bool mv_conn_slow(const struct mv_conn *conn)
{
	return conn->drv->slow;
}

const char *mv_conn_uri(const struct mv_conn *conn)
{
	return conn->uri;
}

bool mv_conn_read_only(const struct mv_conn *conn)
{
	return conn->read_only;
}

int mv_conn_fd(const struct mv_conn *conn)
{
	return conn->drv->ops->fd(conn->drv);
}

/* --- listeners --- */

int mv_listener_add(struct mv_conn *conn, struct mv_listener *listener)
{
	struct mv_listener **tail = &conn->listeners;

	listener->registration = ++conn->last_registration;
	while (*tail)
		tail = &(*tail)->next;
	*tail = listener;
	return listener->registration;
}

int mv_conn_on(struct mv_conn *conn, const char *id, mv_event_fn fn, void *opaque, void (*free_opaque)(void *),
	       struct mv_error **err)
{
	const char *known = NULL;
	struct mv_listener *l;

	for (size_t i = 0; id && i < MV_ARRAY_SIZE(event_ids); i++) {
		if (strcmp(event_ids[i], id) == 0)
			known = event_ids[i];
	}
	if (id && !known)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "There are no events called '%s'; known: lifecycle, reboot, balloon, device", id);
	l = calloc(1, sizeof(*l));
	if (!l)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an event handler");
	*l = (struct mv_listener){
		.id = known,
		.fn = fn,
		.opaque = opaque,
		.free_opaque = free_opaque,
	};
	conn->drv->events.listeners++;
	return mv_listener_add(conn, l);
}

static void drop_removed(struct mv_conn *conn)
{
	struct mv_listener **link = &conn->listeners;

	while (*link) {
		struct mv_listener *l = *link;

		if (!l->removed) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		free_listener(l);
	}
}

int mv_conn_off(struct mv_conn *conn, int registration, struct mv_error **err)
{
	for (struct mv_listener *l = conn->listeners; l; l = l->next) {
		if (l->registration != registration || l->removed)
			continue;
		l->removed = true;
		if (l->event)
			conn->drv->notices.listeners--;
		else
			conn->drv->events.listeners--;
		if (!conn->delivering)
			drop_removed(conn);
		return 0;
	}
	return mv_error_set(err, MV_ERR_INVALID_ARG, "There is no event handler with the number %d", registration);
}

/* --- delivery --- */

static void deliver(struct mv_conn *conn, struct mv_dom_event *e)
{
	struct mv_domain *handle = mv_domain_wrap(conn, mv_dom_ref(e->dom), NULL);
	struct mv_event event = {
		.domain = handle,
		.id = e->id,
		.event = e->event,
		.detail = e->detail,
		.text = e->text,
		.number = e->number,
	};
	int last = conn->last_registration;

	if (!handle)
		return;
	/* Handlers may register and remove handlers; a new one gets what happens from now on. */
	for (struct mv_listener *l = conn->listeners; l; l = l->next) {
		if (!l->removed && !l->event && l->registration <= last && (!l->id || strcmp(l->id, e->id) == 0))
			l->fn(&event, l->opaque);
	}
	mv_domain_unref(handle);
}

int mv_conn_dispatch(struct mv_conn *conn, int timeout_ms, struct mv_error **err)
{
	struct mv_event_queue *queue = &conn->drv->events;
	struct mv_dom_event *e;
	int count = 0;

	/* Events that are there already are not waited for. */
	if (conn->drv->ops->wait(conn->drv, queue->count || conn->drv->notices.count ? 0 : timeout_ms, err) < 0)
		return -1;
	mv_conn_ref(conn); /* a handler may drop the last reference but ours */
	conn->delivering++;
	while ((e = mv_event_pop(queue))) {
		deliver(conn, e);
		mv_dom_event_free(e);
		count++;
	}
	count += mv_notices_deliver(conn);
	if (--conn->delivering == 0)
		drop_removed(conn);
	mv_conn_unref(conn);
	return count;
}
