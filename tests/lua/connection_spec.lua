-- Connections without guests that run: definitions, the collection of domains, events, wrong specifications.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local function root_of(conn)
	return conn.uri:match "root=(.*)$"
end

local function specification(conn, name, more)
	local kernel = t.write_file(root_of(conn) .. "/kernel", "no kernel")
	local result = { name = name, memory = "64M", boot = { kernel = kernel } }
	for key, value in pairs(more or {}) do
		result[key] = value
	end
	return result
end

local function names(iterator)
	local list = {}
	for domain in iterator do
		list[#list + 1] = domain.name
	end
	return list
end

t.describe("virt.open", function()
	t.it("refuses other URIs, and says what there is", function()
		t.raises("no_support", "kvm:///embed%?root=", virt.open, "lxc:///")
		t.raises("no_support", "daemon", virt.open, "kvm:///system")
		t.raises("invalid_arg", "'uri' must be a string", virt.open)
		t.ok(not pcall(virt.open, ""))
		t.ok(not pcall(virt.open, "kvm:///embed"))
	end)

	t.it("makes its root folder", function()
		local folder = t.folder() .. "/new"
		local conn <close> = virt.open("kvm:///embed?root=" .. folder)
		t.equal(conn.uri, "kvm:///embed?root=" .. folder)
		local _, status = t.run("test -d " .. t.quote(folder))
		t.equal(status, 0)
	end)
end)

t.describe("definitions", function()
	t.it("are kept, found, replaced and removed", function()
		local root = t.folder()
		local uri = "kvm:///embed?root=" .. root
		do
			local conn <close> = virt.open(uri)
			local vm = conn:define(specification(conn, "web", { vcpus = 2 }))
			t.equal({ vm.name, vm.state, vm.active, vm.persistent, vm.id }, { "web", "shut off", false, true, nil })
			t.matches(vm.uuid, "^%x+%-%x+%-%x+%-%x+%-%x+$")
		end
		local conn <close> = virt.open(uri)
		local vm = conn.domains.web
		t.equal(vm.spec.vcpus, 2)
		conn:define(specification(conn, "web", { vcpus = 3 }))
		t.equal(vm.spec.vcpus, 3)
		t.equal(#conn.domains, 1)
		vm:undefine()
		t.equal(#conn.domains, 0)
		t.equal(conn.domains.web, nil)
		t.raises("no_domain", "web", function()
			return vm.spec
		end)
	end)

	t.it("come back as tables with all defaults", function()
		local conn = t.connection()
		local spec = conn:define(specification(conn, "web", {
			disks = { { path = root_of(conn) .. "/a.img", size = "1G" }, { path = root_of(conn) .. "/b.img", size = "2G" } },
			nics = {},
			metadata = { tags = { "a", "b" }, n = 5 },
		})).spec
		t.equal(spec.memory, 64 << 20)
		t.equal(math.type(spec.memory), "integer")
		t.equal({ spec.disks[1].target, spec.disks[2].target }, { "vda", "vdb" })
		t.equal(spec.disks[2].size, 2 << 30)
		t.equal(spec.metadata, { tags = { "a", "b" }, n = 5 })
		t.equal(conn:define(spec).spec, spec, "defining it again changes nothing")
	end)

	t.it("take empty lists", function()
		local conn = t.connection()
		local vm = conn:define(specification(conn, "web", { disks = {}, nics = {}, consoles = {}, serials = {}, cpu = {} }))
		t.equal(vm.state, "shut off")
	end)
end)

t.describe("a wrong specification", function()
	local function refused(more, pattern, code)
		local conn = t.connection()
		t.raises(code or "xml", pattern, conn.define, conn, specification(conn, "web", more))
		t.equal(#conn.domains, 0)
	end

	t.it("names the key", function()
		refused({ memroy = 1 }, "^memroy: .*did you mean 'memory'")
		refused({ memory = true }, "^memory: ")
		refused({ memory = "1M" }, "^memory: ")
		refused({ memory = "12 parsecs" }, "^memory: ")
		refused({ vcpus = 0 }, "^vcpus: ")
		refused({ vcpus = 1.5 }, "^vcpus: ")
		refused({ name = "a/b" }, "^name: ")
		refused({ on_crash = "explode" }, "^on_crash: .*destroy")
		refused({ disks = "x" }, "^disks: ")
		refused({ disks = { path = "x" } }, "^disks: ")
	end)

	t.it("counts lists from 1", function()
		local disk = { path = "/x/a.img", size = "1M" }
		refused({ disks = { { path = "/x/a.img", size = "1M", target = "vda" }, { path = "/x/b.img", size = "1M",
			target = "vda" } } }, "^disks%[2%]%.target: ")
		refused({ disks = { disk, { path = "/x/b.img", size = "1M", cache = "fast" } } }, "^disks%[2%]%.cache: ")
		refused({ disks = { disk, { path = print } } }, "^disks%[2%]%.path: A value of type function")
		refused({ disks = { disk, "x" } }, "^disks%[2%]: ")
	end)

	t.it("is refused before it reaches the engine when it is neither a table nor XML", function()
		local conn = t.connection()
		t.raises("invalid_arg", "'description' must be XML or a table", conn.define, conn, "name")
		t.raises("invalid_arg", "'description' must be XML or a table", conn.create, conn)
		t.raises("xml", "^name: ", conn.define, conn, {})
	end)
end)

t.describe("the collection of domains", function()
	local function three(conn)
		for _, name in ipairs { "web-2", "db", "web1" } do
			conn:define(specification(conn, name))
		end
	end

	t.it("finds by name, UUID and id", function()
		local conn = t.connection()
		three(conn)
		t.equal(conn.domains.db.name, "db")
		t.equal(conn.domains["web-2"].name, "web-2")
		t.equal(conn.domains.nobody, nil)
		t.equal(conn:domain("db").name, "db")
		t.equal(conn:domain(conn.domains.db.uuid).name, "db")
		t.raises("no_domain", "nobody", conn.domain, conn, "nobody")
		t.raises("no_domain", "id 77", conn.domain, conn, 77)
		t.raises("invalid_arg", "found by a string or an id", conn.domain, conn, {})
		t.raises("invalid_arg", "found by name", function()
			return conn.domains[1]
		end)
	end)

	t.it("counts and lists, sorted by name", function()
		local conn = t.connection()
		t.equal(#conn.domains, 0)
		three(conn)
		t.equal(#conn.domains, 3)
		local seen = {}
		for name, domain in pairs(conn.domains) do
			t.equal(domain.name, name)
			seen[#seen + 1] = name
		end
		t.equal(seen, { "db", "web-2", "web1" })
	end)

	t.it("filters", function()
		local conn = t.connection()
		three(conn)
		t.equal(names(conn.domains:each()), { "db", "web-2", "web1" })
		t.equal(names(conn.domains:each { name = "db" }), { "db" })
		t.equal(names(conn.domains:each { state = "shut off", persistent = true, active = false }), { "db", "web-2", "web1" })
		t.equal(names(conn.domains:each { active = true }), {})
		t.equal(names(conn.domains:where(function(d)
			return d.name:find "^web"
		end)), { "web-2", "web1" })
		t.raises("invalid_arg", "no property 'activ'; did you mean 'active'", conn.domains.each or function()
			conn.domains:each { activ = true }
		end, conn.domains, { activ = true })
		t.raises("invalid_arg", "'filter' must be a table", function()
			conn.domains:each "x"
		end)
	end)

	t.it("may be changed while it is gone through", function()
		local conn = t.connection()
		three(conn)
		for domain in conn.domains:each() do
			domain:undefine()
		end
		t.equal(#conn.domains, 0)
	end)
end)

t.describe("events", function()
	t.it("are delivered while the program waits, in order", function()
		local conn = t.connection()
		local seen = {}
		conn:on("lifecycle", function(ev)
			seen[#seen + 1] = { ev.id, ev.domain.name, ev.event }
		end)
		local vm = conn:define(specification(conn, "web"))
		vm:undefine()
		t.equal(seen, {}, "nothing is delivered outside a wait")
		t.poll("the events", 5, function()
			return #seen == 2
		end)
		t.equal(seen, { { "lifecycle", "web", "defined" }, { "lifecycle", "web", "undefined" } })
	end)

	t.it("are counted by dispatch()", function()
		local conn = t.connection()
		t.equal(conn:dispatch(), 0)
		t.equal(conn:dispatch(0.01), 0)
		conn:on(function() end)
		conn:on("lifecycle", function() end)
		conn:define(specification(conn, "web"))
		t.equal(conn:dispatch(5), 2)
	end)

	t.it("of one domain reach its own functions only", function()
		local conn = t.connection()
		local a, b = conn:define(specification(conn, "a")), conn:define(specification(conn, "b"))
		conn:dispatch(1)
		local seen = {}
		a:on("lifecycle", function(ev)
			seen[#seen + 1] = ev.domain.name
		end)
		b:undefine()
		a:undefine()
		conn:dispatch(5)
		t.equal(seen, { "a" })
	end)

	t.it("are not delivered after cancel(), not even those that wait", function()
		local conn = t.connection()
		local count, registration = 0, nil
		registration = conn:on(function()
			count = count + 1
			registration:cancel()
		end)
		local scoped
		do
			local inner <close> = conn:on(function()
				scoped = true
			end)
			t.ok(inner)
		end
		conn:define(specification(conn, "a"))
		conn:define(specification(conn, "b"))
		conn:dispatch(5)
		t.equal(conn:dispatch(0.01), 0)
		t.equal(count, 1)
		t.equal(scoped, nil)
	end)

	t.it("may call the whole API from their functions", function()
		local conn = t.connection()
		local seen = {}
		conn:on("lifecycle", function(ev)
			seen[#seen + 1] = ev.event .. " " .. ev.domain.name
			if ev.event == "defined" and ev.domain.name == "a" then
				conn:define(specification(conn, "b")):undefine()
				virt.sleep(0.01) -- a wait inside a wait: delivers too
			end
		end)
		conn:define(specification(conn, "a"))
		t.poll("the events", 5, function()
			return #seen >= 3
		end)
		t.equal(seen, { "defined a", "defined b", "undefined b" })
	end)

	t.it("whose function raises are reported, and the others delivered", function()
		local conn = t.connection()
		local reports, delivered = {}, 0
		virt.on_callback_error(function(err, traceback, event)
			reports[#reports + 1] = { tostring(err), traceback, event.event }
		end)
		conn:on(function()
			virt.size "broken"
		end)
		conn:on(function()
			delivered = delivered + 1
		end)
		conn:define(specification(conn, "a"))
		conn:dispatch(5)
		t.equal(delivered, 1)
		t.equal(#reports, 1)
		t.matches(reports[1][1], "The size 'broken'")
		t.matches(reports[1][2], "connection_spec")
		t.equal(reports[1][3], "defined")
	end)

	t.it("survive that a function closes the connection", function()
		local conn = virt.open("kvm:///embed?root=" .. t.folder())
		conn:on(function()
			conn:close()
		end)
		conn:define(specification(conn, "a"))
		conn:define(specification(conn, "b"))
		t.raises("invalid_conn", nil, function()
			for _ = 1, 100 do
				conn:dispatch(0.05)
			end
		end)
	end)

	t.it("of other connections are delivered too", function()
		local conn, other = t.connection(), t.connection()
		local seen
		other:on(function(ev)
			seen = ev.event
		end)
		other:define(specification(other, "a"))
		conn:dispatch(0.01)
		t.equal(seen, "defined")
		virt.sleep(0)
	end)

	t.it("have names, and others are refused", function()
		local conn = t.connection()
		for _, name in ipairs { "lifecycle", "reboot", "balloon", "device" } do
			conn:on(name, function() end):cancel()
		end
		t.raises("invalid_arg", "It is one of: lifecycle, reboot, ", conn.on, conn, "reboots", print)
	end)
end)

t.finish()
