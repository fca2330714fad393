-- JSON text in the form in which libvirt prints it: members in their order, numbers as they were written, two spaces a
-- level. Unlike moonvisor.json it makes no values of it, and it is strict: the text comes from a guest or a user.

local M = {}

local MAX_DEPTH = 200

local escapes = {
	['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}
local letters = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function bad(at, what)
	error({ json = ("byte %d: %s"):format(at, what) }, 0)
end

--- Text in quotes, escaped as libvirt does.
function M.quote(text)
	return '"' .. text:gsub('[%z\1-\31"\\]', function(c)
		return escapes[c] or ("\\u%04X"):format(c:byte())
	end) .. '"'
end

-- The escape \uXXXX at `at`; two that stand for one character are taken together.
local function unicode(text, at)
	local high = tonumber(text:match("^\\u(%x%x%x%x)", at) or bad(at, "a broken escape"), 16)
	if high < 0xd800 or high > 0xdfff then
		return utf8.char(high), at + 6
	end
	local low = high < 0xdc00 and text:match("^\\u(%x%x%x%x)", at + 6)
	low = low and tonumber(low, 16)
	if not low or low < 0xdc00 or low > 0xdfff then
		bad(at, "half a character")
	end
	return utf8.char(0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff)), at + 12
end

-- The text that begins with a quote at `at`, as JSON again, and where it ends.
local function string_at(text, at)
	local parts = {}
	at = at + 1
	while true do
		local stop = text:find('[%z\1-\31"\\]', at) or bad(at, "text without an end")
		parts[#parts + 1] = text:sub(at, stop - 1)
		local c = text:sub(stop, stop)
		if c == '"' then
			local value = table.concat(parts)
			return utf8.len(value) and M.quote(value) or bad(at, "text that is not UTF-8"), stop + 1
		elseif c ~= "\\" then
			bad(stop, "a control character in text")
		end
		local letter = text:sub(stop + 1, stop + 1)
		if letter == "u" then
			parts[#parts + 1], at = unicode(text, stop)
		else
			parts[#parts + 1], at = letters[letter] or bad(stop, "an unknown escape"), stop + 2
		end
	end
end

local function skip(text, at)
	return text:find("[^ \t\r\n]", at) or #text + 1
end

local words = { ["true"] = true, ["false"] = true, ["null"] = true }

local function scalar(text, at)
	local word = text:match("^[%w%.%+%-]+", at) or bad(at, "no value")
	local whole, rest = word:match "^%-?(%d+)(.*)$"
	local number = whole and (whole == "0" or not whole:find "^0")
		and (rest:gsub("^%.%d+", "", 1):gsub("^[eE][+-]?%d+$", "", 1) == "")
	return (words[word] or number) and word or bad(at, "no value"), at + #word
end

local value

-- The members between brackets; member(at) gives the text of one and where it ends.
local function members(text, at, close, state, member)
	local open, parts = text:sub(at, at), {}
	at = skip(text, at + 1)
	state.depth = state.depth < MAX_DEPTH and state.depth + 1 or bad(at, "nested too deep")
	local inner = state.pretty and "\n" .. ("  "):rep(state.depth) or ""
	if text:sub(at, at) ~= close then
		while true do
			parts[#parts + 1], at = member(at)
			at = skip(text, at)
			local c = text:sub(at, at)
			if c == close then
				break
			elseif c ~= "," then
				bad(at, "a comma or the end is missing")
			end
			at = skip(text, at + 1)
		end
	end
	state.depth = state.depth - 1
	local outer = state.pretty and "\n" .. ("  "):rep(state.depth) or ""
	local first = #parts > 0 and inner or state.pretty and "\n" or ""
	return open .. first .. table.concat(parts, "," .. inner) .. outer .. close, at + 1
end

function value(text, at, state)
	local c = text:sub(at, at)
	if c == '"' then
		return string_at(text, at)
	elseif c == "[" then
		return members(text, at, "]", state, function(from)
			return value(text, from, state)
		end)
	elseif c ~= "{" then
		return scalar(text, at)
	end
	local top = state.depth == 0
	return members(text, at, "}", state, function(from)
		if text:sub(from, from) ~= '"' then
			bad(from, "a key must be text")
		end
		local key, item
		key, from = string_at(text, from)
		from = skip(text, from)
		if text:sub(from, from) ~= ":" then
			bad(from, "a colon is missing")
		end
		local depth = state.depth
		if top and key == state.pick then -- it will stand alone
			state.depth = 0
		end
		item, from = value(text, skip(text, from + 1), state)
		state.depth = depth
		if top and key == state.pick then
			state.picked = item
		end
		return key .. (state.pretty and ": " or ":") .. item, from
	end)
end

--- The text, printed again. nil and what is wrong with it, when it is no JSON.
---@param pretty? boolean   on several lines, with a newline at the end
---@param member? string    only this member of the object; nil, nil when there is none
---@return string? text, string? wrong
function M.reformat(text, pretty, member)
	local state = { depth = 0, pretty = pretty, pick = member and M.quote(member) }
	local ok, result, at = pcall(value, text, skip(text, 1), state)
	if ok and skip(text, at) <= #text then
		ok, result = false, { json = ("byte %d: something follows the value"):format(at) }
	end
	if not ok then
		return nil, type(result) == "table" and result.json or error(result, 0)
	end
	if member then
		result = state.picked
	end
	return result and result .. (pretty and "\n" or ""), nil
end

return M
