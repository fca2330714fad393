-- Connections and event registrations.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local domains = require "moonvisor.domains"
local json = require "moonvisor.json"
local raw = require "moonvisor.raw"
local spec = require "moonvisor.spec"
local wait = require "moonvisor.wait"

local M = {}

local Connection, Registration = core.Connection, core.Registration

local function encode(specification)
	return json.encode(specification, spec.spec_lists)
end

local methods = { alive = Connection.check }

methods.get = {
	uri = Connection.uri,
	domains = domains.of,
	raw = raw.of,
	read_only = Connection.read_only,
}

function methods.define(self, specification)
	return Connection.define(self, encode(specification))
end

function methods.create(self, specification, options)
	return Connection.create(self, encode(specification), options.paused, not options.wait)
end

function methods.domain(self, which)
	return domains.find(self, which)
end

function methods.restore(self, path, options)
	return Connection.restore(self, path, options.paused, options.verify, options.force)
end

methods.on = Connection.on

function methods.dispatch(self, timeout)
	local deadline = wait.deadline(timeout)
	while true do
		local delivered = wait.deliver(self)
		if delivered > 0 or wait.expired(deadline) then
			return delivered
		end
		wait.step({ self }, deadline)
		Connection.check(self) -- a function of an event may have closed it
	end
end

methods.close = Connection.close

class.install("Connection", Connection.metatable, methods)

class.install("Registration", Registration.metatable, {
	alive = Registration.check,
	get = {},
	cancel = Registration.close,
	close = Registration.close,
})

--- Opens a connection; its events are delivered whenever the program waits.
function M.open(uri, options)
	local conn = core.open(uri, options.read_only)
	wait.serve(conn)
	return conn
end

return M
