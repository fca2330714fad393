-- The speed of the shell and of configuration objects, beside virsh with the same input. Prints rows for run.sh.
--
--   build/mvsh tests/bench/shell.lua BUILD WORK

local core = require "moonvisor.core"
local virt = require "moonvisor"

local build, work = arg[1], arg[2]
local COUNT = 10000

local function row(name, ours, peer, unit, bar)
	print(("%s\t%s\t%s\t%s\t%s"):format(name, ours, peer, unit, bar))
	io.stdout:flush()
end

-- Median milliseconds and peak KiB of a command.
local function spawn(times, command)
	local pipe = io.popen(("%s/tests/bench/spawn %d %s"):format(build, times, command))
	local ms, kib = pipe:read("n", "n")
	pipe:close()
	return assert(ms, command .. " could not be measured"), kib
end

local function write(name, text)
	local path = work .. "/" .. name
	local file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
	return path
end

local function ms(value)
	return ("%.2f"):format(value)
end

-- The same command line with both programs.
local function pair(times, uri, words)
	local ours = { spawn(times, ("%s/mvsh -c %s %s"):format(build, uri, words)) }
	local peer = { spawn(times, ("virsh -c %s %s"):format(uri, words)) }
	return ours, peer
end

local ours, peer = pair(20, "test:///default", "list")
row("list, whole process (median of 20)", ms(ours[1]), ms(peer[1]), "ms", "0.333")
row("list, peak memory", ours[2], peer[2], "KiB", "0.5")

-- A host with many domains.
local domains = { "<node>" }
for i = 1, COUNT do
	domains[#domains + 1] = ("<domain type='test'><name>guest%05d</name><uuid>%08x-1111-2222-3333-444455556666</uuid>"
		.. "<memory unit='KiB'>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"):format(i, i)
end
domains[#domains + 1] = "</node>"
local host = "test://" .. write("host.xml", table.concat(domains, "\n"))
for _, words in ipairs { "list --all", "domstats" } do
	ours, peer = pair(3, host, words)
	row(("%s, %d domains (median of 3)"):format(words, COUNT), ms(ours[1]), ms(peer[1]), "ms", "0.333")
end

-- A domain with 200 devices, defined and written again; what the program itself costs is taken off both.
local devices = {}
for i = 1, 100 do
	local letters = string.char(97 + (i - 1) // 26, 97 + (i - 1) % 26)
	devices[#devices + 1] = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>"
		.. "<source file='/srv/disk%d.qcow2'/><target dev='vd%s' bus='virtio'/></disk>"):format(i, letters)
	devices[#devices + 1] = ("<interface type='network'><mac address='52:54:00:00:00:%02x'/><source network='default'/>"
		.. "<model type='virtio'/></interface>"):format(i)
end
local large = write("large.xml", "<domain type='test'><name>large</name>"
	.. "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory>65536</memory><os><type>hvm</type></os>"
	.. "<devices>" .. table.concat(devices) .. "</devices></domain>")
local rounds = ("define %s; dumpxml large; "):format(large):rep(50)
ours, peer = pair(5, "test:///default", ("'%s'"):format(rounds))
local idle_ours, idle_peer = pair(5, "test:///default", "echo")
row("define + dumpxml, 200 devices (50 times)", ms(ours[1] - idle_ours[1]), ms(peer[1] - idle_peer[1]), "ms", "0.5")

-- Definitions from a script.
local conn <close> = virt.open "test:///default"
local start = core.now()
for i = 1, COUNT do
	conn:define { name = "bench" .. i, memory = "64M", boot = { kernel = "/k" } }
end
row(("define %d domains from Lua specs"):format(COUNT), ms((core.now() - start) * 1000), "-", "ms",
	("<=%d"):format(COUNT / 20))

-- Completion among them.
_G.conn = conn
local complete = require "moonvisor.complete"
start = core.now()
local found = complete.complete("conn.domains.", "bench999")
row(("complete conn.domains.X, %d domains"):format(COUNT), ms((core.now() - start) * 1000), "-", "ms", "<=50")
assert(#found == 11, #found)
local words = require "moonvisor.command.complete"
local session = { conn = conn }
if words.complete then
	start = core.now()
	local ok = pcall(words.complete, session, "start ", "bench999")
	if ok then
		row(("complete 'start X', %d domains"):format(COUNT), ms((core.now() - start) * 1000), "-", "ms", "<=50")
	end
end
