-- The commands of the group Checkpoint.

local commands = {
	{
		name = "checkpoint-create",
		summary = "Create a checkpoint from XML",
		description = "Create a checkpoint from XML for use in future incremental backups",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "xmlfile", kind = "string", complete = "file", help = "domain checkpoint XML" },
			{ name = "redefine", kind = "bool", help = "redefine metadata for existing checkpoint" },
			{ name = "redefine-validate", kind = "bool", help = "validate the redefined checkpoint" },
			{ name = "quiesce", kind = "bool", help = "quiesce guest's file systems" },
		},
	},
	{
		name = "checkpoint-create-as",
		summary = "Create a checkpoint from a set of args",
		description = "Create a checkpoint from arguments for use in future incremental backups",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "name", kind = "string", help = "name of checkpoint" },
			{ name = "description", kind = "string", help = "description of checkpoint" },
			{ name = "print-xml", kind = "bool", help = "print XML document rather than create" },
			{ name = "quiesce", kind = "bool", help = "quiesce guest's file systems" },
			{ name = "diskspec", kind = "argv",
				help = "disk attributes: disk[,checkpoint=type][,bitmap=name]" },
		},
	},
	{
		name = "checkpoint-delete",
		summary = "Delete a domain checkpoint",
		description = "Checkpoint Delete",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "checkpointname", kind = "string", complete = "checkpoint",
				help = "checkpoint name" },
			{ name = "children", kind = "bool", help = "delete checkpoint and all children" },
			{ name = "children-only", kind = "bool", help = "delete children but not checkpoint" },
			{ name = "metadata", kind = "bool",
				help = "delete only libvirt metadata, leaving checkpoint contents behind" },
		},
	},
	{
		name = "checkpoint-dumpxml",
		records = true,
		summary = "Dump XML for a domain checkpoint",
		description = "Checkpoint Dump XML",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with checkpoint",
				help = "domain name, id or uuid" },
			{ name = "checkpointname", kind = "string", complete = "checkpoint",
				help = "checkpoint name" },
			{ name = "security-info", kind = "bool",
				help = "include security sensitive information in XML dump" },
			{ name = "no-domain", kind = "bool", help = "exclude <domain> from XML" },
			{ name = "size", kind = "bool", help = "include backup size estimate in XML dump" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "checkpoint-edit",
		summary = "edit XML for a checkpoint",
		description = "Edit the domain checkpoint XML for a named checkpoint",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with checkpoint",
				help = "domain name, id or uuid" },
			{ name = "checkpointname", kind = "string", complete = "checkpoint",
				help = "checkpoint name" },
		},
	},
	{
		name = "checkpoint-info",
		records = true,
		summary = "checkpoint information",
		description = "Returns basic information about a checkpoint.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with checkpoint",
				help = "domain name, id or uuid" },
			{ name = "checkpointname", kind = "string", complete = "checkpoint",
				help = "checkpoint name" },
		},
	},
	{
		name = "checkpoint-list",
		records = true,
		summary = "List checkpoints for a domain",
		description = "Checkpoint List",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with checkpoint",
				help = "domain name, id or uuid" },
			{ name = "parent", kind = "bool", help = "add a column showing parent checkpoint" },
			{ name = "roots", kind = "bool", help = "list only checkpoints without parents" },
			{ name = "leaves", kind = "bool", help = "list only checkpoints without children" },
			{ name = "no-leaves", kind = "bool",
				help = "list only checkpoints that are not leaves (with children)" },
			{ name = "tree", kind = "bool", help = "list checkpoints in a tree" },
			{ name = "from", kind = "string", complete = "checkpoint",
				help = "limit list to children of given checkpoint" },
			{ name = "descendants", kind = "bool", help = "with --from, list all descendants" },
			{ name = "name", kind = "bool", help = "list checkpoint names only" },
			{ name = "topological", kind = "bool", help = "sort list topologically rather than by name" },
		},
	},
	{
		name = "checkpoint-parent",
		records = true,
		summary = "Get the name of the parent of a checkpoint",
		description = "Extract the checkpoint's parent, if any",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with checkpoint",
				help = "domain name, id or uuid" },
			{ name = "checkpointname", kind = "string", complete = "checkpoint",
				help = "find parent of checkpoint name" },
		},
	},
}

local moments = require "moonvisor.command.moments"

local run = {}

-- virDomainCheckpointXMLFlags
local XML_SECURE, XML_NO_DOMAIN, XML_SIZE = 1, 2, 4

-- virDomainCheckpointCreateFlags
local REDEFINE, QUIESCE, REDEFINE_VALIDATE = 1, 2, 4

-- --- making them -----------------------------------------------------------------------------------------------------

run["checkpoint-create"] = function(ctl, opt)
	ctl:requires(opt, "redefine-validate", "redefine")
	local flags = (opt.redefine and REDEFINE or 0) | (opt.redefine_validate and REDEFINE_VALIDATE or 0)
		| (opt.quiesce and QUIESCE or 0)
	local dom, path = ctl:domain(opt.domain), opt.xmlfile
	local xml = path and ctl:read_file(path) or "<domaincheckpoint/>"
	moments.create(ctl, "checkpoint", ctl.raw:domain_checkpoint_create_xml(dom, xml, flags), path)
end

-- <disk>, of "DISK[,checkpoint=TYPE][,bitmap=NAME]".
local function disk_xml(ctl, text)
	local pieces, values = moments.split(text), {}
	for i = 2, #pieces do
		local key, value = pieces[i]:match "^(%a+)=(.*)$"
		if (key ~= "checkpoint" and key ~= "bitmap") or values[key] then
			ctl:fail("unable to parse diskspec: %s", text)
		end
		values[key] = moments.escape(value)
	end
	return ("    <disk name='%s'"):format(moments.escape(pieces[1]))
		.. (values.checkpoint and (" checkpoint='%s'"):format(values.checkpoint) or "")
		.. (values.bitmap and (" bitmap='%s'"):format(values.bitmap) or "") .. "/>\n"
end

run["checkpoint-create-as"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local xml = moments.xml(ctl, "domaincheckpoint", opt, disk_xml)
	if opt.print_xml then
		ctl:print("%s\n", xml)
		return
	end
	moments.create(ctl, "checkpoint", ctl.raw:domain_checkpoint_create_xml(dom, xml, opt.quiesce and QUIESCE or 0))
end

-- --- looking at them -------------------------------------------------------------------------------------------------

run["checkpoint-dumpxml"] = function(ctl, opt)
	local flags = (opt.security_info and XML_SECURE or 0) | (opt.no_domain and XML_NO_DOMAIN or 0)
		| (opt.size and XML_SIZE or 0)
	local checkpoint = ctl:checkpoint(opt, "checkpointname", ctl:domain(opt.domain))
	ctl:print_xml(ctl.raw:domain_checkpoint_get_xml_desc(checkpoint, flags), opt)
end

run["checkpoint-info"] = function(ctl, opt)
	local raw, dom = ctl.raw, ctl:domain(opt.domain)
	local checkpoint = ctl:checkpoint(opt, "checkpointname", dom)
	local parent = moments.parent(ctl, "domain_checkpoint_get_parent", checkpoint)
	ctl:info {
		{ "name", "Name:", checkpoint.name },
		{ "domain", "Domain:", dom.name },
		{ "parent", "Parent:", parent },
		{ "children", "Children:", #raw:domain_checkpoint_list_all_children(checkpoint, 1, 0).checkpoints },
		{ "descendants", "Descendants:", #raw:domain_checkpoint_list_all_children(checkpoint, 1, 1).checkpoints },
	}
end

run["checkpoint-parent"] = function(ctl, opt)
	local checkpoint = ctl:checkpoint(opt, "checkpointname", ctl:domain(opt.domain))
	local parent = moments.parent(ctl, "domain_checkpoint_get_parent", checkpoint)
	if not parent then
		ctl:fail("checkpoint '%s' has no parent", checkpoint.name)
	end
	moments.show_name(ctl, parent)
end

run["checkpoint-list"] = function(ctl, opt)
	local raw, topological = ctl.raw, 2
	moments.list(ctl, opt, {
		noun = "checkpoint", topological = topological,
		filters = { { "leaves", 4 }, { "no-leaves", 8 } },
		flags = { { "topological", topological } },
		start = function(dom)
			return ctl:checkpoint(opt, "from", dom)
		end,
		all = function(dom, flags)
			return raw:domain_list_all_checkpoints(dom, 1, flags).checkpoints
		end,
		children = function(checkpoint, flags)
			return raw:domain_checkpoint_list_all_children(checkpoint, 1, flags).checkpoints
		end,
		xml = function(checkpoint)
			return raw:domain_checkpoint_get_xml_desc(checkpoint, XML_NO_DOMAIN)
		end,
	})
end

-- --- changing them ---------------------------------------------------------------------------------------------------

local DELETE_CHILDREN, DELETE_METADATA_ONLY, DELETE_CHILDREN_ONLY = 1, 2, 4

run["checkpoint-delete"] = function(ctl, opt)
	local checkpoint = ctl:checkpoint(opt, "checkpointname", ctl:domain(opt.domain))
	local flags = (opt.children and DELETE_CHILDREN or 0) | (opt.children_only and DELETE_CHILDREN_ONLY or 0)
		| (opt.metadata and DELETE_METADATA_ONLY or 0)
	ctl:attempt("Failed to delete checkpoint %s", checkpoint.name):domain_checkpoint_delete(checkpoint, flags)
	ctl:extra(opt.children_only and "Domain checkpoint %s children deleted\n" or "Domain checkpoint %s deleted\n",
		checkpoint.name)
end

run["checkpoint-edit"] = function(ctl, opt)
	local raw, dom = ctl.raw, ctl:domain(opt.domain)
	local checkpoint = ctl:checkpoint(opt, "checkpointname", dom)
	moments.edit(ctl, checkpoint.name, {
		get = function()
			return raw:domain_checkpoint_get_xml_desc(checkpoint, XML_SECURE)
		end,
		define = function(xml)
			return raw:domain_checkpoint_create_xml(dom, xml, REDEFINE)
		end,
		unchanged = function()
			ctl:extra("Checkpoint %s XML configuration not changed.\n", checkpoint.name)
		end,
		done = function(edited)
			if edited.name ~= checkpoint.name then
				ctl:fail("Cannot rename checkpoint %s to %s", checkpoint.name, edited.name)
			end
			ctl:extra("Checkpoint %s edited.\n", edited.name)
		end,
	})
end

return { group = "Checkpoint", keyword = "checkpoint", commands = commands, run = run }
