-- The commands of the group Domain Management: life cycle and definitions.

local commands = {
	{
		name = "autostart",
		summary = "autostart a domain",
		description = "Configure a domain to be automatically started at boot.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "persistent",
				help = "domain name, id or uuid" },
			{ name = "disable", kind = "bool", help = "disable autostarting" },
		},
	},
	{
		name = "console",
		summary = "connect to the guest console",
		description = "Connect the virtual serial console for the guest",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "devname", kind = "string", complete = "console_device",
				help = "character device name" },
			{ name = "force", kind = "bool",
				help = "force console connection (disconnect already connected sessions)" },
			{ name = "safe", kind = "bool", help = "only connect if safe console handling is supported" },
		},
	},
	{
		name = "create",
		summary = "create a domain from an XML file",
		description = "Create a domain.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML domain description" },
			{ name = "console", kind = "bool", help = "attach to console after creation" },
			{ name = "paused", kind = "bool", help = "leave the guest paused after creation" },
			{ name = "autodestroy", kind = "bool",
				help = "automatically destroy the guest when virsh disconnects" },
			{ name = "pass-fds", kind = "string", help = "pass file descriptors N,M,... to the guest" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
			{ name = "reset-nvram", kind = "bool",
				help = "re-initialize NVRAM from its pristine template" },
		},
	},
	{
		name = "define",
		summary = "define (but don't start) a domain from an XML file",
		description = "Define a domain.",
		options = {
			{ name = "file", kind = "data", required = true, complete = "file",
				help = "file containing an XML domain description" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "desc",
		summary = "show or set domain's description or title",
		description = "Allows setting or modifying the description or title of a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "live", kind = "bool", help = "modify/get running state" },
			{ name = "config", kind = "bool", help = "modify/get persistent configuration" },
			{ name = "current", kind = "bool", help = "modify/get current state configuration" },
			{ name = "title", kind = "bool", help = "modify/get the title instead of description" },
			{ name = "edit", kind = "bool", help = "open an editor to modify the description" },
			{ name = "new-desc", kind = "argv", help = "message" },
		},
	},
	{
		name = "destroy",
		summary = "destroy (stop) a domain",
		description = "Forcefully stop a given domain, but leave its resources intact.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "graceful", kind = "bool", help = "terminate gracefully" },
			{ name = "remove-logs", kind = "bool", help = "remove domain logs" },
		},
	},
	{
		name = "domdisplay",
		summary = "domain display connection URI",
		description = "Output the IP address and port number for the graphical display.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "include-password", kind = "bool",
				help = "includes the password into the connection URI if available" },
			{ name = "type", kind = "string",
				help = "select particular graphical display (e.g. \"vnc\", \"spice\", "
					.. "\"rdp\", \"dbus\")" },
			{ name = "all", kind = "bool", help = "show all possible graphical displays" },
		},
	},
	{
		name = "domid",
		summary = "convert a domain name or UUID to domain id",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name or uuid" },
		},
	},
	{
		name = "domname",
		summary = "convert a domain id or UUID to domain name",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain_uuid",
				help = "domain id or uuid" },
		},
	},
	{
		name = "domrename",
		summary = "rename a domain",
		description = "Rename an inactive domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "inactive",
				help = "domain name or uuid" },
			{ name = "new-name", kind = "data", required = true, help = "new domain name" },
		},
	},
	{
		name = "dompmsuspend",
		summary = "suspend a domain gracefully using power management functions",
		description = "Suspends a running domain using guest OS's power management. (Note: This requires a "
			.. "guest agent configured and running in the guest OS).",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "running",
				help = "domain name, id or uuid" },
			{ name = "target", kind = "data", required = true, complete = "suspend_target",
				help = "mem(Suspend-to-RAM), disk(Suspend-to-Disk), hybrid(Hybrid-Suspend)" },
			{ name = "duration", kind = "int", named = true, number = "ull",
				help = "duration in seconds" },
		},
	},
	{
		name = "dompmwakeup",
		summary = "wakeup a domain from pmsuspended state",
		description = "Wakeup a domain that was previously suspended by power management.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "other",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "domuuid",
		summary = "convert a domain name or id to domain UUID",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain id or name" },
		},
	},
	{
		name = "domxml-from-native",
		summary = "Convert native config to domain XML",
		description = "Convert native guest configuration format to domain XML format.",
		options = {
			{ name = "format", kind = "data", required = true, help = "source config data format" },
			{ name = "config", kind = "data", required = true, complete = "file",
				help = "config data file to import from" },
		},
	},
	{
		name = "domxml-to-native",
		summary = "Convert domain XML to native config",
		description = "Convert domain XML config to a native guest configuration format.",
		options = {
			{ name = "format", kind = "data", required = true, help = "target config data type format" },
			{ name = "domain", kind = "string", named = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "xml", kind = "string", complete = "file", help = "xml data file to export from" },
		},
	},
	{
		name = "dumpxml",
		summary = "domain information in XML",
		description = "Output the domain information as an XML dump to stdout.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "inactive", kind = "bool", help = "show inactive defined XML" },
			{ name = "security-info", kind = "bool",
				help = "include security sensitive information in XML dump" },
			{ name = "update-cpu", kind = "bool", help = "update guest CPU according to host CPU" },
			{ name = "migratable", kind = "bool", help = "provide XML suitable for migrations" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "edit",
		summary = "edit XML configuration for a domain",
		description = "Edit the XML configuration for a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "skip-validate", kind = "bool",
				help = "skip validation of the XML against the schema" },
		},
	},
	{
		name = "managedsave",
		summary = "managed save of a domain state",
		description = "Save and destroy a running domain, so it can be restarted from\n    the same state "
			.. "at a later time.  When the virsh 'start'\n    command is next run for the domain, it "
			.. "will automatically\n    be started from this saved state.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "bypass-cache", kind = "bool", help = "avoid file system cache when saving" },
			{ name = "running", kind = "bool", help = "set domain to be running on next start" },
			{ name = "paused", kind = "bool", help = "set domain to be paused on next start" },
			{ name = "verbose", kind = "bool", help = "display the progress of save" },
		},
	},
	{
		name = "managedsave-remove",
		summary = "Remove managed save of a domain",
		description = "Remove an existing managed save state file from a domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "managed save",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "managedsave-edit",
		summary = "edit XML for a domain's managed save state file",
		description = "Edit the domain XML associated with the managed save state file",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "managed save",
				help = "domain name, id or uuid" },
			{ name = "running", kind = "bool", help = "set domain to be running on start" },
			{ name = "paused", kind = "bool", help = "set domain to be paused on start" },
		},
	},
	{
		name = "managedsave-dumpxml",
		summary = "Domain information of managed save state file in XML",
		description = "Dump XML of domain information for a managed save state file to stdout.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "managed save",
				help = "domain name, id or uuid" },
			{ name = "security-info", kind = "bool",
				help = "include security sensitive information in XML dump" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "managedsave-define",
		summary = "redefine the XML for a domain's managed save state file",
		description = "Replace the domain XML associated with a managed save state file",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "managed save",
				help = "domain name, id or uuid" },
			{ name = "xml", kind = "data", required = true, complete = "file",
				help = "filename containing updated XML for the target" },
			{ name = "running", kind = "bool", help = "set domain to be running on start" },
			{ name = "paused", kind = "bool", help = "set domain to be paused on start" },
		},
	},
	{
		name = "metadata",
		summary = "show or set domain's custom XML metadata",
		description = "Shows or modifies the XML metadata of a domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "uri", kind = "data", required = true, help = "URI of the namespace" },
			{ name = "live", kind = "bool", help = "modify/get running state" },
			{ name = "config", kind = "bool", help = "modify/get persistent configuration" },
			{ name = "current", kind = "bool", help = "modify/get current state configuration" },
			{ name = "edit", kind = "bool", help = "use an editor to change the metadata" },
			{ name = "key", kind = "string", help = "key to be used as a namespace identifier" },
			{ name = "set", kind = "string", help = "new metadata to set" },
			{ name = "remove", kind = "bool", help = "remove the metadata corresponding to an uri" },
		},
	},
	{
		name = "reboot",
		summary = "reboot a domain",
		description = "Run a reboot command in the target domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "mode", kind = "string", complete = "shutdown_mode",
				help = "shutdown mode: acpi|agent|initctl|signal|paravirt" },
		},
	},
	{
		name = "reset",
		summary = "reset a domain",
		description = "Reset the target domain as if by power button",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "restore",
		summary = "restore a domain from a saved state in a file",
		description = "Restore a domain.",
		options = {
			{ name = "file", kind = "data", required = true, help = "the state to restore" },
			{ name = "bypass-cache", kind = "bool", help = "avoid file system cache when restoring" },
			{ name = "xml", kind = "string", complete = "file",
				help = "filename containing updated XML for the target" },
			{ name = "running", kind = "bool", help = "restore domain into running state" },
			{ name = "paused", kind = "bool", help = "restore domain into paused state" },
			{ name = "reset-nvram", kind = "bool",
				help = "re-initialize NVRAM from its pristine template" },
		},
	},
	{
		name = "resume",
		summary = "resume a domain",
		description = "Resume a previously suspended domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "paused",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "save",
		summary = "save a domain state to a file",
		description = "Save the RAM state of a running domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "file", kind = "data", required = true, help = "where to save the data" },
			{ name = "bypass-cache", kind = "bool", help = "avoid file system cache when saving" },
			{ name = "xml", kind = "string", complete = "file",
				help = "filename containing updated XML for the target" },
			{ name = "running", kind = "bool", help = "set domain to be running on restore" },
			{ name = "paused", kind = "bool", help = "set domain to be paused on restore" },
			{ name = "verbose", kind = "bool", help = "display the progress of save" },
		},
	},
	{
		name = "save-image-define",
		summary = "redefine the XML for a domain's saved state file",
		description = "Replace the domain XML associated with a saved state file",
		options = {
			{ name = "file", kind = "data", required = true, help = "saved state file to modify" },
			{ name = "xml", kind = "data", required = true, complete = "file",
				help = "filename containing updated XML for the target" },
			{ name = "running", kind = "bool", help = "set domain to be running on restore" },
			{ name = "paused", kind = "bool", help = "set domain to be paused on restore" },
		},
	},
	{
		name = "save-image-dumpxml",
		summary = "saved state domain information in XML",
		description = "Dump XML of domain information for a saved state file to stdout.",
		options = {
			{ name = "file", kind = "data", required = true, help = "saved state file to read" },
			{ name = "security-info", kind = "bool",
				help = "include security sensitive information in XML dump" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "save-image-edit",
		summary = "edit XML for a domain's saved state file",
		description = "Edit the domain XML associated with a saved state file",
		options = {
			{ name = "file", kind = "data", required = true, help = "saved state file to edit" },
			{ name = "running", kind = "bool", help = "set domain to be running on restore" },
			{ name = "paused", kind = "bool", help = "set domain to be paused on restore" },
		},
	},
	{
		name = "set-lifecycle-action",
		summary = "change lifecycle actions",
		description = "Change lifecycle actions for the guest domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "type", kind = "data", required = true, complete = "lifecycle_type",
				help = "lifecycle type to modify" },
			{ name = "action", kind = "data", required = true, complete = "lifecycle_action",
				help = "lifecycle action to set" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "shutdown",
		summary = "gracefully shutdown a domain",
		description = "Run shutdown in the target domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "mode", kind = "string", complete = "shutdown_mode",
				help = "shutdown mode: acpi|agent|initctl|signal|paravirt" },
		},
	},
	{
		name = "start",
		summary = "start a (previously defined) inactive domain",
		description = "Start a domain, either from the last managedsave\n    state, or via a fresh boot if "
			.. "no managedsave state\n    is present.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "shutoff",
				help = "name of the inactive domain" },
			{ name = "console", kind = "bool", help = "attach to console after creation" },
			{ name = "paused", kind = "bool", help = "leave the guest paused after creation" },
			{ name = "autodestroy", kind = "bool",
				help = "automatically destroy the guest when virsh disconnects" },
			{ name = "bypass-cache", kind = "bool", help = "avoid file system cache when loading" },
			{ name = "force-boot", kind = "bool",
				help = "force fresh boot by discarding any managed save" },
			{ name = "pass-fds", kind = "string", help = "pass file descriptors N,M,... to the guest" },
			{ name = "reset-nvram", kind = "bool",
				help = "re-initialize NVRAM from its pristine template" },
		},
	},
	{
		name = "suspend",
		summary = "suspend a domain",
		description = "Suspend a running domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "running",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "ttyconsole",
		summary = "tty console",
		description = "Output the device for the TTY console.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
	{
		name = "undefine",
		summary = "undefine a domain",
		description = "Undefine an inactive domain, or convert persistent to transient.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "persistent",
				help = "domain name, id or uuid" },
			{ name = "managed-save", kind = "bool", help = "remove domain managed state file" },
			{ name = "storage", kind = "string",
				help = "remove associated storage volumes (comma separated list of targets "
					.. "or source paths) (see domblklist)" },
			{ name = "remove-all-storage", kind = "bool",
				help = "remove all associated storage volumes (use with caution)" },
			{ name = "delete-snapshots", alias_of = "delete-storage-volume-snapshots" },
			{ name = "delete-storage-volume-snapshots", kind = "bool",
				help = "delete snapshots associated with volume(s), requires "
					.. "--remove-all-storage (must be supported by storage driver)" },
			{ name = "wipe-storage", kind = "bool", help = "wipe data on the removed volumes" },
			{ name = "snapshots-metadata", kind = "bool",
				help = "remove all domain snapshot metadata (vm must be inactive)" },
			{ name = "checkpoints-metadata", kind = "bool",
				help = "remove all domain checkpoint metadata (vm must be inactive)" },
			{ name = "nvram", kind = "bool", help = "remove nvram file" },
			{ name = "keep-nvram", kind = "bool", help = "keep nvram file" },
			{ name = "tpm", kind = "bool", help = "remove TPM state" },
			{ name = "keep-tpm", kind = "bool", help = "keep TPM state" },
		},
	},
	{
		name = "vncdisplay",
		summary = "vnc display",
		description = "Output the IP address and port number for the VNC display.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
}

local run = {}

-- virDomainCreateFlags
local START_PAUSED, START_AUTODESTROY, START_BYPASS_CACHE, START_FORCE_BOOT, START_RESET_NVRAM = 1, 2, 4, 8, 32

function run.start(ctl, opt)
	local dom = ctl:domain(opt.domain, { by = "uuid,name" })
	if dom.id >= 0 then
		ctl:fail "Domain is already active"
	end
	local flags = (opt.paused and START_PAUSED or 0) | (opt.autodestroy and START_AUTODESTROY or 0)
		| (opt.bypass_cache and START_BYPASS_CACHE or 0) | (opt.force_boot and START_FORCE_BOOT or 0)
		| (opt.reset_nvram and START_RESET_NVRAM or 0)
	local attempt = ctl:attempt("Failed to start domain '%s'", dom.name)
	if flags == 0 then
		attempt:domain_create(dom)
	else
		attempt:domain_create_with_flags(dom, flags)
	end
	ctl:extra("Domain '%s' started\n", dom.name)
end

-- virDomainXMLFlags
local XML_SECURE, XML_INACTIVE, XML_UPDATE_CPU, XML_MIGRATABLE = 1, 2, 4, 8

function run.dumpxml(ctl, opt)
	local flags = (opt.inactive and XML_INACTIVE or 0) | (opt.security_info and XML_SECURE or 0)
		| (opt.update_cpu and XML_UPDATE_CPU or 0) | (opt.migratable and XML_MIGRATABLE or 0)
	ctl:print_xml(ctl.raw:domain_get_xml_desc(ctl:domain(opt.domain), flags), opt)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
