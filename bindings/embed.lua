-- Writes a C file that contains the Lua files of the standard library.
--
--   lua5.4 bindings/embed.lua OUTPUT ROOT[,ROOT...] FILE...
--
-- The module name of ROOT/a/b.lua is "moonvisor.a.b"; ROOT/a/init.lua is "moonvisor.a", ROOT/init.lua is "moonvisor".
-- A file that does not compile stops the build here, with its line, and not at a user's prompt. Each is there compiled,
-- which loads in a fraction of the time, and as text, for a Lua whose bytecode is another (a stock Lua may be of
-- another release; a compiled probe tells).

local output, roots = arg[1], arg[2]
if not roots then
	io.stderr:write("usage: embed.lua OUTPUT ROOT[,ROOT...] FILE...\n")
	os.exit(2)
end

local function fail(...)
	io.stderr:write("embed.lua: ", string.format(...), "\n")
	os.exit(1)
end

local function below_root(path)
	for root in roots:gmatch("[^,]+") do
		if path:sub(1, #root + 1) == root .. "/" then
			return path:sub(#root + 2)
		end
	end
	fail("the file '%s' is not below '%s'", path, roots)
end

local function module_name(path)
	local inner = below_root(path):match("^(.*)%.lua$")
	if not inner or inner:find(".", 1, true) then
		fail("the file '%s' cannot be a module: its name must end in .lua and have no other dot", path)
	end
	local name = ("moonvisor/" .. inner):gsub("/init$", ""):gsub("/", ".")
	return name
end

-- A string literal a line: compilers limit the length of one literal far less than of one line. Bytes outside plain
-- ASCII are written as three octal digits, which cannot swallow the character after them as \x would.
local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\", ["?"] = "\\?" }
local function c_literal(text)
	local lines = {}
	for line in text:gmatch("[^\n]*\n?") do
		if line ~= "" then
			lines[#lines + 1] = '\t"' .. line:gsub('[%c"\\?\x7f-\xff]', function(c)
				return escapes[c] or string.format("\\%03o", c:byte())
			end) .. '"'
		end
	end
	return #lines > 0 and table.concat(lines, "\n") or '\t""'
end

-- Bytes as a C string, a line for every 64: no byte needs a look at its neighbours.
local function c_bytes(data)
	local lines = {}
	for at = 1, #data, 64 do
		lines[#lines + 1] = '\t"' .. data:sub(at, at + 63):gsub(".", function(c)
			return string.format("\\%03o", c:byte())
		end) .. '"'
	end
	return table.concat(lines, "\n")
end

-- What is compiled to tell whether a Lua makes the same bytecode: something of every kind of instruction.
local probe = [=[
local a <const>, b <close> = 1, nil
local t = { 1, 2.5, x = "s", [a] = ..., f = function(self, ...) return self.x, select("#", ...) end }
for i = 1, #t do t[i] = i // 2 + i % 3 - i * 4 / 5 ^ 2 & 7 | 8 ~ 1 << 2 >> 1 end
for k, v in pairs(t) do if k == "x" and v ~= 3 or not v then goto done elseif k < 2 then t.y = -v .. ~k end end
while t.n do t.n = t.n > 1 and t.n - 1 or nil end
repeat local up = t; t.g = function() up = up.x end until t:f(1) >= 2
::done:: return t, t[a], t.x, select(2, ...)
]=]

local modules, seen = {}, {}
for i = 3, #arg do
	local path = arg[i]
	local file, why = io.open(path, "rb")
	if not file then
		fail("%s", why)
	end
	local text = file:read("a")
	file:close()
	local ok, syntax = load(text, "@" .. path, "t")
	if not ok then
		fail("%s", syntax)
	end
	local name = module_name(path)
	local code = string.dump(load(text, "=" .. name, "t"))
	if seen[name] then
		fail("'%s' and '%s' are both the module %s", seen[name], path, name)
	end
	seen[name] = path
	modules[#modules + 1] = { name = name, text = text, code = code, path = path }
end
table.sort(modules, function(a, b) return a.name < b.name end)

local out = { "/* Made by bindings/embed.lua from the files below " .. roots .. ". */\n",
	'#include "bindings/embedded.h"\n\n' }
for i, m in ipairs(modules) do
	out[#out + 1] = string.format("/* %s */\nstatic const char text_%d[] =\n%s;\n", m.path, i, c_literal(m.text))
	out[#out + 1] = string.format("static const char code_%d[] =\n%s;\n\n", i, c_bytes(m.code))
end
local probe_code = string.dump(load(probe, "=probe", "t"))
out[#out + 1] = string.format("static const char probe_text[] =\n%s;\nstatic const char probe_code[] =\n%s;\n\n",
	c_literal(probe), c_bytes(probe_code))
out[#out + 1] = string.format("const struct mv_embedded_lua mv_embedded_probe = { .name = \"probe\", "
	.. ".text = probe_text, .size = sizeof(probe_text) - 1, .code = probe_code, "
	.. ".code_size = sizeof(probe_code) - 1 };\n\n")
out[#out + 1] = "const struct mv_embedded_lua mv_embedded_lua[] = {\n"
for i, m in ipairs(modules) do
	out[#out + 1] = string.format('\t{ .name = "%s", .text = text_%d, .size = sizeof(text_%d) - 1, '
		.. '.code = code_%d, .code_size = sizeof(code_%d) - 1 },\n', m.name, i, i, i, i)
end
out[#out + 1] = "\t{ .name = NULL },\n};\n"

-- Through a temporary name: a build that is interrupted must not leave half a file that looks finished.
local temporary = output .. ".new"
local file, why = io.open(temporary, "wb")
if not file then
	fail("%s", why)
end
local ok
ok, why = file:write(table.concat(out))
if ok then
	ok, why = file:close()
end
if not ok then
	fail("cannot write '%s': %s", temporary, why)
end
ok, why = os.rename(temporary, output)
if not ok then
	fail("%s", why)
end
