-- The calls that list and find the objects of each class. `owner` says of what they are: of the connection where it is
-- missing.

return {
	Domain = {
		list = "connect_list_all_domains", field = "domains", name = "domain_lookup_by_name", uuid = "domain_lookup_by_uuid",
		missing = "no_domain",
		-- Properties that the call can choose by, so that nothing more has to be asked: flags for true and for false.
		filter = {
			active = { "CONNECT_LIST_DOMAINS_ACTIVE", "CONNECT_LIST_DOMAINS_INACTIVE" },
			persistent = { "CONNECT_LIST_DOMAINS_PERSISTENT", "CONNECT_LIST_DOMAINS_TRANSIENT" },
			autostart = { "CONNECT_LIST_DOMAINS_AUTOSTART", "CONNECT_LIST_DOMAINS_NO_AUTOSTART" },
			has_managed_save = { "CONNECT_LIST_DOMAINS_MANAGEDSAVE", "CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE" },
			state = {
				running = "CONNECT_LIST_DOMAINS_RUNNING", paused = "CONNECT_LIST_DOMAINS_PAUSED",
				["shut off"] = "CONNECT_LIST_DOMAINS_SHUTOFF",
			},
		},
	},
	Network = {
		list = "connect_list_all_networks", field = "nets", name = "network_lookup_by_name", uuid = "network_lookup_by_uuid",
		missing = "no_network",
		filter = {
			active = { "CONNECT_LIST_NETWORKS_ACTIVE", "CONNECT_LIST_NETWORKS_INACTIVE" },
			persistent = { "CONNECT_LIST_NETWORKS_PERSISTENT", "CONNECT_LIST_NETWORKS_TRANSIENT" },
			autostart = { "CONNECT_LIST_NETWORKS_AUTOSTART", "CONNECT_LIST_NETWORKS_NO_AUTOSTART" },
		},
	},
	Pool = {
		list = "connect_list_all_storage_pools", field = "pools", name = "storage_pool_lookup_by_name",
		uuid = "storage_pool_lookup_by_uuid", missing = "no_storage_pool",
		filter = {
			active = { "CONNECT_LIST_STORAGE_POOLS_ACTIVE", "CONNECT_LIST_STORAGE_POOLS_INACTIVE" },
			persistent = { "CONNECT_LIST_STORAGE_POOLS_PERSISTENT", "CONNECT_LIST_STORAGE_POOLS_TRANSIENT" },
			autostart = { "CONNECT_LIST_STORAGE_POOLS_AUTOSTART", "CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART" },
		},
	},
	Interface = {
		list = "connect_list_all_interfaces", field = "ifaces", name = "interface_lookup_by_name", missing = "no_interface",
		filter = { active = { "CONNECT_LIST_INTERFACES_ACTIVE", "CONNECT_LIST_INTERFACES_INACTIVE" } },
	},
	NodeDevice = {
		list = "connect_list_all_node_devices", field = "devices", name = "node_device_lookup_by_name",
		missing = "no_node_device",
	},
	Secret = {
		list = "connect_list_all_secrets", field = "secrets", uuid = "secret_lookup_by_uuid", missing = "no_secret",
	},
	NWFilter = {
		list = "connect_list_all_nwfilters", field = "filters", name = "nwfilter_lookup_by_name",
		uuid = "nwfilter_lookup_by_uuid", missing = "no_nwfilter",
	},
	NWFilterBinding = {
		list = "connect_list_all_nwfilter_bindings", field = "bindings", name = "nwfilter_binding_lookup_by_port_dev",
		missing = "no_nwfilter_binding",
	},
	Volume = {
		owner = "Pool", list = "storage_pool_list_all_volumes", field = "vols", name = "storage_vol_lookup_by_name",
		missing = "no_storage_vol",
	},
	Snapshot = {
		owner = "Domain", list = "domain_list_all_snapshots", field = "snapshots", name = "domain_snapshot_lookup_by_name",
		extra = 0, missing = "no_domain_snapshot", children = "domain_snapshot_list_all_children",
	},
	Checkpoint = {
		owner = "Domain", list = "domain_list_all_checkpoints", field = "checkpoints",
		name = "domain_checkpoint_lookup_by_name", extra = 0, missing = "no_domain_checkpoint",
		children = "domain_checkpoint_list_all_children",
	},
	NetworkPort = {
		owner = "Network", list = "network_list_all_ports", field = "ports", uuid = "network_port_lookup_by_uuid",
		missing = "no_network_port",
	},
}
