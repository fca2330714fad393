-- Looking at a connection for completion: nobody waits long for what a slow host says. One press of Tab has a time
-- limit for all its calls; a call that takes longer goes on in a thread, what it says is known at the next Tab, and
-- until then what was known before is used. Hosts in this process are asked directly.

local core = require "moonvisor.core"

local M = {}

--- Seconds for all calls of one Tab.
M.limit = 0.25

local KEPT = 200 -- results

local SLOW = setmetatable({}, { __tostring = function() return "the host has not answered yet" end })

local states = setmetatable({}, { __mode = "k" }) -- by connection: { known = { [key] = result }, count, pending = key }
local deadline = 0

--- Another Tab is pressed: its time begins.
function M.start()
	deadline = core.now() + M.limit
end

local function remaining()
	return math.max(0, math.tointeger((deadline - core.now()) * 1000 // 1))
end

local function argument_text(value)
	if type(value) == "table" then
		return table.concat({ tostring(value.pool), tostring(value.name), tostring(value.uuid), tostring(value.key) }, "/")
	end
	return tostring(value)
end

local function key_of(name, ...)
	local parts = { name }
	for i = 1, select("#", ...) do
		parts[i + 1] = argument_text((select(i, ...)))
	end
	return table.concat(parts, "\0")
end

local function keep(state, key, result)
	if state.count >= KEPT then
		state.known, state.count = {}, 0
	end
	state.count = state.count + (state.known[key] == nil and 1 or 0)
	state.known[key] = result
end

-- What came of a call: pcall()'s results of look() or looked(). Returns whether it is done.
local function take(state, key, ok, done, result)
	if ok and not done then
		state.pending = key
		return false
	end
	state.pending = nil
	if ok and result ~= nil then
		keep(state, key, result)
	elseif not ok then
		state.known[key] = nil -- it is not there any more
	end
	return true
end

local function call(conn, name, ...)
	local state, key = states[conn], key_of(name, ...)
	if state.pending then
		take(state, state.pending, pcall(core.looked, conn, remaining()))
	end
	if not state.pending then
		take(state, key, pcall(core.look, conn, remaining(), core.call_number(name), ...))
	end
	local result = state.known[key]
	if result == nil then
		error(SLOW, 0)
	end
	return result
end

local metatable = {
	__index = function(self, name)
		local function method(_, ...)
			return call(rawget(self, "conn"), name, ...)
		end
		rawset(self, name, method)
		return method
	end,
}

local proxies = setmetatable({}, { __mode = "k" })

--- The calls of a connection, as `conn.raw` has them. Those that take too long raise an error that slow() knows.
function M.of(conn)
	if not core.slow(conn) then
		return require("moonvisor.raw").of(conn)
	elseif not proxies[conn] then
		states[conn] = { known = {}, count = 0 }
		proxies[conn] = setmetatable({ conn = conn }, metatable)
	end
	return proxies[conn]
end

local matching = {
	__index = function(self, name)
		return function(_, ...)
			return core.matching(self.conn, core.call_number(name), self.prefix, ...)
		end
	end,
}

--- The same calls, for lists of what begins with a prefix: a host in this process need not give the others.
function M.matching(conn, prefix)
	if core.slow(conn) then
		return M.of(conn)
	end
	return setmetatable({ conn = conn, prefix = prefix }, matching)
end

--- Whether an error means that the answer is not there yet.
function M.slow(err)
	return rawequal(err, SLOW)
end

return M
