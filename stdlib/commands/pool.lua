-- The commands of the group Storage Pool.

local flags = require "moonvisor.flags"
local unsigned = require("moonvisor.command.number").unsigned

local commands = {
	{
		name = "find-storage-pool-sources-as",
		summary = "find potential storage pool sources",
		description = "Returns XML <sources> document.",
		options = {
			{ name = "type", kind = "data", required = true,
				help = "type of storage pool sources to find" },
			{ name = "host", kind = "string", help = "optional host to query" },
			{ name = "port", kind = "string", help = "optional port to query" },
			{ name = "initiator", kind = "string", help = "optional initiator IQN to use for query" },
		},
	},
	{
		name = "find-storage-pool-sources",
		summary = "discover potential storage pool sources",
		description = "Returns XML <sources> document.",
		options = {
			{ name = "type", kind = "data", required = true,
				help = "type of storage pool sources to discover" },
			{ name = "srcSpec", kind = "string", complete = "file",
				help = "optional file of source xml to query for pools" },
		},
	},
	{
		name = "pool-autostart",
		summary = "autostart a pool",
		description = "Configure a pool to be automatically started at boot.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "persistent",
				help = "pool name or uuid" },
			{ name = "disable", kind = "bool", help = "disable autostarting" },
		},
	},
	{
		name = "pool-build",
		summary = "build a pool",
		description = "Build a given pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool",
				help = "pool name or uuid" },
			{ name = "no-overwrite", kind = "bool", help = "do not overwrite any existing data" },
			{ name = "overwrite", kind = "bool", help = "overwrite any existing data" },
		},
	},
	{
		name = "pool-create-as",
		summary = "create a pool from a set of args",
		description = "Create a pool.",
		options = {
			{ name = "name", kind = "data", required = true, help = "name of the pool" },
			{ name = "type", kind = "data", required = true, complete = "pool_type",
				help = "type of the pool" },
			{ name = "print-xml", kind = "bool", help = "print XML document, but don't define/create" },
			{ name = "source-host", kind = "string", help = "source-host for underlying storage" },
			{ name = "source-path", kind = "string", help = "source path for underlying storage" },
			{ name = "source-dev", kind = "string", help = "source device for underlying storage" },
			{ name = "source-name", kind = "string", help = "source name for underlying storage" },
			{ name = "target", kind = "string", help = "target for underlying storage" },
			{ name = "source-format", kind = "string", help = "format for underlying storage" },
			{ name = "auth-type", kind = "string", help = "auth type to be used for underlying storage" },
			{ name = "auth-username", kind = "string",
				help = "auth username to be used for underlying storage" },
			{ name = "secret-usage", kind = "string",
				help = "auth secret usage to be used for underlying storage" },
			{ name = "secret-uuid", kind = "string",
				help = "auth secret UUID to be used for underlying storage" },
			{ name = "adapter-name", kind = "string",
				help = "adapter name to be used for underlying storage" },
			{ name = "adapter-wwnn", kind = "string",
				help = "adapter wwnn to be used for underlying storage" },
			{ name = "adapter-wwpn", kind = "string",
				help = "adapter wwpn to be used for underlying storage" },
			{ name = "adapter-parent", kind = "string",
				help = "adapter parent scsi_hostN to be used for underlying vHBA storage" },
			{ name = "adapter-parent-wwnn", kind = "string",
				help = "adapter parent scsi_hostN wwnn to be used for underlying vHBA storage" },
			{ name = "adapter-parent-wwpn", kind = "string",
				help = "adapter parent scsi_hostN wwpn to be used for underlying vHBA storage" },
			{ name = "adapter-parent-fabric-wwn", kind = "string",
				help = "adapter parent scsi_hostN fabric_wwn to be used for underlying vHBA storage" },
			{ name = "source-protocol-ver", kind = "string",
				help = "nfsvers value for NFS pool mount option" },
			{ name = "source-initiator", kind = "string", help = "initiator iqn for underlying storage" },
			{ name = "build", kind = "bool", help = "build the pool as normal" },
			{ name = "no-overwrite", kind = "bool", help = "do not overwrite any existing data" },
			{ name = "overwrite", kind = "bool", help = "overwrite any existing data" },
		},
	},
	{
		name = "pool-create",
		summary = "create a pool from an XML file",
		description = "Create a pool.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML pool description" },
			{ name = "build", kind = "bool", help = "build the pool as normal" },
			{ name = "no-overwrite", kind = "bool", help = "do not overwrite any existing data" },
			{ name = "overwrite", kind = "bool", help = "overwrite any existing data" },
		},
	},
	{
		name = "pool-define-as",
		summary = "define a pool from a set of args",
		description = "Define a pool.",
		options = {
			{ name = "name", kind = "data", required = true, help = "name of the pool" },
			{ name = "type", kind = "data", required = true, complete = "pool_type",
				help = "type of the pool" },
			{ name = "print-xml", kind = "bool", help = "print XML document, but don't define/create" },
			{ name = "source-host", kind = "string", help = "source-host for underlying storage" },
			{ name = "source-path", kind = "string", help = "source path for underlying storage" },
			{ name = "source-dev", kind = "string", help = "source device for underlying storage" },
			{ name = "source-name", kind = "string", help = "source name for underlying storage" },
			{ name = "target", kind = "string", help = "target for underlying storage" },
			{ name = "source-format", kind = "string", help = "format for underlying storage" },
			{ name = "auth-type", kind = "string", help = "auth type to be used for underlying storage" },
			{ name = "auth-username", kind = "string",
				help = "auth username to be used for underlying storage" },
			{ name = "secret-usage", kind = "string",
				help = "auth secret usage to be used for underlying storage" },
			{ name = "secret-uuid", kind = "string",
				help = "auth secret UUID to be used for underlying storage" },
			{ name = "adapter-name", kind = "string",
				help = "adapter name to be used for underlying storage" },
			{ name = "adapter-wwnn", kind = "string",
				help = "adapter wwnn to be used for underlying storage" },
			{ name = "adapter-wwpn", kind = "string",
				help = "adapter wwpn to be used for underlying storage" },
			{ name = "adapter-parent", kind = "string",
				help = "adapter parent scsi_hostN to be used for underlying vHBA storage" },
			{ name = "adapter-parent-wwnn", kind = "string",
				help = "adapter parent scsi_hostN wwnn to be used for underlying vHBA storage" },
			{ name = "adapter-parent-wwpn", kind = "string",
				help = "adapter parent scsi_hostN wwpn to be used for underlying vHBA storage" },
			{ name = "adapter-parent-fabric-wwn", kind = "string",
				help = "adapter parent scsi_hostN fabric_wwn to be used for underlying vHBA storage" },
			{ name = "source-protocol-ver", kind = "string",
				help = "nfsvers value for NFS pool mount option" },
			{ name = "source-initiator", kind = "string", help = "initiator iqn for underlying storage" },
		},
	},
	{
		name = "pool-define",
		summary = "define an inactive persistent storage pool or modify an existing persistent one from "
			.. "an XML file",
		description = "Define or modify a persistent storage pool.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML pool description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "pool-delete",
		summary = "delete a pool",
		description = "Delete a given pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "inactive",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-destroy",
		summary = "destroy (stop) a pool",
		description = "Forcefully stop a given pool. Raw data in the pool is untouched",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "active",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-dumpxml",
		records = true,
		summary = "pool information in XML",
		description = "Output the pool information as an XML dump to stdout.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool",
				help = "pool name or uuid" },
			{ name = "inactive", kind = "bool", help = "show inactive defined XML" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "pool-edit",
		summary = "edit XML configuration for a storage pool",
		description = "Edit the XML configuration for a storage pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-info",
		records = true,
		summary = "storage pool information",
		description = "Returns basic information about the storage pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool",
				help = "pool name or uuid" },
			{ name = "bytes", kind = "bool", help = "Return pool info in bytes" },
		},
	},
	{
		name = "pool-list",
		records = true,
		summary = "list pools",
		description = "Returns list of pools.",
		options = {
			{ name = "inactive", kind = "bool", help = "list inactive pools" },
			{ name = "all", kind = "bool", help = "list inactive & active pools" },
			{ name = "transient", kind = "bool", help = "list transient pools" },
			{ name = "persistent", kind = "bool", help = "list persistent pools" },
			{ name = "autostart", kind = "bool", help = "list pools with autostart enabled" },
			{ name = "no-autostart", kind = "bool", help = "list pools with autostart disabled" },
			{ name = "type", kind = "string", complete = "pool_type",
				help = "only list pool of specified type(s) (if supported)" },
			{ name = "details", kind = "bool", help = "display extended details for pools" },
			{ name = "uuid", kind = "bool", help = "list UUID of active pools only" },
			{ name = "name", kind = "bool", help = "list name of active pools only" },
		},
	},
	{
		name = "pool-name",
		records = true,
		summary = "convert a pool UUID to pool name",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-refresh",
		summary = "refresh a pool",
		description = "Refresh a given pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "active",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-start",
		summary = "start a (previously defined) inactive pool",
		description = "Start a pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "inactive",
				help = "pool name or uuid" },
			{ name = "build", kind = "bool", help = "build the pool as normal" },
			{ name = "no-overwrite", kind = "bool", help = "do not overwrite any existing data" },
			{ name = "overwrite", kind = "bool", help = "overwrite any existing data" },
		},
	},
	{
		name = "pool-undefine",
		summary = "undefine an inactive pool",
		description = "Undefine the configuration for an inactive pool.",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool", among = "persistent",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-uuid",
		records = true,
		summary = "convert a pool name to pool UUID",
		options = {
			{ name = "pool", kind = "data", required = true, complete = "pool",
				help = "pool name or uuid" },
		},
	},
	{
		name = "pool-event",
		records = true,
		summary = "Storage Pool Events",
		description = "List event types, or wait for storage pool events to occur",
		options = {
			{ name = "pool", kind = "string", complete = "pool",
				help = "filter by storage pool name or uuid" },
			{ name = "event", kind = "string", complete = "pool_event",
				help = "which event type to wait for" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "list", kind = "bool", help = "list valid event types" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
	{
		name = "pool-capabilities",
		summary = "storage pool capabilities",
		description = "Returns capabilities of storage pool support.",
	},
}

local run = {}

-- What the types that are defined with dashes in between have of a source: pool-define-as images dir - - - - /images
local SOURCES = { dir = {}, fs = { device = true, format = true }, netfs = { host = true, dir = true, format = true } }

-- --- sources ---------------------------------------------------------------------------------------------------------

-- Prints the sources of a type that a description (XML, or nil) leads to.
local function find_sources(ctl, kind, description)
	ctl:print("%s", ctl:attempt("Failed to find any %s pool sources", kind)
		:connect_find_storage_pool_sources(kind, description, 0))
end

run["find-storage-pool-sources-as"] = function(ctl, opt)
	local kind, host, port, initiator = opt.type, opt.host, opt.port, opt.initiator
	local lines
	if host then
		lines = { "<source>", ("  <host name='%s'%s/>"):format(host, port and (" port='%s'"):format(port) or "") }
		if initiator then
			lines[#lines + 1] = ("  <initiator>\n    <iqn name='%s'/>\n  </initiator>"):format(initiator)
		end
		lines[#lines + 1] = "</source>\n"
	end
	find_sources(ctl, kind, lines and table.concat(lines, "\n"))
end

run["find-storage-pool-sources"] = function(ctl, opt)
	find_sources(ctl, opt.type, opt.srcSpec and ctl:read_file(opt.srcSpec))
end

-- --- changing state --------------------------------------------------------------------------------------------------

-- A command that makes one call on a pool and says what was done.
local function act(call, failure, success, ...)
	local more = table.pack(...)
	return function(ctl, opt)
		local pool = ctl:pool(opt.pool)
		local attempt = ctl:attempt("Failed to %s pool %s", failure, opt.pool)
		attempt[call](attempt, pool, table.unpack(more, 1, more.n))
		ctl:extra("Pool %s %s\n", opt.pool, success)
	end
end

run["pool-delete"] = act("storage_pool_delete", "delete", "deleted", 0)
run["pool-destroy"] = act("storage_pool_destroy", "destroy", "destroyed")
run["pool-refresh"] = act("storage_pool_refresh", "refresh", "refreshed", 0)
run["pool-undefine"] = act("storage_pool_undefine", "undefine", "has been undefined")

run["pool-autostart"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	local text = opt.disable and "failed to unmark pool %s as autostarted" or "failed to mark pool %s as autostarted"
	ctl:attempt(text, opt.pool):storage_pool_set_autostart(pool, opt.disable and 0 or 1)
	ctl:extra("Pool %s %s as autostarted\n", opt.pool, opt.disable and "unmarked" or "marked")
end

run["pool-build"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	local how = (opt.no_overwrite and flags.STORAGE_POOL_BUILD_NO_OVERWRITE or 0)
		| (opt.overwrite and flags.STORAGE_POOL_BUILD_OVERWRITE or 0)
	ctl:attempt("Failed to build pool %s", opt.pool):storage_pool_build(pool, how)
	ctl:extra("Pool %s built\n", opt.pool)
end

-- --build, --overwrite and --no-overwrite of the commands that start a pool.
local function build_flags(ctl, opt)
	ctl:exclusive(opt, "overwrite", "no-overwrite")
	return (opt.build and flags.STORAGE_POOL_CREATE_WITH_BUILD or 0)
		| (opt.overwrite and flags.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE or 0)
		| (opt.no_overwrite and flags.STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE or 0)
end

run["pool-start"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	local how = build_flags(ctl, opt)
	ctl:attempt("Failed to start pool %s", opt.pool):storage_pool_create(pool, how)
	ctl:extra("Pool %s started\n", opt.pool)
end

-- --- defining --------------------------------------------------------------------------------------------------------

-- A pool's XML of the options of pool-define-as and pool-create-as. The values are taken as they are: virsh does not
-- escape them either, and says so with an error about the XML.
local function build_xml(ctl, opt)
	ctl:exclusive(opt, "secret-usage", "secret-uuid")
	local lines, depth = {}, 0
	local function add(format, ...)
		lines[#lines + 1] = ("  "):rep(depth) .. format:format(...) .. "\n"
	end
	local function inside(tag, attributes, body)
		add("<%s%s>", tag, attributes)
		depth = depth + 1
		body()
		depth = depth - 1
		add("</%s>", tag)
	end
	local fc = opt.adapter_wwnn and opt.adapter_wwpn
	local auth = opt.auth_type and opt.auth_username and (opt.secret_usage or opt.secret_uuid)

	local uses = SOURCES[opt.type]
	local function source()
		local function given(value, format)
			if value == "-" and uses and not uses[format:match "^<(%a+)"] and not opt.print_xml then
				return -- keeps the place of what this type has no use for, of which nothing need be said
			elseif value then
				add(format, value)
			end
		end
		given(opt.source_host, "<host name='%s'/>")
		given(opt.source_path, "<dir path='%s'/>")
		given(opt.source_dev, "<device path='%s'/>")
		if opt.source_initiator then
			inside("initiator", "", function()
				add("<iqn name='%s'/>", opt.source_initiator)
			end)
		end
		if fc then
			local parent = ""
			if opt.adapter_parent then
				parent = (" parent='%s'"):format(opt.adapter_parent)
			elseif opt.adapter_parent_wwnn and opt.adapter_parent_wwpn then
				parent = (" parent_wwnn='%s' parent_wwpn='%s'"):format(opt.adapter_parent_wwnn, opt.adapter_parent_wwpn)
			elseif opt.adapter_parent_fabric_wwn then
				parent = (" parent_fabric_wwn='%s'"):format(opt.adapter_parent_fabric_wwn)
			end
			add("<adapter type='fc_host'%s wwnn='%s' wwpn='%s'/>", parent, opt.adapter_wwnn, opt.adapter_wwpn)
		else
			given(opt.adapter_name, "<adapter type='scsi_host' name='%s'/>")
		end
		if auth then
			inside("auth", (" type='%s' username='%s'"):format(opt.auth_type, opt.auth_username), function()
				add("<secret %s='%s'/>", opt.secret_usage and "usage" or "uuid", opt.secret_usage or opt.secret_uuid)
			end)
		end
		given(opt.source_format, "<format type='%s'/>")
		given(opt.source_name, "<name>%s</name>")
		given(opt.source_protocol_ver, "<protocol ver='%s'/>")
	end

	inside("pool", (" type='%s'"):format(opt.type), function()
		add("<name>%s</name>", opt.name)
		if opt.source_host or opt.source_path or opt.source_dev or opt.source_initiator or fc or opt.adapter_name
			or auth or opt.source_format or opt.source_name then
			inside("source", "", source)
		end
		if opt.target then
			inside("target", "", function()
				add("<path>%s</path>", opt.target)
			end)
		end
	end)
	return table.concat(lines)
end

run["pool-create"] = function(ctl, opt)
	local file, how = opt.file, build_flags(ctl, opt)
	local pool = ctl:attempt("Failed to create pool from %s", file):storage_pool_create_xml(ctl:read_file(file), how)
	ctl:extra("Pool %s created from %s\n", pool.name, file)
end

run["pool-create-as"] = function(ctl, opt)
	local how = build_flags(ctl, opt)
	local xml = build_xml(ctl, opt)
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	local pool = ctl:attempt("Failed to create pool %s", opt.name):storage_pool_create_xml(xml, how)
	ctl:extra("Pool %s created\n", pool.name)
end

run["pool-define"] = function(ctl, opt)
	local file = opt.file
	local pool = ctl:attempt("Failed to define pool from %s", file):storage_pool_define_xml(ctl:read_file(file),
		opt.validate and flags.STORAGE_POOL_DEFINE_VALIDATE or 0)
	ctl:extra("Pool %s defined from %s\n", pool.name, file)
end

run["pool-define-as"] = function(ctl, opt)
	local xml = build_xml(ctl, opt)
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	local pool = ctl:attempt("Failed to define pool %s", opt.name):storage_pool_define_xml(xml, 0)
	ctl:extra("Pool %s defined\n", pool.name)
end

run["pool-edit"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	return ctl:edit {
		get = function()
			-- Not every driver knows this flag.
			local ok, xml = pcall(ctl.raw.storage_pool_get_xml_desc, ctl.raw, pool, flags.STORAGE_XML_INACTIVE)
			if not ok and type(xml) == "table" and xml.code == "invalid_arg" then
				return ctl.raw:storage_pool_get_xml_desc(pool, 0)
			elseif not ok then
				error(xml, 0)
			end
			return xml
		end,
		define = function(xml)
			return ctl.raw:storage_pool_define_xml(xml, 0)
		end,
		unchanged = function()
			ctl:extra("Pool %s XML configuration not changed.\n", pool.name)
		end,
		done = function(edited)
			ctl:extra("Pool %s XML configuration edited.\n", edited.name)
		end,
	}
end

-- --- asking ----------------------------------------------------------------------------------------------------------

run["pool-dumpxml"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	ctl:print_xml(ctl.raw:storage_pool_get_xml_desc(pool, opt.inactive and flags.STORAGE_XML_INACTIVE or 0), opt)
end

run["pool-name"] = function(ctl, opt)
	ctl:info({ { "name", "", ctl:pool(opt.pool, { by = "uuid" }).name } }, 0)
end

run["pool-uuid"] = function(ctl, opt)
	ctl:info({ { "uuid", "", ctl:pool(opt.pool, { by = "name" }).uuid } }, 0)
end

run["pool-capabilities"] = function(ctl)
	ctl:print("%s\n", ctl:attempt("failed to get storage pool capabilities"):connect_get_storage_pool_capabilities(0))
end

local states = {
	[flags.STORAGE_POOL_INACTIVE] = "inactive",
	[flags.STORAGE_POOL_BUILDING] = "building",
	[flags.STORAGE_POOL_RUNNING] = "running",
	[flags.STORAGE_POOL_DEGRADED] = "degraded",
	[flags.STORAGE_POOL_INACCESSIBLE] = "inaccessible",
}

-- What is known of a pool; `info` only when that is wanted: it is one call more.
local function describe(ctl, pool, with_info)
	local active = ctl:truth("storage_pool_is_active", pool)
	local record = {
		name = pool.name, uuid = pool.uuid, active = active,
		autostart = ctl:truth("storage_pool_get_autostart", pool),
		state = active and "active" or "inactive",
	}
	if with_info then
		local info = ctl:try("storage_pool_get_info", pool)
		record.persistent = ctl:truth("storage_pool_is_persistent", pool)
		record.info = info
		record.state = info and (states[info.state] or "unknown") or "unknown"
		if info and active then
			record.capacity, record.allocation, record.available = info.capacity, info.allocation, info.available
		end
	end
	return record
end

run["pool-info"] = function(ctl, opt)
	local pool = ctl:pool(opt.pool)
	local info = ctl.raw:storage_pool_get_info(pool)
	local persistent = ctl:truth("storage_pool_is_persistent", pool)
	local autostart = ctl:truth("storage_pool_get_autostart", pool)
	local running = info.state == flags.STORAGE_POOL_RUNNING or info.state == flags.STORAGE_POOL_DEGRADED
	local function size(bytes)
		return running and (opt.bytes and unsigned(bytes) or ctl:size_text(bytes))
	end
	ctl:info {
		{ "name", "Name:", pool.name },
		{ "uuid", "UUID:", pool.uuid },
		{ "state", "State:", states[info.state] or "unknown" },
		{ "persistent", "Persistent:", persistent, ctl:yes_no(persistent, "unknown") },
		{ "autostart", "Autostart:", autostart, ctl:yes_no(autostart, "no autostart") },
		{ "capacity", "Capacity:", running and info.capacity or nil, size(info.capacity) },
		{ "allocation", "Allocation:", running and info.allocation or nil, size(info.allocation) },
		{ "available", "Available:", running and info.available or nil, size(info.available) },
	}
end

-- The flag of each type of pool.
local type_flags = {}
for name in ([[dir fs netfs logical disk iscsi scsi mpath rbd sheepdog gluster zfs vstorage
	iscsi-direct]]):gmatch "%S+" do
	type_flags[name] = flags["CONNECT_LIST_STORAGE_POOLS_" .. name:upper():gsub("%-", "_")]
end

local function list_flags(ctl, opt)
	local wanted = (opt.inactive or opt.all) and flags.CONNECT_LIST_STORAGE_POOLS_INACTIVE or 0
	if not opt.inactive or opt.all then
		wanted = wanted | flags.CONNECT_LIST_STORAGE_POOLS_ACTIVE
	end
	for _, name in ipairs { "autostart", "no_autostart", "persistent", "transient" } do
		if opt[name] then
			wanted = wanted | flags["CONNECT_LIST_STORAGE_POOLS_" .. name:upper()]
		end
	end
	for kind in (opt.type or ""):gmatch "[^,]+" do
		if not type_flags[kind] then
			ctl:fail("Invalid pool type '%s'", kind)
		end
		wanted = wanted | type_flags[kind]
	end
	return wanted
end

local function show_details(ctl, rows)
	local shown = ctl:table { "Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available" }
	for _, row in ipairs(rows) do
		local function size(bytes)
			return bytes and ctl:size_text(bytes) or "-"
		end
		shown:row(row.name, row.state, ctl:yes_no(row.autostart, "no autostart"), ctl:yes_no(row.persistent, "unknown"),
			size(row.capacity), size(row.allocation), size(row.available))
	end
	shown:show()
end

run["pool-list"] = function(ctl, opt)
	ctl:exclusive(opt, "details", "uuid")
	ctl:exclusive(opt, "details", "name")
	local wanted = list_flags(ctl, opt)
	local pools = ctl:sort_by_name(ctl:attempt("Failed to list pools"):connect_list_all_storage_pools(1, wanted).pools)
	local brief = (opt.name or opt.uuid) and not ctl:structured_output()
	local rows = {}
	for i, pool in ipairs(pools) do
		rows[i] = brief and pool or describe(ctl, pool, opt.details or ctl:structured_output())
	end
	ctl:records {
		name = "name", rows = rows,
		columns = { "name", "uuid", "state", "active", "autostart", "persistent", "capacity", "allocation", "available" },
		text = function(shown)
			if opt.name or opt.uuid then
				for _, row in ipairs(shown) do
					ctl:print("%s%s", opt.uuid and ("%-36s%s"):format(row.uuid, opt.name and " " or "\n") or "",
						opt.name and ("%-20s\n"):format(row.name) or "")
				end
				return
			elseif opt.details then
				show_details(ctl, shown)
				return
			end
			local t = ctl:table { "Name", "State", "Autostart" }
			for _, row in ipairs(shown) do
				t:row(row.name, row.active and "active" or "inactive", ctl:yes_no(row.autostart, "no autostart"))
			end
			t:show()
		end,
	}
end

-- --- events ----------------------------------------------------------------------------------------------------------

local lifecycle = { [0] = "Defined", "Undefined", "Started", "Stopped", "Created", "Deleted" }

local events = {
	{ "lifecycle", "storage_pool_event_lifecycle", function(event)
		return ("event 'lifecycle' for storage pool %s: %s\n"):format(event.pool.name, lifecycle[event.event] or "unknown")
	end },
	{ "refresh", "storage_pool_event_refresh", function(event)
		return ("event 'refresh' for storage pool %s\n"):format(event.pool.name)
	end },
}

run["pool-event"] = function(ctl, opt)
	return require("moonvisor.command.watch").watch_one(ctl, opt, events, function()
		return opt.pool and ctl:pool(opt.pool)
	end)
end

return { group = "Storage Pool", keyword = "pool", commands = commands, run = run }
