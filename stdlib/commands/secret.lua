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
		records = true,
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
		records = true,
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
		records = true,
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

local VALIDATE = 1 -- virSecretDefineFlags

-- enum virSecretUsageType
local USAGES = { [0] = "none", "volume", "ceph", "iscsi", "tls", "vtpm" }

run["secret-define"] = function(ctl, opt)
	local path = opt.file
	local xml = ctl:read_file(path)
	local secret = ctl:attempt("Failed to set attributes from %s", path)
		:secret_define_xml(xml, opt.validate and VALIDATE or 0)
	ctl:extra("Secret %s created\n", secret.uuid)
end

run["secret-dumpxml"] = function(ctl, opt)
	ctl:print_xml(ctl.raw:secret_get_xml_desc(ctl:secret(opt.secret), 0), opt)
end

run["secret-undefine"] = function(ctl, opt)
	local secret = ctl:secret(opt.secret)
	ctl:attempt("Failed to delete secret %s", secret.uuid):secret_undefine(secret)
	ctl:extra("Secret %s deleted\n", secret.uuid)
end

-- --- values ----------------------------------------------------------------------------------------------------------

-- The value that the options name: on the command line, in a file, or typed.
local function value_of(ctl, opt)
	local base64 = require "moonvisor.base64"
	local text, path = opt.base64, opt.file
	if text then
		ctl:error "Passing secret value as command-line argument is insecure!"
	elseif path then
		text = ctl:read_file(path)
		if opt.plain then
			return text
		end
	elseif opt.interactive then
		ctl.flush()
		ctl:print "Enter new value for secret:"
		ctl.flush()
		text = require("moonvisor.terminal").read_hidden()
		ctl:print "\n"
		return text or ctl:fail "Failed to read secret"
	else
		ctl:fail "Input secret value is missing"
	end
	return base64.decode(text) or ctl:fail "Failed to decode secret"
end

run["secret-set-value"] = function(ctl, opt)
	ctl:exclusive(opt, "file", "base64")
	ctl:exclusive(opt, "plain", "base64")
	ctl:exclusive(opt, "interactive", "base64")
	ctl:exclusive(opt, "interactive", "plain")
	ctl:exclusive(opt, "interactive", "file")
	local secret = ctl:secret(opt.secret)
	ctl:attempt("Failed to set secret value"):secret_set_value(secret, value_of(ctl, opt), 0)
	ctl:extra "Secret value set\n"
end

run["secret-get-value"] = function(ctl, opt)
	local value = ctl.raw:secret_get_value(ctl:secret(opt.secret), 0)
	ctl:print("%s", opt.plain and value or require("moonvisor.base64").encode(value))
end

-- --- listing ---------------------------------------------------------------------------------------------------------

local FILTERS = { { "ephemeral", 1 }, { "no_ephemeral", 2 }, { "private", 4 }, { "no_private", 8 } }

run["secret-list"] = function(ctl, opt)
	local flags, rows = 0, {}
	for _, filter in ipairs(FILTERS) do
		flags = flags | (opt[filter[1]] and filter[2] or 0)
	end
	local secrets = ctl:list_all({ "node secrets", "secrets" }, "connect_list_all_secrets", "connect_num_of_secrets",
		flags).secrets
	table.sort(secrets, function(a, b)
		return a.uuid < b.uuid
	end)
	for i, secret in ipairs(secrets) do
		local usage = USAGES[secret.usageType] or "unknown"
		rows[i] = { uuid = secret.uuid, usage = usage, usage_id = usage ~= "none" and secret.usageID or nil }
	end
	ctl:records {
		rows = rows, columns = { "uuid", "usage", "usage_id" }, name = "uuid",
		text = function(shown)
			local t = ctl:table { "UUID", "Usage" }
			for _, row in ipairs(shown) do
				t:row(row.uuid, row.usage_id and ("%s %s"):format(row.usage, row.usage_id) or "Unused")
			end
			t:show()
		end,
	}
end

-- --- events ----------------------------------------------------------------------------------------------------------

local LIFECYCLE = { [0] = "Defined", "Undefined" }

local EVENTS = {
	{ "lifecycle", "secret_event_lifecycle", function(event)
		return ("event 'lifecycle' for secret %s: %s\n"):format(event.secret.uuid, LIFECYCLE[event.event] or "unknown")
	end },
	{ "value-changed", "secret_event_value_changed", function(event)
		return ("event 'value-changed' for secret %s\n"):format(event.secret.uuid)
	end },
}

run["secret-event"] = function(ctl, opt)
	return ctl:watch_one(opt, EVENTS, function()
		return opt.secret and ctl:secret(opt.secret)
	end)
end

return { group = "Secret", keyword = "secret", commands = commands, run = run }
