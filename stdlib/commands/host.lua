-- The commands of the group Host and Hypervisor.

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
		summary = "CPU models",
		description = "Get the CPU models for an arch.",
		options = {
			{ name = "arch", kind = "data", required = true, complete = "arch", help = "architecture" },
		},
	},
	{
		name = "domcapabilities",
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
		summary = "NUMA free memory",
		description = "display available free memory for the NUMA cell.",
		options = {
			{ name = "cellno", kind = "int", complete = "cell", help = "NUMA cell number" },
			{ name = "all", kind = "bool", help = "show free memory for all NUMA cells" },
		},
	},
	{
		name = "freepages",
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
		summary = "connection vcpu maximum",
		description = "Show maximum number of virtual CPUs for guests on this connection.",
		options = {
			{ name = "type", kind = "string", complete = "virt_type", help = "domain type" },
		},
	},
	{
		name = "node-memory-tune",
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
		summary = "node cpu map",
		description = "Displays the node's total number of CPUs, the number of online CPUs and the list of "
			.. "online CPUs.",
		options = {
			{ name = "pretty", kind = "bool", help = "return human readable output" },
		},
	},
	{
		name = "nodecpustats",
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
		summary = "Prints memory stats of the node.",
		description = "Returns memory stats of the node, in kilobytes.",
		options = {
			{ name = "cell", kind = "int", help = "prints specified cell statistics only." },
		},
	},
	{
		name = "nodesevinfo",
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
		summary = "print the hypervisor canonical URI",
	},
	{
		name = "version",
		summary = "show version",
		description = "Display the system version information.",
		options = {
			{ name = "daemon", kind = "bool", help = "report daemon version too" },
		},
	},
}

local run = {}

function run.uri(ctl)
	ctl:print("%s\n", ctl.raw:connect_get_uri())
end

function run.hostname(ctl)
	ctl:print("%s\n", ctl:attempt("failed to get hostname"):connect_get_hostname())
end

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

return { group = "Host and Hypervisor", keyword = "host", commands = commands, run = run }
