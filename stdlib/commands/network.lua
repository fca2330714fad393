-- The commands of the group Networking.

local flags = require "moonvisor.flags"

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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
		summary = "convert a network name to network UUID",
		options = {
			{ name = "network", kind = "data", required = true, complete = "network",
				help = "network name" },
		},
	},
	{
		name = "net-port-list",
		records = true,
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
		records = true,
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

-- --- changing state --------------------------------------------------------------------------------------------------

-- A command that makes one call on a network and says what was done.
local function act(call, failure, success)
	return function(ctl, opt)
		local net = ctl:network(opt.network)
		local attempt = ctl:attempt("Failed to %s network %s", failure, opt.network)
		attempt[call](attempt, net)
		ctl:extra("Network %s %s\n", opt.network, success)
	end
end

run["net-destroy"] = act("network_destroy", "destroy", "destroyed")
run["net-start"] = act("network_create", "start", "started")
run["net-undefine"] = act("network_undefine", "undefine", "has been undefined")

run["net-autostart"] = function(ctl, opt)
	local net = ctl:network(opt.network)
	local text = opt.disable and "failed to unmark network %s as autostarted" or "failed to mark network %s as autostarted"
	ctl:attempt(text, opt.network):network_set_autostart(net, opt.disable and 0 or 1)
	ctl:extra("Network %s %s as autostarted\n", opt.network, opt.disable and "unmarked" or "marked")
end

-- --- defining --------------------------------------------------------------------------------------------------------

run["net-create"] = function(ctl, opt)
	local file = opt.file
	local xml, attempt = ctl:read_file(file), ctl:attempt("Failed to create network from %s", file)
	local net
	if opt.validate then
		net = attempt:network_create_xml_flags(xml, flags.NETWORK_CREATE_VALIDATE)
	else
		net = attempt:network_create_xml(xml)
	end
	ctl:extra("Network %s created from %s\n", net.name, file)
end

run["net-define"] = function(ctl, opt)
	local file = opt.file
	local xml, attempt = ctl:read_file(file), ctl:attempt("Failed to define network from %s", file)
	local net
	if opt.validate then
		net = attempt:network_define_xml_flags(xml, flags.NETWORK_DEFINE_VALIDATE)
	else
		net = attempt:network_define_xml(xml)
	end
	ctl:extra("Network %s defined from %s\n", net.name, file)
end

run["net-edit"] = function(ctl, opt)
	local net = ctl:network(opt.network)
	return ctl:edit {
		get = function()
			-- Not every driver knows this flag.
			local ok, xml = pcall(ctl.raw.network_get_xml_desc, ctl.raw, net, flags.NETWORK_XML_INACTIVE)
			if not ok and type(xml) == "table" and xml.code == "invalid_arg" then
				return ctl.raw:network_get_xml_desc(net, 0)
			elseif not ok then
				error(xml, 0)
			end
			return xml
		end,
		define = function(xml)
			return ctl.raw:network_define_xml(xml)
		end,
		unchanged = function()
			ctl:extra("Network %s XML configuration not changed.\n", net.name)
		end,
		done = function(edited)
			ctl:extra("Network %s XML configuration edited.\n", edited.name)
		end,
	}
end

local update_commands = {
	["modify"] = flags.NETWORK_UPDATE_COMMAND_MODIFY,
	["delete"] = flags.NETWORK_UPDATE_COMMAND_DELETE,
	["add"] = flags.NETWORK_UPDATE_COMMAND_ADD_LAST,
	["add-last"] = flags.NETWORK_UPDATE_COMMAND_ADD_LAST,
	["add-first"] = flags.NETWORK_UPDATE_COMMAND_ADD_FIRST,
}

local update_sections = {}
for name in ([[bridge domain ip ip-dhcp-host ip-dhcp-range forward forward-interface forward-pf portgroup dns-host
	dns-txt dns-srv]]):gmatch "%S+" do
	update_sections[name] = flags["NETWORK_SECTION_" .. name:upper():gsub("%-", "_")]
end

run["net-update"] = function(ctl, opt)
	local how = ctl:affect(opt)
	local net = ctl:network(opt.network)
	local command = update_commands[opt.command] or ctl:fail("unrecognized command name '%s'", opt.command)
	local section = update_sections[opt.section] or ctl:fail("unrecognized section name '%s'", opt.section)
	local parent = opt.parent_index or -1
	local xml = opt.xml
	if xml:sub(1, 1) ~= "<" then
		xml = ctl:read_file(xml)
	end
	ctl:attempt("Failed to update network %s", net.name):network_update(net, command, section, parent, xml, how)
	local what
	if how == 0 then
		what = ctl.raw:network_is_active(net) ~= 0 and "live state" or "persistent config"
	else
		what = opt.config and (opt.live and "persistent config and live state" or "persistent config") or "live state"
	end
	ctl:extra("Updated network %s %s", net.name, what)
end

-- --- asking ----------------------------------------------------------------------------------------------------------

run["net-dumpxml"] = function(ctl, opt)
	local net = ctl:network(opt.network)
	ctl:print_xml(ctl.raw:network_get_xml_desc(net, opt.inactive and flags.NETWORK_XML_INACTIVE or 0), opt)
end

run["net-name"] = function(ctl, opt)
	ctl:info({ { "name", "", ctl:network(opt.network, { by = "uuid" }).name } }, 0)
end

run["net-uuid"] = function(ctl, opt)
	ctl:info({ { "uuid", "", ctl:network(opt.network, { by = "name" }).uuid } }, 0)
end

run["net-info"] = function(ctl, opt)
	local net = ctl:network(opt.network)
	local active, persistent = ctl:truth("network_is_active", net), ctl:truth("network_is_persistent", net)
	local autostart = ctl:truth("network_get_autostart", net)
	local bridge = ctl:try("network_get_bridge_name", net)
	ctl:info {
		{ "name", "Name:", net.name },
		{ "uuid", "UUID:", net.uuid },
		{ "active", "Active:", active, active ~= nil and ctl:yes_no(active) },
		{ "persistent", "Persistent:", persistent, ctl:yes_no(persistent, "unknown") },
		{ "autostart", "Autostart:", autostart, ctl:yes_no(autostart, "no autostart") },
		{ "bridge", "Bridge:", bridge, bridge or false },
	}
end

local function list_flags(opt)
	local wanted = (opt.inactive or opt.all) and flags.CONNECT_LIST_NETWORKS_INACTIVE or 0
	if not opt.inactive or opt.all then
		wanted = wanted | flags.CONNECT_LIST_NETWORKS_ACTIVE
	end
	for _, name in ipairs { "persistent", "transient", "autostart", "no_autostart" } do
		if opt[name] then
			wanted = wanted | flags["CONNECT_LIST_NETWORKS_" .. name:upper()]
		end
	end
	return wanted
end

run["net-list"] = function(ctl, opt)
	if (opt.table and 1 or 0) + (opt.name and 1 or 0) + (opt.uuid and 1 or 0) > 1 then
		ctl:fail "Only one argument from --table, --name and --uuid may be specified."
	end
	local wanted, brief = list_flags(opt), opt.name and "name" or opt.uuid and "uuid"
	local nets = ctl:sort_by_name(ctl:attempt("Failed to list networks"):connect_list_all_networks(1, wanted).nets)
	local rows, full = {}, ctl:structured_output()
	for i, net in ipairs(nets) do
		local row = { name = net.name, uuid = net.uuid }
		if not brief or full then
			row.active = ctl:truth("network_is_active", net)
			row.state = row.active and "active" or "inactive"
			row.autostart = ctl:truth("network_get_autostart", net)
			row.persistent = ctl:truth("network_is_persistent", net)
		end
		if full then
			row.bridge = ctl:try("network_get_bridge_name", net)
		end
		rows[i] = row
	end
	ctl:records {
		name = "name", rows = rows,
		columns = { "name", "uuid", "state", "active", "autostart", "persistent", "bridge" },
		text = function(shown)
			if brief then
				for _, row in ipairs(shown) do
					ctl:print("%s\n", row[brief])
				end
				return
			end
			local t = ctl:table { "Name", "State", "Autostart", "Persistent" }
			for _, row in ipairs(shown) do
				t:row(row.name, row.state, ctl:yes_no(row.autostart, "no autostart"), ctl:yes_no(row.persistent, "unknown"))
			end
			t:show()
		end,
	}
end

local families = { [flags.IP_ADDR_TYPE_IPV4] = "ipv4", [flags.IP_ADDR_TYPE_IPV6] = "ipv6" }

run["net-dhcp-leases"] = function(ctl, opt)
	local net = ctl:network(opt.network)
	local leases = ctl:attempt("Failed to get leases info for %s", net.name)
		:network_get_dhcp_leases(net, opt.mac, 1, 0).leases
	local rows = {}
	for i, lease in ipairs(leases) do
		rows[i] = {
			expiry = lease.expirytime, mac = lease.mac, protocol = families[lease.type] or "",
			address = lease.ipaddr, prefix = lease.prefix, hostname = lease.hostname, client_id = lease.clientid,
			interface = lease.iface, iaid = lease.iaid,
		}
	end
	table.sort(rows, function(a, b)
		return (a.mac or ""):lower() < (b.mac or ""):lower()
	end)
	local function text(value)
		return value and value ~= "" and value or "-"
	end
	ctl:records {
		name = "address", rows = rows,
		columns = { "expiry", "mac", "protocol", "address", "prefix", "hostname", "client_id", "interface", "iaid" },
		text = function(shown)
			local t = ctl:table { "Expiry Time", "MAC address", "Protocol", "IP address", "Hostname",
				"Client ID or DUID" }
			for _, row in ipairs(shown) do
				t:row(os.date("%Y-%m-%d %H:%M:%S", row.expiry), text(row.mac), row.protocol,
					("%s/%d"):format(row.address, row.prefix), text(row.hostname), text(row.client_id))
			end
			t:show()
		end,
	}
end

-- --- ports -----------------------------------------------------------------------------------------------------------

run["net-port-list"] = function(ctl, opt)
	if opt.table and opt.uuid then
		ctl:fail "Only one argument from --table and --uuid may be specified."
	end
	local net, rows = ctl:network(opt.network), {}
	for i, port in ipairs(ctl.raw:network_list_all_ports(net, 1, 0).ports) do
		rows[i] = { uuid = port.uuid }
	end
	table.sort(rows, function(a, b)
		return a.uuid < b.uuid
	end)
	ctl:records {
		name = "uuid", rows = rows, columns = { "uuid" },
		text = function(shown)
			local t = not opt.uuid and ctl:table { "UUID" }
			for _, row in ipairs(shown) do
				if t then
					t:row(row.uuid)
				else
					ctl:print("%s\n", row.uuid)
				end
			end
			if t then
				t:show()
			end
		end,
	}
end

run["net-port-create"] = function(ctl, opt)
	local net, file = ctl:network(opt.network), opt.file
	local port = ctl:attempt("Failed to create network from %s", file):network_port_create_xml(net, ctl:read_file(file),
		opt.validate and flags.NETWORK_PORT_CREATE_VALIDATE or 0)
	ctl:extra("Network port %s created from %s\n", port.uuid, file)
end

run["net-port-dumpxml"] = function(ctl, opt)
	local port = ctl:network_port(ctl:network(opt.network), opt.port)
	ctl:print_xml(ctl.raw:network_port_get_xml_desc(port, 0), opt)
end

run["net-port-delete"] = function(ctl, opt)
	local port = ctl:network_port(ctl:network(opt.network), opt.port)
	ctl:attempt("Failed to delete network port %s", port.uuid):network_port_delete(port, 0)
	ctl:extra("Network port %s deleted\n", port.uuid)
end

-- --- events ----------------------------------------------------------------------------------------------------------

local lifecycle = { [0] = "Defined", "Undefined", "Started", "Stopped" }

local events = {
	{ "lifecycle", "network_event_lifecycle", function(event)
		return ("event 'lifecycle' for network %s: %s\n"):format(event.net.name, lifecycle[event.event] or "unknown")
	end },
}

run["net-event"] = function(ctl, opt)
	return require("moonvisor.command.watch").watch_one(ctl, opt, events, function()
		return opt.network and ctl:network(opt.network)
	end)
end

return { group = "Networking", keyword = "network", commands = commands, run = run }
