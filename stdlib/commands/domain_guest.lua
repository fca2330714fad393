-- The commands of the group Domain Management: what runs in the guest, and its agent.

local json_text = require "moonvisor.command.json_text"
local numbers = require "moonvisor.command.number"
local param_text = require("moonvisor.command.params").text

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
		records = true,
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
		records = true,
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
				ctl:extra "No filesystems are mounted in the domain"
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

function run.domfstrim(ctl, opt)
	local dom, minimum, mountpoint = ctl:domain(opt.domain), opt.minimum or 0, opt.mountpoint
	ctl:attempt("Unable to invoke fstrim"):domain_fstrim(dom, mountpoint, minimum, 0)
end

-- --- names, users, keys ----------------------------------------------------------------------------------------------

local HOSTNAME_SOURCES = { lease = 1, agent = 2 } -- virDomainGetHostnameFlags

function run.domhostname(ctl, opt)
	local dom, source = ctl:domain(opt.domain), opt.source
	local flags = source and HOSTNAME_SOURCES[source] or 0
	if source and flags == 0 then
		ctl:fail("Unknown data source '%s'", source)
	end
	local name = ctl:attempt("failed to get hostname"):domain_get_hostname(dom, flags)
	ctl:records {
		rows = { { hostname = name } }, columns = { "hostname" }, name = "hostname", single = true,
		text = function(shown)
			if shown[1] then
				ctl:print("%s\n", name)
			end
		end,
	}
end

run["get-user-sshkeys"] = function(ctl, opt)
	local dom, rows = ctl:domain(opt.domain), {}
	for i, key in ipairs(ctl.raw:domain_authorized_ssh_keys_get(dom, opt.user, 0)) do
		rows[i] = { key = key }
	end
	ctl:records {
		rows = rows, columns = { "key" }, name = "key",
		text = function(shown)
			for _, row in ipairs(shown) do
				ctl:print("%s", row.key) -- as virsh prints them: one after the other
			end
		end,
	}
end

local KEYS_APPEND, KEYS_REMOVE = 1, 2 -- virDomainAuthorizedSSHKeysSetFlags

-- The lines of a file. As with virsh, what follows the last newline is a line too.
local function read_keys(ctl, path)
	local text = ctl:read_file(path)
	if text == "" then
		ctl:fail("File %s contains no keys", path)
	end
	local keys = {}
	for line in (text .. "\n"):gmatch "(.-)\n" do
		keys[#keys + 1] = line
	end
	return keys
end

run["set-user-sshkeys"] = function(ctl, opt)
	ctl:requires(opt, "remove", "file")
	ctl:exclusive(opt, "reset", "remove")
	local dom, user, file = ctl:domain(opt.domain), opt.user, opt.file
	if not file and not opt.reset then
		ctl:fail "Option --file is required"
	end
	local flags = opt.remove and KEYS_REMOVE or opt.reset and 0 or KEYS_APPEND
	ctl.raw:domain_authorized_ssh_keys_set(dom, user, file and read_keys(ctl, file) or {}, flags)
end

local PASSWORD_ENCRYPTED = 1

run["set-user-password"] = function(ctl, opt)
	local dom, user, password = ctl:domain(opt.domain), opt.user, opt.password
	ctl.raw:domain_set_user_password(dom, user, password, opt.encrypted and PASSWORD_ENCRYPTED or 0)
	ctl:extra("Password set successfully for %s in %s", user, dom.name)
end

-- virDomainGuestInfoTypes
local GUEST_INFO = { { "user", 1 }, { "os", 2 }, { "timezone", 4 }, { "hostname", 8 }, { "filesystem", 16 },
	{ "disk", 32 }, { "interface", 64 } }

function run.guestinfo(ctl, opt)
	local dom, types = ctl:domain(opt.domain), 0
	for _, item in ipairs(GUEST_INFO) do
		types = types | (opt[item[1]] and item[2] or 0)
	end
	local params = ctl.raw:domain_get_guest_info(dom, types, 0)
	local row, columns = {}, {}
	for i, param in ipairs(params) do
		row[param.field], columns[i] = param.value, param.field
	end
	ctl:records {
		rows = { row }, columns = columns, single = true,
		text = function(shown)
			for _, param in ipairs(shown[1] and params or {}) do
				ctl:print("%-20s: %s\n", param.field, param_text(param))
			end
		end,
	}
end

-- --- keys and signals ------------------------------------------------------------------------------------------------

run["inject-nmi"] = function(ctl, opt)
	ctl.raw:domain_inject_nmi(ctl:domain(opt.domain), 0)
end

-- virKeycodeSet; sets that have names for keys say which.
local CODE_SETS = { linux = 0, xt = 1, atset1 = 2, atset2 = 3, atset3 = 4, os_x = 5, xt_kbd = 6, usb = 7, win32 = 8,
	qnum = 9, rfb = 9 } -- rfb: what qnum was called first
local SET_NAMES = { [0] = "linux", [5] = "osx", [8] = "win32" }
local MAX_KEYS, MAX_KEY_CODE = 16, 0xffff

-- A number as C writes them (0x1e, 036), or a name of the set.
local function key_code(set, text)
	local digits = text:match "^[ \t\n\v\f\r]*%+?(%w+)$"
	local code
	if digits and digits:find "^0[xX]%x+$" then
		code = tonumber(digits:sub(3, 12), 16)
	elseif digits and digits:find "^0[0-7]*$" then
		code = tonumber(digits:sub(-12), 8)
	elseif digits and digits:find "^[1-9]%d*$" then
		code = tonumber(digits:sub(1, 12))
	end
	if code and code <= MAX_KEY_CODE then
		return code
	end
	local names = SET_NAMES[set] and require("moonvisor.command.key_names").of(SET_NAMES[set])
	return names and names[text]
end

run["send-key"] = function(ctl, opt)
	local dom, name = ctl:domain(opt.domain), ctl:given(opt, "codeset")
	local hold = opt.holdtime or 0
	local set = CODE_SETS[name and name ~= "" and name or "linux"]
	if not set then
		ctl:fail("unknown codeset: '%s'", name)
	end
	local codes = {}
	for i, text in ipairs(opt.keycode) do
		if i > MAX_KEYS then
			ctl:fail "too many keycodes"
		end
		codes[i] = key_code(set, text) or ctl:fail("invalid keycode: '%s'", text)
	end
	ctl.raw:domain_send_key(dom, set, hold, codes, 0)
end

-- virDomainProcessSignal, from 0
local SIGNALS = {}
do
	local names = "nop hup int quit ill trap abrt bus fpe kill usr1 segv usr2 pipe alrm term stkflt chld cont stop tstp "
		.. "ttin ttou urg xcpu xfsz vtalrm prof winch poll pwr sys"
	local number = 0
	for name in names:gmatch "%S+" do
		SIGNALS[name], number = number, number + 1
	end
	for i = 0, 32 do
		SIGNALS["rt" .. i] = number + i
	end
end

local function signal_number(text)
	local name = text:lower()
	local value = numbers.int(text)
	if value then
		return value >= 0 and value or nil
	end
	return SIGNALS[name:match "^sig_(.*)$" or name:match "^sig(.*)$" or name]
end

run["send-process-signal"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local pid, name = ctl:number("pid", ctl:given(opt, "pid"), "ll"), opt.signame
	local number = signal_number(name) or ctl:fail("malformed signal name: %s", name)
	ctl.raw:domain_send_process_signal(dom, pid, number, 0)
end

-- --- pictures --------------------------------------------------------------------------------------------------------

local ENDINGS = { ["image/png"] = ".png", ["image/x-portable-pixmap"] = ".ppm" }
local CHUNK = 256 * 1024

-- Writes what comes to the file. A file that was not there before goes when that fails.
local function receive(ctl, stream, dom, path)
	local there = require("moonvisor.core").file_type(path) ~= nil
	local file = io.open(path, "wb")
	if not file then
		stream:abort()
		ctl:fail("cannot create file %s", path)
	end
	local step = "could not receive data from domain '%s'"
	local ok, err = pcall(function()
		for data in function() return stream:recv(CHUNK) end do
			assert(file:write(data))
		end
		step = "cannot close stream on domain '%s'"
		stream:finish()
	end)
	local closed = file:close()
	if ok and closed then
		return
	elseif not there then
		os.remove(path)
	end
	if ok then
		ctl:fail("cannot close file %s", path)
	end
	pcall(stream.abort, stream)
	ctl:fail_because(err, step, dom.name)
end

function run.screenshot(ctl, opt)
	local path, screen, dom = opt.file, opt.screen or 0, ctl:domain(opt.domain)
	local stream, mime = ctl:attempt("could not take a screenshot of %s", opt.domain):domain_screenshot(dom, screen, 0)
	path = path or ("%s-%s%s"):format(dom.name, os.date "%Y-%m-%d-%H:%M:%S", ENDINGS[mime] or "")
	if ctl:dry() then
		ctl.recorder:remark("the picture is written to a file")
		return
	end
	receive(ctl, stream, dom, path)
	ctl:extra("Screenshot saved to %s, with type of %s", path, mime)
end

-- --- the agent -------------------------------------------------------------------------------------------------------

local AGENT_BLOCK, AGENT_DEFAULT, AGENT_NOWAIT = -2, -1, 0 -- virDomainAgentResponseTimeoutValues

run["qemu-agent-command"] = function(ctl, opt)
	local dom, timeout = ctl:domain(opt.domain), opt.timeout
	if timeout and timeout < 1 then
		ctl:fail "timeout must be positive"
	elseif (timeout and 1 or 0) + (opt.async and 1 or 0) + (opt.block and 1 or 0) > 1 then
		ctl:fail "timeout, async and block options are exclusive"
	end
	timeout = timeout or opt.async and AGENT_NOWAIT or opt.block and AGENT_BLOCK or AGENT_DEFAULT
	local answer = ctl.raw:qemu_domain_agent_command(dom, table.concat(opt.cmd, " "), timeout, 0)
	if answer and not ctl:dry() then
		ctl:print("%s\n", opt.pretty and json_text.reformat(answer, true) or answer)
	end
end

run["guest-agent-timeout"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl.raw:domain_agent_set_response_timeout(dom, opt.timeout or AGENT_BLOCK, 0)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
