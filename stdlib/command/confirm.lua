-- Methods of the control object: questions before a command does what cannot be undone.

local options = require "moonvisor.command.options"

local Control = {}

-- Whether somebody is there to be asked.
local function can_ask(ctl)
	if ctl.plain or ctl.recorder or ctl.common and ctl.common.yes then
		return false
	end
	return ctl.somebody_there()
end

--- Asks a question at a terminal and fails when it is not answered with yes. Nobody is asked when standard input is no
--- terminal, with --yes, and under the name of virsh.
function Control:confirm(format, ...)
	if not can_ask(self) then
		return
	end
	self.flush()
	self.write_error((select("#", ...) > 0 and format:format(...) or format) .. " [y/N] ")
	local answer = self.read_line()
	if not answer or not answer:lower():find "^%s*y" then
		self:fail "not confirmed: nothing was done"
	end
end

--- Asks the question of the command's description, if it has one.
function Control:confirm_command(command, opt)
	if not can_ask(self) then
		return
	end
	local question = command.confirm or require("moonvisor.command.questions")[command.name]
	if type(question) == "function" then
		question = question(self, opt)
	elseif question then
		question = question:gsub("{([%w-]+)}", function(name)
			return tostring(options.given(opt, name))
		end)
	end
	if question then
		self:confirm("%s", question)
	end
end

return Control
