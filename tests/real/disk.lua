-- The guest's disk: filled, read back, compared on both sides, for each cache mode.
-- host: --mem 4096 --cpus 2
-- limit: 500
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"
local t = g.t

local MIB = 32

local function image(folder, name)
	local path = folder .. "/" .. name
	g.host(("truncate -s %dM %s"):format(MIB, path))
	return path
end

t.it("holds what was written, whatever the cache mode", function()
	local folder = t.folder()
	local modes = { "writeback", "none", "writethrough", "directsync", "unsafe" }
	local disks = {}
	-- O_DIRECT needs a real file system: ext4 on a loop device.
	g.host(("truncate -s 400M %s/fs && mkfs.ext4 -q %s/fs && mkdir %s/mnt && mount -o loop %s/fs %s/mnt"):format(folder,
		folder, folder, folder, folder))
	t.cleanup(function() os.execute("umount " .. folder .. "/mnt") end)
	for i, mode in ipairs(modes) do
		disks[i] = { path = image(folder .. "/mnt", mode), cache = mode, serial = "disk-" .. mode, queues = i % 2 + 1 }
	end
	local guest = g.start(t.connection(), { vcpus = 2, disks = disks })
	for i, mode in ipairs(modes) do
		local name = "vd" .. ("abcde"):sub(i, i)
		t.equal(guest:run("cat /sys/block/" .. name .. "/serial"), "disk-" .. mode)
		t.equal(guest:run("cat /sys/block/" .. name .. "/size"), tostring(MIB * 2048))
		-- Different data on each, through the guest's page cache and past it.
		guest:run(("dd if=/dev/urandom of=/run/data bs=1M count=%d 2>/dev/null"):format(MIB // 2))
		guest:run(("dd if=/run/data of=/dev/%s bs=1M conv=fsync 2>/dev/null"):format(name))
		guest:run(("dd if=/run/data of=/dev/%s bs=64k seek=%d oflag=direct conv=fsync 2>/dev/null"):format(name, MIB * 8))
		guest:run "cat /run/data /run/data > /run/both; rm /run/data"
		local sum = guest:run "md5sum < /run/both"
		guest:run "rm /run/both; echo 3 > /proc/sys/vm/drop_caches"
		t.equal(guest:run("md5sum < /dev/" .. name), sum, mode .. " in the guest")
		t.equal(g.host("md5sum < " .. disks[i].path), sum, mode .. " on the host")
	end
	local stats = guest.vm:stats().block
	t.equal(stats[1] and stats[1].name or stats[0].name, "vda")
	guest.vm:destroy()
	guest:close()
end)

t.it("is read-only where asked, and shared then", function()
	local folder = t.folder()
	local path = image(folder, "ro")
	local conn = t.connection()
	local guest = g.start(conn, { name = "one", disks = { { path = path, readonly = true } } })
	t.equal(guest:run "cat /sys/block/vda/ro", "1")
	local _, status = guest:run("dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync", 60, true)
	t.ok(status ~= 0, "writing fails")
	guest:close()
	guest.vm:destroy()
end)

t.it("frees space when the guest discards", function()
	local folder = t.folder()
	local path = image(folder, "thin")
	local guest = g.start(t.connection(), { disks = { { path = path, discard = true } } })
	local function blocks() return tonumber(g.host("stat -c %b " .. path)) end
	guest:run "dd if=/dev/urandom of=/dev/vda bs=1M count=16 conv=fsync 2>/dev/null"
	local full = blocks()
	t.ok(full >= 16 * 2048)
	guest:run "blkdiscard -o 0 -l $((8 << 20)) /dev/vda"
	t.ok(blocks() <= full - 8 * 2048, "blocks after discard")
	t.equal(g.host("dd if=" .. path .. " bs=1M count=8 2>/dev/null | tr -d '\\0' | wc -c"), "0")
	guest:close()
	guest.vm:destroy()
end)

t.finish()
