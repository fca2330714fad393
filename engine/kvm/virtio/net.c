/* The network device's life: activation, pause, reset, state; which pair works when. It is made in net_dev.c, packets
 * are moved in net_rx.c and net_tx.c. */
#include "engine/kvm/virtio/net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/base/bytes.h"

#define DEVICE_ID 1
#define CLASS_ETHERNET 0x020000
#define CONFIG_SIZE 12 /* up to and including mtu */
#define STATUS_LINK_UP 1
#define STATUS_ANNOUNCE 2

/* Packets in one direction before the other has its turn; turns before other work of this thread has its own. */
#define BATCH 64
#define ROUNDS 16

static struct mv_net *net_of(struct mv_virtio *v)
{
	return (struct mv_net *)v;
}

/* Moves packets while there are some in either direction, so that a stream costs no wait between them. */
static void run_pair(struct mv_net_pair *p)
{
	unsigned round = 0;

	while (p->net->running && !p->net->vhost) {
		bool more = mv_net_tx_run(p, BATCH);

		more |= mv_net_rx_run(p, BATCH);
		/* Only now may the guest notify again: each time it does, it leaves its vCPU. */
		if (!more && !mv_net_tx_wait(p))
			return;
		if (++round == ROUNDS) {
			mv_virtio_notify_again(&p->net->v, 2 * p->index + !p->rx_queue->enabled);
			return;
		}
	}
}

static void run_ctrl(struct mv_net *n)
{
	if (mv_net_ctrl_run(n, BATCH))
		mv_virtio_notify_again(&n->v, n->ctrl);
}

static void on_ctrl_kick(void *opaque, uint32_t events)
{
	struct mv_net *n = opaque;
	eventfd_t count;

	(void)events;
	eventfd_read(mv_virtio_kick_fd(&n->v, n->ctrl), &count);
	run_ctrl(n);
}

static void on_tap(void *opaque, uint32_t events)
{
	struct mv_net_pair *p = opaque;

	if (events & EPOLLOUT && p->blocked) {
		p->blocked = false;
		mv_watch_set_events(p->watch, EPOLLIN | EPOLLET);
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		p->readable = true;
	run_pair(p);
}

void mv_net_fail(struct mv_net *n, const char *why)
{
	n->running = false;
	if (n->failed)
		return;
	n->failed = true;
	mv_virtio_needs_reset(&n->v, why);
}

static void unwatch(struct mv_net_pair *p)
{
	mv_watch_remove(p->watch);
	p->watch = NULL;
	p->blocked = false;
}

void mv_net_lost(struct mv_net_pair *p, int errnum)
{
	struct mv_net *n = p->net;
	char text[256];

	/* Packets to send are still taken from the guest, and counted as errors. */
	unwatch(p);
	p->readable = false;
	if (n->link_down)
		return;
	n->link_down = true;
	snprintf(text, sizeof(text), "The tap interface of the network device '%s' is gone: %s.", n->v.dev.id,
		 strerror(errnum));
	mv_machine_event(n->v.dev.machine, MV_EVENT_DEVICE, 0, text);
	mv_virtio_config_changed(&n->v);
}

/* Edge triggered: a tap whose packets cannot be taken now does not wake us again, and costs no system call to silence.
 */
static int watch(struct mv_net_pair *p, struct mv_error **err)
{
	p->readable = true;
	if (p->watch || p->net->vhost)
		return 0;
	return mv_watch_add(p->net->v.loop, p->fd, EPOLLIN | EPOLLET, on_tap, p, &p->watch, err);
}

static int steer(struct mv_net_pair *p, bool on)
{
	int rc;

	if (p->steered == on)
		return 0;
	rc = p->net->backend->set_queue(p->fd, on);
	if (rc < 0)
		return rc;
	p->steered = on;
	if (on && p->net->running && watch(p, NULL) < 0) {
		p->net->backend->set_queue(p->fd, false);
		p->steered = false;
		return -ENOMEM;
	}
	if (!on) {
		/* What this pair was waiting for will not come any more. */
		mv_net_rx_stop(p);
		unwatch(p);
	}
	return 0;
}

int mv_net_set_pairs(struct mv_net *n, unsigned pairs)
{
	for (unsigned i = n->active_pairs; i < pairs; i++) {
		int rc = steer(&n->pairs[i], true);

		if (rc < 0) {
			while (i-- > n->active_pairs)
				steer(&n->pairs[i], false);
			return rc;
		}
	}
	for (unsigned i = pairs; i < n->active_pairs; i++)
		steer(&n->pairs[i], false);
	n->active_pairs = (uint16_t)pairs;
	for (unsigned i = 0; i < pairs; i++)
		run_pair(&n->pairs[i]);
	return 0;
}

static void net_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	struct mv_net *n = net_of(v);
	uint8_t config[CONFIG_SIZE];

	memcpy(config, n->mac, sizeof(n->mac));
	mv_put_le16(config + 6, (n->link_down ? 0 : STATUS_LINK_UP) | (n->announce ? STATUS_ANNOUNCE : 0));
	mv_put_le16(config + 8, (uint16_t)n->pair_count);
	mv_put_le16(config + 10, n->mtu);
	memcpy(buf, config + offset, len);
}

static void stop(struct mv_net *n)
{
	n->running = false;
	if (n->vhost)
		mv_net_vhost_stop(n);
	mv_watch_remove(n->ctrl_watch);
	n->ctrl_watch = NULL;
	for (unsigned i = 0; i < n->pair_count; i++) {
		mv_net_rx_stop(&n->pairs[i]);
		unwatch(&n->pairs[i]);
	}
}

static int watch_all(struct mv_net *n, struct mv_error **err)
{
	if (n->vhost && n->ctrl && !n->ctrl_watch &&
	    mv_watch_add(n->v.loop, mv_virtio_kick_fd(&n->v, n->ctrl), EPOLLIN, on_ctrl_kick, n, &n->ctrl_watch, err) <
		    0)
		return -1;
	for (unsigned i = 0; i < n->active_pairs && !n->link_down; i++) {
		if (watch(&n->pairs[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Starts the work on all queues, after activation or a pause. On failure nothing works. */
static int start(struct mv_net *n, struct mv_error **err)
{
	if (n->failed)
		return 0;
	if ((n->vhost && mv_net_vhost_start(n, err) < 0) || watch_all(n, err) < 0) {
		stop(n);
		return -1;
	}
	n->running = true;
	/* The guest may be behind another switch port than when it was saved: let it tell the network. */
	if (n->loaded && mv_virtio_has(&n->v, MV_NET_F_GUEST_ANNOUNCE) && n->ctrl) {
		n->announce = true;
		mv_virtio_config_changed(&n->v);
	}
	n->loaded = false;
	run_ctrl(n);
	for (unsigned i = 0; i < n->pair_count; i++)
		run_pair(&n->pairs[i]);
	return 0;
}

static int net_activate(struct mv_virtio *v, struct mv_error **err)
{
	struct mv_net *n = net_of(v);
	unsigned pairs = n->active_pairs;
	int rc;

	n->ctrl = 0;
	if (mv_virtio_has(v, MV_NET_F_CTRL_VQ))
		n->ctrl = mv_virtio_has(v, MV_NET_F_MQ) ? 2 * n->pair_count : 2;
	if (!n->offloads_set)
		n->offloads = v->features & MV_NET_GUEST_OFFLOADS;
	rc = n->backend->set_offloads(n->pairs[0].fd, n->offloads);
	if (rc < 0)
		return mv_error_set_errno(err, -rc, "Cannot set the offloads of the tap of '%s'", v->dev.id);
	/* From a save image there may be more than one at once. */
	n->active_pairs = 1;
	rc = mv_net_set_pairs(n, pairs);
	if (rc < 0)
		return mv_error_set_errno(err, -rc, "Cannot use %u queues of the tap of '%s'", pairs, v->dev.id);
	if (!n->loaded) {
		for (unsigned i = 0; i < n->pair_count; i++)
			mv_net_rx_discard(&n->pairs[i]);
	}
	/* After loading, it is resume that starts the work. */
	return v->paused ? 0 : start(n, err);
}

static void net_reset(struct mv_virtio *v)
{
	struct mv_net *n = net_of(v);

	if (!n->pairs || n->pairs[0].fd < 0)
		return; /* half-created */
	stop(n);
	for (unsigned i = 0; i < n->pair_count; i++)
		n->pairs[i].window.wanted = 0;
	mv_net_set_pairs(n, 1);
	n->backend->set_offloads(n->pairs[0].fd, 0);
	memcpy(n->mac, n->configured_mac, sizeof(n->mac));
	mv_net_filter_reset(&n->filter);
	n->ctrl = 0;
	n->offloads = 0;
	n->offloads_set = false;
	n->announce = false;
	n->loaded = false;
	n->failed = false;
}

static void net_notify(struct mv_virtio *v, unsigned index)
{
	struct mv_net *n = net_of(v);

	if (n->ctrl && index == n->ctrl)
		run_ctrl(n);
	else if (index / 2 < n->pair_count)
		run_pair(&n->pairs[index / 2]);
}

static void net_pause(struct mv_virtio *v)
{
	stop(net_of(v));
}

static void net_resume(struct mv_virtio *v)
{
	struct mv_net *n = net_of(v);
	struct mv_error *err = NULL;

	if (start(n, &err) == 0)
		return;
	mv_net_fail(n, err->message);
	mv_error_free(err);
}

static void net_state(struct mv_virtio *v, struct mv_state *st)
{
	struct mv_net *n = net_of(v);

	mv_state_bytes(st, 1000, n->mac, sizeof(n->mac));
	mv_state_u16(st, 1001, &n->active_pairs);
	mv_state_u64(st, 1002, &n->offloads);
	mv_state_bool(st, 1003, &n->offloads_set);
	mv_state_bool(st, 1004, &n->announce);
	mv_net_filter_state(&n->filter, st, 1010);
	if (!mv_state_loading(st))
		return;
	n->loaded = true;
	if (n->active_pairs < 1 || n->active_pairs > n->pair_count) {
		mv_state_fail(st, "The network device '%s' was saved with %u active queue pairs; here it has %u.",
			      v->dev.id, n->active_pairs, n->pair_count);
		n->active_pairs = 1;
	}
	if (n->offloads & ~MV_NET_GUEST_OFFLOADS)
		mv_state_fail(st, "The network device '%s' was saved with unknown offloads 0x%llx.", v->dev.id,
			      (unsigned long long)n->offloads);
}

const struct mv_virtio_ops mv_net_ops = {
	.device_id = DEVICE_ID,
	.class_code = CLASS_ETHERNET,
	.config_size = CONFIG_SIZE,
	.config_read = net_config_read,
	.activate = net_activate,
	.reset = net_reset,
	.notify = net_notify,
	.pause = net_pause,
	.resume = net_resume,
	.state = net_state,
};

/* No notify: the kernel watches the queues, and we the control queue. */
const struct mv_virtio_ops mv_net_vhost_ops = {
	.device_id = DEVICE_ID,
	.class_code = CLASS_ETHERNET,
	.config_size = CONFIG_SIZE,
	.config_read = net_config_read,
	.activate = net_activate,
	.reset = net_reset,
	.pause = net_pause,
	.resume = net_resume,
	.state = net_state,
};
