-- Configuration objects as Lua tables, and the generator that makes them possible.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local conf = require "moonvisor.core".conf
local virt = require "moonvisor"

local UUID <const> = "c7a5fdbd-edaf-9455-926a-d65c16db1809"

local function domain(more)
	local object = { type = "test", name = "g", uuid = UUID, os = { type = { value = "hvm" } } }
	for key, value in pairs(more or {}) do
		object[key] = value
	end
	return object
end

t.describe("core.conf", function()
	t.it("knows all kinds", function()
		t.equal(table.concat(conf.kinds, " "), "capabilities cpu domain domainbackup domaincaps domaincheckpoint "
			.. "domainsnapshot interface network networkport nodedev nwfilter nwfilterbinding secret storagepool storagevol")
		t.equal(conf.schemas.domain, "domain.rng")
		t.raises("invalid_arg", "no kind of object 'domian'; did you mean 'domain'?", conf.parse, "domian", "<domain/>")
		t.raises("invalid_arg", "flags are validate, live and secure", conf.parse, "secret", "<secret/>", { loud = true })
	end)

	t.it("makes tables of XML and XML of tables", function()
		local xml = [[
<disk type='block' device='disk'>
  <source dev='/dev/sda'/>
  <target dev='vda' bus='virtio'/>
</disk>
]]
		local disk, notes = conf.parse("disk", xml)
		t.equal(disk.type, "block")
		t.equal(disk.source.dev, "/dev/sda")
		t.equal(disk.target.bus, "virtio")
		t.equal(#notes, 0)
		t.equal(conf.format("disk", disk), xml)
	end)

	t.it("tells what it left out", function()
		local _, notes = conf.parse("disk", "<disk type='block'>\n<source dev='/a'/><target dev='vda'/>\n<foo/></disk>")
		t.equal(#notes, 1)
		t.equal(notes[1].line, 3)
		t.equal(notes[1].path, "/disk")
		t.equal(notes[1].message, "line 3: element 'foo' in <disk> is not known and was left out")
		t.raises("xml", "element 'foo' in <disk> is not known", conf.parse, "disk",
			"<disk type='block'><source dev='/a'/><target dev='vda'/><foo/></disk>", { validate = true })
	end)

	t.it("tells what a call left out of the XML it was given", function()
		local conn <close> = virt.open "test:///default"
		local told = {}
		conf.on_note(function(message)
			told[#told + 1] = message
		end)
		local ok, err = pcall(conn.define, conn, "<domain type='test'><name>n</name><memory>1024</memory>\n"
			.. "<os><type>hvm</type></os><devices><disc/>" .. ("<x/>"):rep(150) .. "</devices></domain>")
		conf.on_note(nil)
		t.equal(ok, true, tostring(err))
		t.equal(told[1], "line 2: element 'disc' in <devices> is not known and was left out; did you mean 'disk'?")
		t.equal(#told, 101)
		t.equal(told[101], "51 more like these")
	end)

	t.it("keeps values of every type", function()
		local object = conf.parse("domain", ([[
<domain type='kvm'>
  <name>g</name>
  <uuid>%s</uuid>
  <memory unit='GiB'>2</memory>
  <vcpu cpuset='0-3,^2'>4</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <features><acpi/><apic/></features>
  <devices>
    <interface type='network'><mac address='52:54:00:01:02:03'/><source network='n'/></interface>
    <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/>
      <address type='drive' controller='0' bus='1' target='0' unit='0'/></disk>
  </devices>
</domain>]]):format(UUID))
		t.equal(object.uuid, UUID)
		t.equal(object.memory.size or object.memory.value, 2 << 20)
		t.equal(object.vcpu.cpuset, "0-1,3")
		t.equal(object.features.acpi, true)
		t.equal(object.devices.interfaces[1].mac, "52:54:00:01:02:03")
		t.equal(object.devices.disks[1].read_only, true)
		t.equal(object.devices.disks[1].address.bus, 1)
		local again = conf.parse("domain", conf.format("domain", object))
		t.equal(again, object)
	end)

	t.it("says where a table is wrong", function()
		local function wrong(message, object)
			t.raises("xml", message, conf.format, "domain", object)
		end
		wrong("^devicez is not known; did you mean 'devices'%?$", domain { devicez = {} })
		wrong("^devices is not a table but a string$", domain { devices = "none" })
		wrong("^devices.disks%[2%].target.buss is not known; did you mean 'bus'%?$",
			domain { devices = { disks = { { type = "file", device = "cdrom", target = { dev = "hda" } },
				{ type = "file", target = { buss = "ide" } } } } })
		wrong("^devices.disks%[1%].target.bus 'virtoi' is not known; did you mean 'virtio'%? one of: ide, ",
			domain { devices = { disks = { { type = "file", target = { dev = "hda", bus = "virtoi" } } } } })
		wrong("^name is not a string but a number$", { type = "test", name = 5 })
		wrong("^type is missing$", { name = "g" })
		wrong("^devices.disks is not a sequence$", domain { devices = { disks = { type = "file" } } })
		wrong("^has a key that is a number$", domain { "x" })
		wrong("^name has a zero byte in it$", { type = "test", name = "a\0b" })
		wrong("^metadata", domain { metadata = 1 })
		wrong("not one element <metadata>", domain { metadata = "<a/>" })
	end)

	t.it("takes sizes with units", function()
		local volume = { name = "v", capacity = "2 GiB" }
		t.equal(conf.format("storagevol", volume):match "<capacity unit='bytes'>(%d+)<", tostring(2 << 30))
		volume.capacity = 4096
		t.equal(conf.format("storagevol", volume):match "<capacity unit='bytes'>(%d+)<", "4096")
		volume.capacity = "2 zork"
		t.raises("xml", "^capacity '2' has the unit 'zork', which is not known", conf.format, "storagevol", volume)
	end)

	t.it("keeps the order of different elements", function()
		local filter = { name = "a", uuid = UUID, entries = { { filterref = { filter = "x" } },
			{ rule = { action = "drop", direction = "in" } }, { filterref = { filter = "y" } } } }
		local xml = conf.format("nwfilter", filter)
		t.equal(xml:match "'x'.*<rule.*'y'" ~= nil, true)
		local read = conf.parse("nwfilter", xml)
		t.equal(#read.entries, 3)
		t.equal(read.entries[3].filterref.filter, "y")
		filter.entries[2] = { rul = {} }
		t.raises("xml", "^entries%[2%].rul is not known; did you mean 'rule'%?$", conf.format, "nwfilter", filter)
		filter.entries[2] = {}
		t.raises("xml", "^entries%[2%] is not a table with one field", conf.format, "nwfilter", filter)
	end)
end)

-- --- the generator ---------------------------------------------------------------------------------------------------

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))

-- What the generator says to a schema.
local function generate(schema)
	local path = folder .. "/thing.lua"
	local file = assert(io.open(path, "w"))
	assert(file:write("return ", schema, "\n"))
	file:close()
	local pipe = assert(io.popen(("lua5.4 engine/conf/gen.lua %s %s 2>&1"):format(folder, path)))
	local text = pipe:read "a"
	return pipe:close() == true, text
end

t.describe("engine/conf/gen.lua", function()
	t.it("makes a header and tables", function()
		local ok, text = generate [[{ enums = { e = { "a", "none" } }, structs = { thing = {
			{ attr = "x", type = "enum", of = "e" }, { elem = "twoWords", type = "size", unit = "KiB" } } } }]]
		t.equal(text, "")
		t.equal(ok, true)
		local header = assert(io.open(folder .. "/thing_def.h")):read "a"
		for _, piece in ipairs { "MV_E_NONE,", "MV_E_A,", "MV_E_NONE_,",
			"struct mv_thing_def {\n\tbool present;\n\tenum mv_e x;",
			"bool has_two_words;\n\tuint64_t two_words;" } do
			t.equal(header:find(piece, 1, true) ~= nil, true, piece)
		end
	end)

	t.it("refuses what is wrong in a schema, and says where", function()
		local cases = {
			["struct thing: member 1 %(x%): the member has an unknown key 'tpye'"] = '{ attr = "x", tpye = "int" }',
			["member 1 %(x%): the type 'itn' is not known"] = '{ attr = "x", type = "itn" }',
			["member 1 %(x%): there is no struct 'gone'"] = '{ elem = "x", struct = "gone" }',
			["member 1 %(x%): there is no enum 'gone'"] = '{ attr = "x", type = "enum", of = "gone" }',
			["member 2 %(x%): the field 'x' is there twice"] = '{ attr = "x", type = "int" }, { elem = "x", type = "int" }',
			["'int' is not possible in C"] = '{ attr = "int", type = "int" }',
			["a size needs unit"] = '{ attr = "x", type = "size" }',
			["the default of a number is an integer"] = '{ attr = "x", type = "int", default = "1" }',
			["contains itself; make one member pointer = true"] = '{ elem = "x", struct = "thing" }',
			["`only`, but no structure that uses this one says `by`"] = '{ attr = "x", type = "int", only = "a" }',
			["a member has one of attr, elem, text and choice"] = '{ type = "int" }',
		}
		for message, members in pairs(cases) do
			local ok, text = generate("{ structs = { thing = { " .. members .. " } } }")
			t.equal(ok, false, message)
			t.equal(text:find(message) ~= nil, true, message .. "\n" .. text)
		end
		local ok, text = generate "{ structz = {} }"
		t.equal(ok, false)
		t.equal(text:find "the file has an unknown key 'structz'" ~= nil, true, text)
	end)
end)

t.finish()
os.execute("rm -r " .. folder)
