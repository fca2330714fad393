-- Checkpoints of domains.

local define = require "moonvisor.spec.define"
local flag = define.flag

return define.class {
	name = "Checkpoint",
	noun = "checkpoint",
	summary = "a moment from which on changes of a domain's disks are known",
	errors = { "no_domain_checkpoint", "no_domain", "operation_invalid", "config_unsupported" },
	properties = {
		{ name = "name", type = "string", summary = "unique in its domain", errors = {} },
		{ name = "domain", type = "Domain", summary = "of which domain", errors = {} },
		{ name = "parent", type = "Checkpoint", optional = true, summary = "the checkpoint before it; nil: it has none",
			errors = { "no_domain_checkpoint", "no_domain" } },
		{ name = "children", type = "Collection", of = "Checkpoint", summary = "the checkpoints that came after it",
			errors = {} },
		{ name = "xml", type = "xml", call = "domain_checkpoint_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_domain_checkpoint", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "delete", call = "domain_checkpoint_delete self flags",
			options = {
				flag("children", "DOMAIN_CHECKPOINT_DELETE_CHILDREN", "all that came after it too"),
				flag("children_only", "DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY", "all that came after it, but not itself"),
				flag("metadata_only", "DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY", "it is only forgotten"),
			},
			summary = "deletes it" },
		{ name = "description", call = "domain_checkpoint_get_xml_desc self flags",
			options = {
				flag("secure", "DOMAIN_CHECKPOINT_XML_SECURE", "with passwords"),
				flag("no_domain", "DOMAIN_CHECKPOINT_XML_NO_DOMAIN", "without the domain's description"),
				flag("size", "DOMAIN_CHECKPOINT_XML_SIZE", "with how much has changed since"),
			},
			returns = { { type = "xml", summary = "the description" } },
			summary = "its description in XML" },
		define.close "checkpoint",
	},
}
