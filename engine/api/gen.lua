-- Makes C of the table of calls:
--
--   lua5.4 engine/api/gen.lua engine/api/calls.lua OUTPUT.h OUTPUT.c
--
-- The header has, for each call X: `struct mv_X_args` and `struct mv_X_ret` where it has arguments or results (of an
-- event: `struct mv_X_msg`), MV_CALL_X in enum mv_call_id, and a slot X in struct mv_calls, which a driver fills. The
-- C file has the descriptions (engine/api/call_types.h) and the function that calls a slot by its number.

local source, header_path, code_path = arg[1], arg[2], arg[3]
if not code_path then
	io.stderr:write("usage: gen.lua CALLS.lua OUTPUT.h OUTPUT.c\n")
	os.exit(2)
end
local table_of_calls = dofile(source)

local function fail(...)
	io.stderr:write("gen.lua: ", string.format(...), "\n")
	os.exit(1)
end

-- word in calls.lua -> kind in C, type in C
local simple = {
	int = { "INT", "int32_t " },
	uint = { "UINT", "uint32_t " },
	hyper = { "HYPER", "int64_t " },
	uhyper = { "UHYPER", "uint64_t " },
	char = { "CHAR", "int8_t " },
	uchar = { "UCHAR", "uint8_t " },
	ushort = { "USHORT", "uint16_t " },
	string = { "STRING", "char *" },
	uuid = { "UUID", "uint8_t ", after = "[16]" },
	typed_param = { "TYPED", "struct mv_typed_param " },
}
-- Structures that may be a field's type: the shared ones, and those of calls that others contain.
local structs = {}

local function limit_of(text, where)
	local number = math.tointeger(tonumber(text)) or table_of_calls.limits[text]
	if not number then
		fail("%s: there is no limit %s", where, text)
	end
	return number
end

-- "name:type" -> { name, kind, c = declaration, ... }
local function field_of(text, where)
	local name, word, rest = text:match("^([%w_]+):([%w_]+)(.*)$")
	if not name then
		fail("%s: '%s' is not name:type", where, text)
	end
	local field = { name = name, optional = rest == "?", struct = structs[word] and word }
	local most = rest:match("^<([%w_]+)>$")
	local exact = rest:match("^%[(%d+)%]$")
	if rest ~= "" and not field.optional and not most and not exact then
		fail("%s: '%s' is not known after a type", where, rest)
	end
	field.limit = (most or exact) and limit_of(most or exact, where)
	if (word == "opaque" or word == "char") and most then
		field.kind, field.c = word == "opaque" and "BLOB" or "CHARS", "struct mv_blob " .. name
		field.owns = true
		return field
	elseif word == "char" and exact then
		field.kind, field.c = "TEXT", ("char %s[%d]"):format(name, field.limit)
		return field
	end
	local base = simple[word]
	if not base and not field.struct then
		fail("%s: there is no type '%s'", where, word)
	end
	field.kind = base and base[1] or "STRUCT"
	field.owns = field.kind == "STRING" or field.kind == "TYPED" or field.optional or most ~= nil
		or (field.struct and not structs[word].plain)
	local type_name = base and base[2] or ("struct mv_%s "):format(word)
	if most then
		field.array = true
		field.c = ("%s*%s;\n\tsize_t n_%s"):format(type_name, name, name)
	elseif field.optional and field.struct then
		field.c = ("%s*%s"):format(type_name, name)
	elseif field.optional and word ~= "string" then
		fail("%s: a %s cannot be optional", where, word)
	else
		field.c = type_name .. name .. (base and base.after or "")
	end
	return field
end

local h, c = {}, {}
local function header(...) h[#h + 1] = string.format(...) end
local function code(...) c[#c + 1] = string.format(...) end

-- Writes a structure and its description.
local function structure(name, fields_text, shown, shared)
	local fields = {}
	for text in fields_text:gmatch("[^,%s]+") do
		fields[#fields + 1] = field_of(text, name)
	end
	local plain = true
	header("struct mv_%s {\n", name)
	for _, field in ipairs(fields) do
		header("\t%s;\n", field.c)
		plain = plain and not field.owns
	end
	header("};\n")
	code("_Static_assert(sizeof(struct mv_%s) <= MV_CALL_STRUCT_MAX, \"%s\");\n", name, name)
	code("static const struct mv_wire_field %s_fields[] = {\n", name)
	for _, field in ipairs(fields) do
		local more = ""
		if field.optional then more = more .. ", .optional = true" end
		if field.array then
			more = more .. (", .array = true, .count_offset = offsetof(struct mv_%s, n_%s)"):format(name, field.name)
		end
		if field.limit then more = more .. (", .limit = %d"):format(field.limit) end
		if field.struct then more = more .. (", .type = &mv_%s_wire"):format(field.struct) end
		code("\t{ .name = \"%s\", .kind = MV_WIRE_%s, .offset = offsetof(struct mv_%s, %s)%s },\n", field.name,
			field.kind, name, field.name, more)
	end
	code("};\n")
	if shared then
		header("extern const struct mv_wire_struct mv_%s_wire;\n", name)
	end
	header("\n")
	code("%sconst struct mv_wire_struct mv_%s_wire = { \"%s\", sizeof(struct mv_%s), %d, %s_fields, %s };\n\n",
		shared and "" or "static ", name, shown, name, #fields, name, plain)
	structs[name] = { plain = plain }
end

-- What a reader may do: all permissions are for reading. Flags (and one other argument) can ask for more.
local function readable(call)
	local free, flags, field, value = true, {}, nil, nil
	local reading = { read = true, getattr = true, none = true }
	for item in call[4]:gmatch("[^,]+") do
		local permission, condition = item:match("^[%w_]*:?([%w_]+):?(.*)$")
		if not (reading[permission] or permission:match("^search_")) then
			if condition == "" then
				free = false
			elseif condition:match("^:") then
				field, value = condition:match("^:([%w_]+):([%w_]+)$")
			elseif not condition:match("^!") then
				flags[#flags + 1] = { name = condition, secure = permission == "read_secure" }
			end
		end
	end
	if call.write or call.read then
		free = call.read == true
	end
	return free, flags, field, value
end

-- The domain of errors about a call, by the beginning of its name.
local error_domains = {
	{ "^domain_snapshot", "DOMAIN_SNAPSHOT" }, { "^domain_checkpoint", "DOMAIN_CHECKPOINT" },
	{ "^domain_", "DOM" }, { "^qemu_", "DOM" }, { "^network_", "NETWORK" }, { "^storage_", "STORAGE" },
	{ "^interface_", "INTERFACE" }, { "^node_device_", "NODEDEV" }, { "^secret_", "SECRET" },
	{ "^nwfilter_", "NWFILTER" }, { "", "NONE" },
}
local function error_domain(name)
	for _, pair in ipairs(error_domains) do
		if name:find(pair[1]) then
			return pair[2]
		end
	end
end

header("/* Made by engine/api/gen.lua from engine/api/calls.lua. */\n")
header("#ifndef MV_GEN_CALLS_H\n#define MV_GEN_CALLS_H\n\n")
header('#include "engine/api/call_types.h"\n\nstruct mv_driver;\nstruct mv_error;\nstruct mv_stream;\n\n')
code("/* Made by engine/api/gen.lua from engine/api/calls.lua. */\n")
code("#include \"calls.h\"\n\n#include \"engine/api/call.h\"\n")
code("#include \"engine/base/error.h\"\n\n")

for _, entry in ipairs(table_of_calls.types) do
	structure(entry[1], entry[2], entry[1], true)
end

local calls = {}
for program, entry in ipairs(table_of_calls.programs) do
	for _, call in ipairs(table_of_calls[entry.name]) do
		call.program = program - 1
		calls[#calls + 1] = call
	end
end

-- A structure must be there before those that contain it, which may belong to calls with smaller numbers.
local written = {}
local function write_structs_of(call)
	if written[call] then
		return
	end
	written[call] = true
	for _, part in ipairs { "args", "ret", "msg" } do
		for word in (call[part] or ""):gmatch(":([%w_]+)") do
			for _, other in ipairs(calls) do
				if other ~= call and (word == other[2] .. "_ret" or word == other[2] .. "_msg") then
					write_structs_of(other)
				end
			end
		end
		if call[part] then
			structure(call[2] .. "_" .. part, call[part], call[2], false)
		end
	end
end
for _, call in ipairs(calls) do
	write_structs_of(call)
end

header("enum mv_call_id {\n\tMV_CALL_NONE,\n")
for _, call in ipairs(calls) do
	header("\tMV_CALL_%s,\n", call[2]:upper())
end
header("\tMV_CALL_LAST\n};\n\n")

header([[
/* What a driver can do. A slot that is NULL is answered with MV_ERR_NO_SUPPORT, or derived from another one
 * (engine/api/derived.c). The arguments are checked for nothing but their types; they are the caller's. *ret is all
 * zero before; what is put into it is owned by the caller, who frees it (mv_call_ret_free), also after a failure.
 * All calls come from the connection's thread. */
struct mv_calls {
]])
for _, call in ipairs(calls) do
	if not call.msg then
		header("\tint (*%s)(struct mv_driver *drv, const %s *args, %s *ret,%s struct mv_error **err);\n", call[2],
			call.args and ("struct mv_%s_args"):format(call[2]) or "void",
			call.ret and ("struct mv_%s_ret"):format(call[2]) or "void",
			call.stream and " struct mv_stream **stream," or "")
	end
end
header("};\n\n#endif\n")

code("const struct mv_call_desc mv_call_descs[MV_CALL_LAST] = {\n")
for _, call in ipairs(calls) do
	local function desc(part)
		return call[part] and ("&mv_%s_%s_wire"):format(call[2], part) or "NULL"
	end
	local free, flags, field, value = readable(call)
	local plain_flags, secure_flags = {}, {}
	for _, flag in ipairs(flags) do
		local list = flag.secure and secure_flags or plain_flags
		list[#list + 1] = table_of_calls.flags[flag.name] or fail("%s: there is no flag %s", call[2], flag.name)
	end
	local function sum(list)
		local all = 0
		for _, number in ipairs(list) do
			all = all | number
		end
		return all
	end
	code("\t[MV_CALL_%s] = { .name = \"%s\", .function = %s, .number = %d, .program = %d, .priority = %s,\n",
		call[2]:upper(), call[2], call[3] and ('"%s"'):format(call[3]) or "NULL", call[1], call.program,
		call.high and "true" or "false")
	code("\t\t.stream = %s, .event = %s, .reads = %s, .write_flags = 0x%x, .secure_flags = 0x%x, .permission = \"%s\",\n",
		call.stream and ("'%s'"):format(call.stream) or "0", call.msg and "true" or "false", free, sum(plain_flags),
		sum(secure_flags), call[4])
	if field then
		code("\t\t.write_field = \"%s\", .write_value = %d,\n", field, table_of_calls.flags[value]
			or fail("%s: there is no value %s", call[2], value))
	end
	code("\t\t.error_domain = MV_FROM_%s, .event_id = %d, .args = %s, .ret = %s, .msg = %s%s },\n",
		error_domain(call[2]), call.id or -1, desc("args"), desc("ret"), desc("msg"),
		call.msg and "" or (", .slot = offsetof(struct mv_calls, %s)"):format(call[2]))
end
code("};\n\n")

code([[
int mv_calls_invoke(const struct mv_calls *calls, enum mv_call_id call, struct mv_driver *drv, const void *args,
		    void *ret, struct mv_stream **stream, struct mv_error **err)
{
	switch (call) {
]])
for _, call in ipairs(calls) do
	if not call.msg then
		code("\tcase MV_CALL_%s: return calls->%s(drv, args, ret,%s err);\n", call[2]:upper(), call[2],
			call.stream and " stream," or "")
	end
end
code("\tdefault: return -1;\n\t}\n}\n")

-- Through a temporary name: a build that is interrupted must not leave half a file that looks finished.
local function write(path, pieces)
	local file = assert(io.open(path .. ".new", "wb"))
	assert(file:write(table.concat(pieces)))
	assert(file:close())
	assert(os.rename(path .. ".new", path))
end
write(header_path, h)
write(code_path, c)
