-- Sizes: bytes, or text with a unit. The same rules as in specifications (engine/conf/size.c).

local errors = require "moonvisor.errors"

local M = {}

local powers = { k = 1, m = 2, g = 3, t = 4, p = 5 }

local function factor(unit)
	unit = unit:lower()
	if unit == "" or unit == "b" or unit == "bytes" then
		return 1
	end
	local power, rest = powers[unit:sub(1, 1)], unit:sub(2)
	if power and (rest == "" or rest == "ib") then
		return 1 << (10 * power)
	elseif power and rest == "b" then
		return math.tointeger(1000 ^ power)
	end
end

--- Bytes of a size; raises invalid_arg where it is none.
---@param size integer|string
---@return integer bytes
function M.bytes(size)
	if math.type(size) == "integer" or math.tointeger(size) and type(size) == "number" then
		if size < 0 then
			errors.raise("invalid_arg", "The size %d is negative.", size)
		end
		return math.tointeger(size)
	elseif type(size) ~= "string" then
		errors.raise("invalid_arg", 'A size is an integer in bytes, or a string like "512M", not %s.',
			type(size) == "number" and "the number " .. size or "a value of type " .. type(size))
	end
	local digits, unit = size:match "^%s*(%d+)%s*(%a*)$"
	if not digits then
		errors.raise("invalid_arg", "The size '%s' is not a whole number with a unit, like \"512M\".", size)
	end
	local times = factor(unit)
	if not times then
		errors.raise("invalid_arg", "The unit of the size '%s' is not known; units are K, M, G, T, P "
			.. "(or KiB, MiB, ...: times 1024; KB, MB, ...: times 1000).", size)
	end
	local count = math.tointeger(tonumber(digits))
	if not count or count > math.maxinteger // times then
		errors.raise("invalid_arg", "The size '%s' is more than 63 bits hold.", size)
	end
	return count * times
end

return M
