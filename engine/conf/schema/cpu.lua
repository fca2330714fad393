-- A processor: that of a guest, or one to compare with (virConnectCompareCPU and its relatives).
-- <cpu> of a host's capabilities is in capabilities.lua; it shares the structures of this file.
return {
	enums = {
		arch = {
			"alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32", "loongarch64", "m68k", "microblaze",
			"microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc", "parisc64", "ppc", "ppc64",
			"ppc64le", "ppcemb", "riscv32", "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64",
			"unicore32", "x86_64", "xtensa", "xtensaeb",
		},
		cpu_mode = { "custom", "host-model", "host-passthrough", "maximum" },
		cpu_match = { "minimum", "exact", "strict" },
		cpu_check = { "none", "partial", "full" },
		cpu_fallback = { "allow", "forbid" },
		cpu_policy = { "force", "require", "optional", "disable", "forbid" },
		cpu_cache_mode = { "emulate", "passthrough", "disable" },
		cpu_maxphysaddr_mode = { "emulate", "passthrough" },
		memory_access = { "shared", "private" },
		numa_cache_associativity = { "none", "direct", "full" },
		numa_cache_policy = { "none", "writeback", "writethrough" },
		numa_interconnect_type = { "access", "read", "write" },
	},
	structs = {
		cpu = {
			{ attr = "mode", type = "enum", of = "cpu_mode" },
			{ attr = "match", type = "enum", of = "cpu_match" },
			{ attr = "check", type = "enum", of = "cpu_check" },
			{ attr = "migratable", type = "tri_onoff" },
			{ elem = "arch", type = "enum", of = "arch" },
			{ elem = "model", struct = "cpu_model", drop_empty = true },
			{ elem = "vendor", type = "string" },
			{ elem = "topology", struct = "cpu_topology" },
			{ elem = "cache", struct = "cpu_cache" },
			{ elem = "maxphysaddr", struct = "cpu_maxphysaddr" },
			{ elem = "feature", struct = "cpu_feature", list = true, field = "features", max_items = 1024 },
			{ elem = "numa", struct = "cpu_numa" },
			check = "mv_cpu_check",
		},
		cpu_model = {
			{ attr = "fallback", type = "enum", of = "cpu_fallback" },
			{ attr = "vendor_id", type = "string" },
			{ text = true, field = "name", type = "string" },
		},
		cpu_topology = {
			{ attr = "sockets", type = "uint", min = 1, required = true },
			{ attr = "dies", type = "uint", min = 1, default = 1 },
			{ attr = "cores", type = "uint", min = 1, required = true },
			{ attr = "threads", type = "uint", min = 1, required = true },
		},
		cpu_cache = {
			{ attr = "level", type = "uint", min = 1, max = 3 },
			{ attr = "mode", type = "enum", of = "cpu_cache_mode", required = true },
		},
		cpu_maxphysaddr = {
			{ attr = "mode", type = "enum", of = "cpu_maxphysaddr_mode", required = true },
			{ attr = "bits", type = "uint" },
		},
		cpu_feature = {
			{ attr = "policy", type = "enum", of = "cpu_policy" },
			{ attr = "name", type = "string", required = true },
		},
		cpu_numa = {
			{ elem = "cell", struct = "numa_cell", list = true, field = "cells", max_items = 1024 },
			{ elem = "interconnects", struct = "numa_interconnects", drop_empty = true },
			check = "mv_cpu_numa_check",
		},
		numa_cell = {
			{ attr = "id", type = "uint" },
			{ attr = "cpus", type = "cpuset" },
			{ attr = "memory", type = "size", unit = "KiB", max = 9007199254740991, required = true },
			{ attr = "memAccess", type = "enum", of = "memory_access" },
			{ attr = "discard", type = "tri_bool" },
			{ elem = "distances", struct = "numa_distances", drop_empty = true },
			{ elem = "cache", struct = "numa_cache", list = true, field = "caches" },
		},
		numa_distances = {
			{ elem = "sibling", struct = "numa_distance", list = true, field = "siblings" },
		},
		numa_distance = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "value", type = "uint", min = 10, max = 255, required = true },
		},
		numa_cache = {
			{ attr = "level", type = "uint", required = true },
			{ attr = "associativity", type = "enum", of = "numa_cache_associativity", default = "none", quiet = true },
			{ attr = "policy", type = "enum", of = "numa_cache_policy", default = "none", quiet = true },
			{ elem = "size", struct = "numa_cache_size" },
			{ elem = "line", struct = "numa_cache_line" },
		},
		numa_cache_size = {
			{ attr = "value", type = "size", unit = "KiB", required = true },
		},
		-- libvirt reads this number as it stands, whatever its unit says.
		numa_cache_line = {
			{ attr = "value", type = "uint", required = true },
			{ attr = "unit", type = "string", default = "B" },
			check = "mv_numa_cache_line_check",
		},
		numa_interconnects = {
			{ choice = { latency = "numa_latency", bandwidth = "numa_bandwidth" }, list = true, field = "entries" },
		},
		numa_latency = {
			{ attr = "initiator", type = "uint", required = true },
			{ attr = "target", type = "uint", required = true },
			{ attr = "cache", type = "uint" },
			{ attr = "type", type = "enum", of = "numa_interconnect_type", required = true },
			{ attr = "value", type = "u64", required = true },
		},
		numa_bandwidth = {
			{ attr = "initiator", type = "uint", required = true },
			{ attr = "target", type = "uint", required = true },
			{ attr = "cache", type = "uint" },
			{ attr = "type", type = "enum", of = "numa_interconnect_type", required = true },
			{ attr = "value", type = "size", unit = "KiB", required = true },
		},
	},
	root = { struct = "cpu", element = "cpu", schema = "cpu.rng" },
}
