-- "average,peak,burst,floor": the limits of one direction of an interface, as --inbound and --outbound take them.

local M = {}

M.names = { "average", "peak", "burst", "floor" }

--- The numbers by name, nil for those that are not given; fails with virsh's text.
---@return {average: integer?, peak: integer?, burst: integer?, floor: integer?}
function M.parse(ctl, text)
	local result, i = {}, 0
	for field in (text .. ","):gmatch "([^,]*)," do
		i = i + 1
		if i > #M.names then
			ctl:fail("Rate string '%s' has too many fields", text)
		end
		if field ~= "" then
			local value = field:match "^%d+$" and #field < 16 and math.tointeger(tonumber(field))
			if not value then
				ctl:fail("field '%s' is malformed", M.names[i])
			end
			result[M.names[i]] = value
		end
	end
	return result
end

return M
