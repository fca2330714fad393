/* Notices: events as libvirt's wire sends them. A driver fills the message of an event procedure and pushes it with
 * mv_notify(); whoever listens gets it inside mv_conn_dispatch(), in order. Events have one form only here: that with a
 * callbackID where the wire has an older one too (MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, not
 * MV_CALL_DOMAIN_EVENT_LIFECYCLE); the driver leaves the callbackID alone. */
#ifndef MV_API_NOTICE_H
#define MV_API_NOTICE_H

#include "engine/api/call.h"

struct mv_conn;
struct mv_driver;

/* Whether somebody listens to that event: whoever has to work for the message can ask first. */
bool mv_notify_wanted(const struct mv_driver *drv, enum mv_call_id event);
/* Queues an event; *msg's contents are taken, always. A queue that nobody empties is limited: beyond MV_NOTICE_LIMIT
 * only life-cycle events are taken, beyond twice that nothing. Connection's thread. */
#define MV_NOTICE_LIMIT 10000
void mv_notify(struct mv_driver *drv, enum mv_call_id event, void *msg);

/* msg is borrowed, for the time of the call. The function may listen and unlisten, itself too. */
typedef void (*mv_notice_fn)(enum mv_call_id event, const void *msg, void *opaque);
/* object: NULL, or the reference (struct mv_domain_ref, ...; copied) of the only one whose events are wanted. Returns
 * a registration number > 0, which mv_conn_off() ends, or -1. free_opaque may be NULL. */
int mv_conn_listen(struct mv_conn *conn, enum mv_call_id event, const void *object, mv_notice_fn fn, void *opaque,
		   void (*free_opaque)(void *), struct mv_error **err);

/* The event of a kind of object by its number in libvirt's interface (virDomainEventID, ...): kind is "domain",
 * "network", "storage_pool", "node_device" or "secret". MV_CALL_NONE when there is none. */
enum mv_call_id mv_notice_find(const char *kind, int id);
/* The type of an event's object (its reference), or NULL. */
const struct mv_wire_struct *mv_notice_object_type(enum mv_call_id event);

#endif
