-- Bindings of network filters to ports (<filterbinding>).
return {
	include = { "networkport", "nwfilter" },
	structs = {
		nwfilterbinding = {
			{ elem = "owner", struct = "networkport_owner" },
			{ attr = "name", in_ = "portdev", type = "string", field = "portdev", required = true },
			{ attr = "name", in_ = "linkdev", type = "string", field = "linkdev" },
			{ attr = "address", in_ = "mac", type = "mac", field = "mac" },
			{ elem = "filterref", struct = "nwfilter_ref" },
			check = "mv_nwfilterbinding_check",
		},
	},
	root = { struct = "nwfilterbinding", element = "filterbinding", schema = "nwfilterbinding.rng" },
}
