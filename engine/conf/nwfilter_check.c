/* Network filters: the order of their chains, and the syntax of what rules compare with. */
#define MV_ERROR_DOMAIN MV_FROM_NWFILTER
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/nwfilter_def.h"
#include "conf/nwfilterbinding_def.h"
#include "engine/conf/check.h"
#include "engine/conf/uuid.h"

/* Chains are named after what they see: "ipv4-special". A filter in the chain "root" is there at once. */
static const struct {
	const char *prefix;
	int priority;
} chains[] = { { "stp", -810 },  { "mac", -800 }, { "vlan", -750 }, { "ipv4", -700 },
	       { "ipv6", -600 }, { "arp", -500 }, { "rarp", -400 } };

enum syntax { TEXT, MAC, IP, MASK, NUMBER, PROTOCOL, ETHERTYPE, OPCODE, BOOLEAN, STATES, TCP_FLAGS, SET_FLAGS };

static const struct attribute {
	const char *name;
	enum syntax syntax;
	unsigned max; /* of numbers */
} attributes[] = {
	{ "srcmacaddr", MAC, 0 },
	{ "srcmacmask", MAC, 0 },
	{ "dstmacaddr", MAC, 0 },
	{ "dstmacmask", MAC, 0 },
	{ "arpsrcmacaddr", MAC, 0 },
	{ "arpdstmacaddr", MAC, 0 },
	{ "root-address", MAC, 0 },
	{ "root-address-mask", MAC, 0 },
	{ "sender-address", MAC, 0 },
	{ "sender-address-mask", MAC, 0 },
	{ "srcipaddr", IP, 0 },
	{ "dstipaddr", IP, 0 },
	{ "srcipfrom", IP, 0 },
	{ "srcipto", IP, 0 },
	{ "dstipfrom", IP, 0 },
	{ "dstipto", IP, 0 },
	{ "arpsrcipaddr", IP, 0 },
	{ "arpdstipaddr", IP, 0 },
	{ "srcipmask", MASK, 128 },
	{ "dstipmask", MASK, 128 },
	{ "arpsrcipmask", MASK, 32 },
	{ "arpdstipmask", MASK, 32 },
	{ "protocolid", ETHERTYPE, 0xffff },
	{ "encap-protocol", ETHERTYPE, 0xffff },
	{ "vlanid", NUMBER, 4095 },
	{ "protocol", PROTOCOL, 255 },
	{ "dscp", NUMBER, 63 },
	{ "type", NUMBER, 255 },
	{ "typeend", NUMBER, 255 },
	{ "code", NUMBER, 255 },
	{ "codeend", NUMBER, 255 },
	{ "option", NUMBER, 255 },
	{ "root-cost", NUMBER, UINT32_MAX },
	{ "root-cost-hi", NUMBER, UINT32_MAX },
	{ "opcode", OPCODE, 0xffff },
	{ "gratuitous", BOOLEAN, 0 },
	{ "state", STATES, 0 },
	{ "ipset", TEXT, 0 },
	{ "ipsetflags", SET_FLAGS, 0 },
	{ "comment", TEXT, 0 },
	{ NULL, NUMBER, 0xffff }, /* ports, times, priorities: all others */
};

static const char *const protocols[] = { "tcp", "udp", "udplite", "esp", "ah", "icmp", "igmp", "sctp", "icmpv6", NULL };
static const char *const ethertypes[] = { "arp", "rarp", "ipv4", "ipv6", "vlan", NULL };
static const char *const opcodes[] = { "Request",       "Reply",       "Request_Reverse", "Reply_Reverse",
				       "DRARP_Request", "DRARP_Reply", "DRARP_Error",     "InARP_Request",
				       "ARP_NAK",       NULL };
static const char *const booleans[] = { "yes", "no", "true", "false", "1", "0", NULL };
static const char *const states[] = { "NEW", "ESTABLISHED", "RELATED", "INVALID", "NONE", NULL };
static const char *const tcp_flags[] = { "SYN", "ACK", "URG", "PSH", "FIN", "RST", "ALL", "NONE", NULL };
static const char *const set_flags[] = { "src", "dst", NULL };

static bool is_word(const char *text, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && strncasecmp(*words, text, len) == 0)
			return true;
	return false;
}

/* Words with commas between them, up to `end` (NULL: the end of the text). */
static bool are_words(const char *text, const char *end, const char *const *words)
{
	end = end ? end : text + strlen(text);
	while (text <= end) {
		size_t len = strcspn(text, ",");

		len = text + len > end ? (size_t)(end - text) : len;
		if (!is_word(text, len, words))
			return false;
		text += len + 1;
	}
	return true;
}

/* "$NAME", "$NAME[0]", "$NAME[@1]" */
static bool is_variable(const char *text)
{
	size_t len;

	if (*text++ != '$')
		return false;
	text += strspn(text, " ");
	for (len = 0; isalnum((unsigned char)text[len]) || text[len] == '_'; len++)
		;
	if (!len)
		return false;
	text += len;
	if (*text == '[') {
		text += 1 + strspn(text + 1, " ");
		text += *text == '@';
		len = strspn(text, "0123456789");
		text += len + strspn(text + len, " ");
		if (!len || *text++ != ']')
			return false;
	}
	return !text[strspn(text, " ")];
}

static bool is_number(const char *text, unsigned max)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)*text))
		return false;
	value = strtoul(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	return !*end && strlen(text) < 16 && value <= max;
}

static bool is_right(const struct attribute *a, const char *text)
{
	const char *slash = strchr(text, '/');
	struct mv_conf_addr addr;
	uint8_t mac[6];

	if (a->syntax != TEXT && is_variable(text))
		return true;
	switch (a->syntax) {
	case TEXT: return true;
	case MAC: return mv_mac_parse(text, mac) == 0;
	case IP: return mv_conf_addr_parse(text, &addr) == 0;
	case MASK: return is_number(text, a->max) || mv_conf_netmask_prefix(text) >= 0;
	case NUMBER: return is_number(text, a->max);
	case PROTOCOL: return is_number(text, a->max) || is_word(text, strlen(text), protocols);
	case ETHERTYPE: return is_number(text, a->max) || is_word(text, strlen(text), ethertypes);
	case OPCODE: return is_number(text, a->max) || is_word(text, strlen(text), opcodes);
	case BOOLEAN: return is_word(text, strlen(text), booleans);
	case STATES: return are_words(text, NULL, states);
	case TCP_FLAGS: return slash && are_words(text, slash, tcp_flags) && are_words(slash + 1, NULL, tcp_flags);
	case SET_FLAGS: return are_words(text, NULL, set_flags);
	}
	return false;
}

static const struct attribute *attribute_of(const char *name, const struct mv_conf_desc *desc)
{
	static const struct attribute flags = { "flags", TCP_FLAGS, 0 }, stp_flags = { "flags", NUMBER, 255 };
	const struct attribute *a = attributes;

	if (strcmp(name, "flags") == 0)
		return desc == &mv_nwfilter_tcp_desc ? &flags : &stp_flags;
	while (a->name && strcmp(a->name, name) != 0)
		a++;
	return a;
}

/* All attributes are text; the name of each says what may be in it. MAC addresses get their usual form. */
static int check_attributes(const struct mv_conf_desc *desc, void *def, const struct mv_conf_at *at,
			    struct mv_error **err)
{
	for (unsigned i = 0; i < desc->n_members; i++) {
		const struct mv_conf_member *m = &desc->members[i];
		char **text = (char **)((char *)def + m->offset);
		const struct attribute *a;
		char buf[MV_MAC_TEXT];
		uint8_t mac[6];

		if (m->type != MV_CONF_T_STRING || !*text)
			continue;
		a = attribute_of(m->name, desc);
		if (!is_right(a, *text))
			return mv_conf_fail(at, err, MV_ERR_XML, "%s has illegal value %s", m->name, *text);
		if (a->syntax == MAC && mv_mac_parse(*text, mac) == 0 &&
		    mv_conf_set_text(text, mv_mac_format(mac, buf), err) < 0)
			return -1;
	}
	return 0;
}

int mv_nwfilter_mac_check(struct mv_nwfilter_mac_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_mac_desc, def, at, err);
}

int mv_nwfilter_vlan_check(struct mv_nwfilter_vlan_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_vlan_desc, def, at, err);
}

int mv_nwfilter_stp_check(struct mv_nwfilter_stp_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_stp_desc, def, at, err);
}

int mv_nwfilter_arp_check(struct mv_nwfilter_arp_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_arp_desc, def, at, err);
}

int mv_nwfilter_ip_check(struct mv_nwfilter_ip_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_ip_desc, def, at, err);
}

int mv_nwfilter_ipv6_check(struct mv_nwfilter_ipv6_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_ipv6_desc, def, at, err);
}

int mv_nwfilter_tcp_check(struct mv_nwfilter_tcp_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_tcp_desc, def, at, err);
}

int mv_nwfilter_ports_check(struct mv_nwfilter_ports_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_ports_desc, def, at, err);
}

int mv_nwfilter_icmp_check(struct mv_nwfilter_icmp_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_icmp_desc, def, at, err);
}

int mv_nwfilter_l3_check(struct mv_nwfilter_l3_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_attributes(&mv_nwfilter_l3_desc, def, at, err);
}

int mv_nwfilter_rule_check(struct mv_nwfilter_rule_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->n_protocols > 1)
		return mv_conf_fail(at, err, MV_ERR_XML, "a rule compares with one protocol, but %zu are given",
				    def->n_protocols);
	if (def->statematch && strcasecmp(def->statematch, "false") != 0 && strcmp(def->statematch, "0") != 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "statematch is 'false' or '0' or not given, not '%s'",
				    def->statematch);
	return def->statematch ? mv_conf_set_text(&def->statematch, "false", err) : 0;
}

int mv_nwfilter_check(struct mv_nwfilter_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	int found = -1;

	if (mv_conf_check_name(def->name, "filter", at, err) < 0 || mv_conf_complete_uuid(def->uuid, err) < 0)
		return -1;
	if (strcmp(def->chain, "root") == 0)
		return 0;
	for (size_t i = 0; i < MV_ARRAY_SIZE(chains); i++)
		if (strncmp(def->chain, chains[i].prefix, strlen(chains[i].prefix)) == 0)
			found = (int)i;
	if (found < 0)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"Invalid chain name '%s'. Please use a chain name called 'root' or any of the following "
			"prefixes: stp, mac, vlan, ipv4, ipv6, arp, rarp",
			def->chain);
	if (strlen(def->chain) > 12)
		return mv_conf_fail(at, err, MV_ERR_XML, "Name of chain is longer than 12 characters: '%s'",
				    def->chain);
	for (const char *c = def->chain; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.:-", *c))
			return mv_conf_fail(at, err, MV_ERR_XML, "Chain name contains invalid characters: '%s'",
					    def->chain);
	if (!def->has_priority) {
		def->priority = chains[found].priority;
		def->has_priority = true;
	}
	return 0;
}

int mv_nwfilterbinding_check(struct mv_nwfilterbinding_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	static const uint8_t none[6];

	if (!def->owner.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the filter binding has no owner element");
	if (memcmp(def->mac, none, sizeof(none)) == 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "the filter binding has no MAC address element");
	if (!def->filterref.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the filter binding has no filter reference element");
	return 0;
}
