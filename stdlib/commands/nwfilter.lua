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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
		summary = "list network filter bindings",
		description = "Returns list of network filter bindings.",
	},
}

local run = {}

local VALIDATE = 1 -- virNWFilterDefineFlags, virNWFilterBindingCreateFlags

-- --- filters ---------------------------------------------------------------------------------------------------------

run["nwfilter-define"] = function(ctl, opt)
	local path = opt.file
	local xml = ctl:read_file(path)
	local attempt = ctl:attempt("Failed to define network filter from %s", path)
	local filter
	if opt.validate then
		filter = attempt:nwfilter_define_xml_flags(xml, VALIDATE)
	else
		filter = attempt:nwfilter_define_xml(xml)
	end
	ctl:extra("Network filter %s defined from %s\n", filter.name, path)
end

run["nwfilter-undefine"] = function(ctl, opt)
	local filter = ctl:nwfilter(opt.nwfilter)
	ctl:attempt("Failed to undefine network filter %s", opt.nwfilter):nwfilter_undefine(filter)
	ctl:extra("Network filter %s undefined\n", opt.nwfilter)
end

run["nwfilter-dumpxml"] = function(ctl, opt)
	ctl:print_xml(ctl.raw:nwfilter_get_xml_desc(ctl:nwfilter(opt.nwfilter), 0), opt)
end

run["nwfilter-list"] = function(ctl)
	local filters = ctl:list_all({ "network filters", "network filters" }, "connect_list_all_nwfilters",
		"connect_num_of_nwfilters", 0).filters
	local rows = {}
	for i, filter in ipairs(ctl:sort_by_name(filters)) do
		rows[i] = { uuid = filter.uuid, name = filter.name }
	end
	ctl:records {
		rows = rows, columns = { "uuid", "name" }, name = "name",
		text = function(shown)
			local t = ctl:table { "UUID", "Name" }
			for _, row in ipairs(shown) do
				t:row(row.uuid, row.name)
			end
			t:show()
		end,
	}
end

run["nwfilter-edit"] = function(ctl, opt)
	local filter = ctl:nwfilter(opt.nwfilter)
	return ctl:edit {
		get = function()
			return ctl.raw:nwfilter_get_xml_desc(filter, 0)
		end,
		define = function(xml, relaxed)
			if relaxed then
				return ctl.raw:nwfilter_define_xml(xml)
			end
			return ctl.raw:nwfilter_define_xml_flags(xml, VALIDATE)
		end,
		can_relax = true,
		unchanged = function()
			ctl:extra("Network filter %s XML configuration not changed.\n", filter.name)
		end,
		done = function(edited)
			ctl:extra("Network filter %s XML configuration edited.\n", edited.name)
		end,
	}
end

-- --- bindings --------------------------------------------------------------------------------------------------------

run["nwfilter-binding-create"] = function(ctl, opt)
	local path = opt.file
	local xml = ctl:read_file(path)
	local binding = ctl:attempt("Failed to create network filter from %s", path)
		:nwfilter_binding_create_xml(xml, opt.validate and VALIDATE or 0)
	ctl:extra("Network filter binding on %s created from %s\n", binding.portdev, path)
end

run["nwfilter-binding-delete"] = function(ctl, opt)
	local binding = ctl:nwfilter_binding(opt.binding)
	ctl:attempt("Failed to delete network filter binding on %s", binding.portdev):nwfilter_binding_delete(binding)
	ctl:extra("Network filter binding on %s deleted\n", binding.portdev)
end

run["nwfilter-binding-dumpxml"] = function(ctl, opt)
	ctl:print_xml(ctl.raw:nwfilter_binding_get_xml_desc(ctl:nwfilter_binding(opt.binding), 0), opt)
end

run["nwfilter-binding-list"] = function(ctl)
	local bindings = ctl:attempt("Failed to list network filter bindings")
		:connect_list_all_nwfilter_bindings(1, 0).bindings
	local rows = {}
	for i, binding in ipairs(bindings) do
		rows[i] = { port_dev = binding.portdev, name = binding.portdev, filter = binding.filtername }
	end
	ctl:sort_by_name(rows)
	ctl:records {
		rows = rows, columns = { "port_dev", "filter" }, name = "port_dev",
		text = function(shown)
			local t = ctl:table { "Port Dev", "Filter" }
			for _, row in ipairs(shown) do
				t:row(row.port_dev, row.filter)
			end
			t:show()
		end,
	}
end

return { group = "Network Filter", keyword = "filter", commands = commands, run = run }
