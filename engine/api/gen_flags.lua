-- Makes a C header of libvirt's numbers:
--
--   lua5.4 engine/api/gen_flags.lua stdlib/flags.lua OUTPUT.h
--
-- Each is an enumerator with libvirt's own name: VIR_DOMAIN_AFFECT_LIVE.

local source, output = arg[1], arg[2]
if not output then
	io.stderr:write("usage: gen_flags.lua FLAGS.lua OUTPUT.h\n")
	os.exit(2)
end
local flags = dofile(source)

local function sorted_keys(map)
	local keys = {}
	for key in pairs(map) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	return keys
end

local out, seen = { "/* Generated from stdlib/flags.lua. */\n#ifndef MV_FLAGS_H\n#define MV_FLAGS_H\n" }, {}
for _, group in ipairs(sorted_keys(flags.groups)) do
	local lines = {}
	for _, name in ipairs(sorted_keys(flags.groups[group])) do
		local value = flags.groups[group][name]
		if not seen[name] then
			seen[name] = true
			-- Bit 31 makes an enumerator unsigned.
			lines[#lines + 1] = ("\tVIR_%s = %s,\n"):format(name, value > 0x7fffffff and value .. "u" or tostring(value))
		end
	end
	if #lines > 0 then
		out[#out + 1] = ("\n/* %s */\nenum {\n%s};\n"):format(group, table.concat(lines))
	end
end
out[#out + 1] = "\n#endif\n"

local file = assert(io.open(output .. ".new", "w"))
file:write(table.concat(out))
assert(file:close())
assert(os.rename(output .. ".new", output))
