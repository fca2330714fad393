/* The kernel's vhost-net moves the packets between the rings and the tap; the control queue stays with us. The kernel
 * does not filter, so CTRL_RX commands are answered but the guest may get more than it asked for, as the specification
 * allows; CTRL_VLAN is not offered. */
#include "engine/kvm/virtio/net.h"

#include <errno.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

static int set_backend(struct mv_net_pair *p, int fd)
{
	for (unsigned ring = 0; ring < MV_VHOST_RINGS; ring++) {
		struct vhost_vring_file file = { .index = ring, .fd = fd };

		if (ioctl(p->vhost.fd, VHOST_NET_SET_BACKEND, &file) < 0)
			return -errno;
	}
	return 0;
}

static int start_pair(struct mv_net_pair *p, uint64_t features, struct mv_error **err)
{
	int rc;

	if (mv_vhost_start(&p->vhost, &p->net->v, 2 * p->index, MV_VHOST_RINGS, features, err) < 0)
		return -1;
	rc = set_backend(p, p->fd);
	if (rc < 0)
		return mv_error_set_errno(err, -rc, "Cannot connect vhost-net and tap for queue pair %u of '%s'",
					  p->index, p->net->v.dev.id);
	mv_vhost_kick(&p->vhost);
	return 0;
}

int mv_net_vhost_start(struct mv_net *n, struct mv_error **err)
{
	/* Without MQ there is one pair, and queue 2 is the control queue. */
	unsigned pairs = mv_virtio_has(&n->v, MV_NET_F_MQ) ? n->pair_count : 1;

	for (unsigned i = 0; i < pairs; i++) {
		struct mv_net_pair *p = &n->pairs[i];

		if (!p->rx_queue->enabled || !p->tx_queue->enabled || p->rx_queue->broken || p->tx_queue->broken)
			continue;
		if (start_pair(p, n->v.features & p->vhost.features, err) < 0) {
			mv_net_vhost_stop(n);
			return -1;
		}
	}
	return 0;
}

void mv_net_vhost_stop(struct mv_net *n)
{
	for (unsigned i = 0; i < n->pair_count; i++) {
		struct mv_net_pair *p = &n->pairs[i];

		if (!p->vhost.ring_count)
			continue;
		set_backend(p, VHOST_FILE_UNBIND);
		mv_vhost_stop(&p->vhost);
	}
}
