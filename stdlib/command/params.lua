-- Typed parameters, { field =, type =, value = }, as virsh prints and takes them.

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

--- A line of virsh's: the name in a column, a colon, the text.
function M.line(name, text)
	return ("%-15s: %s\n"):format(name, text)
end

--- Prints parameters, a line each.
---@param words? fun(param: table): string   the text of a value that is not shown as it is
function M.show(ctl, params, words)
	local row, columns = {}, {}
	for i, param in ipairs(params) do
		row[param.field], columns[i] = param.value, param.field
	end
	ctl:records {
		rows = { row }, columns = columns, single = true,
		text = function(shown)
			for _, param in ipairs(shown[1] and params or {}) do
				ctl:print("%s", M.line(param.field, words and words(param) or M.text(param)))
			end
		end,
	}
end

--- Asks how many parameters there are, then for them.
---@param number_text string   said when the first call fails
---@param text string          said when the second fails
---@param ask fun(raw: table, count: integer): table   makes the call
---@return table params
function M.get(ctl, number_text, text, ask)
	local count = ask(ctl:attempt("%s", number_text), 0).nparams
	return count > 0 and ask(ctl:attempt("%s", text), count).params or {}
end

--- The parameters that options set.
---@param list table   of { option, type [, field] }
---@return table params
function M.given(opt, list)
	local params = {}
	for _, item in ipairs(list) do
		local value = opt[item[1]]
		if value ~= nil then
			params[#params + 1] = { field = item[3] or item[1], type = item[2], value = value }
		end
	end
	return params
end

return M
