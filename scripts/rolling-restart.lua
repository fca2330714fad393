#!/usr/bin/env mvsh
-- Restarts domains in the order of their dependencies: what others need is up again before they are touched.

local args = require "moonvisor.args"
local virt = require "moonvisor"

local options, files = args.parse([[
rolling-restart.lua [-c URI] [--timeout S] [--ready CONDITION] [--force] PLAN

  PLAN                 a Lua file that returns who needs whom:
                       return { web1 = { "db" }, web2 = { "db" }, db = {} }
  -c, --connect URI    the host (default: test:///default)
  --timeout S          seconds for each step (default: 120)
  --ready CONDITION    when a domain counts as ready: running, ip, agent
                       (default: running)
  --force              cuts the power of a guest that does not shut down in time

Domains that need nothing of each other are restarted at the same time. When one
does not come up, those that need it are left alone, and the status is 1.
]], { connect = "test:///default", timeout = 120, ready = "running", force = false })

if #files ~= 1 then
	io.stderr:write "rolling-restart.lua: one plan is needed; see --help\n"
	os.exit(2)
end
local plan = dofile(files[1])

-- Every name that somebody needs is in the plan, and nobody needs itself in the end.
local function check_plan()
	local state = {}
	local function visit(name, path)
		if not plan[name] then
			error(("'%s' needs '%s', which is not in the plan"):format(path[#path], name), 0)
		elseif state[name] == "open" then
			error("they need each other: " .. table.concat(path, " -> ") .. " -> " .. name, 0)
		elseif not state[name] then
			state[name] = "open"
			path[#path + 1] = name
			for _, needed in ipairs(plan[name]) do
				visit(needed, path)
			end
			path[#path] = nil
			state[name] = "done"
		end
	end
	for name in pairs(plan) do
		visit(name, { name })
	end
end

local function restart(vm)
	if vm.active then
		vm:shutdown()
		local ok, err = pcall(vm.wait, vm, "shut off", options.timeout)
		if not ok and options.force then
			print(vm.name .. ": does not shut down; its power is cut")
			vm:destroy()
		elseif not ok then
			error(err, 0)
		end
	end
	vm:start()
	vm:wait(options.ready, options.timeout)
end

local ok, why = pcall(check_plan)
if not ok then
	io.stderr:write(files[1], ": ", tostring(why), "\n")
	os.exit(2)
end

local conn <close> = virt.open(options.connect)
local vms, tasks, failed = {}, {}, 0
for name in pairs(plan) do
	vms[name] = conn:domain(name) -- all are there before the first is touched
end

-- One task each: it waits for those that its domain needs, then restarts it.
local function task_of(name)
	tasks[name] = tasks[name] or virt.spawn(function()
		for _, needed in ipairs(plan[name]) do
			if not task_of(needed):wait() then
				print(("%s: left alone, since %s is not up"):format(name, needed))
				return false
			end
		end
		local up, err = pcall(restart, vms[name])
		print(("%s: %s"):format(name, up and "up" or "failed: " .. tostring(err)))
		return up
	end)
	return tasks[name]
end

local names = {}
for name in pairs(plan) do
	names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
	task_of(name)
end
for _, name in ipairs(names) do
	failed = failed + (tasks[name]:wait() and 0 or 1)
end
os.exit(failed == 0 and 0 or 1, true)
