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

--- The open connections, as a list, but those that a thread uses (see core.look); and a list of these.
function M.connections()
	local list, busy = {}, {}
	for conn in pairs(connections) do
		if not Connection.is_open(conn) then
			connections[conn] = nil
		elseif core.looking(conn) then
			busy[#busy + 1] = conn
		else
			list[#list + 1] = conn
		end
	end
	return list, busy
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

--- The metatable of events: what they say of themselves, in one line. Their fields are read as those of any table.
local event_meta = { __name = "event" }
M.event_meta = event_meta

function event_meta.__tostring(event)
	local parts, keys = {}, {}
	for key in pairs(event) do
		keys[#keys + 1] = key ~= "id" and key or nil
	end
	table.sort(keys)
	for i, key in ipairs(keys) do
		local value = event[key]
		parts[i] = ("%s = %s"):format(key, type(value) == "string" and ("%q"):format(value) or tostring(value))
	end
	return ("event %q (%s)"):format(event.id, table.concat(parts, ", "))
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
			setmetatable(event, event_meta)
		end
		local ok, problem = xpcall(fn, with_traceback, event)
		if not ok and rawequal(problem[1], core.interrupted) then
			error(problem[1], 0) -- Ctrl-C ends the program that waits, not only the function that ran
		elseif not ok then
			report(problem[1], problem[2], event.event_of_program or event)
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

-- Tasks (stdlib/task.lua) that wait: coroutine -> what for, { list, deadline, writer }. They are resumed from the wait
-- of the main program, so that all of them and the main program wait together.
local waiting = {}
local is_task = setmetatable({}, { __mode = "k" })
local resumed_by -- function (coroutine, ready): resumes it and keeps what comes of it

--- Lets the coroutines that `register` says wait side by side with the main program.
---@param resume fun(task: thread, ready: table)
---@return fun(task: thread) register
function M.tasks(resume)
	resumed_by = resume
	return function(task)
		is_task[task] = true
	end
end

-- A task has ended: whoever may wait for it looks again.
local woken = false

function M.wake()
	woken = true
end

--- Notes what a task waits for; nil: it does not wait any more.
function M.set_waiting(task, request)
	waiting[task] = request
end

-- What one waiter, or nobody, of the members of a poll has: its part of readable and writable.
local function part(request, readable, writable)
	local ready, any = {}, false
	for _, object in ipairs(request[1]) do
		if readable[object] then
			ready[object], any = true, true
		end
	end
	if request[3] and writable[request[3]] then
		ready[true], any = true, true
	end
	return ready, any
end

-- One poll for everybody. Returns what the main program's own request has of it.
local function round(own)
	local objects, writers, served, deadline = {}, {}, {}, own[2]
	local function add(request)
		for _, object in ipairs(request[1]) do
			objects[#objects + 1] = object
		end
		writers[#writers + 1] = request[3]
		deadline = math.min(deadline, request[2])
	end
	add(own)
	for _, object in ipairs(own[1]) do
		served[object] = true
	end
	for _, request in pairs(waiting) do
		add(request)
	end
	for _, conn in ipairs(M.connections()) do
		objects[#objects + 1] = not served[conn] and conn or nil
	end
	local was_woken = woken
	woken = false
	local readable, interrupted, writable = core.poll(objects, was_woken and 0 or milliseconds(deadline), writers)
	if interrupted then
		error(core.interrupted, 0)
	end
	local delivered = 0
	for _, conn in ipairs(M.connections()) do
		if readable[conn] and not served[conn] then
			delivered = delivered + M.deliver(conn)
		end
	end
	-- A snapshot: who is resumed may wait again, or spawn others.
	local requests = {}
	for task, request in pairs(waiting) do
		requests[#requests + 1] = { task, request }
	end
	local resumed = false
	for _, item in ipairs(requests) do
		local task, request = item[1], item[2]
		local ready, any = part(request, readable, writable)
		if waiting[task] == request and (any or delivered > 0 or was_woken or M.expired(request[2])) then
			waiting[task], resumed = nil, true
			resumed_by(task, ready)
		end
	end
	local ready, any = part(own, readable, writable)
	return ready, any or delivered > 0 or resumed or was_woken
end

local before_waiting

--- Sets what is called before the program waits: whoever keeps output back shows it now. nil: nothing.
function M.before_waiting(fn)
	before_waiting = fn
end

--- Waits until one of `list` (streams, descriptors) can be read, `writer` can be written, an event or a signal came, or
--- the deadline is over, and delivers events. A connection in the list is left to the caller to deliver. In a task
--- the others go on meanwhile.
---@return table ready   its keys are those of the list that can be read, and true for the writer
---@raise interrupted    Ctrl-C. A hook raises the same, but only in the main coroutine
function M.step(list, deadline, writer)
	local request = { list, deadline, writer }
	if is_task[coroutine.running()] then
		return coroutine.yield(request)
	end
	if before_waiting then
		before_waiting()
	end
	while true do
		local ready, any = round(request)
		if any or M.expired(deadline) then
			return ready
		end
	end
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
