-- Virtual networks.

local common = require "moonvisor.object.common"

local methods = common.implementation("network", { "name", "uuid" })

methods.get.ports = common.collection "NetworkPort"
methods.describe = common.active
methods.on = common.on "network"

return methods
