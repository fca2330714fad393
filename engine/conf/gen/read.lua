-- Reads schema files and checks them: gen.lua describes their language.
local util = require "util"
local fail, within, set, sorted_keys = util.fail, util.within, util.set, util.sorted_keys

local c_keywords = set { "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else",
	"enum",
	"extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
	"sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "present", "asm",
	"typeof", "linux", "unix", "bool", "true", "false" }

-- For each type: C type, table constant, whether it has min and max, and those of the C type.
local types = {
	string = { c = "char *", t = "STRING", text = true },
	path = { c = "char *", t = "PATH", text = true },
	ip = { c = "char *", t = "IP", text = true },
	cpuset = { c = "char *", t = "CPUSET", text = true },
	int = { c = "int ", t = "INT", number = true, min = "INT32_MIN", max = "INT32_MAX" },
	uint = { c = "unsigned ", t = "UINT", number = true, min = "0", max = "UINT32_MAX" },
	i64 = { c = "int64_t ", t = "I64", number = true, min = "INT64_MIN", max = "INT64_MAX" },
	u64 = { c = "uint64_t ", t = "U64", number = true, min = "0", max = "UINT64_MAX" },
	hex = { c = "uint64_t ", t = "HEX", number = true, min = "0", max = "UINT64_MAX", base = 0 },
	size = { c = "uint64_t ", t = "SIZE", number = true, min = "0", max = "UINT64_MAX" },
	double = { c = "double ", t = "DOUBLE", number = true, min = "0", max = "0" },
	bool = { c = "bool ", t = "BOOL", flag = true },
	onoff = { c = "bool ", t = "ONOFF", flag = true },
	empty = { c = "bool ", t = "EMPTY", flag = true },
	tri_bool = { c = "enum mv_tri ", t = "TRI_BOOL", tri = true },
	tri_onoff = { c = "enum mv_tri ", t = "TRI_ONOFF", tri = true },
	enum = { t = "ENUM" },
	uuid = { c = "uint8_t ", t = "UUID", array = 16 },
	mac = { c = "uint8_t ", t = "MAC", array = 6 },
}

local units = { bytes = 1, B = 1, pretty = 1, KiB = 1 << 10, MiB = 1 << 20, M = 1 << 20, GiB = 1 << 30, TiB = 1 << 40 }

local member_keys = set { "attr", "in_", "elem", "text", "raw", "choice", "field", "type", "of", "default", "quiet",
	"min", "max", "width", "base", "unit", "read_unit", "unit_attr", "write_unit", "list", "max_items", "pointer",
	"struct", "by", "only", "required", "live", "secure", "always", "open", "drop_empty", "keep_empty", "trim", "once",
	"write", "also", "ns", "prefix", "empty", "bare", "gap", "lua", "doc" }
local file_keys = set { "enums", "structs", "root", "roots", "include" }
local enum_keys = set { "absent", "aliases", "label" }
local struct_keys = set { "check", "closed", "open", "doc" }
local root_keys = set { "struct", "element", "schema", "kind" }

local function check_keys(t, known, what)
	for _, key in ipairs(sorted_keys(t)) do
		if math.type(key) ~= "integer" and not known[key] then
			fail("%s has an unknown key '%s'; known are: %s", what, tostring(key), table.concat(sorted_keys(known), ", "))
		end
	end
end

local function check_name(name, what)
	if type(name) ~= "string" or not name:find("^[a-z][a-z0-9_]*$") then
		fail("%s '%s' is not a name of small letters, digits and _", what, tostring(name))
	end
end

local function snake(name)
	return (name:gsub("(%l)(%u)", "%1_%2"):gsub("(%d)(%u%l)", "%1_%2"):lower():gsub("[^%w]", "_"))
end

-- --- reading --------------------------------------------------------------------------------------------------------

local files, file_names = {}, {} -- name -> { enums, structs, roots, ... }
local enums, structs = {}, {}    -- name -> description, of all files
local kinds = {}

local function read_enum(file, name, description)
	check_name(name, "the enum")
	if enums[name] then
		fail("the enum is also in schema/%s.lua", enums[name].file)
	end
	check_keys(description, enum_keys, "the enum")
	local enum = { name = name, file = file.name, words = {}, constants = {}, value = { [""] = 0 }, aliases = {},
		absent = description.absent, label = description.label or name:gsub("_", " ") }
	local seen = {}
	for i, word in ipairs(description) do
		if type(word) ~= "string" then
			fail("value %d is not a string", i)
		end
		local constant = word:upper():gsub("[^%w]", "_")
		if constant == "NONE" then
			constant = "NONE_"
		end
		if enum.value[word] or seen[constant] then
			fail("the word '%s' is there twice (as %s in C)", word, constant)
		end
		seen[constant] = true
		enum.words[i], enum.constants[i], enum.value[word] = word, ("MV_%s_%s"):format(name:upper(), constant), i
	end
	if #enum.words == 0 then
		fail("the enum has no words")
	end
	for _, word in ipairs(sorted_keys(description.aliases or {})) do
		local target = enum.value[description.aliases[word]]
		if not target or enum.value[word] then
			fail("the alias '%s' stands for '%s', which is no word of the enum, or is one itself", word,
				description.aliases[word])
		end
		enum.aliases[#enum.aliases + 1] = { word = word, value = target }
	end
	if enum.absent then
		enum.value[enum.absent] = 0
	end
	enums[name] = enum
	file.enums[#file.enums + 1] = enum
end

local function read_file(path)
	local name = path:match("([%w_]+)%.lua$") or fail("'%s' is no name of a schema file", path)
	local chunk, problem = loadfile(path, "t", { ipairs = ipairs, pairs = pairs, string = string, table = table,
		tostring = tostring })
	if not chunk then
		fail("%s", problem)
	end
	local description = chunk()
	if type(description) ~= "table" then
		fail("it does not return a table")
	end
	check_keys(description, file_keys, "the file")
	local file = { name = name, path = path, enums = {}, structs = {}, roots = {}, include = description.include or {},
		prefixes = {} }
	files[name], file_names[#file_names + 1] = file, name
	for _, enum in ipairs(sorted_keys(description.enums or {})) do
		within("enum " .. tostring(enum), read_enum, file, enum, description.enums[enum])
	end
	for _, struct in ipairs(sorted_keys(description.structs or {})) do
		within("struct " .. tostring(struct), function()
			check_name(struct, "the struct")
			if structs[struct] then
				fail("the struct is also in schema/%s.lua", structs[struct].file.name)
			end
			structs[struct] = { name = struct, file = file, description = description.structs[struct], members = {}, users = {} }
			file.structs[#file.structs + 1] = structs[struct]
		end)
	end
	for _, root in ipairs(description.roots or { description.root }) do
		check_keys(root, root_keys, "root")
		if not root.struct or not root.element then
			fail("root needs struct and element")
		end
		root.kind = root.kind or name
		if kinds[root.kind] then
			fail("there is a kind '%s' already", root.kind)
		end
		kinds[root.kind], file.roots[#file.roots + 1] = root, root
	end
end

-- --- members --------------------------------------------------------------------------------------------------------

local function split_prefix(file, m)
	if m.prefix and m.elem then
		return m.prefix, m.ns or fail("prefix needs ns = \"uri\""), m.elem
	end
	local prefix, name = (m.elem or ""):match("^([^:]+):(.+)$")
	if not prefix then
		if m.ns then
			fail("ns needs a prefix: elem = \"prefix:%s\"", tostring(m.elem))
		end
		return nil, nil, m.elem
	end
	local ns = m.ns or file.prefixes[prefix] or
		fail("the namespace of '%s' is not known: give ns = \"uri\" with one of its elements", m.elem)
	return prefix, ns, name
end

local flag_names = { required = "REQUIRED", live = "IS_LIVE", secure = "IS_SECURE", list = "LIST", pointer = "POINTER",
	quiet = "QUIET", always = "ALWAYS", open = "OPEN", drop_empty = "DROP_EMPTY", keep_empty = "KEEP_EMPTY", trim = "TRIM",
	once = "ONCE" }

local function read_default(m, t, out)
	local value = m.default
	out.flags.DEFAULT = true
	if t.text then
		if type(value) ~= "string" then
			fail("the default of a text is a string")
		end
		out.default_text = value
	elseif t.number and m.type ~= "double" then
		if math.type(value) ~= "integer" then
			fail("the default of a number is an integer")
		end
		out.default_number = value
	elseif t.flag then
		if value == "yes" or value == "on" or value == "no" or value == "off" then
			value = value == "yes" or value == "on"
		end
		if type(value) ~= "boolean" or m.type == "empty" then
			fail("the default of a %s is true or false (<x/> has none)", m.type)
		end
		out.default_number = value and 1 or 0
	elseif t.tri then
		if value == "yes" or value == "on" or value == true then
			out.default_number = 1
		elseif value == "no" or value == "off" or value == false then
			out.default_number = 2
		else
			fail("the default is true or false")
		end
	elseif m.type == "enum" then
		out.default_number = enums[m.of].value[value]
		if not out.default_number or out.default_number == 0 then
			fail("the default '%s' is no word of enum %s", tostring(value), m.of)
		end
	else
		fail("type %s has no default", m.type)
	end
end

local function read_value(m, out)
	local t = types[m.type]
	if not t then
		fail("the type '%s' is not known; known are: %s", tostring(m.type), table.concat(sorted_keys(types), ", "))
	end
	out.type, out.t = m.type, t
	out.c = t.c
	if m.type == "enum" then
		if not m.of then
			fail("an enum needs of = \"name\"")
		end
		if not enums[m.of] then
			fail("there is no enum '%s'", tostring(m.of))
		end
		out.enum, out.c = enums[m.of], ("enum mv_%s "):format(m.of)
	elseif m.of then
		fail("`of` belongs to type enum")
	end
	if m.type == "empty" and not m.elem then
		fail("type empty is for elements")
	end
	if m.type == "hex" then
		out.wide = not m.width or m.width > 8
		out.max = not out.wide and "UINT32_MAX" or nil
		out.c = out.wide and "uint64_t " or "unsigned "
	elseif m.width then
		fail("width belongs to type hex")
	end
	if t.number then
		out.min, out.max = m.min or t.min, m.max or out.max or t.max
		out.base = m.base or t.base or 10
		if out.base ~= 0 and out.base ~= 10 and out.base ~= 16 then
			fail("base is 0, 10 or 16")
		end
	elseif m.min or m.max or m.base then
		fail("min, max and base belong to numbers")
	end
	if m.type == "size" then
		out.unit_name, out.unit_attr = m.unit or fail("a size needs unit = \"KiB\" or \"bytes\""), m.unit_attr or "unit"
		out.unit = units[m.unit] or fail("the unit '%s' is not known", tostring(m.unit))
		out.read_unit = units[m.read_unit or m.unit] or fail("the unit '%s' is not known", tostring(m.read_unit))
		out.flags.NO_UNIT = m.write_unit == false
		out.flags.PRETTY = m.unit == "pretty" or nil
	elseif m.unit or m.read_unit or m.unit_attr or m.write_unit ~= nil then
		fail("unit, read_unit, unit_attr and write_unit belong to type size")
	end
	if m.default ~= nil then
		if m.list then
			fail("a list has no default")
		end
		read_default(m, t, out)
	elseif m.quiet then
		fail("quiet needs a default")
	end
	out.flags.HAS = t.number and m.default == nil and not m.required and not m.list
end

local function read_choice(struct, m, out)
	local alternatives = {}
	if m.choice[1] then
		for i, a in ipairs(m.choice) do
			check_keys(a, set { "elem", "struct", "field" }, "the alternative")
			alternatives[i] = { elem = a.elem, struct = a.struct, field = a.field or snake(a.elem) }
		end
	else
		for _, elem in ipairs(sorted_keys(m.choice)) do
			alternatives[#alternatives + 1] = { elem = elem, struct = m.choice[elem], field = snake(elem) }
		end
	end
	for _, a in ipairs(alternatives) do
		if not structs[a.struct] then
			fail("there is no struct '%s'", tostring(a.struct))
		end
		if c_keywords[a.field] or a.field == "which" or not a.field:find("^[%a_][%w_]*$") then
			fail("the alternative '%s' needs a field = that C allows", a.elem)
		end
		structs[a.struct].users[#structs[a.struct].users + 1] = { struct = struct, member = out }
	end
	if not m.list then
		fail("a choice needs list = true")
	end
	out.alternatives = alternatives
	out.item = ("mv_%s_%s_item"):format(struct.name, out.field)
	out.which = ("mv_%s_%s_which"):format(struct.name, out.field)
end

local function read_member(struct, m)
	check_keys(m, member_keys, "the member")
	if m.empty then
		if m.empty ~= "drop" and m.empty ~= "open" then
			fail("empty is \"drop\" or \"open\"")
		end
		m[m.empty == "drop" and "drop_empty" or "open"] = true
	end
	local out = { flags = {}, source = m, by = m.by, xml = m.attr or m.elem }
	for key, flag in pairs(flag_names) do
		if m[key] ~= nil and type(m[key]) ~= "boolean" then
			fail("%s is true or false", key)
		end
		out.flags[flag] = m[key] or nil
	end
	out.flags.NO_WRITE = m.write == false or nil
	local shapes = 0
	for _, key in ipairs { "attr", "elem", "text", "choice" } do
		shapes = shapes + (m[key] and 1 or 0)
	end
	if shapes ~= 1 then
		fail("a member has one of attr, elem, text and choice")
	end
	out.prefix, out.ns, out.name = split_prefix(struct.file, m)
	out.name = out.name or m.attr
	out.field = m.field or m.in_ and snake(m.in_) .. "_" .. snake(m.attr) or m.text and "value" or out.name and
		snake(out.name)
	if not out.field then
		fail("the member needs a field")
	elseif c_keywords[out.field] or not out.field:find("^[%a_][%w_]*$") then
		fail("'%s' is not possible in C; give another field =", out.field)
	end
	if m.struct or m.raw or m.choice then
		if m.type then
			fail("a member with struct, raw or choice has no type")
		end
		if m.default ~= nil or m.quiet then
			fail("only values have a default")
		end
	elseif m.always or m.open or m.drop_empty or m.pointer then
		fail("always, open, drop_empty and pointer belong to structures")
	end
	if m.choice then
		out.kind = "CHOICE"
		read_choice(struct, m, out)
	elseif m.raw then
		out.kind, out.c = "RAW", "char *"
		out.flags.NAMESPACED = m.elem == "metadata" or nil
		if not m.elem or m.list then
			fail("raw is for one element")
		end
	elseif m.struct then
		out.kind, out.struct = "STRUCT", structs[m.struct] or fail("there is no struct '%s'", tostring(m.struct))
		if not m.elem then
			fail("struct is for elements")
		end
		if m.list and (m.pointer or m.always) then
			fail("a list is neither pointer nor always")
		end
		out.c = ("struct mv_%s_def "):format(m.struct)
		structs[m.struct].users[#structs[m.struct].users + 1] = { struct = struct, member = out }
	else
		out.kind = m.text and "TEXT" or m.in_ and "IN" or m.attr and "ATTR" or "VALUE"
		read_value(m, out)
		if m.list and (out.kind == "ATTR" or out.kind == "TEXT" or out.t.array or m.type == "empty") then
			fail("a list is made of elements, whose type is not empty, uuid or mac")
		end
	end
	if m.bare and (not m.in_ or m.list) then
		fail("bare belongs to in_")
	end
	if m.gap and (m.gap ~= "after" and m.gap ~= "around" or not m.struct) then
		fail("gap is \"after\" or \"around\", of a structure")
	end
	out.bare, out.flags.GAP_AFTER, out.flags.GAP_BEFORE = m.bare, m.gap ~= nil or nil, m.gap == "around" or nil
	if m.max_items and not m.list then
		fail("max_items belongs to lists")
	end
	out.max_items = m.max_items
	if m.also then
		if type(m.also) ~= "table" or not (m.attr or m.elem) or m.in_ then
			fail("also = { \"name\", ... } belongs to attributes and elements")
		end
		out.also = m.also
	end
	return out
end

-- Members with the same in_ follow each other: they are one element.
local function gather(members)
	local result, taken = {}, {}
	for i, m in ipairs(members) do
		if not taken[i] then
			result[#result + 1] = m
			if m.kind == "IN" then
				for j = i + 1, #members do
					if members[j].kind == "IN" and members[j].source.in_ == m.source.in_ and not (m.flags.LIST or
						members[j].flags.LIST) then
						taken[j] = true
						result[#result + 1] = members[j]
					end
				end
			end
		end
	end
	return result
end

local function read_struct(struct)
	local d = struct.description
	check_keys(d, struct_keys, "the struct")
	local by_field, by_lua, text = {}, {}, nil
	local members = {}
	for i, m in ipairs(d) do
		if type(m) ~= "table" then
			fail("member %d is not a table", i)
		end
		within(("member %d (%s)"):format(i, m.attr or m.elem or m.field or (m.text and "text") or "?"), function()
			local out = read_member(struct, m)
			for _, field in ipairs { out.field, out.flags.LIST and "n_" .. out.field or out.flags.HAS and "has_" .. out.field or
				nil } do
				if by_field[field] then
					fail("the field '%s' is there twice; give one of them another field =", field)
				end
				by_field[field] = out
			end
			out.lua = m.lua or out.field
			local other = by_lua[out.lua]
			if other and not (m.only and other.source.only) then
				fail("'%s' is there twice in Lua ('%s' and '%s')", out.lua, other.field, out.field)
			end
			by_lua[out.lua] = out
			if out.kind == "TEXT" then
				if text then
					fail("an element has one text")
				end
				text = out
			end
			members[#members + 1] = out
		end)
	end
	for i, m in ipairs(members) do
		m.position = i
	end
	struct.members = gather(members)
	for i, m in ipairs(struct.members) do
		m.index = i - 1
		if m.by then
			local sibling = by_field[m.by]
			if not sibling or sibling.type ~= "enum" or sibling.kind ~= "ATTR" then
				fail("by = '%s' of '%s' is no attribute of this structure that is an enum", m.by, m.field)
			end
			m.by_member = sibling
			if not m.source.only and not m.struct then
				fail("by without struct needs only ('%s')", m.field)
			end
		end
	end
	struct.text = text
	struct.check = d.check
	struct.closed = d.closed == true
	struct.open = d.open == true
	local names = {}
	for _, m in ipairs(struct.members) do
		for _, name in ipairs { m.name or false, table.unpack(m.also or {}) } do
			local key = name and (m.kind == "ATTR" and "@" or m.kind == "IN" and m.source.in_ .. "/@" or (m.ns or
				"") .. "/") .. name
			if key then
				if names[key] and not (m.source.only and names[key].source.only) then
					fail("'%s' is there twice ('%s' and '%s')", name, names[key].field, m.field)
				end
				names[key] = m
			end
		end
	end
end

-- The enum that decides for the members of a structure when they have no `by` of their own: handed down by its users.
local function deciding(struct, visited)
	local found
	visited = visited or {}
	if visited[struct] then
		return nil
	end
	visited[struct] = true
	for _, user in ipairs(struct.users) do
		local enum = user.member.by_member and user.member.by_member.enum or deciding(user.struct, visited)
		if enum and found and enum ~= found then
			fail("`only` is decided by enum %s in one place and by %s in another (struct %s)", found.name, enum.name,
				user.struct.name)
		end
		found = found or enum
	end
	return found
end

local function resolve_only(struct)
	for _, m in ipairs(struct.members) do
		local only = m.source.only
		if only then
			local enum = m.by_member and m.by_member.enum or deciding(struct)
			if not enum then
				fail("'%s' has `only`, but no structure that uses this one says `by`", m.field)
			end
			if #enum.words > 63 then
				fail("enum %s is too long to decide", enum.name)
			end
			m.mask = 0
			for _, word in ipairs(type(only) == "table" and only or { only }) do
				local value = enum.value[word] or fail("only: '%s' of '%s' is no word of enum %s", tostring(word), m.field,
					enum.name)
				m.mask = m.mask | 1 << value
			end
		end
	end
end

-- --- all of it ------------------------------------------------------------------------------------------------------

-- Reads the schemas among `paths`; the others are C sources with check functions.
local function read(paths)
	-- The check functions that are written.
	local written = {}
	for _, path in ipairs(paths) do
		if path:find("%.lua$") then
			within(path, read_file, path)
		else
			local source = assert(io.open(path))
			for name in source:read("a"):gmatch("\nint ([%w_]+)%(struct [%w_]+ %*[%w_]+,%s+struct mv_conf_at %*") do
				written[name] = true
			end
			source:close()
		end
	end
	local function each_struct(f)
		for _, name in ipairs(file_names) do
			within(files[name].path, function()
				for _, struct in ipairs(files[name].structs) do
					within("struct " .. struct.name, f, struct)
				end
			end)
		end
	end

	for _, name in ipairs(file_names) do
		within(files[name].path, function()
			for _, other in ipairs(files[name].include) do
				if not files[other] then
					fail("the included file schema/%s.lua is not there", other)
				end
			end
			for _, root in ipairs(files[name].roots) do
				if not structs[root.struct] then
					fail("there is no struct '%s' for the root", tostring(root.struct))
				end
			end
		end)
	end
	each_struct(function(struct)
		for _, m in ipairs(struct.description) do
			local prefix = type(m) == "table" and m.ns and type(m.elem) == "string" and m.elem:match("^([^:]+):")
			if prefix then
				struct.file.prefixes[prefix] = m.ns
			end
		end
	end)
	each_struct(read_struct)
	each_struct(resolve_only)
	each_struct(function(struct)
		if struct.check and not written[struct.check] then
			fail("the check is not written: no C file of engine/conf has int %s(struct mv_%s_def *def, ...)",
				struct.check, struct.name)
		end
	end)
	return { files = files, file_names = file_names, enums = enums, structs = structs, kinds = kinds }
end

return { read = read }
