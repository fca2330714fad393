-- Pieces that the devices of a domain share with each other and with other kinds of objects: where a device sits (address),
-- what it is called, when it boots, how a file is labelled, and the options of virtio devices.
return {
	enums = {
		address_type = { "pci", "drive", "virtio-serial", "ccid", "usb", "spapr-vio", "ccw", "virtio-mmio", "isa", "dimm",
			"unassigned" },
		startup_policy = { absent = "default", "mandatory", "requisite", "optional" },
		storage_format = { "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "luks", "cow",
			"qcow", "qcow2", "qed", "vmdk", aliases = { aio = "raw" } },
		virtio_model = { "virtio", "virtio-transitional", "virtio-non-transitional" },
		ip_family = { "ipv4", "ipv6" },
		teaming_type = { "persistent", "transient" },
	},
	structs = {
		-- <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>: a device of the host, or of a pool.
		pci_address = {
			{ attr = "domain", type = "hex", width = 4, max = 0xffffffff, default = 0 },
			{ attr = "bus", type = "hex", width = 2, max = 0xff, default = 0 },
			{ attr = "slot", type = "hex", width = 2, max = 0x1f, default = 0 },
			{ attr = "function", type = "hex", width = 1, max = 7, default = 0, field = "function_" },
			{ attr = "multifunction", type = "tri_onoff" },
		},
		-- Where a device sits in the machine. What the bus, the slot and the port are depends on the type of the address.
		address = {
			{ attr = "type", type = "enum", of = "address_type", required = true },
			{ attr = "domain", type = "hex", width = 4, max = 0xffffffff, by = "type", only = "pci" },
			{ attr = "bus", type = "hex", width = 2, max = 0xff, by = "type", only = "pci" },
			{ attr = "slot", type = "hex", width = 2, max = 0x1f, by = "type", only = "pci" },
			{ attr = "function", type = "hex", width = 1, max = 7, field = "function_", by = "type", only = "pci" },
			{ attr = "multifunction", type = "tri_onoff", by = "type", only = "pci" },
			{ elem = "zpci", struct = "zpci_address", by = "type", only = "pci" },

			{ attr = "controller", type = "uint", default = 0, by = "type", only = { "drive", "virtio-serial", "ccid" } },
			{ attr = "bus", type = "uint", field = "unit_bus", lua = "bus", default = 0, by = "type",
				only = { "drive", "virtio-serial", "usb" } },
			{ attr = "target", type = "uint", default = 0, by = "type", only = "drive" },
			{ attr = "unit", type = "uint", default = 0, by = "type", only = "drive" },
			{ attr = "port", type = "uint", field = "serial_port", lua = "port", default = 0, by = "type", only = "virtio-serial" },
			{ attr = "slot", type = "uint", field = "card_slot", lua = "slot", default = 0, by = "type", only = { "ccid", "dimm" } },
			-- "1.2": the second port of the hub at the first.
			{ attr = "port", type = "string", field = "usb_port", lua = "port", by = "type", only = "usb" },
			{ attr = "base", type = "hex", by = "type", only = "dimm" },

			{ attr = "reg", type = "hex", width = 8, by = "type", only = "spapr-vio" },
			{ attr = "cssid", type = "hex", max = 0xfe, by = "type", only = "ccw" },
			{ attr = "ssid", type = "hex", max = 3, by = "type", only = "ccw" },
			{ attr = "devno", type = "hex", width = 4, max = 0xffff, by = "type", only = "ccw" },
			{ attr = "iobase", type = "hex", max = 0xffff, by = "type", only = "isa" },
			{ attr = "irq", type = "hex", max = 0xf, by = "type", only = "isa" },
			check = "mv_address_check",
		},
		zpci_address = {
			{ attr = "uid", type = "hex", width = 4, max = 0xffff },
			{ attr = "fid", type = "hex", width = 8, max = 0xffffffff },
		},
		device_boot = {
			{ attr = "order", type = "uint", min = 1, required = true },
			{ attr = "loadparm", type = "string" },
			check = "mv_device_boot_check",
		},
		-- A device's option ROM.
		device_rom = {
			{ attr = "enabled", type = "tri_bool" },
			{ attr = "bar", type = "tri_onoff" },
			{ attr = "file", type = "path" },
		},
		-- Two devices that the guest bonds: the one that stays, and the one that leaves before a migration.
		device_teaming = {
			{ attr = "type", type = "enum", of = "teaming_type", required = true },
			{ attr = "persistent", type = "string" },
			check = "mv_device_teaming_check",
		},
		virtio_driver = {
			{ attr = "iommu", type = "tri_onoff" },
			{ attr = "ats", type = "tri_onoff" },
			{ attr = "packed", type = "tri_onoff" },
			{ attr = "page_per_vq", type = "tri_onoff" },
		},
		-- How one file is labelled; the machine's own label is another element.
		device_seclabel = {
			{ attr = "model", type = "string" },
			{ attr = "labelskip", type = "tri_bool", live = true },
			{ attr = "relabel", type = "tri_bool" },
			{ elem = "label", type = "string" },
			check = "mv_device_seclabel_check",
		},
		-- A UNIX socket that somebody else listens on, or that the machine does.
		reconnect = {
			{ attr = "enabled", type = "tri_bool" },
			{ attr = "timeout", type = "uint" },
		},
		ip_address = {
			{ attr = "address", type = "ip", required = true },
			{ attr = "family", type = "enum", of = "ip_family" },
			{ attr = "prefix", type = "uint", max = 128, min = 1 },
			{ attr = "peer", type = "ip" },
			check = "mv_ip_address_check",
		},
	},
}
