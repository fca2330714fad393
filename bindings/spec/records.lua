-- Plain tables that the API hands out.

return {
	{
		name = "Event",
		summary = "something that happened",
		properties = {
			{ name = "domain", type = "Domain", optional = true,
				summary = "to which domain; else network, pool, device or secret is there" },
			{ name = "id", type = "event", summary = "what kind of event" },
			{ name = "event", type = "string",
				summary = 'lifecycle: "defined", "undefined", "started", "suspended", "resumed", "stopped", '
					.. '"shutdown", "crashed"' },
			{ name = "detail", type = "string", optional = true,
				summary = 'the reason: "booted", "destroyed", "panicked", ...' },
			{ name = "text", type = "string", optional = true, summary = "a sentence about it" },
			{ name = "number", type = "integer", unit = "bytes", optional = true,
				summary = "balloon: memory the guest has now; other events have other fields, named as on libvirt's wire" },
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
}
