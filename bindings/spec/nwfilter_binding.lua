-- Where network filters are in force.

local define = require "moonvisor.spec.define"

return define.class {
	name = "NWFilterBinding",
	noun = "network filter binding",
	summary = "a network filter in force on a guest's port",
	errors = { "no_nwfilter_binding", "operation_invalid" },
	properties = {
		{ name = "port", type = "string", summary = "the host's network device", errors = {} },
		{ name = "filter", type = "string", summary = "the name of the filter", errors = {} },
		{ name = "xml", type = "xml", call = "nwfilter_binding_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_nwfilter_binding", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "delete", call = "nwfilter_binding_delete self", summary = "ends it" },
		define.close "binding",
	},
}
