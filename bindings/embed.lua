-- Writes a C file that contains the Lua files of the standard library.
--
--   lua5.4 bindings/embed.lua OUTPUT ROOT[,ROOT...] FILE...
--
-- The module name of ROOT/a/b.lua is "moonvisor.a.b"; ROOT/a/init.lua is "moonvisor.a", ROOT/init.lua is "moonvisor".
-- A file that does not compile stops the build here, with its line, and not at a user's prompt.

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
	if seen[name] then
		fail("'%s' and '%s' are both the module %s", seen[name], path, name)
	end
	seen[name] = path
	modules[#modules + 1] = { name = name, text = text, path = path }
end
table.sort(modules, function(a, b) return a.name < b.name end)

local out = { "/* Made by bindings/embed.lua from the files below " .. roots .. ". */\n",
	'#include "bindings/embedded.h"\n\n' }
for i, m in ipairs(modules) do
	out[#out + 1] = string.format("/* %s */\nstatic const char text_%d[] =\n%s;\n\n", m.path, i, c_literal(m.text))
end
out[#out + 1] = "const struct mv_embedded_lua mv_embedded_lua[] = {\n"
for i, m in ipairs(modules) do
	out[#out + 1] = string.format('\t{ .name = "%s", .text = text_%d, .size = sizeof(text_%d) - 1 },\n', m.name, i, i)
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
