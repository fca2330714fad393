-- Consoles: what goes where, and when it ends.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local console = require "moonvisor.command.console"

-- Plays a script of { key = "..." } and { out = "..." }; false means that a side has ended. Returns what the guest got
-- and what was shown.
local function play(script)
	local got, shown, at = {}, {}, 0
	local keys = {
		wait = function(fd)
			t.equal(fd, 7)
			at = at + 1
			t.ok(script[at], "it waits although nothing more comes")
			return script[at].key ~= nil, script[at].out ~= nil
		end,
		read = function() return script[at].key or nil end,
	}
	local stream = {
		fd = function() return 7 end,
		recv = function() return script[at].out or nil end,
		send = function(_, data) got[#got + 1] = data end,
	}
	console.relay(keys, stream, function(data) shown[#shown + 1] = data end, "\x1d")
	t.equal(at, #script)
	return table.concat(got, "|"), table.concat(shown, "|")
end

t.describe("a console", function()
	t.it("passes bytes both ways", function()
		local got, shown = play { { out = "login: " }, { key = "root\r" },
			{ key = "\3", out = "^C" }, { out = false } }
		t.equal(got, "root\r|\3")
		t.equal(shown, "login: |^C")
	end)

	t.it("ends with the escape character", function()
		t.equal((play { { key = "a" }, { key = "\x1d" } }), "a")
		t.equal((play { { key = "ab\x1dcd" } }), "ab")
	end)

	t.it("ends with the keyboard, and with the guest", function()
		t.equal((play { { key = "a" }, { key = false } }), "a")
		t.equal((play { { out = false } }), "")
	end)

	t.it("knows escape sequences as virsh writes them", function()
		t.equal(console.escape_byte "^]", "\x1d")
		t.equal(console.escape_byte "^a", "\1")
		t.equal(console.escape_byte "~", "~")
	end)
end)

t.finish()
