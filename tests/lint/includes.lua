-- Checks who includes what: a folder sees only the layers below it.
--
--   lua5.4 tests/lint/includes.lua FILE...      exit status 1 and a line for each violation

-- For each folder: the folders whose headers it may include besides its own. The longest matching folder counts.
-- What a driver knows of the layer above: the table that it fills, and what its calls and streams are made of.
local drivers_see = { "engine/api/driver.h", "engine/api/call.h", "engine/api/call_types.h", "engine/api/stream.h",
	"engine/api/notice.h", "engine/api/typed.h", "calls.h", "flags.h", "engine/base", "engine/image", "engine/storage",
	"engine/network", "engine/domain", "engine/conf", "engine/state" }
local function with(list, more)
	local all = { table.unpack(list) }
	table.move(more, 1, #more, #all + 1, all)
	return all
end

-- The machine process: nothing of the daemon. Its four folders are one program and see each other.
local machine_sees = { "engine/base", "engine/image", "engine/kvm/common", "engine/kvm/vmm", "engine/kvm/x86",
	"engine/kvm/dev", "engine/kvm/virtio", "seccomp_filters.h" }

local layers = {
	["engine/base"] = {},
	["engine/image"] = { "engine/base" },
	["engine/state"] = { "engine/base" },
	["engine/conf"] = { "engine/base", "engine/state" },
	["engine/domain"] = { "flags.h", "engine/base", "engine/conf", "engine/state" },
	["engine/network"] = { "engine/base", "engine/image", "engine/domain", "engine/conf", "engine/state" },
	["engine/storage"] = { "engine/base", "engine/network", "engine/image", "engine/domain", "engine/conf",
		"engine/state" },
	["engine/kvm/common"] = { "engine/base" },
	["engine/kvm/vmm"] = machine_sees,
	["engine/kvm/x86"] = machine_sees,
	["engine/kvm/dev"] = machine_sees,
	["engine/kvm/virtio"] = machine_sees,
	["engine/kvm/seccomp"] = { "engine/base", "engine/kvm/common" },
	["engine/kvm"] = with(drivers_see, { "engine/kvm/common" }),
	["engine/xen"] = drivers_see,
	["engine/test"] = drivers_see,
	["engine/remote"] = drivers_see,
	-- The list of drivers names each of them, by one header each.
	["engine/api"] = with(drivers_see, { "engine/kvm/driver.h", "engine/xen/driver.h", "engine/test/driver.h",
		"engine/remote/driver.h" }),
	["engine/daemon"] = { "engine/base", "engine/image", "engine/storage", "engine/network", "engine/domain",
		"engine/conf", "engine/state", "engine/api", "engine/remote" },
	["bindings"] = { "engine/base", "engine/api", "engine/conf", "engine/domain/state.h", "calls.h" },
	["shell"] = { "engine/base", "engine/api", "bindings" },
	["tests"] = { "engine", "bindings", "shell", "tests", "seccomp_filters.h", "calls.h", "flags.h" },
}

-- Headers that are made at build time, below build/gen.
local generated = { ["seccomp_filters.h"] = true, ["calls.h"] = true, ["flags.h"] = true }

-- Libraries that stay inside one folder.
local libraries = {
	{ pattern = "^libxml/", only = { "engine/conf" } },
	{ pattern = "^lua%.h$", only = { "bindings", "shell" } },
	{ pattern = "^lauxlib%.h$", only = { "bindings", "shell" } },
	{ pattern = "^lualib%.h$", only = { "bindings", "shell" } },
	{ pattern = "^readline/", only = { "shell" } },
	{ pattern = "^gnutls/", only = { "engine/remote", "engine/daemon" } },
	{ pattern = "^libssh2", only = { "engine/remote" } },
	{ pattern = "^seccomp%.h$", only = { "engine/kvm/seccomp" } },
	{ pattern = "^liburing", only = { "engine/image", "engine/base", "engine/kvm/vmm", "engine/kvm/virtio" } },
	{ pattern = "^cmocka%.h$", only = { "tests" } },
}

local violations = 0
local function report(path, line, ...)
	violations = violations + 1
	io.stderr:write(string.format("%s:%d: ", path, line), string.format(...), "\n")
end

local function inside(path, folder)
	return path == folder or path:sub(1, #folder + 1) == folder .. "/"
end

-- The folder of the table that a file belongs to: the longest that matches.
local function layer_of(path)
	local best
	for folder in pairs(layers) do
		if inside(path, folder) and (not best or #folder > #best) then
			best = folder
		end
	end
	return best
end

local function may_include(layer, header)
	local owner = layer_of(header)
	if owner == layer then
		return true
	end
	for _, allowed in ipairs(layers[layer]) do
		-- An entry that is a file allows that file; "engine" (for tests) all below; any other, that folder alone.
		if header == allowed or owner == allowed or (not layers[allowed] and inside(header, allowed)) then
			return true
		end
	end
	return false
end

local function check(path)
	local layer = layer_of(path)
	local number = 0
	for text in io.lines(path) do
		number = number + 1
		local kind, header = text:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
		-- What gen.lua makes of engine/conf/schema is below build/gen/conf.
		if header and header:find("^conf/[%w_]+_def%.h$") then
			header = "engine/" .. header
		end
		if kind == '"' and not layer then
			report(path, number, "this folder is in no layer; tests/lint/includes.lua has to know it")
		elseif kind == '"' and not header:find("/", 1, true) and not generated[header] then
			report(path, number, 'the include "%s" is not written from the root of the tree', header)
		elseif kind == '"' and header:find("..", 1, true) then
			report(path, number, 'the include "%s" leaves its folder by ".."', header)
		elseif kind == '"' and not may_include(layer, header) then
			report(path, number, '%s may not include "%s": it sees only the layers below it', layer, header)
		elseif kind == "<" then
			for _, library in ipairs(libraries) do
				if header:find(library.pattern) then
					local allowed = inside(path, "tests")
					for _, folder in ipairs(library.only) do
						allowed = allowed or inside(path, folder)
					end
					if not allowed then
						report(path, number, "<%s> stays inside %s", header, table.concat(library.only, ", "))
					end
				end
			end
			if header:find("^engine/") or header:find("^bindings/") or header:find("^shell/") then
				report(path, number, "our own header <%s> is included with angle brackets", header)
			end
		end
	end
end

for _, path in ipairs(arg) do
	check(path)
end
os.exit(violations == 0 and 0 or 1)
