package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

t.describe("virt.size", function()
	t.it("knows binary and decimal units", function()
		local sizes = {
			["0"] = 0, ["17"] = 17, ["17B"] = 17, ["17 bytes"] = 17, ["1k"] = 1024, ["1K"] = 1024, ["3KiB"] = 3072,
			["3KB"] = 3000, ["512M"] = 512 << 20, ["512 MiB"] = 512 << 20, ["2G"] = 2 << 30, ["10GB"] = 10000000000,
			["1T"] = 1 << 40, ["1P"] = 1 << 50, ["1pb"] = 1000000000000000, [" 5 M"] = 5 << 20,
		}
		for text, bytes in pairs(sizes) do
			t.equal(virt.size(text), bytes, text)
		end
	end)

	t.it("takes bytes as a number", function()
		t.equal(virt.size(4096), 4096)
		t.equal(virt.size(2 ^ 31), 1 << 31)
	end)

	t.it("refuses what is no size, and says why", function()
		for _, wrong in ipairs { "", "M", "1.5G", "-1", "1X", "1GiBs", "1 G G", "0x10" } do
			t.raises("invalid_arg", "size", virt.size, wrong)
		end
		t.raises("invalid_arg", "units are K, M, G", virt.size, "1X")
		t.raises("invalid_arg", "negative", virt.size, -1)
		t.raises("invalid_arg", "integer", virt.size, 1.5)
		t.raises("invalid_arg", "integer", virt.size, 0 / 0)
		t.raises("invalid_arg", "integer", virt.size, {})
		t.raises("invalid_arg", "nil", virt.size)
		t.raises("invalid_arg", "at most 1", virt.size, 1, 2)
	end)

	t.it("refuses what 63 bits do not hold", function()
		t.equal(virt.size "8191P", 8191 << 50)
		t.raises("invalid_arg", "63 bits", virt.size, "8192P")
		t.raises("invalid_arg", "63 bits", virt.size, "99999999999999999999")
	end)
end)

t.finish()
