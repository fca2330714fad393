#!/usr/bin/env mvsh
-- Takes a snapshot of each domain and deletes the oldest ones: for a timer that runs each night.

local args = require "moonvisor.args"
local virt = require "moonvisor"

local options, names = args.parse([[
nightly-snapshot.lua [-c URI] [--keep N] [--prefix TEXT] [--quiesce] [NAME...]

  NAME                 domains; none: all
  -c, --connect URI    the host (default: test:///default)
  --keep N             how many of its own snapshots a domain keeps (default: 7)
  --prefix TEXT        what its snapshots' names begin with (default: nightly-)
  --quiesce            asks the guest to write everything first

Only snapshots with the prefix are ever deleted, and only after the new one is there.
A domain that cannot be snapshotted does not stop the others; the status is 1 then.
]], { connect = "test:///default", keep = 7, prefix = "nightly-", quiesce = false })

if options.keep < 1 then
	io.stderr:write "nightly-snapshot.lua: --keep must be at least 1\n"
	os.exit(2)
end

local function own_snapshots(vm)
	local list = {}
	for _, snapshot in ipairs(vm.snapshots:list()) do
		if snapshot.name:sub(1, #options.prefix) == options.prefix then
			list[#list + 1] = snapshot
		end
	end
	-- The names begin with the time, so that their order is that of the snapshots.
	table.sort(list, function(a, b)
		return a.name < b.name
	end)
	return list
end

local function free_name(vm)
	local base = options.prefix .. os.date "!%Y%m%dT%H%M%SZ"
	local name, n = base, 1
	while vm.snapshots[name] do
		n = n + 1
		name = ("%s.%03d"):format(base, n)
	end
	return name
end

local function rotate(vm)
	local snapshot = vm:create_snapshot(free_name(vm), { quiesce = options.quiesce })
	local list, deleted = own_snapshots(vm), 0
	for i = 1, #list - options.keep do
		list[i]:delete()
		deleted = deleted + 1
	end
	return snapshot.name, deleted
end

local conn <close> = virt.open(options.connect)
local vms = {}
for i, name in ipairs(names) do
	vms[i] = conn:domain(name)
end
if #names == 0 then
	vms = conn.domains:list()
end

local failed = 0
for _, vm in ipairs(vms) do
	local ok, name, deleted = pcall(rotate, vm)
	if ok then
		print(("%s: %s taken, %d deleted"):format(vm.name, name, deleted))
	else
		io.stderr:write(vm.name, ": ", tostring(name), "\n")
		failed = failed + 1
	end
end
os.exit(failed == 0 and 0 or 1, true)
