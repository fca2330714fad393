-- The commands of the group Domain Management: what goes on inside a guest, and its hypervisor's own monitor.

local commands = {
	{
		name = "domfsfreeze",
		summary = "Freeze domain's mounted filesystems.",
		description = "Freeze domain's mounted filesystems.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "mountpoint", kind = "argv", complete = "mount_point",
				help = "mountpoint path to be frozen" },
		},
	},
	{
		name = "domfsthaw",
		summary = "Thaw domain's mounted filesystems.",
		description = "Thaw domain's mounted filesystems.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "mountpoint", kind = "argv", complete = "mount_point",
				help = "mountpoint path to be thawed" },
		},
	},
	{
		name = "domfsinfo",
		records = true,
		summary = "Get information of domain's mounted filesystems.",
		description = "Get information of domain's mounted filesystems.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domfstrim",
		summary = "Invoke fstrim on domain's mounted filesystems.",
		description = "Invoke fstrim on domain's mounted filesystems.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "minimum", kind = "int", number = "ull",
				help = "Just a hint to ignore contiguous free ranges smaller than this (Bytes)" },
			{ name = "mountpoint", kind = "string", complete = "mount_point",
				help = "which mount point to trim" },
		},
	},
	{
		name = "domhostname",
		summary = "print the domain's hostname",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "source", kind = "string", complete = "hostname_source",
				help = "address source: 'lease' or 'agent'" },
		},
	},
	{
		name = "get-user-sshkeys",
		summary = "list authorized SSH keys for given user (via agent)",
		description = "Use the guest agent to query authorized SSH keys for given user",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "user", kind = "data", required = true, help = "user to list authorized keys for" },
		},
	},
	{
		name = "inject-nmi",
		summary = "Inject NMI to the guest",
		description = "Inject NMI to the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "send-key",
		summary = "Send keycodes to the guest",
		description = "Send keycodes (integers or symbolic names) to the guest",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "codeset", kind = "string", named = true, complete = "codeset",
				help = "the codeset of keycodes, default:linux" },
			{ name = "holdtime", kind = "int", named = true, number = "uint",
				help = "the time (in milliseconds) how long the keys will be held" },
			{ name = "keycode", kind = "argv", required = true, complete = "keycode",
				help = "the key code" },
		},
	},
	{
		name = "send-process-signal",
		summary = "Send signals to processes",
		description = "Send signals to processes in the guest",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "pid", kind = "data", required = true, help = "the process ID" },
			{ name = "signame", kind = "data", required = true, complete = "signal",
				help = "the signal number or name" },
		},
	},
	{
		name = "lxc-enter-namespace",
		summary = "LXC Guest Enter Namespace",
		description = "Run an arbitrary command in a lxc guest namespace; use at your own risk",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "noseclabel", kind = "bool", help = "Do not change process security label" },
			{ name = "cmd", kind = "argv", required = true, help = "command to run" },
		},
	},
	{
		name = "qemu-attach",
		summary = "QEMU Attach",
		description = "QEMU Attach",
		options = {
			{ name = "pid", kind = "data", required = true, help = "pid" },
		},
	},
	{
		name = "qemu-monitor-command",
		summary = "QEMU Monitor Command",
		description = "QEMU Monitor Command",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "hmp", kind = "bool", help = "command is in human monitor protocol" },
			{ name = "pretty", kind = "bool", help = "pretty-print any qemu monitor protocol output" },
			{ name = "return-value", kind = "bool",
				help = "extract the value of the 'return' key from the returned string" },
			{ name = "pass-fds", kind = "string", named = true,
				help = "pass file descriptors N,M,... along with the command" },
			{ name = "cmd", kind = "argv", required = true, help = "command" },
		},
	},
	{
		name = "qemu-monitor-event",
		summary = "QEMU Monitor Events",
		description = "Listen for QEMU Monitor Events",
		options = {
			{ name = "domain", kind = "string", complete = "domain",
				help = "filter by domain name, id or uuid" },
			{ name = "event", kind = "string", help = "filter by event name" },
			{ name = "pretty", kind = "bool", help = "pretty-print any JSON output" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "regex", kind = "bool", help = "treat event as a regex rather than literal filter" },
			{ name = "no-case", kind = "bool", help = "treat event case-insensitively" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
	{
		name = "qemu-agent-command",
		summary = "QEMU Guest Agent Command",
		description = "Run an arbitrary qemu guest agent command; use at your own risk",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "timeout", kind = "int", named = true, help = "timeout seconds. must be positive." },
			{ name = "async", kind = "bool", help = "execute command without waiting for timeout" },
			{ name = "block", kind = "bool", help = "execute command without timeout" },
			{ name = "pretty", kind = "bool", help = "pretty-print the output" },
			{ name = "cmd", kind = "argv", required = true, help = "command" },
		},
	},
	{
		name = "guest-agent-timeout",
		summary = "Set the guest agent timeout",
		description = "Set the number of seconds to wait for a response from the guest agent.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "timeout", kind = "int", named = true, help = "timeout seconds." },
		},
	},
	{
		name = "screenshot",
		summary = "take a screenshot of a current domain console and store it into a file",
		description = "screenshot of a current domain console",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "file", kind = "string", complete = "file", help = "where to store the screenshot" },
			{ name = "screen", kind = "int", number = "uint",
				help = "ID of a screen to take screenshot of" },
		},
	},
	{
		name = "set-user-sshkeys",
		summary = "manipulate authorized SSH keys file for given user (via agent)",
		description = "Append, reset or remove specified key from the authorized keys file for given user",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "user", kind = "data", required = true, help = "user to set authorized keys for" },
			{ name = "file", kind = "string", complete = "file",
				help = "optional file to read keys from" },
			{ name = "reset", kind = "bool",
				help = "clear out authorized keys file before adding new keys" },
			{ name = "remove", kind = "bool", help = "remove keys from the authorized keys file" },
		},
	},
	{
		name = "set-user-password",
		summary = "set the user password inside the domain",
		description = "changes the password of the specified user inside the domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "user", kind = "data", required = true, help = "the username" },
			{ name = "password", kind = "data", required = true, help = "the new password" },
			{ name = "encrypted", kind = "bool", help = "the password is already encrypted" },
		},
	},
	{
		name = "guestinfo",
		records = true,
		summary = "query information about the guest (via agent)",
		description = "Use the guest agent to query various information from guest's point of view",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "user", kind = "bool", help = "report active users" },
			{ name = "os", kind = "bool", help = "report operating system information" },
			{ name = "timezone", kind = "bool", help = "report timezone information" },
			{ name = "hostname", kind = "bool", help = "report hostname" },
			{ name = "filesystem", kind = "bool", help = "report filesystem information" },
			{ name = "disk", kind = "bool", help = "report disk information" },
			{ name = "interface", kind = "bool", help = "report interface information" },
		},
	},
}

local run = {}

-- --- file systems ----------------------------------------------------------------------------------------------------

function run.domfsfreeze(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local count = ctl:attempt("Unable to freeze filesystems"):domain_fsfreeze(dom, opt.mountpoint or {}, 0)
	ctl:extra("Froze %d filesystem(s)\n", count)
end

function run.domfsthaw(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local count = ctl:attempt("Unable to thaw filesystems"):domain_fsthaw(dom, opt.mountpoint or {}, 0)
	ctl:extra("Thawed %d filesystem(s)\n", count)
end

function run.domfstrim(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local minimum = opt.minimum or 0
	ctl:attempt("Unable to invoke fstrim"):domain_fstrim(dom, opt.mountpoint, minimum, 0)
end

function run.domfsinfo(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local list = ctl:attempt("Unable to get filesystem information"):domain_get_fsinfo(dom, 0).info
	local rows = {}
	for i, info in ipairs(list) do
		rows[i] = { mountpoint = info.mountpoint, name = info.name, type = info.fstype, targets = info.dev_aliases }
	end
	ctl:records {
		rows = rows, columns = { "mountpoint", "name", "type", "targets" }, name = "mountpoint",
		text = function(shown)
			if #list == 0 then
				ctl:error "No filesystems are mounted in the domain"
				return
			end
			local t = ctl:table { "Mountpoint", "Name", "Type", "Target" }
			for _, row in ipairs(shown) do
				t:row(row.mountpoint, row.name, row.type, table.concat(row.targets, ","))
			end
			t:show()
		end,
	}
end

-- --- the agent -------------------------------------------------------------------------------------------------------

local HOSTNAME_SOURCES = { lease = 1, agent = 2 } -- virDomainGetHostnameFlags

function run.domhostname(ctl, opt)
	local dom, source = ctl:domain(opt.domain), opt.source
	local flags = source and (HOSTNAME_SOURCES[source] or ctl:fail("Unknown data source '%s'", source)) or 0
	ctl:print("%s\n", ctl:attempt("failed to get hostname"):domain_get_hostname(dom, flags))
end

local KEYS_APPEND, KEYS_REMOVE = 1, 2 -- virDomainAuthorizedSSHKeysSetFlags

run["get-user-sshkeys"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	for _, key in ipairs(ctl.raw:domain_authorized_ssh_keys_get(dom, opt.user, 0)) do
		ctl:print("%s\n", key)
	end
end

run["set-user-sshkeys"] = function(ctl, opt)
	ctl:requires(opt, "remove", "file")
	local dom, user, path = ctl:domain(opt.domain), opt.user, opt.file
	local keys = {}
	if path then
		for line in ctl:read_file(path):gmatch "[^\n]+" do
			keys[#keys + 1] = line
		end
		if #keys == 0 then
			ctl:fail "File contains no keys"
		end
	elseif not opt.reset then
		ctl:fail "Option --file is required"
	end
	local flags = (opt.reset and 0 or KEYS_APPEND) | (opt.remove and KEYS_REMOVE or 0)
	ctl.raw:domain_authorized_ssh_keys_set(dom, user, keys, opt.remove and flags & ~KEYS_APPEND or flags)
end

local PASSWORD_ENCRYPTED = 1

run["set-user-password"] = function(ctl, opt)
	local dom, user = ctl:domain(opt.domain), opt.user
	ctl.raw:domain_set_user_password(dom, user, opt.password, opt.encrypted and PASSWORD_ENCRYPTED or 0)
	ctl:extra("Password set successfully for %s in %s", user, dom.name)
end

local GUEST_INFO = {
	{ "user", 1 }, { "os", 2 }, { "timezone", 4 }, { "hostname", 8 }, { "filesystem", 16 }, { "disk", 32 },
	{ "interface", 64 },
}

-- A typed parameter's value as virsh prints it.
local function value_text(param)
	local value = param.value
	if type(value) == "boolean" then
		return value and "yes" or "no"
	elseif math.type(value) == "float" then
		return ("%f"):format(value)
	elseif param.type == "ullong" then
		return require("moonvisor.command.number").unsigned(value)
	end
	return tostring(value)
end

function run.guestinfo(ctl, opt)
	local types = 0
	for _, item in ipairs(GUEST_INFO) do
		types = types | (opt[item[1]] and item[2] or 0)
	end
	local row, columns = {}, {}
	local params = ctl.raw:domain_get_guest_info(ctl:domain(opt.domain), types, 0)
	for i, param in ipairs(params) do
		row[param.field] = param.value
		columns[i] = param.field
	end
	ctl:records {
		rows = { row }, columns = columns, single = true,
		text = function(shown)
			for _, param in ipairs(shown[1] and params or {}) do
				ctl:print("%-20s: %s\n", param.field, value_text(param))
			end
		end,
	}
end

local RESPONSE_BLOCK = -2 -- virDomainAgentResponseTimeoutValues

run["guest-agent-timeout"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_agent_set_response_timeout(dom, opt.timeout or RESPONSE_BLOCK, 0)
end

-- --- QEMU's monitor and agent ----------------------------------------------------------------------------------------

run["qemu-attach"] = function(ctl, opt)
	local pid = ctl:number("pid", opt.pid, "uint")
	local attempt = ctl:attempt("Failed to attach to pid %d", pid)
	if pid == 0 then
		ctl:error("Failed to attach to pid %d", pid)
		ctl:fail "pid_value in virDomainQemuAttach must not be zero"
	end
	local dom = attempt:qemu_domain_attach(pid, 0)
	ctl:extra("Domain '%s' attached to pid %d\n", dom.name, pid)
end

-- JSON with a member a line; what is no JSON stays as it is.
local function pretty_json(text)
	local parts, indent, at = {}, 0, 1
	local function newline()
		parts[#parts + 1] = "\n" .. ("  "):rep(indent)
	end
	while at <= #text do
		local c = text:sub(at, at)
		if c == '"' then
			local stop = at + 1
			while stop <= #text and text:sub(stop, stop) ~= '"' do
				stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
			end
			parts[#parts + 1] = text:sub(at, stop)
			at = stop
		elseif c == "{" or c == "[" then
			local close = text:match("^%s*([%]}])", at + 1)
			parts[#parts + 1] = c
			if close then
				parts[#parts + 1] = "\n" .. ("  "):rep(indent) .. close
				at = text:find(close, at, true)
			else
				indent = indent + 1
				newline()
			end
		elseif c == "}" or c == "]" then
			indent = indent - 1
			newline()
			parts[#parts + 1] = c
		elseif c == "," then
			parts[#parts + 1] = c
			newline()
		elseif c == ":" then
			parts[#parts + 1] = ": "
		elseif not c:find "%s" then
			parts[#parts + 1] = c
		end
		at = at + 1
	end
	return table.concat(parts)
end

local MONITOR_HMP = 1

run["qemu-monitor-command"] = function(ctl, opt)
	ctl:exclusive(opt, "hmp", "pretty")
	ctl:exclusive(opt, "hmp", "return-value")
	local dom = ctl:domain(opt.domain)
	local command, flags = table.concat(opt.cmd, " "), opt.hmp and MONITOR_HMP or 0
	local result
	if opt.pass_fds then
		for word in opt.pass_fds:gmatch "[^,]*" do
			if not word:find "^%d+$" then
				ctl:fail("Unable to parse FD number '%s'", word)
			end
		end
		result = ctl.raw:qemu_domain_monitor_command_with_files(dom, command, flags)
	else
		result = ctl.raw:qemu_domain_monitor_command(dom, command, flags)
	end
	if opt.return_value then
		local json = require "moonvisor.json"
		local answer = json.decode(result)
		if type(answer) ~= "table" or answer["return"] == nil then
			ctl:error "'return' member missing"
			return false
		end
		result = json.encode(answer["return"])
	end
	ctl:print("%s\n", opt.pretty and pretty_json(result) or (result:gsub("\n$", "")))
end

local EVENT_REGEX, EVENT_NO_CASE = 1, 2 -- virConnectDomainQemuMonitorEventRegisterFlags

run["qemu-monitor-event"] = function(ctl, opt)
	local flags = (opt.regex and EVENT_REGEX or 0) | (opt.no_case and EVENT_NO_CASE or 0)
	local timeout, event = opt.timeout, opt.event
	local dom = opt.domain and ctl:domain(opt.domain)
	return ctl:watch {
		timeout = timeout, loop = opt.loop,
		listen = function(hit)
			local raw = ctl.raw
			local id = raw:qemu_connect_domain_monitor_event_register(dom, event, flags)
			local registration = raw:on("qemu_domain_monitor_event", dom, function(msg)
				local details = msg.details
				if details and opt.pretty then
					details = pretty_json(details)
				end
				local text = ("event %s for domain '%s': %s\n"):format(msg.event, msg.dom.name, details or "<null>")
				hit("%s", opt.timestamp and ("event %s at %d.%06d for domain '%s': %s\n"):format(msg.event, msg.seconds,
					msg.micros, msg.dom.name, details or "<null>") or text)
			end)
			return { registration, { cancel = function()
				raw:qemu_connect_domain_monitor_event_deregister(id)
			end } }
		end,
	}
end

local AGENT_BLOCK, AGENT_DEFAULT, AGENT_NOWAIT = -2, -1, 0

run["qemu-agent-command"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local command, given, timeout = table.concat(opt.cmd, " "), 0, AGENT_DEFAULT
	if opt.timeout then
		timeout, given = opt.timeout, given + 1
		if timeout < 1 then
			ctl:fail "timeout must be positive"
		end
	end
	if opt.async then
		timeout, given = AGENT_NOWAIT, given + 1
	end
	if opt.block then
		timeout, given = AGENT_BLOCK, given + 1
	end
	if given > 1 then
		ctl:fail "timeout, async and block options are exclusive"
	end
	local result = ctl.raw:qemu_domain_agent_command(dom, command, timeout, 0)
	if result then
		ctl:print("%s\n", opt.pretty and pretty_json(result) or result)
	end
end

-- --- containers ------------------------------------------------------------------------------------------------------

run["lxc-enter-namespace"] = function(ctl, opt)
	ctl:domain(opt.domain)
	ctl:fail "this function is not supported by the connection driver: virDomainLxcOpenNamespace"
end

-- --- keys, signals, the screen ---------------------------------------------------------------------------------------

run["inject-nmi"] = function(ctl, opt)
	ctl.raw:domain_inject_nmi(ctl:domain(opt.domain), 0)
end

local MAX_KEYS, MAX_KEY = 16, 0xffff

-- The number of a key: digits (hexadecimal with 0x, octal with 0), or a name of the code set.
local function key_code(set, text)
	local code = text:match "^0[xX]%x+$" and tonumber(text) or text:match "^0[0-7]*$" and tonumber(text, 8)
		or text:match "^%d+$" and math.tointeger(tonumber(text))
	if code and code <= MAX_KEY then
		return code
	end
	return require("moonvisor.command.keycodes").code(set, text)
end

run["send-key"] = function(ctl, opt)
	local dom, set = ctl:domain(opt.domain), opt.codeset or "linux"
	local number = require("moonvisor.command.keycodes").sets[set] or ctl:fail("unknown codeset: '%s'", set)
	local holdtime, codes = opt.holdtime or 0, {}
	for i, text in ipairs(opt.keycode) do
		if i > MAX_KEYS then
			ctl:fail "too many keycodes"
		end
		codes[i] = key_code(set, text) or ctl:fail("invalid keycode: '%s'", text)
	end
	ctl.raw:domain_send_key(dom, number, holdtime, codes, 0)
end

local SIGNALS = "nop hup int quit ill trap abrt bus fpe kill usr1 segv usr2 pipe alrm term stkflt chld cont stop tstp "
	.. "ttin ttou urg xcpu xfsz vtalrm prof winch poll pwr sys"
local FIRST_REAL_TIME, LAST_REAL_TIME = 32, 64

-- The number of a signal: "hup", "SIGHUP", "sig_hup", "rt3", "1".
local function signal_number(text)
	local name = text:lower():gsub("^sig_?", "")
	local number = 0
	for word in SIGNALS:gmatch "%S+" do
		if word == name then
			return number
		end
		number = number + 1
	end
	local real_time = name:match "^rt(%d+)$"
	number = real_time and tonumber(real_time) + FIRST_REAL_TIME
	if number and number <= LAST_REAL_TIME then
		return number
	end
	return require("moonvisor.command.number").int(text)
end

run["send-process-signal"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local pid = ctl:number("pid", opt.pid, "ll")
	local name = opt.signame
	local signal = signal_number(name) or ctl:fail("malformed signal name: %s", name)
	ctl.raw:domain_send_process_signal(dom, pid, signal, 0)
end

local EXTENSIONS = { ["image/png"] = ".png", ["image/x-portable-pixmap"] = ".ppm" }
local CHUNK = 64 * 1024

function run.screenshot(ctl, opt)
	local path, screen = opt.file, opt.screen or 0
	local dom = ctl:domain(opt.domain)
	if ctl:dry() then
		ctl.raw:domain_screenshot(dom, screen, 0)
		return
	end
	local stream, mime = ctl:attempt("could not take a screenshot of %s", dom.name):domain_screenshot(dom, screen, 0)
	path = path or ("%s-%s%s"):format(dom.name, os.date "%Y-%m-%d-%H:%M:%S", EXTENSIONS[mime] or "")
	local file = io.open(path, "wb")
	if not file then
		stream:abort()
		ctl:fail("cannot create file %s", path)
	end
	local ok, err = pcall(function()
		for data in function() return stream:recv(CHUNK) end do
			assert(file:write(data))
		end
		stream:finish()
	end)
	ok = file:close() and ok
	if not ok then
		stream:abort()
		ctl:fail_because(err, "could not receive data from domain '%s'", dom.name)
	end
	ctl:extra("Screenshot saved to %s, with type of %s", path, mime)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
