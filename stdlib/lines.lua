-- Lines from standard input that are what somebody could have typed at the prompt: commands, and Lua between them.

local pretty = require "moonvisor.pretty"
local session = require "moonvisor.command.session"
local terminal = require "moonvisor.terminal"

local M = {}

--- Reads up to the first line that is neither empty nor a comment, and says whether it is a command: then all of it is
--- for run(), and Lua otherwise.
---@return boolean commands
---@return string[] lines    those that were read, with their ends
function M.begin()
	local lines = {}
	for line in io.lines(nil, "L") do
		lines[#lines + 1] = line
		if line:find "%S" and not line:find "^%s*#" and not line:find "^%s*%-%-" then
			return session.is_command(line), lines
		end
	end
	return false, lines
end

-- A Lua statement or expression; nil and the message, and whether more lines may complete it.
local function compile(text)
	local fn, value_message = load("return " .. text, "=stdin", "t")
	if fn then
		return fn
	end
	local message
	fn, message = load(text, "=stdin", "t")
	return fn, message, message ~= nil and (message:sub(-5) == "<eof>" or value_message:sub(-5) == "<eof>")
end

local function show(...)
	for i = 1, select("#", ...) do
		print(pretty.format((select(i, ...)), { width = terminal.width() }))
	end
end

local function report(err)
	io.stdout:flush()
	io.stderr:write("error: ", tostring(err), "\n")
	return false
end

-- Runs a statement, when it is complete. Returns whether it worked; nil when more lines are needed.
local function run_statement(ctl, text, last)
	if session.is_command(text) then
		if session.unfinished(ctl, text) and not last then
			return nil
		end
		table.insert(ctl.statements, text)
		return session.run(ctl, text)
	end
	local fn, message, more = compile(text)
	if more and not last then
		return nil
	end
	table.insert(ctl.statements, text)
	if not fn then
		return report(require("moonvisor.hints").syntax(text, message))
	end
	local result = table.pack(pcall(fn))
	if not result[1] then
		if rawequal(result[2], require("moonvisor.core").interrupted) then
			error(result[2], 0)
		end
		return report(result[2])
	end
	show(table.unpack(result, 2, result.n))
	return true
end

--- Runs the lines one after the other as they come, also after one that failed, until `quit` or their end.
---@param lines string[]   the first ones
---@param settings ControlSettings
---@return boolean ok   all of them have worked
function M.run(lines, settings)
	local ctl = session.shared(settings, _G)
	ctl.statements = {}
	local all, pending = true, nil
	local function run(line, last)
		if not pending and (not line:find "%S" or line:find "^%s*#") then
			return
		end
		pending = pending and pending .. "\n" .. line or line
		local ok = run_statement(ctl, pending, last)
		if ok ~= nil then
			all, pending = all and ok, nil
		end
		io.stdout:flush() -- who writes the lines may read the answers
	end
	local i = 0
	while not ctl.left do
		i = i + 1
		local line = lines[i] or io.read "L"
		if not line then
			break
		end
		run((line:gsub("\r?\n$", "")), false)
	end
	if pending and not ctl.left then
		run("", true)
	end
	return all
end

return M
