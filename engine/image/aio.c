#include "engine/image/aio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/image/aio_engine.h"

int mv_aio_create(enum mv_aio_engine engine, mv_loop_fn setup, void *opaque, struct mv_aio **out, struct mv_error **err)
{
	if (engine == MV_AIO_URING)
		return mv_aio_uring_create(out, err);
	/* Why io_uring cannot be had is nobody's concern here: the threads do the same work. */
	if (engine == MV_AIO_BEST && mv_aio_uring_create(out, NULL) == 0)
		return 0;
	return mv_aio_threads_create(setup, opaque, out, err);
}

void mv_aio_free(struct mv_aio *aio)
{
	if (aio)
		aio->ops->free(aio);
}

const char *mv_aio_engine_name(const struct mv_aio *aio)
{
	return aio->ops->name;
}

void mv_aio_add_file(struct mv_aio *aio, int fd, struct mv_aio_file *file)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	*file = (struct mv_aio_file){ .fd = fd, .index = -1 };
	file->buffered = flags >= 0 && !(flags & O_DIRECT);
	file->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	aio->ops->add_file(aio, file);
}

int mv_aio_attach(struct mv_aio *aio, struct mv_loop *loop, struct mv_error **err)
{
	aio->loop = loop;
	if (aio->ops->attach(aio, err) < 0) {
		aio->loop = NULL;
		return -1;
	}
	return 0;
}

void mv_aio_detach(struct mv_aio *aio)
{
	if (!aio->loop)
		return;
	while (aio->watches)
		mv_aio_unwatch(aio->watches);
	aio->ops->detach(aio);
	aio->loop = NULL;
}

int64_t mv_aio_execute(const struct mv_aio_op *op)
{
	int count = (int)(op->iov_count < MV_AIO_MAX_IOV ? op->iov_count : MV_AIO_MAX_IOV);
	int64_t n;

	do {
		switch (op->kind) {
		case MV_AIO_READ: n = preadv(op->file->fd, op->iov, count, (off_t)op->offset); break;
		case MV_AIO_WRITE:
			n = pwritev2(op->file->fd, op->iov, count, (off_t)op->offset,
				     op->flags & MV_AIO_DURABLE ? RWF_DSYNC : 0);
			break;
		case MV_AIO_SYNC: n = fdatasync(op->file->fd); break;
		default: n = fallocate(op->file->fd, op->mode, (off_t)op->offset, (off_t)op->length); break;
		}
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Most file systems cannot write to the page cache without the risk of waiting, so that io_uring hands such a write to
 * a kernel thread: two context switches for what is a copy of memory. Done here it costs one system call, and what may
 * wait for it are requests to the same disk only. */
static bool write_now(const struct mv_aio_op *op)
{
	return op->kind == MV_AIO_WRITE && !op->flags && op->file->buffered && op->file->regular;
}

bool mv_aio_submit(struct mv_aio *aio, struct mv_aio_op *op)
{
	if (write_now(op)) {
		op->result = mv_aio_execute(op);
		return true;
	}
	aio->in_flight++;
	if (!aio->ops->start(aio, op))
		return false;
	aio->in_flight--;
	return true;
}

void mv_aio_flush(struct mv_aio *aio)
{
	aio->ops->flush(aio);
}

void mv_aio_signal(struct mv_aio *aio, int eventfd)
{
	aio->ops->signal(aio, eventfd);
}

void mv_aio_again(struct mv_aio *aio)
{
	aio->ops->again(aio);
}

void mv_aio_drain(struct mv_aio *aio)
{
	while (aio->in_flight)
		aio->ops->wait(aio);
}

void mv_aio_set_round(struct mv_aio *aio, mv_loop_fn fn, void *opaque)
{
	aio->round = fn;
	aio->round_opaque = opaque;
}

int mv_aio_watch(struct mv_aio *aio, int eventfd, mv_loop_fn fn, void *opaque, struct mv_aio_watch **out,
		 struct mv_error **err)
{
	mv_autofree struct mv_aio_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a watch.");
	*w = (struct mv_aio_watch){ .aio = aio, .fd = eventfd, .fn = fn, .opaque = opaque, .next = aio->watches };
	if (aio->ops->watch(aio, w, err) < 0)
		return -1;
	aio->watches = w;
	*out = mv_steal(w);
	return 0;
}

void mv_aio_unwatch(struct mv_aio_watch *w)
{
	struct mv_aio_watch **link;

	if (!w)
		return;
	w->aio->ops->unwatch(w->aio, w);
	for (link = &w->aio->watches; *link != w; link = &(*link)->next)
		;
	*link = w->next;
	free(w);
}
