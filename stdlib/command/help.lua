-- The texts of `help`.

local registry = require "moonvisor.command.registry"

local M = {}

-- How an option is written in the synopsis. `placed`: an option before it can be given by its place.
local function synopsis(option, placed)
	local name, kind = option.name, option.kind
	if kind == "bool" then
		return ("[--%s]"):format(name)
	elseif kind == "int" then
		return (option.required and "<%s>" or "[--%s <number>]"):format(name)
	elseif kind == "string" then
		return ("[--%s <string>]"):format(name)
	elseif kind == "data" then
		return (option.required and "<%s>" or "[<%s>]"):format(name)
	elseif placed then
		return (option.required and "{[--%s] <string>}..." or "[[--%s] <string>]..."):format(name)
	end
	return (option.required and "<%s>..." or "[<%s>]..."):format(name)
end

-- How an option is written in the list of options.
local function label(option, placed)
	local name, kind = option.name, option.kind
	if kind == "bool" then
		return "--" .. name
	elseif kind == "int" then
		return (option.required and "[--%s] <number>" or "--%s <number>"):format(name)
	elseif kind == "string" then
		return ("--%s <string>"):format(name)
	elseif kind == "data" then
		return ("[--%s] <string>"):format(name)
	end
	return placed and ("[--%s] <string>"):format(name) or ("<%s>"):format(name)
end

--- The text of `help COMMAND` and `COMMAND --help`.
---@param command Command
function M.command(command)
	local parts = { ("  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s"):format(command.name, command.summary, command.name) }
	local lines, placed = {}, false
	for _, option in ipairs(command.options) do
		if not option.alias_of then
			parts[#parts + 1] = " " .. synopsis(option, placed)
			lines[#lines + 1] = ("    %-15s  %s\n"):format(label(option, placed), option.help)
			if option.kind == "data" or option.kind == "int" then
				placed = true
			end
		end
	end
	parts[#parts + 1] = "\n"
	if command.description then
		parts[#parts + 1] = ("\n  DESCRIPTION\n    %s\n"):format(command.description)
	end
	if #lines > 0 then
		parts[#parts + 1] = "\n  OPTIONS\n" .. table.concat(lines)
	end
	return table.concat(parts) .. "\n"
end

--- The commands of a group, without a heading.
local function lines_of(group)
	local lines = {}
	for _, name in ipairs(group.names) do
		lines[#lines + 1] = ("    %-30s %s\n"):format(name, registry.find(name).summary)
	end
	return table.concat(lines)
end

--- The text of `help GROUP`; nil when there is no such group.
---@param plain? boolean   only what virsh has
function M.group(name, plain)
	for _, group in ipairs(registry.groups(plain)) do
		if group.group == name or group.keyword == name then
			return (" %s (help keyword '%s'):\n%s"):format(group.group, group.keyword, lines_of(group))
		end
	end
end

--- The text of `help`.
function M.all(plain)
	local parts = { "Grouped commands:\n\n" }
	for _, group in ipairs(registry.groups(plain)) do
		parts[#parts + 1] = (" %s (help keyword '%s'):\n%s\n"):format(group.group, group.keyword, lines_of(group))
	end
	return table.concat(parts)
end

--- The list of commands in the text of `virsh --help`.
function M.program(plain)
	local parts = {}
	for _, group in ipairs(registry.groups(plain)) do
		parts[#parts + 1] = (" %s (help keyword '%s')\n%s\n"):format(group.group, group.keyword, lines_of(group))
	end
	return table.concat(parts)
end

return M
