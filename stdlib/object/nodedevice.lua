-- Devices of the host.

local common = require "moonvisor.object.common"

local methods = common.implementation("nodedev", { "name" })

methods.on = common.on "device"

return methods
