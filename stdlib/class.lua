-- Gives a class its methods and properties, from its description in bindings/spec/.

local errors = require "moonvisor.errors"
local spec = require "moonvisor.spec"
local suggest = require "moonvisor.suggest"

local M = {}

-- What help() knows a function by.
M.described = setmetatable({}, { __mode = "k" })

--- The description of a class.
function M.description(name)
	return spec.class(name) or error("no class is called " .. name)
end

--- The name of the class of an object, or nil.
function M.of(object)
	local tag = getmetatable(object)
	return type(tag) == "string" and tag:match "^moonvisor%.(.*)$" or nil
end

local function by_name(list)
	local found = {}
	for _, item in ipairs(list) do
		found[item.name] = item
	end
	return found
end

local function names_of(class)
	local names = {}
	for _, list in ipairs { class.properties, class.methods } do
		for _, item in ipairs(list) do
			names[#names + 1] = item.name
		end
	end
	return names
end

-- The function behind a method: the one that is written for it, or the call that its description names.
local function behind(class, method, implementation)
	return implementation[method.name] or method.call and require("moonvisor.bound").method(method)
		or error(class.name .. ":" .. method.name .. " is described but not there")
end

local function make_method(class, method, implementation)
	local who = class.name .. ":" .. method.name
	local tag = "moonvisor." .. class.name
	local fn = behind(class, method, implementation)
	local arguments = require("moonvisor.check").arguments(who, method)
	local alive = implementation.alive
	if method.name == "close" or method.name == "cancel" then -- closing twice is no error
		alive = function() end
	end
	local wrapper = function(self, ...)
		if getmetatable(self) ~= tag then
			errors.raise("invalid_arg", "%s: it must be called with a colon, as a method of a %s (obj:%s(), not obj.%s()).",
				who, class.noun, method.name, method.name)
		end
		alive(self)
		return fn(self, arguments(...))
	end
	M.described[wrapper] = { class = class, method = method }
	return wrapper
end

-- A table whose values are made by make(item) when they are first asked for.
local function made_on_demand(items, make)
	return setmetatable({}, {
		__index = function(self, key)
			local item = items[key]
			if item then
				local value = make(item)
				rawset(self, key, value)
				return value
			end
		end,
	})
end

--- Completes the metatable of a class.
---@param name string               as in the description
---@param metatable table
---@param implementation table      functions (self, checked arguments...) by method name; `get` holds functions (self)
---                                 by property name; what is missing must be a call in the description; `alive(self)`
---                                 raises when the object cannot be used any more; `index(self, key)`, optional, is
---                                 asked for keys that are neither
function M.install(name, metatable, implementation)
	local class = M.description(name)
	local methods = made_on_demand(by_name(class.methods), function(method)
		return make_method(class, method, implementation)
	end)
	local getters = made_on_demand(by_name(class.properties), function(property)
		return implementation.get[property.name] or property.call and require("moonvisor.bound").method(property)
			or error(class.name .. "." .. property.name .. " is described but not there")
	end)
	metatable.__index = function(self, key)
		local getter = getters[key]
		if getter then
			implementation.alive(self)
			return getter(self)
		end
		local method = methods[key]
		if method then
			return method
		elseif implementation.index then
			implementation.alive(self)
			return implementation.index(self, key)
		end
		errors.raise("invalid_arg", "A %s has no property or method '%s'%s", class.noun, tostring(key),
			suggest.hint(key, names_of(class)))
	end
	metatable.__newindex = function(_, key)
		errors.raise("invalid_arg", "'%s' cannot be set: the properties of a %s are read-only.", tostring(key), class.noun)
	end
	metatable.__metatable = "moonvisor." .. name
	metatable.methods, metatable.getters = methods, getters
end

--- The functions of the module itself.
function M.functions(implementation)
	local class = M.description "virt"
	local module = {}
	for _, method in ipairs(class.methods) do
		local fn = assert(implementation[method.name], "virt." .. method.name)
		local arguments
		module[method.name] = function(...)
			arguments = arguments or require("moonvisor.check").arguments("virt." .. method.name, method)
			return fn(arguments(...))
		end
		M.described[module[method.name]] = { class = class, method = method }
	end
	return module
end

return M
