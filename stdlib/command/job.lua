-- Calls that take long because of a job of the domain: saving, dumping, migrating. The call itself is
-- made in a thread; meanwhile a second connection asks how far the job is, and Ctrl-C cancels it: the guest goes on
-- as if nothing had happened. A driver in this process is called directly.

local core = require "moonvisor.core"
local wait = require "moonvisor.wait"

local M = {}

local ASK = 0.5 -- seconds

-- The job's total and how much of it is done, in bytes; nil while nobody knows.
local function ask(handle, dom)
	local ok, info = pcall(handle.domain_get_job_info, handle, dom)
	if ok and info.dataTotal > 0 then
		return info.dataTotal - info.dataRemaining, info.dataTotal
	end
end

-- A second connection to the same host, or nil.
local function second(uri)
	local ok, conn = pcall(core.open, uri, false)
	return ok and conn or nil
end

local function in_thread(ctl, conn, how, call, ...)
	local uri = core.Connection.uri(conn)
	local results = table.pack(pcall(core.look, conn, 0, core.call_number(call), ...))
	local other, handle
	local bar = ctl:progress { title = how.title, always = how.verbose }
	local cancelled
	local function more()
		return results[1] and results[2] == false
	end
	while more() do
		local ok, err = pcall(wait.step, { core.looking(conn) }, wait.deadline(ASK))
		if not ok and not rawequal(err, core.interrupted) then
			error(err, 0)
		elseif more() then
			other = other or second(uri)
			handle = handle or other and require("moonvisor.raw").of(other)
		end
		if not ok then
			if cancelled or not handle or not pcall(handle.domain_abort_job, handle, how.dom) then
				bar:stop()
				error(err, 0) -- it cannot be cancelled; at least nobody waits for it
			end
			cancelled = true
		elseif how.verbose and handle and more() then
			local done, total = ask(handle, how.dom)
			bar:update(done or 0, total)
		end
		results = table.pack(pcall(core.looked, conn, 0))
	end
	if other then
		core.Connection.close(other)
	end
	if results[1] then
		bar:finish()
		return table.unpack(results, 3, results.n)
	end
	bar:stop()
	if how.text then
		ctl:error("%s", how.text)
	end
	error(results[2], 0)
end

--- Makes a call whose job can be watched and cancelled. Its arguments follow.
---@param how {dom: table, title: string, verbose: boolean?, text: string?}   text: what is printed before an error
function M.run(ctl, how, call, ...)
	local raw = ctl.raw -- connects
	local conn = rawget(ctl, "conn")
	if ctl.recorder or not conn or not raw or not core.slow(conn) then
		local handle = how.text and ctl:attempt("%s", how.text) or raw
		return handle[call](handle, ...)
	end
	return in_thread(ctl, conn, how, call, ...)
end

return M
