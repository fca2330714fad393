-- Writes the reference manual of the Lua API from its description (bindings/spec.lua):
--
--   lua5.4 bindings/manual.lua markdown|man|luals > OUTPUT      from the project's root
--
-- markdown is docs/api.md, man is moonvisor(3lua), luals are annotations for editors with the Lua language server.

table.insert(package.searchers, 2, function(name)
	local inner = name:match "^moonvisor%.(.*)$"
	local path = inner and "bindings/" .. inner:gsub("%.", "/") .. ".lua"
	local fn = path and loadfile(path)
	return fn or "\n\tno file of the description"
end)

local spec = require "moonvisor.spec"

local function type_text(item)
	return item.type .. (item.unit and item.unit ~= "number" and " (" .. item.unit .. ")" or "")
end

local function default_text(item)
	if item.default == nil then
		return item.optional and "may be left out" or ""
	elseif item.default == math.huge then
		return "default: no limit"
	elseif type(item.default) == "table" then
		return "default: {}"
	elseif type(item.default) == "string" then
		return ("default %q"):format(item.default)
	end
	return "default " .. tostring(item.default)
end

local function optional(item)
	return item.optional or item.default ~= nil
end

local function signature(owner, method)
	local parts = {}
	for _, param in ipairs(method.params) do
		parts[#parts + 1] = optional(param) and "[" .. param.name .. "]" or param.name
	end
	if method.options then
		parts[#parts + 1] = "[options]"
	end
	return (owner.module and "virt." or "") .. method.name .. "(" .. table.concat(parts, ", ") .. ")"
end

local function sorted(map)
	local keys = {}
	for key in pairs(map) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	return keys
end

-- libvirt's own name of a call, "virDomainSetMemoryFlags".
local libvirt_names = {}
local calls = dofile "engine/api/calls.lua"
for _, program in ipairs { calls.remote, calls.qemu } do
	for _, call in ipairs(program) do
		local prefix = program == calls.qemu and not call[2]:find "^qemu_" and "qemu_" or ""
		libvirt_names[prefix .. call[2]] = call[3]
	end
end

local function call_text(method)
	local name = method.call and method.call:match "^%S+"
	return name and libvirt_names[name]
end

-- --- Markdown ---

local function markdown()
	local out = {}
	local function put(format, ...)
		out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
	end
	local function items(title, list)
		for _, item in ipairs(list) do
			local more = default_text(item)
			put("  - %s`%s` *%s*: %s%s", title, item.name, type_text(item), item.summary, more ~= "" and "; " .. more or "")
		end
	end
	put "# The Lua API\n"
	local everywhere = { invalid_arg = true, no_support = true, operation_failed = true, operation_denied = true,
		rpc = true, system = true }
	-- What the beginning does not say already.
	local function own_errors(method, libvirt)
		local own = {}
		for _, code in ipairs(method.errors) do
			own[#own + 1] = not (libvirt and everywhere[code]) and code or nil
		end
		return own
	end
	put [[
`local virt = require "moonvisor"`; in `mvsh` it is there already. This file is made from `bindings/spec.lua` and
`bindings/spec/`; a test sees to it. At the prompt, `help(x)` says the same of an object, a method or a word.

Properties are read (`vm.state`), methods are called with a colon (`vm:start()`). `options` is a table as the last
argument. Where a method is one call of libvirt's, its name is given.

Errors are raised as objects with `code`, `number`, `domain`, `message` and `errno`; `tostring(err)` is the message.
Besides the errors listed, a wrong argument raises `invalid_arg`, a closed object the code of its class, and a call of
libvirt's `no_support`, `operation_failed`, `operation_denied`, `rpc` and `system`. An error has no position; the
traceback has, which `mvsh` shows. In a stock `lua5.4` it takes a handler:

    assert(xpcall(main, function(err) return debug.traceback(tostring(err), 2) end))]]
	for _, owner in ipairs(spec.classes) do
		put("\n## %s\n\n%s%s.%s", owner.name, owner.summary:sub(1, 1):upper(), owner.summary:sub(2),
			owner.detail and "\n" .. owner.detail or "")
		if #owner.properties > 0 then
			put "\n| property | type | |\n| --- | --- | --- |"
			for _, property in ipairs(owner.properties) do
				put("| `%s` | %s | %s%s |", property.name, type_text(property), property.summary,
					property.optional and "; may be nil" or "")
			end
		end
		for _, method in ipairs(owner.methods) do
			put("\n### %s%s\n\n%s%s.%s", owner.module and "" or owner.name .. ":", signature(owner, method),
				method.summary:sub(1, 1):upper(), method.summary:sub(2), method.detail and "\n" .. method.detail or "")
			if #method.params + #(method.options or {}) + #method.returns > 0 then
				put ""
			end
			items("", method.params)
			items("option ", method.options or {})
			for _, result in ipairs(method.returns) do
				put("  - returns *%s*: %s", type_text(result), result.summary)
			end
			local libvirt = call_text(method)
			local raised = own_errors(method, libvirt)
			if #raised > 0 then
				put("  - raises %s", table.concat(raised, ", "))
			end
			if libvirt then
				put("  - libvirt: `%s`", libvirt)
			end
			if method.example then
				put("\n```lua\n%s\n```", method.example)
			end
		end
	end
	for _, record in ipairs(spec.records) do
		put("\n## %s\n\n%s%s.\n\n| field | type | |\n| --- | --- | --- |", record.name, record.summary:sub(1, 1):upper(),
			record.summary:sub(2))
		for _, property in ipairs(record.properties) do
			put("| `%s` | %s | %s |", property.name, type_text(property), property.summary)
		end
	end
	put "\n## Types\n"
	for _, name in ipairs(sorted(spec.types)) do
		put("- **%s**: %s", name, spec.types[name])
	end
	put "\n## Errors\n"
	for _, name in ipairs(sorted(spec.errors)) do
		put("- `%s`: %s", name, spec.errors[name])
	end
	return table.concat(out, "\n") .. "\n"
end

-- --- a manual page ---

local function roff(text)
	text = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n", "\n.br\n")
	return (text:gsub("^([.'])", "\\&%1"):gsub("\n([.'])([^b])", "\n\\&%1%2"))
end

local function man()
	local out = { '.TH MOONVISOR 3lua "" "Moonvisor" "Moonvisor"', ".SH NAME", "moonvisor \\- virtual machines from Lua",
		".SH SYNOPSIS", ".nf", 'local virt = require "moonvisor"', "local conn <close> = virt.open(URI)", ".fi",
		".SH DESCRIPTION",
		"Properties are read, methods are called with a colon. Options are a table as the last argument. Errors are raised "
			.. "as objects with code, number, domain, message and errno." }
	local function put(line)
		out[#out + 1] = line
	end
	for _, owner in ipairs(spec.classes) do
		put(".SH " .. owner.name:upper())
		put(roff(owner.summary:sub(1, 1):upper() .. owner.summary:sub(2) .. "."
			.. (owner.detail and " " .. owner.detail or "")))
		for _, property in ipairs(owner.properties) do
			put ".TP"
			put("\\fB." .. roff(property.name) .. "\\fR \\fI" .. roff(type_text(property)) .. "\\fR")
			put(roff(property.summary))
		end
		for _, method in ipairs(owner.methods) do
			put ".TP"
			put("\\fB" .. (owner.module and "" or ":") .. roff(signature(owner, method)) .. "\\fR")
			put(roff(method.summary .. "." .. (method.detail and " " .. method.detail or "")))
			for _, list in ipairs { method.params, method.options or {} } do
				for _, item in ipairs(list) do
					local more = default_text(item)
					put(".br\n\\fI" .. roff(item.name) .. "\\fR (" .. roff(type_text(item)) .. "): "
						.. roff(item.summary .. (more ~= "" and "; " .. more or "")))
				end
			end
			if #method.errors > 0 then
				put(".br\nRaises " .. roff(table.concat(method.errors, ", ")) .. ".")
			end
		end
	end
	put ".SH TYPES"
	for _, name in ipairs(sorted(spec.types)) do
		put(".TP\n\\fB" .. roff(name) .. "\\fR\n" .. roff(spec.types[name]))
	end
	put ".SH ERRORS"
	for _, name in ipairs(sorted(spec.errors)) do
		put(".TP\n\\fB" .. roff(name) .. "\\fR\n" .. roff(spec.errors[name]))
	end
	put ".SH SEE ALSO\n.BR mvsh (1)"
	return table.concat(out, "\n") .. "\n"
end

-- --- annotations ---

local function lua_type(item)
	local known = { size = "integer|string", seconds = "number", path = "string", xml = "string", state = "string",
		cpuset = "string|integer[]", ["function"] = "function", any = "any", spec = "table", condition = "string|table" }
	local name = known[item.type]
	if not name then
		name = spec.values[item.type] and "string" or spec.types[item.type] and "string|table" or item.type
	end
	return name
end

local function luals()
	local out = { "---@meta moonvisor", "-- Annotations for editors. Made from bindings/spec.lua.\n" }
	local function put(format, ...)
		out[#out + 1] = format:format(...)
	end
	for _, record in ipairs(spec.records) do
		put("---@class moonvisor.%s", record.name)
		for _, property in ipairs(record.properties) do
			put("---@field %s%s %s %s", property.name, property.optional and "?" or "", lua_type(property), property.summary)
		end
		put ""
	end
	for _, owner in ipairs(spec.classes) do
		put("---@class %s %s", owner.module and "moonvisor" or owner.name, owner.summary)
		for _, property in ipairs(owner.properties) do
			put("---@field %s%s %s %s", property.name, property.optional and "?" or "", lua_type(property), property.summary)
		end
		put("local %s = {}\n", owner.name)
		for _, method in ipairs(owner.methods) do
			put("--- %s", (method.summary:gsub("\n", " ")))
			local names = {}
			for _, param in ipairs(method.params) do
				put("---@param %s%s %s %s", param.name, optional(param) and "?" or "", lua_type(param), param.summary)
				names[#names + 1] = param.name
			end
			if method.options then
				local fields = {}
				for _, option in ipairs(method.options) do
					fields[#fields + 1] = option.name .. "?: " .. lua_type(option)
				end
				put("---@param options? {%s}", table.concat(fields, ", "))
				names[#names + 1] = "options"
			end
			for _, result in ipairs(method.returns) do
				put("---@return %s # %s", lua_type(result), result.summary)
			end
			put("function %s%s%s(%s) end\n", owner.name, owner.module and "." or ":", method.name, table.concat(names, ", "))
		end
	end
	put "return virt"
	return table.concat(out, "\n") .. "\n"
end

local forms = { markdown = markdown, man = man, luals = luals }
local form = forms[arg[1]]
if not form then
	io.stderr:write "usage: manual.lua markdown|man|luals\n"
	os.exit(2)
end
io.stdout:write(form())
