/* Volumes of the test driver's pools: only their descriptions. */
#define MV_ERROR_DOMAIN MV_FROM_STORAGE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/storagevol_check.h"
#include "engine/test/calls.h"
#include "engine/test/load.h"
#include "engine/test/storage.h"
#include "flags.h"

/* --- objects --- */

static void release(struct mv_entity *obj)
{
	mv_storagevol_def_free(((struct mv_test_volume *)obj)->def);
}

static int fill_ref(const struct mv_test_volume *vol, struct mv_storage_vol_ref *ref, struct mv_error **err)
{
	if (mv_test_copy(vol->pool->object.name, &ref->pool, err) < 0 ||
	    mv_test_copy(vol->def->name, &ref->name, err) < 0)
		return -1;
	return mv_test_copy(vol->def->key, &ref->key, err);
}

static struct mv_test_volume *find(struct mv_driver *drv, const char *pool_name, const char *name,
				   struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool_active(drv, pool_name, err);
	struct mv_test_volume *vol = pool ? mv_entity_by_name(&pool->volumes, name) : NULL;

	if (pool && !vol)
		mv_error_set(err, MV_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
	return vol;
}

/* --- making --- */

/* Where the volume is, below the pool's target; its key is the same. */
static int complete(const struct mv_test_pool *pool, struct mv_storagevol_def *def, bool keep, struct mv_error **err)
{
	const char *folder = pool->def->target.path ? pool->def->target.path : pool->def->name;

	if (!keep || !def->target.path) {
		free(def->target.path);
		if (asprintf(&def->target.path, "%s/%s", folder, def->name) < 0) {
			def->target.path = NULL;
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a volume");
		}
	}
	if (!keep || !def->key) {
		free(def->key);
		if (mv_test_copy(def->target.path, &def->key, err) < 0)
			return -1;
	}
	if (!def->type)
		def->type = MV_VOL_TYPE_FILE;
	return mv_storagevol_complete(def, pool->def->type, err);
}

/* The pool's accounts with one volume more or less. */
static void account(struct mv_test_pool *pool, const struct mv_storagevol_def *def, bool more)
{
	uint64_t size = def->allocation;

	pool->def->allocation = more ? pool->def->allocation + size : pool->def->allocation - size;
	pool->def->available = pool->def->capacity > pool->def->allocation ?
		pool->def->capacity - pool->def->allocation :
		0;
}

/* Takes def, also on failure. */
static struct mv_test_volume *add(struct mv_test_pool *pool, struct mv_storagevol_def *def, struct mv_error **err)
{
	struct mv_test_volume *vol = mv_entity_create(sizeof(*vol), def->name, NULL, err);

	if (!vol) {
		mv_storagevol_def_free(def);
		return NULL;
	}
	vol->def = def;
	vol->pool = pool;
	vol->object.release = release;
	if (mv_entity_add(&pool->volumes, &vol->object, err) < 0) {
		mv_entity_unref(vol);
		return NULL;
	}
	mv_entity_unref(vol); /* the table has it */
	account(pool, def, true);
	return vol;
}

int mv_test_load_volume(struct mv_test_pool *pool, const char *xml, struct mv_error **err)
{
	mv_auto(mv_storagevol_def) def = NULL;

	if (mv_storagevol_def_parse(xml, 0, NULL, &def, err) < 0 || complete(pool, def, true, err) < 0)
		return -1;
	if (mv_entity_by_name(&pool->volumes, def->name))
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "storage vol '%s' already exists", def->name);
	return add(pool, mv_steal(def), err) ? 0 : -1;
}

/* A volume from XML; `like`: one in the same pool that it is a copy of, or NULL. */
static struct mv_test_volume *create(struct mv_driver *drv, const char *pool_name, const char *xml, const char *like,
				     bool validate, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool_active(drv, pool_name, err);
	mv_auto(mv_storagevol_def) def = NULL;

	if (!pool || mv_storagevol_def_parse(xml, validate ? MV_CONF_VALIDATE : 0, NULL, &def, err) < 0 ||
	    complete(pool, def, false, err) < 0)
		return NULL;
	if (mv_entity_by_name(&pool->volumes, def->name)) {
		mv_error_set(err, MV_ERR_OPERATION_FAILED, "storage vol already exists");
		return NULL;
	}
	if (like && !mv_entity_by_name(&pool->volumes, like)) {
		mv_error_set(err, MV_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", like);
		return NULL;
	}
	if (def->allocation > pool->def->available) {
		mv_error_set(err, MV_ERR_INTERNAL, "Not enough free space in pool for volume '%s'", def->name);
		return NULL;
	}
	return add(pool, mv_steal(def), err);
}

int mv_test_storage_vol_create_xml(struct mv_driver *drv, const struct mv_storage_vol_create_xml_args *args,
				   struct mv_storage_vol_create_xml_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol;

	if (mv_test_check_flags(args->flags, VIR_STORAGE_VOL_CREATE_VALIDATE, "testStorageVolCreateXML", err) < 0)
		return -1;
	vol = create(drv, args->pool.name, args->xml, NULL, args->flags & VIR_STORAGE_VOL_CREATE_VALIDATE, err);
	return vol ? fill_ref(vol, &ret->vol, err) : -1;
}

int mv_test_storage_vol_create_xml_from(struct mv_driver *drv, const struct mv_storage_vol_create_xml_from_args *args,
					struct mv_storage_vol_create_xml_from_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol;

	if (mv_test_check_flags(args->flags, VIR_STORAGE_VOL_CREATE_VALIDATE, "testStorageVolCreateXMLFrom", err) < 0)
		return -1;
	vol = create(drv, args->pool.name, args->xml, args->clonevol.name,
		     args->flags & VIR_STORAGE_VOL_CREATE_VALIDATE, err);
	return vol ? fill_ref(vol, &ret->vol, err) : -1;
}

int mv_test_storage_vol_delete(struct mv_driver *drv, const struct mv_storage_vol_delete_args *args, void *ret,
			       struct mv_error **err)
{
	struct mv_test_volume *vol;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testStorageVolDelete", err) < 0)
		return -1;
	vol = find(drv, args->vol.pool, args->vol.name, err);
	if (!vol)
		return -1;
	account(vol->pool, vol->def, false);
	mv_entity_remove(&vol->object);
	return 0;
}

/* --- finding --- */

int mv_test_storage_pool_list_all_volumes(struct mv_driver *drv,
					  const struct mv_storage_pool_list_all_volumes_args *args,
					  struct mv_storage_pool_list_all_volumes_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool;

	if (mv_test_check_flags(args->flags, 0, "testStoragePoolListAllVolumes", err) < 0)
		return -1;
	pool = mv_test_pool(drv, args->pool.name, err);
	if (!pool)
		return -1;
	if (!pool->object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "storage pool is not active");
	if (args->need_results) {
		ret->vols = calloc(pool->volumes.count + 1, sizeof(*ret->vols));
		if (!ret->vols)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of volumes");
	}
	for (struct mv_test_volume *vol = mv_entity_first(&pool->volumes); vol; vol = mv_entity_next(vol)) {
		if (args->need_results && fill_ref(vol, &ret->vols[ret->n_vols++], err) < 0)
			return -1;
		ret->ret++;
	}
	return 0;
}

int mv_test_storage_vol_lookup_by_name(struct mv_driver *drv, const struct mv_storage_vol_lookup_by_name_args *args,
				       struct mv_storage_vol_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol = find(drv, args->pool.name, args->name, err);

	return vol ? fill_ref(vol, &ret->vol, err) : -1;
}

/* Keys and paths are told apart by nothing but what they are compared with. */
static struct mv_test_volume *search(struct mv_driver *drv, const char *text, bool by_key)
{
	for (struct mv_test_pool *pool = mv_entity_first(&mv_test_host(drv)->pools); pool;
	     pool = mv_entity_next(pool)) {
		if (!pool->object.active)
			continue;
		for (struct mv_test_volume *vol = mv_entity_first(&pool->volumes); vol; vol = mv_entity_next(vol))
			if (strcmp(by_key ? vol->def->key : vol->def->target.path, text) == 0)
				return vol;
	}
	return NULL;
}

int mv_test_storage_vol_lookup_by_key(struct mv_driver *drv, const struct mv_storage_vol_lookup_by_key_args *args,
				      struct mv_storage_vol_lookup_by_key_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol = search(drv, args->key, true);

	if (!vol)
		return mv_error_set(err, MV_ERR_NO_STORAGE_VOL, "no storage vol with matching key '%s'", args->key);
	return fill_ref(vol, &ret->vol, err);
}

int mv_test_storage_vol_lookup_by_path(struct mv_driver *drv, const struct mv_storage_vol_lookup_by_path_args *args,
				       struct mv_storage_vol_lookup_by_path_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol = search(drv, args->path, false);

	if (!vol)
		return mv_error_set(err, MV_ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", args->path);
	return fill_ref(vol, &ret->vol, err);
}

/* --- asking --- */

/* What a pool's volumes are is told by its type, whatever their XML says. */
static int type_of(enum mv_pool_type pool)
{
	switch (pool) {
	case MV_POOL_TYPE_DIR:
	case MV_POOL_TYPE_FS:
	case MV_POOL_TYPE_NETFS:
	case MV_POOL_TYPE_VSTORAGE: return VIR_STORAGE_VOL_FILE;
	case MV_POOL_TYPE_SHEEPDOG:
	case MV_POOL_TYPE_ISCSI_DIRECT:
	case MV_POOL_TYPE_GLUSTER:
	case MV_POOL_TYPE_RBD: return VIR_STORAGE_VOL_NETWORK;
	default: return VIR_STORAGE_VOL_BLOCK;
	}
}

int mv_test_storage_vol_get_info(struct mv_driver *drv, const struct mv_storage_vol_get_info_args *args,
				 struct mv_storage_vol_get_info_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol = find(drv, args->vol.pool, args->vol.name, err);

	if (!vol)
		return -1;
	ret->type = (int8_t)type_of(vol->pool->def->type);
	ret->capacity = vol->def->capacity;
	ret->allocation = vol->def->allocation;
	return 0;
}

int mv_test_storage_vol_get_xml_desc(struct mv_driver *drv, const struct mv_storage_vol_get_xml_desc_args *args,
				     struct mv_storage_vol_get_xml_desc_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol;

	if (mv_test_check_flags(args->flags, 0, "testStorageVolGetXMLDesc", err) < 0)
		return -1;
	vol = find(drv, args->vol.pool, args->vol.name, err);
	return vol ? mv_storagevol_def_format(vol->def, 0, &ret->xml, err) : -1;
}

int mv_test_storage_vol_get_path(struct mv_driver *drv, const struct mv_storage_vol_get_path_args *args,
				 struct mv_storage_vol_get_path_ret *ret, struct mv_error **err)
{
	struct mv_test_volume *vol = find(drv, args->vol.pool, args->vol.name, err);

	return vol ? mv_test_copy(vol->def->target.path, &ret->name, err) : -1;
}
