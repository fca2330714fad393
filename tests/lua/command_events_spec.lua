-- What the command `event` prints of every event, with every number of theirs and the first that is none: compared with
-- tests/golden/commands/events.txt, which virsh 9.0 printed when its library gave it the same.
local folder = arg[0]:match "^.*/" or ""
package.path = folder .. "?.lua;" .. package.path
local t = require "harness"
local control = require "moonvisor.command.control"
local tokens = require "moonvisor.command.tokens"
local virt = require "moonvisor"

local DOMAIN = { name = "test", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f", id = 1 }

-- The messages that fn makes of 0, 1, ... last.
local function each(last, fn)
	local list = {}
	for i = 0, last do
		list[#list + 1] = fn(i)
	end
	return list
end

local function pairs_of(first, last_of_first, second, last_of_second, more)
	local list = {}
	for i = 0, last_of_first do
		for k = 0, last_of_second do
			local message = { [first] = i, [second] = k }
			for key, value in pairs(more or {}) do
				message[key] = value
			end
			list[#list + 1] = message
		end
	end
	return list
end

local function param(field, kind, value)
	return { field = field, type = kind, value = value }
end

local PARAMS = {
	param("a.ull", "ullong", -1), param("b.int", "int", -4), param("c.str", "string", "x y"),
	param("d.bool", "boolean", true), param("d.bool2", "boolean", false), param("e.dbl", "double", 1.5),
	param("f.u", "uint", 5), param("g.l", "llong", -9),
}

local function graphics(phase)
	return {
		phase = phase, authScheme = "vnc",
		["local"] = { family = phase, node = "1.2.3.4", service = "5900" },
		remote = { family = 1, node = "::1", service = "6000" },
		subject = phase > 0 and { { type = "x509dname", name = "CN=a" }, { type = "saslUsername", name = "bob" } } or {},
	}
end

local job = pairs_of("type", 6, "status", 4, { path = "/disk", dst = "/disk" })
local device = { { devAlias = "net0" } }
local reasons = each(1, function(reason) return { reason = reason } end)

-- By the event's name; what is not here has only a domain.
local MESSAGES = {
	lifecycle = pairs_of("event", 9, "detail", 9),
	["rtc-change"] = { { offset = 3600 } },
	watchdog = each(7, function(action) return { action = action } end),
	["io-error"] = each(3, function(action) return { srcPath = "/src", devAlias = "alias", action = action } end),
	graphics = each(3, graphics),
	["io-error-reason"] = each(3, function(action)
		return { srcPath = "/src", devAlias = "alias", action = action, reason = action > 0 and "enospc" or "" }
	end),
	["block-job"] = job, ["block-job-2"] = job,
	["disk-change"] = each(2, function(reason)
		return { devAlias = "alias", reason = reason, oldSrcPath = reason > 0 and "/old" or nil,
			newSrcPath = reason ~= 1 and "/new" or nil }
	end),
	["tray-change"] = each(2, function(reason) return { devAlias = "alias", reason = reason } end),
	["pm-wakeup"] = reasons, ["pm-suspend"] = reasons, ["pm-suspend-disk"] = reasons,
	["balloon-change"] = { { actual = 1024 } },
	["device-removed"] = device, ["device-added"] = device, ["device-removal-failed"] = device,
	tunable = { { params = PARAMS }, { params = {} } }, ["job-completed"] = { { params = PARAMS }, { params = {} } },
	["agent-lifecycle"] = each(3, function(state) return { state = state, reason = state } end),
	["migration-iteration"] = { { iteration = 3 } },
	["metadata-change"] = each(3, function(kind) return { type = kind, nsuri = kind == 2 and "http://x" or nil } end),
	["block-threshold"] = {
		{ dev = "vda", path = "/p", threshold = -1, excess = 5 }, { dev = "vda", threshold = 10, excess = 5 },
	},
	["memory-failure"] = pairs_of("recipient", 2, "action", 4),
	["memory-device-size-change"] = { { alias = "ua-virtiomem", size = 1048576 } },
}
for _, message in ipairs(MESSAGES["memory-failure"]) do
	message.flags = message.action
end

-- { [event's name] = text }, and the names in their order.
local function golden()
	local texts, names, name = {}, {}, nil
	for line in io.lines(folder .. "../golden/commands/events.txt") do
		local head = line:match "^# (.*)"
		if head then
			name, names[#names + 1], texts[head] = head, head, ""
		else
			texts[name] = texts[name] .. line .. "\n"
		end
	end
	return texts, names
end

-- What `event --all` prints when each event comes at once with its messages: { [event's name] = text }. The command
-- listens to the events in the order of their names.
local function shown(names)
	local texts, current, out, listened = {}, {}, nil, 0
	local conn <close> = virt.open "test:///default"
	local real = conn.raw
	local function on(_, event, dom, fn)
		listened = listened + 1
		local name = names[listened]
		out = current
		for _, message in ipairs(MESSAGES[name] or { {} }) do
			message.dom = DOMAIN
			fn { msg = message }
		end
		texts[name], current, out = table.concat(current), {}, nil
		return real:on(event, dom, fn)
	end
	local raw = setmetatable({}, { __index = function(_, call)
		return call == "on" and on or function(_, ...)
			return real[call](real, ...)
		end
	end })
	local ctl = control.new {
		real_raw = raw, conn = conn, plain = true, quiet = true, flush = function() end,
		write = function(text)
			if out then
				out[#out + 1] = text
			end
		end,
	}
	ctl:execute(tokens.text "event --all --loop --timeout 1")
	return texts
end

t.describe("event", function()
	t.it("prints what virsh prints", function()
		local wanted, names = golden()
		local got = shown(names)
		for _, name in ipairs(names) do
			t.equal(got[name], wanted[name], name)
		end
	end)
end)

t.finish()
