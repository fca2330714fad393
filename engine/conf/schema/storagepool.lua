-- Storage pools (<pool>). What each type of source may hold is libvirt's table of pool types; the format's words
-- depend on the type as well and are checked, with their defaults, in storagepool_check.c.
local on_host = { "netfs", "iscsi", "iscsi-direct", "rbd", "sheepdog", "gluster" }
local on_device = { "fs", "logical", "disk", "iscsi", "iscsi-direct", "zfs" }
local named = { "logical", "rbd", "sheepdog", "gluster", "zfs", "vstorage" }

return {
	include = { "common", "common_storage" },
	enums = {
		pool_type = { "dir", "fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd",
			"sheepdog", "gluster", "zfs", "vstorage" },
		pool_format = { "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+", "xfs",
			"ocfs2", "vmfs", "nfs", "glusterfs", "cifs", "unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun",
			"lvm2" },
		pool_adapter_type = { "scsi_host", "fc_host" },
		pool_refresh_allocation = { "default", "capacity" },
	},
	structs = {
		storagepool = {
			{ attr = "type", type = "enum", of = "pool_type", required = true },
			{ elem = "name", type = "string" },
			{ elem = "uuid", type = "uuid" },
			{ elem = "capacity", type = "size", unit = "bytes", default = 0 },
			{ elem = "allocation", type = "size", unit = "bytes", default = 0 },
			{ elem = "available", type = "size", unit = "bytes", default = 0 },
			{ elem = "features", struct = "pool_features", drop_empty = true },
			{ elem = "source", struct = "pool_source", by = "type", always = true, open = true },
			{ elem = "target", struct = "pool_target", open = true },
			{ elem = "refresh", struct = "pool_refresh" },
			{ elem = "fs:mount_opts", struct = "pool_mount_opts",
				ns = "http://libvirt.org/schemas/storagepool/fs/1.0" },
			{ elem = "rbd:config_opts", struct = "pool_config_opts",
				ns = "http://libvirt.org/schemas/storagepool/rbd/1.0" },
			check = "mv_storagepool_check",
		},
		pool_features = {
			{ attr = "state", in_ = "cow", type = "tri_bool", field = "cow" },
		},
		pool_source = {
			{ elem = "host", struct = "pool_host", list = true, field = "hosts", only = on_host },
			{ elem = "device", struct = "pool_device", list = true, field = "devices", only = on_device },
			{ attr = "path", in_ = "dir", type = "path", field = "dir", only = { "netfs", "gluster" } },
			{ elem = "adapter", struct = "pool_adapter", only = { "scsi" } },
			{ elem = "name", type = "string", only = named },
			{ elem = "initiator", struct = "storage_initiator", only = { "iscsi", "iscsi-direct" } },
			{ attr = "type", in_ = "format", type = "enum", of = "pool_format", field = "format",
				only = { "fs", "netfs", "disk", "logical" } },
			{ elem = "auth", struct = "storage_auth" },
			{ attr = "ver", in_ = "protocol", type = "uint", only = { "netfs" } },
			{ attr = "name", in_ = "vendor", type = "string", field = "vendor" },
			{ attr = "name", in_ = "product", type = "string", field = "product" },
		},
		pool_host = {
			{ attr = "name", type = "string", required = true },
			{ attr = "port", type = "uint", max = 65535 },
		},
		pool_device = {
			{ attr = "path", type = "path", required = true },
			{ attr = "part_separator", type = "tri_bool" },
			{ elem = "freeExtent", struct = "pool_extent", list = true, field = "free_extents", live = true },
		},
		pool_extent = {
			{ attr = "start", type = "u64", required = true },
			{ attr = "end", type = "u64", required = true, field = "end_" },
		},
		pool_adapter = {
			{ attr = "type", type = "enum", of = "pool_adapter_type" },
			{ attr = "name", type = "string" },
			{ attr = "parent", type = "string" },
			{ attr = "parent_wwnn", type = "string" },
			{ attr = "parent_wwpn", type = "string" },
			{ attr = "parent_fabric_wwn", type = "string" },
			{ attr = "managed", type = "tri_bool" },
			{ attr = "wwnn", type = "string" },
			{ attr = "wwpn", type = "string" },
			{ elem = "parentaddr", struct = "pool_adapter_parent", field = "parent_address" },
		},
		pool_adapter_parent = {
			{ attr = "unique_id", type = "uint", required = true },
			{ elem = "address", struct = "pci_address" },
		},
		pool_target = {
			{ elem = "path", type = "path" },
			{ elem = "permissions", struct = "storage_permissions", drop_empty = true },
		},
		pool_refresh = {
			{ attr = "allocation", in_ = "volume", type = "enum", of = "pool_refresh_allocation",
				field = "volume_allocation" },
		},
		pool_mount_opts = {
			{ elem = "fs:option", struct = "pool_mount_option", list = true, field = "options" },
		},
		pool_mount_option = {
			{ attr = "name", type = "string", required = true },
		},
		pool_config_opts = {
			{ elem = "rbd:option", struct = "pool_config_option", list = true, field = "options" },
		},
		pool_config_option = {
			{ attr = "name", type = "string", required = true },
			{ attr = "value", type = "string", required = true },
		},
	},
	root = { struct = "storagepool", element = "pool", schema = "storagepool.rng" },
}
