/* The public C API: connections and domains, dispatched to a driver. Handles are reference-counted; functions that
 * return one return it owned. Calls block until they are done and may be made from one thread per connection at a
 * time. Failure: -1 (or NULL) and *err. Event callbacks run inside mv_conn_dispatch() and nowhere else. */
#ifndef MV_API_MOONVISOR_H
#define MV_API_MOONVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct mv_conn;
struct mv_domain;

/* kvm:///embed?root=DIR runs the KVM driver in this process, with definitions and run-time state below DIR (created
 * when missing). &timeout=SECONDS: how long a call waits for a machine's answer (30). Other URIs: MV_ERR_NO_SUPPORT. */
int mv_conn_open(const char *uri, struct mv_conn **out, struct mv_error **err);
/* READ_ONLY: whatever changes something is refused with MV_ERR_OPERATION_DENIED. */
enum { MV_CONN_READ_ONLY = 1 };
int mv_conn_open_flags(const char *uri, unsigned flags, struct mv_conn **out, struct mv_error **err);
bool mv_conn_read_only(const struct mv_conn *conn);
struct mv_conn *mv_conn_ref(struct mv_conn *conn);
void mv_conn_unref(struct mv_conn *conn); /* guests go on */
const char *mv_conn_uri(const struct mv_conn *conn);
bool mv_conn_slow(const struct mv_conn *conn);     /* its host may need long for an answer */
bool mv_conn_embedded(const struct mv_conn *conn); /* the driver makes guests from specifications, in this process */

/* Waits at most timeout_ms (-1: for ever) for something to happen, then handles all that is there: events are
 * delivered, calls in progress move on. Returns the number of events delivered, or -1. */
int mv_conn_dispatch(struct mv_conn *conn, int timeout_ms, struct mv_error **err);
int mv_conn_fd(const struct mv_conn *conn); /* readable when mv_conn_dispatch() has something to do */

/* Numbered as libvirt's virDomainEventType / virDomainEventID where those exist. */
enum mv_event_id {
	MV_EVENT_ID_LIFECYCLE,
	MV_EVENT_ID_REBOOT,
	MV_EVENT_ID_BALLOON,
	MV_EVENT_ID_DEVICE,
	MV_EVENT_ID_LAST
};

struct mv_event {
	struct mv_domain *domain; /* borrowed */
	const char *id;           /* "lifecycle", "reboot", "balloon", "device" */
	const char *event;        /* lifecycle: "defined", "undefined", "started", "suspended", "resumed", "stopped",
				     "shutdown", "crashed" */
	const char *detail; /* the reason: "booted", "restored", "shutdown" (guest powered off), "destroyed", "saved",
			       "panicked", "triple fault", ... */
	const char *text;   /* a sentence, or NULL */
	uint64_t number;    /* balloon: bytes */
};

typedef void (*mv_event_fn)(const struct mv_event *event, void *opaque);
/* id: NULL for all. Returns a registration number > 0, or -1. free_opaque may be NULL. */
int mv_conn_on(struct mv_conn *conn, const char *id, mv_event_fn fn, void *opaque, void (*free_opaque)(void *),
	       struct mv_error **err);
int mv_conn_off(struct mv_conn *conn, int registration, struct mv_error **err);

/* A specification is JSON text of the shape that docs/spec.md describes (the Lua spec, one to one). A wrong one:
 * MV_ERR_XML, or MV_ERR_CONFIG_UNSUPPORTED, with a message that begins with the key ("disks[1].target: ..."), counted
 * from 1 as Lua counts. */
int mv_domain_define(struct mv_conn *conn, const char *spec, struct mv_domain **out, struct mv_error **err);
/* NOWAIT: the call returns when the machine process is under way, so that many guests start at once; the outcome comes
 * as an event ("started", or "stopped" with detail "failed" and the reason in text) and from mv_domain_wait_start(). */
enum { MV_START_PAUSED = 1, MV_START_NOWAIT = 2 };
/* Transient: defined for as long as it runs. */
int mv_domain_create(struct mv_conn *conn, const char *spec, unsigned flags, struct mv_domain **out,
		     struct mv_error **err);
int mv_domain_lookup(struct mv_conn *conn, const char *name_or_uuid, struct mv_domain **out, struct mv_error **err);
/* All domains, defined and running, sorted by name; *out and each entry owned by the caller. */
int mv_conn_domains(struct mv_conn *conn, struct mv_domain ***out, size_t *count, struct mv_error **err);
/* Restores a saved guest and lets it run (or not). The file stays. VERIFY: all memory is checked first. A disk that
 * was written to after the save is refused, since the guest would destroy what is on it; FORCE accepts it. */
enum { MV_RESTORE_PAUSED = 1, MV_RESTORE_VERIFY = 2, MV_RESTORE_FORCE = 4 };
int mv_domain_restore(struct mv_conn *conn, const char *path, unsigned flags, struct mv_domain **out,
		      struct mv_error **err);

struct mv_domain *mv_domain_ref(struct mv_domain *dom);
void mv_domain_unref(struct mv_domain *dom);
struct mv_conn *mv_domain_conn(const struct mv_domain *dom); /* borrowed */
const char *mv_domain_name(const struct mv_domain *dom);
const char *mv_domain_uuid(const struct mv_domain *dom); /* text */
int mv_domain_id(const struct mv_domain *dom);           /* -1: not running */
bool mv_domain_persistent(const struct mv_domain *dom);
int mv_domain_spec(struct mv_domain *dom, char **json, struct mv_error **err); /* with all defaults filled in */

int mv_domain_undefine(struct mv_domain *dom, struct mv_error **err); /* a running one becomes transient */
int mv_domain_start(struct mv_domain *dom, unsigned flags, struct mv_error **err);
/* Waits at most timeout_ms (-1: as long as a start may take) for a start with MV_START_NOWAIT; 0: it runs, -1: the
 * reason why not. */
int mv_domain_wait_start(struct mv_domain *dom, int timeout_ms, struct mv_error **err);
int mv_domain_shutdown(struct mv_domain *dom, struct mv_error **err); /* presses the power button; returns at once */
/* Presses the power button; when the guest is off it is started again, also if the caller has gone by then. */
int mv_domain_reboot(struct mv_domain *dom, struct mv_error **err);
int mv_domain_reset(struct mv_domain *dom, struct mv_error **err);
int mv_domain_destroy(struct mv_domain *dom, struct mv_error **err);
int mv_domain_suspend(struct mv_domain *dom, struct mv_error **err);
int mv_domain_resume(struct mv_domain *dom, struct mv_error **err);
/* Writes a save image; path appears only when it is complete. keep_running: as a checkpoint; else the guest is off
 * then. */
int mv_domain_save(struct mv_domain *dom, const char *path, bool keep_running, struct mv_error **err);
int mv_domain_set_memory(struct mv_domain *dom, uint64_t bytes, struct mv_error **err); /* balloon target */

/* state and reason as words: "running"/"booted", "shut off"/"crashed", ...; static strings. detail: NULL, or a
 * sentence, owned. */
int mv_domain_state(struct mv_domain *dom, const char **state, const char **reason, char **detail,
		    struct mv_error **err);

struct mv_stat {
	char *name; /* as libvirt's domain statistics: "cpu.time" (ns), "balloon.current" (KiB), "block.0.rd.bytes" */
	uint64_t value;
	char *text; /* a statistic that is a word ("block.0.name"); NULL: value counts */
};
int mv_domain_stats(struct mv_domain *dom, struct mv_stat **out, size_t *count, struct mv_error **err);
void mv_stats_free(struct mv_stat *stats, size_t count);

/* A stream socket to a serial port or console ("serial0", "console0.1"; NULL: the first one); it starts with the last
 * 64 KiB of what the guest wrote. Returns the descriptor, owned, or -1. */
int mv_domain_console(struct mv_domain *dom, const char *port, struct mv_error **err);

#endif
