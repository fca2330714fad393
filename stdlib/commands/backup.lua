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
		records = true,
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

local REUSE_EXTERNAL = 1 -- virDomainBackupBeginFlags

run["backup-begin"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local path, checkpoint_path = opt.backupxml, opt.checkpointxml
	local backup = path and ctl:read_file(path) or "<domainbackup/>"
	local checkpoint = checkpoint_path and ctl:read_file(checkpoint_path) or nil
	ctl.raw:domain_backup_begin(dom, backup, checkpoint, opt.reuse_external and REUSE_EXTERNAL or 0)
	ctl:print "Backup started\n"
end

run["backup-dumpxml"] = function(ctl, opt)
	ctl:print_xml(ctl.raw:domain_backup_get_xml_desc(ctl:domain(opt.domain), 0), opt)
end

return { group = "Backup", keyword = "backup", commands = commands, run = run }
