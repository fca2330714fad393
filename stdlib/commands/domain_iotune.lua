-- The commands of the group Domain Management: limits of disks and interfaces.

local rates = require "moonvisor.command.rates"
local parameter_text = require("moonvisor.command.params").text

local commands = {
	{
		name = "blkdeviotune",
		records = true,
		summary = "Set or query a block device I/O tuning parameters.",
		description = "Set or query disk I/O parameters such as block throttling.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "device", kind = "data", required = true, complete = "disk", help = "block device" },
			{ name = "total_bytes_sec", alias_of = "total-bytes-sec" },
			{ name = "total-bytes-sec", kind = "int", number = "scaled",
				help = "total throughput limit, as scaled integer (default bytes)" },
			{ name = "read_bytes_sec", alias_of = "read-bytes-sec" },
			{ name = "read-bytes-sec", kind = "int", number = "scaled",
				help = "read throughput limit, as scaled integer (default bytes)" },
			{ name = "write_bytes_sec", alias_of = "write-bytes-sec" },
			{ name = "write-bytes-sec", kind = "int", number = "scaled",
				help = "write throughput limit, as scaled integer (default bytes)" },
			{ name = "total_iops_sec", alias_of = "total-iops-sec" },
			{ name = "total-iops-sec", kind = "int", number = "ull",
				help = "total I/O operations limit per second" },
			{ name = "read_iops_sec", alias_of = "read-iops-sec" },
			{ name = "read-iops-sec", kind = "int", number = "ull",
				help = "read I/O operations limit per second" },
			{ name = "write_iops_sec", alias_of = "write-iops-sec" },
			{ name = "write-iops-sec", kind = "int", number = "ull",
				help = "write I/O operations limit per second" },
			{ name = "total_bytes_sec_max", alias_of = "total-bytes-sec-max" },
			{ name = "total-bytes-sec-max", kind = "int", number = "scaled",
				help = "total max, as scaled integer (default bytes)" },
			{ name = "read_bytes_sec_max", alias_of = "read-bytes-sec-max" },
			{ name = "read-bytes-sec-max", kind = "int", number = "scaled",
				help = "read max, as scaled integer (default bytes)" },
			{ name = "write_bytes_sec_max", alias_of = "write-bytes-sec-max" },
			{ name = "write-bytes-sec-max", kind = "int", number = "scaled",
				help = "write max, as scaled integer (default bytes)" },
			{ name = "total_iops_sec_max", alias_of = "total-iops-sec-max" },
			{ name = "total-iops-sec-max", kind = "int", number = "ull",
				help = "total I/O operations max" },
			{ name = "read_iops_sec_max", alias_of = "read-iops-sec-max" },
			{ name = "read-iops-sec-max", kind = "int", number = "ull", help = "read I/O operations max" },
			{ name = "write_iops_sec_max", alias_of = "write-iops-sec-max" },
			{ name = "write-iops-sec-max", kind = "int", number = "ull",
				help = "write I/O operations max" },
			{ name = "size_iops_sec", alias_of = "size-iops-sec" },
			{ name = "size-iops-sec", kind = "int", number = "ull", help = "I/O size in bytes" },
			{ name = "group_name", alias_of = "group-name" },
			{ name = "group-name", kind = "string",
				help = "group name to share I/O quota between multiple drives" },
			{ name = "total_bytes_sec_max_length", alias_of = "total-bytes-sec-max-length" },
			{ name = "total-bytes-sec-max-length", kind = "int", number = "ull",
				help = "duration in seconds to allow total max bytes" },
			{ name = "read_bytes_sec_max_length", alias_of = "read-bytes-sec-max-length" },
			{ name = "read-bytes-sec-max-length", kind = "int", number = "ull",
				help = "duration in seconds to allow read max bytes" },
			{ name = "write_bytes_sec_max_length", alias_of = "write-bytes-sec-max-length" },
			{ name = "write-bytes-sec-max-length", kind = "int", number = "ull",
				help = "duration in seconds to allow write max bytes" },
			{ name = "total_iops_sec_max_length", alias_of = "total-iops-sec-max-length" },
			{ name = "total-iops-sec-max-length", kind = "int", number = "ull",
				help = "duration in seconds to allow total I/O operations max" },
			{ name = "read_iops_sec_max_length", alias_of = "read-iops-sec-max-length" },
			{ name = "read-iops-sec-max-length", kind = "int", number = "ull",
				help = "duration in seconds to allow read I/O operations max" },
			{ name = "write_iops_sec_max_length", alias_of = "write-iops-sec-max-length" },
			{ name = "write-iops-sec-max-length", kind = "int", number = "ull",
				help = "duration in seconds to allow write I/O operations max" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "blkiotune",
		records = true,
		summary = "Get or set blkio parameters",
		description = "Get or set the current blkio parameters for a guest domain.\n    To get the blkio "
			.. "parameters use following command: \n\n    virsh # blkiotune <domain>",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "weight", kind = "int", help = "IO Weight" },
			{ name = "device-weights", kind = "string",
				help = "per-device IO Weights, in the form of /path/to/device,weight,..." },
			{ name = "device-read-iops-sec", kind = "string",
				help = "per-device read I/O limit per second, in the form of "
					.. "/path/to/device,read_iops_sec,..." },
			{ name = "device-write-iops-sec", kind = "string",
				help = "per-device write I/O limit per second, in the form of "
					.. "/path/to/device,write_iops_sec,..." },
			{ name = "device-read-bytes-sec", kind = "string",
				help = "per-device bytes read per second, in the form of "
					.. "/path/to/device,read_bytes_sec,..." },
			{ name = "device-write-bytes-sec", kind = "string",
				help = "per-device bytes wrote per second, in the form of "
					.. "/path/to/device,write_bytes_sec,..." },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "domiftune",
		records = true,
		summary = "get/set parameters of a virtual interface",
		description = "Get/set parameters of a domain's virtual interface.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "interface", kind = "data", required = true, complete = "domain_interface",
				help = "interface device (MAC Address)" },
			{ name = "inbound", kind = "string", help = "control domain's incoming traffics" },
			{ name = "outbound", kind = "string", help = "control domain's outgoing traffics" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
}

local run = {}

local STRING_OKAY = 4 -- drivers may answer with texts too

-- The parameters that the driver has, printed as virsh does. call(nparams, flags) asks for them.
local function show(ctl, opt, call)
	local flags = ctl:affect(opt) | STRING_OKAY
	local count = call(0, flags).nparams
	if count == 0 then
		return
	end
	local fields = {}
	for _, param in ipairs(call(count, flags).params) do
		local name = param.field
		fields[#fields + 1] = { name, ("%-15s: "):format(name), param.value, parameter_text(param) }
	end
	ctl:info(fields, 0)
end

-- One typed parameter; options are named like it, with "-" for "_".
local function add(params, field, kind, value)
	if value ~= nil then
		params[#params + 1] = { field = field, type = kind, value = value }
	end
end

-- --- disks ----------------------------------------------------------------------------------------------------------

local disk_limits = {}
for name in ("total_bytes_sec read_bytes_sec write_bytes_sec total_bytes_sec_max read_bytes_sec_max "
	.. "write_bytes_sec_max total_iops_sec read_iops_sec write_iops_sec total_iops_sec_max read_iops_sec_max "
	.. "write_iops_sec_max size_iops_sec "
	.. "total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length total_iops_sec_max_length "
	.. "read_iops_sec_max_length write_iops_sec_max_length"):gmatch "%S+" do
	disk_limits[#disk_limits + 1] = name
end

-- A wrong number is told in two lines.
local function limits(ctl, opt, params)
	for _, name in ipairs(disk_limits) do
		local ok, value = pcall(function()
			return opt[name]
		end)
		if not ok then
			ctl:error "Unable to parse integer parameter"
			error(value, 0)
		end
		add(params, name, "ullong", value)
	end
end

function run.blkdeviotune(ctl, opt)
	local flags, params = ctl:affect(opt), {}
	local dom, disk = ctl:domain(opt.domain), opt.device
	limits(ctl, opt, params)
	add(params, "group_name", "string", opt.group_name)
	if #params > 0 then
		ctl:attempt("Unable to change block I/O throttle"):domain_set_block_io_tune(dom, disk, params, flags)
		return
	end
	local raw = ctl:attempt "Unable to get block I/O throttle parameters"
	show(ctl, opt, function(count, asked)
		return raw:domain_get_block_io_tune(dom, disk, count, asked)
	end)
end

local device_limits = { "device_weight", "device_read_iops_sec", "device_write_iops_sec", "device_read_bytes_sec",
	"device_write_bytes_sec" }

function run.blkiotune(ctl, opt)
	local flags, params = ctl:affect(opt), {}
	local dom, weight = ctl:domain(opt.domain), opt.weight
	if weight then
		if weight <= 0 then
			ctl:fail("Invalid value of %d for I/O weight", weight)
		end
		add(params, "weight", "uint", weight)
	end
	for _, name in ipairs(device_limits) do
		local option = name == "device_weight" and "device_weights" or name
		if ctl:given(opt, (option:gsub("_", "-"))) == "" then
			ctl:fail "Unable to parse string parameter"
		end
		add(params, name, "string", opt[option])
	end
	if #params > 0 then
		ctl:attempt("Unable to change blkio parameters"):domain_set_blkio_parameters(dom, params, flags)
		return
	end
	local raw = ctl:attempt "Unable to get blkio parameters"
	show(ctl, opt, function(count, asked)
		return raw:domain_get_blkio_parameters(dom, count, asked)
	end)
end

-- --- interfaces -----------------------------------------------------------------------------------------------------

-- The parameters of one direction; a rate of 0 takes its limits away.
local function add_rates(params, direction, rate, names)
	for _, name in ipairs(names) do
		if rate[name] and (rate[name] > 0 or name == "average") then
			add(params, direction .. "." .. name, "uint", rate[name])
		end
	end
end

function run.domiftune(ctl, opt)
	local flags, params = ctl:affect(opt), {}
	local dom, interface = ctl:domain(opt.domain), opt.interface
	if opt.inbound then
		local rate = rates.parse(ctl, opt.inbound)
		if not rate.average and not rate.floor then
			ctl:fail "either inbound average or floor is mandatory"
		end
		add_rates(params, "inbound", rate, { "average", "peak", "burst", "floor" })
	end
	if opt.outbound then
		local rate = rates.parse(ctl, opt.outbound)
		if not rate.average then
			ctl:fail "outbound average is mandatory"
		elseif (rate.floor or 0) > 0 then
			ctl:fail "outbound floor is unsupported yet"
		end
		add_rates(params, "outbound", rate, { "average", "peak", "burst" })
	end
	if #params > 0 then
		ctl:attempt("Unable to set interface parameters"):domain_set_interface_parameters(dom, interface, params, flags)
		return
	end
	local raw = ctl:attempt "Unable to get interface parameters"
	show(ctl, opt, function(count, asked)
		return raw:domain_get_interface_parameters(dom, interface, count, asked)
	end)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
