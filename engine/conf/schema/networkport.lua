-- Ports of networks (<networkport>): what a network lends to one interface of a domain.
return {
	include = { "common", "common_network", "network" },
	enums = {
		networkport_plug_type = { "network", "bridge", "direct", "hostdev-pci" },
		macvtap_mode = { "vepa", "private", "bridge", "passthrough" },
	},
	structs = {
		networkport = {
			{ elem = "uuid", type = "uuid" },
			{ elem = "owner", struct = "networkport_owner" },
			{ elem = "group", type = "string" },
			{ attr = "address", in_ = "mac", type = "mac", field = "mac" },
			{ elem = "virtualport", struct = "virtualport" },
			{ elem = "bandwidth", struct = "networkport_bandwidth", drop_empty = true },
			{ elem = "vlan", struct = "vlan" },
			{ elem = "port", struct = "port_options", drop_empty = true },
			{ attr = "trustGuest", in_ = "rxfilters", type = "tri_bool", field = "trust_guest_rx_filters" },
			{ elem = "plug", struct = "networkport_plug" },
			check = "mv_networkport_check",
		},
		networkport_bandwidth = {
			{ attr = "classID", type = "uint", field = "class_id" },
			{ elem = "inbound", struct = "bandwidth_rate" },
			{ elem = "outbound", struct = "bandwidth_rate" },
		},
		networkport_owner = {
			{ elem = "name", type = "string", required = true },
			{ elem = "uuid", type = "uuid", required = true },
		},
		networkport_plug = {
			{ attr = "type", type = "enum", of = "networkport_plug_type", required = true },
			{ attr = "bridge", type = "string", by = "type", only = { "network", "bridge" } },
			{ attr = "macTableManager", type = "enum", of = "mac_table_manager", by = "type", only = { "network", "bridge" } },
			{ attr = "dev", type = "string", by = "type", only = "direct" },
			{ attr = "mode", type = "enum", of = "macvtap_mode", by = "type", only = "direct" },
			{ attr = "managed", type = "tri_bool", by = "type", only = "hostdev-pci" },
			{ elem = "driver", struct = "network_driver", by = "type", only = "hostdev-pci" },
			{ elem = "address", struct = "pci_address", by = "type", only = "hostdev-pci" },
		},
	},
	root = { struct = "networkport", element = "networkport", schema = "networkport.rng" },
}
