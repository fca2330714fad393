-- The commands that edit XML: ctl:edit{...} writes it to a file, starts the editor, and defines what comes back, again
-- and again until that works or the user gives up.
--
--   ctl:edit {
--       get = function() return xml end,                  -- what is there now; called twice, to see whether it changed
--       define = function(xml, relaxed) ... end,          -- raises when it is refused; relaxed: without validation
--       unchanged = function() ctl:extra(...) end,        -- the user changed nothing; false: define it nevertheless
--       done = function(result) ctl:extra(...) end,       -- gets what define returned
--       can_relax = true,                                 -- define takes `relaxed`
--   }

local core = require "moonvisor.core"

local M = {}

-- Characters that need no shell between us and the editor; with any other the name is quoted.
local function quote(text)
	return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function editor_of()
	for _, name in ipairs { "VISUAL", "EDITOR" } do
		local value = os.getenv(name)
		if value and value ~= "" then
			return value
		end
	end
	return "vi"
end

local function write_file(ctl, path, text)
	local file, why = io.open(path, "wb")
	if not file or not file:write(text) or not file:close() then
		ctl:fail("write: %s: failed to write to temporary file: %s", path, why or "the disk may be full")
	end
end

local function run_editor(ctl, path)
	local editor = editor_of()
	ctl.flush()
	local ok, how, status = os.execute(editor .. " " .. quote(path))
	if not ok then
		ctl:fail("internal error: Child process (%s %s) unexpected %s %d", editor, path,
			how == "exit" and "exit status" or "fatal signal", status)
	end
end

-- Asks what to do after a failure. Returns "y" (edit again), "f" (define what is there), "i" (without validation) or
-- "n"; nobody is asked when standard input is no terminal.
local function ask(ctl, message, can_relax)
	local terminal = require "moonvisor.terminal"
	if not terminal.isatty(0) then
		return "n"
	end
	while true do
		ctl.flush()
		ctl.write_error(("%s Try again? %s: "):format(message, can_relax and "[y,n,i,f,?]" or "[y,n,f,?]"))
		local answer = (ctl.read_line() or "n"):match "%a?%??":lower()
		if answer == "y" or answer == "n" or answer == "f" or answer == "i" and can_relax then
			return answer
		end
		ctl.write_error("y - yes, start editor again\nn - no, throw away my changes\n"
			.. (can_relax and "i - turn off validation and try to redefine again\n" or "")
			.. "f - force, try to redefine again\n? - print this help\n")
	end
end

-- One round: what the user made of the text is defined. Returns whether that is all, and what define returned.
local function attempt(ctl, how, before, edited, state)
	if not state.forced and how.get() ~= before then
		ctl:error "The XML configuration was changed by another user."
		return false, "The XML configuration was changed by another user."
	end
	local ok, result = pcall(how.define, edited, state.relaxed)
	if ok then
		return true, result
	elseif rawequal(result, core.interrupted) then
		error(result, 0)
	end
	if type(result) ~= "table" or getmetatable(result) == core.error_metatable then
		ctl:error("%s", ctl:error_text(result))
	end
	return false, "Failed."
end

--- Edits. Returns whether something was defined or left as it was.
---@return boolean ok
function M.edit(ctl, how)
	local before = how.get()
	if ctl:dry() then
		ctl.recorder:remark("the editor is started with this XML; what comes back is defined:")
		how.define(before, false)
		return true
	end
	local terminal = require "moonvisor.terminal"
	local path, why = terminal.make_file(os.getenv "TMPDIR" or "/tmp", "virsh", ".xml")
	if not path then
		ctl:fail("mkstemps: failed to create temporary file: %s", why)
	end
	local ok, result = pcall(function()
		write_file(ctl, path, before)
		local state, edited = { relaxed = false, forced = false }, nil
		while true do
			if not state.keep then
				run_editor(ctl, path)
				edited = ctl:read_file(path)
				if edited == before and how.unchanged() ~= false then
					return true
				end
			end
			local done, message = attempt(ctl, how, before, edited, state)
			if done then
				how.done(message)
				return true
			end
			local answer = ask(ctl, message, how.can_relax)
			if answer == "n" then
				return false
			end
			state.keep = answer ~= "y"
			state.forced = state.forced or answer == "f"
			state.relaxed = state.relaxed or answer == "i"
		end
	end)
	os.remove(path)
	if not ok then
		error(result, 0)
	end
	return result
end

return M
