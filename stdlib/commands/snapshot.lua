-- The commands of the group Snapshot.

local commands = {
	{
		name = "snapshot-create",
		summary = "Create a snapshot from XML",
		description = "Create a snapshot (disk and RAM) from XML",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "xmlfile", kind = "string", complete = "file", help = "domain snapshot XML" },
			{ name = "redefine", kind = "bool", help = "redefine metadata for existing snapshot" },
			{ name = "current", kind = "bool", help = "with redefine, set current snapshot" },
			{ name = "no-metadata", kind = "bool", help = "take snapshot but create no metadata" },
			{ name = "halt", kind = "bool", help = "halt domain after snapshot is created" },
			{ name = "disk-only", kind = "bool", help = "capture disk state but not vm state" },
			{ name = "reuse-external", kind = "bool", help = "reuse any existing external files" },
			{ name = "quiesce", kind = "bool", help = "quiesce guest's file systems" },
			{ name = "atomic", kind = "bool", help = "require atomic operation" },
			{ name = "live", kind = "bool", help = "take a live snapshot" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
		},
	},
	{
		name = "snapshot-create-as",
		summary = "Create a snapshot from a set of args",
		description = "Create a snapshot (disk and RAM) from arguments",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "name", kind = "string", help = "name of snapshot" },
			{ name = "description", kind = "string", help = "description of snapshot" },
			{ name = "print-xml", kind = "bool", help = "print XML document rather than create" },
			{ name = "no-metadata", kind = "bool", help = "take snapshot but create no metadata" },
			{ name = "halt", kind = "bool", help = "halt domain after snapshot is created" },
			{ name = "disk-only", kind = "bool", help = "capture disk state but not vm state" },
			{ name = "reuse-external", kind = "bool", help = "reuse any existing external files" },
			{ name = "quiesce", kind = "bool", help = "quiesce guest's file systems" },
			{ name = "atomic", kind = "bool", help = "require atomic operation" },
			{ name = "live", kind = "bool", help = "take a live snapshot" },
			{ name = "validate", kind = "bool", help = "validate the XML against the schema" },
			{ name = "memspec", kind = "string", named = true,
				help = "memory attributes: [file=]name[,snapshot=type]" },
			{ name = "diskspec", kind = "argv",
				help = "disk attributes: "
					.. "disk[,snapshot=type][,driver=type][,stype=type][,file=name]" },
		},
	},
	{
		name = "snapshot-current",
		records = true,
		summary = "Get or set the current snapshot",
		description = "Get or set the current snapshot",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "name", kind = "bool", help = "list the name, rather than the full xml" },
			{ name = "security-info", kind = "bool",
				help = "include security sensitive information in XML dump" },
			{ name = "snapshotname", kind = "string", complete = "snapshot",
				help = "name of existing snapshot to make current" },
		},
	},
	{
		name = "snapshot-delete",
		summary = "Delete a domain snapshot",
		description = "Snapshot Delete",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "snapshotname", kind = "string", complete = "snapshot", help = "snapshot name" },
			{ name = "current", kind = "bool", help = "delete current snapshot" },
			{ name = "children", kind = "bool", help = "delete snapshot and all children" },
			{ name = "children-only", kind = "bool", help = "delete children but not snapshot" },
			{ name = "metadata", kind = "bool",
				help = "delete only libvirt metadata, leaving snapshot contents behind" },
		},
	},
	{
		name = "snapshot-dumpxml",
		records = true,
		summary = "Dump XML for a domain snapshot",
		description = "Snapshot Dump XML",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "snapshotname", kind = "data", required = true, complete = "snapshot",
				help = "snapshot name" },
			{ name = "security-info", kind = "bool",
				help = "include security sensitive information in XML dump" },
			{ name = "xpath", kind = "string", named = true,
				help = "xpath expression to filter the XML document" },
			{ name = "wrap", kind = "bool", help = "wrap xpath results in an common root element" },
		},
	},
	{
		name = "snapshot-edit",
		summary = "edit XML for a snapshot",
		description = "Edit the domain snapshot XML for a named snapshot",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "snapshotname", kind = "string", complete = "snapshot", help = "snapshot name" },
			{ name = "current", kind = "bool", help = "also set edited snapshot as current" },
			{ name = "rename", kind = "bool", help = "allow renaming an existing snapshot" },
			{ name = "clone", kind = "bool", help = "allow cloning to new name" },
		},
	},
	{
		name = "snapshot-info",
		records = true,
		summary = "snapshot information",
		description = "Returns basic information about a snapshot.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "snapshotname", kind = "string", complete = "snapshot", help = "snapshot name" },
			{ name = "current", kind = "bool", help = "info on current snapshot" },
		},
	},
	{
		name = "snapshot-list",
		records = true,
		summary = "List snapshots for a domain",
		description = "Snapshot List",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "parent", kind = "bool", help = "add a column showing parent snapshot" },
			{ name = "roots", kind = "bool", help = "list only snapshots without parents" },
			{ name = "leaves", kind = "bool", help = "list only snapshots without children" },
			{ name = "no-leaves", kind = "bool",
				help = "list only snapshots that are not leaves (with children)" },
			{ name = "metadata", kind = "bool",
				help = "list only snapshots that have metadata that would prevent undefine" },
			{ name = "no-metadata", kind = "bool",
				help = "list only snapshots that have no metadata managed by libvirt" },
			{ name = "inactive", kind = "bool", help = "filter by snapshots taken while inactive" },
			{ name = "active", kind = "bool",
				help = "filter by snapshots taken while active (full system snapshots)" },
			{ name = "disk-only", kind = "bool", help = "filter by disk-only snapshots" },
			{ name = "internal", kind = "bool", help = "filter by internal snapshots" },
			{ name = "external", kind = "bool", help = "filter by external snapshots" },
			{ name = "tree", kind = "bool", help = "list snapshots in a tree" },
			{ name = "from", kind = "string", complete = "snapshot",
				help = "limit list to children of given snapshot" },
			{ name = "current", kind = "bool", help = "limit list to children of current snapshot" },
			{ name = "descendants", kind = "bool", help = "with --from, list all descendants" },
			{ name = "name", kind = "bool", help = "list snapshot names only" },
			{ name = "topological", kind = "bool", help = "sort list topologically rather than by name" },
		},
	},
	{
		name = "snapshot-parent",
		records = true,
		summary = "Get the name of the parent of a snapshot",
		description = "Extract the snapshot's parent, if any",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "snapshotname", kind = "string", complete = "snapshot",
				help = "find parent of snapshot name" },
			{ name = "current", kind = "bool", help = "find parent of current snapshot" },
		},
	},
	{
		name = "snapshot-revert",
		summary = "Revert a domain to a snapshot",
		description = "Revert domain to snapshot",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "with snapshot",
				help = "domain name, id or uuid" },
			{ name = "snapshotname", kind = "string", complete = "snapshot", help = "snapshot name" },
			{ name = "current", kind = "bool", help = "revert to current snapshot" },
			{ name = "running", kind = "bool", help = "after reverting, change state to running" },
			{ name = "paused", kind = "bool", help = "after reverting, change state to paused" },
			{ name = "force", kind = "bool", help = "try harder on risky reverts" },
			{ name = "reset-nvram", kind = "bool",
				help = "re-initialize NVRAM from its pristine template" },
		},
	},
}

local core = require "moonvisor.core"
local moments = require "moonvisor.command.moments"

local run = {}

local XML_SECURE = 1 -- virDomainSnapshotXMLFlags

-- virDomainSnapshotCreateFlags
local REDEFINE, CURRENT = 1, 2
local CREATE_FLAGS = {
	no_metadata = 4, halt = 8, disk_only = 16, reuse_external = 32, quiesce = 64, atomic = 128, live = 256,
	validate = 512,
}

-- --- making them -----------------------------------------------------------------------------------------------------

run["snapshot-create"] = function(ctl, opt)
	local flags = ctl:flags(opt, CREATE_FLAGS) | (opt.redefine and REDEFINE or 0) | (opt.current and CURRENT or 0)
	local dom, path = ctl:domain(opt.domain), opt.xmlfile
	local xml = path and ctl:read_file(path) or "<domainsnapshot/>"
	moments.create(ctl, "snapshot", ctl.raw:domain_snapshot_create_xml(dom, xml, flags), path)
end

-- <memory>, of "[file=]PATH[,snapshot=TYPE]".
local function memory_xml(ctl, text)
	local snapshot, file
	for i, piece in ipairs(moments.split(text)) do
		local key, value = piece:match "^(%a+)=(.*)$"
		if key == "snapshot" then
			snapshot = value
		elseif key == "file" and not file then
			file = value
		elseif i == 1 then
			file = piece
		else
			ctl:fail("unable to parse memspec: %s", text)
		end
	end
	return "  <memory" .. (snapshot and (" snapshot='%s'"):format(moments.escape(snapshot)) or "")
		.. (file and (" file='%s'"):format(moments.escape(file)) or "") .. "/>\n"
end

-- <disk>, of "DISK[,snapshot=TYPE][,driver=TYPE][,stype=TYPE][,file=PATH]".
local function disk_xml(ctl, text)
	local pieces, values = moments.split(text), {}
	for i = 2, #pieces do
		local key, value = pieces[i]:match "^(%a+)=(.*)$"
		if key ~= "snapshot" and key ~= "driver" and key ~= "stype" and key ~= "file" then
			ctl:fail("unable to parse diskspec: %s", text)
		end
		values[key] = values[key] or moments.escape(value)
	end
	if values.stype and values.stype ~= "file" and values.stype ~= "block" then
		ctl:fail("Unknown storage type: '%s'", values.stype)
	end
	local head = ("    <disk name='%s'"):format(moments.escape(pieces[1]))
		.. (values.snapshot and (" snapshot='%s'"):format(values.snapshot) or "")
		.. (values.stype and (" type='%s'"):format(values.stype) or "")
	if not values.driver and not values.file then
		return head .. "/>\n"
	end
	return head .. ">\n" .. (values.driver and ("      <driver type='%s'/>\n"):format(values.driver) or "")
		.. (values.file and ("      <source %s='%s'/>\n"):format(values.stype == "block" and "dev" or "file", values.file)
		or "") .. "    </disk>\n"
end

run["snapshot-create-as"] = function(ctl, opt)
	local flags, dom = ctl:flags(opt, CREATE_FLAGS), ctl:domain(opt.domain)
	local xml = moments.xml(ctl, "domainsnapshot", opt, disk_xml, memory_xml)
	if opt.print_xml then
		ctl:print("%s\n", xml)
		return
	end
	moments.create(ctl, "snapshot", ctl.raw:domain_snapshot_create_xml(dom, xml, flags))
end

-- --- looking at them -------------------------------------------------------------------------------------------------

run["snapshot-dumpxml"] = function(ctl, opt)
	local snapshot = ctl.raw:domain_snapshot_lookup_by_name(ctl:domain(opt.domain), opt.snapshotname, 0)
	ctl:print_xml(ctl.raw:domain_snapshot_get_xml_desc(snapshot, opt.security_info and XML_SECURE or 0), opt)
end

run["snapshot-current"] = function(ctl, opt)
	ctl:exclusive(opt, "name", "snapshotname")
	local raw, dom, name = ctl.raw, ctl:domain(opt.domain), opt.snapshotname
	if name then
		local snapshot = raw:domain_snapshot_lookup_by_name(dom, name, 0)
		local xml = raw:domain_snapshot_get_xml_desc(snapshot, XML_SECURE)
		raw:domain_snapshot_create_xml(dom, xml, REDEFINE | CURRENT)
		ctl:extra("Snapshot %s set as current", name)
		return
	end
	if raw:domain_has_current_snapshot(dom, 0) == 0 then
		ctl:fail("domain '%s' has no current snapshot", dom.name)
	end
	local snapshot = raw:domain_snapshot_current(dom, 0)
	if opt.name then
		moments.show_name(ctl, snapshot.name)
	else
		ctl:print_xml(raw:domain_snapshot_get_xml_desc(snapshot, opt.security_info and XML_SECURE or 0))
	end
end

-- Whether memory or a disk is in a file of its own.
local function is_external(xml, state)
	if state == "disk-snapshot" or not xml:find "<memory[ /]" then
		return state == "disk-snapshot"
	end
	return core.xpath(xml, "/domainsnapshot/memory[@snapshot='external'] | "
		.. "/domainsnapshot/disks/disk[@snapshot='external']", false) ~= ""
end

run["snapshot-info"] = function(ctl, opt)
	local raw, dom = ctl.raw, ctl:domain(opt.domain)
	local snapshot = ctl:snapshot(opt, "snapshotname", dom, true)
	local current = raw:domain_snapshot_is_current(snapshot, 0) ~= 0
	local xml = raw:domain_snapshot_get_xml_desc(snapshot, 0)
	local facts = moments.facts(xml)
	local parent = moments.parent(ctl, "domain_snapshot_get_parent", snapshot)
	ctl:info {
		{ "name", "Name:", snapshot.name },
		{ "domain", "Domain:", dom.name },
		{ "current", "Current:", current },
		{ "state", "State:", facts.state },
		{ "location", "Location:", is_external(xml, facts.state) and "external" or "internal" },
		{ "parent", "Parent:", parent },
		{ "children", "Children:", raw:domain_snapshot_num_children(snapshot, 0) },
		{ "descendants", "Descendants:", raw:domain_snapshot_num_children(snapshot, 1) },
		{ "metadata", "Metadata:", raw:domain_snapshot_has_metadata(snapshot, 0) ~= 0 },
		{ "created", nil, facts.created },
	}
end

run["snapshot-parent"] = function(ctl, opt)
	local snapshot = ctl:snapshot(opt, "snapshotname", ctl:domain(opt.domain), true)
	local parent = moments.parent(ctl, "domain_snapshot_get_parent", snapshot)
	if not parent then
		ctl:fail("snapshot '%s' has no parent", snapshot.name)
	end
	moments.show_name(ctl, parent)
end

run["snapshot-list"] = function(ctl, opt)
	local raw = ctl.raw
	moments.list(ctl, opt, {
		noun = "snapshot", current = true, has_state = true, topological = moments.LIST_TOPOLOGICAL,
		filters = {
			{ "leaves", 4 }, { "no-leaves", 8 }, { "inactive", 32 }, { "active", 64 }, { "disk-only", 128 },
			{ "internal", 256 }, { "external", 512 },
		},
		flags = { { "topological", moments.LIST_TOPOLOGICAL }, { "metadata", 2 }, { "no-metadata", 16 } },
		start = function(dom)
			return ctl:snapshot(opt, "from", dom, true)
		end,
		all = function(dom, flags)
			return raw:domain_list_all_snapshots(dom, 1, flags).snapshots
		end,
		children = function(snapshot, flags)
			return raw:domain_snapshot_list_all_children(snapshot, 1, flags).snapshots
		end,
		xml = function(snapshot)
			return raw:domain_snapshot_get_xml_desc(snapshot, 0)
		end,
	})
end

-- --- changing them ---------------------------------------------------------------------------------------------------

local DELETE_CHILDREN, DELETE_METADATA_ONLY, DELETE_CHILDREN_ONLY = 1, 2, 4

run["snapshot-delete"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local snapshot = ctl:snapshot(opt, "snapshotname", dom, true)
	local flags = (opt.children and DELETE_CHILDREN or 0) | (opt.children_only and DELETE_CHILDREN_ONLY or 0)
		| (opt.metadata and DELETE_METADATA_ONLY or 0)
	ctl:attempt("Failed to delete snapshot %s", snapshot.name):domain_snapshot_delete(snapshot, flags)
	ctl:extra(opt.children_only and "Domain snapshot %s children deleted\n" or "Domain snapshot %s deleted\n",
		snapshot.name)
end

run["snapshot-revert"] = function(ctl, opt)
	local flags = ctl:flags(opt, { running = 1, paused = 2, force = 4, reset_nvram = 8 })
	local snapshot = ctl:snapshot(opt, "snapshotname", ctl:domain(opt.domain), true)
	ctl:attempt("Failed to revert snapshot %s", snapshot.name):domain_revert_to_snapshot(snapshot, flags)
	ctl:extra("Domain snapshot %s reverted\n", snapshot.name)
end

-- The name was changed: the old or the new one goes, or both stay, as the options say.
local function keep_one(ctl, opt, snapshot, edited)
	if opt.clone then
		ctl:extra("Snapshot %s cloned to %s.\n", snapshot.name, edited.name)
		return
	end
	local extra = opt.rename and snapshot or edited
	ctl:attempt("unable to clean up snapshot %s", extra.name):domain_snapshot_delete(extra, DELETE_METADATA_ONLY)
	if not opt.rename then
		ctl:fail("Must use --rename or --clone to change %s to %s", snapshot.name, edited.name)
	end
end

run["snapshot-edit"] = function(ctl, opt)
	ctl:exclusive(opt, "rename", "clone")
	local raw, dom = ctl.raw, ctl:domain(opt.domain)
	local make_current = opt.current and opt.snapshotname
	local snapshot = ctl:snapshot(opt, "snapshotname", dom, false)
	moments.edit(ctl, snapshot.name, {
		get = function()
			return raw:domain_snapshot_get_xml_desc(snapshot, XML_SECURE)
		end,
		define = function(xml)
			return raw:domain_snapshot_create_xml(dom, xml, REDEFINE | (make_current and CURRENT or 0))
		end,
		unchanged = function()
			if make_current then
				return false -- then the edit is that it becomes the current one
			end
			ctl:extra("Snapshot %s XML configuration not changed.\n", snapshot.name)
		end,
		done = function(edited)
			if edited.name ~= snapshot.name then
				keep_one(ctl, opt, snapshot, edited)
			else
				ctl:extra("Snapshot %s edited.\n", edited.name)
			end
		end,
	})
end

return { group = "Snapshot", keyword = "snapshot", commands = commands, run = run }
