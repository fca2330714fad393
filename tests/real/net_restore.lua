-- Networks of a guest over save and restore, reset and interrupt lines: packets moved by the machine process and by the
-- host's kernel (vhost-net), and virtio sockets (vhost-vsock). Plain transfers are in net.lua.
-- host: --mem 4096 --cpus 2
-- check: no
-- limit: 600
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"
local t = g.t

local HOST = "10.77.0.1"
local NETWORK = "mv.ip=10.77.0.2/24"
local CID = 42
local MIB = 16

local vsockcat = t.run("realpath " .. t.build .. "/tests/vsockcat"):match "^[^\n]+"

-- A tap that stays, so that the host's connections outlive the machine that used it.
local function make_tap(queues)
	g.host(("ip tuntap add dev vnet7 mode tap vnet_hdr %s && ip addr add %s/24 dev vnet7 && ip link set vnet7 up"):format(
		queues and queues > 1 and "multi_queue" or "", HOST))
	t.cleanup(function()
		g.host "ip link del vnet7"
	end)
end

local function start(command)
	return io.popen("bash -c " .. t.quote(command))
end

-- What a program left running has printed when it ends.
local function finish(pipe)
	local text = pipe:read "a"
	pipe:close()
	return (text:gsub("%s+$", ""))
end

local function ping(guest)
	guest:run("ping -c 2 -W 5 " .. HOST)
end

local function make_data(guest)
	return guest:run(("dd if=/dev/urandom of=/run/data bs=1M count=%d 2>/dev/null; md5sum < /run/data"):format(MIB))
end

-- The host takes what the guest sends to this port; finish() gives its checksum. (Its own direction stays open, since
-- either nc ends at the end of what it receives.)
local function receiver(port)
	return start(("timeout 150 busybox nc -l -p %d < <(sleep 300) | md5sum"):format(port))
end

local function sender(port)
	return ("until nc %s %d < /run/data; do usleep 100000; done"):format(HOST, port)
end

local function restore(conn, path)
	local vm = conn:restore(path)
	t.cleanup(function()
		if vm.active then
			vm:destroy()
		end
	end)
	return g.attach(vm)
end

for _, vhost in ipairs { false, true } do
	local by = vhost and "vhost" or "the machine"

	t.it("a transfer by " .. by .. " goes on over suspend, save and restore", function()
		local conn, folder = t.connection(), t.folder()
		make_tap(2)
		local guest = g.start(conn, { vcpus = 2, cmdline = NETWORK,
			nics = { { tap = "vnet7", queues = 2, vhost = vhost, mtu = 1400 } } })
		t.matches(guest:run "ip link show eth0", "mtu 1400")
		t.matches(guest:run "ls /sys/class/net/eth0/queues", "rx%-1")
		t.matches(guest:run "cat /proc/interrupts", "virtio%d+%-input")
		ping(guest)
		local sum = make_data(guest)
		local received = receiver(5003)
		guest:run("(" .. sender(5003) .. ") &")
		guest.vm:suspend()
		guest.vm:resume()
		guest.vm:save(folder .. "/saved")
		guest:close()
		guest = restore(conn, folder .. "/saved")
		t.equal(finish(received), sum)
		ping(guest)
		if vhost then
			t.equal(guest.vm:stats().net[1].rx, nil)
		end
		guest.vm:destroy()
		guest:close()
	end)

	t.it("interrupt lines, no offloads and a reboot with " .. by, function()
		make_tap()
		local guest = g.start(t.connection(), { cmdline = NETWORK .. " pci=nomsi",
			nics = { { tap = "vnet7", vhost = vhost, offloads = false } } })
		ping(guest)
		guest.console:write "reboot -f\n"
		guest:ready()
		ping(guest)
		local sum = make_data(guest)
		local received = receiver(5004)
		guest:run(sender(5004), 120)
		t.equal(finish(received), sum)
		guest.vm:destroy()
		guest:close()
	end)
end

t.it("sockets carry data both ways, and a restore resets what was connected", function()
	local conn, folder = t.connection(), t.folder()
	local initrd = folder .. "/initrd"
	g.host(("tests/hosts/guestkit.sh extend %s %s"):format(initrd, vsockcat))
	local spec = g.spec { vsock = { cid = CID } }
	spec.boot.initrd = initrd
	local guest = g.start(conn, spec)
	-- The guest connects to the host, which is number 2.
	local sum = make_data(guest)
	local received = start(("timeout 150 %s listen 7001 < <(sleep 300) | md5sum"):format(vsockcat))
	local function send(port)
		guest:run(("until %s connect 2 %d < /run/data; do usleep 100000; done"):format(vsockcat, port), 120)
	end
	send(7001)
	t.equal(finish(received), sum)
	-- The host connects to the guest.
	guest:run(("%s listen 7002 < /dev/console > /run/got & echo $! > /run/pid"):format(vsockcat))
	g.host(("until %s connect %d 7002 < %s; do sleep 0.1; done"):format(vsockcat, CID, vsockcat))
	guest:run "while [ -e /proc/$(cat /run/pid) ]; do usleep 10000; done"
	t.matches(guest:run "md5sum < /run/got", g.host("md5sum < " .. vsockcat):match "%x+")
	-- A connection is open while the guest is saved.
	local held = start(("%s listen 7003 < <(echo hello; sleep 300) 2>&1"):format(vsockcat))
	guest.console:write(("until %s connect 2 7003; [ $? = 3 ]; do usleep 100000; done; echo re''set\n"):format(vsockcat))
	guest.console:expect("hello", 60)
	guest.vm:save(folder .. "/saved")
	guest:close()
	guest = restore(conn, folder .. "/saved")
	guest.console:expect("reset", 60)
	held:close()
	received = start(("timeout 150 %s listen 7004 < <(sleep 300) | md5sum"):format(vsockcat))
	send(7004)
	t.equal(finish(received), sum)
	guest.vm:destroy()
	guest:close()
end)

t.finish()
