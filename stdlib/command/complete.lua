-- Completion of command lines.

local M = {}

local registry = require "moonvisor.command.registry"

-- The words of `list` that begin with `prefix`, sorted.
local function beginning_with(prefix, list)
	local found = {}
	for _, word in ipairs(list) do
		found[#found + 1] = word:sub(1, #prefix) == prefix and word or nil
	end
	table.sort(found)
	return found
end

--- The words that can stand at the end of a line in place of its last, unfinished word.
---@return string[]
function M.words(ctl, line)
	local before, word = line:match "^(.-)([^%s;]*)$"
	local name = before:match "([^%s;]+)[^;]*$"
	local command = name and before:match "[^;]*$":match "%S+"
	if not command then
		return beginning_with(word, registry.names(ctl.plain))
	end
	command = registry.find(command, ctl.plain)
	local words = {}
	for _, option in ipairs(command and command.options or {}) do
		words[#words + 1] = not option.alias_of and "--" .. option.name or nil
	end
	return word:sub(1, 1) == "-" and beginning_with(word, words) or {}
end

--- For readline: `before` is the line before the word.
function M.at_prompt(ctl, before, word)
	local dashes = before:match "%-*$"
	local words = M.words(ctl, before .. word)
	for i, found in ipairs(words) do
		words[i] = found:sub(#dashes + 1)
	end
	return words
end

return M
