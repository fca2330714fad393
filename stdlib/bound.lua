-- Methods and properties that are calls of the driver, made of their descriptions (bindings/spec/define.lua).

local errors = require "moonvisor.errors"
local flags = require "moonvisor.flags"
local forms = require "moonvisor.forms"
local objects = require "moonvisor.objects"
local raw = require "moonvisor.raw"
local suggest = require "moonvisor.suggest"

local M = {}

-- Kinds of configuration that a parameter may be given as a table (or a name), and the kind that formats it.
local kinds = {
	domain_conf = "domain", device_conf = "device", network_conf = "network", pool_conf = "storagepool",
	volume_conf = "storagevol", interface_conf = "interface",
	device_xml = "nodedev", secret_conf = "secret", nwfilter_conf = "nwfilter",
	nwfilter_binding_conf = "nwfilterbinding", snapshot_conf = "domainsnapshot", checkpoint_conf = "domaincheckpoint",
}

-- Devices by their elements, and what the structures are called that differ.
local devices = { "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial", "parallel",
	"console", "channel", "input", "tpm", "graphics", "sound", "audio", "video", "hostdev", "redirdev", "hub", "watchdog",
	"memballoon", "rng", "nvram", "panic", "shmem", "memory", "iommu", "vsock" }
local structures = { interface = "domain_interface", memory = "memory_device" }

-- XML of a device that is given as { disk = { ... } }.
local function device_xml(value)
	local element, device = next(value)
	if type(element) ~= "string" or type(device) ~= "table" or next(value, element) ~= nil then
		errors.raise("invalid_arg", "A device is XML, or a table with one key, which says what it is, like "
			.. "{ disk = { ... } }.")
	end
	for _, known in ipairs(devices) do
		if known == element then
			return require("moonvisor.conf").format(structures[element] or element, device)
		end
	end
	errors.raise("invalid_arg", "There is no device '%s'%s They are: %s.", element, suggest.hint(element, devices),
		table.concat(devices, ", "))
end

--- XML of a configuration that is given as XML, as a table, or, where that is enough, as a name.
function M.xml_of(kind, value)
	local conf = require "moonvisor.conf"
	if type(value) == "table" and kind == "device" then
		return device_xml(value)
	elseif type(value) == "table" then
		return conf.format(kind, value)
	elseif (kind == "domainsnapshot" or kind == "domaincheckpoint") and not value:find "<" then
		return conf.format(kind, { name = value })
	end
	return value
end

-- The sum of the flags of the options that are set.
local function sum(options, always, given)
	local total = always
	for _, option in ipairs(options) do
		if option.flag and given[option.name] then
			total = total | flags[option.flag]
		end
	end
	return total
end

local function index_of(list, name)
	for i, item in ipairs(list) do
		if item.name == name then
			return i, item
		end
	end
end

-- A function (self, conn, arguments, options) for one word of `call`.
local function source(word, method)
	local options = method.options or {}
	if word == "self" then
		return objects.ref
	elseif word:match "^self%." then
		local field = word:sub(6)
		return function(self)
			return objects.ref(self)[field]
		end
	elseif word == "flags" then
		local always = method.always and flags[method.always] or 0
		return function(_, _, given)
			return sum(options, always, given)
		end
	elseif word == "-" then
		return function() end
	elseif word:sub(1, 1) == "=" then
		local number = math.tointeger(tonumber(word:sub(2)))
		return function()
			return number
		end
	end
	local name, form = word:match "^([%w_]+):?([%w_]*)$"
	local convert = form ~= "" and assert(forms.into[form], word)
	local index, param = index_of(method.params or {}, name)
	local option = not index and select(2, index_of(options, name))
	local item = assert(param or option, word)
	local kind = kinds[item.type]
	local class = objects.is_class(item.type)
	return function(_, arguments, given)
		local value
		if index then
			value = arguments[index]
		else
			value = given[name]
		end
		if value == nil then
			return nil
		elseif convert then
			return convert(value)
		elseif kind then
			return M.xml_of(kind, value)
		elseif class then
			return objects.open_ref(value)
		end
		return value
	end
end

--- The function behind a described method or property: (self, checked parameters..., options).
---@param method table   its description, with `call`
function M.method(method)
	local name, rest = method.call:match "^(%S+)%s*(.*)$"
	local sources = {}
	for word in rest:gmatch "%S+" do
		sources[#sources + 1] = source(word, method)
	end
	local result = forms.result(method.result)
	local count, params = #sources, #(method.params or {})
	local returns = method.returns == nil or #method.returns > 0 -- a property has none, but a value
	return function(self, ...)
		local conn = objects.conn(self)
		local arguments = { ... }
		local given = arguments[params + 1] or {}
		local values = {}
		for i = 1, count do
			values[i] = sources[i](self, arguments, given)
		end
		local handle = raw.of(conn)
		local found = result(handle[name](handle, table.unpack(values, 1, count)), conn)
		if returns then
			return found
		end
	end
end

return M
