-- Snapshots of domains.

local define = require "moonvisor.spec.define"
local flag = define.flag

return define.class {
	name = "Snapshot",
	noun = "snapshot",
	summary = "a domain as it was at some time",
	errors = { "no_domain_snapshot", "no_domain", "operation_invalid", "config_unsupported" },
	properties = {
		{ name = "name", type = "string", summary = "unique in its domain", errors = {} },
		{ name = "domain", type = "Domain", summary = "of which domain", errors = {} },
		{ name = "parent", type = "Snapshot", optional = true, summary = "the snapshot before it; nil: it has none",
			errors = { "no_domain_snapshot", "no_domain" } },
		{ name = "children", type = "Collection", of = "Snapshot", summary = "the snapshots that came after it",
			errors = {} },
		{ name = "current", type = "boolean", call = "domain_snapshot_is_current self =0", result = "bool",
			summary = "it is the one that the domain goes on from" },
		{ name = "has_metadata", type = "boolean", call = "domain_snapshot_has_metadata self =0", result = "bool",
			summary = "the domain cannot be undefined without saying so" },
		{ name = "xml", type = "xml", call = "domain_snapshot_get_xml_desc self =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_domain_snapshot", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "revert", call = "domain_revert_to_snapshot self flags",
			options = {
				flag("running", "DOMAIN_SNAPSHOT_REVERT_RUNNING", "the domain runs afterwards"),
				flag("paused", "DOMAIN_SNAPSHOT_REVERT_PAUSED", "the domain is paused afterwards"),
				flag("force", "DOMAIN_SNAPSHOT_REVERT_FORCE", "also where that is risky"),
				flag("reset_nvram", "DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM", "the firmware's variables are made anew"),
			},
			summary = "makes the domain what it was then; what it is now is lost" },
		{ name = "delete", call = "domain_snapshot_delete self flags",
			options = {
				flag("children", "DOMAIN_SNAPSHOT_DELETE_CHILDREN", "all that came after it too"),
				flag("children_only", "DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY", "all that came after it, but not itself"),
				flag("metadata_only", "DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY", "it is only forgotten"),
			},
			summary = "deletes it; the domain is not changed" },
		{ name = "description", call = "domain_snapshot_get_xml_desc self flags",
			options = { flag("secure", "DOMAIN_SNAPSHOT_XML_SECURE", "with passwords") },
			returns = { { type = "xml", summary = "the description" } },
			summary = "its description in XML" },
		define.close "snapshot",
	},
}
