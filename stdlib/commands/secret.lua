-- The commands of the group Secret.

local commands = {
	{
		name = "secret-define",
		summary = "define or modify a secret from an XML file",
		description = "Define or modify a secret.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing secret attributes in XML" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "secret-dumpxml",
		summary = "secret attributes in XML",
		description = "Output attributes of a secret as an XML dump to stdout.",
		options = {
			{ name = "secret", kind = "data", required = true, complete = "secret", help = "secret UUID" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "secret-event",
		summary = "Secret Events",
		description = "List event types, or wait for secret events to occur",
		options = {
			{ name = "secret", kind = "string", complete = "secret",
				help = "filter by secret name or uuid" },
			{ name = "event", kind = "string", complete = "secret_event",
				help = "which event type to wait for" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "list", kind = "bool", help = "list valid event types" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
	{
		name = "secret-get-value",
		summary = "Output a secret value",
		description = "Output a secret value to stdout.",
		options = {
			{ name = "secret", kind = "data", required = true, complete = "secret", help = "secret UUID" },
			{ name = "plain", kind = "bool", help = "get value without converting to base64" },
		},
	},
	{
		name = "secret-list",
		summary = "list secrets",
		description = "Returns a list of secrets",
		options = {
			{ name = "ephemeral", kind = "bool", help = "list ephemeral secrets" },
			{ name = "no-ephemeral", kind = "bool", help = "list non-ephemeral secrets" },
			{ name = "private", kind = "bool", help = "list private secrets" },
			{ name = "no-private", kind = "bool", help = "list non-private secrets" },
		},
	},
	{
		name = "secret-set-value",
		summary = "set a secret value",
		description = "Set a secret value.",
		options = {
			{ name = "secret", kind = "data", required = true, complete = "secret", help = "secret UUID" },
			{ name = "file", kind = "string", named = true, complete = "file",
				help = "read secret from file" },
			{ name = "plain", kind = "bool",
				help = "read the secret from file without converting from base64" },
			{ name = "interactive", kind = "bool", help = "read the secret from the terminal" },
			{ name = "base64", kind = "string", help = "base64-encoded secret value" },
		},
	},
	{
		name = "secret-undefine",
		summary = "undefine a secret",
		description = "Undefine a secret.",
		options = {
			{ name = "secret", kind = "data", required = true, complete = "secret", help = "secret UUID" },
		},
	},
}

local run = {}

return { group = "Secret", keyword = "secret", commands = commands, run = run }
