-- Values as text for people: tables laid out, with limits.

local M = {}

local DEPTH, ITEMS = 4, 100

local colours = { string = "32", number = "36", boolean = "35", ["nil"] = "35", other = "33" }
local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
	.. "until while"):gmatch "%a+" do
	keywords[word] = true
end

local function paint(state, kind, text)
	return state.colour and ("\27[%sm%s\27[0m"):format(colours[kind] or colours.other, text) or text
end

local letters = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }
local function quoted(text)
	text = text:gsub('[%c"\\]', function(c)
		return letters[c] or ("\\%03d"):format(c:byte())
	end)
	if not utf8.len(text) then
		text = text:gsub("[\128-\255]", function(c)
			return ("\\x%02x"):format(c:byte())
		end)
	end
	return '"' .. text .. '"'
end

-- tostring() that cannot fail.
local function described(value)
	local known = type(value) == "function" and package.loaded["moonvisor.class"]
	known = known and known.described[value]
	if known then -- of the API: what it is, not where
		return ("function %s%s%s()"):format(known.class.name, known.class.module and "." or ":", known.method.name)
	end
	local ok, text = pcall(tostring, value)
	return ok and text or ("%s that cannot be shown (%s)"):format(type(value), tostring(text))
end

local order = { number = 1, string = 2, boolean = 3 }
local function sorted_keys(value)
	local keys = {}
	for key in next, value do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		local ta, tb = order[type(a)] or 4, order[type(b)] or 4
		if ta ~= tb then
			return ta < tb
		elseif ta <= 2 then
			return a < b
		end
		return described(a) < described(b)
	end)
	return keys
end

local format

local function key_text(key, state)
	if type(key) == "string" and key:find "^[%a_][%w_]*$" and not keywords[key] then
		return key
	end
	return "[" .. (format(key, state, 0, math.huge)) .. "]"
end

-- Entries of a table as text: those of the list without keys.
local function entries(value, state, depth)
	local list, shown, width = {}, 0, 2
	local keys = sorted_keys(value)
	for i, key in ipairs(keys) do
		if shown == ITEMS then
			list[#list + 1] = ("... and %d more"):format(#keys - shown)
			break
		end
		shown = shown + 1
		local text, plain = format(rawget(value, key), state, depth + 1, #list + 1)
		if key ~= i then
			local name = key_text(key, state)
			text, plain = name .. " = " .. text, plain + #name + 3
		end
		list[#list + 1] = text
		width = width + plain + 2
		if text:find "\n" then
			width = math.huge
		end
	end
	return list, width
end

local function format_table(value, state, depth)
	if state.open[value] then
		return "<itself, further up>", 20
	elseif next(value) == nil then
		return "{}", 2
	elseif depth >= state.depth then
		return "{...}", 5
	end
	state.open[value] = true
	local list, width = entries(value, state, depth)
	state.open[value] = nil
	local indent = ("  "):rep(depth)
	if width + #indent <= state.width then
		return "{ " .. table.concat(list, ", ") .. " }", width
	end
	return "{\n" .. indent .. "  " .. table.concat(list, ",\n" .. indent .. "  ") .. "\n" .. indent .. "}", math.huge
end

-- Returns the text and how wide it is without colours.
function format(value, state, depth)
	local kind = type(value)
	if kind == "table" and not (getmetatable(value) and debug.getmetatable(value).__tostring) then
		return format_table(value, state, depth)
	end
	local text = kind == "string" and quoted(value) or described(value)
	if kind ~= "string" and text:find "\n" then -- a page of text, like help's: as it is
		return text, math.huge
	end
	return paint(state, kind, text), #text
end

--- Text of a value.
---@param options? {colour: boolean, depth: integer, width: integer}   depth: of tables in tables, 4; width: columns, 80
function M.format(value, options)
	options = options or {}
	local state = { colour = options.colour, depth = options.depth or DEPTH, width = options.width or 80, open = {} }
	return (format(value, state, 0))
end

return M
