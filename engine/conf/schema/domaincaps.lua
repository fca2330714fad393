-- What domains of one emulator, architecture and machine type can be (virConnectGetDomainCapabilities).
-- Most of it has one shape: supported='yes|no', and for each attribute of the domain format its possible values.
local function device(name)
	return { elem = name, struct = "domcaps_part" }
end

return {
	include = { "common", "cpu" },
	enums = {
		domcaps_usable = { "yes", "no", "unknown" },
	},
	structs = {
		domaincaps = {
			{ elem = "path", type = "string" },
			{ elem = "domain", type = "string" },
			{ elem = "machine", type = "string" },
			{ elem = "arch", type = "enum", of = "arch" },
			{ elem = "vcpu", struct = "domcaps_vcpu" },
			{ attr = "supported", in_ = "iothreads", type = "tri_bool", field = "iothreads" },
			{ elem = "os", struct = "domcaps_os" },
			{ elem = "cpu", struct = "domcaps_cpu" },
			{ elem = "memoryBacking", struct = "domcaps_part" },
			{ elem = "devices", struct = "domcaps_devices" },
			{ elem = "features", struct = "domcaps_features" },
		},
		domcaps_vcpu = {
			{ attr = "max", type = "uint", required = true },
		},
		domcaps_part = {
			{ attr = "supported", type = "bool", required = true },
			{ elem = "enum", struct = "domcaps_enum", list = true, field = "enums" },
		},
		domcaps_enum = {
			{ attr = "name", type = "string", required = true },
			{ elem = "value", type = "string", list = true, field = "values" },
		},
		domcaps_os = {
			{ attr = "supported", type = "bool", required = true },
			{ elem = "enum", struct = "domcaps_enum", list = true, field = "enums" },
			{ elem = "loader", struct = "domcaps_loader" },
		},
		domcaps_loader = {
			{ attr = "supported", type = "bool", required = true },
			{ elem = "value", type = "string", list = true, field = "values" },
			{ elem = "enum", struct = "domcaps_enum", list = true, field = "enums" },
		},
		domcaps_cpu = {
			{ elem = "mode", struct = "domcaps_cpu_mode", list = true, field = "modes" },
		},
		domcaps_cpu_mode = {
			{ attr = "name", type = "enum", of = "cpu_mode", required = true },
			{ attr = "supported", type = "bool", required = true },
			{ elem = "enum", struct = "domcaps_enum", list = true, field = "enums" },
			{ elem = "model", struct = "domcaps_cpu_model", list = true, field = "models" },
			{ elem = "vendor", type = "string" },
			{ elem = "maxphysaddr", struct = "cpu_maxphysaddr" },
			{ elem = "feature", struct = "cpu_feature", list = true, field = "features" },
		},
		domcaps_cpu_model = {
			{ attr = "fallback", type = "enum", of = "cpu_fallback" },
			{ attr = "usable", type = "enum", of = "domcaps_usable" },
			{ attr = "deprecated", type = "tri_bool" },
			{ attr = "vendor", type = "string" },
			{ text = true, field = "name", type = "string" },
		},
		domcaps_devices = {
			device "disk", device "graphics", device "video", device "hostdev", device "rng", device "filesystem",
			device "tpm", device "redirdev", device "channel",
		},
		domcaps_features = {
			device "gic", device "vmcoreinfo", device "genid", device "backingStoreInput", device "backup",
			{ elem = "sev", struct = "domcaps_sev" },
			{ elem = "sgx", struct = "domcaps_sgx" },
			device "hyperv",
			{ elem = "s390-pv", struct = "domcaps_part" },
		},
		domcaps_sev = {
			{ attr = "supported", type = "bool", required = true },
			{ elem = "cbitpos", type = "uint" },
			{ elem = "reducedPhysBits", type = "uint" },
			{ elem = "maxGuests", type = "uint" },
			{ elem = "maxESGuests", type = "uint" },
		},
		domcaps_sgx = {
			{ attr = "supported", type = "bool", required = true },
			{ elem = "flc", type = "tri_bool" },
			{ elem = "sgx1", type = "tri_bool" },
			{ elem = "sgx2", type = "tri_bool" },
			{ elem = "section_size", type = "size", unit = "KiB" },
			{ elem = "sections", struct = "domcaps_sgx_sections", drop_empty = true },
		},
		domcaps_sgx_sections = {
			{ elem = "section", struct = "domcaps_sgx_section", list = true, field = "sections" },
		},
		domcaps_sgx_section = {
			{ attr = "node", type = "uint", required = true },
			{ attr = "size", type = "size", unit = "KiB", required = true },
		},
	},
	root = { struct = "domaincaps", element = "domainCapabilities", schema = "domaincaps.rng" },
}
