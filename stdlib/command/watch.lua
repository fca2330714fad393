-- The commands that wait for events: `event`, `net-event`, ... Prints each, with the time when that is wanted, until
-- the first one, or with `loop` until the time is over or Ctrl-C.
--
--   return ctl:watch {
--       timeout = opt.timeout,             -- milliseconds, or nil: no limit
--       loop = opt.loop, timestamp = opt.timestamp,
--       listen = function(hit)             -- registers; hit(text, ...) prints an event, a line with its newline
--           return { ctl.raw:on("network_event_lifecycle", net, function(ev) hit("event 'lifecycle' ...\n") end) }
--       end,
--   }

local core = require "moonvisor.core"
local wait = require "moonvisor.wait"

local M = {}

-- "2026-11-20 13:14:20.123+0000"
local function now_text()
	local seconds, microseconds = require("moonvisor.terminal").clock()
	return os.date("!%Y-%m-%d %H:%M:%S", seconds) .. (".%03d+0000"):format(microseconds // 1000)
end

-- Waits until `enough` or the deadline. Returns "done" or "timeout".
local function wait_for(conn, deadline, enough)
	while not enough() do
		if wait.deliver(conn) == 0 then
			if wait.expired(deadline) then
				return "timeout"
			end
			wait.step({ conn }, deadline)
		end
	end
	return "done"
end

--- Waits and prints.
---@param how {timeout: integer?, loop: boolean?, timestamp: boolean?, listen: function}
---@return boolean ok   whether there was an event
function M.watch(ctl, how)
	local conn, count, common = ctl.conn, 0, ctl.common or {}
	if common.output or common.where or common.columns or common.sort then
		ctl:fail "events are lines of text as they come; -o, --where, --columns and --sort are for --list"
	end
	if ctl:dry() then
		ctl.recorder:remark "events are waited for and printed"
		return true
	end
	local registrations = how.listen(function(text, ...)
		if not how.loop and count > 0 then
			return
		end
		count = count + 1
		ctl:print("%s%s", how.timestamp and now_text() .. ": " or "", select("#", ...) > 0 and text:format(...) or text)
		ctl.flush()
	end)
	ctl.flush()
	local ok, result = pcall(wait_for, conn, wait.deadline(how.timeout and how.timeout / 1000 or math.huge), function()
		return count > 0 and not how.loop
	end)
	for _, registration in ipairs(registrations) do
		core.Registration.close(registration)
	end
	if not ok and not rawequal(result, core.interrupted) then
		error(result, 0)
	elseif not ok then
		ctl:print "event loop interrupted\n"
	elseif result == "timeout" then
		ctl:print "event loop timed out\n"
	end
	ctl:print("events received: %d\n", count)
	return count > 0
end

--- What --list shows.
---@param events table[]   each: name, ...
function M.list(ctl, events)
	local rows = {}
	for i, event in ipairs(events) do
		rows[i] = { name = event[1] }
	end
	ctl:records {
		rows = rows, columns = { "name" },
		text = function(shown)
			for _, row in ipairs(shown) do
				ctl:print("%s\n", row.name)
			end
		end,
	}
end

--- A command with --event NAME, --list, --loop, --timeout and --timestamp, as net-event is.
---@param events table[]      each: name, event on the wire, function (message) -> text
---@param object fun(): any   looks up the object whose events are wanted, or returns nil; called after all else
function M.watch_one(ctl, opt, events, object)
	if opt.list then
		M.list(ctl, events)
		return true
	end
	local name = opt.event or ctl:fail "either --list or --event <type> is required"
	local chosen
	for _, event in ipairs(events) do
		chosen = event[1] == name and event or chosen
	end
	if not chosen then
		ctl:fail("unknown event type %s", name)
	end
	local timeout, only = opt.timeout, object()
	return M.watch(ctl, {
		timeout = timeout, loop = opt.loop, timestamp = opt.timestamp,
		listen = function(hit)
			return { ctl.raw:on(chosen[2], only, function(message)
				hit("%s", chosen[3](message))
			end) }
		end,
	})
end

return M
