-- Words to commands with their options, as virsh parses them: `--name value`, `--name=value`, words without a name in
-- the order of the options, `--` before words that begin with dashes, and `--help` with any command.
--
-- A parsed command: { command = Command, given = { name = text, true (bool) or a list of texts (argv) } }. Nothing of a
-- text is run when one of its commands is wrong.

local M = {}

local registry = require "moonvisor.command.registry"

-- The word that a failed parse raises; the message is in the parser.
local FAILED = {}

local Parser = {}
Parser.__index = Parser

function Parser:fail(format, ...)
	self.messages[#self.messages + 1] = format:format(...)
	error(FAILED, 0)
end

function Parser:next()
	local kind, text = self.source:next()
	if kind == "error" or kind == "ends" then
		self.unfinished = kind == "ends"
		self:fail("%s", text)
	end
	return kind, text
end

-- The options that a word without a name may be for, in order.
local function by_place(command)
	if not command.places then
		local places = {}
		for _, option in ipairs(command.options) do
			if not option.alias_of and option.kind ~= "bool" and not option.named then
				places[#places + 1] = option
			end
		end
		command.places = places
	end
	return command.places
end

local help_option = { name = "help", kind = "bool" }

-- The option of this name. Returns it and the value that an alias stands for; nil when the command is `help`, which
-- accepts anything. `attached` tells whether a value came with it, as --name=value.
local function named_option(self, name, given, attached)
	local command, value = self.command, nil
	if name == "help" then
		return help_option
	end
	local i = 1
	while command.options[i] do
		local option = command.options[i]
		if option.name == name and option.alias_of then
			if option.value then
				if attached then
					self:fail("invalid '=' after option --%s", option.name)
				end
				value = option.value
			end
			name = option.alias_of
		elseif option.name == name then
			if given[name] ~= nil and option.kind ~= "argv" then
				self:fail("option --%s already seen", name)
			end
			return option, value
		end
		i = i + 1
	end
	if command.name ~= "help" then
		self:fail("command '%s' doesn't support option --%s", command.name, name)
	end
end

local function give(given, option, value)
	if option.kind == "argv" then
		given[option.name] = given[option.name] or {}
		table.insert(given[option.name], value)
	else
		given[option.name] = value
	end
end

-- The word `text` that has a name. Takes the next word where that is its value.
local function take_named(self, text, given)
	local name, value = text:match "^%-%-([^=]*)=?(.*)$"
	if not text:find("=", 1, true) then
		value = nil
	end
	local option, alias_value = named_option(self, name, given, value ~= nil)
	if not option then
		return
	end
	value = alias_value or value
	if option.kind == "bool" then
		if value then
			self:fail("invalid '=' after option --%s", option.name)
		end
		value = true
	elseif not value then
		local kind, word = self:next()
		if kind ~= "word" then
			self:fail("expected syntax: --%s <%s>", option.name, option.kind == "int" and "number" or "string")
		end
		value = word
	end
	give(given, option, value)
	self.order[#self.order + 1] = { option, value }
end

-- A word without a name goes to the first option that has none yet; `argv` takes all that follow.
local function take_placed(self, text, given)
	for _, option in ipairs(by_place(self.command)) do
		if given[option.name] == nil or option.kind == "argv" then
			give(given, option, text)
			self.order[#self.order + 1] = { option, text }
			return
		end
	end
	if self.command.name ~= "help" then
		self:fail("unexpected data '%s'", text)
	end
end

-- Whether all that follows belongs to an option that has begun, also what begins with dashes.
local function is_verbatim(self, given)
	for _, option in ipairs(self.command.options) do
		if option.verbatim and given[option.name] then
			return true
		end
	end
	return false
end

local function check_required(self, given)
	local command = self.command
	for _, option in ipairs(command.options) do
		if option.required and given[option.name] == nil then
			local shape = (option.kind == "data" or option.kind == "argv") and "<%s>" or "--%s"
			self.messages[#self.messages + 1] = ("command '%s' requires " .. shape .. " option"):format(command.name,
				option.name)
		end
	end
	if #self.messages > 0 then
		error(FAILED, 0)
	end
end

-- Skips a comment: to the end of the line or of the words.
local function skip_comment(self)
	local kind
	repeat
		kind = self:next()
	until kind ~= "word"
	return kind
end

-- One command. Returns how it ended ("command" or "end") and the parsed command, if there was one.
local function parse_command(self)
	local kind, text = self:next()
	if kind ~= "word" then
		return kind
	elseif text:sub(1, 1) == "#" then
		return skip_comment(self)
	end
	self.command = registry.find(text, self.plain)
	if not self.command then
		self.unknown = text
		self:fail("unknown command: '%s'", text)
	end
	local given, common, words_only = {}, {}, false
	self.order = {}
	kind, text = self:next()
	while kind == "word" do
		if words_only or is_verbatim(self, given) then
			take_placed(self, text, given)
		elseif self.common and self.common(self, text, common) then -- luacheck: ignore 542
			-- an option that every command has, and virsh has not
		elseif text:find "^%-%-%w" then
			take_named(self, text, given)
		elseif text == "--" then
			words_only = true
		else
			take_placed(self, text, given)
		end
		kind, text = self:next()
	end
	if given.help == true then
		self.command, given = registry.find("help", self.plain), { command = self.command.name }
	end
	check_required(self, given)
	return kind, { command = self.command, given = given, common = common, order = self.order }
end

---@class Parsed
---@field command Command
---@field given table
---@field common table    what the options of every command said (see options.lua)

--- Parses words to commands.
---@param source table   see tokens.lua
---@param options? {plain: boolean, common: function}   plain: only what virsh has; common(parser, word, into): takes an
---                                                     option that all commands have
---@return Parsed[]?     nil when something is wrong
---@return string[]? messages
---@return table? details { unfinished: boolean, unknown: string }
function M.parse(source, options)
	local self = setmetatable({ source = source, messages = {} }, Parser)
	self.plain, self.common = options and options.plain, options and options.common
	local parsed = {}
	local ok, err = pcall(function()
		local kind, one
		repeat
			kind, one = parse_command(self)
			parsed[#parsed + 1] = one
		until kind == "end"
	end)
	if ok then
		return parsed
	elseif err ~= FAILED then
		error(err, 0)
	end
	return nil, self.messages, { unfinished = self.unfinished, unknown = self.unknown }
end

return M
