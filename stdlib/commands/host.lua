-- The commands of the group Host and Hypervisor.

local unsigned = require("moonvisor.command.number").unsigned

local commands = {
	{
		name = "allocpages",
		summary = "Manipulate pages pool size",
		description = "Allocate or free some pages in the pool for NUMA cell.",
		options = {
			{ name = "pagesize", kind = "int", required = true, number = "scaled", unit = 1024, complete = "page_size",
				help = "page size (in kibibytes)" },
			{ name = "pagecount", kind = "int", required = true, number = "ull", help = "page count" },
			{ name = "cellno", kind = "int", complete = "cell", help = "NUMA cell number" },
			{ name = "add", kind = "bool", help = "instead of setting new pool size add pages to it" },
			{ name = "all", kind = "bool", help = "set on all NUMA cells" },
		},
	},
	{
		name = "capabilities",
		records = true,
		summary = "capabilities",
		description = "Returns capabilities of hypervisor/driver.",
	},
	{
		name = "cpu-baseline",
		summary = "compute baseline CPU",
		description = "Compute baseline CPU for a set of given CPUs.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing XML CPU descriptions" },
			{ name = "features", kind = "bool",
				help = "Show features that are part of the CPU model type" },
			{ name = "migratable", kind = "bool", help = "Do not include features that block migration" },
		},
	},
	{
		name = "cpu-compare",
		summary = "compare host CPU with a CPU described by an XML file",
		description = "compare CPU with host CPU",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML CPU description" },
			{ name = "error", kind = "bool", help = "report error if CPUs are incompatible" },
			{ name = "validate", kind = "bool", help = "validate the XML document against schema" },
		},
	},
	{
		name = "cpu-models",
		records = true,
		summary = "CPU models",
		description = "Get the CPU models for an arch.",
		options = {
			{ name = "arch", kind = "data", required = true, complete = "arch", help = "architecture" },
		},
	},
	{
		name = "domcapabilities",
		records = true,
		summary = "domain capabilities",
		description = "Returns capabilities of emulator with respect to host and libvirt.",
		options = {
			{ name = "virttype", kind = "string", complete = "virt_type",
				help = "virtualization type (/domain/@type)" },
			{ name = "emulatorbin", kind = "string",
				help = "path to emulator binary (/domain/devices/emulator)" },
			{ name = "arch", kind = "string", complete = "arch",
				help = "domain architecture (/domain/os/type/@arch)" },
			{ name = "machine", kind = "string", help = "machine type (/domain/os/type/@machine)" },
		},
	},
	{
		name = "freecell",
		records = true,
		summary = "NUMA free memory",
		description = "display available free memory for the NUMA cell.",
		options = {
			{ name = "cellno", kind = "int", complete = "cell", help = "NUMA cell number" },
			{ name = "all", kind = "bool", help = "show free memory for all NUMA cells" },
		},
	},
	{
		name = "freepages",
		records = true,
		summary = "NUMA free pages",
		description = "display available free pages for the NUMA cell.",
		options = {
			{ name = "cellno", kind = "int", complete = "cell", help = "NUMA cell number" },
			{ name = "pagesize", kind = "int", number = "scaled", unit = 1024, complete = "page_size",
				help = "page size (in kibibytes)" },
			{ name = "all", kind = "bool", help = "show free pages for all NUMA cells" },
		},
	},
	{
		name = "hostname",
		records = true,
		summary = "print the hypervisor hostname",
	},
	{
		name = "hypervisor-cpu-baseline",
		summary = "compute baseline CPU usable by a specific hypervisor",
		description = "Compute baseline CPU for a set of given CPUs. The result will be tailored to the "
			.. "specified hypervisor.",
		options = {
			{ name = "file", kind = "string", complete = "file",
				help = "file containing XML CPU descriptions" },
			{ name = "virttype", kind = "string", complete = "virt_type",
				help = "virtualization type (/domain/@type)" },
			{ name = "emulator", kind = "string",
				help = "path to emulator binary (/domain/devices/emulator)" },
			{ name = "arch", kind = "string", complete = "arch",
				help = "CPU architecture (/domain/os/type/@arch)" },
			{ name = "machine", kind = "string", help = "machine type (/domain/os/type/@machine)" },
			{ name = "features", kind = "bool",
				help = "Show features that are part of the CPU model type" },
			{ name = "migratable", kind = "bool", help = "Do not include features that block migration" },
			{ name = "model", kind = "string", complete = "cpu_model",
				help = "Shortcut for calling the command with a single CPU model and no "
					.. "additional features" },
		},
	},
	{
		name = "hypervisor-cpu-compare",
		summary = "compare a CPU with the CPU created by a hypervisor on the host",
		description = "compare CPU with hypervisor CPU",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML CPU description" },
			{ name = "virttype", kind = "string", complete = "virt_type",
				help = "virtualization type (/domain/@type)" },
			{ name = "emulator", kind = "string",
				help = "path to emulator binary (/domain/devices/emulator)" },
			{ name = "arch", kind = "string", complete = "arch",
				help = "CPU architecture (/domain/os/type/@arch)" },
			{ name = "machine", kind = "string", help = "machine type (/domain/os/type/@machine)" },
			{ name = "error", kind = "bool", help = "report error if CPUs are incompatible" },
			{ name = "validate", kind = "bool", help = "validate the XML document against schema" },
		},
	},
	{
		name = "maxvcpus",
		records = true,
		summary = "connection vcpu maximum",
		description = "Show maximum number of virtual CPUs for guests on this connection.",
		options = {
			{ name = "type", kind = "string", complete = "virt_type", help = "domain type" },
		},
	},
	{
		name = "node-memory-tune",
		records = true,
		summary = "Get or set node memory parameters",
		description = "Get or set node memory parameters\n    To get the memory parameters, use following "
			.. "command: \n\n    virsh # node-memory-tune",
		options = {
			{ name = "shm-pages-to-scan", kind = "int", number = "uint",
				help = "number of pages to scan before the shared memory service goes to sleep" },
			{ name = "shm-sleep-millisecs", kind = "int", number = "uint",
				help = "number of millisecs the shared memory service should sleep before next scan" },
			{ name = "shm-merge-across-nodes", kind = "int", number = "uint",
				help = "Specifies if pages from different numa nodes can be merged" },
		},
	},
	{
		name = "nodecpumap",
		records = true,
		summary = "node cpu map",
		description = "Displays the node's total number of CPUs, the number of online CPUs and the list of "
			.. "online CPUs.",
		options = {
			{ name = "pretty", kind = "bool", help = "return human readable output" },
		},
	},
	{
		name = "nodecpustats",
		records = true,
		summary = "Prints cpu stats of the node.",
		description = "Returns cpu stats of the node, in nanoseconds.",
		options = {
			{ name = "cpu", kind = "int", complete = "cpu",
				help = "prints specified cpu statistics only." },
			{ name = "percent", kind = "bool", help = "prints by percentage during 1 second." },
		},
	},
	{
		name = "nodeinfo",
		records = true,
		summary = "node information",
		description = "Returns basic information about the node.",
	},
	{
		name = "nodememstats",
		records = true,
		summary = "Prints memory stats of the node.",
		description = "Returns memory stats of the node, in kilobytes.",
		options = {
			{ name = "cell", kind = "int", help = "prints specified cell statistics only." },
		},
	},
	{
		name = "nodesevinfo",
		records = true,
		summary = "node SEV information",
		description = "Returns basic SEV information about the node.",
	},
	{
		name = "nodesuspend",
		summary = "suspend the host node for a given time duration",
		description = "Suspend the host node for a given time duration and attempt to resume thereafter.",
		options = {
			{ name = "target", kind = "data", required = true, complete = "suspend_target",
				help = "mem(Suspend-to-RAM), disk(Suspend-to-Disk), hybrid(Hybrid-Suspend)" },
			{ name = "duration", kind = "int", required = true, number = "ll",
				help = "Suspend duration in seconds, at least 60" },
		},
	},
	{
		name = "sysinfo",
		summary = "print the hypervisor sysinfo",
		description = "output an XML string for the hypervisor sysinfo, if available",
	},
	{
		name = "uri",
		records = true,
		summary = "print the hypervisor canonical URI",
	},
	{
		name = "version",
		records = true,
		summary = "show version",
		description = "Display the system version information.",
		options = {
			{ name = "daemon", kind = "bool", help = "report daemon version too" },
		},
	},
}

local core = require "moonvisor.core"
local lookup = require "moonvisor.conf"

local run = {}

-- --- what the connection is ------------------------------------------------------------------------------------------

function run.uri(ctl)
	local uri = ctl:attempt("failed to get URI"):connect_get_uri()
	ctl:info({ { "uri", "", uri, uri } }, 0)
end

function run.hostname(ctl)
	local name = ctl:attempt("failed to get hostname"):connect_get_hostname()
	ctl:info({ { "hostname", "", name, name } }, 0)
end

local function version_text(number)
	return ("%d.%d.%d"):format(number // 1000000, number // 1000 % 1000, number % 1000)
end

function run.version(ctl, opt)
	local kind = ctl:attempt("failed to get hypervisor type"):connect_get_type()
	local library = ctl:attempt("failed to get the library version"):connect_get_lib_version()
	local running = ctl:attempt("failed to get the hypervisor version"):connect_get_version()
	local text = version_text(library)
	local fields = {
		{ "compiled", "Compiled against library: libvirt ", text },
		{ "library", "Using library: libvirt ", text },
		{ "api", ("Using API: %s "):format(kind), text },
		{ "type", nil, kind },
	}
	if running == 0 then
		fields[5] = { nil, ("Cannot extract running %s hypervisor version"):format(kind), nil, "" }
	else
		fields[5] = { "hypervisor", ("Running hypervisor: %s "):format(kind), version_text(running) }
	end
	if opt.daemon then
		fields[6] = { "daemon", "Running against daemon: ", text }
	end
	ctl:info(fields, 0)
end

function run.sysinfo(ctl)
	ctl:print("%s", ctl:attempt("failed to get sysinfo"):connect_get_sysinfo(0))
end

function run.capabilities(ctl)
	ctl:print_xml(ctl:attempt("failed to get capabilities"):connect_get_capabilities() .. "\n")
end

function run.domcapabilities(ctl, opt)
	ctl:print_xml(ctl:attempt("failed to get emulator capabilities"):connect_get_domain_capabilities(
		opt.emulatorbin, opt.arch, opt.machine, opt.virttype, 0) .. "\n")
end

function run.maxvcpus(ctl, opt)
	local known, xml = pcall(ctl.raw.connect_get_domain_capabilities, ctl.raw, nil, nil, nil, opt.type, 0)
	local max
	if known then
		local caps = lookup.parse("domaincaps", xml)
		max = caps.vcpu and caps.vcpu.max
	end
	if not max or max == 0 then
		max = ctl.raw:connect_get_max_vcpus(opt.type)
	end
	ctl:info({ { "max", "", max } }, 0)
end

-- --- processors ------------------------------------------------------------------------------------------------------

function run.nodeinfo(ctl)
	local info = ctl:attempt("failed to get node information"):node_get_info()
	ctl:info({
		{ "model", "CPU model:", info.model },
		{ "cpus", "CPU(s):", info.cpus },
		{ "mhz", "CPU frequency:", info.mhz, ("%d MHz"):format(info.mhz) },
		{ "sockets", "CPU socket(s):", info.sockets },
		{ "cores", "Core(s) per socket:", info.cores },
		{ "threads", "Thread(s) per core:", info.threads },
		{ "nodes", "NUMA cell(s):", info.nodes },
		{ "memory", "Memory size:", info.memory * 1024, ("%d KiB"):format(info.memory) },
	}, 21)
end

-- "0-2,5" of a list of ascending numbers.
local function ranges(numbers)
	local parts, i = {}, 1
	while i <= #numbers do
		local first = numbers[i]
		while numbers[i + 1] == numbers[i] + 1 do
			i = i + 1
		end
		parts[#parts + 1] = numbers[i] == first and ("%d"):format(first) or ("%d-%d"):format(first, numbers[i])
		i = i + 1
	end
	return table.concat(parts, ",")
end

function run.nodecpumap(ctl, opt)
	local map = ctl:attempt("Unable to get cpu map"):node_get_cpu_map(1, 1, 0)
	local online, marks = {}, {}
	for cpu = 0, map.ret - 1 do
		local byte = map.cpumap:byte(cpu // 8 + 1) or 0
		local on = byte >> cpu % 8 & 1 == 1
		marks[cpu + 1] = on and "y" or "-"
		if on then
			online[#online + 1] = cpu
		end
	end
	ctl:info({
		{ "present", "CPUs present:", map.ret },
		{ "online", "CPUs online:", map.online },
		{ "map", "CPU map:", online, opt.pretty and ranges(online) or table.concat(marks) },
	}, 16)
end

local CPU_ALL = -1

-- Statistics by name; nil where there are none.
local function cpu_stats(ctl, cpu)
	local attempt = ctl:attempt "Unable to get node cpu stats"
	local count = ctl:attempt("Unable to get number of cpu stats"):node_get_cpu_stats(cpu, 0, 0).nparams
	if count == 0 then
		return nil
	end
	local stats = {}
	for _, param in ipairs(attempt:node_get_cpu_stats(cpu, count, 0).params or {}) do
		stats[param.field] = param.value
	end
	return stats
end

local CPU_NAMES = { { "user", "user:" }, { "kernel", "system:" }, { "idle", "idle:" }, { "iowait", "iowait:" },
	{ "intr", "intr:" } }

-- Nanoseconds of each kind, and those of --percent.
local function cpu_times(ctl, stats)
	local fields = {}
	for _, name in ipairs(CPU_NAMES) do
		local value = stats[name[1]]
		fields[#fields + 1] = value and { name[1], name[2], value / 1e9, ("%21s"):format(unsigned(value)) }
	end
	ctl:info(fields, 15)
end

local function percent_field(key, label, share)
	return { key, label, share, (" %5.1f%%"):format(share) }
end

local function cpu_percent(ctl, before, after)
	local fields, total = {}, 0.0
	local usage = after.utilization
	if usage then
		ctl:info({ { "usage", "usage:", usage, (" %5d%%"):format(usage) },
			{ "idle", "idle:", 100 - usage, (" %5d%%"):format(100 - usage) } }, 15)
		return
	end
	local spent = {}
	for _, name in ipairs(CPU_NAMES) do
		spent[name[1]] = (after[name[1]] or 0) - (before[name[1]] or 0)
		total = total + spent[name[1]]
	end
	fields[1] = percent_field("usage", "usage:", (spent.user + spent.kernel) / total * 100)
	for _, name in ipairs(CPU_NAMES) do
		fields[#fields + 1] = after[name[1]] and percent_field(name[1], name[2], spent[name[1]] / total * 100)
	end
	ctl:info(fields, 15)
end

function run.nodecpustats(ctl, opt)
	local cpu = opt.cpu or CPU_ALL
	local stats = cpu_stats(ctl, cpu)
	if not stats then
		return false
	elseif not opt.percent then
		cpu_times(ctl, stats)
		return
	end
	if not stats.utilization then
		require("moonvisor.wait").sleep(1)
	end
	cpu_percent(ctl, stats, cpu_stats(ctl, cpu) or stats)
end

run["cpu-models"] = function(ctl, opt)
	local models = ctl:attempt("failed to get CPU model names"):connect_get_cpu_model_names(opt.arch, 1, 0).models or {}
	local rows = {}
	for i, model in ipairs(models) do
		rows[i] = { name = model }
	end
	ctl:records {
		rows = rows, columns = { "name" }, name = "name",
		text = function(shown)
			if #models == 0 then
				ctl:extra "all CPU models are accepted\n"
			end
			for _, row in ipairs(shown) do
				ctl:print("%s\n", row.name)
			end
		end,
	}
end

-- --- comparing processors --------------------------------------------------------------------------------------------

-- Where a <cpu> can be in a file: by itself, in a domain, in capabilities of a host or of domains.
local CPU_PATH = "/container/cpu|/container/domain/cpu|/container/capabilities/host/cpu|"
	.. "/container/domainCapabilities/cpu/mode[@name='host-model' and @supported='yes']"

-- The descriptions of processors in a file, which may have several documents. At least one.
local function cpus_of_file(ctl, path)
	local xml = "<container>" .. ctl:read_file(path):gsub("<%?xml.-%?>", "") .. "</container>"
	local cpus = {}
	while true do
		local cpu = core.xpath(xml, ("(%s)[%d]"):format(CPU_PATH, #cpus + 1), false):gsub("%s+$", "")
		if cpu == "" then
			break
		end
		cpus[#cpus + 1] = cpu:gsub("^<mode[^>]*>", "<cpu>"):gsub("</mode>$", "</cpu>")
	end
	if #cpus == 0 then
		ctl:fail("File '%s' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain "
			.. "capabilities XML", path)
	end
	return cpus
end

local COMPARE_FAIL, COMPARE_VALIDATE = 1, 2 -- virConnectCompareCPUFlags
local INCOMPATIBLE, IDENTICAL, SUPERSET = 0, 1, 2

local function compare_flags(opt)
	return (opt.error and COMPARE_FAIL or 0) | (opt.validate and COMPARE_VALIDATE or 0)
end

-- Prints what a comparison gave. Returns whether the processor can be had.
local function show_comparison(ctl, result, texts, path)
	if not texts[result] then
		ctl:fail(texts.failed, path)
	end
	ctl:print(texts[result], path)
	return result ~= INCOMPATIBLE
end

run["cpu-compare"] = function(ctl, opt)
	local cpu = cpus_of_file(ctl, opt.file)[1]
	local failed = "Failed to compare host CPU with %s"
	local result = ctl:attempt(failed, opt.file):connect_compare_cpu(cpu, compare_flags(opt))
	return show_comparison(ctl, result, {
		[INCOMPATIBLE] = "CPU described in %s is incompatible with host CPU\n",
		[IDENTICAL] = "CPU described in %s is identical to host CPU\n",
		[SUPERSET] = "Host CPU is a superset of CPU described in %s\n",
		failed = failed,
	}, opt.file)
end

run["hypervisor-cpu-compare"] = function(ctl, opt)
	local cpu = cpus_of_file(ctl, opt.file)[1]
	local failed = "Failed to compare hypervisor CPU with %s"
	local result = ctl:attempt(failed, opt.file):connect_compare_hypervisor_cpu(opt.emulator, opt.arch, opt.machine,
		opt.virttype, cpu, compare_flags(opt))
	return show_comparison(ctl, result, {
		[INCOMPATIBLE] = "CPU described in %s is incompatible with the CPU provided by hypervisor on the host\n",
		[IDENTICAL] = "CPU described in %s is identical to the CPU provided by hypervisor on the host\n",
		[SUPERSET] = "The CPU provided by hypervisor on the host is a superset of CPU described in %s\n",
		failed = failed,
	}, opt.file)
end

local BASELINE_FEATURES, BASELINE_MIGRATABLE = 1, 2 -- virConnectBaselineCPUFlags

local function baseline_flags(opt)
	return (opt.features and BASELINE_FEATURES or 0) | (opt.migratable and BASELINE_MIGRATABLE or 0)
end

run["cpu-baseline"] = function(ctl, opt)
	ctl:print("%s", ctl.raw:connect_baseline_cpu(cpus_of_file(ctl, opt.file), baseline_flags(opt)))
end

run["hypervisor-cpu-baseline"] = function(ctl, opt)
	ctl:exclusive(opt, "file", "model")
	local cpus
	if opt.file then
		cpus = cpus_of_file(ctl, opt.file)
	elseif opt.model then
		local escaped = opt.model:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })
		cpus = { "<cpu><model>" .. escaped .. "</model></cpu>" }
	else
		ctl:fail "Either --file or --model must be provided"
	end
	ctl:print("%s", ctl.raw:connect_baseline_hypervisor_cpu(opt.emulator, opt.arch, opt.machine, opt.virttype, cpus,
		baseline_flags(opt)))
end

-- --- memory ----------------------------------------------------------------------------------------------------------

local function capabilities_of(ctl)
	return lookup.parse("capabilities", ctl:attempt("unable to get node capabilities"):connect_get_capabilities())
end

-- The host's NUMA cells, ascending.
local function cells_of(caps)
	local topology, ids = caps.host and caps.host.topology, {}
	for i, cell in ipairs(topology and topology.cells and topology.cells.cells or {}) do
		ids[i] = cell.id
	end
	table.sort(ids)
	return ids
end

local function free_of_cell(ctl, cell)
	local cells = ctl.raw:node_get_cells_free_memory(cell, 1)
	return cells[1] or ctl:fail("there is no free memory known of cell %d", cell)
end

local function show_all_cells(ctl)
	local rows = {}
	for i, id in ipairs(cells_of(capabilities_of(ctl))) do
		rows[i] = { cell = id, free = free_of_cell(ctl, id) }
	end
	ctl:records {
		rows = rows, columns = { "cell", "free" }, name = "cell",
		text = function(shown)
			local total = 0
			for _, row in ipairs(shown) do
				total = total + row.free
				ctl:print("%5d: %10d KiB\n", row.cell, row.free // 1024)
			end
			ctl:extra "--------------------\n"
			ctl:extra("%5s: %10d KiB\n", "Total", total // 1024)
		end,
	}
end

function run.freecell(ctl, opt)
	ctl:exclusive(opt, "all", "cellno")
	if opt.all then
		show_all_cells(ctl)
	elseif opt.cellno then
		local free = free_of_cell(ctl, opt.cellno)
		ctl:info({
			{ "cell", nil, opt.cellno },
			{ "free", ("%d: "):format(opt.cellno), free, ("%d KiB"):format(free // 1024) },
		}, 0)
	else
		local free = ctl.raw:node_get_free_memory()
		if free == 0 then
			ctl:fail "An error occurred, but the cause is unknown"
		end
		ctl:info({ { "free", "Total: ", free, ("%d KiB"):format(free // 1024) } }, 0)
	end
end

-- The page sizes that the host's processor knows, in KiB.
local function page_sizes_of(caps)
	local sizes, seen = {}, {}
	local cpu = caps.host and caps.host.cpu
	for _, page in ipairs(cpu and cpu.pages or {}) do
		if not seen[page.size] then
			sizes[#sizes + 1], seen[page.size] = page.size, true
		end
	end
	table.sort(sizes)
	if #sizes == 0 then
		error "could not get information about supported page sizes"
	end
	return sizes
end

local function show_free_pages(ctl, cells, sizes, headers)
	local rows = {}
	for _, cell in ipairs(cells) do
		for i, count in ipairs(ctl.raw:node_get_free_pages(sizes, cell, 1, 0)) do
			rows[#rows + 1] = { cell = cell, size = sizes[i] * 1024, free = count }
		end
	end
	ctl:records {
		rows = rows, columns = { "cell", "size", "free" }, name = "size",
		text = function(shown)
			for i, row in ipairs(shown) do
				local first = i == 1 or shown[i - 1].cell ~= row.cell
				if headers and first then
					ctl:print("Node %d:\n", row.cell)
				end
				ctl:print("%dKiB: %d\n", row.size // 1024, row.free)
				if headers and (i == #shown or shown[i + 1].cell ~= row.cell) then
					ctl:print "\n"
				end
			end
		end,
	}
end

-- In KiB, as the option has it in bytes; part of one counts as one.
local function page_size(opt)
	return (opt.pagesize + 1023) // 1024 & 0xffffffff
end

function run.freepages(ctl, opt)
	ctl:exclusive(opt, "all", "cellno")
	if opt.all then
		local caps = capabilities_of(ctl)
		show_free_pages(ctl, cells_of(caps), opt.pagesize and { page_size(opt) } or page_sizes_of(caps), true)
		return
	end
	if not opt.cellno then
		ctl:fail "missing cellno argument"
	elseif opt.cellno < -1 then
		ctl:fail "cell number must be non-negative integer or -1"
	elseif not opt.pagesize then
		ctl:fail "missing pagesize argument"
	end
	show_free_pages(ctl, { opt.cellno }, { page_size(opt) }, false)
end

local ALLOC_ADD = 1 -- virNodeAllocPagesFlags

function run.allocpages(ctl, opt)
	ctl:exclusive(opt, "all", "cellno")
	local start, count = opt.cellno or -1, 1
	if opt.all then
		start, count = 0, #cells_of(capabilities_of(ctl))
	end
	ctl.raw:node_alloc_pages({ page_size(opt) }, { opt.pagecount }, start, count, opt.add and ALLOC_ADD or 0)
end

-- Parameters of which a caller first asks how many there are. fetch(count) gives a table with params and nparams.
local function all_params(text, fetch, ctl)
	local count = fetch(ctl:attempt(("Unable to get number of %s"):format(text)), 0).nparams
	if count == 0 then
		return {}
	end
	return fetch(ctl:attempt(("Unable to get %s"):format(text)), count).params or {}
end

function run.nodememstats(ctl, opt)
	local fields = {}
	local stats = all_params("memory stats", function(raw, count)
		return raw:node_get_memory_stats(count, opt.cell or -1, 0)
	end, ctl)
	for i, stat in ipairs(stats) do
		fields[i] = { stat.field, ("%-7s:"):format(stat.field), stat.value * 1024, (" %20d KiB"):format(stat.value) }
	end
	ctl:info(fields, 8)
end

local TUNE_OPTIONS = { "shm-pages-to-scan", "shm-sleep-millisecs", "shm-merge-across-nodes" }

run["node-memory-tune"] = function(ctl, opt)
	local params = {}
	for _, name in ipairs(TUNE_OPTIONS) do
		local value = opt[name:gsub("-", "_")] or opt[name]
		if value then
			params[#params + 1] = { field = name:gsub("-", "_"), type = "uint", value = value }
		end
	end
	if #params > 0 then
		ctl:attempt("Unable to change memory parameters"):node_set_memory_parameters(params, 0)
		return
	end
	local fields = {}
	for i, param in ipairs(all_params("memory parameters", function(raw, count)
		return raw:node_get_memory_parameters(count, 0)
	end, ctl)) do
		fields[i] = { param.field, ("\t%-15s "):format(param.field), param.value, tostring(param.value) }
	end
	if #fields > 0 and not ctl:structured_output() then
		ctl:print "Shared memory:\n"
	end
	ctl:info(fields, 0)
end

-- --- the rest --------------------------------------------------------------------------------------------------------

function run.nodesevinfo(ctl)
	local fields = {}
	local params = ctl:attempt("Unable to get host SEV information"):node_get_sev_info(0, 0).params or {}
	for i, param in ipairs(params) do
		fields[i] = { param.field, ("%-18s:"):format(param.field), param.value, " " .. tostring(param.value) }
	end
	ctl:info(fields, 0)
end

local SUSPEND_TARGETS = { mem = 0, disk = 1, hybrid = 2 } -- virNodeSuspendTarget

function run.nodesuspend(ctl, opt)
	local target = SUSPEND_TARGETS[opt.target]
	if not target then
		ctl:fail "Invalid target"
	elseif opt.duration < 0 then
		ctl:fail "Invalid duration"
	end
	ctl:attempt("The host was not suspended"):node_suspend_for_duration(target, opt.duration, 0)
end

return { group = "Host and Hypervisor", keyword = "host", commands = commands, run = run }
