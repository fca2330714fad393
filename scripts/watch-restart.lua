#!/usr/bin/env mvsh
-- Watches domains and starts those again that have crashed or failed; gives up on one that crashes too often.

local args = require "moonvisor.args"
local virt = require "moonvisor"

local options, names = args.parse([[
watch-restart.lua [-c URI] [--most N] [--within S] [--delay S] [--for S] [--stopped]
                  [NAME...]

  NAME                 domains to watch; none: all that are defined
  -c, --connect URI    the host (default: test:///default)
  --most N             starts a domain again at most N times (default: 3) ...
  --within S           ... within so many seconds (default: 600)
  --delay S            waits so many seconds before it does (default: 1)
  --stopped            also restarts domains that were destroyed; never those that
                       shut down by themselves
  --for S              ends after so many seconds (default: never)
]], { connect = "test:///default", most = 3, within = 600, delay = 1, ["for"] = math.huge, stopped = false })

local watched = {}
for _, name in ipairs(names) do
	watched[name] = true
end

local starts = {} -- name -> when it was started again

local function log(format, ...)
	print(os.date "%Y-%m-%d %H:%M:%S " .. format:format(...))
	io.stdout:flush()
end

local function may_start(name)
	local now, recent = os.time(), {}
	for _, when in ipairs(starts[name] or {}) do
		recent[#recent + 1] = now - when < options.within and when or nil
	end
	starts[name] = recent
	return #recent < options.most
end

local function revive(vm)
	local name = vm.name
	if not may_start(name) then
		log("%s: crashed %d times within %d s; it is left alone", name, options.most, options.within)
		return
	end
	table.insert(starts[name], os.time())
	virt.spawn(function()
		virt.sleep(options.delay)
		local ok, err = pcall(function()
			if vm.state == "crashed" then
				vm:destroy()
			end
			if not vm.active then
				vm:start()
			end
		end)
		log("%s: %s", name, ok and "started again" or "cannot be started: " .. tostring(err))
	end)
end

-- Whether an event tells of an end that nobody has asked for.
local function is_crash(ev)
	return ev.event == "crashed" or ev.event == "stopped"
		and (ev.detail == "crashed" or ev.detail == "failed" or options.stopped and ev.detail == "destroyed")
end

local conn <close> = virt.open(options.connect)
conn:on("lifecycle", function(ev)
	if #names > 0 and not watched[ev.domain.name] then
		return
	elseif is_crash(ev) then
		log("%s: %s (%s)", ev.domain.name, ev.event, ev.detail)
		revive(ev.domain)
	end
end)
log("watching %s of %s", #names > 0 and table.concat(names, ", ") or "all domains", options.connect)
virt.sleep(options["for"])
