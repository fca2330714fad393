-- The API, described once: every class with its properties and methods, every parameter and option with its type and
-- unit, every error. The methods' argument checks, help() and completion are made of it (stdlib/class.lua, help.lua,
-- complete.lua), and tests/lua/spec_spec.lua compares it with what is there.
--
-- Types: string, boolean, integer, number, function, table, any; those of `types` below; the name of a class or record.
-- A number has a unit, or the type says it. A parameter with a default, or with optional = true, may be left out; a
-- `leading` one also when others follow.
-- `options` is a table as the last parameter. `errors` lists the codes that a call can raise besides invalid_arg (wrong
-- argument) and the code of a closed object, which every method can raise.

local timeout = { name = "timeout", type = "seconds", default = 60, summary = "how long to wait" }

return {
	-- Types beyond Lua's own.
	types = {
		size = 'bytes as an integer, or a string with a unit: "512M", "2G", "2GiB" (times 1024), "10GB" (times 1000)',
		seconds = "seconds as a number, fractions allowed; math.huge: no limit",
		path = "path of a file",
		spec = "a domain's specification, see docs/spec.md",
		state = '"running", "blocked", "paused", "shutdown", "shut off", "crashed" or "pmsuspended"',
		event = '"lifecycle", "reboot", "balloon" or "device"',
	},

	-- Values that a type allows, where they can be listed.
	values = {
		state = { "running", "blocked", "paused", "shutdown", "shut off", "crashed", "pmsuspended" },
		event = { "lifecycle", "reboot", "balloon", "device" },
	},

	errors = {
		internal = "a fault in Moonvisor itself",
		no_memory = "the host has no memory left for it",
		no_support = "the driver cannot do that",
		invalid_conn = "the connection is closed or cannot be used",
		invalid_domain = "the domain handle is closed or names nothing any more",
		invalid_arg = "an argument has the wrong type or value, or does not exist",
		operation_failed = "it was tried and did not work",
		dom_exist = "there is a domain of that name or UUID already",
		xml = "a specification is wrong; the message begins with the key",
		system = "the operating system refused; errno says why",
		no_domain = "there is no such domain",
		operation_denied = "it is not allowed",
		operation_invalid = "it does not fit the state the domain is in",
		config_unsupported = "a specification asks for what cannot be had here; the message begins with the key",
		operation_timeout = "it took longer than the time limit",
		operation_aborted = "it was given up on request",
		resource_busy = "something else is using it",
		access_denied = "the connection does not give the right to do it",
	},

	-- The keys of a specification that are lists: an empty Lua table there is an empty list.
	spec_lists = { disks = true, nics = true, consoles = true, serials = true },

	classes = {
		{
			name = "virt",
			module = true,
			summary = 'the module: local virt = require "moonvisor"',
			properties = {
				{ name = "version", type = "string", summary = "version of Moonvisor", errors = {} },
			},
			methods = {
				{
					name = "open",
					summary = "opens a connection to a hypervisor",
					detail = "kvm:///embed?root=DIR runs the KVM driver in this process. Definitions and run-time "
						.. "state are kept below DIR, which is made when it is missing. Guests go on when the "
						.. "connection is closed and are found again by the next one with the same DIR. With "
						.. "&timeout=SECONDS a machine that does not answer for so long is given up.",
					params = { { name = "uri", type = "string", summary = "which driver, and where" } },
					options = {
						{ name = "read_only", type = "boolean", default = false,
							summary = "whatever changes something is refused with operation_denied" },
					},
					returns = { { type = "Connection", summary = "the open connection" } },
					errors = { "no_support", "system", "resource_busy" },
					example = 'local conn <close> = virt.open "kvm:///embed?root=/srv/guests"',
				},
				{
					name = "size",
					summary = "turns a size with a unit into bytes",
					params = { { name = "size", type = "size", summary = "the size" } },
					returns = { { type = "integer", unit = "bytes", summary = "the same in bytes" } },
					errors = {},
					example = 'virt.size "2G"   --> 2147483648',
				},
				{
					name = "sleep",
					summary = "waits; events of all open connections are delivered meanwhile",
					params = { { name = "duration", type = "seconds", summary = "how long" } },
					returns = {},
					errors = { "system" },
					example = "virt.sleep(0.5)",
				},
				{
					name = "on_callback_error",
					summary = "says what happens to an error in an event's function",
					detail = "Such an error never reaches the code that happened to wait. It is written to standard "
						.. "error with its traceback, or given to this function.",
					params = {
						{ name = "handler", type = "function", optional = true,
							summary = "gets the error, its traceback and the event; nil: standard error again" },
					},
					returns = {},
					errors = {},
					example = "virt.on_callback_error(function(err, traceback, event) log:write(traceback) end)",
				},
				{
					name = "help",
					summary = "describes an object, a method, a class or a word",
					params = {
						{ name = "topic", type = "any", optional = true, summary = 'vm, vm.start, "Domain.start", "size", ...' },
					},
					returns = { { type = "string", summary = "the description" } },
					errors = {},
					example = 'print(virt.help "Domain")',
				},
			},
		},
		{
			name = "Connection",
			noun = "connection",
			summary = "an open connection to a hypervisor",
			properties = {
				{ name = "uri", type = "string", summary = "what it was opened with", errors = {} },
				{ name = "domains", type = "Domains", summary = "all domains, defined and running", errors = {} },
				{ name = "raw", type = "table", errors = {},
					summary = "libvirt's calls, one method each: conn.raw:domain_get_state(dom, 0)" },
				{ name = "read_only", type = "boolean", summary = "it was opened so", errors = {} },
			},
			methods = {
				{
					name = "define",
					summary = "defines a domain, or replaces its definition",
					params = { { name = "spec", type = "spec", summary = "what the domain is like" } },
					returns = { { type = "Domain", summary = "the domain, not started" } },
					errors = { "xml", "config_unsupported", "dom_exist", "operation_invalid", "system" },
					example = 'local vm = conn:define { name = "web1", memory = "2G", vcpus = 2,\n'
						.. '    boot = { kernel = "/boot/vmlinuz" }, disks = { { path = "/srv/web1.img" } } }',
				},
				{
					name = "create",
					summary = "starts a transient domain: defined for as long as it runs",
					params = { { name = "spec", type = "spec", summary = "what the domain is like" } },
					options = {
						{ name = "paused", type = "boolean", default = false, summary = "it does not run before resume()" },
						{ name = "wait", type = "boolean", default = true,
							summary = "false: returns when the start is under way; see Domain:wait_start()" },
					},
					returns = { { type = "Domain", summary = "the running domain" } },
					errors = { "xml", "config_unsupported", "dom_exist", "no_memory", "operation_failed", "system" },
					example = 'local vm = conn:create({ name = "tiny", memory = "64M", boot = { kernel = "/srv/tiny.elf" } },\n'
						.. "    { paused = true })",
				},
				{
					name = "domain",
					summary = "finds a domain; raises no_domain where there is none",
					detail = "conn.domains.NAME is nil then. A string of digits is a name; an integer is an id.",
					params = { { name = "which", type = "any", summary = "its name, UUID or id (an integer)" } },
					returns = { { type = "Domain", summary = "the domain" } },
					errors = { "no_domain", "system" },
					example = 'conn:domain("web1"):start()',
				},
				{
					name = "restore",
					summary = "brings a saved domain back; the file stays",
					params = { { name = "path", type = "path", summary = "what Domain:save() wrote" } },
					options = {
						{ name = "paused", type = "boolean", default = false, summary = "it does not run before resume()" },
						{ name = "verify", type = "boolean", default = false,
							summary = "all memory in the file is checked before the guest runs" },
						{ name = "force", type = "boolean", default = false,
							summary = "accepts a disk that was written to after the save" },
					},
					returns = { { type = "Domain", summary = "the domain" } },
					errors = { "operation_failed", "operation_invalid", "dom_exist", "config_unsupported", "system" },
					example = 'local vm = conn:restore("/srv/web1.save", { paused = true })',
				},
				{
					name = "on",
					summary = "calls a function for each event, while this program waits",
					detail = "Events are delivered inside dispatch(), expect(), read(), write(), wait() and sleep(), in order, "
						.. "until the registration is cancelled or the connection closed.",
					params = {
						{ name = "event", type = "event", optional = true, leading = true, summary = "without it: all of them" },
						{ name = "fn", type = "function", summary = "gets one argument, an Event" },
					},
					returns = { { type = "Registration", summary = "to cancel it with" } },
					errors = { "invalid_arg" },
					example = 'conn:on("lifecycle", function(ev) print(ev.domain.name, ev.event, ev.detail) end)',
				},
				{
					name = "dispatch",
					summary = "handles what has happened and delivers the events; waits for some where there are none",
					params = { { name = "timeout", type = "seconds", default = 0, summary = "how long to wait at most" } },
					returns = { { type = "integer", unit = "events", summary = "how many were delivered" } },
					errors = { "system" },
					example = "while conn:dispatch(math.huge) do end",
				},
				{
					name = "close",
					summary = "closes the connection; guests go on; its objects cannot be used any more",
					params = {},
					returns = {},
					errors = {},
					example = "conn:close()",
				},
			},
		},
		{
			name = "Domains",
			noun = "collection of domains",
			summary = "the domains of a connection",
			detail = 'domains.NAME or domains["NAME"] is the domain of that name, nil where there is none; #domains counts '
				.. "them; pairs(domains) goes through names and domains, sorted by name. A domain that is called like a method "
				.. "is found by conn:domain().",
			properties = {},
			methods = {
				{
					name = "each",
					summary = "iterates over the domains whose properties have these values",
					params = {
						{ name = "filter", type = "table", optional = true,
							summary = "Domain properties and the values they must have" },
					},
					returns = { { type = "function", summary = "the iterator; it gives domains" } },
					errors = { "system" },
					example = "for d in conn.domains:each { active = true } do print(d.name) end",
				},
				{
					name = "where",
					summary = "iterates over the domains for which a function returns true",
					params = { { name = "predicate", type = "function", summary = "gets a domain" } },
					returns = { { type = "function", summary = "the iterator; it gives domains" } },
					errors = { "system" },
					example = 'for d in conn.domains:where(function(d) return d.name:find "^web" end) do d:shutdown() end',
				},
			},
		},
		{
			name = "Domain",
			noun = "domain",
			summary = "a virtual machine",
			detail = "Two Domain objects are equal when they name the same domain of the same connection.",
			properties = {
				{ name = "name", type = "string", summary = "unique on its host", errors = {} },
				{ name = "uuid", type = "string", summary = "its UUID", errors = {} },
				{ name = "id", type = "integer", unit = "number", optional = true,
					summary = "different for each start; nil when it is not active", errors = {} },
				{ name = "active", type = "boolean", summary = "it runs, or is paused", errors = {} },
				{ name = "persistent", type = "boolean", summary = "it is defined also while it does not run", errors = {} },
				{ name = "state", type = "state", summary = "what it does now", errors = { "no_domain", "system" } },
				{ name = "reason", type = "string", summary = 'why: "booted", "restored", "crashed", ...',
					errors = { "no_domain", "system" } },
				{ name = "detail", type = "string", optional = true, summary = "more about the reason, a sentence",
					errors = { "no_domain", "system" } },
				{ name = "spec", type = "table", summary = "its specification with all defaults filled in",
					errors = { "no_domain", "system" } },
				{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
			},
			methods = {
				{
					name = "start",
					summary = "starts it",
					params = {},
					options = {
						{ name = "paused", type = "boolean", default = false, summary = "it does not run before resume()" },
						{ name = "wait", type = "boolean", default = true,
							summary = "false: returns when the start is under way; see wait_start()" },
					},
					returns = {},
					errors = { "operation_invalid", "no_memory", "operation_failed", "system" },
					example = "vm:start { paused = true }",
				},
				{
					name = "wait_start",
					summary = "waits for the end of a start with wait = false, and raises the reason where it failed",
					params = { timeout },
					returns = {},
					errors = { "operation_timeout", "operation_invalid", "no_memory", "operation_failed", "system" },
					example = "for _, vm in ipairs(many) do vm:start { wait = false } end\n"
						.. "for _, vm in ipairs(many) do vm:wait_start() end",
				},
				{
					name = "shutdown",
					summary = "presses the power button; the guest decides; returns at once",
					params = {},
					returns = {},
					errors = { "operation_invalid", "system" },
					example = 'vm:shutdown(); vm:wait("shut off")',
				},
				{
					name = "reboot",
					summary = "presses the power button, and starts the guest again when it is off",
					params = {},
					returns = {},
					errors = { "operation_invalid", "system" },
					example = "vm:reboot()",
				},
				{
					name = "reset",
					summary = "resets it at once, as the button does; the guest is not asked",
					params = {},
					returns = {},
					errors = { "operation_invalid", "system" },
					example = "vm:reset()",
				},
				{
					name = "destroy",
					summary = "cuts its power; the guest is not asked, and what it has not written to its disks is lost",
					params = {},
					returns = {},
					errors = { "operation_invalid", "system" },
					example = "vm:destroy()",
				},
				{
					name = "suspend",
					summary = "stops its virtual CPUs and devices; it stays in memory",
					params = {},
					returns = {},
					errors = { "operation_invalid", "system" },
					example = "vm:suspend()",
				},
				{
					name = "resume",
					summary = "lets a suspended one go on",
					params = {},
					returns = {},
					errors = { "operation_invalid", "system" },
					example = "vm:resume()",
				},
				{
					name = "save",
					summary = "writes the running guest to a file, and ends it",
					detail = "The file appears only when it is complete; where it cannot be written the guest goes on.",
					params = { { name = "path", type = "path", summary = "where to" } },
					options = {
						{ name = "keep_running", type = "boolean", default = false, summary = "the guest goes on afterwards" },
					},
					returns = {},
					errors = { "operation_invalid", "operation_failed", "system" },
					example = 'vm:save "/srv/web1.save"',
				},
				{
					name = "undefine",
					summary = "removes its definition; a running one goes on and is transient from then on",
					params = {},
					returns = {},
					errors = { "operation_invalid", "no_domain", "system" },
					example = "vm:undefine()",
				},
				{
					name = "stats",
					summary = "counts of its CPUs, memory, disks and cards",
					detail = "A table of tables, named as libvirt's domain statistics, with their units: cpu.time in "
						.. "nanoseconds, balloon.current in KiB, block[1].rd.bytes, net[1].rx.pkts. What libvirt numbers "
						.. "from 0 is a list here, from 1.",
					params = {},
					returns = { { type = "table", summary = "the statistics" } },
					errors = { "no_domain", "system" },
					example = "print(vm:stats().cpu.time / 1e9)",
				},
				{
					name = "console",
					summary = "connects to a serial port or console",
					detail = "The stream begins with the last 64 KiB that the guest wrote.",
					params = {
						{ name = "port", type = "string", optional = true,
							summary = '"serial0", "console0.1", ...; nil: the first one' },
					},
					returns = { { type = "Stream", summary = "the connection to it" } },
					errors = { "operation_invalid", "invalid_arg", "system" },
					example = "local console <close> = vm:console()",
				},
				{
					name = "wait",
					summary = "waits until it is in this state",
					params = { { name = "state", type = "state", summary = "which" }, timeout },
					returns = { { type = "string", summary = "the reason of the state" } },
					errors = { "operation_timeout", "no_domain", "system" },
					example = 'vm:wait("shut off", 30)',
				},
				{
					name = "set_memory",
					summary = "sets how much memory the guest should have; its balloon moves there",
					params = { { name = "size", type = "size", summary = "at most the memory it was started with" } },
					returns = {},
					errors = { "operation_invalid", "invalid_arg", "no_support", "system" },
					example = 'vm:set_memory "512M"',
				},
				{
					name = "on",
					summary = "calls a function for each event of this domain, while this program waits",
					params = {
						{ name = "event", type = "event", optional = true, leading = true, summary = "without it: all of them" },
						{ name = "fn", type = "function", summary = "gets one argument, an Event" },
					},
					returns = { { type = "Registration", summary = "to cancel it with" } },
					errors = { "invalid_arg" },
					example = 'vm:on("lifecycle", function(ev) print(ev.event, ev.detail) end)',
				},
				{
					name = "close",
					summary = "closes this handle; the domain is not touched",
					params = {},
					returns = {},
					errors = {},
					example = "vm:close()",
				},
			},
		},
		{
			name = "Stream",
			noun = "stream",
			summary = "a connection to a guest's console, for reading and writing",
			properties = {},
			methods = {
				{
					name = "read",
					summary = "reads what the guest writes; nil when the stream has ended",
					detail = "Without a format: what is there, at least one byte. n: so many bytes, fewer at the end. "
						.. '"l": a line without its end. "a": all to the end of the stream.',
					params = {
						{ name = "format", type = "any", optional = true, summary = 'a number of bytes, "l" or "a"' },
						timeout,
					},
					returns = { { type = "string", summary = "the text, or nil" } },
					errors = { "operation_timeout", "system" },
					example = 'local line = console:read("l", 10)',
				},
				{
					name = "write",
					summary = "sends text to the guest",
					params = { { name = "text", type = "string", summary = "what to send" }, timeout },
					returns = { { type = "Stream", summary = "the stream itself" } },
					errors = { "operation_timeout", "operation_failed", "system" },
					example = 'console:write "uname -r\\n"',
				},
				{
					name = "expect",
					summary = "reads until a pattern is found",
					detail = "What follows the match stays to be read. A match lies within the last MiB that was read.",
					params = {
						{ name = "pattern", type = "string", summary = "a Lua pattern" },
						timeout,
					},
					options = {
						{ name = "plain", type = "boolean", default = false, summary = "it is plain text, no pattern" },
					},
					returns = {
						{ type = "string", summary = "the captures, or the match where the pattern has none" },
						{ type = "string", summary = "last: the text before the match" },
					},
					errors = { "operation_timeout", "operation_failed", "system" },
					example = 'local version = console:expect("Linux version (%S+)", 30)',
				},
				{
					name = "close",
					summary = "closes the stream",
					params = {},
					returns = {},
					errors = {},
					example = "console:close()",
				},
			},
		},
		{
			name = "Registration",
			noun = "event registration",
			summary = "what on() returns",
			properties = {},
			methods = {
				{
					name = "cancel",
					summary = "ends it; nothing is delivered any more",
					params = {},
					returns = {},
					errors = {},
					example = "registration:cancel()",
				},
				{
					name = "close",
					summary = "the same as cancel()",
					params = {},
					returns = {},
					errors = {},
					example = 'local registration <close> = conn:on("lifecycle", print)',
				},
			},
		},
	},

	-- Plain tables that the API hands out.
	records = {
		{
			name = "Event",
			summary = "something that happened",
			properties = {
				{ name = "domain", type = "Domain", summary = "to which domain" },
				{ name = "id", type = "event", summary = "what kind of event" },
				{ name = "event", type = "string",
					summary = 'lifecycle: "defined", "undefined", "started", "suspended", "resumed", "stopped", '
						.. '"shutdown", "crashed"' },
				{ name = "detail", type = "string", optional = true,
					summary = 'the reason: "booted", "destroyed", "panicked", ...' },
				{ name = "text", type = "string", optional = true, summary = "a sentence about it" },
				{ name = "number", type = "integer", unit = "bytes", summary = "balloon: memory the guest has now" },
			},
		},
		{
			name = "Error",
			summary = "what is raised; tostring() of it is the message",
			properties = {
				{ name = "code", type = "string", summary = 'which error: "no_domain", ...; help "errors" lists them' },
				{ name = "number", type = "integer", unit = "number", summary = "the same as libvirt's number" },
				{ name = "domain", type = "string", summary = 'where it comes from: "kvm", "conf", "domain", "rpc", "none"' },
				{ name = "message", type = "string", summary = "a whole sentence" },
				{ name = "errno", type = "integer", unit = "number", optional = true, summary = "the operating system's error" },
			},
		},
	},
}
