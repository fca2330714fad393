/* Raw images: the bytes of a file or block device are the bytes of the disk. A request goes through stages, each one
 * operation of the I/O engine; short transfers, and what a file system cannot do, lead to another one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "engine/image/image.h"
#include "engine/image/raw_probe.h"

#define BOUNCE_ALIGN 4096U
#define BOUNCE_MAX (1U << 20)
#define ZEROS_SIZE 65536U
#define ZEROS_IOV 16 /* so 1 MiB of zeros is written at a time */
#define MORE 1       /* not complete: the next stage has to be started */

enum stage {
	STAGE_TRANSFER,
	STAGE_SYNC,
	STAGE_PUNCH,
	STAGE_ZERO_RANGE,
	STAGE_WRITE_ZEROS,
};

struct raw {
	struct mv_image img; /* first */
	struct mv_aio_file file;
	struct mv_raw_geometry geometry;
	bool no_punch; /* the file system said so once */
	bool no_zero_range;
	bool no_discard;
	void *zeros; /* untouched anonymous memory: the kernel's zero page, again and again */
	struct iovec zeros_iov[ZEROS_IOV];
};

static struct raw *raw_of(struct mv_image *img)
{
	return (struct raw *)img;
}

static void *aligned_memory(size_t size)
{
	void *p;

	return posix_memalign(&p, BOUNCE_ALIGN, size) == 0 ? p : NULL;
}

static bool needs_bounce(const struct raw *r, const struct mv_image_request *req)
{
	uintptr_t bits = 0;
	size_t lengths = 0;

	if (!r->geometry.direct)
		return false;
	for (unsigned i = 0; i < req->iov_count; i++) {
		bits |= (uintptr_t)req->iov[i].iov_base;
		lengths |= req->iov[i].iov_len;
	}
	return (bits & (r->geometry.memory_align - 1)) || (lengths & (r->geometry.length_align - 1));
}

/* Moves the start of the iov on by n bytes; copies them from or to `copy` on the way when it is not NULL. */
static void advance(struct mv_image_request *req, size_t n, uint8_t *copy, bool to_iov)
{
	while (n && req->iov_count) {
		struct iovec *v = req->iov;
		size_t part = v->iov_len < n ? v->iov_len : n;

		if (copy) {
			if (to_iov)
				memcpy(v->iov_base, copy, part);
			else
				memcpy(copy, v->iov_base, part);
			copy += part;
		}
		n -= part;
		v->iov_base = (uint8_t *)v->iov_base + part;
		v->iov_len -= part;
		if (!v->iov_len) {
			req->iov++;
			req->iov_count--;
		}
	}
}

static void fill_zeros(struct mv_image_request *req)
{
	for (unsigned i = 0; i < req->iov_count; i++)
		memset(req->iov[i].iov_base, 0, req->iov[i].iov_len);
	req->progress = req->length;
}

/* A write's data is copied once, when its piece is first started: the guest may change its memory meanwhile, and the
 * rest of a piece that was written in part must follow what was written. */
static void prepare_bounce(struct mv_image_request *req, struct mv_aio_op *op)
{
	uint64_t rest = req->length - req->progress;

	if (!req->bounce.iov_len) {
		req->bounce.iov_len = rest < req->bounce_size ? rest : req->bounce_size;
		if (req->op == MV_IMAGE_WRITE)
			advance(req, req->bounce.iov_len, req->bounce.iov_base, false);
	}
	op->iov = &req->bounce;
	op->iov_count = 1;
}

static void prepare_zeros(struct raw *r, struct mv_image_request *req, struct mv_aio_op *op)
{
	uint64_t rest = req->length - req->progress;

	/* All whole buffers that fit, or, at the end, a part of one. */
	op->kind = MV_AIO_WRITE;
	op->flags |= MV_AIO_BEHIND;
	if (rest < ZEROS_SIZE) {
		req->bounce = (struct iovec){ .iov_base = r->zeros, .iov_len = rest };
		op->iov = &req->bounce;
		op->iov_count = 1;
	} else {
		op->iov = r->zeros_iov;
		op->iov_count = rest / ZEROS_SIZE < ZEROS_IOV ? (unsigned)(rest / ZEROS_SIZE) : ZEROS_IOV;
	}
}

static void prepare(struct raw *r, struct mv_image_request *req)
{
	struct mv_aio_op *op = &req->aio;

	op->flags = req->flags & MV_IMAGE_DURABLE ? MV_AIO_DURABLE : 0;
	op->offset = req->offset + req->progress;
	op->length = req->length - req->progress;
	switch ((enum stage)req->stage) {
	case STAGE_TRANSFER:
		op->kind = req->op == MV_IMAGE_READ ? MV_AIO_READ : MV_AIO_WRITE;
		if (req->op == MV_IMAGE_READ)
			op->flags = 0;
		op->iov = req->iov;
		op->iov_count = req->iov_count;
		if (req->bounce_size)
			prepare_bounce(req, op);
		break;
	case STAGE_SYNC:
		op->kind = MV_AIO_SYNC;
		op->flags = 0;
		break;
	case STAGE_PUNCH:
		op->kind = MV_AIO_ALLOCATE;
		op->mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		break;
	case STAGE_ZERO_RANGE:
		op->kind = MV_AIO_ALLOCATE;
		op->mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
		break;
	case STAGE_WRITE_ZEROS: prepare_zeros(r, req, op); break;
	}
}

/* At the end of a file whose size is no multiple of the sector size, the rest of the sector reads as zeros. An end that
 * comes earlier than when the image was opened means that somebody cut the file: no data, and no zeros either. */
static int read_at_end(struct raw *r, struct mv_image_request *req)
{
	if (r->geometry.block_device || req->offset + req->progress < r->geometry.bytes)
		return -EIO;
	fill_zeros(req);
	return 0;
}

static int after_transfer(struct raw *r, struct mv_image_request *req, uint64_t n)
{
	bool read = req->op == MV_IMAGE_READ;
	bool partial;

	if (!n)
		return read ? read_at_end(r, req) : -EIO;
	if (n > req->length - req->progress)
		return -EIO;
	if (!req->bounce_size) {
		advance(req, n, NULL, false);
	} else if (read) {
		advance(req, n, req->bounce.iov_base, true);
		req->bounce.iov_len = 0;
	} else if (n < req->bounce.iov_len) {
		memmove(req->bounce.iov_base, (uint8_t *)req->bounce.iov_base + n, req->bounce.iov_len - n);
		req->bounce.iov_len -= n;
	} else {
		req->bounce.iov_len = 0;
	}
	req->progress += n;
	if (req->progress == req->length)
		return 0;
	/* With O_DIRECT the rest after the file's last, incomplete block cannot be asked for. */
	partial = (req->offset + req->progress) & (r->geometry.length_align - 1);
	if (read && r->geometry.direct && partial)
		return read_at_end(r, req);
	return MORE;
}

static bool unsupported(int64_t result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENODEV;
}

/* Discarding without a promise about contents. Hardware that cannot punch holes (which read as zeros) can often do
 * this; there is no asynchronous way to ask for it, and it is quick. */
static int discard_device(struct raw *r, const struct mv_image_request *req)
{
	uint64_t range[2] = { req->offset, req->length };

	if (r->geometry.block_device && !r->no_discard && ioctl(r->file.fd, BLKDISCARD, range) == 0)
		return 0;
	r->no_discard = true;
	return -EOPNOTSUPP;
}

static int after_allocate(struct raw *r, struct mv_image_request *req, int64_t result)
{
	bool punch = req->stage == STAGE_PUNCH;

	if (unsupported(result)) {
		if (punch)
			r->no_punch = true;
		else
			r->no_zero_range = true;
		if (req->op == MV_IMAGE_DISCARD) {
			if (discard_device(r, req) < 0)
				return 0; /* only a hint */
		} else {
			req->stage = punch && !r->no_zero_range ? STAGE_ZERO_RANGE : STAGE_WRITE_ZEROS;
			return MORE;
		}
	} else if (result < 0) {
		return (int)result;
	}
	if (!(req->flags & MV_IMAGE_DURABLE))
		return 0;
	req->stage = STAGE_SYNC;
	return MORE;
}

static int after(struct raw *r, struct mv_image_request *req)
{
	int64_t result = req->aio.result;

	if (result == -EINTR || result == -EAGAIN)
		return MORE;
	if (req->stage == STAGE_PUNCH || req->stage == STAGE_ZERO_RANGE)
		return after_allocate(r, req, result);
	if (result < 0)
		return (int)result;
	if (req->stage == STAGE_TRANSFER)
		return after_transfer(r, req, (uint64_t)result);
	if (req->stage == STAGE_SYNC)
		return 0;
	if (!result || (uint64_t)result > req->length - req->progress)
		return -EIO;
	req->progress += (uint64_t)result;
	return req->progress == req->length ? 0 : MORE;
}

static int finish(struct mv_image_request *req, int result)
{
	if (req->bounce_size)
		free(req->bounce.iov_base);
	req->bounce_size = 0;
	return result;
}

static int run(struct raw *r, struct mv_image_request *req)
{
	int result = MORE;

	while (result == MORE) {
		prepare(r, req);
		if (!mv_aio_submit(r->img.aio, &req->aio))
			return -EINPROGRESS;
		result = after(r, req);
	}
	return finish(req, result);
}

static void on_done(struct mv_aio_op *op)
{
	struct mv_image_request *req = mv_container_of(op, struct mv_image_request, aio);
	struct raw *r = raw_of(req->image);
	int result = after(r, req);

	result = result == MORE ? run(r, req) : finish(req, result);
	if (result != -EINPROGRESS)
		req->done(req, result);
}

static int start_transfer(struct raw *r, struct mv_image_request *req)
{
	size_t blocks = BOUNCE_MAX;

	req->stage = STAGE_TRANSFER;
	if (!needs_bounce(r, req))
		return 0;
	if (req->length < blocks)
		blocks = req->length;
	req->bounce = (struct iovec){ .iov_base = aligned_memory(blocks) };
	if (!req->bounce.iov_base)
		return -ENOMEM;
	req->bounce_size = blocks;
	return 0;
}

static void start_zero(const struct raw *r, struct mv_image_request *req)
{
	if ((req->flags & MV_IMAGE_MAY_UNMAP) && !r->no_punch)
		req->stage = STAGE_PUNCH;
	else
		req->stage = r->no_zero_range ? STAGE_WRITE_ZEROS : STAGE_ZERO_RANGE;
}

static int raw_submit(struct mv_image *img, struct mv_image_request *req)
{
	struct raw *r = raw_of(img);

	req->bounce_size = 0;
	req->aio.file = &r->file;
	req->aio.done = on_done;
	switch ((enum mv_image_op)req->op) {
	case MV_IMAGE_FLUSH: req->stage = STAGE_SYNC; break;
	case MV_IMAGE_DISCARD:
		if (r->no_punch && discard_device(r, req) < 0)
			return 0;
		req->stage = r->no_punch ? STAGE_SYNC : STAGE_PUNCH;
		if (r->no_punch && !(req->flags & MV_IMAGE_DURABLE))
			return 0;
		break;
	case MV_IMAGE_ZERO: start_zero(r, req); break;
	default:
		if (start_transfer(r, req) < 0)
			return -ENOMEM;
		break;
	}
	return run(r, req);
}

static void raw_close(struct mv_image *img)
{
	struct raw *r = raw_of(img);

	if (r->zeros)
		munmap(r->zeros, ZEROS_SIZE);
	free(r);
}

static const struct mv_image_ops raw_ops = {
	.format = "raw",
	.submit = raw_submit,
	.close = raw_close,
};

static void fill_info(struct mv_image_info *info, const struct mv_raw_geometry *g)
{
	info->size = (g->bytes + 511) & ~UINT64_C(511);
	info->block_size = g->length_align;
	info->physical_block_size = g->physical_block_size;
	info->optimal_size = g->optimal_size;
	info->buffered = !g->direct;
}

int mv_image_open_raw(struct mv_aio *aio, int fd, bool read_only, struct mv_image **out, struct mv_error **err)
{
	mv_auto(mv_image) img = NULL;
	struct raw *r = calloc(1, sizeof(*r));

	if (!r)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a disk image.");
	img = &r->img;
	img->ops = &raw_ops;
	img->aio = aio;
	img->info.read_only = read_only;
	if (mv_raw_probe(fd, &r->geometry, err) < 0)
		return -1;
	fill_info(&img->info, &r->geometry);
	r->zeros = mmap(NULL, ZEROS_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->zeros == MAP_FAILED) {
		r->zeros = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a disk image.");
	}
	for (int i = 0; i < ZEROS_IOV; i++)
		r->zeros_iov[i] = (struct iovec){ .iov_base = r->zeros, .iov_len = ZEROS_SIZE };
	mv_aio_add_file(aio, fd, &r->file);
	*out = mv_steal(img);
	return 0;
}
