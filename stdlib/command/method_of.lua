-- Calls as the methods and properties that programs use: what `explain` and `--dry-run` print. The descriptions in
-- bindings/spec/ say which call a method makes of its arguments; here they are read the other way round.

local flags = require "moonvisor.flags"
local forms = require "moonvisor.forms"
local spec = require "moonvisor.spec"

local M = {}

-- Finders of objects: call -> how the owner finds it. What they return stands for the object itself.
local finders = {}
for class, finder in pairs { domain = "domain", network = "network", storage_pool = "pool", interface = "interface",
	node_device = "device", secret = "secret", nwfilter = "nwfilter" } do
	for _, way in ipairs { "name", "uuid", "id", "mac_string" } do
		finders[("%s_lookup_by_%s"):format(class, way)] = finder
	end
end
finders.nwfilter_binding_lookup_by_port_dev = "nwfilter_binding"
finders.storage_vol_lookup_by_key, finders.storage_vol_lookup_by_path = "volume", "volume"

-- Older calls, and what the newer ones take besides.
local newer = {
	domain_set_memory = { "domain_set_memory_flags", 0 }, domain_set_max_memory = { "domain_set_memory_flags", 4 },
	domain_create = { "domain_create_with_flags", 0 }, domain_shutdown = { "domain_shutdown_flags", 0 },
	domain_destroy = { "domain_destroy_flags", 0 }, domain_undefine = { "domain_undefine_flags", 0 },
	domain_set_vcpus = { "domain_set_vcpus_flags", 0 }, domain_pin_vcpu = { "domain_pin_vcpu_flags", 0 },
	domain_attach_device = { "domain_attach_device_flags", 0 }, domain_detach_device = { "domain_detach_device_flags", 0 },
	domain_abort_job = { "domain_abort_job_flags", 0 }, network_create_xml = { "network_create_xml_flags", 0 },
	network_define_xml = { "network_define_xml_flags", 0 }, nwfilter_define_xml = { "nwfilter_define_xml_flags", 0 },
	domain_define_xml = { "domain_define_xml_flags", 0 }, storage_vol_wipe = { "storage_vol_wipe_pattern", 0 },
}

-- Calls of methods that are written by hand, or that another description is for, described as the others are.
local by_hand = {
	domain_define_xml_flags = { class = "Connection", method = "define", words = { "description", "flags" } },
	domain_create_xml = { class = "Connection", method = "create", words = { "description", "flags" } },
	domain_restore = { class = "Connection", method = "restore", words = { "path" } },
	domain_restore_flags = { class = "Connection", method = "restore", words = { "path", "xml", "flags" } },
	-- Older calls that lack what the newer ones take in their middle, or count in another unit.
	domain_save = { class = "Domain", method = "save", words = { "self", "path" } },
	domain_core_dump = { class = "Domain", method = "core_dump", words = { "self", "path", "flags" } },
	domain_block_resize = { class = "Domain", method = "block_resize", words = { "self", "disk", "size:KiB", "=0" } },
	node_device_dettach = { class = "NodeDevice", method = "detach", words = { "self.name" } },
}

local made_by -- call -> list of { class, item, words }

local function index()
	local list = {}
	local function add(call, entry)
		list[call] = list[call] or {}
		table.insert(list[call], entry)
	end
	for _, class in ipairs(spec.classes) do
		for _, items in ipairs { class.properties, class.methods } do
			for _, item in ipairs(items) do
				local call, rest = (item.call or ""):match "^(%S+)%s*(.*)$"
				if call then
					local words = {}
					for word in rest:gmatch "%S+" do
						words[#words + 1] = word
					end
					add(call, { class = class, item = item, words = words, property = items == class.properties })
				end
			end
		end
	end
	for call, entry in pairs(by_hand) do
		local class = spec.class(entry.class)
		for _, item in ipairs(class.methods) do
			if item.name == entry.method then
				add(call, { class = class, item = item, words = entry.words })
			end
		end
	end
	return list
end

local function size_text(kib)
	for _, unit in ipairs { { "T", 1 << 30 }, { "G", 1 << 20 }, { "M", 1 << 10 } } do
		if kib > 0 and kib % unit[2] == 0 then
			return ('"%d%s"'):format(kib // unit[2], unit[1])
		end
	end
	return tostring(kib * 1024)
end

-- An argument of the call as the method takes it; nil where that cannot be said.
local function in_form(form, value, literal)
	if form == "" then
		return literal(value)
	elseif form == "KiB" and math.type(value) == "integer" then
		return size_text(value)
	elseif form == "number" and math.type(value) == "integer" then
		return value ~= 0 and "true" or "false"
	elseif form == "cpumap" and type(value) == "string" then
		return ("%q"):format(forms.cpuset(value))
	elseif form == "params" and type(value) == "table" then
		local parts = {}
		for i, param in ipairs(value) do
			local key = param.field:find "^[%a_][%w_]*$" and param.field or ("[%q]"):format(param.field)
			parts[i] = key .. " = " .. literal(param.value)
		end
		return "{ " .. table.concat(parts, ", ") .. " }"
	elseif form == "stats_types" and math.type(value) == "integer" and value >> #forms.stats_groups == 0 then
		local parts = {}
		for i, group in ipairs(forms.stats_groups) do
			parts[#parts + 1] = value >> i - 1 & 1 == 1 and ("%q"):format(group) or nil
		end
		return #parts == 0 and "0" or #parts == 1 and parts[1] or "{ " .. table.concat(parts, ", ") .. " }"
	elseif form == "refs" and type(value) == "table" then
		return literal(value)
	elseif spec.values[form] then
		local word = spec.values[form][value + 1 - (spec.values[form].first or 0)]
		return word and ("%q"):format(word)
	end
end

-- The options that flags stand for, or nil when some bits stand for none.
local function options_of(item, value, always)
	local given = {}
	if value & always ~= always then
		return nil
	end
	value = value & ~always
	for _, option in ipairs(item.options or {}) do
		local flag = option.flag and flags[option.flag]
		if flag and flag ~= 0 and value & flag == flag then
			given[#given + 1] = option.name .. " = true"
			value = value & ~flag
		end
	end
	return value == 0 and given or nil
end

local function find(list, name)
	for i, item in ipairs(list or {}) do
		if item.name == name then
			return i, item
		end
	end
end

-- One way to say the call, or nil when it does not fit.
local function say(entry, arguments, literal, name_of)
	local item, owner, params, options = entry.item, nil, {}, {}
	if entry.class.name == "Connection" then
		owner = "conn"
	end
	for i, word in ipairs(entry.words) do
		local value = arguments[i]
		local name, form = word:match "^([%w_]+):?([%w_]*)$"
		if word == "self" then
			owner = name_of(value)
			if not owner then
				return nil
			end
		elseif word == "self.name" then
			owner = ("conn:device(%s)"):format(literal(value))
		elseif word == "flags" then
			local given = math.type(value) == "integer"
				and options_of(item, value, item.always and flags[item.always] or 0)
			if not given then
				return nil
			end
			table.move(given, 1, #given, #options + 1, options)
		elseif word == "-" then
			if value ~= nil then
				return nil
			end
		elseif word:sub(1, 1) == "=" then
			if value ~= math.tointeger(tonumber(word:sub(2))) then
				return nil
			end
		elseif value ~= nil then
			local text = in_form(form, value, literal)
			local place = find(item.params, name)
			local _, option = find(item.options, name)
			if not text or not place and not option then
				return nil
			elseif place then
				params[place] = text
			elseif value ~= option.default then
				options[#options + 1] = name .. " = " .. text
			end
		end
	end
	if not owner then
		return nil
	elseif entry.property then
		return owner .. "." .. item.name
	end
	local texts, last = {}, 0
	for i = 1, #(item.params or {}) do
		last = params[i] and i or last
	end
	for i = 1, last do
		texts[i] = params[i] or "nil"
	end
	if #options > 0 then
		texts[#texts + 1] = "{ " .. table.concat(options, ", ") .. " }"
	end
	return ("%s:%s(%s)"):format(owner, item.name, table.concat(texts, ", "))
end

--- A call as an expression of the API.
---@param call string
---@param arguments table    with n
---@param literal function   (value) -> Lua text
---@param name_of function   (reference) -> the variable that holds it, or nil
---@return string? text      nil where only the raw call will do
---@return boolean object    what it gives stands for the object that the call's result names
function M.text(call, arguments, literal, name_of)
	local finder = finders[call]
	if finder then
		return ("conn:%s(%s)"):format(finder, literal(arguments[1])), true
	elseif call == "storage_vol_lookup_by_name" and name_of(arguments[1]) then
		return ("%s:volume(%s)"):format(name_of(arguments[1]), literal(arguments[2])), true
	end
	local modern = newer[call]
	if modern then
		call = modern[1]
		arguments = table.move(arguments, 1, arguments.n, 1, { n = arguments.n + #modern - 1 })
		table.move(modern, 2, #modern, arguments.n - #modern + 2, arguments)
	end
	made_by = made_by or index()
	for _, entry in ipairs(made_by[call] or {}) do
		local text = #entry.words == arguments.n and say(entry, arguments, literal, name_of)
		if text then
			return text, entry.item.result ~= nil and spec.class(entry.item.result) ~= nil
		end
	end
end

return M
