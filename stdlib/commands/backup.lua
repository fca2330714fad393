-- The commands of the group Backup.

local commands = {
	{
		name = "backup-begin",
		summary = "Start a disk backup of a live domain",
		description = "Use XML to start a full or incremental disk backup of a live domain, optionally "
			.. "creating a checkpoint",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "backupxml", kind = "string", complete = "file", help = "domain backup XML" },
			{ name = "checkpointxml", kind = "string", complete = "file", help = "domain checkpoint XML" },
			{ name = "reuse-external", kind = "bool", help = "reuse files provided by caller" },
		},
	},
	{
		name = "backup-dumpxml",
		summary = "Dump XML for an ongoing domain block backup job",
		description = "Backup Dump XML",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
}

local run = {}

return { group = "Backup", keyword = "backup", commands = commands, run = run }
