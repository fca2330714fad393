-- The commands of the group Domain Management: migration.

local migration = require "moonvisor.command.migration"
local numbers = require "moonvisor.command.number"
local raw_of = require("moonvisor.raw").of

local commands = {
	{
		name = "migrate",
		summary = "migrate domain to another host",
		description = "Migrate domain to another host.  Add --live for live migration.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "desturi", kind = "data", required = true,
				help = "connection URI of the destination host as seen from the "
					.. "client(normal migration) or source(p2p migration)" },
			{ name = "live", kind = "bool", help = "live migration" },
			{ name = "offline", kind = "bool", help = "offline migration" },
			{ name = "p2p", kind = "bool", help = "peer-2-peer migration" },
			{ name = "direct", kind = "bool", help = "direct migration" },
			{ name = "tunneled", alias_of = "tunnelled" },
			{ name = "tunnelled", kind = "bool", help = "tunnelled migration" },
			{ name = "persistent", kind = "bool", help = "persist VM on destination" },
			{ name = "undefinesource", kind = "bool", help = "undefine VM on source" },
			{ name = "suspend", kind = "bool",
				help = "do not restart the domain on the destination host" },
			{ name = "copy-storage-all", kind = "bool",
				help = "migration with non-shared storage with full disk copy" },
			{ name = "copy-storage-inc", kind = "bool",
				help = "migration with non-shared storage with incremental copy (same base "
					.. "image shared between source and destination)" },
			{ name = "copy-storage-synchronous-writes", kind = "bool",
				help = "force guest disk writes to be synchronously written to the "
					.. "destination to improve storage migration convergence" },
			{ name = "change-protection", kind = "bool",
				help = "prevent any configuration changes to domain until migration ends" },
			{ name = "unsafe", kind = "bool", help = "force migration even if it may be unsafe" },
			{ name = "verbose", kind = "bool", help = "display the progress of migration" },
			{ name = "compressed", kind = "bool", help = "compress repeated pages during live migration" },
			{ name = "auto-converge", kind = "bool", help = "force convergence during live migration" },
			{ name = "rdma-pin-all", kind = "bool",
				help = "pin all memory before starting RDMA live migration" },
			{ name = "abort-on-error", kind = "bool", help = "abort on soft errors during migration" },
			{ name = "postcopy", kind = "bool",
				help = "enable post-copy migration; switch to it using migrate-postcopy command" },
			{ name = "postcopy-after-precopy", kind = "bool",
				help = "automatically switch to post-copy migration after one pass of pre-copy" },
			{ name = "postcopy-resume", kind = "bool", help = "resume failed post-copy migration" },
			{ name = "zerocopy", kind = "bool",
				help = "use zero-copy mechanism for migrating memory pages" },
			{ name = "migrateuri", kind = "string", help = "migration URI, usually can be omitted" },
			{ name = "graphicsuri", kind = "string",
				help = "graphics URI to be used for seamless graphics migration" },
			{ name = "listen-address", kind = "string",
				help = "listen address that destination should bind to for incoming migration" },
			{ name = "dname", kind = "string",
				help = "rename to new name during migration (if supported)" },
			{ name = "timeout", kind = "int", number = "uint",
				help = "run action specified by --timeout-* option (suspend by default) if "
					.. "live migration exceeds timeout (in seconds)" },
			{ name = "timeout-suspend", kind = "bool", help = "suspend the guest after timeout" },
			{ name = "timeout-postcopy", kind = "bool", help = "switch to post-copy after timeout" },
			{ name = "xml", kind = "string", complete = "file",
				help = "filename containing updated XML for the target" },
			{ name = "migrate-disks", kind = "string",
				help = "comma separated list of disks to be migrated" },
			{ name = "disks-port", kind = "int",
				help = "port to use by target server for incoming disks migration" },
			{ name = "disks-uri", kind = "string",
				help = "URI to use for disks migration (overrides --disks-port)" },
			{ name = "comp-methods", kind = "string", complete = "compression",
				help = "comma separated list of compression methods to be used" },
			{ name = "comp-mt-level", kind = "int", help = "compress level for multithread compression" },
			{ name = "comp-mt-threads", kind = "int",
				help = "number of compression threads for multithread compression" },
			{ name = "comp-mt-dthreads", kind = "int",
				help = "number of decompression threads for multithread compression" },
			{ name = "comp-xbzrle-cache", kind = "int", number = "ull",
				help = "page cache size for xbzrle compression" },
			{ name = "auto-converge-initial", kind = "int",
				help = "initial CPU throttling rate for auto-convergence" },
			{ name = "auto-converge-increment", kind = "int",
				help = "CPU throttling rate increment for auto-convergence" },
			{ name = "persistent-xml", kind = "string", complete = "file",
				help = "filename containing updated persistent XML for the target" },
			{ name = "tls", kind = "bool", help = "use TLS for migration" },
			{ name = "postcopy-bandwidth", kind = "int", number = "ull",
				help = "post-copy migration bandwidth limit in MiB/s" },
			{ name = "parallel", kind = "bool", help = "enable parallel migration" },
			{ name = "parallel-connections", kind = "int",
				help = "number of connections for parallel migration" },
			{ name = "bandwidth", kind = "int", number = "ul",
				help = "migration bandwidth limit in MiB/s" },
			{ name = "tls-destination", kind = "string",
				help = "override the destination host name used for TLS verification" },
		},
	},
	{
		name = "migrate-setmaxdowntime",
		summary = "set maximum tolerable downtime",
		description = "Set maximum tolerable downtime of a domain which is being live-migrated to another "
			.. "host.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "downtime", kind = "int", required = true, number = "ull",
				help = "maximum tolerable downtime (in milliseconds) for migration" },
		},
	},
	{
		name = "migrate-getmaxdowntime",
		records = true,
		summary = "get maximum tolerable downtime",
		description = "Get maximum tolerable downtime of a domain which is being live-migrated to another "
			.. "host.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "migrate-compcache",
		records = true,
		summary = "get/set compression cache size",
		description = "Get/set size of the cache (in bytes) used for compressing repeatedly transferred "
			.. "memory pages during live migration.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "size", kind = "int", named = true, number = "ull",
				help = "requested size of the cache (in bytes) used for compression" },
		},
	},
	{
		name = "migrate-setspeed",
		summary = "Set the maximum migration bandwidth",
		description = "Set the maximum migration bandwidth (in MiB/s) for a domain which is being migrated "
			.. "to another host.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "bandwidth", kind = "int", required = true, number = "ul",
				help = "migration bandwidth limit in MiB/s" },
			{ name = "postcopy", kind = "bool", help = "set post-copy migration bandwidth" },
		},
	},
	{
		name = "migrate-getspeed",
		records = true,
		summary = "Get the maximum migration bandwidth",
		description = "Get the maximum migration bandwidth (in MiB/s) for a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "postcopy", kind = "bool", help = "get post-copy migration bandwidth" },
		},
	},
	{
		name = "migrate-postcopy",
		summary = "Switch running migration from pre-copy to post-copy",
		description = "Switch running migration from pre-copy to post-copy. The migration must have been "
			.. "started with --postcopy option.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
}

local run = {}

-- --- migrate ---------------------------------------------------------------------------------------------------------

-- virDomainMigrateFlags
local FLAGS = { live = 1, p2p = 2, tunnelled = 4, persistent = 8, undefinesource = 16, suspend = 32,
	copy_storage_all = 64, copy_storage_inc = 128, change_protection = 256, unsafe = 512, offline = 1024,
	compressed = 2048, abort_on_error = 4096, auto_converge = 8192, rdma_pin_all = 0x4000, postcopy = 0x8000,
	tls = 0x10000, parallel = 0x20000, copy_storage_synchronous_writes = 0x40000, postcopy_resume = 0x80000,
	zerocopy = 0x100000 }

-- The options that are parameters, in the order in which virsh looks at them: option, field, type. A `list` becomes a
-- parameter for each of its members, a `file` is read.
local PARAMS = {
	{ "migrateuri", "migrate_uri", "string" }, { "graphicsuri", "graphics_uri", "string" },
	{ "listen_address", "listen_address", "string" }, { "disks_port", "disks_port", "int" },
	{ "disks_uri", "disks_uri", "string" }, { "dname", "destination_name", "string" },
	{ "migrate_disks", "migrate_disks", "list" }, { "comp_methods", "compression", "list" },
	{ "comp_mt_level", "compression.mt.level", "int" }, { "comp_mt_threads", "compression.mt.threads", "int" },
	{ "comp_mt_dthreads", "compression.mt.dthreads", "int" },
	{ "comp_xbzrle_cache", "compression.xbzrle.cache", "ullong" }, { "xml", "destination_xml", "file" },
	{ "persistent_xml", "persistent_xml", "file" }, { "auto_converge_initial", "auto_converge.initial", "int" },
	{ "auto_converge_increment", "auto_converge.increment", "int" },
	{ "postcopy_bandwidth", "bandwidth.postcopy", "ullong" },
	{ "parallel_connections", "parallel.connections", "int" }, { "bandwidth", "bandwidth", "ullong" },
	{ "tls_destination", "tls.destination", "string" },
}

local function read_xml(ctl, path)
	local ok, text = pcall(function()
		local file, why = io.open(path, "rb")
		local content
		if file then
			content, why = file:read "a"
			file:close()
		end
		return content or error((why:gsub("^.*: ", "")), 0)
	end)
	if not ok then
		ctl:error("cannot read file '%s'", path)
		ctl:fail("Failed to open file '%s': %s", path, text)
	end
	return text
end

local function parameters(ctl, opt)
	local list = {}
	for _, item in ipairs(PARAMS) do
		local value, kind = opt[item[1]], item[3]
		if value == nil or item[1] == "disks_port" and value == 0 then
			kind = nil
		elseif kind == "list" then
			for word in (value .. ","):gmatch "(.-)," do
				list[#list + 1] = { field = item[2], type = "string", value = word }
			end
			kind = nil
		elseif kind == "file" then
			value, kind = read_xml(ctl, value), "string"
		end
		if kind then
			list[#list + 1] = { field = item[2], type = kind, value = value }
		end
	end
	return list
end

-- What is wrong with --timeout and what belongs to it. Returns whether something is to be done in the middle.
local function check_timeout(ctl, opt)
	local text = ctl:given(opt, "timeout")
	local timeout = text and ctl:number("timeout", text, "uint") or 0
	if timeout > 0 and not opt.live then
		ctl:fail "migrate: Unexpected timeout for offline migration"
	elseif timeout == 0 and (opt.timeout_suspend or opt.timeout_postcopy) then
		ctl:fail "migrate: Unexpected --timeout-* option without --timeout"
	end
	return timeout > 0
end

function run.migrate(ctl, opt)
	ctl:exclusive(opt, "live", "offline")
	ctl:exclusive(opt, "timeout-suspend", "timeout-postcopy")
	ctl:requires(opt, "postcopy-after-precopy", "postcopy")
	ctl:requires(opt, "postcopy-resume", "postcopy")
	ctl:requires(opt, "timeout-postcopy", "postcopy")
	ctl:requires(opt, "persistent-xml", "persistent")
	ctl:requires(opt, "tls-destination", "tls")
	local dom = ctl:domain(opt.domain)
	local timed, uri, by_source = check_timeout(ctl, opt), opt.desturi, opt.p2p or opt.direct
	local destination = not by_source and ctl.open(uri, false) or nil
	local ok, err = pcall(function()
		local params, flags = parameters(ctl, opt), 0
		for name, flag in pairs(FLAGS) do
			flags = flags | (opt[name] and flag or 0)
		end
		if opt.copy_storage_synchronous_writes and not opt.copy_storage_all and not opt.copy_storage_inc then
			ctl:fail "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', 'copy-storage-inc'"
		end
		local function before()
			if timed or opt.postcopy_after_precopy then
				ctl:fail("--%s is not possible: the connection does nothing else while it migrates",
					timed and "timeout" or "postcopy-after-precopy")
			end
		end
		if by_source then
			migration.to_uri(ctl, dom, uri, params, flags, before, opt.verbose)
		else
			migration.to_host(ctl, dom, raw_of(destination), params, flags, before, opt.verbose)
		end
	end)
	if destination then
		require("moonvisor.core").Connection.close(destination)
	end
	if not ok then
		error(err, 0)
	elseif opt.verbose then
		ctl.write_error "\rMigration: [100 %]"
	end
end

-- --- while it runs ---------------------------------------------------------------------------------------------------

run["migrate-setmaxdowntime"] = function(ctl, opt)
	local dom, downtime = ctl:domain(opt.domain), opt.downtime
	if downtime == 0 then
		ctl:fail "migrate: Invalid downtime"
	end
	ctl.raw:domain_migrate_set_max_downtime(dom, downtime, 0)
end

-- A number alone, or as a record.
local function single(ctl, key, value)
	ctl:records {
		rows = { { [key] = value } }, columns = { key }, name = key, single = true,
		text = function(shown)
			if shown[1] then
				ctl:print("%s\n", numbers.unsigned(value))
			end
		end,
	}
end

run["migrate-getmaxdowntime"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	single(ctl, "milliseconds", ctl.raw:domain_migrate_get_max_downtime(dom, 0))
end

run["migrate-compcache"] = function(ctl, opt)
	local dom, size = ctl:domain(opt.domain), opt.size
	if size then
		ctl.raw:domain_migrate_set_compression_cache(dom, size, 0)
	end
	size = ctl.raw:domain_migrate_get_compression_cache(dom, 0)
	ctl:records {
		rows = { { size = size } }, columns = { "size" }, name = "size", single = true,
		text = function(shown)
			if shown[1] then
				ctl:print("Compression cache: %.3f %s", ctl:pretty_size(size))
			end
		end,
	}
end

local SPEED_POSTCOPY = 1

run["migrate-setspeed"] = function(ctl, opt)
	local dom, text = ctl:domain(opt.domain), ctl:given(opt, "bandwidth")
	-- A negative number is the large one with the same bits: no limit.
	local bandwidth = text:find "^%s*%-" and numbers.ll(text) or ctl:number("bandwidth", text, "ul")
	ctl.raw:domain_migrate_set_max_speed(dom, bandwidth, opt.postcopy and SPEED_POSTCOPY or 0)
end

run["migrate-getspeed"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	single(ctl, "mib_per_second", ctl.raw:domain_migrate_get_max_speed(dom, opt.postcopy and SPEED_POSTCOPY or 0))
end

run["migrate-postcopy"] = function(ctl, opt)
	ctl.raw:domain_migrate_start_post_copy(ctl:domain(opt.domain), 0)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
