-- Waiting for conditions of a domain, on the test driver.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"

local function with_domain(fn)
	local conn <close> = virt.open "test:///default"
	fn(conn.domains.test)
end

t.describe("vm:wait", function()
	t.it("returns at once what holds already", function()
		with_domain(function(vm)
			t.equal(vm:wait "running", "unknown")
			vm:suspend()
			t.equal(vm:wait("paused", 0), "user")
			vm:destroy()
			t.equal(vm:wait "shutdown", "destroyed")
			vm:start()
		end)
	end)

	t.it("waits while other tasks go on", function()
		with_domain(function(vm)
			virt.spawn(function()
				virt.sleep(0.01)
				vm:suspend()
			end)
			t.equal(vm:wait("paused", 10), "user")
			vm:resume()
		end)
	end)

	t.it("says which stage was reached", function()
		with_domain(function(vm)
			t.raises("operation_timeout", "it is 'running' %(", vm.wait, vm, "shut off", 0)
			vm:destroy()
			t.raises("operation_timeout", "it is shut off %(destroyed%)", vm.wait, vm, "ip", 0)
			t.raises("operation_timeout", "it is shut off %(destroyed%)", vm.wait, vm, { "ip", port = 22 }, 0)
			vm:start()
		end)
	end)

	t.it("knows addresses", function()
		local conn <close> = virt.open "test:///default"
		local vm = conn:create { name = "addressed", memory = "64M", boot = { kernel = "/k" },
			nics = { { network = "default" } } }
		t.matches(vm:wait("ip", 0), "^192%.168%.122%.%d+$")
		local address, state = vm:wait({ "ip", "running" }, 0)
		t.matches(address, "^192%.168%.122%.")
		t.equal(state, "booted")
		vm:destroy()
	end)

	t.it("refuses what it does not know", function()
		with_domain(function(vm)
			t.raises("invalid_arg", "no condition 'runnin'; did you mean 'running'", vm.wait, vm, "runnin")
			t.raises("invalid_arg", "no condition 'ports'", vm.wait, vm, { ports = 1 })
			t.raises("invalid_arg", "from 1 to 65535", vm.wait, vm, { port = 0 })
			t.raises("invalid_arg", "without conditions", vm.wait, vm, {})
			t.raises("invalid_arg", "must be a state", vm.wait, vm, 5)
			t.raises("no_support", nil, vm.wait, vm, "agent", 0)
		end)
	end)
end)

t.describe("a connection to a port", function()
	t.it("tells why it failed", function()
		local stream <close> = core.Stream.connect("127.0.0.1", 1)
		local _, _, writable = core.poll({}, 5000, { stream })
		t.ok(writable[stream])
		t.equal(core.Stream.failure(stream), "Connection refused")
		t.raises("invalid_arg", "no numeric address", core.Stream.connect, "nowhere.example", 1)
		t.ok(not pcall(core.Stream.connect, "127.0.0.1", 0))
	end)
end)

t.finish()
