-- The expression of --where: Lua, with the keys of a record as variables.
--
--   --where 'state == "running" and memory > "1G"'
--
-- A number compared with a text that is a size compares with its bytes. What a record does not have is nil.

local size = require "moonvisor.size"

local M = {}

-- Bytes of a text that is a size; nil for other texts and values.
local function bytes(value)
	if type(value) ~= "string" or not value:find "^%s*%d" then
		return nil
	end
	local ok, number = pcall(size.bytes, value)
	return ok and number or nil
end

-- Runs a function while numbers and texts can be compared. Texts have one metatable, which is as it was afterwards.
local function comparing(fn, ...)
	local strings = getmetatable ""
	local lt, le = strings.__lt, strings.__le
	local function operands(a, b)
		local left, right = type(a) == "string" and bytes(a) or a, type(b) == "string" and bytes(b) or b
		if type(left) ~= "number" or type(right) ~= "number" then
			error(("%s cannot be compared with %s"):format(tostring(a), tostring(b)), 0)
		end
		return left, right
	end
	strings.__lt = function(a, b)
		a, b = operands(a, b)
		return a < b
	end
	strings.__le = function(a, b)
		a, b = operands(a, b)
		return a <= b
	end
	local result = table.pack(pcall(fn, ...))
	strings.__lt, strings.__le = lt, le
	return table.unpack(result, 1, result.n)
end

-- == and ~= never ask a metatable when the types differ: a size beside the name of a number becomes a number here.
local function equal_sizes(text, numeric)
	local function number_of(name, quoted)
		return numeric[name] and bytes(quoted)
	end
	for _, quote in ipairs { '"', "'" } do
		text = text:gsub("([%a_][%w_]*)(%s*[=~]=%s*)" .. quote .. "([^\"'\n]*)" .. quote, function(name, op, quoted)
			local number = number_of(name, quoted)
			return number and name .. op .. number or nil
		end)
		text = text:gsub(quote .. "([^\"'\n]*)" .. quote .. "(%s*[=~]=%s*)([%a_][%w_]*)", function(quoted, op, name)
			local number = number_of(name, quoted)
			return number and number .. op .. name or nil
		end)
	end
	return text
end

local library = {
	math = math, string = string, tonumber = tonumber, tostring = tostring, type = type, size = size.bytes,
}

--- The rows for which the expression is true. Returns nil and a message when it is wrong.
---@param text string
---@param columns string[]   the keys that a record can have; another name is an error
---@param rows table[]
function M.filter(text, columns, rows)
	local known, numeric = {}, {}
	for _, name in ipairs(columns) do
		known[name] = true
	end
	for _, row in ipairs(rows) do
		for key, value in pairs(row) do
			numeric[key] = numeric[key] or type(value) == "number"
			known[key] = true
		end
	end
	local current
	local environment = setmetatable({}, {
		__index = function(_, name)
			if known[name] then
				return current[name]
			end
			return library[name] or error({ name }, 0)
		end,
		__newindex = function(_, name)
			error(("'%s' cannot be set here"):format(name), 0)
		end,
	})
	local test, message = load("return " .. equal_sizes(text, numeric), "=--where", "t", environment)
	if not test then
		local number = message:match "malformed number near '(%d[%w.]*)'"
		return nil, message:gsub("^%-%-where:%d+: ", "")
			.. (number and bytes(number) and ("; a size stands in quotes: \"%s\""):format(number) or "")
	end
	local function unknown(name)
		return ("there is no column '%s'%s The columns are: %s"):format(name,
			require("moonvisor.suggest").hint(name, columns), table.concat(columns, ", "))
	end
	if #rows == 0 then -- a wrong name is wrong also where there is nothing yet
		current = {}
		local ok, problem = comparing(test)
		if not ok and type(problem) == "table" then
			return nil, unknown(problem[1])
		end
	end
	local kept = {}
	for _, row in ipairs(rows) do
		current = row
		local ok, yes = comparing(test)
		if not ok then
			if type(yes) == "table" then
				return nil, unknown(yes[1])
			end
			return nil, (tostring(yes):gsub("^%-%-where:%d+: ", ""))
		elseif yes then
			kept[#kept + 1] = row
		end
	end
	return kept
end

return M
