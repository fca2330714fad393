-- Tasks.

local timeout = { name = "timeout", type = "seconds", default = math.huge, summary = "how long to wait" }

return {
	name = "Task",
	noun = "task",
	summary = "a function that runs side by side with the rest of the program",
	properties = {
		{ name = "done", type = "boolean", summary = "it has ended", errors = {} },
	},
	methods = {
		{
			name = "wait",
			summary = "waits for its end, and returns what it returned or raises what it raised",
			params = { timeout },
			returns = { { type = "any", summary = "what its function returned" } },
			errors = { "operation_timeout", "operation_aborted" },
			example = "local result = task:wait(10)",
		},
		{
			name = "cancel",
			summary = "ends it where it waits; its variables marked <close> are closed",
			params = {},
			returns = {},
			errors = {},
			example = "task:cancel()",
		},
	},
}
