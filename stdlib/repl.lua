-- The prompt. While it waits for keys, the events of all open connections are delivered.

local complete = require "moonvisor.complete"
local core = require "moonvisor.core"
local editor = require "moonvisor.editor"
local pretty = require "moonvisor.pretty"
local session = require "moonvisor.command.session"
local terminal = require "moonvisor.terminal"
local wait = require "moonvisor.wait"

local M = {}

local STDIN = 0
local PROMPT, CONTINUATION = "mvsh> ", "   .. "

-- The history file; nil, after saying so once, where there can be none.
local function open_history()
	local path = session.history_path()
	if not path then
		return nil
	end
	local why = terminal.make_folder(path:match "^(.*)/") or editor.load_history(path)
	if why then
		io.stderr:write(("mvsh: the history cannot be kept in '%s': %s\n"):format(path, why))
		return nil
	end
	return path
end

local function report(err, colour)
	local ok, text = pcall(tostring, err)
	text = ok and text or "an error that cannot be shown"
	io.stderr:write(colour and "\27[31merror:\27[0m " or "error: ", text, "\n")
end

-- Delivers events while a line is being edited: the line makes room for what their functions print.
local function deliver_while_editing(conns, colour)
	editor.hide()
	local ok, err = terminal.interruptible(function()
		for _, conn in ipairs(conns) do
			if core.Connection.is_open(conn) then
				wait.deliver(conn)
			end
		end
	end)
	if not ok then
		report(err, colour)
	end
	io.stdout:flush()
	editor.show()
end

-- Reads a line. Returns the line, nil at the end of the input, or false after Ctrl-C.
local function read_line(prompt, colour)
	editor.start(prompt)
	while true do
		local watched = wait.connections()
		local count = #watched
		watched[count + 1], watched[count + 2] = STDIN, editor.signal_fd()
		local ready = core.poll(watched, -1)
		if editor.signals() then
			return false
		end
		local conns = {}
		for i = 1, count do
			conns[#conns + 1] = ready[watched[i]] and watched[i] or nil
		end
		if #conns > 0 then
			deliver_while_editing(conns, colour)
		end
		if ready[STDIN] then
			local done, line = editor.feed()
			if done then
				return line
			end
		end
	end
end

-- Compiles an expression or a statement. Returns the function; nil and the message; nil, message, true when more lines
-- may complete it.
local function compile(text)
	local fn = load("return " .. text, "=prompt", "t")
	if fn then
		return fn
	end
	local statement, message = load(text, "=prompt", "t")
	return statement, message, message ~= nil and message:sub(-5) == "<eof>"
end

-- What a line does, as a function: "!" is for the system's shell, a command is run, anything else is Lua. Returns like
-- compile().
local function understand(text, ctl)
	local line = text:match "^%s*!(.*)$"
	if line then
		return function()
			os.execute(line)
		end
	elseif session.is_command(text) then
		if session.unfinished(ctl, text) then
			return nil, "the command is not complete", true
		end
		return function()
			session.run(ctl, text)
		end
	end
	return compile(text)
end

-- Reads lines until they are complete. Returns function or nil and message; false after Ctrl-C; nothing at the end.
local function read_statement(history, colour, ctl)
	local text = read_line(PROMPT, colour)
	while text do
		local fn, message, more = understand(text, ctl)
		if not more then
			if text:find "%S" then
				editor.add_history(text, history)
				ctl.statements[#ctl.statements + 1] = text
			end
			return fn or nil, message
		end
		local line = read_line(CONTINUATION, colour)
		if line == nil then -- Ctrl-D in the middle: say what is missing
			editor.add_history(text, history)
			io.stdout:write "\n"
			return nil, message
		end
		text = line and text .. "\n" .. line
	end
	if text == false then
		return false
	end
end

local function print_values(colour, ...)
	local options = { colour = colour, width = terminal.width() }
	for i = 1, select("#", ...) do
		io.stdout:write(pretty.format((select(i, ...)), options), "\n")
	end
end

local function finish(colour, ok, ...)
	if not ok then
		report((...), colour)
	elseif select("#", ...) > 0 then
		print_values(colour, ...)
	end
	io.stdout:flush()
end

-- `help` alone, help(x), help "word".
local function help_object()
	local help = require "moonvisor.help"
	return setmetatable({}, {
		__call = function(_, topic)
			print(help.text(topic))
		end,
		__tostring = function()
			return help.text()
		end,
	})
end

-- Words for a line that is a command, or for Lua; the first word may become either.
local function complete_line(ctl, before, word)
	local commands = require "moonvisor.command.complete"
	if before:find "^%s*[%w_-]+[%s;]" then
		if session.is_command(before) then
			return commands.at_prompt(ctl, before, word)
		end
		return complete.complete(before, word)
	end
	local found = complete.complete(before, word) or {}
	if not before:find "[^%s%w-]" then
		local names = commands.at_prompt(ctl, before, word)
		if before:find "%S" and #names > 0 then -- "net-": names of commands have dashes, those of Lua have not
			return names
		elseif #names == 1 and #found > 0 then
			names[1] = names[1]:gsub(" $", "")
		end
		table.move(names, 1, #names, #found + 1, found)
	end
	return found
end

--- Runs the prompt until Ctrl-D.
---@param options {quiet: boolean, colour: boolean, version: string, settings: ControlSettings?}
function M.run(options)
	local history = open_history()
	local ctl = session.shared(options.settings)
	ctl.prompt, ctl.statements = true, {}
	editor.set_completer(function(before, word)
		return complete_line(ctl, before, word)
	end)
	_G.help = help_object()
	if not options.quiet then
		print(("Moonvisor %s, %s. help describes the API, Ctrl-D leaves."):format(options.version, _VERSION))
	end
	while true do
		local fn, message = read_statement(history, options.colour, ctl)
		if fn then
			finish(options.colour, terminal.interruptible(fn))
			if ctl.left then
				return
			end
		elseif message then
			report(message, options.colour)
		elseif fn == nil then
			break
		end
	end
	if not options.quiet then
		io.stdout:write "\n"
	end
end

return M
