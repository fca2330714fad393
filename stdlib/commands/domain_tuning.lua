-- The commands of the group Domain Management: memory, processors and other tuning.

local commands = {
	{
		name = "cpu-stats",
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
		name = "domlaunchsecinfo",
		summary = "Get domain launch security info",
		description = "Get the launch security parameters for a guest domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domsetlaunchsecstate",
		summary = "Set domain launch security state",
		description = "Set a secret in the guest domain's memory",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "secrethdr", kind = "string", named = true,
				help = "path to file containing the secret header" },
			{ name = "secret", kind = "string", named = true,
				help = "path to file containing the secret" },
			{ name = "set-address", kind = "int", number = "ull",
				help = "physical address within the guest domain's memory to set the secret" },
		},
	},
	{
		name = "iothreadinfo",
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
		name = "memtune",
		summary = "Get or set memory parameters",
		description = "Get or set the current memory parameters for a guest domain.\n    To get the memory "
			.. "parameters use following command: \n\n    virsh # memtune <domain>",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "hard-limit", kind = "int", number = "limit",
				help = "Max memory, as scaled integer (default KiB)" },
			{ name = "soft-limit", kind = "int", number = "limit",
				help = "Memory during contention, as scaled integer (default KiB)" },
			{ name = "swap-hard-limit", kind = "int", number = "limit",
				help = "Max memory plus swap, as scaled integer (default KiB)" },
			{ name = "min-guarantee", kind = "int", number = "limit",
				help = "Min guaranteed memory, as scaled integer (default KiB)" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "perf",
		summary = "Get or set perf event",
		description = "Get or set the current perf events for a guest domain.\n    To get the perf events "
			.. "list use following command: \n\n    virsh # perf <domain>",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "enable", kind = "string", complete = "perf_event",
				help = "perf events which will be enabled" },
			{ name = "disable", kind = "string", complete = "perf_event",
				help = "perf events which will be disabled" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "numatune",
		summary = "Get or set numa parameters",
		description = "Get or set the current numa parameters for a guest domain.\n    To get the numa "
			.. "parameters use following command: \n\n    virsh # numatune <domain>",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "mode", kind = "string", complete = "numatune_mode",
				help = "NUMA mode, one of strict, preferred and interleave \nor a number "
					.. "from the virDomainNumatuneMemMode enum" },
			{ name = "nodeset", kind = "string", help = "NUMA node selections to set" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "schedinfo",
		summary = "show/set scheduler parameters",
		description = "Show/Set scheduler parameters.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "weight", kind = "int", named = true, help = "weight for XEN_CREDIT" },
			{ name = "cap", kind = "int", named = true, help = "cap for XEN_CREDIT" },
			{ name = "current", kind = "bool", help = "get/set current scheduler info" },
			{ name = "config", kind = "bool", help = "get/set value to be used on next boot" },
			{ name = "live", kind = "bool", help = "get/set value from running domain" },
			{ name = "set", kind = "argv", help = "parameter=value" },
		},
	},
	{
		name = "setmaxmem",
		summary = "change maximum memory limit",
		description = "Change the maximum memory allocation limit in the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "kilobytes", alias_of = "size" },
			{ name = "size", kind = "int", required = true, number = "scaled", unit = 1024,
				help = "new maximum memory size, as scaled integer (default KiB)" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "setmem",
		summary = "change memory allocation",
		description = "Change the current memory allocation in the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "kilobytes", alias_of = "size" },
			{ name = "size", kind = "int", required = true, number = "scaled", unit = 1024,
				help = "new memory size, as scaled integer (default KiB)" },
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
	{
		name = "domblkthreshold",
		summary = "set the threshold for block-threshold event for a given block device or it's backing "
			.. "chain element",
		description = "set threshold for block-threshold event for a block device",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "dev", kind = "data", required = true, complete = "disk",
				help = "device to set threshold for" },
			{ name = "threshold", kind = "int", required = true, number = "scaled",
				help = "threshold as a scaled number (by default bytes)" },
		},
	},
	{
		name = "domdirtyrate-calc",
		summary = "Calculate a vm's memory dirty rate",
		description = "Calculate memory dirty rate of a domain in order to decide whether it's proper to be "
			.. "migrated out or not.\nThe calculated dirty rate information is available by calling "
			.. "'domstats --dirtyrate'.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "seconds", kind = "int",
				help = "calculate memory dirty rate within specified seconds, the supported "
					.. "value range from 1 to 60, default to 1." },
			{ name = "mode", kind = "string", complete = "dirty_rate_mode",
				help = "dirty page rate calculation mode, either of these 3 options "
					.. "'page-sampling, dirty-bitmap, dirty-ring' can be specified." },
		},
	},
}

local run = {}

function run.setmem(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local kib = (opt.size + 1023) // 1024
	if flags == 0 and not opt.current then
		ctl.raw:domain_set_memory(dom, kib)
	else
		ctl.raw:domain_set_memory_flags(dom, kib, flags)
	end
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
