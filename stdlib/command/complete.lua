-- Completion of command lines: commands, options that are not there yet, values of options.

local M = {}

local options = require "moonvisor.command.options"
local registry = require "moonvisor.command.registry"
local tokens = require "moonvisor.command.tokens"
local values = require "moonvisor.command.values"

local function beginning_with(prefix, list)
	local found = {}
	for _, word in ipairs(list) do
		found[#found + 1] = word:sub(1, #prefix) == prefix and word or nil
	end
	return found
end

-- The words of the last command of a text.
local function last_command(text)
	local source, words = tokens.text(text), {}
	while true do
		local kind, word = source:next()
		if kind == "word" then
			words[#words + 1] = word
		elseif kind == "command" then
			words = {}
		else
			return words
		end
	end
end

local function option_of(command, name)
	for _, option in ipairs(command.options) do
		if option.name == name then
			return option.alias_of and option_of(command, option.alias_of) or option
		end
	end
end

-- What the words after the command give: { name = value }, and the option whose value is still to come.
local function understand(command, words)
	local given, waiting, words_only = {}, nil, false
	local function place(word)
		for _, option in ipairs(command.options) do
			if not option.alias_of and option.kind ~= "bool" and not option.named
				and (given[option.name] == nil or option.kind == "argv") then
				given[option.name] = word
				return
			end
		end
	end
	for i = 2, #words do
		local word = words[i]
		local name, value = word:match "^%-%-([^=]+)=?(.*)$"
		if waiting then
			given[waiting.name], waiting = word, nil
		elseif word == "--" then
			words_only = true
		elseif name and not words_only then
			local option = option_of(command, name)
			if option and (option.kind == "bool" or word:find("=", 1, true)) then
				given[option.name] = value
			elseif option then
				waiting = option
			end
		else
			place(word)
		end
	end
	return given, waiting
end

-- Options that can still be given.
local function open_options(ctl, command, given)
	local names = {}
	for _, option in ipairs(command.options) do
		if not option.alias_of and (given[option.name] == nil and option.kind ~= "argv") then
			names[#names + 1] = "--" .. option.name
		end
	end
	if not ctl.plain then
		local common = command.records and options.common_names or options.plain_names
		table.move(common, 1, #common, #names + 1, names)
	end
	return names
end

-- Files and folders that begin with a word; folders end with a slash.
local function files(word)
	local folder, name = word:match "^(.*/)([^/]*)$"
	folder, name = folder or "", name or word
	local list = require("moonvisor.terminal").list_folder(folder == "" and "." or folder) or {}
	local found = {}
	for _, entry in ipairs(list) do
		if entry ~= "." and entry ~= ".." and entry:sub(1, #name) == name and (name ~= "" or entry:sub(1, 1) ~= ".") then
			local path = folder .. entry
			found[#found + 1] = require("moonvisor.terminal").is_folder(path) and path .. "/" or path
		end
	end
	return found
end

local function value_words(ctl, option, given, word)
	if option.complete == "file" then
		return ctl.plain and {} or files(word) -- virsh leaves them to readline
	elseif not option.complete then
		return {}
	end
	local all = values.of(ctl, option.complete, option.among, given, word)
	if not values.lists[option.complete] then
		return beginning_with(word, all)
	end
	local before, last = word:match "^(.*,)([^,]*)$"
	before, last = before or "", last or word
	local found = {}
	for _, value in ipairs(beginning_with(last, all)) do
		if not ("," .. before):find("," .. value .. ",", 1, true) then
			found[#found + 1] = before .. value
		end
	end
	return found
end

-- The option that a word without a name would be for.
local function next_place(command, given)
	for _, option in ipairs(command.options) do
		if not option.alias_of and option.kind ~= "bool" and not option.named
			and (given[option.name] == nil or option.kind == "argv") then
			return option
		end
	end
end

--- The words that can stand in place of the last, unfinished word of a command.
---@param words string[]   those before it
---@param word string
---@return string[]
function M.candidates(ctl, words, word)
	local command = words[1] and registry.find(words[1], ctl.plain)
	if not command then
		return #words == 0 and beginning_with(word, registry.names(ctl.plain)) or {}
	end
	local last = words[#words]
	if command.records and not ctl.plain and (last == "-o" or last == "--output") then
		return beginning_with(word, { "json", "lua", "name", "table" })
	elseif not ctl.plain and (last == "--where" or last == "--columns" or last == "--sort") then
		return {}
	end
	local given, waiting = understand(command, words)
	if waiting then
		return value_words(ctl, waiting, given, word)
	end
	local name, value = word:match "^%-%-([^=]+)=(.*)$"
	if name then
		local option, found = option_of(command, name), {}
		for i, text in ipairs(option and value_words(ctl, option, given, value) or {}) do
			found[i] = ("--%s=%s"):format(name, text)
		end
		return found
	elseif word:sub(1, 1) == "-" or ctl.plain and word == "" then
		return beginning_with(word, open_options(ctl, command, given))
	end
	local place = next_place(command, given)
	local found = place and value_words(ctl, place, given, word) or {}
	if #found == 0 and word == "" then
		return open_options(ctl, command, given)
	end
	return found
end

--- The same for a line: its last word is completed. Returns the words and where in the line that word begins.
function M.words(ctl, line)
	local start = #line + 1
	while start > 1 and not line:sub(start - 1, start - 1):find "[%s;]" do
		start = start - 1
	end
	return M.candidates(ctl, last_command(line:sub(1, start - 1)), line:sub(start)), start
end

--- Files, for the last word of a line.
function M.files_at_prompt(before, word)
	local line = before .. word
	local start = line:match "^.*[%s]()" or 1
	local found, kept = files(line:sub(start):gsub("^!", "")), #before + 1 - start
	if line:sub(start, start) == "!" then
		kept = kept - 1
	end
	for i, path in ipairs(found) do
		found[i] = path:sub(kept + 1)
	end
	if #found == 1 and found[1]:sub(-1) ~= "/" then
		found[1] = found[1] .. " "
	end
	return found
end

--- For readline, whose words end at other characters too: `before` is the line before its word. The candidates are
--- without what readline does not replace; one that is alone and whole ends with a blank.
function M.at_prompt(ctl, before, word)
	local found, start = M.words(ctl, before .. word)
	local kept = #before + 1 - start
	local shown = {}
	for i, text in ipairs(found) do
		shown[i] = text:sub(kept + 1)
	end
	if #shown == 1 and not found[1]:find "[/=]$" then
		shown[1] = shown[1] .. " "
	end
	return shown
end

return M
