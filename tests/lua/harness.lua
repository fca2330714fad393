-- The harness of the Lua tests. A file NAME_spec.lua is run by mvsh and prints TAP:
--
--   package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
--   local t = require "harness"
--   t.describe("sizes", function()
--       t.it("have units", function() t.equal(virt.size "1K", 1024) end)
--   end)
--   t.finish()
--
-- A case fails when it raises; when a function of an event raised meanwhile; and when it leaves more open handles,
-- descriptors or threads behind than it found.

local core = require "moonvisor.core"
local virt = require "moonvisor"

local M = {}

local cases, groups = {}, {}
local SKIP = {}

-- --- cases -----------------------------------------------------------------------------------------------------------

function M.describe(name, fn)
	groups[#groups + 1] = name
	fn()
	groups[#groups] = nil
end

function M.it(name, fn)
	cases[#cases + 1] = { name = table.concat(groups, " ") .. (#groups > 0 and ": " or "") .. name, fn = fn }
end

--- Ends the case as skipped.
function M.skip(reason)
	error({ [SKIP] = reason }, 0)
end

-- --- what a case may not leave behind --------------------------------------------------------------------------------

local function read_file(path)
	local file = assert(io.open(path))
	local text = file:read "a"
	file:close()
	return text
end

local pid = read_file("/proc/self/stat"):match "^%d+"

local function list_descriptors()
	local list, lines = {}, io.popen(("ls -l /proc/%s/fd 2>/dev/null"):format(pid))
	for line in lines:lines() do
		local number, target = line:match "(%d+) %-> (.*)$"
		if number then
			list[#list + 1] = number .. " " .. target
		end
	end
	lines:close()
	return list
end

-- A listing may show the pipes that it is read through itself. Those of two listings differ: what both show is there.
local function descriptors()
	local first, list = {}, {}
	for _, entry in ipairs(list_descriptors()) do
		first[entry] = true
	end
	for _, entry in ipairs(list_descriptors()) do
		list[#list + 1] = first[entry] and entry or nil
	end
	return list
end

local function census()
	collectgarbage()
	collectgarbage()
	return {
		handles = core.open_handles(),
		descriptors = descriptors(),
		threads = tonumber(read_file("/proc/self/status"):match "Threads:%s*(%d+)"),
	}
end

local function leaks(before, after)
	local found = {}
	for class, count in pairs(after.handles) do
		if count > before.handles[class] then
			found[#found + 1] = ("%d open %s"):format(count - before.handles[class], class)
		end
	end
	if #after.descriptors > #before.descriptors then
		local known = {}
		for _, entry in ipairs(before.descriptors) do
			known[entry] = true
		end
		for _, entry in ipairs(after.descriptors) do
			if not known[entry] then
				found[#found + 1] = "descriptor " .. entry
			end
		end
	end
	if after.threads > before.threads then
		found[#found + 1] = ("%d threads"):format(after.threads - before.threads)
	end
	return #found > 0 and "left behind: " .. table.concat(found, ", ") or nil
end

--- True when nothing is left behind; false and what, when something still is after a while. (A thread may be about to
--- end, and the listing's own pipe about to be closed.)
function M.settled(before)
	local deadline = core.now() + 2
	while true do
		local leaked = leaks(before, census())
		if not leaked then
			return true
		elseif core.now() > deadline then
			return false, leaked
		end
		virt.sleep(0.02)
	end
end

M.census = census

-- --- expectations ----------------------------------------------------------------------------------------------------

local pretty = require("moonvisor.pretty").format

local function same(a, b)
	if a == b then
		return true
	elseif type(a) ~= "table" or type(b) ~= "table" then
		return a ~= a and b ~= b
	end
	for key, value in pairs(a) do
		if not same(value, b[key]) then
			return false
		end
	end
	for key in pairs(b) do
		if a[key] == nil then
			return false
		end
	end
	return true
end

local function fail(format, ...)
	error(format:format(...), 3)
end

--- Both are the same, tables by their content.
function M.equal(got, wanted, what)
	if not same(got, wanted) or math.type(got) ~= math.type(wanted) then
		fail("%s%s was expected, but it is %s", what and what .. ": " or "", pretty(wanted), pretty(got))
	end
end

function M.ok(value, what)
	if not value then
		fail("%s", what or "a true value was expected")
	end
	return value
end

function M.matches(text, pattern)
	if type(text) ~= "string" or not text:find(pattern) then
		fail("%s does not match the pattern %q", pretty(text), pattern)
	end
end

--- fn(...) raises an error object with this code, whose message matches the pattern. Returns it.
function M.raises(code, pattern, fn, ...)
	local ok, err = pcall(fn, ...)
	if ok then
		fail("an error with code %s was expected, but there was none", code)
	elseif getmetatable(err) ~= core.error_metatable then
		fail("an error with code %s was expected, but %s was raised", code, pretty(err))
	elseif err.code ~= code or pattern and not err.message:find(pattern) then
		fail("an error with code %s and a message like %q was expected, but it is %s: %s", code, pattern or "",
			err.code, err.message)
	end
	return err
end

--- Asks fn until it returns something true, and returns that; fails after `timeout` seconds.
function M.poll(what, timeout, fn)
	local deadline = core.now() + timeout
	while true do
		local value = fn()
		if value then
			return value
		elseif core.now() > deadline then
			fail("%s: did not happen within %g s", what, timeout)
		end
		virt.sleep(0.01)
	end
end

-- --- helpers ---------------------------------------------------------------------------------------------------------

local cleanups = {}

--- Runs fn when the case has ended, however it ends; the last one first.
function M.cleanup(fn)
	cleanups[#cleanups + 1] = fn
end

--- A word for the shell.
function M.quote(text)
	return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a shell command; returns its standard output, its exit status, its standard error.
function M.run(command)
	local out, err = os.tmpname(), os.tmpname()
	local _, kind, status = os.execute(("{ %s\n} >%s 2>%s </dev/null"):format(command, out, err))
	local texts = { read_file(out), read_file(err) }
	os.remove(out)
	os.remove(err)
	return texts[1], kind == "signal" and 128 + status or status, texts[2]
end

--- A new folder, removed at the end of the case.
function M.folder()
	local path = M.run("mktemp -d"):match "^(.-)\n"
	M.cleanup(function()
		os.execute("rm -rf " .. M.quote(path))
	end)
	return path
end

function M.write_file(path, text)
	local file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
	return path
end

M.read_file = read_file

--- The program that runs this test.
M.mvsh = arg[-1]
M.build = arg[-1]:match "^(.*)/[^/]*$" or "."

--- A connection to a driver with an empty root folder, closed at the end of the case.
function M.connection()
	local conn = virt.open("kvm:///embed?root=" .. M.folder())
	M.cleanup(function()
		conn:close()
	end)
	return conn
end

-- --- running ---------------------------------------------------------------------------------------------------------

local function with_traceback(err)
	if type(err) == "table" and err[SKIP] then
		return err
	end
	return debug.traceback(tostring(err), 2)
end

local function run_case(case)
	local callback_errors = {}
	virt.on_callback_error(function(_, traceback)
		callback_errors[#callback_errors + 1] = traceback
	end)
	local before = census()
	local ok, err = xpcall(case.fn, with_traceback)
	for i = #cleanups, 1, -1 do
		local fn = cleanups[i]
		cleanups[i] = nil
		local clean, why = xpcall(fn, with_traceback)
		ok, err = ok and clean, ok and why or err
	end
	if ok and #callback_errors > 0 then
		ok, err = false, "in the function of an event: " .. table.concat(callback_errors, "\n")
	end
	if ok then
		ok, err = M.settled(before)
	end
	virt.on_callback_error(nil)
	return ok, err
end

--- Runs the cases and ends the program. Arguments of the program choose cases by words in their names.
function M.finish()
	local chosen, failed = {}, 0
	for _, case in ipairs(cases) do
		if not arg[1] or case.name:find(arg[1], 1, true) then
			chosen[#chosen + 1] = case
		end
	end
	print("1.." .. #chosen)
	for i, case in ipairs(chosen) do
		local ok, err = run_case(case)
		local reason = type(err) == "table" and err[SKIP]
		if ok then
			print(("ok %d - %s"):format(i, case.name))
		elseif reason then
			print(("ok %d - %s # SKIP %s"):format(i, case.name, reason))
		else
			failed = failed + 1
			print(("not ok %d - %s"):format(i, case.name))
			print("# " .. tostring(err):gsub("\n", "\n# "))
		end
		io.stdout:flush()
	end
	os.exit(failed == 0 and 0 or 1, true)
end

return M
