/* What an I/O engine implements. Private to engine/image. All slots mandatory. */
#ifndef MV_IMAGE_AIO_ENGINE_H
#define MV_IMAGE_AIO_ENGINE_H

#include "engine/image/aio.h"

#define MV_AIO_MAX_IOV 1024 /* UIO_MAXIOV: more is refused by the kernel */

struct mv_aio_ops {
	const char *name;
	void (*free)(struct mv_aio *aio); /* any thread */
	void (*add_file)(struct mv_aio *aio, struct mv_aio_file *file);
	/* The rest on the attached thread; attach: aio->loop is set. */
	int (*attach)(struct mv_aio *aio, struct mv_error **err);
	void (*detach)(struct mv_aio *aio);
	bool (*start)(struct mv_aio *aio, struct mv_aio_op *op); /* true: complete, op->result is set */
	void (*flush)(struct mv_aio *aio);
	void (*signal)(struct mv_aio *aio, int eventfd);
	void (*again)(struct mv_aio *aio);
	void (*wait)(struct mv_aio *aio); /* for at least one completion; something is in flight */
	int (*watch)(struct mv_aio *aio, struct mv_aio_watch *watch, struct mv_error **err);
	void (*unwatch)(struct mv_aio *aio, struct mv_aio_watch *watch);
};

struct mv_aio_watch {
	struct mv_aio *aio;
	int fd;
	mv_loop_fn fn;
	void *opaque;
	bool armed;             /* io_uring: the kernel holds it */
	bool removed;           /* io_uring: do not arm again */
	struct mv_watch *watch; /* threads */
	struct mv_aio_watch *next;
};

struct mv_aio {
	const struct mv_aio_ops *ops;
	struct mv_loop *loop; /* NULL: not attached */
	unsigned in_flight;   /* submitted and not delivered */
	mv_loop_fn round;
	void *round_opaque;
	struct mv_aio_watch *watches;
};

int mv_aio_uring_create(struct mv_aio **out, struct mv_error **err);
int mv_aio_threads_create(mv_loop_fn setup, void *opaque, struct mv_aio **out, struct mv_error **err);

/* Runs an operation on the calling thread: bytes, 0 or -errno. */
int64_t mv_aio_execute(const struct mv_aio_op *op);

/* Delivers one completion. */
static inline void mv_aio_deliver(struct mv_aio *aio, struct mv_aio_op *op, int64_t result)
{
	aio->in_flight--;
	op->result = result;
	op->done(op);
}

static inline void mv_aio_end_round(struct mv_aio *aio)
{
	if (aio->round)
		aio->round(aio->round_opaque);
}

#endif
