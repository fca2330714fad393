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
		records = true,
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
		records = true,
		summary = "convert a domain name or UUID to domain id",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name or uuid" },
		},
	},
	{
		name = "domname",
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
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
		records = true,
		summary = "vnc display",
		description = "Output the IP address and port number for the VNC display.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
		},
	},
}

local flags = require "moonvisor.flags"

local run = {}

-- --- definitions -----------------------------------------------------------------------------------------------------

function run.define(ctl, opt)
	local xml = ctl:read_file(opt.file)
	local attempt = ctl:attempt("Failed to define domain from %s", opt.file)
	local dom
	if opt.validate then
		dom = attempt:domain_define_xml_flags(xml, flags.DOMAIN_DEFINE_VALIDATE)
	else
		dom = attempt:domain_define_xml(xml)
	end
	ctl:extra("Domain '%s' defined from %s\n", dom.name, opt.file)
end

local CREATE_FLAGS = {
	paused = flags.DOMAIN_START_PAUSED,
	autodestroy = flags.DOMAIN_START_AUTODESTROY,
	validate = flags.DOMAIN_START_VALIDATE,
	reset_nvram = flags.DOMAIN_START_RESET_NVRAM,
}

-- Descriptors are handed to a guest by their numbers: the drivers that can do it are in this process.
local function check_fds(ctl, opt)
	for word in (opt.pass_fds or ""):gmatch "[^,]+" do
		if not word:match "^%d+$" then
			ctl:fail("Unable to parse FD number '%s'", word)
		end
	end
end

function run.create(ctl, opt)
	local xml = ctl:read_file(opt.file)
	check_fds(ctl, opt)
	local attempt, create_flags = ctl:attempt("Failed to create domain from %s", opt.file), ctl:flags(opt, CREATE_FLAGS)
	local dom
	if opt.pass_fds then
		dom = attempt:domain_create_xml_with_files(xml, create_flags)
	else
		dom = attempt:domain_create_xml(xml, create_flags)
	end
	ctl:extra("Domain '%s' created from %s\n", dom.name, opt.file)
	if opt.console then
		pcall(run.console, ctl, { domain = dom.name }) -- the guest runs, whatever becomes of the console
	end
end

function run.edit(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local xml_flags = flags.DOMAIN_XML_INACTIVE | flags.DOMAIN_XML_SECURE
	return ctl:edit {
		get = function() return ctl.raw:domain_get_xml_desc(dom, xml_flags) end,
		define = function(xml, relaxed)
			local validate = not (opt.skip_validate or relaxed)
			return ctl.raw:domain_define_xml_flags(xml, validate and flags.DOMAIN_DEFINE_VALIDATE or 0)
		end,
		unchanged = function() ctl:extra("Domain '%s' XML configuration not changed.\n", dom.name) end,
		done = function(edited) ctl:extra("Domain '%s' XML configuration edited.\n", edited.name) end,
		can_relax = not opt.skip_validate,
	}
end

local XML_FLAGS = {
	inactive = flags.DOMAIN_XML_INACTIVE,
	security_info = flags.DOMAIN_XML_SECURE,
	update_cpu = flags.DOMAIN_XML_UPDATE_CPU,
	migratable = flags.DOMAIN_XML_MIGRATABLE,
}

function run.dumpxml(ctl, opt)
	ctl:print_xml(ctl.raw:domain_get_xml_desc(ctl:domain(opt.domain), ctl:flags(opt, XML_FLAGS)), opt)
end

function run.domrename(ctl, opt)
	ctl.raw:domain_rename(ctl:domain(opt.domain), opt.new_name, 0)
	ctl:extra "Domain successfully renamed\n"
end

run["domxml-from-native"] = function(ctl, opt)
	local config = ctl:read_file(opt.config)
	ctl:print("%s", ctl.raw:connect_domain_xml_from_native(opt.format, config, 0))
end

run["domxml-to-native"] = function(ctl, opt)
	ctl:exclusive(opt, "domain", "xml")
	local xml
	if opt.domain then
		xml = ctl.raw:domain_get_xml_desc(ctl:domain(opt.domain), 0)
	elseif opt.xml then
		xml = ctl:read_file(opt.xml)
	else
		ctl:fail "need either domain or domain XML"
	end
	ctl:print("%s", ctl.raw:connect_domain_xml_to_native(opt.format, xml, 0))
end

-- --- names and numbers -----------------------------------------------------------------------------------------------

function run.domid(ctl, opt)
	local dom = ctl:domain(opt.domain, { by = "name,uuid" })
	local id = dom.id >= 0 and dom.id or nil
	ctl:info({ { "id", "", id } }, 0)
end

function run.domname(ctl, opt)
	ctl:info({ { "name", "", ctl:domain(opt.domain, { by = "id,uuid" }).name } }, 0)
end

function run.domuuid(ctl, opt)
	ctl:info({ { "uuid", "", ctl:domain(opt.domain, { by = "name,id" }).uuid } }, 0)
end

-- --- starting and stopping -------------------------------------------------------------------------------------------

local START_FLAGS = {
	paused = flags.DOMAIN_START_PAUSED,
	autodestroy = flags.DOMAIN_START_AUTODESTROY,
	bypass_cache = flags.DOMAIN_START_BYPASS_CACHE,
	force_boot = flags.DOMAIN_START_FORCE_BOOT,
	reset_nvram = flags.DOMAIN_START_RESET_NVRAM,
}

-- Whether the server could discard a managed save itself; else it is removed here.
local function forced_start(ctl, dom, start_flags)
	local ok, err = pcall(ctl.raw.domain_create_with_flags, ctl.raw, dom, start_flags)
	if ok then
		return true
	elseif type(err) ~= "table" or err.code ~= "no_support" and err.code ~= "invalid_arg" then
		ctl:fail_because(err, "Failed to start domain '%s'", dom.name)
	end
	local has
	ok, has = pcall(ctl.raw.domain_has_managed_save_image, ctl.raw, dom, 0)
	if ok and has ~= 0 then
		ctl.raw:domain_managed_save_remove(dom, 0)
	end
	return false
end

function run.start(ctl, opt)
	local dom = ctl:domain(opt.domain, { by = "uuid,name" })
	if dom.id >= 0 then
		ctl:fail "Domain is already active"
	end
	check_fds(ctl, opt)
	local start_flags = ctl:flags(opt, START_FLAGS)
	local attempt = ctl:attempt("Failed to start domain '%s'", dom.name)
	if opt.force_boot and not forced_start(ctl, dom, start_flags) then
		start_flags = start_flags & ~flags.DOMAIN_START_FORCE_BOOT
	elseif opt.force_boot then
		attempt = nil
	end
	if not attempt then
		ctl:debug(1, "started with a fresh boot")
	elseif opt.pass_fds then
		attempt:domain_create_with_files(dom, start_flags)
	elseif start_flags == 0 then
		attempt:domain_create(dom)
	else
		attempt:domain_create_with_flags(dom, start_flags)
	end
	ctl:extra("Domain '%s' started\n", dom.name)
	if opt.console then
		return run.console(ctl, { domain = dom.name })
	end
end

local DESTROY_FLAGS = {
	graceful = flags.DOMAIN_DESTROY_GRACEFUL,
	remove_logs = flags.DOMAIN_DESTROY_REMOVE_LOGS,
}

function run.destroy(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local destroy_flags = ctl:flags(opt, DESTROY_FLAGS)
	local attempt = ctl:attempt("Failed to destroy domain '%s'", opt.domain)
	if destroy_flags == 0 then
		attempt:domain_destroy(dom)
	else
		attempt:domain_destroy_flags(dom, destroy_flags)
	end
	ctl:extra("Domain '%s' destroyed\n", opt.domain)
end

-- The same bits for shutting down and rebooting.
local MODES = { acpi = 1, agent = 2, initctl = 4, signal = 8, paravirt = 16 }

local function modes_of(ctl, opt)
	local sum = 0
	for word in (opt.mode and opt.mode .. "," or ""):gmatch "([^,]*)," do
		if not MODES[word] then
			ctl:fail("Unknown mode %s value, expecting 'acpi', 'agent', 'initctl', 'signal', or 'paravirt'", word)
		end
		sum = sum | MODES[word]
	end
	return sum
end

function run.shutdown(ctl, opt)
	local modes = modes_of(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local attempt = ctl:attempt("Failed to shutdown domain '%s'", opt.domain)
	if modes == 0 then
		attempt:domain_shutdown(dom)
	else
		attempt:domain_shutdown_flags(dom, modes)
	end
	ctl:extra("Domain '%s' is being shutdown\n", opt.domain)
end

function run.reboot(ctl, opt)
	local modes = modes_of(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to reboot domain '%s'", opt.domain):domain_reboot(dom, modes)
	ctl:extra("Domain '%s' is being rebooted\n", opt.domain)
end

function run.reset(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to reset domain '%s'", opt.domain):domain_reset(dom, 0)
	ctl:extra("Domain '%s' was reset\n", opt.domain)
end

function run.suspend(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to suspend domain '%s'", opt.domain):domain_suspend(dom)
	ctl:extra("Domain '%s' suspended\n", opt.domain)
end

function run.resume(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to resume domain '%s'", opt.domain):domain_resume(dom)
	ctl:extra("Domain '%s' resumed\n", opt.domain)
end

local SUSPEND_TARGETS = {
	mem = flags.NODE_SUSPEND_TARGET_MEM,
	disk = flags.NODE_SUSPEND_TARGET_DISK,
	hybrid = flags.NODE_SUSPEND_TARGET_HYBRID,
}

function run.dompmsuspend(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local duration = opt.duration or 0
	local target = SUSPEND_TARGETS[opt.target]
	if not target then
		ctl:fail "Invalid target"
	end
	ctl:attempt("Domain '%s' could not be suspended", dom.name)
		:domain_pm_suspend_for_duration(dom, target, duration, 0)
	ctl:extra("Domain '%s' successfully suspended", dom.name)
end

function run.dompmwakeup(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Domain '%s' could not be woken up", dom.name):domain_pm_wakeup(dom, 0)
	ctl:extra("Domain '%s' successfully woken up", dom.name)
end

function run.autostart(ctl, opt)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to %smark domain '%s' as autostarted", opt.disable and "un" or "", opt.domain)
		:domain_set_autostart(dom, opt.disable and 0 or 1)
	ctl:extra("Domain '%s' %smarked as autostarted\n", opt.domain, opt.disable and "un" or "")
end

local LIFECYCLE_TYPES = { poweroff = 0, reboot = 1, crash = 2 }
local LIFECYCLE_ACTIONS = {
	destroy = 0, restart = 1, ["rename-restart"] = 2, preserve = 3, ["coredump-destroy"] = 4, ["coredump-restart"] = 5,
}

run["set-lifecycle-action"] = function(ctl, opt)
	local impact = ctl:affect(opt)
	local kind = LIFECYCLE_TYPES[opt.type] or ctl:fail("Invalid lifecycle type '%s'.", opt.type)
	local action = LIFECYCLE_ACTIONS[opt.action] or ctl:fail("Invalid lifecycle action '%s'.", opt.action)
	local dom = ctl:domain(opt.domain)
	ctl:attempt "Unable to change lifecycle action.":domain_set_lifecycle_action(dom, kind, action, impact)
end

-- --- saving ----------------------------------------------------------------------------------------------------------

local SAVE_FLAGS = {
	bypass_cache = flags.DOMAIN_SAVE_BYPASS_CACHE,
	running = flags.DOMAIN_SAVE_RUNNING,
	paused = flags.DOMAIN_SAVE_PAUSED,
}
local MODE_FLAGS = { running = flags.DOMAIN_SAVE_RUNNING, paused = flags.DOMAIN_SAVE_PAUSED }
local RESTORE_FLAGS = {
	bypass_cache = flags.DOMAIN_SAVE_BYPASS_CACHE,
	running = flags.DOMAIN_SAVE_RUNNING,
	paused = flags.DOMAIN_SAVE_PAUSED,
	reset_nvram = flags.DOMAIN_SAVE_RESET_NVRAM,
}

-- What libvirt's client checks itself. `text` is the line before the error.
local function check_running_or_paused(ctl, opt, text, ...)
	if opt.running and opt.paused then
		ctl:error(text, ...)
		ctl:fail "Flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' are mutually exclusive"
	end
end

-- --verbose: virsh draws a line that ends like this.
local function finished(ctl, opt, word)
	if opt.verbose then
		ctl.write_error(("\r%s: [100 %%]\n"):format(word))
	end
end

function run.save(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local xml = opt.xml and ctl:read_file(opt.xml) or nil
	local save_flags = ctl:flags(opt, SAVE_FLAGS)
	local text = ("Failed to save domain '%s' to %s"):format(opt.domain, opt.file)
	check_running_or_paused(ctl, opt, "%s", text)
	local job = { dom = dom, title = "Save", verbose = opt.verbose, text = text }
	if save_flags ~= 0 or xml then
		ctl:job(job, "domain_save_flags", dom, opt.file, xml, save_flags)
	else
		ctl:job(job, "domain_save", dom, opt.file)
	end
	finished(ctl, opt, "Save")
	ctl:extra("\nDomain '%s' saved to %s\n", opt.domain, opt.file)
end

function run.restore(ctl, opt)
	local xml = opt.xml and ctl:read_file(opt.xml) or nil
	local restore_flags = ctl:flags(opt, RESTORE_FLAGS)
	check_running_or_paused(ctl, opt, "Failed to restore domain from %s", opt.file)
	local attempt = ctl:attempt("Failed to restore domain from %s", opt.file)
	if restore_flags ~= 0 or xml then
		attempt:domain_restore_flags(opt.file, xml, restore_flags)
	else
		attempt:domain_restore(opt.file)
	end
	ctl:extra("Domain restored from %s\n", opt.file)
end

run["save-image-dumpxml"] = function(ctl, opt)
	local xml_flags = opt.security_info and flags.DOMAIN_SAVE_IMAGE_XML_SECURE or 0
	ctl:print_xml(ctl.raw:domain_save_image_get_xml_desc(opt.file, xml_flags), opt)
end

run["save-image-define"] = function(ctl, opt)
	local xml = ctl:read_file(opt.xml)
	check_running_or_paused(ctl, opt, "Failed to update %s", opt.file)
	ctl:attempt("Failed to update %s", opt.file)
		:domain_save_image_define_xml(opt.file, xml, ctl:flags(opt, MODE_FLAGS))
	ctl:extra("State file %s updated.\n", opt.file)
end

run["save-image-edit"] = function(ctl, opt)
	ctl:exclusive(opt, "running", "paused")
	local define_flags = ctl:flags(opt, MODE_FLAGS)
	return ctl:edit {
		get = function()
			return ctl.raw:domain_save_image_get_xml_desc(opt.file, flags.DOMAIN_SAVE_IMAGE_XML_SECURE)
		end,
		define = function(xml) return ctl.raw:domain_save_image_define_xml(opt.file, xml, define_flags) end,
		unchanged = function() ctl:extra("Saved image %s XML configuration not changed.\n", opt.file) end,
		done = function() ctl:extra("State file %s edited.\n", opt.file) end,
	}
end

function run.managedsave(ctl, opt)
	local dom = ctl:domain(opt.domain)
	check_running_or_paused(ctl, opt, "Failed to save domain '%s' state", opt.domain)
	local text = ("Failed to save domain '%s' state"):format(opt.domain)
	ctl:job({ dom = dom, title = "Managedsave", verbose = opt.verbose, text = text }, "domain_managed_save", dom,
		ctl:flags(opt, SAVE_FLAGS))
	finished(ctl, opt, "Managedsave")
	ctl:extra("\nDomain '%s' state saved by libvirt\n", opt.domain)
end

run["managedsave-remove"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local has = ctl:attempt "Failed to check for domain managed save image":domain_has_managed_save_image(dom, 0)
	if has == 0 then
		ctl:extra("Domain '%s' has no manage save image; removal skipped", opt.domain)
		return
	end
	ctl:attempt("Failed to remove managed save image for domain '%s'", opt.domain)
		:domain_managed_save_remove(dom, 0)
	ctl:extra("Removed managedsave image for domain '%s'", opt.domain)
end

run["managedsave-dumpxml"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local xml_flags = opt.security_info and flags.DOMAIN_SAVE_IMAGE_XML_SECURE or 0
	ctl:print_xml(ctl.raw:domain_managed_save_get_xml_desc(dom, xml_flags), opt)
end

run["managedsave-define"] = function(ctl, opt)
	ctl:exclusive(opt, "running", "paused")
	local xml = ctl:read_file(opt.xml)
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to update %s XML configuration", dom.name)
		:domain_managed_save_define_xml(dom, xml, ctl:flags(opt, MODE_FLAGS))
	ctl:extra("Managed save state file of domain '%s' updated.\n", dom.name)
end

run["managedsave-edit"] = function(ctl, opt)
	ctl:exclusive(opt, "running", "paused")
	local dom = ctl:domain(opt.domain)
	local define_flags = ctl:flags(opt, MODE_FLAGS)
	return ctl:edit {
		get = function()
			return ctl.raw:domain_managed_save_get_xml_desc(dom, flags.DOMAIN_SAVE_IMAGE_XML_SECURE)
		end,
		define = function(xml) return ctl.raw:domain_managed_save_define_xml(dom, xml, define_flags) end,
		unchanged = function()
			ctl:extra("Managed save image of domain '%s' XML configuration not changed.\n", dom.name)
		end,
		done = function()
			ctl:extra("Managed save image of Domain '%s' XML configuration edited.\n", dom.name)
		end,
	}
end

-- --- texts -----------------------------------------------------------------------------------------------------------

-- What a domain has of one kind, or nil.
local function metadata(ctl, dom, kind, uri, impact)
	local ok, text = pcall(ctl.raw.domain_get_metadata, ctl.raw, dom, kind, uri, impact)
	if not ok and (type(text) ~= "table" or text.code ~= "no_domain_metadata") then
		error(text, 0)
	end
	return ok and text or nil
end

function run.desc(ctl, opt)
	local impact = ctl:affect(opt)
	local dom = ctl:domain(opt.domain)
	local what = opt.title and "title" or "description"
	local kind = opt.title and flags.DOMAIN_METADATA_TITLE or flags.DOMAIN_METADATA_DESCRIPTION
	local text = opt.new_desc and table.concat(opt.new_desc, " ")
	local function set(new)
		ctl:attempt("Failed to set new domain %s", what):domain_set_metadata(dom, kind, new, nil, nil, impact)
		ctl:extra("Domain %s updated successfully", what)
	end
	if opt.edit then
		text = text or metadata(ctl, dom, kind, nil, impact) or ""
		return ctl:edit {
			get = function() return text end,
			define = function(new) set((new:gsub("\n$", ""))) end,
			unchanged = function() ctl:extra("Domain %s not changed\n", what) end,
			done = function() end,
		}
	elseif text then
		return set(text)
	end
	text = metadata(ctl, dom, kind, nil, impact)
	if text and text ~= "" then
		ctl:print("%s", text)
	else
		ctl:extra("No %s for domain: %s", what, dom.name)
	end
end

function run.metadata(ctl, opt)
	local impact = ctl:affect(opt)
	ctl:exclusive(opt, "edit", "set")
	ctl:exclusive(opt, "remove", "set")
	ctl:exclusive(opt, "remove", "edit")
	local dom = ctl:domain(opt.domain)
	local kind = flags.DOMAIN_METADATA_ELEMENT
	if (opt.set or opt.edit) and not opt.key then
		ctl:fail "namespace key is required when modifying metadata"
	end
	if opt.set or opt.remove then
		ctl.raw:domain_set_metadata(dom, kind, opt.set, opt.key, opt.uri, impact)
		ctl:extra("%s", opt.remove and "Metadata removed\n" or "Metadata modified\n")
	elseif opt.edit then
		return ctl:edit {
			get = function() return metadata(ctl, dom, kind, opt.uri, impact) or "\n" end,
			define = function(xml)
				ctl.raw:domain_set_metadata(dom, kind, xml, opt.key, opt.uri, impact)
			end,
			unchanged = function() ctl:print "Metadata not changed" end,
			done = function() ctl:print "Metadata modified" end,
		}
	else
		ctl:print("%s\n", ctl.raw:domain_get_metadata(dom, kind, opt.uri, impact))
	end
end

-- --- undefining ------------------------------------------------------------------------------------------------------

local UNDEFINE_FLAGS = {
	managed_save = flags.DOMAIN_UNDEFINE_MANAGED_SAVE,
	snapshots_metadata = flags.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
	checkpoints_metadata = flags.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
	nvram = flags.DOMAIN_UNDEFINE_NVRAM,
	keep_nvram = flags.DOMAIN_UNDEFINE_KEEP_NVRAM,
	tpm = flags.DOMAIN_UNDEFINE_TPM,
	keep_tpm = flags.DOMAIN_UNDEFINE_KEEP_TPM,
}

-- Flags about what the domain has not are left out: an older server may not know them.
local function needed_flags(ctl, opt, dom, active)
	local sum = ctl:flags(opt, UNDEFINE_FLAGS)
	if active or ctl.raw:domain_has_managed_save_image(dom, 0) == 0 then
		sum = sum & ~flags.DOMAIN_UNDEFINE_MANAGED_SAVE
	end
	if active or #ctl.raw:domain_list_all_snapshots(dom, 1, flags.DOMAIN_SNAPSHOT_LIST_METADATA).snapshots == 0 then
		sum = sum & ~flags.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
	end
	if active or #ctl.raw:domain_list_all_checkpoints(dom, 1, 0).checkpoints == 0 then
		sum = sum & ~flags.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
	end
	return sum
end

-- The volume of a disk, or nil after an error message.
local function volume_of(ctl, disk, target, path)
	local source = disk.source or {}
	if source.pool then
		local pool = ctl.raw:storage_pool_lookup_by_name(source.pool)
		return ctl.raw:storage_vol_lookup_by_name(pool, source.volume)
	end
	local ok, volume = pcall(ctl.raw.storage_vol_lookup_by_path, ctl.raw, path)
	if not ok then
		ctl:error("Storage volume '%s'(%s) is not managed by libvirt. Remove it manually.\n", target, path)
		return nil
	end
	return volume
end

-- The volumes that --storage and --remove-all-storage mean: { volume =, target =, path = }, ...
local function volumes_to_remove(ctl, opt, dom)
	local core = require "moonvisor.core"
	local def = core.conf.parse("domain", ctl.raw:domain_get_xml_desc(dom, flags.DOMAIN_XML_INACTIVE))
	local wanted, found = nil, {}
	if opt.storage then
		wanted = {}
		for word in opt.storage:gmatch "[^,]+" do
			wanted[#wanted + 1] = word
		end
	end
	local function is_wanted(target, path)
		for i, word in ipairs(wanted) do
			if word == target or word == path then
				table.remove(wanted, i)
				return true
			end
		end
	end
	for _, disk in ipairs(def.devices and def.devices.disks or {}) do
		local source, target = disk.source or {}, disk.target and disk.target.dev or ""
		local path = source.file or source.dir or source.name or source.dev or source.volume
		if path and (not wanted or is_wanted(target, path)) then
			local volume = volume_of(ctl, disk, target, path)
			if volume then
				found[#found + 1] = { volume = volume, target = target, path = path }
			end
		end
	end
	for _, word in ipairs(wanted or {}) do
		ctl:error("Volume '%s' was not found in domain's definition.\n", word)
	end
	if wanted and #wanted > 0 then
		return nil
	end
	return found
end

local function remove_volume(ctl, opt, item)
	local delete_flags = opt.delete_storage_volume_snapshots and flags.STORAGE_VOL_DELETE_WITH_SNAPSHOTS or 0
	if opt.wipe_storage then
		ctl:extra("Wiping volume '%s'(%s) ... ", item.target, item.path)
		local ok = pcall(ctl.raw.storage_vol_wipe, ctl.raw, item.volume, 0)
		if not ok then
			ctl:error "Failed! Volume not removed."
			return false
		end
		ctl:extra "Done.\n"
	end
	local ok, err = pcall(ctl.raw.storage_vol_delete, ctl.raw, item.volume, delete_flags)
	if not ok then
		ctl:error("Failed to remove storage volume '%s'(%s)", item.target, item.path)
		ctl:error("%s", ctl:error_text(err))
		return false
	end
	ctl:extra("Volume '%s'(%s) removed.\n", item.target, item.path)
	return true
end

-- A server that does not know the flags may do without them, but for firmware variables, which would be lost or kept.
local function undefine(ctl, opt, dom, undefine_flags)
	local ok, err = pcall(ctl.raw.domain_undefine_flags, ctl.raw, dom, undefine_flags)
	if ok then
		return
	end
	local unknown = type(err) == "table" and (err.code == "no_support" or err.code == "invalid_arg")
	if not unknown or opt.nvram or opt.managed_save then
		ctl:fail_because(err, "Failed to undefine domain '%s'", opt.domain)
	end
	ctl:attempt("Failed to undefine domain '%s'", opt.domain):domain_undefine(dom)
end

function run.undefine(ctl, opt)
	ctl:requires(opt, "delete-storage-volume-snapshots", "remove-all-storage")
	ctl:exclusive(opt, "nvram", "keep-nvram")
	ctl:exclusive(opt, "tpm", "keep-tpm")
	if opt.wipe_storage and not opt.storage and not opt.remove_all_storage then
		ctl:fail "'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'"
	end
	local dom = ctl:domain(opt.domain)
	local active = ctl.raw:domain_is_active(dom) == 1
	local undefine_flags = needed_flags(ctl, opt, dom, active)
	local volumes = {}
	if opt.storage or opt.remove_all_storage then
		if active then
			ctl:fail "Storage volume deletion is supported only on stopped domains"
		elseif opt.storage and opt.remove_all_storage then
			ctl:fail "Specified both --storage and --remove-all-storage"
		end
		volumes = volumes_to_remove(ctl, opt, dom)
		if not volumes then
			return false
		end
	end
	undefine(ctl, opt, dom, undefine_flags)
	ctl:extra("Domain '%s' has been undefined\n", opt.domain)
	local ok = true
	for _, item in ipairs(volumes) do
		ok = remove_volume(ctl, opt, item) and ok
	end
	return ok
end

-- --- displays and consoles -------------------------------------------------------------------------------------------

local function definition(ctl, dom, secure)
	local core = require "moonvisor.core"
	return (core.conf.parse("domain", ctl.raw:domain_get_xml_desc(dom, secure and flags.DOMAIN_XML_SECURE or 0)))
end

local function address_of(graphics)
	local address = graphics.listen
	for _, listen in ipairs(graphics.listens or {}) do
		address = address or (listen.type == "address" and listen.address or nil)
	end
	if address == "0.0.0.0" or address == "::" then
		return nil
	end
	return address
end

local function display_uri(graphics, password)
	local port, tls = graphics.port or 0, graphics.tls_port or 0
	if port <= 0 and tls <= 0 then
		return nil
	end
	local uri = graphics.type .. "://"
	if password and graphics.type == "vnc" and graphics.passwd then
		uri = uri .. ":" .. graphics.passwd .. "@"
	end
	local address = address_of(graphics) or "localhost"
	uri = uri .. (address:find(":", 1, true) and "[" .. address .. "]" or address)
	if port > 0 then
		uri = ("%s:%d"):format(uri, graphics.type == "vnc" and port - 5900 or port)
	end
	local sign = "?"
	if tls > 0 then
		uri = ("%s?tls-port=%d"):format(uri, tls)
		sign = "&"
	end
	if password and graphics.type == "spice" and graphics.passwd then
		uri = uri .. sign .. "password=" .. graphics.passwd
	end
	return uri
end

function run.domdisplay(ctl, opt)
	local dom = ctl:domain(opt.domain)
	if ctl.raw:domain_is_active(dom) ~= 1 then
		ctl:fail "Domain is not running"
	end
	local graphics, displays = definition(ctl, dom, opt.include_password).devices.graphics or {}, {}
	for _, kind in ipairs { "vnc", "spice", "rdp" } do
		for _, one in ipairs(graphics) do
			local uri = one.type == kind and (not opt.type or opt.type == kind) and display_uri(one, opt.include_password)
			if uri and (opt.all or #displays == 0) then
				displays[#displays + 1] = { type = kind, uri = uri }
				break
			end
		end
	end
	if #displays == 0 then
		if opt.type then
			ctl:fail("No graphical display with type '%s' found", opt.type)
		end
		ctl:fail "No graphical display found"
	end
	ctl:records {
		rows = displays, columns = { "type", "uri" }, name = "uri",
		text = function(rows)
			for _, row in ipairs(rows) do
				ctl:print(opt.all and "%s\n" or "%s", row.uri)
			end
		end,
	}
end

function run.vncdisplay(ctl, opt)
	local dom = ctl:domain(opt.domain)
	if ctl.raw:domain_is_active(dom) ~= 1 then
		ctl:fail "Domain is not running"
	end
	for _, one in ipairs(definition(ctl, dom).devices.graphics or {}) do
		if one.type == "vnc" then
			if (one.port or -1) < 0 then
				break
			end
			return ctl:info({
				{ "display", "", ("%s:%d"):format(address_of(one) or "", one.port - 5900) },
				{ "address", nil, address_of(one) }, { "port", nil, one.port },
			}, 0)
		end
	end
	ctl:fail "Failed to get VNC port. Is this domain using VNC?"
end

function run.ttyconsole(ctl, opt)
	local dom = ctl:domain(opt.domain)
	for _, console in ipairs(definition(ctl, dom).devices.consoles or {}) do
		if console.tty then
			return ctl:info({ { "tty", "", console.tty } }, 0)
		end
	end
	return false
end

local CONSOLE_FLAGS = { force = flags.DOMAIN_CONSOLE_FORCE, safe = flags.DOMAIN_CONSOLE_SAFE }

function run.console(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local terminal = require "moonvisor.terminal"
	if not terminal.isatty(0) then
		ctl:fail "Cannot run interactive console without a controlling TTY"
	elseif ctl.raw:domain_is_active(dom) ~= 1 then
		ctl:fail "The domain is not running"
	end
	return require("moonvisor.command.console").run(ctl, dom, opt.devname, ctl:flags(opt, CONSOLE_FLAGS))
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
