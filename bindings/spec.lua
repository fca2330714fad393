-- The API, described once: every class with its properties and methods, every parameter and option with its type and
-- unit, every error. The methods' argument checks and calls, help(), completion and the reference manual are made of it
-- (stdlib/class.lua, bound.lua, help.lua, complete.lua, manual.lua), and tests/lua/api_spec.lua compares it with what
-- is there. A class has a file of its own in spec/, which is read when it is first needed.
--
-- Types: string, boolean, integer, number, function, table, any; those of `types` below; the name of a class or record.
-- A number has a unit, or the type says it. A parameter with a default, or with optional = true, may be left out; a
-- `leading` one also when others follow.
-- `options` is a table as the last parameter. `errors` lists the codes that a call can raise besides invalid_arg (wrong
-- argument) and the code of a closed object, which every method can raise. spec/define.lua says what makes a method a
-- call of the driver.

local files = {
	virt = "virt",
	Connection = "connection",
	Collection = "collection",
	Domain = "domain",
	Snapshot = "snapshot",
	Checkpoint = "checkpoint",
	Network = "network",
	NetworkPort = "network_port",
	Pool = "pool",
	Volume = "volume",
	Interface = "interface",
	NodeDevice = "node_device",
	Secret = "secret",
	NWFilter = "nwfilter",
	NWFilterBinding = "nwfilter_binding",
	Stream = "stream",
	Registration = "registration",
	Task = "task",
}

local order = { "virt", "Connection", "Collection", "Domain", "Snapshot", "Checkpoint", "Network", "NetworkPort",
	"Pool", "Volume", "Interface", "NodeDevice", "Secret", "NWFilter", "NWFilterBinding", "Stream", "Registration",
	"Task" }

local spec = {
	-- Types beyond Lua's own.
	types = {
		size = 'bytes as an integer, or a string with a unit: "512M", "2G", "2GiB" (times 1024), "10GB" (times 1000)',
		seconds = "seconds as a number, fractions allowed; math.huge: no limit",
		path = "path of a file",
		spec = "a domain's specification, see docs/spec.md",
		xml = "XML as a string, in libvirt's format",
		cpuset = 'host CPUs as a string like "0-3,8", or a list of numbers',
		domain_conf = "a domain as a specification (docs/spec.md), as a table of the kind that vm.conf is, or as XML",
		device_conf = "a device as XML, or as a table with its element as the only key: { disk = { ... } }, where what "
			.. "follows is of the kind that vm.conf.devices.disks[1] is",
		network_conf = "a network as XML, or as a table of the kind that net.conf is",
		pool_conf = "a storage pool as XML, or as a table of the kind that pool.conf is",
		volume_conf = "a volume as XML, or as a table of the kind that vol.conf is; capacity may be a size",
		interface_conf = "an interface as XML, or as a table of the kind that interface.conf is",
		device_xml = "a device of the host as XML, or as a table of the kind that device.conf is",
		secret_conf = "a secret as XML, or as a table of the kind that secret.conf is",
		nwfilter_conf = "a network filter as XML, or as a table of the kind that filter.conf is",
		nwfilter_binding_conf = "a binding as XML, or as a table of the kind that binding.conf is",
		snapshot_conf = "a snapshot as XML, as a table of the kind that snapshot.conf is, or just its name",
		checkpoint_conf = "a checkpoint as XML, as a table of the kind that checkpoint.conf is, or just its name",
		state = '"running", "idle", "paused", "in shutdown", "shut off", "crashed" or "pmsuspended"',
		condition = 'a state, "ip" (it has an address), "agent" (its agent answers), "shutdown" (it is shut off); or a table '
			.. "of these that must all hold, with port = NUMBER for a TCP port that is open",
		event = '"lifecycle", "reboot", "balloon", ..., as virsh event --list has them',
		lifecycle_type = '"poweroff", "reboot" or "crash"',
		lifecycle_action = '"destroy", "restart", "rename-restart", "preserve", "coredump-destroy" or "coredump-restart"',
		suspend_target = '"mem", "disk" or "hybrid"',
		dump_format = '"raw", "kdump-zlib", "kdump-lzo", "kdump-snappy" or "win-dmp"',
		address_source = '"lease" (DHCP server), "agent" (guest agent) or "arp" (the host\'s ARP table)',
		codeset = '"linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32" or "qnum"',
		wipe_algorithm = '"zero", "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33", "random" or "trim"',
		network_command = '"modify", "delete", "add-last" or "add-first"',
		network_section = '"bridge", "domain", "ip", "ip-dhcp-host", "ip-dhcp-range", "forward", "forward-interface", '
			.. '"forward-pf", "portgroup", "dns-host", "dns-txt" or "dns-srv"',
		usage_type = '"none", "volume", "ceph", "iscsi", "tls" or "vtpm"',
		stats_types = 'one or a list of "state", "cpu-total", "balloon", "vcpu", "interface", "block", "perf", "iothread", '
			.. '"memory", "dirtyrate" and "vm"; or libvirt\'s flags as an integer',
	},

	-- Words that a type allows, where they can be listed, in the order of libvirt's numbers (the first is `first`, 0
	-- where that is not said).
	values = {
		event = { "lifecycle", "reboot", "rtc-change", "watchdog", "io-error", "graphics", "io-error-reason",
			"control-error", "block-job", "disk-change", "tray-change", "pm-wakeup", "pm-suspend", "balloon",
			"pm-suspend-disk", "device-removed", "block-job-2", "tunable", "agent-lifecycle", "device-added",
			"migration-iteration", "job-completed", "device-removal-failed", "metadata-change", "block-threshold",
			"memory-failure", "memory-device-size-change", "device", "network-lifecycle", "pool-lifecycle",
			"pool-refresh", "nodedev-lifecycle", "nodedev-update", "secret-lifecycle", "secret-value-changed" },
		state = { first = 1, "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended" },
		lifecycle_type = { "poweroff", "reboot", "crash" },
		lifecycle_action = { "destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart" },
		suspend_target = { "mem", "disk", "hybrid" },
		dump_format = { "raw", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp" },
		address_source = { "lease", "agent", "arp" },
		codeset = { "linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum" },
		wipe_algorithm = { "zero", "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33", "random",
			"trim" },
		network_command = { first = 1, "modify", "delete", "add-last", "add-first" },
		network_section = { first = 1, "bridge", "domain", "ip", "ip-dhcp-host", "ip-dhcp-range", "forward",
			"forward-interface", "forward-pf", "portgroup", "dns-host", "dns-txt", "dns-srv" },
		usage_type = { "none", "volume", "ceph", "iscsi", "tls", "vtpm" },
	},

	errors = {
		internal = "a fault in Moonvisor itself",
		no_memory = "the host has no memory left for it",
		no_support = "the driver cannot do that",
		invalid_conn = "the connection is closed or cannot be used",
		invalid_domain = "the domain handle is closed or names nothing any more",
		invalid_arg = "an argument has the wrong type or value, or does not exist",
		argument_unsupported = "an argument's value is not supported",
		operation_failed = "it was tried and did not work",
		operation_unsupported = "it cannot be done with this object",
		dom_exist = "there is a domain of that name or UUID already",
		network_exist = "there is a network of that name or UUID already",
		storage_vol_exist = "there is a volume of that name already",
		xml = "a description is wrong; the message says where",
		xml_invalid_schema = "a description has what no schema knows",
		system = "the operating system refused; errno says why",
		rpc = "the way to the other side failed",
		no_domain = "there is no such domain",
		no_domain_metadata = "nobody has noted that at the domain",
		no_domain_snapshot = "there is no such snapshot",
		no_domain_checkpoint = "there is no such checkpoint",
		no_network = "there is no such network",
		no_network_port = "there is no such network port",
		no_storage_pool = "there is no such storage pool",
		no_storage_vol = "there is no such volume",
		no_interface = "there is no such interface",
		no_node_device = "there is no such device",
		no_secret = "there is no such secret",
		no_nwfilter = "there is no such network filter",
		no_nwfilter_binding = "there is no such network filter binding",
		operation_denied = "it is not allowed",
		operation_invalid = "it does not fit the state the object is in",
		config_unsupported = "a description asks for what cannot be had here; the message says for what",
		operation_timeout = "it took longer than the time limit",
		operation_aborted = "it was given up on request",
		resource_busy = "something else is using it",
		access_denied = "the connection does not give the right to do it",
		-- The other codes of libvirt, in its words: what its drivers raise.
		unknown_host = "unknown host",
		no_connect = "no connection driver available",
		get_failed = "GET operation failed",
		post_failed = "POST operation failed",
		http = "got unknown HTTP error code",
		sexpr_serial = "failed to serialize S-Expr",
		no_xen = "could not use Xen hypervisor entry",
		xen_call = "failed Xen syscall",
		os_type = "unknown OS type",
		no_kernel = "missing kernel information",
		no_root = "missing root device information",
		no_source = "missing source information for device",
		no_target = "missing target information for device",
		no_name = "missing name information",
		no_os = "missing operating system information",
		no_device = "missing devices information",
		no_xenstore = "could not connect to Xen Store",
		driver_full = "too many drivers registered",
		call_failed = "library call failed",
		open_failed = "failed to open configuration file",
		read_failed = "failed to read configuration file",
		parse_failed = "failed to parse configuration file",
		conf_syntax = "configuration file syntax error",
		write_failed = "failed to write configuration file",
		xml_detail = "parser error",
		invalid_network = "invalid network",
		gnutls = "GNUTLS call error",
		no_network_driver = "failed to find the network",
		invalid_mac = "invalid MAC address",
		auth_failed = "authentication failed",
		invalid_storage_pool = "invalid storage pool",
		invalid_storage_vol = "invalid storage volume",
		no_storage_driver = "failed to find a storage driver",
		no_node_driver = "failed to find a node driver",
		invalid_node_device = "invalid node device",
		no_security_model = "security model not found",
		no_interface_driver = "failed to find the interface",
		invalid_interface = "invalid interface",
		multiple_interfaces = "multiple matching interfaces found",
		no_nwfilter_driver = "failed to start the nwfilter driver",
		invalid_nwfilter = "invalid network filter",
		build_firewall = "error while building firewall",
		no_secret_driver = "failed to find a secret storage driver",
		invalid_secret = "invalid secret",
		migrate_persist_failed = "failed to make domain persistent after migration",
		hook_script_failed = "hook script execution failed",
		invalid_domain_snapshot = "invalid domain snapshot",
		invalid_stream = "invalid stream",
		storage_probe_failed = "storage pool probe failed",
		storage_pool_built = "storage pool already built",
		snapshot_revert_risky = "revert requires force",
		auth_cancelled = "authentication cancelled",
		migrate_unsafe = "unsafe migration",
		overflow = "numerical overflow",
		block_copy_active = "block copy still active",
		ssh = "SSH transport error",
		agent_unresponsive = "guest agent is not responding",
		dbus_service = "error from service",
		cpu_incompatible = "the CPU is incompatible with host CPU",
		migrate_finish_ok = "migration successfully aborted",
		auth_unavailable = "authentication unavailable",
		no_server = "server not found",
		no_client = "client not found",
		agent_unsynced = "guest agent replied with wrong id to guest-sync command",
		libssh = "libssh transport error",
		device_missing = "device not found",
		invalid_nwfilter_binding = "invalid network filter binding",
		invalid_domain_checkpoint = "invalid domain checkpoint",
		no_domain_backup = "domain backup job id not found",
		invalid_network_port = "invalid network port",
		network_port_exist = "this network port exists already",
		no_hostname = "no hostname found",
		checkpoint_inconsistent = "checkpoint inconsistent",
		multiple_domains = "multiple matching domains found",
	},

	-- The keys of a specification that are lists: an empty Lua table there is an empty list.
	spec_lists = { disks = true, nics = true, consoles = true, serials = true },
}

--- The description of a class; nil where there is none of that name.
function spec.class(name)
	local file = files[name]
	return file and require("moonvisor.spec." .. file)
end

-- All classes and all records, which are only read where somebody wants all of them.
local whole = {
	classes = function()
		local list = {}
		for i, name in ipairs(order) do
			list[i] = spec.class(name)
		end
		return list
	end,
	records = function()
		return require "moonvisor.spec.records"
	end,
}

return setmetatable(spec, {
	__index = function(self, key)
		local make = whole[key]
		if make then
			rawset(self, key, make())
			return rawget(self, key)
		end
	end,
})
