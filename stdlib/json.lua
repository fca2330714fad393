-- JSON, for specifications. A value that JSON cannot carry is refused, with the keys that lead to it.

local errors = require "moonvisor.errors"

local M = {}

local MAX_DEPTH = 64

local function key_path(path, key)
	if math.type(key) == "integer" then
		return ("%s[%d]"):format(path, key)
	elseif type(key) == "string" and key:find "^[%a_][%w_]*$" then
		return path == "" and key or path .. "." .. key
	end
	return ("%s[%s]"):format(path, type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local function refuse(path, format, ...)
	errors.raise("xml", "%s" .. format, path == "" and "" or path .. ": ", ...)
end

local escapes = {
	['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function encode_string(text, path)
	if not utf8.len(text) then
		refuse(path, "The text is not valid UTF-8.")
	elseif text:find("\0", 1, true) then
		refuse(path, "The text contains a NUL byte.")
	end
	return '"' .. text:gsub('[%c"\\]', function(c)
		return escapes[c] or ("\\u%04x"):format(c:byte())
	end) .. '"'
end

local function encode_number(value, path)
	if math.type(value) == "integer" then
		return ("%d"):format(value)
	elseif value ~= value or value == math.huge or value == -math.huge then
		refuse(path, "The number %s cannot be used here.", value)
	end
	return math.tointeger(value) and ("%d"):format(value) or ("%.17g"):format(value)
end

-- "list", "map" or "empty".
local function shape(value, path)
	local count, text = 0, nil
	for key in pairs(value) do
		if type(key) == "string" then
			text = key
		elseif math.type(key) == "integer" and key >= 1 then
			count = count + 1
		else
			refuse(path, "A key must be a name or count from 1, but one is %s.", tostring(key))
		end
	end
	if text and count > 0 then
		refuse(path, "A table is either a list or has names, but this one has both (the name '%s' and numbers).", text)
	end
	for i = 1, count do
		if value[i] == nil then
			refuse(path, "The list has a hole: there is no [%d].", i)
		end
	end
	return text and "map" or count > 0 and "list" or "empty"
end

local function sorted_keys(map)
	local keys = {}
	for key in pairs(map) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	return keys
end

local encode

local function encode_table(value, path, state)
	if state.open[value] then
		refuse(path, "The table contains itself.")
	elseif state.depth == MAX_DEPTH then
		refuse(path, "Tables are nested more than %d deep.", MAX_DEPTH)
	elseif getmetatable(value) ~= nil then
		refuse(path, "A plain table is expected, not an object.")
	end
	state.open[value], state.depth = true, state.depth + 1
	local kind, parts = shape(value, path), {}
	if kind == "empty" then
		kind = state.lists[path:match "[%w_]*$"] and "list" or "map"
	elseif kind == "list" then
		for i, item in ipairs(value) do
			parts[i] = encode(item, key_path(path, i), state)
		end
	else
		for i, key in ipairs(sorted_keys(value)) do
			local inner = key_path(path, key)
			parts[i] = encode_string(key, inner) .. ":" .. encode(value[key], inner, state)
		end
	end
	state.open[value], state.depth = nil, state.depth - 1
	return (kind == "list" and "[%s]" or "{%s}"):format(table.concat(parts, ","))
end

function encode(value, path, state)
	local kind = type(value)
	if kind == "string" then
		return encode_string(value, path)
	elseif kind == "number" then
		return encode_number(value, path)
	elseif kind == "boolean" then
		return tostring(value)
	elseif kind == "table" then
		return encode_table(value, path, state)
	end
	refuse(path, "A value of type %s cannot be used here.", kind)
end

--- JSON text of a value. Raises `xml` with the path of what cannot be encoded ("disks[1].target: ...").
---@param lists? table   names of the keys under which an empty table is a list
function M.encode(value, lists)
	return encode(value, "", { open = {}, depth = 0, lists = lists or {} })
end

local function bad(position, what)
	errors.raise("internal", "JSON, byte %d: %s.", position, what)
end

local unescape = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- A \u escape at `position`; surrogate pairs make one character.
local function decode_unicode(text, position)
	local high = tonumber(text:match("^\\u(%x%x%x%x)", position) or bad(position, "broken escape"), 16)
	if high < 0xd800 or high > 0xdbff then
		return utf8.char(high), position + 6
	end
	local low = tonumber(text:match("^\\u(%x%x%x%x)", position + 6) or bad(position, "half a character"), 16)
	return utf8.char(0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff)), position + 12
end

local function decode_string(text, position)
	local parts = {}
	position = position + 1
	while true do
		local stop = text:find('["\\]', position) or bad(position, "text without an end")
		parts[#parts + 1] = text:sub(position, stop - 1)
		if text:byte(stop) == 34 then
			return table.concat(parts), stop + 1
		end
		local letter = text:sub(stop + 1, stop + 1)
		if letter == "u" then
			parts[#parts + 1], position = decode_unicode(text, stop)
		else
			parts[#parts + 1] = unescape[letter] or bad(stop, "unknown escape")
			position = stop + 2
		end
	end
end

local literals = { ["true"] = true, ["false"] = false }
local decode

local function skip(text, position)
	return text:find("[^ \t\r\n]", position) or #text + 1
end

-- The members between brackets: calls member(position) for each, which returns the position after it.
local function decode_members(text, position, close, member)
	position = skip(text, position + 1)
	if text:sub(position, position) == close then
		return position + 1
	end
	while true do
		position = skip(text, member(position))
		local c = text:sub(position, position)
		if c == close then
			return position + 1
		elseif c ~= "," then
			bad(position, "a comma or the end is missing")
		end
		position = skip(text, position + 1)
	end
end

function decode(text, position, depth)
	local c = text:sub(position, position)
	if depth > MAX_DEPTH then
		bad(position, "nested too deep")
	elseif c == '"' then
		return decode_string(text, position)
	elseif c == "{" then
		local map = {}
		return map, decode_members(text, position, "}", function(at)
			local key
			key, at = decode_string(text, at)
			at = skip(text, at)
			map[key], at = decode(text, skip(text, at + 1), depth + 1)
			return at
		end)
	elseif c == "[" then
		local list = {}
		return list, decode_members(text, position, "]", function(at)
			list[#list + 1], at = decode(text, at, depth + 1)
			return at
		end)
	end
	local word = text:match("^[%w%.%+%-]+", position) or bad(position, "no value")
	local value = literals[word]
	if value == nil then
		value = tonumber(word)
	end
	if value == nil and word ~= "null" then
		bad(position, "no value")
	end
	return value, position + #word
end

--- The value of JSON text; null is nil. For text that the engine wrote.
function M.decode(text)
	local value, position = decode(text, skip(text, 1), 0)
	if skip(text, position) <= #text then
		bad(position, "something follows the value")
	end
	return value
end

return M
