-- Network filters.

local define = require "moonvisor.spec.define"

return define.class {
	name = "NWFilter",
	noun = "network filter",
	summary = "rules for what a guest may send and receive",
	errors = { "no_nwfilter", "operation_invalid" },
	properties = {
		{ name = "name", type = "string", summary = "unique on its host", errors = {} },
		{ name = "uuid", type = "string", summary = "its UUID", errors = {} },
		{ name = "xml", type = "xml", call = "nwfilter_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_nwfilter", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "undefine", call = "nwfilter_undefine self", summary = "removes it" },
		define.close "filter",
	},
}
