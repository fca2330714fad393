-- Finding single objects by what people call them.

local errors = require "moonvisor.errors"
local kinds = require "moonvisor.kinds"
local objects = require "moonvisor.objects"
local raw = require "moonvisor.raw"

local M = {}

local UUID = ("%x"):rep(8) .. "%-?" .. (("%x"):rep(4) .. "%-?"):rep(3) .. ("%x"):rep(12)

-- Calls, and returns nil for an object that does not exist.
local function try(missing, handle, call, ...)
	local ok, found = pcall(handle[call], handle, ...)
	if ok then
		return found
	elseif errors.is(found, missing) then
		return nil
	end
	error(found, 0)
end

--- The object of this name (its UUID, for what has no name) of an owner, or nil.
function M.by_name(class, conn, owner, name)
	local kind, handle = kinds[class], raw.of(conn)
	local call = kind.name or kind.uuid
	if not kind.name and not name:match("^" .. UUID .. "$") then
		return nil
	end
	local ref
	if owner then
		ref = try(kind.missing, handle, call, objects.ref(owner), name, kind.extra)
	else
		ref = try(kind.missing, handle, call, name)
	end
	return ref and objects.new(class, conn, ref)
end

-- What else than names and UUIDs some objects are found by. They return a reference or nil.
local ways = {}

function ways.Domain(handle, which)
	if math.type(which) == "integer" then
		return try("no_domain", handle, "domain_lookup_by_id", which)
	end
end

function ways.Interface(handle, which)
	return which:find ":" and try("no_interface", handle, "interface_lookup_by_mac_string", which)
end

function ways.Volume(handle, which)
	local pool, name = which:match "^([^/]+)/(.+)$"
	if pool then
		local ref = try("no_storage_pool", handle, "storage_pool_lookup_by_name", pool)
		return ref and try("no_storage_vol", handle, "storage_vol_lookup_by_name", ref, name)
	end
	return try("no_storage_vol", handle, "storage_vol_lookup_by_path", which)
		or try("no_storage_vol", handle, "storage_vol_lookup_by_key", which)
end

--- An object of the connection by its name, UUID or whatever else; raises where there is none. An object is returned
--- as it is.
function M.any(class, conn, which)
	if getmetatable(which) == "moonvisor." .. class then
		return which
	end
	local kind, handle = kinds[class], raw.of(conn)
	if type(which) ~= "string" and not (class == "Domain" and math.type(which) == "integer") then
		errors.raise("invalid_arg", "%s is found by a string%s, not by a value of type %s.", class,
			class == "Domain" and " or an id" or "", type(which))
	end
	local ref
	if type(which) == "string" and kind.uuid and not kind.owner and which:match("^" .. UUID .. "$") then
		ref = try(kind.missing, handle, kind.uuid, which)
	end
	if not ref and type(which) == "string" and kind.name and not kind.owner then
		ref = try(kind.missing, handle, kind.name, which)
	end
	if not ref and ways[class] then
		ref = ways[class](handle, which)
	end
	if not ref then
		errors.raise(kind.missing, "There is no %s %s.", require("moonvisor.spec").class(class).noun,
			math.type(which) == "integer" and "with the id " .. which or "'" .. tostring(which) .. "'")
	end
	return objects.new(class, conn, ref)
end

return M
