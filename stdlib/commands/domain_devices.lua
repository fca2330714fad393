-- The commands of the group Domain Management: devices.

local core = require "moonvisor.core"
local rates = require "moonvisor.command.rates"
local xml_tree = require "moonvisor.command.xml_tree"

local commands = {
	{
		name = "attach-device",
		summary = "attach device from an XML file",
		description = "Attach device from an XML <file>.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "file", kind = "data", required = true, complete = "file", help = "XML file" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "attach-disk",
		summary = "attach disk device",
		description = "Attach new disk device.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "source", kind = "data", required = true, empty_ok = true,
				help = "source of disk device or name of network disk" },
			{ name = "target", kind = "data", required = true, help = "target of disk device" },
			{ name = "targetbus", kind = "string", help = "target bus of disk device" },
			{ name = "driver", kind = "string", help = "driver of disk device" },
			{ name = "subdriver", kind = "string", help = "subdriver of disk device" },
			{ name = "iothread", kind = "string", complete = "iothread",
				help = "IOThread to be used by supported device" },
			{ name = "cache", kind = "string", help = "cache mode of disk device" },
			{ name = "io", kind = "string", help = "io policy of disk device" },
			{ name = "type", kind = "string", help = "target device type" },
			{ name = "shareable", alias_of = "mode", value = "shareable" },
			{ name = "mode", kind = "string", help = "mode of device reading and writing" },
			{ name = "sourcetype", kind = "string", help = "type of source (block|file|network)" },
			{ name = "serial", kind = "string", help = "serial of disk device" },
			{ name = "wwn", kind = "string", help = "wwn of disk device" },
			{ name = "alias", kind = "string", help = "custom alias name of disk device" },
			{ name = "rawio", kind = "bool", help = "needs rawio capability" },
			{ name = "address", kind = "string", help = "address of disk device" },
			{ name = "multifunction", kind = "bool",
				help = "use multifunction pci under specified address" },
			{ name = "print-xml", kind = "bool", help = "print XML document rather than attach the disk" },
			{ name = "source-protocol", kind = "string", help = "protocol used by disk device source" },
			{ name = "source-host-name", kind = "string", help = "host name for source of disk device" },
			{ name = "source-host-transport", kind = "string",
				help = "host transport for source of disk device" },
			{ name = "source-host-socket", kind = "string",
				help = "host socket for source of disk device" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "attach-interface",
		summary = "attach network interface",
		description = "Attach new network interface.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "type", kind = "data", required = true, help = "network interface type" },
			{ name = "source", kind = "data", required = true, help = "source of network interface" },
			{ name = "target", kind = "string", help = "target network name" },
			{ name = "mac", kind = "string", help = "MAC address" },
			{ name = "script", kind = "string", help = "script used to bridge network interface" },
			{ name = "model", kind = "string", help = "model type" },
			{ name = "alias", kind = "string", help = "custom alias name of interface device" },
			{ name = "inbound", kind = "string", help = "control domain's incoming traffics" },
			{ name = "outbound", kind = "string", help = "control domain's outgoing traffics" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
			{ name = "print-xml", kind = "bool",
				help = "print XML document rather than attach the interface" },
			{ name = "managed", kind = "bool",
				help = "libvirt will automatically detach/attach the device from/to host" },
			{ name = "source-mode", kind = "string", help = "mode attribute of <source/> element" },
		},
	},
	{
		name = "change-media",
		summary = "Change media of CD or floppy drive",
		description = "Change media of CD or floppy drive.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "path", kind = "data", required = true, complete = "disk",
				help = "Fully-qualified path or target of disk device" },
			{ name = "source", kind = "string", help = "source of the media" },
			{ name = "eject", kind = "bool", help = "Eject the media" },
			{ name = "insert", kind = "bool", help = "Insert the media" },
			{ name = "update", kind = "bool", help = "Update the media" },
			{ name = "current", kind = "bool",
				help = "can be either or both of --live and --config, depends on "
					.. "implementation hypervisor driver" },
			{ name = "live", kind = "bool", help = "alter live configuration of running domain" },
			{ name = "config", kind = "bool",
				help = "alter persistent configuration, effect observed on next boot" },
			{ name = "force", kind = "bool", help = "force media changing" },
			{ name = "print-xml", kind = "bool", help = "print XML document rather than change media" },
			{ name = "block", kind = "bool", help = "source media is a block device" },
		},
	},
	{
		name = "detach-device",
		summary = "detach device from an XML file",
		description = "Detach device from an XML <file>",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "file", kind = "data", required = true, complete = "file", help = "XML file" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "detach-device-alias",
		summary = "detach device from an alias",
		description = "Detach device identified by the given alias from a domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "alias", kind = "data", required = true, complete = "device_alias",
				help = "device alias" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
		},
	},
	{
		name = "detach-disk",
		summary = "detach disk device",
		description = "Detach disk device.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "target", kind = "data", required = true, complete = "disk",
				help = "target of disk device" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
			{ name = "print-xml", kind = "bool", help = "print XML document rather than detach the disk" },
		},
	},
	{
		name = "detach-interface",
		summary = "detach network interface",
		description = "Detach network interface.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "type", kind = "data", required = true, help = "network interface type" },
			{ name = "mac", kind = "string", complete = "domain_interface", help = "MAC address" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
			{ name = "print-xml", kind = "bool",
				help = "print XML document rather than detach the interface" },
		},
	},
	{
		name = "domif-setlink",
		summary = "set link state of a virtual interface",
		description = "Set link state of a domain's virtual interface. This command wraps usage of "
			.. "update-device command.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "interface", kind = "data", required = true, complete = "domain_interface",
				help = "interface device (MAC Address)" },
			{ name = "state", kind = "data", required = true, complete = "link_state",
				help = "new state of the device" },
			{ name = "persistent", alias_of = "config" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "print-xml", kind = "bool",
				help = "print XML document rather than set the interface link state" },
		},
	},
	{
		name = "update-device",
		summary = "update device from an XML file",
		description = "Update device from an XML <file>.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "file", kind = "data", required = true, complete = "file", help = "XML file" },
			{ name = "persistent", kind = "bool", help = "make live change persistent" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
			{ name = "force", kind = "bool", help = "force device update" },
		},
	},
	{
		name = "update-memory-device",
		summary = "update memory device of a domain",
		description = "Update values of a memory device of a domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "config", kind = "bool", help = "affect next boot" },
			{ name = "live", kind = "bool", help = "affect running domain" },
			{ name = "current", kind = "bool", help = "affect current domain" },
			{ name = "print-xml", kind = "bool",
				help = "print updated memory device XML instead of executing the change" },
			{ name = "alias", kind = "string", complete = "device_alias", help = "memory device alias" },
			{ name = "node", kind = "int", number = "uint", help = "memory device target node" },
			{ name = "requested-size", kind = "int", number = "scaled", unit = 1024,
				help = "new value of <requested/> size, as scaled integer (default KiB)" },
		},
	},
	{
		name = "dom-fd-associate",
		summary = "associate a FD with a domain",
		description = "associate a FD with a domain",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain",
				help = "domain name, id or uuid" },
			{ name = "name", kind = "data", required = true, help = "name of the FD group" },
			{ name = "pass-fds", kind = "data", required = true,
				help = "file descriptors N,M,... to associate" },
			{ name = "seclabel-writable", kind = "bool", help = "use seclabels allowing writes" },
			{ name = "seclabel-restore", kind = "bool",
				help = "try to restore security label after use if possible" },
		},
	},
}

local run = {}

local LIVE, CONFIG, FORCE = 1, 2, 4
local XML_INACTIVE = 2

-- --- what all of them share -----------------------------------------------------------------------------------------

local function check_affect(ctl, opt)
	ctl:exclusive(opt, "persistent", "current")
	ctl:exclusive(opt, "current", "config")
	ctl:exclusive(opt, "current", "live")
end

local function flags_of(opt)
	return (opt.config and CONFIG or 0) | (opt.live and LIVE or 0)
end

-- --persistent: the definition, and the running domain where there is one.
local function with_persistent(ctl, dom, opt, flags)
	if opt.persistent then
		flags = flags | CONFIG
		if ctl.raw:domain_is_active(dom) == 1 then
			flags = flags | LIVE
		end
	end
	return flags
end

local function attach(ctl, opt, dom, xml, flags, text, ...)
	local raw = ctl:attempt(text, ...)
	if flags ~= 0 or opt.current then
		raw:domain_attach_device_flags(dom, xml, flags)
	else
		raw:domain_attach_device(dom, xml)
	end
end

local function detach(ctl, opt, dom, xml, flags, text, ...)
	local raw = ctl:attempt(text, ...)
	if flags ~= 0 or opt.current then
		raw:domain_detach_device_flags(dom, xml, flags)
	else
		raw:domain_detach_device(dom, xml)
	end
end

-- The definition that a change with these flags is about, as a tree.
local function definition(ctl, dom, flags)
	local xml = ctl.raw:domain_get_xml_desc(dom, flags & CONFIG ~= 0 and XML_INACTIVE or 0)
	return xml_tree.parse(xml) or ctl:fail "(domain_definition): the driver's XML cannot be read"
end

local function same_mac(a, b)
	return a ~= nil and a:lower() == b:lower()
end

-- --- devices from files ---------------------------------------------------------------------------------------------

run["attach-device"] = function(ctl, opt)
	check_affect(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local file = opt.file
	local flags = with_persistent(ctl, dom, opt, flags_of(opt))
	attach(ctl, opt, dom, ctl:read_file(file), flags, "Failed to attach device from %s", file)
	ctl:extra "Device attached successfully\n"
end

run["detach-device"] = function(ctl, opt)
	check_affect(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local file = opt.file
	local xml = ctl:read_file(file)
	local flags = with_persistent(ctl, dom, opt, flags_of(opt))
	detach(ctl, opt, dom, xml, flags, "Failed to detach device from %s", file)
	ctl:extra "Device detached successfully\n"
end

run["detach-device-alias"] = function(ctl, opt)
	ctl:exclusive(opt, "current", "config")
	ctl:exclusive(opt, "current", "live")
	local dom = ctl:domain(opt.domain)
	ctl:attempt("Failed to detach device with alias %s", opt.alias)
		:domain_detach_device_alias(dom, opt.alias, flags_of(opt))
	ctl:extra "Device detach request sent successfully\n"
end

run["update-device"] = function(ctl, opt)
	check_affect(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local file = opt.file
	local xml = ctl:read_file(file)
	local flags = with_persistent(ctl, dom, opt, flags_of(opt)) | (opt.force and FORCE or 0)
	ctl:attempt("Failed to update device from %s", file):domain_update_device_flags(dom, xml, flags)
	ctl:extra "Device updated successfully\n"
end

-- --- XML of new devices ---------------------------------------------------------------------------------------------

-- Lines of XML, indented by two for each level.
local Writer = {}
Writer.__index = Writer

local function new_writer()
	return setmetatable({ depth = 0 }, Writer)
end

function Writer:line(format, ...)
	local values = table.pack(...)
	for i = 1, values.n do
		values[i] = type(values[i]) == "string" and xml_tree.escape(values[i]) or values[i]
	end
	self[#self + 1] = ("  "):rep(self.depth) .. format:format(table.unpack(values, 1, values.n)) .. "\n"
end

-- ` name='value'` of all that are given: pairs of name and value.
local function attributes(...)
	local list, text = table.pack(...), ""
	for i = 1, list.n, 2 do
		if list[i + 1] then
			text = text .. (" %s='%s'"):format(list[i], xml_tree.escape(list[i + 1]))
		end
	end
	return text
end

function Writer:element(name, attrs)
	self[#self + 1] = ("%s<%s%s/>\n"):format(("  "):rep(self.depth), name, attrs)
end

function Writer:open(name, attrs)
	self[#self + 1] = ("%s<%s%s>\n"):format(("  "):rep(self.depth), name, attrs)
	self.depth = self.depth + 1
end

function Writer:close(name)
	self.depth = self.depth - 1
	self[#self + 1] = ("%s</%s>\n"):format(("  "):rep(self.depth), name)
end

-- Numbers with `separators` between them, all of it: parse("1.2.3", "..", 10).
local function numbers(text, separators, base)
	local list, at = {}, 1
	for i = 1, #separators + 1 do
		local digits = text:match(base == 16 and "^%x+" or "^%d+", at)
		if base == 16 and text:find("^0[xX]%x", at) then
			digits = text:match("^0[xX]%x+", at)
			list[i] = tonumber(digits)
		else
			list[i] = digits and #digits < 16 and tonumber(digits, base)
		end
		if not list[i] then
			return nil
		end
		at = at + #digits
		if i <= #separators then
			if text:sub(at, at) ~= separators:sub(i, i) then
				return nil
			end
			at = at + 1
		end
	end
	return at > #text and list or nil
end

-- What <address> each kind of address of --address becomes.
local address_kinds = {
	pci = { "...", 16, "type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%0x'" },
	ccw = { "..", 16, "type='ccw' cssid='0x%02x' ssid='0x%01x' devno='0x%04x'" },
	scsi = { "..", 10, "type='drive' controller='%u' bus='%u' unit='%u'" },
	ide = { "..", 10, "type='drive' controller='%u' bus='%u' unit='%u'" },
	sata = { "..", 10, "type='drive' controller='%u' bus='%u' unit='%u'" },
	usb = { ".", 10, "type='usb' bus='%u' port='%u'" },
}

-- Which kinds a target's name allows, and what virsh says of others.
local address_rules = {
	{ "^vd", "pci ccw", "expecting a pci:0000.00.00.00 or ccw:00.0.0000 address." },
	{ "^sd", "scsi usb sata", "expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address." },
	{ "^hd", "ide", "expecting an ide:00.00.00 address." },
}

local function address_of(ctl, text, target, multifunction)
	local kind, rest = text:match "^(%a+):(.*)$"
	local form = address_kinds[kind]
	local list = form and numbers(rest, form[1], form[2])
	if not list then
		ctl:fail "Invalid address."
	end
	for _, rule in ipairs(address_rules) do
		if target:find(rule[1]) and not (" " .. rule[2] .. " "):find(" " .. kind .. " ", 1, true) then
			ctl:fail("%s", rule[3])
		end
	end
	return "<address " .. form[3]:format(table.unpack(list))
		.. (kind == "pci" and multifunction and " multifunction='on'" or "") .. "/>"
end

-- --- disks ----------------------------------------------------------------------------------------------------------

local source_attributes = { file = "file", block = "dev", network = "name" }

local function is_block_device(path)
	return path ~= "" and core.file_type(path) == "block"
end

local function source_type(ctl, opt)
	local kind, protocol = opt.sourcetype, opt.source_protocol
	if kind and not source_attributes[kind] then
		ctl:fail("Unknown source type: '%s'", kind)
	elseif not kind then
		return protocol and "network" or is_block_device(opt.source) and "block" or "file"
	elseif (kind == "network") ~= (protocol ~= nil) then
		ctl:fail "--source-protocol option requires --sourcetype network"
	end
	return kind
end

local function disk_source(writer, opt, kind)
	if kind ~= "network" then
		writer:element("source", attributes(source_attributes[kind], opt.source))
		return
	end
	local attrs = attributes("protocol", opt.source_protocol, "name", opt.source)
	local host, port = opt.source_host_name, nil
	if host and host:find ":" then
		host, port = host:match "^(.-):(.*)$"
	end
	local host_attrs = attributes("transport", opt.source_host_transport, "socket", opt.source_host_socket, "name", host,
		"port", port)
	if host_attrs == "" then
		writer:element("source", attrs)
		return
	end
	writer:open("source", attrs)
	writer:element("host", host_attrs)
	writer:close "source"
end

local function disk_xml(ctl, opt)
	local mode = opt.mode
	if mode and mode ~= "readonly" and mode ~= "shareable" then
		ctl:fail("No support for %s in command 'attach-disk'", mode)
	end
	local kind = source_type(ctl, opt)
	local address = opt.address and address_of(ctl, opt.address, opt.target, opt.multifunction)
	local writer = new_writer()
	writer:open("disk", attributes("type", kind, "device", opt.type, "rawio", opt.rawio and "yes"))
	local driver = attributes("name", opt.driver, "type", opt.subdriver, "iothread", opt.iothread,
		"cache", opt.cache, "io", opt.io)
	if driver ~= "" then
		writer:element("driver", driver)
	end
	disk_source(writer, opt, kind)
	writer:element("target", attributes("dev", opt.target, "bus", opt.targetbus))
	if mode then
		writer:element(mode, "")
	end
	if opt.serial then
		writer:line("<serial>%s</serial>", opt.serial)
	end
	if opt.alias then
		writer:element("alias", attributes("name", opt.alias))
	end
	if opt.wwn then
		writer:line("<wwn>%s</wwn>", opt.wwn)
	end
	if address then
		writer[#writer + 1] = "  " .. address .. "\n"
	end
	writer:close "disk"
	return table.concat(writer)
end

run["attach-disk"] = function(ctl, opt)
	check_affect(ctl, opt)
	ctl:exclusive(opt, "source-host-name", "source-host-socket")
	ctl:requires(opt, "source-host-name", "source-protocol")
	ctl:requires(opt, "source-host-socket", "source-protocol")
	ctl:requires(opt, "source-host-socket", "source-host-transport")
	local source, target = opt.source, opt.target
	local xml = source and target and disk_xml(ctl, opt)
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	local dom = ctl:domain(opt.domain)
	attach(ctl, opt, dom, xml, with_persistent(ctl, dom, opt, flags_of(opt)), "Failed to attach disk")
	ctl:extra "Disk attached successfully\n"
end

-- The disk with this target or source; only drives whose medium can change when `drives` is true.
local function find_disk(ctl, domain, path, drives)
	for disk in domain:each("devices", "disk") do
		local device = disk:attr "device"
		if not drives or device == "cdrom" or device == "floppy" then
			local source, target = disk:child "source", disk:child "target"
			local from = source and (source:attr "file" or source:attr "dev" or source:attr "dir" or source:attr "name")
			if from == path or target and target:attr "dev" == path then
				return disk
			end
		end
	end
	ctl:fail("No disk found whose source path or target is %s", path)
end

run["detach-disk"] = function(ctl, opt)
	check_affect(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local target = opt.target
	local flags = with_persistent(ctl, dom, opt, flags_of(opt))
	local xml = find_disk(ctl, definition(ctl, dom, flags), target):dump()
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	detach(ctl, opt, dom, xml, flags, "Failed to detach disk")
	ctl:extra "Disk detached successfully\n"
end

-- The same drive with another medium, or with none.
local function change_medium(ctl, opt, disk, action)
	local path, target = opt.path, disk:child "target"
	local source, at = disk:child "source"
	local block = opt.block
	local new = opt.source
	disk:set("type", block and "block" or "file")
	if action == "eject" then
		if not source then
			ctl:fail("The disk device '%s' doesn't have media", path)
		end
		table.remove(disk, at)
		return
	end
	if not new then
		if action == "update" and not source then
			ctl:fail("The disk device '%s' doesn't have media", path)
		end
		ctl:fail "New disk media source was not specified"
	elseif source and action == "insert" then
		ctl:fail("The disk device '%s' already has media", path)
	end
	local replacement = xml_tree.node("source", { { block and "dev" or "file", new } })
	if source then
		local policy = source:attr "startupPolicy"
		if policy then
			replacement:set("startupPolicy", policy)
		end
		table.remove(disk, at)
	end
	local _, place = disk:child "target"
	local space = type(disk[place - 1]) == "string" and disk[place - 1]:match "\n?[^\n]*$" or ""
	assert(target)
	table.insert(disk, place, replacement)
	table.insert(disk, place + 1, space)
end

run["change-media"] = function(ctl, opt)
	ctl:exclusive(opt, "eject", "insert")
	ctl:exclusive(opt, "eject", "update")
	ctl:exclusive(opt, "insert", "update")
	ctl:exclusive(opt, "eject", "block")
	ctl:exclusive(opt, "current", "config")
	ctl:exclusive(opt, "current", "live")
	local action = opt.eject and "eject" or opt.insert and "insert" or "update"
	local path, flags = opt.path, flags_of(opt)
	ctl:given(opt, "source")
	local source = opt.source
	local dom = ctl:domain(opt.domain)
	local disk = find_disk(ctl, definition(ctl, dom, flags), path, true)
	change_medium(ctl, opt, disk, (source or opt.insert or opt.eject or opt.update) and action or "insert-or-update")
	local xml = disk:dump()
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	ctl:attempt("Failed to complete action %s on media", action)
		:domain_update_device_flags(dom, xml, flags | (opt.force and FORCE or 0))
	local done = { eject = "ejected", insert = "inserted", update = "updated" }
	ctl:extra("Successfully %s media.\n", done[action])
end

-- --- interfaces -----------------------------------------------------------------------------------------------------

local function rate_attributes(rate)
	local text = ""
	for _, name in ipairs(rates.names) do
		if rate[name] and rate[name] > 0 then
			text = text .. (" %s='%d'"):format(name, rate[name])
		end
	end
	return text
end

local function bandwidth(ctl, opt)
	local inbound, outbound
	if opt.inbound then
		inbound = rates.parse(ctl, opt.inbound)
		if (inbound.average or 0) == 0 and (inbound.floor or 0) == 0 then
			ctl:fail "either inbound average or floor is mandatory"
		end
	end
	if opt.outbound then
		outbound = rates.parse(ctl, opt.outbound)
		if (outbound.average or 0) == 0 then
			ctl:fail "outbound average is mandatory"
		elseif (outbound.floor or 0) > 0 then
			ctl:fail "outbound floor is unsupported yet"
		end
	end
	return inbound, outbound
end

local interface_sources = {
	network = function(writer, opt) writer:element("source", attributes("network", opt.source)) end,
	bridge = function(writer, opt) writer:element("source", attributes("bridge", opt.source)) end,
	direct = function(writer, opt) writer:element("source", attributes("dev", opt.source)) end,
	vhostuser = function(writer, opt, ctl)
		if not opt.source_mode then
			ctl:fail "source-mode is mandatory"
		end
		writer:element("source", attributes("type", "unix", "path", opt.source, "mode", opt.source_mode))
	end,
	hostdev = function(writer, opt, ctl)
		local address = numbers(opt.source, "::.", 16)
		if not address then
			ctl:fail("cannot parse pci address '%s' for network interface", opt.source)
		end
		writer:open("source", "")
		writer:line("<address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>",
			table.unpack(address))
		writer:close "source"
	end,
}

local function interface_xml(ctl, opt)
	local kind = opt.type
	local source = interface_sources[kind]
	if not source then
		ctl:fail("No support for %s in command 'attach-interface'", kind)
	end
	local mode = opt.source_mode
	if mode and mode ~= "server" and mode ~= "client" then
		ctl:fail("Invalid source mode: %s", mode)
	end
	local inbound, outbound = bandwidth(ctl, opt)
	local writer = new_writer()
	writer:open("interface", attributes("type", kind, "managed", opt.managed and "yes"))
	source(writer, opt, ctl)
	for _, item in ipairs { { "target", "dev" }, { "mac", "address" }, { "script", "path" }, { "model", "type" },
		{ "alias", "name" } } do
		if opt[item[1]] then
			writer:element(item[1], attributes(item[2], opt[item[1]]))
		end
	end
	if inbound or outbound then
		writer:open("bandwidth", "")
		if inbound then
			writer:element("inbound", rate_attributes(inbound))
		end
		if outbound then
			writer:element("outbound", rate_attributes(outbound))
		end
		writer:close "bandwidth"
	end
	writer:close "interface"
	return table.concat(writer)
end

run["attach-interface"] = function(ctl, opt)
	check_affect(ctl, opt)
	local xml = opt.type and opt.source and interface_xml(ctl, opt)
	if opt.print_xml then
		ctl:print("%s", xml)
		return
	end
	local dom = ctl:domain(opt.domain)
	attach(ctl, opt, dom, xml, with_persistent(ctl, dom, opt, flags_of(opt)), "Failed to attach interface")
	ctl:extra "Interface attached successfully\n"
end

-- The interface of the type, or with the MAC address; says why there is none.
local function find_interface(ctl, domain, kind, mac)
	local found = {}
	for interface in domain:each("devices", "interface") do
		if interface:attr "type" == kind then
			found[#found + 1] = interface
		end
	end
	if #found == 0 then
		ctl:error("No interface found whose type is %s", kind)
		return nil
	elseif not mac and #found > 1 then
		ctl:error("Domain has %d interfaces. Please specify which one to detach using --mac", #found)
		return nil
	elseif not mac then
		return found[1]
	end
	local matches = {}
	for _, interface in ipairs(found) do
		local node = interface:child "mac"
		if node and same_mac(node:attr "address", mac) then
			matches[#matches + 1] = interface
		end
	end
	if #matches > 1 then
		ctl:error("Domain has multiple interfaces matching MAC address %s. You must use detach-device and specify "
			.. "the device pci address to remove it.", mac)
		return nil
	elseif #matches == 0 then
		ctl:error("No interface with MAC address %s was found", mac)
	end
	return matches[1]
end

run["detach-interface"] = function(ctl, opt)
	check_affect(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local kind, mac = opt.type, opt.mac
	local config = opt.config or opt.persistent
	local live = opt.live or opt.persistent and ctl.raw:domain_is_active(dom) == 1

	local function change(flags)
		local interface = find_interface(ctl, definition(ctl, dom, flags), kind, mac)
		if not interface then
			if not opt.print_xml then
				ctl:error "Failed to detach interface"
			end
			return false
		elseif opt.print_xml then
			ctl:print("%s", interface:dump())
			return true
		end
		detach(ctl, opt, dom, interface:dump(), flags, "Failed to detach interface")
		return true
	end

	if config and not change(CONFIG) then
		return false
	end
	if (live or not config) and not change(live and LIVE or 0) then
		return false
	end
	if not opt.print_xml then
		ctl:extra "Interface detached successfully\n"
	end
end

run["domif-setlink"] = function(ctl, opt)
	local dom = ctl:domain(opt.domain)
	local name, state = opt.interface, opt.state
	if state ~= "up" and state ~= "down" then
		ctl:fail("invalid link state '%s'", state)
	end
	local config = opt.config
	local flags = (config or ctl.raw:domain_is_active(dom) == 0) and CONFIG or LIVE
	local found
	for interface in definition(ctl, dom, config and CONFIG or 0):each("devices", "interface") do
		local mac, target = interface:child "mac", interface:child "target"
		if mac and same_mac(mac:attr "address", name) or target and target:attr "dev" == name then
			if found then
				ctl:fail "multiple matching interfaces found"
			end
			found = interface
		end
	end
	if not found then
		ctl:fail("interface '%s' not found", name)
	end
	local link = found:child "link"
	if link then
		link:set("state", state)
	else
		found[#found + 1] = xml_tree.node("link", { { "state", state } })
	end
	if opt.print_xml then
		ctl:print("%s", found:dump())
		return
	end
	ctl:attempt("Failed to update interface link state"):domain_update_device_flags(dom, found:dump(), flags)
	ctl:extra "Device updated successfully\n"
end

-- --- memory ---------------------------------------------------------------------------------------------------------

-- The memory device with this alias or on this node; the only one without either.
local function find_memory(ctl, domain, alias, node)
	local found = {}
	for memory in domain:each("devices", "memory") do
		local name, target = memory:child "alias", memory:child "target"
		local on = target and target:child "node"
		if not alias and not node or alias and name and name:attr "name" == alias
			or node and on and tonumber(on:text()) == node then
			found[#found + 1] = memory
		end
	end
	if #found == 0 then
		ctl:fail "no memory device found"
	elseif #found > 1 then
		ctl:fail "multiple memory devices found, use --alias or --node to select one"
	end
	return found[1]
end

run["update-memory-device"] = function(ctl, opt)
	ctl:exclusive(opt, "current", "config")
	ctl:exclusive(opt, "current", "live")
	ctl:exclusive(opt, "node", "alias")
	local dom = ctl:domain(opt.domain)
	local flags, alias, node = flags_of(opt), opt.alias, opt.node
	local memory = find_memory(ctl, definition(ctl, dom, flags), alias, node)
	local size = opt.requested_size
	if size then
		local target = memory:child "target"
		local requested = target and target:child "requested"
		if not requested then
			ctl:fail("virtio-mem device is missing <requested/>")
		end
		for i = #requested, 1, -1 do
			requested[i] = nil
		end
		requested[1] = tostring(size // 1024)
		if requested:attr "unit" then
			requested:set("unit", "KiB")
		end
	end
	if opt.print_xml then
		ctl:print("%s", memory:dump())
		return
	end
	ctl.raw:domain_update_device_flags(dom, memory:dump(), flags)
end
-- --- descriptors ----------------------------------------------------------------------------------------------------

run["dom-fd-associate"] = function(ctl, opt)
	local dom, name = ctl:domain(opt.domain), opt.name
	for number in (opt.pass_fds .. ","):gmatch "([^,]*)," do
		if not number:find "^%d+$" then
			ctl:fail("Unable to parse FD number '%s'", number)
		end
	end
	ctl.raw:domain_fd_associate(dom, name, (opt.seclabel_restore and 1 or 0) | (opt.seclabel_writable and 2 or 0))
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
