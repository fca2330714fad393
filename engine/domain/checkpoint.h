/* Checkpoints of guests: points in time from which it is known what was written to the disks since. The tree is as that
 * of snapshots. */
#ifndef MV_DOMAIN_CHECKPOINT_H
#define MV_DOMAIN_CHECKPOINT_H

#include "conf/domaincheckpoint_def.h"
#include "engine/domain/domobj.h"

/* Numbered as libvirt's. */
enum mv_checkpoint_create {
	MV_CHECKPOINT_CREATE_REDEFINE = 1 << 0,
	MV_CHECKPOINT_CREATE_QUIESCE = 1 << 1,
	MV_CHECKPOINT_CREATE_REDEFINE_VALIDATE = 1 << 2,
};
enum mv_checkpoint_list {
	MV_CHECKPOINT_LIST_ROOTS = 1 << 0, /* of a whole tree; below a checkpoint: DESCENDANTS */
	MV_CHECKPOINT_LIST_TOPOLOGICAL = 1 << 1,
	MV_CHECKPOINT_LIST_LEAVES = 1 << 2,
	MV_CHECKPOINT_LIST_NO_LEAVES = 1 << 3,
	MV_CHECKPOINT_LIST_ALL = (1 << 4) - 1,
};

struct mv_checkpoint {
	struct mv_moment moment; /* the parent is the tree's, not def's */
	struct mv_domaincheckpoint_def *def;
};

/* As mv_snapshot_create(). */
int mv_checkpoint_create(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_checkpoint **out,
			 struct mv_error **err);
/* Owned XML. secure: with passwords; domain: with the guest's definition. */
int mv_checkpoint_format(const struct mv_checkpoint *chk, bool secure, bool domain, char **xml, struct mv_error **err);
int mv_checkpoint_list(const struct mv_domobj *guest, const struct mv_checkpoint *from, unsigned flags,
		       struct mv_moment ***out, struct mv_error **err);
/* MV_ERR_NO_DOMAIN_CHECKPOINT */
struct mv_checkpoint *mv_checkpoint_find(const struct mv_domobj *guest, const char *name, struct mv_error **err);

#endif
