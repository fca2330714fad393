-- Commands as a user meets them: mvsh's arguments, virsh's name, own commands, editing, Lua that runs commands.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local URI = "test:///default"

local function run(program, arguments, before)
	local out, status, err = t.run(("%s %s -c %s %s"):format(before or "", t.quote(program), URI, arguments))
	return { out = out, status = status, err = err }
end

local function mvsh(arguments, before)
	return run(t.mvsh, arguments, before)
end

-- A folder of the user's own, with files in it; what to put before a program.
local function home(files)
	local folder = t.folder()
	for name, text in pairs(files or {}) do
		os.execute("mkdir -p " .. t.quote((folder .. "/" .. name):match "^(.*)/"))
		t.write_file(folder .. "/" .. name, text)
	end
	return ("env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u VISUAL HOME=%s"):format(t.quote(folder)), folder
end

t.describe("mvsh", function()
	t.it("runs a command, or several", function()
		local list = " Id   Name   State\n----------------------\n 1    test   running\n\n"
		t.equal(mvsh "list --all", { out = list, status = 0, err = "" })
		t.equal(mvsh "'list; list'", { out = list .. list, status = 0, err = "" })
		t.equal(mvsh "domstate nosuch", { out = "\n", status = 1, err = "error: failed to get domain 'nosuch'\n" })
		t.equal(mvsh "nosuch", { out = "", status = 1, err = "error: unknown command: 'nosuch'\n" })
		t.equal(mvsh "lits", { out = "", status = 1, err = "error: unknown command: 'lits'\ndid you mean 'list'?\n" })
	end)

	t.it("has options that virsh has not", function()
		t.equal(mvsh("list -o name").out, "test\n")
		t.equal(mvsh("-o name list").out, "test\n")
		t.equal(mvsh("list --columns id,name -o lua").out, 'return {\n  { id = 1, name = "test" }\n}\n')
		t.equal(mvsh("list -o json --where 'memory > \"1T\"'").out, "[]\n")
		t.equal(mvsh("'destroy test --dry-run; domstate test'").out:match "\n(%l+)\n\n$", "running")
		t.matches(mvsh("explain destroy test").out, "^local virt = require \"moonvisor\"\n.*destroy")
		t.equal(mvsh("-q domstate test").out, "running\n")
		t.matches(mvsh("-r destroy test").err, "read only access prevents virDomainDestroy")
	end)

	t.it("asks nobody where no terminal is", function()
		t.equal(mvsh("destroy test </dev/null").out, "Domain 'test' destroyed\n\n")
	end)

	t.it("has the user's own commands", function()
		local before = home {
			[".config/moonvisor/commands/mine.lua"] = [[
				return { group = "Mine", commands = { {
					name = "greet", summary = "greets a domain", records = true,
					options = { { name = "domain", kind = "data", required = true, help = "whom" } },
					run = function(ctl, opt)
						local dom = ctl:domain(opt.domain)
						ctl:records { rows = { { name = dom.name } }, columns = { "name" }, text = function()
							ctl:print("Hello, %s!\n", dom.name)
						end }
					end,
				} } }
			]],
			[".config/moonvisor/commands/wrong.lua"] = "return {",
			[".config/moonvisor/commands/taken.lua"] = 'return { commands = { { name = "list", run = print } } }',
		}
		local result = mvsh("greet test", before)
		t.equal({ result.out, result.status }, { "Hello, test!\n\n", 0 })
		t.matches(result.err, "warning: the commands in '.*/wrong%.lua' cannot be used: .*\n")
		t.matches(result.err, "warning: '.*/taken%.lua' has a command 'list', but there is one already\n")
		t.equal(mvsh("greet test -o json", before).out, '[\n  {"name": "test"}\n]\n')
		t.matches(mvsh("greet --help", before).out, "NAME\n    greet %- greets a domain\n")
		t.matches(mvsh("help", before).out, " Mine %(help keyword 'mine'%):\n    greet +greets a domain\n")
		t.equal(mvsh("greet nosuch", before).status, 1)
	end)

	t.it("makes a script of what was typed", function()
		local before = home {
			[".local/state/moonvisor/history"] = "#1\nlist --all\n#2\nx = {\n1 }\n#3\nx[1]\n#4\n!ls\n#5\nquit\n",
		}
		t.equal(mvsh("history", before).out,
			"    1  list --all\n    2  x = {\n1 }\n    3  x[1]\n    4  !ls\n    5  quit\n")
		t.matches(mvsh("history --lua", before).out,
			'^#!/usr/bin/env mvsh\n.*\n\nrun%(conn, "list %-%-all"%)\nx = {\n1 }\nprint%(x%[1%]%)\nos.execute%("ls"%)\n$')
	end)
end)

t.describe("editing", function()
	-- An editor that makes a change with sed, and keeps what it was given.
	local function edit(script, command)
		local before, folder = home()
		local editor = t.write_file(folder .. "/editor", ('#!/bin/sh\ncp "$1" %s/seen\n%s\n'):format(folder, script))
		os.execute("chmod +x " .. t.quote(editor))
		local result = mvsh(("'%s; dumpxml test' </dev/null"):format(command), before .. " EDITOR=" .. t.quote(editor))
		result.seen = t.read_file(folder .. "/seen")
		return result
	end

	t.it("defines what came back", function()
		local result = edit([[sed -i 's/<vcpu.*/<vcpu>1<\/vcpu>/' "$1"]], "edit test")
		t.matches(result.out, "^Domain 'test' XML configuration edited%.\n")
		t.matches(result.seen, "^<domain type='test'>\n")
	end)

	t.it("changes nothing when nothing was changed, or the editor failed", function()
		t.matches(edit("true", "edit test").out, "^Domain 'test' XML configuration not changed%.\n")
		local result = edit("exit 3", "edit test")
		t.matches(result.err, "unexpected exit status 3")
	end)

	t.it("leaves no file behind", function()
		local result = edit([[echo "$1"]], "edit test")
		local path = result.out:match "^(/[^\n]*)\n"
		t.ok(path and not io.open(path), tostring(path))
	end)
end)

t.describe("virsh's name", function()
	local virsh = t.build .. "/virsh"

	t.it("has virsh's options and none of ours", function()
		t.equal(run(virsh, "-v").out, "9.0.0\n")
		t.matches(run(virsh, "list -o json").err, "^error: unexpected data '%-o'\n")
		t.matches(run(virsh, "explain list").err, "^error: unknown command: 'explain'\n$")
		t.equal(run(virsh, "lits").err, "error: unknown command: 'lits'\n")
	end)
end)

t.describe("commands from Lua", function()
	local commands = require "moonvisor.commands"

	t.it("give rows, and raise what went wrong", function()
		local conn <close> = virt.open(URI)
		local rows = commands.rows(conn, "list --all")
		t.equal({ #rows, rows[1].name, rows[1].state }, { 1, "test", "running" })
		t.raises("operation_failed", "domstate nosuch: failed to get domain 'nosuch'", commands.rows, conn,
			"domstate nosuch")
		t.raises("operation_failed", "unknown command", commands.run, conn, "nosuch")
	end)
end)

t.describe("pool-define-as", function()
	t.it("takes dashes for what a type does not have", function()
		t.equal(mvsh "'pool-define-as p dir - - - - /p; pool-define-as f fs - - /dev/sdb1 - /f'",
			{ out = "Pool p defined\n\nPool f defined\n\n", status = 0, err = "" })
		t.equal(select(2, mvsh("pool-define-as p dir - - - - /p --print-xml").out:gsub("'%-'", "")), 3)
	end)
end)

t.describe("Lua on the command line", function()
	t.it("is told what it lacks", function()
		local result = mvsh "'print(1)'"
		t.equal({ result.status, result.err }, { 1, "error: unknown command: 'print(1)'\nmvsh -e runs Lua code\n" })
	end)
end)

t.describe("--dry-run", function()
	t.it("touches no file", function()
		local path = t.write_file(t.folder() .. "/kept", "kept")
		local result = mvsh(("'vol-create-as default-pool v 1M; vol-download v %s default-pool --dry-run'"):format(path))
		t.equal(result.status, 0, result.err)
		t.equal(result.out:match "local pool.*$", 'local pool = conn:pool("default-pool")\nlocal vol = pool:volume("v")\n'
			.. ("vol:download()\n-- what comes is written to the file '%s'\n"):format(path))
		t.equal(t.read_file(path), "kept")
	end)

	t.it("fails where XML is wrong", function()
		local path = t.write_file(t.folder() .. "/wrong.xml", "<domain type='test'>\n<nam/></domain>")
		local result = mvsh(("define %s --dry-run"):format(path))
		t.equal({ result.status, result.out }, { 1, "" })
		t.matches(result.err, "^error: Failed to define domain from " .. path:gsub("%p", "%%%0") .. "\nerror: XML error: ")
		path = t.write_file(path, "<network><name>n</name>")
		t.equal(mvsh(("net-create %s --dry-run"):format(path)).status, 1)
	end)
end)

t.describe("-o", function()
	local rows = require("moonvisor.commands").rows
	local virt = require "moonvisor"

	t.it("gives what a command finds by another name", function()
		local conn <close> = virt.open "test:///default"
		conn.pools["default-pool"]:create_volume { name = "v", capacity = "1M" }
		conn.domains.test:create_snapshot "a"
		conn.domains.test:create_snapshot "b"
		for command, record in pairs {
			["domid test"] = { id = 1 }, ["domname 1"] = { name = "test" },
			["domuuid test"] = { uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f" },
			["net-uuid default"] = { uuid = conn.networks.default.uuid },
			["net-name " .. conn.networks.default.uuid] = { name = "default" },
			["pool-uuid default-pool"] = { uuid = conn.pools["default-pool"].uuid },
			["pool-name " .. conn.pools["default-pool"].uuid] = { name = "default-pool" },
			["iface-mac eth1"] = { mac = "aa:bb:cc:dd:ee:ff" }, ["iface-name aa:bb:cc:dd:ee:ff"] = { name = "eth1" },
			["vol-key v default-pool"] = { key = "/default-pool/v" },
			["vol-path v default-pool"] = { path = "/default-pool/v" },
			["vol-name /default-pool/v"] = { name = "v" },
			["vol-pool /default-pool/v"] = { name = "default-pool", uuid = conn.pools["default-pool"].uuid },
			["snapshot-parent test b"] = { name = "a" }, ["snapshot-current test --name"] = { name = "b" },
		} do
			t.equal(rows(conn, command), { record }, command)
		end
	end)

	t.it("gives configurations, also what only a running object has", function()
		local conn <close> = virt.open "test:///default"
		local domain = rows(conn, "dumpxml test")[1]
		t.equal({ domain.name, domain.id, domain.devices.disks[1].target.dev }, { "test", 1, "vda" })
		t.equal(domain, conn.domains.test.conf)
		t.equal(rows(conn, "pool-dumpxml default-pool")[1].capacity, 100 << 30)
		t.equal(conn.pools["default-pool"].conf.capacity, 100 << 30)
		for _, command in ipairs { "net-dumpxml default", "iface-dumpxml eth1", "capabilities" } do
			t.equal(#rows(conn, command), 1, command)
		end
		t.raises("operation_failed", "%-%-xpath finds pieces of XML", rows, conn, "dumpxml test --xpath //name")
	end)

	t.it("gives the names of events, and refuses what has no records", function()
		local conn <close> = virt.open "test:///default"
		t.equal(rows(conn, "event --list")[1], { name = "lifecycle" })
		t.equal(rows(conn, "net-event --list"), { { name = "lifecycle" } })
		t.raises("operation_failed", "are for %-%-list", rows, conn, "event --event lifecycle --timeout 1 -o json")
	end)

	t.it("gives titles and saved states of a list without being asked", function()
		local conn <close> = virt.open "test:///default"
		local domain = conn.domains.test
		domain:set_title("The one", { config = true })
		domain:managed_save()
		local row = rows(conn, "list --all")[1]
		t.equal({ row.title, row.managed_save }, { "The one", true })
	end)
end)

t.finish()
