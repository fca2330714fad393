/* What several parts ask about the disks of a definition. */
#ifndef MV_DOMAIN_DISKS_H
#define MV_DOMAIN_DISKS_H

#include "conf/domain_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_interfaces_def.h"

/* File, device or folder of a local disk; NULL: it has none, or is elsewhere. Borrowed. */
const char *mv_disk_path(const struct mv_disk_def *disk);
/* A drive without a medium. */
bool mv_disk_is_empty(const struct mv_disk_def *disk);
/* The disk with that target ("vda"), or that path; NULL: there is none. */
struct mv_disk_def *mv_domain_disk_find(const struct mv_domain_def *def, const char *name);

#endif
