-- Commands of the group Domain Management: virtual CPUs, where they run, and I/O threads.

local parameters = require "moonvisor.command.params"

local commands = {
	{
		name = "cpu-stats",
		records = true,
		summary = "show domain cpu statistics",
		description = "Display per-CPU and total statistics about the domain's CPUs",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "total", kind = "bool", help = "Show total statistics only" },
			{ name = "start", kind = "int", help = "Show statistics from this CPU" },
			{ name = "count", kind = "int", help = "Number of shown CPUs at most" },
		},
	},
	{
		name = "iothreadinfo",
		records = true,
		summary = "view domain IOThreads",
		description = "Returns basic information about the domain IOThreads.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "iothreadpin",
		summary = "control domain IOThread affinity",
		description = "Pin domain IOThreads to host physical CPUs.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "iothread", kind = "int", required = true, number = "uint", complete = "iothread",
				help = "IOThread ID number" },
			{ name = "cpulist", kind = "data", required = true, help = "host cpu number(s) to set" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "iothreadadd",
		summary = "add an IOThread to the guest domain",
		description = "Add an IOThread to the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "id", kind = "int", required = true, help = "iothread for the new IOThread" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "iothreadset",
		summary = "modifies an existing IOThread of the guest domain",
		description = "Modifies an existing IOThread of the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "id", kind = "int", required = true, complete = "iothread",
				help = "iothread id of existing IOThread" },
			{ name = "poll-max-ns", kind = "int", number = "ull",
				help = "set the maximum IOThread polling time in ns" },
			{ name = "poll-grow", kind = "int", number = "uint",
				help = "set the value to increase the IOThread polling time" },
			{ name = "poll-shrink", kind = "int", number = "uint",
				help = "set the value for reduction of the IOThread polling time" },
			{ name = "thread-pool-min", kind = "int", help = "lower boundary for worker thread pool" },
			{ name = "thread-pool-max", kind = "int", help = "upper boundary for worker thread pool" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "iothreaddel",
		summary = "delete an IOThread from the guest domain",
		description = "Delete an IOThread from the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "id", kind = "int", required = true, complete = "iothread",
				help = "iothread_id for the IOThread to delete" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "setvcpus",
		summary = "change number of virtual CPUs",
		description = "Change the number of virtual CPUs in the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "count", kind = "int", required = true, number = "uint",
				help = "number of virtual CPUs" },
			{ name = "maximum", kind = "bool", help = "set maximum limit on next boot" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
			{ name = "guest", kind = "bool", help = "modify cpu state in the guest" },
			{ name = "hotpluggable", kind = "bool", help = "make added vcpus hot(un)pluggable" },
		},
	},
	{
		name = "vcpucount",
		records = true,
		summary = "domain vcpu counts",
		description = "Returns the number of virtual CPUs used by the domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "maximum", kind = "bool", help = "get maximum count of vcpus" },
			{ name = "active", kind = "bool", help = "get number of currently active vcpus" },
			{ name = "live", kind = "bool", help = "get value from running domain" },
			{ name = "config", kind = "bool", help = "get value to be used on next boot" },
			{ name = "current", kind = "bool", help = "get value according to current domain state" },
			{ name = "guest", kind = "bool",
				help = "retrieve vcpu count from the guest instead of the hypervisor" },
		},
	},
	{
		name = "vcpuinfo",
		records = true,
		summary = "detailed domain vcpu information",
		description = "Returns basic information about the domain virtual CPUs.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "pretty", kind = "bool", help = "return human readable output" },
		},
	},
	{
		name = "vcpupin",
		records = true,
		summary = "control or query domain vcpu affinity",
		description = "Pin domain VCPUs to host physical CPUs.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "vcpu", kind = "int", number = "uint", complete = "vcpu", help = "vcpu number" },
			{ name = "cpulist", kind = "string", empty_ok = true,
				help = "host cpu number(s) to set, or omit option to query" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "emulatorpin",
		records = true,
		summary = "control or query domain emulator affinity",
		description = "Pin domain emulator threads to host physical CPUs.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "cpulist", kind = "string", empty_ok = true,
				help = "host cpu number(s) to set, or omit option to query" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "guestvcpus",
		records = true,
		summary = "query or modify state of vcpu in the guest (via agent)",
		description = "Use the guest agent to query or set cpu state from guest's point of view",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "cpulist", kind = "string", help = "list of cpus to enable or disable" },
			{ name = "enable", kind = "bool", help = "enable cpus specified by cpulist" },
			{ name = "disable", kind = "bool", help = "disable cpus specified by cpulist" },
		},
	},
	{
		name = "setvcpu",
		summary = "attach/detach vcpu or groups of threads",
		description = "Add or remove vcpus",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "vcpulist", kind = "data", required = true, help = "ids of vcpus to manipulate" },
			{ name = "enable", kind = "bool", help = "enable cpus specified by cpumap" },
			{ name = "disable", kind = "bool", help = "disable cpus specified by cpumap" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
}

local run = {}

local VCPU_LIVE, VCPU_CONFIG, VCPU_MAXIMUM, VCPU_GUEST, VCPU_HOTPLUGGABLE = 1, 2, 4, 8, 16

function run.setvcpus(ctl, opt)
	ctl:requires(opt, "maximum", "config")
	local flags = ctl:affect(opt)
	ctl:exclusive(opt, "guest", "config")
	local dom = ctl:domain(opt.domain)
	flags = flags | (opt.guest and VCPU_GUEST or 0) | (opt.maximum and VCPU_MAXIMUM or 0)
		| (opt.hotpluggable and VCPU_HOTPLUGGABLE or 0)
	if opt.count == 0 then
		ctl:fail "Can't set 0 processors for a VM"
	elseif flags == 0 and not opt.current then
		ctl.raw:domain_set_vcpus(dom, opt.count)
	else
		ctl.raw:domain_set_vcpus_flags(dom, opt.count, flags)
	end
end

-- All counts, for people.
local function all_vcpu_counts(ctl, dom)
	local active = dom.id >= 0
	local rows = {}
	for _, kind in ipairs { { "maximum", VCPU_MAXIMUM }, { "current", 0 } } do
		for _, where in ipairs { { "config", VCPU_CONFIG }, { "live", VCPU_LIVE } } do
			if where[1] == "config" or active then
				rows[#rows + 1] = { kind = kind[1], where = where[1],
					count = ctl.raw:domain_get_vcpus_flags(dom, kind[2] | where[2]) }
			end
		end
	end
	ctl:records {
		rows = rows, columns = { "kind", "where", "count" }, name = "count",
		text = function(shown)
			for _, row in ipairs(shown) do
				ctl:print("%-12s %-12s %3d\n", row.kind, row.where, row.count)
			end
		end,
	}
end

function run.vcpucount(ctl, opt)
	ctl:exclusive(opt, "live", "config")
	ctl:exclusive(opt, "active", "maximum")
	ctl:exclusive(opt, "guest", "config")
	local dom = ctl:domain(opt.domain)
	if not (opt.maximum or opt.active or opt.live or opt.config or opt.current or opt.guest) then
		return all_vcpu_counts(ctl, dom)
	end
	local flags = (opt.live and VCPU_LIVE or 0) | (opt.config and VCPU_CONFIG or 0) | (opt.maximum and VCPU_MAXIMUM or 0)
		| (opt.guest and VCPU_GUEST or 0)
	local count
	if opt.guest then
		count = ctl:attempt("Failed to retrieve vCPU count from the guest"):domain_get_vcpus_flags(dom, flags)
	else
		count = ctl.raw:domain_get_vcpus_flags(dom, flags)
	end
	ctl:records {
		rows = { { count = count } }, columns = { "count" }, single = true,
		text = function(shown)
			if shown[1] then
				ctl:print("%d\n", count)
			end
		end,
	}
end

-- --- CPU sets --------------------------------------------------------------------------------------------------------

-- How many CPUs the host can have.
local function host_cpus(ctl)
	local ok, map = pcall(ctl.raw.node_get_cpu_map, ctl.raw, 0, 0, 0)
	if ok then
		return map.ret
	end
	local info = ctl.raw:node_get_info()
	return info.nodes * info.sockets * info.cores * info.threads
end

-- The bits of "0-3,^2", "r" (all), for `count` CPUs.
local function parse_cpus(ctl, text, count)
	if text == "r" then
		text = "0-" .. count - 1
	end
	local set, any = {}, false
	for part in (text .. ","):gmatch "([^,]*)," do
		local no, first, last = part:match "^%s*(%^?)(%d+)%-?(%d*)%s*$"
		first = math.tointeger(tonumber(first))
		last = math.tointeger(tonumber(last)) or first
		if not first or last < first or part:find "%-%s*$" then
			ctl:error("Invalid cpulist '%s'", text)
			ctl:fail("invalid argument: Failed to parse bitmap '%s'", text)
		elseif last >= count and no == "" then
			ctl:fail("CPU %d in cpulist '%s' exceed the maxcpu %d", last, text, count)
		end
		for cpu = first, last do
			set[cpu] = no == "" or nil
		end
	end
	local list = {}
	for cpu in pairs(set) do
		list[#list + 1], any = cpu, true
	end
	if not any then
		ctl:fail("Invalid cpulist '%s'", text)
	end
	table.sort(list)
	local forms = require "moonvisor.forms"
	local map = forms.cpumap(list)
	return map .. ("\0"):rep((count + 7) // 8 - #map)
end

local function cpuset(map, count)
	return require("moonvisor.forms").cpuset(map, count)
end

local function map_length(count)
	return (count + 7) // 8
end

local function one_map(maps, index, length)
	return maps:sub(index * length + 1, (index + 1) * length)
end

local VCPU_STATES = { [0] = "offline", "running", "blocked" }

-- "yy--": what each host CPU is to a virtual one; or with --pretty the set.
local function affinity_text(map, count, pretty)
	if pretty then
		return ("%s (out of %d)"):format(cpuset(map, count), count)
	end
	local marks = {}
	for cpu = 0, count - 1 do
		marks[#marks + 1] = map:byte(cpu // 8 + 1) & 1 << cpu % 8 ~= 0 and "y" or "-"
	end
	return table.concat(marks)
end

-- What runs, or, of a domain that does not, what it may run on.
local function vcpu_rows(ctl, dom, count)
	local length, rows = map_length(count), {}
	local vcpus = ctl.raw:domain_get_info(dom).nrVirtCpu
	local ok, result = pcall(ctl.raw.domain_get_vcpus, ctl.raw, dom, vcpus, length)
	if ok then
		for i, vcpu in ipairs(result.info) do
			rows[i] = { vcpu = vcpu.number, cpu = vcpu.cpu, state = VCPU_STATES[vcpu.state] or "no state",
				cpu_time = vcpu.cpu_time / 1e9, map = one_map(result.cpumaps, i - 1, length) }
		end
		return rows
	elseif ctl.raw:domain_is_active(dom) ~= 0 then
		error(result, 0)
	end
	result = ctl.raw:domain_get_vcpu_pin_info(dom, vcpus, length, VCPU_CONFIG)
	for i = 1, result.num do
		rows[i] = { vcpu = i - 1, map = one_map(result.cpumaps, i - 1, length) }
	end
	return rows
end

function run.vcpuinfo(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local count = host_cpus(ctl)
	local rows = vcpu_rows(ctl, dom, count)
	local maps = {}
	for _, row in ipairs(rows) do
		maps[row], row.affinity, row.map = row.map, cpuset(row.map, count), nil
	end
	ctl:records {
		rows = rows, columns = { "vcpu", "cpu", "state", "cpu_time", "affinity" }, name = "vcpu",
		text = function(shown)
			for i, row in ipairs(shown) do
				ctl:print("%-15s %d\n", "VCPU:", row.vcpu)
				if row.state then
					ctl:print("%-15s %s\n%-15s %s\n", "CPU:", row.cpu, "State:", row.state)
					if row.cpu_time ~= 0 then
						ctl:print("%-15s %.1fs\n", "CPU time:", row.cpu_time)
					end
				else
					ctl:print("%-15s %s\n%-15s %s\n%-15s %s\n", "CPU:", "N/A", "State:", "N/A", "CPU time", "N/A")
				end
				ctl:print("%-15s %s\n%s", "CPU Affinity:", affinity_text(maps[row], count, opt.pretty), i < #shown and "\n" or "")
			end
		end,
	}
end

local function show_pins(ctl, rows)
	ctl:records {
		rows = rows, columns = { "vcpu", "affinity" }, name = "vcpu",
		text = function(shown)
			local t = ctl:table { "VCPU", "CPU Affinity" }
			for _, row in ipairs(shown) do
				t:row(row.vcpu, row.affinity)
			end
			t:show()
		end,
	}
end

function run.vcpupin(ctl, opt)
	ctl:exclusive(opt, "live", "config")
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local count, cpus = host_cpus(ctl), ctl:given(opt, "cpulist")
	local length = map_length(count)
	if cpus and not opt.vcpu then
		ctl:fail "vcpupin: Missing vCPU number in pin mode."
	elseif not cpus then
		local vcpus = ctl.raw:domain_get_info(dom).nrVirtCpu
		local result = ctl.raw:domain_get_vcpu_pin_info(dom, vcpus, length, flags)
		if opt.vcpu and opt.vcpu >= result.num then
			ctl:fail("vcpu %d is out of range of %s cpu count %d", opt.vcpu,
				(opt.live or not opt.config and dom.id >= 0) and "live" or "persistent", result.num)
		end
		local rows = {}
		for i = opt.vcpu or 0, opt.vcpu or result.num - 1 do
			rows[#rows + 1] = { vcpu = i, affinity = cpuset(one_map(result.cpumaps, i, length), count) }
		end
		return show_pins(ctl, rows)
	end
	local map = parse_cpus(ctl, cpus, count)
	if flags == 0 and not opt.current then
		ctl.raw:domain_pin_vcpu(dom, opt.vcpu, map)
	else
		ctl.raw:domain_pin_vcpu_flags(dom, opt.vcpu, map, flags)
	end
end

local AFFECT_LIVE = 1 -- virDomainModificationImpact

function run.emulatorpin(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local count, cpus = host_cpus(ctl), ctl:given(opt, "cpulist")
	if cpus then
		local map = parse_cpus(ctl, cpus, count)
		ctl.raw:domain_pin_emulator(dom, map, flags ~= 0 and flags or opt.current and 0 or AFFECT_LIVE)
		return
	end
	local result = ctl.raw:domain_get_emulator_pin_info(dom, map_length(count), flags)
	local set = cpuset(result.cpumaps, count)
	ctl:records {
		rows = { { affinity = set } }, columns = { "affinity" }, single = true,
		text = function(shown)
			ctl:extra("%s %s\n%s\n", "emulator:", "CPU Affinity", ("-"):rep(34))
			if shown[1] then
				ctl:print("       *: %s\n", set)
			end
		end,
	}
end

function run.guestvcpus(ctl, opt)
	ctl:exclusive(opt, "enable", "disable")
	ctl:requires(opt, "enable", "cpulist")
	ctl:requires(opt, "disable", "cpulist")
	if opt.cpulist and not opt.enable and not opt.disable then
		ctl:fail "One of options --enable or --disable is required by option --cpulist"
	end
	local dom = ctl:domain(opt.domain)
	if opt.cpulist then
		ctl.raw:domain_set_guest_vcpus(dom, opt.cpulist, opt.enable and 1 or 0, 0)
		return
	end
	local result = ctl.raw:domain_get_guest_vcpus(dom, 0)
	parameters.show(ctl, result.params or result)
end

function run.setvcpu(ctl, opt)
	ctl:exclusive(opt, "enable", "disable")
	local flags = ctl:affect(opt)
	if not opt.enable and not opt.disable then
		ctl:fail "one of --enable, --disable is required"
	end
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_set_vcpu(dom, opt.vcpulist, opt.enable and 1 or 0, flags)
end

-- The statistics of CPUs as virsh shows them: nanoseconds as seconds.
local function cpu_lines(ctl, title, params)
	ctl:print("%s:\n", title)
	for _, param in ipairs(params) do
		if param.field:find "_time$" then
			ctl:print("\t%-12s %9d.%09d seconds\n", param.field, param.value // 1000000000, param.value % 1000000000)
		else
			ctl:print("\t%-12s %s\n", param.field, tostring(param.value))
		end
	end
end

local CPUS_AT_ONCE = 128

local function cpu_row(title, params)
	local row = { cpu = title }
	for _, param in ipairs(params) do
		row[param.field] = param.value
	end
	return row
end

-- The parameters of one CPU after another.
local function each_cpu(ctl, dom, attempt, first, count, add)
	local nparams = attempt:domain_get_cpu_stats(dom, 0, 0, 1, 0).nparams
	while count > 0 and nparams > 0 do
		local now = math.min(count, CPUS_AT_ONCE)
		local params = attempt:domain_get_cpu_stats(dom, nparams, first, now, 0).params
		for i = 0, now - 1 do
			add(first + i, table.move(params, i * nparams + 1, (i + 1) * nparams, 1, {}))
		end
		first, count = first + now, count - now
	end
end

run["cpu-stats"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local show_total, show_each = opt.total, opt.start ~= nil or opt.count ~= nil
	if opt.start and opt.start < 0 then
		ctl:fail "Invalid value for start CPU"
	elseif opt.count and opt.count < 0 then
		ctl:fail "Invalid value for number of CPUs to show"
	end
	if not show_total and not show_each then
		show_total, show_each = true, true
	end
	local attempt = ctl:attempt("Failed to retrieve CPU statistics for domain '%s'", dom.name)
	local rows, lists = {}, {}
	local function add(title, params)
		rows[#rows + 1] = cpu_row(title, params)
		lists[rows[#rows]] = params
	end
	if show_each then
		local all = attempt:domain_get_cpu_stats(dom, 0, 0, 0, 0).nparams
		local first = opt.start or 0
		if first >= all then
			ctl:fail("Start CPU %d is out of range (min: 0, max: %d)", first, all - 1)
		end
		each_cpu(ctl, dom, attempt, first, math.min(opt.count or all, all - first), add)
	end
	if show_total then
		local nparams = attempt:domain_get_cpu_stats(dom, 0, -1, 1, 0).nparams
		if nparams > 0 then
			add("total", attempt:domain_get_cpu_stats(dom, nparams, -1, 1, 0).params)
		elseif not ctl:structured_output() then
			ctl:print "No total stats available\n"
		end
	end
	ctl:records {
		rows = rows, columns = { "cpu", "cpu_time", "vcpu_time", "user_time", "system_time" }, name = "cpu",
		text = function(shown)
			for _, row in ipairs(shown) do
				cpu_lines(ctl, row.cpu == "total" and "Total" or "CPU" .. row.cpu, lists[row])
			end
		end,
	}
end

-- --- I/O threads -----------------------------------------------------------------------------------------------------

function run.iothreadinfo(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local result = ctl:attempt("Unable to get domain IOThreads information"):domain_get_iothread_info(dom, flags)
	local count, rows = host_cpus(ctl), {}
	for i, thread in ipairs(result.info) do
		rows[i] = { id = thread.iothread_id, affinity = cpuset(thread.cpumap, count) }
	end
	ctl:records {
		rows = rows, columns = { "id", "affinity" }, name = "id",
		text = function(shown)
			if #rows == 0 then
				ctl:extra "No IOThreads found for the domain"
				return
			end
			local t = ctl:table { "IOThread ID", "CPU Affinity" }
			for _, row in ipairs(shown) do
				t:row(row.id, row.affinity)
			end
			t:show()
		end,
	}
end

function run.iothreadpin(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local map = parse_cpus(ctl, opt.cpulist, host_cpus(ctl))
	ctl.raw:domain_pin_iothread(dom, opt.iothread, map, flags)
end

local function iothread_id(ctl, opt)
	if opt.id <= 0 then
		ctl:fail("Invalid IOThread id value: '%d'", opt.id)
	end
	return opt.id
end

function run.iothreadadd(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_add_iothread(dom, iothread_id(ctl, opt), flags)
end

function run.iothreaddel(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_del_iothread(dom, iothread_id(ctl, opt), flags)
end

local IOTHREAD = { { "poll_max_ns", "ullong" }, { "poll_grow", "uint" }, { "poll_shrink", "uint" },
	{ "thread_pool_min", "int" }, { "thread_pool_max", "int" } }

function run.iothreadset(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local id = iothread_id(ctl, opt)
	local params = parameters.given(opt, IOTHREAD)
	if #params == 0 then
		ctl:fail "Not enough arguments passed, nothing to set"
	end
	ctl.raw:domain_set_iothread_params(dom, id, params, flags)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
