-- What the classes of objects share.

local collection = require "moonvisor.collection"
local objects = require "moonvisor.objects"

local M = {}

--- A class's implementation to begin with: `conn`, `conf` and the fields of its reference that are properties.
---@param kind string     of its configuration
---@param fields table    property -> field of the reference, or a list of those that are called the same
function M.implementation(kind, fields)
	local get = {
		conn = objects.conn,
		conf = function(self)
			return require("moonvisor.conf").parse_live(kind, self.xml)
		end,
	}
	for property, field in pairs(fields) do
		property = math.type(property) == "integer" and field or property
		get[property] = function(self)
			return objects.ref(self)[field]
		end
	end
	return { get = get }
end

--- A property that is a collection of what belongs to the object.
function M.collection(name, list)
	return function(self)
		return collection.of(name, objects.conn(self), self, list)
	end
end

--- A property that is another object.
function M.object(name, field)
	return function(self)
		return objects.new(name, objects.conn(self), objects.ref(self)[field])
	end
end

--- "active" or "not active", for tostring().
function M.active(self)
	local ok, active = pcall(function()
		return self.active
	end)
	return ok and (active and "active" or "not active") or "gone"
end

--- `on` of a class whose events have the object in this field.
function M.on(field)
	return function(self, event, fn)
		return objects.conn(self):on(event, function(ev)
			if ev[field] == self then
				fn(ev)
			end
		end)
	end
end

return M
