/* The io_uring engine. The thread's only wait is io_uring_enter(): it takes along everything that was submitted, and
 * returns for a completion, for a guest's notification (a poll on the eventfd that stays armed and whose count nobody
 * reads), and for the loop's own events (a poll on the epoll descriptor). So a batch of requests costs one system call
 * to start and one to wait, however many there are. */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/image/aio_engine.h"

#define SQ_ENTRIES 64
#define CQ_ENTRIES 256
/* Completions in the kernel never exceed the completion queue: watches and control requests have the rest. */
#define MAX_IN_KERNEL (CQ_ENTRIES - 80)
#define MAX_FILES 8

/* The low bits of user_data say what completed. */
#define TAG_MASK 7UL
#define TAG_OP 0UL
#define TAG_WATCH 1UL
#define TAG_LOOP 2UL
#define TAG_IGNORE 3UL
#define TAG_PROBE 4UL
#define TAG_SIGNAL 5UL /* with the descriptor above it */
#define TAG_BITS 3

struct uring {
	struct mv_aio aio; /* first */
	struct io_uring ring;
	bool enabled;
	bool silent; /* success can go without a completion */
	bool again;  /* the next wait must not block */
	bool loop_armed;
	bool loop_ready;
	bool probed;
	bool rearm; /* some watch could not be armed again */
	unsigned files;
	unsigned in_kernel;
	struct mv_aio_op *backlog; /* submitted while the ring was full */
	struct mv_aio_op **backlog_tail;
};

static struct uring *uring_of(struct mv_aio *aio)
{
	return (struct uring *)aio;
}

/* A free submission entry. NULL only when the kernel takes none: it is short of memory, or the completion queue is
 * full. */
static struct io_uring_sqe *get_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) {
		io_uring_submit(&u->ring);
		sqe = io_uring_get_sqe(&u->ring);
	}
	return sqe;
}

static void prepare_rw(struct io_uring_sqe *sqe, const struct mv_aio_op *op, int fd)
{
	bool read = op->kind == MV_AIO_READ;

	if (op->iov_count == 1) {
		/* A length beyond 32 bits is a short transfer like any other. */
		size_t len = op->iov->iov_len < INT32_MAX ? op->iov->iov_len : INT32_MAX & ~4095;

		if (read)
			io_uring_prep_read(sqe, fd, op->iov->iov_base, (unsigned)len, op->offset);
		else
			io_uring_prep_write(sqe, fd, op->iov->iov_base, (unsigned)len, op->offset);
	} else {
		unsigned count = op->iov_count < MV_AIO_MAX_IOV ? op->iov_count : MV_AIO_MAX_IOV;

		if (read)
			io_uring_prep_readv(sqe, fd, op->iov, count, op->offset);
		else
			io_uring_prep_writev(sqe, fd, op->iov, count, op->offset);
	}
	if (op->flags & MV_AIO_DURABLE)
		sqe->rw_flags = RWF_DSYNC;
}

static bool prepare(struct uring *u, struct mv_aio_op *op)
{
	struct io_uring_sqe *sqe = u->in_kernel < MAX_IN_KERNEL ? get_sqe(u) : NULL;
	int fd = op->file->index >= 0 ? op->file->index : op->file->fd;

	if (!sqe)
		return false;
	switch (op->kind) {
	case MV_AIO_READ:
	case MV_AIO_WRITE: prepare_rw(sqe, op, fd); break;
	case MV_AIO_SYNC: io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC); break;
	default:
		io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, fd, NULL, (unsigned)op->mode, op->offset);
		sqe->addr = op->length; /* the operation keeps its 64-bit length there */
		break;
	}
	if (op->file->index >= 0)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = (uintptr_t)op | TAG_OP;
	u->in_kernel++;
	return true;
}

static bool uring_start(struct mv_aio *aio, struct mv_aio_op *op)
{
	struct uring *u = uring_of(aio);

	if (!u->backlog && prepare(u, op))
		return false;
	op->next = NULL;
	*u->backlog_tail = op;
	u->backlog_tail = &op->next;
	return false;
}

static void retry_backlog(struct uring *u)
{
	while (u->backlog) {
		struct mv_aio_op *op = u->backlog;
		struct mv_aio_op *next = op->next;

		if (!prepare(u, op))
			return;
		u->backlog = next;
		if (!next)
			u->backlog_tail = &u->backlog;
	}
}

static bool arm_watch(struct uring *u, struct mv_aio_watch *w)
{
	struct io_uring_sqe *sqe = get_sqe(u);

	if (!sqe)
		return false;
	io_uring_prep_poll_multishot(sqe, w->fd, POLLIN);
	sqe->user_data = (uintptr_t)w | TAG_WATCH;
	w->armed = true;
	return true;
}

/* The loop's descriptor is level-triggered by nature: a poll that fires once, and looks again when it is armed again.
 */
static void arm_loop(struct uring *u)
{
	struct io_uring_sqe *sqe = get_sqe(u);

	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, mv_loop_fd(u->aio.loop), POLLIN);
	sqe->user_data = TAG_LOOP;
	u->loop_armed = true;
}

static void on_watch(struct uring *u, struct mv_aio_watch *w, const struct io_uring_cqe *cqe)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		w->armed = false;
	if (w->removed)
		return;
	w->fn(w->opaque);
	if (!w->armed && !arm_watch(u, w))
		u->rearm = true;
}

static void rearm_watches(struct uring *u)
{
	u->rearm = false;
	for (struct mv_aio_watch *w = u->aio.watches; w; w = w->next) {
		if (!w->armed && !arm_watch(u, w))
			u->rearm = true;
	}
}

/* Delivers what is in the completion queue. Entries are consumed one by one, since a callback may come here again. */
static void reap(struct uring *u)
{
	struct io_uring_cqe *next;

	while (io_uring_peek_cqe(&u->ring, &next) == 0) {
		struct io_uring_cqe cqe = *next;
		void *object = (void *)(uintptr_t)(cqe.user_data & ~TAG_MASK);

		io_uring_cqe_seen(&u->ring, next);
		switch (cqe.user_data & TAG_MASK) {
		case TAG_OP:
			u->in_kernel--;
			mv_aio_deliver(&u->aio, object, cqe.res);
			break;
		case TAG_WATCH: on_watch(u, object, &cqe); break;
		case TAG_LOOP:
			u->loop_armed = false;
			u->loop_ready = true;
			break;
		case TAG_PROBE: u->probed = true; break;
		case TAG_SIGNAL:
			if (cqe.res < 0)
				eventfd_write((int)(cqe.user_data >> TAG_BITS), 1);
			break;
		default: break;
		}
	}
	if (u->backlog)
		retry_backlog(u);
}

/* One system call: submits, and waits for a completion unless one is there. */
static void enter(struct uring *u, int timeout_ms)
{
	if (timeout_ms < 0) {
		io_uring_submit_and_wait(&u->ring, 1);
	} else if (timeout_ms == 0) {
		io_uring_submit_and_get_events(&u->ring);
	} else {
		struct __kernel_timespec ts = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000LL };
		struct io_uring_cqe *cqe;

		io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
	}
}

/* The loop's wait; see mv_loop_set_wait(). */
static bool uring_loop_wait(void *opaque, int timeout_ms)
{
	struct uring *u = opaque;
	bool ready;

	if (!u->loop_armed)
		arm_loop(u);
	if (u->rearm)
		rearm_watches(u);
	if (!io_uring_cq_ready(&u->ring))
		enter(u, u->again ? 0 : timeout_ms);
	u->again = false;
	reap(u);
	mv_aio_end_round(&u->aio);
	ready = u->loop_ready;
	u->loop_ready = false;
	return ready;
}

static void uring_flush(struct mv_aio *aio)
{
	struct uring *u = uring_of(aio);

	if (!io_uring_sq_ready(&u->ring))
		return;
	enter(u, 0);
	reap(u);
}

/* The write succeeds on the spot, and then there is no completion to look at. */
static void uring_signal(struct mv_aio *aio, int eventfd)
{
	static const uint64_t one = 1;
	struct uring *u = uring_of(aio);
	struct io_uring_sqe *sqe = u->silent ? get_sqe(u) : NULL;

	if (!sqe) {
		eventfd_write(eventfd, one);
		return;
	}
	io_uring_prep_write(sqe, eventfd, &one, sizeof(one), 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = (uint64_t)(unsigned)eventfd << TAG_BITS | TAG_SIGNAL;
}

static void uring_again(struct mv_aio *aio)
{
	uring_of(aio)->again = true;
}

static void uring_wait(struct mv_aio *aio)
{
	struct uring *u = uring_of(aio);

	enter(u, -1);
	reap(u);
}

static int uring_watch(struct mv_aio *aio, struct mv_aio_watch *w, struct mv_error **err)
{
	if (!arm_watch(uring_of(aio), w))
		return mv_error_set(err, MV_ERR_NO_MEMORY, "The kernel has no room to watch descriptor %d.", w->fd);
	return 0;
}

static void uring_unwatch(struct mv_aio *aio, struct mv_aio_watch *w)
{
	struct uring *u = uring_of(aio);

	w->removed = true;
	while (w->armed) {
		struct io_uring_sqe *sqe = get_sqe(u);

		if (sqe) {
			io_uring_prep_poll_remove(sqe, (uintptr_t)w | TAG_WATCH);
			sqe->user_data = TAG_IGNORE;
		}
		enter(u, -1);
		reap(u);
	}
}

/* The first thread that comes becomes the one that may submit; and it finds out, before anybody relies on it, whether
 * it is allowed to. */
static int enable(struct uring *u, struct mv_error **err)
{
	struct io_uring_sqe *sqe;
	/* liburing's own function for it is missing from some builds of its shared library. */
	int rc = io_uring_register((unsigned)u->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	if (rc < 0)
		return mv_error_set_errno(err, -rc, "Cannot start io_uring");
	u->enabled = true;
	sqe = io_uring_get_sqe(&u->ring);
	io_uring_prep_nop(sqe);
	sqe->user_data = TAG_PROBE;
	do
		rc = io_uring_submit_and_wait(&u->ring, 1);
	while (rc == -EINTR);
	reap(u);
	if (!u->probed)
		return mv_error_set_errno(err, rc < 0 ? -rc : EIO, "Cannot submit to io_uring");
	return 0;
}

static int uring_attach(struct mv_aio *aio, struct mv_error **err)
{
	struct uring *u = uring_of(aio);

	if (!u->enabled && enable(u, err) < 0)
		return -1;
	/* Saves looking up the descriptor in each call; without it everything works too. */
	io_uring_register_ring_fd(&u->ring);
	mv_loop_set_wait(aio->loop, uring_loop_wait, u);
	return 0;
}

static void uring_detach(struct mv_aio *aio)
{
	struct uring *u = uring_of(aio);

	mv_loop_set_wait(aio->loop, NULL, NULL);
	while (u->loop_armed) {
		struct io_uring_sqe *sqe = get_sqe(u);

		if (sqe) {
			io_uring_prep_poll_remove(sqe, TAG_LOOP);
			sqe->user_data = TAG_IGNORE;
		}
		enter(u, -1);
		reap(u);
	}
	u->loop_ready = false;
	/* Registered for this thread: it must be this thread that takes it back. */
	io_uring_unregister_ring_fd(&u->ring);
}

static void uring_add_file(struct mv_aio *aio, struct mv_aio_file *file)
{
	struct uring *u = uring_of(aio);

	if (u->files < MAX_FILES && io_uring_register_files_update(&u->ring, u->files, &file->fd, 1) == 1)
		file->index = (int)u->files++;
}

static void uring_free(struct mv_aio *aio)
{
	struct uring *u = uring_of(aio);

	io_uring_queue_exit(&u->ring);
	free(u);
}

static const struct mv_aio_ops uring_ops = {
	.name = "io_uring",
	.free = uring_free,
	.add_file = uring_add_file,
	.attach = uring_attach,
	.detach = uring_detach,
	.start = uring_start,
	.flush = uring_flush,
	.signal = uring_signal,
	.again = uring_again,
	.wait = uring_wait,
	.watch = uring_watch,
	.unwatch = uring_unwatch,
};

/* A ring would be a way around the seccomp filter of its thread: it can open files and make sockets. From the moment it
 * is enabled it does what this engine does and nothing more. */
static int restrict_to_our_use(struct io_uring *ring)
{
	static const uint8_t operations[] = {
		IORING_OP_NOP,   IORING_OP_READ,      IORING_OP_WRITE,    IORING_OP_READV,       IORING_OP_WRITEV,
		IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
	};
	static const uint8_t registrations[] = {
		IORING_REGISTER_FILES_UPDATE,
		IORING_REGISTER_RING_FDS,
		IORING_UNREGISTER_RING_FDS,
	};
	struct io_uring_restriction allowed[sizeof(operations) + sizeof(registrations) + 1] = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(operations); i++) {
		allowed[n].opcode = IORING_RESTRICTION_SQE_OP;
		allowed[n++].sqe_op = operations[i];
	}
	for (size_t i = 0; i < sizeof(registrations); i++) {
		allowed[n].opcode = IORING_RESTRICTION_REGISTER_OP;
		allowed[n++].register_op = registrations[i];
	}
	allowed[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	allowed[n++].sqe_flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	return io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, allowed, n);
}

/* The best set of flags that the kernel knows: completions are prepared when the thread asks for them (6.1), else at
 * its next system call (5.19), else by interrupting it. */
static int set_up(struct io_uring *ring)
{
	static const unsigned modes[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	int rc = -EINVAL;

	for (size_t i = 0; i < MV_ARRAY_SIZE(modes) && rc == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = modes[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = CQ_ENTRIES,
		};

		rc = io_uring_queue_init_params(SQ_ENTRIES, ring, &p);
		/* Resource tags came with 5.13, and so did polls that stay armed, which cannot be asked for directly.
		 */
		if (rc == 0 && !(p.features & IORING_FEAT_RSRC_TAGS)) {
			io_uring_queue_exit(ring);
			return -ENOSYS;
		}
	}
	return rc;
}

int mv_aio_uring_create(struct mv_aio **out, struct mv_error **err)
{
	static const int no_files[MAX_FILES] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	struct uring *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an I/O engine.");
	u->aio.ops = &uring_ops;
	u->backlog_tail = &u->backlog;
	rc = set_up(&u->ring);
	u->silent = rc == 0 && (u->ring.features & IORING_FEAT_CQE_SKIP);
	if (rc < 0) {
		free(u);
		return mv_error_set_errno(err, -rc, "Cannot set up io_uring");
	}
	/* Where it fails, files are simply not registered. */
	if (io_uring_register_files(&u->ring, no_files, MAX_FILES) < 0)
		u->files = MAX_FILES;
	rc = restrict_to_our_use(&u->ring);
	if (rc < 0) {
		uring_free(&u->aio);
		return mv_error_set_errno(err, -rc, "Cannot restrict io_uring");
	}
	*out = &u->aio;
	return 0;
}
