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
			check = "mv_encryption_secret_check",
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
			check = "mv_storage_auth_check",
		},
		auth_secret = {
			{ attr = "type", type = "string" },
			{ attr = "uuid", type = "uuid" },
			{ attr = "usage", type = "string" },
			check = "mv_auth_secret_check",
		},
		storage_initiator = {
			{ attr = "name", in_ = "iqn", type = "string" },
		},
		storage_permissions = {
			{ elem = "mode", type = "string" }, -- octal: "0644"
			{ elem = "owner", type = "i64", min = -1, max = 4294967295 },
			{ elem = "group", type = "i64", min = -1, max = 4294967295 },
			{ elem = "label", type = "string" },
			check = "mv_storage_permissions_check",
		},
	},
}
