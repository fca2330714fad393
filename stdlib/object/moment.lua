-- What snapshots and checkpoints share: they are of a domain, and in a tree.

local common = require "moonvisor.object.common"
local errors = require "moonvisor.errors"
local kinds = require "moonvisor.kinds"
local objects = require "moonvisor.objects"
local raw = require "moonvisor.raw"

local M = {}

--- The implementation of such a class.
---@param class string
---@param conf string       the kind of its configuration
---@param parent_call string
function M.implementation(class, conf, parent_call)
	local methods = common.implementation(conf, { "name" })
	methods.get.domain = common.object("Domain", "dom")
	methods.get.children = common.collection(class, kinds[class].children)
	function methods.get.parent(self)
		local conn = objects.conn(self)
		local handle = raw.of(conn)
		local ok, found = pcall(handle[parent_call], handle, objects.ref(self), 0)
		if ok then
			return objects.new(class, conn, found)
		elseif not errors.is(found, kinds[class].missing) then
			error(found, 0)
		end
	end
	function methods.describe(self)
		return "of domain " .. objects.ref(self).dom.name
	end
	return methods
end

return M
