/* The control queue: commands of one class and one number each, arguments, and a byte for our answer. A command is done
 * exactly or refused: too short, too long and unknown ones are answered with an error.
 * Source: VIRTIO 1.2, section 5.1.6.5. */
#include "engine/kvm/virtio/net.h"

#include <string.h>

#include "engine/base/bytes.h"

#define CTRL_HEADER 2
#define ACK_OK 0
#define ACK_ERR 1

enum { CLASS_RX, CLASS_MAC, CLASS_VLAN, CLASS_ANNOUNCE, CLASS_MQ, CLASS_GUEST_OFFLOADS };
enum { MAC_TABLE_SET, MAC_ADDR_SET };
enum { VLAN_ADD, VLAN_DEL };

/* Copies exactly the `len` bytes of arguments; false: there are more, or fewer. */
static bool arguments(const struct mv_chain *c, void *buf, size_t len)
{
	return c->readable_bytes == CTRL_HEADER + len && mv_chain_read(c, CTRL_HEADER, buf, len) == len;
}

static bool receive_mode(struct mv_net *n, uint8_t command, const struct mv_chain *c)
{
	struct mv_net_filter *f = &n->filter;
	bool *modes[] = { &f->promiscuous,  &f->all_multicast, &f->all_unicast,
			  &f->no_multicast, &f->no_unicast,    &f->no_broadcast };
	unsigned known = mv_virtio_has(&n->v, MV_NET_F_CTRL_RX_EXTRA) ? MV_ARRAY_SIZE(modes) : 2;
	uint8_t on;

	if (!mv_virtio_has(&n->v, MV_NET_F_CTRL_RX) || command >= known || !arguments(c, &on, sizeof(on)))
		return false;
	*modes[command] = on != 0;
	return true;
}

/* One of the two tables: a count and so many addresses. More than we keep is no error: all of that kind pass then. */
static bool read_table(const struct mv_chain *c, uint64_t *offset, uint8_t (*macs)[6], uint16_t *count, bool *overflow)
{
	uint8_t bytes[4];
	uint64_t entries;

	if (mv_chain_read(c, *offset, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	*offset += sizeof(bytes);
	entries = mv_get_le32(bytes);
	if (entries * 6 > c->readable_bytes - *offset)
		return false;
	*overflow = entries > MV_NET_FILTER_MACS;
	*count = *overflow ? 0 : (uint16_t)entries;
	if (mv_chain_read(c, *offset, macs, (size_t)*count * 6) != (size_t)*count * 6)
		return false;
	*offset += entries * 6;
	return true;
}

static bool mac_table(struct mv_net *n, const struct mv_chain *c)
{
	struct mv_net_filter f = n->filter;
	uint64_t offset = CTRL_HEADER;

	if (!read_table(c, &offset, f.unicast, &f.unicast_count, &f.unicast_overflow) ||
	    !read_table(c, &offset, f.multicast, &f.multicast_count, &f.multicast_overflow) ||
	    offset != c->readable_bytes)
		return false;
	n->filter = f;
	return true;
}

static bool mac(struct mv_net *n, uint8_t command, const struct mv_chain *c)
{
	uint8_t address[6];

	switch (command) {
	case MAC_TABLE_SET: return mv_virtio_has(&n->v, MV_NET_F_CTRL_RX) && mac_table(n, c);
	case MAC_ADDR_SET:
		if (!mv_virtio_has(&n->v, MV_NET_F_CTRL_MAC_ADDR) || !arguments(c, address, sizeof(address)) ||
		    address[0] & 1)
			return false;
		memcpy(n->mac, address, sizeof(n->mac));
		return true;
	default: return false;
	}
}

static bool vlan(struct mv_net *n, uint8_t command, const struct mv_chain *c)
{
	uint8_t bytes[2], *byte;
	unsigned id;

	if (!mv_virtio_has(&n->v, MV_NET_F_CTRL_VLAN) || !arguments(c, bytes, sizeof(bytes)))
		return false;
	id = mv_get_le16(bytes);
	if (id >= MV_NET_VLANS)
		return false;
	byte = &n->filter.vlans[id / 8];
	switch (command) {
	case VLAN_ADD: *byte |= (uint8_t)(1 << id % 8); return true;
	case VLAN_DEL: *byte &= (uint8_t) ~(1 << id % 8); return true;
	default: return false;
	}
}

static bool announce(struct mv_net *n, uint8_t command, const struct mv_chain *c)
{
	if (!mv_virtio_has(&n->v, MV_NET_F_GUEST_ANNOUNCE) || command != 0 || c->readable_bytes != CTRL_HEADER)
		return false;
	n->announce = false;
	return true;
}

static bool multiqueue(struct mv_net *n, uint8_t command, const struct mv_chain *c)
{
	uint8_t bytes[2];
	unsigned pairs;

	if (!mv_virtio_has(&n->v, MV_NET_F_MQ) || command != 0 || !arguments(c, bytes, sizeof(bytes)))
		return false;
	pairs = mv_get_le16(bytes);
	return pairs >= 1 && pairs <= n->pair_count && mv_net_set_pairs(n, pairs) == 0;
}

static bool guest_offloads(struct mv_net *n, uint8_t command, const struct mv_chain *c)
{
	uint8_t bytes[8];
	uint64_t offloads;

	if (!mv_virtio_has(&n->v, MV_NET_F_CTRL_GUEST_OFFLOADS) || command != 0 || !arguments(c, bytes, sizeof(bytes)))
		return false;
	offloads = mv_get_le64(bytes);
	if (offloads & ~(n->v.features & MV_NET_GUEST_OFFLOADS) ||
	    n->backend->set_offloads(n->pairs[0].fd, offloads) < 0)
		return false;
	n->offloads = offloads;
	n->offloads_set = true;
	return true;
}

static bool run_command(struct mv_net *n, const struct mv_chain *c)
{
	uint8_t header[CTRL_HEADER];

	if (mv_chain_read(c, 0, header, sizeof(header)) != sizeof(header))
		return false;
	switch (header[0]) {
	case CLASS_RX: return receive_mode(n, header[1], c);
	case CLASS_MAC: return mac(n, header[1], c);
	case CLASS_VLAN: return vlan(n, header[1], c);
	case CLASS_ANNOUNCE: return announce(n, header[1], c);
	case CLASS_MQ: return multiqueue(n, header[1], c);
	case CLASS_GUEST_OFFLOADS: return guest_offloads(n, header[1], c);
	default: return false;
	}
}

bool mv_net_ctrl_run(struct mv_net *n, unsigned budget)
{
	struct mv_queue *q = &n->v.queues[n->ctrl];
	unsigned done = 0;

	if (!n->ctrl || !n->running || !q->enabled)
		return false;
	while (done < budget) {
		struct mv_chain chain;
		uint8_t ack;
		int got = mv_queue_pop(q, &chain);

		if (got < 0) {
			mv_net_fail(n, q->why);
			return false;
		}
		if (got == 0) {
			if (!mv_queue_enable_notify(q))
				break;
			continue;
		}
		ack = run_command(n, &chain) ? ACK_OK : ACK_ERR;
		mv_queue_push(q, chain.head, (uint32_t)mv_chain_write(&chain, 0, &ack, sizeof(ack)));
		done++;
	}
	if (done)
		mv_virtio_interrupt(&n->v, n->ctrl);
	return done == budget;
}
