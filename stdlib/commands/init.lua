-- Commands from Lua: require "moonvisor.commands".
--
--   local commands = require "moonvisor.commands"
--   commands.run(conn, "net-start default; start web1")       -- prints what the commands print; raises when one fails
--   for _, dom in ipairs(commands.rows(conn, "list --all")) do print(dom.name, dom.state) end

local errors = require "moonvisor.errors"

local M = {}

local function new(conn, settings)
	local messages = {}
	settings.conn = conn
	settings.somebody_there = function() -- a program is not asked
		return false
	end
	settings.write_error = function(text)
		messages[#messages + 1] = text
	end
	return require("moonvisor.command.control").new(settings), messages
end

-- Runs commands; the first that fails raises what it said.
local function run(ctl, messages, text)
	local parsed = ctl:parse(require("moonvisor.command.tokens").text(text))
	for _, one in ipairs(parsed or {}) do
		if not ctl:run(one) then
			parsed = nil
			break
		end
	end
	if not parsed then
		local said = table.concat(messages):gsub("^error: ", ""):gsub("\nerror: ", ": "):gsub("\n", " ")
		errors.raise("operation_failed", "%s: %s", text, (said:gsub("%s+$", "")))
	end
end

--- Runs one or several commands, which print to standard output.
---@param conn Connection
---@param text string   as at the prompt
function M.run(conn, text)
	local ctl, messages = new(conn, {})
	run(ctl, messages, text)
	io.stderr:write(table.concat(messages))
end

--- The records of a listing or an information command: what `-o json` shows, as tables. Nothing is printed.
---@param conn Connection
---@param text string
---@return table[] rows
function M.rows(conn, text)
	local all = {}
	local ctl, messages = new(conn, { write = function() end, flush = function() end })
	ctl.collect = function(rows)
		table.move(rows, 1, #rows, #all + 1, all)
	end
	run(ctl, messages, text)
	return all
end

return M
