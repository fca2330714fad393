-- The commands of the group Storage Volume.

local flags = require "moonvisor.flags"
local unsigned = require("moonvisor.command.number").unsigned

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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
		summary = "returns the volume name for a given volume key or path",
		options = {
			{ name = "vol", kind = "data", required = true, complete = "volume_key",
				help = "volume key or path" },
		},
	},
	{
		name = "vol-path",
		records = true,
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
		records = true,
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

-- --- making ----------------------------------------------------------------------------------------------------------

-- The bytes of a size as text ("10M"), or virsh's failure.
local function size_of(ctl, text)
	local number = require "moonvisor.command.number"
	local value, why = number.scaled(text, {})
	if value then
		return value
	end
	ctl:error("Malformed size %s", text)
	if why then
		ctl:error("%s", why)
	end
	return nil
end

-- The flags of those options that are given: "prealloc_metadata", "reflink", "validate".
local function create_flags(opt, ...)
	local how = 0
	for _, name in ipairs { ... } do
		how = how | (opt[name] and flags["STORAGE_VOL_CREATE_" .. name:upper()] or 0)
	end
	return how
end

-- A volume in the pool that another is to lie upon: by name, key, path.
local function backing_volume(ctl, pool, text)
	local raw = ctl.raw
	local ok, found = pcall(raw.storage_vol_lookup_by_name, raw, pool, text)
	if not ok then
		ok, found = pcall(raw.storage_vol_lookup_by_key, raw, text)
	end
	return ok and found or ctl:attempt("failed to get vol '%s'", text):storage_vol_lookup_by_path(text)
end

run["vol-create-as"] = function(ctl, opt)
	local how = create_flags(opt, "prealloc_metadata")
	local pool, name = ctl:pool(opt.pool), opt.name
	local capacity = size_of(ctl, opt.capacity)
	local allocation = opt.allocation
	if allocation and capacity then
		allocation = size_of(ctl, allocation)
	end
	if not capacity or opt.allocation and not allocation then
		return false
	end
	local lines = { "<volume>", ("  <name>%s</name>"):format(name), ("  <capacity>%d</capacity>"):format(capacity) }
	if allocation then
		lines[#lines + 1] = ("  <allocation>%d</allocation>"):format(allocation)
	end
	if opt.format then
		lines[#lines + 1] = ("  <target>\n    <format type='%s'/>\n  </target>"):format(opt.format)
	end
	if opt.backing_vol then
		local backing = backing_volume(ctl, pool, opt.backing_vol)
		lines[#lines + 1] = ("  <backingStore>\n    <path>%s</path>"):format(ctl.raw:storage_vol_get_path(backing))
		if opt.backing_vol_format then
			lines[#lines + 1] = ("    <format type='%s'/>"):format(opt.backing_vol_format)
		end
		lines[#lines + 1] = "  </backingStore>"
	end
	lines[#lines + 1] = "</volume>\n"
	local xml = table.concat(lines, "\n")
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	ctl:attempt("Failed to create vol %s", name):storage_vol_create_xml(pool, xml, how)
	ctl:extra("Vol %s created\n", name)
end

run["vol-create"] = function(ctl, opt)
	local how = create_flags(opt, "prealloc_metadata", "validate")
	local pool, file = ctl:pool(opt.pool), opt.file
	local xml = ctl:read_file(file)
	local vol = ctl:attempt("Failed to create vol from %s", file):storage_vol_create_xml(pool, xml, how)
	ctl:extra("Vol %s created from %s\n", vol.name, file)
end

run["vol-create-from"] = function(ctl, opt)
	local pool, file = ctl:pool(opt.pool), opt.file
	local how = create_flags(opt, "prealloc_metadata", "reflink", "validate")
	local source = ctl:volume(opt.vol, opt.inputpool, { pool_option = "inputpool" })
	local xml = ctl:read_file(file)
	local vol = ctl:attempt("Failed to create vol from %s", file):storage_vol_create_xml_from(pool, xml, source, how)
	ctl:extra("Vol %s created from input vol %s\n", vol.name, source.name)
end

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

run["vol-clone"] = function(ctl, opt)
	local vol, how = ctl:volume(opt.vol, opt.pool), create_flags(opt, "prealloc_metadata", "reflink")
	local pool = ctl:attempt "failed to get parent pool":storage_pool_lookup_by_volume(vol)
	local name = opt.newname
	local xml = ctl.raw:storage_vol_get_xml_desc(vol, 0)
	local escaped = name:gsub("[&<>]", escapes):gsub("%%", "%%%%")
	xml = xml:gsub("<name>.-</name>", "<name>" .. escaped .. "</name>", 1)
	if opt.print_xml then
		ctl:print("%s", (require("moonvisor.core").xpath(xml, "/volume", false):gsub("\n$", "")))
		return
	end
	local copy = ctl:attempt("Failed to clone vol from %s", vol.name):storage_vol_create_xml_from(pool, xml, vol, how)
	ctl:extra("Vol %s cloned from %s\n", copy.name, vol.name)
end

-- --- content ---------------------------------------------------------------------------------------------------------

local CHUNK = 256 * 1024

-- Ends a transfer that failed: the stream is of no use any more.
local function give_up(stream, err)
	if stream then
		pcall(stream.abort, stream)
	end
	error(err, 0)
end

run["vol-upload"] = function(ctl, opt)
	local offset, length = opt.offset or 0, opt.length or 0
	local vol, path = ctl:volume(opt.vol, opt.pool), opt.file
	local file = io.open(path, "rb") or ctl:fail("cannot read %s", path)
	local failure = ("cannot upload to volume %s"):format(vol.name)
	local how = opt.sparse and flags.STORAGE_VOL_UPLOAD_SPARSE_STREAM or 0
	if ctl:dry() then
		file:close()
		ctl:attempt("%s", failure):storage_vol_upload(vol, offset, length, how)
		ctl.recorder:remark("the file '%s' is sent", path)
		return
	end
	local ok, err = pcall(function()
		local stream = ctl:attempt("%s", failure):storage_vol_upload(vol, offset, length, how)
		local size = file:seek "end"
		file:seek "set"
		local bar = ctl:progress { title = vol.name, total = size and (length > 0 and math.min(length, size) or size) }
		local done = 0
		local sent, why = pcall(function()
			for data in function() return file:read(CHUNK) end do
				stream:send(data)
				done = done + #data
				bar:update(done)
			end
			stream:finish()
		end)
		if sent then
			bar:finish()
		else
			bar:stop()
		end
		if not sent then
			ctl:error("cannot send data to volume %s", vol.name)
			give_up(stream, why)
		end
	end)
	file:close()
	if not ok then
		error(err, 0)
	end
end

run["vol-download"] = function(ctl, opt)
	local offset, length = opt.offset or 0, opt.length or 0
	local vol, path = ctl:volume(opt.vol, opt.pool), opt.file
	local failure = ("cannot download from volume %s"):format(vol.name)
	local how = opt.sparse and flags.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM or 0
	if ctl:dry() then
		ctl:attempt("%s", failure):storage_vol_download(vol, offset, length, how)
		ctl.recorder:remark("what comes is written to the file '%s'", path)
		return
	end
	local was_there = io.open(path, "rb")
	if was_there then
		was_there:close()
	end
	local file = io.open(path, "wb") or ctl:fail("cannot create %s", path)
	local ok, err = pcall(function()
		local stream = ctl:attempt("%s", failure):storage_vol_download(vol, offset, length, how)
		local known, info = pcall(ctl.raw.storage_vol_get_info, ctl.raw, vol)
		local size = known and math.max(info.capacity - offset, 0) or nil
		local bar = ctl:progress { title = vol.name, total = size and (length > 0 and math.min(length, size) or size) }
		local done = 0
		local received, why = pcall(function()
			for data in function() return stream:recv(CHUNK) end do
				assert(file:write(data))
				done = done + #data
				bar:update(done)
			end
			stream:finish()
		end)
		if received then
			bar:finish()
		else
			bar:stop()
		end
		if not received then
			ctl:error("cannot receive data from volume %s", vol.name)
			give_up(stream, why)
		end
	end)
	if not file:close() and ok then
		ok, err = false, ("cannot close file %s"):format(path)
	end
	if not ok then
		if not was_there then
			os.remove(path)
		end
		error(err, 0)
	end
end

run["vol-delete"] = function(ctl, opt)
	local vol = ctl:volume(opt.vol, opt.pool)
	ctl:attempt("Failed to delete vol %s", opt.vol):storage_vol_delete(vol,
		opt.delete_snapshots and flags.STORAGE_VOL_DELETE_WITH_SNAPSHOTS or 0)
	ctl:extra("Vol %s deleted\n", opt.vol)
end

local algorithms = {}
for name in ("zero nnsa dod bsi gutmann schneier pfitzner7 pfitzner33 random trim"):gmatch "%S+" do
	algorithms[name] = flags["STORAGE_VOL_WIPE_ALG_" .. name:upper()]
end

run["vol-wipe"] = function(ctl, opt)
	local vol, name = ctl:volume(opt.vol, opt.pool), opt.algorithm
	local algorithm = 0
	if name then
		algorithm = algorithms[name] or ctl:fail("Unsupported algorithm '%s'", name)
	end
	local attempt = ctl:attempt("Failed to wipe vol %s", opt.vol)
	if algorithm == flags.STORAGE_VOL_WIPE_ALG_ZERO then
		attempt:storage_vol_wipe(vol, 0)
	else
		attempt:storage_vol_wipe_pattern(vol, algorithm, 0)
	end
	ctl:extra("Vol %s wiped\n", opt.vol)
end

run["vol-resize"] = function(ctl, opt)
	local how = (opt.allocate and flags.STORAGE_VOL_RESIZE_ALLOCATE or 0)
		| (opt.delta and flags.STORAGE_VOL_RESIZE_DELTA or 0) | (opt.shrink and flags.STORAGE_VOL_RESIZE_SHRINK or 0)
	local vol = ctl:volume(opt.vol, opt.pool)
	local text = opt.capacity:gsub("^%s+", "")
	if text:sub(1, 1) == "-" then
		if not opt.shrink then
			ctl:fail "negative size requires --shrink"
		end
		text = text:sub(2)
	end
	local capacity = size_of(ctl, text)
	if not capacity then
		return false
	end
	local by = opt.delta and "by" or "to"
	ctl:attempt("Failed to change size of volume '%s' %s %s", vol.name, by, text)
		:storage_vol_resize(vol, capacity, how)
	ctl:extra("Size of volume '%s' successfully changed %s %s\n", vol.name, by, text)
end

-- --- asking ----------------------------------------------------------------------------------------------------------

run["vol-dumpxml"] = function(ctl, opt)
	ctl:print_xml(ctl.raw:storage_vol_get_xml_desc(ctl:volume(opt.vol, opt.pool), 0), opt)
end

run["vol-key"] = function(ctl, opt)
	ctl:info({ { "key", "", ctl:volume(opt.vol, opt.pool).key } }, 0)
end

run["vol-name"] = function(ctl, opt)
	ctl:info({ { "name", "", ctl:volume(opt.vol, nil, { by = "key,path", pool_option = false }).name } }, 0)
end

run["vol-path"] = function(ctl, opt)
	ctl:info({ { "path", "", ctl.raw:storage_vol_get_path(ctl:volume(opt.vol, opt.pool)) } }, 0)
end

run["vol-pool"] = function(ctl, opt)
	local vol = ctl:volume(opt.vol, nil, { by = "key,path", pool_option = false })
	local pool = ctl:attempt "failed to get parent pool":storage_pool_lookup_by_volume(vol)
	ctl:info({ { "name", not opt.uuid and "", pool.name }, { "uuid", opt.uuid and "", pool.uuid } }, 0)
end

local types = {
	[flags.STORAGE_VOL_FILE] = "file", [flags.STORAGE_VOL_BLOCK] = "block", [flags.STORAGE_VOL_DIR] = "dir",
	[flags.STORAGE_VOL_NETWORK] = "network", [flags.STORAGE_VOL_NETDIR] = "netdir",
	[flags.STORAGE_VOL_PLOOP] = "ploop",
}

run["vol-info"] = function(ctl, opt)
	local vol = ctl:volume(opt.vol, opt.pool)
	if not ctl:structured_output() then
		ctl:print("%-15s %s\n", "Name:", vol.name) -- also when there is no more
	end
	local info
	if opt.physical then
		info = ctl.raw:storage_vol_get_info_flags(vol, flags.STORAGE_VOL_GET_PHYSICAL)
	else
		info = ctl.raw:storage_vol_get_info(vol)
	end
	local function size(bytes)
		return opt.bytes and unsigned(bytes) .. " bytes" or ctl:size_text(bytes)
	end
	ctl:info {
		{ "name", nil, vol.name },
		{ "key", nil, vol.key },
		{ "pool", nil, vol.pool },
		{ "type", "Type:", types[info.type] or "unknown" },
		{ "capacity", "Capacity:", info.capacity, size(info.capacity) },
		{ opt.physical and "physical" or "allocation", opt.physical and "Physical:" or "Allocation:", info.allocation,
			size(info.allocation) },
	}
end

run["vol-list"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	local vols = ctl:sort_by_name(ctl:attempt("Failed to list volumes"):storage_pool_list_all_volumes(pool, 1, 0).vols)
	local detailed, rows = opt.details or ctl:structured_output(), {}
	for i, vol in ipairs(vols) do
		local row = { name = vol.name, key = vol.key }
		local ok, path = pcall(ctl.raw.storage_vol_get_path, ctl.raw, vol)
		row.path = ok and path or nil
		if detailed then
			local known, info = pcall(ctl.raw.storage_vol_get_info, ctl.raw, vol)
			row.type = known and (types[info.type] or "unknown") or nil
			row.capacity, row.allocation = known and info.capacity or nil, known and info.allocation or nil
		end
		rows[i] = row
	end
	ctl:records {
		name = "name", rows = rows, columns = { "name", "path", "key", "type", "capacity", "allocation" },
		text = function(shown)
			local t = ctl:table(opt.details and { "Name", "Path", "Type", "Capacity", "Allocation" } or { "Name", "Path" })
			for _, row in ipairs(shown) do
				local path = row.path or "-"
				if opt.details then
					t:row(row.name, path, row.type or "unknown", row.capacity and ctl:size_text(row.capacity) or "unknown",
						row.allocation and ctl:size_text(row.allocation) or "unknown")
				else
					t:row(row.name, path)
				end
			end
			t:show()
		end,
	}
end

return { group = "Storage Volume", keyword = "volume", commands = commands, run = run }
