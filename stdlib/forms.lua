-- The forms of arguments and results: how what Lua programs see differs from what the driver's calls carry.

local core = require "moonvisor.core"
local spec = require "moonvisor.spec"
local words = spec.values

local M = { into = {}, from = {} }

-- Modules that few programs need are loaded where they are used.
local function objects()
	return require "moonvisor.objects"
end

-- --- bitmaps of CPUs ---

-- "0-3,^2,8" or { 0, 1, 8 } -> bits as bytes, the lowest first
local function cpumap(cpus)
	local set, most = {}, -1
	local function put(first, last, value)
		for cpu = first, last do
			set[cpu] = value or nil
			most = math.max(most, cpu)
		end
	end
	if type(cpus) == "table" then
		for _, cpu in ipairs(cpus) do
			put(cpu, cpu, true)
		end
	else
		for part in cpus:gmatch "[^,]+" do
			local no, first, last = part:match "^%s*(%^?)(%d+)%-?(%d*)%s*$"
			first = math.tointeger(tonumber(first))
			put(first, math.tointeger(tonumber(last)) or first, no == "")
		end
	end
	local bytes = {}
	for i = 0, most // 8 do
		local byte = 0
		for bit = 0, 7 do
			byte = byte | (set[i * 8 + bit] and 1 << bit or 0)
		end
		bytes[#bytes + 1] = string.char(byte)
	end
	return table.concat(bytes)
end

-- The other way round; `count` CPUs at most.
local function cpuset(map, count)
	local parts, first = {}, nil
	local most = math.min(#map * 8, count or math.huge)
	for cpu = 0, most do
		local byte = cpu < most and map:byte(cpu // 8 + 1) or 0
		if byte & 1 << cpu % 8 ~= 0 then
			first = first or cpu
		elseif first then
			parts[#parts + 1] = first == cpu - 1 and tostring(first) or first .. "-" .. cpu - 1
			first = nil
		end
	end
	return table.concat(parts, ",")
end

local function split(maps, count)
	local list = {}
	local length = count > 0 and #maps // count or 0
	for i = 1, count do
		list[i] = cpuset(maps:sub((i - 1) * length + 1, i * length))
	end
	return list
end

-- --- what goes in ---

local into = M.into

into.KiB = function(bytes)
	return (bytes + 1023) // 1024
end
into.number = function(value)
	return value and 1 or 0
end
into.cpumap = cpumap
into.params = function(values)
	return require("moonvisor.params").list(values)
end
into.refs = function(list)
	local refs = {}
	for i, object in ipairs(list) do
		refs[i] = objects().ref(object)
	end
	return refs
end

local stats_groups = { "state", "cpu-total", "balloon", "vcpu", "interface", "block", "perf", "iothread", "memory",
	"dirtyrate", "vm" }

--- Groups of statistics, by the bits that stand for them, lowest first.
M.stats_groups = stats_groups

into.stats_types = function(types)
	if math.type(types) then
		return types
	end
	local bits = 0
	for _, name in ipairs(type(types) == "table" and types or { types }) do
		for i, group in ipairs(stats_groups) do
			bits = bits | (group == name and 1 << i - 1 or 0)
		end
	end
	return bits
end

for kind, allowed in pairs(words) do
	into[kind] = function(word)
		for i, name in ipairs(allowed) do
			if name == word then
				return i - 1 + (allowed.first or 0)
			end
		end
	end
end

-- --- what comes out ---

local from = M.from

local function word(allowed, number)
	return allowed[number + 1] or "unknown"
end

from.bool = function(value)
	return value ~= 0
end
from.params = function(result)
	local list = result.params or result -- calls that also count them return both
	local values = {}
	for _, param in ipairs(list) do
		values[param.field] = param.value
	end
	return values
end
from.fields = function(result)
	local values = {}
	for _, param in ipairs(result.params) do
		values[param.field] = param.value
	end
	return values
end
from.state = function(result)
	return (core.state_name(result.state))
end
from.reason = function(result)
	return (select(2, core.state_name(result.state, result.reason)))
end
from.pool_state = function(result)
	return word({ "inactive", "building", "running", "degraded", "inaccessible" }, result.state)
end
from.volume_type = function(result)
	return word({ "file", "block", "dir", "network", "netdir", "ploop" }, result.type)
end
from.cpu_compare = function(result)
	return word({ "incompatible", "identical", "superset" }, result)
end
from.control = function(result)
	return { state = word({ "ok", "job", "occupied", "error" }, result.state), seconds = result.stateTime / 1000 }
end
from.node_info = function(info)
	info.memory = info.memory * 1024
	return info
end
from.cpu_map = function(result)
	return { cpus = cpuset(result.cpumap, result.ret), online = result.online, total = result.ret }
end
from.security_model = function(result)
	return { model = result.model, doi = result.doi }
end
from.labels = function(result)
	local list = {}
	for i, label in ipairs(result.labels) do
		list[i] = { label = label.label, enforcing = label.enforcing ~= 0 }
	end
	return list
end
from.leases = function(result)
	local list = {}
	for i, lease in ipairs(result.leases) do
		list[i] = { iface = lease.iface, expires = lease.expirytime, mac = lease.mac, ip = lease.ipaddr,
			prefix = lease.prefix, hostname = lease.hostname, client_id = lease.clientid, iaid = lease.iaid }
	end
	return list
end
from.addresses = function(ifaces)
	local list = {}
	for i, iface in ipairs(ifaces) do
		local addresses = {}
		for j, address in ipairs(iface.addrs) do
			addresses[j] = { type = address.type == 0 and "ipv4" or "ipv6", address = address.addr, prefix = address.prefix }
		end
		list[i] = { name = iface.name, mac = iface.hwaddr, addresses = addresses }
	end
	return list
end
from.filesystems = function(result)
	local list = {}
	for i, fs in ipairs(result.info) do
		list[i] = { mountpoint = fs.mountpoint, name = fs.name, type = fs.fstype, disks = fs.dev_aliases }
	end
	return list
end
from.vcpu_info = function(result)
	local list = {}
	local affinities = split(result.cpumaps, #result.info)
	for i, vcpu in ipairs(result.info) do
		list[i] = { number = vcpu.number, state = word({ "offline", "running", "blocked" }, vcpu.state),
			cpu_time = vcpu.cpu_time / 1e9, cpu = vcpu.cpu >= 0 and vcpu.cpu or nil, affinity = affinities[i] }
	end
	return list
end
from.vcpu_pins = function(result)
	return split(result.cpumaps, result.num)
end
from.emulator_pin = function(result)
	return cpuset(result.cpumaps)
end
from.iothreads = function(result)
	local list = {}
	for i, thread in ipairs(result.info) do
		list[i] = { id = thread.iothread_id, affinity = cpuset(thread.cpumap) }
	end
	return list
end
from.memory_stats = function(stats)
	local names = { "swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available", "actual", "rss", "usable",
		"last_update", "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail" }
	local values = {}
	for _, stat in ipairs(stats) do
		values[names[stat.tag + 1] or "tag" .. stat.tag] = stat.val
	end
	return values
end
from.disk_errors = function(result)
	local disks = {}
	for _, item in ipairs(result.errors) do
		disks[item.disk] = word({ "none", "unspecified", "no space" }, item.error)
	end
	return disks
end
from.job = function(result)
	local job = from.params(result)
	job.type = word({ "none", "bounded", "unbounded", "completed", "failed", "cancelled" }, result.type)
	return job
end
from.block_job = function(result)
	if result.found == 0 then
		return nil
	end
	return { type = word({ "unknown", "pull", "copy", "commit", "active-commit", "backup" }, result.type),
		bandwidth = result.bandwidth, current = result.cur, total = result["end"] }
end
from.time = function(result)
	return result.seconds + result.nseconds / 1e9
end
from.all_stats = function(records, conn)
	local stats = require "moonvisor.stats"
	local list = {}
	for i, record in ipairs(records) do
		list[i] = { domain = objects().new("Domain", conn, record.dom), stats = stats.nest(from.params(record.params)) }
	end
	return list
end

local scales = {
	KiB = function(value)
		return value * 1024
	end,
	ns = function(value)
		return value / 1e9
	end,
}

--- The function (result, conn) that brings a result into this form: one of M.from, the name of a class, or `.field` and
--- `.field:SCALE` of a result with several.
function M.result(form)
	if not form then
		return function(result)
			return result
		end
	elseif from[form] then
		return from[form]
	elseif spec.class(form) then
		return function(ref, conn)
			return objects().new(form, conn, ref)
		end
	end
	local field, scale = form:match "^%.(%w+):?(%w*)$"
	local scaled = scales[scale]
	return function(result)
		local value = result[assert(field, form)]
		return scaled and scaled(value) or value
	end
end

M.cpumap, M.cpuset = cpumap, cpuset

return M
