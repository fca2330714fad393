-- Network interfaces of the host.

local common = require "moonvisor.object.common"

local methods = common.implementation("interface", { "name", "mac" })

methods.describe = common.active

return methods
