-- Inside the test host, for disk_power.outer.sh: a guest writes numbered blocks to five disks, and the power fails
-- when the last one is reported as written.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"

local BLOCKS = tonumber(arg[1])
-- flush: what the mode demands of a guest that wants its data safe.
local disks = {
	{ cache = "writeback", flush = true },
	{ cache = "none", flush = true },
	{ cache = "writethrough", flush = false },
	{ cache = "directsync", flush = false },
	{ cache = "unsafe", flush = true },
}

local spec = {}
for i, disk in ipairs(disks) do
	spec[i] = { path = "/dev/vd" .. ("abcde"):sub(i, i), cache = disk.cache }
end
local guest = g.start(g.t.connection(), { disks = spec })
for i, disk in ipairs(disks) do
	guest:run(([[
n=0
while [ $n -lt %d ]; do
	printf '%%-4096s' "block $n" > /run/block
	dd if=/run/block of=/dev/vd%s bs=4096 count=1 seek=$n oflag=direct conv=notrunc%s 2>/run/err ||
		{ cat /run/err; exit 1; }
	n=$((n + 1))
done]]):format(BLOCKS, ("abcde"):sub(i, i), disk.flush and ",fsync" or ""), 200)
end
print "all written"
io.stdout:flush()
os.execute "powercut"
