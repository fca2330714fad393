-- Debian's kernel boots: by both protocols, with 1, 2 and 4 vCPUs, little and much memory.
-- host: --mem 7168 --cpus 2
-- limit: 400
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
	t.equal(guest:run "for c in 0 1 2 3; do taskset $((1 << c)) sh -c 'cut -d\" \" -f39 /proc/self/stat'; done | sort | tr '\\n' ' '",
		"0 1 2 3 ")
	guest:close()
end)

t.finish()
