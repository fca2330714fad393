-- The commands of the group Storage Volume.

local commands = {
	{
		name = "vol-clone",
		summary = "clone a volume.",
		description = "Clone an existing volume within the parent pool.",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "newname", kind = "data", required = true, help = "clone name" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "prealloc-metadata", kind = "bool",
				help = "preallocate metadata (for qcow2 instead of full allocation)" },
			{ name = "reflink", kind = "bool", help = "use btrfs COW lightweight copy" },
			{ name = "print-xml", kind = "bool",
				help = "print XML document rather than clone the volume" },
		},
	},
	{
		name = "vol-create-as",
		summary = "create a volume from a set of args",
		description = "Create a vol.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "active",
				help = "pool name" },
			{ name = "name", kind = "data", required = true, help = "name of the volume" },
			{ name = "capacity", kind = "data", required = true,
				help = "size of the vol, as scaled integer (default bytes)" },
			{ name = "allocation", kind = "string",
				help = "initial allocation size, as scaled integer (default bytes)" },
			{ name = "format", kind = "string", help = "file format type raw,bochs,qcow,qcow2,qed,vmdk" },
			{ name = "backing-vol", kind = "string", help = "the backing volume if taking a snapshot" },
			{ name = "backing-vol-format", kind = "string",
				help = "format of backing volume if taking a snapshot" },
			{ name = "prealloc-metadata", kind = "bool",
				help = "preallocate metadata (for qcow2 instead of full allocation)" },
			{ name = "print-xml", kind = "bool", help = "print XML document, but don't define/create" },
		},
	},
	{
		name = "vol-create",
		summary = "create a vol from an XML file",
		description = "Create a vol.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "active",
				help = "pool name" },
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML vol description" },
			{ name = "prealloc-metadata", kind = "bool",
				help = "preallocate metadata (for qcow2 instead of full allocation)" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "vol-create-from",
		summary = "create a vol, using another volume as input",
		description = "Create a vol from an existing volume.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML vol description" },
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "inputpool", kind = "string", complete = "pool",
				help = "pool name or uuid of the input volume's pool" },
			{ name = "prealloc-metadata", kind = "bool",
				help = "preallocate metadata (for qcow2 instead of full allocation)" },
			{ name = "reflink", kind = "bool", help = "use btrfs COW lightweight copy" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "vol-delete",
		summary = "delete a vol",
		description = "Delete a given vol.",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "delete-snapshots", kind = "bool",
				help = "delete snapshots associated with volume (must be supported by "
					.. "storage driver)" },
		},
	},
	{
		name = "vol-download",
		summary = "download volume contents to a file",
		description = "Download volume contents to a file",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "file", kind = "data", required = true, complete = "file", help = "file" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "offset", kind = "int", number = "ull", help = "volume offset to download from" },
			{ name = "length", kind = "int", number = "ull", help = "amount of data to download" },
			{ name = "sparse", kind = "bool", help = "preserve sparseness of volume" },
		},
	},
	{
		name = "vol-dumpxml",
		summary = "vol information in XML",
		description = "Output the vol information as an XML dump to stdout.",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "vol-info",
		summary = "storage vol information",
		description = "Returns basic information about the storage vol.",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "bytes", kind = "bool",
				help = "sizes are represented in bytes rather than pretty units" },
			{ name = "physical", kind = "bool",
				help = "return the physical size of the volume in allocation field" },
		},
	},
	{
		name = "vol-key",
		summary = "returns the volume key for a given volume name or path",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "volume name or path" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
		},
	},
	{
		name = "vol-list",
		records = true,
		summary = "list vols",
		description = "Returns list of vols by pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "details", kind = "bool", help = "display extended details for volumes" },
		},
	},
	{
		name = "vol-name",
		summary = "returns the volume name for a given volume key or path",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume_key",
				help = "volume key or path" },
		},
	},
	{
		name = "vol-path",
		summary = "returns the volume path for a given volume name or key",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "volume name or key" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
		},
	},
	{
		name = "vol-pool",
		summary = "returns the storage pool for a given volume key or path",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume_key",
				help = "volume key or path" },
			{ name = "uuid", kind = "bool", help = "return the pool uuid rather than pool name" },
		},
	},
	{
		name = "vol-resize",
		summary = "resize a vol",
		description = "Resizes a storage volume. This is safe only for storage volumes not in use by an "
			.. "active guest.\nSee blockresize for live resizing.",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "capacity", kind = "data", required = true,
				help = "new capacity for the vol, as scaled integer (default bytes)" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "allocate", kind = "bool",
				help = "allocate the new capacity, rather than leaving it sparse" },
			{ name = "delta", kind = "bool",
				help = "use capacity as a delta to current size, rather than the new size" },
			{ name = "shrink", kind = "bool", help = "allow the resize to shrink the volume" },
		},
	},
	{
		name = "vol-upload",
		summary = "upload file contents to a volume",
		description = "Upload file contents to a volume",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "file", kind = "data", required = true, complete = "file", help = "file" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "offset", kind = "int", number = "ull", help = "volume offset to upload to" },
			{ name = "length", kind = "int", number = "ull", help = "amount of data to upload" },
			{ name = "sparse", kind = "bool", help = "preserve sparseness of volume" },
		},
	},
	{
		name = "vol-wipe",
		summary = "wipe a vol",
		description = "Ensure data previously on a volume is not accessible to future reads",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume",
				help = "vol name, key or path" },
			{ name = "pool", kind = "string", complete = "pool", among = "active",
				help = "pool name or uuid" },
			{ name = "algorithm", kind = "string", complete = "wipe_algorithm",
				help = "perform selected wiping algorithm" },
		},
	},
}

local run = {}

local TYPES = { [0] = "file", "block", "dir", "network", "netdir", "ploop" } -- enum virStorageVolType

run["vol-list"] = function(ctl, opt)
	local pool, raw, rows = ctl:pool(opt.pool), ctl.raw, {}
	local vols = ctl:attempt("Failed to list volumes"):storage_pool_list_all_volumes(pool, 1, 0).vols
	ctl:sort_by_name(vols)
	for i, vol in ipairs(vols) do
		local info = (opt.details or ctl:structured_output()) and raw:storage_vol_get_info(vol)
		rows[i] = { name = vol.name, path = raw:storage_vol_get_path(vol) }
		if info then
			rows[i].type = TYPES[info.type] or "unknown"
			rows[i].capacity, rows[i].allocation = info.capacity, info.allocation
		end
	end
	local function size(bytes)
		return ("%.2f %s"):format(ctl:pretty_size(bytes))
	end
	ctl:records {
		rows = rows, columns = { "name", "path", "type", "capacity", "allocation" }, name = "name",
		text = function(shown)
			local t = ctl:table(opt.details and { "Name", "Path", "Type", "Capacity", "Allocation" } or { "Name", "Path" })
			for _, row in ipairs(shown) do
				if opt.details then
					t:row(row.name, row.path, row.type, size(row.capacity), size(row.allocation))
				else
					t:row(row.name, row.path)
				end
			end
			t:show()
		end,
	}
end

return { group = "Storage Volume", keyword = "volume", commands = commands, run = run }
