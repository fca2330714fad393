/* Asynchronous file I/O for one thread: operations on open descriptors are submitted and complete on the thread that an
 * engine is attached to. Two engines: io_uring, and a few helper threads where io_uring is forbidden or too old. Image
 * formats are built on this; devices use mv_image (image.h) and watch their eventfds here. */
#ifndef MV_IMAGE_AIO_H
#define MV_IMAGE_AIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"

struct mv_aio;
struct mv_aio_watch;

enum mv_aio_engine {
	MV_AIO_BEST, /* io_uring, else threads */
	MV_AIO_URING,
	MV_AIO_THREADS,
};

/* An open file as the engine knows it; filled by mv_aio_add_file(). */
struct mv_aio_file {
	int fd;        /* borrowed */
	int index;     /* in the engine's table of registered files; -1: not in it */
	bool buffered; /* goes through the page cache: cached data is there at once */
	bool regular;
	bool blind; /* its file system cannot tell what is cached (RWF_NOWAIT) */
};

enum mv_aio_kind {
	MV_AIO_READ,     /* iov at offset; result: bytes, short at the end of the file */
	MV_AIO_WRITE,    /* the same */
	MV_AIO_SYNC,     /* fdatasync */
	MV_AIO_ALLOCATE, /* fallocate(mode, offset, length) */
};

#define MV_AIO_DURABLE 1 /* write: on stable storage when it completes */
#define MV_AIO_BEHIND 2  /* one of a long series: must not run before mv_aio_submit() returns */

/* One operation; memory of the caller, who leaves it and what it points to alone until it has completed. */
struct mv_aio_op {
	uint8_t kind; /* enum mv_aio_kind */
	uint8_t flags;
	int mode;
	struct mv_aio_file *file;
	uint64_t offset;
	uint64_t length;
	const struct iovec *iov; /* of more than 1024 entries only so many are used: a short transfer */
	unsigned iov_count;
	int64_t result;                     /* bytes, 0, or -errno */
	void (*done)(struct mv_aio_op *op); /* on the attached thread; may submit */
	struct mv_aio_op *next;             /* private */
};

/* Makes an engine that belongs to no thread yet. Helper threads call `setup` (optional) first of all: the sandbox of
 * their kind. MV_ERR_SYSTEM with ENOSYS, EPERM, ... when MV_AIO_URING is asked for and cannot be had. Any thread. */
int mv_aio_create(enum mv_aio_engine engine, mv_loop_fn setup, void *opaque, struct mv_aio **out,
		  struct mv_error **err);
/* Detached, nothing in flight; any thread. NULL is accepted. */
void mv_aio_free(struct mv_aio *aio);
const char *mv_aio_engine_name(const struct mv_aio *aio); /* "io_uring" or "threads" */

/* Makes a descriptor (borrowed) known. Before the first attach. */
void mv_aio_add_file(struct mv_aio *aio, int fd, struct mv_aio_file *file);

/* From here on operations complete, and watches fire, while the calling thread runs `loop`. An engine is attached to
 * the same thread each time. */
int mv_aio_attach(struct mv_aio *aio, struct mv_loop *loop, struct mv_error **err);
/* Nothing may be in flight; watches left over are removed. Does nothing when not attached. */
void mv_aio_detach(struct mv_aio *aio);

/* Everything below: on the attached thread. */

/* Starts an operation, now or with the next wait of the loop. True: it is complete already, op->result is set and
 * op->done is not called. */
bool mv_aio_submit(struct mv_aio *aio, struct mv_aio_op *op);
/* Starts what was submitted and delivers what completes without waiting: what is in the page cache. */
void mv_aio_flush(struct mv_aio *aio);
/* Writes 1 to an eventfd (borrowed, non-blocking) at the latest when the loop waits next, or at the next
 * mv_aio_flush(): an interrupt that costs no system call of its own. */
void mv_aio_signal(struct mv_aio *aio, int eventfd);
/* Waits until nothing is in flight, delivering completions. */
void mv_aio_drain(struct mv_aio *aio);

/* fn is called after each round of deliveries (completions, watches), so that what they have in common is done once. */
void mv_aio_set_round(struct mv_aio *aio, mv_loop_fn fn, void *opaque);
/* There will be another round soon, whether or not anything is delivered; the loop's own events come before it. For
 * somebody with more to do than should be done at a time. */
void mv_aio_again(struct mv_aio *aio);

/* fn runs when somebody wrote to the eventfd (borrowed). Its count is of no meaning afterwards: the engine may or may
 * not have read it. */
int mv_aio_watch(struct mv_aio *aio, int eventfd, mv_loop_fn fn, void *opaque, struct mv_aio_watch **out,
		 struct mv_error **err);
/* NULL is accepted. Must come before the eventfd is closed; not from within a callback of the engine. */
void mv_aio_unwatch(struct mv_aio_watch *watch);

#endif
