-- The prompt. While it waits for keys, the events of all open connections are delivered.

local core = require "moonvisor.core"
local editor = require "moonvisor.editor"
local pager = require "moonvisor.pager"
local pretty = require "moonvisor.pretty"
local session = require "moonvisor.command.session"
local settings = require "moonvisor.settings"
local terminal = require "moonvisor.terminal"
local wait = require "moonvisor.wait"

local M = {}

local STDIN = 0
local PROMPT, CONTINUATION, INNER = "mvsh> ", "   .. ", "mvsh(%s)> "

---@class Prompt
---@field history? string     the file
---@field colour boolean
---@field ctl Control
---@field variables table     where Lua's names are
---@field frame? table        of the function in whose middle it is; see locals.lua
---@field trace? boolean

-- The history file, read once in a program; nil, after saying so once, where there can be none.
local history_file

local function open_history()
	if history_file ~= nil then
		return history_file or nil
	end
	local path = session.history_path()
	if not path then
		history_file = false
		return nil
	end
	local why = terminal.make_folder(path:match "^(.*)/") or editor.load_history(path)
	if why then
		io.stderr:write(("mvsh: the history cannot be kept in '%s': %s\n"):format(path, why))
	end
	history_file = not why and path or false
	return history_file or nil
end

local function use_colour()
	if settings.colour ~= nil then
		return settings.colour
	end
	return terminal.isatty(1) and os.getenv "TERM" ~= "dumb" and (os.getenv "NO_COLOR" or "") == ""
end

local function report(prompt, err)
	local ok, text = pcall(tostring, err)
	text = ok and text or "an error that cannot be shown"
	io.stdout:flush()
	io.stderr:write(use_colour() and "\27[31merror:\27[0m " or "error: ", text, "\n")
	local hint = prompt and ok and require("moonvisor.hints").of(err)
	if hint then
		io.stderr:write("hint: ", hint, "\n")
	end
end

-- --- lines -----------------------------------------------------------------------------------------------------------

-- Delivers events while a line is being edited: the line makes room for what their functions print.
local function deliver_while_editing(conns)
	editor.hide()
	local ok, err = terminal.interruptible(function()
		for _, conn in ipairs(conns) do
			if core.Connection.is_open(conn) then
				wait.deliver(conn)
			end
		end
	end)
	if not ok then
		report(nil, err)
	end
	io.stdout:flush()
	editor.show()
end

-- Reads a line. Returns the line, nil at the end of the input, or false after Ctrl-C.
local function read_line(text)
	editor.start(text)
	while true do
		local conns, busy = wait.connections()
		local watched = table.move(conns, 1, #conns, 1, {})
		for _, conn in ipairs(busy) do -- a call of completion goes on: when it is over, there may be events
			watched[#watched + 1] = core.looking(conn)
		end
		watched[#watched + 1] = STDIN
		watched[#watched + 1] = editor.signal_fd()
		local ready = core.poll(watched, -1)
		if editor.signals() then
			return false
		end
		local with_events = {}
		for _, conn in ipairs(conns) do
			with_events[#with_events + 1] = ready[conn] and conn or nil
		end
		if #with_events > 0 then
			deliver_while_editing(with_events)
		end
		if ready[STDIN] then
			local done, line = editor.feed()
			if done then
				return line
			end
		end
	end
end

-- What stands before a line.
local function prompt_text(prompt)
	if prompt.frame then
		return INNER:format(prompt.frame.where)
	end
	local text = settings.prompt
	if type(text) == "function" then
		local ok, made = pcall(text, rawget(_G, "conn"))
		text = ok and type(made) == "string" and made or nil
	end
	return text or PROMPT
end

-- --- statements ------------------------------------------------------------------------------------------------------

-- Compiles an expression or a statement. Returns the function; nil and the message; nil, message, true when more lines
-- may complete it.
local function compile(prompt, text)
	local fn = load("return " .. text, "=prompt", "t", prompt.variables)
	local message, more
	if not fn then
		fn, message = load(text, "=prompt", "t", prompt.variables)
		more = message ~= nil and message:sub(-5) == "<eof>"
	end
	if fn and prompt.frame then
		local compiled = fn
		fn = function()
			return compiled(require("moonvisor.locals").varargs(prompt.frame))
		end
	end
	return fn, message, more
end

-- What a line does, as a function: "!" is for the system's shell, a command is run, anything else is Lua. Returns like
-- compile().
local function understand(prompt, text)
	local line = text:match "^%s*!(.*)$"
	if line then
		return function()
			os.execute(line)
		end
	elseif session.is_command(text) then
		if session.unfinished(prompt.ctl, text) then
			return nil, "the command is not complete", true
		end
		return function()
			pager.around(session.run, prompt.ctl, text)
			prompt.ctl.flush()
		end
	end
	local unknown = require("moonvisor.hints").unknown_word(text, prompt.variables)
	if unknown then
		return nil, unknown
	end
	local fn, message, more = compile(prompt, text)
	if not fn and not more then
		message = require("moonvisor.hints").syntax(text, message)
	end
	return fn, message, more
end

-- Pasted lines may be several statements, of both kinds. Returns functions, one for each; or like understand().
local function understand_lines(prompt, text)
	local pieces, piece = {}, nil
	local fn, message, more
	for line in (text .. "\n"):gmatch "(.-)\n" do
		piece = piece and piece .. "\n" .. line or line
		if piece:find "%S" then
			fn, message, more = understand(prompt, piece)
			if fn then
				pieces[#pieces + 1], piece = fn, nil
			elseif not more then
				return nil, message
			end
		else
			piece = nil
		end
	end
	if piece then
		return nil, message, true
	end
	return pieces
end

-- What was typed, as a list of functions; or nil, a message, and whether more lines may complete it.
local function understand_all(prompt, text)
	if not text:find "\n" then
		local fn, message, more = understand(prompt, text)
		return fn and { fn }, message, more
	elseif not session.is_command(text) then -- as one chunk, in which local variables are seen to the end
		local fn, _, more = compile(prompt, text)
		if fn or more then
			return fn and { fn }, "the statement is not complete", more
		end
	end
	return understand_lines(prompt, text)
end

-- A line that begins with a blank stays out of the history, as in other shells.
local function remember(prompt, text)
	if text:find "^%S" then
		editor.add_history(text, prompt.history)
	end
end

-- Reads lines until they are complete. Returns functions or nil and message; false after Ctrl-C; nothing at the end.
local function read_statement(prompt)
	local text = read_line(prompt_text(prompt))
	while text do
		local fns, message, more = understand_all(prompt, text)
		if not more then
			if text:find "%S" then
				remember(prompt, text)
				table.insert(prompt.ctl.statements, text)
			end
			return fns or nil, message
		end
		local line = read_line(CONTINUATION)
		if line == nil then -- Ctrl-D in the middle: say what is missing
			remember(prompt, text)
			io.stdout:write "\n"
			return nil, message
		end
		text = line and text .. "\n" .. line
	end
	if text == false then
		return false
	end
end

local function print_values(...)
	local options = { colour = use_colour(), width = terminal.width(), depth = settings.depth }
	for i = 1, select("#", ...) do
		pager.write(pretty.format((select(i, ...)), options) .. "\n")
	end
end

-- The error with a traceback that ends where the prompt begins.
local function with_traceback(err)
	if rawequal(err, core.interrupted) then
		return err
	end
	local ok, text = pcall(tostring, err)
	local trace = debug.traceback(ok and text or "an error that cannot be shown", 2)
	return (trace:gsub("\n%s*%[C%]: in function 'xpcall'\n.*$", ""))
end

-- Runs a statement and shows what comes of it. Ctrl-C ends it. Returns whether it worked.
local function run(prompt, fn)
	local trace = prompt.ctl.trace or settings.trace
	local body = fn
	if trace then
		function body()
			local result = table.pack(xpcall(fn, with_traceback))
			if not result[1] then
				error(result[2], 0)
			end
			return table.unpack(result, 2, result.n)
		end
	end
	local result = table.pack(terminal.interruptible(body))
	if not result[1] then
		report(prompt, result[2])
	elseif result.n > 1 then
		local ok, err = terminal.interruptible(pager.around, print_values, table.unpack(result, 2, result.n))
		if not ok then
			report(nil, err)
		end
	end
	io.stdout:flush()
	return result[1]
end

-- --- completion ------------------------------------------------------------------------------------------------------

-- Words for a line that is a command, or for Lua; the first word may become either.
local function complete_line(prompt, before, word)
	local commands, complete = require "moonvisor.command.complete", require "moonvisor.complete"
	local ctl = prompt.ctl
	local look = require "moonvisor.look"
	look.limit = settings.completion_time or look.limit
	look.start()
	complete.locals = prompt.frame and function()
		return require("moonvisor.locals").all(prompt.frame)
	end or nil
	local shell = before:match "^%s*!%s*(.*)$" -- files, for the system's shell
	if shell then
		return commands.files_at_prompt(before, word)
	end
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

-- In a command, a dash, a dot or a colon is part of a word.
local COMMAND_BREAKS = " \t\n;/,="

local function word_breaks(line)
	if line:find "^%s*%a[%w_]*%-[%w_-]*$" or line:find "^%s*[%w_-]+[%s;]" and session.is_command(line) then
		return COMMAND_BREAKS
	end
end

local function set_completer(prompt)
	editor.set_completer(function(before, word)
		return complete_line(prompt, before, word)
	end, word_breaks)
end

-- --- the prompt ------------------------------------------------------------------------------------------------------

-- `help` alone, help(x), help "word".
local function help_object()
	local help = require "moonvisor.help"
	return setmetatable({}, {
		__call = function(_, topic)
			pager.around(pager.write, help.text(topic) .. "\n")
		end,
		__tostring = function()
			return help.text()
		end,
	})
end

-- Runs the user's start-up file. An error in it is shown, and the prompt comes all the same.
local function run_start_file(prompt)
	local folder = require("moonvisor.command.registry").user_folder()
	local path = folder and folder .. "/init.lua"
	local file = path and io.open(path)
	if not file then
		return
	end
	file:close()
	local fn, message = loadfile(path, "t")
	if not fn then
		return report(nil, message)
	end
	local ok, err = terminal.interruptible(function()
		local fine, traced = xpcall(fn, with_traceback, path)
		if not fine then
			error(traced, 0)
		end
	end)
	if not ok then
		report(prompt, err)
	end
	io.stdout:flush()
end

local function loop(prompt)
	set_completer(prompt)
	while true do
		local fns, message = read_statement(prompt)
		if fns then
			for _, fn in ipairs(fns) do
				if not run(prompt, fn) then -- what follows may rely on it
					break
				elseif prompt.ctl.left then
					return true
				end
			end
		elseif message then
			report(nil, message)
		elseif fns == nil then
			return false
		end
	end
end

-- A control object whose output goes to the pager when it is long.
local function control(variables, given)
	local ctl = session.shared(given, variables)
	ctl.prompt, ctl.statements, ctl.write, ctl.flush = true, {}, pager.write, pager.flush
	local write_error = ctl.write_error
	ctl.write_error = function(text)
		pager.flush()
		write_error(text)
	end
	return ctl
end

local current -- the innermost prompt

--- Runs the prompt until Ctrl-D.
---@param options {quiet: boolean, version: string, no_init: boolean?, settings: ControlSettings?}
function M.run(options)
	local prompt = { history = open_history(), ctl = control(_G, options.settings), variables = _G }
	current = prompt
	_G.help = help_object()
	if not options.no_init then
		run_start_file(prompt)
	end
	if not options.quiet then
		print(("Moonvisor %s, %s. help explains commands and Lua, Ctrl-D leaves."):format(options.version,
			_VERSION))
	end
	if not loop(prompt) and not options.quiet then
		io.stdout:write "\n"
	end
end

--- Opens the prompt in the middle of a function, whose variables it sees, until Ctrl-D; then the function goes on.
function M.inside()
	if not (terminal.isatty(0) and terminal.isatty(1)) then
		require("moonvisor.errors").raise("no_support", "virt.repl: there is no terminal to show a prompt at.")
	end
	local locals = require "moonvisor.locals"
	local frame = locals.frame()
	local globals = _G
	globals.help = globals.help or help_object()
	local variables = frame and locals.environment(frame, globals) or globals
	local before = current
	local prompt = { history = open_history(), ctl = control(variables, before and before.ctl.given or {}),
		variables = variables, frame = frame }
	prompt.ctl.trace = before and before.ctl.trace
	current = prompt
	local ok, err = terminal.uninterrupted(loop, prompt)
	current = before
	if before then
		set_completer(before)
	end
	io.stdout:write "\n"
	io.stdout:flush()
	if not ok then
		error(err, 0)
	end
end

return M
