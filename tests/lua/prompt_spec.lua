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

t.finish()
