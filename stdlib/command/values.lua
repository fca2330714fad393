-- The values that an option's `complete` names: words that are always the same, and the objects of a connection.

local M = {}

-- What may be several, with commas.
M.lists = {
	shutdown_mode = true, perf_event = true, nodedev_capability = true, pool_type = true, compression = true,
	volume_target = true,
}

local words = {
	address_source = "lease agent arp",
	arch = "alpha armv6l armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel mips mipsel mips64 "
		.. "mips64el openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ppcemb riscv32 riscv64 s390 s390x sh4 sh4eb sparc "
		.. "sparc64 unicore32 x86_64 xtensa xtensaeb",
	codeset = "linux xt atset1 atset2 atset3 os_x xt_kbd usb win32 qnum",
	compression = "xbzrle mt",
	dirty_rate_mode = "page-sampling dirty-bitmap dirty-ring",
	domain_event = "lifecycle reboot rtc-change watchdog io-error graphics io-error-reason control-error block-job "
		.. "disk-change tray-change pm-wakeup pm-suspend balloon-change pm-suspend-disk device-removed block-job-2 "
		.. "tunable agent-lifecycle device-added migration-iteration job-completed device-removal-failed "
		.. "metadata-change block-threshold memory-failure memory-device-size-change",
	dump_format = "elf kdump-zlib kdump-lzo kdump-snappy win-dmp",
	hostname_source = "agent lease",
	image_format = "none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk",
	lifecycle_action = "destroy restart rename-restart preserve coredump-destroy coredump-restart",
	lifecycle_type = "poweroff reboot crash",
	link_state = "up down",
	network_event = "lifecycle",
	network_update_command = "add modify delete add-last add-first",
	network_update_section = "bridge domain ip ip-dhcp-host ip-dhcp-range forward forward-interface forward-pf "
		.. "portgroup dns-host dns-txt dns-srv",
	nodedev_capability = "system pci usb_device usb net scsi_host scsi_target scsi storage fc_host vports scsi_generic "
		.. "drm mdev_types mdev ccw css vdpa ap_card ap_queue ap_matrix vpd",
	nodedev_event = "lifecycle update",
	numatune_mode = "strict preferred interleave restrictive",
	perf_event = "cmt mbmt mbml cpu_cycles instructions cache_references cache_misses branch_instructions branch_misses "
		.. "bus_cycles stalled_cycles_frontend stalled_cycles_backend ref_cpu_cycles cpu_clock task_clock page_faults "
		.. "context_switches cpu_migrations page_faults_min page_faults_maj alignment_faults emulation_faults",
	pool_event = "lifecycle refresh",
	pool_type = "dir fs netfs logical disk iscsi iscsi-direct scsi mpath rbd sheepdog gluster zfs vstorage",
	secret_event = "lifecycle value-changed",
	shutdown_mode = "acpi agent initctl signal paravirt",
	suspend_target = "mem disk hybrid",
	virt_type = "none qemu kqemu kvm xen lxc uml openvz test vmware hyperv vbox phyp parallels bhyve vz hvf",
	wipe_algorithm = "zero nnsa dod bsi gutmann schneier pfitzner7 pfitzner33 random trim",
}

local function names(list, key)
	local found = {}
	for i, item in ipairs(list or {}) do
		found[i] = item[key or "name"]
	end
	return found
end

local DOMAINS = {
	active = 1, inactive = 2, persistent = 4, running = 16, paused = 32, shutoff = 64, other = 128,
	["managed save"] = 256, ["with snapshot"] = 4096, ["with checkpoint"] = 16384,
}
local NETWORKS = { inactive = 1, active = 2, persistent = 4 }

-- Each: function (raw, among, given) -> list of texts. Errors complete nothing.
local objects = {}

function objects.domain(raw, among)
	return names(raw:connect_list_all_domains(1, DOMAINS[among] or 0).domains)
end

function objects.domain_uuid(raw)
	return names(raw:connect_list_all_domains(1, 0).domains, "uuid")
end

function objects.network(raw, among)
	return names(raw:connect_list_all_networks(1, NETWORKS[among] or 0).nets)
end

function objects.network_uuid(raw)
	return names(raw:connect_list_all_networks(1, 0).nets, "uuid")
end

function objects.pool(raw, among)
	return names(raw:connect_list_all_storage_pools(1, NETWORKS[among] or 0).pools)
end

local function find_pool(raw, name)
	return raw:storage_pool_lookup_by_name(name)
end

function objects.volume(raw, _, given)
	return given.pool and names(raw:storage_pool_list_all_volumes(find_pool(raw, given.pool), 1, 0).vols) or {}
end

function objects.volume_key(raw)
	local found = {}
	for _, pool in ipairs(raw:connect_list_all_storage_pools(1, NETWORKS.active).pools) do
		for _, vol in ipairs(raw:storage_pool_list_all_volumes(pool, 1, 0).vols) do
			found[#found + 1] = vol.key
		end
	end
	return found
end

function objects.interface(raw, among)
	return names(raw:connect_list_all_interfaces(1, NETWORKS[among] or 0).ifaces)
end

function objects.interface_mac(raw)
	return names(raw:connect_list_all_interfaces(1, 0).ifaces, "mac")
end

function objects.nodedev(raw)
	return names(raw:connect_list_all_node_devices(1, 0).devices)
end

function objects.nwfilter(raw)
	return names(raw:connect_list_all_nwfilters(1, 0).filters)
end

function objects.nwfilter_binding(raw)
	return names(raw:connect_list_all_nwfilter_bindings(1, 0).bindings, "portdev")
end

function objects.secret(raw)
	return names(raw:connect_list_all_secrets(1, 0).secrets, "uuid")
end

-- The domain that the line names already.
local function domain_of(raw, given)
	return given.domain and raw:domain_lookup_by_name(given.domain) or error "no domain"
end

function objects.snapshot(raw, _, given)
	return names(raw:domain_list_all_snapshots(domain_of(raw, given), 1, 0).snapshots)
end

function objects.checkpoint(raw, _, given)
	return names(raw:domain_list_all_checkpoints(domain_of(raw, given), 1, 0).checkpoints)
end

function objects.network_port(raw, _, given)
	local net = raw:network_lookup_by_name(given.network)
	return names(raw:network_list_all_ports(net, 1, 0).ports, "uuid")
end

-- The values of an attribute in a domain's XML.
local function attributes(raw, given, path)
	local xml, found = raw:domain_get_xml_desc(domain_of(raw, given), 0), {}
	for value in require("moonvisor.core").xpath(xml, path, false):gmatch '="([^"]*)"' do
		found[#found + 1] = value
	end
	return found
end

function objects.disk(raw, _, given)
	return attributes(raw, given, "/domain/devices/disk/target/@dev")
end

objects.disk_source = objects.disk

function objects.domain_interface(raw, _, given)
	local found = attributes(raw, given, "/domain/devices/interface/target/@dev")
	local macs = attributes(raw, given, "/domain/devices/interface/mac/@address")
	return table.move(macs, 1, #macs, #found + 1, found)
end

function objects.device_alias(raw, _, given)
	return attributes(raw, given, "/domain/devices/*/alias/@name")
end

-- Kinds that are one list of names, of which only those with a prefix may be asked.
local by_name = { domain = true, network = true, pool = true, interface = true, nodedev = true, nwfilter = true }

-- The calls of the connection. A prompt does not open one here that may keep the user waiting; what fails is silent.
local function raw_of(ctl, prefix)
	if ctl.before then
		ctl.before()
	end
	local conn = rawget(ctl, "conn")
	if not conn then
		if rawget(ctl, "real_raw") then
			return rawget(ctl, "real_raw")
		end
		local uri = require("moonvisor.command.open").uri(ctl.uri)
		if ctl.prompt and not ctl.plain and not (uri:find "^test:" or uri:find "^kvm:///embed") then
			return nil
		end
		conn = ctl:connect(ctl.uri, ctl.readonly)
	end
	local look = require "moonvisor.look"
	return prefix and look.matching(conn, prefix) or look.of(conn)
end

-- What `help` knows: commands, and in mvsh the keywords of groups and the classes of the API.
local function topics(plain)
	local registry = require "moonvisor.command.registry"
	local list = registry.names(plain)
	if not plain then
		for _, group in ipairs(registry.groups()) do
			list[#list + 1] = group.keyword
		end
		for _, class in ipairs(require("moonvisor.spec").classes) do
			list[#list + 1] = class.name
		end
	end
	return list
end

--- All values for an option that is completed this way; an empty list where that is not known.
---@param kind string     the option's `complete`
---@param among? string   its `among`
---@param given table     the options that the line has already
---@param prefix? string   others may be left out
function M.of(ctl, kind, among, given, prefix)
	if words[kind] then
		local list = {}
		for word in words[kind]:gmatch "%S+" do
			list[#list + 1] = word
		end
		return list
	elseif kind == "command" then
		return topics(ctl.plain)
	elseif not objects[kind] then
		return {}
	end
	local ok, list = pcall(function()
		return objects[kind](raw_of(ctl, by_name[kind] and prefix), among, given)
	end)
	return ok and list or {}
end

return M
