-- Libvirt's calls from Lua (stdlib/raw.lua), its constants (stdlib/flags.lua), and both against libvirt's own
-- description of its interface.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"
local flags = require "moonvisor.flags"
local virt = require "moonvisor"

local calls = core.calls()

-- The functions and constants of libvirt's public interface; nil where the package is not installed.
local function libvirt_api()
	local functions, constants = {}, {}
	for _, name in ipairs { "libvirt-api.xml", "libvirt-qemu-api.xml" } do
		local file = io.open("/usr/share/libvirt/api/" .. name)
		if not file then
			t.skip(name .. " is not here: package libvirt-dev")
		end
		for line in file:lines() do
			local fn = line:match "<function name='([%w_]+)'"
			if fn then
				functions[fn] = true
			end
			local constant, value = line:match "<enum name='VIR_([%w_]+)'.- value='(-?%d+)'"
			if constant then
				constants[constant] = math.tointeger(tonumber(value))
			end
		end
		file:close()
	end
	return functions, constants
end

-- Steps of a migration, which only clients and daemons among themselves take, and one more of that kind.
local function is_internal(name)
	return name:find "^domain_migrate_%a+%d?_?" and not name:find "^domain_migrate_[gs]et_"
		and name ~= "domain_migrate_start_post_copy" or name == "connect_supports_feature"
end

t.describe("the table of calls", function()
	t.it("names libvirt's functions", function()
		local functions = libvirt_api()
		local count = 0
		for name, call in pairs(calls) do
			if call.event or name:find "^auth_" then
				t.equal(call.libvirt, nil)
			else
				t.ok(call.libvirt, name)
				t.ok(functions[call.libvirt] or is_internal(name), name .. ": libvirt has no " .. call.libvirt)
				count = count + 1
			end
		end
		t.ok(count > 380, count)
	end)

	-- What clients do by themselves: references to objects and their names, streams, errors, typed parameters, event
	-- loops, opening, and migrations as a whole.
	local own = { "^virConn%a*LastError$", "^virConnSetErrorFunc$", "Error", "^virConnectOpen", "^virConnect%a*Alive$",
		"^virConnectIsEncrypted$", "Ref$", "Free$", "^virEvent", "^virTypedParams", "^virStream[A-Z]%l", "UUID$",
		"UUIDString$", "Name$", "GetConnect$", "Get%a*MACString$", "GetKey$", "^virDomainGetID$", "GetDomain$", "GetNetwork$",
		"PortDev$", "GetUsage%a+$", "^virDomainMigrate%d?$", "^virDomainMigrateToURI%d?$", "^virGetVersion$",
		"^virInitialize$", "^virDomainCreateLinux$", "^virDomainListGetStats$" }

	t.it("lacks no function of libvirt's", function()
		local have = {}
		for _, call in pairs(calls) do
			have[call.libvirt or ""] = true
		end
		for fn in pairs(libvirt_api()) do
			local found = have[fn]
			for _, pattern in ipairs(own) do
				found = found or fn:find(pattern)
			end
			t.ok(found, fn .. " has no call")
		end
	end)

	t.it("has libvirt's constants", function()
		local _, constants = libvirt_api()
		for _, group in pairs(flags.groups) do
			for name, value in pairs(group) do
				t.ok(constants[name] == nil or constants[name] == value, name)
			end
		end
		t.equal(flags.DOMAIN_AFFECT_CONFIG, 2)
		t.equal(flags.DOMAIN_SCHEDULER_CPU_SHARES, "cpu_shares")
		t.equal(flags.DOMAIN_MEMORY_PARAM_UNLIMITED, 9007199254740991)
		t.equal(flags.name("DomainState", 5), "DOMAIN_SHUTOFF")
		t.equal(flags.name("DomainState", 99), nil)
		t.ok(not pcall(function() return flags.DOMAIN_AFFECT_LIFE end))
	end)

	t.it("knows its events", function()
		local by_id = {}
		for name, call in pairs(calls) do
			if call.event_id then
				local kind = name:match "^(.-)_event_"
				by_id[kind] = (by_id[kind] or 0) + 1
			end
		end
		t.equal(by_id.domain, 27)
		t.equal(by_id.network, 1)
		t.equal(by_id.storage_pool, 2)
		t.equal(by_id.node_device, 2)
		t.equal(by_id.secret, 2)
	end)
end)

t.describe("calls", function()
	t.it("give only what begins with a prefix, where that is wanted", function()
		local conn <close> = virt.open "test:///default"
		for _, name in ipairs { "tea", "coffee", "ten" } do
			conn:define { name = name, memory = "64M", boot = { kernel = "/k" } }
		end
		local function names(prefix)
			local found = {}
			for _, ref in ipairs(core.matching(conn, core.call_number "connect_list_all_domains", prefix, 1, 0).domains) do
				found[#found + 1] = ref.name
			end
			table.sort(found)
			return found
		end
		t.equal(names "te", { "tea", "ten", "test" })
		t.equal(names "x", {})
		t.equal(names "", { "coffee", "tea", "ten", "test" })
		t.equal(core.matching(conn, core.call_number "connect_get_type", "x"), "TEST")
		t.equal(pcall(core.matching, conn, core.call_number "connect_list_all_domains", "x"), false)
	end)

	t.it("reach the driver", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		t.equal(raw:connect_get_type(), "TEST")
		t.equal(raw:connect_get_uri(), "test:///default")
		t.equal(raw:connect_get_lib_version(), 9000000)
		local dom = raw:domain_lookup_by_name "test"
		t.equal(dom.uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f")
		t.matches(raw:domain_get_xml_desc(dom, 0), "<name>test</name>")
		t.equal(raw:domain_get_state(dom, 0).state, flags.DOMAIN_RUNNING)
		t.equal(raw:connect_num_of_domains(), 1)
		t.equal(raw:connect_list_domains(10)[1], 1)
	end)

	t.it("raise what libvirt would print", function()
		local conn <close> = virt.open "test:///default"
		local ok, err = pcall(conn.raw.domain_lookup_by_name, conn.raw, "nobody")
		t.ok(not ok)
		t.equal(err.code, "no_domain")
		t.matches(err.text, "^Domain not found")
		t.raises("no_support", "virDomainMigrateGetMaxSpeed", function()
			return conn.raw:domain_migrate_get_max_speed(conn.raw:domain_lookup_by_name "test", 0)
		end)
	end)

	t.it("may be for reading only", function()
		local conn <close> = virt.open("test:///default", { read_only = true })
		t.equal(conn.read_only, true)
		local dom = conn.raw:domain_lookup_by_name "test"
		t.raises("operation_denied", "^operation forbidden: read only access prevents virDomainDestroy$", function()
			conn.raw:domain_destroy(dom)
		end)
		t.raises("operation_denied", "^operation forbidden: virDomainGetXMLDesc with secure flag$", function()
			conn.raw:domain_get_xml_desc(dom, flags.DOMAIN_XML_SECURE)
		end)
	end)

	t.it("are not the only ones that are refused then", function()
		local root = t.folder()
		virt.open("kvm:///embed?root=" .. root):define { name = "a", memory = "64M", boot = { kernel = "/proc/self/exe" } }
		local conn <close> = virt.open("kvm:///embed?root=" .. root, { read_only = true })
		local vm = conn:domain "a"
		t.equal(vm.state, "shut off")
		t.raises("operation_denied", "read only access prevents", function() vm:start() end)
		t.raises("operation_denied", "read only access prevents", function() vm:undefine() end)
		t.raises("operation_denied", "read only access prevents", function()
			conn:define { name = "b", memory = "64M", boot = { kernel = "/proc/self/exe" } }
		end)
	end)

	t.it("are not there any more when the connection is closed", function()
		local conn = virt.open "test:///default"
		local raw = conn.raw
		conn:close()
		t.raises("invalid_conn", "closed", function() raw:connect_get_type() end)
		t.raises("invalid_conn", "closed", function() raw:on("lifecycle", print) end)
		t.raises("invalid_conn", "closed", function() return conn.raw end)
	end)

	t.it("tell of events", function()
		local conn <close> = virt.open "test:///default"
		local raw, seen = conn.raw, {}
		local dom = raw:domain_lookup_by_name "test"
		raw:on("lifecycle", dom, function(ev) seen[#seen + 1] = ev end)
		raw:domain_suspend(dom)
		raw:domain_resume(dom)
		conn:dispatch()
		t.equal(#seen, 2)
		t.equal(seen[1].event, flags.DOMAIN_EVENT_SUSPENDED)
		t.equal(seen[2].event, flags.DOMAIN_EVENT_RESUMED)
		t.equal(seen[2].dom.name, "test")
	end)
end)

-- --- anything --------------------------------------------------------------------------------------------------------

-- Values of the right and the wrong types, for whatever argument. No string is a path that could be written.
local function anything(random, depth)
	local kinds = {
		function() return random(-3, 70) end,
		function() return 1 << random(0, 63) end,
		function() return ({ math.mininteger, math.maxinteger, -1, 0, 0.5, 2^64, 0/0, 1/0 })[random(8)] end,
		function() return "" end,
		function() return "/nonexistent/" .. random(1000) end,
		function() return ("<a"):rep(random(100)) end,
		function() return ({ "test", "default", "eth1", "computer", "<domain/>", "\0", "\xff%s%n" })[random(7)] end,
		function() return "6695eb01-f6a4-8304-79aa-97f2502e193f" end,
		function() return random(2) == 1 end,
		function() return nil end,
		function() return print end,
		function() return { name = "test", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f", id = 1 } end,
		function() return { pool = "default-pool", name = "x", key = "y" } end,
		function() return { name = "s", dom = { name = "test", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f" } } end,
		function() return { { field = "a", type = "int", value = 1 }, { field = "b", type = "string", value = "x" } } end,
		function() return depth < 3 and { anything(random, depth + 1), name = anything(random, depth + 1) } or {} end,
	}
	return kinds[random(#kinds)]()
end

-- What the calls of this kind return, so that others can be asked about it; and XML that is nearly right.
local documents = {
	"<domain type='test'><name>x%d</name><memory>65536</memory><os><type>hvm</type></os></domain>",
	"<network><name>x%d</name><bridge name='virbr%d'/></network>",
	"<pool type='dir'><name>x%d</name><target><path>/nonexistent</path></target></pool>",
	"<volume><name>x%d</name><capacity>%d</capacity></volume>",
	"<domainsnapshot><name>x%d</name></domainsnapshot>",
	"<domaincheckpoint><name>x%d</name></domaincheckpoint>",
	"<interface type='ethernet' name='eth%d'/>",
	"<secret ephemeral='no' private='no'><usage type='volume'><volume>/x%d</volume></usage></secret>",
	"<device><parent>computer</parent><capability type='scsi_host'><capability type='fc_host'>"
		.. "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>",
	"<nwfilter name='x%d'/>",
	"<disk type='file'><source file='/nonexistent/%d'/><target dev='vd%d'/></disk>",
}

-- Mostly what an argument should be, so that some calls get past the checks. `seen` holds results of earlier calls;
-- files are only below `folder`.
local function likely(name, random, seen, folder)
	if name == "to" or name == "from" or name == "file" then
		return random(2) == 1 and "/nonexistent/file" or folder .. "/" .. random(3)
	elseif random(8) == 1 then
		return anything(random, 0)
	elseif name == "flags" then
		return random(3) > 1 and 0 or random(0, 1) << random(0, 31)
	elseif name == "need_results" then
		return random(0, 1)
	elseif seen[name] and random(3) > 1 then
		return seen[name][random(#seen[name])]
	elseif name == "dom" then
		return { name = "test", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f", id = random(-1, 2) }
	elseif name:find "[xX][mM][lL]" then
		return (documents[random(#documents)]:gsub("%%d", random(5)))
	end
	return anything(random, 0)
end

local aliases = { snapshot = "snap", network = "net", clonevol = "vol", checkpoint = "checkpoint" }

-- Remembers the references in what a call returned, by the name of the result.
local function remember(seen, name, result)
	if type(result) ~= "table" then
		return
	end
	local list = type(result[1]) == "table" and result[1][1] and result[1] or result[1] and result or { result }
	name = name:gsub("s$", "")
	for _, item in ipairs(list) do
		if type(item) == "table" and (item.name or item.uuid) then
			seen[name] = seen[name] or {}
			table.insert(seen[name], item)
		end
	end
end

t.describe("arguments of all kinds", function()
	t.it("end in a result or an error object", function()
		local seed, folder = os.time(), t.folder()
		math.randomseed(seed)
		local names = {}
		for name, call in pairs(calls) do
			names[#names + 1] = not call.event and name or nil
		end
		table.sort(names)
		local answered = 0
		for _ = 1, 20 do
			local conn <close> = virt.open "test:///default"
			local seen = {}
			for _ = 1, #names do
				local name = names[math.random(#names)]
				local args, wanted = {}, calls[name].args or {}
				for i, argument in ipairs(wanted) do
					args[i] = likely(aliases[argument] or argument, math.random, seen, folder)
				end
				local ok, result = pcall(conn.raw[name], conn.raw, table.unpack(args, 1, #wanted))
				t.ok(ok or getmetatable(result) == core.error_metatable, ("%s, seed %d: %s"):format(name, seed,
					tostring(result)))
				if ok then
					answered = answered + 1
					local ret = calls[name].ret or {}
					for _, field in ipairs(ret) do
						remember(seen, field, #ret == 1 and { result } or type(result) == "table" and result[field])
					end
				end
			end
		end
		t.ok(answered > 200, answered)
	end)
end)

t.finish()
