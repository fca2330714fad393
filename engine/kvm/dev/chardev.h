/* The host side of a serial port or console port: what the guest writes goes to a log file and to every attached client,
 * the last 64 KiB are kept for a client that attaches later; what clients write goes to the guest. */
#ifndef MV_KVM_DEV_CHARDEV_H
#define MV_KVM_DEV_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"

#define MV_CHARDEV_HISTORY 65536

struct mv_chardev;

/* The guest's side. Called on the loop's thread. */
struct mv_chardev_ops {
	size_t (*room)(void *opaque); /* how many bytes the guest takes now; 0 stops reading from clients until _ready() */
	void (*receive)(void *opaque, const uint8_t *data, size_t len);
	void (*opened)(void *opaque, int clients); /* optional: number of clients changed */
};

/* log_fd is taken (-1: none). Clients are served on `loop`. */
int mv_chardev_create(struct mv_loop *loop, int log_fd, const struct mv_chardev_ops *ops, void *opaque,
		      struct mv_chardev **out, struct mv_error **err);
void mv_chardev_free(struct mv_chardev *c);

/* From the guest; any thread, never blocks, takes all. A client that does not read keeps the last 64 KiB beyond what its
 * socket holds; older output is dropped for it. */
void mv_chardev_write(struct mv_chardev *c, const void *data, size_t len);
/* The guest can take input again (room() was 0); any thread. */
void mv_chardev_ready(struct mv_chardev *c);
/* Loop's thread. sock (a stream socket) is taken; it first gets the history. */
int mv_chardev_attach(struct mv_chardev *c, int sock, struct mv_error **err);

#endif
