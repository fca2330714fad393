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

local run = {}

return { group = "Checkpoint", keyword = "checkpoint", commands = commands, run = run }
