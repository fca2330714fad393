-- Host interfaces (<interface>), the netcf way: an interface holds the interfaces it is made of.
return {
	include = { "common", "common_network" },
	enums = {
		hostif_type = { "ethernet", "bridge", "bond", "vlan", label = "interface type" },
		hostif_start = { "onboot", "none", "hotplug", label = "start mode" },
		bond_mode = { "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
			"balance-alb" },
		bond_carrier = { "ioctl", "netif" },
		bond_validate = { "none", "active", "backup", "all" },
	},
	structs = {
		interface = {
			{ attr = "type", type = "enum", of = "hostif_type", required = true },
			{ attr = "name", type = "string" },
			{ attr = "mode", in_ = "start", type = "enum", of = "hostif_start", field = "start" },
			{ attr = "size", in_ = "mtu", type = "uint", default = 0, quiet = true, field = "mtu" },
			{ elem = "protocol", struct = "hostif_protocol", list = true, field = "protocols", open = true },
			{ elem = "link", struct = "link", drop_empty = true },
			{ attr = "address", in_ = "mac", type = "string", field = "mac", by = "type", only = "ethernet" },
			{ elem = "bridge", struct = "hostif_bridge", pointer = true, open = true, by = "type", only = "bridge" },
			{ elem = "bond", struct = "hostif_bond", pointer = true, open = true, by = "type", only = "bond" },
			{ elem = "vlan", struct = "hostif_vlan", by = "type", only = "vlan" },
			check = "mv_interface_check",
			open = true,
		},
		hostif_protocol = {
			{ attr = "family", type = "enum", of = "ip_family", required = true },
			{ elem = "autoconf", type = "empty" },
			{ elem = "dhcp", struct = "hostif_dhcp" },
			{ elem = "ip", struct = "hostif_ip", list = true, field = "ips" },
			{ attr = "gateway", in_ = "route", type = "ip", field = "gateway" },
			check = "mv_hostif_protocol_check",
		},
		hostif_dhcp = {
			{ attr = "peerdns", type = "tri_bool" },
		},
		hostif_ip = {
			{ attr = "address", type = "ip", required = true },
			{ attr = "prefix", type = "uint", max = 128 },
		},
		hostif_bridge = {
			{ attr = "stp", type = "tri_onoff" },
			{ attr = "delay", type = "string" },
			{ elem = "interface", struct = "interface", list = true, field = "interfaces", open = true },
			check = "mv_hostif_bridge_check",
		},
		hostif_bond = {
			{ attr = "mode", type = "enum", of = "bond_mode" },
			{ elem = "miimon", struct = "bond_miimon" },
			{ elem = "arpmon", struct = "bond_arpmon" },
			{ elem = "interface", struct = "interface", list = true, field = "interfaces", open = true },
			check = "mv_hostif_bond_check",
		},
		bond_miimon = {
			{ attr = "freq", type = "uint", required = true },
			{ attr = "downdelay", type = "uint", field = "down_delay" },
			{ attr = "updelay", type = "uint", field = "up_delay" },
			{ attr = "carrier", type = "enum", of = "bond_carrier" },
		},
		bond_arpmon = {
			{ attr = "interval", type = "uint", required = true },
			{ attr = "target", type = "ip", required = true },
			{ attr = "validate", type = "enum", of = "bond_validate" },
		},
		hostif_vlan = {
			{ attr = "tag", type = "uint", required = true, max = 4095 },
			{ attr = "name", in_ = "interface", type = "string", field = "interface" },
		},
	},
	root = { struct = "interface", element = "interface", schema = "interface.rng" },
}
