/* Storage pools of 100 GiB, in which volumes can be made but hold nothing. */
#define MV_ERROR_DOMAIN MV_FROM_STORAGE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/test/calls.h"
#include "engine/test/load.h"
#include "engine/test/storage.h"
#include "flags.h"

#define CAPACITY (UINT64_C(100) << 30)

/* --- objects --- */

static void release(struct mv_entity *obj)
{
	struct mv_test_pool *pool = (struct mv_test_pool *)obj;

	mv_storagepool_def_free(pool->def);
	mv_storagepool_def_free(pool->next);
	mv_entity_table_clear(&pool->volumes);
}

struct mv_test_pool *mv_test_pool(struct mv_driver *drv, const char *name, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_entity_by_name(&mv_test_host(drv)->pools, name);

	if (!pool)
		mv_error_set(err, MV_ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'", name);
	return pool;
}

static struct mv_test_pool *find(struct mv_driver *drv, const char *name, bool active, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, name, err);

	if (pool && pool->object.active != active) {
		mv_error_set(err, MV_ERR_OPERATION_INVALID, "storage pool '%s' is %s", name,
			     active ? "not active" : "active");
		return NULL;
	}
	return pool;
}

struct mv_test_pool *mv_test_pool_active(struct mv_driver *drv, const char *name, struct mv_error **err)
{
	return find(drv, name, true, err);
}

int mv_test_pool_ref(const struct mv_test_pool *pool, struct mv_storage_pool_ref *ref, struct mv_error **err)
{
	memcpy(ref->uuid, pool->object.uuid, sizeof(ref->uuid));
	return mv_test_copy(pool->object.name, &ref->name, err);
}

static void lifecycle(struct mv_test_host *host, const struct mv_test_pool *pool, int event)
{
	struct mv_storage_pool_event_lifecycle_msg msg = { .pool.name = pool->object.name, .event = event };

	memcpy(msg.pool.uuid, pool->object.uuid, sizeof(msg.pool.uuid));
	mv_test_event(host, MV_CALL_STORAGE_POOL_EVENT_LIFECYCLE, &msg);
}

/* --- definitions --- */

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool same_host(const struct mv_pool_source_def *a, const struct mv_pool_source_def *b)
{
	return a->n_hosts && b->n_hosts && strcmp(a->hosts[0]->name, b->hosts[0]->name) == 0;
}

static bool same_device(const struct mv_pool_source_def *a, const struct mv_pool_source_def *b)
{
	for (size_t i = 0; i < a->n_devices; i++)
		for (size_t k = 0; k < b->n_devices; k++)
			if (strcmp(a->devices[i]->path, b->devices[k]->path) == 0)
				return true;
	return false;
}

static bool has_devices(enum mv_pool_type type)
{
	return type == MV_POOL_TYPE_FS || type == MV_POOL_TYPE_LOGICAL || type == MV_POOL_TYPE_DISK ||
		type == MV_POOL_TYPE_ZFS;
}

/* Do both definitions claim the same storage? */
static bool conflicts(const struct mv_storagepool_def *a, const struct mv_storagepool_def *b)
{
	const struct mv_pool_source_def *x = &a->source, *y = &b->source;

	/* A device has one owner, whatever that makes of it. */
	if (has_devices(a->type) && has_devices(b->type))
		return same_device(x, y);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case MV_POOL_TYPE_DIR: return same_text(a->target.path, b->target.path);
	case MV_POOL_TYPE_GLUSTER: return same_text(x->name, y->name) && same_text(x->dir, y->dir) && same_host(x, y);
	case MV_POOL_TYPE_NETFS: return same_text(x->dir, y->dir) && same_host(x, y);
	case MV_POOL_TYPE_SCSI:
		return same_text(x->adapter.name, y->adapter.name) ||
			(same_text(x->adapter.wwnn, y->adapter.wwnn) && same_text(x->adapter.wwpn, y->adapter.wwpn));
	case MV_POOL_TYPE_ISCSI:
	case MV_POOL_TYPE_ISCSI_DIRECT:
		return same_device(x, y) && same_host(x, y) &&
			(!x->initiator.iqn_name || same_text(x->initiator.iqn_name, y->initiator.iqn_name));
	case MV_POOL_TYPE_VSTORAGE: return same_text(x->name, y->name);
	case MV_POOL_TYPE_SHEEPDOG: return same_host(x, y);
	case MV_POOL_TYPE_MPATH: return true; /* there is only one device mapper */
	default: return false;
	}
}

static int check_conflicts(struct mv_test_host *host, const struct mv_storagepool_def *def, struct mv_error **err)
{
	for (struct mv_test_pool *pool = mv_entity_first(&host->pools); pool; pool = mv_entity_next(pool))
		if (strcmp(pool->object.name, def->name) != 0 && conflicts(def, pool->def))
			return mv_error_set(err, MV_ERR_OPERATION_FAILED, "Storage source conflict with pool: '%s'",
					    pool->object.name);
	return 0;
}

static struct mv_test_pool *add(struct mv_test_host *host, struct mv_storagepool_def *def, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_entity_create(sizeof(*pool), def->name, def->uuid, err);

	if (!pool)
		return NULL;
	pool->object.release = release;
	if (mv_entity_add(&host->pools, &pool->object, err) < 0) {
		mv_entity_unref(pool);
		return NULL;
	}
	mv_entity_unref(pool); /* the table has it */
	return pool;
}

/* Makes the definition (taken, also on failure) a pool, or a pool's next definition. `live`: it is to be active. */
static struct mv_test_pool *assign(struct mv_test_host *host, struct mv_storagepool_def *def_taken, bool live,
				   struct mv_error **err)
{
	mv_auto(mv_storagepool_def) def = def_taken;
	struct mv_test_pool *pool;

	if (check_conflicts(host, def, err) < 0 ||
	    mv_entity_check_new(&host->pools, "pool", MV_FROM_STORAGE, def->name, def->uuid, live, &pool, err) < 0)
		return NULL;
	if (!pool) {
		pool = add(host, def, err);
		if (!pool)
			return NULL;
	}
	if (pool->object.active) {
		mv_storagepool_def_free(pool->next);
		pool->next = mv_steal(def);
		return pool;
	}
	mv_storagepool_def_free(pool->def);
	pool->def = mv_steal(def);
	return pool;
}

static struct mv_storagepool_def *parse(const char *xml, bool validate, struct mv_error **err)
{
	struct mv_storagepool_def *def;

	if (mv_storagepool_def_parse(xml, validate ? MV_CONF_VALIDATE : 0, NULL, &def, err) < 0)
		return NULL;
	def->capacity = def->available = CAPACITY;
	return def;
}

/* The <volume> elements that a pool of a file has in it. */
static int load_volumes(struct mv_test_pool *pool, const struct mv_test_source *source, const char *xml,
			struct mv_error **err)
{
	struct mv_xml_pieces children;
	struct mv_xml_piece root;
	int ret = 0;

	if (mv_xml_root(xml, strlen(xml), &root, err) < 0 || mv_xml_children(&root, &children, err) < 0)
		return -1;
	for (size_t i = 0; i < children.count && ret == 0; i++) {
		if (mv_xml_is(&children.pieces[i], "volume")) {
			mv_autofree char *volume = mv_test_piece(source, &children.pieces[i], err);

			ret = volume ? mv_test_load_volume(pool, volume, err) : -1;
		}
	}
	free(children.pieces);
	return ret;
}

int mv_test_load_pool(struct mv_test_host *host, const struct mv_test_source *source, const struct mv_xml_piece *piece,
		      struct mv_error **err)
{
	mv_autofree char *xml = mv_test_piece(source, piece, err);
	struct mv_storagepool_def *def = xml ? parse(xml, false, err) : NULL;
	struct mv_test_pool *pool = def ? assign(host, def, false, err) : NULL;

	if (!pool)
		return -1;
	pool->object.active = pool->object.persistent = true;
	return load_volumes(pool, source, xml, err);
}

/* --- doing --- */

int mv_test_storage_pool_define_xml(struct mv_driver *drv, const struct mv_storage_pool_define_xml_args *args,
				    struct mv_storage_pool_define_xml_ret *ret, struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_storagepool_def *def;
	struct mv_test_pool *pool;

	if (mv_test_check_flags(args->flags, VIR_STORAGE_POOL_DEFINE_VALIDATE, "testStoragePoolDefineXML", err) < 0)
		return -1;
	def = parse(args->xml, args->flags & VIR_STORAGE_POOL_DEFINE_VALIDATE, err);
	pool = def ? assign(host, def, false, err) : NULL;
	if (!pool)
		return -1;
	pool->object.persistent = true;
	lifecycle(host, pool, VIR_STORAGE_POOL_EVENT_DEFINED);
	return mv_test_pool_ref(pool, &ret->pool, err);
}

int mv_test_storage_pool_create_xml(struct mv_driver *drv, const struct mv_storage_pool_create_xml_args *args,
				    struct mv_storage_pool_create_xml_ret *ret, struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_storagepool_def *def;
	struct mv_test_pool *pool;

	if (mv_test_check_flags(args->flags, 0, "testStoragePoolCreateXML", err) < 0)
		return -1;
	def = parse(args->xml, false, err);
	pool = def ? assign(host, def, true, err) : NULL;
	if (!pool)
		return -1;
	/* Also one that was defined before: libvirt's test driver forgets that. */
	pool->object.persistent = false;
	pool->object.active = true;
	lifecycle(host, pool, VIR_STORAGE_POOL_EVENT_STARTED);
	return mv_test_pool_ref(pool, &ret->pool, err);
}

int mv_test_storage_pool_create(struct mv_driver *drv, const struct mv_storage_pool_create_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_test_pool *pool;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testStoragePoolCreate", err) < 0)
		return -1;
	pool = find(drv, args->pool.name, false, err);
	if (!pool)
		return -1;
	pool->object.active = true;
	lifecycle(mv_test_host(drv), pool, VIR_STORAGE_POOL_EVENT_STARTED);
	return 0;
}

int mv_test_storage_pool_destroy(struct mv_driver *drv, const struct mv_storage_pool_destroy_args *args, void *ret,
				 struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool_active(drv, args->pool.name, err);

	(void)ret;
	if (!pool)
		return -1;
	pool->object.active = false;
	lifecycle(mv_test_host(drv), pool, VIR_STORAGE_POOL_EVENT_STOPPED);
	if (!pool->object.persistent) {
		mv_entity_remove(&pool->object);
	} else if (pool->next) {
		mv_storagepool_def_free(pool->def);
		pool->def = mv_steal(pool->next);
	}
	return 0;
}

int mv_test_storage_pool_undefine(struct mv_driver *drv, const struct mv_storage_pool_undefine_args *args, void *ret,
				  struct mv_error **err)
{
	struct mv_test_pool *pool = find(drv, args->pool.name, false, err);

	(void)ret;
	if (!pool)
		return -1;
	lifecycle(mv_test_host(drv), pool, VIR_STORAGE_POOL_EVENT_UNDEFINED);
	mv_entity_remove(&pool->object);
	return 0;
}

int mv_test_storage_pool_build(struct mv_driver *drv, const struct mv_storage_pool_build_args *args, void *ret,
			       struct mv_error **err)
{
	struct mv_test_pool *pool;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testStoragePoolBuild", err) < 0)
		return -1;
	pool = find(drv, args->pool.name, false, err);
	if (!pool)
		return -1;
	lifecycle(mv_test_host(drv), pool, VIR_STORAGE_POOL_EVENT_CREATED);
	return 0;
}

int mv_test_storage_pool_delete(struct mv_driver *drv, const struct mv_storage_pool_delete_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_test_pool *pool;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testStoragePoolDelete", err) < 0)
		return -1;
	pool = find(drv, args->pool.name, false, err);
	if (!pool)
		return -1;
	lifecycle(mv_test_host(drv), pool, VIR_STORAGE_POOL_EVENT_DELETED);
	return 0;
}

int mv_test_storage_pool_refresh(struct mv_driver *drv, const struct mv_storage_pool_refresh_args *args, void *ret,
				 struct mv_error **err)
{
	struct mv_storage_pool_event_refresh_msg msg = { 0 };
	struct mv_test_pool *pool;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testStoragePoolRefresh", err) < 0)
		return -1;
	pool = mv_test_pool_active(drv, args->pool.name, err);
	if (!pool)
		return -1;
	msg.pool.name = pool->object.name;
	memcpy(msg.pool.uuid, pool->object.uuid, sizeof(msg.pool.uuid));
	mv_test_event(mv_test_host(drv), MV_CALL_STORAGE_POOL_EVENT_REFRESH, &msg);
	return 0;
}
