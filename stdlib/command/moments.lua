-- What the commands about snapshots and about checkpoints have in common: building their XML from options, and lists of
-- them, flat or as a tree.

local core = require "moonvisor.core"

local M = {}

local entities = { lt = "<", gt = ">", amp = "&", quot = '"', apos = "'" }
local escapes = { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;", ['"'] = "&quot;", ["'"] = "&apos;" }

--- Text as XML has it.
function M.escape(text)
	return (text:gsub("[<>&\"']", escapes))
end

local function unescape(text)
	return (text:gsub("&(%a+);", entities))
end

--- The pieces of "a,b,,c": commas separate, two of them are one comma.
function M.split(text)
	local pieces, current = {}, ""
	for piece, commas in (text .. ","):gmatch "([^,]*)(,+)" do
		current = current .. piece .. (","):rep(#commas // 2)
		if #commas % 2 == 1 then
			pieces[#pieces + 1] = current
			current = ""
		end
	end
	return pieces
end

--- What the XML of a snapshot or checkpoint says of itself; all of it stands before the domain's XML.
---@return {state: string?, created: integer?, parent: string?}
function M.facts(xml)
	local head = xml:match "^(.-)<domain[ >]" or xml
	local parent = head:match "<parent>%s*<name>(.-)</name>"
	return {
		state = head:match "<state>(.-)</state>",
		created = math.tointeger(tonumber(head:match "<creationTime>(%d+)</creationTime>")),
		parent = parent and unescape(parent),
	}
end

--- The XML of a new one, from --name, --description and the --diskspec's.
---@param root string         "domainsnapshot"
---@param disk_xml fun(ctl: Control, text: string): string      the element of one --diskspec
---@param memory_xml? fun(ctl: Control, text: string): string   the element of --memspec
function M.xml(ctl, root, opt, disk_xml, memory_xml)
	local parts = { ("<%s>\n"):format(root) }
	local function add(text)
		parts[#parts + 1] = text
	end
	if opt.name then
		add(("  <name>%s</name>\n"):format(M.escape(opt.name)))
	end
	if opt.description then
		add(("  <description>%s</description>\n"):format(M.escape(opt.description)))
	end
	if memory_xml and opt.memspec then
		add(memory_xml(ctl, opt.memspec))
	end
	if opt.diskspec then
		add "  <disks>\n"
		for _, text in ipairs(opt.diskspec) do
			add(disk_xml(ctl, text))
		end
		add "  </disks>\n"
	end
	add(("</%s>\n"):format(root))
	return table.concat(parts)
end

--- Creates one, from XML. path: the file that it came from, or nil.
---@param noun string   "snapshot"
function M.create(ctl, noun, created, path)
	if path then
		ctl:extra("Domain %s %s created from '%s'", noun, created.name, path)
	else
		ctl:extra("Domain %s %s created", noun, created.name)
	end
end

--- The name of the parent, or nil.
---@param call string   "domain_snapshot_get_parent"
function M.parent(ctl, call, ref)
	local ok, parent = pcall(ctl.raw[call], ctl.raw, ref, 0)
	if ok then
		return parent.name
	elseif rawequal(parent, core.interrupted)
		or parent.code ~= "no_domain_snapshot" and parent.code ~= "no_domain_checkpoint" then
		error(parent, 0)
	end
end

-- --- lists -----------------------------------------------------------------------------------------------------------

local LIST_ROOTS, LIST_DESCENDANTS = 1, 1 -- the same number, of the whole and of one
local LIST_TOPOLOGICAL = 1 << 10

-- All that are in the list as trees: those whose parent is not there are roots.
--- Shows the name of one, without an end of line, as virsh does.
function M.show_name(ctl, name)
	ctl:records {
		rows = { { name = name } }, columns = { "name" }, single = true,
		text = function(rows)
			ctl:print("%s", rows[1] and rows[1].name or "")
		end,
	}
end

local function show_trees(ctl, rows)
	local there, below, roots = {}, {}, {}
	for _, row in ipairs(rows) do
		there[row.name] = true
	end
	for _, row in ipairs(rows) do
		local list = row.parent and there[row.parent] and below
		if list then
			list[row.parent] = list[row.parent] or {}
			table.insert(list[row.parent], row.name)
		else
			roots[#roots + 1] = row.name
		end
	end
	for _, root in ipairs(roots) do
		ctl:tree(root, function(name)
			return below[name] or {}
		end)
	end
end

local function when(seconds)
	return seconds and os.date("%Y-%m-%d %H:%M:%S %z", seconds) or "-"
end

local function show_rows(ctl, opt, rows, has_state)
	local header = { "Name", "Creation Time" }
	if has_state then
		header[#header + 1] = "State"
	end
	if opt.parent then
		header[#header + 1] = "Parent"
	end
	local t = ctl:table(header)
	for _, row in ipairs(rows) do
		local cells = { row.name, when(row.created) }
		if has_state then
			cells[#cells + 1] = row.state or ""
		end
		if opt.parent then
			cells[#cells + 1] = row.parent or ""
		end
		t:row(table.unpack(cells))
	end
	t:show()
end

---@class Moments
---@field noun string        "snapshot"
---@field filters table      { { option, flag }, ... } that exclude --tree
---@field flags table        { { option, flag }, ... } that do not
---@field topological integer
---@field has_state boolean
---@field start fun(dom): table?          the one whose children are wanted, or nil
---@field all fun(dom, flags): table      references
---@field children fun(ref, flags): table
---@field xml fun(ref): string

--- The list commands.
---@param kind Moments
function M.list(ctl, opt, kind)
	ctl:exclusive(opt, "tree", "name")
	ctl:exclusive(opt, "parent", "roots")
	ctl:exclusive(opt, "parent", "tree")
	ctl:exclusive(opt, "roots", "tree")
	ctl:exclusive(opt, "roots", "from")
	if kind.current then
		ctl:exclusive(opt, "roots", "current")
	end
	local flags = opt.roots and LIST_ROOTS or 0
	for _, filter in ipairs(kind.filters) do
		if ctl:given(opt, filter[1]) then
			if opt.tree then
				ctl:fail("--%s and --tree are mutually exclusive", filter[1])
			end
			flags = flags | filter[2]
		end
	end
	for _, flag in ipairs(kind.flags) do
		flags = flags | (ctl:given(opt, flag[1]) and flag[2] or 0)
	end
	local from = opt.from or kind.current and opt.current
	if opt.descendants then
		if not from then
			ctl:fail(kind.current and "--descendants requires either --from or --current" or "--descendants requires --from")
		end
		flags = flags | LIST_DESCENDANTS
	end
	local dom = ctl:domain(opt.domain)
	local start = from and kind.start(dom)
	local refs = start and kind.children(start, flags) or not start and kind.all(dom, flags)
	if start and opt.tree then
		table.insert(refs, 1, start)
	end
	local rows, full = {}, not opt.name or ctl:structured_output()
	for i, ref in ipairs(refs) do
		rows[i] = full and M.facts(kind.xml(ref)) or {}
		rows[i].name = ref.name
	end
	if flags & kind.topological == 0 then
		local first = start and opt.tree and table.remove(rows, 1)
		ctl:sort_by_name(rows)
		if first then
			table.insert(rows, 1, first)
		end
	end
	ctl:records {
		rows = rows, name = "name",
		columns = kind.has_state and { "name", "created", "state", "parent" } or { "name", "created", "parent" },
		text = function(shown)
			if opt.tree then
				return show_trees(ctl, shown)
			elseif opt.name then
				for _, row in ipairs(shown) do
					ctl:print("%s\n", row.name)
				end
				return
			end
			show_rows(ctl, opt, shown, kind.has_state)
		end,
	}
end

--- The edit commands: defines what the user made of the XML, and says what became of the name.
---@param how table   for ctl:edit
function M.edit(ctl, name, how)
	local ok, result = pcall(ctl.edit, ctl, how)
	if not ok or result == false then
		if not ok and not ctl:has_failed(result) then
			ctl:error("%s", ctl:error_text(result))
		end
		ctl:fail("Failed to update %s", name)
	end
end

M.LIST_TOPOLOGICAL = LIST_TOPOLOGICAL

return M
