-- Devices of domains as Lua tables: what depends on a type has one name, whatever the type is.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local conf = require "moonvisor.core".conf

-- The device as a table, and as XML of that table.
local function both(element, xml)
	local object = conf.parse(element, xml)
	return object, conf.format(element, object)
end

t.describe("devices as tables", function()
	t.it("have a bus, a slot and a port that are the address's", function()
		local disk, xml = both("disk", [[
<disk type='file' device='disk'>
  <source file='/x'/>
  <target dev='sda'/>
  <address type='drive' controller='1' bus='2' target='3' unit='4'/>
</disk>
]])
		t.equal(disk.address.bus, 2)
		t.equal(disk.address.unit, 4)
		t.raises("xml", "address.slot", conf.format, "disk", {
			source = { file = "/x" }, target = { dev = "vda" }, address = { type = "drive", slot = 1 } })
		t.equal(xml, conf.format("disk", { source = { file = "/x" }, target = { dev = "sda" },
			address = { type = "drive", controller = 1, bus = 2, target = 3, unit = 4 } }))
		t.equal(conf.format("disk", { source = { file = "/x" }, target = { dev = "vda" },
			address = { type = "pci", bus = 2, slot = 4 } }), [[
<disk type='file' device='disk'>
  <source file='/x'/>
  <target dev='vda'/>
  <address type='pci' domain='0x0000' bus='0x02' slot='0x04' function='0x0'/>
</disk>
]])
		local input = both("input", "<input type='mouse' bus='usb'><address type='usb' bus='0' port='1.2'/></input>")
		t.equal(input.address.port, "1.2")
		local card = both("smartcard", "<smartcard mode='host'><address type='ccid' controller='0' slot='5'/></smartcard>")
		t.equal(card.address.slot, 5)
	end)

	t.it("of the host have an address that is their type's", function()
		local usb, xml = both("hostdev", [[
<hostdev mode='subsystem' type='usb' managed='no'>
  <source>
    <address bus='1' device='2'/>
  </source>
</hostdev>
]])
		t.equal(usb.source.address.device, 2)
		t.equal(conf.format("hostdev", { type = "usb", source = { address = { bus = 1, device = 2 } } }), xml)
		local pci = conf.format("hostdev", { type = "pci", source = { address = { bus = 1, slot = 2 } } })
		t.equal(conf.parse("hostdev", pci).source.address.slot, 2)
		t.raises("xml", "source.address.bus is not known", conf.format, "hostdev",
			{ type = "mdev", model = "vfio-pci", source = { address = { bus = 1 } } })
	end)

	t.it("say what is wrong with its path and the nearest word", function()
		t.raises("xml", "did you mean 'virtio'", conf.format, "disk",
			{ source = { file = "/x" }, target = { dev = "vda", bus = "virtoi" } })
		t.raises("xml", "target.buss", conf.format, "disk",
			{ source = { file = "/x" }, target = { dev = "vda", buss = "ide" } })
	end)
end)

t.finish()
