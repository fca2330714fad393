-- The commands of the group Domain Monitoring.

local commands = {
	{
		name = "domblkerror",
		summary = "Show errors on block devices",
		description = "Show block device errors",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domblkinfo",
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
		summary = "domain control interface state",
		description = "Returns state of a control interface to the domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domif-getlink",
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
		"shutting down", "creating snapshot", "crashed", "starting up", "post-copy", "post-copy failed", "api error" },
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
	local full = #words == 0 or ctl:structured_output()
	local raw = ctl.raw
	local doms, rows = ctl:attempt("Failed to list domains"):connect_list_all_domains(1, flags).domains, {}
	by_id_then_name(doms)
	for i, dom in ipairs(doms) do
		local row = { id = dom.id >= 0 and dom.id or nil, name = dom.name, uuid = dom.uuid }
		if full then
			local info = raw:domain_get_info(dom)
			row.state, row.vcpus = state_name(info.state), info.nrVirtCpu
			row.memory, row.max_memory = info.memory * 1024, info.maxMem * 1024
			row.title = opt.title and title_of(ctl, dom) or nil
			if opt.managed_save then
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

-- The result of a call, nil when it fails: for information that not every driver has.
local function try(ctl, call, ...)
	local ok, result = pcall(ctl.raw[call], ctl.raw, ...)
	return ok and result or nil
end

local function yes_no(value)
	return value and "yes" or "no"
end

local function add_security(ctl, dom, fields)
	local model = try(ctl, "node_get_security_model")
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
		{ "os_type", "OS Type:", try(ctl, "domain_get_os_type", dom), nil },
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
	local persistent = try(ctl, "domain_is_persistent", dom)
	local known = persistent and yes_no(persistent ~= 0) or "unknown"
	add("persistent", "Persistent:", persistent and persistent ~= 0, known)
	local autostart = try(ctl, "domain_get_autostart", dom)
	if autostart then
		add("autostart", "Autostart:", autostart ~= 0, autostart ~= 0 and "enable" or "disable")
	end
	local saved = try(ctl, "domain_has_managed_save_image", dom, 0)
	add("managed_save", "Managed save:", saved and saved ~= 0, not saved and "unknown" or yes_no(saved ~= 0))
	add_security(ctl, dom, fields)
	local messages = try(ctl, "domain_get_messages", dom, 0)
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

return { group = "Domain Monitoring", keyword = "monitor", commands = commands, run = run }
