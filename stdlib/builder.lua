-- From a specification (docs/spec.md), which says what somebody wants, to a configuration, which says all there is to
-- say: a table of the kind that vm.conf is. For drivers that take libvirt's XML.

local errors = require "moonvisor.errors"
local size = require "moonvisor.size"
local suggest = require "moonvisor.suggest"

local M = {}

-- What only specifications have; a table with none of these is a configuration already.
local only_specs = { "boot", "disks", "nics", "consoles", "serials", "rng", "balloon", "vsock", "panic", "vcpus",
	"hugepages", "prealloc", "paused", "sandbox", "console_slot" }

local function wrong(path, format, ...)
	errors.raise("xml", "%s: %s", path, format:format(...))
end

-- A set of the words of a text.
local function keys(text)
	local set = {}
	for key in text:gmatch "%S+" do
		set[key] = true
	end
	return set
end

-- The keys of each part of a specification.
local known = {
	spec = keys "name uuid title description memory cpu on_poweroff on_reboot on_crash",
	boot = keys "kernel initrd cmdline unpack",
	cpu = keys "sockets cores threads features",
	disk = keys "path volume target format size cache readonly discard serial queues queue_size slot bus device",
	nic = keys "network tap bridge mac mtu queues queue_size vhost offloads slot model",
	console = keys "name log",
	serial = keys "log",
}
for _, key in ipairs(only_specs) do
	known.spec[key] = true
end

-- Checks that a table has no keys but these.
local function only(path, values, set)
	for key in next, values do
		if not set[key] then
			local list = {}
			for name in pairs(set) do
				list[#list + 1] = name
			end
			wrong(path == "" and tostring(key) or path .. "." .. tostring(key), "There is no such key%s",
				suggest.hint(tostring(key), list))
		end
	end
end

-- What the drivers that read XML have no word for.
local not_in_xml = { "sandbox", "paused", "console_slot" }

local function refuse(path, values, list)
	for _, key in ipairs(list) do
		if values[key] ~= nil and values[key] ~= false then
			errors.raise("config_unsupported", "%s: libvirt's XML cannot say this; only drivers in this process know it.",
				path == "" and key or path .. "." .. key)
		end
	end
end

local function kib(path, value)
	if math.type(value) == "integer" and value >= 0 then
		return (value + 1023) // 1024
	end
	local ok, bytes = pcall(size.bytes, value)
	if not ok then
		wrong(path, "%s", tostring(bytes))
	end
	return (bytes + 1023) // 1024
end

local function switch(value)
	if value ~= nil then
		return value and "on" or "off"
	end
end

-- A device that is true (all defaults), false (none) or a table.
local function device(values, default)
	if values == nil then
		values = default
	end
	if values == true then
		return {}
	end
	return values or nil
end

local function target_name(index)
	index = index - 1
	local letters = string.char(97 + index % 26)
	return "vd" .. (index >= 26 and string.char(96 + index // 26) or "") .. letters
end

local function disk(path, values, index)
	only(path, values, known.disk)
	refuse(path, values, { "size", "slot" })
	local pool, volume = nil, nil
	if values.volume then
		pool, volume = values.volume:match "^([^/]+)/(.+)$"
		if not pool then
			wrong(path .. ".volume", "A volume is named POOL/NAME, not '%s'.", values.volume)
		end
	elseif not values.path then
		wrong(path, "A disk has a path or a volume.")
	end
	local block = values.path and values.path:find "^/dev/"
	return {
		type = volume and "volume" or block and "block" or "file",
		device = values.device or "disk",
		driver = { name = "qemu", type = values.format ~= "auto" and values.format or "raw", cache = values.cache,
			discard = values.discard and "unmap" or nil, queues = values.queues, queue_size = values.queue_size },
		source = { pool = pool, volume = volume, dev = block and values.path or nil,
			file = not volume and not block and values.path or nil },
		target = { dev = values.target or target_name(index), bus = values.bus or "virtio" },
		read_only = values.readonly,
		serial = values.serial,
	}
end

local function nic(path, values)
	only(path, values, known.nic)
	refuse(path, values, { "slot" })
	return {
		type = values.network and "network" or values.bridge and "bridge" or values.tap and "ethernet" or "user",
		mac = values.mac,
		source = { network = values.network, bridge = not values.network and values.bridge or nil },
		target = values.tap and { dev = values.tap } or nil,
		model = values.model or "virtio",
		mtu_size = values.mtu,
		driver = { name = values.vhost ~= nil and (values.vhost and "vhost" or "qemu") or nil, queues = values.queues,
			rx_queue_size = values.queue_size,
			host = values.offloads == false and { csum = "off", tso4 = "off", tso6 = "off" } or nil },
	}
end

local function each(path, list, make)
	if not list then
		return nil
	end
	local result = {}
	for i, values in ipairs(list) do
		result[i] = make(("%s[%d]"):format(path, i), values, i)
	end
	return result
end

local function serial(path, values, index)
	only(path, values, known.serial)
	return { type = "pty", log = values.log and { file = values.log } or nil, target = { port = index - 1 } }
end

local function consoles(spec, devices)
	if spec.consoles then
		devices.consoles, devices.channels = {}, {}
	end
	for i, values in ipairs(spec.consoles or {}) do
		local path = ("consoles[%d]"):format(i)
		only(path, values, known.console)
		local log = values.log and { file = values.log } or nil
		if values.name then
			table.insert(devices.channels, { type = "unix", log = log, target = { type = "virtio", name = values.name } })
		else
			table.insert(devices.consoles, { type = "pty", log = log, target = { type = "virtio" } })
		end
	end
end

local function cpu(values)
	if not values then
		return nil
	end
	only("cpu", values, known.cpu)
	local features = {}
	for name, on in pairs(values.features or {}) do
		features[#features + 1] = { policy = on and "require" or "disable", name = name }
	end
	table.sort(features, function(a, b)
		return a.name < b.name
	end)
	local topology = (values.sockets or values.cores or values.threads)
		and { sockets = values.sockets or 1, cores = values.cores or 1, threads = values.threads or 1 } or nil
	return { mode = "host-passthrough", check = "none", topology = topology, features = features }
end

local function is_spec(values)
	if values.devices or values.os then
		return false
	end
	for _, key in ipairs(only_specs) do
		if values[key] ~= nil then
			return true
		end
	end
	return type(values.memory) ~= "table"
end

--- A domain's configuration: that of a specification; a configuration is returned as it is.
---@param spec table
---@param kind? string   the domain's type, "kvm" where it is left out
---@return table
function M.domain(spec, kind)
	if not is_spec(spec) then
		return spec
	end
	only("", spec, known.spec)
	refuse("", spec, not_in_xml)
	local boot = spec.boot or {}
	only("boot", boot, known.boot)
	refuse("boot", boot, { "unpack" })
	local vcpus = spec.vcpus
	if not vcpus and spec.cpu then
		vcpus = (spec.cpu.sockets or 1) * (spec.cpu.cores or 1) * (spec.cpu.threads or 1)
	end
	local devices = {
		disks = each("disks", spec.disks, disk),
		interfaces = each("nics", spec.nics, nic),
		serials = each("serials", spec.serials, serial),
	}
	consoles(spec, devices)
	local rng, balloon, vsock = device(spec.rng), device(spec.balloon), device(spec.vsock)
	if rng then
		devices.rngs = { { model = "virtio", backend = { model = "random", path = rng.source or "/dev/urandom" } } }
	end
	if balloon or spec.balloon == false then
		balloon = balloon or {}
		devices.memballoons = { { model = spec.balloon == false and "none" or "virtio",
			autodeflate = switch(balloon.deflate_on_oom), free_page_reporting = switch(balloon.free_page_reporting) } }
	end
	if vsock then
		devices.vsocks = { { model = "virtio", address = vsock.cid } }
	end
	if spec.panic then
		devices.panics = { { model = "isa" } }
	end
	local memory = spec.memory and kib("memory", spec.memory) or wrong("memory", "It must be given.")
	return {
		type = kind or "kvm", name = spec.name, uuid = spec.uuid, title = spec.title, description = spec.description,
		memory = { size = memory },
		vcpu = { max = vcpus or 1 },
		cpu = cpu(spec.cpu),
		os = { type = { value = "hvm" }, kernel = boot.kernel, initrd = boot.initrd, cmdline = boot.cmdline },
		memory_backing = (spec.hugepages or spec.prealloc) and { hugepages = spec.hugepages and {} or nil,
			allocation = spec.prealloc and { mode = "immediate" } or nil } or nil,
		on_poweroff = spec.on_poweroff, on_reboot = spec.on_reboot, on_crash = spec.on_crash,
		devices = devices,
	}
end

return M
