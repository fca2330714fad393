-- What somebody tries who has read the manual once: it works, or the message says what would.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local bound = require "moonvisor.bound"
local virt = require "moonvisor"

t.describe("events", function()
	t.it("of all kinds are those that the driver has", function()
		local conn <close> = virt.open "test:///default"
		local seen = {}
		local registration = conn:on(function(event)
			seen[#seen + 1] = event
		end)
		conn.domains.test:suspend()
		conn:dispatch()
		t.equal(#seen, 1)
		t.equal(seen[1].event, "suspended")
		registration:cancel()
		conn.domains.test:resume()
		t.equal(conn:dispatch(), 0)
	end)

	t.it("say what they are", function()
		local conn <close> = virt.open "test:///default"
		local text
		conn:on("lifecycle", function(event)
			text = tostring(event)
		end)
		conn.domains.test:suspend()
		conn:dispatch()
		t.equal(text, 'event "lifecycle" (detail = "paused", domain = domain "test" (paused, id 1), event = "suspended")')
	end)
end)

t.describe("an error in an event's function", function()
	t.it("comes with the event that the function got", function()
		local conn <close> = virt.open "test:///default"
		local got, given
		virt.on_callback_error(function(_, _, event) got = event end)
		conn:on("lifecycle", function(event)
			given = event
			error "wrong"
		end)
		conn.domains.test:suspend()
		conn:dispatch()
		virt.on_callback_error()
		t.ok(given and rawequal(got, given))
	end)
end)

t.describe("a device", function()
	t.it("may be a table", function()
		local conn <close> = virt.open "test:///default"
		local domain = conn.domains.test
		local disk = domain.conf.devices.disks[1]
		disk.source.file, disk.target.dev, disk.address = "/y", "vdb", nil
		t.equal(bound.xml_of("device", { disk = disk }), "<disk type='file' device='disk'>\n  <source file='/y'/>\n"
			.. "  <target dev='vdb' bus='virtio'/>\n</disk>\n")
		t.equal(bound.xml_of("device", { interface = { type = "network", source = { network = "default" } } }),
			"<interface type='network'>\n  <source network='default'/>\n</interface>\n")
		t.raises("no_support", "virDomainAttachDeviceFlags", domain.attach, domain, { disk = disk }) -- as libvirt's
		t.raises("invalid_arg", "There is no device 'dsk'; did you mean 'disk'%?", domain.attach, domain, { dsk = {} })
		t.raises("invalid_arg", "a table with one key", domain.attach, domain, { disk = {}, interface = {} })
		t.raises("xml", "sauce is not known; did you mean 'source'%?", domain.attach, domain, { disk = { sauce = {} } })
	end)
end)

t.describe("a stock lua5.4", function()
	t.it("runs commands", function()
		local program = [=[
			local virt, commands = require "moonvisor", require "moonvisor.commands"
			local conn = virt.open "test:///default"
			commands.run(conn, "suspend test")
			print(commands.rows(conn, "list")[1].state, select(2, pcall(commands.run, conn, "nosuch")))
		]=]

		local out, status, err = t.run(("LUA_CPATH=%s/?.so lua5.4 -e %s"):format(t.quote(t.build), t.quote(program)))
		t.equal({ out, status }, { "Domain 'test' suspended\n\npaused\tnosuch: unknown command: 'nosuch'\n", 0 }, err)
	end)
end)

t.describe("a collection", function()
	t.it("can be mapped over", function()
		local conn <close> = virt.open "test:///default"
		t.equal(virt.map(conn.domains, function(domain) return domain.name end), { "test" })
	end)

	t.it("refuses a value that a property never has", function()
		local conn <close> = virt.open "test:///default"
		t.raises("invalid_arg", "'state' of a domain is never 'runing'; did you mean 'running'%?", function()
			conn.domains:each { state = "runing" }
		end)
	end)

	t.it("says how it is gone through", function()
		local conn <close> = virt.open "test:///default"
		t.raises("invalid_arg", "for d in collection:each%(%) do", function()
			for _ in conn.domains do t.ok(false) end
		end)
	end)
end)

t.describe("statistics", function()
	t.it("are chosen by name", function()
		local conn <close> = virt.open "test:///default"
		local both = conn:stats { types = { "state", "vcpu" } }
		t.equal(both[1].stats.state.state, 1)
		local one = conn:stats({ conn.domains.test }, { types = "state" })
		t.equal(one[1].stats, { state = { state = 1, reason = 0 } })
		t.equal(#conn:stats { conn.domains.test }, 1)
		t.equal(conn:stats({ types = 1 })[1].stats, one[1].stats)
		t.raises("invalid_arg", "'types' cannot be the string \"stat\"; did you mean 'state'%?", conn.stats, conn,
			{ types = { "stat" } })
	end)
end)

t.describe("a snapshot", function()
	t.it("is described by a table, with and without options", function()
		local conn <close> = virt.open "test:///default"
		local domain = conn.domains.test
		t.equal(domain:create_snapshot({ name = "one", description = "first" }).name, "one")
		t.equal(domain:create_snapshot({ name = "two" }, { halt = true }).name, "two")
		t.equal(domain.active, false)
		domain:start()
		domain:create_snapshot { halt = true }
		t.equal(domain.active, false)
		t.raises("xml", "nam is not known; did you mean 'name'%?", domain.create_snapshot, domain, { nam = "three" })
		t.raises("invalid_arg", "there is no option 'hault'; did you mean 'halt'%?", domain.create_snapshot, domain,
			"three", { hault = true })
	end)
end)

t.finish()
