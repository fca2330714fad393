-- Handles: closed ones raise and never crash, whatever is called; who names the same is equal.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"
local objects = require "moonvisor.objects"
local spec = require "moonvisor.spec"

local function define(conn, name)
	local kernel = t.write_file(conn.uri:match "root=(.*)$" .. "/kernel", "no kernel")
	return conn:define { name = name, memory = "64M", boot = { kernel = kernel } }
end

-- Arguments that pass the checks, so that what refuses the call is the closed handle.
local samples = { string = "x", path = "/x", spec = {}, size = 1 << 20, seconds = 0, state = "running", table = {},
	event = "lifecycle", any = "x", integer = 1, ["function"] = function() end }

local function class_of(name)
	for _, owner in ipairs(spec.classes) do
		if owner.name == name then
			return owner
		end
	end
end

local function good_arguments(method)
	local list = {}
	for i, param in ipairs(method.params) do
		list[i] = samples[param.type]
	end
	return table.unpack(list, 1, #method.params)
end

-- Every method and property of a class, on an object that cannot be used any more.
local function all_raise(class_name, object, code, metatable_methods)
	for _, method in ipairs(class_of(class_name).methods) do
		local fn = metatable_methods[method.name]
		if method.name ~= "close" and method.name ~= "cancel" then
			t.raises(code, nil, fn, object, good_arguments(method))
		end
	end
	for _, property in ipairs(class_of(class_name).properties) do
		t.raises(code, nil, function()
			return object[property.name]
		end)
	end
	t.ok(type(tostring(object)) == "string")
	t.ok(object == object)
	object:close()
	object:close()
end

t.describe("a closed handle", function()
	t.it("of a connection raises for everything", function()
		local conn = virt.open("kvm:///embed?root=" .. t.folder())
		local domains = conn.domains
		conn:close()
		all_raise("Connection", conn, "invalid_conn", core.Connection.metatable.methods)
		t.equal(tostring(conn), "connection (closed)")
		t.raises("invalid_conn", nil, function()
			return #domains
		end)
		t.raises("invalid_conn", nil, function()
			return domains.x
		end)
		t.raises("invalid_conn", nil, pairs, domains)
		t.raises("invalid_conn", nil, domains.each or function()
			domains:each()
		end, domains)
		t.equal(tostring(domains), "collection of domains (closed)")
	end)

	t.it("of a domain raises for everything", function()
		local conn = t.connection()
		local vm = define(conn, "web")
		vm:close()
		all_raise("Domain", vm, "invalid_domain", objects.metatable("Domain").methods)
		t.equal(tostring(vm), "domain (closed)")
		t.equal(conn.domains.web.name, "web", "the domain itself is there")
	end)

	t.it("of a stream raises for everything", function()
		local stream, other = core.Stream.pair()
		stream:close()
		all_raise("Stream", stream, "invalid_arg", core.Stream.metatable.methods)
		other:close()
	end)

	t.it("of a registration raises for everything", function()
		local registration = t.connection():on(print)
		registration:cancel()
		all_raise("Registration", registration, "invalid_arg", core.Registration.metatable.methods)
		t.equal(tostring(registration), "event registration (closed)")
	end)

	t.it("raises in the C functions too", function()
		local conn = virt.open("kvm:///embed?root=" .. t.folder())
		local vm, registration = define(conn, "web"), conn:on(print)
		local stream, other = core.Stream.pair()
		local handle = require("moonvisor.embedded").handle(vm)
		for _, object in ipairs { registration, vm, conn, stream, other } do
			object:close()
		end
		local handles = { Connection = conn, EmbeddedDomain = handle, Stream = stream, Registration = registration }
		local harmless = { close = true, is_open = true, pair = true, connect = true }
		for name, object in pairs(handles) do
			for fname, fn in pairs(core[name]) do
				if type(fn) == "function" and not harmless[fname] then
					t.ok(not pcall(fn, object, "x", 1, 1), name .. "." .. fname .. " works on a closed handle")
					t.ok(not pcall(fn, object), name .. "." .. fname)
					t.ok(not pcall(fn), name .. "." .. fname .. " works on nothing")
					t.ok(not pcall(fn, io.stdout, 1, 1), name .. "." .. fname .. " works on a file")
					t.ok(not pcall(fn, handles[name == "EmbeddedDomain" and "Stream" or "EmbeddedDomain"], 1, 1), name .. "." .. fname)
				end
			end
		end
		t.ok(not pcall(core.poll, { conn }, 0))
		t.ok(not pcall(core.poll, { stream }, 0))
		t.ok(not pcall(core.poll, { {} }, 0))
		t.ok(not pcall(core.poll, {}, 0, { stream }))
	end)
end)

t.describe("objects of a closed connection", function()
	t.it("raise and close without harm", function()
		local conn = virt.open("kvm:///embed?root=" .. t.folder())
		local vm = define(conn, "web")
		local registration = vm:on(print)
		conn:close()
		t.raises("invalid_conn", "The connection of the domain 'web' is closed", vm.start, vm)
		all_raise("Domain", vm, "invalid_conn", objects.metatable("Domain").methods)
		t.equal(tostring(vm), "domain (closed)")
		t.equal(tostring(registration), "event registration (connection closed)")
		registration:cancel()
	end)

	t.it("are collected in any order", function()
		for _ = 1, 20 do
			do
				local conn = virt.open("kvm:///embed?root=" .. t.folder())
				conn:on(print)
				define(conn, "web"):on("lifecycle", print)
			end
			collectgarbage "step"
		end
	end)
end)

t.describe("a handle", function()
	t.it("says what it is", function()
		local conn = t.connection()
		t.equal(tostring(conn), ('connection "%s"'):format(conn.uri))
		t.equal(tostring(define(conn, "web")), 'domain "web" (shut off)')
		t.equal(tostring(conn.domains), "collection of 1 domain")
		t.equal(tostring(conn:on("lifecycle", print)), 'registration for the event "lifecycle"')
	end)

	t.it("is equal to another one that names the same", function()
		local conn, other = t.connection(), t.connection()
		local a, b = define(conn, "a"), define(conn, "b")
		t.ok(a == conn.domains.a and a == conn:domain(a.uuid))
		t.ok(a ~= b and a ~= define(other, "a"))
		t.ok(conn ~= other and conn.domains == conn.domains and conn.domains ~= other.domains)
		t.ok(a.conn == conn and rawequal(a.conn, conn))
	end)

	t.it("is closed by <close>, also when an error passes", function()
		local kept
		pcall(function()
			local conn <close> = virt.open("kvm:///embed?root=" .. t.folder())
			kept = conn
			error "x"
		end)
		t.equal(tostring(kept), "connection (closed)")
	end)

	t.it("is closed by the collector", function()
		local before = core.open_handles()
		for _ = 1, 50 do
			virt.open("kvm:///embed?root=" .. t.folder())
		end
		collectgarbage()
		collectgarbage()
		t.equal(core.open_handles(), before)
	end)

	t.it("hides its metatable", function()
		local conn = t.connection()
		t.equal(getmetatable(conn), "moonvisor.Connection")
		t.ok(not pcall(setmetatable, conn, {}))
		t.ok(not pcall(setmetatable, conn.domains, {}))
	end)
end)

t.describe("errors", function()
	t.it("are objects with code, number, domain, message, errno", function()
		local conn = t.connection()
		local err = t.raises("no_domain", nil, conn.domain, conn, "nobody")
		t.equal(err.number, 42)
		t.equal(tostring(err), err.message)
		t.matches(err.domain, "^%a+$")
		t.equal(err.errno, nil)
		local folder = t.folder()
		t.write_file(folder .. "/file", "")
		err = t.raises("system", nil, virt.open, "kvm:///embed?root=" .. folder .. "/file/below")
		t.equal(err.number, 38)
		t.equal(err.errno, 20)
	end)

	t.it("are made by the standard library alike", function()
		local err = t.raises("invalid_arg", nil, virt.size, "x")
		t.equal(err.number, 8)
		t.equal(err.domain, "none")
	end)

	t.it("keep the position in the traceback only", function()
		local conn = t.connection()
		local ok, traceback = xpcall(conn.domain, debug.traceback, conn, "nobody")
		t.ok(not ok)
		local _, text = xpcall(function()
			conn:domain "nobody"
		end, function(err)
			return debug.traceback(tostring(err))
		end)
		t.matches(text, "handles_spec%.lua:%d+")
		t.ok(traceback ~= nil)
	end)
end)

t.finish()
