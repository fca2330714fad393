-- For specs of commands: a connection whose calls answer what a spec says, and write themselves down.
--
--   local fake = require "fake_calls"
--   fake.check("domjobabort test", {}, "\n", "domain_abort_job(test)")
--   fake.check("migrate-getspeed test", { domain_migrate_get_max_speed = 100 }, "100\n\n", nil)

local t = require "harness"
local control = require "moonvisor.command.control"
local tokens = require "moonvisor.command.tokens"

local M = {}

-- The domain that is found under every name.
M.DOMAIN = { name = "test", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f", id = 1 }

--- A value as it stands in the log.
function M.shown(value)
	if type(value) ~= "table" then
		return tostring(value)
	elseif value.field then
		return ("%s=%s:%s"):format(value.field, value.type, value.value)
	elseif value.name then
		return value.name
	end
	local parts = {}
	for i, item in ipairs(value) do
		parts[i] = M.shown(item)
	end
	return "{" .. table.concat(parts, " ") .. "}"
end

--- Raw calls that answer what `answers` has, a value or a function, and write themselves down.
function M.calls(answers, log)
	return setmetatable({}, { __index = function(_, name)
		return function(_, ...)
			if name == "domain_lookup_by_name" then
				return M.DOMAIN
			end
			local arguments = table.pack(...)
			for i = 1, arguments.n do
				arguments[i] = M.shown(arguments[i])
			end
			log[#log + 1] = name .. "(" .. table.concat(arguments, ", ") .. ")"
			local answer = answers[name]
			if type(answer) == "function" then
				return answer(...)
			end
			return answer
		end
	end })
end

--- Runs a command. Returns what it printed, the calls that it made, whether it succeeded, and what it said of errors.
function M.run(text, answers)
	local out, err, log = {}, {}, {}
	local ctl = control.new {
		real_raw = M.calls(answers or {}, log), plain = true, quiet = false, flush = function() end,
		write = function(part) out[#out + 1] = part end, write_error = function(part) err[#err + 1] = part end,
	}
	local ok = ctl:execute(tokens.text(text))
	return table.concat(out), table.concat(log, "; "), ok, table.concat(err)
end

--- Runs a command and compares all that. log: nil is any. status: default true; err: default none.
function M.check(text, answers, out, log, status, err)
	local got_out, got_log, ok, got_err = M.run(text, answers)
	t.equal(got_out, out, text)
	t.equal(got_log, log or got_log, text)
	t.equal(ok, status ~= false, text)
	t.equal(got_err, err or "", text)
end

return M
