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

/* engine/test/host.c, capabilities.c, cpu.c */
#define MV_TEST_HOST_CALLS(X)          \
	X(connect_baseline_cpu)        \
	X(connect_get_capabilities)    \
	X(connect_get_cpu_model_names) \
	X(connect_get_max_vcpus)       \
	X(connect_get_sysinfo)         \
	X(node_get_info)               \
	X(node_get_cpu_map)            \
	X(node_get_cpu_stats)          \
	X(node_get_free_memory)        \
	X(node_get_cells_free_memory)  \
	X(node_get_free_pages)         \
	X(node_get_security_model)

/* engine/test/domain.c, domain_list.c */
#define MV_TEST_DOMAIN_CALLS(X)         \
	X(connect_list_all_domains)     \
	X(domain_lookup_by_id)          \
	X(domain_lookup_by_name)        \
	X(domain_lookup_by_uuid)        \
	X(domain_get_xml_desc)          \
	X(domain_get_info)              \
	X(domain_get_state)             \
	X(domain_get_os_type)           \
	X(domain_is_active)             \
	X(domain_is_persistent)         \
	X(domain_is_updated)            \
	X(domain_define_xml_flags)      \
	X(domain_create_xml_with_files) \
	X(domain_create_with_files)     \
	X(domain_create_xml)            \
	X(domain_undefine_flags)        \
	X(domain_create_with_flags)     \
	X(domain_destroy_flags)         \
	X(domain_suspend)               \
	X(domain_resume)                \
	X(domain_shutdown_flags)        \
	X(domain_reboot)                \
	X(domain_reset)                 \
	X(domain_rename)

/* engine/test/domain_config.c */
#define MV_TEST_DOMAIN_CONFIG_CALLS(X)    \
	X(domain_get_max_memory)          \
	X(domain_set_memory_flags)        \
	X(domain_set_memory_stats_period) \
	X(domain_get_metadata)            \
	X(domain_set_metadata)            \
	X(domain_get_autostart)           \
	X(domain_set_autostart)           \
	X(domain_set_lifecycle_action)

/* engine/test/taint.c */
#define MV_TEST_DOMAIN_TAINT_CALLS(X) X(domain_get_messages)

/* engine/test/domain_cpus.c */
#define MV_TEST_DOMAIN_CPU_CALLS(X)     \
	X(domain_get_vcpus_flags)       \
	X(domain_set_vcpus_flags)       \
	X(domain_get_vcpus)             \
	X(domain_get_vcpu_pin_info)     \
	X(domain_pin_vcpu)              \
	X(domain_pin_vcpu_flags)        \
	X(domain_pin_emulator)          \
	X(domain_get_emulator_pin_info) \
	X(domain_get_iothread_info)     \
	X(domain_pin_iothread)          \
	X(domain_add_iothread)          \
	X(domain_del_iothread)          \
	X(domain_set_iothread_params)

/* engine/test/domain_tune.c, domain_tune_devices.c */
#define MV_TEST_DOMAIN_TUNE_CALLS(X)             \
	X(domain_get_memory_parameters)          \
	X(domain_set_memory_parameters)          \
	X(domain_get_numa_parameters)            \
	X(domain_set_numa_parameters)            \
	X(domain_get_blkio_parameters)           \
	X(domain_set_blkio_parameters)           \
	X(domain_get_interface_parameters)       \
	X(domain_set_interface_parameters)       \
	X(domain_get_block_io_tune)              \
	X(domain_set_block_io_tune)              \
	X(domain_get_perf_events)                \
	X(domain_set_perf_events)                \
	X(domain_get_scheduler_type)             \
	X(domain_get_scheduler_parameters_flags) \
	X(domain_set_scheduler_parameters_flags)

/* engine/test/domain_stats.c */
#define MV_TEST_DOMAIN_STATS_CALLS(X) \
	X(domain_get_cpu_stats)       \
	X(domain_memory_stats)        \
	X(domain_memory_peek)         \
	X(domain_block_stats)         \
	X(domain_get_block_info)      \
	X(domain_get_disk_errors)     \
	X(domain_interface_stats)     \
	X(domain_interface_addresses) \
	X(connect_get_all_domain_stats)

/* engine/test/domain_save.c */
#define MV_TEST_DOMAIN_SAVE_CALLS(X)      \
	X(domain_save_flags)              \
	X(domain_restore_flags)           \
	X(domain_save_image_get_xml_desc) \
	X(domain_save_image_define_xml)   \
	X(domain_managed_save)            \
	X(domain_has_managed_save_image)  \
	X(domain_managed_save_remove)     \
	X(domain_core_dump_with_format)

/* engine/test/domain_guest.c */
#define MV_TEST_DOMAIN_GUEST_CALLS(X) \
	X(domain_get_hostname)        \
	X(domain_get_time)            \
	X(domain_set_time)            \
	X(domain_get_control_info)    \
	X(domain_fsfreeze)            \
	X(domain_fsthaw)              \
	X(domain_fstrim)              \
	X(domain_get_fsinfo)          \
	X(domain_inject_nmi)          \
	X(domain_send_key)            \
	X(domain_send_process_signal) \
	X(domain_set_user_password)   \
	X(domain_get_security_label)  \
	X(domain_get_launch_security_info)

/* engine/test/screenshot.c */
#define MV_TEST_SCREEN_CALLS(X) X(domain_screenshot)

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
	X(node_device_is_active)         \
	X(node_device_is_persistent)     \
	X(node_device_num_of_caps)       \
	X(node_device_list_caps)         \
	X(node_device_create_xml)        \
	X(node_device_destroy)

/* engine/test/network.c */
#define MV_TEST_NETWORK_CALLS(X)     \
	X(connect_list_all_networks) \
	X(network_lookup_by_name)    \
	X(network_lookup_by_uuid)    \
	X(network_is_active)         \
	X(network_is_persistent)     \
	X(network_get_xml_desc)      \
	X(network_get_bridge_name)   \
	X(network_get_autostart)     \
	X(network_set_autostart)     \
	X(network_define_xml)        \
	X(network_define_xml_flags)  \
	X(network_create_xml)        \
	X(network_create_xml_flags)  \
	X(network_create)            \
	X(network_destroy)           \
	X(network_undefine)          \
	X(network_update)

/* engine/test/pool.c, pool_list.c */
#define MV_TEST_POOL_CALLS(X)                 \
	X(connect_list_all_storage_pools)     \
	X(connect_find_storage_pool_sources)  \
	X(storage_pool_lookup_by_name)        \
	X(storage_pool_lookup_by_uuid)        \
	X(storage_pool_lookup_by_volume)      \
	X(storage_pool_lookup_by_target_path) \
	X(storage_pool_is_active)             \
	X(storage_pool_is_persistent)         \
	X(storage_pool_get_info)              \
	X(storage_pool_get_xml_desc)          \
	X(storage_pool_get_autostart)         \
	X(storage_pool_set_autostart)         \
	X(storage_pool_define_xml)            \
	X(storage_pool_create_xml)            \
	X(storage_pool_create)                \
	X(storage_pool_destroy)               \
	X(storage_pool_undefine)              \
	X(storage_pool_build)                 \
	X(storage_pool_delete)                \
	X(storage_pool_refresh)

/* engine/test/volume.c */
#define MV_TEST_VOLUME_CALLS(X)          \
	X(storage_pool_list_all_volumes) \
	X(storage_vol_create_xml)        \
	X(storage_vol_create_xml_from)   \
	X(storage_vol_delete)            \
	X(storage_vol_lookup_by_name)    \
	X(storage_vol_lookup_by_key)     \
	X(storage_vol_lookup_by_path)    \
	X(storage_vol_get_info)          \
	X(storage_vol_get_xml_desc)      \
	X(storage_vol_get_path)

#define MV_TEST_ALL_CALLS(X)           \
	MV_TEST_CONNECTION_CALLS(X)    \
	MV_TEST_HOST_CALLS(X)          \
	MV_TEST_DOMAIN_CALLS(X)        \
	MV_TEST_DOMAIN_CONFIG_CALLS(X) \
	MV_TEST_DOMAIN_TAINT_CALLS(X)  \
	MV_TEST_DOMAIN_CPU_CALLS(X)    \
	MV_TEST_DOMAIN_TUNE_CALLS(X)   \
	MV_TEST_DOMAIN_STATS_CALLS(X)  \
	MV_TEST_DOMAIN_SAVE_CALLS(X)   \
	MV_TEST_DOMAIN_GUEST_CALLS(X)  \
	MV_TEST_SCREEN_CALLS(X)        \
	MV_TEST_SNAPSHOT_CALLS(X)      \
	MV_TEST_CHECKPOINT_CALLS(X)    \
	MV_TEST_INTERFACE_CALLS(X)     \
	MV_TEST_NODEDEV_CALLS(X)       \
	MV_TEST_NETWORK_CALLS(X)       \
	MV_TEST_POOL_CALLS(X)          \
	MV_TEST_VOLUME_CALLS(X)

#define MV_TEST_DECLARE(call) extern __typeof__(*((struct mv_calls *)0)->call) mv_test_##call;
MV_TEST_ALL_CALLS(MV_TEST_DECLARE)

#endif
