#define MV_ERROR_DOMAIN MV_FROM_EVENT
#include "engine/api/notice.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/api/conn.h"

struct mv_notice {
	struct mv_notice *next;
	enum mv_call_id event;
	_Alignas(16) char msg[];
};

/* --- what events are about --- */

/* Life-cycle events of all kinds end so. */
static bool is_lifecycle(enum mv_call_id event)
{
	static const char end[] = "_event_lifecycle";
	const char *name = mv_call_descs[event].name;
	size_t length = strlen(name);

	return event == MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE ||
		(length > sizeof(end) && strcmp(name + length - (sizeof(end) - 1), end) == 0);
}

/* The field that says which object it is, and where it is in the message. The older form is inside of some. */
static const struct mv_wire_field *object_field(const struct mv_wire_struct *msg, size_t *offset)
{
	for (uint32_t i = 0; msg && i < msg->field_count; i++) {
		const struct mv_wire_field *field = &msg->fields[i];

		if (field->kind != MV_WIRE_STRUCT || field->array)
			continue;
		*offset += field->offset;
		return strcmp(field->name, "msg") == 0 ? object_field(field->type, offset) : field;
	}
	return NULL;
}

const struct mv_wire_struct *mv_notice_object_type(enum mv_call_id event)
{
	size_t offset = 0;
	const struct mv_wire_field *field = object_field(mv_call_descs[event].msg, &offset);

	return field ? field->type : NULL;
}

enum mv_call_id mv_notice_find(const char *kind, int id)
{
	size_t length = strlen(kind);

	for (int i = MV_CALL_NONE + 1; i < MV_CALL_LAST; i++) {
		const struct mv_call_desc *desc = &mv_call_descs[i];

		if (desc->event && desc->event_id == id && strncmp(desc->name, kind, length) == 0 &&
		    strncmp(desc->name + length, "_event_", 7) == 0)
			return (enum mv_call_id)i;
	}
	return MV_CALL_NONE;
}

/* --- the queue --- */

bool mv_notify_wanted(const struct mv_driver *drv, enum mv_call_id event)
{
	const struct mv_notice_queue *queue = &drv->notices;

	return queue->listeners && queue->count < 2 * MV_NOTICE_LIMIT &&
		(queue->count < MV_NOTICE_LIMIT || is_lifecycle(event));
}

void mv_notify(struct mv_driver *drv, enum mv_call_id event, void *msg)
{
	const struct mv_wire_struct *desc = mv_call_descs[event].msg;
	struct mv_notice_queue *queue = &drv->notices;
	struct mv_notice *notice;

	if (!desc)
		return;
	notice = mv_notify_wanted(drv, event) ? malloc(sizeof(*notice) + desc->size) : NULL;
	if (!notice) {
		mv_wire_clear(desc, msg);
		return;
	}
	notice->next = NULL;
	notice->event = event;
	memcpy(notice->msg, msg, desc->size);
	memset(msg, 0, desc->size);
	if (queue->last)
		queue->last->next = notice;
	else
		queue->first = notice;
	queue->last = notice;
	/* The events of guests from JSON specifications have the descriptor already. */
	if (queue->count++ == 0)
		eventfd_write(drv->events.fd, 1);
}

static struct mv_notice *pop(struct mv_driver *drv)
{
	struct mv_notice_queue *queue = &drv->notices;
	struct mv_notice *notice = queue->first;
	eventfd_t value;

	if (!notice)
		return NULL;
	queue->first = notice->next;
	if (!queue->first)
		queue->last = NULL;
	if (--queue->count == 0 && !drv->events.count)
		eventfd_read(drv->events.fd, &value);
	return notice;
}

static void notice_free(struct mv_notice *notice)
{
	mv_wire_clear(mv_call_descs[notice->event].msg, notice->msg);
	free(notice);
}

void mv_notices_clear(struct mv_driver *drv)
{
	struct mv_notice *notice;

	while ((notice = pop(drv)))
		notice_free(notice);
}

/* --- listeners --- */

/* What tells objects of one kind apart: a UUID, or else the first text. */
static void object_key(const struct mv_wire_struct *type, const void *object, const uint8_t **uuid, const char **name)
{
	*uuid = NULL;
	*name = NULL;
	for (uint32_t i = 0; i < type->field_count; i++) {
		const struct mv_wire_field *field = &type->fields[i];
		const char *at = (const char *)object + field->offset;

		if (field->kind == MV_WIRE_UUID && !*uuid)
			*uuid = (const uint8_t *)at;
		if (field->kind == MV_WIRE_STRING && !*name)
			*name = *(char *const *)at;
	}
}

static bool concerns(const struct mv_listener *l, enum mv_call_id event, const void *msg)
{
	const struct mv_wire_field *field;
	const uint8_t *uuid;
	const char *name;
	size_t offset = 0;

	if (l->event != event)
		return false;
	if (!l->has_uuid && !l->object_name)
		return true;
	field = object_field(mv_call_descs[event].msg, &offset);
	if (!field)
		return false;
	object_key(field->type, (const char *)msg + offset, &uuid, &name);
	if (l->has_uuid)
		return uuid && memcmp(uuid, l->object_uuid, sizeof(l->object_uuid)) == 0;
	return name && strcmp(name, l->object_name) == 0;
}

/* Events of a kind of object that the driver has not will never come: as libvirt, that is said when they are asked for.
 */
static int check_support(const struct mv_conn *conn, enum mv_call_id event, struct mv_error **err)
{
	static const struct {
		const char *prefix;
		enum mv_call_id list, registration;
	} kinds[] = {
		{ "network_", MV_CALL_CONNECT_LIST_ALL_NETWORKS, MV_CALL_CONNECT_NETWORK_EVENT_REGISTER_ANY },
		{ "storage_pool_", MV_CALL_CONNECT_LIST_ALL_STORAGE_POOLS,
		  MV_CALL_CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY },
		{ "node_device_", MV_CALL_CONNECT_LIST_ALL_NODE_DEVICES,
		  MV_CALL_CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY },
		{ "secret_", MV_CALL_CONNECT_LIST_ALL_SECRETS, MV_CALL_CONNECT_SECRET_EVENT_REGISTER_ANY },
	};
	const char *name = mv_call_descs[event].name;

	for (size_t i = 0; i < MV_ARRAY_SIZE(kinds); i++) {
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0 &&
		    !mv_calls_have(conn->drv->ops->calls, kinds[i].list))
			return mv_error_set(err, MV_ERR_NO_SUPPORT,
					    "this function is not supported by the connection driver: %s",
					    mv_call_descs[kinds[i].registration].function);
	}
	return 0;
}

int mv_conn_listen(struct mv_conn *conn, enum mv_call_id event, const void *object, mv_notice_fn fn, void *opaque,
		   void (*free_opaque)(void *), struct mv_error **err)
{
	bool known = event > MV_CALL_NONE && event < MV_CALL_LAST && mv_call_descs[event].event &&
		mv_call_descs[event].event_id >= 0;
	const struct mv_wire_struct *type = known ? mv_notice_object_type(event) : NULL;
	struct mv_listener *l;
	const uint8_t *uuid;
	const char *name;

	if (!known)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "'%s' is no event that can be listened to",
				    event > MV_CALL_NONE && event < MV_CALL_LAST ? mv_call_descs[event].name : "?");
	if (check_support(conn, event, err) < 0)
		return -1;
	l = calloc(1, sizeof(*l));
	if (!l)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an event handler");
	l->event = event;
	if (object && type) {
		object_key(type, object, &uuid, &name);
		l->has_uuid = uuid;
		if (uuid)
			memcpy(l->object_uuid, uuid, sizeof(l->object_uuid));
		l->object_name = uuid ? NULL : strdup(name ? name : "");
		if (!uuid && !l->object_name) {
			free(l);
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an event handler");
		}
	}
	l->notice_fn = fn;
	l->opaque = opaque;
	l->free_opaque = free_opaque;
	conn->drv->notices.listeners++;
	return mv_listener_add(conn, l);
}

int mv_notices_deliver(struct mv_conn *conn)
{
	struct mv_notice *notice;
	int count = 0;

	while ((notice = pop(conn->drv))) {
		int last = conn->last_registration;

		/* A handler that is new gets what happens from now on. */
		for (struct mv_listener *l = conn->listeners; l; l = l->next) {
			if (!l->removed && l->registration <= last && concerns(l, notice->event, notice->msg)) {
				l->notice_fn(notice->event, notice->msg, l->opaque);
				count++;
			}
		}
		notice_free(notice);
	}
	return count;
}
