-- expect() and friends, on a pair of sockets: one end is the guest.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"

local function pair()
	local console, guest = core.Stream.pair()
	t.cleanup(function()
		console:close()
		guest:close()
	end)
	return console, guest
end

t.describe("read", function()
	t.it("returns what is there", function()
		local console, guest = pair()
		guest:write "hello"
		t.equal(console:read(nil, 1), "hello")
	end)

	t.it("returns a number of bytes", function()
		local console, guest = pair()
		guest:write "hello"
		t.equal(console:read(2), "he")
		t.equal(console:read(0), "")
		t.equal(console:read(3), "llo")
	end)

	t.it("returns lines without their ends", function()
		local console, guest = pair()
		guest:write "one\r\ntwo\n\nfour"
		guest:close()
		t.equal({ console:read "l", console:read "l", console:read "l", console:read "l" }, { "one", "two", "", "four" })
		t.equal(console:read "l", nil)
	end)

	t.it("returns all to the end", function()
		local console, guest = pair()
		guest:write(("x"):rep(1000))
		guest:write "end"
		guest:close()
		t.equal(console:read(1), "x")
		t.equal(#console:read "a", 1002)
		t.equal(console:read "a", "")
		t.equal(console:read(), nil)
		t.equal(console:read(5), nil)
	end)

	t.it("returns fewer bytes at the end", function()
		local console, guest = pair()
		guest:write "abc"
		guest:close()
		t.equal(console:read(10), "abc")
	end)

	t.it("loses nothing when the time is over", function()
		local console, guest = pair()
		guest:write "par"
		t.raises("operation_timeout", "within 0.02 s", console.read, console, "l", 0.02)
		t.raises("operation_timeout", "within 0.02 s", console.read, console, 10, 0.02)
		t.raises("operation_timeout", nil, console.read, console, "a", 0.02)
		guest:write "tial\n"
		t.equal(console:read "l", "partial")
		t.raises("operation_timeout", nil, console.read, console, nil, 0)
	end)

	t.it("refuses other formats", function()
		local console = pair()
		t.raises("invalid_arg", 'the format must be a number of bytes, "l" or "a"', console.read, console, "x")
		t.raises("invalid_arg", "the format must be", console.read, console, -1)
		t.raises("invalid_arg", "the format must be", console.read, console, 1.5)
		t.raises("invalid_arg", "'timeout' must be seconds", console.read, console, 1, -1)
	end)
end)

t.describe("expect", function()
	t.it("returns the captures and the text before", function()
		local console, guest = pair()
		guest:write "booting...\nLinux version 6.1.0 (gcc)\nmv# "
		t.equal({ console:expect("(%a+) version (%S+)", 1) }, { "Linux", "6.1.0", "booting...\n" })
		t.equal({ console:expect("mv# ", 1) }, { "mv# ", " (gcc)\n" })
	end)

	t.it("returns the match where there is no capture, and keeps what follows", function()
		local console, guest = pair()
		guest:write "abcdef"
		t.equal({ console:expect("c.", 1) }, { "cd", "ab" })
		t.equal(console:read(2), "ef")
	end)

	t.it("returns positions for empty captures", function()
		local console, guest = pair()
		guest:write "abc"
		t.equal({ console:expect("b()", 1) }, { 3, "a" })
	end)

	t.it("finds what comes in pieces", function()
		local console, guest = pair()
		for c in ("xx login:"):gmatch "." do
			guest:write(c)
			t.raises("operation_timeout", nil, console.expect, console, "login: ", 0)
		end
		guest:write " "
		t.equal({ console:expect("login: ", 1) }, { "login: ", "xx " })
	end)

	t.it("takes plain text", function()
		local console, guest = pair()
		guest:write "a.c"
		pcall(console.expect, console, "b+[x]", 0, { plain = true })
		guest:write " b+["
		pcall(console.expect, console, "b+[x]", 0, { plain = true })
		guest:write "x] rest"
		t.equal({ console:expect("b+[x]", 1, { plain = true }) }, { "b+[x]", "a.c " })
		t.equal({ console:expect("rest", { plain = true }) }, { "rest", " " })
	end)

	t.it("says what was seen when the time is over", function()
		local console, guest = pair()
		guest:write "one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n\27[1;31msix\27[0m"
		local err = t.raises("operation_timeout", '"login: " was not seen within 0.05 s', console.expect, console, "login: ",
			0.05)
		t.matches(err.message, "\n  | two\n  | three\n  | four\n  | five\n  | six$")
		t.ok(not err.message:find("one", 1, true), "more than five lines are shown")
		t.equal(console:expect("two", 1), "two", "what came is still there")
	end)

	t.it("remembers what was seen before the last match", function()
		local console, guest = pair()
		guest:write "prompt# "
		console:expect("# ", 1)
		t.raises("operation_timeout", "| prompt#$", console.expect, console, "never", 0.02)
	end)

	t.it("shows only the end of long lines", function()
		local console, guest = pair()
		guest:write(("x"):rep(500) .. "end")
		local err = t.raises("operation_timeout", nil, console.expect, console, "never", 0.02)
		t.matches(err.message, "\n  | %.%.%.x+end$")
		t.equal(#err.message:match "| (.*)$", 120)
	end)

	t.it("says that nothing was seen", function()
		local console = pair()
		t.raises("operation_timeout", "nothing was seen$", console.expect, console, "x", 0.02)
	end)

	t.it("ends with the stream", function()
		local console, guest = pair()
		guest:write "panic"
		guest:close()
		t.raises("operation_failed", 'ended before "login" was seen; the last that was seen:\n  | panic', console.expect,
			console, "login", 60)
		t.equal(console:expect "pan", "pan")
	end)

	t.it("refuses malformed patterns at once", function()
		local console = pair()
		for _, wrong in ipairs { "a[b", "a%", "(a", "a)", "%b", "%bx", "%f", "%fa", "[]", "[^]", "[%]", "x[a%" } do
			t.raises("invalid_arg", "is wrong: ", console.expect, console, wrong, 60)
		end
		for _, right in ipairs { "%[", "[]]", "[^]]", "[%]]", "%b()", "%f[%a]", "(a)(b)", "a%)", "[[]", "%%" } do
			t.raises("operation_timeout", nil, console.expect, console, right, 0)
		end
	end)

	t.it("keeps a limited amount of text", function()
		local console, guest = pair()
		local line = ("x"):rep(1023) .. "\n"
		for _ = 1, 4096 do
			guest:write(line)
			pcall(console.expect, console, "never", 0)
		end
		guest:write "done"
		local _, before = console:expect("done", 5)
		t.ok(#before <= 2 << 20, "more than 2 MiB are kept")
		t.ok(#before >= 1 << 20, "less than 1 MiB is kept")
	end)
end)

t.describe("write", function()
	t.it("returns the stream", function()
		local console, guest = pair()
		t.ok(rawequal(console:write "a":write "b", console))
		t.equal(guest:read(2), "ab")
	end)

	t.it("writes more than the socket holds while the other side writes too", function()
		local console, guest = pair()
		local big = ("0123456789abcdef"):rep(1 << 16)
		local echo = coroutine.wrap(function()
			while true do
				local data = core.Stream.recv(guest)
				if data and #data > 0 then
					guest:write(data)
				end
				coroutine.yield()
			end
		end)
		-- The other side is served inside a wait: as the function of an event would be.
		local step = require("moonvisor.wait").step
		local function serving(...)
			echo()
			return step(...)
		end
		require("moonvisor.wait").step = serving
		t.cleanup(function()
			require("moonvisor.wait").step = step
		end)
		console:write(big, 20)
		local back = console:read(#big, 20)
		t.ok(back == big, "what came back is different")
	end)

	t.it("says how far it came when the time is over", function()
		local console = pair()
		t.raises("operation_timeout", "took only %d+ of 10000000 bytes", console.write, console, ("x"):rep(10000000), 0.05)
	end)

	t.it("says when the other side has gone", function()
		local console, guest = pair()
		guest:close()
		t.raises("operation_failed", "the other side has closed it", function()
			for _ = 1, 10 do
				console:write "x"
			end
		end)
	end)
end)

t.describe("a stream", function()
	t.it("can be waited for by several at once", function()
		local a, a_guest = pair()
		local b, b_guest = pair()
		b_guest:write "b"
		local ready = core.poll({ a, b }, 1000)
		t.ok(ready[b] and not ready[a])
		a_guest:write "a"
		ready = core.poll({ a, b }, 1000)
		t.ok(ready[b] and ready[a])
		t.ok(select(3, core.poll({}, 0, { a }))[a], "it can be written")
	end)

	t.it("is closed once and for all", function()
		local console = pair()
		console:close()
		console:close()
		t.equal(tostring(console), "stream (closed)")
		t.raises("invalid_arg", "This stream is closed", console.read, console)
	end)
end)

t.finish()
