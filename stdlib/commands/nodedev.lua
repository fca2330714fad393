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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
		summary = "node device information",
		description = "Returns basic information about the node device",
		options = {
			{ name = "device", kind = "data", required = true, complete = "nodedev",
				help = "device name or wwn pair in 'wwnn,wwpn' format" },
		},
	},
}

local flags = require "moonvisor.flags"

local run = {}

-- A command that makes one call on a device and says what was done.
local function act(call, failure, success, ...)
	local rest = table.pack(...)
	return function(ctl, opt)
		local device = ctl:nodedev(opt.device)
		local attempt = ctl:attempt(failure, opt.device)
		attempt[call](attempt, device.name, table.unpack(rest, 1, rest.n))
		ctl:extra(success, opt.device)
	end
end

run["nodedev-destroy"] = act("node_device_destroy", "Failed to destroy node device '%s'",
	"Destroyed node device '%s'\n")
run["nodedev-reattach"] = act("node_device_re_attach", "Failed to re-attach device %s", "Device %s re-attached\n")
run["nodedev-reset"] = act("node_device_reset", "Failed to reset device %s", "Device %s reset\n")
run["nodedev-undefine"] = act("node_device_undefine", "Failed to undefine node device '%s'",
	"Undefined node device '%s'\n", 0)
run["nodedev-start"] = act("node_device_create", "Failed to start device %s", "Device %s started\n", 0)

run["nodedev-detach"] = function(ctl, opt)
	local device = ctl:nodedev(opt.device)
	local attempt = ctl:attempt("Failed to detach device %s", opt.device)
	if opt.driver then
		attempt:node_device_detach_flags(device.name, opt.driver, 0)
	else
		attempt:node_device_dettach(device.name)
	end
	ctl:extra("Device %s detached\n", opt.device)
end

run["nodedev-autostart"] = function(ctl, opt)
	local device = ctl:nodedev(opt.device)
	local text = opt.disable and "failed to unmark device %s as autostarted" or "failed to mark device %s as autostarted"
	ctl:attempt(text, opt.device):node_device_set_autostart(device.name, opt.disable and 0 or 1)
	ctl:extra("Device %s %s as autostarted\n", opt.device, opt.disable and "unmarked" or "marked")
end

run["nodedev-create"] = function(ctl, opt)
	local xml = ctl:read_file(opt.file)
	local device = ctl:attempt("Failed to create node device from %s", opt.file)
		:node_device_create_xml(xml, opt.validate and flags.NODE_DEVICE_CREATE_XML_VALIDATE or 0)
	ctl:extra("Node device %s created from %s\n", device.name, opt.file)
end

run["nodedev-define"] = function(ctl, opt)
	local xml = ctl:read_file(opt.file)
	local device = ctl:attempt("Failed to define node device from '%s'", opt.file)
		:node_device_define_xml(xml, opt.validate and flags.NODE_DEVICE_DEFINE_XML_VALIDATE or 0)
	ctl:extra("Node device '%s' defined from '%s'\n", device.name, opt.file)
end

-- --- asking ----------------------------------------------------------------------------------------------------------

run["nodedev-dumpxml"] = function(ctl, opt)
	local device = ctl:nodedev(opt.device)
	ctl:print_xml(ctl.raw:node_device_get_xml_desc(device.name, 0), opt)
end

run["nodedev-info"] = function(ctl, opt)
	local device = ctl:nodedev(opt.device)
	local parent = ctl:try("node_device_get_parent", device.name)
	local active = ctl:truth("node_device_is_active", device.name)
	local persistent = ctl:truth("node_device_is_persistent", device.name)
	local autostart = ctl:truth("node_device_get_autostart", device.name)
	ctl:info {
		{ "name", "Name:", device.name },
		{ "parent", "Parent:", parent, parent or "" },
		{ "active", "Active:", active, active ~= nil and (active and "yes" or "no") or false },
		{ "persistent", "Persistent:", persistent, persistent == nil and "unknown" or persistent and "yes" or "no" },
		{ "autostart", "Autostart:", autostart, autostart == nil and "no autostart" or autostart and "yes" or "no" },
	}
end

-- The capabilities of --cap, and their flags.
local CAPABILITIES = {}
for cap in ([[system pci usb_device usb net scsi_host scsi_target scsi storage fc_host vports scsi_generic drm
	mdev_types mdev ccw css vdpa ap_card ap_queue ap_matrix vpd]]):gmatch "%S+" do
	CAPABILITIES[cap] = true
end
local FLAG_NAMES = { usb_device = "USB_DEV", usb = "USB_INTERFACE", ccw = "CCW_DEV", css = "CSS_DEV" }

local function capability_flags(ctl, text)
	local sum = 0
	for cap in text:gmatch "[^,]+" do
		if not CAPABILITIES[cap] then
			ctl:fail "Invalid capability type"
		end
		sum = sum | flags["CONNECT_LIST_NODE_DEVICES_CAP_" .. (FLAG_NAMES[cap] or cap:upper())]
	end
	return sum
end

-- Prints the devices below each other.
local function show_tree(ctl, rows)
	local below, known, roots = {}, {}, {}
	for _, row in ipairs(rows) do
		known[row.name] = true
	end
	for _, row in ipairs(rows) do
		if row.parent and known[row.parent] then
			below[row.parent] = below[row.parent] or {}
			table.insert(below[row.parent], row.name)
		else
			roots[#roots + 1] = row.name
		end
	end
	for i, root in ipairs(roots) do
		ctl:tree(root, function(name)
			return below[name] or {}
		end)
		if i < #roots then
			ctl:print "\n"
		end
	end
end

run["nodedev-list"] = function(ctl, opt)
	if opt.tree and (opt.cap or opt.inactive) then
		ctl:fail "Option --tree is incompatible with --cap and --inactive"
	end
	local wanted = opt.cap and capability_flags(ctl, opt.cap) or 0
	if opt.inactive or opt.all then
		wanted = wanted | flags.CONNECT_LIST_NODE_DEVICES_INACTIVE
	end
	if not opt.inactive then
		wanted = wanted | flags.CONNECT_LIST_NODE_DEVICES_ACTIVE
	end
	local devices = ctl:sort_by_name(ctl:attempt("Failed to list node devices"):connect_list_all_node_devices(1, wanted)
		.devices)
	local rows, full = {}, opt.tree or ctl:structured_output()
	for i, device in ipairs(devices) do
		rows[i] = { name = device.name }
		if full then
			rows[i].parent = ctl:try("node_device_get_parent", device.name)
			local caps = ctl:try("node_device_list_caps", device.name, 256)
			rows[i].capabilities = caps and (caps.names or caps)
		end
	end
	ctl:records {
		rows = rows, columns = { "name", "parent", "capabilities" }, name = "name",
		text = function(shown)
			if opt.tree then
				return show_tree(ctl, shown)
			end
			for _, row in ipairs(shown) do
				ctl:print("%s\n", row.name)
			end
		end,
	}
end

-- --- events ----------------------------------------------------------------------------------------------------------

local lifecycle = { [0] = "Created", "Deleted", "Defined", "Undefined" }

local events = {
	{ "lifecycle", "node_device_event_lifecycle", function(event)
		return ("event 'lifecycle' for node device %s: %s\n"):format(event.dev.name, lifecycle[event.event] or "unknown")
	end },
	{ "update", "node_device_event_update", function(event)
		return ("event 'update' for node device %s\n"):format(event.dev.name)
	end },
}

run["nodedev-event"] = function(ctl, opt)
	return require("moonvisor.command.watch").watch_one(ctl, opt, events, function()
		return opt.device and ctl:nodedev(opt.device)
	end)
end

return { group = "Node Device", keyword = "nodedev", commands = commands, run = run }
