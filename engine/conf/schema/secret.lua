-- Secrets: https://libvirt.org/formatsecret.html
return {
	enums = {
		secret_usage_type = { "none", "volume", "ceph", "iscsi", "tls", "vtpm" },
	},
	structs = {
		secret = {
			{ attr = "ephemeral", type = "bool", default = false },
			{ attr = "private", type = "bool", default = false },
			{ elem = "uuid", type = "uuid" },
			{ elem = "description", type = "string" },
			{ elem = "usage", struct = "secret_usage" },
			check = "mv_secret_check",
		},
		secret_usage = {
			{ attr = "type", type = "enum", of = "secret_usage_type", required = true },
			{ elem = "volume", type = "string", by = "type", only = "volume" },
			{ elem = "name", type = "string", by = "type", only = { "ceph", "tls", "vtpm" } },
			{ elem = "target", type = "string", by = "type", only = "iscsi" },
			check = "mv_secret_usage_check",
		},
	},
	root = { struct = "secret", element = "secret", schema = "secret.rng" },
}
