-- A Debian guest with 4 vCPUs is saved and restored under disk, network and timer load, ten times, and goes on exactly
-- where it was.
-- check: no
-- host: --mem 4096 --cpus 2
-- limit: 500
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"
local t = g.t

--- Seconds since the start of this host.
local function host_time()
	local file = assert(io.open "/proc/uptime")
	local seconds = file:read "n"
	file:close()
	return seconds
end

local function guest_time(guest)
	return tonumber((guest:run "cut -d' ' -f1 /proc/uptime"))
end

t.it("goes on where it was, ten times", function()
	local folder = t.folder()
	local conn = t.connection()
	g.host(("truncate -s 64M %s/disk"):format(folder))
	local guest = g.start(conn, {
		vcpus = 4, memory = "384M", disks = { { path = folder .. "/disk" } },
		nics = { { tap = "vnet7" } }, cmdline = "mv.ip=10.77.0.2/24",
	})
	g.host "ip addr add 10.77.0.1/24 dev vnet7; ip link set vnet7 up"
	guest:run "dd if=/dev/urandom of=/run/pattern bs=1M count=8 2>/dev/null; md5sum < /run/pattern > /run/sum"
	-- Disk: writes a pattern, reads it back past the cache, compares; stops at the first difference.
	guest:run([[cat > /run/disk.sh <<'E'
while :; do
	dd if=/run/pattern of=/dev/vda bs=256k oflag=direct 2>/dev/null || break
	dd if=/dev/vda bs=256k count=32 iflag=direct 2>/dev/null | md5sum | cmp - /run/sum || break
	echo x >> /run/disk.rounds
done
echo failed > /run/disk.failed
E
cat > /run/timer.sh <<'E'
last=$(cut -d. -f1 /proc/uptime)
while :; do
	usleep 20000
	now=$(cut -d. -f1 /proc/uptime)
	[ $now -lt $last ] && echo "$last $now" > /run/timer.failed
	last=$now
done
E
sh /run/disk.sh & sh /run/timer.sh & ping -i 0.2 10.77.0.1 > /run/ping &
(while :; do :; done) & (while :; do :; done) &]])
	local saved = folder .. "/saved"
	for round = 1, 10 do
		local function rounds() return tonumber((guest:run "cat /run/disk.rounds 2>/dev/null | wc -l")) end
		local before = rounds()
		t.poll("work in round " .. round, 60, function() return rounds() > before end)
		local host_start, guest_start = host_time(), guest_time(guest)
		local held = host_time()
		guest.vm:save(saved)
		held = host_time() - held
		t.equal(guest.vm.state, "shut off")
		guest:close()
		local vm = conn:restore(saved, { verify = round % 2 == 0 })
		t.cleanup(function() if vm.active then vm:destroy() end end)
		g.host "ip addr add 10.77.0.1/24 dev vnet7 2>/dev/null; ip link set vnet7 up"
		guest = g.attach(vm)
		-- The guest's clocks stood still meanwhile. (A second for what save() does before it holds the guest.)
		local ran = guest_time(guest) - guest_start
		t.ok(ran > 0 and ran < host_time() - host_start - held + 1, ("%.2f s of the guest"):format(ran))
		t.equal(guest:run "cat /run/disk.failed /run/timer.failed 2>/dev/null || true", "")
		os.remove(saved)
	end
	t.equal(guest:run "nproc", "4")
	guest:run "ping -c 2 -W 5 10.77.0.1"
	t.equal(guest:run "dmesg | grep -ciE 'stall|lockup|I/O error|hung task' || true", "0")
	guest.vm:shutdown()
	guest.vm:wait("shut off", 90)
	guest:close()
end)

t.it("goes on when there is no room for the image", function()
	local folder = t.folder()
	g.host(("mkdir %s/small && mount -t tmpfs -o size=8M none %s/small"):format(folder, folder))
	t.cleanup(function() os.execute("umount " .. folder .. "/small") end)
	local guest = g.start(t.connection())
	t.raises("system", "o space left", guest.vm.save, guest.vm, folder .. "/small/saved")
	t.equal(guest.vm.state, "running")
	t.equal(guest:run "echo fine", "fine")
	t.equal(g.host("ls -A " .. folder .. "/small"), "")
	guest.vm:destroy()
	guest:close()
end)

t.finish()
