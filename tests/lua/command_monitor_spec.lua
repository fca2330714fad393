-- What commands that show a domain's state print of answers which the test driver has not: the texts are those of virsh
-- 9.0 with the same answers.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local fake = require "fake_calls"

local check = fake.check

local function param(field, kind, value)
	return { field = field, type = kind, value = value }
end

t.describe("domblkstat", function()
	local params = {
		param("flush_total_times", "llong", 0), param("rd_bytes", "llong", 100), param("zzz", "ullong", 200),
		param("wr_bytes", "llong", 300), param("rd_operations", "llong", 400), param("errs", "llong", -1),
		param("wr_operations", "llong", 600), param("rd_total_times", "llong", 700),
		param("wr_total_times", "llong", 800), param("flush_operations", "llong", 900),
	}
	local answers = { domain_block_stats_flags = function(_, _, count)
		return { params = count == 0 and {} or params, nparams = #params }
	end }

	t.it("has an order and names of its own", function()
		local lines = [[
@rd_req 400
@rd_bytes 100
@wr_req 600
@wr_bytes 300
@errs -1
@flush_operations 900
@rd_total_times 700
@wr_total_times 800
@flush_total_times 0
@zzz 200

]]
		check("domblkstat test vda", answers, (lines:gsub("@", "vda ")))
		check("domblkstat test", answers, (lines:gsub("@", " ")))
	end)

	t.it("says what counts mean", function()
		check("domblkstat test vda --human", answers, [[
Device: vda
 number of read operations:      400
 number of bytes read:           100
 number of write operations:     600
 number of bytes written:        300
 error count:                    -1
 number of flush operations:     900
 total duration of reads (ns):   700
 total duration of writes (ns):  800
 total duration of flushes (ns): 0
 zzz 200

]])
	end)
end)

t.describe("domifaddr", function()
	local addresses = { { type = 0, addr = "10.0.0.1", prefix = 8 }, { type = 1, addr = "fe80::2", prefix = 64 } }
	local answers = { domain_interface_addresses = {
		{ name = "lo", addrs = { addresses[1] } }, { name = "vnet0", hwaddr = "52:54:00:11:22:33", addrs = addresses },
		{ name = "vnet1", hwaddr = "52:54:00:11:22:33", addrs = {} },
	} }
	local head = " Name       MAC address          Protocol     Address\n" .. ("-"):rep(79) .. "\n"
	local lo = " lo                              ipv4         10.0.0.1/8\n"
	local vnet0 = " vnet0      52:54:00:11:22:33    ipv4         10.0.0.1/8\n"
	local vnet1 = " vnet1      52:54:00:11:22:33    N/A          N/A\n"

	t.it("shows all addresses", function()
		check("domifaddr test", answers,
			head .. lo .. vnet0 .. " -          -                    ipv6         fe80::2/64\n" .. vnet1 .. "\n",
			"domain_interface_addresses(test, 0, 0)")
		check("domifaddr test --full --source agent", answers,
			head .. lo .. vnet0 .. " vnet0      52:54:00:11:22:33    ipv6         fe80::2/64\n" .. vnet1 .. "\n",
			"domain_interface_addresses(test, 1, 0)")
		check("domifaddr test lo", answers, head .. lo .. "\n")
		check("domifaddr test nosuch", answers, head .. "\n")
	end)
end)

t.describe("domcontrol", function()
	t.it("says why it does not work", function()
		for case, text in pairs {
			[{ 0, 0 }] = "ok", [{ 1, 0 }] = "background job (1.234s)", [{ 2, 3 }] = "occupied (1.234s)", [{ 3, 0 }] = "error",
			[{ 3, 1 }] = "error: unknown", [{ 3, 2 }] = "error: monitor failure",
			[{ 3, 3 }] = "error: internal (locking) error", [{ 3, 4 }] = "error: unknown",
		} do
			check("domcontrol test",
				{ domain_get_control_info = { state = case[1], details = case[2], stateTime = 1234 } }, text .. "\n\n")
		end
	end)
end)

t.describe("domblkinfo", function()
	t.it("shows sizes without a sign", function()
		check("domblkinfo test vda",
			{ domain_get_block_info = { capacity = 10737418240, allocation = 1234567, physical = -1 } },
			"Capacity:       10737418240\nAllocation:     1234567\nPhysical:       18446744073709551615\n\n")
	end)
end)

t.describe("nodecpustats", function()
	local function stats(list)
		return { node_get_cpu_stats = function(_, count)
			return { params = count == 0 and {} or list, nparams = #list }
		end }
	end
	t.it("shows what there is", function()
		check("nodecpustats", stats { { field = "idle", value = 1000000000 }, { field = "user", value = 2000000000 },
			{ field = "kernel", value = 3 }, { field = "intr", value = -1 } },
			"user:                     2000000000\nsystem:                            3\nidle:                     1000000000\n"
			.. "intr:           18446744073709551615\n\n")
		check("nodecpustats", stats { { field = "utilization", value = 37 } }, "\n")
		check("nodecpustats --percent", stats { { field = "utilization", value = 37 } },
			"usage:             37%\nidle:              63%\n\n")
	end)
end)

t.describe("sizes and limits", function()
	t.it("have no sign", function()
		check("memtune test", {
			domain_get_memory_parameters = function(_, count)
				local list = { param("hard_limit", "ullong", -1), param("soft_limit", "ullong", 9007199254740991) }
				return { params = count == 0 and {} or list, nparams = #list }
			end,
		}, "hard_limit     : 18446744073709551615\nsoft_limit     : unlimited\n\n")
	end)
end)

t.finish()
