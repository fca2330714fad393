-- The module.

return {
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
			detail = "test:///default is a host in memory with a running domain, a network and a pool, for trying things; "
				.. "each open makes a new one. test:///FILE takes its objects from an XML file, as libvirt does. "
				.. "kvm:///embed?root=DIR runs the KVM driver in this process. Definitions and run-time "
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
			name = "spawn",
			summary = "runs a function side by side with the rest of the program",
			detail = "The task runs until it first waits (sleep(), vm:wait(), stream:read(), ...), and goes on whenever "
				.. "the program waits. A program ends when its main part and all of its tasks have ended.",
			params = { { name = "fn", type = "function", summary = "what to do" } },
			returns = { { type = "Task", summary = "to wait for, or to cancel" } },
			errors = {},
			example = "for _, vm in ipairs(guests) do virt.spawn(function() vm:shutdown(); vm:wait \"shut off\" end) end",
		},
		{
			name = "map",
			summary = "calls a function with each member of a list, many at once, and returns what they return, in order",
			params = {
				{ name = "list", type = "table", summary = "what to go through: a list, or a collection" },
				{ name = "fn", type = "function", summary = "gets a member and its index" },
			},
			options = {
				{ name = "limit", type = "integer", unit = "tasks", default = 100, summary = "how many at once" },
			},
			returns = { { type = "table", summary = "what they returned; the first error is raised after all have ended" } },
			errors = { "invalid_arg" },
			example = "local kernels = virt.map(conn.domains, function(vm) return vm:hostname() end, { limit = 20 })",
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
			name = "repl",
			summary = "opens the prompt in the middle of a program",
			detail = "The local variables of the function that calls it, those of the functions around it and `...` can be "
				.. "read and set as if the line stood there; commands use the variable `conn`. Ctrl-D goes on with the "
				.. "program. Only in mvsh, and only at a terminal.",
			params = {},
			returns = {},
			errors = { "no_support" },
			example = "if not ok then virt.repl() end",
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
}
