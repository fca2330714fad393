-- The harness itself: a check that cannot fail is worth nothing, so it is shown each kind of failure.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local here = arg[0]:match "^.*/" or "./"

-- Runs a test file with one case; returns its output and exit status.
local function run(body)
	local path = t.write_file(t.folder() .. "/x_spec.lua", ([[
		package.path = %q .. "?.lua;" .. package.path
		local t = require "harness"
		t.it("case", function() %s end)
		t.finish()
	]]):format(here, body))
	return t.run(("%s %s"):format(t.quote(t.mvsh), t.quote(path)))
end

local function fails(body, pattern)
	local out, status = run(body)
	t.equal(status, 1, out)
	t.matches(out, "^1%.%.1\nnot ok 1 %- case\n# ")
	t.matches(out, pattern)
end

t.describe("a case", function()
	t.it("passes", function()
		t.equal({ run "t.equal({ a = { 1, 0/0 } }, { a = { 1, 0/0 } }) t.ok(1) t.matches('abc', 'b')" },
			{ "1..1\nok 1 - case\n", 0, "" })
	end)

	t.it("is skipped", function()
		t.equal({ run "t.skip 'no reason'" }, { "1..1\nok 1 - case # SKIP no reason\n", 0, "" })
	end)

	t.it("fails when it raises", function()
		fails("error 'oh no'", "oh no\n# stack traceback")
	end)

	t.it("fails when what it expects is not so", function()
		fails("t.equal(1, 2)", "2 was expected, but it is 1")
		fails("t.equal(1, 1.0)", "1%.0 was expected")
		fails("t.equal({ a = 1, b = 2 }, { a = 1 })", "was expected")
		fails("t.equal({ a = 1 }, { a = 1, b = 2 })", "was expected")
		fails("t.ok(nil, 'what')", "what")
		fails("t.matches('abc', 'x')", "does not match")
		fails("t.raises('xml', nil, function() end)", "there was none")
		fails("t.raises('xml', nil, virt.size, 'x')", "but it is invalid_arg")
		fails("t.raises('invalid_arg', 'nothing like it', virt.size, 'x')", "nothing like it")
		fails("t.raises('xml', nil, error, 'text')", "text")
		fails("t.poll('it', 0.05, function() end)", "it: did not happen within 0.05 s")
	end)

	t.it("fails when it leaves something behind", function()
		fails("kept = virt.open('kvm:///embed?root=' .. t.folder())", "left behind: .*1 open Connection")
		fails("kept = io.open('/dev/zero')", "left behind: descriptor %d+ /dev/zero")
		fails("kept = { require('moonvisor.core').Stream.pair() }", "2 open Stream")
	end)

	t.it("fails when a function of an event raises", function()
		fails([[
			local conn = t.connection()
			conn:on(function() error "oh no" end)
			conn:define { name = "x", memory = "64M", boot = { kernel = t.write_file(t.folder() .. "/kernel", "") } }
			conn:dispatch(5)
		]], "in the function of an event: .*oh no")
	end)

	t.it("runs its cleanups in reverse order, also when it fails", function()
		local out = run "t.cleanup(function() print 'a' end) t.cleanup(function() print 'b' end) error 'x'"
		t.matches(out, "^1%.%.1\nb\na\nnot ok")
		fails("t.cleanup(function() error 'in a cleanup' end)", "in a cleanup")
	end)
end)

t.finish()
