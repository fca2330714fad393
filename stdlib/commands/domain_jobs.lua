-- The commands of the group Domain Management: jobs, dumps and what only some hypervisors have.

local errors = require "moonvisor.errors"
local json_text = require "moonvisor.command.json_text"
local numbers = require "moonvisor.command.number"
local params = require "moonvisor.command.params"

local commands = {
	{
		name = "domjobabort",
		summary = "abort active domain job",
		description = "Aborts the currently running domain job",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "postcopy", kind = "bool", help = "interrupt post-copy migration" },
		},
	},
	{
		name = "domjobinfo",
		records = true,
		summary = "domain job information",
		description = "Returns information about jobs running on a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "completed", kind = "bool", help = "return statistics of a recently completed job" },
			{ name = "keep-completed", kind = "bool",
				help = "don't destroy statistics of a recently completed job when reading" },
			{ name = "anystats", kind = "bool",
				help = "print statistics for any kind of job (even failed ones)" },
			{ name = "rawstats", kind = "bool", help = "print the raw data returned by libvirt" },
		},
	},
	{
		name = "dump",
		summary = "dump the core of a domain to a file for analysis",
		description = "Core dump a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "file", kind = "data", required = true, help = "where to dump the core" },
			{ name = "live", kind = "bool", help = "perform a live core dump if supported" },
			{ name = "crash", kind = "bool", help = "crash the domain after core dump" },
			{ name = "bypass-cache", kind = "bool", help = "avoid file system cache when dumping" },
			{ name = "reset", kind = "bool", help = "reset the domain after core dump" },
			{ name = "verbose", kind = "bool", help = "display the progress of dump" },
			{ name = "memory-only", kind = "bool", help = "dump domain's memory only" },
			{ name = "format", kind = "string", complete = "dump_format",
				help = "specify the format of memory-only dump" },
		},
	},
	{
		name = "lxc-enter-namespace",
		summary = "LXC Guest Enter Namespace",
		description = "Run an arbitrary command in a lxc guest namespace; use at your own risk",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "noseclabel", kind = "bool", help = "Do not change process security label" },
			{ name = "cmd", kind = "argv", required = true, help = "command to run" },
		},
	},
	{
		name = "qemu-attach",
		summary = "QEMU Attach",
		description = "QEMU Attach",
		options = {
			{ name = "pid", kind = "data", required = true, help = "pid" },
		},
	},
	{
		name = "qemu-monitor-command",
		summary = "QEMU Monitor Command",
		description = "QEMU Monitor Command",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "hmp", kind = "bool", help = "command is in human monitor protocol" },
			{ name = "pretty", kind = "bool", help = "pretty-print any qemu monitor protocol output" },
			{ name = "return-value", kind = "bool",
				help = "extract the value of the 'return' key from the returned string" },
			{ name = "pass-fds", kind = "string", named = true,
				help = "pass file descriptors N,M,... along with the command" },
			{ name = "cmd", kind = "argv", required = true, help = "command" },
		},
	},
	{
		name = "qemu-monitor-event",
		summary = "QEMU Monitor Events",
		description = "Listen for QEMU Monitor Events",
		options = {
			{ name = "domain", kind = "string", complete = "domain",
				help = "filter by domain name, id or uuid" },
			{ name = "event", kind = "string", help = "filter by event name" },
			{ name = "pretty", kind = "bool", help = "pretty-print any JSON output" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "regex", kind = "bool", help = "treat event as a regex rather than literal filter" },
			{ name = "no-case", kind = "bool", help = "treat event case-insensitively" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
}

local run = {}

-- --- jobs ------------------------------------------------------------------------------------------------------------

local ABORT_POSTCOPY = 1

function run.domjobabort(ctl, opt)
	local dom = ctl:domain(opt.domain)
	if opt.postcopy then
		ctl.raw:domain_abort_job_flags(dom, ABORT_POSTCOPY)
	else
		ctl.raw:domain_abort_job(dom)
	end
end

-- virDomainJobType and virDomainJobOperation
local JOB_TYPES = { [0] = "None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled" }
local OPERATIONS = { [0] = "Unknown", "Start", "Save", "Restore", "Incoming migration", "Outgoing migration",
	"Snapshot", "Snapshot revert", "Dump", "Backup", "Snapshot delete" }
local BOUNDED, UNBOUNDED, COMPLETED = 1, 2, 3
local STATS_COMPLETED, STATS_KEEP = 1, 2

-- Lines of domjobinfo: a label, the field of the statistics, how it is shown. Those of a list that begins with
-- `any = {...}` are there when one of these is not 0, and `always` then shows a field that is not there as 0.
local LINES = {
	{ "Time elapsed w/o network:", "time_elapsed_net", "ms" },
	{ "Time remaining:", "time_remaining", "ms", when = BOUNDED, always = true },
	{
		any = { "data_total", "data_remaining", "data_processed" },
		{ "Data processed:", "data_processed", "size", always = true },
		{ "Data remaining:", "data_remaining", "size", always = true },
		{ "Data total:", "data_total", "size", always = true },
	},
	{
		any = { "memory_total", "memory_remaining", "memory_processed" },
		{ "Memory processed:", "memory_processed", "size", always = true },
		{ "Memory remaining:", "memory_remaining", "size", always = true },
		{ "Memory total:", "memory_total", "size", always = true },
		{ "Memory bandwidth:", "memory_bps", "rate" },
		{ "Dirty rate:", "memory_dirty_rate", "pages/s" },
		{ "Page size:", "memory_page_size", "bytes" },
		{ "Iteration:", "memory_iteration", "count" },
		{ "Postcopy requests:", "memory_postcopy_requests", "count" },
	},
	{
		any = { "disk_total", "disk_remaining", "disk_processed" },
		{ "File processed:", "disk_processed", "size", always = true },
		{ "File remaining:", "disk_remaining", "size", always = true },
		{ "File total:", "disk_total", "size", always = true },
		{ "File bandwidth:", "disk_bps", "rate" },
	},
	{ "Constant pages:", "memory_constant", "count" },
	{ "Normal pages:", "memory_normal", "count" },
	{ "Normal data:", "memory_normal_bytes", "size" },
	{ "Expected downtime:", "downtime", "ms", completed = "Total downtime:" },
	{ "Downtime w/o network:", "downtime_net", "ms" },
	{ "Setup time:", "setup_time", "ms" },
	{ "Compression cache:", "compression_cache", "size" },
	{ "Compressed data:", "compression_bytes", "size" },
	{ "Compressed pages:", "compression_pages", "long count" },
	{ "Compression cache misses:", "compression_cache_misses", "long count" },
	{ "Compression overflows:", "compression_overflow", "long count" },
	{ "Auto converge throttle:", "auto_converge_throttle", "long count" },
	{ "Temporary disk space use:", "disk_temp_used", "size" },
	{ "Temporary disk space total:", "disk_temp_total", "size" },
	{ "Error message:", "errmsg", "text" },
}

local function amount(ctl, kind, value)
	if kind == "text" then
		return value
	elseif kind == "size" or kind == "rate" then
		local short, unit = ctl:pretty_size(value)
		return ("%-.3f %s%s"):format(short, unit, kind == "rate" and "/s" or "")
	elseif kind == "count" or kind == "long count" then
		return (kind == "count" and "%-12s" or "%-13s"):format(numbers.unsigned(value))
	end
	return ("%-12s %s"):format(numbers.unsigned(value), kind)
end

local function print_lines(ctl, job, lines)
	local stats, there = job.stats, not lines.any
	for _, field in ipairs(lines.any or {}) do
		there = there or (stats[field] or 0) ~= 0
	end
	for _, line in ipairs(there and lines or {}) do
		local value = stats[line[2]] or line.always and 0
		if type(line[1]) == "table" then
			print_lines(ctl, job, line)
		elseif value and (not line.when or line.when == job.type) and not (line[3] == "rate" and value == 0) then
			local label = job.type == COMPLETED and line.completed or line[1]
			ctl:print("%-17s %s\n", label, amount(ctl, line[3], value))
		end
	end
end

-- The statistics of the job from the older call, whose numbers have other names.
local OLD_NAMES = { timeElapsed = "time_elapsed", timeRemaining = "time_remaining", dataTotal = "data_total",
	dataProcessed = "data_processed", dataRemaining = "data_remaining", memTotal = "memory_total",
	memProcessed = "memory_processed", memRemaining = "memory_remaining", fileTotal = "disk_total",
	fileProcessed = "disk_processed", fileRemaining = "disk_remaining" }

local function old_job(ctl, dom)
	local info, stats = ctl.raw:domain_get_job_info(dom), {}
	for old, name in pairs(OLD_NAMES) do
		stats[name] = info[old]
	end
	return { type = info.type, stats = stats, list = {} }
end

-- { type =, stats = by name, list = as they came }
local function job_of(ctl, opt, dom)
	local flags = opt.completed and STATS_COMPLETED | (opt.keep_completed and STATS_KEEP or 0) or 0
	local ok, answer = pcall(ctl.raw.domain_get_job_stats, ctl.raw, dom, flags)
	if ok then
		return { type = answer.type, list = answer.params, stats = params.by_name(answer.params) }
	elseif not errors.is(answer, "no_support") then
		error(answer, 0)
	elseif flags ~= 0 or opt.rawstats then
		ctl:fail_because(answer, "Optional flags or --rawstats are not supported by the daemon")
	end
	ctl:debug(0, "detailed statistics not supported")
	return old_job(ctl, dom)
end

local function job_text(ctl, opt, job)
	if opt.rawstats then
		ctl:print("Job type: %d\n\n", job.type)
		for _, param in ipairs(job.list) do
			ctl:print("%s: %s\n", param.field, params.raw_text(param))
		end
		return
	end
	ctl:print("%-17s %-12s\n", "Job type:", JOB_TYPES[job.type] or "unknown")
	if job.type == 0 then
		return
	end
	ctl:print("%-17s %-12s\n", "Operation:", OPERATIONS[job.stats.operation or 0] or "unknown")
	if job.type ~= BOUNDED and job.type ~= UNBOUNDED and not opt.anystats
		and not (job.type == COMPLETED and opt.completed) then
		return
	end
	ctl:print("%-17s %s\n", "Time elapsed:", amount(ctl, "ms", job.stats.time_elapsed or 0))
	print_lines(ctl, job, LINES)
end

function run.domjobinfo(ctl, opt)
	ctl:requires(opt, "keep-completed", "completed")
	local dom = ctl:domain(opt.domain)
	local job = job_of(ctl, opt, dom)
	local row, columns = { type = (JOB_TYPES[job.type] or "unknown"):lower() }, { "type" }
	for field, value in pairs(job.type ~= 0 and job.stats or {}) do
		row[field], columns[#columns + 1] = value, field
	end
	table.sort(columns, function(a, b)
		return a ~= b and (a == "type" or b ~= "type" and a < b)
	end)
	if row.operation then
		row.operation = (OPERATIONS[row.operation] or "unknown"):lower()
	end
	ctl:records {
		rows = { row }, columns = columns, single = true,
		text = function(shown)
			if shown[1] then
				job_text(ctl, opt, job)
			end
		end,
	}
end

-- --- dump ------------------------------------------------------------------------------------------------------------

local DUMP_FLAGS = { crash = 1, live = 2, bypass_cache = 4, reset = 8, memory_only = 16 } -- virDomainCoreDumpFlags
local FORMATS = { elf = 0, ["kdump-zlib"] = 1, ["kdump-lzo"] = 2, ["kdump-snappy"] = 3, ["win-dmp"] = 4 }

-- The number of the format; 0 is what the hypervisor does by itself.
local function dump_format(ctl, opt)
	local name = ctl:given(opt, "format")
	if not name then
		return 0
	elseif not opt.memory_only then
		ctl:fail "--format only works with --memory-only"
	elseif name == "" then
		return 0
	end
	return FORMATS[name] or ctl:fail(
		"format '%s' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp' or 'elf'", name)
end

function run.dump(ctl, opt)
	local dom, path, flags = ctl:domain(opt.domain), opt.file, 0
	local format = dump_format(ctl, opt)
	for name, flag in pairs(DUMP_FLAGS) do
		flags = flags | (opt[name] and flag or 0)
	end
	local text = ("Failed to core dump domain '%s' to %s"):format(opt.domain, path)
	local job = { dom = dom, title = "Dump", verbose = opt.verbose, text = text }
	for _, pair in ipairs { { "crash", "live" }, { "crash", "reset" }, { "live", "reset" } } do
		if opt[pair[1]] and opt[pair[2]] then
			ctl:error("%s", text)
			ctl:fail("Flags 'VIR_DUMP_%s' and 'VIR_DUMP_%s' are mutually exclusive", pair[1]:upper(), pair[2]:upper())
		end
	end
	if format == 0 then
		ctl:job(job, "domain_core_dump", dom, path, flags)
	else
		ctl:job(job, "domain_core_dump_with_format", dom, path, format, flags)
	end
	if opt.verbose then
		ctl.write_error "\rDump: [100 %]"
	end
	ctl:extra("\nDomain '%s' dumped to %s\n", opt.domain, path)
end

-- --- what only some hypervisors have ---------------------------------------------------------------------------------

run["lxc-enter-namespace"] = function(ctl, opt)
	ctl:domain(opt.domain)
	if ctl.readonly then
		errors.raise("operation_denied", "read only access prevents virDomainLxcOpenNamespace")
	end
	errors.raise("no_support", "virDomainLxcOpenNamespace") -- only containers have name spaces, and there are none
end

run["qemu-attach"] = function(ctl, opt)
	local pid = ctl:number("pid", ctl:given(opt, "pid"), "uint")
	local attempt = ctl:attempt("Failed to attach to pid %d", pid)
	if pid == 0 then
		ctl:error "Failed to attach to pid 0"
		ctl:fail "pid_value in virDomainQemuAttach must not be zero"
	end
	local dom = attempt:qemu_domain_attach(pid, 0)
	ctl:extra("Domain '%s' attached to pid %d\n", dom.name, pid)
end

-- The words of a command for the monitor as the JSON it wants: words that are an object already stay as they are, else
-- the first is the command and the others are its arguments, as an object or as what is between its braces.
local function wrap_command(ctl, words)
	local all = table.concat(words, " ")
	if all:find "^%s*{" and json_text.reformat(all) then
		return all
	end
	local command, given = json_text.quote(words[1]), table.concat(words, " ", 2)
	if #words == 1 then
		return ('{"execute":%s}'):format(command)
	end
	local arguments = given:find "^%s*{" and json_text.reformat(given)
	if not arguments then
		local why
		local inside = table.concat(words, ",", 2)
		arguments, why = json_text.reformat("{" .. inside .. "}")
		if not arguments then
			ctl:error("failed to wrap arguments '%s' into a QMP command wrapper", given)
			errors.raise("internal", "cannot parse json {%s}: %s", inside, why)
		end
	end
	return ('{"execute":%s,"arguments":%s}'):format(command, arguments)
end

-- Descriptors would be handed over by their numbers, which only a local call can do.
local function check_descriptors(ctl, opt)
	local text = ctl:given(opt, "pass-fds")
	if not text or text == "" then
		return false
	end
	for word in (text .. ","):gmatch "(.-)," do
		if not numbers.int(word) then
			ctl:fail("Unable to parse FD number '%s'", word)
		end
	end
	return true
end

local MONITOR_HMP = 1

run["qemu-monitor-command"] = function(ctl, opt)
	ctl:exclusive(opt, "hmp", "pretty")
	ctl:exclusive(opt, "hmp", "return-value")
	local dom = ctl:domain(opt.domain)
	local command = opt.hmp and table.concat(opt.cmd, " ") or wrap_command(ctl, opt.cmd)
	if check_descriptors(ctl, opt) then
		errors.raise("no_support", "virDomainQemuMonitorCommandWithFiles")
	end
	local answer = ctl.raw:qemu_domain_monitor_command(dom, command, opt.hmp and MONITOR_HMP or 0)
	if ctl:dry() then
		return
	elseif opt.return_value then
		local value, why = json_text.reformat(answer, opt.pretty, "return")
		if why then
			ctl:error "failed to parse JSON returned by qemu"
			errors.raise("internal", "cannot parse json %s: %s", answer, why)
		elseif not value then
			ctl:fail "'return' member missing"
		end
		ctl:print("%s", (value:gsub("\n$", "")))
		return
	end
	local pretty = opt.pretty and json_text.reformat(answer, true)
	ctl:print("%s", pretty and pretty:gsub("\n$", "") or answer .. "\n")
end

local EVENT_REGEX, EVENT_NOCASE = 1, 2

local function event_text(opt, msg)
	local details = msg.details and (opt.pretty and json_text.reformat(msg.details, true) or msg.details) or "<null>"
	if opt.timestamp then
		return ("event %s for domain '%s': %s\n"):format(msg.event, msg.dom.name, details)
	end
	return ("event %s at %d.%06d for domain '%s': %s\n"):format(msg.event, msg.seconds, msg.micros, msg.dom.name, details)
end

run["qemu-monitor-event"] = function(ctl, opt)
	local name = opt.event
	local flags = (opt.regex and EVENT_REGEX or 0) | (opt.no_case and EVENT_NOCASE or 0)
	local timeout = opt.timeout
	local dom = opt.domain and ctl:domain(opt.domain)
	local raw = ctl.raw
	local id = raw:qemu_connect_domain_monitor_event_register(dom, name, flags)
	local ok, result = pcall(ctl.watch, ctl, {
		timeout = timeout, loop = opt.loop, timestamp = opt.timestamp,
		listen = function(hit)
			return { raw:on("qemu_domain_monitor_event", dom, function(event)
				if event.callbackID == id then
					hit("%s", event_text(opt, event))
				end
			end) }
		end,
	})
	pcall(raw.qemu_connect_domain_monitor_event_deregister, raw, id)
	if not ok then
		error(result, 0)
	end
	return result
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
