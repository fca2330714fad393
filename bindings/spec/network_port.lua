-- Ports of virtual networks.

local define = require "moonvisor.spec.define"

return define.class {
	name = "NetworkPort",
	noun = "network port",
	summary = "where something is plugged into a virtual network",
	errors = { "no_network_port", "no_network" },
	properties = {
		{ name = "uuid", type = "string", summary = "its UUID", errors = {} },
		{ name = "network", type = "Network", summary = "the network it belongs to", errors = {} },
		{ name = "xml", type = "xml", call = "network_port_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_network_port", "xml" } },
		{ name = "parameters", type = "table", call = "network_port_get_parameters self =16 =0", result = "params",
			summary = "its bandwidth settings" },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "set_parameters", call = "network_port_set_parameters self values:params =0",
			params = { { name = "values", type = "table", summary = "bandwidth settings and their values" } },
			summary = "changes its bandwidth settings" },
		{ name = "delete", call = "network_port_delete self =0", summary = "removes it" },
		define.close "port",
	},
}
