-- A guest's console at a terminal: what is typed goes to the guest, what it prints is shown, until the escape
-- character.

local M = {}

local DEFAULT_ESCAPE = "^]"

--- The byte that an escape sequence stands for: "^]" is Ctrl-], one character is itself.
function M.escape_byte(text)
	if #text == 2 and text:sub(1, 1) == "^" then
		return string.char(text:sub(2):upper():byte() ~ 0x40)
	end
	return text:sub(1, 1)
end

--- Passes bytes both ways until the escape character is typed or a side has ended.
---@param keys {wait: function, read: function}   wait(fd) -> keys?, data?; read() -> text or nil
---@param stream table   fd(), recv(), send(data)
---@param show function  prints what the guest says
---@param escape string  a byte
function M.relay(keys, stream, show, escape)
	local fd = stream:fd()
	while true do
		local typed, printed = keys.wait(fd)
		if printed then
			local data = stream:recv()
			if not data then
				return
			end
			show(data)
		end
		if typed then
			local data = keys.read()
			local stop = not data or data:find(escape, 1, true)
			if data and stop ~= 1 then
				stream:send(stop and data:sub(1, stop - 1) or data)
			end
			if stop then
				return
			end
		end
	end
end

--- Opens the console of a domain and stays in it.
---@return nil
function M.run(ctl, dom, device, flags)
	local terminal = require "moonvisor.terminal"
	local escape = ctl.escape or DEFAULT_ESCAPE
	ctl:extra("Connected to domain '%s'\n", dom.name)
	ctl:extra("Escape character is %s", escape)
	ctl:extra(escape:sub(1, 1) == "^" and (" (Ctrl + %s)\n"):format(escape:sub(-1)) or "\n")
	ctl.flush()
	local result, stream = ctl.raw:domain_open_console(dom, device, flags)
	stream = stream or result
	if not stream:fd() then
		stream:abort()
		ctl:fail "The console cannot be waited for over this connection"
	end
	local restore, why = terminal.raw()
	if not restore then
		stream:abort()
		ctl:fail("%s", why)
	end
	local ok, err = pcall(M.relay, { wait = terminal.wait_keys, read = terminal.read_keys }, stream, function(data)
		ctl.write(data)
		ctl.flush()
	end, M.escape_byte(escape))
	restore()
	ctl:print "\n"
	if not ok then
		stream:abort()
		error(err, 0)
	end
	stream:finish()
end

return M
