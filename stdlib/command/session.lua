-- Commands in mvsh: on its command line, in a script's text, and at the prompt, where they share the global variable
-- `conn` with Lua.

local control = require "moonvisor.command.control"
local registry = require "moonvisor.command.registry"
local tokens = require "moonvisor.command.tokens"

local M = {}

--- Whether a line is a command: its first word is one, and what follows does not make it Lua (`list = 3`, `list(x)`).
---@param line string
function M.is_command(line)
	local word, after = line:match "^%s*([%a][%w_-]*)%s*(.?)"
	if not word or after ~= "" and ("=(.:[,"):find(after, 1, true) then
		return false
	end
	local last = word:sub(-1)
	if last == "-" then -- "list -x": the dash belongs to the next word; "list-x" is no command
		return false
	end
	return registry.is_command(word)
end

--- Where the prompt keeps what was typed; nil when nobody knows where that could be.
function M.history_path()
	local base = os.getenv "XDG_STATE_HOME"
	if base and base:sub(1, 1) == "/" then
		return base .. "/moonvisor/history"
	end
	local home = os.getenv "HOME"
	return home and home ~= "" and home .. "/.local/state/moonvisor/history" or nil
end

--- Whether the text of an argument is one or several commands.
function M.is_command_text(text)
	local word = text:match "^%s*([%a][%w_-]*)%f[%s;\0]"
	return word ~= nil and registry.is_command(word)
end

--- A control object for a command line.
---@param settings ControlSettings
function M.new(settings)
	return control.new(settings)
end

--- A control object for the prompt: it takes the variable `conn` as its connection, and sets it when it opens one.
---@param settings ControlSettings
---@param variables table   where that variable is
function M.shared(settings, variables)
	local ctl = control.new(settings)
	local open = ctl.open
	ctl.open = function(uri, readonly)
		local conn = open(uri, readonly)
		variables.conn = conn
		return conn
	end
	ctl.before = function()
		local conn, Connection = variables.conn, require("moonvisor.core").Connection
		if debug.getmetatable(conn) ~= Connection.metatable or not Connection.is_open(conn) then
			conn = nil -- something else of that name, or closed: a command opens one then
		end
		if conn ~= rawget(ctl, "conn") then
			rawset(ctl, "conn", conn)
			rawset(ctl, "real_raw", nil)
		end
	end
	return ctl
end

--- Whether more lines may complete a line of commands.
function M.unfinished(_, line)
	local parser, options = require "moonvisor.command.parser", require "moonvisor.command.options"
	local _, _, details = parser.parse(tokens.text(line), { common = options.take_common })
	return details ~= nil and details.unfinished == true
end

--- Runs a line of commands. Returns whether it worked.
function M.run(ctl, line)
	return ctl:execute(tokens.text(line))
end

--- Runs the words of a command line, which are one command, or the text of several.
---@return boolean ok
function M.run_arguments(ctl, arguments, first)
	if arguments[first + 1] == nil and M.is_command_text(arguments[first]) then
		return ctl:execute(tokens.text(arguments[first]))
	end
	return ctl:execute(tokens.list(arguments, first))
end

return M
