-- The commands of the group Node Device.

local commands = {
	{
		name = "nodedev-create",
		summary = "create a device defined by an XML file on the node",
		description = "Create a device on the node.  Note that this command creates devices on the physical "
			.. "host that can then be assigned to a virtual machine.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML description of the device" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "nodedev-destroy",
		summary = "destroy (stop) a device on the node",
		description = "Destroy a device on the node.  Note that this command destroys devices on the "
			.. "physical host",
		options = {
			{ name = "name", alias_of = "device" },
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name or wwn pair in 'wwnn,wwpn' format" },
		},
	},
	{
		name = "nodedev-detach",
		summary = "detach node device from its device driver",
		description = "Detach node device from its device driver before assigning to a domain.",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev", help = "device key" },
			{ name = "driver", kind = "string",
				help = "pci device assignment backend driver (e.g. 'vfio' or 'xen')" },
		},
	},
	{
		name = "nodedev-dumpxml",
		summary = "node device details in XML",
		description = "Output the node device details as an XML dump to stdout.",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name or wwn pair in 'wwnn,wwpn' format" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "nodedev-list",
		summary = "enumerate devices on this host",
		options = {
			{ name = "tree", kind = "bool", help = "list devices in a tree" },
			{ name = "cap", kind = "string", complete = "nodedev_capability",
				help = "capability names, separated by comma" },
			{ name = "inactive", kind = "bool", help = "list inactive devices" },
			{ name = "all", kind = "bool", help = "list inactive & active devices" },
		},
	},
	{
		name = "nodedev-reattach",
		summary = "reattach node device to its device driver",
		description = "Reattach node device to its device driver once released by the domain.",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev", help = "device key" },
		},
	},
	{
		name = "nodedev-reset",
		summary = "reset node device",
		description = "Reset node device before or after assigning to a domain.",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev", help = "device key" },
		},
	},
	{
		name = "nodedev-event",
		summary = "Node Device Events",
		description = "List event types, or wait for node device events to occur",
		options = {
			{ name = "device", kind = "string", complete = "nodedev",
				help = "filter by node device name" },
			{ name = "event", kind = "string", complete = "nodedev_event",
				help = "which event type to wait for" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "list", kind = "bool", help = "list valid event types" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
	{
		name = "nodedev-define",
		summary = "Define a device by an xml file on a node",
		description = "Defines a persistent device on the node that can be assigned to a domain. The device "
			.. "must be started before it can be assigned to a domain.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML description of the device" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "nodedev-undefine",
		summary = "Undefine an inactive node device",
		description = "Undefines the configuration for an inactive node device",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name or wwn pair in 'wwnn,wwpn' format" },
		},
	},
	{
		name = "nodedev-start",
		summary = "Start an inactive node device",
		description = "Starts an inactive node device that was previously defined",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name" },
		},
	},
	{
		name = "nodedev-autostart",
		summary = "autostart a defined node device",
		description = "Configure a node device to be automatically started at boot.",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name or wwn pair in 'wwnn,wwpn' format" },
			{ name = "disable", kind = "bool", help = "disable autostarting" },
		},
	},
	{
		name = "nodedev-info",
		summary = "node device information",
		description = "Returns basic information about the node device",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name or wwn pair in 'wwnn,wwpn' format" },
		},
	},
}

local run = {}

return { group = "Node Device", keyword = "nodedev", commands = commands, run = run }
