-- The variables of a function that is on the stack, for a prompt in the middle of it: an environment in which its local
-- variables and those of the functions around it are read and set as if the line stood there.

local M = {}

-- How many frames the stack has for a function that calls this, and then the debug library, itself. Counted from this
-- end, the place of a frame stays what it is while functions are called on top of it.
local function depth(thread)
	local level = 0
	while debug.getinfo(thread, level, "l") do
		level = level + 1
	end
	return thread == coroutine.running() and level - 1 or level -- this function is one of them
end

-- The level of the innermost function that is not ours, seen from who called this.
local function level_of_caller()
	local level = 2
	while true do
		local info = debug.getinfo(level, "Sf")
		if not info then
			return nil
		elseif info.what ~= "C" and not info.source:find "^=moonvisor" then
			return level - 1, info.func -- as who called this sees it
		end
		level = level + 1
	end
end

--- The frame of the function that called into our modules; nil where none did.
function M.frame()
	local level, fn = level_of_caller()
	if not level then
		return nil
	end
	local thread = coroutine.running()
	local from_bottom = depth(thread) - level
	local info = debug.getinfo(level, "Sl")
	local where = ("%s:%d"):format(info.short_src:match "[^/]*$", info.currentline)
	return { thread = thread, from_bottom = from_bottom, fn = fn, where = where }
end

local function is_variable(name)
	return name:find "^[%a_]" ~= nil
end

-- Where a name is: "local" and its index, "upvalue" and its index, or nil. The last local of a name is the visible one.
local function find(frame, name)
	local level, found = depth(frame.thread) - frame.from_bottom, nil
	for i = 1, math.huge do
		local known = debug.getlocal(frame.thread, level, i)
		if not known then
			break
		elseif known == name then
			found = i
		end
	end
	if found then
		return "local", found
	end
	for i = 1, math.huge do
		local known = debug.getupvalue(frame.fn, i)
		if not known then
			return nil
		elseif known == name and name ~= "_ENV" then
			return "upvalue", i
		end
	end
end

--- All variables that are visible, by name. A nil cannot be shown, but is visible all the same.
function M.all(frame)
	local level, values = depth(frame.thread) - frame.from_bottom, {}
	for i = 1, math.huge do
		local name, value = debug.getupvalue(frame.fn, i)
		if not name then
			break
		elseif name ~= "_ENV" and is_variable(name) then
			values[name] = value
		end
	end
	for i = 1, math.huge do
		local name, value = debug.getlocal(frame.thread, level, i)
		if not name then
			break
		elseif is_variable(name) then
			values[name] = value
		end
	end
	return values
end

--- What `...` is in the function.
function M.varargs(frame)
	local level, values, count = depth(frame.thread) - frame.from_bottom, {}, 0
	for i = 1, math.huge do
		local name, value = debug.getlocal(frame.thread, level, -i)
		if not name then
			break
		end
		values[i], count = value, i
	end
	return table.unpack(values, 1, count)
end

--- An environment for load().
function M.environment(frame, globals)
	return setmetatable({}, {
		__index = function(_, name)
			local level = depth(frame.thread) - frame.from_bottom
			local kind, index = find(frame, name)
			if kind == "local" then
				return (select(2, debug.getlocal(frame.thread, level, index)))
			elseif kind then
				return (select(2, debug.getupvalue(frame.fn, index)))
			end
			return globals[name]
		end,
		__newindex = function(_, name, value)
			local level = depth(frame.thread) - frame.from_bottom
			local kind, index = find(frame, name)
			if kind == "local" then
				debug.setlocal(frame.thread, level, index, value)
			elseif kind then
				debug.setupvalue(frame.fn, index, value)
			else
				globals[name] = value
			end
		end,
		__pairs = function()
			return next, M.all(frame)
		end,
	})
end

return M
