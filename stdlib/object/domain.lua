-- Domains: what is more than one call.

local common = require "moonvisor.object.common"
local core = require "moonvisor.core"
local embedded = require "moonvisor.embedded"
local errors = require "moonvisor.errors"
local objects = require "moonvisor.objects"
local raw = require "moonvisor.raw"
local wait = require "moonvisor.wait"

local handle_of = embedded.handle
local methods = common.implementation("domain", { "name", "uuid" })
local get = methods.get
local Handle = core.EmbeddedDomain

local DESCRIPTION, TITLE = 0, 1

local function calls(self)
	return raw.of(objects.conn(self)), objects.ref(self)
end

function get.id(self)
	local own = handle_of(self)
	if own then
		return Handle.id(own)
	end
	local handle, ref = calls(self)
	local id = handle:domain_lookup_by_uuid(ref.uuid).id
	return id >= 0 and id or nil
end

-- A domain of this process that has ended and was never defined is known by its handle alone.
local function by_handle(call, ask)
	return function(self)
		local own = handle_of(self)
		if own then
			return ask(own)
		end
		local handle, ref = calls(self)
		return handle[call](handle, ref) ~= 0
	end
end
get.active = by_handle("domain_is_active", function(own)
	return Handle.id(own) ~= nil
end)
get.persistent = by_handle("domain_is_persistent", Handle.persistent)

local function noted(kind)
	return function(self)
		local handle, ref = calls(self)
		local ok, text = pcall(handle.domain_get_metadata, handle, ref, kind, nil, 0)
		if ok then
			return text
		elseif not errors.is(text, "no_domain_metadata") then
			error(text, 0)
		end
	end
end
get.title = noted(TITLE)
get.description = noted(DESCRIPTION)

get.snapshots = common.collection "Snapshot"
get.checkpoints = common.collection "Checkpoint"

function get.current_snapshot(self)
	local handle, ref = calls(self)
	if handle:domain_has_current_snapshot(ref, 0) ~= 0 then
		return objects.new("Snapshot", objects.conn(self), handle:domain_snapshot_current(ref, 0))
	end
end

-- The state, the reason, and a sentence that only drivers in this process have. A transient domain of theirs that has
-- ended still has a last state.
local function state_of(self)
	local own = handle_of(self)
	if own then
		return Handle.state(own)
	end
	local handle, ref = calls(self)
	local answer = handle:domain_get_state(ref, 0)
	return core.state_name(answer.state, answer.reason)
end

function get.state(self)
	return (state_of(self))
end

function get.reason(self)
	return (select(2, state_of(self)))
end

function get.detail(self)
	return (select(3, state_of(self)))
end

-- Domains that are not of this process were not made of a specification.
local function embedded_only(self, what)
	return handle_of(self) or errors.raise("no_support", "The driver of the domain '%s' %s.", objects.label(self), what)
end

function get.spec(self)
	local dom = embedded_only(self, "keeps no specifications; its description is xml or conf")
	return require("moonvisor.json").decode(Handle.spec(dom))
end

methods.describe = function(self)
	local ok, state, id = pcall(function()
		return self.state, self.id
	end)
	if not ok then
		return "gone"
	end
	return id and ("%s, id %d"):format(state, id) or state
end

local function bound(name)
	for _, method in ipairs(require("moonvisor.spec").class("Domain").methods) do
		if method.name == name then
			return require("moonvisor.bound").method(method)
		end
	end
end

local start, save, rename

function methods.start(self, options)
	if not options.wait then
		return Handle.start(embedded_only(self, "starts domains while the caller waits"), options.paused, true)
	end
	start = start or bound "start"
	return start(self, options)
end

function methods.save(self, path, options)
	if options.keep_running then
		return Handle.save(embedded_only(self, "ends the domains that it saves"), path, true)
	end
	save = save or bound "save"
	return save(self, path, options)
end

function methods.rename(self, name)
	rename = rename or bound "rename"
	rename(self, name)
	objects.ref(self).name = name
end

function methods.stats(self)
	local handle, ref = calls(self)
	local record = handle:connect_get_all_domain_stats({ ref }, 0, 0)[1]
	if not record then
		handle:domain_lookup_by_uuid(ref.uuid) -- says that it is not there
	end
	local flat = {}
	for _, param in ipairs(record and record.params or {}) do
		flat[param.field] = param.value
	end
	return require("moonvisor.stats").nest(flat)
end

function methods.console(self, port, options)
	local own = handle_of(self)
	if own then
		return Handle.console(own, port)
	end
	local flags = require "moonvisor.flags"
	return (raw.of(objects.conn(self)):domain_open_console(objects.ref(self), port,
		(options.force and flags.DOMAIN_CONSOLE_FORCE or 0)
			| (options.safe and flags.DOMAIN_CONSOLE_SAFE or 0)))
end

-- Asks again after each event, so that the wait ends with the start, and the functions of events run meanwhile.
function methods.wait_start(self, timeout)
	local deadline = wait.deadline(timeout)
	local own = embedded_only(self, "starts domains while the caller waits")
	while true do
		wait.deliver_all()
		local ok, err = pcall(Handle.wait_start, own, 0)
		if ok then
			return
		elseif not errors.is(err, "operation_timeout") then
			error(err, 0)
		elseif wait.expired(deadline) then
			errors.raise("operation_timeout", "The domain '%s' has not started within %g s.", self.name, timeout)
		end
		wait.step({}, deadline)
	end
end

function methods.wait(self, what, timeout)
	return require("moonvisor.condition").wait(self, what, timeout, state_of)
end

methods.on = common.on "domain"

return methods
