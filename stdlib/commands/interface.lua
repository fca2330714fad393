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
		summary = "list physical host interfaces",
		description = "Returns list of physical host interfaces.",
		options = {
			{ name = "inactive", kind = "bool", help = "list inactive interfaces" },
			{ name = "all", kind = "bool", help = "list inactive & active interfaces" },
		},
	},
	{
		name = "iface-mac",
		summary = "convert an interface name to interface MAC address",
		options = {
			{ name = "interface", kind = "data", required = true, complete = "interface",
				help = "interface name" },
		},
	},
	{
		name = "iface-name",
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

local run = {}

return { group = "Interface", keyword = "interface", commands = commands, run = run }
