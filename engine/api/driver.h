/* What a driver implements. The API checks handles and flags, finds the driver by the URI's scheme, and delivers
 * events; everything else is the driver's. Slots may be NULL unless noted: the API answers with MV_ERR_NO_SUPPORT then.
 * All calls come from the connection's thread. */
#ifndef MV_API_DRIVER_H
#define MV_API_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/api/moonvisor.h"
#include "engine/api/notice_queue.h"
#include "engine/api/uri.h"
#include "engine/base/error.h"
#include "engine/domain/domain.h"
#include "engine/domain/events.h"

struct mv_calls;
struct mv_driver_ops;

/* A connection's driver; its own structure begins with this. */
struct mv_driver {
	const struct mv_driver_ops *ops;
	struct mv_event_queue events;   /* the driver pushes, the API pops */
	struct mv_notice_queue notices; /* all zero at first; mv_notify() pushes, the API pops */
	bool slow;                      /* another host answers; who cannot wait makes calls in a thread */
	unsigned delay_ms;              /* what each call takes longer, to try programs with a host that is far away */
};

struct mv_driver_ops {
	const char *scheme;
	/* Mandatory. Initialises ops and events of what it returns. */
	int (*open)(const struct mv_uri *uri, struct mv_driver **out, struct mv_error **err);
	void (*close)(struct mv_driver *drv); /* mandatory */

	/* Mandatory: readable when there is something to do, queued events included. */
	int (*fd)(const struct mv_driver *drv);
	/* Mandatory: waits at most timeout_ms (-1: for ever) and handles what is there. */
	int (*wait)(struct mv_driver *drv, int timeout_ms, struct mv_error **err);

	/* What it implements of libvirt's calls (engine/api/call.h); NULL: nothing. */
	const struct mv_calls *calls;

	/* The slots below are for guests from JSON specifications. These return the domain with a reference. */
	int (*define)(struct mv_driver *drv, const char *spec, struct mv_dom **out, struct mv_error **err);
	int (*create)(struct mv_driver *drv, const char *spec, unsigned flags, struct mv_dom **out,
		      struct mv_error **err);
	int (*lookup)(struct mv_driver *drv, const char *name_or_uuid, struct mv_dom **out, struct mv_error **err);
	int (*list)(struct mv_driver *drv, struct mv_dom ***out, size_t *count, struct mv_error **err);
	int (*restore)(struct mv_driver *drv, const char *path, unsigned flags, struct mv_dom **out,
		       struct mv_error **err);

	/* Brings what is known about the domain (dom's own fields) up to date. Mandatory; comes before each call below.
	 */
	int (*refresh)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*undefine)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*start)(struct mv_driver *drv, struct mv_dom *dom, unsigned flags, struct mv_error **err);
	int (*wait_start)(struct mv_driver *drv, struct mv_dom *dom, int timeout_ms, struct mv_error **err);
	int (*shutdown)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*reboot)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*reset)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*destroy)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*suspend)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*resume)(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
	int (*save)(struct mv_driver *drv, struct mv_dom *dom, const char *path, bool keep_running,
		    struct mv_error **err);
	int (*set_memory)(struct mv_driver *drv, struct mv_dom *dom, uint64_t bytes, struct mv_error **err);
	int (*stats)(struct mv_driver *drv, struct mv_dom *dom, struct mv_stat **out, size_t *count,
		     struct mv_error **err);
	int (*console)(struct mv_driver *drv, struct mv_dom *dom, const char *port, struct mv_error **err);
};

#endif
