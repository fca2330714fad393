-- What the user may set in ~/.config/moonvisor/init.lua, which the prompt runs when it starts:
--
--   local settings = require "moonvisor.settings"
--   settings.pager = "less -S"
--   settings.prompt = function(conn) return (conn and conn.uri or "-") .. "> " end
--
-- A wrong name or type is an error.

local M = {}

local values = {}

local described = {
	{ "pager", "string|boolean", "shows long output; false: none; default: $MOONVISOR_PAGER, $PAGER, less" },
	{ "prompt", "string|function", "stands before a line; a function gets the connection, or nil; default \"mvsh> \"" },
	{ "colour", "boolean", "colours; default: at a terminal, unless NO_COLOR is set" },
	{ "depth", "number", "how many tables inside of tables are shown; default 4" },
	{ "trace", "boolean", "errors with a traceback; default: --trace" },
	{ "completion_time", "number", "seconds that completion waits for a slow host; default 0.25" },
}
M.described = described

local function find(name)
	for _, item in ipairs(described) do
		if item[1] == name then
			return item
		end
	end
end

return setmetatable(M, {
	__index = function(_, name)
		return values[name]
	end,
	__newindex = function(_, name, value)
		local item = find(name)
		if not item then
			local names = {}
			for i, one in ipairs(described) do
				names[i] = one[1]
			end
			require("moonvisor.errors").raise("invalid_arg", "There is no setting '%s'%s The settings are: %s.", tostring(name),
				require("moonvisor.suggest").hint(name, names), table.concat(names, ", "))
		elseif value ~= nil and not ("|" .. item[2] .. "|"):find("|" .. type(value) .. "|", 1, true) then
			require("moonvisor.errors").raise("invalid_arg", "The setting '%s' must be a %s, not a %s.", name,
				(item[2]:gsub("|", " or a ")), type(value))
		end
		values[name] = value
	end,
})
