-- Tables and trees on a terminal, with virsh's layout.

local M = {}

-- Whether the terminal shows UTF-8; otherwise a byte beyond ASCII is shown as \xff, whatever it is, as virsh does.
local utf8_terminal

local function shows_utf8()
	if utf8_terminal == nil then
		local locale = ""
		for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
			local value = os.getenv(name) or ""
			if value ~= "" then
				locale = value
				break
			end
		end
		utf8_terminal = locale:lower():find "utf%-?8" ~= nil
	end
	return utf8_terminal
end

-- First and last code points that are two columns wide.
local wide = {
	{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
}
-- ... and those that take no column.
local zero = { { 0x300, 0x36f }, { 0x200b, 0x200f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f } }

local function among(code, ranges)
	for _, range in ipairs(ranges) do
		if code >= range[1] and code <= range[2] then
			return true
		end
	end
	return false
end

local function hex(c)
	return ("\\x%02x"):format(c:byte())
end

--- The text as a terminal can show it, and the number of columns that takes.
---@return string shown
---@return integer width
function M.cell(text)
	if not text:find "[^\32-\126]" then
		return text, #text
	elseif not shows_utf8() or not utf8.len(text) then
		text = text:gsub("[\128-\255]", "\\xff"):gsub("%c", hex)
		return text, #text
	end
	local width = 0
	text = text:gsub("%c", hex)
	for _, code in utf8.codes(text) do
		width = width + (among(code, wide) and 2 or among(code, zero) and 0 or 1)
	end
	return text, width
end

local Table = {}
Table.__index = Table

--- Adds a row: as many values as the header has. A value that is no text is shown as tostring() has it.
function Table:row(...)
	local row = { ... }
	for i = 1, #self.header do
		row[i] = row[i] == nil and "" or tostring(row[i])
	end
	self.rows[#self.rows + 1] = row
	return self
end

local function line(cells, widths, count)
	local parts = {}
	for i = 1, count do
		local shown, width = M.cell(cells[i])
		parts[i] = " " .. shown .. (i < count and (" "):rep(widths[i] - width + 2) or "")
	end
	return table.concat(parts) .. "\n"
end

--- The table as text.
---@param no_header? boolean   then the header does not make columns wider either
function Table:text(no_header)
	local count, widths = #self.header, {}
	for i = 1, count do
		widths[i] = no_header and 0 or select(2, M.cell(self.header[i]))
		for _, row in ipairs(self.rows) do
			local cell = row[i]
			local width = #cell
			if width > widths[i] or cell:find "[^\32-\126]" then
				width = select(2, M.cell(cell))
				widths[i] = width > widths[i] and width or widths[i]
			end
		end
	end
	local lines = {}
	if not no_header then
		local total = 0
		for _, width in ipairs(widths) do
			total = total + width + 3
		end
		lines[1] = line(self.header, widths, count)
		lines[2] = ("-"):rep(total) .. "\n"
	end
	for _, row in ipairs(self.rows) do
		lines[#lines + 1] = line(row, widths, count)
	end
	return table.concat(lines)
end

--- A table with this header: a list of texts.
---@param print? function   what show() gives the text to
---@param quiet? boolean    show() leaves the header out
function M.new(header, print, quiet)
	return setmetatable({ header = header, rows = {}, print = print, quiet = quiet }, Table)
end

--- Prints the table, without its header when the control object is quiet.
function Table:show()
	self.print(self:text(self.quiet))
end

local function draw(lines, name, children, indent, root, last)
	lines[#lines + 1] = indent .. (root and "" or "+- ") .. name .. "\n"
	local inner = indent .. (root and "" or last and "  " or "| ")
	local below = children(name)
	if #below > 0 then
		lines[#lines + 1] = inner .. "  |\n"
		for i, child in ipairs(below) do
			draw(lines, child, children, inner .. "  ", false, i == #below)
		end
	elseif last then
		lines[#lines + 1] = inner .. "\n"
	end
end

--- A tree as text.
---@param root string
---@param children fun(name: string): string[]   what is directly below a name
function M.tree(root, children)
	local lines = {}
	draw(lines, root, children, "", true, true)
	return table.concat(lines)
end

return M
