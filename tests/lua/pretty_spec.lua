package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local pretty = require "moonvisor.pretty"

t.describe("pretty", function()
	t.it("shows plain values as Lua writes them", function()
		t.equal(pretty.format(1), "1")
		t.equal(pretty.format(1.0), "1.0")
		t.equal(pretty.format(nil), "nil")
		t.equal(pretty.format(true), "true")
		t.equal(pretty.format 'a"b\n\\\1', '"a\\"b\\n\\\\\\001"')
		t.equal(pretty.format "é", '"é"')
		t.equal(pretty.format "\xff", '"\\xff"')
	end)

	t.it("lays tables out", function()
		t.equal(pretty.format {}, "{}")
		t.equal(pretty.format { 1, "a", { b = 2 } }, '{ 1, "a", { b = 2 } }')
		t.equal(pretty.format { [2] = 1, ["a b"] = 2, ["end"] = 3, [true] = 4 },
			'{ [2] = 1, ["a b"] = 2, ["end"] = 3, [true] = 4 }')
		local long = pretty.format { name = ("x"):rep(40), path = ("y"):rep(40) }
		t.equal(long, '{\n  name = "' .. ("x"):rep(40) .. '",\n  path = "' .. ("y"):rep(40) .. '"\n}')
	end)

	t.it("has limits", function()
		t.equal(pretty.format({ { { { { 1 } } } } }), "{ { { { {...} } } } }")
		t.equal(pretty.format({ { 1 } }, { depth = 1 }), "{ {...} }")
		local many = {}
		for i = 1, 150 do
			many[i] = i
		end
		t.matches(pretty.format(many), "100,\n  %.%.%. and 50 more\n}$")
		local loop = {}
		loop.loop = loop
		t.equal(pretty.format(loop), "{ loop = <itself, further up> }")
	end)

	t.it("shows objects by their own words", function()
		local conn = t.connection()
		t.equal(pretty.format(conn), tostring(conn))
		t.equal(pretty.format { conn.domains }, "{ collection of 0 domains }")
		local broken = setmetatable({}, { __tostring = function()
			error "broken"
		end })
		t.matches(pretty.format(broken), "table that cannot be shown %(.*broken%)")
	end)

	t.it("has colours when asked", function()
		t.equal(pretty.format(1, { colour = true }), "\27[36m1\27[0m")
		t.ok(not pretty.format({ a = "b" }):find "\27")
	end)
end)

t.finish()
