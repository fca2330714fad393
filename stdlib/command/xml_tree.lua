-- XML as a tree that can be changed and printed, for commands that take a device out of a domain's definition, change
-- it and hand it back. Everything stays as it was written, white space between elements too; only quotes become those
-- that libxml2 writes, as virsh prints nodes with it. It reads what drivers write: no document types,
-- comments or CDATA.
--
--   local domain = xml_tree.parse(ctl.raw:domain_get_xml_desc(dom, 0))
--   for disk in domain:each("devices", "disk") do print(disk:attr "type", disk:child "target":attr "dev") end
--
-- A node is { name =, attrs = { {name, value}, ... }, [1] = "text" or a node, ... }.

local M = {}

---@class XmlNode
---@field name string
local Node = {}
Node.__index = Node

local entities = { lt = "<", gt = ">", amp = "&", quot = '"', apos = "'" }

local function decode(text)
	return (text:gsub("&(#?x?)(%w+);", function(kind, name)
		if kind == "" then
			return entities[name]
		end
		local code = tonumber(name, kind == "#x" and 16 or 10)
		return code and utf8.char(code)
	end))
end

local attr_escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\n"] = "&#10;",
	["\t"] = "&#9;", ["\r"] = "&#13;" }
local text_escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\r"] = "&#13;" }
local value_escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&apos;" }

--- A value as libvirt writes it between quotes of its own.
function M.escape(text)
	return (text:gsub("[&<>\"']", value_escapes))
end

--- A new node.
---@param attrs? table   a list of {name, value}
---@return XmlNode
function M.node(name, attrs)
	return setmetatable({ name = name, attrs = attrs or {} }, Node)
end

--- The root of a document, or nil when the text is none.
---@return XmlNode?
function M.parse(xml)
	local root = M.node ""
	local stack, at = { root }, 1
	while true do
		local from, to, close, name, rest = xml:find("<([/?!]?)([%w:_.-]*)([^<>]*)>", at)
		local top = stack[#stack]
		local text = xml:sub(at, (from or 0) - 1)
		if text ~= "" then
			top[#top + 1] = decode(text)
		end
		if not from then
			break
		end
		at = to + 1
		if close == "/" then
			if top.name ~= name or #stack == 1 then
				return nil
			end
			stack[#stack] = nil
		elseif close == "" then
			local node = M.node(name)
			for key, _, value in rest:gmatch "([%w:_.-]+)%s*=%s*([\"'])(.-)%2" do
				node.attrs[#node.attrs + 1] = { key, decode(value) }
			end
			top[#top + 1] = node
			if rest:sub(-1) ~= "/" then
				stack[#stack + 1] = node
			end
		end
	end
	for _, node in ipairs(root) do
		if type(node) == "table" then
			return #stack == 1 and node or nil
		end
	end
end

function Node:attr(name)
	for _, attr in ipairs(self.attrs) do
		if attr[1] == name then
			return attr[2]
		end
	end
end

--- Sets an attribute; a new one is the last.
function Node:set(name, value)
	for _, attr in ipairs(self.attrs) do
		if attr[1] == name then
			attr[2] = value
			return
		end
	end
	self.attrs[#self.attrs + 1] = { name, value }
end

--- The first child element of that name, and its number.
---@return XmlNode?
---@return integer?
function Node:child(name)
	for i, node in ipairs(self) do
		if type(node) == "table" and node.name == name then
			return node, i
		end
	end
end

--- All child elements of that name; with two names, those below the first child of the first name.
function Node:each(name, below)
	local parent = self
	if below then
		parent, name = self:child(name) or M.node "", below
	end
	local i = 0
	return function()
		repeat
			i = i + 1
		until parent[i] == nil or type(parent[i]) == "table" and parent[i].name == name
		return parent[i]
	end
end

function Node:text()
	local parts = {}
	for i, part in ipairs(self) do
		parts[i] = type(part) == "table" and part:text() or part
	end
	return table.concat(parts)
end

--- The node as libxml2 writes it.
function Node:dump()
	local parts = { "<", self.name }
	for _, attr in ipairs(self.attrs) do
		parts[#parts + 1] = (' %s="%s"'):format(attr[1], (attr[2]:gsub('[&<>"\n\t\r]', attr_escapes)))
	end
	if #self == 0 then
		parts[#parts + 1] = "/>"
		return table.concat(parts)
	end
	parts[#parts + 1] = ">"
	for _, part in ipairs(self) do
		parts[#parts + 1] = type(part) == "table" and part:dump() or (part:gsub("[&<>\r]", text_escapes))
	end
	parts[#parts + 1] = ("</%s>"):format(self.name)
	return table.concat(parts)
end

return M
