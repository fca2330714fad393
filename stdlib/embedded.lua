-- Domains of a driver that runs in this process: beside libvirt's calls they have a handle, which says more.

local core = require "moonvisor.core"
local objects = require "moonvisor.objects"

local M = {}

local Connection, Handle = core.Connection, core.EmbeddedDomain

--- The reference of a handle's domain.
function M.ref(handle)
	return { name = Handle.name(handle), uuid = Handle.uuid(handle), id = Handle.id(handle) or -1, handle = handle }
end

--- The Domain object of a handle.
function M.object(conn, handle)
	return objects.new("Domain", conn, M.ref(handle))
end

--- The handle of a Domain object; nil where its driver has none.
function M.handle(object)
	local conn, ref = objects.conn(object), objects.ref(object)
	if not ref.handle and Connection.embedded(conn) then
		ref.handle = Connection.lookup(conn, ref.uuid)
	end
	return ref.handle
end

return M
