-- Tasks: they wait side by side, end, fail, are cancelled.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"

t.describe("tasks", function()
	t.it("run until they wait, and go on while the program waits", function()
		local log = {}
		local task = virt.spawn(function()
			log[#log + 1] = "begun"
			virt.sleep(0.01)
			log[#log + 1] = "ended"
			return "a", "b"
		end)
		log[#log + 1] = "spawned"
		t.equal(task.done, false)
		local a, b = task:wait()
		t.equal(table.concat(log, " "), "begun spawned ended")
		t.equal(a .. b, "ab")
		t.equal(task.done, true)
		t.equal(tostring(task), "task (done)")
	end)

	t.it("wait together, not one after the other", function()
		local before = core.now()
		virt.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function()
			virt.sleep(0.2)
		end)
		t.ok(core.now() - before < 1.5, "ten waits of 0.2 s took " .. core.now() - before .. " s")
	end)

	t.it("read and write streams at the same time", function()
		local a, b = core.Stream.pair()
		local reader = virt.spawn(function()
			return b:read("l", 10)
		end)
		local writer = virt.spawn(function()
			virt.sleep(0.01)
			a:write "hello\n"
		end)
		t.equal(reader:wait(10), "hello")
		writer:wait(10)
		a:close()
		b:close()
	end)

	t.it("may wait for each other, but not for themselves", function()
		local first = virt.spawn(function()
			virt.sleep(0.01)
			return 1
		end)
		local second = virt.spawn(function()
			return first:wait() + 1
		end)
		t.equal(second:wait(10), 2)
		local own
		own = virt.spawn(function()
			virt.sleep(0)
			return pcall(own.wait, own)
		end)
		t.equal(own:wait(), false)
	end)

	t.it("raise where they are waited for", function()
		local task = virt.spawn(function()
			error("broken", 0)
		end)
		t.equal(tostring(task), "task (failed)")
		local ok, err = pcall(task.wait, task)
		t.equal(ok, false)
		t.equal(err, "broken")
	end)

	t.it("time out", function()
		local task = virt.spawn(function()
			virt.sleep(1000)
		end)
		t.raises("operation_timeout", "has not ended", task.wait, task, 0.01)
		task:cancel()
		task:cancel()
		t.raises("operation_aborted", "cancelled", task.wait, task)
	end)

	t.it("close what is marked <close> when they are cancelled", function()
		local closed = false
		local task = virt.spawn(function()
			local _ <close> = setmetatable({}, { __close = function()
				closed = true
			end })
			virt.sleep(1000)
		end)
		task:cancel()
		t.equal(closed, true)
	end)
end)

t.describe("map", function()
	t.it("keeps the order and the limit", function()
		local now, most = 0, 0
		local results = virt.map({ 5, 4, 3, 2, 1 }, function(n, index)
			now = now + 1
			most = math.max(most, now)
			virt.sleep(n / 500)
			now = now - 1
			return n * 10 + index
		end, { limit = 2 })
		t.equal(table.concat(results, " "), "51 42 33 24 15")
		t.equal(most, 2)
	end)

	t.it("raises the first error after all have ended", function()
		local ended = 0
		local ok, err = pcall(virt.map, { 1, 2, 3 }, function(n)
			virt.sleep(0.005)
			ended = ended + 1
			if n == 2 then
				error("two", 0)
			end
		end)
		t.equal(ok, false)
		t.equal(err, "two")
		t.equal(ended, 3)
		t.raises("invalid_arg", "at least 1", virt.map, { 1 }, print, { limit = 0 })
	end)
end)

t.finish()
