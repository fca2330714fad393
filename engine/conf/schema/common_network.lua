-- Pieces of XML that networks, network ports and the interfaces of domains share.
return {
	enums = {
		virtualport_type = { "802.1Qbg", "802.1Qbh", "openvswitch", "midonet" },
		vlan_native_mode = { "tagged", "untagged" },
		mac_table_manager = { "kernel", "libvirt" },
		pci_driver = { "kvm", "vfio" },
		link_state = { "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up" },
		lease_unit = { "seconds", "minutes", "hours" },
	},
	structs = {
		virtualport = {
			{ attr = "type", type = "enum", of = "virtualport_type" },
			{ elem = "parameters", struct = "virtualport_parameters", drop_empty = true },
			check = "mv_virtualport_check",
		},
		virtualport_parameters = {
			{ attr = "managerid", type = "uint", max = 255, field = "manager_id" },
			{ attr = "typeid", type = "uint", max = 0xffffff, field = "type_id" },
			{ attr = "typeidversion", type = "uint", max = 255, field = "type_id_version" },
			{ attr = "instanceid", type = "uuid", field = "instance_id" },
			{ attr = "interfaceid", type = "uuid", field = "interface_id" },
			{ attr = "profileid", type = "string", field = "profile_id" },
		},
		-- Rates in KiB/s, burst in KiB.
		bandwidth = {
			{ attr = "classID", type = "uint", field = "class_id", live = true },
			{ elem = "inbound", struct = "bandwidth_rate" },
			{ elem = "outbound", struct = "bandwidth_rate" },
		},
		bandwidth_rate = {
			{ attr = "average", type = "u64" },
			{ attr = "peak", type = "u64" },
			{ attr = "floor", type = "u64" },
			{ attr = "burst", type = "u64" },
			check = "mv_bandwidth_rate_check",
		},
		vlan = {
			{ attr = "trunk", type = "tri_bool" },
			{ elem = "tag", struct = "vlan_tag", list = true, field = "tags" },
			check = "mv_vlan_check",
		},
		vlan_tag = {
			{ attr = "id", type = "uint", required = true, max = 4095 },
			{ attr = "nativeMode", type = "enum", of = "vlan_native_mode" },
		},
		port_options = {
			{ attr = "isolated", type = "tri_bool" },
		},
		link = {
			{ attr = "speed", type = "uint" },
			{ attr = "state", type = "enum", of = "link_state" },
		},
	},
}
