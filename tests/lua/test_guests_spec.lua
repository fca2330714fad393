-- Guests of the test driver: their events, in order, and hosts that are read from a file.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local flags = require "moonvisor.flags"
local virt = require "moonvisor"
local wait = require "moonvisor.wait"

local DOMAIN = "<domain type='test'><name>%s</name><memory>1000</memory><os><type>hvm</type></os>%s</domain>"
local TEST_SPACE = "http://libvirt.org/schemas/domain/test/1.0"

local EVENTS = { [0] = "defined", "undefined", "started", "suspended", "resumed", "stopped", "shutdown" }
local DETAILS = {
	defined = { [0] = "added", "updated", "renamed" },
	undefined = { [0] = "removed", "renamed" },
	started = { [0] = "booted", "migrated", "restored", "snapshot" },
	suspended = { [0] = "paused", [5] = "snapshot" },
	resumed = { [0] = "unpaused", "migrated", "snapshot" },
	stopped = { [0] = "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "snapshot" },
}

-- The life-cycle events that conn gets while f runs: "defined added, started booted".
local function lifecycle_of(conn, f)
	local seen = {}
	local registration = conn.raw:on("lifecycle", function(event)
		local message = event.msg or event
		local name = EVENTS[message.event]
		seen[#seen + 1] = ("%s %s"):format(name, DETAILS[name][message.detail])
	end)
	f()
	while wait.deliver(conn) > 0 do end
	registration:cancel()
	return table.concat(seen, ", ")
end

-- A file of a test host, for as long as f runs.
local function with_file(text, f)
	local path = os.tmpname()
	local file <close> = assert(io.open(path, "w"))
	file:write(text)
	file:flush()
	local ok, err = pcall(f, path)
	os.remove(path)
	if not ok then
		error(err, 0)
	end
end

t.describe("guests of the test driver", function()
	t.it("tell what happens to them", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local dom
		t.equal(lifecycle_of(conn, function()
			dom = raw:domain_define_xml(DOMAIN:format("g", ""))
			dom = raw:domain_define_xml_flags((DOMAIN:format("g", "<uuid>" .. dom.uuid .. "</uuid>")), 0)
			raw:domain_create(dom)
			raw:domain_suspend(dom)
			raw:domain_resume(dom)
			raw:domain_reboot(dom, 0)
			raw:domain_reset(dom, 0)
			raw:domain_shutdown(dom)
			raw:domain_rename(dom, "h", 0)
			raw:domain_undefine(dom)
		end), "defined added, defined updated, started booted, suspended paused, resumed unpaused, "
			.. "stopped shutdown, undefined renamed, defined renamed, undefined removed")
		t.equal(lifecycle_of(conn, function()
			dom = raw:domain_create_xml(DOMAIN:format("t", ""), 0)
			raw:domain_destroy(dom)
		end), "started booted, stopped destroyed")
		t.raises("no_domain", nil, function() raw:domain_get_state(dom, 0) end)
	end)

	t.it("tell nothing when a call fails", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local test = raw:domain_lookup_by_name "test"
		t.equal(lifecycle_of(conn, function()
			t.raises("internal", nil, function() raw:domain_resume(test) end)
			t.raises("internal", nil, function() raw:domain_create(test) end)
			t.raises("operation_invalid", nil, function() raw:domain_rename(test, "x", 0) end)
			t.raises("xml", nil, function() raw:domain_define_xml "<domain" end)
		end), "")
	end)

	t.it("tell all connections of the same host", function()
		local one <close> = virt.open "test:///default"
		local other <close> = virt.open "test:///default"
		t.equal(lifecycle_of(other, function()
			local test = one.raw:domain_lookup_by_name "test"
			one.raw:domain_suspend(test)
			one.raw:domain_resume(test)
		end), "suspended paused, resumed unpaused")
	end)

	t.it("begin anew when nobody has them open", function()
		do
			local conn <close> = virt.open "test:///default"
			conn.raw:domain_destroy(conn.raw:domain_lookup_by_name "test")
		end
		local conn <close> = virt.open "test:///default"
		t.equal(conn.raw:domain_lookup_by_name("test").id, 1)
	end)

	t.it("tell of saves", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local test = raw:domain_lookup_by_name "test"
		local path = os.tmpname()
		t.equal(lifecycle_of(conn, function()
			raw:domain_save(test, path)
			raw:domain_restore(path)
			raw:domain_managed_save(test, 0)
			raw:domain_create(test)
		end), "stopped saved, started restored, stopped saved, started booted")
		os.remove(path)
	end)

	-- The transitions of a revert: from what the guest does to what it did in the snapshot.
	t.it("tell of reverts what has changed", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local dom = raw:domain_define_xml(DOMAIN:format("g", ""))
		local function snapshot(name)
			return raw:domain_snapshot_create_xml(dom, ("<domainsnapshot><name>%s</name></domainsnapshot>"):format(name), 0)
		end
		local off = snapshot "off"
		raw:domain_create(dom)
		local running = snapshot "running"
		raw:domain_suspend(dom)
		local paused = snapshot "paused"
		local function revert(snap, revert_flags)
			return lifecycle_of(conn, function() raw:domain_revert_to_snapshot(snap, revert_flags or 0) end)
		end
		t.equal(revert(paused), "")
		t.equal(revert(running), "resumed snapshot")
		t.equal(revert(running), "")
		t.equal(revert(paused), "suspended snapshot")
		t.equal(revert(off), "stopped snapshot")
		t.equal(revert(off), "")
		t.equal(revert(paused), "started snapshot, suspended snapshot")
		t.equal(revert(off), "stopped snapshot")
		t.equal(revert(running), "started snapshot")
		t.equal(revert(running, flags.DOMAIN_SNAPSHOT_REVERT_PAUSED), "suspended snapshot")
		t.equal(revert(paused, flags.DOMAIN_SNAPSHOT_REVERT_RUNNING), "resumed snapshot")
		t.equal(raw:domain_snapshot_current(dom, 0).name, "paused")
		local state = raw:domain_get_state(dom, 0)
		t.equal(state.state, flags.DOMAIN_RUNNING)
		t.equal(lifecycle_of(conn, function()
			raw:domain_snapshot_create_xml(dom, "<domainsnapshot/>", flags.DOMAIN_SNAPSHOT_CREATE_HALT)
		end), "stopped snapshot")
		raw:domain_undefine_flags(dom, flags.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
	end)

	t.it("are not reverted to another machine", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local test = raw:domain_lookup_by_name "test"
		local snap = raw:domain_snapshot_create_xml(test, "<domainsnapshot/>", 0)
		raw:domain_destroy(test)
		raw:domain_set_vcpus_flags(test, 4, flags.DOMAIN_VCPU_MAXIMUM | flags.DOMAIN_AFFECT_CONFIG)
		raw:domain_create(test)
		t.raises("snapshot_revert_risky", nil, function() raw:domain_revert_to_snapshot(snap, 0) end)
		t.equal(lifecycle_of(conn, function()
			raw:domain_revert_to_snapshot(snap, flags.DOMAIN_SNAPSHOT_REVERT_FORCE)
		end), "stopped snapshot, started snapshot")
		t.equal(raw:domain_get_vcpus_flags(test, flags.DOMAIN_VCPU_MAXIMUM), 2)
	end)

	t.it("tell of metadata and devices", function()
		local conn <close> = virt.open "test:///default"
		local raw = conn.raw
		local seen = {}
		local metadata = raw:on("metadata_change", function(event)
			seen[#seen + 1] = ("metadata %d %s"):format(event.type, tostring(event.nsuri))
		end)
		local device = raw:on("node_device_event_lifecycle", function(event)
			seen[#seen + 1] = ("device %s %d"):format(event.dev.name, event.event)
		end)
		local test = raw:domain_lookup_by_name "test"
		raw:domain_set_metadata(test, flags.DOMAIN_METADATA_TITLE, "a title", nil, nil, 0)
		raw:domain_set_metadata(test, flags.DOMAIN_METADATA_ELEMENT, "<a/>", "k", "http://x", 0)
		local made = raw:node_device_create_xml([[<device><parent>scsi_host1</parent><capability type='scsi_host'>
			<capability type='fc_host'><wwnn>1111222233334444</wwnn><wwpn>5555222233334444</wwpn></capability>
			</capability></device>]], 0)
		raw:node_device_destroy(made.name)
		while wait.deliver(conn) > 0 do end
		metadata:cancel()
		device:cancel()
		t.equal(table.concat(seen, ", "),
			"metadata 1 nil, metadata 2 http://x, device scsi_host12 0, device scsi_host12 1")
	end)
end)

t.describe("test hosts from files", function()
	local node = "<node xmlns:test='" .. TEST_SPACE .. "'>%s</node>"

	t.it("have guests in all states", function()
		local text = node:format(table.concat {
			DOMAIN:format("off", "<test:runstate>5</test:runstate>"),
			DOMAIN:format("passing", "<test:transient/>"),
			DOMAIN:format("paused", "<test:runstate>3</test:runstate>"),
			DOMAIN:format("saved", "<test:hasmanagedsave/><test:runstate>5</test:runstate>"),
			"<!-- a comment with <domain> in it -->",
			"<cpu><mhz>6000</mhz><model>x86</model><active>3</active><nodes>1</nodes><sockets>1</sockets>",
			"<cores>4</cores><threads>1</threads></cpu><memory>5000</memory>",
		})
		with_file(text, function(path)
			local conn <close> = virt.open("test://" .. path)
			local raw = conn.raw
			local function state(name)
				local dom = raw:domain_lookup_by_name(name)
				return ("%d %d %d"):format(raw:domain_get_state(dom, 0).state, raw:domain_is_persistent(dom),
					raw:domain_has_managed_save_image(dom, 0))
			end
			t.equal(state "off", "5 1 0")
			t.equal(state "passing", "1 0 0")
			t.equal(state "paused", "3 1 0")
			t.equal(state "saved", "5 1 1")
			t.ok(not raw:domain_get_xml_desc(raw:domain_lookup_by_name "saved", 0):find("test:", 1, true))
			local info = raw:node_get_info()
			t.equal(("%s %d %d %d"):format(info.model, info.cpus, info.mhz, info.memory), "x86 3 6000 5000")
		end)
	end)

	t.it("have snapshots", function()
		local snapshot = "<test:domainsnapshot><name>%s</name><creationTime>%d</creationTime><state>shutoff</state>"
			.. "%s</test:domainsnapshot>"
		local text = node:format(DOMAIN:format("g", "<test:runstate>5</test:runstate>"
			.. snapshot:format("a", 1, "") .. snapshot:format("b", 2, "<parent><name>a</name></parent><active>1</active>")))
		with_file(text, function(path)
			local conn <close> = virt.open("test://" .. path)
			local raw = conn.raw
			local dom = raw:domain_lookup_by_name "g"
			local current = raw:domain_snapshot_current(dom, 0)
			t.equal(current.name, "b")
			t.equal(raw:domain_snapshot_get_parent(current, 0).name, "a")
			t.raises("snapshot_revert_risky", nil, function() raw:domain_revert_to_snapshot(current, 0) end)
		end)
	end)

	t.it("may be in several files", function()
		with_file(DOMAIN:format("inner", ""), function(inner)
			with_file(("<node><domain file='%s'/></node>"):format(inner), function(path)
				local conn <close> = virt.open("test://" .. path)
				t.equal(conn.raw:domain_lookup_by_name("inner").id, 1)
			end)
			local name = inner:match "[^/]*$"
			with_file(("<node><domain file='%s'/></node>"):format(name), function(path)
				local conn <close> = virt.open("test://" .. path)
				t.equal(conn.raw:domain_lookup_by_name("inner").id, 1)
			end)
		end)
	end)

	t.it("let in whom they name", function()
		local text = "<node><auth><user password='secret'>root</user><user>guest</user></auth></node>"
		with_file(text, function(path)
			for _, who in ipairs { "", "root@localhost", "root:wrong@localhost", "nobody@localhost", "root:secre@localhost" } do
				t.raises("auth_failed", nil, function() virt.open("test://" .. who .. path) end)
			end
			for _, who in ipairs { "root:secret@localhost", "guest@localhost", "guest:x@localhost" } do
				virt.open("test://" .. who .. path):close()
			end
		end)
	end)

	t.it("say what is wrong with them", function()
		for _, case in ipairs {
			{ "", "empty" },
			{ "<nod/>", "expecting root element of 'node', not 'nod'" },
			{ "<node>", "does not end" },
			{ "<node><domain></node></domain>", "line 1" },
			{ "<node>\n<domain/>\n</node><x/>", "more than one root" },
			{ "<!DOCTYPE x><node/>", "document type" },
			{ "<node><cpu><mhz>fast</mhz></cpu></node>", "invalid node cpu mhz value" },
			{ "<node><memory>-1</memory></node>", "invalid node memory value" },
			{ "<node><auth><user/></auth></node>", "missing username" },
			{ "<node><domain/></node>", "domain" },
			{ "<node><domain file='/nonexistent.xml'/></node>", "/nonexistent.xml" },
			{ node:format(DOMAIN:format("g", "<test:runstate>99</test:runstate>")), "out of range" },
			{ node:format(DOMAIN:format("g", "<test:runstate>5</test:runstate><test:transient/>")), "transient" },
			{ node:format(DOMAIN:format("g", "<test:hasmanagedsave/>")), "managedsave" },
			{ node:format(DOMAIN:format("g", "") .. DOMAIN:format("g", "")), "already exists" },
		} do
			with_file(case[1], function(path)
				local ok, err = pcall(virt.open, "test://" .. path)
				t.ok(not ok, case[1] .. " was read")
				t.ok(tostring(err):find(case[2], 1, true), ("%s: %s"):format(case[1], tostring(err)))
			end)
		end
		t.raises("xml", nil, function() virt.open "test:///nonexistent" end)
		t.raises("invalid_arg", nil, function() virt.open "test:///" end)
	end)

	t.it("do not share what they hold", function()
		with_file("<node>" .. DOMAIN:format("g", "") .. "</node>", function(path)
			local one <close> = virt.open("test://" .. path)
			local other <close> = virt.open("test://" .. path)
			one.raw:domain_destroy(one.raw:domain_lookup_by_name "g")
			t.equal(other.raw:domain_lookup_by_name("g").id, 1)
		end)
	end)
end)

t.finish()
