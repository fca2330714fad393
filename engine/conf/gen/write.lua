-- Writes C of schemas that read.lua has read.
local util = require "util"
local fail, within, sorted_keys, quote = util.fail, util.within, util.sorted_keys, util.quote

local files, file_names, enums, structs, kinds, outdir

-- --- order: what is embedded by value comes first -------------------------------------------------------------------

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

-- --- writing --------------------------------------------------------------------------------------------------------

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
	if struct.check then
		put("int %s(struct mv_%s_def *def, struct mv_conf_at *at, struct mv_error **err);", struct.check or
			struct.missing_check, struct.name)
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
	put([[
const struct mv_conf_enum mv_%s_enum = {
	.label = %s,
	.words = %s_words,
	.count = %d,
	.aliases = %s,
};
]],
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
	put("\t\t.name = %s,\n\t\t.field = %s,", quote(m.name), quote(m.lua))
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
		put("\t\t.alternatives = %s_%s_alternatives,\n\t\t.n_alternatives = %d,\n\t\t.item_size = sizeof(struct %s),",
			struct.name, m.field,
			#m.alternatives, m.item)
	end
	if m.t and m.t.number then
		put("\t\t.min = %s,\n\t\t.max = %s,\n\t\t.base = %d,\n\t\t.width = %d,\n\t\t.wide = %s,", c_integer(m.min, ""),
			c_integer(m.max, "u"),
			m.base, m.source.width or 0, m.wide and "true" or "false")
	end
	if m.unit then
		put("\t\t.unit = UINT64_C(%d),\n\t\t.read_unit = UINT64_C(%d),\n\t\t.unit_name = %s,\n\t\t.unit_attr = %s,", m.unit,
			m.read_unit,
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
		children[#children + 1] = ("\t{ %s, %s, %d, %d, %d, %d },"):format(quote(name), quote(ns), #name, index, count,
			alternative)
	end
	local previous
	for _, m in ipairs(struct.members) do
		if m.kind == "IN" then
			if not (previous and previous.kind == "IN" and previous.source.in_ == m.source.in_) or m.flags.LIST or
				previous.flags.LIST then
				local count = 1
				while not m.flags.LIST and struct.members[m.index + 1 + count] and
					struct.members[m.index + 1 + count].kind == "IN" and
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
		put([[
static int %s_check(void *def, struct mv_conf_at *at, struct mv_error **err)
{
	return %s(def, at, err);
}
]], struct.name, struct.check)
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
]], struct.name, quote(struct.name), quote(element_of(struct)), struct.name, array(#struct.members, "_members"),
	#struct.members, array(#attrs, "_attrs"),
		#attrs, array(n_owners, "_owners"), n_owners, array(n_initial, "_initial"), n_initial, array(n_required, "_required"),
		n_required, tostring(dependent), array(n_children, "_children"), n_children, struct.text and struct.text.index or
			-1, quote(unit_attr),
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
int mv_@_def_parse(const char *xml, unsigned flags, struct mv_conf_notes *notes, struct mv_@_def **out,
	struct mv_error **err)
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

-- Writes all files that differ from what is in the folder.
local function write(model, folder)
	files, file_names, enums, structs, kinds = model.files, model.file_names, model.enums, model.structs, model.kinds
	outdir = folder
	table.sort(file_names)
	for _, name in ipairs(file_names) do
		within(files[name].path, write_header, files[name])
		within(files[name].path, write_source, files[name])
	end
	write_kinds()
end

return { write = write }
