-- Completion at the prompt: keywords and globals, fields of tables, properties and methods of objects, keys of
-- collections.
-- It looks, and never acts: no function of the user's is called.

local class = require "moonvisor.class"

local M = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
	.. "until while"):gmatch "%a+" do
	keywords[#keywords + 1] = word
end

-- Properties whose value may be looked at: reading them costs nothing and changes nothing.
local readable = {
	Domain = { conn = true, spec = true },
}

local function may_read(name, key)
	if name == "Collection" then
		return type(key) == "string"
	elseif readable[name] and readable[name][key] then
		return true
	end
	for _, property in ipairs(class.description(name).properties) do
		if property.name == key then
			return property.type == "Collection"
		end
	end
end

-- The path that ends `text`: a global's name and keys. "x = conn.domains.web1" -> { "conn", "domains", "web1" }
local function path_of(text)
	local keys = {}
	while true do
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
		if not rest then
			local base = text:match "[%a_][%w_]*$"
			if not base or text:sub(1, #text - #base):find "[.:]$" then
				return nil
			end
			table.insert(keys, 1, base)
			return keys
		end
		table.insert(keys, 1, key)
		text = rest
	end
end

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

local function step(value, key)
	local name = class.of(value)
	if not name then
		return raw_field(value, key)
	elseif may_read(name, key) then
		local ok, found = pcall(function()
			return value[key]
		end)
		return ok and found or nil
	end
end

local function value_of(keys)
	local value = raw_field(_G, keys[1])
	for i = 2, #keys do
		if value == nil then
			return nil
		end
		value = step(value, keys[i])
	end
	return value
end

local function is_name(key)
	return type(key) == "string" and key:find "^[%a_][%w_]*$"
end

local function collection_keys(collection, add)
	local ok, names = pcall(require("moonvisor.collection").names, collection)
	for _, name in ipairs(ok and names or {}) do
		add(name)
	end
end

-- Calls add(name, is_function) for what can follow `value` and a dot or colon.
local function members(value, colon, add)
	local name = class.of(value)
	if name then
		local described = class.description(name)
		if name == "Collection" and not colon then -- its methods have a colon, its keys are what is wanted here
			return collection_keys(value, add)
		end
		for _, method in ipairs(described.methods) do
			add(method.name, true)
		end
		for _, property in ipairs(colon and {} or described.properties) do
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
		if class.of(value) == "Collection" then
			collection_keys(value, add_key)
		elseif type(value) == "table" then
			members(value, false, add_key)
		end
		if #list == 1 then
			list[1] = list[1] .. quote .. "]"
		end
		return list
	elseif separator then
		local keys = path_of(object)
		local value = keys and value_of(keys)
		if value ~= nil then
			members(value, separator == ":", add_name)
		end
	elseif word ~= "" or not before:find "%S" then
		members(_G, false, add_name)
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
