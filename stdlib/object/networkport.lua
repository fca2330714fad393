-- Ports of virtual networks.

local common = require "moonvisor.object.common"

local methods = common.implementation("networkport", { "uuid" })

methods.get.network = common.object("Network", "net")

return methods
