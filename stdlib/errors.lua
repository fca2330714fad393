-- Raising structured errors from Lua: the same objects that the engine's errors become.

local core = require "moonvisor.core"

local M = {}

--- Raises an error with this code; the rest is a format and its values, making a whole sentence.
---@param code string   one of spec.errors
function M.raise(code, format, ...)
	-- Level 0 would add nothing: an object carries no position. The traceback has it.
	error(M.new(code, format, ...), 0)
end

--- An error object, not raised.
function M.new(code, format, ...)
	return core.error { code = code, message = string.format(format, ...) }
end

--- Whether a value is an error object, and has this code if one is given.
function M.is(value, code)
	return type(value) == "table" and getmetatable(value) == core.error_metatable
		and (code == nil or value.code == code)
end

return M
