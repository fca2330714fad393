/* Inside of the API's handles. */
#ifndef MV_API_CONN_H
#define MV_API_CONN_H

#include "engine/api/driver.h"
#include "engine/api/moonvisor.h"
#include "engine/api/notice.h"

struct mv_listener {
	int registration;
	const char *id; /* NULL: all; static */
	mv_event_fn fn;
	/* Of one for notices: which, and of which object (if one was named). */
	enum mv_call_id event; /* MV_CALL_NONE: for fn above */
	mv_notice_fn notice_fn;
	bool has_uuid;
	uint8_t object_uuid[16];
	char *object_name;
	void *opaque;
	void (*free_opaque)(void *);
	bool removed; /* waits for the end of the delivery in progress */
	struct mv_listener *next;
};

struct mv_conn {
	unsigned refs;
	char *uri;
	struct mv_driver *drv;
	struct mv_listener *listeners;
	int last_registration;
	unsigned delivering; /* depth */
	bool read_only;
};

struct mv_domain {
	unsigned refs;
	struct mv_conn *conn; /* a reference */
	struct mv_dom *dom;   /* a reference */
	/* The names outlive what dom may be exchanged for. */
	char *name;
	char uuid[MV_UUID_TEXT];
};

/* A handle for dom, whose reference is taken (also on failure). NULL with *err. */
struct mv_domain *mv_domain_wrap(struct mv_conn *conn, struct mv_dom *dom, struct mv_error **err);

/* Registers a listener that is filled but for its number, and returns that. */
int mv_listener_add(struct mv_conn *conn, struct mv_listener *listener);
/* Gives the notices that are there to those who listen; returns how often one was given. */
int mv_notices_deliver(struct mv_conn *conn);
void mv_notices_clear(struct mv_driver *drv);

#endif
