-- Progress bars, with a terminal that is not there.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local control = require "moonvisor.command.control"
local progress = require "moonvisor.progress"

local function bar(how)
	local written = {}
	how.write = function(text)
		written[#written + 1] = text
	end
	return progress.new(how), written
end

t.describe("progress", function()
	t.it("shows how much is done, how fast it goes and how long it takes", function()
		local b, written = bar { title = "disk", total = 1 << 30, terminal = true, always = true }
		b:update(1 << 28)
		t.matches(written[1], "^\rdisk %[=+> +%]  25%%  256 MiB of 1%.00 GiB  .*/s  0:00 left\27%[K$")
		b:update(1 << 29) -- too soon for another picture
		t.equal(#written, 1)
		b:finish()
		t.matches(written[2], "^\rdisk %[=+%] 100%%  1%.00 GiB of 1%.00 GiB  .*/s  in 0:00\27%[K\n$")
		b:update(1)
		t.equal(#written, 2)
	end)

	t.it("does without a total", function()
		local b, written = bar { title = "disk", terminal = true, always = true }
		b:update(1500)
		t.matches(written[1], "^\rdisk  1%.46 KiB  .*/s  0:00\27%[K$")
		b:stop()
		t.equal(written[2], "\n")
	end)

	t.it("is lines without a terminal, and nothing for what is short", function()
		local b, written = bar { title = "disk", total = 100, terminal = false, always = true, unit = "percent" }
		b:update(50)
		b:update(60)
		b:finish()
		t.equal(#written, 2)
		t.matches(written[1], "^disk:  50%%  0:00 left\n$")
		t.matches(written[2], "^disk: 100%%  in 0:00\n$")
		for _, on_terminal in ipairs { true, false } do
			b, written = bar { title = "disk", total = 100, terminal = on_terminal }
			b:update(50)
			b:finish()
			t.equal(#written, 0)
		end
	end)

	t.it("says nothing with -q and under the name virsh", function()
		for _, settings in ipairs { { quiet = true }, { plain = true } } do
			local written = {}
			settings.write_error = function(text)
				written[#written + 1] = text
			end
			local b = control.new(settings):progress { title = "disk", total = 100, always = true }
			b:update(50)
			b:finish()
			t.equal(#written, 0)
		end
	end)

	t.it("writes sizes and times shortly", function()
		t.equal(progress.size_text(999), "999 B")
		t.equal(progress.size_text(1000), "0.98 KiB")
		t.equal(progress.size_text(15 << 20), "15.0 MiB")
		t.equal(progress.size_text(3 << 40), "3.00 TiB")
		t.equal(progress.time_text(61.9), "1:01")
		t.equal(progress.time_text(7322), "2:02:02")
	end)
end)

t.describe("a call with a job", function()
	t.it("is made in a thread where the host is slow", function()
		local errors = {}
		local ctl = control.new { uri = "test:///default?delay=0.1", write_error = function(text)
			errors[#errors + 1] = text
		end }
		local dom = ctl.raw:domain_lookup_by_name "test"
		local path = t.folder() .. "/saved"
		ctl:job({ dom = dom, title = "Save", text = "no" }, "domain_save", dom, path)
		t.equal(ctl.raw:domain_get_info(ctl.raw:domain_lookup_by_name "test").state, 5)
		local ok, err = pcall(ctl.job, ctl, { dom = dom, title = "Save", text = "it fails" }, "domain_save", dom, path)
		t.equal(ok, false)
		t.equal(err.code, "operation_invalid")
		t.equal(errors, { "error: it fails\n" })
		ctl.conn:close()
	end)
end)

t.describe("looking at a slow host", function()
	local core = require "moonvisor.core"
	local number = core.call_number "connect_list_all_domains"

	t.it("waits for what is under way before anything else", function()
		local conn <close> = virt.open "test:///default?delay=0.2"
		t.equal({ core.look(conn, 0, number, 1, 0) }, { false })
		t.equal({ core.look(conn, 0, number, 1, 0) }, { false })
		t.ok(core.looking(conn))
		t.equal(#conn.domains, 1) -- after it
		t.equal(core.looking(conn), nil)
		local done, result = core.looked(conn, 0)
		t.equal(done, true)
		t.equal(result.domains[1].name, "test")
		t.equal(core.looked(conn, 0), nil)
	end)

	t.it("gives errors, and knows wrong calls", function()
		local conn <close> = virt.open "test:///default?delay=0.01"
		t.raises("no_domain", "Domain not found", core.look, conn, 5000, core.call_number "domain_lookup_by_name", "nobody")
		t.equal(pcall(core.look, conn, 0, number), false)
		t.equal(pcall(core.look, conn, 0, 1 << 20), false)
		t.equal(pcall(virt.open, "test:///default?delay=x"), false)
		t.equal(pcall(virt.open, "test:///default?delay=-1"), false)
	end)

	t.it("goes on when the connection is closed, and then ends", function()
		local conn = virt.open "test:///default?delay=0.1"
		t.equal({ core.look(conn, 0, number, 1, 0) }, { false })
		conn:close()
		t.poll("the end of the thread", 10, function()
			local status = t.read_file "/proc/self/status"
			return status:match "Threads:%s*1\n"
		end)
	end)

	t.it("knows what was known before", function()
		local look = require "moonvisor.look"
		local conn <close> = virt.open "test:///default?delay=0.1"
		look.limit = 0
		look.start()
		local handle = look.of(conn)
		local ok, err = pcall(handle.connect_list_all_domains, handle, 1, 0)
		t.equal(ok, false)
		t.ok(look.slow(err))
		t.poll("the answer", 10, function()
			return pcall(handle.connect_list_all_domains, handle, 1, 0)
		end)
		t.equal(#conn.domains, 1)
		conn:define { name = "other", memory = "64M", boot = { kernel = "/k" } }
		local known = handle:connect_list_all_domains(1, 0)
		t.ok(#known.domains >= 1)
		t.poll("the new answer", 10, function()
			return #handle:connect_list_all_domains(1, 0).domains == 2
		end)
		look.limit = 0.25
	end)
end)

t.finish()
