-- Network filters (<filter>): rules and references to other filters, whose common order counts. A value may be a
-- variable ("$IP"), so all of them are text; nwfilter_check.c checks the syntax of each.
local function attrs(check, ...)
	local members = { { attr = "match", type = "tri_bool" } }
	local groups = { ... }
	for i = 1, #groups do
		for name in groups[i]:gmatch "%S+" do
			local field = name:gsub("%-", "_")
			members[#members + 1] = { attr = name, type = "string", field = field }
		end
	end
	members[#members + 1] = { attr = "comment", type = "string" }
	members.check = check
	return members
end

local l2 = "srcmacaddr srcmacmask dstmacaddr dstmacmask"
local ip = "srcipaddr srcipmask dstipaddr dstipmask"
local ports = "srcportstart srcportend dstportstart dstportend"
local l3 = "srcmacaddr " .. ip
local more = "srcipfrom srcipto dstipfrom dstipto dscp connlimit-above state ipset ipsetflags"

return {
	enums = {
		nwfilter_action = { "drop", "accept", "reject", "return", "continue" },
		nwfilter_direction = { "in", "out", "inout" },
	},
	structs = {
		nwfilter = {
			{ attr = "name", type = "string", required = true },
			{ attr = "chain", type = "string", default = "root" },
			{ attr = "priority", type = "int", min = -1000, max = 1000 },
			{ elem = "uuid", type = "uuid" },
			{ choice = { rule = "nwfilter_rule", filterref = "nwfilter_ref" }, list = true, field = "entries" },
			check = "mv_nwfilter_check",
		},
		nwfilter_ref = {
			{ attr = "filter", type = "string", required = true },
			{ elem = "parameter", struct = "nwfilter_parameter", list = true, field = "parameters" },
		},
		nwfilter_parameter = {
			{ attr = "name", type = "string", required = true },
			{ attr = "value", type = "string", required = true },
		},
		nwfilter_rule = {
			{ attr = "action", type = "enum", of = "nwfilter_action", required = true },
			{ attr = "direction", type = "enum", of = "nwfilter_direction", required = true },
			{ attr = "priority", type = "int", min = -1000, max = 1000, default = 500 },
			{ attr = "statematch", type = "string" },
			{ choice = {
				["mac"] = "nwfilter_mac", ["vlan"] = "nwfilter_vlan", ["stp"] = "nwfilter_stp", ["arp"] = "nwfilter_arp",
				["rarp"] = "nwfilter_arp", ["ip"] = "nwfilter_ip", ["ipv6"] = "nwfilter_ipv6", ["tcp"] = "nwfilter_tcp",
				["udp"] = "nwfilter_ports", ["sctp"] = "nwfilter_ports", ["icmp"] = "nwfilter_icmp",
				["igmp"] = "nwfilter_l3", ["all"] = "nwfilter_l3", ["esp"] = "nwfilter_l3", ["ah"] = "nwfilter_l3",
				["udplite"] = "nwfilter_l3", ["tcp-ipv6"] = "nwfilter_tcp", ["udp-ipv6"] = "nwfilter_ports",
				["sctp-ipv6"] = "nwfilter_ports", ["icmpv6"] = "nwfilter_icmp", ["all-ipv6"] = "nwfilter_l3",
				["esp-ipv6"] = "nwfilter_l3", ["ah-ipv6"] = "nwfilter_l3", ["udplite-ipv6"] = "nwfilter_l3",
			}, list = true, field = "protocols" },
			check = "mv_nwfilter_rule_check",
		},
		nwfilter_mac = attrs("mv_nwfilter_mac_check", l2, "protocolid"),
		nwfilter_vlan = attrs("mv_nwfilter_vlan_check", l2, "vlanid encap-protocol"),
		nwfilter_stp = attrs("mv_nwfilter_stp_check", "srcmacaddr srcmacmask type flags root-priority root-priority-hi root-address",
			"root-address-mask root-cost root-cost-hi sender-priority sender-priority-hi sender-address",
			"sender-address-mask port port-hi age age-hi max-age max-age-hi hello-time hello-time-hi",
			"forward-delay forward-delay-hi"),
		nwfilter_arp = attrs("mv_nwfilter_arp_check", l2, "hwtype protocoltype opcode arpsrcmacaddr arpdstmacaddr arpsrcipaddr arpsrcipmask",
			"arpdstipaddr arpdstipmask gratuitous"),
		nwfilter_ip = attrs("mv_nwfilter_ip_check", l2, ip, "protocol", ports, "dscp"),
		nwfilter_ipv6 = attrs("mv_nwfilter_ipv6_check", l2, ip, "protocol", ports, "type typeend code codeend"),
		nwfilter_tcp = attrs("mv_nwfilter_tcp_check", l3, more, ports, "option flags"),
		nwfilter_ports = attrs("mv_nwfilter_ports_check", l3, more, ports),
		nwfilter_icmp = attrs("mv_nwfilter_icmp_check", l3, more, "type code"),
		nwfilter_l3 = attrs("mv_nwfilter_l3_check", l3, more),
	},
	root = { struct = "nwfilter", element = "filter", schema = "nwfilter.rng" },
}
