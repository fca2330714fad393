-- mvsh as a command: options, scripts, exit status, what goes where.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local function mvsh(arguments, input)
	local command = t.quote(t.mvsh) .. " " .. arguments
	if input then
		command = ("printf %%s %s | %s"):format(t.quote(input), command)
	end
	local out, status, err = t.run(command)
	return { out = out, status = status, err = err }
end

local function gives(arguments, out, status, err_pattern, input)
	local result = mvsh(arguments, input)
	t.equal(result.out, out, "standard output of mvsh " .. arguments .. " (" .. result.err .. ")")
	t.equal(result.status, status, "exit status of mvsh " .. arguments)
	if err_pattern then
		t.matches(result.err, err_pattern)
	else
		t.equal(result.err, "")
	end
end

local function script(text)
	return t.quote(t.write_file(t.folder() .. "/script.lua", text))
end

t.describe("-e", function()
	t.it("runs code with arguments", function()
		gives("-e 'print(...)' a b", "a\tb\n", 0)
		gives("-e 'print(arg[1], arg[2], #arg)' -- a -x", "a\t-x\t2\n", 0)
		gives("-e 'x = 1' -e 'print(x)'", "1\n", 0)
		gives("-eprint\\(1\\)", "1\n", 0)
		gives("--execute='print(virt.version)'", virt.version .. "\n", 0)
	end)

	t.it("shows errors and ends with 1", function()
		gives("-e 'error(\"oh no\")'", "", 1, "^mvsh: %-e:1: oh no\nstack traceback:\n")
		gives("-e 'x = ='", "", 1, "^mvsh: %-e:1: unexpected symbol near '='\n$")
		gives("-e 'virt.size \"x\"'", "", 1, "^mvsh: virt%.size: .*\nstack traceback:\n.*%-e:1: in main chunk\n$")
		gives("-e 'error {}'", "", 1, "^mvsh: an error that is a value of type table was raised\n")
		gives("-e 'error()'", "", 1, "^mvsh: an error that is a value of type nil was raised\n")
		gives("-e 'print(1)' -e 'error()' -e 'print(2)'", "1\n", 1, "mvsh")
	end)
end)

t.describe("a script", function()
	t.it("gets its arguments in arg and ...", function()
		local path = script "print(arg[1], arg[2], #arg, arg[-1], ...) print(arg[0])"
		local result = mvsh(path .. " a 'b c'")
		t.equal(result.out, ("a\tb c\t2\t%s\ta\tb c\n%s\n"):format(t.mvsh, path:sub(2, -2)))
	end)

	t.it("has a first line for the system", function()
		gives(script "#!/usr/bin/env mvsh\nprint(1)", "1\n", 0)
	end)

	t.it("has the module as a global and by require", function()
		gives(script "print(virt == require 'moonvisor', virt.version)", "true\t" .. virt.version .. "\n", 0)
	end)

	t.it("shows message and traceback, and ends with 1", function()
		local path = script "local function deep()\n  error 'oh no'\nend\ndeep()"
		gives(path, "", 1, "^mvsh: .*script%.lua:2: oh no\nstack traceback:\n.*:2: in .*'deep'\n.*:4: in main chunk\n$")
		t.ok(not mvsh(path).err:find("moonvisor.shell", 1, true), "the shell's own functions are in the traceback")
	end)

	t.it("ends with what os.exit() says", function()
		gives(script "os.exit(7)", "", 7)
		gives(script "os.exit(true)", "", 0)
		gives(script "os.exit(false)", "", 1)
		gives(script "os.exit(3, true)", "", 3)
		gives(script "io.stdout:write 'kept' os.exit(0)", "kept", 0)
	end)

	t.it("that is not there is named", function()
		gives("/no/such.lua", "", 1, "^mvsh: cannot open /no/such%.lua")
		gives(script "x = (", "", 1, "script%.lua:1: unexpected symbol near <eof>\n$")
	end)

	t.it("comes from standard input", function()
		gives("-", "1\n", 0, nil, "print(1)")
		gives("- a", "a\n", 0, nil, "print(...)")
		gives("", "2\n", 0, nil, "print(2)")
		gives("-", "", 1, "^mvsh: stdin:2: oh", "\nerror 'oh'")
		gives("-", ("x"):rep(10000) .. "\n", 0, nil, "print(" .. ("%q"):format(("x"):rep(10000)) .. ")")
	end)

	t.it("is lines as at the prompt when a command stands first", function()
		gives("-c test:///default", "test\n\n", 0, nil, "list --name")
		gives("-c test:///default", "6\nDomain 'test' suspended\n\n\"paused\"\n{ 1, a = 2 }\n3\n", 0, nil,
			"# a comment\n\necho --xml 6\nsuspend \"te\\\nst\"\n"
				.. "vm = conn.domains.test\nvm.state\n{ 1,\na = 2 }\nprint(3)\nquit\nno\n")
		gives("-c test:///default", "1\n\n2\n", 1, "^error: stdin:1: there is no x\nerror: failed to get domain 'x'\n$",
			"echo 1\nerror 'there is no x'\ndomid x\necho 2\n")
		gives("-c test:///default -", "", 1, "^mvsh: stdin:2: syntax error", "list\n")
		gives("", "", 1, 'error: missing "', 'echo "a\n')
	end)

	t.it("answers each line when it comes", function()
		local folder = t.folder()
		local out, status = t.run(("mkfifo %s/in && { exec 3<>%s/in; %s <&3 >%s/out & }; echo 'echo here' >&3; "
			.. "for i in {1..100}; do grep -q here %s/out && break; sleep 0.1; done; cat %s/out; echo quit >&3; wait"):format(
			folder, folder, t.quote(t.mvsh), folder, folder, folder))
		t.equal({ out, status }, { "here\n", 0 })
	end)

	t.it("closes its variables when it is interrupted, and dies of the signal", function()
		local folder = t.folder()
		local path = t.write_file(folder .. "/wait.lua", [[
			local guard <close> = setmetatable({}, { __close = function() io.open(arg[1] .. "/closed", "w"):close() end })
			io.open(arg[1] .. "/ready", "w"):close()
			virt.sleep(100)
		]])
		local line = ("exec %s %s %s"):format(t.quote(t.mvsh), t.quote(path), t.quote(folder))
		local status_file = folder .. "/status"
		-- An interactive bash would give it a terminal; `setsid` and `trap -` give it the default for SIGINT.
		os.execute(("(trap - INT; bash -c %s 2>%s/err; echo $? >%s) & "):format(t.quote("trap - INT; " .. line
			.. " & pid=$!; while ! [ -e " .. folder .. "/ready ]; do :; done; kill -INT $pid; wait $pid"), folder, status_file))
		local function exists(name)
			local file = io.open(folder .. "/" .. name)
			return file and file:close()
		end
		t.poll("the end of the script", 20, function()
			return exists "status" and t.read_file(status_file) ~= ""
		end)
		t.ok(exists "closed", "the variable was not closed")
		t.matches(t.read_file(folder .. "/err"), "mvsh: interrupted")
		t.equal(t.read_file(status_file), "130\n")
	end)
end)

t.describe("options", function()
	t.it("help and version", function()
		local help = mvsh "--help"
		t.equal({ help.status, help.err }, { 0, "" })
		t.matches(help.out, "^usage: mvsh ")
		for line in help.out:gmatch "[^\n]+" do
			t.ok(#line <= 80, line)
		end
		t.equal(mvsh("-h").out, help.out)
		gives("--version", "mvsh (Moonvisor) " .. virt.version .. "\n", 0)
		gives("-V", "mvsh (Moonvisor) " .. virt.version .. "\n", 0)
	end)

	t.it("that are wrong are refused with 2", function()
		gives("-x", "", 2, "^mvsh: there is no option '%-x'%.\nTry 'mvsh %-%-help'%.\n$")
		gives("--conect x", "", 2, "there is no option '%-%-conect'; did you mean '%-%-connect'%?")
		gives("-c", "", 2, "the option '%-c' needs a value")
		gives("--connect", "", 2, "the option '%-%-connect' needs a value")
		gives("-qe", "", 2, "the option '%-e' needs a value")
		gives("--quiet=yes", "", 2, "the option '%-%-quiet' takes no value")
	end)

	t.it("-c opens a connection", function()
		local folder = t.folder()
		local uri = "kvm:///embed?root=" .. folder
		gives(("-c %s -e 'print(conn.uri)'"):format(t.quote(uri)), uri .. "\n", 0)
		gives(("-qc%s -e 'print(#conn.domains)'"):format(t.quote(uri)), "0\n", 0)
		gives(("--connect=%s -e 'print(#conn.domains)'"):format(t.quote(uri)), "0\n", 0)
		gives("-c nosuch:///x -e 'print(1)'", "", 1, "^mvsh: There is no driver for 'nosuch:///x'")
	end)
end)

t.describe("errors in the functions of events", function()
	t.it("are written to standard error", function()
		local folder = t.folder()
		local path = script(([[
			local conn <close> = virt.open "kvm:///embed?root=%s"
			conn:on(function() error "oh no" end)
			io.open("%s/kernel", "w"):close()
			conn:define { name = "x", memory = "64M", boot = { kernel = "%s/kernel" } }
			print(conn:dispatch(5))
		]]):format(folder, folder, folder))
		gives(path, "1\n", 0, "^error in the function for the event 'lifecycle': .*script.lua:2: oh no\nstack traceback:")
	end)
end)

t.describe("moonvisor.so", function()
	t.it("is the same module in a stock lua5.4", function()
		local library = t.build .. "/moonvisor.so"
		if not io.open(library) then
			t.skip("there is no " .. library)
		end
		local folder = t.folder()
		local path = t.write_file(folder .. "/stock.lua", [[
			package.cpath = arg[1]
			local virt = require "moonvisor"
			local conn <close> = virt.open("kvm:///embed?root=" .. arg[2])
			print(virt.version, #conn.domains, conn, virt.size "1K", pcall(virt.size, "x"))
			print(pcall(require, "moonvisor.nosuch"))
		]])
		local out, status, err = t.run(("lua5.4 %s %s %s"):format(t.quote(path), t.quote(t.build .. "/?.so"),
			t.quote(folder)))
		t.equal({ status, err }, { 0, "" })
		t.matches(out, "^" .. virt.version:gsub("%p", "%%%0") .. "\t0\tconnection \"kvm:///embed%?root=.*\"\t1024\tfalse\t")
		t.matches(out, "no module 'moonvisor.nosuch' inside moonvisor")
	end)
end)

t.finish()
