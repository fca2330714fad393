-- Network interfaces of the host.

local define = require "moonvisor.spec.define"
local flag = define.flag

return define.class {
	name = "Interface",
	noun = "interface",
	summary = "a network interface of the host",
	errors = { "no_interface", "operation_invalid" },
	properties = {
		{ name = "name", type = "string", summary = "unique on its host", errors = {} },
		{ name = "mac", type = "string", summary = "its hardware address", errors = {} },
		{ name = "active", type = "boolean", call = "interface_is_active self", result = "bool", summary = "it is up" },
		{ name = "xml", type = "xml", call = "interface_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_interface", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "start", call = "interface_create self =0", summary = "brings it up" },
		{ name = "destroy", call = "interface_destroy self =0", summary = "takes it down" },
		{ name = "undefine", call = "interface_undefine self", summary = "removes its definition" },
		{ name = "description", call = "interface_get_xml_desc self flags",
			options = { flag("inactive", "INTERFACE_XML_INACTIVE", "of the definition, also while it is up") },
			returns = { { type = "xml", summary = "the description" } },
			summary = "its description in XML" },
		define.close "interface",
	},
}
