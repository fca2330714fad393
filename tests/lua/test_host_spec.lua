-- Pools, volumes and networks of the test driver, where it is more than what virsh shows of it: events, and what comes
-- back after a stop.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local flags = require "moonvisor.flags"
local virt = require "moonvisor"
local wait = require "moonvisor.wait"

local POOL = "<pool type='dir'><name>p</name><target><path>%s</path></target></pool>"
local VOLUME = "<volume><name>%s</name><capacity unit='MiB'>%d</capacity></volume>"
local NETWORK = "<network><name>n</name><bridge name='%s'/><ip address='10.0.0.1' prefix='24'/></network>"

-- The events of a kind while f runs, as texts.
local function events_of(conn, name, f, show)
	local seen = {}
	local registration = conn.raw:on(name, nil, function(event)
		seen[#seen + 1] = show(event)
	end)
	f()
	while wait.deliver(conn) > 0 do end
	registration:cancel()
	return seen
end

t.describe("pools of the test driver", function()
	t.it("tell what happens to them", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local names = { [0] = "defined", "undefined", "started", "stopped", "created", "deleted" }
		local seen = events_of(conn, "storage_pool_event_lifecycle", function()
			local pool = raw:storage_pool_define_xml(POOL:format "/p", 0)
			raw:storage_pool_build(pool, 0)
			raw:storage_pool_create(pool, 0)
			raw:storage_pool_destroy(pool)
			raw:storage_pool_delete(pool, 0)
			raw:storage_pool_undefine(pool)
		end, function(event)
			return event.pool.name .. " " .. names[event.event]
		end)
		t.equal(table.concat(seen, ", "), "p defined, p created, p started, p stopped, p deleted, p undefined")
		seen = events_of(conn, "storage_pool_event_refresh", function()
			raw:storage_pool_refresh(raw:storage_pool_lookup_by_name "default-pool", 0)
		end, function(event)
			return event.pool.name
		end)
		t.equal(table.concat(seen, ", "), "default-pool")
	end)

	t.it("get a new definition when they stop", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local pool = raw:storage_pool_define_xml(POOL:format "/p", 0)
		raw:storage_pool_create(pool, 0)
		raw:storage_pool_define_xml((POOL:format "/q"):gsub("<name>", "<uuid>" .. pool.uuid .. "</uuid>%0"), 0)
		t.ok(raw:storage_pool_get_xml_desc(pool, 0):find("<path>/p</path>", 1, true))
		raw:storage_pool_destroy(pool)
		t.ok(raw:storage_pool_get_xml_desc(pool, 0):find("<path>/q</path>", 1, true))
		raw:storage_pool_undefine(pool)
	end)

	t.it("keep account of their volumes", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local pool = raw:storage_pool_create_xml(POOL:format "/p", 0)
		local vol = raw:storage_vol_create_xml(pool, VOLUME:format("v", 10), 0)
		raw:storage_vol_create_xml(pool, VOLUME:format("w", 5), 0)
		local info = raw:storage_pool_get_info(pool)
		t.equal(info.allocation, 15 << 20)
		t.equal(info.capacity - info.available, 15 << 20)
		raw:storage_vol_delete(vol, 0)
		t.equal(raw:storage_pool_get_info(pool).allocation, 5 << 20)
		t.equal(raw:storage_pool_lookup_by_volume(raw:storage_vol_lookup_by_path "/p/w").name, "p")
		t.equal(raw:storage_pool_lookup_by_target_path("/p").name, "p")
		raw:storage_pool_destroy(pool)
		t.equal(#raw:connect_list_all_storage_pools(1, flags.CONNECT_LIST_STORAGE_POOLS_TRANSIENT).pools, 0)
	end)
end)

t.describe("networks of the test driver", function()
	t.it("tell what happens to them", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local names = { [0] = "defined", "undefined", "started", "stopped" }
		local seen = events_of(conn, "network_event_lifecycle", function()
			local net = raw:network_define_xml(NETWORK:format "b0")
			raw:network_create(net)
			raw:network_destroy(net)
			raw:network_undefine(net)
		end, function(event)
			return event.net.name .. " " .. names[event.event]
		end)
		t.equal(table.concat(seen, ", "), "n defined, n started, n stopped, n undefined")
	end)

	t.it("lose what only the running one was given", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local net = raw:network_lookup_by_name "default"
		local add, section = flags.NETWORK_UPDATE_COMMAND_ADD_LAST, flags.NETWORK_SECTION_DNS_TXT
		raw:network_update(net, add, section, -1, "<txt name='live' value='1'/>", flags.NETWORK_UPDATE_AFFECT_LIVE)
		raw:network_update(net, add, section, -1, "<txt name='config' value='1'/>", flags.NETWORK_UPDATE_AFFECT_CONFIG)
		raw:network_update(net, add, section, -1, "<txt name='both' value='1'/>",
			flags.NETWORK_UPDATE_AFFECT_LIVE | flags.NETWORK_UPDATE_AFFECT_CONFIG)
		local function texts()
			local found = {}
			for name in raw:network_get_xml_desc(net, 0):gmatch "<txt name='(%w+)'" do
				found[#found + 1] = name
			end
			return table.concat(found, " ")
		end
		t.equal(texts(), "live both")
		raw:network_destroy(net)
		t.equal(texts(), "config both")
	end)

	t.it("change nothing when a part of a change is refused", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local net = raw:network_lookup_by_name "default"
		local before = raw:network_get_xml_desc(net, 0)
		local range = "<range start='192.168.122.2' end='192.168.123.9'/>"
		t.raises("xml", "not entirely within network", raw.network_update, raw, net,
			flags.NETWORK_UPDATE_COMMAND_ADD_FIRST, flags.NETWORK_SECTION_IP_DHCP_RANGE, -1, range, 0)
		t.equal(raw:network_get_xml_desc(net, 0), before)
	end)
end)

t.finish()
