-- A guest, without what is below <devices> (domain_devices.lua). The order of the members is the one libvirt writes.
local spaces = {
	qemu = "http://libvirt.org/schemas/domain/qemu/1.0",
	lxc = "http://libvirt.org/schemas/domain/lxc/1.0",
	bhyve = "http://libvirt.org/schemas/domain/bhyve/1.0",
	xen = "http://libvirt.org/schemas/domain/xen/1.0",
	vmware = "http://libvirt.org/schemas/domain/vmware/1.0",
	test = "http://libvirt.org/schemas/domain/test/1.0",
}

-- The member `m` in the namespace of a hypervisor.
local function within(space, m)
	m.elem, m.ns = space .. ":" .. m.elem, spaces[space]
	return m
end

-- <name state='on'/>: a feature that is on or off; an element without a state means `bare`.
local function switch(name, bare)
	return { attr = "state", in_ = name, type = "tri_onoff", field = (name:gsub("%-", "_")), bare = bare or "error" }
end

-- <name value='...'/>, one attribute and nothing else.
local function choice(name, attr, enum, bare)
	return { attr = attr, in_ = name, type = "enum", of = enum, field = (name:gsub("%-", "_")), bare = bare }
end

local capabilities = { { attr = "policy", type = "enum", of = "capabilities_policy" } }
for name in ([[audit_control audit_write block_suspend chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner
	kill lease linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw setgid setfcap
	setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time
	sys_tty_config syslog wake_alarm]]):gmatch "%S+" do
	capabilities[#capabilities + 1] = switch(name, "on")
end
capabilities.closed = true
capabilities.check = "mv_feature_capabilities_check"

-- KiB; what is one less than 2^63 bytes.
local most = 9007199254740991

return {
	include = { "common", "cpu", "domain_devices" },
	enums = {
		domain_type = {
			"qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels",
			"bhyve", "vz", "hvf",
		},
		os_type = { "hvm", "xen", "linux", "exe", "uml", "xenpvh" },
		os_firmware = { "bios", "efi" },
		os_firmware_feature = { "enrolled-keys", "secure-boot" },
		os_loader_type = { "rom", "pflash" },
		boot_device = { "fd", "cdrom", "hd", "network" },
		smbios_mode = { "none", "emulate", "host", "sysinfo" },
		acpi_table_type = { "slic" },
		lifecycle_action = { "destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart" },
		lockfailure_action = { "poweroff", "restart", "pause", "ignore" },
		memory_source_type = { "file", "anonymous", "memfd" },
		memory_allocation_mode = { "immediate", "ondemand" },
		cpu_placement = { "static", "auto" },
		numatune_mode = { "strict", "preferred", "interleave", "restrictive" },
		scheduler = { "batch", "idle", "fifo", "rr" },
		cachetune_type = { "both", "code", "data" },
		sysinfo_type = { "smbios", "fwcfg" },
		hyperv_mode = { "custom", "passthrough" },
		xen_passthrough_mode = { "sync_pt", "share_pt" },
		capabilities_policy = { "default", "allow", "deny" },
		gic_version = { "host", "2", "3" },
		ioapic_driver = { "qemu", "kvm" },
		hpt_resizing = { "enabled", "disabled", "required" },
		msrs_unknown = { "ignore", "fault" },
		cfpc = { "broken", "workaround", "fixed" },
		sbbc = { "broken", "workaround", "fixed" },
		ibs = { "broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na" },
		clock_offset = { "utc", "localtime", "variable", "timezone", "absolute" },
		clock_basis = { "utc", "localtime" },
		timer_name = { "platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer" },
		timer_tickpolicy = { "delay", "catchup", "merge", "discard" },
		timer_track = { "boot", "guest", "wall", "realtime" },
		timer_mode = { "auto", "native", "emulate", "paravirt", "smpsafe" },
		perf_event = {
			"cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses",
			"branch_instructions", "branch_misses", "bus_cycles", "stalled_cycles_frontend",
			"stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults",
			"context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj", "alignment_faults",
			"emulation_faults",
		},
		seclabel_type = { "none", "dynamic", "static" },
		launch_security_type = { "sev", "s390-pv" },
		keywrap_cipher_name = { "aes", "dea" },
		qemu_deprecation_behavior = { "none", "omit", "reject", "crash" },
		qemu_override_type = { "string", "signed", "unsigned", "bool", "remove" },
		lxc_share_type = { "none", "name", "pid", "netns" },
	},
	structs = {
		domain = {
			{ attr = "type", type = "enum", of = "domain_type", required = true },
			{ attr = "id", type = "int", live = true },
			{ elem = "name", type = "string", required = true },
			{ elem = "uuid", type = "uuid" },
			{ elem = "genid", struct = "domain_genid" },
			{ elem = "title", type = "string" },
			{ elem = "description", type = "string" },
			{ raw = true, elem = "metadata" },
			{ elem = "maxMemory", struct = "domain_max_memory" },
			{ elem = "memory", struct = "domain_memory", always = true },
			{ elem = "currentMemory", type = "size", unit = "KiB", max = most },
			{ elem = "blkiotune", struct = "domain_blkiotune", drop_empty = true },
			{ elem = "memtune", struct = "domain_memtune", drop_empty = true },
			{ elem = "memoryBacking", struct = "domain_memory_backing", drop_empty = true },
			{ elem = "vcpu", struct = "domain_vcpu", always = true },
			{ elem = "vcpus", struct = "domain_vcpus", drop_empty = true },
			{ elem = "iothreads", type = "uint", default = 0, quiet = true },
			{ elem = "iothreadids", struct = "domain_iothreadids", drop_empty = true },
			{ elem = "defaultiothread", struct = "domain_default_iothread", field = "default_iothread", drop_empty = true },
			{ elem = "cputune", struct = "domain_cputune", drop_empty = true },
			{ elem = "numatune", struct = "domain_numatune", drop_empty = true },
			{ elem = "resource", struct = "domain_resource", drop_empty = true },
			{ elem = "sysinfo", struct = "sysinfo", list = true, field = "sysinfos" },
			{ elem = "bootloader", type = "string" },
			{ elem = "bootloader_args", type = "string" },
			{ elem = "os", struct = "domain_os" },
			{ elem = "idmap", struct = "domain_idmap", drop_empty = true },
			{ elem = "features", struct = "domain_features", drop_empty = true },
			{ elem = "cpu", struct = "cpu", drop_empty = true },
			{ elem = "clock", struct = "domain_clock", always = true },
			{ elem = "on_poweroff", type = "enum", of = "lifecycle_action", default = "destroy" },
			{ elem = "on_reboot", type = "enum", of = "lifecycle_action", default = "restart" },
			{ elem = "on_crash", type = "enum", of = "lifecycle_action", default = "destroy" },
			{ elem = "on_lockfailure", type = "enum", of = "lockfailure_action" },
			{ elem = "pm", struct = "domain_pm", drop_empty = true },
			{ elem = "perf", struct = "domain_perf", drop_empty = true },
			{ elem = "devices", struct = "devices", open = true, always = true },
			{ elem = "seclabel", struct = "domain_seclabel", list = true, field = "seclabels", max_items = 64 },
			within("qemu", { elem = "commandline", struct = "qemu_commandline", field = "qemu_commandline", drop_empty = true }),
			within("qemu", { elem = "capabilities", struct = "qemu_capabilities", field = "qemu_capabilities", drop_empty = true }),
			within("qemu", { elem = "deprecation", struct = "qemu_deprecation", field = "qemu_deprecation", drop_empty = true }),
			within("qemu", { elem = "override", struct = "qemu_override", field = "qemu_override", drop_empty = true }),
			within("lxc", { elem = "namespace", struct = "lxc_namespace", field = "lxc_namespace", drop_empty = true }),
			within("bhyve", { elem = "commandline", struct = "bhyve_commandline", field = "bhyve_commandline", drop_empty = true }),
			within("xen", { elem = "commandline", struct = "xen_commandline", field = "xen_commandline", drop_empty = true }),
			within("vmware", { elem = "datacenterpath", type = "string", field = "vmware_datacenterpath" }),
			-- What a file of the test driver says about the state in which a domain begins.
			within("test", { elem = "transient", type = "int", field = "test_transient", write = false }),
			within("test", { elem = "hasmanagedsave", type = "int", field = "test_hasmanagedsave", write = false }),
			within("test", { elem = "runstate", type = "uint", field = "test_runstate", write = false }),
			{ elem = "keywrap", struct = "domain_keywrap", drop_empty = true },
			{ elem = "launchSecurity", struct = "domain_launch_security" },
			check = "mv_domain_check",
		},
		domain_genid = {
			{ text = true, field = "value", type = "uuid" }, -- absent: to be generated
		},
		domain_max_memory = {
			{ attr = "slots", type = "uint", default = 0 },
			{ text = true, field = "size", type = "size", unit = "KiB", max = most, default = 0 },
		},
		domain_memory = {
			{ attr = "dumpCore", type = "tri_onoff" },
			{ text = true, field = "size", type = "size", unit = "KiB", max = most, default = 0 },
		},

		domain_blkiotune = {
			{ elem = "weight", type = "uint", default = 0, quiet = true },
			{ elem = "device", struct = "blkiotune_device", list = true, field = "devices", max_items = 4096 },
		},
		blkiotune_device = {
			{ elem = "path", type = "string", required = true },
			{ elem = "weight", type = "uint", default = 0, quiet = true },
			{ elem = "read_iops_sec", type = "uint", default = 0, quiet = true },
			{ elem = "write_iops_sec", type = "uint", default = 0, quiet = true },
			{ elem = "read_bytes_sec", type = "u64", default = 0, quiet = true },
			{ elem = "write_bytes_sec", type = "u64", default = 0, quiet = true },
		},
		domain_memtune = {
			{ elem = "hard_limit", type = "size", unit = "KiB", max = most },
			{ elem = "soft_limit", type = "size", unit = "KiB", max = most },
			{ elem = "min_guarantee", type = "size", unit = "KiB", max = most },
			{ elem = "swap_hard_limit", type = "size", unit = "KiB", max = most },
		},
		domain_memory_backing = {
			{ elem = "hugepages", struct = "domain_hugepages" },
			{ elem = "nosharepages", type = "empty" },
			{ elem = "locked", type = "empty" },
			{ attr = "type", in_ = "source", type = "enum", of = "memory_source_type" },
			{ attr = "mode", in_ = "access", type = "enum", of = "memory_access" },
			{ elem = "allocation", struct = "domain_memory_allocation", drop_empty = true },
			{ elem = "discard", type = "empty" },
		},
		domain_hugepages = {
			{ elem = "page", struct = "domain_hugepage", list = true, field = "pages", max_items = 256 },
		},
		domain_hugepage = {
			{ attr = "size", type = "size", unit = "KiB", required = true },
			{ attr = "nodeset", type = "cpuset" },
		},
		domain_memory_allocation = {
			{ attr = "mode", type = "enum", of = "memory_allocation_mode" },
			{ attr = "threads", type = "uint", default = 0, quiet = true },
		},

		domain_vcpu = {
			{ attr = "placement", type = "enum", of = "cpu_placement", default = "static" },
			{ attr = "cpuset", type = "cpuset" },
			{ attr = "current", type = "uint" },
			{ text = true, field = "max", type = "uint", min = 1, max = 65535, default = 1, required = true },
		},
		domain_vcpus = {
			{ elem = "vcpu", struct = "domain_vcpus_vcpu", list = true, field = "vcpus" },
		},
		domain_vcpus_vcpu = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "enabled", type = "tri_bool", required = true },
			{ attr = "hotpluggable", type = "tri_bool" },
			{ attr = "order", type = "uint", default = 0, quiet = true },
		},
		domain_iothreadids = {
			{ elem = "iothread", struct = "domain_iothread", list = true, field = "iothreads" },
		},
		domain_iothread = {
			{ attr = "id", type = "uint", min = 1, required = true },
			{ attr = "thread_pool_min", type = "int" },
			{ attr = "thread_pool_max", type = "int" },
		},
		domain_default_iothread = {
			{ attr = "thread_pool_min", type = "int" },
			{ attr = "thread_pool_max", type = "int" },
		},

		domain_cputune = {
			{ elem = "shares", type = "u64" },
			{ elem = "period", type = "u64", default = 0, quiet = true },
			{ elem = "quota", type = "i64", default = 0, quiet = true },
			{ elem = "global_period", type = "u64", default = 0, quiet = true },
			{ elem = "global_quota", type = "i64", default = 0, quiet = true },
			{ elem = "emulator_period", type = "u64", default = 0, quiet = true },
			{ elem = "emulator_quota", type = "i64", default = 0, quiet = true },
			{ elem = "iothread_period", type = "u64", default = 0, quiet = true },
			{ elem = "iothread_quota", type = "i64", default = 0, quiet = true },
			{ elem = "vcpupin", struct = "cputune_vcpupin", list = true, field = "vcpupins" },
			{ elem = "emulatorpin", struct = "cputune_emulatorpin", once = true },
			{ elem = "iothreadpin", struct = "cputune_iothreadpin", list = true, field = "iothreadpins" },
			{ elem = "emulatorsched", struct = "cputune_emulatorsched" },
			{ elem = "vcpusched", struct = "cputune_vcpusched", list = true, field = "vcpuscheds" },
			{ elem = "iothreadsched", struct = "cputune_iothreadsched", list = true, field = "iothreadscheds" },
			{ elem = "cachetune", struct = "cachetune", list = true, field = "cachetunes", max_items = 1024 },
			{ elem = "memorytune", struct = "memorytune", list = true, field = "memorytunes", max_items = 1024 },
		},
		cputune_vcpupin = {
			{ attr = "vcpu", type = "uint", required = true },
			{ attr = "cpuset", type = "cpuset", required = true },
		},
		cputune_emulatorpin = {
			{ attr = "cpuset", type = "cpuset", required = true },
		},
		cputune_iothreadpin = {
			{ attr = "iothread", type = "uint", required = true },
			{ attr = "cpuset", type = "cpuset", required = true },
		},
		cputune_emulatorsched = {
			{ attr = "scheduler", type = "enum", of = "scheduler", required = true },
			{ attr = "priority", type = "int" },
		},
		cputune_vcpusched = {
			{ attr = "vcpus", type = "cpuset", required = true },
			{ attr = "scheduler", type = "enum", of = "scheduler", required = true },
			{ attr = "priority", type = "int" },
		},
		cputune_iothreadsched = {
			{ attr = "iothreads", type = "cpuset", required = true },
			{ attr = "scheduler", type = "enum", of = "scheduler", required = true },
			{ attr = "priority", type = "int" },
		},
		cachetune = {
			{ attr = "vcpus", type = "cpuset", required = true },
			{ attr = "id", type = "string", live = true },
			{ elem = "cache", struct = "cachetune_cache", list = true, field = "caches", max_items = 256 },
			{ elem = "monitor", struct = "cachetune_monitor", list = true, field = "monitors", max_items = 1024 },
		},
		cachetune_cache = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "level", type = "uint", required = true },
			{ attr = "type", type = "enum", of = "cachetune_type", required = true },
			{ attr = "size", type = "size", unit = "pretty", read_unit = "KiB", required = true },
		},
		cachetune_monitor = {
			{ attr = "level", type = "uint", required = true },
			{ attr = "vcpus", type = "cpuset", required = true },
		},
		memorytune = {
			{ attr = "vcpus", type = "cpuset", required = true },
			{ attr = "id", type = "string", live = true },
			{ elem = "node", struct = "memorytune_node", list = true, field = "nodes" },
			{ elem = "monitor", struct = "memorytune_monitor", list = true, field = "monitors", max_items = 1024 },
		},
		memorytune_node = {
			{ attr = "id", type = "uint", required = true },
			{ attr = "bandwidth", type = "uint", required = true },
		},
		memorytune_monitor = {
			{ attr = "vcpus", type = "cpuset", required = true },
		},
		domain_numatune = {
			{ elem = "memory", struct = "numatune_memory" },
			{ elem = "memnode", struct = "numatune_memnode", list = true, field = "memnodes" },
		},
		numatune_memory = {
			{ attr = "mode", type = "enum", of = "numatune_mode" },
			{ attr = "placement", type = "enum", of = "cpu_placement" },
			{ attr = "nodeset", type = "cpuset" },
		},
		numatune_memnode = {
			{ attr = "cellid", type = "uint", required = true },
			{ attr = "mode", type = "enum", of = "numatune_mode", default = "strict" },
			{ attr = "nodeset", type = "cpuset", required = true },
		},
		domain_resource = {
			{ elem = "partition", type = "string" },
			{ attr = "appid", in_ = "fibrechannel", type = "string" },
			check = "mv_domain_resource_check",
		},

		sysinfo = {
			{ attr = "type", type = "enum", of = "sysinfo_type", required = true },
			{ elem = "bios", struct = "sysinfo_block", drop_empty = true },
			{ elem = "system", struct = "sysinfo_block", drop_empty = true },
			{ elem = "baseBoard", struct = "sysinfo_block", list = true, field = "base_boards" },
			{ elem = "chassis", struct = "sysinfo_block", drop_empty = true },
			{ elem = "oemStrings", struct = "sysinfo_oem_strings", drop_empty = true },
			{ elem = "entry", struct = "sysinfo_fwcfg", list = true, field = "entries" },
			check = "mv_sysinfo_check",
		},
		sysinfo_block = {
			{ elem = "entry", struct = "sysinfo_entry", list = true, field = "entries" },
		},
		sysinfo_entry = {
			{ attr = "name", type = "string", required = true },
			{ text = true, field = "value", type = "string" },
		},
		sysinfo_oem_strings = {
			{ elem = "entry", type = "string", list = true, field = "entries", keep_empty = true },
		},
		sysinfo_fwcfg = {
			{ attr = "name", type = "string", required = true },
			{ attr = "file", type = "string" },
			{ text = true, field = "value", type = "string" },
		},

		domain_os = {
			{ attr = "firmware", type = "enum", of = "os_firmware" },
			{ elem = "type", struct = "domain_os_type" },
			{ elem = "firmware", struct = "domain_os_firmware", field = "firmware_features", drop_empty = true },
			{ elem = "init", type = "string" },
			{ elem = "initarg", type = "string", list = true, field = "initargs" },
			{ elem = "initenv", struct = "domain_os_initenv", list = true, field = "initenvs" },
			{ elem = "initdir", type = "string" },
			{ elem = "inituser", type = "string" },
			{ elem = "initgroup", type = "string" },
			{ elem = "loader", struct = "domain_os_loader", drop_empty = true },
			{ elem = "nvram", struct = "domain_os_nvram", drop_empty = true },
			{ elem = "kernel", type = "string" },
			{ elem = "initrd", type = "string" },
			{ elem = "cmdline", type = "string" },
			{ elem = "dtb", type = "string" },
			{ elem = "root", type = "string" },
			{ elem = "acpi", struct = "domain_os_acpi", drop_empty = true },
			{ elem = "boot", struct = "domain_os_boot", list = true, field = "boots" },
			{ elem = "bootmenu", struct = "domain_os_bootmenu", drop_empty = true },
			{ attr = "mode", in_ = "smbios", type = "enum", of = "smbios_mode", field = "smbios" },
			{ elem = "bios", struct = "domain_os_bios", drop_empty = true },
			check = "mv_domain_os_check",
		},
		domain_os_type = {
			{ attr = "arch", type = "enum", of = "arch" },
			{ attr = "machine", type = "string" },
			{ text = true, field = "value", type = "enum", of = "os_type", required = true },
		},
		domain_os_firmware = {
			{ elem = "feature", struct = "domain_os_firmware_feature", list = true, field = "features", max_items = 64 },
		},
		domain_os_firmware_feature = {
			{ attr = "enabled", type = "tri_bool", required = true },
			{ attr = "name", type = "enum", of = "os_firmware_feature", required = true },
		},
		domain_os_initenv = {
			{ attr = "name", type = "string", required = true },
			{ text = true, field = "value", type = "string", required = true },
		},
		domain_os_loader = {
			{ attr = "readonly", type = "tri_bool", field = "read_only" },
			{ attr = "secure", type = "tri_bool" },
			{ attr = "type", type = "enum", of = "os_loader_type" },
			{ attr = "stateless", type = "tri_bool" },
			{ text = true, field = "path", type = "string" },
		},
		domain_os_nvram = {
			{ attr = "template", type = "string" },
			{ attr = "type", type = "enum", of = "disk_type" },
			{ text = true, field = "path", type = "string" },
			{ elem = "source", struct = "disk_source", by = "type" },
		},
		domain_os_acpi = {
			{ elem = "table", struct = "domain_os_acpi_table", list = true, field = "tables", max_items = 1 },
		},
		domain_os_acpi_table = {
			{ attr = "type", type = "enum", of = "acpi_table_type", required = true },
			{ text = true, field = "path", type = "string", keep_empty = true },
		},
		domain_os_boot = {
			{ attr = "dev", type = "enum", of = "boot_device", required = true },
		},
		domain_os_bootmenu = {
			{ attr = "enable", type = "tri_bool" },
			{ attr = "timeout", type = "uint", max = 65535 },
			check = "mv_domain_os_bootmenu_check",
		},
		domain_os_bios = {
			{ attr = "useserial", type = "tri_bool" },
			{ attr = "rebootTimeout", type = "int", min = -1, max = 65535 },
		},
		domain_idmap = {
			{ elem = "uid", struct = "domain_idmap_entry", list = true, field = "uids", max_items = 1024 },
			{ elem = "gid", struct = "domain_idmap_entry", list = true, field = "gids", max_items = 1024 },
			check = "mv_domain_idmap_check",
		},
		domain_idmap_entry = {
			{ attr = "start", type = "uint", required = true },
			{ attr = "target", type = "uint", required = true },
			{ attr = "count", type = "uint", required = true },
		},

		domain_features = {
			{ elem = "acpi", type = "empty" },
			{ elem = "apic", struct = "feature_apic" },
			{ elem = "pae", type = "empty" },
			switch("hap", "on"),
			{ elem = "viridian", type = "empty" },
			{ elem = "privnet", type = "empty" },
			{ elem = "hyperv", struct = "feature_hyperv", open = true },
			{ elem = "kvm", struct = "feature_kvm", open = true },
			switch("pvspinlock", "on"),
			{ elem = "capabilities", struct = "feature_capabilities", drop_empty = true },
			switch("pmu", "on"),
			switch("vmport", "on"),
			{ elem = "gic", struct = "feature_gic" },
			{ elem = "smm", struct = "feature_smm" },
			choice("ioapic", "driver", "ioapic_driver"),
			{ elem = "hpt", struct = "feature_hpt", drop_empty = true },
			switch("vmcoreinfo", "on"),
			switch "htm",
			switch "nested-hv",
			choice("msrs", "unknown", "msrs_unknown", "error"),
			switch "ccf-assist",
			{ elem = "xen", struct = "feature_xen", open = true },
			choice("cfpc", "value", "cfpc"),
			choice("sbbc", "value", "sbbc"),
			choice("ibs", "value", "ibs"),
			{ elem = "tcg", struct = "feature_tcg", drop_empty = true },
			closed = true,
		},
		feature_apic = {
			{ attr = "eoi", type = "tri_onoff" },
		},
		feature_hyperv = {
			{ attr = "mode", type = "enum", of = "hyperv_mode", default = "custom" },
			switch "relaxed",
			switch "vapic",
			{ elem = "spinlocks", struct = "hyperv_spinlocks" },
			switch "vpindex",
			switch "runtime",
			switch "synic",
			{ elem = "stimer", struct = "hyperv_stimer" },
			switch "reset",
			{ elem = "vendor_id", struct = "hyperv_vendor_id" },
			switch "frequencies",
			switch "reenlightenment",
			switch "tlbflush",
			switch "ipi",
			switch "evmcs",
			switch "avic",
			closed = true,
		},
		hyperv_spinlocks = {
			{ attr = "state", type = "tri_onoff", required = true },
			{ attr = "retries", type = "uint" },
			check = "mv_hyperv_spinlocks_check",
		},
		hyperv_stimer = {
			{ attr = "state", type = "tri_onoff", required = true },
			{ attr = "state", in_ = "direct", type = "tri_onoff", field = "direct", bare = "error" },
			closed = true, check = "mv_hyperv_stimer_check",
		},
		hyperv_vendor_id = {
			{ attr = "state", type = "tri_onoff", required = true },
			{ attr = "value", type = "string" },
			check = "mv_hyperv_vendor_id_check",
		},
		feature_kvm = {
			switch "hidden",
			switch "hint-dedicated",
			switch "poll-control",
			switch "pv-ipi",
			{ elem = "dirty-ring", struct = "kvm_dirty_ring" },
			closed = true,
		},
		kvm_dirty_ring = {
			{ attr = "state", type = "tri_onoff", required = true },
			{ attr = "size", type = "uint" },
			check = "mv_kvm_dirty_ring_check",
		},
		feature_xen = {
			switch "e820_host",
			{ elem = "passthrough", struct = "xen_passthrough" },
			closed = true,
		},
		xen_passthrough = {
			{ attr = "state", type = "tri_onoff", required = true },
			{ attr = "mode", type = "enum", of = "xen_passthrough_mode" },
			check = "mv_xen_passthrough_check",
		},
		feature_capabilities = capabilities,
		feature_gic = {
			{ attr = "version", type = "enum", of = "gic_version" },
		},
		feature_smm = {
			{ attr = "state", type = "tri_onoff", default = "on" },
			{ elem = "tseg", type = "size", unit = "pretty", read_unit = "MiB" },
			check = "mv_feature_smm_check",
		},
		feature_hpt = {
			{ attr = "resizing", type = "enum", of = "hpt_resizing" },
			{ elem = "maxpagesize", type = "size", unit = "KiB" },
		},
		feature_tcg = {
			{ elem = "tb-cache", type = "size", unit = "KiB" },
		},

		domain_clock = {
			{ attr = "offset", type = "enum", of = "clock_offset", default = "utc" },
			{ attr = "adjustment", type = "string" }, -- seconds, or "reset"
			{ attr = "basis", type = "enum", of = "clock_basis" },
			{ attr = "timezone", type = "string" },
			{ attr = "start", type = "u64" },
			{ elem = "timer", struct = "clock_timer", list = true, field = "timers" },
			check = "mv_domain_clock_check",
		},
		clock_timer = {
			{ attr = "name", type = "enum", of = "timer_name", required = true },
			{ attr = "present", type = "tri_bool", field = "is_present" },
			{ attr = "tickpolicy", type = "enum", of = "timer_tickpolicy" },
			{ attr = "track", type = "enum", of = "timer_track" },
			{ attr = "frequency", type = "u64", default = 0, quiet = true },
			{ attr = "mode", type = "enum", of = "timer_mode" },
			{ elem = "catchup", struct = "timer_catchup", drop_empty = true },
			check = "mv_clock_timer_check",
		},
		timer_catchup = {
			{ attr = "threshold", type = "u64", default = 0, quiet = true },
			{ attr = "slew", type = "u64", default = 0, quiet = true },
			{ attr = "limit", type = "u64", default = 0, quiet = true },
		},
		domain_pm = {
			{ attr = "enabled", in_ = "suspend-to-mem", type = "tri_bool", field = "suspend_to_mem" },
			{ attr = "enabled", in_ = "suspend-to-disk", type = "tri_bool", field = "suspend_to_disk" },
		},
		domain_perf = {
			{ elem = "event", struct = "domain_perf_event", list = true, field = "events", max_items = 64 },
			check = "mv_domain_perf_check",
		},
		domain_perf_event = {
			{ attr = "name", type = "enum", of = "perf_event", required = true },
			{ attr = "enabled", type = "tri_bool", required = true },
		},
		domain_seclabel = {
			{ attr = "type", type = "enum", of = "seclabel_type" },
			{ attr = "model", type = "string" },
			{ attr = "relabel", type = "tri_bool" },
			{ elem = "label", type = "string" },
			{ elem = "imagelabel", type = "string", live = true },
			{ elem = "baselabel", type = "string" },
			check = "mv_domain_seclabel_check",
		},

		domain_keywrap = {
			{ elem = "cipher", struct = "keywrap_cipher", list = true, field = "ciphers" },
			check = "mv_domain_keywrap_check",
		},
		keywrap_cipher = {
			{ attr = "name", type = "enum", of = "keywrap_cipher_name", required = true },
			{ attr = "state", type = "tri_onoff", required = true },
		},
		domain_launch_security = {
			{ attr = "type", type = "enum", of = "launch_security_type", required = true },
			{ attr = "kernelHashes", type = "tri_bool" },
			{ elem = "cbitpos", type = "uint" },
			{ elem = "reducedPhysBits", type = "uint" },
			{ elem = "policy", type = "hex", width = 4 },
			{ elem = "dhCert", type = "string" },
			{ elem = "session", type = "string" },
			check = "mv_domain_launch_security_check",
		},

		qemu_commandline = {
			within("qemu", { elem = "arg", struct = "namespace_arg", list = true, field = "args" }),
			within("qemu", { elem = "env", struct = "qemu_env", list = true, field = "envs" }),
		},
		namespace_arg = {
			{ attr = "value", type = "string", required = true },
		},
		qemu_env = {
			{ attr = "name", type = "string", required = true },
			{ attr = "value", type = "string" },
		},
		qemu_capabilities = {
			within("qemu", { elem = "add", struct = "qemu_capability", list = true, field = "adds" }),
			within("qemu", { elem = "del", struct = "qemu_capability", list = true, field = "dels" }),
		},
		qemu_capability = {
			{ attr = "capability", type = "string", required = true },
		},
		qemu_deprecation = {
			{ attr = "behavior", type = "enum", of = "qemu_deprecation_behavior" },
		},
		qemu_override = {
			within("qemu", { elem = "device", struct = "qemu_override_device", list = true, field = "devices" }),
		},
		qemu_override_device = {
			{ attr = "alias", type = "string", required = true },
			within("qemu", { elem = "frontend", struct = "qemu_override_frontend", drop_empty = true }),
		},
		qemu_override_frontend = {
			within("qemu", { elem = "property", struct = "qemu_override_property", list = true, field = "properties" }),
		},
		qemu_override_property = {
			{ attr = "name", type = "string", required = true },
			{ attr = "type", type = "enum", of = "qemu_override_type", required = true },
			{ attr = "value", type = "string" },
		},
		lxc_namespace = {
			within("lxc", { elem = "sharenet", struct = "lxc_share" }),
			within("lxc", { elem = "shareipc", struct = "lxc_share" }),
			within("lxc", { elem = "shareuts", struct = "lxc_share" }),
		},
		lxc_share = {
			{ attr = "type", type = "enum", of = "lxc_share_type", required = true },
			{ attr = "value", type = "string", required = true },
		},
		bhyve_commandline = {
			within("bhyve", { elem = "arg", struct = "namespace_arg", list = true, field = "args" }),
		},
		xen_commandline = {
			within("xen", { elem = "arg", struct = "namespace_arg", list = true, field = "args" }),
		},
	},
	root = { struct = "domain", element = "domain", schema = "domain.rng" },
}
