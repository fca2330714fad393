/* An event loop on epoll: one thread runs it, callbacks run on that thread. */
#ifndef MV_BASE_LOOP_H
#define MV_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "engine/base/error.h"

struct mv_loop;
struct mv_watch;

typedef void (*mv_loop_fn)(void *opaque);
typedef void (*mv_watch_fn)(void *opaque, uint32_t epoll_events);

int mv_loop_create(struct mv_loop **out, struct mv_error **err);
/* No thread may be in it. Watches left over are freed. NULL is accepted. */
void mv_loop_free(struct mv_loop *loop);
MV_AUTO_DEFINE(mv_loop, mv_loop_free)

/* Runs until mv_loop_stop(). The calling thread becomes the loop's thread. */
void mv_loop_run(struct mv_loop *loop);
/* One round: waits at most timeout_ms (-1: for ever), runs what is ready. The caller is the loop's thread. */
void mv_loop_once(struct mv_loop *loop, int timeout_ms);
/* Any thread, also a callback: mv_loop_run() returns after the current round. */
void mv_loop_stop(struct mv_loop *loop);
/* The epoll descriptor, for somebody who waits in another way (io_uring, another loop) and then calls
 * mv_loop_once(loop, 0). */
int mv_loop_fd(const struct mv_loop *loop);

/* Lets somebody wait in the loop's place: each round first calls wait(opaque, timeout_ms), which waits for its own
 * things and for mv_loop_fd(), handles its own, and returns whether mv_loop_fd() has events (it may be wrong either way
 * once). NULL takes it back. Loop's thread, not from within wait. */
void mv_loop_set_wait(struct mv_loop *loop, bool (*wait)(void *opaque, int timeout_ms), void *opaque);

/* Starts a thread called `name` (at most 15 characters) that runs the loop; mv_loop_join() stops it and joins it.
 * `setup` (optional) runs first on the new thread: the sandbox of its kind. */
int mv_loop_start_thread(struct mv_loop *loop, const char *name, mv_loop_fn setup, void *opaque, struct mv_error **err);
void mv_loop_join(struct mv_loop *loop);

/* Runs fn(opaque) on the loop's thread and returns when it has run. On the loop's own thread, or while no thread has
 * ever run the loop, it is a plain call. Never call it while holding a lock that fn, or another call, takes. */
void mv_loop_call(struct mv_loop *loop, mv_loop_fn fn, void *opaque);
/* The same without waiting. */
int mv_loop_post(struct mv_loop *loop, mv_loop_fn fn, void *opaque);
/* On the loop's thread: runs queued calls (and nothing else) until done(opaque) is true. done is looked at again
 * after each call and each mv_loop_wake(). It is how the main thread waits for vCPUs that may be in mv_loop_call(). */
void mv_loop_wait(struct mv_loop *loop, bool (*done)(void *opaque), void *opaque);
void mv_loop_wake(struct mv_loop *loop); /* any thread */

/* Watches fd (borrowed) for epoll events (level triggered); loop's thread, or before the loop runs. */
int mv_watch_add(struct mv_loop *loop, int fd, uint32_t events, mv_watch_fn fn, void *opaque, struct mv_watch **out,
		 struct mv_error **err);
void mv_watch_set_events(struct mv_watch *watch, uint32_t events);
/* Safe in any callback, its own too; NULL is accepted. Must come before fd is closed. */
void mv_watch_remove(struct mv_watch *watch);

/* A one-shot timer that runs fn on the loop's thread; armed by mv_timer_set. Loop's thread only. */
struct mv_timer;
int mv_timer_add(struct mv_loop *loop, mv_loop_fn fn, void *opaque, struct mv_timer **out, struct mv_error **err);
void mv_timer_set(struct mv_timer *timer, uint64_t delay_ns); /* 0 disarms */
void mv_timer_free(struct mv_timer *timer);

#endif
