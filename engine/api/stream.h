/* Data streams: what storage_vol_download, domain_open_console and their like open beside their result. The driver
 * makes one with its own operations; whoever made the call owns it. All functions: the connection's thread. */
#ifndef MV_API_STREAM_H
#define MV_API_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"

struct mv_stream;

/* Slots may be NULL unless noted: a stream to read from has no send, one to write to has no recv. Each returns -1 with
 * *err, after which the stream is broken and only abort and free may follow. */
struct mv_stream_ops {
	/* Takes up to `size` bytes; returns how many it took (> 0). Blocks until it could take some. */
	ssize_t (*send)(struct mv_stream *stream, const void *data, size_t size, struct mv_error **err);
	/* Gives up to `size` bytes; returns how many (0: the end). Blocks until there are some. */
	ssize_t (*recv)(struct mv_stream *stream, void *data, size_t size, struct mv_error **err);
	/* All data was sent, or received; what was written counts when this has succeeded. Mandatory. */
	int (*finish)(struct mv_stream *stream, struct mv_error **err);
	/* Gives up: what was written may be lost. Mandatory. */
	void (*abort)(struct mv_stream *stream);
	/* Readable when recv would not block, or -1; the stream's, not to be closed. Optional: a file has none. */
	int (*fd)(const struct mv_stream *stream);
	/* Releases it; comes after finish or abort. Mandatory. */
	void (*free)(struct mv_stream *stream);
};

/* A driver's own structure begins with this. */
struct mv_stream {
	const struct mv_stream_ops *ops;
	enum { MV_STREAM_OPEN, MV_STREAM_BROKEN, MV_STREAM_FINISHED, MV_STREAM_ABORTED } state; /* the API's */
};

/* As the operations; a wrong state or direction is MV_ERR_OPERATION_INVALID. */
ssize_t mv_stream_send(struct mv_stream *stream, const void *data, size_t size, struct mv_error **err);
ssize_t mv_stream_recv(struct mv_stream *stream, void *data, size_t size, struct mv_error **err);
int mv_stream_finish(struct mv_stream *stream, struct mv_error **err);
void mv_stream_abort(struct mv_stream *stream); /* nothing, when it has ended */
int mv_stream_fd(const struct mv_stream *stream);
void mv_stream_free(struct mv_stream *stream); /* aborts one that has not been finished; accepts NULL */
MV_AUTO_DEFINE(mv_stream, mv_stream_free)

#endif
