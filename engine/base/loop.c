#include "engine/base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#define ROUND_EVENTS 32

struct mv_watch {
	struct mv_loop *loop;
	int fd;
	uint32_t events;
	mv_watch_fn fn;
	void *opaque;
	bool removed; /* waits in loop->dead for the end of the round: epoll may have reported it already */
	struct mv_watch *next;
	struct mv_watch **link; /* what points to it */
};

/* Lives on the caller's stack (calls) or on the heap (posts). */
struct call {
	mv_loop_fn fn;
	void *opaque;
	bool posted;
	bool done;
	struct call *next;
};

struct mv_loop {
	int epoll_fd;
	int wake_fd;
	struct mv_watch *wake_watch;
	struct mv_watch *watches;
	struct mv_watch *dead;
	unsigned depth;                             /* rounds may nest: a callback may call mv_loop_once() */
	bool (*wait)(void *opaque, int timeout_ms); /* NULL: epoll_wait alone */
	void *wait_opaque;
	bool waiting; /* in wait(): rounds that nest there do without it */

	/* `lock` guards everything below; no callback runs under it. */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a call was done or queued, or somebody woke the loop */
	struct call *calls;
	struct call **calls_tail;
	unsigned wakes;
	bool stop;
	bool owned; /* a thread has run the loop; `thread` is it */
	pthread_t thread;

	bool started; /* by mv_loop_start_thread: to be joined */
	pthread_t started_thread;
	char name[16];
	mv_loop_fn setup;
	void *setup_opaque;
};

struct mv_timer {
	int fd;
	struct mv_watch *watch;
	mv_loop_fn fn;
	void *opaque;
};

static void unlink_watch(struct mv_watch *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
}

static void link_watch(struct mv_watch *w, struct mv_watch **head)
{
	w->next = *head;
	w->link = head;
	if (w->next)
		w->next->link = &w->next;
	*head = w;
}

static bool on_own_thread(struct mv_loop *loop)
{
	bool own;

	pthread_mutex_lock(&loop->lock);
	own = !loop->owned || pthread_equal(loop->thread, pthread_self());
	pthread_mutex_unlock(&loop->lock);
	return own;
}

static void run_calls(struct mv_loop *loop)
{
	struct call *list;

	pthread_mutex_lock(&loop->lock);
	list = loop->calls;
	loop->calls = NULL;
	loop->calls_tail = &loop->calls;
	pthread_mutex_unlock(&loop->lock);

	while (list) {
		struct call *c = list;

		list = c->next;
		c->fn(c->opaque);
		if (c->posted) {
			free(c);
			continue;
		}
		pthread_mutex_lock(&loop->lock);
		c->done = true; /* the caller's stack frame may be gone as soon as the lock is released */
		pthread_cond_broadcast(&loop->changed);
		pthread_mutex_unlock(&loop->lock);
	}
}

static void on_wake(void *opaque, uint32_t events)
{
	struct mv_loop *loop = opaque;
	eventfd_t value;

	(void)events;
	eventfd_read(loop->wake_fd, &value);
	run_calls(loop);
}

int mv_loop_create(struct mv_loop **out, struct mv_error **err)
{
	mv_auto(mv_loop) loop = calloc(1, sizeof(*loop));

	if (!loop)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an event loop.");
	loop->epoll_fd = loop->wake_fd = -1;
	loop->calls_tail = &loop->calls;
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->changed, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return mv_error_set_errno(err, errno, "Cannot create an event loop");
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		return mv_error_set_errno(err, errno, "Cannot create the event loop's eventfd");
	if (mv_watch_add(loop, loop->wake_fd, EPOLLIN, on_wake, loop, &loop->wake_watch, err) < 0)
		return -1;
	*out = mv_steal(loop);
	return 0;
}

static void free_list(struct mv_watch *w)
{
	while (w) {
		struct mv_watch *next = w->next;

		free(w);
		w = next;
	}
}

void mv_loop_free(struct mv_loop *loop)
{
	if (!loop)
		return;
	while (loop->calls) {
		struct call *c = loop->calls;

		loop->calls = c->next;
		free(c); /* only posts can be left: nobody waits in a call any more */
	}
	free_list(loop->watches);
	free_list(loop->dead);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	pthread_cond_destroy(&loop->changed);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

int mv_loop_fd(const struct mv_loop *loop)
{
	return loop->epoll_fd;
}

static void own(struct mv_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->thread = pthread_self();
	loop->owned = true;
	pthread_mutex_unlock(&loop->lock);
}

void mv_loop_set_wait(struct mv_loop *loop, bool (*wait)(void *opaque, int timeout_ms), void *opaque)
{
	loop->wait = wait;
	loop->wait_opaque = opaque;
}

static void round_of(struct mv_loop *loop, int timeout_ms)
{
	struct epoll_event events[ROUND_EVENTS];
	int n;

	if (loop->wait && !loop->waiting) {
		bool ready;

		loop->waiting = true;
		ready = loop->wait(loop->wait_opaque, timeout_ms);
		loop->waiting = false;
		if (!ready)
			return;
		timeout_ms = 0;
	}
	n = epoll_wait(loop->epoll_fd, events, ROUND_EVENTS, timeout_ms);
	loop->depth++;
	for (int i = 0; i < n; i++) {
		struct mv_watch *w = events[i].data.ptr;

		if (!w->removed)
			w->fn(w->opaque, events[i].events);
	}
	if (--loop->depth == 0) {
		free_list(loop->dead);
		loop->dead = NULL;
	}
}

void mv_loop_once(struct mv_loop *loop, int timeout_ms)
{
	own(loop);
	round_of(loop, timeout_ms);
}

void mv_loop_run(struct mv_loop *loop)
{
	own(loop);
	while (!__atomic_load_n(&loop->stop, __ATOMIC_ACQUIRE))
		round_of(loop, -1);
}

void mv_loop_stop(struct mv_loop *loop)
{
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELEASE);
	eventfd_write(loop->wake_fd, 1);
}

static void *thread_main(void *opaque)
{
	struct mv_loop *loop = opaque;

	pthread_setname_np(pthread_self(), loop->name);
	if (loop->setup)
		loop->setup(loop->setup_opaque);
	mv_loop_run(loop);
	/* Callers that came too late are answered, not left waiting. */
	run_calls(loop);
	return NULL;
}

int mv_loop_start_thread(struct mv_loop *loop, const char *name, mv_loop_fn setup, void *opaque, struct mv_error **err)
{
	pthread_attr_t attr;
	int rc;

	strncpy(loop->name, name, sizeof(loop->name) - 1);
	loop->setup = setup;
	loop->setup_opaque = opaque;
	loop->stop = false;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	/* Owned under the lock, before the thread runs: a call made right now must queue, not run here. */
	pthread_mutex_lock(&loop->lock);
	rc = pthread_create(&loop->started_thread, &attr, thread_main, loop);
	if (!rc) {
		loop->owned = true;
		loop->thread = loop->started_thread;
		loop->started = true;
	}
	pthread_mutex_unlock(&loop->lock);
	pthread_attr_destroy(&attr);
	if (rc)
		return mv_error_set_errno(err, rc, "Cannot start the thread '%s'", name);
	return 0;
}

void mv_loop_join(struct mv_loop *loop)
{
	if (!loop || !loop->started)
		return;
	mv_loop_stop(loop);
	pthread_join(loop->started_thread, NULL);
	pthread_mutex_lock(&loop->lock);
	loop->started = false;
	loop->owned = false;
	pthread_mutex_unlock(&loop->lock);
	run_calls(loop);
}

static void queue_call(struct mv_loop *loop, struct call *c)
{
	c->next = NULL;
	*loop->calls_tail = c;
	loop->calls_tail = &c->next;
	pthread_cond_broadcast(&loop->changed);
	eventfd_write(loop->wake_fd, 1);
}

void mv_loop_call(struct mv_loop *loop, mv_loop_fn fn, void *opaque)
{
	struct call c = { .fn = fn, .opaque = opaque };

	if (on_own_thread(loop)) {
		fn(opaque);
		return;
	}
	pthread_mutex_lock(&loop->lock);
	queue_call(loop, &c);
	while (!c.done)
		pthread_cond_wait(&loop->changed, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
}

int mv_loop_post(struct mv_loop *loop, mv_loop_fn fn, void *opaque)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct call){ .fn = fn, .opaque = opaque, .posted = true };
	pthread_mutex_lock(&loop->lock);
	queue_call(loop, c);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

void mv_loop_wait(struct mv_loop *loop, bool (*done)(void *opaque), void *opaque)
{
	for (;;) {
		unsigned seen;

		pthread_mutex_lock(&loop->lock);
		seen = loop->wakes;
		pthread_mutex_unlock(&loop->lock);
		run_calls(loop);
		if (done(opaque))
			return;
		pthread_mutex_lock(&loop->lock);
		while (!loop->calls && loop->wakes == seen)
			pthread_cond_wait(&loop->changed, &loop->lock);
		pthread_mutex_unlock(&loop->lock);
	}
}

void mv_loop_wake(struct mv_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->wakes++;
	pthread_cond_broadcast(&loop->changed);
	pthread_mutex_unlock(&loop->lock);
}

int mv_watch_add(struct mv_loop *loop, int fd, uint32_t events, mv_watch_fn fn, void *opaque, struct mv_watch **out,
		 struct mv_error **err)
{
	struct mv_watch *w = calloc(1, sizeof(*w));
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (!w)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a watch.");
	*w = (struct mv_watch){ .loop = loop, .fd = fd, .events = events, .fn = fn, .opaque = opaque };
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int errnum = errno;

		free(w);
		return mv_error_set_errno(err, errnum, "Cannot watch descriptor %d", fd);
	}
	link_watch(w, &loop->watches);
	*out = w;
	return 0;
}

void mv_watch_set_events(struct mv_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (w->events == events)
		return;
	w->events = events;
	epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev);
}

void mv_watch_remove(struct mv_watch *w)
{
	if (!w || w->removed)
		return;
	epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	unlink_watch(w);
	if (!w->loop->depth) {
		free(w);
		return;
	}
	w->removed = true;
	link_watch(w, &w->loop->dead);
}

static void on_timer(void *opaque, uint32_t events)
{
	struct mv_timer *t = opaque;
	uint64_t expirations;

	(void)events;
	if (read(t->fd, &expirations, sizeof(expirations)) == (ssize_t)sizeof(expirations))
		t->fn(t->opaque);
}

int mv_timer_add(struct mv_loop *loop, mv_loop_fn fn, void *opaque, struct mv_timer **out, struct mv_error **err)
{
	struct mv_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a timer.");
	t->fn = fn;
	t->opaque = opaque;
	t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->fd < 0) {
		int errnum = errno;

		free(t);
		return mv_error_set_errno(err, errnum, "Cannot create a timer");
	}
	if (mv_watch_add(loop, t->fd, EPOLLIN, on_timer, t, &t->watch, err) < 0) {
		close(t->fd);
		free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void mv_timer_set(struct mv_timer *t, uint64_t delay_ns)
{
	struct itimerspec spec = {
		.it_value = { .tv_sec = (time_t)(delay_ns / 1000000000), .tv_nsec = (long)(delay_ns % 1000000000) },
	};

	timerfd_settime(t->fd, 0, &spec, NULL);
}

void mv_timer_free(struct mv_timer *t)
{
	if (!t)
		return;
	mv_watch_remove(t->watch);
	close(t->fd);
	free(t);
}
