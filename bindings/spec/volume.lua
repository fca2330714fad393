-- Storage volumes.

local define = require "moonvisor.spec.define"
local flag = define.flag

return define.class {
	name = "Volume",
	noun = "storage volume",
	summary = "a disk image, block device or folder in a pool",
	errors = { "no_storage_vol", "no_storage_pool", "operation_invalid" },
	properties = {
		{ name = "name", type = "string", summary = "unique in its pool", errors = {} },
		{ name = "key", type = "string", summary = "unique on its host", errors = {} },
		{ name = "path", type = "path", call = "storage_vol_get_path self", summary = "where it is" },
		{ name = "type", type = "string", call = "storage_vol_get_info self", result = "volume_type",
			summary = '"file", "block", "dir", "network", "netdir" or "ploop"' },
		{ name = "capacity", type = "integer", unit = "bytes", call = "storage_vol_get_info self", result = ".capacity",
			summary = "its size, as a guest sees it" },
		{ name = "allocation", type = "integer", unit = "bytes", call = "storage_vol_get_info self",
			result = ".allocation", summary = "what it takes in its pool" },
		{ name = "xml", type = "xml", call = "storage_vol_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_storage_vol", "xml" } },
		{ name = "pool", type = "Pool", call = "storage_pool_lookup_by_volume self", result = "Pool",
			summary = "the pool it is in" },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "delete", call = "storage_vol_delete self flags",
			options = {
				flag("zeroed", "STORAGE_VOL_DELETE_ZEROED", "overwrites it with zeroes first"),
				flag("with_snapshots", "STORAGE_VOL_DELETE_WITH_SNAPSHOTS", "its snapshots too"),
			},
			summary = "deletes it, with all that is on it" },
		{ name = "wipe", call = "storage_vol_wipe_pattern self algorithm:wipe_algorithm =0",
			params = { { name = "algorithm", type = "wipe_algorithm", default = "zero",
				summary = "what it is overwritten with" } },
			summary = "overwrites all that is on it" },
		{ name = "resize", call = "storage_vol_resize self capacity flags",
			params = { { name = "capacity", type = "size", summary = "its new size" } },
			options = {
				flag("allocate", "STORAGE_VOL_RESIZE_ALLOCATE", "takes the new space at once"),
				flag("delta", "STORAGE_VOL_RESIZE_DELTA", "the size is what to add"),
				flag("shrink", "STORAGE_VOL_RESIZE_SHRINK", "it may become smaller"),
			},
			summary = "changes its size" },
		{ name = "physical", call = "storage_vol_get_info_flags self =1", result = ".allocation",
			returns = { { type = "integer", unit = "bytes", summary = "the size of its file" } },
			summary = "how large its file or device is" },
		{ name = "upload", call = "storage_vol_upload self offset length flags", stream = true,
			options = {
				{ name = "offset", type = "size", default = 0, summary = "where on the volume" },
				{ name = "length", type = "size", default = 0, summary = "how much; 0: all that is sent" },
				flag("sparse", "STORAGE_VOL_UPLOAD_SPARSE_STREAM", "holes are sent as holes"),
			},
			returns = { { type = "Stream", summary = "write the content to it, then finish()" } },
			summary = "opens it for sending content to it" },
		{ name = "download", call = "storage_vol_download self offset length flags", stream = true,
			options = {
				{ name = "offset", type = "size", default = 0, summary = "where on the volume" },
				{ name = "length", type = "size", default = 0, summary = "how much; 0: all" },
				flag("sparse", "STORAGE_VOL_DOWNLOAD_SPARSE_STREAM", "holes are sent as holes"),
			},
			returns = { { type = "Stream", summary = "read the content from it" } },
			summary = "opens it for reading what is on it" },
		define.close "volume",
	},
}
