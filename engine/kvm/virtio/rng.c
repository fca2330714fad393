/* virtio-rng (VIRTIO 1.2, section 5.4): fills the guest's buffers from a file. */
#include <errno.h>
#include <unistd.h>

#include "engine/kvm/virtio/devices.h"
#include "engine/kvm/virtio/virtio.h"

#define DEVICE_ID 4
#define QUEUE_SIZE 64
/* The device shares the main loop with others, so one turn reads no more than this, into no more chains than the queue
 * holds. A larger buffer is returned partly filled, which the specification allows (at least one byte). */
#define TURN_BYTES (64 * 1024)

struct rng {
	struct mv_virtio v;
	int fd; /* owned once created */
	bool created;
};

/* Fills up to `limit` bytes of the chain. The number of bytes, or -errno when the source gives none. */
static ssize_t fill(struct rng *r, const struct mv_chain *c, size_t limit)
{
	const struct iovec *iov = c->iov + c->readable;
	size_t done = 0;

	for (unsigned i = 0; i < c->writable && done < limit; i++) {
		size_t want = iov[i].iov_len < limit - done ? iov[i].iov_len : limit - done;
		ssize_t n;

		do
			n = read(r->fd, iov[i].iov_base, want);
		while (n < 0 && errno == EINTR);
		if (n <= 0 && !done)
			return n < 0 ? -errno : -ENODATA;
		if (n <= 0)
			break;
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}

static void rng_notify(struct mv_virtio *v, unsigned index)
{
	struct rng *r = (struct rng *)v;
	struct mv_queue *q = &v->queues[index];
	size_t left = TURN_BYTES;
	struct mv_chain c;

	for (unsigned chains = 0; left && chains < q->size && mv_queue_pop(q, &c) == 1; chains++) {
		ssize_t n = fill(r, &c, left);

		if (n < 0) {
			mv_virtio_needs_reset(v, "its source of randomness gives nothing");
			break;
		}
		mv_queue_push(q, c.head, (uint32_t)n);
		left -= (size_t)n;
	}
	mv_virtio_interrupt(v, index);
	/* Whatever came meanwhile, or is beyond the limit, waits for another turn. */
	if (mv_queue_enable_notify(q))
		mv_virtio_notify_again(v, index);
}

static void rng_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	(void)v;
	(void)offset;
	(void)buf;
	(void)len;
}

static int rng_activate(struct mv_virtio *v, struct mv_error **err)
{
	(void)v;
	(void)err;
	return 0;
}

/* Nothing outlives a call of notify. */
static void rng_reset(struct mv_virtio *v)
{
	(void)v;
}

static const struct mv_virtio_ops rng_ops = {
	.device_id = DEVICE_ID,
	.class_code = 0x108000, /* encryption controller, other */
	.config_size = 0,
	.config_read = rng_config_read,
	.activate = rng_activate,
	.reset = rng_reset,
	.notify = rng_notify,
};

static int rng_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct rng *r = (struct rng *)d;
	const uint16_t sizes[] = { QUEUE_SIZE };

	if (mv_virtio_init(&r->v, &rng_ops, spec->slot, false, 1, sizes, err) < 0)
		return -1;
	r->fd = spec->rng.fd;
	r->created = true;
	return 0;
}

static void rng_destroy(struct mv_dev *d)
{
	struct rng *r = (struct rng *)d;

	mv_virtio_release(&r->v);
	if (r->created)
		close(r->fd);
}

const struct mv_dev_ops mv_rng_dev_ops = {
	.name = "virtio-rng",
	.size = sizeof(struct rng),
	.version = 1,
	.create = rng_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = rng_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
};
