-- The control object, `ctl`: what a command's `run(ctl, opt)` works with. It has the connection, prints, and ends the
-- command when something fails. One ctl serves all commands of a program or a prompt.
--
--   run["net-autostart"] = function(ctl, opt)
--       local net = ctl:network(opt.network)                  -- the reference, or the command ends with virsh's text
--       ctl:attempt("failed to mark network '%s' as autostarted", net.name)
--           :network_set_autostart(net, opt.disable and 0 or 1)  -- this text, then the error's own
--       ctl:extra("Network %s marked as autostarted\n", net.name)
--   end
--
-- Ending. Returning nothing (or true) is success. ctl:fail("text %s", ...) prints "error: text ..." and ends the
-- command; an error that a call raises is printed as virsh prints it and ends it; ctl:attempt(text, ...) is `raw` with
-- one more line before that. `return false` fails without a word (after ctl:error, which only prints).
--
--   local ok, err = pcall(ctl.raw.domain_get_info, ctl.raw, dom)   -- a failure that does not matter
--   if not ok then ctl:error("%s", ctl:error_text(err)) end
--
-- Printing. ctl:print(format, ...) always prints; ctl:extra(...) not with -q (what virsh tells people, not programs).
-- A format without values is printed as it is. ctl:error(...): "error: ..." on standard error. ctl:debug(level, ...).
--
-- Listings and information give records, of which virsh's text is one rendering; put `records = true` in the command's
-- description, and see records.lua for the rest:
--
--   ctl:records {
--       name = "name",                                  -- what -o name prints
--       columns = { "name", "state", "autostart" },     -- the keys: what -o table, json, lua show, and --where can use
--       rows = { { name = "default", state = "active", autostart = true }, ... },
--       text = function(rows)                           -- prints virsh's text of these (filtered, sorted) rows
--           local t = ctl:table { "Name", "State", "Autostart" }
--           for _, row in ipairs(rows) do t:row(row.name, row.state, row.autostart and "yes" or "no") end
--           t:show()
--       end,
--   }
--   ctl:info { { "id", "Id:", 1 }, { "state", "State:", "running" } }     -- key, label, value, text (if it is another)
--
-- Sizes in records are bytes, times are seconds, flags are booleans. ctl:dry() tells whether calls are only recorded.
--
-- Options: opt.name (options.lua). ctl:given(opt, "name"): as it was written, unchecked. ctl:exclusive(opt, "a", "b"),
-- ctl:requires(opt, "a", "b") (a only with b) fail with virsh's text. ctl:affect(opt): --config, --live, --current as
-- flags.
-- Further: ctl:print_xml(xml, opt) (--xpath, --wrap), ctl:edit{...} (edit.lua), ctl:watch{...} (watch.lua: waiting for
-- events), ctl:pretty_size(bytes), ctl:number(name, text, kind, unit), ctl:read_file(path), ctl:sort_by_name(list),
-- ctl:flags(opt, list), ctl:try(call, ...) (nil when it fails), ctl:truth(call, ...).
-- Objects: ctl:domain(text), network, pool, volume, interface, nodedev, secret, nwfilter, ...: lookup.lua.

local core = require "moonvisor.core"
local options = require "moonvisor.command.options"

local M = {}

---@class Control
local Control = {}

-- What ctl:fail() raises, after it has said why.
local FAILED = setmetatable({}, { __tostring = function() return "the command failed" end })

local function text_of(format, ...)
	return select("#", ...) > 0 and format:format(...) or format
end

-- --- printing --------------------------------------------------------------------------------------------------------

function Control:print(format, ...)
	if not self.recorder then
		self.write(text_of(format, ...))
	end
end

function Control:extra(format, ...)
	if not self.quiet then
		self:print(format, ...)
	end
end

--- A line on standard error, after what was printed so far.
function Control:error(format, ...)
	local text = text_of(format, ...)
	self:log(4, text)
	self.flush()
	self.write_error("error: " .. text .. "\n")
end

--- Text that only `-d LEVEL` shows: 0 debug, 1 info, 2 notice, 3 warning, 4 error.
function Control:debug(level, format, ...)
	if self.debug_level and level >= self.debug_level then
		self:log(level, text_of(format, ...))
		self.write(text_of(format, ...) .. "\n")
	end
end

local LEVELS = { [0] = "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR" }

--- Adds a line to the log file, if there is one (-l).
function Control:log(level, text)
	if self.log_file then
		local pid = require("moonvisor.terminal").pid()
		self.log_file:write(("[%s %s %d] %s %s\n"):format(os.date "%Y.%m.%d %H:%M:%S", self.program, pid, LEVELS[level],
			text))
		self.log_file:flush()
	end
end

--- An error as virsh prints it: "Domain not found: no domain with matching name 'x'".
function Control:error_text(err)
	if type(err) == "table" and getmetatable(err) == core.error_metatable then
		return err.text
	end
	return tostring(err)
end

-- --- ending ----------------------------------------------------------------------------------------------------------

--- Prints the error and ends the command, which has failed.
function Control:fail(format, ...)
	self:error(format, ...)
	error(FAILED, 0)
end

--- Whether an error is that of ctl:fail(), which has been printed.
function Control:has_failed(err)
	return rawequal(err, FAILED)
end

--- The same with the error that was the reason on a line of its own.
function Control:fail_because(err, format, ...)
	self:error(format, ...)
	error(err, 0)
end

-- A table whose functions are those of the raw connection; when one fails, the text is printed before its error.
local attempt_index = {
	__index = function(self, name)
		return function(proxy, ...)
			local ctl, text = proxy.ctl, proxy.text
			local raw = ctl.raw
			local function finish(ok, ...)
				if ok then
					return ...
				elseif not rawequal((...), core.interrupted) then
					ctl:error("%s", text)
				end
				error((...), 0)
			end
			return finish(pcall(raw[name], raw, ...))
		end
	end,
}

--- `raw`, with a line that is printed before the error of a call that fails.
function Control:attempt(format, ...)
	return setmetatable({ ctl = self, text = text_of(format, ...) }, attempt_index)
end

-- --- options ---------------------------------------------------------------------------------------------------------

function Control:given(opt, name)
	return options.given(opt, name)
end

--- Fails when two options are given that exclude each other.
function Control:exclusive(opt, first, second)
	if options.given(opt, first) and options.given(opt, second) then
		self:fail("Options --%s and --%s are mutually exclusive", first, second)
	end
end

--- Fails when the first option is given without the second.
function Control:requires(opt, first, second)
	if options.given(opt, first) and not options.given(opt, second) then
		self:fail("Option --%s is required by option --%s", second, first)
	end
end

local AFFECT_LIVE, AFFECT_CONFIG = 1, 2

--- The flags of --live, --config and --current, which excludes the others. None of them: the running domain's or the
--- definition's, whichever the domain has (0).
function Control:affect(opt)
	self:exclusive(opt, "current", "live")
	self:exclusive(opt, "current", "config")
	return (opt.live and AFFECT_LIVE or 0) | (opt.config and AFFECT_CONFIG or 0)
end

--- The sum of the flags of those options that are given: ctl:flags(opt, { live = 1, config = 2 }).
function Control:flags(opt, by_option)
	local sum = 0
	for option, flag in pairs(by_option) do
		sum = sum | (opt[option] and flag or 0)
	end
	return sum
end

--- A number from text, with virsh's message when it is none: kind is one of number.lua.
function Control:number(name, text, kind, unit)
	return options.number(self, { name = name, number = kind, unit = unit }, text)
end

-- --- tables, records, files ------------------------------------------------------------------------------------------

--- A table in virsh's layout: ctl:table{"Name", "State"}:row("a", "b"):show().
function Control:table(header)
	return require("moonvisor.command.table").new(header, function(text)
		self:print("%s", text)
	end, self.quiet)
end

--- Prints a tree in virsh's layout; children(name) gives the names directly below one.
function Control:tree(root, children)
	self:print("%s", require("moonvisor.command.table").tree(root, children))
end

function Control:records(list)
	return require("moonvisor.command.records").show(self, list)
end

function Control:info(fields, width)
	return require("moonvisor.command.records").info(self, fields, width)
end

--- Whether records are wanted in full: for a command that makes fewer calls when virsh's text shows less.
function Control:structured_output()
	local common = self.common or {}
	return (common.where or common.sort or common.columns or common.output or self.output or self.collect) ~= nil
end

--- Sorts references, or other tables with a `name`, as virsh does: by name, capitals and small letters alike.
function Control:sort_by_name(list)
	local lower = {}
	for _, item in ipairs(list) do
		lower[item] = item.name:lower()
	end
	table.sort(list, function(a, b)
		return lower[a] < lower[b]
	end)
	return list
end

local units = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" }

--- A size as people read it: 1.46, "MiB".
function M.pretty_size(bytes)
	local value, at = bytes < 0 and bytes + 2.0 ^ 64 or bytes, 1
	while value >= 1024 and at < #units do
		value, at = value / 1024, at + 1
	end
	return value, units[at]
end

Control.pretty_size = function(_, bytes)
	return M.pretty_size(bytes)
end

--- The same as text, with two decimals: "1.46 MiB".
function Control:size_text(bytes)
	return ("%.2f %s"):format(M.pretty_size(bytes))
end

--- A truth as virsh prints it, or the word for one that is not known (nil).
function Control:yes_no(value, unknown)
	if value == nil then
		return unknown
	end
	return value and "yes" or "no"
end

--- Prints XML; with --xpath what that finds in it, and with --wrap these pieces in one element. The record is the
--- object's configuration, as `conf` of an object gives it.
function Control:print_xml(xml, opt)
	local path = opt and opt.xpath
	if not self:structured_output() then
		self:print("%s", path and core.xpath(xml, path, opt.wrap or false) or xml)
		return
	elseif path then
		self:fail "option --xpath finds pieces of XML, which -o, --where, --columns and --sort have no use for"
	end
	require("moonvisor.command.records").configuration(self, xml)
end

local no_bar = { update = function() end, finish = function() end, stop = function() end }

--- A bar for something long, drawn on standard error; see progress.lua. There is none with -q and under the name virsh.
---@param how {title: string, total: number?, unit: string?, always: boolean?}
function Control:progress(how)
	if self.plain or self.quiet or self.recorder then
		return no_bar
	end
	self.flush()
	how.write = function(text)
		self.write_error(text)
	end
	return require("moonvisor.progress").new(how)
end

--- Makes a call that takes long, and shows how far it is with --verbose; see job.lua.
function Control:job(how, call, ...)
	return require("moonvisor.command.job").run(self, how, call, ...)
end

--- Lets the user edit XML; see edit.lua.
function Control:edit(how)
	return require("moonvisor.command.edit").edit(self, how)
end

--- The commands that wait for one kind of event; see watch.lua.
function Control:watch_one(opt, events, object)
	return require("moonvisor.command.watch").watch_one(self, opt, events, object)
end

--- Waits for events; see watch.lua.
function Control:watch(how)
	return require("moonvisor.command.watch").watch(self, how)
end

local MAX_FILE = 10 * 1024 * 1024

--- The text of a file, as commands that take XML want it. Fails with virsh's text.
function Control:read_file(path)
	local file, why = io.open(path, "rb")
	if not file then
		self:fail("Failed to open file '%s': %s", path, (why:gsub("^.*: ", "")))
	end
	local text
	text, why = file:read(MAX_FILE + 1)
	file:close()
	if not text and why then
		self:fail("Failed to read file '%s': %s", path, why)
	elseif #(text or "") > MAX_FILE then
		self:fail("Failed to read file '%s': Value too large for defined data type", path)
	end
	return text or ""
end

-- --- questions -------------------------------------------------------------------------------------------------------

--- Whether commands are typed at our prompt, one after the other.
function Control:interactive()
	return self.prompt == true
end

--- Whether the calls of this command are recorded, not made (--dry-run, explain).
function Control:dry()
	return self.recorder ~= nil
end

-- --- the connection --------------------------------------------------------------------------------------------------

local KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 5, 6

-- Probes the other side from time to time, where there is one. Only when that was asked for, its lack is an error.
local function keep_alive(ctl, conn)
	local interval, count = ctl.keepalive_interval or KEEPALIVE_INTERVAL, ctl.keepalive_count or KEEPALIVE_COUNT
	local set = core.Connection.keep_alive -- only hosts that are reached through a network have it
	if interval == 0 or set and pcall(set, conn, interval, count) then
		return
	elseif ctl.keepalive_interval or ctl.keepalive_count then
		core.Connection.close(conn)
		ctl:error "Cannot setup keepalive on connection as requested, disconnecting"
		error(FAILED, 0)
	end
	ctl:debug(1, "Failed to setup keepalive on connection")
end

--- Closes the connection, if there is one, and opens another.
---@param uri? string   default: the same again
function Control:connect(uri, readonly)
	local conn = rawget(self, "conn")
	rawset(self, "conn", nil)
	rawset(self, "real_raw", nil)
	if self.owns_conn and conn then
		core.Connection.close(conn)
	end
	if uri == nil then
		readonly = readonly or self.readonly
	end
	conn = self.open(uri or self.uri, readonly)
	if self.plain then
		keep_alive(self, conn)
	end
	self.uri, self.readonly, self.owns_conn = uri or self.uri, readonly, true
	rawset(self, "conn", conn)
	return conn
end

-- Opens the connection that the program was started with. Returns whether there is one.
local function ensure_connected(ctl)
	if rawget(ctl, "conn") or rawget(ctl, "real_raw") then
		return true
	end
	local ok, err = pcall(ctl.connect, ctl, ctl.uri, ctl.readonly)
	if ok then
		return true
	elseif rawequal(err, core.interrupted) then
		error(err, 0)
	end
	if err ~= FAILED then
		ctl:error "failed to connect to the hypervisor"
		ctl:error("%s", ctl:error_text(err))
	end
	return false
end

M.ensure_connected = ensure_connected

local computed = {}

--- The connection object, for events, streams and what else `raw` has not.
function computed.conn(ctl)
	if not ensure_connected(ctl) then
		error(FAILED, 0)
	end
	require "moonvisor" -- gives it its methods
	return rawget(ctl, "conn")
end

function computed.raw(ctl)
	if not rawget(ctl, "real_raw") then
		if not ensure_connected(ctl) then
			error(FAILED, 0)
		end
		rawset(ctl, "real_raw", require("moonvisor.raw").of(rawget(ctl, "conn")))
	end
	return ctl.recorder and ctl.recorder:raw(rawget(ctl, "real_raw")) or rawget(ctl, "real_raw")
end

-- --- running ---------------------------------------------------------------------------------------------------------

-- Calls run(). Returns whether the command succeeded; an error has been printed.
local function call(ctl, command, opt)
	if not command.run then
		ctl:error("the command '%s' has not been written yet", command.name)
		return false
	end
	local handler = ctl.trace and function(err)
		return type(err) == "string" and debug.traceback(err, 2) or err
	end
	local ok, err
	ctl.missed = nil
	local function body()
		ctl:confirm_command(command, opt)
		return command.run(ctl, opt)
	end
	if handler then
		ok, err = xpcall(body, handler)
	else
		ok, err = pcall(body)
	end
	if ok then
		return err ~= false
	elseif rawequal(err, core.interrupted) then
		error(err, 0)
	elseif err ~= FAILED then
		ctl:error("%s", ctl:error_text(err))
	end
	local hint = not ctl.plain and ctl.somebody_there() and require("moonvisor.hints").of_command(ctl, err)
	if hint then
		ctl.write_error("hint: " .. hint .. "\n")
	end
	return false
end

--- Runs one parsed command, with all that virsh prints around it.
---@param parsed Parsed
---@return boolean ok
function Control:run(parsed)
	local command, started, ok = parsed.command, core.now(), false
	self.common, self.command = parsed.common, command.name
	if self.before then -- who shares the connection with others looks which it is now
		self.before()
	end
	if command.connect == false or ensure_connected(self) then
		if parsed.common and parsed.common.dry_run then
			ok = require("moonvisor.command.recorder").dry_run(self, parsed)
		else
			ok = call(self, command, options.new(self, parsed))
		end
	end
	self.common = nil
	local for_programs = self.structured -- the output is data: nothing may be added to it
	self.structured = nil
	if command.name == "quit" or command.name == "exit" then
		self.left = true
	elseif self.timing then
		self.write(("\n(Time: %.3f ms)\n\n"):format((core.now() - started) * 1000))
	elseif not for_programs then
		self:extra "\n"
	end
	return ok
end

--- Runs a command's function alone; for the recorder.
function Control:call(parsed)
	self.common = parsed.common or {}
	return call(self, parsed.command, options.new(self, parsed))
end

--- Parses and runs commands.
---@param source table   see tokens.lua
---@return boolean ok    whether the last of them succeeded; false as well when they cannot be understood
function Control:execute(source)
	local parsed = self:parse(source)
	return parsed ~= nil and self:run_all(parsed)
end

--- Parses commands; prints what is wrong with them.
---@return Parsed[]?
---@return table? details   see parser.lua
function Control:parse(source)
	local parsed, messages, details = require("moonvisor.command.parser").parse(source, {
		plain = self.plain,
		common = not self.plain and options.take_common or nil,
	})
	for _, one in ipairs(self.debug_level and parsed or {}) do
		for _, item in ipairs(one.order) do
			local flag = item[1].kind == "bool"
			self:debug(1, "%s: %s(%s): %s", one.command.name, item[1].name, flag and "bool" or "optdata",
				flag and "(none)" or item[2])
		end
	end
	for _, message in ipairs(messages or {}) do
		self:error("%s", message)
	end
	if details and details.unknown and not self.plain then
		local names = require("moonvisor.command.registry").names()
		local near = require("moonvisor.suggest").nearest(details.unknown, names)
		if near then
			self.write_error(("did you mean '%s'?\n"):format(near))
		elseif not self.prompt and details.unknown:find "[(=.]" then
			self.write_error "mvsh -e runs Lua code\n"
		end
	end
	return parsed, details
end

--- Runs parsed commands, until one of them leaves.
function Control:run_all(parsed)
	local ok = true
	for _, one in ipairs(parsed) do
		ok = self:run(one)
		if self.left then
			break
		end
	end
	return ok
end

-- Methods that are in files of their own.
for _, file in ipairs { "lookup", "calls", "confirm" } do
	for name, method in pairs(require("moonvisor.command." .. file)) do
		Control[name] = method
	end
end

local metatable = {
	__index = function(self, key)
		local method = Control[key]
		if method then
			return method
		end
		local compute = computed[key]
		return compute and compute(self)
	end,
}

---@class ControlSettings
---@field open fun(uri: string?, readonly: boolean): any   opens a connection
---@field uri? string
---@field readonly? boolean
---@field quiet? boolean
---@field timing? boolean
---@field debug_level? integer
---@field log_file? file*
---@field plain? boolean       be virsh: nothing that it has not
---@field prompt? boolean      commands are typed one after the other
---@field program? string
---@field real_raw? table      instead of a connection's raw calls, for tests
---@field write? fun(text: string)         default: standard output
---@field write_error? fun(text: string)   default: standard error

--- A control object.
---@param settings ControlSettings
---@return Control
function M.new(settings)
	local ctl = {
		program = "mvsh",
		open = function(uri, readonly)
			return require("moonvisor.command.open").open(uri, readonly)
		end,
		write = function(text)
			io.stdout:write(text)
		end,
		write_error = function(text)
			io.stderr:write(text)
		end,
		flush = function()
			io.stdout:flush()
		end,
		somebody_there = function()
			local terminal = require "moonvisor.terminal"
			return terminal.isatty(0) and terminal.isatty(2)
		end,
		read_line = function()
			return io.read()
		end,
	}
	for key, value in pairs(settings or {}) do
		ctl[key] = value
	end
	return setmetatable(ctl, metatable)
end

return M
