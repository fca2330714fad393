#define MV_ERROR_DOMAIN MV_FROM_DOMAIN_SNAPSHOT
#include "engine/domain/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/conf/uuid.h"
#include "engine/domain/disks.h"

static void release(struct mv_entity *obj)
{
	mv_domainsnapshot_def_free(((struct mv_snapshot *)obj)->def);
}

struct mv_snapshot *mv_snapshot_find(const struct mv_domobj *guest, const char *name, struct mv_error **err)
{
	struct mv_moment *moment = mv_moment_by_name(&guest->snapshots, name);

	if (!moment)
		mv_error_set(err, MV_ERR_NO_DOMAIN_SNAPSHOT, "no domain snapshot with matching name '%s'", name);
	return (struct mv_snapshot *)moment;
}

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a snapshot");
}

/* --- disks --- */

/* The one of the snapshot's disks that means this disk of the guest, or NULL. */
static struct mv_snapshot_disk_def *asked_for(const struct mv_domainsnapshot_def *def, const struct mv_disk_def *disk)
{
	for (size_t i = 0; i < def->disks.n_disks; i++) {
		if (disk->target.dev && strcmp(def->disks.disks[i]->name, disk->target.dev) == 0)
			return def->disks.disks[i];
	}
	return NULL;
}

/* What the snapshot's definition says about disks fits the guest; disks are named by their targets then. */
static int check_disks(struct mv_domainsnapshot_def *def, enum mv_snapshot_location location, bool only_that,
		       struct mv_error **err)
{
	if (def->disks.n_disks > def->domain->devices.n_disks)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "too many disk snapshot requests for domain");
	for (size_t i = 0; i < def->disks.n_disks; i++) {
		struct mv_snapshot_disk_def *request = def->disks.disks[i];
		const struct mv_disk_def *disk = mv_domain_disk_find(def->domain, request->name);

		if (!disk)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "no disk named '%s'", request->name);
		for (size_t k = 0; k < i; k++) {
			if (mv_domain_disk_find(def->domain, def->disks.disks[k]->name) == disk)
				return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "disk '%s' specified twice",
						    disk->target.dev);
		}
		if (request->snapshot == MV_SNAPSHOT_LOCATION_NONE)
			request->snapshot = request->source.present ? MV_SNAPSHOT_LOCATION_EXTERNAL : location;
		if (only_that && request->snapshot != location)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "disk '%s' must use snapshot mode '%s'",
					    disk->target.dev, mv_conf_word(&mv_snapshot_location_enum, location));
		if (request->source.present && request->source.file &&
		    request->snapshot != MV_SNAPSHOT_LOCATION_EXTERNAL)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "file '%s' for disk '%s' requires use of external snapshot mode",
					    request->source.file, disk->target.dev);
		if (strcmp(request->name, disk->target.dev) != 0) {
			char *copy = strdup(disk->target.dev);

			if (!copy)
				return no_memory(err);
			free(request->name);
			request->name = copy;
		}
	}
	return 0;
}

static struct mv_snapshot_disk_def *new_request(const struct mv_disk_def *disk, enum mv_snapshot_location location,
						struct mv_error **err)
{
	struct mv_snapshot_disk_def *request = mv_conf_new(&mv_snapshot_disk_desc, err);

	if (!request)
		return NULL;
	request->name = strdup(disk->target.dev ? disk->target.dev : "");
	if (!request->name) {
		mv_conf_free(&mv_snapshot_disk_desc, request);
		no_memory(err);
		return NULL;
	}
	if (mv_disk_is_empty(disk) || disk->read_only)
		request->snapshot = MV_SNAPSHOT_LOCATION_NO;
	else if (disk->snapshot != MV_DISK_SNAPSHOT_NONE)
		request->snapshot = (enum mv_snapshot_location)mv_conf_word_value(&mv_snapshot_location_enum,
										  mv_conf_word(&mv_disk_snapshot_enum,
											       disk->snapshot));
	else
		request->snapshot = location;
	return request;
}

/* External snapshots of disks that name no file get one beside the disk's: disk.img becomes disk.NAME. */
static int name_file(struct mv_domainsnapshot_def *def, struct mv_snapshot_disk_def *request, struct mv_error **err)
{
	const struct mv_disk_def *disk = mv_domain_disk_find(def->domain, request->name);
	const char *path = mv_disk_path(disk);
	const char *dot, *slash;
	struct stat st;

	if (request->snapshot != MV_SNAPSHOT_LOCATION_EXTERNAL || request->source.present)
		return 0;
	if (!path)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "cannot generate external snapshot name for disk '%s' without source",
				    request->name);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"source for disk '%s' is not a regular file; refusing to generate external snapshot name",
			request->name);
	dot = strrchr(path, '.');
	slash = strrchr(path, '/');
	if (!dot || (slash && dot < slash))
		dot = path + strlen(path);
	if (mv_conf_init(&mv_disk_source_desc, &request->source, err) < 0)
		return -1;
	request->type = MV_DISK_TYPE_FILE;
	if (asprintf(&request->source.file, "%.*s.%s", (int)(dot - path), path, def->name) < 0) {
		request->source.file = NULL;
		return no_memory(err);
	}
	return 0;
}

/* All disks of the guest are in the snapshot, in its order. */
static int align_disks(struct mv_domainsnapshot_def *def, enum mv_snapshot_location location, bool only_that,
		       struct mv_error **err)
{
	size_t count = def->domain->devices.n_disks;
	mv_autofree struct mv_snapshot_disk_def **all = calloc(count + 1, sizeof(struct mv_snapshot_disk_def *));

	if (!all)
		return no_memory(err);
	if (check_disks(def, location, only_that, err) < 0)
		return -1;
	def->disks.present = count > 0;
	for (size_t i = 0; i < count; i++) {
		const struct mv_disk_def *disk = def->domain->devices.disks[i];

		if (asked_for(def, disk))
			continue;
		struct mv_snapshot_disk_def *request = new_request(disk, location, err);
		if (!request || mv_conf_append(&def->disks.disks, &def->disks.n_disks, request, err) < 0) {
			mv_conf_free(&mv_snapshot_disk_desc, request);
			return -1;
		}
	}
	for (size_t i = 0; i < count; i++)
		all[i] = asked_for(def, def->domain->devices.disks[i]);
	for (size_t i = 0; i < count; i++) {
		def->disks.disks[i] = all[i];
		if (name_file(def, all[i], err) < 0)
			return -1;
	}
	return 0;
}

/* --- definitions --- */

static void set_creation_time(struct mv_domainsnapshot_def *def)
{
	def->creation_time = (uint64_t)time(NULL);
	def->has_creation_time = true;
}

static enum mv_snapshot_state state_of(const struct mv_domobj *guest)
{
	return (enum mv_snapshot_state)((int)MV_SNAPSHOT_STATE_NOSTATE + (int)guest->state);
}

static bool is_external(const struct mv_domainsnapshot_def *def)
{
	if (def->memory.snapshot == MV_SNAPSHOT_LOCATION_EXTERNAL)
		return true;
	for (size_t i = 0; i < def->disks.n_disks; i++) {
		if (def->disks.disks[i]->snapshot == MV_SNAPSHOT_LOCATION_EXTERNAL)
			return true;
	}
	return false;
}

static int check_memory(struct mv_domainsnapshot_def *def, struct mv_error **err)
{
	if (def->memory.file && def->memory.snapshot == MV_SNAPSHOT_LOCATION_NONE)
		def->memory.snapshot = MV_SNAPSHOT_LOCATION_EXTERNAL;
	if (def->memory.file && def->memory.snapshot != MV_SNAPSHOT_LOCATION_EXTERNAL)
		return mv_error_set(err, MV_ERR_XML, "memory filename '%s' requires external snapshot",
				    def->memory.file);
	if (!def->memory.file && def->memory.snapshot == MV_SNAPSHOT_LOCATION_EXTERNAL)
		return mv_error_set(err, MV_ERR_XML, "external memory snapshots require a filename");
	if (def->memory.file && def->memory.file[0] != '/')
		return mv_error_set(err, MV_ERR_XML, "memory snapshot file path (%s) must be absolute",
				    def->memory.file);
	return 0;
}

/* A new snapshot: what it is of comes from the guest, not from the definition. */
static int complete(const struct mv_domobj *guest, struct mv_domainsnapshot_def *def, unsigned flags,
		    struct mv_error **err)
{
	enum mv_snapshot_location location = MV_SNAPSHOT_LOCATION_INTERNAL;

	set_creation_time(def);
	if (!def->name && asprintf(&def->name, "%" PRIu64, def->creation_time) < 0) {
		def->name = NULL;
		return no_memory(err);
	}
	if (check_memory(def, err) < 0)
		return -1;
	mv_domain_def_free(def->domain);
	mv_domain_def_free(def->inactive_domain);
	def->inactive_domain = NULL;
	def->domain = mv_domain_def_copy(guest->def, err);
	if (!def->domain)
		return -1;
	if (flags & MV_SNAPSHOT_CREATE_DISK_ONLY) {
		location = MV_SNAPSHOT_LOCATION_EXTERNAL;
		def->state = guest->object.active ? MV_SNAPSHOT_STATE_DISK_SNAPSHOT : MV_SNAPSHOT_STATE_SHUTOFF;
		def->memory.snapshot = MV_SNAPSHOT_LOCATION_NO;
	} else {
		def->state = state_of(guest);
		if (def->memory.snapshot == MV_SNAPSHOT_LOCATION_EXTERNAL)
			location = MV_SNAPSHOT_LOCATION_EXTERNAL;
		else
			def->memory.snapshot = def->state == MV_SNAPSHOT_STATE_SHUTOFF ? MV_SNAPSHOT_LOCATION_NO :
											 location;
	}
	def->memory.present = true;
	return align_disks(def, location, location == MV_SNAPSHOT_LOCATION_INTERNAL, err);
}

/* What somebody keeps of an earlier snapshot must be whole. */
static int check_kept(struct mv_domainsnapshot_def *def, const struct mv_domain_rules *rules, struct mv_error **err)
{
	if (!def->name)
		return mv_error_set(err, MV_ERR_XML, "a redefined snapshot must have a name");
	if (!def->has_creation_time)
		return mv_error_set(err, MV_ERR_XML, "missing creationTime from existing snapshot");
	if (def->state == MV_SNAPSHOT_STATE_NONE)
		return mv_error_set(err, MV_ERR_XML, "missing state from existing snapshot");
	if (check_memory(def, err) < 0 || (def->domain && mv_domain_def_complete(def->domain, rules, err) < 0))
		return -1;
	if (!def->memory.present || def->memory.snapshot == MV_SNAPSHOT_LOCATION_NONE) {
		bool without = def->state == MV_SNAPSHOT_STATE_SHUTOFF || def->state == MV_SNAPSHOT_STATE_DISK_SNAPSHOT;

		def->memory.present = true;
		def->memory.snapshot = without ? MV_SNAPSHOT_LOCATION_NO : MV_SNAPSHOT_LOCATION_INTERNAL;
	}
	return 0;
}

static bool is_online(const struct mv_domainsnapshot_def *def)
{
	return def->state == MV_SNAPSHOT_STATE_RUNNING || def->state == MV_SNAPSHOT_STATE_PAUSED;
}

/* `other`: the snapshot of that name, or NULL. *parent: where it belongs in the tree. */
static int redefine(struct mv_domobj *guest, struct mv_domainsnapshot_def *def, struct mv_snapshot *other,
		    struct mv_moment **parent, struct mv_error **err)
{
	const char *name = def->parent.present ? def->parent.name : NULL;

	*parent = NULL;
	if (name) {
		if (strcmp(name, def->name) == 0)
			return mv_error_set(err, MV_ERR_INVALID_ARG, "cannot set moment %s as its own parent", name);
		*parent = mv_moment_by_name(&guest->snapshots, name);
		if (!*parent)
			return mv_error_set(err, MV_ERR_INVALID_ARG, "parent %s for moment %s not found", name,
					    def->name);
		if (other && mv_moment_descends(*parent, &other->moment))
			return mv_error_set(err, MV_ERR_INVALID_ARG, "parent %s would create cycle to %s", name,
					    def->name);
	}
	if (def->domain && memcmp(def->domain->uuid, guest->object.uuid, sizeof(guest->object.uuid)) != 0) {
		char text[MV_UUID_TEXT];

		return mv_error_set(err, MV_ERR_INVALID_ARG, "definition for snapshot %s must use uuid %s", def->name,
				    mv_uuid_format(guest->object.uuid, text));
	}
	if (other) {
		if (is_online(other->def) != is_online(def))
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "cannot change between online and offline snapshot state in snapshot %s",
					    def->name);
		if ((other->def->state == MV_SNAPSHOT_STATE_DISK_SNAPSHOT) !=
		    (def->state == MV_SNAPSHOT_STATE_DISK_SNAPSHOT))
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "cannot change between disk only and full system in snapshot %s",
					    def->name);
		if (!def->domain && other->def->domain) {
			def->domain = mv_domain_def_copy(other->def->domain, err);
			if (!def->domain)
				return -1;
		}
	}
	if (!def->domain)
		return mv_error_set(err, MV_ERR_INTERNAL, "missing domain in snapshot");
	if (def->state == MV_SNAPSHOT_STATE_DISK_SNAPSHOT || is_external(def))
		return align_disks(def, MV_SNAPSHOT_LOCATION_EXTERNAL, false, err);
	return align_disks(def, MV_SNAPSHOT_LOCATION_INTERNAL, true, err);
}

/* Makes def (taken, also on failure) a snapshot. */
static struct mv_snapshot *add(struct mv_domobj *guest, struct mv_domainsnapshot_def *def, struct mv_moment *parent,
			       struct mv_error **err)
{
	struct mv_snapshot *snap;

	if (mv_moment_by_name(&guest->snapshots, def->name)) {
		mv_error_set(err, MV_ERR_OPERATION_FAILED, "domain moment %s already exists", def->name);
		mv_domainsnapshot_def_free(def);
		return NULL;
	}
	snap = mv_entity_create(sizeof(*snap), def->name, NULL, err);
	if (!snap) {
		mv_domainsnapshot_def_free(def);
		return NULL;
	}
	snap->moment.object.release = release;
	snap->def = def;
	if (mv_moment_add(&guest->snapshots, &snap->moment, parent, err) < 0) {
		mv_entity_unref(snap);
		return NULL;
	}
	mv_entity_unref(snap); /* the tree has it */
	return snap;
}

int mv_snapshot_create(struct mv_domobj *guest, const struct mv_domain_rules *rules, const char *xml, unsigned flags,
		       struct mv_snapshot **out, struct mv_error **err)
{
	bool again = flags & MV_SNAPSHOT_CREATE_REDEFINE;
	unsigned parse_flags = flags & MV_SNAPSHOT_CREATE_VALIDATE ? MV_CONF_VALIDATE : 0;
	struct mv_moment *parent = guest->snapshots.current;
	struct mv_snapshot *other = NULL;
	struct mv_domainsnapshot_def *def;

	if (mv_domainsnapshot_def_parse(xml, parse_flags, NULL, &def, err) < 0)
		return -1;
	if (again) {
		if (check_kept(def, rules, err) < 0)
			goto fail;
		other = (struct mv_snapshot *)mv_moment_by_name(&guest->snapshots, def->name);
		if (redefine(guest, def, other, &parent, err) < 0)
			goto fail;
	} else if (complete(guest, def, flags, err) < 0) {
		goto fail;
	}
	def->has_active = false;
	if (other) {
		mv_domainsnapshot_def_free(other->def);
		other->def = def;
		mv_moment_move(&guest->snapshots, &other->moment, parent);
		*out = other;
	} else {
		*out = add(guest, def, parent, err);
		if (!*out)
			return -1;
	}
	if (!again || (flags & MV_SNAPSHOT_CREATE_CURRENT))
		guest->snapshots.current = &(*out)->moment;
	return 0;
fail:
	mv_domainsnapshot_def_free(def);
	return -1;
}

int mv_snapshot_load(struct mv_domobj *guest, const struct mv_domain_rules *rules, const char *xml,
		     struct mv_error **err)
{
	struct mv_domainsnapshot_def *def;
	struct mv_moment *parent = NULL;
	struct mv_snapshot *snap;
	bool current;

	if (mv_domainsnapshot_def_parse(xml, 0, NULL, &def, err) < 0)
		return -1;
	if (check_kept(def, rules, err) < 0) {
		mv_domainsnapshot_def_free(def);
		return -1;
	}
	current = def->has_active && def->active;
	def->has_active = false;
	if (current && guest->snapshots.current) {
		mv_domainsnapshot_def_free(def);
		return mv_error_set(err, MV_ERR_INTERNAL, "more than one snapshot claims to be active");
	}
	if (def->parent.present && def->parent.name) {
		parent = mv_moment_by_name(&guest->snapshots, def->parent.name);
		if (!parent) {
			mv_domainsnapshot_def_free(def);
			return mv_error_set(err, MV_ERR_INTERNAL, "Snapshots have inconsistent relations for domain %s",
					    guest->object.name);
		}
	}
	snap = add(guest, def, parent, err);
	if (snap && current)
		guest->snapshots.current = &snap->moment;
	return snap ? 0 : -1;
}

/* A snapshot from before definitions were kept says only whose it is. */
static int add_owner(const struct mv_domobj *guest, char **xml, struct mv_error **err)
{
	static const char end[] = "</domainsnapshot>\n";
	char *at = strstr(*xml, end), *text, uuid[MV_UUID_TEXT];

	if (!at)
		return 0;
	*at = 0;
	if (asprintf(&text, "%s  <domain>\n    <uuid>%s</uuid>\n  </domain>\n%s", *xml,
		     mv_uuid_format(guest->object.uuid, uuid), end) < 0)
		return no_memory(err);
	free(*xml);
	*xml = text;
	return 0;
}

int mv_snapshot_format(const struct mv_domobj *guest, const struct mv_snapshot *snap, bool secure, char **xml,
		       struct mv_error **err)
{
	struct mv_domainsnapshot_def *def = snap->def;
	const struct mv_moment *parent = snap->moment.parent;

	free(def->parent.name);
	def->parent.name = parent ? strdup(parent->object.name) : NULL;
	def->parent.present = parent != NULL;
	if (parent && !def->parent.name)
		return no_memory(err);
	if (mv_domainsnapshot_def_format(def, secure ? MV_CONF_SECURE : 0, xml, err) < 0)
		return -1;
	return def->domain ? 0 : add_owner(guest, xml, err);
}

/* --- lists --- */

static bool wanted(const struct mv_moment *moment, const void *opaque)
{
	const struct mv_domainsnapshot_def *def = ((const struct mv_snapshot *)moment)->def;
	unsigned flags = *(const unsigned *)opaque;
	unsigned status = def->state == MV_SNAPSHOT_STATE_SHUTOFF ? MV_SNAPSHOT_LIST_INACTIVE :
		def->state == MV_SNAPSHOT_STATE_DISK_SNAPSHOT     ? MV_SNAPSHOT_LIST_DISK_ONLY :
								    MV_SNAPSHOT_LIST_ACTIVE;
	unsigned location = is_external(def) ? MV_SNAPSHOT_LIST_EXTERNAL : MV_SNAPSHOT_LIST_INTERNAL;
	unsigned all_status = MV_SNAPSHOT_LIST_INACTIVE | MV_SNAPSHOT_LIST_DISK_ONLY | MV_SNAPSHOT_LIST_ACTIVE;
	unsigned both = MV_SNAPSHOT_LIST_EXTERNAL | MV_SNAPSHOT_LIST_INTERNAL;

	if ((flags & all_status) && !(flags & status))
		return false;
	if ((flags & both) && !(flags & location))
		return false;
	/* All snapshots have metadata. */
	return !(flags & MV_SNAPSHOT_LIST_NO_METADATA) || (flags & MV_SNAPSHOT_LIST_METADATA);
}

int mv_snapshot_list(const struct mv_domobj *guest, const struct mv_snapshot *from, unsigned flags,
		     struct mv_moment ***out, struct mv_error **err)
{
	struct mv_moment_filter filter = {
		.from = from ? &from->moment : NULL,
		.near = from ? !(flags & MV_SNAPSHOT_LIST_ROOTS) : (flags & MV_SNAPSHOT_LIST_ROOTS) != 0,
		.leaves = flags & MV_SNAPSHOT_LIST_LEAVES,
		.inner = flags & MV_SNAPSHOT_LIST_NO_LEAVES,
		.match = wanted,
		.opaque = &flags,
	};

	return mv_moment_list(&guest->snapshots, &filter, out, err);
}
