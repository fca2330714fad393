-- "did you mean": the nearest of some words, and lists of words for messages.

local M = {}

-- Edits (insert, delete, change, swap neighbours) from a to b.
local function distance(a, b)
	local before, last = {}, {}
	for j = 0, #b do
		last[j] = j
	end
	for i = 1, #a do
		local row = { [0] = i }
		for j = 1, #b do
			local cost = a:byte(i) == b:byte(j) and 0 or 1
			row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
			if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
				row[j] = math.min(row[j], before[j - 2] + 1)
			end
		end
		before, last = last, row
	end
	return last[#b]
end

--- The word nearest to `wrong`, or nil when none is near.
---@param words string[]
function M.nearest(wrong, words)
	local best, best_distance
	for _, word in ipairs(words) do
		local d = distance(wrong:lower(), word:lower())
		d = d + (d <= #word and distance(wrong, word) / 100 or 0) -- of two that differ in case, the nearer one
		if d < math.max(1, #word // 3) + 1 and (not best or d < best_distance) then
			best, best_distance = word, d
		end
	end
	return best
end

--- The end of a sentence about a wrong word: "; did you mean 'x'?", or a full stop.
function M.hint(wrong, words)
	local best = type(wrong) == "string" and #wrong <= 64 and M.nearest(wrong, words)
	return best and ("; did you mean '%s'?"):format(best) or "."
end

return M
