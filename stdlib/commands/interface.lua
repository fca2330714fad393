-- The commands of the group Interface.

local commands = {
	{
		name = "iface-begin",
		summary = "create a snapshot of current interfaces settings, which can be later committed "
			.. "(iface-commit) or restored (iface-rollback)",
		description = "Create a restore point for interfaces settings",
	},
	{
		name = "iface-bridge",
		summary = "create a bridge device and attach an existing network device to it",
		description = "bridge an existing network device",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface",
				help = "existing interface name" },
			{ name = "bridge", kind = "data", required = true, help = "new bridge device name" },
			{ name = "no-stp", kind = "bool", help = "do not enable STP for this bridge" },
			{ name = "delay", kind = "int",
				help = "number of seconds to squelch traffic on newly connected ports" },
			{ name = "no-start", kind = "bool", help = "don't start the bridge immediately" },
		},
	},
	{
		name = "iface-commit",
		summary = "commit changes made since iface-begin and free restore point",
		description = "commit changes and free restore point",
	},
	{
		name = "iface-define",
		summary = "define an inactive persistent physical host interface or modify an existing "
			.. "persistent one from an XML file",
		description = "Define or modify a persistent physical host interface.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML interface description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "iface-destroy",
		summary = "destroy a physical host interface (disable it / \"if-down\")",
		description = "forcefully stop a physical host interface.",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface", among = "active",
				help = "interface name or MAC address" },
		},
	},
	{
		name = "iface-dumpxml",
		records = true,
		summary = "interface information in XML",
		description = "Output the physical host interface information as an XML dump to stdout.",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface",
				help = "interface name or MAC address" },
			{ name = "inactive", kind = "bool", help = "show inactive defined XML" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "iface-edit",
		summary = "edit XML configuration for a physical host interface",
		description = "Edit the XML configuration for a physical host interface.",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface",
				help = "interface name or MAC address" },
		},
	},
	{
		name = "iface-list",
		records = true,
		summary = "list physical host interfaces",
		description = "Returns list of physical host interfaces.",
		options = {
			{ name = "inactive", kind = "bool", help = "list inactive interfaces" },
			{ name = "all", kind = "bool", help = "list inactive & active interfaces" },
		},
	},
	{
		name = "iface-mac",
		records = true,
		summary = "convert an interface name to interface MAC address",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface",
				help = "interface name" },
		},
	},
	{
		name = "iface-name",
		records = true,
		summary = "convert an interface MAC address to interface name",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface_mac",
				help = "interface mac" },
		},
	},
	{
		name = "iface-rollback",
		summary = "rollback to previous saved configuration created via iface-begin",
		description = "rollback to previous restore point",
	},
	{
		name = "iface-start",
		summary = "start a physical host interface (enable it / \"if-up\")",
		description = "start a physical host interface.",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface", among = "inactive",
				help = "interface name or MAC address" },
		},
	},
	{
		name = "iface-unbridge",
		summary = "undefine a bridge device after detaching its device(s)",
		description = "unbridge a network device",
		options = {
			{ name = "bridge", kind = "data", required = true, help = "current bridge device name" },
			{ name = "no-start", kind = "bool",
				help = "don't start the detached interface immediately (not recommended)" },
		},
	},
	{
		name = "iface-undefine",
		summary = "undefine a physical host interface (remove it from configuration)",
		description = "undefine an interface.",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface",
				help = "interface name or MAC address" },
		},
	},
}

local conf = require "moonvisor.conf"
local flags = require "moonvisor.flags"

local run = {}

-- A command that makes one call on an interface and says what was done.
local function act(call, failure, success, ...)
	local rest = table.pack(...)
	return function(ctl, opt)
		local iface = ctl:interface(opt.interface)
		local attempt = ctl:attempt("Failed to %s interface %s", failure, opt.interface)
		attempt[call](attempt, iface, table.unpack(rest, 1, rest.n))
		ctl:extra("Interface %s %s\n", opt.interface, success)
	end
end

run["iface-start"] = act("interface_create", "start", "started", 0)
run["iface-destroy"] = act("interface_destroy", "destroy", "destroyed", 0)
run["iface-undefine"] = act("interface_undefine", "undefine", "undefined")

run["iface-define"] = function(ctl, opt)
	local xml = ctl:read_file(opt.file)
	local iface = ctl:attempt("Failed to define interface from %s", opt.file)
		:interface_define_xml(xml, opt.validate and flags.INTERFACE_DEFINE_VALIDATE or 0)
	ctl:extra("Interface %s defined from %s\n", iface.name, opt.file)
end

run["iface-edit"] = function(ctl, opt)
	local iface = ctl:interface(opt.interface)
	return ctl:edit {
		get = function()
			return ctl.raw:interface_get_xml_desc(iface, flags.INTERFACE_XML_INACTIVE)
		end,
		define = function(xml)
			return ctl.raw:interface_define_xml(xml, 0)
		end,
		unchanged = function()
			ctl:extra("Interface %s XML configuration not changed.\n", iface.name)
		end,
		done = function(edited)
			ctl:extra("Interface %s XML configuration edited.\n", edited.name)
		end,
	}
end

-- --- asking ----------------------------------------------------------------------------------------------------------

run["iface-dumpxml"] = function(ctl, opt)
	local iface = ctl:interface(opt.interface)
	ctl:print_xml(ctl.raw:interface_get_xml_desc(iface, opt.inactive and flags.INTERFACE_XML_INACTIVE or 0), opt)
end

run["iface-name"] = function(ctl, opt)
	ctl:info({ { "name", "", ctl:interface(opt.interface, { by = "mac" }).name } }, 0)
end

run["iface-mac"] = function(ctl, opt)
	ctl:info({ { "mac", "", ctl:interface(opt.interface, { by = "name" }).mac } }, 0)
end

run["iface-list"] = function(ctl, opt)
	local wanted = (opt.inactive or opt.all) and flags.CONNECT_LIST_INTERFACES_INACTIVE or 0
	if not opt.inactive or opt.all then
		wanted = wanted | flags.CONNECT_LIST_INTERFACES_ACTIVE
	end
	local rows = {}
	for i, iface in ipairs(ctl:sort_by_name(ctl:attempt("Failed to list interfaces"):connect_list_all_interfaces(1, wanted)
		.ifaces)) do
		local active = ctl.raw:interface_is_active(iface) ~= 0
		rows[i] = { name = iface.name, state = active and "active" or "inactive", active = active, mac = iface.mac }
	end
	ctl:records {
		rows = rows, columns = { "name", "state", "active", "mac" }, name = "name",
		text = function(shown)
			local t = ctl:table { "Name", "State", "MAC Address" }
			for _, row in ipairs(shown) do
				t:row(row.name, row.state, row.mac)
			end
			t:show()
		end,
	}
end

-- --- transactions ----------------------------------------------------------------------------------------------------

local function transaction(call, failure, success)
	return function(ctl)
		local attempt = ctl:attempt("Failed to %s network config change transaction", failure)
		attempt[call](attempt, 0)
		ctl:extra("Network config change transaction %s\n", success)
	end
end

run["iface-begin"] = transaction("interface_change_begin", "begin", "started")
run["iface-commit"] = transaction("interface_change_commit", "commit", "committed")
run["iface-rollback"] = transaction("interface_change_rollback", "rollback", "rolled back")

-- --- bridges ---------------------------------------------------------------------------------------------------------

-- What moves from an interface to the bridge that it is put into, and back: how it starts, and its addresses.
local MOVED = { "start", "mtu", "protocols" }

local function move(from, to)
	for _, key in ipairs(MOVED) do
		to[key], from[key] = from[key], nil
	end
end

run["iface-bridge"] = function(ctl, opt)
	local iface = ctl:interface(opt.interface)
	local ok = pcall(ctl.raw.interface_lookup_by_name, ctl.raw, opt.bridge)
	if ok then
		ctl:fail("Network device %s already exists", opt.bridge)
	end
	local delay = opt.delay
	local xml = ctl.raw:interface_get_xml_desc(iface, flags.INTERFACE_XML_INACTIVE)
	local inner = conf.parse("interface", xml)
	if inner.type == "bridge" then
		ctl:fail("Existing device %s has type %s", opt.interface, inner.type)
	end
	local bridge = { type = "bridge", name = opt.bridge,
		bridge = { stp = opt.no_stp and "off" or "on", delay = delay and tostring(delay) or nil, interfaces = { inner } } }
	move(inner, bridge)
	local made = ctl:attempt("Failed to define new bridge interface %s", opt.bridge)
		:interface_define_xml(conf.format("interface", bridge), 0)
	ctl:extra("Created bridge %s with attached device %s\n", opt.bridge, opt.interface)
	if not opt.no_start then
		ctl:attempt("Failed to start bridge interface %s", opt.bridge):interface_create(made, 0)
		ctl:extra("Bridge interface %s started\n", opt.bridge)
	end
end

run["iface-unbridge"] = function(ctl, opt)
	local iface = ctl:interface(opt.bridge, { option = "bridge" })
	local xml = ctl.raw:interface_get_xml_desc(iface, flags.INTERFACE_XML_INACTIVE)
	local bridge = conf.parse("interface", xml)
	if bridge.type ~= "bridge" then
		ctl:fail("Device %s is not a bridge", opt.bridge)
	end
	local inner = bridge.bridge and bridge.bridge.interfaces or {}
	if #inner == 0 then
		ctl:fail("No interface attached to bridge %s", opt.bridge)
	elseif #inner > 1 then
		ctl:fail("Multiple interfaces attached to bridge %s", opt.bridge)
	end
	move(bridge, inner[1])
	if ctl.raw:interface_is_active(iface) ~= 0 then
		ctl:attempt("Failed to destroy bridge interface %s", opt.bridge):interface_destroy(iface, 0)
	end
	ctl:attempt("Failed to undefine bridge interface %s", opt.bridge):interface_undefine(iface)
	local made = ctl:attempt("Failed to define new interface %s", inner[1].name)
		:interface_define_xml(conf.format("interface", inner[1]), 0)
	ctl:extra("Device %s un-attached from bridge %s\n", made.name, opt.bridge)
	if not opt.no_start then
		ctl:attempt("Failed to start interface %s", made.name):interface_create(made, 0)
		ctl:extra("Interface %s started\n", made.name)
	end
end

return { group = "Interface", keyword = "interface", commands = commands, run = run }
