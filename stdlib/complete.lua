-- Completion at the prompt: keywords and globals, fields of tables, properties and methods of objects, keys of
-- collections, and what methods return, as far as their descriptions tell.
-- It looks, and never acts: no function of the user's is called, and of a connection only what it lists is asked.

local class = require "moonvisor.class"

local M = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
	.. "until while"):gmatch "%a+" do
	keywords[#keywords + 1] = word
end

-- Properties whose value may be looked at: reading them costs nothing and changes nothing.
local readable = {
	Domain = { spec = true },
}

-- Stands for an object of which only the class is known.
local Some = {}

local function some(name)
	return name and setmetatable({ class = name }, Some) or nil
end

local function class_of(value)
	if getmetatable(value) == Some then
		return value.class
	end
	return class.of(value)
end

local function described(list, name)
	for _, item in ipairs(list) do
		if item.name == name then
			return item
		end
	end
end

-- The class that a description's type names, or nil.
local function class_named(name)
	local ok = pcall(class.description, name)
	return ok and name or nil
end

-- --- the text before the word ----------------------------------------------------------------------------------------

-- Arguments of a call at the end of a text: returns what is before them.
local function without_arguments(text)
	return text:match "^(.*)%b()%s*$" or text:match '^(.*[%w_%s])"[^"]*"%s*$' or text:match "^(.*[%w_%s])'[^']*'%s*$"
		or text:match "^(.*[%w_%s])%b{}%s*$"
end

-- The last key or call of a text: what is before it, and { key = } or { method = }.
local function last_step(text)
	local rest, key = text:match '^(.*)%[%s*"([^"]*)"%s*%]$'
	if not rest then
		rest, key = text:match "^(.*)%[%s*'([^']*)'%s*%]$"
	end
	if not rest then
		rest, key = text:match "^(.*)%[%s*(%d+)%s*%]$"
		key = math.tointeger(tonumber(key))
	end
	if not rest then
		rest, key = text:match "^(.*)%.%s*([%a_][%w_]*)$"
	end
	if rest then
		return rest, { key = key }
	end
	local called = without_arguments(text)
	if called then
		rest, key = called:match "^(.*)[.:]%s*([%a_][%w_]*)%s*$"
		return rest, { method = key }
	end
end

-- The path that ends `text`: a name and, from the second on, { key = } or { method = }. "x = conn.domains.web1" ->
-- { "conn", { key = "domains" }, { key = "web1" } }
local function path_of(text)
	local steps = {}
	while true do
		local rest, step = last_step(text)
		if not rest then
			local base = text:match "[%a_][%w_]*$"
			if not base or text:sub(1, #text - #base):find "[.:]$" then
				return nil
			end
			table.insert(steps, 1, base)
			return steps
		end
		table.insert(steps, 1, step)
		text = rest
	end
end

-- --- values ----------------------------------------------------------------------------------------------------------

-- A table's field without calling anything.
local function raw_field(value, key)
	for _ = 1, 20 do
		if type(value) ~= "table" then
			return nil
		end
		local found = rawget(value, key)
		if found ~= nil then
			return found
		end
		local metatable = debug.getmetatable(value)
		value = metatable and rawget(metatable, "__index")
	end
end

-- What names the objects of a collection that begin with a prefix, or nil where it is not known (in time). There may be
-- others among them.
local function references(collection, prefix)
	local module = require "moonvisor.collection"
	local _, conn = module.class_of(collection)
	local ok, list, label = pcall(function()
		return module.references(collection, require("moonvisor.look").matching(conn, prefix))
	end)
	if ok then
		return list, label
	end
	return nil, nil, require("moonvisor.look").slow(list)
end

local function member_of(collection, key)
	local name, conn = require("moonvisor.collection").class_of(collection)
	local list, label, slow = references(collection, key)
	for _, ref in ipairs(list or {}) do
		if label(ref) == key then
			return require("moonvisor.objects").new(name, conn, ref)
		end
	end
	return slow and some(name) or nil
end

local function property_of(value, name, key)
	local property = described(class.description(name).properties, key)
	if not property then
		return nil
	elseif getmetatable(value) ~= Some and (property.type == "Collection" or property.type == "Connection"
		or readable[name] and readable[name][key]) then
		local ok, found = pcall(function()
			return value[key]
		end)
		return ok and found or nil
	end
	return some(class_named(property.type))
end

-- What a method or function of the API returns, by its description.
local function result_of(value, name, method)
	local owner, found = name and class.description(name), nil
	if owner then
		found = described(owner.methods, method)
	elseif class.described[raw_field(value, method)] then
		found = class.described[raw_field(value, method)].method
	end
	local result = found and found.returns[1]
	return result and some(class_named(result.type))
end

local function take_step(value, step)
	local name = class_of(value)
	if step.method then
		return result_of(value, name, step.method)
	elseif not name then
		return raw_field(value, step.key)
	elseif name == "Collection" then
		return type(step.key) == "string" and getmetatable(value) ~= Some and member_of(value, step.key) or nil
	end
	return property_of(value, name, step.key)
end

-- Where names without a table before them are looked up: the globals, and before them those of M.locals().
local function root_value(name)
	for key, value in pairs(M.locals and M.locals() or {}) do
		if key == name then
			return value
		end
	end
	return raw_field(_G, name)
end

local function value_of(path)
	local value = root_value(path[1])
	for i = 2, #path do
		if value == nil then
			return nil
		end
		value = take_step(value, path[i])
	end
	return value
end

local function is_name(key)
	return type(key) == "string" and key:find "^[%a_][%w_]*$"
end

local function collection_keys(collection, prefix, add)
	if getmetatable(collection) ~= Some then
		local list, label = references(collection, prefix)
		for _, ref in ipairs(list or {}) do
			add(label(ref))
		end
	end
end

-- Calls add(name, is_function) for what can follow `value` and a dot or colon. Who only begins with something else may
-- be left out.
local function members(value, colon, prefix, add)
	local name = class_of(value)
	if name then
		local about = class.description(name)
		if name == "Collection" and not colon then -- its methods have a colon, its keys are what is wanted here
			return collection_keys(value, prefix, add)
		end
		for _, method in ipairs(about.methods or {}) do
			add(method.name, true)
		end
		for _, property in ipairs(colon and {} or about.properties) do
			add(property.name)
		end
		return
	end
	if type(value) == "string" then
		value = string
	end
	for _ = 1, 20 do
		if type(value) ~= "table" then
			return
		end
		for key, field in next, value do
			if not colon or type(field) == "function" then
				add(key, type(field) == "function")
			end
		end
		local metatable = debug.getmetatable(value)
		value = metatable and rawget(metatable, "__index")
	end
end

--- What can stand for `word`.
---@param before string   the line up to the word
---@param word string     its letters so far
---@return string[]
function M.complete(before, word)
	local seen, list, calls = {}, {}, {}
	local function add(name, is_function)
		if type(name) == "string" and name:sub(1, #word) == word and not seen[name] then
			seen[name], calls[name] = true, is_function
			list[#list + 1] = name
		end
	end
	local function add_name(name, is_function)
		if is_name(name) then
			add(name, is_function)
		end
	end
	local object, separator = before:match "^(.-)%s*([.:])%s*$"
	local container, quote = before:match "^(.*)%[%s*([\"'])[^\"']*$"
	if separator and before:find "%.%.%s*$" then -- the operator .., after which anything goes
		object, separator = nil, nil
	end
	if container then
		-- The rest of a key that has dashes or dots in it: the word is only its last part.
		local start = before:match "[\"']([^\"']*)$"
		local value = value_of(path_of(container) or {})
		local wanted = start .. word
		local function add_key(name)
			if type(name) == "string" and name:sub(1, #wanted) == wanted then
				add(name:sub(#start + 1))
			end
		end
		if class_of(value) == "Collection" then
			collection_keys(value, wanted, add_key)
		elseif type(value) == "table" then
			members(value, false, wanted, add_key)
		end
		if #list == 1 then
			list[1] = list[1] .. quote .. "]"
		end
		return list
	elseif separator then
		local keys = path_of(object)
		local value = keys and value_of(keys)
		if value ~= nil then
			members(value, separator == ":", word, add_name)
		end
	elseif word ~= "" or not before:find "%S" then
		for name, value in pairs(M.locals and M.locals() or {}) do
			add_name(name, type(value) == "function")
		end
		members(_G, false, word, add_name)
		for _, keyword in ipairs(keywords) do
			add(keyword)
		end
	end
	table.sort(list)
	if #list == 1 and calls[list[1]] then
		list[1] = list[1] .. "("
	end
	return list
end

return M
