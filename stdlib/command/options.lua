-- The options of a command as its `run` function gets them, and the options that every command has.
--
-- `opt.name` is the value, with `_` for each `-` of the name: true for a flag, text, a number, a list of texts for the
-- further words (argv), nil when it is not given. A value is looked at when it is first used, so that a wrong number in
-- an option that does not matter is no error, as with virsh. A wrong one ends the command with virsh's message.

local number = require "moonvisor.command.number"

local M = {}

local function find(command, name)
	for _, option in ipairs(command.options) do
		if option.name == name and not option.alias_of then
			return option
		end
	end
end

-- Whether what is given to the option is a flag's or text.
local function value_of(ctl, option, text)
	if option.kind == "bool" or option.kind == "argv" then
		return text
	elseif text == "" and not option.empty_ok then
		ctl:fail("Failed to get option '%s': Option argument is empty", option.name)
	elseif option.kind ~= "int" then
		return text
	end
	return M.number(ctl, option, text)
end

--- A number of a text, as the option wants it, or a failure with virsh's message.
---@param option table   { name =, number =, unit = }
function M.number(ctl, option, text)
	local kind = option.number or "int"
	local value, why = number[kind](text, option)
	if value then
		return value
	end
	local message = ((kind == "scaled" or kind == "limit") and "Scaled numeric" or "Numeric")
		.. (" value '%s' for <%s> option is malformed or out of range"):format(text, option.name)
	if why then
		ctl:error("%s", message)
		ctl:fail("%s", why)
	end
	ctl:fail("%s", message)
end

--- The table `opt` for a parsed command.
---@param ctl Control
---@param parsed Parsed
function M.new(ctl, parsed)
	local command, given = parsed.command, parsed.given
	return setmetatable({}, {
		__index = function(self, key)
			if type(key) ~= "string" then
				return nil
			end
			local name = key:gsub("_", "-")
			local option = find(command, name) or find(command, key)
			if not option then
				error(("command '%s' has no option '%s'"):format(command.name, key), 2)
			end
			local text = given[option.name]
			if text == nil then
				return nil
			end
			local value = value_of(ctl, option, text)
			rawset(self, key, value)
			return value
		end,
		__name = "options",
		given = given,
		command = command,
	})
end

--- What was given to an option, as it was written and without a check: text, true, a list of texts, or nil.
function M.given(opt, name)
	return getmetatable(opt).given[name]
end

-- --- options of every command, which virsh has not -------------------------------------------------------------------

local FORMATS = { table = true, json = true, lua = true, name = true }
local common = {
	["-o"] = "output", ["--output"] = "output", ["--where"] = "where", ["--columns"] = "columns", ["--sort"] = "sort",
	["--dry-run"] = true, ["--yes"] = true,
}
M.common_names = { "--columns", "--dry-run", "--output", "--sort", "--where", "--yes" }
M.plain_names = { "--dry-run", "--yes" } -- of commands that give no records

--- For the parser: takes the word if it is an option of every command.
---@return boolean taken
function M.take_common(parser, word, into)
	local name, value = word:match "^(%-%-[^=]+)=(.*)$"
	local kind = common[name or word]
	if not kind then
		return false
	end
	name = name or word
	if kind == true then
		if value then
			parser:fail("invalid '=' after option %s", name)
		end
		into[name:sub(3):gsub("-", "_")] = true
		return true
	elseif not value then
		local what, text = parser:next()
		if what ~= "word" then
			parser:fail("expected syntax: %s <string>", name)
		end
		value = text
	end
	if kind == "output" and not FORMATS[value] then
		parser:fail("option %s: there is no format '%s'; the formats are table, json, lua and name", name, value)
	end
	if not parser.command.records then
		parser:fail("command '%s' doesn't support option %s", parser.command.name, name)
	end
	into[kind] = value
	return true
end

return M
