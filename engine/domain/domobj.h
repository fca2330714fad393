/* A guest as drivers with XML definitions know it: definition, what runs, state, snapshots and checkpoints, and the
 * rules that are the same for every hypervisor. A driver's own structure begins with struct mv_domobj. (struct mv_dom,
 * in domain.h, is the same for the driver with specifications in JSON.) */
#ifndef MV_DOMAIN_DOMOBJ_H
#define MV_DOMAIN_DOMOBJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/domain_def.h"
#include "engine/base/error.h"
#include "engine/domain/entity.h"
#include "engine/domain/moment.h"
#include "engine/domain/state.h"

struct mv_domobj {
	struct mv_entity object;    /* name, UUID, id; active, persistent, autostart */
	struct mv_domain_def *def;  /* what runs while the guest is active, else its definition; never NULL */
	struct mv_domain_def *next; /* while active: the definition for the next start; NULL: there is none */
	enum mv_domain_state state;
	unsigned reason; /* of the state's own enumeration */
	bool managed_save;
	struct mv_moment_tree snapshots, checkpoints;
};

/* Allocates `size` bytes (the driver's structure) for a guest that is shut off; def is taken, also on failure. A driver
 * that sets object.release calls mv_domobj_release() in it. NULL with *err. */
void *mv_domobj_create(size_t size, struct mv_domain_def *def, struct mv_error **err);
void mv_domobj_release(struct mv_entity *obj);

static inline void mv_domobj_set_state(struct mv_domobj *guest, enum mv_domain_state state, unsigned reason)
{
	guest->state = state;
	guest->reason = reason;
}

/* A new definition (taken): of an active guest it is for the next start. With `live` (a transient guest is made of a
 * defined one) it is what will run, and the old definition comes back when the guest stops. */
void mv_domobj_assign(struct mv_domobj *guest, struct mv_domain_def *def, bool live);

/* The guest runs: it gets its id, and, when persistent, a copy of its definition for the next start. */
int mv_domobj_start(struct mv_domobj *guest, int id, enum mv_running_reason reason, struct mv_error **err);
/* Nothing runs any more; what was changed of the running guest only is forgotten. A transient guest is still in its
 * table: see mv_domobj_drop_transient(). */
void mv_domobj_stop(struct mv_domobj *guest, enum mv_shutoff_reason reason);
/* Takes a guest that is neither active nor persistent out of its table. */
void mv_domobj_drop_transient(struct mv_domobj *guest);

/* Fails with MV_ERR_OPERATION_INVALID, "domain is not running". */
int mv_domobj_check_active(const struct mv_domobj *guest, struct mv_error **err);

/* What a change is for. CURRENT: the running guest if there is one, else the definition. */
enum { MV_AFFECT_CURRENT = 0, MV_AFFECT_LIVE = 1, MV_AFFECT_CONFIG = 2 };
/* The definitions that `flags` name; the other one is NULL. Errors (MV_ERR_OPERATION_INVALID): the guest is not
 * running; it is transient. */
int mv_domobj_defs(struct mv_domobj *guest, unsigned flags, struct mv_domain_def **live, struct mv_domain_def **config,
		   struct mv_error **err);
/* The same where only one may be named (MV_ERR_INVALID_ARG otherwise). live (may be NULL): which it is. NULL with *err.
 */
struct mv_domain_def *mv_domobj_one_def(struct mv_domobj *guest, unsigned flags, bool *live, struct mv_error **err);
/* How many vCPUs of a definition are there (the rest can be added while the guest runs). */
unsigned mv_domobj_vcpus(const struct mv_domain_def *def);
/* The definition that lasts: `next` while the guest is active, if it has one. */
struct mv_domain_def *mv_domobj_config(const struct mv_domobj *guest);

#endif
