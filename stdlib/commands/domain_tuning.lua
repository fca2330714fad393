-- Commands of the group Domain Management: memory, shares of the host, and other tuning.

local parameters = require "moonvisor.command.params"

local commands = {
	{
		name = "domlaunchsecinfo",
		records = true,
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
		name = "memtune",
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
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

-- --- memory, events, nodes, scheduler --------------------------------------------------------------------------------

local UNLIMITED = 9007199254740991 -- VIR_DOMAIN_MEMORY_PARAM_UNLIMITED

local MEMORY = { { "hard_limit", "ullong" }, { "soft_limit", "ullong" }, { "swap_hard_limit", "ullong" },
	{ "min_guarantee", "ullong" } }

function run.memtune(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local params = parameters.given(opt, MEMORY)
	if #params > 0 then
		ctl:attempt("Unable to change memory parameters"):domain_set_memory_parameters(dom, params, flags)
		return
	end
	parameters.show(ctl, parameters.get(ctl, "Unable to get number of memory parameters",
		"Unable to get memory parameters", function(raw, count)
			return raw:domain_get_memory_parameters(dom, count, flags)
		end), function(param)
		return param.value == UNLIMITED and "unlimited" or parameters.text(param)
	end)
end

local function switch_text(param)
	return param.value and param.value ~= 0 and "enabled" or "disabled"
end

function run.perf(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local params = {}
	for _, item in ipairs { { opt.enable, true }, { opt.disable, false } } do
		for name in (item[1] or ""):gmatch "[^,]+" do
			params[#params + 1] = { field = name, type = "boolean", value = item[2] }
		end
	end
	if #params > 0 then
		ctl:attempt("Unable to enable/disable perf events"):domain_set_perf_events(dom, params, flags)
	else
		params = ctl:attempt("Unable to get perf events"):domain_get_perf_events(dom, flags)
		params = params.params or params
	end
	parameters.show(ctl, params, switch_text)
end

-- enum virDomainNumatuneMemMode
local NUMA_MODES = { [0] = "strict", "preferred", "interleave", "restrictive" }

function run.numatune(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local params = {}
	if opt.nodeset then
		params[1] = { field = "numa_nodeset", type = "string", value = opt.nodeset }
	end
	if opt.mode then
		local mode = math.tointeger(tonumber(opt.mode))
		for number, name in pairs(NUMA_MODES) do
			mode = mode or name == opt.mode and number or nil
		end
		if not mode then
			ctl:fail("Invalid mode: %s", opt.mode)
		end
		params[#params + 1] = { field = "numa_mode", type = "int", value = mode }
	end
	if #params > 0 then
		ctl:attempt("Unable to change numa parameters"):domain_set_numa_parameters(dom, params, flags)
		return
	end
	parameters.show(ctl, parameters.get(ctl, "Unable to get number of memory parameters", "Unable to get numa parameters",
		function(raw, count)
			return raw:domain_get_numa_parameters(dom, count, flags)
		end), function(param)
		return param.field == "numa_mode" and (NUMA_MODES[param.value] or "unknown") or tostring(param.value)
	end)
end

-- Gives a parameter the value of a text; its type stays.
local function with_text(ctl, param, text)
	local value = tonumber(text)
	if param.type ~= "double" then
		value = value and math.tointeger(value)
	end
	if value == nil then
		ctl:fail("invalid scheduler option: %s", param.field)
	end
	return { field = param.field, type = param.type, value = value }
end

-- The parameters among `params` that the options change.
local function scheduler_changes(ctl, opt, params)
	local wanted, order = {}, {}
	local function want(name, text)
		wanted[name] = text
		order[#order + 1] = name
	end
	if opt.weight then
		want("weight", tostring(opt.weight))
	end
	if opt.cap then
		want("cap", tostring(opt.cap))
	end
	for _, pair in ipairs(opt.set or {}) do
		local name, text = pair:match "^([^=]*)=(.*)$"
		if not name then
			ctl:fail "Invalid syntax for --set, expecting name=value"
		end
		want(name, text)
	end
	local changes = {}
	for _, param in ipairs(params) do
		if wanted[param.field] then
			changes[#changes + 1] = with_text(ctl, param, wanted[param.field])
			wanted[param.field] = nil
		end
	end
	for _, name in ipairs(order) do
		if wanted[name] then
			ctl:fail("invalid scheduler option: %s", name)
		end
	end
	return changes
end

function run.schedinfo(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local kind = ctl.raw:domain_get_scheduler_type(dom)
	if not ctl:structured_output() then
		ctl:print("%s", parameters.line("Scheduler", kind.type))
	end
	if kind.nparams == 0 then
		return
	end
	local function get()
		local result = ctl.raw:domain_get_scheduler_parameters_flags(dom, kind.nparams, flags)
		return result.params or result
	end
	local changes = scheduler_changes(ctl, opt, get())
	if #changes > 0 then
		ctl.raw:domain_set_scheduler_parameters_flags(dom, changes, flags)
	elseif opt.live and opt.config then
		ctl:fail "cannot query both live and config at once"
	end
	parameters.show(ctl, get())
end

function run.domlaunchsecinfo(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local result = ctl:attempt("Unable to get launch security parameters"):domain_get_launch_security_info(dom, 0)
	parameters.show(ctl, result.params or result)
end

function run.domsetlaunchsecstate(ctl, opt)
	local dom = ctl:domain(opt.domain)
	if not opt.secrethdr or not opt.secret then
		ctl:fail "Both secret and the secret header are required"
	end
	local params = {
		{ field = "sev-secret-header", type = "string", value = ctl:read_file(opt.secrethdr) },
		{ field = "sev-secret", type = "string", value = ctl:read_file(opt.secret) },
	}
	if opt.set_address then
		params[3] = { field = "sev-secret-set-address", type = "ullong", value = opt.set_address }
	end
	ctl:attempt("Unable to set launch security state"):domain_set_launch_security_state(dom, params, 0)
end


local MEM_MAXIMUM = 4

function run.setmaxmem(ctl, opt)
	local flags = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Unable to change MaxMemorySize"):domain_set_memory_flags(dom, (opt.size + 1023) // 1024,
		flags | MEM_MAXIMUM)
end

-- --- the rest --------------------------------------------------------------------------------------------------------

function run.domblkthreshold(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_set_block_threshold(dom, opt.dev, opt.threshold, 0)
end

-- virDomainDirtyRateCalcFlags
local DIRTY_RATE_MODES = { ["page-sampling"] = 0, ["dirty-bitmap"] = 1, ["dirty-ring"] = 2 }

run["domdirtyrate-calc"] = function(ctl, opt)
	local flags = 0
	if opt.mode then
		flags = DIRTY_RATE_MODES[opt.mode] or ctl:fail("Unknown calculation mode '%s'", opt.mode)
	end
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_start_dirty_rate_calc(dom, opt.seconds or 1, flags)
	ctl:extra "Start to calculate domain's memory dirty rate successfully.\n"
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
