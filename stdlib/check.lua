-- Argument checks, made of the descriptions in bindings/spec.lua.

local errors = require "moonvisor.errors"
local size = require "moonvisor.size"
local spec = require "moonvisor.spec"
local suggest = require "moonvisor.suggest"

local M = {}

local function shown(value)
	if type(value) == "string" then
		return ("the string %q"):format(#value > 40 and value:sub(1, 40) .. "..." or value)
	elseif type(value) == "number" or type(value) == "boolean" then
		return ("the %s %s"):format(type(value), value)
	elseif value == nil then
		return "nil"
	end
	local tag = getmetatable(value)
	if type(tag) == "string" and tag:find "^moonvisor%." then
		return "a " .. tag:match "%.(.*)"
	end
	return "a value of type " .. type(value)
end

local function lua_type(name, article)
	return function(value)
		if type(value) ~= name then
			return nil, ("must be %s %s, not %s"):format(article, name, shown(value))
		end
		return value
	end
end

-- Each returns the value to use, or nil and what is wrong with it.
local checkers = {
	string = lua_type("string", "a"),
	boolean = lua_type("boolean", "a"),
	table = lua_type("table", "a"),
	["function"] = lua_type("function", "a"),
	spec = lua_type("table", "a"),
	path = function(value)
		if type(value) ~= "string" or value == "" or value:find "\0" then
			return nil, ("must be a path, not %s"):format(shown(value))
		end
		return value
	end,
	any = function(value)
		return value
	end,
	condition = function(value) -- stdlib/condition.lua looks closer
		if type(value) ~= "string" and type(value) ~= "table" then
			return nil, ("must be a state, another condition, or a table of them, not %s"):format(shown(value))
		end
		return value
	end,
	size = function(value)
		local ok, result = pcall(size.bytes, value)
		if not ok then
			return nil, "is wrong: " .. tostring(result):gsub("%.$", "")
		end
		return result
	end,
	seconds = function(value)
		if type(value) ~= "number" or value ~= value or value < 0 then
			return nil, ("must be seconds, a number of at least 0, not %s"):format(shown(value))
		end
		return value
	end,
}

local function one_of(kind)
	local allowed = spec.values[kind]
	return function(value)
		for _, word in ipairs(allowed) do
			if value == word then
				return value
			end
		end
		return nil, ("cannot be %s%s It is one of: %s"):format(shown(value), suggest.hint(value, allowed),
			table.concat(allowed, ", "))
	end
end
for kind in pairs(spec.values) do
	checkers[kind] = one_of(kind)
end

local function integer(value)
	local number = math.type(value) and math.tointeger(value)
	if not number then
		return nil, ("must be an integer, not %s"):format(shown(value))
	end
	return number
end
checkers.integer = integer

function checkers.stats_types(value)
	if type(value) ~= "string" and type(value) ~= "table" then
		return integer(value)
	end
	local known = require("moonvisor.forms").stats_groups
	for _, name in ipairs(type(value) == "table" and value or { value }) do
		local found
		for _, group in ipairs(known) do
			found = found or group == name
		end
		if not found then
			return nil, ("cannot be %s%s It is one of: %s, or a list of them"):format(shown(name),
				suggest.hint(name, known), table.concat(known, ", "))
		end
	end
	return value
end

function checkers.number(value)
	if type(value) ~= "number" then
		return nil, ("must be a number, not %s"):format(shown(value))
	end
	return value
end

function checkers.xml(value)
	if type(value) ~= "string" or not value:find "<" then
		return nil, ("must be XML, not %s"):format(shown(value))
	end
	return value
end

function checkers.cpuset(value)
	if type(value) == "string" and value:find "^[%d%-,^%s]+$" then
		return value
	elseif type(value) == "table" then
		for _, cpu in ipairs(value) do
			if not integer(cpu) or cpu < 0 then
				return nil, "must be a list of CPU numbers"
			end
		end
		return value
	end
	return nil, ('must be CPUs like "0-3,8", or a list of numbers, not %s'):format(shown(value))
end

-- XML or a table, of which a wrong key is found when it becomes XML; or, where that is enough, a name.
local function configuration(kind)
	local named = kind == "snapshot_conf" or kind == "checkpoint_conf"
	return function(value)
		if type(value) ~= "table" and not (type(value) == "string" and (value:find "<" or named)) then
			return nil, ("must be XML or a table, not %s"):format(shown(value))
		end
		return value
	end
end
for kind in pairs(spec.types) do
	if kind:find "_conf$" or kind == "device_xml" then
		checkers[kind] = configuration(kind)
	end
end

-- An object of a class of ours.
local function object_of(class)
	return function(value)
		if getmetatable(value) ~= "moonvisor." .. class then
			return nil, ("must be a %s, not %s"):format(class, shown(value))
		end
		return value
	end
end
setmetatable(checkers, {
	__index = function(_, kind)
		return spec.class(kind) and object_of(kind)
	end,
})

local function names(list)
	local result = {}
	for i, item in ipairs(list) do
		result[i] = item.name
	end
	return result
end

local function check_options(who, options, given)
	local result, known = {}, {}
	for _, option in ipairs(options) do
		known[option.name] = true
		result[option.name] = option.default
		local value = given[option.name]
		if value ~= nil then
			local good, why = checkers[option.type](value)
			if why then
				errors.raise("invalid_arg", "%s: the option '%s' %s.", who, option.name, why)
			end
			result[option.name] = good
		end
	end
	for key in pairs(given) do
		if not known[key] then
			errors.raise("invalid_arg", "%s: there is no option %s%s The options are: %s.", who,
				type(key) == "string" and "'" .. key .. "'" or shown(key), suggest.hint(key, names(options)),
				table.concat(names(options), ", "))
		end
	end
	return result
end

-- Whether a table in the place of a parameter that may be left out is the parameter, not the options: it is a list, or,
-- where a description is taken, names none of the options.
local function is_parameter(param, options, given)
	if param.type == "table" then
		return given[1] ~= nil
	elseif not param.type:find "_conf$" or next(given) == nil then
		return false
	end
	local known = {}
	for _, option in ipairs(options) do
		known[option.name] = true
	end
	for key in pairs(given) do
		if known[key] then
			return false
		end
	end
	return true
end

-- Options may come right after the required parameters: vm:expect("x", { plain = true }).
local function options_index(params, options, args, count)
	if not options or count == 0 or count > #params + 1 or type(args[count]) ~= "table" then
		return nil
	end
	local param = params[count]
	if param and (not (param.optional or param.default ~= nil) or is_parameter(param, options, args[count])) then
		return nil
	end
	return count
end

--- Makes the function that checks the arguments of a method: it takes them, and returns them with defaults filled in,
--- and the options, all of them, as the last one.
---@param who string      for messages: "Domain:start"
---@param method table    its description
function M.arguments(who, method)
	local params, options = method.params, method.options
	for _, param in ipairs(params) do
		assert(checkers[param.type], param.type)
	end
	return function(...)
		local args, count = { ... }, select("#", ...)
		local at = options_index(params, options, args, count)
		local given = at and args[at] or {}
		if at then
			args[at] = nil
			count = count - 1
		end
		local most = #params
		if most > 1 and params[1].leading and count == most - 1 then
			table.move(args, 1, count, 2)
			args[1], count = nil, most
		end
		local nil_options = options and count == most + 1 and args[count] == nil
		if count > most and not nil_options then
			errors.raise("invalid_arg", "%s: %d %s given, at most %d %s taken%s.", who, count,
				count == 1 and "argument is" or "arguments are", most, most == 1 and "is" or "are",
				options and " besides a table of options" or "")
		end
		for i, param in ipairs(params) do
			if args[i] == nil and (param.optional or param.default ~= nil) then
				args[i] = param.default
			else
				local good, why = checkers[param.type](args[i])
				if why or good == nil then
					errors.raise("invalid_arg", "%s: the parameter '%s' %s.", who, param.name,
						why or "must not be nil")
				end
				args[i] = good
			end
		end
		if options then
			args[most + 1] = check_options(who, options, given)
			most = most + 1
		end
		return table.unpack(args, 1, most)
	end
end

return M
