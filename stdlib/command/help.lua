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

local WIDTH, WIDEST = 78, 30

-- How wide the column of options must be.
local function column_of(command)
	local width = 15
	for _, option in ipairs(command.options) do
		local text = not option.alias_of and label(option, true) or ""
		width = math.max(width, #text <= WIDEST and #text or 0)
	end
	return width
end

-- The options of every command that gives records, and of every one that changes something.
local function common_options(command)
	local lines = {}
	if command.records then
		lines = {
			{ "--where <lua>", "only these rows: 'state == \"running\" and id > 3'" },
			{ "--columns <names>", "only these columns, with commas between them" },
			{ "--sort <names>", "by these columns; -name: from the end" },
			{ "-o, --output <form>", "table, json, lua or name" },
		}
	end
	lines[#lines + 1] = { "--dry-run", "show what would be done, and do nothing" }
	lines[#lines + 1] = { "--yes", "do not ask" }
	local parts = { "\n  OPTIONS OF EVERY COMMAND\n" }
	for _, line in ipairs(lines) do
		parts[#parts + 1] = ("    %-19s  %s\n"):format(line[1], line[2])
	end
	return table.concat(parts)
end

--- The text of `help COMMAND` and `COMMAND --help`.
---@param command Command
---@param common? boolean   with the options that virsh has not
function M.command(command, common)
	local parts = { ("  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s"):format(command.name, command.summary, command.name) }
	local lines, placed, column = {}, false, #command.name + 4
	local width = common and column_of(command) or 15
	for _, option in ipairs(command.options) do
		if not option.alias_of then
			local word = synopsis(option, placed)
			column = column + 1 + #word
			local before = " "
			if common and column > WIDTH then -- virsh has it all in one line
				before, column = "\n        ", 8 + #word
			end
			parts[#parts + 1] = before .. word
			lines[#lines + 1] = ("    %-" .. width .. "s  %s\n"):format(label(option, placed), option.help)
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
	if common then
		parts[#parts + 1] = common_options(command)
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

--- What `help` says first, in mvsh.
function M.introduction()
	return "A line is a command, if it begins with the name of one, or else Lua. Tab\ncompletes both.\n\n"
		.. "    help COMMAND          a command and its options, as does COMMAND --help\n"
		.. "    help KEYWORD          the commands of a group: help domain\n"
		.. "    help virt             the Lua API; help Domain, help Domain.start\n"
		.. "    help(vm), help(vm.start)  what a Lua value is for\n"
		.. "    explain 'COMMAND'     a command as Lua\n\n"
end

--- The text of `help WORD` about the Lua API; nil when it has nothing of that name.
function M.api(word)
	local ok, text = pcall(require("moonvisor.help").text, word)
	return ok and text .. "\n" or nil
end

--- What `help WORD` may have been meant to be; nil when nothing is near.
function M.nearest(word)
	local words = registry.names()
	for _, group in ipairs(registry.groups()) do
		words[#words + 1] = group.keyword
	end
	for _, class in ipairs(require("moonvisor.spec").classes) do
		words[#words + 1] = class.name
	end
	return require("moonvisor.suggest").nearest(word, words)
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
