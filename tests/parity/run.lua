-- Compares our commands with the real virsh, on test:///default: standard output and exit status must be the same.
--
--   build/mvsh tests/parity/run.lua NAME [-v]     runs tests/parity/NAME.txt; prints TAP. -v: differences in full
--   build/mvsh tests/parity/run.lua --coverage    whether the files have every command and option
--
-- A file has a case per line: one or several commands, as virsh takes them in one argument, which start from
-- the test driver's first state. `#` begins a comment line. Before the commands there may be, in braces:
--     {-q -r}    options of the program; {VIRSH_DEBUG=1}: a variable of its environment
--     {argv}     the line is words for the system's shell, not one argument
--     {stdin}    the commands come on standard input; \n separates lines
-- The current folder has a copy of tests/parity/files. differences.lua has what may differ, and why.

local root = arg[0]:match "^(.*)/[^/]*$" or "."
local build = os.getenv "MV_BUILD" or "build"
local REAL = os.getenv "MV_REAL_VIRSH" or "/usr/bin/virsh"
local WORKERS, SECONDS = 2, 10

local differences = dofile(root .. "/differences.lua")

local function quote(text)
	return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
	local file = assert(io.open(path, "rb"))
	local text = file:read "a"
	file:close()
	return text
end

-- --- cases -----------------------------------------------------------------------------------------------------------

local function read_cases(name)
	local cases, number = {}, 0
	for line in io.lines(("%s/%s.txt"):format(root, name)) do
		number = number + 1
		if line:find "%S" and not line:find "^%s*#" then
			local braces, commands = line:match "^{([^}]*)}%s*(.*)$"
			local case = { line = line, commands = commands or line, number = number, file = name, options = "",
				environment = "" }
			for word in (braces or ""):gmatch "%S+" do
				if word == "argv" or word == "stdin" then
					case[word] = true
				elseif word:find "^[%u_]+=" then
					case.environment = case.environment .. word .. " "
				else
					case.options = case.options .. word .. " "
				end
			end
			cases[#cases + 1] = case
		end
	end
	return cases
end

-- virsh saves and dumps in a thread, and now and then waits for ever for one that has ended: then it is killed, and
-- tried again.
local function again(line)
	line = line:gsub("KILL %d+", "KILL 2", 1)
	return ("n=0; while n=$((n + 1)); %s >.out 2>.err; s=$?; [ $s = 137 ] && [ $n -lt 12 ]; do :; done; " ..
		"cat .out; cat .err >&2; (exit $s)"):format(line)
end

local function shell_line(case)
	local start = ('%stimeout -s KILL %d "$program" %s-c test:///default'):format(case.environment, SECONDS, case.options)
	if case.argv then
		return start .. " " .. case.commands .. " </dev/null"
	elseif case.stdin then
		return ("printf %%b %s | %s"):format(quote((case.commands:gsub("%%", "%%%%"))), start)
	end
	local line = ("%s %s </dev/null"):format(start, quote(case.commands))
	if case.commands:find "%f[%w]save " or case.commands:find "managedsave " or case.commands:find "%f[%w]dump " then
		return again(line)
	end
	return line
end

-- What a worker runs for one program: all outputs go to one file, with a mark after each.
local function script_of(cases, first)
	local lines = { "cd \"$folder\" || exit 1\nexport LC_ALL=C.UTF-8 TZ=UTC EDITOR=true HOME=\"$PWD\"",
		"unset VISUAL XDG_CONFIG_HOME VIRSH_DEFAULT_CONNECT_URI LIBVIRT_DEFAULT_URI VIRSH_DEBUG VIRSH_LOG_FILE",
		'[ -z "$shim" ] || export LD_PRELOAD="$shim"' }
	for i = first, #cases, WORKERS do
		lines[#lines + 1] = ("%s\nprintf '\\n\\001%d %%d\\001\\n' $?; printf '\\n\\001%d\\001\\n' >&2")
			:format(shell_line(cases[i]), i, i)
	end
	return table.concat(lines, "\n") .. "\n"
end

local function run_all(name, cases)
	local base = ("%s/tests/parity/%s"):format(build, name)
	os.execute(("rm -rf %s && mkdir -p %s"):format(quote(base), quote(base)))
	local ours = io.popen("realpath " .. quote(build .. "/virsh")):read "l"
	local shim = ("%s/loop.so"):format(base)
	os.execute(("${CC:-cc} -shared -fPIC -o %s %s"):format(quote(shim), quote(root .. "/loop.c")))
	local jobs = {}
	for worker = 1, WORKERS do
		local script = ("%s/%d.sh"):format(base, worker)
		local file = assert(io.open(script, "w"))
		file:write(script_of(cases, worker))
		file:close()
		local steps = {}
		for _, side in ipairs { "real", "ours" } do
			local folder = ("%s/%d.%s"):format(base, worker, side)
			-- One after the other in the same folder: paths are the same.
			local work = ("%s/%d.work"):format(base, worker)
			steps[#steps + 1] = ("rm -rf %s; cp -r %s %s && %sprogram=%s folder=%s bash %s >%s.out 2>%s.err"):format(
				quote(work), quote(root .. "/files"), quote(work),
				side == "real" and ('shim="$(realpath %s)" '):format(quote(shim)) or "",
				side == "real" and REAL or "$ours", quote(work), quote(script), quote(folder), quote(folder))
		end
		jobs[#jobs + 1] = "(" .. table.concat(steps, "; ") .. ") &"
	end
	-- Under its own name the program would be mvsh: realpath follows the link, so a link of its own is made.
	os.execute(("mkdir -p %s/bin && ln -sf %s %s/bin/virsh; ours=$(realpath -s %s/bin/virsh); %s wait"):format(quote(base),
		quote(ours), quote(base), quote(base), table.concat(jobs, " ")))
	for worker = 1, WORKERS do
		for _, side in ipairs { "real", "ours" } do
			local path = ("%s/%d.%s"):format(base, worker, side)
			for text, index, status in read_file(path .. ".out"):gmatch "(.-)\n\1(%d+) (%d+)\1\n" do
				cases[tonumber(index)][side] = { out = text, status = tonumber(status), err = "" }
			end
			for text, index in read_file(path .. ".err"):gmatch "(.-)\n\1(%d+)\1\n" do
				local result = cases[tonumber(index)][side]
				if result then
					result.err = text
				end
			end
		end
	end
end

-- --- comparing -------------------------------------------------------------------------------------------------------

local fixed = {}
for _, uuid in ipairs(differences.fixed_uuids) do
	fixed[uuid] = true
end

-- The text without what is different each time. A UUID made at random becomes the number of its first place.
local function normalised(text, case)
	for _, rule in ipairs(differences.rules) do
		if not rule.command or case.commands:find(rule.command) then
			text = text:gsub(rule[1], rule[2])
		end
	end
	local seen, count = {}, 0
	text = text:gsub(("%x"):rep(8) .. "%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-" .. ("%x"):rep(12), function(uuid)
		if fixed[uuid:lower()] or case.commands:lower():find(uuid:lower(), 1, true) then
			return uuid
		elseif not seen[uuid] then
			count = count + 1
			seen[uuid] = ("UUID-%d"):format(count)
		end
		return seen[uuid]
	end)
	return text
end

local function meant(case)
	for _, difference in ipairs(differences.meant) do
		if difference.line == case.line or difference.pattern and case.line:find(difference.pattern) then
			return difference.reason
		end
	end
end

-- The first line that differs, for the report.
local function first_difference(a, b)
	local left, right = {}, {}
	for line in (a .. "\n"):gmatch "(.-)\n" do left[#left + 1] = line end
	for line in (b .. "\n"):gmatch "(.-)\n" do right[#right + 1] = line end
	for i = 1, math.max(#left, #right) do
		if left[i] ~= right[i] then
			return ("line %d: virsh %s, ours %s"):format(i, left[i] and ("'%s'"):format(left[i]) or "has no more",
				right[i] and ("'%s'"):format(right[i]) or "has no more")
		end
	end
	return "nothing"
end

local function judge(case)
	local real, ours = case.real, case.ours
	if not real or not ours then
		return ("there is no result of %s"):format(real and "ours" or "virsh")
	end
	local a, b = normalised(real.out, case), normalised(ours.out, case)
	if a ~= b then
		local said = ours.err:match "[^\n]+"
		return first_difference(a, b) .. (said and ("; ours said: %s"):format(said) or "")
	elseif real.status ~= ours.status then
		return ("exit status: virsh %d, ours %d%s"):format(real.status, ours.status,
			(real.err .. ours.err) ~= "" and ("; virsh: %s; ours: %s"):format(real.err:match "[^\n]*",
			ours.err:match "[^\n]*") or "")
	end
end

-- --- coverage --------------------------------------------------------------------------------------------------------

local function files()
	local names = {}
	for path in io.popen(("ls %s/*.txt"):format(quote(root))):lines() do
		names[#names + 1] = path:match "([^/]+)%.txt$"
	end
	return names
end

local function coverage()
	local registry = require "moonvisor.command.registry"
	local parser, tokens = require "moonvisor.command.parser", require "moonvisor.command.tokens"
	local seen, lines = {}, 0
	for _, name in ipairs(files()) do
		for _, case in ipairs(read_cases(name)) do
			lines = lines + 1
			local text = case.stdin and case.commands:gsub("\\n", "\n") or case.commands
			for _, parsed in ipairs(parser.parse(tokens.text(text), { plain = true }) or {}) do
				seen[parsed.command.name] = seen[parsed.command.name] or {}
				for option in pairs(parsed.given) do
					seen[parsed.command.name][option] = true
				end
			end
		end
	end
	local commands, options, commands_seen, options_seen, missing = 0, 0, 0, 0, {}
	for _, group in ipairs(registry.groups(true)) do
		for _, name in ipairs(group.names) do
			local command, gaps = registry.find(name, true), {}
			commands = commands + 1
			commands_seen = commands_seen + (seen[name] and 1 or 0)
			for _, option in ipairs(command.options) do
				if not option.alias_of then
					local there = seen[name] and seen[name][option.name]
					options, options_seen = options + 1, options_seen + (there and 1 or 0)
					gaps[#gaps + 1] = not there and "--" .. option.name or nil
				end
			end
			if not seen[name] then
				missing[#missing + 1] = name .. " (not at all)"
			elseif #gaps > 0 then
				missing[#missing + 1] = name .. " " .. table.concat(gaps, " ")
			end
		end
	end
	print(("# parity: %d lines; %d of %d commands, %d of %d options"):format(lines, commands_seen, commands, options_seen,
		options))
	print(("1..1\n%s 1 - every command and every option is in a line"):format(#missing == 0 and "ok" or "not ok"))
	for _, text in ipairs(missing) do
		print("# not covered: " .. text)
	end
	return #missing == 0
end

-- --- main ------------------------------------------------------------------------------------------------------------

if arg[1] == "--coverage" then
	os.exit(coverage())
end
if not io.open(REAL) then
	print(("1..0 # SKIP there is no %s (package libvirt-clients)"):format(REAL))
	os.exit(0)
end
local name, verbose = arg[1], arg[2] == "-v"
local cases = read_cases(name)
run_all(name, cases)
print(("1..%d"):format(#cases))
local same, errors, errors_same, failed = 0, 0, 0, false
for i, case in ipairs(cases) do
	local wrong, reason = judge(case), meant(case)
	local label = ("%s.txt:%d: %s"):format(name, case.number, case.line:gsub("#", "%%"))
	if wrong and reason then
		print(("ok %d - %s # SKIP meant: %s"):format(i, label, reason))
	elseif wrong then
		failed = true
		print(("not ok %d - %s\n# %s"):format(i, label, wrong))
		if verbose and case.real and case.ours then
			io.stderr:write(("=== %s\n--- virsh (%d)\n%s%s--- ours (%d)\n%s%s"):format(case.line, case.real.status,
				case.real.out, case.real.err, case.ours.status, case.ours.out, case.ours.err))
		end
	else
		same = same + 1
		print(("ok %d - %s"):format(i, label))
	end
	if case.real and case.real.err ~= "" then
		errors = errors + 1
		errors_same = errors_same + ((case.ours and case.ours.err:match "[^\n]*") == case.real.err:match "[^\n]*" and 1 or 0)
	end
end
print(("# %s: %d lines, %d identical; first line of errors identical: %d of %d"):format(name, #cases, same, errors_same,
	errors))
os.exit(not failed)
