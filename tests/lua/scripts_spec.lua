-- The programs in scripts/, each run against test:///default. The setup runs in the same process, so that the script
-- sees what it has made; what follows the script's end is seen by what it printed and by `after`, which runs at the
-- exit.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local function run(script, arguments, setup, after)
	local code = ([[
		local conn = virt.open "test:///default"
		local function setup(conn) %s end
		local function after(conn) %s end
		setup(conn)
		local exit = os.exit
		os.exit = function(status)
			after(conn)
			exit(status, true)
		end
		dofile "scripts/%s"
		os.exit(0)
	]]):format(setup or "", after or "", script)
	local path = t.write_file(t.folder() .. "/run.lua", code)
	return t.run(("%s %s %s"):format(t.quote(t.mvsh), t.quote(path), arguments or ""))
end

local two_domains = [[
	for _, name in ipairs { "web1", "web2" } do
		conn:define { name = name, memory = "64M", boot = { kernel = "/k" } }
	end
]]

t.describe("report.lua", function()
	t.it("prints CSV", function()
		local out, status = run("report.lua", "--columns name,state,memory", two_domains)
		t.equal(status, 0)
		t.equal(out, "name,state,memory\ntest,running,2147483648\nweb1,shut off,67108864\nweb2,shut off,67108864\n")
	end)

	t.it("prints JSON, and goes on after a host that is not there", function()
		local out, status, err = run("report.lua", "--json --running --columns name test:///default test:///nowhere")
		t.equal(status, 1)
		t.matches(out, '^%[\n  {"name":"test"}\n%]\n$')
		t.matches(err, "^test:///nowhere: ")
	end)

	t.it("explains itself, and refuses what it does not know", function()
		local out, status = run("report.lua", "--help")
		t.equal(status, 0)
		t.matches(out, "^usage: report%.lua")
		local _, wrong, err = run("report.lua", "--cvs")
		t.equal(wrong, 2)
		t.matches(err, "there is no option %-%-cvs")
	end)
end)

t.describe("provision.lua", function()
	local template = [[
		local pool = conn:pool "default-pool"
		pool:create_volume { name = "base.img", capacity = "1G" }
		conn:define { name = "base", memory = "64M", boot = { kernel = "/k" },
			disks = { { volume = "default-pool/base.img" } }, nics = { { network = "default" } } }
	]]

	t.it("makes domains with disks and identities of their own", function()
		local out, status, err = run("provision.lua", "--start --memory 128M base web1 web2", template, [[
			for _, name in ipairs { "web1", "web2" } do
				local vm = conn:domain(name)
				print(name, vm.state, vm.max_memory, vm.conf.devices.disks[1].source.volume)
			end
			local one, two = conn:domain "web1", conn:domain "web2"
			print(one.uuid ~= two.uuid, one.conf.devices.interfaces[1].mac ~= two.conf.devices.interfaces[1].mac)
			print(conn:volume "default-pool/web2-vda".capacity)
		]])
		t.equal(status, 0, err)
		t.matches(out, "\nweb1\trunning\t134217728\tweb1%-vda\nweb2\trunning\t134217728\tweb2%-vda\n"
			.. "true\ttrue\n1073741824\n$")
	end)

	t.it("refuses a disk that two guests would write to, and leaves nothing behind", function()
		local _, status, err = run("provision.lua", "test copy", nil, [[
			assert(not conn.domains.copy)
			assert(#conn:pool "default-pool".volumes == 0)
		]])
		t.equal(status, 1)
		t.matches(err, "disk vda of 'test' is in no storage pool")
	end)

	t.it("removes the disks of a domain that cannot be made", function()
		local _, status, err = run("provision.lua", "base test", template, [[
			assert(#conn:pool "default-pool".volumes == 1)
		]])
		t.equal(status, 1)
		t.matches(err, "^test: ")
	end)
end)

t.describe("bulk-tag.lua", function()
	t.it("tags, and finds by tag", function()
		local out, status, err = run("bulk-tag.lua", "--tag prod --tag eu 'web*'", two_domains, [[
			local xml = conn:domain "web1":metadata "https://moonvisor.org/tags"
			assert(xml:find "<tag>eu</tag>" and xml:find "<tag>prod</tag>")
			assert(not pcall(conn.domains.test.metadata, conn.domains.test, "https://moonvisor.org/tags"))
		]])
		t.equal(status, 0, err)
		t.equal(out, "web1: tags eu prod\nweb2: tags eu prod\n")
	end)

	t.it("renames, and does nothing in a dry run", function()
		local out, status, err = run("bulk-tag.lua", "'--rename=^web=www'", two_domains, "assert(conn.domains.www2)")
		t.equal(status, 0, err)
		t.equal(out, "web1: renamed to www1\nweb2: renamed to www2\n")
		out, status = run("bulk-tag.lua", "--dry-run '--rename=^web=www'", two_domains, "assert(conn.domains.web2)")
		t.equal(status, 0)
		t.matches(out, "web1: renamed to www1 %(not done%)")
	end)

	t.it("reports what fails and goes on", function()
		local out, status, err = run("bulk-tag.lua", "'--rename=^=x'", two_domains)
		t.equal(status, 1)
		t.matches(err, "^test: ") -- it runs
		t.matches(out, "web2: renamed to xweb2")
	end)
end)

t.describe("rolling-restart.lua", function()
	local function plan(text)
		return t.write_file(t.folder() .. "/plan.lua", text)
	end

	t.it("restarts in the order of the dependencies", function()
		local path = plan 'return { web1 = { "test" }, web2 = { "web1" }, test = {} }'
		local out, status, err = run("rolling-restart.lua", path, two_domains)
		t.equal(status, 0, err)
		t.equal(out, "test: up\nweb1: up\nweb2: up\n")
	end)

	t.it("refuses circles and unknown names before it touches anything", function()
		local _, status, err = run("rolling-restart.lua", plan 'return { web1 = { "web2" }, web2 = { "web1" } }', two_domains)
		t.equal(status, 2)
		t.matches(err, "they need each other: web")
		_, status, err = run("rolling-restart.lua", plan 'return { web1 = { "db" } }', two_domains)
		t.equal(status, 2)
		t.matches(err, "needs 'db', which is not in the plan")
	end)

	t.it("leaves alone what needs one that does not come up", function()
		local path = plan 'return { web1 = { "test" }, test = {} }'
		local out, status = run("rolling-restart.lua", "--ready agent --timeout 1 " .. path, two_domains)
		t.equal(status, 1)
		t.matches(out, "test: failed: ")
		t.matches(out, "web1: left alone, since test is not up")
	end)
end)

t.describe("watch-restart.lua", function()
	local kill = [[
		virt.spawn(function()
			virt.sleep(0) -- the script registers first
			for _ = 1, 3 do
				conn:domain "test":wait("running", 10)
				conn:domain "test":destroy()
			end
		end)
	]]

	t.it("starts again what was stopped, but not for ever", function()
		local out, status, err = run("watch-restart.lua", "--stopped --most 2 --delay 0 --for 1", kill)
		t.equal(status, 0, err)
		local _, starts = out:gsub("test: started again", "")
		t.equal(starts, 2, out)
		t.matches(out, "it is left alone")
	end)

	t.it("leaves alone what was destroyed on purpose, and what it does not watch", function()
		local once = 'virt.spawn(function() virt.sleep(0) conn:domain "test":destroy() end)' -- the script registers first
		local out = run("watch-restart.lua", "--delay 0 --for 0.2", once)
		t.ok(not out:find "started again", out)
		out = run("watch-restart.lua", "--stopped --delay 0 --for 0.2 other", once)
		t.ok(not out:find "started again", out)
	end)
end)

t.describe("nightly-snapshot.lua", function()
	t.it("keeps the newest, and touches only its own", function()
		local out, status, err = run("nightly-snapshot.lua", "--keep 2 test", [[
			local vm = conn:domain "test"
			vm:create_snapshot "mine"
			for i = 1, 4 do vm:create_snapshot("nightly-2020010" .. i .. "T000000Z") end
		]], [[
			local names = {}
			for name in pairs(conn:domain "test".snapshots) do names[#names + 1] = name end
			print(table.concat(names, " "))
		]])
		t.equal(status, 0, err)
		t.matches(out, "^test: nightly%-%S+ taken, 3 deleted\nmine nightly%-20200104T000000Z nightly%-20%d+T%d+Z\n$")
	end)

	t.it("says what cannot be", function()
		local _, status, err = run("nightly-snapshot.lua", "--keep 0")
		t.equal(status, 2)
		t.matches(err, "at least 1")
		_, status, err = run("nightly-snapshot.lua", "nobody")
		t.equal(status, 1)
		t.matches(err, "nobody")
	end)
end)

t.finish()
