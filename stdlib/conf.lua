-- Configurations as tables: the same as their XML, with the same checks.

local core = require "moonvisor.core"

local M = {}

--- The table that an XML description says.
---@param kind string   "domain", "network", "storagepool", ...
---@param xml string
---@return table
function M.parse(kind, xml)
	return (core.conf.parse(kind, xml))
end

--- The same with what only a running object has (its id, the aliases of devices, how full a pool is).
function M.parse_live(kind, xml)
	return (core.conf.parse(kind, xml, { live = true, secure = true }))
end

--- XML of a table; raises where a key is not known.
---@param kind string
---@param values table
---@return string
function M.format(kind, values)
	return core.conf.format(kind, values)
end

return M
