-- A Debian guest's life: power button, reboots, panic, suspend, console, two at once.
-- host: --mem 4096 --cpus 2
-- check: no
-- limit: 500
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"
local t = g.t

local function record(vm)
	local seen = {}
	local registration = vm:on(function(event)
		seen[#seen + 1] = ("%s %s %s"):format(event.id, event.event or "-", event.detail or "-")
	end)
	t.cleanup(function() registration:cancel() end)
	return seen
end

t.it("ends by its power button", function()
	local guest = g.start(t.connection())
	local vm = guest.vm
	vm:shutdown()
	vm:wait("shut off", 60)
	t.equal(vm.reason, "shutdown")
	guest:close()
end)

t.it("restarts by itself, by reset, by reboot()", function()
	local guest = g.start(t.connection())
	local vm, seen = guest.vm, record(guest.vm)
	guest.console:write "reboot -f\n"
	guest:ready()
	t.equal(vm.state, "running")
	vm:reset()
	guest:ready()
	vm:reboot()
	guest:ready()
	t.equal(vm.state, "running")
	local reboots = 0
	for _, event in ipairs(seen) do
		reboots = reboots + (event:match "^reboot" and 1 or 0)
	end
	t.equal(reboots, 3)
	guest:close()
end)

t.it("is told apart when it panics", function()
	local conn = t.connection()
	local guest = g.start(conn, { on_crash = "preserve" })
	guest.console:write "echo c > /proc/sysrq-trigger\n"
	guest.vm:wait("crashed", 60)
	t.equal(guest.vm.reason, "panicked")
	guest.vm:reset()
	guest:ready()
	guest.vm:destroy()
	t.equal(guest.vm.state, "shut off")
	guest:close()
end)

t.it("stands still while suspended", function()
	local guest = g.start(t.connection(), { vcpus = 2 })
	guest:run "(while :; do echo $((n=n+1)) > /run/n; done) &"
	guest.vm:suspend()
	t.equal(guest.vm.state, "paused")
	guest.console:write "echo al''ive\n"
	t.raises("operation_timeout", nil, guest.console.expect, guest.console, "alive", 1)
	guest.vm:resume()
	guest.console:expect("alive", 30)
	guest:close()
end)

t.it("takes and gives long lines through serial and virtio consoles", function()
	local guest = g.start(t.connection(), { consoles = { {}, { name = "org.moonvisor.test" } } })
	t.equal(guest:run "head -c 60000 /dev/zero | tr '\\0' x | wc -c", "60000")
	local line = ("0123456789abcdef"):rep(200)
	guest.console:write("cat > /run/in <<'E'\n" .. line .. "\nE\n")
	t.equal(guest:run "md5sum < /run/in", g.host("echo " .. line .. " | md5sum"))

	local port = guest.vm:console "console0.1"
	-- What comes while nobody has a port open is thrown away by the guest's driver.
	guest.console:write "(echo op''en; exec cat > /run/port) < /dev/virtio-ports/org.moonvisor.test &\n"
	guest.console:expect("open", 30)
	port:write(("y"):rep(200000) .. "end\n", 60)
	t.poll("the port's text in the guest", 60, function()
		return guest:run("wc -c < /run/port") == "200004"
	end)
	guest:run "kill %1"
	guest:run "seq 1 20000 > /dev/virtio-ports/org.moonvisor.test"
	t.ok(#port:expect("\n20000\r?\n", 60) > 0)
	port:close()

	local hvc = guest.vm:console "console0.0"
	guest:run "echo from hvc0 > /dev/hvc0"
	hvc:expect("from hvc0", 30)
	hvc:close()
	guest:close()
end)

t.it("is not disturbed by another one", function()
	local conn = t.connection()
	local first, second = g.start(conn, { name = "one" }), g.start(conn, { name = "two" })
	first:run "echo one > /run/name"
	second:run "echo two > /run/name"
	second.vm:destroy()
	t.equal(first:run "cat /run/name", "one")
	t.equal(#conn.domains, 1)
	first:close()
	second:close()
end)

t.it("gives memory up and takes it back", function()
	local guest = g.start(t.connection(), { memory = "512M" })
	local vm = guest.vm
	local function free() return tonumber(guest:run("cat /proc/meminfo"):match "MemFree:%s+(%d+)") // 1024 end
	local function resident() -- MiB of the machine process
		local pid = g.host "pgrep -x moonvisor-vmm"
		return tonumber(g.host("grep VmRSS /proc/" .. pid .. "/status"):match "%d+") // 1024
	end
	-- The guest uses memory and frees it: only the balloon (or reporting) gives it back to the host.
	guest:run "dd if=/dev/zero of=/run/fill bs=1M count=200 2>/dev/null; rm /run/fill"
	local before = free()
	vm:set_memory "300M"
	t.poll("the balloon's inflation", 90, function() return vm:stats().balloon.current == 300 * 1024 end)
	t.ok(free() < before - 190, "memory free in the guest")
	t.ok(resident() < 330, "memory of the machine process")
	vm:set_memory "512M"
	t.poll("the balloon's deflation", 90, function() return vm:stats().balloon.current == 512 * 1024 end)
	t.ok(free() > before - 20, "memory free in the guest")
	guest:close()
end)

t.finish()
