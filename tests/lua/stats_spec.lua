package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local nest = require("moonvisor.stats").nest

t.describe("statistics", function()
	t.it("become tables in tables, with lists from 1", function()
		t.equal(nest {
			["cpu.time"] = 5, ["block.count"] = 2, ["block.0.name"] = "vda", ["block.1.name"] = "vdb",
			["block.1.rd.bytes"] = 7,
		}, {
			cpu = { time = 5 },
			block = { count = 2, { name = "vda" }, { name = "vdb", rd = { bytes = 7 } } },
		})
		t.equal(nest {}, {})
	end)

	t.it("keep a value that is also the beginning of longer names", function()
		t.equal(nest { ["a.b"] = 1, ["a.b.c"] = 2, ["a.b.d.e"] = 3 }, { a = { b = { value = 1, c = 2, d = { e = 3 } } } })
		local flat = {}
		for i = 0, 50 do -- so many that some come before what begins them, and some after
			flat["x." .. i], flat["x." .. i .. ".y"] = i, -i
		end
		for i, entry in ipairs(nest(flat).x) do
			t.equal(entry, { value = i - 1, y = 1 - i })
		end
	end)
end)

t.finish()
