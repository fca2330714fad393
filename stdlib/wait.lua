-- Waiting. Whatever waits in a Lua program waits here, so that the events of every open connection are delivered
-- meanwhile, whichever of them the program happens to wait for.

local core = require "moonvisor.core"

local M = {}

local Connection = core.Connection
local connections = setmetatable({}, { __mode = "k" })
local on_error

--- Connections are served from here on, until they are closed.
function M.serve(conn)
	connections[conn] = true
end

--- The open connections, as a list.
function M.connections()
	local list = {}
	for conn in pairs(connections) do
		if Connection.is_open(conn) then
			list[#list + 1] = conn
		else
			connections[conn] = nil
		end
	end
	return list
end

--- Sets what is called with an error in an event's function, its traceback and the event. nil: standard error.
function M.on_callback_error(handler)
	on_error = handler
end

local function report(err, traceback, event)
	if on_error then
		on_error(err, traceback, event)
	else
		io.stderr:write(("error in the function for the event '%s': %s\n"):format(event.id, traceback))
	end
end

local function with_traceback(err)
	return { err, debug.traceback(tostring(err), 2) }
end

--- Lets the engine work and calls the functions of the events that are there.
---@return integer delivered
function M.deliver(conn)
	local delivered = 0
	Connection.dispatch(conn, 0)
	while Connection.is_open(conn) do
		local fn, event = Connection.next_event(conn)
		if not event then
			break
		end
		delivered = delivered + 1
		if type(event.domain) == "userdata" then -- of a driver in this process
			event.domain = require("moonvisor.embedded").object(conn, event.domain)
		end
		local ok, problem = xpcall(fn, with_traceback, event)
		if not ok and rawequal(problem[1], core.interrupted) then
			error(problem[1], 0) -- Ctrl-C ends the program that waits, not only the function that ran
		elseif not ok then
			report(problem[1], problem[2], event)
		end
	end
	return delivered
end

--- The same for all connections.
function M.deliver_all()
	for _, conn in ipairs(M.connections()) do
		if Connection.is_open(conn) then
			M.deliver(conn)
		end
	end
end

--- The moment `timeout` seconds from now, for step().
function M.deadline(timeout)
	return core.now() + timeout
end

--- Whether that moment is over.
function M.expired(deadline)
	return core.now() >= deadline
end

local function milliseconds(deadline)
	if deadline == math.huge then
		return -1
	end
	return math.tointeger(math.min(math.max(math.ceil((deadline - core.now()) * 1000), 0), 0x7fffffff))
end

--- Waits until one of `list` (streams, descriptors) can be read, `writer` can be written, an event or a signal came, or
--- the deadline is over, and delivers events. A connection in the list is left to the caller to deliver.
---@return table ready   its keys are those of the list that can be read, and true for the writer
---@raise interrupted    Ctrl-C. A hook raises the same, but only in the main coroutine
function M.step(list, deadline, writer)
	local all = table.move(list, 1, #list, 1, {})
	local own = {}
	for _, object in ipairs(list) do
		own[object] = true
	end
	for _, conn in ipairs(M.connections()) do
		all[#all + 1] = not own[conn] and conn or nil
	end
	local ready, interrupted = core.poll(all, milliseconds(deadline), writer)
	if interrupted then
		error(core.interrupted, 0)
	end
	for i = #list + 1, #all do
		if ready[all[i]] and Connection.is_open(all[i]) then
			M.deliver(all[i])
		end
	end
	return ready
end

--- Waits for some seconds.
function M.sleep(duration)
	local deadline = M.deadline(duration)
	M.deliver_all()
	repeat
		M.step({}, deadline)
	until M.expired(deadline)
end

return M
