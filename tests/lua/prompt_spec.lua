-- The prompt, as a user sees it: typed into a terminal (tmux), looked at on its screen.
-- limit: 300
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local PROMPT = "mvsh> "

-- A terminal with a shell in it that runs mvsh. The history and everything else is below `home`.
local Terminal = {}
Terminal.__index = Terminal

local function tmux(socket, command)
	return t.run(("tmux -S %s -f /dev/null %s"):format(t.quote(socket), command))
end

local function terminal(arguments, home, settings)
	if select(2, t.run "command -v tmux") ~= 0 then
		t.skip "tmux is not installed"
	end
	home = home or t.folder()
	local self = setmetatable({ socket = t.folder() .. "/tmux", home = home }, Terminal)
	local environment = ("env -u XDG_STATE_HOME %s HOME=%s INPUTRC=/dev/null LC_ALL=C.UTF-8"):format(
		settings or "NO_COLOR=1", t.quote(home))
	local command = ("%s %s %s; echo status=$?; exec cat"):format(environment, t.quote(t.mvsh), arguments or "-q")
	local _, status, err = tmux(self.socket, "new-session -d -s s -x 80 -y 30 " .. t.quote(command))
	t.equal(status, 0, err)
	t.cleanup(function()
		tmux(self.socket, "kill-server")
	end)
	return self
end

-- The lines of the screen, without empty ones at the end.
function Terminal:screen()
	return (tmux(self.socket, "capture-pane -p -t s"):gsub("%s+$", ""))
end

-- Waits until the screen ends with this text.
function Terminal:wait(text)
	local screen
	local ok = pcall(t.poll, "", 20, function()
		screen = self:screen()
		return screen:sub(-#text) == text
	end)
	if not ok then
		error(("the screen does not end with %q but is:\n%s"):format(text, screen), 2)
	end
	return screen
end

-- Waits until the screen, which ends with a prompt then, matches a pattern.
function Terminal:find(pattern)
	local screen
	local ok = pcall(t.poll, "", 20, function()
		screen = self:screen()
		return screen:sub(-5) == PROMPT:sub(1, -2) and screen:find(pattern)
	end)
	if not ok then
		error(("the screen does not match %q but is:\n%s"):format(pattern, screen), 2)
	end
	return screen
end

-- Types text; <Name> is a key: "1+1<Enter>".
function Terminal:type(text)
	for plain, key in (text .. "<>"):gmatch "(.-)<([%w%-]*)>" do
		if plain ~= "" then
			tmux(self.socket, "send-keys -t s -l -- " .. t.quote(plain))
		end
		if key ~= "" then
			tmux(self.socket, "send-keys -t s " .. key)
		end
	end
	return self
end

local function ready(...)
	local self = terminal(...)
	self:wait(PROMPT:sub(1, -2))
	return self
end

t.describe("the prompt", function()
	t.it("prints values of expressions, and nothing for statements", function()
		local term = ready()
		term:type "1+1<Enter>x = {1, 'a'}<Enter>x<Enter>nil, 'two'<Enter>print 'out'<Enter>virt.size '1K'<Enter>"
		term:wait(table.concat({
			"mvsh> 1+1", "2", "mvsh> x = {1, 'a'}", "mvsh> x", '{ 1, "a" }', "mvsh> nil, 'two'", "nil", '"two"',
			"mvsh> print 'out'", "out", "mvsh> virt.size '1K'", "1024", "mvsh>",
		}, "\n"))
	end)

	t.it("greets, unless it is told not to, and leaves by Ctrl-D", function()
		local term = ready ""
		t.matches(term:screen(), "^Moonvisor " .. virt.version:gsub("%p", "%%%0")
			.. ", Lua 5%.4%. help explains commands and Lua, Ctrl%-D leaves%.\nmvsh>$")
		term:type "<C-d>"
		term:wait "\nstatus=0"
	end)

	t.it("shows errors in one line", function()
		local term = ready()
		term:type "error 'oh no'<Enter>virt.size 'x'<Enter>x = = 1<Enter>"
		local screen = term:wait "error: prompt:1: unexpected symbol near '='\nmvsh>"
		t.matches(screen, "error: prompt:1: oh no\n")
		t.matches(screen, "error: virt%.size: the parameter 'size' is wrong: ")
		t.ok(not screen:find("traceback", 1, true))
	end)

	t.it("goes on with unfinished statements, and keeps them together in the history", function()
		local term = ready()
		term:type "for i = 1, 2 do<Enter>"
		term:wait "   .."
		term:type "print(i)<Enter>end<Enter>"
		term:wait "   .. end\n1\n2\nmvsh>"
		term:type "<Up>"
		term:wait "mvsh> for i = 1, 2 do\nprint(i)\nend"
		term:type "<Enter>"
		term:wait "end\n1\n2\nmvsh>"
		term:type "text = [[one<Enter>two]<C-d><Enter>"
		term:type "]]<C-c>"
		term:wait "^C\nmvsh>"
	end)

	t.it("says what is missing when Ctrl-D ends an unfinished statement", function()
		local term = ready()
		term:type "f(<Enter>"
		term:wait "   .."
		term:type "<C-d>"
		term:wait "error: prompt:1: unexpected symbol near <eof>\nmvsh>"
	end)

	t.it("takes pasted text of several lines as one", function()
		local term = ready()
		local file = t.write_file(term.home .. "/paste", "for i = 1, 2 do\n\tprint(i)\nend\nprint 'done'")
		tmux(term.socket, "load-buffer " .. t.quote(file))
		tmux(term.socket, "paste-buffer -p -t s")
		term:wait "print 'done'"
		term:type "<Enter>"
		term:wait "print 'done'\n1\n2\ndone\nmvsh>"
	end)

	t.it("takes pasted commands and statements, mixed", function()
		local term = ready "-c test:///default"
		local file = t.write_file(term.home .. "/paste", "suspend test\nvm = conn.domains.test\nfor i = 1, 2 do\n"
			.. "\tprint(i, vm.state)\nend\n\nresume test\nvm.state")
		tmux(term.socket, "load-buffer " .. t.quote(file))
		tmux(term.socket, "paste-buffer -p -t s")
		term:wait "vm.state"
		term:type "<Enter>"
		term:wait "Domain 'test' suspended\n\n1       paused\n2       paused\nDomain 'test' resumed\n\n\"running\"\nmvsh>"
	end)

	t.it("takes pasted text from a terminal that only types it", function()
		local term = ready()
		local file = t.write_file(term.home .. "/paste", "for i = 1, 2 do -- count\n\tprint(i)\nend\n")
		tmux(term.socket, "load-buffer " .. t.quote(file))
		tmux(term.socket, "paste-buffer -t s")
		term:wait "   .. end\n1\n2\nmvsh>"
	end)
end)

t.describe("Ctrl-C", function()
	t.it("gives the line up", function()
		local term = ready()
		term:type "print 'half"
		term:wait "mvsh> print 'half"
		term:type "<C-c>"
		term:wait "mvsh> print 'half^C\nmvsh>"
		term:type "1<Enter>"
		term:wait "mvsh> 1\n1\nmvsh>"
	end)

	t.it("gives an unfinished statement up", function()
		local term = ready()
		term:type "function f(<Enter>"
		term:wait "   .."
		term:type "<C-c>"
		term:wait "   .. ^C\nmvsh>"
		term:type "2<Enter>"
		term:wait "2\nmvsh>"
	end)

	t.it("leaves a search", function()
		local term = ready()
		term:type "11 + 11<Enter>"
		term:wait "22\nmvsh>"
		term:type "<C-r>11"
		term:wait ")`11': 11 + 11"
		term:type "<C-c>"
		term:wait "^C\nmvsh>"
		term:type "5<Enter>"
		term:wait "mvsh> 5\n5\nmvsh>"
	end)

	t.it("ends Lua code that runs, and a wait", function()
		local term = ready()
		term:type "print 'on'; while true do end<Enter>"
		term:wait "on"
		term:type "<C-c>"
		term:wait "^Cerror: interrupted\nmvsh>"
		term:type "print 'wait'; virt.sleep(1000)<Enter>"
		term:wait "wait"
		term:type "<C-c>"
		term:wait "wait\n^Cerror: interrupted\nmvsh>"
		term:type "print 'task'; coroutine.wrap(function() pcall(virt.sleep, 1000) virt.sleep(1000) end)()<Enter>"
		term:wait "task"
		term:type "<C-c>"
		term:wait "task\n^Cerror: interrupted\nmvsh>"
		term:type "virt.sleep(0.01)<Enter>"
		term:wait "virt.sleep(0.01)\nmvsh>"
	end)
end)

t.describe("history", function()
	t.it("is kept from one session to the next", function()
		local first = ready()
		first:type "40 + 2<Enter>if true then<Enter>print 'in'<Enter>end<Enter><C-d>"
		first:wait "status=0"
		t.matches(t.read_file(first.home .. "/.local/state/moonvisor/history"), "40 %+ 2\n")
		local second = ready("-q", first.home)
		second:type "<Up>"
		second:wait "mvsh> if true then\nprint 'in'\nend"
		second:type "<Up>"
		second:wait "mvsh> 40 + 2"
		second:type "<C-c><C-r>pri"
		second:wait "print 'in'\nend"
	end)

	t.it("is shared by shells that run at the same time", function()
		local a = ready()
		local b = ready("-q", a.home)
		a:type "'from a'<Enter>"
		a:wait "mvsh>"
		b:type "'from b'<Enter>"
		b:wait '"from b"\nmvsh>'
		a:wait '"from a"\nmvsh>'
		local text = t.read_file(a.home .. "/.local/state/moonvisor/history")
		t.matches(text, "'from a'\n")
		t.matches(text, "'from b'\n")
	end)

	t.it("loses nothing when many shells write it, and it is cut meanwhile", function()
		local path = t.folder() .. "/history"
		local lines = {}
		for i = 1, 9990 do
			lines[i] = ("#1\nold %d\n"):format(i)
		end
		t.write_file(path, table.concat(lines))
		local code = ("local editor = require 'moonvisor.editor'; local path, name = ...; editor.load_history(path) "
			.. "for i = 1, 40 do editor.add_history(name .. i, path) editor.load_history(path) end")
		local commands = {}
		for i = 1, 4 do
			commands[i] = ("%s -e %s %s shell%d- &"):format(t.quote(t.mvsh), t.quote(code), t.quote(path), i)
		end
		local _, status, err = t.run(table.concat(commands, " ") .. " wait")
		t.equal(status, 0, err)
		local text = t.read_file(path)
		for i = 1, 4 do
			for j = 1, 40 do
				t.ok(text:find(("\nshell%d-%d\n"):format(i, j), 1, true), ("shell%d-%d is lost"):format(i, j))
			end
		end
		t.ok(not text:find("\nold 1\n", 1, true), "it was not cut")
		t.equal(t.run("stat -c %a " .. t.quote(path)):match "%d+", "600")
	end)

	t.it("follows XDG_STATE_HOME, and does without where there is no place", function()
		local state = t.folder()
		local term = ready("-q", nil, "NO_COLOR=1 XDG_STATE_HOME=" .. state)
		term:type "77<Enter>"
		term:wait "77\nmvsh>"
		t.matches(t.read_file(state .. "/moonvisor/history"), "77\n")
		term = ready("-q", nil, "NO_COLOR=1 XDG_STATE_HOME=/proc/none")
		t.matches(term:screen(), "^mvsh: the history cannot be kept in '/proc/none/moonvisor/history': ")
		term:type "78<Enter>"
		term:wait "78\nmvsh>"
	end)
end)

t.describe("completion", function()
	t.it("completes, and lists what is possible", function()
		local term = ready()
		term:type "virt.sl<Tab>"
		term:wait "mvsh> virt.sleep("
		term:type "<C-c>"
		term:wait "^C\nmvsh>"
		term:type "string.re<Tab>"
		term:wait "mvsh> string.re\nrep      reverse\nmvsh> string.re"
	end)

	t.it("knows the domains of a connection", function()
		local root = t.folder()
		local kernel = t.write_file(root .. "/kernel", "")
		local conn <close> = virt.open("kvm:///embed?root=" .. root)
		conn:define { name = "web1", memory = "64M", boot = { kernel = kernel } }
		conn:define { name = "db-1", memory = "64M", boot = { kernel = kernel } }
		conn:close()
		local term = ready(("-q -c 'kvm:///embed?root=%s'"):format(root))
		term:type "conn.domains.w<Tab>"
		term:wait "mvsh> conn.domains.web1"
		term:type ".name<Enter>"
		term:wait '"web1"\nmvsh>'
		term:type "conn.domains['d<Tab>.na<Tab><Enter>"
		term:wait "mvsh> conn.domains['db-1'].name\n\"db-1\"\nmvsh>"
	end)
end)

t.describe("events", function()
	t.it("are shown above the line that is being typed", function()
		local root = t.folder()
		local kernel = t.write_file(root .. "/kernel", "")
		local term = ready(("-q -c 'kvm:///embed?root=%s'"):format(root))
		term:type "conn:on(function(ev) print('event: ' .. ev.event) end)<Enter>"
		term:wait "registration for all events\nmvsh>"
		term:type(("vm = conn:define { name = 'a', memory = '64M', boot = { kernel = '%s' } }<Enter>"):format(kernel))
		term:wait "event: defined\nmvsh>"
		term:type "vm:undefine() print 'hal"
		term:wait "vm:undefine() print 'hal"
		term:type "f'<Enter>"
		term:wait "half\nevent: undefined\nmvsh>"
	end)

	t.it("come while a line is being typed, which stays whole", function()
		if not io.open "/dev/kvm" then
			t.skip "there is no /dev/kvm"
		end
		local root = t.folder()
		local term = ready(("-q -c 'kvm:///embed?root=%s'"):format(root))
		term:type "conn:on('lifecycle', function(ev) print('event: ' .. ev.event) end)<Enter>"
		term:type(("vm = conn:create { name = 'a', memory = '32M', boot = { kernel = '%s' } }<Enter>"):format(
			t.run("realpath " .. t.build .. "/tests/guest/halter.elf"):match "^(.-)\n"))
		term:wait "event: started\nmvsh>"
		term:type "print 'hal"
		term:wait "mvsh> print 'hal"
		local pid = t.read_file(root .. "/run/a/pid"):match "^%d+" -- and the time it was started
		t.equal(select(2, t.run("kill -9 " .. pid)), 0)
		term:wait "event: stopped\nmvsh> print 'hal"
		term:type "f'<Enter>"
		term:wait "half\nmvsh>"
		t.ok(not term:screen():find("print 'hal\n", 1, true), "the line was not taken away before the event was shown")
	end)
end)

t.describe("the terminal", function()
	t.it("may change its size", function()
		local term = ready()
		local long = "local a_long_line = 'that is longer than forty columns of a terminal'"
		term:type(long)
		term:wait(long)
		tmux(term.socket, "resize-window -t s -x 40 -y 30")
		t.poll("the folded line", 20, function()
			return term:screen():gsub("\n", ""):sub(-#long) == long
		end)
		tmux(term.socket, "resize-window -t s -x 100 -y 30")
		term:wait(PROMPT .. long)
		term:type "<Enter>"
		term:wait "mvsh>"
	end)

	t.it("gets colours, unless NO_COLOR says no", function()
		local term = ready("-q", nil, "-u NO_COLOR TERM=screen")
		term:type "{ 1 }<Enter>error 'x'<Enter>"
		term:wait "error: prompt:1: x\nmvsh>"
		local coloured = tmux(term.socket, "capture-pane -e -p -t s")
		t.matches(coloured, "\27%[36m1\27")
		t.matches(coloured, "\27%[31merror:\27")
		term = ready()
		term:type "{ 1 }<Enter>error 'x'<Enter>"
		term:wait "error: prompt:1: x\nmvsh>"
		t.ok(not tmux(term.socket, "capture-pane -e -p -t s"):find "\27%[3%dm")
	end)

	t.it("is handed over to other programs and taken back", function()
		local term = ready()
		term:type "os.execute 'stty -a | grep -o -e -icanon -e icanon'<Enter>"
		term:wait 'icanon\ntrue\n"exit"\n0\nmvsh>'
		t.ok(not term:screen():find "\n%-icanon")
	end)
end)


-- A home with files of the user's own.
local function home_with(files)
	local home = t.folder()
	for name, text in pairs(files) do
		local path = home .. "/.config/moonvisor/" .. name
		t.run("mkdir -p " .. t.quote(path:match "^(.*)/"))
		t.write_file(path, text)
	end
	return home
end

local TAGS = [[
return { group = "Tags", keyword = "tags", commands = { {
	name = "tag-list", summary = "list domains with their tags", records = true,
	options = {
		{ name = "domain", kind = "data", help = "only this one", complete = "domain" },
		{ name = "colour", kind = "string", named = true, help = "only these" },
	},
	run = function(ctl, opt)
		local rows = { { name = opt.domain or "test", tag = "blue" } }
		ctl:records { name = "name", columns = { "name", "tag" }, rows = rows, text = function(shown)
			for _, row in ipairs(shown) do
				ctl:print("%s is %s\n", row.name, row.tag)
			end
		end }
	end,
} } }
]]

t.describe("commands", function()
	t.it("and Lua share the prompt and the connection", function()
		local term = ready "-c test:///default"
		term:type "vm = conn.domains.test<Enter>suspend test<Enter>"
		term:wait "Domain 'test' suspended\n\nmvsh>"
		term:type "vm<Enter>vm:resume()<Enter>domstate test<Enter>"
		term:wait(table.concat({ "mvsh> vm", 'domain "test" (paused, id 1)', "mvsh> vm:resume()", "mvsh> domstate test",
			"running", "", "mvsh>" }, "\n"))
		term:type "connect test:///default --readonly<Enter>conn.read_only<Enter>"
		term:wait "true\nmvsh>"
		term:type "destroy test --yes<Enter>"
		term:wait "hint: the connection was opened with --readonly\n\nmvsh>"
	end)

	t.it("that surprise ask first", function()
		local term = ready "-c test:///default"
		term:type "destroy test<Enter>"
		t.poll("the question", 20, function()
			return term:screen():gsub("\n", ""):find "%[y/N%]"
		end)
		term:type "n<Enter>"
		term:wait "error: not confirmed: nothing was done\n\nmvsh>"
		term:type "destroy test --dry-run<Enter>"
		term:wait "mvsh>"
		term:type "conn.domains.test.state<Enter>"
		term:wait '"running"\nmvsh>'
	end)

	t.it("are completed with options, objects in the right state, and files", function()
		local term = ready "-c test:///default"
		term:type "net-in<Tab>"
		term:wait "mvsh> net-info"
		term:type "def<Tab><Enter>"
		term:wait "Bridge:         virbr0\n\nmvsh>"
		term:type "shutd<Tab>te<Tab>--mo<Tab>ac<Tab>"
		term:wait "mvsh> shutdown test --mode acpi"
		term:type "<C-c>"
		term:wait "^C\nmvsh>"
		t.write_file(term.home .. "/guest.xml", "<domain/>")
		term:type "define ~/gue"
		term:type "<C-u>"
		term:type("define " .. term.home .. "/gue<Tab>")
		t.poll("the file's name", 20, function()
			return term:screen():gsub("\n", ""):find("/guest.xml", 1, true)
		end)
	end)

	t.it("are ended by Ctrl-C, which no guest notices", function()
		local term = ready "-c test:///default"
		term:type "event --all --loop<Enter>"
		term:wait "event --all --loop"
		term:type "<C-c>"
		t.poll("the end of the loop", 20, function()
			return term:screen():find("event loop interrupted", 1, true)
		end)
		term:type "domstate test<Enter>"
		term:wait "running\n\nmvsh>"
	end)

	t.it("of the user are like ours", function()
		local home = home_with { ["commands/tags.lua"] = TAGS, ["commands/bad.lua"] = "return 1 +" }
		local term = ready("-c test:///default", home)
		term:type "tag-list<Enter>"
		term:wait "test is blue\n\nmvsh>"
		t.matches(term:screen(), "warning: the commands in '.*bad%.lua\n?' cannot be used: ")
		term:type "tag-list other -o json<Enter>"
		term:wait '{"name": "other", "tag": "blue"}\n]\nmvsh>'
		term:type "tag-l<Tab>te<Tab>--co<Tab>"
		term:wait "mvsh> tag-list test --co\n--colour   --columns\nmvsh> tag-list test --col"
		term:type "<C-c>"
		term:wait "^C\nmvsh>"
		term:type "vol-cre<Tab>"
		term:wait "vol-create       vol-create-as    vol-create-from\nmvsh> vol-create"
		term:type "<C-c>"
		term:wait "^C\nmvsh>"
		term:type "help tags<Enter>"
		term:wait "    tag-list                       list domains with their tags\n\nmvsh>"
		term:type "tag-list --where 'name ~= \"test\"' -o name<Enter>"
		term:wait "-o name\nmvsh>"
	end)
end)

t.describe("help", function()
	t.it("is about commands, groups and Lua", function()
		local term = ready("-c test:///default", nil, "NO_COLOR=1 PAGER=cat")
		term:type "help start<Enter>"
		term:find "start %- start a %(previously defined%) inactive domain.*%-%-dry%-run +show what would be done"
		term:type "help(conn.domains.test.start)<Enter>"
		term:wait "Example\n  vm:start { paused = true }\nmvsh>"
		term:type "help Domain.resume<Enter>"
		term:find("Domain:resume%(%)")
		term:type "help Domian<Enter>"
		term:wait "error: command or command group 'Domian' doesn't exist\ndid you mean 'Domain'?\n\nmvsh>"
		term:type "virt.help 'nosuch'<Enter>"
		term:find("error: There is no help about 'nosuch'")
	end)
end)

t.describe("errors", function()
	t.it("say what to do", function()
		local term = ready "-c test:///default"
		term:type "dominfo tset<Enter>"
		term:wait "error: failed to get domain 'tset'\nhint: did you mean 'test'?\n\nmvsh>"
		term:type "conn:domain 'x'<Enter>"
		term:wait "error: There is no domain 'x'.\nhint: `list --all` shows the domains that there are\nmvsh>"
		term:type "lst --all<Enter>"
		term:wait "error: there is no command or variable 'lst'; did you mean 'list'?\nmvsh>"
		term:type "lst<Enter>unknown<Enter>"
		term:wait "mvsh> unknown\nnil\nmvsh>"
		term:type "for i = 1 do<Enter>"
		term:wait "error: prompt:1: ',' expected near 'do'\nmvsh>"
		term:type "conn:uri()<Enter>"
		term:find("\nhint: 'uri' is a property, read without a colon and parentheses\n")
		term:type "conn.domains.test.start<Enter>"
		term:wait "\nfunction Domain:start()\nmvsh>"
		term:type "foo bar<Enter>"
		term:wait "error: there is no command 'foo', and it is no Lua\nmvsh>"
		term:type "conn = nil<Enter>conn.domains<Enter>"
		term:find("\nhint: there is no connection yet: `connect URI` opens one")
	end)

	t.it("have a traceback with --trace", function()
		local term = ready "--trace -c test:///default"
		term:type "function f() conn:domain 'x' end<Enter>f()<Enter>"
		local screen = term:wait "mvsh>"
		t.poll("the traceback", 20, function()
			screen = term:screen()
			return screen:find("stack traceback:", 1, true)
		end)
		t.matches(screen, "error: There is no domain 'x'%.\nstack traceback:\n")
		t.matches(screen, "prompt:1: in function 'f'")
		t.ok(not screen:find("moonvisor.repl", 1, true), screen)
	end)
end)

t.describe("the pager", function()
	local function long(settings)
		local term = ready("-c test:///default", nil, settings)
		term:type "help<Enter>"
		return term
	end

	t.it("shows what is longer than the screen", function()
		if select(2, t.run "command -v less") ~= 0 then
			t.skip "less is not installed"
		end
		local term = long "-u LESS -u PAGER NO_COLOR=1"
		local screen = term:wait "\n:"
		t.matches(screen, "^A line is a command")
		term:type "q"
		term:wait "mvsh>"
		term:type "list<Enter>"
		term:wait " 1    test   running\n\nmvsh>"
		-- A window of another size is another limit.
		tmux(term.socket, "resize-window -t s -x 80 -y 4")
		term:type "list<Enter>"
		term:wait "\n:"
		term:type "q"
		term:wait "mvsh>"
	end)

	t.it("is the user's own, or none", function()
		local term = long "NO_COLOR=1 PAGER='grep moonvisor' LESS="
		term:wait "\n Moonvisor (help keyword 'moonvisor'):\nmvsh>"
		term = long "NO_COLOR=1 PAGER=cat"
		term:find("explain +show a command as Lua")
		term = long "NO_COLOR=1 MOONVISOR_PAGER= PAGER=less"
		term:find("explain +show a command as Lua")
		term = long "NO_COLOR=1 PAGER=/nonexistent/pager"
		term:find("explain +show a command as Lua")
	end)

	t.it("pages long values too, and not the output of statements", function()
		local term = ready("-q", nil, "NO_COLOR=1 PAGER='tail -n1' LESS=")
		term:type "t = {} for i = 1, 90 do t[i] = 'entry number ' .. i end<Enter>t<Enter>"
		term:wait "mvsh> t\n}\nmvsh>"
		term:type "for i = 1, 40 do print(i) end<Enter>"
		term:find("\n39\n40\nmvsh>")
	end)
end)

t.describe("the start-up file", function()
	t.it("runs first, and may set things", function()
		local home = home_with { ["init.lua"] = [[
			local settings = require "moonvisor.settings"
			settings.prompt = function(conn) return (conn and conn.uri or "nowhere") .. "> " end
			settings.pager = false
			function double(x) return 2 * x end
		]] }
		local term = terminal("-q -c test:///default", home)
		term:wait "test:///default>"
		term:type "double(21)<Enter>"
		term:wait "42\ntest:///default>"
		term:type "conn = nil<Enter>"
		term:wait "nowhere>"
		term = terminal("-q --no-init", home)
		term:wait "mvsh>"
		term:type "type(double)<Enter>"
		term:wait '"nil"\nmvsh>'
	end)

	t.it("is no obstacle when it is wrong", function()
		local term = ready("-q", home_with { ["init.lua"] = "require('moonvisor.settings').pagre = true" })
		t.matches(term:screen(), "error: There is no setting 'pagre'; did you mean 'pager'%? The settings are: ")
		t.matches(term:screen(), "init%.lua:1: in main chunk")
		term = ready("-q", home_with { ["init.lua"] = "x = = 1" })
		t.matches(term:screen(), "init%.lua:1: unexpected symbol")
		term:type "1<Enter>"
		term:wait "1\nmvsh>"
	end)
end)

t.describe("virt.repl", function()
	local SCRIPT = [[
local limit = 10
local function visit(name, ...)
	local count = limit + 1
	virt.repl()
	print("count is " .. count .. ", limit is " .. limit)
end
visit("web1", "a", "b")
]]

	t.it("sees and sets the variables of a script", function()
		local home = t.folder()
		local term = terminal("-q " .. t.write_file(home .. "/s.lua", SCRIPT), home)
		local function wait(text)
			term:wait(text)
		end
		t.poll("the prompt", 20, function()
			return term:screen():find "s%.lua:4%)>$"
		end)
		term:type "name, count, limit<Enter>...<Enter>"
		t.poll("values", 20, function()
			return term:screen():find '"web1"\n11\n10\n.*"a"\n"b"\n'
		end)
		term:type "count = 42; limit = 5<Enter>count + limit<Enter>nam<Tab>:upper()<Enter>"
		t.poll("set values", 20, function()
			return term:screen():find '\n47\n.*\n"WEB1"\n'
		end)
		term:type "while true do end<Enter>"
		term:type "<C-c>"
		t.poll("the interrupt", 20, function()
			return term:screen():find "error: interrupted\n"
		end)
		term:type "<C-d>"
		wait "count is 42, limit is 5\nstatus=0"
	end)

	t.it("leaves Ctrl-C to the script again", function()
		local home = t.folder()
		local path = t.write_file(home .. "/s.lua", "virt.repl() print 'on' print(pcall(virt.sleep, 1000))")
		local term = terminal("-q " .. path, home)
		t.poll("the prompt", 20, function()
			return term:screen():find "s%.lua:1%)>$"
		end)
		term:type "<C-d>"
		term:wait "\non"
		term:type "<C-c>"
		term:wait "interrupted\nstatus=0"
	end)

	t.it("needs a terminal", function()
		local _, status, err = t.run(t.quote(t.mvsh) .. " -e 'virt.repl()' < /dev/null")
		t.equal(status, 1)
		t.matches(err, "virt%.repl: there is no terminal")
	end)
end)

t.describe("a slow host", function()
	t.it("does not keep completion, nor the line, waiting", function()
		local term = ready "-q -c 'test:///default?delay=2'"
		term:type "conn.domains.t<Tab>"
		term:type "est .. '<Tab>"
		term:wait "mvsh> conn.domains.test .. '"
		term:type "<C-c>"
		t.poll("the names", 20, function()
			term:type "<C-u>conn.domains.t<Tab>"
			return pcall(t.poll, "", 1, function()
				return term:screen():find "mvsh> conn%.domains%.test$"
			end)
		end)
		term:type ".sta<Tab>"
		t.poll("the properties", 20, function()
			return term:screen():find("start_postcopy", 1, true)
		end)
	end)

	t.it("can be left while it has not answered", function()
		local term = ready "-q -c 'test:///default?delay=30'"
		term:type "start <Tab><C-u>1 + 1<Enter>"
		term:wait "mvsh> 1 + 1\n2\nmvsh>"
		term:type "list<Enter>"
		term:wait "mvsh> list"
		term:type "<C-c>"
		term:wait "^Cerror: interrupted\nmvsh>"
		term:type "<C-d>"
		term:wait "status=0"
	end)
end)

t.describe("progress", function()
	t.it("is a bar on a terminal, and nothing with -q", function()
		local term = ready "-c test:///default"
		term:type "p = require 'moonvisor.progress'<Enter>"
		term:wait "mvsh>"
		term:type "b = p.new { title = 'disk', total = 4e9, always = true }; b:update(1e9); b:stop()<Enter>"
		t.poll("the bar", 20, function()
			return term:screen():find "\ndisk %[=+> +%]  25%%  954 MiB of 3%.73 GiB  .*/s  0:00 left\nmvsh>$"
		end)
		local content = t.write_file(term.home .. "/content", ("x"):rep(1 << 20))
		term:type "vol-create-as default-pool v 2M<Enter>"
		term:wait "Vol v created\n\nmvsh>"
		term:type("vol-upload v " .. content .. " default-pool<Enter>")
		term:find("default%-pool\n+error: ") -- the test driver keeps no content
	end)
end)


t.describe("the first session", function()
	t.it("is what the documentation shows", function()
		local shown = t.read_file "docs/first-session.md":match "```text\n(.-)```"
		local term = terminal("-c test:///default", nil, "NO_COLOR=1 PAGER=cat")
		-- Each line that is typed, and what stands between it and the next one.
		local inputs, outputs = {}, { [0] = "" }
		for line in shown:gmatch "([^\n]*)\n" do
			local input = line:match "^mvsh> (.*)$" or line:match "^   %.%. (.*)$"
			if input then
				inputs[#inputs + 1] = { line = line, text = input, prompt = line:sub(1, 5) }
				outputs[#inputs] = ""
			else
				outputs[#inputs] = outputs[#inputs] .. line .. "\n"
			end
		end
		t.ok(#inputs > 20)
		for i, input in ipairs(inputs) do
			local before = inputs[i - 1]
			term:wait((before and before.line .. "\n" or "") .. outputs[i - 1] .. input.prompt)
			term:type(input.text:gsub("<", "<<>") .. "<Enter>")
		end
		term:wait "mvsh> quit\nstatus=0"
	end)
end)

t.finish()
