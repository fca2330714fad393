-- Commands that `virsh` has not.

local commands = {
	{
		name = "explain",
		summary = "show a command as Lua",
		description = "Prints the Lua program that does what the command does. Calls that only look are made,\n"
			.. "    nothing is changed.",
		options = {
			{ name = "command", kind = "argv", required = true, verbatim = true,
				help = "a command with its options, or several in quotes" },
		},
	},
	{
		name = "history",
		summary = "show what was typed, or make a script of it",
		description = "Prints the statements of this session, or, outside the prompt, those that were kept.",
		connect = false,
		options = {
			{ name = "lua", kind = "bool", help = "as a Lua program that does it again" },
			{ name = "count", kind = "int", number = "uint", help = "only the last ones" },
		},
	},
}

local run = {}

function run.explain(ctl, opt)
	local words = opt.command
	local tokens = require "moonvisor.command.tokens"
	local source = #words == 1 and tokens.text(words[1]) or tokens.list(words)
	local parsed = ctl:parse(source)
	if not parsed then
		return false
	end
	local conn = ctl.conn
	require "moonvisor.connection" -- its properties
	local text, ok = require("moonvisor.command.recorder").explain(ctl, parsed, conn.uri)
	ctl.structured = true
	ctl:print("%s", text)
	return ok
end

-- The statements of a history file: lines of digits after a # are the times between them.
local function kept_statements()
	local path = require("moonvisor.command.session").history_path()
	local file = path and io.open(path)
	local statements, lines = {}, {}
	local function finish()
		statements[#statements + 1] = #lines > 0 and table.concat(lines, "\n") or nil
		lines = {}
	end
	for line in file and file:lines() or function() end do
		if line:find "^#%d+$" then
			finish()
		else
			lines[#lines + 1] = line
		end
	end
	finish()
	if file then
		file:close()
	end
	return statements
end

local function quoted(text)
	if not text:find "%]%]" and not text:find "^\n" and not text:find "%]$" then
		return (text:find "[\n\"\\]" and "[[%s]]" or '"%s"'):format(text)
	end
	return ("%q"):format(text)
end

-- A statement as it stands in a program.
local function as_lua(text)
	local session = require "moonvisor.command.session"
	local word = text:match "^%s*(%a+)"
	if (word == "quit" or word == "exit" or word == "history") and session.is_command(text) then
		return nil
	elseif text:find "^%s*!" then
		return ("os.execute(%s)"):format(quoted(text:match "^%s*!(.*)$"))
	elseif session.is_command(text) then
		return ("run(conn, %s)"):format(quoted(text))
	elseif load("return " .. text, "=history", "t") then
		return ("print(%s)"):format(text)
	elseif load(text, "=history", "t") then
		return text
	end
	return "-- " .. text:gsub("\n", "\n-- ") -- it was an error
end

function run.history(ctl, opt)
	local statements = ctl.statements or kept_statements()
	ctl.structured = true
	local first = math.max(1, #statements + 1 - (opt.count or #statements))
	if opt.lua then
		ctl:print('#!/usr/bin/env mvsh\nlocal run = require("moonvisor.commands").run\n')
		local conn = rawget(ctl, "conn")
		local uri = conn and require("moonvisor.core").Connection.uri(conn) or require("moonvisor.command.open").uri(ctl.uri)
		ctl:print("conn = conn or virt.open(%s)\n\n", ("%q"):format(uri))
	end
	for i = first, #statements do
		local line = not opt.lua and ("%5d  %s"):format(i, statements[i]) or as_lua(statements[i])
		if line then
			ctl:print("%s\n", line)
		end
	end
end

return { group = "Moonvisor", keyword = "moonvisor", commands = commands, run = run }
