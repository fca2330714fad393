-- Secrets.

local common = require "moonvisor.object.common"
local objects = require "moonvisor.objects"
local spec = require "moonvisor.spec"

local methods = common.implementation("secret", { "uuid", usage_id = "usageID" })

function methods.get.usage_type(self)
	return spec.values.usage_type[objects.ref(self).usageType + 1] or "unknown"
end

methods.on = common.on "secret"

return methods
