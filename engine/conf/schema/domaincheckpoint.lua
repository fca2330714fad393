-- Checkpoints of domains (<domaincheckpoint>).
return {
	include = { "domain", "domainsnapshot" },
	enums = {
		checkpoint_type = { "no", "bitmap" },
	},
	structs = {
		domaincheckpoint = {
			{ elem = "name", type = "string" },
			{ elem = "description", type = "string" },
			{ elem = "parent", struct = "snapshot_parent" },
			{ elem = "creationTime", type = "u64" },
			{ elem = "disks", struct = "checkpoint_disks" },
			{ elem = "domain", struct = "domain", pointer = true },
			check = "mv_domaincheckpoint_check",
		},
		checkpoint_disks = {
			{ elem = "disk", struct = "checkpoint_disk", list = true, field = "disks" },
		},
		checkpoint_disk = {
			{ attr = "name", type = "string", required = true },
			{ attr = "checkpoint", type = "enum", of = "checkpoint_type" },
			{ attr = "bitmap", type = "string" },
			{ attr = "size", type = "u64", live = true },
			check = "mv_checkpoint_disk_check",
		},
	},
	root = { struct = "domaincheckpoint", element = "domaincheckpoint", schema = "domaincheckpoint.rng" },
}
