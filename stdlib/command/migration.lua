-- Moving a domain to another host with the calls of libvirt's third protocol: the source begins and gives its
-- definition, the destination prepares, the source performs, the destination finishes, the source confirms. Each step
-- hands its cookie to the next. With peer to peer the source does all of it.
--
-- Raises what virDomainMigrate3() and virDomainMigrateToURI3() would answer.

local errors = require "moonvisor.errors"

local M = {}

-- virConnectSupportsFeature(): the numbers of the wire protocol.
local FEATURE_P2P, FEATURE_DIRECT, FEATURE_CHANGE_PROTECTION, FEATURE_OFFLINE, FEATURE_PARAMS = 4, 5, 7, 11, 12

local PEER2PEER, TUNNELLED, PAUSED, DISK, INCREMENTAL = 2, 4, 32, 64, 128 -- virDomainMigrateFlags
local CHANGE_PROTECTION, OFFLINE, ABORT_ON_ERROR, AUTO_CONVERGE = 256, 1024, 4096, 8192
local STATE_PAUSED = 3

-- What hosts without PARAMS take.
local OLD_PARAMS = { migrate_uri = true, destination_name = true, destination_xml = true, bandwidth = true }

local function supports(raw, feature)
	local answer = raw:connect_supports_feature(feature)
	return answer == true or answer ~= 0
end

local function unsupported(...)
	errors.raise("argument_unsupported", ...)
end

local function check_flags(flags)
	if flags & DISK ~= 0 and flags & INCREMENTAL ~= 0 then
		errors.raise("invalid_arg",
			"Flags 'VIR_MIGRATE_NON_SHARED_DISK' and 'VIR_MIGRATE_NON_SHARED_INC' are mutually exclusive")
	end
end

local function check_offline(raw, flags, side)
	if flags & OFFLINE ~= 0 and not supports(raw, FEATURE_OFFLINE) then
		unsupported("offline migration is not supported by the %s host", side)
	end
end

local function check_writable(ctl, call)
	if ctl.readonly then
		errors.raise("operation_denied", "read only access prevents %s", call)
	end
end

-- The parameters with another value for one of them.
local function with(params, field, value)
	local list = {}
	for _, param in ipairs(params) do
		if param.field ~= field then
			list[#list + 1] = param
		end
	end
	list[#list + 1] = { field = field, type = "string", value = value }
	return list
end

local function has(params, field)
	for _, param in ipairs(params) do
		if param.field == field then
			return true
		end
	end
	return false
end

-- Whether both can do the protocol, or what libvirt says when they cannot.
local function check_protocol(source, destination, params, call)
	if supports(source, FEATURE_PARAMS) and (not destination or supports(destination, FEATURE_PARAMS)) then
		return
	end
	for _, param in ipairs(params) do
		if not OLD_PARAMS[param.field] then
			unsupported "Migration APIs with extensible parameters are not supported but extended parameters were passed"
		end
	end
	errors.raise("no_support", "%s", call)
end

-- Makes the call in which the memory moves, which can be watched and cancelled.
local function mover(ctl, dom, verbose)
	return function(...)
		return ctl:job({ dom = dom, title = "Migration", verbose = verbose }, "domain_migrate_perform3_params", ...)
	end
end

-- Performs, and has the destination finish, whether that went well or not. Returns the domain there, and its cookie.
---@param move fun(...): any   makes the source's call
local function perform(move, destination, dom, params, cookie, flags)
	local cancelled, failure = 0, nil
	if flags & OFFLINE == 0 then
		local ok, result = pcall(move, dom, nil, params, cookie, flags)
		if ok then
			cookie = result
		else
			cancelled, failure = 1, result
		end
	end
	if not has(params, "destination_name") then
		params = with(params, "destination_name", dom.name)
	end
	local ok, result = pcall(destination.domain_migrate_finish3_params, destination, params, cookie,
		flags & ~(ABORT_ON_ERROR | AUTO_CONVERGE), cancelled)
	failure = failure or not ok and result or nil
	return not failure and result.dom or nil, ok and result.cookie_out or "", failure
end

--- Moves a domain to another connection's host.
---@param ctl Control
---@param destination table   its raw calls
---@param params table[]      typed parameters: virDomainMigrate3()'s
---@param before? function    called before anything is done, when all is known to be possible
---@param verbose? boolean    shows how far it is
---@return table domain       at the destination
function M.to_host(ctl, dom, destination, params, flags, before, verbose)
	local source = ctl.raw
	check_flags(flags)
	check_writable(ctl, "virDomainMigrate3")
	if flags & TUNNELLED ~= 0 then
		ctl:fail "cannot perform tunnelled migration without using peer2peer flag"
	end
	check_offline(source, flags, "source")
	check_offline(destination, flags, "destination")
	local protects = supports(source, FEATURE_CHANGE_PROTECTION)
	if flags & CHANGE_PROTECTION ~= 0 and not protects then
		unsupported "cannot enforce change protection"
	end
	check_protocol(source, destination, params, "virDomainMigrate3")
	if before then
		before()
	end

	if protects then
		flags = flags | CHANGE_PROTECTION
	end
	local state = flags & OFFLINE == 0 and source:domain_get_state(dom, 0).state
	if state == STATE_PAUSED then
		flags = flags | PAUSED -- it stays so
	end
	local begun = source:domain_migrate_begin3_params(dom, params, flags)
	params = with(params, "destination_xml", begun.xml)
	local ok, prepared = pcall(destination.domain_migrate_prepare3_params, destination, params, begun.cookie_out,
		flags & ~(ABORT_ON_ERROR | AUTO_CONVERGE))
	local moved, cookie, failure = nil, "", not ok and prepared or nil
	if ok then
		if prepared.uri_out then
			params = with(params, "migrate_uri", prepared.uri_out)
		elseif flags & OFFLINE == 0 and not has(params, "migrate_uri") then
			errors.raise("internal", "the destination has not said where the domain is to be sent")
		end
		moved, cookie, failure = perform(mover(ctl, dom, verbose), destination, dom, params, prepared.cookie_out, flags)
	end
	if protects then -- what begin has locked, confirm unlocks
		local confirmed, why = pcall(source.domain_migrate_confirm3_params, source, dom, params, cookie, flags,
			moved and 0 or 1)
		failure = failure or not confirmed and why or nil
	end
	if failure then
		error(failure, 0)
	end
	return moved
end

--- Has the source move a domain, to the host at an address.
function M.to_uri(ctl, dom, uri, params, flags, before, verbose)
	local source = ctl.raw
	check_flags(flags)
	check_writable(ctl, "virDomainMigrateToURI3")
	check_offline(source, flags, "source")
	if flags & PEER2PEER ~= 0 then
		if not supports(source, FEATURE_P2P) then
			unsupported "p2p migration is not supported by the source host"
		end
	elseif not supports(source, FEATURE_DIRECT) then
		unsupported "direct migration is not supported by the source host"
	end
	check_protocol(source, nil, params, "virDomainMigrateToURI3")
	if before then
		before()
	end
	mover(ctl, dom, verbose)(dom, uri, params, "", flags)
end

return M
