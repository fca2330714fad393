-- Storage volumes (<volume>). Which formats there are depends on the pool, which the XML does not name: a pool's driver
-- checks the format with mv_storagevol_complete().
return {
	include = { "common_storage", "storagepool" },
	enums = {
		vol_type = { "file", "block", "dir", "network", "netdir", "ploop", label = "volume type" },
		vol_format = { "none", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "luks",
			"cow", "qcow", "qcow2", "qed", "vmdk", "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2",
			"vfat", "hfs+", "xfs", "ocfs2", "vmfs", "unknown", "linux", "fat16", "fat32", "linux-swap", "linux-lvm",
			"linux-raid", "extended", label = "volume format" },
	},
	structs = {
		storagevol = {
			{ attr = "type", type = "enum", of = "vol_type" },
			{ elem = "name", type = "string", required = true },
			{ elem = "key", type = "string" },
			{ elem = "source", struct = "vol_source", live = true },
			{ elem = "capacity", type = "size", unit = "bytes", required = true, max = 0x7fffffffffffffff },
			{ elem = "allocation", type = "size", unit = "bytes", max = 0x7fffffffffffffff },
			{ elem = "physical", type = "size", unit = "bytes", live = true },
			{ elem = "target", struct = "vol_target", always = true, open = true },
			{ elem = "backingStore", struct = "vol_backing", drop_empty = true },
			check = "mv_storagevol_check",
		},
		vol_source = {
			{ elem = "device", struct = "vol_source_device", list = true, field = "devices" },
		},
		vol_source_device = {
			{ attr = "path", type = "path", required = true },
			{ elem = "extent", struct = "pool_extent", list = true, field = "extents" },
		},
		vol_target = {
			{ elem = "path", type = "string" },
			{ attr = "type", in_ = "format", type = "enum", of = "vol_format", field = "format" },
			{ elem = "permissions", struct = "storage_permissions", drop_empty = true },
			{ elem = "timestamps", struct = "vol_timestamps", live = true },
			{ elem = "encryption", struct = "storage_encryption", open = true },
			{ elem = "compat", type = "string" },
			{ elem = "nocow", type = "empty" },
			{ elem = "clusterSize", type = "size", unit = "B" },
			{ elem = "features", struct = "vol_features" },
		},
		vol_features = {
			{ elem = "lazy_refcounts", type = "empty" },
			{ elem = "extended_l2", type = "empty" },
		},
		-- Seconds and nanoseconds since 1970, as text: "1341933637.273190990".
		vol_timestamps = {
			{ elem = "atime", type = "string" },
			{ elem = "mtime", type = "string" },
			{ elem = "ctime", type = "string" },
			{ elem = "btime", type = "string" },
		},
		vol_backing = {
			{ elem = "path", type = "string" },
			{ attr = "type", in_ = "format", type = "enum", of = "vol_format", field = "format" },
			{ elem = "permissions", struct = "storage_permissions", drop_empty = true },
			{ elem = "timestamps", struct = "vol_timestamps", live = true },
		},
	},
	root = { struct = "storagevol", element = "volume", schema = "storagevol.rng" },
}
