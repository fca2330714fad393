-- Storage pools.

local common = require "moonvisor.object.common"

local methods = common.implementation("storagepool", { "name", "uuid" })

methods.get.volumes = common.collection "Volume"
methods.describe = common.active
methods.on = common.on "pool"

return methods
