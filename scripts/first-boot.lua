#!/usr/bin/env mvsh
-- A first guest: boots a Debian kernel with a virtio disk and a virtio network card, shows its console, asks it what it
-- sees, and ends it by its power button.
--
--   mvsh scripts/first-boot.lua [KERNEL [INITRD]]
--
-- The initramfs is the one that tests/hosts/guestkit.sh makes: it ends in a shell with the prompt "mv# " and takes the
-- address of its card from the kernel's command line. Needs a real /dev/kvm, and root for the network card.

local virt = require "moonvisor"

local KERNEL = arg[1] or "build/hosts/vmlinuz"
local INITRD = arg[2] or "build/hosts/guest.cpio"
local TAP, HOST, GUEST, LENGTH = "mvfirst", "10.77.7.1", "10.77.7.2", 24
local BOOT_TIME = 120 -- seconds; far more than it takes, but the host may be an emulated one

local function sh(command)
	local pipe = io.popen(command)
	local text = pipe:read "a"
	local ok, _, status = pipe:close()
	if not ok then
		error(("'%s' ended with status %d"):format(command, status), 2)
	end
	return (text:gsub("\n$", ""))
end

-- Shows what the guest writes until it writes `text`.
local function show_until(console, text, timeout)
	local seen = ""
	repeat
		local data = console:read(nil, timeout) or error("the guest has ended before it wrote '" .. text .. "'")
		io.write(data)
		io.flush()
		seen = (seen .. data):sub(-4096)
	until seen:find(text, 1, true)
end

-- Runs a command in the guest's shell and returns what it prints. The mark is written in two parts, so that it is found
-- in the command's output only, and not in the echo of the command.
local function ask(console, command)
	console:write(command .. "; echo do''ne:$?\n")
	local status, output = console:expect("done:(%d+)\r?\n", 30)
	if status ~= "0" then
		error(("in the guest, '%s' ended with status %s: %s"):format(command, status, output))
	end
	return (output:gsub("\r", ""):gsub("^%s+", ""):gsub("%s+$", ""))
end

local folder = sh "mktemp -d /tmp/first-boot.XXXXXX"
local conn <close> = virt.open("kvm:///embed?root=" .. folder)

local vm = conn:define {
	name = "first",
	memory = "256M",
	vcpus = 2,
	boot = {
		kernel = KERNEL,
		initrd = INITRD,
		cmdline = ("console=ttyS0 mv.ip=%s/%d"):format(GUEST, LENGTH),
	},
	disks = { { path = folder .. "/disk.img", size = "64M", serial = "FIRST-BOOT" } },
	nics = { { tap = TAP } },
}

-- Whatever happens below, nothing is left behind.
local _ <close> = setmetatable({}, {
	__close = function()
		if vm.active then
			vm:destroy()
		end
		vm:undefine()
		sh("rm -rf " .. folder)
	end,
})

vm:on("lifecycle", function(event)
	print(("-- %s: %s (%s)"):format(event.domain.name, event.event, event.detail))
end)

vm:start()
sh(("ip addr add %s/%d dev %s && ip link set %s up"):format(HOST, LENGTH, TAP, TAP))

local console <close> = vm:console()
show_until(console, "mv# ", BOOT_TIME)
console:write "stty -echo; PS1=; echo re''ady\n"
console:expect("ready\r?\n", 30)

local answers = {
	{ "kernel", ask(console, "uname -sr") .. ", " .. ask(console, "uname -v") },
	{ "CPUs", ask(console, "nproc") },
	{ "memory", ask(console, "grep MemTotal /proc/meminfo"):match "%d+" // 1024 .. " MiB" },
	{ "disk", ("vda, %d MiB, serial %s"):format(ask(console, "cat /sys/block/vda/size") // 2048,
		ask(console, "cat /sys/block/vda/serial")) },
	{ "address", ask(console, "ip -4 addr show dev eth0"):match "inet (%S+)" .. " on eth0, "
		.. ask(console, "cat /sys/class/net/eth0/address") },
	{ "network", ask(console, "ping -c 1 -W 10 " .. HOST):match "[^\n]*packet loss" },
}

print "\n\nWhat the guest says about itself:"
for _, answer in ipairs(answers) do
	print(("  %-8s %s"):format(answer[1], answer[2]))
end

print "\nIts power button is pressed:"
vm:shutdown()
local reason = vm:wait("shut off", 60)
if reason ~= "shutdown" then
	error("the guest did not power itself off; it is off because: " .. reason)
end
print "The guest is off."
