-- Storage volumes.

local common = require "moonvisor.object.common"
local objects = require "moonvisor.objects"

local methods = common.implementation("storagevol", { "name", "key" })

function methods.describe(self)
	return "in pool " .. objects.ref(self).pool
end

return methods
