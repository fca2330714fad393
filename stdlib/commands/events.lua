-- The commands of the group Domain Events.

local params_text = require("moonvisor.command.params").raw_text
local unsigned = require("moonvisor.command.number").unsigned

local commands = {
	{
		name = "event",
		records = true,
		summary = "Domain Events",
		description = "List event types, or wait for domain events to occur",
		options = {
			{ name = "domain", kind = "string", complete = "domain",
				help = "filter by domain name, id or uuid" },
			{ name = "event", kind = "string", complete = "domain_event",
				help = "which event type to wait for" },
			{ name = "all", kind = "bool", help = "wait for all events instead of just one type" },
			{ name = "loop", kind = "bool",
				help = "loop until timeout or interrupt, rather than one-shot" },
			{ name = "timeout", kind = "int", number = "timeout", help = "timeout seconds" },
			{ name = "list", kind = "bool", help = "list valid event types" },
			{ name = "timestamp", kind = "bool", help = "show timestamp for each printed event" },
		},
	},
}

local run = {}

-- Words for the numbers of events. Lists begin at 0.
local LIFECYCLE = {
	[0] = { "Defined", { [0] = "Added", "Updated", "Renamed", "Snapshot" } },
	{ "Undefined", { [0] = "Removed", "Renamed" } },
	{ "Started", { [0] = "Booted", "Migrated", "Restored", "Snapshot", "Event wakeup" } },
	{ "Suspended", { [0] = "Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot", "API error",
		"Post-copy", "Post-copy Error" } },
	{ "Resumed", { [0] = "Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error" } },
	{ "Stopped", { [0] = "Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot" } },
	{ "Shutdown", { [0] = "Finished", "Finished after guest request", "Finished after host request" } },
	{ "PMSuspended", { [0] = "Memory", "Disk" } },
	{ "Crashed", { [0] = "Panicked", "Crashloaded" } },
}
local WATCHDOG = { [0] = "none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi" }
local IO_ERROR = { [0] = "none", "pause", "report" }
local GRAPHICS_PHASE = { [0] = "connect", "initialize", "disconnect" }
local GRAPHICS_ADDRESS = { [0] = "IPv4", "IPv6", "unix" }
local JOB_TYPE = { [0] = "Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup" }
local JOB_STATUS = { [0] = "completed", "failed", "canceled", "ready" }
local DISK_CHANGE = { [0] = "changed", "dropped" }
local TRAY_CHANGE = { [0] = "opened", "closed" }
local AGENT_STATE = { [0] = "unknown", "connected", "disconnected" }
local AGENT_REASON = { [0] = "unknown", "domain started", "channel event" }
local METADATA = { [0] = "description", "title", "element" }
local FAILURE_RECIPIENT = { [0] = "hypervisor", "guest" }
local FAILURE_ACTION = { [0] = "ignore", "inject", "fatal", "reset" }
local FAILURE_ACTION_REQUIRED, FAILURE_RECURSIVE = 1, 2

local function word(list, number)
	return list[number] or "unknown"
end

-- What virsh says of numbers that it does not know in newer events.
local function newer_word(list, number)
	return list[number] or "unsupported value"
end

local function parameters(head, params)
	local lines = { head }
	for _, param in ipairs(params) do
		lines[#lines + 1] = ("\t%s: %s"):format(param.field, params_text(param))
	end
	return table.concat(lines, "\n") .. "\n"
end

-- An event that only has a domain.
local function plain(name)
	return function(msg)
		return ("event '%s' for domain '%s'\n"):format(name, msg.dom.name)
	end
end

local function block_job(name, path)
	return function(msg)
		return ("event '%s' for domain '%s': %s for %s %s\n"):format(name, msg.dom.name, JOB_TYPE[msg.type] or JOB_TYPE[0],
			msg[path], word(JOB_STATUS, msg.status))
	end
end

local function address(side)
	return ("%s %s %s"):format(word(GRAPHICS_ADDRESS, side.family), side.node, side.service)
end

local function graphics(msg)
	local lines = { ("event 'graphics' for domain '%s': %s local[%s] remote[%s] %s\n"):format(msg.dom.name,
		word(GRAPHICS_PHASE, msg.phase), address(msg["local"]), address(msg.remote), msg.authScheme) }
	for _, identity in ipairs(msg.subject) do
		lines[#lines + 1] = ("\t%s=%s\n"):format(identity.type, identity.name)
	end
	return table.concat(lines)
end

-- In the order of virsh: name, event on the wire, its text.
local EVENTS = {
	{ "lifecycle", "callback_lifecycle", function(msg)
		local event = LIFECYCLE[msg.event] or { "unknown", {} }
		return ("event 'lifecycle' for domain '%s': %s %s\n"):format(msg.dom.name, event[1], word(event[2], msg.detail))
	end },
	{ "reboot", "callback_reboot", plain "reboot" },
	{ "rtc-change", "callback_rtc_change", function(msg)
		return ("event 'rtc-change' for domain '%s': %d\n"):format(msg.dom.name, msg.offset)
	end },
	{ "watchdog", "callback_watchdog", function(msg)
		return ("event 'watchdog' for domain '%s': %s\n"):format(msg.dom.name, word(WATCHDOG, msg.action))
	end },
	{ "io-error", "callback_io_error", function(msg)
		return ("event 'io-error' for domain '%s': %s (%s) %s\n"):format(msg.dom.name, msg.srcPath, msg.devAlias,
			word(IO_ERROR, msg.action))
	end },
	{ "graphics", "callback_graphics", graphics },
	{ "io-error-reason", "callback_io_error_reason", function(msg)
		return ("event 'io-error-reason' for domain '%s': %s (%s) %s due to %s\n"):format(msg.dom.name, msg.srcPath,
			msg.devAlias, word(IO_ERROR, msg.action), msg.reason)
	end },
	{ "control-error", "callback_control_error", plain "control-error" },
	{ "block-job", "callback_block_job", block_job("block-job", "path") },
	{ "disk-change", "callback_disk_change", function(msg)
		return ("event 'disk-change' for domain '%s' disk %s: %s -> %s: %s\n"):format(msg.dom.name, msg.devAlias,
			msg.oldSrcPath or "<null>", msg.newSrcPath or "<null>", word(DISK_CHANGE, msg.reason))
	end },
	{ "tray-change", "callback_tray_change", function(msg)
		return ("event 'tray-change' for domain '%s' disk %s: %s\n"):format(msg.dom.name, msg.devAlias,
			word(TRAY_CHANGE, msg.reason))
	end },
	{ "pm-wakeup", "callback_pmwakeup", plain "pm-wakeup" },
	{ "pm-suspend", "callback_pmsuspend", plain "pm-suspend" },
	{ "balloon-change", "callback_balloon_change", function(msg)
		return ("event 'balloon-change' for domain '%s': %sKiB\n"):format(msg.dom.name, unsigned(msg.actual))
	end },
	{ "pm-suspend-disk", "callback_pmsuspend_disk", plain "pm-suspend-disk" },
	{ "device-removed", "callback_device_removed", function(msg)
		return ("event 'device-removed' for domain '%s': %s\n"):format(msg.dom.name, msg.devAlias)
	end },
	{ "block-job-2", "block_job_2", block_job("block-job-2", "dst") },
	{ "tunable", "callback_tunable", function(msg)
		return parameters(("event 'tunable' for domain '%s':"):format(msg.dom.name), msg.params)
	end },
	{ "agent-lifecycle", "callback_agent_lifecycle", function(msg)
		return ("event 'agent-lifecycle' for domain '%s': state: '%s' reason: '%s'\n"):format(msg.dom.name,
			newer_word(AGENT_STATE, msg.state), newer_word(AGENT_REASON, msg.reason))
	end },
	{ "device-added", "callback_device_added", function(msg)
		return ("event 'device-added' for domain '%s': %s\n"):format(msg.dom.name, msg.devAlias)
	end },
	{ "migration-iteration", "callback_migration_iteration", function(msg)
		return ("event 'migration-iteration' for domain '%s': iteration: '%d'\n"):format(msg.dom.name, msg.iteration)
	end },
	{ "job-completed", "callback_job_completed", function(msg)
		return parameters(("event 'job-completed' for domain '%s':"):format(msg.dom.name), msg.params)
	end },
	{ "device-removal-failed", "callback_device_removal_failed", function(msg)
		return ("event 'device-removal-failed' for domain '%s': %s\n"):format(msg.dom.name, msg.devAlias)
	end },
	{ "metadata-change", "callback_metadata_change", function(msg)
		return ("event 'metadata-change' for domain '%s': type %s, uri %s\n"):format(msg.dom.name,
			newer_word(METADATA, msg.type), msg.nsuri or "<null>")
	end },
	{ "block-threshold", "block_threshold", function(msg)
		return ("event 'block-threshold' for domain '%s': dev: %s(%s) %s %s\n"):format(msg.dom.name, msg.dev,
			msg.path or "<null>", unsigned(msg.threshold), unsigned(msg.excess))
	end },
	{ "memory-failure", "memory_failure", function(msg)
		return ("event 'memory-failure' for domain '%s':\nrecipient: %s\naction: %s\nflags:\n"
			.. "\taction required: %d\n\trecursive: %d\n"):format(msg.dom.name, newer_word(FAILURE_RECIPIENT, msg.recipient),
			newer_word(FAILURE_ACTION, msg.action), msg.flags & FAILURE_ACTION_REQUIRED ~= 0 and 1 or 0,
			msg.flags & FAILURE_RECURSIVE ~= 0 and 1 or 0)
	end },
	{ "memory-device-size-change", "memory_device_size_change", function(msg)
		return ("event 'memory-device-size-change' for domain '%s':\nalias: %s\nsize: %s\n"):format(msg.dom.name,
			msg.alias, unsigned(msg.size))
	end },
}

-- The events that are wanted: all, or the one that has a name.
local function chosen(ctl, opt)
	if opt.all then
		return EVENTS
	elseif not opt.event then
		ctl:fail "one of --list, --all, or --event <type> is required"
	end
	for _, event in ipairs(EVENTS) do
		if event[1] == opt.event then
			return { event }
		end
	end
	ctl:fail("unknown event type %s", opt.event)
end

function run.event(ctl, opt)
	ctl:exclusive(opt, "all", "event")
	ctl:exclusive(opt, "list", "all")
	ctl:exclusive(opt, "list", "event")
	if opt.list then
		require("moonvisor.command.watch").list(ctl, EVENTS)
		return
	end
	local events, timeout = chosen(ctl, opt), opt.timeout
	local dom = opt.domain and ctl:domain(opt.domain)
	return ctl:watch {
		timeout = timeout, loop = opt.loop, timestamp = opt.timestamp,
		listen = function(hit)
			local registrations = {}
			for i, event in ipairs(events) do
				registrations[i] = ctl.raw:on("domain_event_" .. event[2], dom, function(message)
					hit("%s", event[3](message.msg or message))
				end)
			end
			return registrations
		end,
	}
end

return { group = "Domain Events", keyword = "events", commands = commands, run = run }
