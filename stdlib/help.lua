-- help(): what bindings/spec.lua says, as text.

local class = require "moonvisor.class"
local errors = require "moonvisor.errors"
local spec = require "moonvisor.spec"
local suggest = require "moonvisor.suggest"

local M = {}

local WIDTH = 78

local function wrap(text, indent)
	local lines, line = {}, ""
	for word in text:gmatch "%S+" do
		if line ~= "" and #indent + #line + 1 + #word > WIDTH then
			lines[#lines + 1] = indent .. line
			line = word
		else
			line = line == "" and word or line .. " " .. word
		end
	end
	lines[#lines + 1] = indent .. line
	return table.concat(lines, "\n")
end

-- Names in a column, explanations beside them; below them where a name is too long for the column.
local COLUMN = 32

local function columns(rows)
	local width, lines = 0, {}
	for _, row in ipairs(rows) do
		width = math.max(width, #row[1] <= COLUMN and #row[1] or 0)
	end
	for _, row in ipairs(rows) do
		local text = wrap(row[2], (" "):rep(width + 4))
		if #row[1] > width then
			lines[#lines + 1] = "  " .. row[1] .. "\n" .. text
		else
			lines[#lines + 1] = "  " .. row[1] .. text:sub(#row[1] + 3)
		end
	end
	return table.concat(lines, "\n")
end

local function type_text(item)
	return item.type .. (item.unit and item.unit ~= "number" and " (" .. item.unit .. ")" or "")
end

local function default_text(item)
	if item.default == nil then
		return item.optional and ", may be left out" or ""
	end
	return item.default == math.huge and ", default: no limit" or ", default " .. tostring(item.default)
end

local function signature(owner, method)
	local parts = {}
	for _, param in ipairs(method.params) do
		parts[#parts + 1] = (param.optional or param.default ~= nil) and "[" .. param.name .. "]" or param.name
	end
	if method.options then
		parts[#parts + 1] = "[options]"
	end
	return owner.name .. (owner.module and "." or ":") .. method.name .. "(" .. table.concat(parts, ", ") .. ")"
end

local function method_text(owner, method)
	local out = { signature(owner, method), "", wrap(method.summary, "  ") }
	if method.detail then
		out[#out + 1] = wrap(method.detail, "  ")
	end
	local function section(title, rows)
		if #rows > 0 then
			out[#out + 1] = "\n" .. title .. "\n" .. columns(rows)
		end
	end
	local rows = {}
	for _, param in ipairs(method.params) do
		rows[#rows + 1] = { param.name, type_text(param) .. ": " .. param.summary .. default_text(param) }
	end
	section("Parameters", rows)
	rows = {}
	for _, option in ipairs(method.options or {}) do
		rows[#rows + 1] = { option.name, type_text(option) .. ": " .. option.summary .. default_text(option) }
	end
	section("Options", rows)
	rows = {}
	for _, result in ipairs(method.returns) do
		rows[#rows + 1] = { type_text(result), result.summary }
	end
	section("Returns", rows)
	rows = {}
	for _, code in ipairs(method.errors) do
		rows[#rows + 1] = { code, spec.errors[code] }
	end
	section("Raises", rows)
	if method.example then
		out[#out + 1] = "\nExample\n  " .. method.example:gsub("\n", "\n  ")
	end
	return table.concat(out, "\n")
end

local function property_text(owner, property)
	return ("%s.%s   %s\n\n%s"):format(owner.name, property.name, type_text(property), wrap(property.summary, "  "))
end

local function class_text(owner)
	local out = { owner.name .. ": " .. owner.summary }
	if owner.detail then
		out[#out + 1] = wrap(owner.detail, "  ")
	end
	local rows = {}
	for _, property in ipairs(owner.properties) do
		rows[#rows + 1] = { "." .. property.name, type_text(property) .. ": " .. property.summary }
	end
	if #rows > 0 then
		out[#out + 1] = "\nProperties\n" .. columns(rows)
	end
	rows = {}
	for _, method in ipairs(owner.methods or {}) do
		rows[#rows + 1] = { signature(owner, method):sub(#owner.name + 1), method.summary }
	end
	if #rows > 0 then
		out[#out + 1] = "\nMethods\n" .. columns(rows)
	end
	return table.concat(out, "\n")
end

local function table_text(title, map)
	local rows = {}
	for name, text in pairs(map) do
		rows[#rows + 1] = { name, text }
	end
	table.sort(rows, function(a, b)
		return a[1] < b[1]
	end)
	return title .. "\n" .. columns(rows)
end

local function overview()
	local rows = {}
	for _, list in ipairs { spec.classes, spec.records } do
		for _, owner in ipairs(list) do
			rows[#rows + 1] = { owner.name, owner.summary }
		end
	end
	rows[#rows + 1] = { "types", "sizes, seconds and other kinds of values" }
	rows[#rows + 1] = { "errors", "the codes of errors" }
	return "Moonvisor's Lua API. help(x) describes x: an object, a method (help(vm.start)),\nor one of these words:\n\n"
		.. columns(rows) .. '\n\nhelp "Domain.start" and help "start" describe a method by name.'
end

local function each_owner()
	local list = {}
	table.move(spec.classes, 1, #spec.classes, 1, list)
	table.move(spec.records, 1, #spec.records, #list + 1, list)
	return ipairs(list)
end

-- Everything called `name`, in the class called `owner_name` where one is given.
local function members(owner_name, name)
	local found = {}
	for _, owner in each_owner() do
		if not owner_name or owner.name == owner_name then
			for _, property in ipairs(owner.properties) do
				if property.name == name then
					found[#found + 1] = property_text(owner, property)
				end
			end
			for _, method in ipairs(owner.methods or {}) do
				if method.name == name then
					found[#found + 1] = method_text(owner, method)
				end
			end
		end
	end
	return found
end

local function known_words()
	local words = { "types", "errors" }
	for _, owner in each_owner() do
		words[#words + 1] = owner.name
		for _, list in ipairs { owner.properties, owner.methods or {} } do
			for _, item in ipairs(list) do
				words[#words + 1] = item.name
			end
		end
	end
	return words
end

local function word_text(word)
	if word == "types" then
		return table_text("Types", spec.types)
	elseif word == "errors" then
		return table_text("Codes of errors", spec.errors)
	end
	for _, owner in each_owner() do
		if owner.name == word then
			return class_text(owner)
		end
	end
	local owner_name, name = word:match "^([%w_]+)[.:]([%w_]+)$"
	local found = members(owner_name, name or word)
	for _, map in ipairs { spec.types, spec.errors } do
		if map[word] then
			table.insert(found, 1, wrap(word .. ": " .. map[word], ""))
		end
	end
	if #found == 0 then
		errors.raise("invalid_arg", "There is no help about '%s'%s", word, suggest.hint(word, known_words()))
	end
	return table.concat(found, "\n\n")
end

--- The description of a topic: nothing (an overview), an object, one of the API's functions, or a word.
function M.text(topic)
	if topic == nil then
		return overview()
	elseif type(topic) == "string" then
		return word_text(topic)
	elseif class.described[topic] then
		return method_text(class.described[topic].class, class.described[topic].method)
	elseif class.of(topic) then
		return class_text(class.description(class.of(topic)))
	elseif errors.is(topic) then
		return word_text "Error"
	elseif topic == package.loaded["moonvisor"] then
		return class_text(class.description "virt")
	end
	errors.raise("invalid_arg", "There is no help about a value of type %s.", type(topic))
end

return M
