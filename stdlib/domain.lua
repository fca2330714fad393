-- Domains: properties, methods, and waiting for a state.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local json = require "moonvisor.json"
local stats = require "moonvisor.stats"
local wait = require "moonvisor.wait"

local M = {}

local Domain, Connection = core.Domain, core.Connection

local methods = { alive = Domain.conn }

methods.get = {
	name = Domain.name,
	uuid = Domain.uuid,
	id = Domain.id,
	persistent = Domain.persistent,
	conn = Domain.conn,
	active = function(self)
		return Domain.id(self) ~= nil
	end,
	state = function(self)
		return (Domain.state(self))
	end,
	reason = function(self)
		return (select(2, Domain.state(self)))
	end,
	detail = function(self)
		return (select(3, Domain.state(self)))
	end,
	spec = function(self)
		return json.decode(Domain.spec(self))
	end,
}

for _, name in ipairs { "shutdown", "reboot", "reset", "destroy", "suspend", "resume", "undefine", "console", "close",
	"set_memory" } do
	methods[name] = Domain[name]
end

function methods.start(self, options)
	Domain.start(self, options.paused, not options.wait)
end

function methods.save(self, path, options)
	Domain.save(self, path, options.keep_running)
end

function methods.stats(self)
	return stats.nest(Domain.stats(self))
end

-- Asks again after each event, so that the wait ends with the start, and the functions of events run meanwhile.
function methods.wait_start(self, timeout)
	local deadline = wait.deadline(timeout)
	while true do
		wait.deliver_all()
		local ok, err = pcall(Domain.wait_start, self, 0)
		if ok then
			return
		elseif not errors.is(err, "operation_timeout") then
			error(err, 0)
		elseif wait.expired(deadline) then
			errors.raise("operation_timeout", "The domain '%s' has not started within %g s.", Domain.name(self), timeout)
		end
		wait.step({}, deadline)
	end
end

function methods.wait(self, state, timeout)
	local deadline = wait.deadline(timeout)
	wait.deliver_all()
	while true do
		local now, reason, detail = Domain.state(self)
		if now == state then
			return reason
		elseif wait.expired(deadline) then
			errors.raise("operation_timeout", "The domain '%s' did not become '%s' within %g s; it is '%s' (%s%s).",
				Domain.name(self), state, timeout, now, reason, detail and ": " .. detail or "")
		end
		wait.step({}, deadline)
	end
end

function methods.on(self, event, fn)
	return Connection.on(Domain.conn(self), event, function(ev)
		if ev.domain == self then
			fn(ev)
		end
	end)
end

class.install("Domain", Domain.metatable, methods)

return M
