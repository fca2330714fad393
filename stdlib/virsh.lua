-- The program under the name `virsh`: its options, its environment, its prompt and its exit status.

local M = {}

local EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130

-- What scripts that ask for the version compare with: the release of libvirt whose commands and formats these are.
M.VERSION = "9.0.0"

local usage = [[

%s [options]... [<command_string>]
%s [options]... <command> [args...]

  options:
    -c | --connect=URI      hypervisor connection URI
    -d | --debug=NUM        debug level [0-4]
    -e | --escape <char>    set escape sequence for console
    -h | --help             this help
    -k | --keepalive-interval=NUM
                            keepalive interval in seconds, 0 for disable
    -K | --keepalive-count=NUM
                            number of possible missed keepalive messages
    -l | --log=FILE         output logging to file
    -q | --quiet            quiet mode
    -r | --readonly         connect readonly
    -t | --timing           print timing information
    -v                      short version
    -V                      long version
         --version[=TYPE]   version, TYPE is short or long (default short)
  commands (non interactive mode):

]]

local usage_end = [[

  (specify help <group> for details about the commands in the group)

  (specify help <command> for details about the command)

]]

-- letter -> the long name and whether it takes a value
local options = {
	c = { "connect", true }, d = { "debug", true }, e = { "escape", true }, h = { "help" },
	k = { "keepalive-interval", true }, K = { "keepalive-count", true }, l = { "log", true }, q = { "quiet" },
	r = { "readonly" }, t = { "timing" }, v = { "version" }, V = {},
}

local function complain(format, ...)
	io.stdout:flush()
	io.stderr:write("error: ", format:format(...), "\n")
end

-- What ends the program early: raised with the exit status.
local function leave(status)
	error({ status = status }, 0)
end

local function long_option(text)
	local name = text:match "^%-%-([^=]*)"
	local found, letter
	for candidate, option in pairs(options) do
		if option[1] == name then
			return candidate
		elseif option[1] and option[1]:sub(1, #name) == name then
			found, letter = (found or 0) + 1, candidate
		end
	end
	return found == 1 and letter or nil
end

-- Calls take(letter, value, how it was written) for each option. Returns the index of the first argument that is none.
local function walk(arguments, take)
	local i = 1
	local function value_after(letter)
		i = i + 1
		if not arguments[i] then
			complain("option '-%s'/'--%s' requires an argument", letter, options[letter][1])
			leave(EXIT_FAILED)
		end
		return arguments[i]
	end
	while arguments[i] do
		local argument = arguments[i]
		if argument == "--" then
			return i + 1
		elseif argument:sub(1, 2) == "--" then
			local letter, value = long_option(argument), argument:match "^[^=]*=(.*)$"
			if not letter or value and not options[letter][2] and letter ~= "v" then
				complain("unsupported option '%s'. See --help.", letter and "-" .. letter or argument)
				leave(EXIT_FAILED)
			elseif options[letter][2] then
				value = value or value_after(letter)
			end
			take(letter, value, "--" .. options[letter][1])
		elseif argument:sub(1, 1) == "-" and argument ~= "-" then
			local at = 2
			while at <= #argument do
				local letter = argument:sub(at, at)
				local option = options[letter]
				if not option then
					complain("unsupported option '-%s'. See --help.", letter)
					leave(EXIT_FAILED)
				elseif option[2] then
					local rest = argument:sub(at + 1)
					take(letter, rest ~= "" and rest or value_after(letter), "-" .. letter)
					break
				end
				take(letter, nil, "-" .. letter)
				at = at + 1
			end
		else
			return i
		end
		i = i + 1
	end
	return i
end

local function open_log(path)
	local file = path ~= "" and io.open(path, "a")
	if not file then
		complain "failed to open the log file. check the log file path"
		leave(EXIT_FAILED)
	end
	return file
end

local function whole_number(text)
	return require("moonvisor.command.number").int(text)
end

local function set_debug(given, text, shown)
	local level = whole_number(text)
	if not level then
		complain("option %s takes a numeric argument", shown)
		leave(EXIT_FAILED)
	elseif level < 0 or level > 4 then
		complain("ignoring debug level %d out of range [0-4]", level)
	else
		given.debug_level = level
	end
end

local function is_escape(text)
	return text:find "^%^[%a@%[\\%]^_]$" ~= nil or #text == 1 and text ~= "^"
end

local function long_version()
	io.stdout:write(("Virsh command line tool of libvirt %s\nMoonvisor %s\n"):format(M.VERSION,
		require("moonvisor.core").version))
end

-- One option into `given`.
local function set(given, letter, value, shown)
	if letter == "c" then
		given.uri = value
	elseif letter == "d" then
		set_debug(given, value, shown)
	elseif letter == "e" then
		if not is_escape(value) then
			complain("Invalid string '%s' for escape sequence", value)
			leave(EXIT_FAILED)
		end
		given.escape = value
	elseif letter == "h" then
		io.stdout:write(usage:format(given.program, given.program), require("moonvisor.command.help").program(true),
			usage_end)
		leave(EXIT_OK)
	elseif letter == "k" or letter == "K" then
		local number = whole_number(value)
		if not number then
			complain("Invalid value for option %s", shown)
			leave(EXIT_FAILED)
		elseif number < 0 then
			complain("option %s requires a positive integer argument", shown)
			leave(EXIT_FAILED)
		end
		given[letter == "k" and "keepalive_interval" or "keepalive_count"] = number
	elseif letter == "l" then
		given.log_file = open_log(value)
	elseif letter == "V" or letter == "v" and value == "long" then
		long_version()
		leave(EXIT_OK)
	elseif letter == "v" then
		io.stdout:write(M.VERSION, "\n")
		leave(EXIT_OK)
	else
		given[options[letter][1]] = true
	end
end

-- The environment counts where nothing was asked for, and -d 4 asks for nothing: virsh looks before its options and
-- again after them.
local function environment(given)
	local level = os.getenv "VIRSH_DEBUG"
	if level and (given.debug_level or 4) == 4 then
		given.debug_level = whole_number(level)
		if not given.debug_level or given.debug_level < 0 or given.debug_level > 4 then
			complain "VIRSH_DEBUG not set with a valid numeric value"
			given.debug_level = nil
		end
	end
	local path = os.getenv "VIRSH_LOG_FILE"
	if path and path ~= "" and not given.log_file then
		given.log_file = open_log(path)
	end
end

-- --- the prompt ------------------------------------------------------------------------------------------------------

local function prompt_of(ctl)
	return ctl.readonly and "virsh > " or "virsh # "
end

-- Lines of a standard input that is no terminal, with the prompt and what was read on standard output, as readline has
-- them.
local function piped_lines(ctl)
	return function()
		io.stdout:write(prompt_of(ctl))
		local line = io.read "L"
		if not line then
			return nil
		end
		line = line:gsub("\n$", "")
		io.stdout:write(line, "\n")
		return line
	end
end

local function history_path()
	local base = os.getenv "XDG_CACHE_HOME"
	if not base or base == "" then
		local home = os.getenv "HOME"
		base = home and home ~= "" and home .. "/.cache"
	end
	return base and base .. "/virsh"
end

local HISTORY_LIMIT = 500000

-- How many lines the history keeps; nil: its own choice.
local function history_size()
	local text = os.getenv "VIRSH_HISTSIZE"
	local size = text and whole_number(text)
	if not text then
		return nil
	elseif not size then
		complain "Bad $VIRSH_HISTSIZE value."
	elseif size < 0 or size > HISTORY_LIMIT then
		complain("$VIRSH_HISTSIZE value should be between 0 and %d", HISTORY_LIMIT)
		size = nil
	end
	return size
end

local function typed_lines(ctl)
	local editor, terminal = require "moonvisor.editor", require "moonvisor.terminal"
	local core = require "moonvisor.core"
	local folder = history_path()
	local path = folder and not terminal.make_folder(folder) and folder .. "/history" or nil
	if path then
		editor.load_history(path)
	end
	if ctl.history_size then
		editor.limit_history(ctl.history_size)
	end
	editor.set_completer(function(before, word)
		return require("moonvisor.command.complete").at_prompt(ctl, before, word)
	end)
	return function()
		editor.start(prompt_of(ctl))
		while true do
			local ready = core.poll({ 0, editor.signal_fd() }, -1)
			if editor.signals() then
				return ""
			elseif ready[0] then
				local done, line = editor.feed()
				if done then
					if line and line:find "%S" then
						editor.add_history(line, path)
					end
					return line
				end
			end
		end
	end
end

local function run_line(ctl, line)
	if line ~= "" then
		ctl:execute(require("moonvisor.command.tokens").text(line))
	end
end

local function prompt(ctl)
	local terminal = require "moonvisor.terminal"
	ctl.prompt, ctl.history_size = true, history_size()
	ctl:extra "Welcome to virsh, the virtualization interactive terminal.\n\n"
	ctl:extra "Type:  'help' for help with commands\n       'quit' to quit\n\n"
	local next_line = terminal.isatty(0) and typed_lines(ctl) or piped_lines(ctl)
	while not ctl.left do
		local line = next_line()
		if not line then
			break
		end
		local ok, err = terminal.interruptible(run_line, ctl, line)
		if not ok and not rawequal(err, require("moonvisor.core").interrupted) then
			ctl:error("%s", ctl:error_text(err))
		end
	end
	io.stdout:write "\n"
	return EXIT_OK
end

-- --- the program -----------------------------------------------------------------------------------------------------

local function run(arguments)
	local given = { plain = true, program = "virsh" }
	environment(given)
	local first = walk(arguments, function(letter, value, shown)
		set(given, letter, value, shown)
	end)
	given.uri = given.uri or require("moonvisor.command.open").default_uri()
	local control = require "moonvisor.command.control"
	local ctl, parsed = control.new(given), nil
	if arguments[first] then
		local tokens = require "moonvisor.command.tokens"
		local source
		if arguments[first + 1] then
			source = tokens.list(arguments, first)
		elseif arguments[first] == "" then
			return EXIT_FAILED
		else
			source = tokens.text(arguments[first])
			ctl:debug(1, 'commands: "%s"', arguments[first])
		end
		parsed = ctl:parse(source)
		if not parsed then
			return EXIT_FAILED
		end
	end
	environment(ctl)
	-- A connection that was asked for must work, even when no command needs it.
	if given.uri and not control.ensure_connected(ctl) then
		return EXIT_FAILED
	elseif not parsed then
		return prompt(ctl)
	end
	local unbroken, ok = require("moonvisor.terminal").interruptible(ctl.run_all, ctl, parsed)
	if unbroken then
		return ok and EXIT_OK or EXIT_FAILED
	elseif rawequal(ok, require("moonvisor.core").interrupted) then
		return EXIT_INTERRUPTED
	end
	error(ok, 0)
end

--- The whole program.
---@param arguments string[]   from 0
---@return integer status
function M.main(arguments)
	local ok, result = pcall(run, arguments)
	if ok then
		return result
	elseif type(result) == "table" and result.status then
		return result.status
	end
	error(result, 0)
end

return M
