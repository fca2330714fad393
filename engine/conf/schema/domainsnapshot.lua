-- Snapshots of domains (<domainsnapshot>).
return {
	include = { "domain", "domain_disks" },
	enums = {
		snapshot_state = { "nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended",
			"disk-snapshot" },
		snapshot_location = { "no", "internal", "external", "manual" },
		snapshot_disk_type = { "file", "block", "network" },
	},
	structs = {
		domainsnapshot = {
			{ elem = "name", type = "string" },
			{ elem = "description", type = "string" },
			{ elem = "state", type = "enum", of = "snapshot_state" },
			{ elem = "parent", struct = "snapshot_parent" },
			{ elem = "creationTime", type = "u64" },
			{ elem = "memory", struct = "snapshot_memory" },
			{ elem = "disks", struct = "snapshot_disks" },
			{ elem = "domain", struct = "domain", pointer = true },
			{ elem = "inactiveDomain", struct = "domain", pointer = true },
			{ raw = true, elem = "cookie" },
			{ elem = "active", type = "uint", max = 1 },
			check = "mv_domainsnapshot_check",
		},
		snapshot_parent = {
			{ elem = "name", type = "string" },
		},
		snapshot_memory = {
			{ attr = "snapshot", type = "enum", of = "snapshot_location" },
			{ attr = "file", type = "path" },
		},
		snapshot_disks = {
			{ elem = "disk", struct = "snapshot_disk", list = true, field = "disks" },
		},
		snapshot_disk = {
			{ attr = "name", type = "string", required = true },
			{ attr = "snapshot", type = "enum", of = "snapshot_location" },
			{ attr = "type", type = "enum", of = "disk_type" },
			{ elem = "driver", struct = "snapshot_disk_driver" },
			{ elem = "source", struct = "disk_source", by = "type" },
			check = "mv_snapshot_disk_check",
		},
		snapshot_disk_driver = {
			{ attr = "type", type = "string" },
			{ elem = "metadata_cache", struct = "snapshot_disk_cache" },
		},
		snapshot_disk_cache = {
			{ elem = "max_size", type = "size", unit = "bytes" },
		},
	},
	root = { struct = "domainsnapshot", element = "domainsnapshot", schema = "domainsnapshot.rng" },
}
