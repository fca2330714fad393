-- Numbers as options take them. A parser takes the text and the option and returns the number, or nil and a second
-- message (or nil) that says more.

local M = {}

local LIMIT = { int = 0x7fffffff, uint = 0xffffffff }
local UNLIMITED = 9007199254740991 -- KiB: what libvirt shows for "no limit"

-- Digits with what C's strtoll() accepts before them. Returns negative, digits, the rest.
local function split(text)
	local sign, digits, rest = text:match "^[ \t\n\v\f\r]*([+-]?)(%d+)(.*)$"
	return sign == "-", digits, rest
end

-- The value of digits below 2^64 as an integer with the bits of an unsigned number; nil beyond.
local function unsigned(digits)
	digits = digits:gsub("^0+", "")
	if #digits > 20 or #digits == 20 and digits > "18446744073709551615" then
		return nil
	end
	local value = 0
	for digit in digits:gmatch "%d" do
		value = value * 10 + tonumber(digit)
	end
	return math.tointeger(value)
end

local function signed(text, low, high)
	local negative, digits, rest = split(text)
	local value = digits and rest == "" and unsigned(digits)
	if not value or value < 0 and not (negative and value == math.mininteger) then
		return nil
	end
	value = negative and -value or value
	return value >= low and value <= high and value or nil
end

function M.int(text)
	return signed(text, -LIMIT.int - 1, LIMIT.int)
end

function M.uint(text)
	return not text:find "^%s*%-" and signed(text, 0, LIMIT.uint) or nil
end

function M.ll(text)
	return signed(text, math.mininteger, math.maxinteger)
end

--- Unsigned, 64 bits: above 2^63 the integer is negative, as Lua shows these bits.
function M.ull(text)
	local negative, digits, rest = split(text)
	return digits and not negative and rest == "" and unsigned(digits) or nil
end

M.ul = M.ull

--- Seconds; gives milliseconds.
function M.timeout(text)
	local seconds = M.int(text)
	if not seconds or seconds < 1 or seconds > LIMIT.int // 1000 then
		return nil
	end
	return seconds * 1000
end

local powers = { k = 1, m = 2, g = 3, t = 4, p = 5, e = 6 }

--- The digits of an unsigned number.
function M.unsigned(value)
	if value >= 0 then
		return ("%d"):format(value)
	end
	local tens = (value >> 1) // 5
	return ("%d%d"):format(tens, value - tens * 10)
end

--- Applies a unit. Returns the product; nil and a message.
---@param value integer   unsigned
---@param suffix string   "", "b", "bytes", "k", "KiB", "KB", ...
---@param unit integer    what an empty suffix means
---@param limit? integer  the largest product, unsigned; default 2^64 - 1
function M.scale(value, suffix, unit, limit)
	local scale, lower = unit, suffix:lower()
	if lower == "b" or lower == "byte" or lower == "bytes" then
		scale = 1
	elseif suffix ~= "" then
		local letter, rest = lower:sub(1, 1), lower:sub(2)
		local base = (rest == "" or rest == "ib") and 1024 or rest == "b" and 1000
		if not base or not powers[letter] then
			return nil, ("invalid argument: unknown suffix '%s'"):format(suffix)
		end
		scale = base ^ powers[letter] // 1 | 0
	end
	if M.beyond(value, scale, limit or -1) then
		return nil, ("numerical overflow: value too large: %s%s"):format(M.unsigned(value), suffix)
	end
	return value * scale
end

--- Whether value * scale is above the limit; all unsigned.
function M.beyond(value, scale, limit)
	local quotient = limit >= 0 and limit // scale or ((limit >> 1) // scale) << 1
	if limit < 0 then -- unsigned division by hand: correct the last bit
		local rest = limit - quotient * scale
		quotient = quotient + (not math.ult(rest, scale) and 1 or 0)
	end
	return math.ult(quotient, value)
end

--- A number with a unit; gives bytes.
---@param text string
---@param option {unit: integer?, limit: integer?}
function M.scaled(text, option)
	local negative, digits, rest = split(text)
	local value = digits and not negative and unsigned(digits)
	if not value then
		return nil
	end
	return M.scale(value, rest, option.unit or 1, option.limit)
end

--- A memory limit, in KiB; -1 is none.
function M.limit(text)
	local negative, digits, rest = split(text)
	local value = digits and unsigned(digits)
	if not value then
		return nil
	elseif negative then
		return rest == "" and UNLIMITED or nil
	end
	local bytes, message = M.scale(value, rest, 1024, math.maxinteger)
	if not bytes then
		return nil, message
	end
	return (bytes + 1023) // 1024
end

return M
