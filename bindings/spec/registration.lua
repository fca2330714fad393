-- Registrations of functions for events.

return {
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
}
