-- Progress of something long: a bar on a terminal, a line from time to time elsewhere, nothing with -q. All of it goes
-- to standard error, so that output stays what it is.
--
--   local bar = progress.new { title = "upload", total = size }
--   bar:update(done)
--   bar:finish()       -- or bar:stop(), when it was not finished

local core = require "moonvisor.core"
local terminal = require "moonvisor.terminal"

local M = {}

local DRAW, LINE = 0.1, 5 -- seconds between two pictures of the bar, and between two lines
local PATIENCE = 0.3 -- what is over before that is not worth a bar
local WIDEST = 40
local units = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" }

local function size_text(bytes)
	local at = 1
	while bytes >= 1000 and at < #units do
		bytes, at = bytes / 1024, at + 1
	end
	return (at == 1 and "%d %s" or bytes < 10 and "%.2f %s" or bytes < 100 and "%.1f %s" or "%.0f %s"):format(bytes,
		units[at])
end

local function time_text(seconds)
	seconds = math.tointeger(seconds // 1) or 0
	if seconds >= 3600 then
		return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60, seconds % 60)
	end
	return ("%d:%02d"):format(seconds // 60, seconds % 60)
end

M.size_text, M.time_text = size_text, time_text

local Bar = {}
Bar.__index = Bar

-- "41%  1.20 GiB of 2.93 GiB  118 MiB/s  0:15 left"
local function details(self, now)
	local parts, elapsed = {}, now - self.started
	local show = self.unit == "bytes" and size_text or function(n)
		return ("%d"):format(n)
	end
	if self.total then
		parts[1] = ("%3d%%"):format(self.total > 0 and math.min(self.done * 100 // self.total, 100) or 100)
	end
	if self.unit == "bytes" then
		parts[#parts + 1] = show(self.done) .. (self.total and " of " .. show(self.total) or "")
		if elapsed > 0 and self.done > 0 then
			parts[#parts + 1] = show(self.done / elapsed) .. "/s"
		end
	end
	if self.over then
		parts[#parts + 1] = "in " .. time_text(elapsed)
	elseif self.total and self.done > 0 and elapsed > 0 then
		parts[#parts + 1] = time_text(math.max(self.total - self.done, 0) * elapsed / self.done + 0.5) .. " left"
	else
		parts[#parts + 1] = time_text(elapsed)
	end
	return table.concat(parts, "  ")
end

local function picture(self, now)
	local about = details(self, now)
	local width = math.min(terminal.width(2) - #self.title - #about - 6, WIDEST)
	local line = self.title .. "  " .. about
	if self.total and width >= 10 then
		local full = self.total > 0 and math.min(self.done * width // self.total, width) or width
		local head = full < width and full > 0 and ">" or ""
		line = ("%s [%s%s%s] %s"):format(self.title, ("="):rep(full - #head), head, (" "):rep(width - full), about)
	end
	return line:sub(1, terminal.width(2) - 1)
end

--- Says how much is done, in the unit of the total.
function Bar:update(done, total)
	self.done, self.total = done, total or self.total
	local now = core.now()
	if self.silent or now < self.next then
		return
	elseif self.terminal then
		self.write("\r" .. picture(self, now) .. "\27[K")
		self.next, self.shown = now + DRAW, true
	else
		self.write(self.title .. ": " .. details(self, now) .. "\n")
		self.next, self.shown = now + LINE, true
	end
end

--- All is done. The last picture stays.
function Bar:finish()
	if self.shown then
		self.over = true
		self.done = self.total or self.done
		local now = core.now()
		local last = self.terminal and "\r" .. picture(self, now) .. "\27[K" or self.title .. ": " .. details(self, now)
		self.write(last .. "\n")
	end
	self.silent = true
end

--- It was not finished: the bar stays as it is, and what comes next begins a line.
function Bar:stop()
	if self.shown and self.terminal then
		self.write "\n"
	end
	self.silent = true
end

---@param how {title: string, total: number?, unit: string?, quiet: boolean?, always: boolean?, write: function?}
---   unit: "bytes" (default) or "percent"; always: from the beginning, not only when it takes a while
function M.new(how)
	local now = core.now()
	local on_terminal = how.terminal
	if on_terminal == nil then
		on_terminal = terminal.isatty(2) and os.getenv "TERM" ~= "dumb"
	end
	return setmetatable({
		title = how.title, total = how.total, unit = how.unit or "bytes", done = 0, started = now,
		silent = how.quiet, terminal = on_terminal,
		next = now + (how.always and 0 or on_terminal and PATIENCE or LINE),
		write = how.write or function(text)
			io.stdout:flush()
			io.stderr:write(text)
		end,
	}, Bar)
end

return M
