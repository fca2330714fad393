/* Snapshots of guests: what a definition is completed to, what may be redefined, lists. What a hypervisor does to make
 * a snapshot or to revert to it is its driver's. */
#ifndef MV_DOMAIN_SNAPSHOT_H
#define MV_DOMAIN_SNAPSHOT_H

#include "conf/domainsnapshot_def.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/domain/domobj.h"

/* Numbered as libvirt's. */
enum mv_snapshot_create {
	MV_SNAPSHOT_CREATE_REDEFINE = 1 << 0,
	MV_SNAPSHOT_CREATE_CURRENT = 1 << 1,
	MV_SNAPSHOT_CREATE_NO_METADATA = 1 << 2,
	MV_SNAPSHOT_CREATE_HALT = 1 << 3,
	MV_SNAPSHOT_CREATE_DISK_ONLY = 1 << 4,
	MV_SNAPSHOT_CREATE_REUSE_EXT = 1 << 5,
	MV_SNAPSHOT_CREATE_QUIESCE = 1 << 6,
	MV_SNAPSHOT_CREATE_ATOMIC = 1 << 7,
	MV_SNAPSHOT_CREATE_LIVE = 1 << 8,
	MV_SNAPSHOT_CREATE_VALIDATE = 1 << 9,
};
enum mv_snapshot_list {
	MV_SNAPSHOT_LIST_ROOTS = 1 << 0, /* of a whole tree; below a snapshot: DESCENDANTS */
	MV_SNAPSHOT_LIST_METADATA = 1 << 1,
	MV_SNAPSHOT_LIST_LEAVES = 1 << 2,
	MV_SNAPSHOT_LIST_NO_LEAVES = 1 << 3,
	MV_SNAPSHOT_LIST_NO_METADATA = 1 << 4,
	MV_SNAPSHOT_LIST_INACTIVE = 1 << 5,
	MV_SNAPSHOT_LIST_ACTIVE = 1 << 6,
	MV_SNAPSHOT_LIST_DISK_ONLY = 1 << 7,
	MV_SNAPSHOT_LIST_INTERNAL = 1 << 8,
	MV_SNAPSHOT_LIST_EXTERNAL = 1 << 9,
	MV_SNAPSHOT_LIST_TOPOLOGICAL = 1 << 10,
	MV_SNAPSHOT_LIST_ALL = (1 << 11) - 1,
};

struct mv_snapshot {
	struct mv_moment moment; /* the parent is the tree's, not def's */
	struct mv_domainsnapshot_def *def;
};

/* A new snapshot of the guest, or (MV_SNAPSHOT_CREATE_REDEFINE) one as it was, or another definition of one that is
 * there: read, checked and completed from the guest's definition and state, and in the tree; the current one unless it
 * is redefined without MV_SNAPSHOT_CREATE_CURRENT. `rules` are the
 * driver's, for definitions of guests in it. *out is borrowed from the tree. Errors: MV_ERR_XML,
 * MV_ERR_CONFIG_UNSUPPORTED, MV_ERR_INVALID_ARG, MV_ERR_OPERATION_FAILED (there is one of that name). */
int mv_snapshot_create(struct mv_domobj *guest, const struct mv_domain_rules *rules, const char *xml, unsigned flags,
		       struct mv_snapshot **out, struct mv_error **err);
/* A snapshot as a file of a test host or a state folder has it; its parent must be there. */
int mv_snapshot_load(struct mv_domobj *guest, const struct mv_domain_rules *rules, const char *xml,
		     struct mv_error **err);

/* Owned XML. secure: with passwords. */
int mv_snapshot_format(const struct mv_domobj *guest, const struct mv_snapshot *snap, bool secure, char **xml,
		       struct mv_error **err);
/* As mv_moment_list(), with flags of enum mv_snapshot_list. from: NULL or the snapshot below which to look. */
int mv_snapshot_list(const struct mv_domobj *guest, const struct mv_snapshot *from, unsigned flags,
		     struct mv_moment ***out, struct mv_error **err);
/* MV_ERR_NO_DOMAIN_SNAPSHOT */
struct mv_snapshot *mv_snapshot_find(const struct mv_domobj *guest, const char *name, struct mv_error **err);

#endif
