-- Tasks: functions that run side by side with the rest of the program. Whatever waits in one (stdlib/wait.lua) lets the
-- others go on.

local class = require "moonvisor.class"
local errors = require "moonvisor.errors"
local wait = require "moonvisor.wait"

local M = {}

local STATE = {} -- the key of a task's own fields: { thread, done, results }
local metatable = {}
local by_thread = setmetatable({}, { __mode = "k" })
local running = {}  -- those that have not ended
local failed = {} -- those whose error nobody has seen yet

local function settle(state, results)
	state.done, state.results = true, results
	running[state] = nil
	failed[state] = not results[1] or nil
	wait.wake()
end

local function continue(state, ...)
	local results = table.pack(coroutine.resume(state.thread, ...))
	if coroutine.status(state.thread) == "dead" then
		settle(state, results)
	else
		wait.set_waiting(state.thread, results[2])
	end
end

local register = wait.tasks(function(thread, ready)
	continue(by_thread[thread], ready)
end)

local methods = { get = {}, alive = function() end }

function methods.get.done(self)
	return rawget(self, STATE).done
end

function methods.wait(self, timeout)
	local state = rawget(self, STATE)
	local deadline = wait.deadline(timeout)
	if coroutine.running() == state.thread then
		errors.raise("invalid_arg", "A task cannot wait for itself.")
	end
	while not state.done do
		if wait.expired(deadline) then
			errors.raise("operation_timeout", "The task has not ended within %g s.", timeout)
		end
		wait.step({}, deadline)
	end
	failed[state] = nil
	if not state.results[1] then
		error(state.results[2], 0)
	end
	return table.unpack(state.results, 2, state.results.n)
end

function methods.cancel(self)
	local state = rawget(self, STATE)
	if state.done then
		return
	elseif coroutine.status(state.thread) ~= "suspended" then
		errors.raise("invalid_arg", "A task cannot cancel itself.")
	end
	wait.set_waiting(state.thread, nil)
	local ok, err = coroutine.close(state.thread)
	settle(state, { false, ok and errors.new("operation_aborted", "The task was cancelled.") or err, n = 2 })
	failed[state] = nil
end

class.install("Task", metatable, methods)

function metatable.__tostring(self)
	local state = rawget(self, STATE)
	return ("task (%s)"):format(not state.done and "waiting" or state.results[1] and "done" or "failed")
end

--- Starts fn(...) as a task.
function M.spawn(fn, ...)
	local state = { thread = coroutine.create(fn), done = false }
	by_thread[state.thread] = state
	running[state] = true
	register(state.thread)
	continue(state, ...)
	return setmetatable({ [STATE] = state }, metatable)
end

--- Calls fn(member, index) for each of a list, at most options.limit at once; raises the first error when all have
--- ended.
function M.map(list, fn, options)
	if options.limit < 1 then
		errors.raise("invalid_arg", "virt.map: the option 'limit' must be at least 1.")
	end
	if getmetatable(list) == "moonvisor.Collection" then
		list = list:list()
	end
	local results, next_index, tasks = {}, 0, {}
	local first_error
	local function work()
		while next_index < #list do
			next_index = next_index + 1
			local index = next_index
			local ok, value = pcall(fn, list[index], index)
			if ok then
				results[index] = value
			elseif first_error == nil then
				first_error = value
			end
		end
	end
	for i = 1, math.min(options.limit, #list) do
		tasks[i] = M.spawn(work)
	end
	for _, task in ipairs(tasks) do
		task:wait()
	end
	if first_error ~= nil then
		error(first_error, 0)
	end
	return results
end

--- Waits for the end of all tasks, and reports the errors that nobody has seen. For the end of a program.
---@return boolean ok   no task has failed unseen
function M.finish()
	while next(running) do
		wait.step({}, math.huge)
	end
	local ok = next(failed) == nil
	for state in pairs(failed) do
		failed[state] = nil
		io.stderr:write("error in a task: ", tostring(state.results[2]), "\n")
	end
	return ok
end

return M
