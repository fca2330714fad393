/* A disk image, as a device sees it: asynchronous requests on a linear range of bytes. A format (raw.c, ...) implements
 * struct mv_image_ops on top of an I/O engine. */
#ifndef MV_IMAGE_IMAGE_H
#define MV_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "engine/base/error.h"
#include "engine/image/aio.h"

struct mv_image;

enum mv_image_op {
	MV_IMAGE_READ,
	MV_IMAGE_WRITE,
	MV_IMAGE_FLUSH,   /* all writes completed before are durable afterwards */
	MV_IMAGE_DISCARD, /* the range's contents may be anything afterwards; a hint that is never refused for lack of
			     support */
	MV_IMAGE_ZERO,    /* the range reads as zeros afterwards */
	MV_IMAGE_OP_LAST
};

#define MV_IMAGE_DURABLE 1   /* write, discard, zero: durable when it completes */
#define MV_IMAGE_MAY_UNMAP 2 /* zero: the range may lose its space */

/* One request; memory of the caller, who prepares the first part and leaves all of it alone until it has completed. */
struct mv_image_request {
	uint8_t op; /* enum mv_image_op */
	uint8_t flags;
	uint64_t offset, length; /* multiples of info.block_size, within info.size */
	struct iovec *iov;       /* read, write: `length` bytes in all; entries are used up */
	unsigned iov_count;
	void (*done)(struct mv_image_request *req, int result); /* 0 or -errno; engine's thread; may submit */

	/* The format's. */
	struct mv_image *image;
	struct mv_aio_op aio;
	uint64_t progress;
	uint8_t stage;
	struct iovec bounce; /* stands in for the iov where the file wants aligned memory */
	size_t bounce_size;
};

struct mv_image_info {
	uint64_t size;                /* bytes, a multiple of 512 */
	uint32_t block_size;          /* of all requests' offsets and lengths: 512, or more for O_DIRECT */
	uint32_t physical_block_size; /* power of two, at least block_size */
	uint32_t optimal_size;        /* of a transfer; 0: unknown */
	bool buffered;                /* through the page cache; see mv_aio_flush() */
	bool read_only;
};

/* Engine's thread, unless noted. */
struct mv_image_ops {
	const char *format;
	/* Range, alignment and read_only have been checked; length is not 0 (flush: it is). As mv_image_submit(). */
	int (*submit)(struct mv_image *img, struct mv_image_request *req);
	void (*close)(struct mv_image *img); /* any thread; nothing in flight */
};

struct mv_image {
	const struct mv_image_ops *ops;
	struct mv_aio *aio; /* borrowed */
	struct mv_image_info info;
};

/* A raw file or block device by its descriptor (borrowed; must outlive the image), whose flags (O_DIRECT, access mode)
 * say how it is used. Before the engine's first attach. Errors: MV_ERR_SYSTEM, MV_ERR_CONFIG_UNSUPPORTED (neither a
 * file nor a block device). */
int mv_image_open_raw(struct mv_aio *aio, int fd, bool read_only, struct mv_image **out, struct mv_error **err);

/* Nothing may be in flight. NULL is accepted. */
void mv_image_close(struct mv_image *img);
MV_AUTO_DEFINE(mv_image, mv_image_close)

/* Starts a request. -EINPROGRESS: req->done will be called. Else it is complete (0) or failed (-errno: -EINVAL for a
 * range that cannot be, -EROFS) and req->done is not called. */
int mv_image_submit(struct mv_image *img, struct mv_image_request *req);

#endif
