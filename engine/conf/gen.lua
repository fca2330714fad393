-- Makes C structures and description tables of the files in engine/conf/schema.
--
--   lua5.4 engine/conf/gen.lua OUTDIR SCHEMA.lua... SOURCE.c...
--
-- writes OUTDIR/<file>_def.h and OUTDIR/<file>_def.c for each schema file, and OUTDIR/kinds.c. A file that would not change is
-- left alone, so that nothing is compiled again for it.
--
-- THE LANGUAGE OF SCHEMA FILES
--
-- A file returns a table with these keys, all optional:
--
--   enums    name -> { "word", "word", ... }   XML words in libvirt's order. C: enum mv_NAME { MV_NAME_NONE /* not given */,
--            MV_NAME_WORD, ... }, words in upper case with _ for what C does not allow; the word "none" is MV_NAME_NONE_.
--            Further keys: absent = "default" (a word that is read as "not given"), aliases = { old = "word" } (read, never
--            written), label = "disk bus" (for messages; default: the name with spaces).
--            The table of words is mv_NAME_enum (mv_conf_word(&mv_disk_bus_enum, value)).
--   structs  name -> { member, member, ..., check = "c_function" }   C: struct mv_NAME_def, whose first member is
--            `bool present`, and its table mv_NAME_desc. check: int f(struct mv_NAME_def *def, struct mv_conf_at *at, struct mv_error
--            **err), called when all of the element is read; for checks between members and for completion.
--            closed = true: unknown elements and attributes in it are errors, not notes.
--            open = true: a document of it without content is written <x> and </x> on two lines instead of <x/>.
--   root     { struct = "secret", element = "secret", schema = "secret.rng", kind = "secret" }   a whole document; gives
--            mv_STRUCT_def_parse, _format, _copy, _free, _new, and a kind for core.conf; kind: default the file's name.
--   roots    a list of such.
--   include  { "domain_devices", ... }   files whose names are used here. All names are global (each struct and enum is generated
--            once, in the files of the schema file it is in), so this only makes sure that the file is there.
--
-- A member is written in its place: attributes first, then the elements in their order. One of:
--
--   attr = "x"                     an attribute
--   attr = "x", in_ = "e"          an attribute of the child element <e>; all members with the same in_ are one element
--   elem = "x", type = ...         <x>text</x>
--   elem = "x", struct = "s"       <x> with a structure of its own, embedded by value: def->x.present
--   text = true                    the element's own text (default field: value); beside child elements it is one or the other
--   raw = true, elem = "x"         kept as XML text (char *), namespaces, comments and all
--                                  (of <metadata> only children with a namespace, the first of each, as in libvirt)
--   choice = { tag = "struct", ... } or { { elem = "tag", struct = "s", field = "f" }, ... }   with list = true: different elements
--                                  whose common order counts. C: struct mv_STRUCT_FIELD_item { enum mv_STRUCT_FIELD_which
--                                  which; struct mv_a_def *tag; ... } **field; size_t n_field. Lua: { { tag = {...} }, ... }
--
-- with these keys:
--
--   field = "name"     in C and Lua; default: the XML name in snake case (backingStore: backing_store); in_: element_attribute;
--                      C's keywords, names twice in a structure, and names that are not C names need one
--   type               string, path, ip (checked address), cpuset (char *, canonical: "0-3,5")
--                      int, uint, i64, u64, hex (width = digits at least; unsigned up to 8, else uint64_t), double
--                      size (uint64_t in units of unit = "KiB", "bytes", ...; reads and writes the attribute unit='')
--                      bool (yes|no), onoff, empty (<x/>), tri_bool, tri_onoff (enum mv_tri), enum (of = "name"),
--                      uuid (uint8_t[16]), mac (uint8_t[6]); these two are absent when all zero
--                      A bool or onoff without default is written only when true.
--   default            the value when it is not given; written, unless quiet = true
--                      Numbers, sizes and hex without a default that are not required have bool has_FIELD in C.
--   min, max           of numbers and sizes (in the unit that is kept)
--   base               of numbers when they are read: 0 (C's notation; the default of hex), 10 (the default), 16
--   unit, read_unit    of a size: what is kept and written; what is meant when no unit is given (default: unit)
--                      unit = "pretty": kept in bytes, written in the largest unit that divides it (B, KiB, MiB, ...)
--   unit_attr          name of the attribute with the unit (default "unit"); write_unit = false: it is not written
--   list = true        several: T *field (structures: struct T **field; strings: char **) and size_t n_field; Lua: a sequence,
--                      nil when there is none. Elements and in_ only. max_items = default 65536
--   pointer = true     a structure by pointer, NULL when absent: for recursion, and for large ones that are seldom there
--   by = "field"       an enum of the same structure (an attribute) that decides which members apply. With struct: members of that structure
--                      (and of those below it that are not given another `by`) may have
--   only = {"w", ...}  applies only when the deciding enum has one of these values; on a member with its own by and without struct:
--                      when that sibling has; on a member with by, only and struct: both. Several members may have the same XML name when
--                      each has another `only`. "" stands for "not given".
--   required = true    an error when it is not given
--   live = true        ignored when a definition is read, written only for a running object (MV_CONF_LIVE)
--   secure = true      written only with MV_CONF_SECURE
--   always = true      a structure that is there, with its defaults, even when its element is not
--   open = true        a structure without content is written <x> and </x> on two lines instead of <x/>
--   drop_empty = true  a structure without content is not written at all (also: empty = "drop", and empty = "open" for open)
--   keep_empty = true  an element (or text) that is empty is "", not absent
--   once = true        a second such element is an error; otherwise it is left out with a note
--   trim = true        a string without the white space around it
--   write = false      read, never written
--   also = {"old"}     other names that are read (attributes, elements)
--   ns = "uri"         of a namespaced element: elem = "qemu:commandline", ns = "http://..." (or prefix = "qemu"); a prefix that is known in the same file
--                      needs no ns again
--   bare = "on"        with in_: what the element without the attribute means; "error": it is one
--   gap = "after"      an empty line is written after the element, "around": also before it (capabilities)
--   doc                a comment
--
-- What is wrong in a schema is an error that names file, structure and member.

local outdir = table.remove(arg, 1)
assert(outdir and arg[1], "usage: gen.lua OUTDIR SCHEMA.lua... SOURCE.c...")

local where = {}
local function fail(fmt, ...)
	io.stderr:write("engine/conf/gen.lua: ", table.concat(where, ": "), #where > 0 and ": " or "", fmt:format(...), "\n")
	os.exit(1)
end
local function within(what, f, ...)
	where[#where + 1] = what
	f(...)
	where[#where] = nil
end

local function set(list)
	local s = {}
	for _, word in ipairs(list) do
		s[word] = true
	end
	return s
end

local function sorted_keys(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
	return keys
end

local c_keywords = set { "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
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

local member_keys = set { "attr", "in_", "elem", "text", "raw", "choice", "field", "type", "of", "default", "quiet", "min",
	"max", "width", "base", "unit", "read_unit", "unit_attr", "write_unit", "list", "max_items", "pointer", "struct", "by",
	"only", "required", "live", "secure", "always", "open", "drop_empty", "keep_empty", "trim", "once", "write", "also", "ns",
	"prefix", "empty", "bare", "gap", "doc" }
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

local function quote(text)
	return text and '"' .. text:gsub('[\\"]', "\\%0") .. '"' or "NULL"
end

-- --- reading -----------------------------------------------------------------------------------------------------------

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
			fail("the alias '%s' stands for '%s', which is no word of the enum, or is one itself", word, description.aliases[word])
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
	local chunk, problem = loadfile(path, "t", { ipairs = ipairs, pairs = pairs, string = string, table = table, tostring = tostring })
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

-- --- members -----------------------------------------------------------------------------------------------------------

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
	local ns = m.ns or file.prefixes[prefix] or fail("the namespace of '%s' is not known: give ns = \"uri\" with one of its elements", m.elem)
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
	out.field = m.field or m.in_ and snake(m.in_) .. "_" .. snake(m.attr) or m.text and "value" or out.name and snake(out.name)
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
					if members[j].kind == "IN" and members[j].source.in_ == m.source.in_ and not (m.flags.LIST or members[j].flags.LIST) then
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
	local by_field, text = {}, nil
	local members = {}
	for i, m in ipairs(d) do
		if type(m) ~= "table" then
			fail("member %d is not a table", i)
		end
		within(("member %d (%s)"):format(i, m.attr or m.elem or m.field or (m.text and "text") or "?"), function()
			local out = read_member(struct, m)
			for _, field in ipairs { out.field, out.flags.LIST and "n_" .. out.field or out.flags.HAS and "has_" .. out.field or nil } do
				if by_field[field] then
					fail("the field '%s' is there twice; give one of them another field =", field)
				end
				by_field[field] = out
			end
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
			local key = name and (m.kind == "ATTR" and "@" or m.kind == "IN" and m.source.in_ .. "/@" or (m.ns or "") .. "/") .. name
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
			fail("`only` is decided by enum %s in one place and by %s in another (struct %s)", found.name, enum.name, user.struct.name)
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
				local value = enum.value[word] or fail("only: '%s' of '%s' is no word of enum %s", tostring(word), m.field, enum.name)
				m.mask = m.mask | 1 << value
			end
		end
	end
end

-- --- order: what is embedded by value comes first -------------------------------------------------------------------------

-- Structures of a file in an order that C accepts; the other files that must be included before.
local function order(file)
	local result, state, includes = {}, {}, {}
	local function visit(struct)
		if struct.file ~= file then
			includes[struct.file.name] = true
			return
		end
		if state[struct] == "done" then
			return
		end
		if state[struct] == "busy" then
			fail("struct %s contains itself; make one member pointer = true", struct.name)
		end
		state[struct] = "busy"
		for _, m in ipairs(struct.members) do
			if m.enum and enums[m.enum.name].file ~= file.name then
				includes[m.enum.file] = true
			end
			if m.struct and not m.flags.LIST and not m.flags.POINTER then
				visit(m.struct)
			end
		end
		state[struct] = "done"
		result[#result + 1] = struct
	end
	for _, struct in ipairs(file.structs) do
		visit(struct)
	end
	return result, includes
end

-- --- writing -----------------------------------------------------------------------------------------------------------

local lines
local function put(fmt, ...)
	lines[#lines + 1] = select("#", ...) > 0 and fmt:format(...) or fmt
end

local function save(name)
	local path = outdir .. "/" .. name
	local text = table.concat(lines, "\n") .. "\n"
	local old = io.open(path, "rb")
	if old then
		local same = old:read("a") == text
		old:close()
		if same then
			return
		end
	end
	-- Under its own name only when whole: a build that is interrupted leaves no half file.
	local new = assert(io.open(path .. ".new", "wb"))
	assert(new:write(text))
	assert(new:close())
	assert(os.rename(path .. ".new", path))
end

local function begin(file, guard)
	lines = {}
	put("/* Made by engine/conf/gen.lua from %s. */", file)
	if guard then
		put("#ifndef %s\n#define %s\n", guard, guard)
	end
end

local function write_enum(enum)
	put("enum mv_%s {\n\tMV_%s_NONE, /* not given */", enum.name, enum.name:upper())
	for _, constant in ipairs(enum.constants) do
		put("\t%s,", constant)
	end
	put("};\nextern const struct mv_conf_enum mv_%s_enum;\n", enum.name)
end

local function write_struct(struct)
	table.sort(struct.members, function(a, b) return a.position < b.position end)
	for _, m in ipairs(struct.members) do
		if m.alternatives then
			put("enum %s {", m.which)
			for _, a in ipairs(m.alternatives) do
				put("\tMV_%s_%s_%s,", struct.name:upper(), m.field:upper(), a.field:upper())
			end
			put("};\n\nstruct %s {\n\tenum %s which;", m.item, m.which)
			for _, a in ipairs(m.alternatives) do
				put("\tstruct mv_%s_def *%s;", a.struct, a.field)
			end
			put("};\n")
		end
	end
	put("struct mv_%s_def {\n\tbool present;", struct.name)
	for _, m in ipairs(struct.members) do
		local comment = m.source.doc and (" /* %s */"):format(m.source.doc) or ""
		if m.flags.HAS then
			put("\tbool has_%s;", m.field)
		end
		if m.alternatives then
			put("\tstruct %s **%s;%s\n\tsize_t n_%s;", m.item, m.field, comment, m.field)
		elseif m.flags.LIST then
			local stars = m.struct and "**" or "*"
			put("\t%s%s%s;%s\n\tsize_t n_%s;", m.c, stars, m.field, comment, m.field)
		elseif m.flags.POINTER then
			put("\t%s*%s;%s", m.c, m.field, comment)
		else
			put("\t%s%s%s;%s", m.c, m.field, m.t and m.t.array and ("[%d]"):format(m.t.array) or "", comment)
		end
	end
	put("};\nextern const struct mv_conf_desc mv_%s_desc;", struct.name)
	if struct.check or struct.missing_check then
		put("int %s(struct mv_%s_def *def, struct mv_conf_at *at, struct mv_error **err);", struct.check or struct.missing_check, struct.name)
	end
	put("")
	table.sort(struct.members, function(a, b) return a.index < b.index end)
end

local function write_root_declarations(root)
	local s = root.struct
	put([[
/* A whole document, %s: <%s>. See engine/conf/schema.h for the flags; notes may be NULL. */
int mv_%s_def_parse(const char *xml, unsigned flags, struct mv_conf_notes *notes, struct mv_%s_def **out,
	struct mv_error **err);
int mv_%s_def_format(const struct mv_%s_def *def, unsigned flags, char **xml, struct mv_error **err);
struct mv_%s_def *mv_%s_def_new(struct mv_error **err);
struct mv_%s_def *mv_%s_def_copy(const struct mv_%s_def *def, struct mv_error **err);
void mv_%s_def_free(struct mv_%s_def *def);
MV_AUTO_DEFINE(mv_%s_def, mv_%s_def_free)
]], root.kind, root.element, s, s, s, s, s, s, s, s, s, s, s, s, s)
end

local function write_header(file)
	begin(file.path, ("MV_GEN_CONF_%s_DEF_H"):format(file.name:upper()))
	put('#include "engine/conf/schema.h"')
	local ordered, includes = order(file)
	file.ordered = ordered
	for _, name in ipairs(sorted_keys(includes)) do
		put('#include "conf/%s_def.h"', name)
	end
	put("")
	for _, enum in ipairs(file.enums) do
		write_enum(enum)
	end
	local declared = {}
	for _, struct in ipairs(ordered) do
		for _, m in ipairs(struct.members) do
			for _, other in ipairs(m.alternatives or { m.struct and { struct = m.struct.name } or nil }) do
				if not declared[other.struct] and (m.alternatives or m.flags.LIST or m.flags.POINTER) then
					declared[other.struct] = true
					put("struct mv_%s_def;", other.struct)
				end
			end
		end
	end
	put("")
	for _, struct in ipairs(ordered) do
		write_struct(struct)
	end
	for _, root in ipairs(file.roots) do
		write_root_declarations(root)
		put("extern const struct mv_conf_kind mv_%s_kind;", root.kind)
	end
	put("\n#endif")
	save(file.name .. "_def.h")
end

local function write_enum_tables(enum)
	put("static const char *const %s_words[] = {\n\t%s,", enum.name, quote(enum.absent))
	for _, word in ipairs(enum.words) do
		put("\t%s,", quote(word))
	end
	put("};")
	if #enum.aliases > 0 then
		put("static const struct mv_conf_alias %s_aliases[] = {", enum.name)
		for _, alias in ipairs(enum.aliases) do
			put("\t{ %s, %d },", quote(alias.word), alias.value)
		end
		put("\t{ NULL, 0 },\n};")
	end
	put("const struct mv_conf_enum mv_%s_enum = {\n\t.label = %s,\n\t.words = %s_words,\n\t.count = %d,\n\t.aliases = %s,\n};\n",
		enum.name, quote(enum.label), enum.name, #enum.words + 1, #enum.aliases > 0 and enum.name .. "_aliases" or "NULL")
end

local function c_integer(value, suffix)
	if type(value) == "string" then
		return value
	end
	if value == math.mininteger then
		return "INT64_MIN"
	end
	return ("%d%s"):format(value, suffix)
end

local function write_member(struct, m)
	local s = ("struct mv_%s_def"):format(struct.name)
	local flags = {}
	for _, flag in ipairs(sorted_keys(m.flags)) do
		if m.flags[flag] then
			flags[#flags + 1] = "MV_CONF_" .. flag
		end
	end
	put("\t{")
	put("\t\t.kind = MV_CONF_%s,", m.kind)
	if m.t then
		put("\t\t.type = MV_CONF_T_%s,", m.t.t)
	elseif m.kind == "RAW" then
		put("\t\t.type = MV_CONF_T_STRING,")
	end
	put("\t\t.flags = %s,", #flags > 0 and table.concat(flags, " | ") or "0")
	put("\t\t.offset = offsetof(%s, %s),", s, m.field)
	if m.flags.HAS then
		put("\t\t.has_offset = offsetof(%s, has_%s),", s, m.field)
	end
	if m.flags.LIST then
		put("\t\t.count_offset = offsetof(%s, n_%s),\n\t\t.max_items = %s,", s, m.field,
			m.max_items and tostring(m.max_items) or "MV_CONF_MAX_ITEMS")
	end
	put("\t\t.by = %s,", m.by_member and ("offsetof(%s, %s)"):format(s, m.by_member.field) or "-1")
	if m.mask then
		put("\t\t.only = UINT64_C(0x%x),\n\t\t.only_own = %s,", m.mask, m.by_member and "true" or "false")
	end
	put("\t\t.name = %s,\n\t\t.field = %s,", quote(m.name), quote(m.field))
	if m.source.in_ then
		put("\t\t.in = %s,", quote(m.source.in_))
	end
	if m.bare then
		put("\t\t.bare = %s,", quote(m.bare))
	end
	if m.prefix then
		put("\t\t.prefix = %s,\n\t\t.ns = %s,", quote(m.prefix), quote(m.ns))
	end
	if m.also then
		put("\t\t.also = (const char *const[]){ %s, NULL },", quote(table.concat(m.also, "\0")):gsub("%z", '", "'))
	end
	if m.enum then
		put("\t\t.of = &mv_%s_enum,", m.enum.name)
	end
	if m.struct then
		put("\t\t.desc = &mv_%s_desc,", m.struct.name)
	end
	if m.alternatives then
		put("\t\t.alternatives = %s_%s_alternatives,\n\t\t.n_alternatives = %d,\n\t\t.item_size = sizeof(struct %s),", struct.name, m.field,
			#m.alternatives, m.item)
	end
	if m.t and m.t.number then
		put("\t\t.min = %s,\n\t\t.max = %s,\n\t\t.base = %d,\n\t\t.width = %d,\n\t\t.wide = %s,", c_integer(m.min, ""), c_integer(m.max, "u"),
			m.base, m.source.width or 0, m.wide and "true" or "false")
	end
	if m.unit then
		put("\t\t.unit = UINT64_C(%d),\n\t\t.read_unit = UINT64_C(%d),\n\t\t.unit_name = %s,\n\t\t.unit_attr = %s,", m.unit, m.read_unit,
			quote(m.unit_name), quote(m.unit_attr))
	end
	if m.default_text then
		put("\t\t.value.text = %s,", quote(m.default_text))
	elseif m.default_number then
		put("\t\t.value.number = (uint64_t)%s,", c_integer(m.default_number, ""))
	end
	put("\t},")
end

local function write_children(struct)
	local children = {}
	local function add(name, ns, index, count, alternative)
		if #name > 200 then
			fail("the name '%s' is too long", name)
		end
		children[#children + 1] = ("\t{ %s, %s, %d, %d, %d, %d },"):format(quote(name), quote(ns), #name, index, count, alternative)
	end
	local previous
	for _, m in ipairs(struct.members) do
		if m.kind == "IN" then
			if not (previous and previous.kind == "IN" and previous.source.in_ == m.source.in_) or m.flags.LIST or previous.flags.LIST then
				local count = 1
				while not m.flags.LIST and struct.members[m.index + 1 + count] and struct.members[m.index + 1 + count].kind == "IN" and
					struct.members[m.index + 1 + count].source.in_ == m.source.in_ do
					count = count + 1
				end
				add(m.source.in_, nil, m.index, count, 0)
			end
		elseif m.kind == "CHOICE" then
			for i, a in ipairs(m.alternatives) do
				add(a.elem, nil, m.index, 1, i - 1)
			end
		elseif m.kind ~= "ATTR" and m.kind ~= "TEXT" then
			for _, name in ipairs { m.name, table.unpack(m.also or {}) } do
				add(name, m.ns, m.index, 1, 0)
			end
		end
		previous = m
	end
	if #children > 0 then
		put("static const struct mv_conf_child %s_children[] = {\n%s\n};", struct.name, table.concat(children, "\n"))
	end
	return #children
end

-- The usual name of a structure's element: that of the first that uses it.
local function element_of(struct)
	for _, root in pairs(kinds) do
		if root.struct == struct.name then
			return root.element
		end
	end
	local user = struct.users[1] and struct.users[1].member
	for _, a in ipairs(user and user.alternatives or {}) do
		if a.struct == struct.name then
			return a.elem
		end
	end
	return user and user.name
end

-- Does a structure have memory that must be freed? By value it contains no cycle.
local function owns(struct)
	for _, m in ipairs(struct.members) do
		if m.flags.LIST or m.flags.POINTER or m.kind == "RAW" or m.t and m.t.text or m.struct and owns(m.struct) then
			return true
		end
	end
	return false
end

local function write_desc(struct)
	local attrs, unit_attr = {}, nil
	for _, m in ipairs(struct.members) do
		if m.kind == "ATTR" then
			attrs[#attrs + 1] = m.index
		end
		if (m.kind == "ATTR" or m.kind == "TEXT") and m.unit_attr then
			if unit_attr and unit_attr ~= m.unit_attr then
				fail("its sizes have different unit_attr")
			end
			unit_attr = m.unit_attr
		end
	end
	if #struct.members > 256 then
		fail("it has more than 256 members")
	end
	for _, m in ipairs(struct.members) do
		if m.alternatives then
			put("static const struct mv_conf_alternative %s_%s_alternatives[] = {", struct.name, m.field)
			for _, a in ipairs(m.alternatives) do
				put("\t{ %s, %s, &mv_%s_desc, offsetof(struct %s, %s) },", quote(a.elem), quote(a.field), a.struct, m.item, a.field)
			end
			put("};")
		end
	end
	if #struct.members > 0 then
		put("static const struct mv_conf_member %s_members[] = {", struct.name)
		for _, m in ipairs(struct.members) do
			write_member(struct, m)
		end
		put("};")
	end
	-- Members that some walks look at, so that they need not look at all.
	local function list(name, wanted)
		local numbers = {}
		for _, m in ipairs(struct.members) do
			if wanted(m) then
				numbers[#numbers + 1] = m.index
			end
		end
		if #numbers > 0 then
			put("static const uint16_t %s_%s[] = { %s };", struct.name, name, table.concat(numbers, ", "))
		end
		return #numbers
	end
	local n_owners = list("owners", function(m)
		return m.flags.LIST or m.kind == "RAW" or m.t and m.t.text or m.struct and (m.flags.POINTER or owns(m.struct))
	end)
	local n_initial = list("initial", function(m)
		return m.flags.DEFAULT or m.flags.ALWAYS
	end)
	local n_required = list("required", function(m)
		return m.flags.REQUIRED and m.kind ~= "TEXT"
	end)
	local dependent = false
	for _, m in ipairs(struct.members) do
		dependent = dependent or m.kind == "ATTR" and m.mask ~= nil and m.by_member ~= nil
	end
	if #attrs > 0 then
		put("static const uint16_t %s_attrs[] = { %s };", struct.name, table.concat(attrs, ", "))
	end
	local n_children = write_children(struct)
	if struct.check then
		put("static int %s_check(void *def, struct mv_conf_at *at, struct mv_error **err)\n{\n\treturn %s(def, at, err);\n}", struct.name,
			struct.check)
	end
	local function array(count, name)
		return count > 0 and struct.name .. name or "NULL"
	end
	put([[
const struct mv_conf_desc mv_%s_desc = {
	.name = %s,
	.element = %s,
	.size = sizeof(struct mv_%s_def),
	.members = %s,
	.n_members = %d,
	.attrs = %s,
	.n_attrs = %d,
	.owners = %s,
	.n_owners = %d,
	.initial = %s,
	.n_initial = %d,
	.required = %s,
	.n_required = %d,
	.dependent = %s,
	.children = %s,
	.n_children = %d,
	.text = %d,
	.unit_attr = %s,
	.closed = %s,
	.open = %s,
	.check = %s,
};
]], struct.name, quote(struct.name), quote(element_of(struct)), struct.name, array(#struct.members, "_members"), #struct.members, array(#attrs, "_attrs"),
		#attrs, array(n_owners, "_owners"), n_owners, array(n_initial, "_initial"), n_initial, array(n_required, "_required"),
		n_required, tostring(dependent), array(n_children, "_children"), n_children, struct.text and struct.text.index or -1, quote(unit_attr),
		tostring(struct.closed), tostring(struct.open), struct.check and struct.name .. "_check" or "NULL")
end

local function write_root(root)
	local s = root.struct
	put([[
const struct mv_conf_kind mv_%s_kind = {
	.name = %s,
	.element = %s,
	.schema = %s,
	.desc = &mv_%s_desc,
};
]], root.kind, quote(root.kind), quote(root.element), quote(root.schema), s)
	put(([[
int mv_@_def_parse(const char *xml, unsigned flags, struct mv_conf_notes *notes, struct mv_@_def **out, struct mv_error **err)
{
	void *def = NULL;

	if (mv_conf_parse_element(&mv_@_desc, "%", xml, flags, notes, &def, err) < 0)
		return -1;
	*out = def;
	return 0;
}

int mv_@_def_format(const struct mv_@_def *def, unsigned flags, char **xml, struct mv_error **err)
{
	return mv_conf_format_element(&mv_@_desc, "%", def, flags, xml, err);
}

struct mv_@_def *mv_@_def_new(struct mv_error **err)
{
	return mv_conf_new(&mv_@_desc, err);
}

struct mv_@_def *mv_@_def_copy(const struct mv_@_def *def, struct mv_error **err)
{
	return mv_conf_copy(&mv_@_desc, def, err);
}

void mv_@_def_free(struct mv_@_def *def)
{
	mv_conf_free(&mv_@_desc, def);
}
]]):gsub("[@%%]", { ["@"] = s, ["%"] = root.element }))
end

local function write_source(file)
	begin(file.path)
	put('#include "conf/%s_def.h"\n', file.name)
	local others = {}
	for _, struct in ipairs(file.structs) do
		for _, m in ipairs(struct.members) do
			for _, other in ipairs(m.alternatives or { m.struct and { struct = m.struct.name } or nil }) do
				others[structs[other.struct].file.name] = true
			end
		end
	end
	others[file.name] = nil
	for _, name in ipairs(sorted_keys(others)) do
		put('#include "conf/%s_def.h"', name)
	end
	for _, enum in ipairs(file.enums) do
		write_enum_tables(enum)
	end
	for _, struct in ipairs(file.structs) do
		within("struct " .. struct.name, write_desc, struct)
	end
	for _, root in ipairs(file.roots) do
		write_root(root)
	end
	save(file.name .. "_def.c")
end

local function write_kinds()
	begin("engine/conf/schema")
	put('#include "engine/conf/schema.h"\n')
	local names = sorted_keys(kinds)
	for _, name in ipairs(names) do
		put("extern const struct mv_conf_kind mv_%s_kind;", name)
	end
	put("\nconst struct mv_conf_kind *const mv_conf_kinds[] = {")
	for _, name in ipairs(names) do
		put("\t&mv_%s_kind,", name)
	end
	put("\tNULL,\n};\nconst size_t mv_conf_n_kinds = %d;", #names)
	names = sorted_keys(structs)
	put("")
	for _, name in ipairs(names) do
		put("extern const struct mv_conf_desc mv_%s_desc;", name)
	end
	put("\nconst struct mv_conf_desc *const mv_conf_descs[] = {")
	for _, name in ipairs(names) do
		put("\t&mv_%s_desc,", name)
	end
	put("\tNULL,\n};\nconst size_t mv_conf_n_descs = %d;", #names)
	save("kinds.c")
end

-- --- all of it ---------------------------------------------------------------------------------------------------------

-- The check functions that are written.
local written = {}
for _, path in ipairs(arg) do
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
table.sort(file_names)
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
local missing = {}
each_struct(function(struct)
	if struct.check and not written[struct.check] then
		missing[#missing + 1] = struct.check
		struct.missing_check, struct.check = struct.check, nil
	end
end)
if #missing > 0 then
	io.stderr:write("engine/conf/gen.lua: check functions that are not written yet: ", table.concat(missing, " "), "\n")
end
for _, name in ipairs(file_names) do
	within(files[name].path, write_header, files[name])
	within(files[name].path, write_source, files[name])
end
write_kinds()
