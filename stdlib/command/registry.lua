-- All commands: where they are, by name and by group. A group's module is read when one of its commands is wanted.
--
-- Commands of the user are in ~/.config/moonvisor/commands/*.lua, files of the same shape as ours; they are read when a
-- name is wanted that is none of ours, and by `help`. A name that we have cannot be taken.

local index = require "moonvisor.command.index"

local M = {}

---@class Command
---@field name string
---@field summary string        one line, for `help`
---@field description? string   what `help COMMAND` says
---@field options? Option[]     in the order in which words without a name fill them
---@field connect? boolean      false: works without a connection
---@field hidden? boolean       not in the lists of `help`
---@field records? boolean      gives records: -o, --where, --columns, --sort may be used
---@field confirm? string|function   what is asked at a terminal before it runs; see questions.lua
---@field run function          (ctl, opt): returns nothing or true: done; false or ctl:fail(): failed

---@class Option
---@field name string
---@field kind string           "bool", "string", "int", "data" (a word that is asked for), "argv" (all further words);
---                             what is no bool can be given by its place in the line
---@field verbatim? boolean     argv: what follows its first word is its own, also what begins with dashes
---@field required? boolean
---@field named? boolean        cannot be given by its place
---@field empty_ok? boolean     may be empty
---@field number? string        what kind of number: see command/number.lua; default "int"
---@field unit? integer         scaled numbers: bytes per unit when none is given, default 1
---@field help string
---@field complete? string      what the word names (domain, network, pool, volume, file, ...)
---@field among? string         which of these: active, inactive, persistent, running, ...
---@field alias_of? string      another name for this option; the rest is not given then
---@field value? string         the value that the alias stands for

-- What `mvsh` has and `virsh` has not; see stdlib/commands/mvsh.lua.
local extra = {
	group = "Moonvisor", keyword = "moonvisor", extra = true,
	{ "mvsh", "explain", "history" },
}

local groups
local modules, commands = {}, {}

-- Which module has a command, and what it is called there.
local function place_of(name, plain)
	name = index.aliases[name] or name
	for _, group in ipairs(M.groups_of_index()) do
		for _, run in ipairs(group.extra and plain and {} or group) do
			for i = 2, #run do
				if run[i] == name then
					return run[1], name
				end
			end
		end
	end
end

--- The groups of the index and our own.
function M.groups_of_index()
	if not groups then
		groups = table.move(index, 1, #index, 1, {})
		groups[#groups + 1] = extra
	end
	return groups
end

-- The names that `help` shows of a group of the index.
local function names_of(group)
	local names = {}
	for _, run in ipairs(group) do
		for i = 2, #run do
			names[#names + 1] = not index.hidden[run[i]] and run[i] or nil
		end
	end
	return names
end

-- Gives the commands of a group's table to `into`, by name.
local function add_commands(group, into)
	for _, command in ipairs(group.commands) do
		command.options = command.options or {}
		command.run = command.run or group.run and group.run[command.name]
		command.group = group
		into[command.name] = command
	end
end

local function load_module(name)
	if not modules[name] then
		modules[name] = true
		add_commands(require("moonvisor.commands." .. name), commands)
	end
end

-- --- the user's own commands -----------------------------------------------------------------------------------------

local own -- { names = { name = command }, groups = { ... } }, when they have been read

--- The folder of the user's own configuration: init.lua and commands/; nil when nobody knows where that is.
function M.user_folder()
	local base = os.getenv "XDG_CONFIG_HOME"
	if not base or base:sub(1, 1) ~= "/" then
		local home = os.getenv "HOME"
		base = home and home ~= "" and home .. "/.config"
	end
	return base and base .. "/moonvisor"
end

local function complain(format, ...)
	io.stderr:write("warning: ", format:format(...), "\n")
end

local function read_own_file(path)
	local chunk, message = loadfile(path, "t")
	local ok, group = chunk ~= nil, message
	if chunk then
		ok, group = pcall(chunk)
	end
	if not ok then
		return complain("the commands in '%s' cannot be used: %s", path, tostring(group))
	elseif type(group) ~= "table" or type(group.commands) ~= "table" then
		return complain("the commands in '%s' cannot be used: it returns no table with commands", path)
	end
	local found, names = {}, {}
	group.group = group.group or path:match "([^/]+)%.lua$"
	group.keyword = group.keyword or path:match "([^/]+)%.lua$"
	add_commands(group, found)
	for _, command in ipairs(group.commands) do
		if type(command.name) ~= "string" or type(command.run) ~= "function" then
			complain("'%s' has a command without a name or without a function `run`", path)
		elseif place_of(command.name) or own.names[command.name] then
			complain("'%s' has a command '%s', but there is one already", path, command.name)
		else
			command.summary = command.summary or ""
			own.names[command.name] = command
			names[#names + 1] = not command.hidden and command.name or nil
		end
	end
	own.groups[#own.groups + 1] = { group = group.group, keyword = group.keyword, names = names, extra = true }
end

local function read_own()
	own = { names = {}, groups = {} }
	_G.virt = _G.virt or require "moonvisor" -- as in any Lua program of mvsh
	local folder = M.own_commands ~= false and M.user_folder()
	if not folder then
		return
	end
	folder = folder .. "/commands"
	local in_mvsh, terminal = pcall(require, "moonvisor.terminal")
	for _, name in ipairs(in_mvsh and terminal.list_folder(folder) or {}) do
		if name:match "%.lua$" and name:sub(1, 1) ~= "." then
			read_own_file(folder .. "/" .. name)
		end
	end
end

-- --- looking up ------------------------------------------------------------------------------------------------------

--- The command of this name or alias; nil when there is none.
---@param name string
---@param plain? boolean   only the commands of virsh
---@return Command?
function M.find(name, plain)
	local module, real_name = place_of(name, plain)
	if module then
		load_module(module)
		return commands[real_name]
	elseif plain then
		return nil
	end
	if not own then
		read_own()
	end
	return own.names[name]
end

--- All groups, in the order of `help`: { group, keyword, names, extra }; extra: virsh does not have it.
---@param plain? boolean   only those of virsh
function M.groups(plain)
	if not plain and not own then
		read_own()
	end
	local all = {}
	for _, group in ipairs(M.groups_of_index()) do
		group.names = group.names or names_of(group)
		all[#all + 1] = not (plain and group.extra) and group or nil
	end
	return plain and all or table.move(own.groups, 1, #own.groups, #all + 1, all)
end

--- The names of all commands that `help` shows.
function M.names(plain)
	local names = {}
	for _, group in ipairs(M.groups(plain)) do
		table.move(group.names, 1, #group.names, #names + 1, names)
	end
	return names
end

--- Whether a word is the name of a command. Reads no module of ours.
function M.is_command(name, plain)
	return place_of(name, plain) ~= nil or not plain and M.find(name) ~= nil
end

--- Reads the user's commands again, for tests. false: there are none.
function M.reset(own_commands)
	own, M.own_commands = nil, own_commands
end

return M
