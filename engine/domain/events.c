#define MV_ERROR_DOMAIN MV_FROM_DOM
#include "engine/domain/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

int mv_event_queue_init(struct mv_event_queue *q, struct mv_error **err)
{
	*q = (struct mv_event_queue){ .tail = &q->head };
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		return mv_error_set_errno(err, errno, "Cannot make an event queue");
	return 0;
}

void mv_event_queue_release(struct mv_event_queue *q)
{
	struct mv_dom_event *event;

	while ((event = mv_event_pop(q)))
		mv_dom_event_free(event);
	mv_cleanup_fd(&q->fd);
	q->fd = -1;
}

void mv_event_push(struct mv_event_queue *q, struct mv_dom *dom, const char *id, const char *event, const char *detail,
		   const char *text, uint64_t number)
{
	struct mv_dom_event *e;

	if (!q->listeners || q->count >= 2 * MV_EVENT_QUEUE_LIMIT ||
	    (q->count >= MV_EVENT_QUEUE_LIMIT && strcmp(id, "lifecycle") != 0))
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	*e = (struct mv_dom_event){
		.dom = mv_dom_ref(dom),
		.id = id,
		.event = event,
		.detail = detail,
		.text = text ? strdup(text) : NULL,
		.number = number,
	};
	*q->tail = e;
	q->tail = &e->next;
	if (q->count++ == 0)
		eventfd_write(q->fd, 1);
}

struct mv_dom_event *mv_event_pop(struct mv_event_queue *q)
{
	struct mv_dom_event *e = q->head;
	eventfd_t value;

	if (!e)
		return NULL;
	q->head = e->next;
	e->next = NULL;
	if (!q->head)
		q->tail = &q->head;
	if (--q->count == 0)
		eventfd_read(q->fd, &value);
	return e;
}

void mv_dom_event_free(struct mv_dom_event *event)
{
	if (!event)
		return;
	mv_dom_unref(event->dom);
	free(event->text);
	free(event);
}
