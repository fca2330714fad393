-- Commands as Lua: what explain prints is what somebody would have written, and it runs.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local function explained(command)
	local out, status, err = t.run(("%s -c test:///default explain %s"):format(t.quote(t.mvsh), t.quote(command)))
	t.equal(status, 0, err)
	t.matches(out, '^local virt = require "moonvisor"\nlocal conn = virt%.open%("test:///default"%)\n')
	return out, (out:gsub("^.-\n\n%-%- [%w-]+\n", ""))
end

t.describe("explain", function()
	for command, lua in pairs {
		["setmem test 1G --live"] = 'local domain = conn:domain("test")\ndomain:set_memory("1G", { live = true })\n',
		["setmem test 1G"] = 'local domain = conn:domain("test")\ndomain:set_memory("1G")\n',
		["setmaxmem test 3G --config"] = 'local domain = conn:domain("test")\n'
			.. 'domain:set_max_memory("3G", { config = true })\n',
		["memtune test --hard-limit 1G"] = 'local domain = conn:domain("test")\n'
			.. "domain:set_memory_parameters({ hard_limit = 1048576 })\n",
		["net-autostart default"] = 'local network = conn:network("default")\nnetwork:set_autostart(true)\n',
		["dumpxml test --inactive"] = 'local domain = conn:domain("test")\n'
			.. "local xml_desc = domain:description_xml({ inactive = true })\n",
		["save test /x"] = 'local domain = conn:domain("test")\ndomain:save("/x")\n',
		["restore /x"] = 'conn:restore("/x")\n',
		["dump test /x --live"] = 'local domain = conn:domain("test")\ndomain:core_dump("/x", { live = true })\n',
		["blockresize test vda 1G"] = 'local domain = conn:domain("test")\ndomain:block_resize("vda", "1G")\n',
		["pool-destroy default-pool"] = 'local pool = conn:pool("default-pool")\npool:destroy()\n',
	} do
		t.it("says " .. command, function()
			local _, body = explained(command)
			t.equal(body, lua)
		end)
	end

	t.it("takes a command without quotes", function()
		local _, quoted = explained "setmem test 1G --live"
		local out, status, err = t.run(t.quote(t.mvsh) .. " -c test:///default explain setmem test 1G --live")
		t.equal(status, 0, err)
		t.equal(out:sub(-#quoted), quoted)
	end)

	t.it("gives programs that run and do it", function()
		for _, command in ipairs { "setmem test 1G --live", "vcpupin test 0 0-1", "dominfo test", "vcpuinfo test",
			"vol-create-as default-pool a 1G", "snapshot-create-as test s1", "iface-list", "domstats test",
			"net-info default", "domblkinfo test --all", "pool-list --all", "nodeinfo" } do
			local text = explained(command)
			local path = t.write_file(t.folder() .. "/explained.lua", text)
			local _, status, err = t.run(("%s %s"):format(t.quote(t.mvsh), t.quote(path)))
			t.equal(status, 0, command .. ": " .. err)
		end
	end)
end)

t.finish()
