-- Domains that run: the life cycle with the tiny guests, through the API.
-- limit: 300
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local function kernel(name)
	return t.build .. "/tests/guest/" .. name .. ".elf"
end

local function need_kvm()
	local file = io.open("/dev/kvm", "r+")
	if not file then
		t.skip "there is no /dev/kvm"
	end
	file:close()
end

-- A connection, and a specification of a tiny guest.
local function setup(guest, more)
	need_kvm()
	local conn = t.connection()
	local uri = conn.uri
	local spec = { name = "tiny", memory = "32M", boot = { kernel = kernel(guest) } }
	for key, value in pairs(more or {}) do
		spec[key] = value
	end
	t.cleanup(function()
		local still <close> = virt.open(uri) -- the case may have closed its own
		for vm in still.domains:each { active = true } do
			vm:destroy()
		end
	end)
	return conn, spec
end

local function record(vm)
	local seen = {}
	vm:on("lifecycle", function(ev)
		seen[#seen + 1] = ev.event .. " " .. ev.detail
	end)
	return seen
end

t.describe("a guest that says hello and powers off", function()
	t.it("is created, read, waited for, and gone", function()
		local conn, spec = setup "hello"
		local vm = conn:create(spec, { paused = true })
		t.equal({ vm.state, vm.persistent, vm.active }, { "paused", false, true })
		t.matches(tostring(vm), '^domain "tiny" %(paused, id %d+%)$')
		t.equal(conn:domain(vm.id).name, "tiny")
		local console <close> = vm:console()
		t.matches(tostring(console), '^console of domain "tiny"$')
		vm:resume()
		t.equal({ console:expect("(h%w+)o\r?\n", 20) }, { "hell", "" })
		t.equal(vm:wait("shut off", 20), "shutdown")
		t.poll("the end", 20, function()
			return conn.domains.tiny == nil
		end)
		t.equal(console:read "a", "")
	end)

	t.it("is defined, and started again and again", function()
		local conn, spec = setup "hello"
		local vm = conn:define(spec)
		local seen = record(vm)
		for i = 1, 5 do
			vm:start()
			vm:wait("shut off", 20)
			t.poll("the end", 20, function()
				return not vm.active and #seen >= 3 * i
			end)
		end
		t.equal(vm.persistent, true)
		t.equal(vm.id, nil)
		vm:undefine()
		t.equal(#conn.domains, 0)
	end)

	t.it("is started without waiting", function()
		local conn, spec = setup "hello"
		local vms = {}
		for i = 1, 3 do
			spec.name = "tiny" .. i
			vms[i] = conn:create(spec, { wait = false })
		end
		for _, vm in ipairs(vms) do
			vm:wait_start(20)
			vm:wait("shut off", 20)
		end
	end)
end)

t.describe("a guest that goes on", function()
	t.it("is suspended, resumed, reset and destroyed", function()
		local conn, spec = setup "halter"
		local vm = conn:define(spec)
		local seen = record(vm)
		vm:start()
		t.equal({ vm.state, vm.reason }, { "running", "booted" })
		t.raises("operation_invalid", "tiny", vm.start, vm)
		vm:suspend()
		t.equal(vm:wait("paused", 5), "user")
		vm:resume()
		t.equal(vm:wait("running", 5), "unpaused")
		vm:reset()
		vm:destroy()
		t.equal({ vm.state, vm.reason, vm.id }, { "shut off", "destroyed", nil })
		t.raises("operation_invalid", "tiny", vm.destroy, vm)
		t.raises("operation_invalid", "tiny", vm.suspend, vm)
		t.raises("operation_invalid", "tiny", vm.console, vm)
		t.poll("the events", 5, function()
			return #seen >= 4
		end)
		t.equal({ seen[1], seen[3], seen[4] }, { "started booted", "resumed unpaused", "stopped destroyed" })
		t.matches(seen[2], "^suspended ")
	end)

	t.it("is started paused", function()
		local conn, spec = setup "halter"
		local vm = conn:define(spec)
		vm:start { paused = true }
		t.equal(vm.state, "paused")
		vm:resume()
		t.equal(vm.state, "running")
	end)

	t.it("has statistics", function()
		local conn, spec = setup("halter", { memory = "64M", vcpus = 1 })
		local stats = conn:create(spec):stats()
		t.equal(math.type(stats.cpu.time), "integer")
		t.equal(stats.balloon.maximum, 64 << 10)
		t.equal(stats.vcpu.current, 1)
		t.ok(type(stats.vcpu[1]) == "table", "vcpu[1]")
	end)

	t.it("makes a wait fail that is in vain", function()
		local conn, spec = setup "halter"
		local vm = conn:create(spec)
		t.raises("operation_timeout", "The domain 'tiny' was waited for in vain for 0.05 s: it is 'running' %(booted%)",
			vm.wait, vm, "shut off", 0.05)
		t.raises("invalid_arg", "did you mean 'shut off'", vm.wait, vm, "shutoff")
		t.raises("invalid_arg", "there is no option 'force'", vm.start, vm, { force = true })
	end)

	t.it("is known to have ended when it was transient", function()
		local conn, spec = setup "halter"
		local vm = conn:create(spec)
		t.equal({ vm.active, vm.persistent }, { true, false })
		vm:destroy()
		t.equal({ vm.active, vm.persistent, vm.state, vm.reason }, { false, false, "shut off", "destroyed" })
		t.equal(vm.id, nil)
		t.raises("no_domain", nil, vm.start, vm)
	end)

	t.it("is found by the next connection", function()
		local conn, spec = setup "halter"
		local uuid = conn:define(spec).uuid
		conn.domains.tiny:start()
		local uri = conn.uri
		conn:close()
		local again <close> = virt.open(uri)
		t.equal({ again.domains.tiny.state, again.domains.tiny.uuid }, { "running", uuid })
	end)

	t.it("is saved, restored, and kept running at a checkpoint", function()
		local conn, spec = setup "halter"
		local vm = conn:create(spec)
		local file = t.folder() .. "/tiny.save"
		vm:save(file, { keep_running = true })
		t.equal(vm.state, "running")
		vm:save(file .. "2")
		t.equal({ vm.state, vm.reason }, { "shut off", "saved" })
		local back = conn:restore(file .. "2", { paused = true, verify = true })
		t.equal({ back.name, back.state }, { "tiny", "paused" })
		back:resume()
		t.equal(back:wait("running", 5), "unpaused")
		t.raises("system", "nothing there", conn.restore, conn, "/nothing there")
		t.raises("system", "no folder", vm.save, back, "/no folder/file")
		t.equal(back.state, "running", "a save that fails changes nothing")
	end)
end)

t.describe("a start that fails", function()
	t.it("says why", function()
		local conn, spec = setup "hello"
		spec.boot.kernel = t.folder() .. "/text"
		t.write_file(spec.boot.kernel, "this is no kernel\n")
		local vm = conn:define(spec)
		t.ok(not pcall(vm.start, vm))
		local err = select(2, pcall(vm.start, vm))
		t.matches(tostring(err), "text'")
		t.equal(vm.state, "shut off")
		t.ok(not pcall(conn.create, conn, { name = "other", memory = "32M", boot = spec.boot }))
		t.equal(conn.domains.other, nil)
	end)

	t.it("names the file that is not there", function()
		local conn, spec = setup "hello"
		spec.disks = { { path = t.folder() .. "/missing.img" } }
		t.raises("xml", "^disks%[1%]%.path: .*missing.img", conn.create, conn, spec)
	end)
end)

t.finish()
