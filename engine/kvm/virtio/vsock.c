/* The socket device: the kernel's vhost-vsock carries the data; the event queue is ours, to tell a restored guest that
 * the connections it remembers are gone. Source: VIRTIO 1.2, section 5.10. */
#include <errno.h>
#include <linux/vhost.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/devices.h"
#include "engine/kvm/virtio/vhost.h"

#define DEVICE_ID 19
#define CLASS_OTHER_COMMUNICATION 0x078000
#define CONFIG_SIZE 8
#define QUEUES 3
#define EVENT_QUEUE 2
#define QUEUE_SIZE 128
#define EVENT_TRANSPORT_RESET 0
#define F_SEQPACKET 1
#define FIRST_CID 3 /* lower numbers name the hypervisor, the host and the guest itself */
#define LAST_CID UINT64_C(0xfffffffe)

struct vsock {
	struct mv_virtio v; /* first */
	uint64_t cid;
	struct mv_vhost vhost;
	struct mv_watch *event_watch;
	bool reset_event; /* to be sent when the guest has a buffer for it */
};

static struct vsock *vsock_of(struct mv_virtio *v)
{
	return (struct vsock *)v;
}

static void vsock_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	uint8_t config[CONFIG_SIZE];

	mv_put_le64(config, vsock_of(v)->cid);
	memcpy(buf, config + offset, len);
}

static void send_event(struct vsock *s)
{
	struct mv_queue *q = &s->v.queues[EVENT_QUEUE];
	uint8_t event[4];
	struct mv_chain chain;

	mv_put_le32(event, EVENT_TRANSPORT_RESET);
	while (s->reset_event) {
		int got = mv_queue_pop(q, &chain);

		if (got < 0) {
			mv_virtio_needs_reset(&s->v, q->why);
			return;
		}
		if (got == 0) {
			if (!mv_queue_enable_notify(q))
				return; /* the guest's notification brings us back */
			continue;
		}
		s->reset_event = chain.writable_bytes < sizeof(event);
		mv_queue_push(q, chain.head, (uint32_t)mv_chain_write(&chain, 0, event, sizeof(event)));
		mv_virtio_interrupt(&s->v, EVENT_QUEUE);
	}
}

static void on_event_kick(void *opaque, uint32_t events)
{
	struct vsock *s = opaque;
	eventfd_t count;

	(void)events;
	eventfd_read(mv_virtio_kick_fd(&s->v, EVENT_QUEUE), &count);
	send_event(s);
}

static int set_running(struct vsock *s, int on)
{
	return ioctl(s->vhost.fd, VHOST_VSOCK_SET_RUNNING, &on) < 0 ? -errno : 0;
}

static void stop(struct vsock *s)
{
	mv_watch_remove(s->event_watch);
	s->event_watch = NULL;
	if (!s->vhost.ring_count)
		return;
	set_running(s, 0);
	mv_vhost_stop(&s->vhost);
}

static int start(struct vsock *s, struct mv_error **err)
{
	int rc;

	if (s->v.queues[0].broken || s->v.queues[1].broken)
		return 0; /* until reset */
	if (!s->v.queues[0].enabled || !s->v.queues[1].enabled)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "The guest's driver did not set up the queues of '%s'.", s->v.dev.id);
	if (mv_vhost_start(&s->vhost, &s->v, 0, MV_VHOST_RINGS, s->v.features & s->vhost.features, err) < 0)
		return -1;
	rc = set_running(s, 1);
	if (rc < 0) {
		mv_error_set_errno(err, -rc, "Cannot start the kernel's vhost-vsock for '%s'", s->v.dev.id);
		stop(s);
		return -1;
	}
	if (mv_watch_add(s->v.loop, mv_virtio_kick_fd(&s->v, EVENT_QUEUE), EPOLLIN, on_event_kick, s, &s->event_watch,
			 err) < 0) {
		stop(s);
		return -1;
	}
	mv_vhost_kick(&s->vhost);
	send_event(s);
	return 0;
}

static int vsock_activate(struct mv_virtio *v, struct mv_error **err)
{
	/* After loading, it is resume that starts the work. */
	return v->paused ? 0 : start(vsock_of(v), err);
}

static void vsock_reset(struct mv_virtio *v)
{
	stop(vsock_of(v));
	vsock_of(v)->reset_event = false;
}

static void vsock_pause(struct mv_virtio *v)
{
	stop(vsock_of(v));
}

static void vsock_resume(struct mv_virtio *v)
{
	struct mv_error *err = NULL;

	if (start(vsock_of(v), &err) == 0)
		return;
	mv_virtio_needs_reset(v, err->message);
	mv_error_free(err);
}

static void vsock_state(struct mv_virtio *v, struct mv_state *st)
{
	/* The host's ends of the guest's connections are not in a save image. */
	if (mv_state_loading(st))
		vsock_of(v)->reset_event = true;
}

static const struct mv_virtio_ops vsock_ops = {
	.device_id = DEVICE_ID,
	.class_code = CLASS_OTHER_COMMUNICATION,
	.config_size = CONFIG_SIZE,
	.config_read = vsock_config_read,
	.activate = vsock_activate,
	.reset = vsock_reset,
	.pause = vsock_pause,
	.resume = vsock_resume,
	.state = vsock_state,
};

static int set_cid(int fd, const char *id, uint64_t cid, struct mv_error **err)
{
	if (cid < FIRST_CID || cid > LAST_CID)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The context id %llu of the socket device '%s' is not between %d and %llu.",
				    (unsigned long long)cid, id, FIRST_CID, (unsigned long long)LAST_CID);
	if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return mv_error_set(err, MV_ERR_RESOURCE_BUSY,
				    "The context id %llu of the socket device '%s' is in use by another guest.",
				    (unsigned long long)cid, id);
	return mv_error_set_errno(err, errno, "Cannot give the context id %llu to the socket device '%s'",
				  (unsigned long long)cid, id);
}

static int vsock_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	static const uint16_t sizes[QUEUES] = { QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE };
	const uint64_t needed = UINT64_C(1) << MV_VIRTIO_F_VERSION_1 | UINT64_C(1) << MV_VIRTIO_F_EVENT_IDX |
		UINT64_C(1) << MV_VIRTIO_F_INDIRECT_DESC;
	struct vsock *s = (struct vsock *)d;
	int fd = spec->vsock.vhost_fd;

	s->vhost.fd = s->vhost.error_fd = -1;
	s->cid = spec->vsock.cid;
	if (mv_vhost_open(fd, "/dev/vhost-vsock", d->machine->memory, needed, &s->vhost.features, err) < 0 ||
	    set_cid(fd, d->id, s->cid, err) < 0)
		return -1;
	s->v.offered = s->vhost.features & UINT64_C(1) << F_SEQPACKET;
	if (mv_virtio_init(&s->v, &vsock_ops, spec->slot, false, QUEUES, sizes, err) < 0)
		return -1;
	s->vhost.fd = fd; /* ours from here on */
	return 0;
}

static void vsock_destroy(struct mv_dev *d)
{
	struct vsock *s = (struct vsock *)d;

	mv_virtio_release(&s->v);
	if (s->vhost.fd >= 0)
		close(s->vhost.fd);
}

const struct mv_dev_ops mv_vsock_dev_ops = {
	.name = "socket device",
	.size = sizeof(struct vsock),
	.version = 1,
	.create = vsock_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = vsock_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
};
