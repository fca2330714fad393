-- What the parts of the generator share: errors with the place they are about, and small tools.
local M = {}

local where = {}
local function fail(fmt, ...)
	io.stderr:write("engine/conf/gen.lua: ", table.concat(where, ": "), #where > 0 and ": " or "", fmt:format(...), "\n")
	os.exit(1)
end
local function within(what, f, ...)
	where[#where + 1] = what
	f(...)
	where[#where] = nil
end

local function set(list)
	local s = {}
	for _, word in ipairs(list) do
		s[word] = true
	end
	return s
end

local function sorted_keys(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
	return keys
end

local function quote(text)
	return text and '"' .. text:gsub('[\\"]', "\\%0") .. '"' or "NULL"
end

M.fail, M.within, M.set, M.sorted_keys, M.quote = fail, within, set, sorted_keys, quote
return M
