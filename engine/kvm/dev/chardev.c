#include "engine/kvm/dev/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define INPUT_CHUNK 4096
/* In a burst of output, the loop is woken once and looks again after this time, so that a byte costs the vCPU a copy
 * and not a system call. */
#define BURST_NS 1000000
/* The guest's thread writes a log that lags so far by itself: nothing that is to be logged may leave the ring. */
#define LOG_LAG (MV_CHARDEV_HISTORY / 2)

/* A reader of the ring. The log is one too. */
struct sink {
	struct mv_chardev *chardev;
	int fd;
	uint64_t pos;           /* how much of all output it has; guarded by the chardev's lock, as is `full` */
	bool full;              /* the kernel takes no more now: waits for EPOLLOUT */
	bool ended;             /* client: will send nothing more */
	bool gone;              /* client: takes nothing more, but may have left input */
	struct mv_watch *watch; /* NULL: a log file, or a client that is gone */
	struct sink *next;
};

struct mv_chardev {
	struct mv_loop *loop;
	const struct mv_chardev_ops *ops;
	void *opaque;
	int wake_fd; /* written by any thread: there is output, or room for input */
	struct mv_watch *wake_watch;
	struct mv_timer *burst;
	bool stalled; /* the guest had no room; atomic, since mv_chardev_ready() looks at it from any thread */
	int clients;
	bool owed_drain; /* a device was told of a backlog */

	pthread_mutex_t lock; /* guards what follows, and no callback runs under it */
	uint64_t total;       /* bytes ever written; the ring holds the last MV_CHARDEV_HISTORY of them */
	bool flushing;        /* the loop knows of output and will look again by itself */
	struct sink log;
	bool log_file;      /* a regular file: always takes everything */
	struct sink *sinks; /* the clients; changed on the loop's thread only */
	uint8_t ring[MV_CHARDEV_HISTORY];
};

static void wake(struct mv_chardev *c)
{
	eventfd_write(c->wake_fd, 1);
}

/* Moves a reader that was left behind to the oldest byte there is, and returns how much is there in one piece. */
static size_t pending(struct mv_chardev *c, struct sink *s, const uint8_t **data)
{
	size_t start, len;

	if (c->total - s->pos > MV_CHARDEV_HISTORY)
		s->pos = c->total - MV_CHARDEV_HISTORY;
	start = s->pos % MV_CHARDEV_HISTORY;
	len = c->total - s->pos;
	*data = c->ring + start;
	return len < MV_CHARDEV_HISTORY - start ? len : MV_CHARDEV_HISTORY - start;
}

/* Lock held. Writes what the descriptor takes without waiting. */
static void drain(struct mv_chardev *c, struct sink *s)
{
	const uint8_t *data;
	size_t len;

	while (!s->full && (len = pending(c, s, &data)) > 0) {
		ssize_t n = s == &c->log ? write(s->fd, data, len) :
					   send(s->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			s->pos += (uint64_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN && s->watch) {
			s->full = true;
		} else {
			/* A log on a full disk, or a client that just left: epoll tells of the latter. */
			s->pos = c->total;
		}
	}
}

/* What a sink waits for. Loop's thread, lock held or not. */
static void rewatch(struct mv_chardev *c, struct sink *s)
{
	uint32_t events = s->full ? EPOLLOUT : 0;

	if (!s->watch)
		return;
	if (s != &c->log && !s->ended && !__atomic_load_n(&c->stalled, __ATOMIC_SEQ_CST))
		events |= EPOLLIN;
	mv_watch_set_events(s->watch, events);
}

static void free_sink(struct sink *s)
{
	mv_watch_remove(s->watch);
	close(s->fd);
	free(s);
}

static bool room_for_input(struct mv_chardev *c, size_t *room)
{
	*room = c->ops->room(c->opaque);
	if (*room)
		return true;
	/* Looked at again after the flag is up, so that a guest that makes room right now is not missed. */
	__atomic_store_n(&c->stalled, true, __ATOMIC_SEQ_CST);
	*room = c->ops->room(c->opaque);
	if (!*room)
		return false;
	__atomic_store_n(&c->stalled, false, __ATOMIC_SEQ_CST);
	return true;
}

/* Reads from a client until the guest is full or the client has nothing more for now. A client that says nothing more
 * at all is marked. */
static void take_input(struct mv_chardev *c, struct sink *s)
{
	uint8_t buf[INPUT_CHUNK];
	size_t room;

	while (!s->ended && room_for_input(c, &room)) {
		ssize_t n = recv(s->fd, buf, room < sizeof(buf) ? room : sizeof(buf), MSG_DONTWAIT);

		if (n > 0)
			c->ops->receive(c->opaque, buf, (size_t)n);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			s->ended = true;
		else if (errno == EAGAIN)
			break;
	}
}

/* A client that is gone has ended too, unless it left something to read. */
static void look_for_last_words(struct sink *s)
{
	char byte;

	if (recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		s->ended = true;
}

/* Removes clients that neither take nor give anything any more. */
static void reap(struct mv_chardev *c)
{
	int removed = 0;

	for (struct sink **link = &c->sinks; *link;) {
		struct sink *s = *link;

		if (!s->gone || !s->ended) {
			link = &s->next;
			continue;
		}
		pthread_mutex_lock(&c->lock);
		*link = s->next;
		pthread_mutex_unlock(&c->lock);
		free_sink(s);
		removed++;
	}
	if (!removed)
		return;
	c->clients -= removed;
	if (c->ops->opened)
		c->ops->opened(c->opaque, c->clients);
}

static void tell_drained(struct mv_chardev *c)
{
	if (!c->ops->drained || !__atomic_load_n(&c->owed_drain, __ATOMIC_SEQ_CST) || mv_chardev_backlog(c))
		return;
	__atomic_store_n(&c->owed_drain, false, __ATOMIC_SEQ_CST);
	c->ops->drained(c->opaque);
}

static void client_events(void *opaque, uint32_t events)
{
	struct sink *s = opaque;
	struct mv_chardev *c = s->chardev;

	if (events & EPOLLOUT) {
		pthread_mutex_lock(&c->lock);
		s->full = false;
		drain(c, s);
		pthread_mutex_unlock(&c->lock);
	}
	if (events & (EPOLLHUP | EPOLLERR)) {
		/* Reported again and again, wanted or not, so it is no longer watched; its last input is still read. */
		mv_watch_remove(s->watch);
		s->watch = NULL;
		pthread_mutex_lock(&c->lock);
		s->gone = true;
		s->full = false;
		pthread_mutex_unlock(&c->lock);
		look_for_last_words(s);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		take_input(c, s);
	/* `stalled` concerns all of them. */
	for (struct sink *other = c->sinks; other; other = other->next)
		rewatch(c, other);
	reap(c);
	tell_drained(c);
}

static void log_events(void *opaque, uint32_t events)
{
	struct mv_chardev *c = opaque;

	pthread_mutex_lock(&c->lock);
	c->log.full = false;
	if (events & (EPOLLHUP | EPOLLERR)) {
		/* The reader of a pipe has gone. */
		mv_watch_remove(c->log.watch);
		c->log.watch = NULL;
		close(c->log.fd);
		c->log.fd = -1;
	} else {
		drain(c, &c->log);
		rewatch(c, &c->log);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Loop's thread, lock held: writes to all. */
static void flush_all(struct mv_chardev *c)
{
	if (c->log.fd >= 0) {
		drain(c, &c->log);
		rewatch(c, &c->log);
	}
	for (struct sink *s = c->sinks; s; s = s->next) {
		if (s->gone)
			continue;
		drain(c, s);
		rewatch(c, s);
	}
}

static bool has_work(const struct mv_chardev *c, const struct sink *s)
{
	return s->fd >= 0 && !s->gone && !s->full && s->pos != c->total;
}

/* One flush at once, then one a millisecond for as long as output comes. */
static void flush_again(void *opaque)
{
	struct mv_chardev *c = opaque;
	bool work;

	pthread_mutex_lock(&c->lock);
	work = has_work(c, &c->log);
	for (const struct sink *s = c->sinks; s; s = s->next)
		work = work || has_work(c, s);
	/* Without work too: a writer may have found the log full, and only this thread may watch it. */
	flush_all(c);
	c->flushing = work;
	if (work)
		mv_timer_set(c->burst, BURST_NS);
	pthread_mutex_unlock(&c->lock);
	tell_drained(c);
}

static void on_wake(void *opaque, uint32_t events)
{
	struct mv_chardev *c = opaque;
	eventfd_t value;

	(void)events;
	eventfd_read(c->wake_fd, &value);
	flush_again(c);
	if (__atomic_load_n(&c->stalled, __ATOMIC_SEQ_CST))
		return;
	for (struct sink *s = c->sinks; s; s = s->next) {
		take_input(c, s);
		rewatch(c, s);
	}
	reap(c);
}

static int open_log(struct mv_chardev *c, int fd, struct mv_error **err)
{
	struct stat st;
	int flags;

	c->log.chardev = c;
	c->log.fd = fd;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return mv_error_set_errno(err, errno, "Cannot use the log of a console");
	if (S_ISREG(st.st_mode))
		return 0;
	/* A terminal or pipe must not hold up the guest. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return mv_error_set_errno(err, errno, "Cannot use the log of a console");
	if (S_ISCHR(st.st_mode) && !isatty(fd))
		return 0; /* /dev/null and the like cannot be watched and are always ready */
	return mv_watch_add(c->loop, fd, 0, log_events, c, &c->log.watch, err);
}

int mv_chardev_create(struct mv_loop *loop, int log_fd, const struct mv_chardev_ops *ops, void *opaque,
		      struct mv_chardev **out, struct mv_error **err)
{
	struct mv_chardev *c = calloc(1, sizeof(*c));

	if (!c)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a console.");
	c->loop = loop;
	c->ops = ops;
	c->opaque = opaque;
	c->wake_fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if (open_log(c, log_fd, err) < 0)
		goto fail;
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0) {
		mv_error_set_errno(err, errno, "Cannot create an eventfd for a console");
		goto fail;
	}
	if (mv_watch_add(loop, c->wake_fd, EPOLLIN, on_wake, c, &c->wake_watch, err) < 0 ||
	    mv_timer_add(loop, flush_again, c, &c->burst, err) < 0)
		goto fail;
	*out = c;
	return 0;
fail:
	mv_watch_remove(c->log.watch);
	c->log = (struct sink){ .fd = -1 };
	mv_chardev_free(c);
	return -1;
}

void mv_chardev_free(struct mv_chardev *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	flush_all(c);
	pthread_mutex_unlock(&c->lock);
	while (c->sinks) {
		struct sink *s = c->sinks;

		c->sinks = s->next;
		free_sink(s);
	}
	mv_watch_remove(c->log.watch);
	if (c->log.fd >= 0)
		close(c->log.fd);
	if (c->burst)
		mv_timer_free(c->burst);
	mv_watch_remove(c->wake_watch);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void mv_chardev_write(struct mv_chardev *c, const void *data, size_t len)
{
	const uint8_t *p = data;
	bool was_flushing;

	if (!len)
		return;
	pthread_mutex_lock(&c->lock);
	while (len) {
		size_t start = c->total % MV_CHARDEV_HISTORY;
		size_t n = len < MV_CHARDEV_HISTORY - start ? len : MV_CHARDEV_HISTORY - start;

		if (n > LOG_LAG)
			n = LOG_LAG;
		memcpy(c->ring + start, p, n);
		c->total += n;
		p += n;
		len -= n;
		if (c->log.fd >= 0 && c->total - c->log.pos >= LOG_LAG)
			drain(c, &c->log);
	}
	was_flushing = c->flushing;
	c->flushing = true;
	pthread_mutex_unlock(&c->lock);
	if (!was_flushing)
		wake(c);
}

size_t mv_chardev_backlog(struct mv_chardev *c)
{
	size_t most = 0;

	pthread_mutex_lock(&c->lock);
	for (const struct sink *s = c->sinks; s; s = s->next) {
		uint64_t behind = c->total - s->pos;

		if (!s->gone && behind > most)
			most = behind < MV_CHARDEV_HISTORY ? behind : MV_CHARDEV_HISTORY;
	}
	if (most)
		__atomic_store_n(&c->owed_drain, true, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&c->lock);
	return most;
}

void mv_chardev_ready(struct mv_chardev *c)
{
	if (__atomic_exchange_n(&c->stalled, false, __ATOMIC_SEQ_CST))
		wake(c);
}

/* The guest may never read the last words of clients that are gone; they give way to one that is there. */
static void forget_oldest_gone(struct mv_chardev *c)
{
	struct sink *oldest = NULL;

	for (struct sink *s = c->sinks; s; s = s->next)
		if (s->gone)
			oldest = s;
	if (!oldest)
		return;
	oldest->ended = true;
	reap(c);
}

int mv_chardev_attach(struct mv_chardev *c, int sock, struct mv_error **err)
{
	mv_autofd int fd = sock;
	struct sink *s;

	if (c->clients == MV_CHARDEV_MAX_CLIENTS)
		forget_oldest_gone(c);
	if (c->clients == MV_CHARDEV_MAX_CLIENTS)
		return mv_error_set(err, MV_ERR_RESOURCE_BUSY,
				    "The console has %d clients already; no more can attach.", MV_CHARDEV_MAX_CLIENTS);
	s = calloc(1, sizeof(*s));
	if (!s)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a console's client.");
	s->chardev = c;
	s->fd = fd;
	if (mv_watch_add(c->loop, fd, EPOLLIN, client_events, s, &s->watch, err) < 0) {
		free(s);
		return -1;
	}
	mv_steal_fd(&fd);
	pthread_mutex_lock(&c->lock);
	s->pos = c->total > MV_CHARDEV_HISTORY ? c->total - MV_CHARDEV_HISTORY : 0;
	s->next = c->sinks;
	c->sinks = s;
	drain(c, s);
	rewatch(c, s);
	pthread_mutex_unlock(&c->lock);
	c->clients++;
	if (c->ops->opened)
		c->ops->opened(c->opaque, c->clients);
	return 0;
}
