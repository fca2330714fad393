#!/usr/bin/env mvsh
-- New domains from a template: the same definition under other names, with identities and disks of their own.

local args = require "moonvisor.args"
local conf = require "moonvisor.conf"
local virt = require "moonvisor"

local options, names = args.parse([[
provision.lua [-c URI] [--start] [--memory SIZE] [--vcpus N] TEMPLATE NAME...

  -c, --connect URI    the host (default: test:///default)
  --start              starts the new domains
  --memory SIZE        with so much memory instead of the template's: 2G, 512M
  --vcpus N            with so many virtual CPUs

A disk that is a volume of a storage pool is copied, as NAME-TARGET; a disk that is
only a file is refused, since two guests must not write to the same one (read-only
disks are shared). UUID and MAC addresses are made anew. When one of the domains
cannot be made, what was made for it is removed again.
]], { connect = "test:///default", start = false, memory = "?", vcpus = 0 })

local template_name = table.remove(names, 1)
if #names == 0 then
	io.stderr:write "provision.lua: a template and at least one name are needed; see --help\n"
	os.exit(2)
end

-- The volume that a disk is on, or nil.
local function volume_of(conn, disk)
	local source = disk.source or {}
	if disk.type == "volume" then
		return conn:pool(source.pool):volume(source.volume)
	end
	local path = source.file or source.dev
	local ok, volume = pcall(conn.volume, conn, path or "")
	return ok and volume or nil
end

-- Gives each disk of a definition its own volume. `made` collects them, for the case that something fails.
local function copy_disks(conn, definition, name, made)
	for _, disk in ipairs(definition.devices.disks or {}) do
		local source = disk.source or {}
		if not disk.read_only and (source.file or source.dev or source.volume) then
			local original = volume_of(conn, disk)
			if not original then
				error(("disk %s of '%s' is in no storage pool, so it cannot be copied"):format(disk.target.dev, template_name), 0)
			end
			local description = original.conf
			description.name, description.key, description.target = name .. "-" .. disk.target.dev, nil,
				{ format = description.target and description.target.format }
			local copy = original.pool:clone_volume(description, original)
			made[#made + 1] = copy
			disk.source = disk.type == "volume" and { pool = copy.pool.name, volume = copy.name }
				or { file = source.file and copy.path or nil, dev = source.dev and copy.path or nil }
		end
	end
end

local function provision(conn, template, name)
	local made = {}
	local ok, result = pcall(function()
		local definition = conf.parse("domain", template:description_xml { inactive = true, secure = true })
		definition.name, definition.uuid, definition.genid, definition.title = name, nil, nil, nil
		for _, card in ipairs(definition.devices.interfaces or {}) do
			card.mac, card.target = nil, nil
		end
		if options.memory then
			definition.memory, definition.current_memory = { size = virt.size(options.memory) // 1024 }, nil
		end
		if options.vcpus > 0 then
			definition.vcpu = { max = math.tointeger(options.vcpus) }
		end
		copy_disks(conn, definition, name, made)
		local vm = conn:define(definition)
		if options.start then
			vm:start()
		end
		return vm
	end)
	if not ok then
		for _, volume in ipairs(made) do
			volume:delete()
		end
	end
	return ok, result
end

local conn <close> = virt.open(options.connect)
local template = conn:domain(template_name)
local failed = 0
for _, name in ipairs(names) do
	local ok, result = provision(conn, template, name)
	if ok then
		print(("%s: %s, %s"):format(name, result.uuid, result.state))
	else
		io.stderr:write(name, ": ", tostring(result), "\n")
		failed = failed + 1
	end
end
os.exit(failed == 0 and 0 or 1, true)
