-- The collection of a connection's domains.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local suggest = require "moonvisor.suggest"

local M = {}

local Connection, Domain = core.Connection, core.Domain
local owners = setmetatable({}, { __mode = "k" }) -- collection -> connection
local metatable = {}

local function find(conn, name)
	local ok, found = pcall(Connection.lookup, conn, name)
	if ok then
		return found
	elseif not errors.is(found, "no_domain") then
		error(found, 0)
	end
end

local function iterate(list)
	local i = 0
	return function()
		i = i + 1
		return list[i]
	end
end

local function selected(self, accept)
	local list = {}
	for _, domain in ipairs(Connection.domains(owners[self])) do
		if accept(domain) then
			list[#list + 1] = domain
		end
	end
	return list
end

local methods = { get = {} }

function methods.alive(self)
	Connection.check(owners[self])
end

function methods.index(self, key)
	if type(key) ~= "string" then
		errors.raise("invalid_arg", "Domains are found by name, not by a value of type %s; conn:domain() takes an id.",
			type(key))
	end
	return find(owners[self], key)
end

local properties = {}
for i, property in ipairs(class.description("Domain").properties) do
	properties[i] = property.name
end

local function check_filter(filter)
	for key in pairs(filter) do
		local known = false
		for _, name in ipairs(properties) do
			known = known or name == key
		end
		if not known then
			errors.raise("invalid_arg", "Domains:each: domains have no property '%s'%s They have: %s.", tostring(key),
				suggest.hint(key, properties), table.concat(properties, ", "))
		end
	end
end

function methods.each(self, filter)
	filter = filter or {}
	check_filter(filter)
	return iterate(selected(self, function(domain)
		for key, value in pairs(filter) do
			if domain[key] ~= value then
				return false
			end
		end
		return true
	end))
end

function methods.where(self, predicate)
	return iterate(selected(self, predicate))
end

class.install("Domains", metatable, methods)

function metatable.__len(self)
	return #Connection.domains(owners[self])
end

function metatable.__pairs(self)
	local list, i = Connection.domains(owners[self]), 0
	return function()
		i = i + 1
		if list[i] then
			return Domain.name(list[i]), list[i]
		end
	end
end

function metatable.__tostring(self)
	local ok, count = pcall(function()
		return #self
	end)
	return ok and ("collection of %d domain%s"):format(count, count == 1 and "" or "s") or "collection of domains (closed)"
end

function metatable.__eq(a, b)
	return rawequal(owners[a], owners[b])
end

--- The collection of a connection.
function M.of(conn)
	local self = setmetatable({}, metatable)
	owners[self] = conn
	return self
end

--- By name, UUID or id; raises no_domain.
function M.find(conn, which)
	if type(which) == "string" then
		return Connection.lookup(conn, which)
	elseif math.type(which) ~= "integer" then
		errors.raise("invalid_arg",
			"Connection:domain: a domain is found by its name, UUID or id, not by a value of type %s.", type(which))
	end
	for _, domain in ipairs(Connection.domains(conn)) do
		if Domain.id(domain) == which then
			return domain
		end
	end
	errors.raise("no_domain", "There is no domain with id %d.", which)
end

return M
