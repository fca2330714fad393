#include "engine/kvm/virtio/vhost.h"

#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/bytes.h"

int mv_vhost_open(int fd, const char *what, const struct mv_memory *memory, uint64_t needed, uint64_t *features,
		  struct mv_error **err)
{
	mv_autofree struct vhost_memory *table = calloc(1,
							sizeof(*table) +
								memory->region_count * sizeof(table->regions[0]));

	if (!table)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the memory table of %s.", what);
	if (ioctl(fd, VHOST_SET_OWNER) < 0)
		return mv_error_set_errno(err, errno, "Cannot take possession of %s", what);
	if (ioctl(fd, VHOST_GET_FEATURES, features) < 0)
		return mv_error_set_errno(err, errno, "Cannot ask %s for its features", what);
	if (needed & ~*features)
		return mv_error_set(err, MV_ERR_NO_SUPPORT,
				    "The host kernel's %s is too old: it lacks the features 0x%llx.", what,
				    (unsigned long long)(needed & ~*features));
	table->nregions = memory->region_count;
	for (unsigned i = 0; i < memory->region_count; i++) {
		table->regions[i].guest_phys_addr = memory->regions[i].gpa;
		table->regions[i].memory_size = memory->regions[i].size;
		table->regions[i].userspace_addr = (uintptr_t)memory->regions[i].host;
	}
	if (ioctl(fd, VHOST_SET_MEM_TABLE, table) < 0)
		return mv_error_set_errno(err, errno, "Cannot tell %s where guest memory is", what);
	return 0;
}

/* The kernel wants the guest interrupted, and cannot do it itself because the queue has no MSI-X vector. */
static void on_call(void *opaque, uint32_t events)
{
	struct mv_vhost_ring *r = opaque;
	struct mv_virtio *v = r->vhost->v;
	eventfd_t count;

	(void)events;
	if (eventfd_read(r->call_fd, &count) < 0)
		return;
	/* The kernel has looked already whether the guest wants it; we don't know how far it was signalled. */
	v->queues[r->queue].signalled_valid = false;
	mv_virtio_interrupt(v, r->queue);
}

static void on_error(void *opaque, uint32_t events)
{
	struct mv_vhost *h = opaque;
	eventfd_t count;

	(void)events;
	if (eventfd_read(h->error_fd, &count) == 0)
		mv_virtio_needs_reset(h->v, "the kernel's vhost worker found a queue that breaks the rules");
}

static int set_file(struct mv_vhost *h, unsigned long request, unsigned ring, int fd)
{
	struct vhost_vring_file file = { .index = ring, .fd = fd };

	return ioctl(h->fd, request, &file);
}

static int start_ring(struct mv_vhost *h, unsigned ring, struct mv_error **err)
{
	struct mv_vhost_ring *r = &h->rings[ring];
	const struct mv_queue *q = &h->v->queues[r->queue];
	struct vhost_vring_state size = { .index = ring, .num = q->size };
	struct vhost_vring_state base = { .index = ring, .num = q->last_avail };
	struct vhost_vring_addr addr = {
		.index = ring,
		.desc_user_addr = (uintptr_t)q->desc_ptr,
		.avail_user_addr = (uintptr_t)q->avail_ptr,
		.used_user_addr = (uintptr_t)q->used_ptr,
		.log_guest_addr = q->used,
	};
	int call = mv_virtio_call_fd(h->v, r->queue);

	if (call < 0) {
		r->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r->call_fd < 0)
			return mv_error_set_errno(err, errno, "Cannot create an eventfd for queue %u", r->queue);
		if (mv_watch_add(h->v->loop, r->call_fd, EPOLLIN, on_call, r, &r->watch, err) < 0)
			return -1;
		call = r->call_fd;
	}
	if (ioctl(h->fd, VHOST_SET_VRING_NUM, &size) < 0 || ioctl(h->fd, VHOST_SET_VRING_BASE, &base) < 0 ||
	    ioctl(h->fd, VHOST_SET_VRING_ADDR, &addr) < 0 || set_file(h, VHOST_SET_VRING_ERR, ring, h->error_fd) < 0 ||
	    set_file(h, VHOST_SET_VRING_CALL, ring, call) < 0 ||
	    set_file(h, VHOST_SET_VRING_KICK, ring, mv_virtio_kick_fd(h->v, r->queue)) < 0)
		return mv_error_set_errno(err, errno, "Cannot give queue %u of '%s' to the kernel's vhost worker",
					  r->queue, h->v->dev.id);
	return 0;
}

static void release(struct mv_vhost *h)
{
	for (unsigned i = 0; i < h->ring_count; i++) {
		struct mv_vhost_ring *r = &h->rings[i];

		set_file(h, VHOST_SET_VRING_KICK, i, VHOST_FILE_UNBIND);
		set_file(h, VHOST_SET_VRING_CALL, i, VHOST_FILE_UNBIND);
		set_file(h, VHOST_SET_VRING_ERR, i, VHOST_FILE_UNBIND);
		mv_watch_remove(r->watch);
		r->watch = NULL;
		if (r->call_fd >= 0)
			close(r->call_fd);
		r->call_fd = -1;
	}
	mv_watch_remove(h->error_watch);
	h->error_watch = NULL;
	if (h->error_fd >= 0)
		close(h->error_fd);
	h->error_fd = -1;
	h->ring_count = 0;
}

int mv_vhost_start(struct mv_vhost *h, struct mv_virtio *v, unsigned first_queue, unsigned count, uint64_t features,
		   struct mv_error **err)
{
	h->v = v;
	h->ring_count = count;
	for (unsigned i = 0; i < count; i++)
		h->rings[i] = (struct mv_vhost_ring){ .vhost = h, .queue = first_queue + i, .call_fd = -1 };
	h->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->error_fd < 0) {
		mv_error_set_errno(err, errno, "Cannot create an eventfd for '%s'", v->dev.id);
		goto fail;
	}
	if (mv_watch_add(v->loop, h->error_fd, EPOLLIN, on_error, h, &h->error_watch, err) < 0)
		goto fail;
	if (ioctl(h->fd, VHOST_SET_FEATURES, &features) < 0) {
		mv_error_set_errno(err, errno, "The kernel's vhost refuses the features 0x%llx for '%s'",
				   (unsigned long long)features, v->dev.id);
		goto fail;
	}
	for (unsigned i = 0; i < count; i++) {
		if (start_ring(h, i, err) < 0)
			goto fail;
	}
	return 0;
fail:
	release(h);
	return -1;
}

void mv_vhost_stop(struct mv_vhost *h)
{
	for (unsigned i = 0; i < h->ring_count; i++) {
		struct mv_queue *q = &h->v->queues[h->rings[i].queue];
		struct vhost_vring_state base = { .index = i };

		if (ioctl(h->fd, VHOST_GET_VRING_BASE, &base) == 0)
			q->last_avail = (uint16_t)base.num;
		/* A used ring is two flags and the index, which only the device writes: what the kernel has put there.
		 */
		q->used_index = mv_get_le16((const uint8_t *)q->used_ptr + 2);
		q->signalled_valid = false;
	}
	release(h);
}

void mv_vhost_kick(struct mv_vhost *h)
{
	for (unsigned i = 0; i < h->ring_count; i++)
		eventfd_write(mv_virtio_kick_fd(h->v, h->rings[i].queue), 1);
}
