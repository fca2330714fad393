-- Typed parameters: the types that libvirt's drivers want for the values they know, so that programs need not say them.

local errors = require "moonvisor.errors"

local M = {}

-- What is not listed here is found by its value: integers are llong, fractions double, and so on.
local types = {
	ullong = "cpu_shares vcpu_period global_period emulator_period iothread_period hard_limit soft_limit swap_hard_limit "
		.. "min_guarantee total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec "
		.. "total_bytes_sec_max read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max "
		.. "write_iops_sec_max size_iops_sec total_bytes_sec_max_length read_bytes_sec_max_length "
		.. "write_bytes_sec_max_length total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length "
		.. "bandwidth buf-size poll_max_ns shm_sleep_millisecs",
	llong = "vcpu_quota global_quota emulator_quota iothread_quota",
	uint = "weight cap inbound.average inbound.peak inbound.burst inbound.floor outbound.average outbound.peak "
		.. "outbound.burst granularity poll_grow poll_shrink shm_pages_to_scan shm_merge_across_nodes",
	int = "numa_mode thread_pool_min thread_pool_max",
	string = "numa_nodeset group_name device_weight device_read_iops_sec device_write_iops_sec device_read_bytes_sec "
		.. "device_write_bytes_sec",
}

local type_of = {}
for name, fields in pairs(types) do
	for field in fields:gmatch "%S+" do
		type_of[field] = name
	end
end

local function guess(value)
	if type(value) == "boolean" then
		return "boolean"
	elseif type(value) == "string" then
		return "string"
	end
	return math.type(value) == "integer" and "llong" or "double"
end

--- A list of typed parameters of a table of names and values, sorted by name.
---@param values table
---@return table
function M.list(values)
	local list = {}
	for field, value in pairs(values) do
		if type(field) ~= "string" or type(value) == "table" or type(value) == "function" then
			errors.raise("invalid_arg", "Parameters are a table of names and simple values; '%s' is %s.", tostring(field),
				type(value) == "table" and "a table" or "no such value")
		end
		list[#list + 1] = { field = field, type = type_of[field] or guess(value), value = value }
	end
	table.sort(list, function(a, b)
		return a.field < b.field
	end)
	return list
end

return M
