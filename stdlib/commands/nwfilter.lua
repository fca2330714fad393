-- The commands of the group Network Filter.

local commands = {
	{
		name = "nwfilter-define",
		summary = "define or update a network filter from an XML file",
		description = "Define a new network filter or update an existing one.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML network filter description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "nwfilter-dumpxml",
		summary = "network filter information in XML",
		description = "Output the network filter information as an XML dump to stdout.",
		options = {
			{ name = "nwfilter", kind = "data", required = true, complete = "nwfilter",
				help = "network filter name or uuid" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "nwfilter-edit",
		summary = "edit XML configuration for a network filter",
		description = "Edit the XML configuration for a network filter.",
		options = {
			{ name = "nwfilter", kind = "data", required = true, complete = "nwfilter",
				help = "network filter name or uuid" },
		},
	},
	{
		name = "nwfilter-list",
		summary = "list network filters",
		description = "Returns list of network filters.",
	},
	{
		name = "nwfilter-undefine",
		summary = "undefine a network filter",
		description = "Undefine a given network filter.",
		options = {
			{ name = "nwfilter", kind = "data", required = true, complete = "nwfilter",
				help = "network filter name or uuid" },
		},
	},
	{
		name = "nwfilter-binding-create",
		summary = "create a network filter binding from an XML file",
		description = "Create a new network filter binding.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML network filter binding description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "nwfilter-binding-delete",
		summary = "delete a network filter binding",
		description = "Delete a given network filter binding.",
		options = {
			{ name = "binding", kind = "data", required = true, complete = "nwfilter_binding",
				help = "network filter binding port dev" },
		},
	},
	{
		name = "nwfilter-binding-dumpxml",
		summary = "network filter information in XML",
		description = "Output the network filter information as an XML dump to stdout.",
		options = {
			{ name = "binding", kind = "data", required = true, complete = "nwfilter_binding",
				help = "network filter binding portdev" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "nwfilter-binding-list",
		summary = "list network filter bindings",
		description = "Returns list of network filter bindings.",
	},
}

local run = {}

return { group = "Network Filter", keyword = "filter", commands = commands, run = run }
