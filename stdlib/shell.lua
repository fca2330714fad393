-- mvsh: its options, and what it runs.

local M = {}

local EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

local usage = [[
usage: mvsh [OPTIONS]                  a prompt for Lua (without a terminal:
                                       runs what is on standard input)
       mvsh [OPTIONS] SCRIPT [ARGS]    runs a Lua script; - is standard input
       mvsh [OPTIONS] -e CODE [ARGS]   runs Lua code

  -c, --connect URI    opens a connection, which is the global variable `conn`
  -e, --execute CODE   runs this Lua code; may be given several times
  -q, --quiet          no greeting at the prompt
  -h, --help           shows this
  -V, --version        shows the version

The module is the global variable `virt`, the arguments are in `arg` and `...`.
The exit status is 0; 1 when the script raised an error; 2 when mvsh was called
wrongly; or what os.exit() was given. See mvsh(1).
]]

-- name -> { takes a value, what it is called in the result }
local options = {
	c = { true, "connect" }, connect = { true, "connect" },
	e = { true, "execute" }, execute = { true, "execute" },
	q = { false, "quiet" }, quiet = { false, "quiet" },
	h = { false, "help" }, help = { false, "help" },
	V = { false, "version" }, version = { false, "version" },
}

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
		return xpcall(fn, with_traceback, table.unpack(arguments, 1, arguments.n))
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

local function run_prompt(given, arguments)
	local terminal = require "moonvisor.terminal"
	local dumb = os.getenv "TERM" == "dumb" or (os.getenv "NO_COLOR" or "") ~= ""
	set_arg(arguments, #arguments + 1, arguments[0])
	require("moonvisor.repl").run {
		quiet = given.quiet,
		colour = terminal.isatty(1) and not dumb,
		version = require("moonvisor").version,
	}
	return 0
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
	local virt = require "moonvisor"
	if given.help then
		io.stdout:write(usage)
		return 0
	elseif given.version then
		print("mvsh (Moonvisor) " .. virt.version)
		return 0
	end
	_G.virt = virt
	if given.connect then
		local status = run(function()
			_G.conn = virt.open(given.connect)
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
		return run_prompt(given, arguments)
	end
	arguments[first] = "-"
	return run_script(arguments, first)
end

return M
