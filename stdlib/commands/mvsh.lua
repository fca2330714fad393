-- Commands that `virsh` has not.

local commands = {
	{
		name = "explain",
		summary = "show a command as Lua",
		description = "Prints the Lua program that does what the command does. Calls that only look are made,\n"
			.. "    nothing is changed.",
		options = {
			{ name = "command", kind = "argv", required = true, help = "a command with its options, or several in quotes" },
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
	local text, ok = require("moonvisor.command.recorder").explain(ctl, parsed, ctl.conn.uri)
	ctl.structured = true
	ctl:print("%s", text)
	return ok
end

return { group = "Moonvisor", keyword = "moonvisor", commands = commands, run = run }
