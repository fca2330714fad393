/* Storage pools: which there are, what they are, and where more could be. */
#define MV_ERROR_DOMAIN MV_FROM_STORAGE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/uuid.h"
#include "engine/test/calls.h"
#include "engine/test/storage.h"
#include "flags.h"

/* --- finding --- */

static const uint32_t type_flags[] = {
	[MV_POOL_TYPE_DIR] = VIR_CONNECT_LIST_STORAGE_POOLS_DIR,
	[MV_POOL_TYPE_FS] = VIR_CONNECT_LIST_STORAGE_POOLS_FS,
	[MV_POOL_TYPE_NETFS] = VIR_CONNECT_LIST_STORAGE_POOLS_NETFS,
	[MV_POOL_TYPE_LOGICAL] = VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL,
	[MV_POOL_TYPE_DISK] = VIR_CONNECT_LIST_STORAGE_POOLS_DISK,
	[MV_POOL_TYPE_ISCSI] = VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI,
	[MV_POOL_TYPE_ISCSI_DIRECT] = VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT,
	[MV_POOL_TYPE_SCSI] = VIR_CONNECT_LIST_STORAGE_POOLS_SCSI,
	[MV_POOL_TYPE_MPATH] = VIR_CONNECT_LIST_STORAGE_POOLS_MPATH,
	[MV_POOL_TYPE_RBD] = VIR_CONNECT_LIST_STORAGE_POOLS_RBD,
	[MV_POOL_TYPE_SHEEPDOG] = VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG,
	[MV_POOL_TYPE_GLUSTER] = VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER,
	[MV_POOL_TYPE_ZFS] = VIR_CONNECT_LIST_STORAGE_POOLS_ZFS,
	[MV_POOL_TYPE_VSTORAGE] = VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE,
};

#define FLAG(name) VIR_CONNECT_LIST_STORAGE_POOLS_##name
#define TYPE_FLAGS 0xfffc0u /* DIR to ISCSI_DIRECT */

/* A group of flags of which none is given leaves everything in. */
static bool in_group(uint32_t flags, uint32_t group, uint32_t is)
{
	return !(flags & group) || (flags & is);
}

static bool is_wanted(const struct mv_test_pool *pool, uint32_t flags)
{
	const struct mv_entity *o = &pool->object;

	return in_group(flags, FLAG(ACTIVE) | FLAG(INACTIVE), o->active ? FLAG(ACTIVE) : FLAG(INACTIVE)) &&
		in_group(flags, FLAG(PERSISTENT) | FLAG(TRANSIENT),
			 o->persistent ? FLAG(PERSISTENT) : FLAG(TRANSIENT)) &&
		in_group(flags, FLAG(AUTOSTART) | FLAG(NO_AUTOSTART),
			 o->autostart ? FLAG(AUTOSTART) : FLAG(NO_AUTOSTART)) &&
		in_group(flags, TYPE_FLAGS, type_flags[pool->def->type]);
}

int mv_test_connect_list_all_storage_pools(struct mv_driver *drv,
					   const struct mv_connect_list_all_storage_pools_args *args,
					   struct mv_connect_list_all_storage_pools_ret *ret, struct mv_error **err)
{
	struct mv_entity_table *table = &mv_test_host(drv)->pools;

	if (mv_test_check_flags(args->flags, 0x3f | TYPE_FLAGS, "testConnectListAllStoragePools", err) < 0)
		return -1;
	if (args->need_results) {
		ret->pools = calloc(table->count + 1, sizeof(*ret->pools));
		if (!ret->pools)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of storage pools");
	}
	for (struct mv_test_pool *pool = mv_entity_first(table); pool; pool = mv_entity_next(pool)) {
		if (!is_wanted(pool, args->flags))
			continue;
		if (args->need_results && mv_test_pool_ref(pool, &ret->pools[ret->n_pools++], err) < 0)
			return -1;
		ret->ret++;
	}
	return 0;
}

int mv_test_storage_pool_lookup_by_name(struct mv_driver *drv, const struct mv_storage_pool_lookup_by_name_args *args,
					struct mv_storage_pool_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->name, err);

	return pool ? mv_test_pool_ref(pool, &ret->pool, err) : -1;
}

int mv_test_storage_pool_lookup_by_uuid(struct mv_driver *drv, const struct mv_storage_pool_lookup_by_uuid_args *args,
					struct mv_storage_pool_lookup_by_uuid_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_entity_by_uuid(&mv_test_host(drv)->pools, args->uuid);
	char text[MV_UUID_TEXT];

	if (!pool)
		return mv_error_set(err, MV_ERR_NO_STORAGE_POOL, "no storage pool with matching uuid '%s'",
				    mv_uuid_format(args->uuid, text));
	return mv_test_pool_ref(pool, &ret->pool, err);
}

int mv_test_storage_pool_lookup_by_volume(struct mv_driver *drv,
					  const struct mv_storage_pool_lookup_by_volume_args *args,
					  struct mv_storage_pool_lookup_by_volume_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->vol.pool, err);

	return pool ? mv_test_pool_ref(pool, &ret->pool, err) : -1;
}

int mv_test_storage_pool_lookup_by_target_path(struct mv_driver *drv,
					       const struct mv_storage_pool_lookup_by_target_path_args *args,
					       struct mv_storage_pool_lookup_by_target_path_ret *ret,
					       struct mv_error **err)
{
	for (struct mv_test_pool *pool = mv_entity_first(&mv_test_host(drv)->pools); pool; pool = mv_entity_next(pool))
		if (pool->object.active && pool->def->target.path && strcmp(pool->def->target.path, args->path) == 0)
			return mv_test_pool_ref(pool, &ret->pool, err);
	return mv_error_set(err, MV_ERR_NO_STORAGE_POOL, "no storage pool with matching target path '%s'", args->path);
}

/* --- asking --- */

int mv_test_storage_pool_is_active(struct mv_driver *drv, const struct mv_storage_pool_is_active_args *args,
				   struct mv_storage_pool_is_active_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->pool.name, err);

	if (!pool)
		return -1;
	ret->active = pool->object.active;
	return 0;
}

int mv_test_storage_pool_is_persistent(struct mv_driver *drv, const struct mv_storage_pool_is_persistent_args *args,
				       struct mv_storage_pool_is_persistent_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->pool.name, err);

	if (!pool)
		return -1;
	ret->persistent = pool->object.persistent;
	return 0;
}

int mv_test_storage_pool_get_info(struct mv_driver *drv, const struct mv_storage_pool_get_info_args *args,
				  struct mv_storage_pool_get_info_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->pool.name, err);

	if (!pool)
		return -1;
	ret->state = pool->object.active ? VIR_STORAGE_POOL_RUNNING : VIR_STORAGE_POOL_INACTIVE;
	ret->capacity = pool->def->capacity;
	ret->allocation = pool->def->allocation;
	ret->available = pool->def->available;
	return 0;
}

int mv_test_storage_pool_get_xml_desc(struct mv_driver *drv, const struct mv_storage_pool_get_xml_desc_args *args,
				      struct mv_storage_pool_get_xml_desc_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool;

	if (mv_test_check_flags(args->flags, 0, "testStoragePoolGetXMLDesc", err) < 0)
		return -1;
	pool = mv_test_pool(drv, args->pool.name, err);
	return pool ? mv_storagepool_def_format(pool->def, 0, &ret->xml, err) : -1;
}

int mv_test_storage_pool_get_autostart(struct mv_driver *drv, const struct mv_storage_pool_get_autostart_args *args,
				       struct mv_storage_pool_get_autostart_ret *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->pool.name, err);

	if (!pool)
		return -1;
	ret->autostart = pool->object.autostart;
	return 0;
}

int mv_test_storage_pool_set_autostart(struct mv_driver *drv, const struct mv_storage_pool_set_autostart_args *args,
				       void *ret, struct mv_error **err)
{
	struct mv_test_pool *pool = mv_test_pool(drv, args->pool.name, err);

	(void)ret;
	if (!pool)
		return -1;
	if (!pool->object.persistent)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "pool has no config file");
	pool->object.autostart = args->autostart != 0;
	return 0;
}

/* A <source> alone, of which the host matters for network file systems. *host is NULL or owned. */
static int read_source(const char *spec, const char *pool, char **host, struct mv_error **err)
{
	mv_auto(mv_storagepool_def) def = NULL;
	mv_autofree char *xml = NULL;

	*host = NULL;
	if (asprintf(&xml, "<pool type='%s'><name>x</name>%s</pool>", pool, spec) < 0) {
		xml = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a description of storage");
	}
	if (mv_storagepool_def_parse(xml, 0, NULL, &def, err) < 0)
		return -1;
	return def->source.n_hosts ? mv_test_copy(def->source.hosts[0]->name, host, err) : 0;
}

int mv_test_connect_find_storage_pool_sources(struct mv_driver *drv,
					      const struct mv_connect_find_storage_pool_sources_args *args,
					      struct mv_connect_find_storage_pool_sources_ret *ret,
					      struct mv_error **err)
{
	static const char logical[] = "<sources>\n"
				      "  <source>\n"
				      "    <device path='/dev/sda20'/>\n"
				      "    <name>testvg1</name>\n"
				      "    <format type='lvm2'/>\n"
				      "  </source>\n"
				      "  <source>\n"
				      "    <device path='/dev/sda21'/>\n"
				      "    <name>testvg2</name>\n"
				      "    <format type='lvm2'/>\n"
				      "  </source>\n"
				      "</sources>\n";
	static const char netfs[] = "<sources>\n"
				    "  <source>\n"
				    "    <host name='%s'/>\n"
				    "    <dir path='/testshare'/>\n"
				    "    <format type='nfs'/>\n"
				    "  </source>\n"
				    "</sources>\n";
	int type = mv_conf_word_value(&mv_pool_type_enum, args->type);
	mv_autofree char *host = NULL;

	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testConnectFindStoragePoolSources", err) < 0)
		return -1;
	if (type == MV_POOL_TYPE_DIR)
		return mv_error_set(err, MV_ERR_INTERNAL, "unknown storage pool type %s", args->type);
	/* Sources are read as parts of pools that need no more than a name or a host. */
	if (args->srcSpec && (type == MV_POOL_TYPE_LOGICAL || type == MV_POOL_TYPE_NETFS) &&
	    read_source(args->srcSpec, type == MV_POOL_TYPE_LOGICAL ? "logical" : "sheepdog", &host, err) < 0)
		return -1;
	if (type == MV_POOL_TYPE_LOGICAL)
		return mv_test_copy(logical, &ret->xml, err);
	if (type != MV_POOL_TYPE_NETFS)
		return mv_error_set(err, MV_ERR_NO_SUPPORT, "pool type '%s' does not support source discovery",
				    args->type);
	if (!host)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "hostname must be specified for netfs sources");
	if (asprintf(&ret->xml, netfs, host) < 0) {
		ret->xml = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	}
	return 0;
}
