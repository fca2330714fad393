-- Libvirt's calls, one method each: conn.raw:domain_set_memory_flags(dom, kib, flags).
--
-- The names are those of the wire protocol in lower case; arguments come in its order, all of them (an absent string is
-- nil). References are tables: a domain { name =, uuid =, id = } (id may be left out), and so on; objects of classes
-- do too. One result is returned as it is, several as a table by name, none as nothing. Sequences are sequences; typed
-- parameters are a sequence of { field =, type = "int|uint|llong|ullong|double|boolean|string", value = }. A call that
-- opens a stream returns it first: send(data), recv([most]), finish(), abort(). core.calls() lists all with their
-- arguments; moonvisor.flags has the numbers.

local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local suggest = require "moonvisor.suggest"

local M = {}

local call, stream = core.call, core.stream

local DataStream = core.DataStream
DataStream.metatable.__index = DataStream
DataStream.metatable.__metatable = "moonvisor.DataStream"

-- Shared by all connections; made at the first use of each.
local methods = {}

--- Calls a function with each event of one procedure, while the program waits: a table of the message's fields, and
--- `id`, the procedure.
---@param event string       "domain_event_callback_lifecycle", "network_event_lifecycle", ...; "lifecycle" and the like
---                          are domains' events
---@param object? table      the only one whose events are wanted; may be left out
---@param fn function
---@return Registration
function methods.on(self, event, object, fn)
	if fn == nil and type(object) == "function" then
		object, fn = nil, object
	end
	if type(event) ~= "string" or type(fn) ~= "function" then
		errors.raise("invalid_arg", "on(event, [object,] fn): the name of an event and a function are expected.")
	end
	if not core.call_number(event) then
		for _, form in ipairs { "domain_event_callback_%s", "domain_event_%s" } do
			if core.call_number(form:format(event)) then
				event = form:format(event)
				break
			end
		end
	end
	return core.listen(self.conn, event, object, fn)
end

local function make(name)
	local number, opens_stream, event = core.call_number(name)
	if not number or event then
		local names = {}
		for known, description in pairs(core.calls()) do
			names[#names + 1] = not description.event and known or nil
		end
		errors.raise("invalid_arg", "There is no call '%s'%s", tostring(name), suggest.hint(name, names))
	end
	local make_call = opens_stream and stream or call
	return function(self, ...)
		return make_call(self.conn, number, ...)
	end
end

local metatable = {
	__name = "moonvisor.Raw",
	__index = function(_, name)
		if type(name) ~= "string" then
			return nil
		end
		local method = methods[name]
		if not method then
			method = make(name)
			methods[name] = method
		end
		return method
	end,
	__newindex = function(_, name)
		errors.raise("invalid_arg", "'%s' cannot be set: the calls are what they are.", tostring(name))
	end,
	__tostring = function(self)
		return "calls of " .. tostring(self.conn)
	end,
}

local of_connection = setmetatable({}, { __mode = "k" })

--- The calls of a connection.
function M.of(conn)
	local raw = of_connection[conn]
	if not raw then
		raw = setmetatable({ conn = conn }, metatable)
		of_connection[conn] = raw
	end
	return raw
end

return M
