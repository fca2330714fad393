/* Making and ending the network device, and its statistics. */
#include "engine/kvm/virtio/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/kvm/virtio/devices.h"

#define MIN_MTU 68

static int check_spec(const char *id, const struct mv_net_spec *s, struct mv_error **err)
{
	if (s->pairs < 1 || s->pairs > MV_MAX_QUEUES)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The network device '%s' has %u queue pairs; 1 to %u are possible.", id, s->pairs,
				    MV_MAX_QUEUES);
	if (s->vhost_fds && s->vhost_count != s->pairs)
		return mv_error_set(
			err, MV_ERR_INVALID_ARG,
			"The network device '%s' has %u vhost descriptors for %u queue pairs; it needs one for each.",
			id, s->vhost_count, s->pairs);
	if (s->queue_size < 2 || s->queue_size > MV_QUEUE_MAX_SIZE || s->queue_size & (s->queue_size - 1))
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The queue size %u of the network device '%s' is not a power of two from 2 to %u.",
				    s->queue_size, id, MV_QUEUE_MAX_SIZE);
	if (s->mac[0] & 1)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The MAC address of the network device '%s' is a multicast address.", id);
	if (s->mtu && s->mtu < MIN_MTU)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The MTU %u of the network device '%s' is less than %u.",
				    s->mtu, id, MIN_MTU);
	return 0;
}

static uint64_t offered_features(const struct mv_net *n, const struct mv_net_spec *s, uint64_t vhost_features)
{
	uint64_t f = MV_NET_BIT(MV_NET_F_MAC) | MV_NET_BIT(MV_NET_F_STATUS) | MV_NET_BIT(MV_NET_F_MRG_RXBUF) |
		MV_NET_BIT(MV_NET_F_CTRL_VQ) | MV_NET_BIT(MV_NET_F_CTRL_RX) | MV_NET_BIT(MV_NET_F_CTRL_RX_EXTRA) |
		MV_NET_BIT(MV_NET_F_CTRL_VLAN) | MV_NET_BIT(MV_NET_F_CTRL_MAC_ADDR) |
		MV_NET_BIT(MV_NET_F_GUEST_ANNOUNCE);

	if (n->mtu)
		f |= MV_NET_BIT(MV_NET_F_MTU);
	if (n->pair_count > 1)
		f |= MV_NET_BIT(MV_NET_F_MQ);
	if (s->offloads) {
		uint64_t offloads = n->backend->features(s->tap_fds[0]);

		f |= offloads;
		if (offloads & MV_NET_GUEST_OFFLOADS)
			f |= MV_NET_BIT(MV_NET_F_CTRL_GUEST_OFFLOADS);
	}
	if (n->vhost) {
		f &= ~MV_NET_BIT(MV_NET_F_CTRL_VLAN);
		if (!(vhost_features & MV_NET_BIT(MV_NET_F_MRG_RXBUF)))
			f &= ~MV_NET_BIT(MV_NET_F_MRG_RXBUF);
	}
	return f;
}

static int create_pairs(struct mv_net *n, struct mv_error **err)
{
	n->pairs = calloc(n->pair_count, sizeof(*n->pairs));
	if (!n->pairs)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %u queue pairs.", n->pair_count);
	for (unsigned i = 0; i < n->pair_count; i++) {
		struct mv_net_pair *p = &n->pairs[i];

		*p = (struct mv_net_pair){ .net = n, .index = i, .fd = -1, .vhost = { .fd = -1, .error_fd = -1 } };
		p->window.overflow = malloc(MV_NET_MAX_PACKET);
		if (!p->window.overflow)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for queue pair %u.", i);
	}
	return 0;
}

static int init_transport(struct mv_net *n, const struct mv_device_spec *spec, struct mv_error **err)
{
	uint16_t sizes[2 * MV_MAX_QUEUES + 1];

	for (unsigned i = 0; i < 2 * n->pair_count; i++)
		sizes[i] = (uint16_t)spec->net.queue_size;
	sizes[2 * n->pair_count] = MV_NET_CTRL_SIZE;
	if (mv_virtio_init(&n->v, n->vhost ? &mv_net_vhost_ops : &mv_net_ops, spec->slot, !n->vhost,
			   2 * n->pair_count + 1, sizes, err) < 0)
		return -1;
	for (unsigned i = 0; i < n->pair_count; i++) {
		n->pairs[i].rx_queue = &n->v.queues[2 * i];
		n->pairs[i].tx_queue = &n->v.queues[2 * i + 1];
	}
	return 0;
}

static int net_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	const struct mv_net_spec *s = &spec->net;
	const uint64_t vhost_needs = MV_NET_BIT(MV_VIRTIO_F_VERSION_1) | MV_NET_BIT(MV_VIRTIO_F_EVENT_IDX) |
		MV_NET_BIT(MV_VIRTIO_F_INDIRECT_DESC);
	struct mv_net *n = (struct mv_net *)d;
	uint64_t vhost_features = 0;

	if (!n->backend)
		n->backend = &mv_net_tap;
	if (check_spec(d->id, s, err) < 0)
		return -1;
	n->pair_count = s->pairs;
	n->vhost = s->vhost_fds != NULL;
	n->mtu = s->mtu;
	memcpy(n->configured_mac, s->mac, sizeof(n->mac));
	memcpy(n->mac, s->mac, sizeof(n->mac));
	if (create_pairs(n, err) < 0)
		return -1;
	for (unsigned i = 0; i < n->pair_count; i++) {
		if (n->backend->prepare(s->tap_fds[i], d->id, i, n->pair_count, err) < 0)
			return -1;
		if (s->vhost_fds &&
		    mv_vhost_open(s->vhost_fds[i], "/dev/vhost-net", d->machine->memory, vhost_needs, &vhost_features,
				  err) < 0)
			return -1;
		n->pairs[i].vhost.features = vhost_features;
	}
	n->v.offered = offered_features(n, s, vhost_features);
	if (init_transport(n, spec, err) < 0)
		return -1;
	/* Nothing fails from here on: the descriptors are ours. */
	for (unsigned i = 0; i < n->pair_count; i++) {
		n->pairs[i].fd = s->tap_fds[i];
		n->pairs[i].steered = true;
		if (s->vhost_fds)
			n->pairs[i].vhost.fd = s->vhost_fds[i];
	}
	n->active_pairs = (uint16_t)n->pair_count;
	mv_net_ops.reset(&n->v);
	return 0;
}

static void net_destroy(struct mv_dev *d)
{
	struct mv_net *n = (struct mv_net *)d;

	mv_virtio_release(&n->v);
	for (unsigned i = 0; i < n->pair_count && n->pairs; i++) {
		free(n->pairs[i].window.overflow);
		if (n->pairs[i].fd >= 0)
			close(n->pairs[i].fd);
		if (n->pairs[i].vhost.fd >= 0)
			close(n->pairs[i].vhost.fd);
	}
	free(n->pairs);
}

static void report(struct mv_dev *d, const char *direction, const struct mv_net_counters *c, mv_stat_fn fn,
		   void *opaque)
{
	static const char *const names[] = { "bytes", "pkts", "drop", "errs" };
	const uint64_t values[] = { c->bytes, c->packets, c->drops, c->errors };
	char name[128];

	for (unsigned i = 0; i < MV_ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "net.%s.%s.%s", d->id, direction, names[i]);
		fn(opaque, name, values[i]);
	}
}

static void add(struct mv_net_counters *sum, const struct mv_net_counters *c)
{
	sum->bytes += __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
	sum->packets += __atomic_load_n(&c->packets, __ATOMIC_RELAXED);
	sum->drops += __atomic_load_n(&c->drops, __ATOMIC_RELAXED);
	sum->errors += __atomic_load_n(&c->errors, __ATOMIC_RELAXED);
}

static void net_stats(struct mv_dev *d, mv_stat_fn fn, void *opaque)
{
	struct mv_net *n = (struct mv_net *)d;
	struct mv_net_counters rx = { 0 }, tx = { 0 };

	if (n->vhost)
		return; /* the kernel moves the packets and counts none */
	for (unsigned i = 0; i < n->pair_count; i++) {
		add(&rx, &n->pairs[i].rx);
		add(&tx, &n->pairs[i].tx);
	}
	report(d, "rx", &rx, fn, opaque);
	report(d, "tx", &tx, fn, opaque);
}

const struct mv_dev_ops mv_net_dev_ops = {
	.name = "network device",
	.size = sizeof(struct mv_net),
	.version = 1,
	.create = net_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = net_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
	.stats = net_stats,
};
