-- Typed parameters, { field =, type =, value = }, as virsh prints them.

local M = {}

--- The text of a parameter's value; a truth value is yes or no.
---@param param table
---@return string
function M.text(param)
	local value = param.value
	if type(value) == "boolean" then
		return value and "yes" or "no"
	elseif param.type == "ullong" then
		return require("moonvisor.command.number").unsigned(value)
	elseif param.type == "double" then
		return ("%f"):format(value)
	end
	return tostring(value)
end

--- The text where virsh has its library write it: a truth value is a number.
---@param param table
---@return string
function M.raw_text(param)
	if type(param.value) == "boolean" then
		return param.value and "1" or "0"
	elseif param.type == "double" then
		return ("%g"):format(param.value)
	end
	return M.text(param)
end

--- The values by name.
---@param params table[]
---@return table
function M.by_name(params)
	local values = {}
	for _, param in ipairs(params) do
		values[param.field] = param.value
	end
	return values
end

return M
