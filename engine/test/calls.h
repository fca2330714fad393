/* All calls that the test driver answers, by kind of object; what is not here, libvirt's does not support either. Call
 * X is the function mv_test_X(), of X's slot type, declared here. */
#ifndef MV_TEST_CALLS_H
#define MV_TEST_CALLS_H

#include "engine/api/call.h"

/* engine/test/connection.c */
#define MV_TEST_CONNECTION_CALLS(X) \
	X(connect_get_type)         \
	X(connect_get_version)      \
	X(connect_get_hostname)

/* engine/test/host.c, capabilities.c */
#define MV_TEST_HOST_CALLS(X)          \
	X(connect_get_capabilities)    \
	X(connect_get_max_vcpus)       \
	X(connect_get_sysinfo)         \
	X(node_get_info)               \
	X(node_get_cpu_map)            \
	X(node_get_cpu_stats)          \
	X(node_get_free_memory)        \
	X(node_get_cells_free_memory)  \
	X(node_get_free_pages)

/* engine/test/domain.c, domain_list.c */
#define MV_TEST_DOMAIN_CALLS(X)     \
	X(connect_list_all_domains) \
	X(domain_lookup_by_id)      \
	X(domain_lookup_by_name)    \
	X(domain_lookup_by_uuid)    \
	X(domain_get_xml_desc)      \
	X(domain_get_info)          \
	X(domain_get_state)         \
	X(domain_get_os_type)       \
	X(domain_is_active)         \
	X(domain_is_persistent)     \
	X(domain_is_updated)        \
	X(domain_define_xml_flags)  \
	X(domain_create_xml)        \
	X(domain_undefine_flags)    \
	X(domain_create_with_flags) \
	X(domain_destroy_flags)     \
	X(domain_suspend)           \
	X(domain_resume)            \
	X(domain_shutdown_flags)    \
	X(domain_reboot)            \
	X(domain_reset)             \
	X(domain_rename)

/* engine/test/snapshot.c */
#define MV_TEST_SNAPSHOT_CALLS(X)            \
	X(domain_list_all_snapshots)         \
	X(domain_snapshot_list_all_children) \
	X(domain_snapshot_lookup_by_name)    \
	X(domain_has_current_snapshot)       \
	X(domain_snapshot_current)           \
	X(domain_snapshot_get_parent)        \
	X(domain_snapshot_is_current)        \
	X(domain_snapshot_has_metadata)      \
	X(domain_snapshot_get_xml_desc)      \
	X(domain_snapshot_create_xml)        \
	X(domain_snapshot_delete)            \
	X(domain_revert_to_snapshot)

/* engine/test/checkpoint.c */
#define MV_TEST_CHECKPOINT_CALLS(X)            \
	X(domain_checkpoint_create_xml)        \
	X(domain_list_all_checkpoints)         \
	X(domain_checkpoint_list_all_children) \
	X(domain_checkpoint_lookup_by_name)    \
	X(domain_checkpoint_get_parent)        \
	X(domain_checkpoint_get_xml_desc)      \
	X(domain_checkpoint_delete)

/* engine/test/interface.c */
#define MV_TEST_INTERFACE_CALLS(X)        \
	X(connect_list_all_interfaces)    \
	X(interface_lookup_by_name)       \
	X(interface_lookup_by_mac_string) \
	X(interface_is_active)            \
	X(interface_get_xml_desc)         \
	X(interface_define_xml)           \
	X(interface_undefine)             \
	X(interface_create)               \
	X(interface_destroy)              \
	X(interface_change_begin)         \
	X(interface_change_commit)        \
	X(interface_change_rollback)

/* engine/test/nodedev.c */
#define MV_TEST_NODEDEV_CALLS(X)         \
	X(connect_list_all_node_devices) \
	X(node_num_of_devices)           \
	X(node_list_devices)             \
	X(node_device_lookup_by_name)    \
	X(node_device_get_xml_desc)      \
	X(node_device_get_parent)        \
	X(node_device_num_of_caps)       \
	X(node_device_list_caps)         \
	X(node_device_create_xml)        \
	X(node_device_destroy)

/* engine/test/pool.c */
#define MV_TEST_POOL_CALLS(X)                  \
	X(connect_list_all_storage_pools)      \
	X(connect_find_storage_pool_sources)   \
	X(storage_pool_lookup_by_name)         \
	X(storage_pool_lookup_by_uuid)         \
	X(storage_pool_lookup_by_volume)       \
	X(storage_pool_lookup_by_target_path)  \
	X(storage_pool_is_active)              \
	X(storage_pool_is_persistent)          \
	X(storage_pool_get_info)               \
	X(storage_pool_get_xml_desc)           \
	X(storage_pool_get_autostart)          \
	X(storage_pool_set_autostart)          \
	X(storage_pool_define_xml)             \
	X(storage_pool_create_xml)             \
	X(storage_pool_create)                 \
	X(storage_pool_destroy)                \
	X(storage_pool_undefine)               \
	X(storage_pool_build)                  \
	X(storage_pool_delete)                 \
	X(storage_pool_refresh)

/* engine/test/volume.c */
#define MV_TEST_VOLUME_CALLS(X)         \
	X(storage_pool_list_all_volumes) \
	X(storage_vol_create_xml)       \
	X(storage_vol_create_xml_from)  \
	X(storage_vol_delete)           \
	X(storage_vol_lookup_by_name)   \
	X(storage_vol_lookup_by_key)    \
	X(storage_vol_lookup_by_path)   \
	X(storage_vol_get_info)         \
	X(storage_vol_get_xml_desc)     \
	X(storage_vol_get_path)

#define MV_TEST_ALL_CALLS(X)        \
	MV_TEST_CONNECTION_CALLS(X) \
	MV_TEST_HOST_CALLS(X)       \
	MV_TEST_DOMAIN_CALLS(X)     \
	MV_TEST_SNAPSHOT_CALLS(X)   \
	MV_TEST_CHECKPOINT_CALLS(X) \
	MV_TEST_INTERFACE_CALLS(X)  \
	MV_TEST_NODEDEV_CALLS(X)    \
	MV_TEST_POOL_CALLS(X)       \
	MV_TEST_VOLUME_CALLS(X)

#define MV_TEST_DECLARE(call) extern __typeof__(*((struct mv_calls *)0)->call) mv_test_##call;
MV_TEST_ALL_CALLS(MV_TEST_DECLARE)

#endif
