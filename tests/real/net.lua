-- The guest's network card on a tap: ping, and TCP in both directions with checksums.
-- host: --mem 4096 --cpus 2
-- check: no
-- limit: 400
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local g = require "_guest"
local t = g.t

local MIB = 24

local function exchange(nic)
	local folder = t.folder()
	local guest = g.start(t.connection(), { vcpus = 2, nics = { nic }, cmdline = "mv.ip=10.77.0.2/24" })
	g.host("ip addr add 10.77.0.1/24 dev vnet7; ip link set vnet7 up")
	guest:run "ping -c 3 -W 5 10.77.0.1"
	g.host "busybox ping -c 3 -W 5 10.77.0.2"
	if nic.mac then
		t.equal(guest:run "cat /sys/class/net/eth0/address", nic.mac)
	end

	g.host(("dd if=/dev/urandom of=%s/out bs=1M count=%d 2>/dev/null"):format(folder, MIB))
	local sum = g.host(("md5sum < %s/out"):format(folder))
	-- Host to guest. (busybox's nc ends with its standard input, so who receives gets one that stays open.)
	guest:run "(sleep 300 | nc -l -p 5000 > /run/in) & until netstat -ltn | grep -q :5000; do usleep 50000; done"
	g.host(("timeout 100 busybox nc 10.77.0.2 5000 < %s/out"):format(folder))
	t.poll("all of it", 60, function() return guest:run("wc -c < /run/in") == tostring(MIB << 20) end)
	t.equal(guest:run "md5sum < /run/in", sum)
	-- And back.
	os.execute(("(sleep 300 | timeout 100 busybox nc -l -p 5001 > %s/back) &"):format(folder))
	t.poll("the listener", 10, function() return os.execute "ss -ltn | grep -q :5001" end)
	guest:run("nc 10.77.0.1 5001 < /run/in", 120)
	t.poll("all of it", 60, function()
		return g.host(("wc -c < %s/back"):format(folder)) == tostring(MIB << 20)
	end)
	t.equal(g.host(("md5sum < %s/back"):format(folder)), sum)
	os.execute "pkill -x sleep"

	guest.vm:destroy()
	guest:close()
end

t.it("works through the machine's own device", function()
	exchange { tap = "vnet7", mac = "52:54:00:12:34:56" }
end)

t.it("works with several queues", function()
	exchange { tap = "vnet7", queues = 2 }
end)

t.it("works without offloads", function()
	exchange { tap = "vnet7", offloads = false }
end)

t.it("works through vhost", function()
	exchange { tap = "vnet7", vhost = true }
end)

t.finish()
