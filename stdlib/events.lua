-- Events of drivers that have libvirt's calls: from the wire's messages to what programs see.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local objects = require "moonvisor.objects"
local raw = require "moonvisor.raw"
local wait = require "moonvisor.wait"

local M = {}

local function named(names)
	local list = {}
	for name in names:gmatch "[^,]+" do
		list[#list + 1] = name
	end
	return list
end

-- Kinds of lifecycle events and their details, in the order of libvirt's numbers (from 0).
local domain_kinds = named "defined,undefined,started,suspended,resumed,stopped,shutdown,pmsuspended,crashed"
local domain_details = {
	defined = named "added,updated,renamed,from snapshot",
	undefined = named "removed,renamed",
	started = named "booted,migrated,restored,from snapshot,wakeup",
	suspended = named "paused,migrated,I/O error,watchdog,restored,from snapshot,API error,post-copy,post-copy failed",
	resumed = named "unpaused,migrated,from snapshot,post-copy,post-copy failed",
	stopped = named "shutdown,destroyed,crashed,migrated,saved,failed,from snapshot",
	shutdown = named "finished,guest,host",
	pmsuspended = named "memory,disk",
	crashed = named "panicked,crashloaded",
}
local kinds = {
	network = named "defined,undefined,started,stopped",
	pool = named "defined,undefined,started,stopped,created,deleted",
	device = named "created,deleted,defined,undefined",
	secret = named "defined,undefined",
}

local function word(list, number)
	return list and list[number + 1] or "unknown"
end

local function lifecycle(event, msg)
	event.event = word(domain_kinds, msg.event)
	event.detail = word(domain_details[event.event], msg.detail)
end

local function object_lifecycle(names)
	return function(event, msg)
		event.event, event.detail = word(names, msg.event), nil
	end
end

local function balloon(event, msg)
	event.number = msg.actual * 1024
end

-- Everything else of a message is handed on under the wire's names.
local function fields(event, msg)
	for key, value in pairs(msg) do
		if key ~= "callbackID" and key ~= "id" and key ~= "msg" and type(value) ~= "table" or key == "params" then
			event[key] = value
		end
	end
end

local function of_domain(call, convert)
	return { call = "domain_event_" .. call, class = "Domain", from = "dom", to = "domain", convert = convert or fields }
end

-- What a program calls an event -> the event on the wire, the object that it is about, and how its message is read.
local known = {
	["lifecycle"] = of_domain("callback_lifecycle", lifecycle),
	["reboot"] = of_domain "callback_reboot",
	["rtc-change"] = of_domain "callback_rtc_change",
	["watchdog"] = of_domain "callback_watchdog",
	["io-error"] = of_domain "callback_io_error",
	["graphics"] = of_domain "callback_graphics",
	["io-error-reason"] = of_domain "callback_io_error_reason",
	["control-error"] = of_domain "callback_control_error",
	["block-job"] = of_domain "callback_block_job",
	["disk-change"] = of_domain "callback_disk_change",
	["tray-change"] = of_domain "callback_tray_change",
	["pm-wakeup"] = of_domain "callback_pmwakeup",
	["pm-suspend"] = of_domain "callback_pmsuspend",
	["balloon"] = of_domain("callback_balloon_change", balloon),
	["pm-suspend-disk"] = of_domain "callback_pmsuspend_disk",
	["device-removed"] = of_domain "callback_device_removed",
	["block-job-2"] = of_domain "block_job_2",
	["tunable"] = of_domain "callback_tunable",
	["agent-lifecycle"] = of_domain "callback_agent_lifecycle",
	["device-added"] = of_domain "callback_device_added",
	["migration-iteration"] = of_domain "callback_migration_iteration",
	["job-completed"] = of_domain "callback_job_completed",
	["device-removal-failed"] = of_domain "callback_device_removal_failed",
	["metadata-change"] = of_domain "callback_metadata_change",
	["block-threshold"] = of_domain "block_threshold",
	["memory-failure"] = of_domain "memory_failure",
	["memory-device-size-change"] = of_domain "memory_device_size_change",
	["network-lifecycle"] = { call = "network_event_lifecycle", class = "Network", from = "net", to = "network",
		convert = object_lifecycle(kinds.network) },
	["pool-lifecycle"] = { call = "storage_pool_event_lifecycle", class = "Pool", from = "pool", to = "pool",
		convert = object_lifecycle(kinds.pool) },
	["pool-refresh"] = { call = "storage_pool_event_refresh", class = "Pool", from = "pool", to = "pool",
		convert = fields },
	["nodedev-lifecycle"] = { call = "node_device_event_lifecycle", class = "NodeDevice", from = "dev", to = "device",
		convert = object_lifecycle(kinds.device) },
	["nodedev-update"] = { call = "node_device_event_update", class = "NodeDevice", from = "dev", to = "device",
		convert = fields },
	["secret-lifecycle"] = { call = "secret_event_lifecycle", class = "Secret", from = "secret", to = "secret",
		convert = object_lifecycle(kinds.secret) },
	["secret-value-changed"] = { call = "secret_event_value_changed", class = "Secret", from = "secret", to = "secret",
		convert = fields },
}

local function register(conn, id, fn)
	local kind = known[id]
	if not kind then
		errors.raise("no_support", "The driver of '%s' has no event '%s'.", conn.uri, id)
	end
	return raw.of(conn):on(kind.call, function(notice)
		local msg = notice.msg or notice
		local event = { id = id, [kind.to] = objects.new(kind.class, conn, msg[kind.from]) }
		kind.convert(event, msg)
		if notice.msg and notice.reason then
			event.reason = notice.reason
		end
		notice.event_of_program = setmetatable(event, wait.event_meta)
		fn(event)
	end)
end

-- Several registrations as one.
local LIST = {}
local several = {}

local function cancel(self)
	for _, registration in ipairs(rawget(self, LIST)) do
		core.Registration.close(registration)
	end
end

class.install("Registration", several, {
	alive = function() end,
	get = {},
	cancel = cancel,
	close = cancel,
})
several.__close = cancel
function several.__tostring()
	return "registration for all events"
end

--- Calls fn with each event of this name, or with all of them that the driver has.
---@param id? string
---@return any registration
function M.on(conn, id, fn)
	if id then
		return register(conn, id, fn)
	end
	local all, problem = setmetatable({ [LIST] = {} }, several), nil
	for name in pairs(known) do
		local ok, result = pcall(register, conn, name, fn)
		if ok then
			table.insert(rawget(all, LIST), result)
		elseif errors.is(result, "no_support") then
			problem = result
		else
			cancel(all)
			error(result, 0)
		end
	end
	if #rawget(all, LIST) == 0 then
		error(problem, 0)
	end
	return all
end

return M
