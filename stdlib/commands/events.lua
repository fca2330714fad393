-- The commands of the group Domain Events.

local commands = {
	{
		name = "event",
		summary = "Domain Events",
		description = "List event types, or wait for domain events to occur",
		options = {
			{ name = "domain", kind = "string", complete = "domain",
				help = "filter by domain name, id or uuid" },
			{ name = "event", kind = "string", complete = "domain_event",
				help = "which event type to wait for" },
			{ name = "all", kind = "bool", help = "wait for all events instead of just one type" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "list", kind = "bool", help = "list valid event types" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
}

local run = {}

return { group = "Domain Events", keyword = "events", commands = commands, run = run }
