#!/usr/bin/env mvsh
-- A report of all domains of one or several hosts, as CSV or JSON: one line or object each, hosts asked at the same
-- time.

local args = require "moonvisor.args"
local json = require "moonvisor.json"
local virt = require "moonvisor"

local options, uris = args.parse([[
report.lua [--json] [--running] [--columns LIST] [URI...]

  URI               hosts to ask (default: test:///default)
  --json            JSON instead of CSV
  --running         only domains that run
  --columns LIST    which, with commas between them; of: host, name, uuid, id,
                    state, vcpus, memory, max_memory, disks, cards, autostart,
                    persistent, title

Sizes are bytes. A host that cannot be reached is reported on standard error, and
the status is 1 then.
]], { json = false, running = false, columns = "host,name,state,vcpus,memory,max_memory,disks,cards,autostart" })

local columns = {}
for name in options.columns:gmatch "[^,%s]+" do
	columns[#columns + 1] = name
end

-- How each column is found. A conf is only read where one of its columns is wanted.
local finders = {
	disks = function(vm)
		return #(vm.conf.devices.disks or {})
	end,
	cards = function(vm)
		return #(vm.conf.devices.interfaces or {})
	end,
}

local function row_of(host, vm)
	local row = {}
	for _, name in ipairs(columns) do
		if name == "host" then
			row.host = host
		elseif finders[name] then
			row[name] = finders[name](vm)
		else
			row[name] = vm[name]
		end
	end
	return row
end

local failed = false

local function rows_of(uri)
	local rows = {}
	local ok, err = pcall(function()
		local conn <close> = virt.open(uri, { read_only = true })
		local host = conn.hostname
		for vm in conn.domains:each(options.running and { active = true } or nil) do
			rows[#rows + 1] = row_of(host, vm)
		end
	end)
	if not ok then
		io.stderr:write(uri, ": ", tostring(err), "\n")
		failed = true
	end
	return rows
end

local function csv_field(value)
	local text = value == nil and "" or tostring(value)
	return text:find '[",\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

local all = {}
for _, rows in ipairs(virt.map(#uris > 0 and uris or { "test:///default" }, rows_of)) do
	table.move(rows, 1, #rows, #all + 1, all)
end

if options.json then
	local texts = {}
	for i, row in ipairs(all) do
		texts[i] = "  " .. json.encode(row)
	end
	print("[\n" .. table.concat(texts, ",\n") .. "\n]")
else
	print(table.concat(columns, ","))
	for _, row in ipairs(all) do
		local fields = {}
		for i, name in ipairs(columns) do
			fields[i] = csv_field(row[name])
		end
		print(table.concat(fields, ","))
	end
end
os.exit(failed and 1 or 0, true)
