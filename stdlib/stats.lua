-- Statistics: from libvirt's flat names to tables in tables.

local M = {}

local function place(node, key)
	local inner = node[key]
	if type(inner) ~= "table" then
		-- A name that is also the beginning of longer ones keeps its value under `value`.
		inner = { value = inner }
		node[key] = inner
	end
	return inner
end

--- Turns { ["block.0.rd.bytes"] = 1 } into { block = { { rd = { bytes = 1 } } } }: numbers in names count from 0, those
--- of the lists from 1, as everywhere in Lua.
function M.nest(flat)
	local root = {}
	for name, value in pairs(flat) do
		local node, last = root, nil
		for part in name:gmatch "[^.]+" do
			if last then
				node = place(node, last)
			end
			local index = math.tointeger(tonumber(part))
			last = index and index + 1 or part
		end
		if type(node[last]) == "table" then
			node[last].value = value
		else
			node[last] = value
		end
	end
	return root
end

return M
