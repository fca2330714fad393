/* The test driver: test:///default, a host that is only in memory, with the content of libvirt's own test driver, and
 * test:///FILE, which reads the content from a file in libvirt's format for it. Nothing runs; everything behaves.
 * With ?delay=SECONDS each call takes so long, as if the host were far away. One file per kind of object; each declares
 * its calls in engine/test/calls.h. */
#ifndef MV_TEST_DRIVER_H
#define MV_TEST_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/api/call.h"
#include "engine/api/driver.h"
#include "engine/api/typed.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/domain/domobj.h"
#include "engine/domain/entity.h"
#include "engine/domain/lifecycle.h"

extern const struct mv_driver_ops mv_test_driver;

struct mv_test_cell {
	uint64_t memory, free; /* KiB */
	unsigned cpus;
};

struct mv_test_user {
	char *name, *password; /* password may be NULL: none is asked for */
};

/* What the calls work on. */
struct mv_test_host {
	unsigned refs;
	struct mv_test_driver *drivers; /* of all connections to it: each gets the events */

	char model[32];
	uint64_t memory; /* KiB */
	int cpus, mhz, nodes, sockets, cores, threads;
	struct mv_test_cell cells[2];
	unsigned cell_count;
	struct mv_test_user *users; /* who may open it; none: everybody */
	size_t user_count;

	struct mv_entity_table domains;    /* struct mv_test_domain */
	struct mv_entity_table networks;   /* engine/test/network.c */
	struct mv_entity_table pools;      /* engine/test/pool.c */
	struct mv_entity_table interfaces; /* engine/test/interface.c */
	struct mv_entity_table nodedevs;   /* engine/test/nodedev.c */
	int next_id;                       /* of the next guest that starts */

	bool changing_interfaces; /* between begin and commit or rollback */
	struct mv_entity_table saved_interfaces;
};

struct mv_test_driver {
	struct mv_driver driver;
	struct mv_test_host *host;
	struct mv_test_driver *next; /* of the host */
};

static inline struct mv_test_host *mv_test_host(struct mv_driver *drv)
{
	return ((struct mv_test_driver *)drv)->host;
}

/* Fails with MV_ERR_INVALID_ARG, in libvirt's words, when `flags` has others than `allowed`. `function` is the name of
 * libvirt's function in them. */
int mv_test_check_flags(uint32_t flags, uint32_t allowed, const char *function, struct mv_error **err);

/* strdup() with an error. *to is NULL after a failure. */
int mv_test_copy(const char *text, char **to, struct mv_error **err);

/* Tells all connections to the host. msg (an event's structure, on the stack) stays the caller's. */
void mv_test_event(struct mv_test_host *host, enum mv_call_id event, const void *msg);

/* --- networks --- */

struct mv_network_def;

struct mv_test_network {
	struct mv_entity object;
	struct mv_network_def *def;
};

/* --- guests --- */

/* How an I/O thread polls. */
struct mv_test_iothread {
	unsigned id, poll_grow, poll_shrink;
	uint64_t poll_max_ns;
};

struct mv_test_domain {
	struct mv_domobj guest;
	bool frozen[2];  /* its two file systems */
	int64_t seconds; /* its clock, which stands still */
	uint32_t nanoseconds;
	unsigned taint; /* engine/test/taint.c */
	struct mv_test_iothread *iothreads;
	size_t iothread_count;
};

/* The guest that a reference means; MV_ERR_NO_DOMAIN. */
struct mv_test_domain *mv_test_domain(struct mv_driver *drv, const struct mv_domain_ref *ref, struct mv_error **err);
/* Fills an empty reference. */
int mv_test_domain_ref(const struct mv_domobj *guest, struct mv_domain_ref *ref, struct mv_error **err);
extern const struct mv_domain_rules mv_test_domain_rules;
/* A definition from XML, completed as libvirt's test driver does it. `function` as above. NULL with *err. */
struct mv_domain_def *mv_test_domain_parse(const char *xml, bool validate, struct mv_error **err);
/* Makes the definition (taken, also on failure) a guest, or a guest's next definition. *updated (may be NULL): there
 * was one. NULL with *err. */
struct mv_test_domain *mv_test_domain_assign(struct mv_test_host *host, struct mv_domain_def *def, bool live,
					     bool *updated, struct mv_error **err);
int mv_test_domain_start(struct mv_test_host *host, struct mv_domobj *guest, enum mv_running_reason reason,
			 struct mv_error **err);
/* Whether a list with these flags (virConnectListAllDomainsFlags) has the guest. */
bool mv_test_domain_listed(const struct mv_domobj *guest, uint32_t flags);
/* Adds "iothread.*" of a guest that runs. */
int mv_test_iothread_stats(const struct mv_test_domain *dom, struct mv_typed_out out, struct mv_error **err);
/* Looks at what taints the guest. */
void mv_test_check_taint(struct mv_test_domain *dom);
/* The life-cycle event; while nobody listens it costs nothing. */
void mv_test_lifecycle(struct mv_test_host *host, const struct mv_domobj *guest, enum mv_lifecycle event, int detail);

#endif
