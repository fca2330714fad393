-- Streams.

local timeout = require("moonvisor.spec.define").timeout

return {
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
}
