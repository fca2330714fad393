-- Debian's kernel boots: by both protocols, with 1, 2 and 4 vCPUs, little and much memory.
-- host: --mem 7168 --cpus 2
-- limit: 600
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"
local t = g.t

local function memory_mib(guest)
	return tonumber(guest:run("cat /proc/meminfo"):match "MemTotal:%s+(%d+)") // 1024
end

t.it("a bzImage with 2 vCPUs and 128 MiB", function()
	local boot = g.spec().boot
	boot.kernel = boot.kernel:gsub("vmlinux$", "vmlinuz")
	local guest = g.start(t.connection(), { vcpus = 2, memory = "128M", boot = boot })
	t.matches(guest:run "uname -v", "Debian")
	t.equal(guest:run "nproc", "2")
	local memory = memory_mib(guest)
	t.ok(memory > 70 and memory < 128, "memory of " .. memory .. " MiB")
	guest:close()
end)

-- Where two symbols of the kernel are, as one word each.
local function addresses(guest)
	return guest:run "sed -n 's/ [Tt] _text$//p; s/ [Tt] schedule$//p' /proc/kallsyms | tr '\\n' ' '"
end

local LINKED = "ffffffff81000000" -- _text of every x86-64 kernel that was not moved

for _, unpack in ipairs { false, true } do
	t.it(("a bzImage at random addresses, unless told otherwise; unpack = %s"):format(unpack), function()
		local conn = t.connection()
		local function start(cmdline)
			local boot = g.spec { cmdline = cmdline }.boot
			boot.kernel = boot.kernel:gsub("vmlinux$", "vmlinuz")
			boot.unpack = unpack
			return g.start(conn, { boot = boot })
		end
		local seen, different = {}, 0
		-- There are some 500 places: three boots at the same one are no accident.
		for _ = 1, 3 do
			local guest = start ""
			local where = addresses(guest)
			t.matches(where, "^ffffffff%x+ ffffffff%x+ $")
			if not seen[where] then
				different = different + 1
			end
			seen[where] = true
			guest.vm:destroy()
			guest:close()
			if different == 2 then
				break
			end
		end
		t.equal(different, 2)
		local _, missing = t.run(("ls '%s/cache/kernels'"):format(conn.uri:match "root=([^&]*)"))
		t.equal(missing == 0, unpack)
		local guest = start "nokaslr"
		t.matches(addresses(guest), LINKED)
		-- The reset boots it again.
		guest.vm:reset()
		guest:ready()
		t.matches(addresses(guest), LINKED)
		guest.vm:destroy()
		guest:close()
	end)
end

t.it("an ELF kernel with 1 vCPU", function()
	local guest = g.start(t.connection(), { vcpus = 1 })
	t.equal(guest:run "nproc", "1")
	t.matches(guest:run "cat /sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm%-clock")
	guest:close()
end)

t.it("4 vCPUs in 2 sockets of 2 cores, and 5 GiB on both sides of the PCI hole", function()
	local guest = g.start(t.connection(), { vcpus = 4, memory = "5G", cpu = { sockets = 2, cores = 2 } })
	t.equal(guest:run "nproc", "4")
	t.equal(guest:run "cat /sys/devices/system/cpu/cpu*/topology/physical_package_id | sort | uniq -c | tr -s ' '",
		" 2 0\n 2 1")
	local memory = memory_mib(guest)
	t.ok(memory > 4900 and memory < 5120, "memory of " .. memory .. " MiB")
	t.matches(guest:run "cat /proc/iomem", "100000000%-1%x+ : System RAM")
	-- Every CPU runs something of its own.
	t.equal(guest:run("for c in 0 1 2 3; do taskset $((1 << c)) sh -c 'cut -d\" \" -f39 /proc/self/stat'; done | "
		.. "sort | tr '\\n' ' '"), "0 1 2 3 ")
	guest:close()
end)

t.finish()
