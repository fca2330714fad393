-- Collections: the objects of one kind, of a connection or of one of its objects.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local find = require "moonvisor.find"
local flags = require "moonvisor.flags"
local kinds = require "moonvisor.kinds"
local objects = require "moonvisor.objects"
local raw = require "moonvisor.raw"
local spec = require "moonvisor.spec"
local suggest = require "moonvisor.suggest"

local M = {}

local CLASS, CONN, OWNER, LIST = {}, {}, {}, {} -- the keys of a collection's own fields
local metatable = {}

-- The references of all objects, or of those that the flags select. `handle` makes the call; default: the connection's.
local function references(self, selected, handle)
	local name, conn, owner = rawget(self, CLASS), rawget(self, CONN), rawget(self, OWNER)
	local kind = kinds[name]
	handle = handle or raw.of(conn)
	local result
	if owner then
		result = handle[rawget(self, LIST)](handle, objects.ref(owner), 1, selected or 0)
	else
		result = handle[kind.list](handle, 1, selected or 0)
	end
	return result[kind.field]
end

-- What pairs() and completion know an object by.
local function label_of(ref)
	return ref.name or ref.portdev or ref.uuid
end

local function by_label(a, b)
	return (a.name or label_of(a)) < (b.name or label_of(b))
end

-- The same as objects, sorted by name.
local function fetch(self, selected)
	local name, conn = rawget(self, CLASS), rawget(self, CONN)
	local list = references(self, selected)
	table.sort(list, by_label)
	for i, ref in ipairs(list) do
		list[i] = objects.new(name, conn, ref)
	end
	return list
end

local function iterate(list)
	local i = 0
	return function()
		i = i + 1
		return list[i]
	end
end

local methods = { get = {} }

function methods.alive(self)
	local conn, owner = rawget(self, CONN), rawget(self, OWNER)
	if not core.Connection.is_open(conn) then
		errors.raise("invalid_conn", "The connection of the collection is closed.")
	elseif owner then
		return owner.conn -- raises where it is closed
	end
end

function methods.index(self, key)
	if type(key) ~= "string" then
		errors.raise("invalid_arg", "A collection's objects are found by name, not by a value of type %s.%s", type(key),
			rawget(self, CLASS) == "Domain" and " conn:domain() takes an id." or "")
	end
	return find.by_name(rawget(self, CLASS), rawget(self, CONN), rawget(self, OWNER), key)
end

local function is_word(words, value)
	for _, word in ipairs(words) do
		if word == value then
			return true
		end
	end
	return false
end

-- Splits a filter into flags for the call and what has to be asked of each object.
local function divide(name, filter)
	local described = spec.class(name)
	local properties, known = {}, {}
	for i, property in ipairs(described.properties) do
		properties[i], known[property.name] = property.name, property.type
	end
	local selected, rest = 0, {}
	for key, value in pairs(filter) do
		if not known[key] then
			errors.raise("invalid_arg", "Collection:each: a %s has no property '%s'%s It has: %s.", described.noun,
				tostring(key), suggest.hint(key, properties), table.concat(properties, ", "))
		end
		local choice = kinds[name].filter and kinds[name].filter[key]
		local words = spec.values[known[key]]
		if words and type(value) == "string" and not is_word(words, value) then
			errors.raise("invalid_arg", "Collection:each: '%s' of a %s is never '%s'%s It is one of: %s.", key, described.noun,
				value, suggest.hint(value, words), table.concat(words, ", "))
		end
		local flag = choice and (type(value) == "boolean" and choice[value and 1 or 2] or choice[value])
		if flag then
			selected = selected | flags[flag]
		else
			rest[key] = value
		end
	end
	return selected, rest
end

function methods.each(self, filter)
	local selected, rest = divide(rawget(self, CLASS), filter or {})
	local list = {}
	for _, object in ipairs(fetch(self, selected)) do
		local matches = true
		for key, value in pairs(rest) do
			matches = matches and object[key] == value
		end
		list[#list + 1] = matches and object or nil
	end
	return iterate(list)
end

function methods.where(self, predicate)
	local list = {}
	for _, object in ipairs(fetch(self)) do
		list[#list + 1] = predicate(object) and object or nil
	end
	return iterate(list)
end

function methods.list(self)
	return fetch(self)
end

class.install("Collection", metatable, methods)

function metatable.__len(self)
	methods.alive(self)
	return #fetch(self)
end

function metatable.__pairs(self)
	methods.alive(self)
	local list, i = fetch(self), 0
	return function()
		i = i + 1
		if list[i] then
			return objects.label(list[i]), list[i]
		end
	end
end

-- `for d in collection do` calls the collection, which is not what was meant.
function metatable.__call(self)
	methods.alive(self)
	errors.raise("invalid_arg", "A collection is not a function: go through it with `for d in collection:each() do`, or "
		.. "with `for name, d in pairs(collection) do`.")
end

function metatable.__tostring(self)
	local noun = spec.class(rawget(self, CLASS)).noun
	local ok, count = pcall(function()
		return #self
	end)
	if ok then
		return ("collection of %d %s%s"):format(count, noun, count == 1 and "" or "s")
	end
	return ("collection of %ss (%s)"):format(noun,
		errors.is(count, "no_support") and "which the driver has not" or "closed")
end

function metatable.__eq(a, b)
	return rawget(a, CLASS) == rawget(b, CLASS) and rawequal(rawget(a, CONN), rawget(b, CONN))
		and rawget(a, OWNER) == rawget(b, OWNER) and rawget(a, LIST) == rawget(b, LIST)
end

--- The objects of a class that a connection has; or, with `owner`, those that it has.
---@param list? string   the call that lists them, where it is not the kind's own
function M.of(name, conn, owner, list)
	return setmetatable({ [CLASS] = name, [CONN] = conn, [OWNER] = owner or nil, [LIST] = list or kinds[name].list },
		metatable)
end

--- The class of a collection's objects and its connection, for completion.
function M.class_of(self)
	return rawget(self, CLASS), rawget(self, CONN)
end

--- What names the objects, in no order, and what each is called, for completion. Raises what the handle raises.
---@param handle table   makes the call; see moonvisor.raw
---@return table[]
---@return fun(ref: table): string label_of
function M.references(self, handle)
	methods.alive(self)
	return references(self, nil, handle), label_of
end

return M
