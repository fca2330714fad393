-- Methods of ctl that find objects by what a user typed, in the order in which virsh tries, with virsh's errors. Each
-- returns the reference that raw calls take.

local core = require "moonvisor.core"

local M = {}

local UUID_LENGTH = 36

-- The first of the calls that finds something. Returns it, or nil and the error of the last one that was tried. Each
-- call: its name, arguments, n =, as = what -d 0 says.
local function first_of(ctl, option, text, calls)
	local raw, last = ctl.raw, nil
	if option ~= "device" then -- virsh does not say so of node devices
		ctl:debug(1, "%s: found option <%s>: %s", ctl.command, option, text)
	end
	for _, item in ipairs(calls) do
		if item.as then
			ctl:debug(0, "%s: <%s> %s", ctl.command, option, item.as)
		end
		local ok, found = pcall(raw[item[1]], raw, table.unpack(item, 2, item.n))
		if ok and found then
			return found
		elseif rawequal(found, core.interrupted) then
			error(found, 0)
		end
		last = found
	end
	local call = calls[#calls]
	ctl.missed = call and { call = call[1], text = text, owner = call.n == 3 and call[2] or nil }
	return nil, last
end

local function check_given(ctl, text, option)
	if text == nil or text == "" then
		ctl:fail("Failed to get option '%s': Option argument is empty", option)
	end
end

local function as_id(text)
	local digits = text:match "^[ \t\n\v\f\r]*[+-]?(%d+)$"
	local id = digits and not text:find "%-" and #digits < 12 and math.tointeger(tonumber(digits))
	return id and id <= 0x7fffffff and id or nil
end

local function allowed(how, what)
	return not how or not how.by or ("," .. how.by .. ","):find("," .. what .. ",", 1, true) ~= nil
end

-- Fails with the text and, when there was a call, its error.
local function fail(ctl, err, format, ...)
	if err then
		ctl:fail_because(err, format, ...)
	end
	ctl:fail(format, ...)
end

--- By id, UUID and name. `how.by` names those that are tried: "name,uuid" for domid.
---@param how? {by: string, option: string?, quiet: boolean?}   quiet: nil instead of a failure
---@return table reference {name, uuid, id}
function M.domain(ctl, text, how)
	check_given(ctl, text, how and how.option or "domain")
	local calls, id = {}, as_id(text)
	if id and allowed(how, "id") then
		calls[#calls + 1] = { "domain_lookup_by_id", id, n = 2, as = "looks like ID" }
	end
	if #text == UUID_LENGTH and allowed(how, "uuid") then
		calls[#calls + 1] = { "domain_lookup_by_uuid", text, n = 2, as = "trying as domain UUID" }
	end
	if allowed(how, "name") then
		calls[#calls + 1] = { "domain_lookup_by_name", text, n = 2, as = "trying as domain NAME" }
	end
	local found, err = first_of(ctl, how and how.option or "domain", text, calls)
	if not found and not (how and how.quiet) then
		-- virsh keeps the reason to itself; ours is worth a line when it is more than that there is none.
		fail(ctl, err and err.code ~= "no_domain" and err or nil, "failed to get domain '%s'", text)
	end
	return found
end

-- Objects with a name and a UUID: UUID first.
local function by_uuid_or_name(option, noun, by_uuid, by_name)
	return function(ctl, text, how)
		check_given(ctl, text, how and how.option or option)
		local calls = {}
		if #text == UUID_LENGTH and allowed(how, "uuid") then
			calls[#calls + 1] = { by_uuid, text, n = 2, as = ("trying as %s UUID"):format(noun) }
		end
		if allowed(how, "name") then
			calls[#calls + 1] = { by_name, text, n = 2, as = ("trying as %s NAME"):format(noun) }
		end
		local found, err = first_of(ctl, how and how.option or option, text, calls)
		if not found and not (how and how.quiet) then
			fail(ctl, err, "failed to get %s '%s'", noun, text)
		end
		return found
	end
end

M.network = by_uuid_or_name("network", "network", "network_lookup_by_uuid", "network_lookup_by_name")
M.pool = by_uuid_or_name("pool", "pool", "storage_pool_lookup_by_uuid", "storage_pool_lookup_by_name")
M.nwfilter = by_uuid_or_name("nwfilter", "nwfilter", "nwfilter_lookup_by_uuid", "nwfilter_lookup_by_name")

--- By name and MAC address.
function M.interface(ctl, text, how)
	check_given(ctl, text, how and how.option or "interface")
	local calls = {}
	if allowed(how, "name") then
		calls[#calls + 1] = { "interface_lookup_by_name", text, n = 2, as = "trying as interface NAME" }
	end
	if allowed(how, "mac") then
		calls[#calls + 1] = { "interface_lookup_by_mac_string", text, n = 2, as = "trying as interface MAC" }
	end
	local found, err = first_of(ctl, how and how.option or "interface", text, calls)
	return found or fail(ctl, err, "failed to get interface '%s'", text)
end

local function one_call(option, noun, call, as)
	return function(ctl, text, how)
		check_given(ctl, text, how and how.option or option)
		local found, err = first_of(ctl, how and how.option or option, text, { { call, text, n = 2, as = as } })
		if not found and not (how and how.quiet) then
			fail(ctl, err, "failed to get %s '%s'", noun, text)
		end
		return found
	end
end

M.secret = one_call("secret", "secret", "secret_lookup_by_uuid")
M.nwfilter_binding = one_call("binding", "nwfilter binding", "nwfilter_binding_lookup_by_port_dev",
	"trying as nwfilter binding port dev")

--- A volume: by name in the pool, by key, by path.
---@param text string
---@param pool? string   name or UUID of the pool, if one was given
---@param how? {by: string?, option: string?, pool_option: string|false?}   pool_option = false: the command has no such
---                                                                        option, so virsh gives no hint
---@return table volume
function M.volume(ctl, text, pool, how)
	local by = how and how.by or "name,key,path"
	local pool_option = how and how.pool_option
	local pool_ref
	if pool then
		pool_ref = ctl:pool(pool, { option = pool_option or "pool" })
		local active = ctl.raw:storage_pool_is_active(pool_ref)
		if active ~= 1 and active ~= true then
			ctl:fail("pool '%s' is not active", pool)
		end
	end
	check_given(ctl, text, how and how.option or "vol")
	local calls = {}
	if pool_ref and by:find "name" then
		calls[#calls + 1] = { "storage_vol_lookup_by_name", pool_ref, text, n = 3, as = "trying as vol name" }
	end
	if by:find "key" then
		calls[#calls + 1] = { "storage_vol_lookup_by_key", text, n = 2, as = "trying as vol key" }
	end
	if by:find "path" then
		calls[#calls + 1] = { "storage_vol_lookup_by_path", text, n = 2, as = "trying as vol path" }
	end
	local found, err = first_of(ctl, how and how.option or "vol", text, calls)
	if not found then
		if pool or pool_option == false then
			fail(ctl, err, "failed to get vol '%s'", text)
		end
		fail(ctl, err, "failed to get vol '%s', specifying --%s might help", text, pool_option or "pool")
	elseif pool_ref and found.pool ~= pool_ref.name then
		ctl:fail("Requested volume '%s' is not in pool '%s'", text, pool_ref.name)
	end
	return found
end

--- A node device: by name, or by "WWNN,WWPN" of a host bus adapter.
function M.nodedev(ctl, text, how)
	check_given(ctl, text, how and how.option or "device")
	local calls = { { "node_device_lookup_by_name", text, n = 2 } }
	if text:find(",", 1, true) then
		local wwnn, wwpn = text:match "^([^,]*),([^,]*)$"
		if not wwnn then
			ctl:fail("Malformed device value '%s'", text)
		end
		for _, wwn in ipairs { wwnn, wwpn } do
			if not wwn:find "^0?[xX]?%x+$" or #wwn:gsub("^0[xX]", "") ~= 16 then
				ctl:fail("internal error: Malformed wwn: %s", wwn)
			end
		end
		calls = { { "node_device_lookup_scsi_host_by_wwn", wwnn, wwpn, 0, n = 4 } }
	end
	local found, err = first_of(ctl, how and how.option or "device", text, calls)
	return found or fail(ctl, err, "Could not find matching device '%s'", text)
end

--- A port of a network, by UUID.
function M.network_port(ctl, net, text)
	check_given(ctl, text, "port")
	local calls = { { "network_port_lookup_by_uuid", net, text, n = 3, as = "trying as network UUID" } }
	local found, err = first_of(ctl, "port", text, calls)
	return found or fail(ctl, err, "failed to get network port '%s'", text)
end

--- A snapshot of a domain: the named one, or with --current the current one.
---@param opt table      options of the command; "current" need not be among them
---@param option string  the option with the name
---@param exclusive? boolean   --current and a name exclude each other
function M.snapshot(ctl, opt, option, dom, exclusive)
	local name, current = opt[option], opt.current
	if exclusive and current and name then
		ctl:fail("--%s and --current are mutually exclusive", option)
	elseif name then
		return ctl.raw:domain_snapshot_lookup_by_name(dom, name, 0)
	elseif current then
		return ctl.raw:domain_snapshot_current(dom, 0)
	end
	ctl:fail("--%s or --current is required", option)
end

--- A checkpoint of a domain, by name.
function M.checkpoint(ctl, opt, option, dom)
	local name = opt[option]
	if not name then
		ctl:fail("--%s is required", option)
	end
	return ctl.raw:domain_checkpoint_lookup_by_name(dom, name, 0)
end

return M
