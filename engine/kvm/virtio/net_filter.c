/* Which frames the guest wants. A tap brings all that the host's bridge sends its way, so what the guest did not ask
 * for is left out here (with vhost the kernel does not look, and the guest gets more than it asked for, as it must
 * expect). */
#include "engine/kvm/virtio/net.h"

#include <string.h>

#define ETHERTYPE_VLAN 0x8100

void mv_net_filter_reset(struct mv_net_filter *f)
{
	memset(f, 0, sizeof(*f));
	f->promiscuous = true;
}

bool mv_net_filter_open(const struct mv_net *n)
{
	return n->filter.promiscuous && !mv_virtio_has(&n->v, MV_NET_F_CTRL_VLAN);
}

static bool vlan_passes(const struct mv_net_filter *f, const uint8_t *frame)
{
	unsigned id;

	if ((frame[12] << 8 | frame[13]) != ETHERTYPE_VLAN)
		return true;
	id = (frame[14] << 8 | frame[15]) & (MV_NET_VLANS - 1);
	return f->vlans[id / 8] >> id % 8 & 1;
}

static bool listed(const uint8_t (*macs)[6], unsigned count, const uint8_t *mac)
{
	for (unsigned i = 0; i < count; i++) {
		if (!memcmp(macs[i], mac, 6))
			return true;
	}
	return false;
}

bool mv_net_filter_passes(const struct mv_net *n, const uint8_t *frame)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct mv_net_filter *f = &n->filter;

	if (mv_virtio_has(&n->v, MV_NET_F_CTRL_VLAN) && !vlan_passes(f, frame))
		return false;
	if (f->promiscuous)
		return true;
	if (!memcmp(frame, broadcast, sizeof(broadcast)))
		return !f->no_broadcast;
	if (frame[0] & 1) {
		if (f->no_multicast)
			return false;
		return f->all_multicast || f->multicast_overflow || listed(f->multicast, f->multicast_count, frame);
	}
	if (f->no_unicast)
		return false;
	return f->all_unicast || f->unicast_overflow || !memcmp(n->mac, frame, sizeof(n->mac)) ||
		listed(f->unicast, f->unicast_count, frame);
}

void mv_net_filter_state(struct mv_net_filter *f, struct mv_state *st, uint16_t tag)
{
	mv_state_bool(st, tag, &f->promiscuous);
	mv_state_bool(st, tag + 1, &f->all_multicast);
	mv_state_bool(st, tag + 2, &f->all_unicast);
	mv_state_bool(st, tag + 3, &f->no_multicast);
	mv_state_bool(st, tag + 4, &f->no_unicast);
	mv_state_bool(st, tag + 5, &f->no_broadcast);
	mv_state_u16(st, tag + 6, &f->unicast_count);
	mv_state_u16(st, tag + 7, &f->multicast_count);
	mv_state_bool(st, tag + 8, &f->unicast_overflow);
	mv_state_bool(st, tag + 9, &f->multicast_overflow);
	mv_state_bytes(st, tag + 10, f->unicast, sizeof(f->unicast));
	mv_state_bytes(st, tag + 11, f->multicast, sizeof(f->multicast));
	mv_state_bytes(st, tag + 12, f->vlans, sizeof(f->vlans));
	if (f->unicast_count > MV_NET_FILTER_MACS || f->multicast_count > MV_NET_FILTER_MACS) {
		mv_state_fail(st,
			      "The receive filter has %u unicast and %u multicast addresses; at most %u are possible.",
			      f->unicast_count, f->multicast_count, MV_NET_FILTER_MACS);
		f->unicast_count = f->multicast_count = 0;
	}
}
