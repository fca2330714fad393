-- Base64 (RFC 4648), for values of secrets.

local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The text of bytes, on one line.
---@param bytes string
function M.encode(bytes)
	local parts = {}
	for at = 1, #bytes, 3 do
		local a, b, c = bytes:byte(at, at + 2)
		local word, count = a << 16 | (b or 0) << 8 | (c or 0), c and 4 or b and 3 or 2
		local letters = ""
		for i = 1, count do
			local index = (word >> (24 - 6 * i) & 63) + 1
			letters = letters .. ALPHABET:sub(index, index)
		end
		parts[#parts + 1] = letters .. ("="):rep(4 - count)
	end
	return table.concat(parts)
end

--- The bytes of a text; blanks and newlines in it do not matter. nil when it is no base64.
---@param text string
---@return string?
function M.decode(text)
	local letters = text:gsub("%s+", "")
	local body, padding = letters:match "^([%w+/]*)(=*)$"
	if not body or #letters % 4 ~= 0 or #padding > 2 then
		return nil
	end
	local parts, word, bits = {}, 0, 0
	for letter in body:gmatch "." do
		word, bits = word << 6 | ALPHABET:find(letter, 1, true) - 1, bits + 6
		if bits >= 8 then
			bits = bits - 8
			parts[#parts + 1] = string.char(word >> bits & 255)
			word = word & (1 << bits) - 1
		end
	end
	return table.concat(parts)
end

return M
