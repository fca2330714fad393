-- limit: 300
-- Configuration objects as files: tests/golden/conf/KIND/NAME.xml and NAME.out.xml are in the form that libvirt writes:
-- read and written, they are the same, byte for byte, also by way of a Lua table. Others (NAME.in.xml) may be written
-- otherwise, but read again that is the same. All that is written is valid by libvirt's schema, unless what was read is
-- not. NAME.live.xml is that of a running object.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local conf = require "moonvisor.core".conf

local ROOT <const> = "tests/golden/conf"
local SCHEMAS <const> = "/usr/share/libvirt/schemas"
-- A disk with every element: xmllint tries all orders of them, for hours.
local TOO_SLOW <const> = { ["dev-disk-virtio-full"] = true }

local function read_file(path)
	local file = io.open(path, "rb")
	if not file then
		return nil
	end
	local text = file:read "a"
	file:close()
	return text
end

local function write_file(path, text)
	local file = assert(io.open(path, "wb"))
	assert(file:write(text))
	assert(file:close())
end

local function lines_of(command)
	local list, pipe = {}, assert(io.popen(command))
	for line in pipe:lines() do
		list[#list + 1] = line
	end
	return list, pipe:close()
end

-- The first line in which two texts differ.
local function difference(want, got)
	local a, b = (want .. "\n"):gmatch "([^\n]*)\n", (got .. "\n"):gmatch "([^\n]*)\n"
	for number = 1, math.huge do
		local left, right = a(), b()
		if left ~= right then
			return ("line %d: wanted %s, got %s"):format(number, left or "the end", right or "the end")
		elseif not left then
			return "they are equal"
		end
	end
end

local scratch = os.tmpname()
os.remove(scratch)
assert(os.execute("mkdir " .. scratch))

local function check(kind, path, written)
	local flags = { live = path:find "%.live%.xml$" ~= nil, secure = true }
	local input = read_file(path)
	local object, notes = conf.parse(kind, input, flags)
	local output = conf.format(kind, object, flags)
	written(output)
	if not path:find "%.in%.xml$" then
		t.equal(notes[1] and notes[1].message, nil)
		if output ~= input then
			error(difference(input, output), 0)
		end
		return
	end
	local second = conf.format(kind, conf.parse(kind, output, flags), flags)
	if second ~= output then
		error("not a fixed point: " .. difference(output, second), 0)
	end
end

-- The problems that xmllint has with files; empty: none.
local function validate(kind, files)
	local command = ("timeout 100 xmllint --noout --relaxng %s/%s %s 2>&1"):format(SCHEMAS, conf.schemas[kind],
		table.concat(files, " "))
	local problems, _, _, status = lines_of(command)
	local invalid = {}
	if status == 124 then
		error("xmllint ran out of time", 0)
	end
	for _, line in ipairs(problems) do
		local file = line:match "^(.*) fails to validate$"
		if file then
			invalid[#invalid + 1] = file
		elseif line:find "not found" then
			error(line, 0)
		end
	end
	return invalid, problems
end

-- Calls check() for all files, in one case: the harness looks at descriptors after each, which takes longer.
local function check_all(kind, paths, written)
	local failures = {}
	for _, path in ipairs(paths) do
		local ok, why = pcall(check, kind, path, function(text)
			written(path, text)
		end)
		if not ok then
			failures[#failures + 1] = ("%s: %s"):format(path, tostring(why))
		end
	end
	if #failures > 0 then
		error(table.concat(failures, "\n", 1, math.min(#failures, 20)), 0)
	end
end

for _, kind in ipairs(conf.kinds) do
	local libvirts, others = {}, {}
	for _, path in ipairs(lines_of(("ls %s/%s/*.xml 2>/dev/null"):format(ROOT, kind))) do
		local list = path:find "%.in%.xml$" and others or libvirts
		list[#list + 1] = path
	end
	local inputs, outputs, known = {}, {}, {}
	local function written(path, text)
		local name = path:match "([^/]+)%.xml$"
		-- NAME.in.xml becomes NAME.out.xml nearly always: one of them is enough for xmllint.
		if not TOO_SLOW[name:gsub("%.%a+$", "")] and not known[text] then
			local output = ("%s/%s-%s.xml"):format(scratch, kind, name)
			known[text] = true
			write_file(output, text)
			outputs[#outputs + 1], inputs[output] = output, path
		end
	end
	t.describe(kind, function()
		t.it(("%d files in libvirt's form are written as they were"):format(#libvirts), function()
			t.equal(#libvirts > 0, true, "there is no file of this kind")
			check_all(kind, libvirts, written)
		end)
		t.it(("%d others settle"):format(#others), function()
			check_all(kind, others, written)
		end)
		t.it("what is written is valid", function()
			for _, output in ipairs(validate(kind, outputs)) do
				local _, problems = validate(kind, { output })
				-- libvirt's own form of it may be as invalid.
				local form = inputs[output]:gsub("%.in%.xml$", ".out.xml")
				if #validate(kind, { inputs[output] }) == 0 and #validate(kind, { form }) == 0 then
					error(table.concat(problems, "\n", 1, math.min(#problems, 10)), 0)
				end
			end
		end)
	end)
end
t.finish()
os.execute("rm -r " .. scratch)
