package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local json = require "moonvisor.json"

t.describe("encode", function()
	t.it("writes values", function()
		t.equal(json.encode(true), "true")
		t.equal(json.encode "a", '"a"')
		t.equal(json.encode { name = "a", memory = 1 << 40, half = 0.5 }, '{"half":0.5,"memory":1099511627776,"name":"a"}')
		t.equal(json.encode { { 1 }, { 2, "x" } }, '[[1],[2,"x"]]')
	end)

	t.it("keeps integers integers", function()
		t.equal(json.encode(math.maxinteger), "9223372036854775807")
		t.equal(json.encode(math.mininteger), "-9223372036854775808")
		t.equal(json.encode(2 ^ 31), "2147483648")
		t.equal(json.encode(2), "2")
	end)

	t.it("tells empty lists from empty maps by their key", function()
		local lists = { disks = true }
		t.equal(json.encode({ disks = {}, cpu = {} }, lists), '{"cpu":{},"disks":[]}')
		t.equal(json.encode {}, "{}")
	end)

	t.it("escapes text", function()
		t.equal(json.encode 'a"b\\c\n\1\127é', '"a\\"b\\\\c\\n\\u0001\\u007fé"')
	end)

	t.it("refuses what JSON cannot carry, with the keys that lead to it", function()
		local function refused(value, pattern)
			t.raises("xml", pattern, json.encode, value)
		end
		refused({ disks = { { target = print } } }, "^disks%[1%]%.target: A value of type function")
		refused({ disks = { { path = "a" }, { path = io.stdout } } }, "^disks%[2%]%.path: A value of type userdata")
		refused({ memory = 0 / 0 }, "^memory: The number ")
		refused({ memory = math.huge }, "^memory: The number inf")
		refused({ a = { ["b c"] = { d = coroutine.create(print) } } }, '^a%["b c"%]%.d: A value of type thread')
		refused({ list = { 1, nil, 3 } }, "^list: The list has a hole: there is no %[2%]")
		refused({ list = { 1, x = 2 } }, "^list: A table is either a list or has names")
		refused({ list = { [0] = 1 } }, "^list: A key must be")
		refused({ list = { [true] = 1 } }, "^list: A key must be a name or count from 1, but one is true")
		refused({ name = "a\0b" }, "^name: The text contains a NUL byte")
		refused({ name = "a\xff" }, "^name: The text is not valid UTF%-8")
		refused({ [("x"):rep(3) .. "\0"] = 1 }, "NUL byte")
		refused({ when = setmetatable({}, {}) }, "^when: A plain table is expected")
		refused(nil, "A value of type nil")
	end)

	t.it("refuses cycles, but not the same table twice", function()
		local loop = { a = {} }
		loop.a.b = loop
		t.raises("xml", "^a%.b: The table contains itself", json.encode, loop)
		local shared = { 1 }
		t.equal(json.encode { shared, shared }, "[[1],[1]]")
	end)

	t.it("refuses tables that are nested too deep", function()
		local deep = {}
		for _ = 1, 100 do
			deep = { deep }
		end
		t.raises("xml", "nested more than 64 deep", json.encode, deep)
	end)
end)

t.describe("decode", function()
	t.it("reads what encode writes", function()
		for _, value in ipairs { 1, -1.5, true, "é\n\"", { 1, { a = { 2 } }, "x" }, { a = { b = {} } } } do
			t.equal(json.decode(json.encode(value)), value)
		end
		t.equal(json.decode(json.encode(false)), false)
	end)

	t.it("reads other forms", function()
		t.equal(json.decode ' { "a" : [ 1 , 2.0 , 1e2 ] , "b" : null } ', { a = { 1, 2.0, 100.0 } })
		t.equal(json.decode '"\\u00e9\\ud83d\\ude00\\/"', "é😀/")
		t.equal(json.decode "[]", {})
	end)

	t.it("refuses text that is none", function()
		for _, wrong in ipairs { "", "{", "[1", "[1 2]", '"a', '{"a" 1}', "nul", "1 2", '"\\x"', '"\\ud83d"', "{1:2}" } do
			local ok = pcall(json.decode, wrong)
			t.ok(not ok, wrong)
		end
		t.raises("internal", "nested too deep", json.decode, ("["):rep(1000))
	end)
end)

t.finish()
