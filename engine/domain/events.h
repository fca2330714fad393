/* Events that wait to be delivered: what happened is queued as it becomes known, also in the middle of a call, and is
 * delivered later, in order. */
#ifndef MV_DOMAIN_EVENTS_H
#define MV_DOMAIN_EVENTS_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/domain.h"

struct mv_dom_event {
	struct mv_dom *dom;              /* a reference */
	const char *id, *event, *detail; /* static; see struct mv_event in moonvisor.h */
	char *text;
	uint64_t number;
	struct mv_dom_event *next;
};

struct mv_event_queue {
	struct mv_dom_event *head, **tail;
	unsigned count;
	unsigned listeners; /* without any, nothing is queued */
	int fd;             /* readable while something is queued */
};

int mv_event_queue_init(struct mv_event_queue *q, struct mv_error **err);
void mv_event_queue_release(struct mv_event_queue *q);

/* text (may be NULL) is copied. A queue that nobody empties is limited: beyond MV_EVENT_QUEUE_LIMIT only life-cycle
 * events are taken, beyond twice that nothing. */
#define MV_EVENT_QUEUE_LIMIT 10000
void mv_event_push(struct mv_event_queue *q, struct mv_dom *dom, const char *id, const char *event, const char *detail,
		   const char *text, uint64_t number);
static inline void mv_event_lifecycle(struct mv_event_queue *q, struct mv_dom *dom, const char *event,
				      const char *detail, const char *text)
{
	mv_event_push(q, dom, "lifecycle", event, detail, text, 0);
}

/* The oldest event, owned by the caller; NULL when there is none. */
struct mv_dom_event *mv_event_pop(struct mv_event_queue *q);
void mv_dom_event_free(struct mv_dom_event *event);
MV_AUTO_DEFINE(mv_dom_event, mv_dom_event_free)

#endif
