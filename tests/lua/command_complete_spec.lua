-- Completion of command lines.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local complete = require "moonvisor.command.complete"
local control = require "moonvisor.command.control"

-- With domains a, ab (shut off) and web1 (running), one pool with a volume.
local function fake()
	local doms = { { name = "web1", id = 1 }, { name = "a", id = -1 }, { name = "ab", id = -1 } }
	return {
		connect_list_all_domains = function(_, _, flags)
			local found = {}
			for _, dom in ipairs(doms) do
				local fits = flags == 0 or flags == 64 and dom.id < 0 or flags == 1 and dom.id >= 0
				found[#found + 1] = fits and dom or nil
			end
			return { domains = found }
		end,
		domain_lookup_by_name = function(_, name)
			return { name = name }
		end,
		domain_get_xml_desc = function()
			return "<domain><devices><disk><target dev='vda'/></disk><disk><target dev='sdb'/></disk></devices></domain>"
		end,
		connect_list_all_storage_pools = function()
			return { pools = { { name = "default" } } }
		end,
		storage_pool_lookup_by_name = function(_, name)
			return { name = name }
		end,
		storage_pool_list_all_volumes = function()
			return { vols = { { name = "v1", key = "/v1" } } }
		end,
		connect_list_all_networks = function()
			error "slow, or gone"
		end,
	}
end

local ctl = control.new { real_raw = fake() }
local plain = control.new { real_raw = fake(), plain = true }

local function words(line, which)
	return table.concat((complete.words(which or ctl, line)), " ")
end

t.describe("completion", function()
	t.it("knows commands", function()
		t.equal(words "domin", "dominfo")
		t.equal(words "list; domin", "dominfo")
		t.equal(words "help domin", "dominfo")
		t.equal(words "help moonv", "moonvisor")
		t.equal(words "help Domai", "Domain")
		t.equal(words("help moonv", plain), "")
		t.equal(words "list -o j", "json")
		t.equal(words "list --output ", "json lua name table")
		t.equal(words "list --where ", "")
		t.equal(words "nosuch x", "")
	end)

	t.it("knows options that are not there yet", function()
		t.equal(words "setmem a 1 --l", "--live")
		t.equal(words "setmem a 1 --live --c", "--config --current")
		t.equal(words("setmem a 1 --live --c", plain), "--config --current")
		t.equal(words("dominfo ", plain), "--domain")
		t.equal(words("dominfo --domain a --", plain), "")
	end)

	t.it("knows objects by their state", function()
		t.equal(words "dominfo ", "web1 a ab")
		t.equal(words "dominfo a", "a ab")
		t.equal(words "start ", "a ab")
		t.equal(words "shutdown ", "web1")
		t.equal(words "shutdown --domain ", "web1")
		t.equal(words "shutdown --domain=w", "--domain=web1")
		t.equal(words "vol-info --pool default --vol ", "v1")
		t.equal(words "domblkinfo a ", "vda sdb")
		t.equal(words "domblkinfo a s", "sdb")
	end)

	t.it("knows words, alone and in lists", function()
		t.equal(words "send-key a --codeset at", "atset1 atset2 atset3")
		t.equal(words "shutdown a --mode ac", "acpi")
		t.equal(words "shutdown a --mode acpi,", "acpi,agent acpi,initctl acpi,signal acpi,paravirt")
	end)

	t.it("knows files", function()
		local folder = t.folder()
		t.write_file(folder .. "/one.xml", "")
		t.write_file(folder .. "/other.xml", "")
		t.equal(words("define " .. folder .. "/on"), folder .. "/one.xml")
		t.equal(words("define " .. folder .. "/"), folder .. "/one.xml " .. folder .. "/other.xml")
		t.equal(words("define " .. folder:match "^(.*).$"):sub(-1), "/")
	end)

	t.it("is silent when the host is", function()
		t.equal(words "net-info ", words("net-info --"))
		t.equal(words "net-info x", "")
	end)

	t.it("gives readline what it replaces", function()
		t.equal(complete.at_prompt(ctl, "net-", "inf"), { "info " })
		t.equal(complete.at_prompt(ctl, "setmem a 1 --", "li"), { "live " })
		t.equal(complete.at_prompt(ctl, "", "domin"), { "dominfo " })
	end)
end)

t.finish()
