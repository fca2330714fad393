-- Pieces of XML that pools, volumes and the disks of domains share.
return {
	enums = {
		encryption_format = { "default", "qcow", "luks", "luks2" },
		encryption_engine = { "qemu", "librbd" },
		encryption_secret_type = { "passphrase" },
		auth_type = { "chap", "ceph" },
	},
	structs = {
		storage_encryption = {
			{ attr = "format", type = "enum", of = "encryption_format", required = true },
			{ attr = "engine", type = "enum", of = "encryption_engine" },
			{ elem = "secret", struct = "encryption_secret", list = true, field = "secrets" },
			{ elem = "cipher", struct = "encryption_cipher" },
			{ elem = "ivgen", struct = "encryption_ivgen" },
		},
		-- A secret is named by its UUID or by its usage.
		encryption_secret = {
			{ attr = "type", type = "enum", of = "encryption_secret_type", required = true },
			{ attr = "uuid", type = "uuid" },
			{ attr = "usage", type = "string" },
		},
		encryption_cipher = {
			{ attr = "name", type = "string", required = true },
			{ attr = "size", type = "uint", required = true },
			{ attr = "mode", type = "string" },
			{ attr = "hash", type = "string" },
		},
		encryption_ivgen = {
			{ attr = "name", type = "string", required = true },
			{ attr = "hash", type = "string" },
		},
		storage_auth = {
			{ attr = "type", type = "enum", of = "auth_type" },
			{ attr = "username", type = "string", required = true },
			{ elem = "secret", struct = "auth_secret" },
		},
		auth_secret = {
			{ attr = "type", type = "string" },
			{ attr = "uuid", type = "uuid" },
			{ attr = "usage", type = "string" },
		},
		storage_initiator = {
			{ attr = "name", in_ = "iqn", type = "string" },
		},
		storage_permissions = {
			{ elem = "mode", type = "string" }, -- octal: "0644"
			{ elem = "owner", type = "int", min = -1 },
			{ elem = "group", type = "int", min = -1 },
			{ elem = "label", type = "string" },
			check = "mv_storage_permissions_check",
		},
	},
}
