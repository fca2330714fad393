-- What listings and information give: records, which --where filters, --sort orders, --columns chooses from, and -o
-- renders; without any of these virsh's text is printed. A command gives them with ctl:records{...} or ctl:info{...}
-- (see control.lua).
--
--   rows      list of tables: values are texts, numbers, booleans, or tables of these
--   columns   the keys, in their order; every one that a row can have. Names do not change: scripts use them
--   name      the key that -o name prints
--   text      function(rows) that prints virsh's text
--   single    the one row is an object of its own, not a list with one entry

local M = {}

local function has_column(columns, name)
	for _, column in ipairs(columns) do
		if column == name then
			return true
		end
	end
	return false
end

-- The columns that --columns or --sort name: "a,b", a leading - is kept aside. Fails for one that is not there.
local function named_columns(ctl, option, text, columns)
	local list = {}
	for word in text:gmatch "[^,%s]+" do
		local descending, name = word:match "^(%-?)(.*)$"
		if option ~= "sort" and descending ~= "" or not has_column(columns, name) then
			ctl:fail("option --%s: there is no column '%s'%s The columns are: %s", option, word,
				require("moonvisor.suggest").hint(name, columns), table.concat(columns, ", "))
		end
		list[#list + 1] = { name = name, descending = descending ~= "" }
	end
	if #list == 0 then
		ctl:fail("option --%s: no column is named; the columns are: %s", option, table.concat(columns, ", "))
	end
	return list
end

local order_of_types = { ["nil"] = 0, boolean = 1, number = 2, string = 3, table = 4 }

-- -1, 0, 1; values of different types have an order too, so that sorting never fails.
local function compare(a, b)
	local type_a, type_b = type(a), type(b)
	if type_a ~= type_b then
		return order_of_types[type_a] < order_of_types[type_b] and -1 or 1
	elseif type_a == "boolean" then
		a, b = a and 1 or 0, b and 1 or 0
	elseif type_a ~= "number" and type_a ~= "string" then
		return 0
	end
	return a < b and -1 or a > b and 1 or 0
end

local function sorted(rows, keys)
	local copy, place = table.move(rows, 1, #rows, 1, {}), {}
	for i, row in ipairs(copy) do
		place[row] = i
	end
	table.sort(copy, function(a, b)
		for _, key in ipairs(keys) do
			local result = compare(a[key.name], b[key.name])
			if result ~= 0 then
				return (result < 0) ~= key.descending
			end
		end
		return place[a] < place[b] -- equal ones keep their order
	end)
	return copy
end

-- --- rendering -------------------------------------------------------------------------------------------------------

local function plain_text(value)
	if value == nil then
		return "-"
	elseif type(value) == "boolean" then
		return value and "yes" or "no"
	elseif type(value) == "table" then
		return require("moonvisor.json").encode(value)
	end
	return tostring(value)
end

local function json_value(value)
	return require("moonvisor.json").encode(value)
end

local function json_object(row, columns)
	local parts = {}
	for _, name in ipairs(columns) do
		local value = row[name]
		parts[#parts + 1] = json_value(name) .. ": " .. (value == nil and "null" or json_value(value))
	end
	return "{" .. table.concat(parts, ", ") .. "}"
end

local function lua_value(value)
	if type(value) == "string" then
		return (("%q"):format(value):gsub("\\\n", "\\n"))
	elseif type(value) ~= "table" then
		return tostring(value)
	end
	local parts, keys = {}, {}
	for key in pairs(value) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		return compare(a, b) < 0
	end)
	for _, key in ipairs(keys) do
		local shown = type(key) == "string" and key:find "^[%a_][%w_]*$" and key or "[" .. lua_value(key) .. "]"
		parts[#parts + 1] = math.type(key) == "integer" and lua_value(value[key]) or shown .. " = " .. lua_value(value[key])
	end
	return "{ " .. table.concat(parts, ", ") .. (#parts > 0 and " }" or "}")
end

local reserved = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
	.. "until while"):gmatch "%a+" do
	reserved[word] = true
end

local function lua_object(row, columns)
	local parts = {}
	for _, name in ipairs(columns) do
		if row[name] ~= nil then
			local key = name:find "^[%a_][%w_]*$" and not reserved[name] and name or "[" .. lua_value(name) .. "]"
			parts[#parts + 1] = key .. " = " .. lua_value(row[name])
		end
	end
	return "{ " .. table.concat(parts, ", ") .. (#parts > 0 and " }" or "}")
end

local function list_of(ctl, list, rows, columns, render, open, close, before)
	if list.single and #rows <= 1 then
		ctl:print("%s%s\n", before, rows[1] and render(rows[1], columns) or "nil")
		return
	end
	local lines = {}
	for i, row in ipairs(rows) do
		lines[i] = "  " .. render(row, columns)
	end
	local body = #lines > 0 and "\n" .. table.concat(lines, ",\n") .. "\n" or ""
	ctl:print("%s%s%s%s\n", before, open, body, close)
end

local formats = {}

function formats.json(ctl, list, rows, columns)
	list_of(ctl, list, rows, columns, json_object, "[", "]", "")
end

function formats.lua(ctl, list, rows, columns)
	list_of(ctl, list, rows, columns, lua_object, "{", "}", "return ")
end

formats["table"] = function(ctl, _, rows, columns)
	local shown = ctl:table(columns)
	for _, row in ipairs(rows) do
		local cells = {}
		for i, name in ipairs(columns) do
			cells[i] = plain_text(row[name])
		end
		shown:row(table.unpack(cells, 1, #columns))
	end
	shown:show()
end

function formats.name(ctl, list, rows)
	local key = list.name or list.columns[1]
	for _, row in ipairs(rows) do
		ctl:print("%s\n", plain_text(row[key]))
	end
end

-- --- what commands call ----------------------------------------------------------------------------------------------

--- Shows records as the command line wants them.
---@param ctl Control
---@param list {rows: table[], columns: string[], name: string?, text: function, single: boolean?}
---@return table[] rows   those that were shown
function M.show(ctl, list)
	local common, rows, columns = ctl.common or {}, list.rows, list.columns
	if common.where then
		local kept, message = require("moonvisor.command.where").filter(common.where, columns, rows)
		if not kept then
			ctl:fail("option --where: %s", message)
		end
		rows = kept
	end
	if common.sort then
		rows = sorted(rows, named_columns(ctl, "sort", common.sort, columns))
	end
	local output = common.output or ctl.output
	if common.columns then
		local chosen = {}
		for i, column in ipairs(named_columns(ctl, "columns", common.columns, columns)) do
			chosen[i] = column.name
		end
		columns, output = chosen, output or "table"
	end
	if ctl.collect then
		ctl.collect(rows, columns, list)
	elseif output then
		ctl.structured = true
		formats[output](ctl, list, rows, columns)
	else
		list.text(rows)
	end
	return rows
end

-- The kinds of configuration by their root element.
local kinds = {
	domain = "domain", network = "network", networkport = "networkport", pool = "storagepool", volume = "storagevol",
	domainsnapshot = "domainsnapshot", domaincheckpoint = "domaincheckpoint", domainbackup = "domainbackup",
	secret = "secret", interface = "interface", device = "nodedev", filter = "nwfilter",
	filterbinding = "nwfilterbinding", capabilities = "capabilities", domainCapabilities = "domaincaps",
}

--- Shows the configuration that a piece of XML is, as one record.
---@param xml string
function M.configuration(ctl, xml)
	local root = xml:gsub("^%s*<%?.-%?>", ""):gsub("<!%-%-.-%-%->", ""):match "^%s*<([%w_]+)"
	local kind = kinds[root] or ctl:fail("a <%s> has no form but XML", tostring(root))
	local row, columns = require("moonvisor.conf").parse_live(kind, xml), {}
	for key in pairs(row) do
		columns[#columns + 1] = key
	end
	table.sort(columns, function(a, b) -- the name first, as it is what -o name prints
		if (a == "name") ~= (b == "name") then
			return a == "name"
		end
		return a < b
	end)
	M.show(ctl, {
		rows = { row }, columns = columns, single = true,
		text = function(rows)
			ctl:print("%s", rows[1] and xml or "")
		end,
	})
end

--- Shows one record as virsh shows it: "Label:          value". Each field: { key, label, value, text }; text is what
--- virsh prints when that differs from the value; a field without a label is in the record only, one whose text is
--- false is not printed; a function gives it when it is printed.
---@param fields table[]
---@param width? integer   columns of the label, default 16
function M.info(ctl, fields, width)
	local row, columns = {}, {}
	for _, field in ipairs(fields) do
		if field[1] then
			row[field[1]] = field[3]
			columns[#columns + 1] = field[1]
		end
	end
	return M.show(ctl, {
		rows = { row }, columns = columns, single = true, name = columns[1],
		text = function(rows)
			if #rows == 0 then
				return
			end
			for _, field in ipairs(fields) do
				local text = field[4]
				if type(text) == "function" then
					text = text()
				end
				if text == nil then
					text = plain_text(field[3])
				end
				if field[2] and text then
					ctl:print("%s%s\n", (field[2] .. (" "):rep((width or 16) - #field[2])), text)
				end
			end
		end,
	})
end

return M
