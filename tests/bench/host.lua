-- What is measured with Debian guests inside the KVM test host, each against QEMU in the same run.
-- usage: mvsh host.lua KERNEL INITRD WORK-FOLDER [PART...]
-- Rows as local.c prints them: measure, ours, peer, unit, bar.

local virt = require "moonvisor"
local core = require "moonvisor.core"
local kernel, initrd, work = arg[1], arg[2], arg[3]
local wanted = { table.unpack(arg, 4) }

local QEMU = "qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -accel kvm -cpu host"

local function sh(command)
	if not os.execute(command) then
		error("failed: " .. command, 0)
	end
end

local function row(measure, ours, peer, unit, bar)
	print(("%s\t%.2f\t%s\t%s\t%s"):format(measure, ours, peer and ("%.2f"):format(peer) or "-", unit, bar))
	io.stdout:flush()
end

local function median(list)
	table.sort(list)
	return list[(#list + 1) // 2]
end

-- --- running a guest -------------------------------------------------------------------------------------------------
-- A guest runs a script and powers off; each line it prints goes to `line(text, seconds since the start)`.

--- opts: memory (MiB), vcpus, disk (a block device), tap, script, cmdline, machine (QEMU's)
local function script_disk(opts)
	if not opts.script then
		return nil
	end
	local path = work .. "/script"
	local file = assert(io.open(path, "w"))
	local text = opts.script .. "\nexit\n"
	file:write(text, ("\n"):rep(-#text % 4096))
	file:close()
	return path
end

local function cmdline(opts)
	return "console=ttyS0 quiet " .. (opts.cmdline or "")
end

local function ours(opts, line)
	local conn <close> = virt.open("kvm:///embed?root=" .. work .. "/root")
	local disks, script = {}, script_disk(opts)
	if opts.disk then
		disks[#disks + 1] = { path = opts.disk, cache = "none" }
	end
	if script then
		disks[#disks + 1] = { path = script, readonly = true }
	end
	local start = core.now()
	local vm = conn:create {
		name = "bench", memory = opts.memory .. "M", vcpus = opts.vcpus, disks = disks,
		nics = opts.tap and { { tap = opts.tap } } or nil,
		boot = { kernel = kernel, initrd = initrd, cmdline = cmdline(opts) },
	}
	if opts.tap then
		sh("ip addr add 10.77.0.1/24 dev " .. opts.tap .. "; ip link set up dev " .. opts.tap)
	end
	local console <close> = vm:console()
	while true do
		local text = console:read("l", 120)
		if not text or line(text:gsub("\r", ""), core.now() - start) == false then
			break
		end
	end
	if vm.active then
		vm:destroy()
	end
end

local function qemu(opts, line)
	local words = { QEMU, "-M", opts.machine or "q35", "-m", opts.memory, "-smp", opts.vcpus, "-serial stdio",
		"-kernel", kernel, "-initrd", initrd, ("-append '%s'"):format(cmdline(opts)) }
	local function add(format, ...) words[#words + 1] = format:format(...) end
	if opts.disk then
		add("-object iothread,id=io0")
		add("-blockdev driver=host_device,node-name=disk,filename=%s,aio=io_uring,cache.direct=on", opts.disk)
		add("-device virtio-blk-pci,drive=disk,iothread=io0")
	end
	local script = script_disk(opts)
	if script then
		add("-drive file=%s,format=raw,if=none,id=script,readonly=on -device virtio-blk-pci,drive=script", script)
	end
	if opts.tap then
		sh(("ip tuntap add %s mode tap vnet_hdr && ip addr add 10.77.0.1/24 dev %s && ip link set up dev %s"):format(
			opts.tap, opts.tap, opts.tap))
		add("-netdev tap,id=net,ifname=%s,script=no,downscript=no,vhost=off -device virtio-net-pci,netdev=net",
			opts.tap)
	end
	local start = core.now()
	local pipe = io.popen("exec " .. table.concat(words, " ") .. " < /dev/null 2>&1")
	for text in pipe:lines() do
		if line((text:gsub("\r", "")), core.now() - start) == false then
			os.execute "pkill -x qemu-system-x86"
			break
		end
	end
	pipe:close()
	if opts.tap then
		sh("ip link del " .. opts.tap)
	end
end

local runners = { ours = ours, peer = qemu }

-- --- parts -----------------------------------------------------------------------------------------------------------

local parts = {}

--- From the start command to the first words of init, busybox; the same bzImage.
function parts.boot()
	local opts = { memory = 256, vcpus = 1, machine = "microvm", cmdline = "rdinit=/bin/busybox -- echo init runs" }
	local times = { ours = {}, peer = {} }
	for _ = 1, 5 do
		for who, run in pairs(runners) do
			run(opts, function(text, seconds)
				if text:find "init runs" then
					table.insert(times[who], seconds)
					return false
				end
			end)
		end
	end
	row("Debian's kernel to init (median of 5)", median(times.ours), median(times.peer), "s", "0.75")
end

local function fio(name, options)
	return ("echo %s `fio --minimal --terse-version=3 --name=x --filename=/dev/vda --direct=1 --ioengine=io_uring "
		.. "--runtime=4 --time_based %s | cut -d';' -f7,8,48,49 | tr ';' ' '`"):format(name, options)
end

function parts.disk()
	sh "modprobe -d build/hosts/pkg brd rd_nr=1 rd_size=524288"
	sh "dd if=/dev/zero of=/dev/ram0 bs=1M count=512 2>/dev/null"
	local script = table.concat({
		fio("randread", "--rw=randread --bs=4k --iodepth=32"),
		fio("randwrite", "--rw=randwrite --bs=4k --iodepth=32"),
		fio("read", "--rw=read --bs=1M --iodepth=4"),
		fio("write", "--rw=write --bs=1M --iodepth=4"),
	}, "\n")
	local got = { ours = {}, peer = {} }
	for who, run in pairs(runners) do
		run({ memory = 768, vcpus = 1, disk = "/dev/ram0", script = script, cmdline = "mv.run=sh,/dev/vdb" }, function(text)
			local name, read_bw, read_iops, write_bw, write_iops = text:match "^(%a+) (%d+) (%d+) (%d+) (%d+)"
			if name then
				got[who][name] = {
					iops = math.max(tonumber(read_iops), tonumber(write_iops)),
					mib = math.max(tonumber(read_bw), tonumber(write_bw)) / 1024,
				}
			end
			return not text:find "Power down" and nil
		end)
	end
	for _, name in ipairs { "randread", "randwrite" } do
		row("fio 4 KiB " .. name, got.ours[name].iops, got.peer[name].iops, "IOPS", ">=1")
	end
	for _, name in ipairs { "read", "write" } do
		row("fio 1 MiB " .. name, got.ours[name].mib, got.peer[name].mib, "MiB/s", ">=1")
	end
end

function parts.net()
	sh "iperf3 -s -D"
	-- The server, and this end of the tap, may not be ready yet.
	local script = "until iperf3 -c 10.77.0.1 -n 1 > /dev/null 2>&1; do usleep 50000; done\n"
		.. "echo send `iperf3 -c 10.77.0.1 -t 5 -f m | grep receiver | tr -s ' ' | cut -d' ' -f7`\n"
		.. "echo receive `iperf3 -c 10.77.0.1 -t 5 -R -f m | grep receiver | tr -s ' ' | cut -d' ' -f7`"
	local got = { ours = {}, peer = {} }
	for who, run in pairs(runners) do
		run({ memory = 768, vcpus = 1, tap = "vnet9", script = script,
			cmdline = "mv.ip=10.77.0.2/24 mv.run=sh,/dev/vda" }, function(text)
			local name, rate = text:match "^(%a+) ([%d.]+)%s*$"
			if name then
				got[who][name] = tonumber(rate)
			end
		end)
	end
	for _, name in ipairs { "send", "receive" } do
		row("TCP, guest: " .. name, got.ours[name], got.peer[name], "Mbit/s", ">=1")
	end
end

--- A guest of 1 GiB that uses half of it, against dd writing as much to the same file system.
function parts.save()
	sh(("mkfs.ext4 -q /dev/vda && mkdir -p %s/disk && mount /dev/vda %s/disk"):format(work, work))
	local conn <close> = virt.open("kvm:///embed?root=" .. work .. "/root")
	local vm = conn:create {
		name = "save", memory = "1G", boot = { kernel = kernel, initrd = initrd, cmdline = "console=ttyS0 quiet" },
	}
	local console <close> = vm:console()
	console:expect("mv# ", 60)
	console:write "dd if=/dev/urandom of=/dev/shm/fill bs=1M count=400; echo fil''led\n"
	console:expect("filled", 200)
	os.execute "sync"
	local start = core.now()
	vm:save(work .. "/disk/saved", { keep_running = true })
	local ours_time = core.now() - start
	local used = io.popen("du -m " .. work .. "/disk/saved"):read "n"
	vm:destroy()
	-- As much, from memory, by dd; both times end when all is on the disk.
	sh(("rm %s/disk/saved; dd if=/dev/urandom of=%s/data bs=1M count=64 2>/dev/null; sync"):format(work, work))
	start = core.now()
	for _ = 1, used // 64 do
		sh(("dd if=%s/data of=%s/disk/plain bs=1M oflag=append conv=notrunc 2>/dev/null"):format(work, work))
	end
	sh(("dd if=%s/data of=%s/disk/plain bs=1M count=%d oflag=append conv=notrunc,fsync 2>/dev/null"):format(work, work,
		used % 64))
	local peer_time = core.now() - start
	row(("save of 1 GiB, %d MiB of it in use, against dd"):format(used), ours_time, peer_time, "s", "1.1")
	sh("umount " .. work .. "/disk")
end

for _, name in ipairs(#wanted > 0 and wanted or { "boot", "disk", "net", "save" }) do
	parts[name]()
end
