/* The host side of a serial port or console port: what the guest writes goes to a log file and to every attached
 * client, the last 64 KiB are kept for a client that attaches later; what clients write goes to the guest. */
#ifndef MV_KVM_DEV_CHARDEV_H
#define MV_KVM_DEV_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"

#define MV_CHARDEV_HISTORY 65536
#define MV_CHARDEV_MAX_CLIENTS 64

struct mv_chardev;

/* The guest's side. Called on the loop's thread, without any lock. */
struct mv_chardev_ops {
	/* How many bytes the guest takes now; 0 stops reading from clients until mv_chardev_ready(). */
	size_t (*room)(void *opaque);
	void (*receive)(void *opaque, const uint8_t *data, size_t len); /* at most room() bytes */
	void (*opened)(void *opaque, int clients);                      /* optional: number of clients changed */
	void (*drained)(void *opaque); /* optional: clients have taken all that mv_chardev_backlog() counted */
};

/* log_fd is taken on success (-1: none). Clients are served on `loop`. Loop's thread, or before it runs. */
int mv_chardev_create(struct mv_loop *loop, int log_fd, const struct mv_chardev_ops *ops, void *opaque,
		      struct mv_chardev **out, struct mv_error **err);
/* What can be written to log and clients without waiting is written first. Loop's thread; nobody uses it any more. NULL
 * is accepted. */
void mv_chardev_free(struct mv_chardev *c);

/* From the guest; any thread, never blocks on a client, takes all. A client that does not read keeps the last 64 KiB
 * beyond what its socket holds; older output is dropped for it. The log gets everything, unless it is a pipe that
 * nobody reads. Output reaches log and clients at once after a pause, and within a millisecond in a burst. */
void mv_chardev_write(struct mv_chardev *c, const void *data, size_t len);
/* How many bytes the slowest client has still to take: a device that must not lose output writes no more than
 * MV_CHARDEV_HISTORY minus this, and goes on when ops->drained() is called. 0 without clients. Any thread. */
size_t mv_chardev_backlog(struct mv_chardev *c);
/* The guest can take input again (room() was 0); any thread. */
void mv_chardev_ready(struct mv_chardev *c);
/* Loop's thread. sock (a stream socket) is taken, on failure too; it first gets the history. */
int mv_chardev_attach(struct mv_chardev *c, int sock, struct mv_error **err);

#endif
