-- What a host and its hypervisor can do (virConnectGetCapabilities).
-- libvirt puts an empty line around <host> and each <guest>: `gap`.
local function toggle(name)
	return { elem = name, struct = "guest_feature_toggle" }
end

return {
	include = { "common", "cpu" },
	enums = {
		capability_uri_transport = { "tcp", "rdma", "vpxmigr", "vzmigr" },
		capability_cache_type = { "both", "code", "data" },
		capability_os_type = { "hvm", "xen", "linux", "exe", "uml", "xenpvh" },
		capability_domain_type = {
			"qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels",
			"bhyve", "vz", "hvf",
		},
	},
	structs = {
		capabilities = {
			{ elem = "host", struct = "host_capabilities", gap = "around" },
			{ elem = "guest", struct = "guest_capabilities", list = true, field = "guests", gap = "after" },
		},
		host_capabilities = {
			{ elem = "uuid", type = "uuid" },
			{ elem = "cpu", struct = "host_cpu" },
			{ elem = "power_management", struct = "host_power_management" },
			{ attr = "support", in_ = "iommu", type = "tri_bool" },
			{ elem = "migration_features", struct = "host_migration" },
			{ elem = "topology", struct = "host_topology", drop_empty = true },
			{ elem = "cache", struct = "host_cache", drop_empty = true },
			{ elem = "memory_bandwidth", struct = "host_memory_bandwidth", drop_empty = true },
			{ elem = "secmodel", struct = "host_secmodel", list = true, field = "secmodels" },
		},
		host_cpu = {
			{ elem = "arch", type = "enum", of = "arch" },
			{ elem = "features", struct = "host_cpu_features", field = "abilities", drop_empty = true },
			{ elem = "model", type = "string" },
			{ elem = "vendor", type = "string" },
			{ attr = "version", in_ = "microcode", type = "uint" },
			{ elem = "signature", struct = "host_cpu_signature" },
			{ elem = "counter", struct = "host_cpu_counter", list = true, field = "counters" },
			{ elem = "topology", struct = "cpu_topology" },
			{ elem = "maxphysaddr", struct = "cpu_maxphysaddr" },
			{ elem = "feature", struct = "cpu_feature", list = true, field = "features" },
			{ elem = "pages", struct = "host_cpu_pages", list = true, field = "pages" },
		},
		host_cpu_features = {
			{ elem = "pae", type = "empty" },
			{ elem = "nonpae", type = "empty" },
			{ elem = "vmx", type = "empty" },
			{ elem = "svm", type = "empty" },
		},
		host_cpu_signature = {
			{ attr = "family", type = "uint", required = true },
			{ attr = "model", type = "uint", required = true },
			{ attr = "stepping", type = "uint", required = true },
		},
		host_cpu_counter = {
			{ attr = "name", type = "string", required = true },
			{ attr = "frequency", type = "u64", required = true },
			{ attr = "scaling", type = "tri_bool" },
		},
		host_cpu_pages = {
			{ attr = "unit", type = "string", default = "KiB" },
			{ attr = "size", type = "u64", required = true }, -- in KiB
		},
		host_power_management = {
			{ elem = "suspend_mem", type = "empty" },
			{ elem = "suspend_disk", type = "empty" },
			{ elem = "suspend_hybrid", type = "empty" },
		},
		host_migration = {
			{ elem = "live", type = "empty" },
			{ elem = "uri_transports", struct = "host_uri_transports", drop_empty = true },
		},
		host_uri_transports = {
			{ elem = "uri_transport", type = "string", list = true, field = "uri_transports" },
		},
		host_topology = {
			{ elem = "cells", struct = "host_cells", open = true },
			{ elem = "interconnects", struct = "numa_interconnects", drop_empty = true },
		},
		host_cells = {
			{ attr = "num", type = "uint", required = true },
			{ elem = "cell", struct = "host_cell", list = true, field = "cells" },
		},
		host_cell = {
			{ attr = "id", type = "uint", required = true },
			{ elem = "memory", type = "size", unit = "KiB" },
			{ elem = "pages", struct = "host_cell_pages", list = true, field = "pages" },
			{ elem = "distances", struct = "numa_distances", drop_empty = true },
			{ elem = "cache", struct = "numa_cache", list = true, field = "caches" },
			{ elem = "cpus", struct = "host_cell_cpus" },
		},
		host_cell_pages = {
			{ attr = "unit", type = "string", default = "KiB" },
			{ attr = "size", type = "u64", required = true }, -- in KiB
			{ text = true, field = "count", type = "u64", default = 0 },
		},
		host_cell_cpus = {
			{ attr = "num", type = "uint", required = true },
			{ elem = "cpu", struct = "host_cell_cpu", list = true, field = "cpus" },
		},
		host_cell_cpu = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "socket_id", type = "uint" },
			{ attr = "die_id", type = "uint" },
			{ attr = "core_id", type = "uint" },
			{ attr = "siblings", type = "cpuset" },
		},
		host_cache = {
			{ elem = "bank", struct = "host_cache_bank", list = true, field = "banks" },
			{ elem = "monitor", struct = "host_monitor" },
		},
		host_cache_bank = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "level", type = "uint", required = true },
			{ attr = "type", type = "enum", of = "capability_cache_type", required = true },
			{ attr = "size", type = "size", unit = "pretty", required = true },
			{ attr = "cpus", type = "cpuset", required = true },
			{ elem = "control", struct = "host_cache_control", list = true, field = "controls" },
		},
		host_cache_control = {
			{ attr = "granularity", type = "uint", required = true },
			{ attr = "min", type = "uint" },
			{ attr = "unit", type = "string", required = true },
			{ attr = "type", type = "enum", of = "capability_cache_type", required = true },
			{ attr = "maxAllocs", type = "uint", required = true },
		},
		host_memory_bandwidth = {
			{ elem = "node", struct = "host_bandwidth_node", list = true, field = "nodes" },
			{ elem = "monitor", struct = "host_monitor" },
		},
		host_bandwidth_node = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "cpus", type = "cpuset", required = true },
			{ elem = "control", struct = "host_bandwidth_control", list = true, field = "controls" },
		},
		host_bandwidth_control = {
			{ attr = "granularity", type = "uint", required = true },
			{ attr = "min", type = "uint" },
			{ attr = "maxAllocs", type = "uint", required = true },
		},
		host_monitor = {
			{ attr = "level", type = "uint" },
			{ attr = "reuseThreshold", type = "uint" },
			{ attr = "maxMonitors", type = "uint", required = true },
			{ elem = "feature", struct = "host_monitor_feature", list = true, field = "features" },
		},
		host_monitor_feature = {
			{ attr = "name", type = "string", required = true },
		},
		host_secmodel = {
			{ elem = "model", type = "string", keep_empty = true },
			{ elem = "doi", type = "string", keep_empty = true },
			{ elem = "baselabel", struct = "host_baselabel", list = true, field = "baselabels" },
		},
		host_baselabel = {
			{ attr = "type", type = "string", required = true },
			{ text = true, field = "value", type = "string" },
		},

		guest_capabilities = {
			{ elem = "os_type", type = "enum", of = "capability_os_type", required = true },
			{ elem = "arch", struct = "guest_arch" },
			{ elem = "features", struct = "guest_features", drop_empty = true },
		},
		guest_arch = {
			{ attr = "name", type = "enum", of = "arch", required = true },
			{ elem = "wordsize", type = "uint", required = true },
			{ elem = "emulator", type = "string" },
			{ elem = "loader", type = "string" },
			{ elem = "machine", struct = "guest_machine", list = true, field = "machines" },
			{ elem = "domain", struct = "guest_domain", list = true, field = "domains" },
		},
		guest_machine = {
			{ attr = "canonical", type = "string" },
			{ attr = "maxCpus", type = "uint", default = 0, quiet = true },
			{ attr = "deprecated", type = "tri_bool" },
			{ text = true, field = "name", type = "string" },
		},
		guest_domain = {
			{ attr = "type", type = "enum", of = "capability_domain_type", required = true },
			{ elem = "emulator", type = "string" },
			{ elem = "machine", struct = "guest_machine", list = true, field = "machines" },
		},
		guest_features = {
			{ elem = "pae", type = "empty" },
			{ elem = "nonpae", type = "empty" },
			{ elem = "ia64_be", type = "empty" },
			toggle "acpi",
			toggle "apic",
			{ elem = "cpuselection", type = "empty" },
			{ elem = "deviceboot", type = "empty" },
			toggle "disksnapshot",
			toggle "hap",
			{ elem = "externalSnapshot", type = "empty" },
		},
		guest_feature_toggle = {
			{ attr = "default", type = "onoff", field = "default_on", required = true },
			{ attr = "toggle", type = "bool", required = true },
		},
	},
	root = { struct = "capabilities", element = "capabilities", schema = "capability.rng" },
}
