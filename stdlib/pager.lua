-- Long output at the prompt is shown by a pager. What is written is kept until it is finished; when it is more than
-- the terminal has lines, it goes to the pager, otherwise to the terminal. A program that waits (for events, for a job)
-- shows what it has written before, without a pager.

local settings = require "moonvisor.settings"
local terminal = require "moonvisor.terminal"

local M = {}

-- Goes on with less when there is one, in colour, and is over when all fits; what it showed stays.
local DEFAULT = "less"

local kept, on = {}, false

--- The command that pages, or nil.
function M.command()
	local command = settings.pager
	if command == nil then
		command = os.getenv "MOONVISOR_PAGER" or os.getenv "PAGER" or DEFAULT
	elseif command == true then
		command = DEFAULT
	end
	return command and command:find "%S" and command ~= "cat" and command or nil
end

-- How many lines of the terminal a text fills.
local function lines_of(text, width, enough)
	local count = 0
	for line in text:gmatch "([^\n]*)\n?" do
		local columns = utf8.len(line) or #line
		count = count + math.max(1, (columns + width - 1) // width)
		if count > enough then
			break
		end
	end
	return count
end

local function take()
	local text = table.concat(kept)
	kept = {}
	return text
end

--- Writes to the terminal what is kept.
function M.flush()
	if #kept > 0 then
		io.stdout:write(take())
	end
	io.stdout:flush()
end

--- Keeps text, or writes it where nothing is paged.
function M.write(text)
	if on then
		kept[#kept + 1] = text
	else
		io.stdout:write(text)
	end
end

-- Shows what is kept, by the pager when it is long.
local function show()
	local text, command = take(), M.command()
	local height = terminal.height()
	if command and lines_of(text, terminal.width(), height) >= height then
		local environment = os.getenv "LESS" and "" or "LESS=FRX " -- as git does
		if terminal.page(environment .. command, text) then
			return
		end
	end
	io.stdout:write(text)
	io.stdout:flush()
end

--- Calls a function whose output is paged at the end; what it wrote before an error is shown.
---@return any ...   what the function returned
function M.around(fn, ...)
	if on or not terminal.isatty(1) or not terminal.isatty(0) or os.getenv "TERM" == "dumb" or not M.command() then
		return fn(...)
	end
	on = true
	local wait = require "moonvisor.wait"
	wait.before_waiting(M.flush)
	local function finish(ok, ...)
		on = false
		wait.before_waiting(nil)
		if not ok then
			M.flush()
			error((...), 0)
		end
		show()
		return ...
	end
	return finish(pcall(fn, ...))
end

return M
