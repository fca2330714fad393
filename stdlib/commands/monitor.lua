-- The commands of the group Domain Monitoring.

local unsigned = require("moonvisor.command.number").unsigned

local commands = {
	{
		name = "domblkerror",
		records = true,
		summary = "Show errors on block devices",
		description = "Show block device errors",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domblkinfo",
		records = true,
		summary = "domain block device size information",
		description = "Get block device size info for a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "device", kind = "string", complete = "disk", help = "block device" },
			{ name = "human", kind = "bool", help = "Human readable output" },
			{ name = "all", kind = "bool", help = "display all block devices info" },
		},
	},
	{
		name = "domblklist",
		records = true,
		summary = "list all domain blocks",
		description = "Get the summary of block devices for a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "inactive", kind = "bool", help = "get inactive rather than running configuration" },
			{ name = "details", kind = "bool", help = "additionally display the type and device value" },
		},
	},
	{
		name = "domblkstat",
		records = true,
		summary = "get device block stats for a domain",
		description = "Get device block stats for a running domain. See man page or use --human for "
			.. "explanation of fields",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "device", kind = "string", empty_ok = true, complete = "disk",
				help = "block device" },
			{ name = "human", kind = "bool", help = "print a more human readable output" },
		},
	},
	{
		name = "domcontrol",
		records = true,
		summary = "domain control interface state",
		description = "Returns state of a control interface to the domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domif-getlink",
		records = true,
		summary = "get link state of a virtual interface",
		description = "Get link state of a domain's virtual interface.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "interface", kind = "data", required = true, complete = "domain_interface",
				help = "interface device (MAC Address)" },
			{ name = "persistent", alias_of = "config" },
			{ name = "config", kind = "bool", help = "Get persistent interface state" },
		},
	},
	{
		name = "domifaddr",
		records = true,
		summary = "Get network interfaces' addresses for a running domain",
		description = "Get network interfaces' addresses for a running domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "interface", kind = "string", complete = "domain_interface",
				help = "network interface name" },
			{ name = "full", kind = "bool", help = "always display names and MACs of interfaces" },
			{ name = "source", kind = "string", complete = "address_source",
				help = "address source: 'lease', 'agent', or 'arp'" },
		},
	},
	{
		name = "domiflist",
		records = true,
		summary = "list all domain virtual interfaces",
		description = "Get the summary of virtual interfaces for a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "inactive", kind = "bool", help = "get inactive rather than running configuration" },
		},
	},
	{
		name = "domifstat",
		records = true,
		summary = "get network interface stats for a domain",
		description = "Get network interface stats for a running domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "interface", kind = "data", required = true, complete = "domain_interface",
				help = "interface device specified by name or MAC Address" },
		},
	},
	{
		name = "dominfo",
		records = true,
		summary = "domain information",
		description = "Returns basic information about the domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "dommemstat",
		records = true,
		summary = "get memory statistics for a domain",
		description = "Get memory statistics for a running domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "period", kind = "int", named = true, help = "period in seconds to set collection" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "domstate",
		records = true,
		summary = "domain state",
		description = "Returns state about a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "reason", kind = "bool", help = "also print reason for the state" },
		},
	},
	{
		name = "domstats",
		records = true,
		summary = "get statistics about one or multiple domains",
		description = "Gets statistics about one or more (or all) domains",
		options = {
			{ name = "state", kind = "bool", help = "report domain state" },
			{ name = "cpu-total", kind = "bool", help = "report domain physical cpu usage" },
			{ name = "balloon", kind = "bool", help = "report domain balloon statistics" },
			{ name = "vcpu", kind = "bool", help = "report domain virtual cpu information" },
			{ name = "interface", kind = "bool", help = "report domain network interface information" },
			{ name = "block", kind = "bool", help = "report domain block device statistics" },
			{ name = "perf", kind = "bool", help = "report domain perf event statistics" },
			{ name = "iothread", kind = "bool", help = "report domain IOThread information" },
			{ name = "memory", kind = "bool", help = "report domain memory usage" },
			{ name = "dirtyrate", kind = "bool", help = "report domain dirty rate information" },
			{ name = "vm", kind = "bool", help = "report hypervisor-specific statistics" },
			{ name = "list-active", kind = "bool", help = "list only active domains" },
			{ name = "list-inactive", kind = "bool", help = "list only inactive domains" },
			{ name = "list-persistent", kind = "bool", help = "list only persistent domains" },
			{ name = "list-transient", kind = "bool", help = "list only transient domains" },
			{ name = "list-running", kind = "bool", help = "list only running domains" },
			{ name = "list-paused", kind = "bool", help = "list only paused domains" },
			{ name = "list-shutoff", kind = "bool", help = "list only shutoff domains" },
			{ name = "list-other", kind = "bool", help = "list only domains in other states" },
			{ name = "raw", kind = "bool", help = "do not pretty-print the fields" },
			{ name = "enforce", kind = "bool", help = "enforce requested stats parameters" },
			{ name = "backing", kind = "bool", help = "add backing chain information to block stats" },
			{ name = "nowait", kind = "bool", help = "report only stats that are accessible instantly" },
			{ name = "domain", kind = "argv", complete = "domain",
				help = "list of domains to get stats for" },
		},
	},
	{
		name = "domtime",
		records = true,
		summary = "domain time",
		description = "Gets or sets the domain's system time",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "now", kind = "bool", help = "set to the time of the host running virsh" },
			{ name = "pretty", kind = "bool", help = "print domain's time in human readable form" },
			{ name = "sync", kind = "bool",
				help = "instead of setting given time, synchronize from domain's RTC" },
			{ name = "time", kind = "int", number = "ll", help = "time to set" },
		},
	},
	{
		name = "list",
		records = true,
		summary = "list domains",
		description = "Returns list of domains.",
		options = {
			{ name = "inactive", kind = "bool", help = "list inactive domains" },
			{ name = "all", kind = "bool", help = "list inactive & active domains" },
			{ name = "transient", kind = "bool", help = "list transient domains" },
			{ name = "persistent", kind = "bool", help = "list persistent domains" },
			{ name = "with-snapshot", kind = "bool", help = "list domains with existing snapshot" },
			{ name = "without-snapshot", kind = "bool", help = "list domains without a snapshot" },
			{ name = "with-checkpoint", kind = "bool", help = "list domains with existing checkpoint" },
			{ name = "without-checkpoint", kind = "bool", help = "list domains without a checkpoint" },
			{ name = "state-running", kind = "bool", help = "list domains in running state" },
			{ name = "state-paused", kind = "bool", help = "list domains in paused state" },
			{ name = "state-shutoff", kind = "bool", help = "list domains in shutoff state" },
			{ name = "state-other", kind = "bool", help = "list domains in other states" },
			{ name = "autostart", kind = "bool", help = "list domains with autostart enabled" },
			{ name = "no-autostart", kind = "bool", help = "list domains with autostart disabled" },
			{ name = "with-managed-save", kind = "bool", help = "list domains with managed save state" },
			{ name = "without-managed-save", kind = "bool", help = "list domains without managed save" },
			{ name = "uuid", kind = "bool", help = "list uuid's only" },
			{ name = "name", kind = "bool", help = "list domain names only" },
			{ name = "id", kind = "bool", help = "list domain IDs only" },
			{ name = "table", kind = "bool", help = "list table (default)" },
			{ name = "managed-save", kind = "bool",
				help = "mark inactive domains with managed save state" },
			{ name = "title", kind = "bool", help = "show domain title" },
		},
	},
}

local run = {}

-- enum virDomainState
local STATES = { [0] = "no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended" }

-- enum virDomain*Reason, by state
local REASONS = {
	[0] = { [0] = "unknown" },
	{ [0] = "unknown", "booted", "migrated", "restored", "from snapshot", "unpaused", "migration canceled",
		"save canceled", "event wakeup", "crashed", "post-copy", "post-copy failed" },
	{ [0] = "unknown" },
	{ [0] = "unknown", "user", "migrating", "saving", "dumping", "I/O error", "watchdog", "from snapshot",
		"shutting down", "creating snapshot", "crashed", "starting up", "post-copy", "post-copy failed" },
	{ [0] = "unknown", "user" },
	{ [0] = "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "daemon" },
	{ [0] = "unknown", "panicked" },
	{ [0] = "unknown" },
}

local function state_name(state)
	return STATES[state] or "no state"
end

-- --- list ------------------------------------------------------------------------------------------------------------

local LIST_ACTIVE, LIST_INACTIVE = 1, 2 -- virConnectListAllDomainsFlags
local LIST_FILTERS = {
	{ "persistent", 4 }, { "transient", 8 }, { "state_running", 16 }, { "state_paused", 32 }, { "state_shutoff", 64 },
	{ "state_other", 128 }, { "with_managed_save", 256 }, { "without_managed_save", 512 }, { "autostart", 1024 },
	{ "no_autostart", 2048 }, { "with_snapshot", 4096 }, { "without_snapshot", 8192 }, { "with_checkpoint", 16384 },
	{ "without_checkpoint", 32768 },
}

local METADATA_TITLE = 1

local function title_of(ctl, dom)
	local ok, title = pcall(ctl.raw.domain_get_metadata, ctl.raw, dom, METADATA_TITLE, nil, 0)
	return ok and title or ""
end

-- Running ones first, by id; then the others by name.
local function by_id_then_name(doms)
	local lower = {}
	for _, dom in ipairs(doms) do
		lower[dom] = dom.name:lower()
	end
	table.sort(doms, function(a, b)
		if a.id ~= b.id and a.id >= 0 and b.id >= 0 then
			return a.id < b.id
		elseif (a.id >= 0) ~= (b.id >= 0) then
			return a.id >= 0
		end
		return lower[a] < lower[b]
	end)
end

local function list_text(ctl, opt, words)
	return function(rows)
		if #words > 0 then
			for _, row in ipairs(rows) do
				local parts = {}
				for i, word in ipairs(words) do
					parts[i] = word == "id" and (row.id and tostring(row.id) or "-") or row[word]
				end
				ctl:print("%s\n", table.concat(parts, " "))
			end
			return
		end
		local shown = ctl:table(opt.title and { "Id", "Name", "State", "Title" } or { "Id", "Name", "State" })
		for _, row in ipairs(rows) do
			local state = opt.managed_save and row.state == "shut off" and row.managed_save and "saved" or row.state
			shown:row(row.id or "-", row.name, state, row.title)
		end
		shown:show()
	end
end

function run.list(ctl, opt)
	local flags = opt.all and LIST_ACTIVE | LIST_INACTIVE or opt.inactive and LIST_INACTIVE or LIST_ACTIVE
	for _, filter in ipairs(LIST_FILTERS) do
		flags = flags | (opt[filter[1]] and filter[2] or 0)
	end
	for _, other in ipairs { "name", "uuid", "id" } do
		ctl:exclusive(opt, "table", other)
	end
	local words = {}
	for _, word in ipairs { "uuid", "id", "name" } do
		words[#words + 1] = opt[word] and word or nil
	end
	local structured = ctl:structured_output()
	local full = #words == 0 or structured
	local raw = ctl.raw
	local doms, rows = ctl:attempt("Failed to list domains"):connect_list_all_domains(1, flags).domains, {}
	by_id_then_name(doms)
	for i, dom in ipairs(doms) do
		local row = { id = dom.id >= 0 and dom.id or nil, name = dom.name, uuid = dom.uuid }
		if full then
			local info = raw:domain_get_info(dom)
			row.state, row.vcpus = state_name(info.state), info.nrVirtCpu
			row.memory, row.max_memory = info.memory * 1024, info.maxMem * 1024
			row.title = (opt.title or structured) and title_of(ctl, dom) or nil
			if opt.managed_save or structured then
				row.managed_save = raw:domain_has_managed_save_image(dom, 0) ~= 0
			end
		end
		rows[i] = row
	end
	ctl:records {
		rows = rows,
		columns = { "id", "name", "state", "uuid", "vcpus", "memory", "max_memory", "title", "managed_save" },
		name = "name",
		text = list_text(ctl, opt, words),
	}
end

-- --- one domain ------------------------------------------------------------------------------------------------------

local function add_security(ctl, dom, fields)
	local model = ctl:try("node_get_security_model")
	if not model or model.model == "" then
		return
	end
	fields[#fields + 1] = { "security_model", "Security model:", model.model }
	fields[#fields + 1] = { "security_doi", "Security DOI:", model.doi }
	local label = ctl.raw:domain_get_security_label(dom)
	if label.label ~= "" then
		local text = ("%s (%s)"):format(label.label, label.enforcing ~= 0 and "enforcing" or "permissive")
		fields[#fields + 1] = { "security_label", "Security label:", label.label, text }
	end
end

function run.dominfo(ctl, opt)
	local dom, raw = ctl:domain(opt.domain), ctl.raw
	local fields = {
		{ "id", "Id:", dom.id >= 0 and dom.id or nil },
		{ "name", "Name:", dom.name },
		{ "uuid", "UUID:", dom.uuid },
		{ "os_type", "OS Type:", ctl:try("domain_get_os_type", dom), nil },
	}
	local function add(...)
		fields[#fields + 1] = { ... }
	end
	local info = raw:domain_get_info(dom)
	add("state", "State:", state_name(info.state))
	add("vcpus", "CPU(s):", info.nrVirtCpu)
	add("cpu_time", info.cpuTime ~= 0 and "CPU time:" or nil, info.cpuTime / 1e9, ("%.1fs"):format(info.cpuTime / 1e9))
	add("max_memory", "Max memory:", info.maxMem * 1024, ("%d KiB"):format(info.maxMem))
	add("memory", "Used memory:", info.memory * 1024, ("%d KiB"):format(info.memory))
	local persistent = ctl:try("domain_is_persistent", dom)
	add("persistent", "Persistent:", persistent and persistent ~= 0, function()
		ctl:debug(0, "Domain persistent flag value: %d", persistent or -1)
		return persistent and ctl:yes_no(persistent ~= 0) or "unknown"
	end)
	local autostart = ctl:try("domain_get_autostart", dom)
	if autostart then
		add("autostart", "Autostart:", autostart ~= 0, autostart ~= 0 and "enable" or "disable")
	end
	local saved = ctl:try("domain_has_managed_save_image", dom, 0)
	add("managed_save", "Managed save:", saved and saved ~= 0, not saved and "unknown" or ctl:yes_no(saved ~= 0))
	add_security(ctl, dom, fields)
	local messages = ctl:try("domain_get_messages", dom, 0)
	for i, message in ipairs(messages and messages.msgs or messages or {}) do
		add(i == 1 and "messages" or nil, i == 1 and "Messages:" or "", message)
	end
	ctl:info(fields)
end

function run.domstate(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local state = ctl.raw:domain_get_state(dom, 0)
	local name = state_name(state.state)
	local reason = (REASONS[state.state] or REASONS[0])[state.reason] or "unknown"
	ctl:records {
		rows = { { name = dom.name, state = name, reason = reason } }, single = true,
		columns = { "name", "state", "reason" },
		text = function(rows)
			if rows[1] then
				ctl:print(opt.reason and "%s (%s)\n" or "%s\n", name, reason)
			end
		end,
	}
end

-- --- disks -----------------------------------------------------------------------------------------------------------

local XML_INACTIVE = 2

-- A domain's configuration as a table.
local function conf_of(ctl, dom, inactive)
	local xml = ctl.raw:domain_get_xml_desc(dom, inactive and XML_INACTIVE or 0)
	return require("moonvisor.conf").parse("domain", xml)
end

local function source_of_disk(disk)
	local source = disk.source or {}
	return source.file or source.dev or source.dir or source.name or source.volume
end

local DISK_ERRORS = { [0] = "no error", "unspecified error", "no space" }

function run.domblkerror(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local raw, rows = ctl.raw, {}
	local count = raw:domain_get_disk_errors(dom, 0, 0).nerrors
	local errors = count > 0 and raw:domain_get_disk_errors(dom, count, 0).errors or {}
	for i, item in ipairs(errors) do
		rows[i] = { disk = item.disk, error = DISK_ERRORS[item.error] or "unknown error" }
	end
	ctl:records {
		rows = rows, columns = { "disk", "error" }, name = "disk",
		text = function(shown)
			for _, row in ipairs(shown) do
				ctl:print("%s: %s\n", row.disk, row.error)
			end
			if count == 0 then
				ctl:print "No errors found\n"
			end
		end,
	}
end

-- A size as --human shows it, or all of its digits; "-" for what is not known.
local function size_text(ctl, bytes, human)
	if not bytes then
		return "-"
	elseif human then
		return ("%.3f %s"):format(ctl:pretty_size(bytes))
	end
	return unsigned(bytes)
end

local SIZES = { { "capacity", "Capacity" }, { "allocation", "Allocation" }, { "physical", "Physical" } }

local function all_block_info(ctl, dom)
	local rows = {}
	for _, disk in ipairs(conf_of(ctl, dom).devices.disks or {}) do
		local row = { target = disk.target and disk.target.dev }
		local removable = disk.device == "cdrom" or disk.device == "floppy"
		if not removable or source_of_disk(disk) then
			local ok, info = pcall(ctl.raw.domain_get_block_info, ctl.raw, dom, row.target, 0)
			-- The sizes of what is reached through a network may not be known.
			if not ok and disk.type ~= "network" then
				error(info, 0)
			elseif ok then
				row.capacity, row.allocation, row.physical = info.capacity, info.allocation, info.physical
			end
		end
		rows[#rows + 1] = row
	end
	return rows
end

function run.domblkinfo(ctl, opt)
	ctl:exclusive(opt, "all", "device")
	if not opt.all and not opt.device then
		ctl:fail "command 'domblkinfo' requires <device> option"
	end
	local dom = ctl:domain(opt.domain)
	local rows
	if opt.all then
		rows = all_block_info(ctl, dom)
	else
		local info = ctl.raw:domain_get_block_info(dom, opt.device, 0)
		info.target = opt.device
		rows = { info }
	end
	ctl:records {
		rows = rows, columns = { "target", "capacity", "allocation", "physical" }, name = "target",
		text = function(shown)
			if not opt.all then
				for _, size in ipairs(SIZES) do
					ctl:print("%-15s %s\n", size[2] .. ":", size_text(ctl, rows[1][size[1]], opt.human))
				end
				return
			end
			local t = ctl:table { "Target", "Capacity", "Allocation", "Physical" }
			for _, row in ipairs(shown) do
				t:row(row.target, size_text(ctl, row.capacity, opt.human), size_text(ctl, row.allocation, opt.human),
					size_text(ctl, row.physical, opt.human))
			end
			t:show()
		end,
	}
end

function run.domblklist(ctl, opt)
	local dom, rows = ctl:domain(opt.domain), {}
	for i, disk in ipairs(conf_of(ctl, dom, opt.inactive).devices.disks or {}) do
		rows[i] = { type = disk.type, device = disk.device, target = disk.target and disk.target.dev,
			source = source_of_disk(disk) }
	end
	ctl:records {
		rows = rows, columns = { "type", "device", "target", "source" }, name = "target",
		text = function(shown)
			local t = ctl:table(opt.details and { "Type", "Device", "Target", "Source" } or { "Target", "Source" })
			for _, row in ipairs(shown) do
				if opt.details then
					t:row(row.type, row.device, row.target, row.source or "-")
				else
					t:row(row.target, row.source or "-")
				end
			end
			t:show()
		end,
	}
end

local BLOCK_LABELS = {
	rd_req = "number of read operations:", rd_bytes = "number of bytes read:",
	rd_total_times = "total duration of reads (ns):", wr_req = "number of write operations:",
	wr_bytes = "number of bytes written:", wr_total_times = "total duration of writes (ns):",
	flush_operations = "number of flush operations:", flush_total_times = "total duration of flushes (ns):",
	errs = "error count:",
}
-- The newer call's counts in the order and with the names in which virsh shows them; others follow as they are.
local BLOCK_STATS = { { "rd_operations", "rd_req" }, { "rd_bytes" }, { "wr_operations", "wr_req" }, { "wr_bytes" },
	{ "errs" }, { "flush_operations" }, { "rd_total_times" }, { "wr_total_times" }, { "flush_total_times" } }
local OLD_BLOCK_STATS = { "rd_req", "rd_bytes", "wr_req", "wr_bytes", "errs" }

local function in_order(params)
	local by_name, list = {}, {}
	for _, param in ipairs(params) do
		by_name[param.field] = param
	end
	for _, names in ipairs(BLOCK_STATS) do
		local param = by_name[names[1]]
		by_name[names[1]] = nil
		list[#list + 1] = param and { names[2] or names[1], param.value }
	end
	for _, param in ipairs(params) do
		list[#list + 1] = by_name[param.field] and { param.field, param.value }
	end
	return list
end

-- The counts of a disk as {name, value} in their order: from the newer call, or the older one where the driver has
-- only that.
local function block_stats(ctl, dom, device)
	local list = {}
	local ok, answer = pcall(ctl.raw.domain_block_stats_flags, ctl.raw, dom, device, 0, 0)
	if ok then
		return in_order(ctl.raw:domain_block_stats_flags(dom, device, answer.nparams, 0).params)
	elseif not require("moonvisor.errors").is(answer, "no_support") then
		error(answer, 0)
	end
	local stats = ctl.raw:domain_block_stats(dom, device)
	for _, name in ipairs(OLD_BLOCK_STATS) do
		list[#list + 1] = stats[name] >= 0 and { name, stats[name] } or nil
	end
	return list
end

-- What ctl:info() wants of {name, value} and the texts of the lines.
local function counts(ctl, list, line)
	local row, columns = {}, {}
	for i, item in ipairs(list) do
		row[item[1]], columns[i] = item[2], item[1]
	end
	ctl:records {
		rows = { row }, columns = columns, single = true,
		text = function(shown)
			for _, item in ipairs(shown[1] and list or {}) do
				ctl:print("%s", line(item[1], item[2]))
			end
		end,
	}
end

function run.domblkstat(ctl, opt)
	local dom, device = ctl:domain(opt.domain), opt.device or ""
	local ok, list = pcall(block_stats, ctl, dom, device)
	if not ok then
		ctl:fail_because(list, "Failed to get block stats %s %s", opt.domain, device)
	end
	if opt.human and not ctl:structured_output() then
		ctl:print("Device: %s\n", device)
	end
	counts(ctl, list, function(name, value)
		if opt.human then
			return (BLOCK_LABELS[name] and " %-31s %s\n" or " %s %s\n"):format(BLOCK_LABELS[name] or name, value)
		end
		return ("%s %s %s\n"):format(device, name, value)
	end)
end

-- --- network cards ---------------------------------------------------------------------------------------------------

local function is_mac(text)
	return text:find "^%x%x?:%x%x?:%x%x?:%x%x?:%x%x?:%x%x?$" ~= nil
end

-- The card of that device or MAC address.
local function find_interface(ctl, dom, name, inactive)
	local found = {}
	for _, interface in ipairs(conf_of(ctl, dom, inactive).devices.interfaces or {}) do
		local dev = interface.target and interface.target.dev
		if is_mac(name) and interface.mac == name:lower() or dev == name then
			found[#found + 1] = interface
		end
	end
	if #found ~= 1 then
		ctl:fail(#found == 0 and "Interface (%s: %s) not found." or "multiple matching interfaces found (%s: %s)",
			is_mac(name) and "mac" or "dev", name)
	end
	return found[1]
end

run["domif-getlink"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local interface = find_interface(ctl, dom, opt.interface, opt.config)
	local state = interface.link_state or "up"
	ctl:records {
		rows = { { interface = opt.interface, link = state } }, columns = { "interface", "link" }, single = true,
		text = function(shown)
			if shown[1] then
				ctl:print("%s %s", opt.interface, state)
			end
		end,
	}
end

function run.domiflist(ctl, opt)
	local dom, rows = ctl:domain(opt.domain), {}
	for i, interface in ipairs(conf_of(ctl, dom, opt.inactive).devices.interfaces or {}) do
		local source = interface.source or {}
		rows[i] = { interface = interface.target and interface.target.dev, type = interface.type,
			source = source.bridge or source.dev or source.network or source.name, model = interface.model,
			mac = interface.mac }
	end
	ctl:records {
		rows = rows, columns = { "interface", "type", "source", "model", "mac" }, name = "interface",
		text = function(shown)
			local t = ctl:table { "Interface", "Type", "Source", "Model", "MAC" }
			for _, row in ipairs(shown) do
				t:row(row.interface or "-", row.type, row.source or "-", row.model or "-", row.mac or "-")
			end
			t:show()
		end,
	}
end

local INTERFACE_STATS = { "rx_bytes", "rx_packets", "rx_errs", "rx_drop", "tx_bytes", "tx_packets", "tx_errs",
	"tx_drop" }

function run.domifstat(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local stats = ctl:attempt("Failed to get interface stats %s %s", opt.domain, opt.interface)
		:domain_interface_stats(dom, opt.interface)
	local list = {}
	for _, name in ipairs(INTERFACE_STATS) do
		list[#list + 1] = stats[name] >= 0 and { name, stats[name] } or nil
	end
	counts(ctl, list, function(name, value)
		return ("%s %s %d\n"):format(opt.interface, name, value)
	end)
end

local ADDRESS_SOURCES = { lease = 0, agent = 1, arp = 2 } -- virDomainInterfaceAddressesSource
local ADDRESS_TYPES = { [0] = "ipv4", "ipv6" }

function run.domifaddr(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local source = ADDRESS_SOURCES[opt.source or "lease"]
	if not source then
		ctl:fail("Unknown data source '%s'", opt.source)
	end
	local interfaces = ctl:attempt("Failed to query for interfaces addresses"):domain_interface_addresses(dom, source, 0)
	local rows = {}
	for _, interface in ipairs(interfaces) do
		if not opt.interface or interface.name == opt.interface then
			for i, address in ipairs(interface.addrs) do
				rows[#rows + 1] = { name = interface.name, mac = interface.hwaddr, protocol = ADDRESS_TYPES[address.type] or "ipv6",
					address = address.addr, prefix = address.prefix, first = i == 1 }
			end
			if #interface.addrs == 0 then
				rows[#rows + 1] = { name = interface.name, mac = interface.hwaddr, first = true }
			end
		end
	end
	ctl:records {
		rows = rows, columns = { "name", "mac", "protocol", "address", "prefix" }, name = "address",
		text = function(shown)
			ctl:extra(" %-10s %-20s %-8s     %s\n%s\n", "Name", "MAC address", "Protocol", "Address", ("-"):rep(79))
			for _, row in ipairs(shown) do
				local full = row.first or opt.full
				local name, mac = full and row.name or "-", full and (row.mac or "") or "-"
				local address = row.address and ("%s/%d"):format(row.address, row.prefix) or "N/A"
				ctl:print(" %-10s %-17s    %-12s %s\n", name, mac, row.protocol or "N/A", address)
			end
		end,
	}
end

-- --- memory, time, control -------------------------------------------------------------------------------------------

-- enum virDomainMemoryStatTags
local MEMORY_STATS = { [0] = "swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available", "actual",
	"rss", "usable", "last_update", "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail" }

function run.dommemstat(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	if opt.period then
		if opt.period < 0 then
			ctl:fail("Invalid collection period value '%d'", opt.period)
		end
		ctl:attempt("Unable to change balloon collection period."):domain_set_memory_stats_period(dom, opt.period, flags)
		return
	end
	local stats = ctl:attempt("Failed to get memory statistics for domain %s", opt.domain)
		:domain_memory_stats(dom, #MEMORY_STATS + 1, 0)
	local list = {}
	for _, stat in ipairs(stats) do
		list[#list + 1] = MEMORY_STATS[stat.tag] and { MEMORY_STATS[stat.tag], stat.val } or nil
	end
	counts(ctl, list, function(name, value)
		return ("%s %d\n"):format(name, value)
	end)
end

local TIME_SYNC = 1

function run.domtime(ctl, opt)
	ctl:exclusive(opt, "time", "now")
	ctl:exclusive(opt, "time", "sync")
	ctl:exclusive(opt, "now", "sync")
	local dom = ctl:domain(opt.domain)
	if opt.now or opt.sync or opt.time then
		local seconds = opt.time or opt.now and os.time() or 0
		ctl.raw:domain_set_time(dom, seconds, 0, opt.sync and TIME_SYNC or 0)
		return
	end
	local now = ctl.raw:domain_get_time(dom, 0)
	ctl:records {
		rows = { { time = now.seconds } }, columns = { "time" }, single = true,
		text = function(shown)
			if shown[1] then
				ctl:print("Time: %s", opt.pretty and os.date("!%Y-%m-%d %H:%M:%S", now.seconds) or now.seconds)
			end
		end,
	}
end

-- enum virDomainControlState and virDomainControlErrorReason
local CONTROL_STATES = { [0] = "ok", "background job", "occupied", "error" }
local CONTROL_ERRORS = { [0] = "", "unknown", "monitor failure", "internal (locking) error" }

function run.domcontrol(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local info = ctl.raw:domain_get_control_info(dom, 0)
	local state, seconds = CONTROL_STATES[info.state] or "unknown", info.stateTime / 1000
	local reason = state == "error" and (CONTROL_ERRORS[info.details] or "unknown") or ""
	ctl:records {
		rows = { { state = state, reason = reason ~= "" and reason or nil, seconds = seconds } },
		columns = { "state", "reason", "seconds" }, single = true,
		text = function(shown)
			if not shown[1] then
				return
			elseif reason ~= "" then
				ctl:print("%s: %s\n", state, reason)
			elseif state ~= "ok" and state ~= "error" then
				ctl:print("%s (%0.3fs)\n", state, seconds)
			else
				ctl:print("%s\n", state)
			end
		end,
	}
end

-- --- all statistics --------------------------------------------------------------------------------------------------

-- enum virDomainStatsTypes
local STATS_GROUPS = { state = 1, cpu_total = 2, balloon = 4, vcpu = 8, interface = 16, block = 32, perf = 64,
	iothread = 128, memory = 256, dirtyrate = 512, vm = 1024 }
-- virConnectGetAllDomainStatsFlags
local STATS_FLAGS = { list_active = 1, list_inactive = 2, list_persistent = 4, list_transient = 8, list_running = 16,
	list_paused = 32, list_shutoff = 64, list_other = 128, nowait = 1 << 29, backing = 1 << 30, enforce = 1 << 31 }

local function param_text(param)
	if param.type == "boolean" then
		return param.value and "yes" or "no"
	elseif param.type == "double" then
		return ("%f"):format(param.value)
	end
	return tostring(param.value)
end

function run.domstats(ctl, opt)
	local doms = {}
	for i, name in ipairs(opt.domain or {}) do
		doms[i] = ctl:domain(name)
	end
	local records = ctl.raw:connect_get_all_domain_stats(doms, ctl:flags(opt, STATS_GROUPS),
		ctl:flags(opt, STATS_FLAGS))
	local rows, lines = {}, {}
	for i, record in ipairs(records) do
		local stats = {}
		for _, param in ipairs(record.params) do
			stats[param.field] = param.value
		end
		rows[i] = { name = record.dom.name, uuid = record.dom.uuid, stats = stats }
		lines[rows[i]] = record.params
	end
	ctl:records {
		rows = rows, columns = { "name", "uuid", "stats" }, name = "name",
		text = function(shown)
			local out = {}
			for i, row in ipairs(shown) do
				out[#out + 1] = ("%sDomain: '%s'\n"):format(i > 1 and "\n" or "", row.name)
				for _, param in ipairs(lines[row]) do
					out[#out + 1] = "  " .. param.field .. "=" .. param_text(param) .. "\n"
				end
			end
			ctl:print("%s", table.concat(out))
		end,
	}
end

return { group = "Domain Monitoring", keyword = "monitor", commands = commands, run = run }
