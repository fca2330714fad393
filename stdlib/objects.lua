-- The objects of a connection: domains, networks, pools, ... An object is the connection, what the driver's calls name
-- it by (its reference), and the class that gives it methods.

local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local spec = require "moonvisor.spec"

local M = {}

local Connection = core.Connection

-- The keys of an object's own fields, which nobody else can name.
local CONN, REF = {}, {}

-- The code that is raised for a closed object.
local closed_codes = {
	Domain = "invalid_domain", Network = "invalid_network", Pool = "invalid_storage_pool", Volume = "invalid_storage_vol",
	Interface = "invalid_interface", NodeDevice = "invalid_node_device", Secret = "invalid_secret",
	NWFilter = "invalid_nwfilter", NWFilterBinding = "invalid_nwfilter_binding", Snapshot = "invalid_domain_snapshot",
	Checkpoint = "invalid_domain_checkpoint", NetworkPort = "invalid_network_port",
}

--- Whether this is the name of a class of such objects.
function M.is_class(name)
	return closed_codes[name] ~= nil
end

--- The connection of an object; a connection's own is itself.
function M.conn(object)
	return type(object) == "table" and rawget(object, CONN) or object
end

--- What the driver's calls name it by.
function M.ref(object)
	return rawget(object, REF)
end

-- What tells an object from the others of its class and connection.
local function identity(ref)
	local dom = ref.dom or ref.net
	return (dom and dom.uuid .. "/" or "") .. (ref.uuid or ref.key or ref.portdev or ref.name)
end

--- What it is called in messages.
function M.label(object)
	local ref = M.ref(object)
	return ref.name or ref.portdev or ref.uuid
end

-- Raises where the object or its connection is closed.
local function alive(class)
	return function(object)
		if not rawget(object, REF) then
			errors.raise(closed_codes[class.name], "The %s is closed.", class.noun)
		elseif not Connection.is_open(rawget(object, CONN)) then
			errors.raise("invalid_conn", "The connection of the %s '%s' is closed.", class.noun, M.label(object))
		end
	end
end

--- The same of an argument; raises where that is closed.
function M.open_ref(object)
	local ref = rawget(object, REF)
	if not ref then
		local name = getmetatable(object):match "%.(.*)$"
		errors.raise(closed_codes[name], "The %s is closed.", spec.class(name).noun)
	end
	return ref
end

local metatables = {}

local function close(object)
	local ref = rawget(object, REF)
	if ref and ref.handle then -- of a driver in this process
		core.EmbeddedDomain.close(ref.handle)
	end
	rawset(object, REF, nil)
end

local function describe(class, extra)
	return function(object)
		if not rawget(object, REF) then
			return ("%s (closed)"):format(class.noun)
		elseif not Connection.is_open(rawget(object, CONN)) then
			return ('%s "%s" (connection closed)'):format(class.noun, M.label(object))
		end
		local more = extra and extra(object)
		return ('%s "%s"%s'):format(class.noun, M.label(object), more and " (" .. more .. ")" or "")
	end
end

local function metatable_of(name)
	if not metatables[name] then
		local class = spec.class(name)
		local implementation = require("moonvisor.object." .. class.name:lower())
		local metatable = {
			__eq = function(a, b)
				local left, right = M.ref(a), M.ref(b)
				return left ~= nil and right ~= nil and getmetatable(a) == getmetatable(b) and M.conn(a) == M.conn(b)
					and identity(left) == identity(right)
			end,
			__close = close,
			__tostring = describe(class, implementation.describe),
		}
		implementation.alive = alive(class)
		implementation.close = close
		require("moonvisor.class").install(name, metatable, implementation)
		metatables[name] = metatable
	end
	return metatables[name]
end

--- The object that a reference names.
---@param name string   its class
function M.new(name, conn, ref)
	return setmetatable({ [CONN] = conn, [REF] = ref }, metatable_of(name))
end

--- The metatable of a class, for tests.
M.metatable = metatable_of

return M
