-- mvsh: its options, and what it runs.

local M = {}

local EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

local usage = [[
usage: mvsh [OPTIONS]                  a prompt for commands and Lua (without a
                                       terminal: runs standard input, which is
                                       Lua, or, when a command stands first,
                                       lines as at the prompt)
       mvsh [OPTIONS] COMMAND [ARGS]   runs a command: mvsh list --all
       mvsh [OPTIONS] 'COMMAND; ...'   runs several; mvsh help shows them all
       mvsh [OPTIONS] SCRIPT [ARGS]    runs a Lua script; - is standard input
       mvsh [OPTIONS] -e CODE [ARGS]   runs Lua code

  -c, --connect URI    opens a connection, which is the global variable `conn`
  -r, --readonly       opens it for looking only
  -e, --execute CODE   runs this Lua code; may be given several times
  -o, --output FORMAT  listings as table, json, lua or name
  -q, --quiet          no greeting and no progress, less text from commands
  -t, --timing         shows how long each command took
  -d, --debug LEVEL    shows what happens: 0 (all) to 4 (nothing more)
  -l, --log FILE       adds errors and debug messages to a file
  -k, --keepalive-interval SECONDS
  -K, --keepalive-count NUMBER
                       how often a remote host is probed, and for how long
      --escape CHAR    what leaves a guest's console; default ^]
      --no-init        does not run ~/.config/moonvisor/init.lua at the prompt
      --trace          errors at the prompt and of commands with a traceback
  -h, --help           shows this
  -v, -V, --version    shows the version

The module is the global variable `virt`, the arguments are in `arg` and `...`.
The exit status is 0; 1 when a command failed or the script raised an error; 2
when mvsh was called wrongly; or what os.exit() was given. See mvsh(1).
]]

-- name -> { takes a value, what it is called in the result }
local options = {}
for _, item in ipairs {
	{ "c", "connect", true }, { "r", "readonly" }, { "e", "execute", true }, { "o", "output", true }, { "q", "quiet" },
	{ "t", "timing" }, { "d", "debug", true }, { "l", "log", true }, { "k", "keepalive-interval", true },
	{ "K", "keepalive-count", true }, { nil, "escape", true }, { nil, "trace" }, { nil, "no-init" }, { "h", "help" },
	{ "v", "version" },
	{ "V", "version" },
} do
	local letter, name, value = item[1], item[2], item[3] or false
	options[name] = { value, name }
	if letter then
		options[letter] = options[name]
	end
end

local function fail(message)
	io.stderr:write("mvsh: ", message, "\n")
	return EXIT_FAILED
end

local function misuse(format, ...)
	io.stderr:write("mvsh: ", format:format(...), "\nTry 'mvsh --help'.\n")
	return nil, EXIT_USAGE
end

local function long_names()
	local names = {}
	for name in pairs(options) do
		names[#names + 1] = #name > 1 and "--" .. name or nil
	end
	table.sort(names)
	return names
end

-- Options up to the first argument that is none. Returns what was given and the index of the rest; nil and the exit
-- status when it is wrong.
local function parse(arguments)
	local given, i = { execute = {} }, 1
	local function take(name, shown, attached)
		local option = options[name]
		if not option then
			local hint = #shown > 2 and require("moonvisor.suggest").hint(shown, long_names()) or "."
			return misuse("there is no option '%s'%s", shown, hint)
		elseif not option[1] then
			if attached and #name > 1 then
				return misuse("the option '%s' takes no value", shown)
			end
			given[option[2]] = true
			return true
		end
		local value = attached
		if not value then
			i = i + 1
			value = arguments[i]
		end
		if not value then
			return misuse("the option '%s' needs a value", shown)
		elseif option[2] == "execute" then
			table.insert(given.execute, value)
		else
			given[option[2]] = value
		end
		return true, true
	end
	while arguments[i] do
		local argument = arguments[i]
		if argument == "-" or argument:sub(1, 1) ~= "-" then
			break
		elseif argument == "--" then
			i = i + 1
			break
		end
		local name, value = argument:match "^%-%-([^=]+)=?(.*)$"
		if name then
			local ok, status = take(name, "--" .. name, argument:find("=", 1, true) and value or nil)
			if not ok then
				return nil, status
			end
		else
			local rest = argument:sub(2)
			while rest ~= "" do
				local letter, after = rest:sub(1, 1), rest:sub(2)
				local ok, used = take(letter, "-" .. letter, after ~= "" and after or nil)
				if not ok then
					return nil, used
				end
				rest = used and "" or after
			end
		end
		i = i + 1
	end
	return given, i
end

-- The message with a traceback that ends where the script begins.
local function with_traceback(err)
	if rawequal(err, require("moonvisor.core").interrupted) then
		return err
	end
	local message
	if type(err) == "string" then
		message = err
	elseif getmetatable(err) and debug.getmetatable(err).__tostring then
		message = tostring(err)
	else
		message = ("an error that is a value of type %s was raised"):format(type(err))
	end
	local traceback = debug.traceback(message, 2)
	return (traceback:gsub("\n%s*%[C%]: in function 'xpcall'\n%s*moonvisor%.shell:.*$", ""))
end

-- Runs a function; Ctrl-C ends it. Returns the exit status.
local function run(fn, ...)
	local terminal = require "moonvisor.terminal"
	local arguments = table.pack(...)
	local _, ok, err = terminal.interruptible(function()
		local result = table.pack(xpcall(fn, with_traceback, table.unpack(arguments, 1, arguments.n)))
		-- Who has spawned tasks waits for their end.
		local task = package.loaded["moonvisor.task"]
		if result[1] and task and not task.finish() then
			return false, "a task has failed"
		end
		return table.unpack(result, 1, result.n)
	end)
	if ok == true then
		return 0
	end
	err = ok == false and err or ok
	if rawequal(err, require("moonvisor.core").interrupted) then
		io.stderr:write "mvsh: interrupted\n"
		return EXIT_INTERRUPTED
	end
	return fail(tostring(err))
end

-- arg[0] is the script, what follows are its arguments, what stood before has negative numbers.
local function set_arg(arguments, first, name)
	local arg = {}
	for i = 0, #arguments do
		arg[i - first] = arguments[i]
	end
	arg[0] = name
	_G.arg = arg
	return table.unpack(arg)
end

local function run_code(given, arguments, first)
	local values = table.pack(set_arg(arguments, first - 1, arguments[0]))
	for _, code in ipairs(given.execute) do
		local fn, message = load(code, "=-e", "t")
		if not fn then
			return fail(message)
		end
		local status = run(fn, table.unpack(values, 1, values.n))
		if status ~= 0 then
			return status
		end
	end
	return 0
end

local function run_script(arguments, first)
	local path = arguments[first]
	local values = table.pack(set_arg(arguments, first, path))
	local fn, message
	if path == "-" then
		fn, message = load(function()
			return io.read(4096)
		end, "=stdin", "t")
	else
		fn, message = loadfile(path, "t")
	end
	if not fn then
		return fail(message)
	end
	return run(fn, table.unpack(values, 1, values.n))
end

-- Standard input without a terminal: lines as at the prompt when the first is a command, a Lua script otherwise.
local function run_input(arguments, settings)
	local lines = require "moonvisor.lines"
	local commands, first = lines.begin()
	if not commands then
		local values = table.pack(set_arg(arguments, #arguments + 1, "-"))
		local fn, message = load(table.concat(first) .. (io.read "a" or ""), "=stdin", "t")
		return fn and run(fn, table.unpack(values, 1, values.n)) or fail(message)
	end
	set_arg(arguments, #arguments + 1, arguments[0])
	local worked
	local status = run(function()
		worked = lines.run(first, settings)
	end)
	return status ~= 0 and status or worked and 0 or EXIT_FAILED
end

local function run_prompt(given, arguments, settings)
	set_arg(arguments, #arguments + 1, arguments[0])
	require("moonvisor.repl").run {
		quiet = given.quiet,
		no_init = given["no-init"],
		version = require("moonvisor").version,
		settings = settings,
	}
	return 0
end

local FORMATS = { table = true, json = true, lua = true, name = true }

-- What commands need to know of the options; nil and the exit status when one is wrong.
local function settings_of(given)
	local function number(name, low, high)
		local text = given[name]
		local value = text and require("moonvisor.command.number").int(text)
		if text and (not value or value < low or value > high) then
			return misuse("the option '--%s' takes a number from %d to %d, not '%s'", name, low, high, text)
		end
		return value or false
	end
	local settings = {
		uri = given.connect, readonly = given.readonly, quiet = given.quiet, timing = given.timing,
		escape = given.escape, trace = given.trace, output = given.output,
	}
	if given.output and not FORMATS[given.output] then
		return misuse("there is no format '%s'; the formats are table, json, lua and name", given.output)
	end
	for key, range in pairs { debug_level = { "debug", 0, 4 }, keepalive_interval = { "keepalive-interval", 0, 1 << 20 },
		keepalive_count = { "keepalive-count", 0, 1 << 20 } } do
		local value, status = number(table.unpack(range))
		if value == nil then
			return nil, status
		end
		settings[key] = value or nil
	end
	if given.log then
		local file, why = io.open(given.log, "a")
		if not file then
			return nil, fail(("the log file cannot be opened: %s"):format(why))
		end
		settings.log_file = file
	end
	return settings
end

-- Whether an argument is a command or several, and not the name of a script.
local function names_command(arguments, first)
	local word = arguments[first]
	-- Only of what could be the command: its options may be paths.
	local head = word:match "^%s*(%S*)"
	if head == "-" or head:find "/" or head:find "%.lua$" then
		return false
	end
	local session = require "moonvisor.command.session"
	if session.is_command_text(word) then
		return true
	end
	local file = io.open(word)
	if file then
		file:close()
		return false
	end
	return true -- which it is not either, but then this is what to say
end

local function run_command(ctl, arguments, first)
	local session = require "moonvisor.command.session"
	local _, ok, err = require("moonvisor.terminal").interruptible(pcall, session.run_arguments, ctl, arguments, first)
	if ok == true then
		return err and 0 or EXIT_FAILED
	end
	err = ok == false and err or ok
	if rawequal(err, require("moonvisor.core").interrupted) then
		io.stderr:write "mvsh: interrupted\n"
		return EXIT_INTERRUPTED
	end
	return fail(tostring(err))
end

--- The whole program.
---@param arguments string[]   from 0
---@return integer status
function M.main(arguments)
	if (arguments[0] or ""):match "[^/]*$" == "virsh" then
		return require("moonvisor.virsh").main(arguments)
	end
	local given, first = parse(arguments)
	if not given then
		return first
	end
	if given.help then
		io.stdout:write(usage)
		return 0
	elseif given.version then
		print("mvsh (Moonvisor) " .. require("moonvisor.core").version)
		return 0
	end
	local settings, status = settings_of(given)
	if not settings then
		return status
	end
	if #given.execute == 0 and arguments[first] and names_command(arguments, first) then
		return run_command(require("moonvisor.command.session").new(settings), arguments, first)
	end
	collectgarbage("incremental", 200)
	local virt = require "moonvisor"
	_G.virt = virt
	if given.connect then
		status = run(function()
			_G.conn = virt.open(given.connect, { read_only = given.readonly or false })
		end)
		if status ~= 0 then
			return status
		end
	end
	if #given.execute > 0 then
		return run_code(given, arguments, first)
	elseif arguments[first] then
		return run_script(arguments, first)
	elseif require("moonvisor.terminal").isatty(0) then
		return run_prompt(given, arguments, settings)
	end
	return run_input(arguments, settings)
end

return M
