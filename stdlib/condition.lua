-- What a program can wait for with vm:wait(): a state, an address, the guest's agent, a TCP port, or several of them.
--
-- A condition is a function (vm) that returns true and a value when it holds, or false and the stage that was reached,
-- a few words for the error when the time is over. It is asked again after each event, and twice a second for what no
-- event tells of.

local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local objects = require "moonvisor.objects"
local spec = require "moonvisor.spec"
local suggest = require "moonvisor.suggest"
local wait = require "moonvisor.wait"

local M = {}

local LOOK_AGAIN = 0.5 -- seconds

-- The states in which nothing inside the guest can be waited for.
local function not_running(vm, state_of)
	local state, reason = state_of(vm)
	return state ~= "running" and state ~= "idle" and ("it is %s (%s)"):format(state, reason)
end

local function state_is(wanted)
	return function(vm, state_of)
		local state, reason, detail = state_of(vm)
		if state == wanted then
			return true, reason
		end
		return false, ("it is '%s' (%s%s)"):format(state, reason, detail and ": " .. detail or "")
	end
end

-- The first address that is not the loopback's, from whoever knows one.
local function address_of(vm)
	local cards, asked = 0, {}
	for _, source in ipairs { "lease", "agent", "arp" } do
		local ok, list = pcall(vm.addresses, vm, source)
		if ok then
			asked[#asked + 1] = source
			for _, card in ipairs(list) do
				cards = card.name ~= "lo" and math.max(cards, 1) or cards
				for _, address in ipairs(card.addresses) do
					if address.address ~= "127.0.0.1" and address.address ~= "::1" and not address.address:find "^fe80" then
						return address.address
					end
				end
			end
		elseif not errors.is(list) then
			error(list, 0)
		end
	end
	if #asked == 0 then
		return nil, "nobody can be asked for its addresses: neither DHCP server, guest agent nor ARP table"
	elseif cards == 0 then
		return nil, ("no network card of it is known (asked: %s)"):format(table.concat(asked, ", "))
	end
	return nil, ("none of its network cards has an address yet (asked: %s)"):format(table.concat(asked, ", "))
end

local function has_address(vm, state_of)
	local off = not_running(vm, state_of)
	if off then
		return false, off
	end
	local address, stage = address_of(vm)
	return address ~= nil, address or stage
end

local function agent_answers(vm, state_of)
	local off = not_running(vm, state_of)
	if off then
		return false, off
	end
	local ok, answer = pcall(vm.agent, vm, '{"execute":"guest-info"}', 1)
	if ok then
		return true, answer:match '"version"%s*:%s*"([^"]*)"' or true
	elseif errors.is(answer, "no_support") or not errors.is(answer) then
		error(answer, 0)
	end
	return false, "its agent does not answer (" .. tostring(answer) .. ")"
end

local function port_is_open(port)
	local under_way
	return function(vm, state_of, list)
		local off = not_running(vm, state_of)
		if off then
			return false, off
		end
		local address, stage = address_of(vm)
		if not address then
			return false, stage
		end
		if under_way then
			local _, _, writable = core.poll({}, 0, { under_way })
			if not writable[under_way] then
				return false, ("%s does not answer on port %d"):format(address, port)
			end
			local why = core.Stream.failure(under_way)
			core.Stream.close(under_way)
			under_way = nil
			if not why then
				return true, port
			end
			return false, ("%s port %d: %s"):format(address, port, why)
		end
		local ok, stream = pcall(core.Stream.connect, address, port)
		if not ok then
			return false, tostring(stream)
		end
		under_way = stream
		list[#list + 1] = stream
		return false, ("%s does not answer on port %d"):format(address, port)
	end
end

local function condition_named(name)
	if name == "ip" then
		return has_address
	elseif name == "agent" then
		return agent_answers
	elseif name == "shutdown" then
		return state_is "shut off"
	end
	local words = { "ip", "agent", "shutdown" }
	for _, state in ipairs(spec.values.state) do
		if state == name then
			return state_is(state)
		end
		words[#words + 1] = state
	end
	errors.raise("invalid_arg", "Domain:wait: there is no condition %s%s They are: %s, and port = NUMBER.",
		type(name) == "string" and "'" .. name .. "'" or "of type " .. type(name), suggest.hint(name, words),
		table.concat(words, ", "))
end

-- The conditions of "ip", or of { "agent", port = 22 }.
local function conditions_of(what)
	if type(what) ~= "table" then
		return { condition_named(what) }
	end
	local list = {}
	for key, value in pairs(what) do
		if math.type(key) == "integer" then
			list[key] = condition_named(value)
		elseif key ~= "port" then
			errors.raise("invalid_arg", "Domain:wait: there is no condition '%s'; port = NUMBER is the only one with a name.",
				tostring(key))
		elseif math.type(value) ~= "integer" or value < 1 or value > 65535 then
			errors.raise("invalid_arg", "Domain:wait: port must be a number from 1 to 65535.")
		end
	end
	if what.port then
		list[#list + 1] = port_is_open(what.port)
	end
	if #list == 0 then
		errors.raise("invalid_arg", "Domain:wait: a table without conditions is waited for by nobody.")
	end
	return list
end

--- Waits until all conditions hold, at the same time.
---@param vm table
---@param what string|table
---@param timeout number   seconds
---@param state_of function   (vm) -> state, reason, detail
---@return any ...   the value of each condition: the reason of the state, the address, the agent's version, the port
function M.wait(vm, what, timeout, state_of)
	local conditions, deadline = conditions_of(what), wait.deadline(timeout)
	local only_states = type(what) == "string" and what ~= "ip" and what ~= "agent"
	wait.deliver_all()
	while true do
		local values, stage, streams = {}, nil, {}
		for i, condition in ipairs(conditions) do
			local holds, value = condition(vm, state_of, streams)
			if holds then
				values[i] = value
			else
				stage = stage or value
			end
		end
		if not stage then
			return table.unpack(values, 1, #conditions)
		elseif wait.expired(deadline) then
			errors.raise("operation_timeout", "The domain '%s' was waited for in vain for %g s: %s.", objects.label(vm),
				timeout, stage)
		end
		local again = only_states and deadline or math.min(deadline, wait.deadline(LOOK_AGAIN))
		wait.step({}, again, streams[1])
	end
end

return M
