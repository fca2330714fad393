/* Snapshots, checkpoints and backups: what their own XML can tell. Whether it fits the guest the driver checks. */
#define MV_ERROR_DOMAIN MV_FROM_DOMAIN_SNAPSHOT
#include <string.h>

#include "conf/domainbackup_def.h"
#include "conf/domaincheckpoint_def.h"
#include "conf/domainsnapshot_def.h"
#include "engine/conf/check.h"

static int check_memory(struct mv_snapshot_memory_def *memory, const struct mv_conf_at *at, struct mv_error **err)
{
	if (memory->file && !memory->snapshot)
		memory->snapshot = MV_SNAPSHOT_LOCATION_EXTERNAL;
	if (memory->snapshot == MV_SNAPSHOT_LOCATION_MANUAL)
		return mv_conf_fail(at, err, MV_ERR_XML, "'manual' memory snapshot mode not supported");
	if (memory->file && memory->snapshot != MV_SNAPSHOT_LOCATION_EXTERNAL)
		return mv_conf_fail(at, err, MV_ERR_XML, "memory filename '%s' requires external snapshot",
				    memory->file);
	if (!memory->file && memory->snapshot == MV_SNAPSHOT_LOCATION_EXTERNAL)
		return mv_conf_fail(at, err, MV_ERR_XML, "external memory snapshots require a filename");
	if (memory->file && memory->file[0] != '/')
		return mv_conf_fail(at, err, MV_ERR_XML, "memory snapshot file path (%s) must be absolute",
				    memory->file);
	return 0;
}

int mv_domainsnapshot_check(struct mv_domainsnapshot_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return def->memory.present ? check_memory(&def->memory, at, err) : 0;
}

int mv_snapshot_disk_check(struct mv_snapshot_disk_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool source = def->source.present || def->driver.present;

	if (source && !def->snapshot)
		def->snapshot = MV_SNAPSHOT_LOCATION_EXTERNAL;
	if (source && def->snapshot != MV_SNAPSHOT_LOCATION_EXTERNAL)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the disk '%s' has a new source, which needs snapshot='external'", def->name);
	return 0;
}

int mv_domaincheckpoint_check(struct mv_domaincheckpoint_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->name && (!def->name[0] || def->name[0] == '.' || strchr(def->name, '/') || strchr(def->name, '\n')))
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"invalid checkpoint name '%s': it may not be empty, begin with '.', or contain '/' or a newline",
			def->name);
	return 0;
}

int mv_checkpoint_disk_check(struct mv_checkpoint_disk_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (!def->checkpoint)
		def->checkpoint = MV_CHECKPOINT_TYPE_BITMAP;
	if (def->bitmap && def->checkpoint != MV_CHECKPOINT_TYPE_BITMAP)
		return mv_conf_fail(at, err, MV_ERR_XML, "disk checkpoint bitmap '%s' requires type='bitmap'",
				    def->bitmap);
	return 0;
}

int mv_domainbackup_check(struct mv_domainbackup_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool pull = def->mode == MV_BACKUP_MODE_PULL;

	if (def->server.present && !pull)
		return mv_conf_fail(at, err, MV_ERR_XML, "use of <server> requires pull mode backup");
	if (def->server.present && def->server.transport == MV_BACKUP_TRANSPORT_UNIX && !def->server.socket)
		return mv_conf_fail(at, err, MV_ERR_XML, "missing socket for unix transport");
	if (def->server.present && def->server.transport == MV_BACKUP_TRANSPORT_TCP && def->server.socket)
		return mv_conf_fail(at, err, MV_ERR_XML, "the socket '%s' of <server> needs transport='unix'",
				    def->server.socket);
	for (size_t i = 0; i < def->disks.n_disks; i++) {
		const struct mv_backup_disk_def *disk = def->disks.disks[i];

		if (!pull && (disk->export_name || disk->export_bitmap))
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "disk '%s': use of 'exportname' and 'exportbitmap' requires pull mode",
					    disk->name);
		if (pull ? disk->target.present : disk->scratch.present)
			return mv_conf_fail(at, err, MV_ERR_XML, "disk '%s': <%s> belongs to %s mode", disk->name,
					    pull ? "target" : "scratch", pull ? "push" : "pull");
	}
	return 0;
}

int mv_backup_disk_check(struct mv_backup_disk_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_backup_store_def *store = def->target.present ? &def->target : &def->scratch;

	if (!def->backup)
		def->backup = MV_TRI_YES;
	if (def->backup == MV_TRI_NO)
		return 0;
	if (!def->type)
		def->type = MV_BACKUP_DISK_TYPE_FILE;
	if (def->incremental && def->mode == MV_BACKUP_DISK_MODE_FULL)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "disk '%s': 'incremental' and backupmode='full' exclude each other", def->name);
	if (def->incremental)
		def->mode = MV_BACKUP_DISK_MODE_INCREMENTAL;
	if (store->present && (def->type == MV_BACKUP_DISK_TYPE_FILE ? store->dev : store->file))
		return mv_conf_fail(at, err, MV_ERR_XML, "disk '%s' of type '%s' has a source of the other type",
				    def->name, mv_conf_word(&mv_backup_disk_type_enum, def->type));
	return 0;
}
