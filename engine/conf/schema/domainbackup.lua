-- Backup jobs (<domainbackup>): push copies the disks to targets, pull offers them over NBD.
return {
	include = { "common", "common_storage" },
	enums = {
		backup_mode = { "push", "pull" },
		backup_transport = { "tcp", "unix" },
		backup_disk_mode = { "full", "incremental" },
		backup_disk_type = { "file", "block" },
		backup_disk_state = { "running", "complete", "failed", "cancelling", "cancelled" },
	},
	structs = {
		domainbackup = {
			{ attr = "mode", type = "enum", of = "backup_mode", default = "push" },
			{ attr = "id", type = "int", live = true },
			{ elem = "incremental", type = "string" },
			{ elem = "server", struct = "backup_server" },
			{ elem = "disks", struct = "backup_disks" },
			check = "mv_domainbackup_check",
		},
		backup_server = {
			{ attr = "transport", type = "enum", of = "backup_transport", default = "tcp" },
			{ attr = "tls", type = "tri_bool" },
			{ attr = "name", type = "string" },
			{ attr = "port", type = "uint", max = 65535 },
			{ attr = "socket", type = "path" },
		},
		backup_disks = {
			{ elem = "disk", struct = "backup_disk", list = true, field = "disks" },
		},
		backup_disk = {
			{ attr = "name", type = "string", required = true },
			{ attr = "backup", type = "tri_bool" },
			{ attr = "state", type = "enum", of = "backup_disk_state", live = true },
			{ attr = "type", type = "enum", of = "backup_disk_type" },
			{ attr = "backupmode", type = "enum", of = "backup_disk_mode", field = "mode" },
			{ attr = "incremental", type = "string" },
			{ attr = "exportname", type = "string", field = "export_name" },
			{ attr = "exportbitmap", type = "string", field = "export_bitmap" },
			{ elem = "driver", struct = "backup_driver" },
			{ elem = "target", struct = "backup_store" },
			{ elem = "scratch", struct = "backup_store" },
			check = "mv_backup_disk_check",
		},
		backup_driver = {
			{ attr = "type", type = "string", required = true },
		},
		backup_store = {
			{ attr = "file", type = "path" },
			{ attr = "dev", type = "path" },
			{ elem = "encryption", struct = "storage_encryption" },
			{ elem = "seclabel", struct = "device_seclabel", list = true, field = "seclabels" },
		},
	},
	root = { struct = "domainbackup", element = "domainbackup", schema = "domainbackup.rng" },
}
