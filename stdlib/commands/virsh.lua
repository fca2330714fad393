-- The commands of the group Virsh itself.

local commands = {
	{
		name = "cd",
		summary = "change the current directory",
		description = "Change the current directory.",
		connect = false,
		options = {
			{ name = "dir", kind = "string",
				help = "directory to switch to (default: home or else root)" },
		},
	},
	{
		name = "echo",
		summary = "echo arguments. Used for internal testing.",
		description = "Echo back arguments, possibly with quoting. Used for internal testing.",
		connect = false,
		options = {
			{ name = "shell", kind = "bool", help = "escape for shell use" },
			{ name = "xml", kind = "bool", help = "escape for XML use" },
			{ name = "split", kind = "bool",
				help = "split each argument on ','; ',,' is an escape sequence" },
			{ name = "err", kind = "bool", help = "output to stderr" },
			{ name = "str", alias_of = "string" },
			{ name = "hi", alias_of = "string", value = "hello" },
			{ name = "string", kind = "argv", help = "arguments to echo" },
		},
	},
	{
		name = "exit",
		summary = "quit this interactive terminal",
		connect = false,
	},
	{
		name = "help",
		summary = "print help",
		description = "Prints global help, command specific help, or help for a\n    group of related "
			.. "commands",
		connect = false,
		options = {
			{ name = "command", kind = "string", complete = "command",
				help = "Prints global help, command specific help, or help for a group of "
					.. "related commands" },
		},
	},
	{
		name = "pwd",
		summary = "print the current directory",
		description = "Print the current directory.",
		connect = false,
	},
	{
		name = "quit",
		summary = "quit this interactive terminal",
		connect = false,
	},
	{
		name = "self-test",
		summary = "internal command for testing virt shells",
		description = "internal use only",
		connect = false,
		hidden = true,
		options = {
			{ name = "completers-missing", kind = "bool",
				help = "output the list of options which are missing completers" },
		},
	},
	{
		name = "complete",
		summary = "internal command for autocompletion",
		description = "internal use only",
		connect = false,
		hidden = true,
		options = {
			{ name = "string", kind = "argv", empty_ok = true, help = "partial string to autocomplete" },
		},
	},
	{
		name = "connect",
		summary = "(re)connect to hypervisor",
		description = "Connect to local hypervisor. This is built-in command after shell start up.",
		connect = false,
		options = {
			{ name = "name", kind = "string", empty_ok = true, help = "hypervisor connection URI" },
			{ name = "readonly", kind = "bool", help = "read-only connection" },
		},
	},
}

local run = {}

local function terminal()
	return require "moonvisor.terminal"
end

function run.cd(ctl, opt)
	if not ctl:interactive() then
		ctl:fail "cd: command valid only in interactive mode"
	end
	local folder = opt.dir or os.getenv "HOME" or "/"
	local why = terminal().change_folder(folder)
	if why then
		ctl:fail("cd: %s: %s", folder, why)
	end
end

function run.pwd(ctl)
	local folder, why = terminal().current_folder()
	if not folder then
		ctl:fail("pwd: cannot get current directory: %s", why)
	end
	ctl:print("%s\n", folder)
end

-- The pieces between commas; two commas are one that separates nothing.
local function split(text)
	local pieces, current, at = {}, {}, 1
	while true do
		local comma = text:find(",", at, true)
		current[#current + 1] = text:sub(at, (comma or 0) - 1)
		if not comma then
			break
		elseif text:sub(comma + 1, comma + 1) == "," then
			current[#current + 1] = ","
			at = comma + 2
		else
			pieces[#pieces + 1] = table.concat(current)
			current, at = {}, comma + 1
		end
	end
	pieces[#pieces + 1] = table.concat(current)
	return pieces
end

local entities = { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;", ['"'] = "&quot;", ["'"] = "&apos;" }

local function shell_quoted(text)
	if text ~= "" and not text:find "[\r\t\n !\"#$&'()*;<>?%[\\%]^`{|}~]" then
		return text
	end
	return "'" .. text:gsub("'", "'\\''") .. "'"
end

function run.echo(ctl, opt)
	ctl:exclusive(opt, "shell", "xml")
	ctl:exclusive(opt, "shell", "split")
	ctl:exclusive(opt, "xml", "split")
	local parts = {}
	for i, text in ipairs(opt.string or {}) do
		if opt.xml then
			text = text:gsub("[<>&\"']", entities)
		elseif opt.shell then
			text = shell_quoted(text)
		elseif opt.split then
			text = text ~= "" and table.concat(split(text), "\n") .. "\n" or ""
		end
		parts[i] = (i > 1 and " " or "") .. text
	end
	local text = table.concat(parts)
	if opt.err then
		ctl:error("%s", text)
	else
		ctl:print("%s", text)
	end
end

-- What they do is done by whoever runs commands: nothing after them is run.
function run.exit() end

function run.quit() end

function run.help(ctl, opt)
	local help = require "moonvisor.command.help"
	local name = ctl:given(opt, "command") or ""
	if name == "" then
		ctl:print("%s", ctl.plain and help.all(true) or help.introduction() .. help.all())
		return
	end
	local command = require("moonvisor.command.registry").find(name, ctl.plain)
	local text = command and help.command(command, not ctl.plain) or help.group(name, ctl.plain)
		or not ctl.plain and help.api(name)
	if not text then
		ctl:error("command or command group '%s' doesn't exist", name)
		local near = not ctl.plain and help.nearest(name)
		if near then
			ctl.write_error(("did you mean '%s'?\n"):format(near))
		end
		return false
	end
	ctl:print("%s", text)
end

function run.connect(ctl, opt)
	local ok, err = pcall(ctl.connect, ctl, ctl:given(opt, "name"), opt.readonly or false)
	if not ok then
		ctl:fail_because(err, "failed to connect to the hypervisor")
	end
end

-- Checks what all commands say of themselves: that options are in an order that can be parsed, that texts are there.
run["self-test"] = function(ctl, opt)
	local registry = require "moonvisor.command.registry"
	local good = true
	for _, group in ipairs(registry.groups(ctl.plain)) do
		for _, name in ipairs(group.names) do
			local command, rest = registry.find(name, ctl.plain), nil
			for _, option in ipairs(command.options) do
				if rest then
					ctl:error("command '%s' has the option '%s' after '%s', which takes all words", name, option.name, rest)
					good = false
				end
				rest = option.kind == "argv" and option.name or nil
				if opt.completers_missing and (option.kind == "string" or option.kind == "data") and not option.complete then
					ctl:print("%s --%s\n", name, option.name)
				end
			end
			if type(command.run) ~= "function" then
				ctl:error("command '%s' cannot be run", name)
				good = false
			end
		end
	end
	return good
end

-- The words that complete the last one, for the completion of system shells.
function run.complete(ctl, opt)
	local words = opt.string
	if not words then
		return false
	end
	local last = table.remove(words)
	local found = require("moonvisor.command.complete").candidates(ctl, words, last)
	for _, word in ipairs(found) do
		ctl:print("%s\n", word)
	end
	return #found > 0
end

return { group = "Virsh itself", keyword = "virsh", commands = commands, run = run }
