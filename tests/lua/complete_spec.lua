package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local complete = require("moonvisor.complete").complete

-- complete("text|word") as one string
local function completed(line)
	local before, word = line:match "^(.-)([%w_]*)$"
	return table.concat(complete(before, word), " ")
end

local function with_global(name, value)
	rawset(_G, name, value)
	t.cleanup(function()
		rawset(_G, name, nil)
	end)
end

t.describe("completion", function()
	t.it("knows keywords and globals", function()
		t.equal(completed "whi", "while")
		t.equal(completed "x = tos", "tostring(")
		t.equal(completed "print(setm", "setmetatable(")
		t.equal(completed "a..tos", "tostring(")
		t.matches(completed "", "^_G .*virt.* while")
		t.equal(completed "nosuchthing", "")
	end)

	t.it("knows fields, and only functions after a colon", function()
		with_global("thing", { alpha = 1, beta = { gamma = print }, ["not a name"] = 1, text = "abc" })
		t.equal(completed "thing.", "alpha beta text")
		t.equal(completed "thing.be", "beta")
		t.equal(completed "f(thing.beta.", "gamma(")
		t.equal(completed "thing:", "")
		t.equal(completed "thing.beta:g", "gamma(")
		t.equal(completed "thing.text:up", "upper(")
		t.equal(completed 'thing["not', 'not a name"]')
		t.equal(completed "thing['al", "alpha']")
		t.equal(completed "thing.nosuch.", "")
	end)

	t.it("follows __index tables, and calls no functions", function()
		local called
		with_global("thing", setmetatable({}, { __index = { inherited = 1 } }))
		with_global("trap", setmetatable({}, { __index = function()
			called = true
		end }))
		t.equal(completed "thing.", "inherited")
		t.equal(completed "trap.x.", "")
		t.equal(completed "trap().", "")
		t.equal(called, nil)
	end)

	t.it("knows methods and properties of objects", function()
		with_global("conn", t.connection())
		t.equal(completed "conn.define_n", "define_network define_nwfilter")
		t.equal(completed "conn.disp", "dispatch(")
		t.equal(completed "conn.do", "domain domain_capabilities domains")
		t.equal(completed "conn:do", "domain domain_capabilities")
		t.equal(completed "virt.op", "open(")
	end)

	t.it("knows the keys of collections", function()
		local conn = t.connection()
		with_global("conn", conn)
		local file = t.write_file(t.folder() .. "/kernel", "")
		for _, name in ipairs { "web1", "web2", "db-1" } do
			conn:define { name = name, memory = "64M", boot = { kernel = file } }
		end
		t.equal(completed "conn.domains.w", "web1 web2")
		t.equal(completed "conn.domains.web1.st", "start start_dirty_rate start_postcopy state stats")
		t.equal(completed "conn.domains:e", "each(")
		t.equal(completed 'conn.domains["db', 'db-1"]')
		t.equal(completed 'conn.domains["db-', '1"]')
		t.equal(completed 'conn.domains["db-1"].na', "name")
		t.equal(completed "conn.domains.web1.spec.bo", "boot")
		t.equal(completed "conn.domains.nobody.", "")
	end)

	t.it("knows what methods return, and never calls them", function()
		local conn <close> = virt.open "test:///default"
		with_global("conn", conn)
		t.equal(completed 'conn:domain("test"):resu', "resume(")
		t.equal(completed 'conn:domain "test":resu', "resume(")
		t.equal(completed 'conn:domain("nosuch").sta', "start start_dirty_rate start_postcopy state stats")
		t.equal(completed "conn.domains.test:snapshot_lookup", "")
		t.equal(completed "conn.domains.test.conn.domains.te", "test")
		t.equal(completed 'virt.open("test:///default").read_o', "read_only")
		t.equal(completed "print(conn.networks.de", "default")
		t.equal(completed "conn:nosuch().", "")
		t.equal(completed "print('a').", "")
	end)

	t.it("is quick among thousands of domains", function()
		local parts = { "<node>" }
		for i = 1, 10000 do
			parts[#parts + 1] = ("<domain type='test'><name>guest%05d</name><uuid>%08x-1111-2222-3333-444455556666</uuid>"
				.. "<memory>65536</memory><os><type>hvm</type></os></domain>"):format(i, i)
		end
		parts[#parts + 1] = "</node>"
		local path = t.write_file(t.folder() .. "/host.xml", table.concat(parts))
		local conn <close> = virt.open("test://" .. path)
		with_global("conn", conn)
		local core = require "moonvisor.core"
		local ctl = require("moonvisor.command.session").shared({}, _G)
		local commands = require "moonvisor.command.complete"
		local function best_of(count, fn)
			local best = math.huge
			for _ = 1, count do
				local start = core.now()
				fn()
				best = math.min(best, core.now() - start)
			end
			return best
		end
		for _, seconds in ipairs {
			best_of(10, function()
				t.equal(completed "conn.domains.guest0999", "guest09990 guest09991 guest09992 guest09993 guest09994 "
					.. "guest09995 guest09996 guest09997 guest09998 guest09999")
			end),
			best_of(10, function()
				t.equal(completed "conn.domains.guest00999.auto", "autostart")
			end),
			best_of(10, function()
				t.equal(commands.at_prompt(ctl, "dominfo ", "guest0999"), { "guest09990", "guest09991", "guest09992",
					"guest09993", "guest09994", "guest09995", "guest09996", "guest09997", "guest09998", "guest09999" })
			end),
		} do
			t.ok(seconds < 0.05, ("it takes %.1f ms"):format(seconds * 1000))
		end
	end)

	t.it("completes nothing and raises nothing for what is closed", function()
		local conn = virt.open("kvm:///embed?root=" .. t.folder())
		with_global("conn", conn)
		conn:close()
		t.equal(completed "conn.domains.", "")
		t.equal(completed "conn.domains.x.", "")
	end)
end)

t.finish()
