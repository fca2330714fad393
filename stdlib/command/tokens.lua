-- A command line as words, with the rules of virsh: blanks separate words, `;` and newlines separate commands, '...' is
-- taken as it is, in "..." and outside a backslash protects the next character, a backslash before a newline continues
-- the line, and a word that begins with # starts a comment that ends with the line.
--
-- A source has one method: next(), which returns
--     "word", text      a word
--     "command"         the end of a command, more may follow
--     "end"             the end of the text
--     "error", message  a word that is not complete
--     "ends", message   the same, where the text ends too early (more lines might complete it)

local M = {}

local Text = {}
Text.__index = Text

-- Skips what separates words. Returns "command" or "end" when there is no word before the end of the command.
local function skip_blanks(self)
	local text, at = self.text, self.at
	while true do
		at = text:find("[^ \t]", at) or #text + 1
		if text:sub(at, at + 1) ~= "\\\n" then
			break
		end
		at = at + 2
	end
	self.at = at
	local c = text:sub(at, at)
	if c == "" then
		return "end"
	elseif c == ";" or c == "\n" then
		self.at = at + 1
		return "command"
	elseif c == "#" then
		self.at = (text:find("\n", at, true) or #text) + 1
		return "command"
	end
end

function Text:next()
	local kind = skip_blanks(self)
	if kind then
		return kind
	end
	local text, at, parts = self.text, self.at, {}
	local single, double = false, false
	while true do
		local stop = text:find("[ \t;\n'\"\\]", at)
		parts[#parts + 1] = text:sub(at, (stop or 0) - 1)
		if not stop then
			at = #text + 1
			break
		end
		local c = text:sub(stop, stop)
		at = stop + 1
		if c == "'" and not double then
			single = not single
		elseif c == "\\" and not single then
			local protected = text:sub(at, at)
			if protected == "" then
				return "ends", "dangling \\"
			elseif protected ~= "\n" then
				parts[#parts + 1] = protected
			end
			at = at + 1
		elseif c == '"' and not single then
			double = not double
		elseif not single and not double and c ~= "'" and c ~= '"' and c ~= "\\" then
			at = stop
			break
		else
			parts[#parts + 1] = c
		end
	end
	if double then
		return "ends", 'missing "'
	end
	self.at, self.open_quote = at, single
	return "word", table.concat(parts)
end

--- The words of a text.
---@param text string
function M.text(text)
	return setmetatable({ text = text, at = 1 }, Text)
end

local List = {}
List.__index = List

function List:next()
	self.at = self.at + 1
	local word = self.words[self.at]
	if word == nil then
		return "end"
	end
	return "word", word
end

--- Words that are already separate, as the arguments of a program are: one command, nothing in them is special.
---@param words string[]
---@param first? integer   the index of the first one, default 1
function M.list(words, first)
	return setmetatable({ words = words, at = (first or 1) - 1 }, List)
end

return M
