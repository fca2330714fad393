-- Connections and event registrations.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local raw = require "moonvisor.raw"
local wait = require "moonvisor.wait"

local M = {}

local Connection, Registration = core.Connection, core.Registration

local methods = { alive = Connection.check }

methods.get = {
	uri = Connection.uri,
	raw = raw.of,
	read_only = Connection.read_only,
}

for _, property in ipairs(class.description("Connection").properties) do
	if property.type == "Collection" then
		methods.get[property.name] = function(self)
			return require("moonvisor.collection").of(property.of, self)
		end
	end
end

for _, method in ipairs(class.description("Connection").methods) do
	if method.find then
		methods[method.name] = function(self, which)
			return require("moonvisor.find").any(method.find, self, which)
		end
	end
end

-- The JSON of a specification, for drivers in this process.
local function encode(specification)
	return require("moonvisor.json").encode(specification, require("moonvisor.spec").spec_lists)
end

-- The type of a specification's domain, by the hypervisor's name; others: "kvm".
local domain_types = { TEST = "test", Xen = "xen" }

-- XML of a domain that is given as a specification, as a table of its configuration, or as XML; and whether unknown
-- elements are errors.
local function domain_xml(self, description, options)
	if type(description) == "string" then
		return description, options.validate
	end
	local handle = raw.of(self)
	local kind = rawget(handle, "type") or handle:connect_get_type()
	rawset(handle, "type", kind)
	local conf = require("moonvisor.builder").domain(description, domain_types[kind])
	return require("moonvisor.conf").format("domain", conf), true
end

function methods.define(self, description, options)
	if type(description) == "table" and Connection.embedded(self) then
		return require("moonvisor.embedded").object(self, Connection.define(self, encode(description)))
	end
	local flags = require "moonvisor.flags"
	local xml, validate = domain_xml(self, description, options)
	local ref = raw.of(self):domain_define_xml_flags(xml, validate and flags.DOMAIN_DEFINE_VALIDATE or 0)
	return require("moonvisor.objects").new("Domain", self, ref)
end

function methods.create(self, description, options)
	if type(description) == "table" and Connection.embedded(self) then
		return require("moonvisor.embedded").object(self,
			Connection.create(self, encode(description), options.paused, not options.wait))
	end
	local flags = require "moonvisor.flags"
	local xml, validate = domain_xml(self, description, options)
	local sum = (options.paused and flags.DOMAIN_START_PAUSED or 0)
		| (options.autodestroy and flags.DOMAIN_START_AUTODESTROY or 0)
		| (validate and flags.DOMAIN_START_VALIDATE or 0)
	return require("moonvisor.objects").new("Domain", self, raw.of(self):domain_create_xml(xml, sum))
end

function methods.restore(self, path, options)
	if Connection.embedded(self) then
		return require("moonvisor.embedded").object(self,
			Connection.restore(self, path, options.paused, options.verify, options.force))
	end
	local flags = require "moonvisor.flags"
	local sum = (options.paused and flags.DOMAIN_SAVE_PAUSED or 0) | (options.running and flags.DOMAIN_SAVE_RUNNING or 0)
		| (options.bypass_cache and flags.DOMAIN_SAVE_BYPASS_CACHE or 0)
	if options.verify or options.force then
		require("moonvisor.errors").raise("no_support", "The options verify and force are for drivers in this process.")
	end
	raw.of(self):domain_restore_flags(path, options.xml, sum)
end

function methods.on(self, event, fn)
	if Connection.embedded(self) then
		return Connection.on(self, event, fn)
	end
	return require("moonvisor.events").on(self, event, fn)
end

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
