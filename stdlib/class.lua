-- Gives a class its methods and properties, from the description in bindings/spec.lua.

local check = require "moonvisor.check"
local errors = require "moonvisor.errors"
local spec = require "moonvisor.spec"
local suggest = require "moonvisor.suggest"

local M = {}

-- What help() knows a function by.
M.described = setmetatable({}, { __mode = "k" })

--- The description of a class.
function M.description(name)
	for _, class in ipairs(spec.classes) do
		if class.name == name then
			return class
		end
	end
	error("no class is called " .. name)
end

--- The name of the class of an object, or nil.
function M.of(object)
	local tag = getmetatable(object)
	return type(tag) == "string" and tag:match "^moonvisor%.(.*)$" or nil
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

local function make_method(class, method, fn, alive)
	local who = class.name .. ":" .. method.name
	local tag = "moonvisor." .. class.name
	local arguments = check.arguments(who, method)
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

--- Completes the metatable of a class.
---@param name string               as in the description
---@param metatable table
---@param implementation table      functions (self, checked arguments...) by method name; `get` holds functions (self)
---                                 by property name; `alive(self)` raises when the object cannot be used any more;
---                                 `index(self, key)`, optional, is asked for keys that are neither
function M.install(name, metatable, implementation)
	local class = M.description(name)
	local methods, getters = {}, {}
	for _, method in ipairs(class.methods) do
		local fn = assert(implementation[method.name], name .. ":" .. method.name .. " is described but not there")
		local closing = method.name == "close" or method.name == "cancel" -- closing twice is no error
		methods[method.name] = make_method(class, method, fn, closing and function() end or implementation.alive)
	end
	for _, property in ipairs(class.properties) do
		getters[property.name] = assert(implementation.get[property.name], name .. "." .. property.name)
	end
	metatable.__index = function(self, key)
		local getter = getters[key]
		if getter then
			implementation.alive(self)
			return getter(self)
		end
		if methods[key] then
			return methods[key]
		elseif implementation.index then
			return implementation.index(self, key)
		end
		errors.raise("invalid_arg", "A %s has no property or method '%s'%s", class.noun, tostring(key),
			suggest.hint(key, names_of(class)))
	end
	metatable.__newindex = function(_, key)
		errors.raise("invalid_arg", "'%s' cannot be set: the properties of a %s are read-only.", tostring(key), class.noun)
	end
	metatable.__metatable = "moonvisor." .. name
	metatable.methods = methods
end

--- The functions of the module itself.
function M.functions(implementation)
	local class = M.description "virt"
	local module = {}
	for _, method in ipairs(class.methods) do
		local fn = assert(implementation[method.name], "virt." .. method.name)
		local arguments = check.arguments("virt." .. method.name, method)
		module[method.name] = function(...)
			return fn(arguments(...))
		end
		M.described[module[method.name]] = { class = class, method = method }
	end
	return module
end

return M
