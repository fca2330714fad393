-- Secrets.

local define = require "moonvisor.spec.define"

return define.class {
	name = "Secret",
	noun = "secret",
	summary = "a password or key that the host keeps for its guests",
	errors = { "no_secret", "operation_invalid" },
	properties = {
		{ name = "uuid", type = "string", summary = "its UUID", errors = {} },
		{ name = "usage_type", type = "string", summary = '"none", "volume", "ceph", "iscsi", "tls" or "vtpm"', errors = {} },
		{ name = "usage_id", type = "string", summary = "what it is for", errors = {} },
		{ name = "xml", type = "xml", call = "secret_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_secret", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "value", call = "secret_get_value self =0",
			returns = { { type = "string", summary = "the secret, any bytes" } },
			summary = "reads it, unless it is private" },
		{ name = "set_value", call = "secret_set_value self value =0",
			params = { { name = "value", type = "string", summary = "the secret, any bytes" } },
			summary = "sets it" },
		{ name = "undefine", call = "secret_undefine self", summary = "removes it" },
		define.on "secret",
		define.close "secret",
	},
}
