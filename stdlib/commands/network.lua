-- The commands of the group Networking.

local commands = {
	{
		name = "net-autostart",
		summary = "autostart a network",
		description = "Configure a network to be automatically started at boot.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "persistent",
				help = "network name or uuid" },
			{ name = "disable", kind = "bool", help = "disable autostarting" },
		},
	},
	{
		name = "net-create",
		summary = "create a network from an XML file",
		description = "Create a network.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML network description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "net-define",
		summary = "define an inactive persistent virtual network or modify an existing persistent one "
			.. "from an XML file",
		description = "Define or modify a persistent virtual network.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML network description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "net-destroy",
		summary = "destroy (stop) a network",
		description = "Forcefully stop a given network.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "active",
				help = "network name or uuid" },
		},
	},
	{
		name = "net-dhcp-leases",
		summary = "print lease info for a given network",
		description = "Print lease info for a given network",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "active",
				help = "network name or uuid" },
			{ name = "mac", kind = "string", complete = "lease_mac", help = "MAC address" },
		},
	},
	{
		name = "net-dumpxml",
		summary = "network information in XML",
		description = "Output the network information as an XML dump to stdout.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network",
				help = "network name or uuid" },
			{ name = "inactive", kind = "bool", help = "show inactive defined XML" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "net-edit",
		summary = "edit XML configuration for a network",
		description = "Edit the XML configuration for a network.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network",
				help = "network name or uuid" },
		},
	},
	{
		name = "net-event",
		summary = "Network Events",
		description = "List event types, or wait for network events to occur",
		options = {
			{ name = "network", kind = "string", complete = "network",
				help = "filter by network name or uuid" },
			{ name = "event", kind = "string", complete = "network_event",
				help = "which event type to wait for" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "list", kind = "bool", help = "list valid event types" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
	{
		name = "net-info",
		summary = "network information",
		description = "Returns basic information about the network",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network",
				help = "network name or uuid" },
		},
	},
	{
		name = "net-list",
		records = true,
		summary = "list networks",
		description = "Returns list of networks.",
		options = {
			{ name = "inactive", kind = "bool", help = "list inactive networks" },
			{ name = "all", kind = "bool", help = "list inactive & active networks" },
			{ name = "persistent", kind = "bool", help = "list persistent networks" },
			{ name = "transient", kind = "bool", help = "list transient networks" },
			{ name = "autostart", kind = "bool", help = "list networks with autostart enabled" },
			{ name = "no-autostart", kind = "bool", help = "list networks with autostart disabled" },
			{ name = "uuid", kind = "bool", help = "list uuid's only" },
			{ name = "name", kind = "bool", help = "list network names only" },
			{ name = "table", kind = "bool", help = "list table (default)" },
		},
	},
	{
		name = "net-name",
		summary = "convert a network UUID to network name",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network_uuid",
				help = "network uuid" },
		},
	},
	{
		name = "net-start",
		summary = "start a (previously defined) inactive network",
		description = "Start a network.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "inactive",
				help = "network name or uuid" },
		},
	},
	{
		name = "net-undefine",
		summary = "undefine a persistent network",
		description = "Undefine the configuration for a persistent network.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "persistent",
				help = "network name or uuid" },
		},
	},
	{
		name = "net-update",
		summary = "update parts of an existing network's configuration",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network",
				help = "network name or uuid" },
			{ name = "command", kind = "data", required = true, complete = "network_update_command",
				help = "type of update (add-first, add-last (add), delete, or modify)" },
			{ name = "section", kind = "data", required = true, complete = "network_update_section",
				help = "which section of network configuration to update" },
			{ name = "xml", kind = "data", required = true, complete = "file",
				help = "name of file containing xml (or, if it starts with '<', the complete "
					.. "xml element itself) to add/modify, or to be matched for search" },
			{ name = "parent-index", kind = "int", help = "which parent object to search through" },
			{ name = "config", kind = "bool", help = "affect next network startup" },
			{ name = "live", kind = "bool", help = "affect running network" },
			{ name = "current", kind = "bool", help = "affect current state of network" },
		},
	},
	{
		name = "net-uuid",
		summary = "convert a network name to network UUID",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network",
				help = "network name" },
		},
	},
	{
		name = "net-port-list",
		summary = "list network ports",
		description = "Returns list of network ports.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "active",
				help = "network name or uuid" },
			{ name = "uuid", kind = "bool", help = "list uuid's only" },
			{ name = "table", kind = "bool", help = "list table (default)" },
		},
	},
	{
		name = "net-port-create",
		summary = "create a network port from an XML file",
		description = "Create a network port.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "active",
				help = "network name or uuid" },
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML network port description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "net-port-dumpxml",
		summary = "network port information in XML",
		description = "Output the network port information as an XML dump to stdout.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "active",
				help = "network name or uuid" },
			{ name = "port", kind = "data", required = true, complete = "network_port",
				help = "port UUID" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "net-port-delete",
		summary = "delete the specified network port",
		description = "Delete the specified network port.",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network", among = "active",
				help = "network name or uuid" },
			{ name = "port", kind = "data", required = true, complete = "network_port",
				help = "port UUID" },
		},
	},
}

local run = {}

local LIST_INACTIVE, LIST_ACTIVE = 1, 2 -- virConnectListAllNetworksFlags
local LIST_FILTERS = { { "persistent", 4 }, { "transient", 8 }, { "autostart", 16 }, { "no_autostart", 32 } }

run["net-list"] = function(ctl, opt)
	local flags = opt.all and LIST_ACTIVE | LIST_INACTIVE or opt.inactive and LIST_INACTIVE or LIST_ACTIVE
	for _, filter in ipairs(LIST_FILTERS) do
		flags = flags | (opt[filter[1]] and filter[2] or 0)
	end
	ctl:exclusive(opt, "table", "name")
	ctl:exclusive(opt, "table", "uuid")
	local raw, rows = ctl.raw, {}
	local nets = ctl:attempt("Failed to list networks"):connect_list_all_networks(1, flags).nets
	ctl:sort_by_name(nets)
	for i, net in ipairs(nets) do
		rows[i] = {
			name = net.name, uuid = net.uuid, active = raw:network_is_active(net) ~= 0,
			autostart = raw:network_get_autostart(net) ~= 0, persistent = raw:network_is_persistent(net) ~= 0,
		}
	end
	ctl:records {
		rows = rows, columns = { "name", "active", "autostart", "persistent", "uuid" }, name = "name",
		text = function(shown)
			local t = ctl:table { "Name", "State", "Autostart", "Persistent" }
			for _, row in ipairs(shown) do
				if opt.uuid or opt.name then
					ctl:print("%s\n", opt.uuid and row.uuid or row.name)
				else
					t:row(row.name, row.active and "active" or "inactive", row.autostart and "yes" or "no",
						row.persistent and "yes" or "no")
				end
			end
			if not (opt.uuid or opt.name) then
				t:show()
			end
		end,
	}
end

return { group = "Networking", keyword = "network", commands = commands, run = run }
