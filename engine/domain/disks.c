#include "engine/domain/disks.h"

#include <string.h>

const char *mv_disk_path(const struct mv_disk_def *disk)
{
	switch (disk->type) {
	case MV_DISK_TYPE_FILE: return disk->source.file;
	case MV_DISK_TYPE_BLOCK: return disk->source.dev;
	case MV_DISK_TYPE_DIR: return disk->source.dir;
	default: return NULL;
	}
}

bool mv_disk_is_empty(const struct mv_disk_def *disk)
{
	switch (disk->type) {
	case MV_DISK_TYPE_FILE:
	case MV_DISK_TYPE_BLOCK:
	case MV_DISK_TYPE_DIR: return !mv_disk_path(disk);
	case MV_DISK_TYPE_VOLUME: return !disk->source.volume;
	default: return !disk->source.present;
	}
}

struct mv_disk_def *mv_domain_disk_find(const struct mv_domain_def *def, const char *name)
{
	for (size_t i = 0; i < def->devices.n_disks; i++) {
		struct mv_disk_def *disk = def->devices.disks[i];
		const char *path = mv_disk_path(disk);

		if ((disk->target.dev && strcmp(disk->target.dev, name) == 0) || (path && strcmp(path, name) == 0))
			return disk;
	}
	return NULL;
}
