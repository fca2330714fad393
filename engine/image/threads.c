/* The engine for hosts where io_uring is forbidden: a few helper threads run the operations, an eventfd tells the
 * attached thread that some are complete. What the page cache has is read without a helper. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/image/aio_engine.h"

#define HELPERS 4
#define STACK_SIZE (128 * 1024)

struct list {
	struct mv_aio_op *first;
	struct mv_aio_op **tail;
};

struct pool {
	struct mv_aio aio; /* first */
	mv_loop_fn setup;
	void *setup_opaque;
	pthread_t threads[HELPERS];
	unsigned thread_count;
	int event_fd;
	struct mv_watch *watch;

	/* `lock` guards what follows; nothing is called under it. */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list todo;
	struct list complete;
	bool stop;
};

static struct pool *pool_of(struct mv_aio *aio)
{
	return (struct pool *)aio;
}

static void list_init(struct list *l)
{
	l->first = NULL;
	l->tail = &l->first;
}

static void list_add(struct list *l, struct mv_aio_op *op)
{
	op->next = NULL;
	*l->tail = op;
	l->tail = &op->next;
}

static struct mv_aio_op *list_take(struct list *l)
{
	struct mv_aio_op *op = l->first;

	if (op && !(l->first = op->next))
		l->tail = &l->first;
	return op;
}

static void *helper_main(void *opaque)
{
	struct pool *p = opaque;

	if (p->setup)
		p->setup(p->setup_opaque);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct mv_aio_op *op = list_take(&p->todo);
		bool first;

		if (!op && p->stop)
			break;
		if (!op) {
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		op->result = mv_aio_execute(op);
		pthread_mutex_lock(&p->lock);
		first = !p->complete.first;
		list_add(&p->complete, op);
		if (first)
			eventfd_write(p->event_fd, 1);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void reap(struct pool *p)
{
	struct mv_aio_op *op;

	pthread_mutex_lock(&p->lock);
	op = p->complete.first;
	list_init(&p->complete);
	pthread_mutex_unlock(&p->lock);
	while (op) {
		struct mv_aio_op *next = op->next;

		mv_aio_deliver(&p->aio, op, op->result);
		op = next;
	}
}

static void on_complete(void *opaque, uint32_t events)
{
	struct pool *p = opaque;
	eventfd_t value;

	(void)events;
	eventfd_read(p->event_fd, &value);
	reap(p);
	mv_aio_end_round(&p->aio);
}

/* A read of cached data, complete in one call. What is only partly there is left to a helper. */
static bool read_cached(struct mv_aio_op *op)
{
	uint64_t wanted = 0;
	ssize_t n;

	if (op->kind != MV_AIO_READ || !op->file->buffered || op->file->blind || op->iov_count > MV_AIO_MAX_IOV)
		return false;
	for (unsigned i = 0; i < op->iov_count; i++)
		wanted += op->iov[i].iov_len;
	n = preadv2(op->file->fd, op->iov, (int)op->iov_count, (off_t)op->offset, RWF_NOWAIT);
	if (n < 0 && errno == EOPNOTSUPP)
		op->file->blind = true;
	op->result = n;
	return n > 0 && (uint64_t)n == wanted;
}

static bool pool_start(struct mv_aio *aio, struct mv_aio_op *op)
{
	struct pool *p = pool_of(aio);

	if (!(op->flags & MV_AIO_BEHIND) && read_cached(op))
		return true;
	pthread_mutex_lock(&p->lock);
	list_add(&p->todo, op);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	return false;
}

static void pool_flush(struct mv_aio *aio)
{
	reap(pool_of(aio));
}

static void pool_signal(struct mv_aio *aio, int eventfd)
{
	(void)aio;
	eventfd_write(eventfd, 1);
}

static void pool_again(struct mv_aio *aio)
{
	eventfd_write(pool_of(aio)->event_fd, 1);
}

static void pool_wait(struct mv_aio *aio)
{
	struct pool *p = pool_of(aio);
	struct pollfd pfd = { .fd = p->event_fd, .events = POLLIN };
	eventfd_t value;

	/* Whoever completes the first operation of a list signals, so a list that is not empty has a signal that was
	 * not read yet, or is taken by this very call. */
	if (poll(&pfd, 1, -1) == 1)
		eventfd_read(p->event_fd, &value);
	reap(p);
}

static void on_eventfd(void *opaque, uint32_t events)
{
	struct mv_aio_watch *w = opaque;
	struct mv_aio *aio = w->aio;
	eventfd_t value;

	(void)events;
	eventfd_read(w->fd, &value);
	w->fn(w->opaque);
	mv_aio_end_round(aio);
}

static int pool_watch(struct mv_aio *aio, struct mv_aio_watch *w, struct mv_error **err)
{
	return mv_watch_add(aio->loop, w->fd, EPOLLIN, on_eventfd, w, &w->watch, err);
}

static void pool_unwatch(struct mv_aio *aio, struct mv_aio_watch *w)
{
	(void)aio;
	mv_watch_remove(w->watch);
	w->watch = NULL;
}

static int pool_attach(struct mv_aio *aio, struct mv_error **err)
{
	struct pool *p = pool_of(aio);

	return mv_watch_add(aio->loop, p->event_fd, EPOLLIN, on_complete, p, &p->watch, err);
}

static void pool_detach(struct mv_aio *aio)
{
	struct pool *p = pool_of(aio);

	mv_watch_remove(p->watch);
	p->watch = NULL;
}

/* Helpers use the plain descriptor: there is no table to register it in. */
static void pool_add_file(struct mv_aio *aio, struct mv_aio_file *file)
{
	(void)aio;
	(void)file;
}

static void pool_free(struct mv_aio *aio)
{
	struct pool *p = pool_of(aio);

	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	if (p->event_fd >= 0)
		close(p->event_fd);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct mv_aio_ops pool_ops = {
	.name = "threads",
	.free = pool_free,
	.add_file = pool_add_file,
	.attach = pool_attach,
	.detach = pool_detach,
	.start = pool_start,
	.flush = pool_flush,
	.signal = pool_signal,
	.again = pool_again,
	.wait = pool_wait,
	.watch = pool_watch,
	.unwatch = pool_unwatch,
};

static int start_helpers(struct pool *p, struct mv_error **err)
{
	pthread_attr_t attr;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	while (rc == 0 && p->thread_count < HELPERS) {
		rc = pthread_create(&p->threads[p->thread_count], &attr, helper_main, p);
		if (rc == 0)
			pthread_setname_np(p->threads[p->thread_count++], "io-helper");
	}
	pthread_attr_destroy(&attr);
	if (rc)
		return mv_error_set_errno(err, rc, "Cannot start a helper thread for I/O");
	return 0;
}

int mv_aio_threads_create(mv_loop_fn setup, void *opaque, struct mv_aio **out, struct mv_error **err)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an I/O engine.");
	*p = (struct pool){ .aio.ops = &pool_ops, .setup = setup, .setup_opaque = opaque };
	list_init(&p->todo);
	list_init(&p->complete);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->event_fd < 0) {
		mv_error_set_errno(err, errno, "Cannot create an eventfd for I/O");
		pool_free(&p->aio);
		return -1;
	}
	if (start_helpers(p, err) < 0) {
		pool_free(&p->aio);
		return -1;
	}
	*out = &p->aio;
	return 0;
}
