/* Transmitting: packets are written to the tap straight from guest memory. The tap's own checks of the header (which it
 * copies once) are all that is needed: what it refuses is dropped, and every chain is given back. */
#include "engine/kvm/virtio/net.h"

#include <errno.h>
#include <limits.h>

#define MIN_PACKET (MV_NET_HEADER + 14) /* an Ethernet header */

/* However long a chain the guest makes, one system call takes it. */
_Static_assert(MV_QUEUE_MAX_SIZE <= IOV_MAX, "a chain may have more segments than writev() takes");

/* False: the tap takes nothing now. In all other cases the chain is done with. */
static bool send_packet(struct mv_net_pair *p, const struct mv_chain *chain)
{
	ssize_t n;

	if (chain->readable_bytes < MIN_PACKET || chain->readable_bytes > MV_NET_MAX_PACKET) {
		mv_net_count(&p->tx.errors, 1);
		return true;
	}
	do {
		n = writev(p->fd, chain->iov, (int)chain->readable);
	} while (n < 0 && errno == EINTR);
	if (n >= 0) {
		mv_net_count(&p->tx.packets, 1);
		mv_net_count(&p->tx.bytes, chain->readable_bytes - MV_NET_HEADER);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		if (p->watch)
			return false;
		mv_net_count(&p->tx.drops, 1);
		return true;
	case EIO: /* the interface is down */
	case ENOBUFS:
	case ENOMEM: mv_net_count(&p->tx.drops, 1); return true;
	default: /* EINVAL: a header that makes no sense */ mv_net_count(&p->tx.errors, 1); return true;
	}
}

static void wait_until_writable(struct mv_net_pair *p)
{
	p->blocked = true;
	mv_watch_set_events(p->watch, EPOLLIN | EPOLLOUT | EPOLLET);
}

bool mv_net_tx_run(struct mv_net_pair *p, unsigned budget)
{
	struct mv_queue *q = p->tx_queue;
	unsigned done = 0;
	int got = 0;

	if (p->blocked || !q->enabled)
		return false;
	mv_queue_disable_notify(q);
	while (done < budget) {
		struct mv_chain chain;

		got = mv_queue_pop(q, &chain);
		if (got < 0) {
			mv_net_fail(p->net, q->why);
			return false;
		}
		if (got == 0)
			break;
		if (!send_packet(p, &chain)) {
			mv_queue_unpop(q);
			wait_until_writable(p);
			got = 0;
			break;
		}
		mv_queue_push(q, chain.head, 0);
		done++;
	}
	if (done)
		mv_virtio_interrupt(&p->net->v, 2 * p->index + 1);
	return got > 0;
}

bool mv_net_tx_wait(struct mv_net_pair *p)
{
	return !p->blocked && p->tx_queue->enabled && mv_queue_enable_notify(p->tx_queue);
}
