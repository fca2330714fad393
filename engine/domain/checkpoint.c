#define MV_ERROR_DOMAIN MV_FROM_DOMAIN_CHECKPOINT
#include "engine/domain/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/conf/uuid.h"
#include "engine/domain/disks.h"

static void release(struct mv_entity *obj)
{
	mv_domaincheckpoint_def_free(((struct mv_checkpoint *)obj)->def);
}

struct mv_checkpoint *mv_checkpoint_find(const struct mv_domobj *guest, const char *name, struct mv_error **err)
{
	struct mv_moment *moment = mv_moment_by_name(&guest->checkpoints, name);

	if (!moment)
		mv_error_set(err, MV_ERR_NO_DOMAIN_CHECKPOINT, "no domain checkpoint with matching name '%s'", name);
	return (struct mv_checkpoint *)moment;
}

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a checkpoint");
}

/* --- disks --- */

static struct mv_checkpoint_disk_def *asked_for(const struct mv_domaincheckpoint_def *def,
						const struct mv_disk_def *disk)
{
	for (size_t i = 0; i < def->disks.n_disks; i++) {
		if (mv_domain_disk_find(def->domain, def->disks.disks[i]->name) == disk)
			return def->disks.disks[i];
	}
	return NULL;
}

static int check_disks(struct mv_domaincheckpoint_def *def, struct mv_error **err)
{
	if (!def->domain->devices.n_disks)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "domain must have at least one disk to perform checkpoints");
	if (def->disks.n_disks > def->domain->devices.n_disks)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "too many disk checkpoint requests for domain");
	for (size_t i = 0; i < def->disks.n_disks; i++) {
		struct mv_checkpoint_disk_def *request = def->disks.disks[i];
		const struct mv_disk_def *disk = mv_domain_disk_find(def->domain, request->name);

		if (!disk)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "no disk named '%s'", request->name);
		if (asked_for(def, disk) != request)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "disk '%s' specified twice",
					    disk->target.dev);
		if (request->checkpoint == MV_CHECKPOINT_TYPE_NONE)
			request->checkpoint = MV_CHECKPOINT_TYPE_BITMAP;
		if (request->checkpoint == MV_CHECKPOINT_TYPE_BITMAP && (mv_disk_is_empty(disk) || disk->read_only))
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "disk '%s' is empty or readonly",
					    disk->target.dev);
	}
	return 0;
}

/* All disks of the guest are in the checkpoint, in its order: those that were not asked for take part when none was. */
static int align_disks(struct mv_domaincheckpoint_def *def, struct mv_error **err)
{
	size_t count, asked = def->disks.n_disks;

	if (check_disks(def, err) < 0)
		return -1;
	count = def->domain->devices.n_disks;
	def->disks.present = true;

	mv_autofree struct mv_checkpoint_disk_def **all = calloc(count, sizeof(struct mv_checkpoint_disk_def *));
	if (!all)
		return no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct mv_disk_def *disk = def->domain->devices.disks[i];
		struct mv_checkpoint_disk_def *request = asked_for(def, disk);

		if (!request) {
			bool part = !asked && !mv_disk_is_empty(disk) && !disk->read_only;

			request = mv_conf_new(&mv_checkpoint_disk_desc, err);
			if (!request || mv_conf_append(&def->disks.disks, &def->disks.n_disks, request, err) < 0) {
				mv_conf_free(&mv_checkpoint_disk_desc, request);
				return -1;
			}
			request->checkpoint = part ? MV_CHECKPOINT_TYPE_BITMAP : MV_CHECKPOINT_TYPE_NO;
		}
		free(request->name);
		request->name = strdup(disk->target.dev ? disk->target.dev : "");
		if (!request->name)
			return no_memory(err);
		if (request->checkpoint == MV_CHECKPOINT_TYPE_BITMAP && !request->bitmap) {
			request->bitmap = strdup(def->name);
			if (!request->bitmap)
				return no_memory(err);
		}
	}
	for (size_t i = 0; i < count; i++)
		all[i] = asked_for(def, def->domain->devices.disks[i]);
	for (size_t i = 0; i < count; i++)
		def->disks.disks[i] = all[i];
	return 0;
}

/* --- definitions --- */

static int complete(const struct mv_domobj *guest, struct mv_domaincheckpoint_def *def, struct mv_error **err)
{
	def->creation_time = (uint64_t)time(NULL);
	def->has_creation_time = true;
	if (!def->name && asprintf(&def->name, "%" PRIu64, def->creation_time) < 0) {
		def->name = NULL;
		return no_memory(err);
	}
	mv_domain_def_free(def->domain);
	def->domain = mv_domain_def_copy(guest->def, err);
	return def->domain ? align_disks(def, err) : -1;
}

static int redefine(struct mv_domobj *guest, struct mv_domaincheckpoint_def *def, struct mv_checkpoint *other,
		    struct mv_moment **parent, struct mv_error **err)
{
	const char *name = def->parent.present ? def->parent.name : NULL;
	char text[MV_UUID_TEXT];

	*parent = NULL;
	if (!def->name)
		return mv_error_set(err, MV_ERR_XML, "a redefined checkpoint must have a name");
	if (!def->has_creation_time)
		return mv_error_set(err, MV_ERR_XML, "missing creationTime from existing checkpoint");
	if (name) {
		if (strcmp(name, def->name) == 0)
			return mv_error_set(err, MV_ERR_INVALID_ARG, "cannot set moment %s as its own parent", name);
		*parent = mv_moment_by_name(&guest->checkpoints, name);
		if (!*parent)
			return mv_error_set(err, MV_ERR_INVALID_ARG, "parent %s for moment %s not found", name,
					    def->name);
		if (other && mv_moment_descends(*parent, &other->moment))
			return mv_error_set(err, MV_ERR_INVALID_ARG, "parent %s would create cycle to %s", name,
					    def->name);
	}
	if (def->domain && memcmp(def->domain->uuid, guest->object.uuid, sizeof(guest->object.uuid)) != 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "definition for checkpoint %s must use uuid %s", def->name,
				    mv_uuid_format(guest->object.uuid, text));
	if (!def->domain && other && other->def->domain) {
		def->domain = mv_domain_def_copy(other->def->domain, err);
		if (!def->domain)
			return -1;
	}
	return def->domain ? align_disks(def, err) : 0;
}

static struct mv_checkpoint *add(struct mv_domobj *guest, struct mv_domaincheckpoint_def *def, struct mv_moment *parent,
				 struct mv_error **err)
{
	struct mv_checkpoint *chk;

	if (mv_moment_by_name(&guest->checkpoints, def->name)) {
		mv_error_set(err, MV_ERR_OPERATION_FAILED, "domain moment %s already exists", def->name);
		mv_domaincheckpoint_def_free(def);
		return NULL;
	}
	chk = mv_entity_create(sizeof(*chk), def->name, NULL, err);
	if (!chk) {
		mv_domaincheckpoint_def_free(def);
		return NULL;
	}
	chk->moment.object.release = release;
	chk->def = def;
	if (mv_moment_add(&guest->checkpoints, &chk->moment, parent, err) < 0) {
		mv_entity_unref(chk);
		return NULL;
	}
	mv_entity_unref(chk); /* the tree has it */
	return chk;
}

int mv_checkpoint_create(struct mv_domobj *guest, const char *xml, unsigned flags, struct mv_checkpoint **out,
			 struct mv_error **err)
{
	bool again = flags & MV_CHECKPOINT_CREATE_REDEFINE;
	struct mv_moment *parent = guest->checkpoints.current;
	struct mv_domaincheckpoint_def *def;
	struct mv_checkpoint *other = NULL;

	if (mv_domaincheckpoint_def_parse(xml, 0, NULL, &def, err) < 0)
		return -1;
	if (again && def->name)
		other = (struct mv_checkpoint *)mv_moment_by_name(&guest->checkpoints, def->name);
	if ((again ? redefine(guest, def, other, &parent, err) : complete(guest, def, err)) < 0) {
		mv_domaincheckpoint_def_free(def);
		return -1;
	}
	if (other) {
		mv_domaincheckpoint_def_free(other->def);
		other->def = def;
		mv_moment_move(&guest->checkpoints, &other->moment, parent);
		*out = other;
	} else {
		*out = add(guest, def, parent, err);
		if (!*out)
			return -1;
	}
	/* Redefined ones come in the order in which they were made: the newest of the chain is the current one. */
	if (!again || guest->checkpoints.current == parent)
		guest->checkpoints.current = &(*out)->moment;
	return 0;
}

int mv_checkpoint_format(const struct mv_checkpoint *chk, bool secure, bool domain, char **xml, struct mv_error **err)
{
	struct mv_domaincheckpoint_def *def = chk->def;
	const struct mv_moment *parent = chk->moment.parent;
	struct mv_domain_def *kept = def->domain;
	int ret;

	free(def->parent.name);
	def->parent.name = parent ? strdup(parent->object.name) : NULL;
	def->parent.present = parent != NULL;
	if (parent && !def->parent.name)
		return no_memory(err);
	if (!domain)
		def->domain = NULL;
	ret = mv_domaincheckpoint_def_format(def, secure ? MV_CONF_SECURE : 0, xml, err);
	def->domain = kept;
	return ret;
}

int mv_checkpoint_list(const struct mv_domobj *guest, const struct mv_checkpoint *from, unsigned flags,
		       struct mv_moment ***out, struct mv_error **err)
{
	struct mv_moment_filter filter = {
		.from = from ? &from->moment : NULL,
		.near = from ? !(flags & MV_CHECKPOINT_LIST_ROOTS) : (flags & MV_CHECKPOINT_LIST_ROOTS) != 0,
		.leaves = flags & MV_CHECKPOINT_LIST_LEAVES,
		.inner = flags & MV_CHECKPOINT_LIST_NO_LEAVES,
	};

	return mv_moment_list(&guest->checkpoints, &filter, out, err);
}
