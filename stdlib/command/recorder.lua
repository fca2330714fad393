-- Commands as Lua, without doing what they do: `--dry-run` and `explain`. The command runs with a connection that makes
-- the calls that only look, and writes down the others; what is printed are the calls it made, as a Lua program.

local core = require "moonvisor.core"

local M = {}

-- --- values that a call that was not made would have returned --------------------------------------------------------

-- Anything may be asked of it, and it answers with another of its kind; what a command prints is not shown anyway.
local ghost_meta = { __name = "unknown result" }
local function ghost()
	return setmetatable({}, ghost_meta)
end
ghost_meta.__index = function(_, key)
	return math.type(key) ~= "integer" and ghost() or nil -- as a list it is empty
end
ghost_meta.__call = function() return ghost() end
ghost_meta.__tostring = function() return "?" end
ghost_meta.__len = function() return 0 end
ghost_meta.__concat = function(a, b) return tostring(a) .. tostring(b) end
for _, name in ipairs { "__add", "__sub", "__mul", "__div", "__idiv", "__mod", "__band", "__bor", "__unm" } do
	ghost_meta[name] = function() return 0 end
end
ghost_meta.__lt = function() return false end
ghost_meta.__le = function() return false end

-- --- calls as Lua text -----------------------------------------------------------------------------------------------

local Recorder = {}
Recorder.__index = Recorder

local function quoted(text)
	if #text > 60 and text:find "\n" and not text:find "%]==%]" and utf8.len(text) then
		return "[==[\n" .. text .. "]==]"
	end
	return (("%q"):format(text):gsub("\\\n", "\\n"))
end

-- The name of a variable that says what a value is: domain_lookup_by_name -> domain.
local function stem_of(call)
	local noun = call:match "^(.*)_lookup_by_" or call:match "^(.*)_define" or call:match "^(.*)_create"
		or call:match "_list_all_(.*)$" or call:match "_get_(.*)$" or call:match "_(is_.*)$" or call:match "_(has_.*)$"
		or "result"
	noun = noun:gsub("^storage_", ""):gsub("^node_device", "device"):gsub("^domain_(.)", "%1")
	return noun
end

-- Values of calls that were made have names; everything else is written as it is.
local function literal(self, value, depth)
	if self.names[value] then
		local name = self.names[value]
		self.used[name:match "^[%a_][%w_]*"] = true
		return name
	elseif type(value) == "string" then
		return quoted(value)
	elseif type(value) ~= "table" then
		return tostring(value)
	elseif (depth or 0) > 6 then
		return "{ ... }"
	end
	local parts, keys = {}, {}
	for i, item in ipairs(value) do
		parts[i] = literal(self, item, (depth or 0) + 1)
	end
	for key in pairs(value) do
		if type(key) == "string" then
			keys[#keys + 1] = key
		end
	end
	table.sort(keys)
	for _, key in ipairs(keys) do
		local shown = key:find "^[%a_][%w_]*$" and key or ("[%q]"):format(key)
		parts[#parts + 1] = shown .. " = " .. literal(self, value[key], (depth or 0) + 1)
	end
	return "{ " .. table.concat(parts, ", ") .. (#parts > 0 and " }" or "}")
end

-- Remembers the tables in a result, so that they are named when they are used as arguments.
local function name_tables(self, value, name, depth)
	if type(value) ~= "table" or depth > 3 or self.names[value] then
		return
	end
	self.names[value] = name
	if getmetatable(value) == ghost_meta then
		return
	end
	for key, inner in pairs(value) do
		if type(inner) == "table" then
			local at = type(key) == "string" and key:find "^[%a_][%w_]*$" and "." .. key
				or ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
			name_tables(self, inner, name .. at, depth + 1)
		end
	end
end

local descriptions

-- Whether a call only looks.
local function only_looks(call)
	descriptions = descriptions or core.calls()
	local description = descriptions[call]
	return description == nil or description.reads -- one that does not exist raises its own error
end

function Recorder:record(call, looks, result, ...)
	local values, arguments = table.pack(...), {}
	for i = 1, values.n do
		arguments[i] = literal(self, values[i])
	end
	local step = { text = ("conn.raw:%s(%s)"):format(call, table.concat(arguments, ", ")), looks = looks }
	step.method, step.object = require("moonvisor.command.method_of").text(call, values, function(value)
		return literal(self, value)
	end, function(value)
		return self.objects[value] and self.names[value]
	end)
	if result ~= nil then
		local stem = stem_of(call)
		self.count[stem] = (self.count[stem] or 0) + 1
		step.name = stem .. (self.count[stem] > 1 and self.count[stem] or "")
		name_tables(self, result, step.name, 0)
		self.objects[result] = step.object or nil
	end
	self.steps[#self.steps + 1] = step
	return result
end

-- What the XML is that a call takes: a wrong one fails here as it would there.
local kinds = {
	{ "^domain_define_xml", "domain" }, { "^domain_create_xml", "domain" }, { "^network_define_xml", "network" },
	{ "^network_create_xml", "network" }, { "^network_port_create_xml", "networkport" },
	{ "^storage_pool_define_xml", "storagepool" }, { "^storage_pool_create_xml", "storagepool" },
	{ "^storage_vol_create_xml", "storagevol" }, { "^interface_define_xml", "interface" },
	{ "^secret_define_xml", "secret" }, { "^nwfilter_define_xml", "nwfilter" },
	{ "^nwfilter_binding_create_xml", "nwfilterbinding" }, { "^domain_snapshot_create_xml", "domainsnapshot" },
	{ "^domain_checkpoint_create_xml", "domaincheckpoint" }, { "^node_device_create_xml", "nodedev" },
	{ "^node_device_define_xml", "nodedev" },
}

local function check_xml(call, ...)
	for _, kind in ipairs(kinds) do
		if call:find(kind[1]) then
			for _, value in ipairs { ... } do
				if type(value) == "string" and value:find "<" then
					core.conf.parse(kind[2], value)
				end
			end
			return
		end
	end
end

--- The raw connection that writes down.
function Recorder:raw(real)
	if not self.proxy then
		local recorder = self
		self.proxy = setmetatable({}, { __index = function(_, call)
			return function(_, ...)
				if only_looks(call) then
					return recorder:record(call, true, real[call](real, ...), ...)
				end
				check_xml(call, ...)
				recorder.changes = true
				return recorder:record(call, false, ghost(), ...)
			end
		end })
	end
	return self.proxy
end

--- A remark among the steps, for what a command does without a call (waiting, writing a file).
function Recorder:remark(format, ...)
	self.steps[#self.steps + 1] = { text = "-- " .. format:format(...) }
end

-- The steps as lines. Looks whose result nobody used are left out when only changes are wanted.
local function lines_of(self, changes_only)
	local lines = {}
	for _, step in ipairs(self.steps) do
		local used = step.name and self.used[step.name]
		if not (changes_only and step.looks) or used then
			local named = used or step.looks and step.name
			-- A method may give its result another form, which only counts when somebody uses it.
			local text = (step.object or not used) and step.method or step.text
			lines[#lines + 1] = (named and ("local %s = "):format(step.name) or "") .. text
		end
	end
	return lines
end

local function record(ctl, parsed)
	local recorder = setmetatable({ steps = {}, names = {}, objects = {}, used = {}, count = {} }, Recorder)
	ctl.recorder = recorder
	local ok, result = pcall(ctl.call, ctl, parsed)
	ctl.recorder = nil
	if not ok then
		error(result, 0)
	end
	return recorder, result
end

--- Runs a command without its changes, and prints these.
---@return boolean ok
function M.dry_run(ctl, parsed)
	local recorder, ok = record(ctl, parsed)
	ctl.structured = true
	for _, line in ipairs(lines_of(recorder, true)) do
		ctl:print("%s\n", line)
	end
	if ok and not recorder.changes then
		ctl:extra "-- nothing would be changed\n"
	end
	return ok
end

--- The Lua program that does what parsed commands do.
---@return string text
---@return boolean ok
function M.explain(ctl, list, uri)
	local parts = { ("local virt = require \"moonvisor\"\nlocal conn = virt.open(%q)\n"):format(uri) }
	local all = true
	for _, parsed in ipairs(list) do
		local recorder, ok = record(ctl, parsed)
		all = all and ok
		local lines = lines_of(recorder, false)
		parts[#parts + 1] = ("\n-- %s\n%s\n"):format(parsed.command.name, table.concat(lines, "\n"))
	end
	return table.concat(parts), all
end

return M
