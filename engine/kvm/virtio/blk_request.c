#include "engine/kvm/virtio/blk_request.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"

#define HEADER_SIZE 16
#define RANGE_SIZE 16
#define RANGE_F_UNMAP 1
#define INLINE_IOV 4

enum type {
	TYPE_IN = 0,
	TYPE_OUT = 1,
	TYPE_FLUSH = 4,
	TYPE_GET_ID = 8,
	TYPE_DISCARD = 11,
	TYPE_WRITE_ZEROES = 13,
};

enum status { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

/* A range of a discard or write zeroes request, copied out of guest memory. */
struct range {
	uint64_t sector;
	uint32_t sectors;
	uint32_t flags;
};

struct mv_blk_slot {
	struct mv_image_request io; /* first */
	struct mv_blk_disk *disk;
	uint16_t queue;
	uint16_t head;
	uint32_t written;
	uint8_t *status; /* in guest memory */
	uint64_t bytes;
	struct iovec *iov; /* own, or a larger array, which the slot keeps */
	unsigned iov_room;
	struct iovec own_iov[INLINE_IOV];
	struct range *ranges; /* MV_BLK_MAX_RANGES; NULL until the first time */
	unsigned range_count, next_range;
	struct mv_blk_slot *next;
};

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* --- slots -----------------------------------------------------------------------------------------------------------
 */

int mv_blk_disk_init(struct mv_blk_disk *d, unsigned slot_count, struct mv_error **err)
{
	d->slots = calloc(slot_count, sizeof(*d->slots));
	if (!d->slots)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %u disk requests.", slot_count);
	d->slot_count = slot_count;
	return 0;
}

void mv_blk_disk_release(struct mv_blk_disk *d)
{
	for (unsigned i = 0; i < d->fresh; i++) {
		if (d->slots[i].iov != d->slots[i].own_iov)
			free(d->slots[i].iov);
		free(d->slots[i].ranges);
	}
	free(d->slots);
	d->slots = NULL;
	d->fresh = 0;
}

/* The slot that was used last comes first: few slots in flight, little memory touched. */
static struct mv_blk_slot *slot_get(struct mv_blk_disk *d)
{
	struct mv_blk_slot *s = d->free_slots;

	if (s) {
		d->free_slots = s->next;
		return s;
	}
	if (d->fresh == d->slot_count)
		return NULL;
	s = &d->slots[d->fresh++];
	s->disk = d;
	s->iov = s->own_iov;
	s->iov_room = INLINE_IOV;
	return s;
}

static void slot_put(struct mv_blk_slot *s)
{
	struct mv_blk_disk *d = s->disk;

	s->next = d->free_slots;
	d->free_slots = s;
	d->retry |= d->starved;
	d->starved = 0;
}

/* Room for that many segments, kept for later requests. */
static bool slot_reserve(struct mv_blk_slot *s, unsigned n)
{
	struct iovec *iov;

	if (n <= s->iov_room)
		return true;
	iov = calloc(n, sizeof(*iov));
	if (!iov)
		return false;
	if (s->iov != s->own_iov)
		free(s->iov);
	s->iov = iov;
	s->iov_room = n;
	return true;
}

/* --- completion ------------------------------------------------------------------------------------------------------
 */

static void complete(struct mv_blk_slot *s, enum status status)
{
	struct mv_blk_disk *d = s->disk;

	if (!d->dropping) {
		*s->status = (uint8_t)status;
		mv_queue_push(&d->queues[s->queue], s->head, s->written);
		d->dirty |= UINT64_C(1) << s->queue;
	}
	slot_put(s);
}

static void count_success(struct mv_blk_slot *s)
{
	struct mv_blk_stats *stats = &s->disk->stats;

	switch ((enum mv_image_op)s->io.op) {
	case MV_IMAGE_READ:
		count(&stats->read_requests, 1);
		count(&stats->read_bytes, s->bytes);
		break;
	case MV_IMAGE_WRITE:
	case MV_IMAGE_ZERO:
		count(&stats->write_requests, 1);
		count(&stats->write_bytes, s->bytes);
		break;
	case MV_IMAGE_DISCARD:
		count(&stats->discard_requests, 1);
		count(&stats->discard_bytes, s->bytes);
		break;
	default: count(&stats->flush_requests, 1); break;
	}
}

static void fail(struct mv_blk_slot *s, int result)
{
	struct mv_blk_disk *d = s->disk;

	count(&d->stats.errors, 1);
	if (d->failed && !d->dropping)
		d->failed(d->opaque, (enum mv_image_op)s->io.op, s->io.offset / MV_BLK_SECTOR, -result);
	complete(s, STATUS_IOERR);
}

static void finish(struct mv_blk_slot *s, int result)
{
	if (result < 0) {
		fail(s, result);
		return;
	}
	count_success(s);
	complete(s, STATUS_OK);
}

/* --- reads, writes, flushes ------------------------------------------------------------------------------------------
 */

static void on_done(struct mv_image_request *io, int result)
{
	finish((struct mv_blk_slot *)io, result);
}

/* What the image refuses at once lies outside it or is not aligned to its blocks: the guest's mistake. */
static bool refused(int result)
{
	return result == -EINVAL || result == -EROFS;
}

static void submit(struct mv_blk_slot *s)
{
	int result = mv_image_submit(s->disk->image, &s->io);

	if (result == -EINPROGRESS)
		return;
	if (refused(result))
		complete(s, STATUS_IOERR);
	else
		finish(s, result);
}

/* Gives the slot the part of the segments that begins after `skip` bytes and is s->bytes long. */
static bool take_data(struct mv_blk_slot *s, const struct iovec *iov, unsigned segments, uint64_t skip)
{
	uint64_t rest = s->bytes;
	unsigned n = 0;

	if (!slot_reserve(s, segments))
		return false;
	for (; rest; iov++) {
		uint64_t len = iov->iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len -= skip;
		if (len > rest)
			len = rest;
		s->iov[n++] = (struct iovec){ .iov_base = (uint8_t *)iov->iov_base + skip, .iov_len = len };
		rest -= len;
		skip = 0;
	}
	s->io.iov = s->iov;
	s->io.iov_count = n;
	return true;
}

static void start_transfer(struct mv_blk_slot *s, const struct mv_chain *c, uint64_t sector, bool write)
{
	struct mv_blk_disk *d = s->disk;
	bool taken;

	s->bytes = write ? c->readable_bytes - HEADER_SIZE : c->writable_bytes - 1;
	/* The image checks the rest of it; this is what keeps the multiplication from overflowing. */
	if (sector > d->image->info.size / MV_BLK_SECTOR) {
		complete(s, STATUS_IOERR);
		return;
	}
	s->io.op = write ? MV_IMAGE_WRITE : MV_IMAGE_READ;
	s->io.flags = write && d->durable ? MV_IMAGE_DURABLE : 0;
	s->io.offset = sector * MV_BLK_SECTOR;
	s->io.length = s->bytes;
	d->burst += s->bytes;
	if (write)
		taken = take_data(s, c->iov, c->readable, HEADER_SIZE);
	else
		taken = take_data(s, c->iov + c->readable, c->writable, 0);
	if (!taken) {
		fail(s, -ENOMEM);
		return;
	}
	submit(s);
}

static void start_flush(struct mv_blk_slot *s)
{
	s->io.op = MV_IMAGE_FLUSH;
	s->io.flags = 0;
	s->io.offset = s->io.length = 0;
	if (s->disk->no_flush)
		finish(s, 0);
	else
		submit(s);
}

static void start_get_id(struct mv_blk_slot *s, const struct mv_chain *c)
{
	size_t room = c->writable_bytes - 1;

	mv_chain_write(c, 0, s->disk->serial, room < MV_BLK_SERIAL_SIZE ? room : MV_BLK_SERIAL_SIZE);
	complete(s, STATUS_OK);
}

/* --- discard and write zeroes ----------------------------------------------------------------------------------------
 */

static int run_ranges(struct mv_blk_slot *s);

static void on_range_done(struct mv_image_request *io, int result)
{
	struct mv_blk_slot *s = (struct mv_blk_slot *)io;

	if (result == 0)
		result = run_ranges(s);
	if (result != -EINPROGRESS)
		finish(s, result);
}

/* The ranges one after the other, all of them checked before. */
static int run_ranges(struct mv_blk_slot *s)
{
	int result = 0;

	while (result == 0 && s->next_range < s->range_count) {
		const struct range *r = &s->ranges[s->next_range++];

		s->io.offset = r->sector * MV_BLK_SECTOR;
		s->io.length = (uint64_t)r->sectors * MV_BLK_SECTOR;
		s->io.flags = s->disk->durable ? MV_IMAGE_DURABLE : 0;
		if (s->disk->discard && (r->flags & RANGE_F_UNMAP))
			s->io.flags |= MV_IMAGE_MAY_UNMAP;
		result = mv_image_submit(s->disk->image, &s->io);
	}
	return result;
}

static enum status check_range(const struct mv_blk_slot *s, const struct range *r)
{
	const struct mv_image_info *info = &s->disk->image->info;
	uint64_t capacity = info->size / MV_BLK_SECTOR;

	/* 5.2.6.2: reserved flags, and "unmap" for a discard, are not supported. */
	if (r->flags & (s->io.op == MV_IMAGE_ZERO ? ~(uint32_t)RANGE_F_UNMAP : UINT32_MAX))
		return STATUS_UNSUPP;
	if (r->sectors > MV_BLK_MAX_RANGE_SECTORS || r->sector > capacity || r->sectors > capacity - r->sector)
		return STATUS_IOERR;
	return (r->sector | r->sectors) * MV_BLK_SECTOR & (info->block_size - 1) ? STATUS_IOERR : STATUS_OK;
}

static enum status take_ranges(struct mv_blk_slot *s, const struct mv_chain *c)
{
	uint64_t bytes = c->readable_bytes - HEADER_SIZE;

	if (!bytes || bytes % RANGE_SIZE || bytes / RANGE_SIZE > MV_BLK_MAX_RANGES)
		return STATUS_IOERR;
	if (!s->ranges)
		s->ranges = calloc(MV_BLK_MAX_RANGES, sizeof(*s->ranges));
	if (!s->ranges)
		return STATUS_IOERR;
	s->range_count = (unsigned)(bytes / RANGE_SIZE);
	s->next_range = 0;
	s->bytes = 0;
	for (unsigned i = 0; i < s->range_count; i++) {
		uint8_t raw[RANGE_SIZE];
		enum status status;

		mv_chain_read(c, HEADER_SIZE + (uint64_t)i * RANGE_SIZE, raw, sizeof(raw));
		s->ranges[i] = (struct range){
			.sector = mv_get_le64(raw),
			.sectors = mv_get_le32(raw + 8),
			.flags = mv_get_le32(raw + 12),
		};
		status = check_range(s, &s->ranges[i]);
		if (status != STATUS_OK)
			return status;
		s->bytes += (uint64_t)s->ranges[i].sectors * MV_BLK_SECTOR;
	}
	return STATUS_OK;
}

static void start_ranges(struct mv_blk_slot *s, const struct mv_chain *c, enum mv_image_op op)
{
	enum status status;
	int result;

	s->io.op = op;
	s->io.offset = 0;
	status = s->disk->image->info.read_only ? STATUS_IOERR : take_ranges(s, c);
	if (status != STATUS_OK) {
		complete(s, status);
		return;
	}
	s->io.done = on_range_done;
	result = run_ranges(s);
	if (result != -EINPROGRESS)
		finish(s, result);
}

/* --- taking ----------------------------------------------------------------------------------------------------------
 */

static void start(struct mv_blk_slot *s, const struct mv_chain *c)
{
	const struct iovec *last = &c->iov[c->readable + c->writable - 1];
	uint8_t header[HEADER_SIZE];

	s->head = c->head;
	s->status = (uint8_t *)last->iov_base + last->iov_len - 1;
	/* The status is the last byte, so all before it counts as written, whatever the outcome. */
	s->written = c->writable_bytes < UINT32_MAX ? (uint32_t)c->writable_bytes : UINT32_MAX;
	s->io.done = on_done;
	if (mv_chain_read(c, 0, header, sizeof(header)) != sizeof(header)) {
		complete(s, STATUS_IOERR);
		return;
	}
	switch (mv_get_le32(header)) {
	case TYPE_IN: start_transfer(s, c, mv_get_le64(header + 8), false); break;
	case TYPE_OUT: start_transfer(s, c, mv_get_le64(header + 8), true); break;
	case TYPE_FLUSH: start_flush(s); break;
	case TYPE_GET_ID: start_get_id(s, c); break;
	case TYPE_DISCARD:
		if (!s->disk->discard)
			complete(s, STATUS_UNSUPP);
		else
			start_ranges(s, c, MV_IMAGE_DISCARD);
		break;
	case TYPE_WRITE_ZEROES: start_ranges(s, c, MV_IMAGE_ZERO); break;
	default: complete(s, STATUS_UNSUPP); break;
	}
}

int mv_blk_take(struct mv_blk_disk *d, unsigned queue, const char **why)
{
	struct mv_queue *q = &d->queues[queue];

	d->burst = 0;
	for (;;) {
		struct mv_blk_slot *s;
		struct mv_chain c;
		int rc;

		/* Only a guest that offers chains again before they were returned gets here without a slot. */
		if (!d->free_slots && d->fresh == d->slot_count) {
			d->starved |= UINT64_C(1) << queue;
			return 0;
		}
		if (d->burst >= MV_BLK_BURST && d->image->info.buffered) {
			d->retry |= UINT64_C(1) << queue;
			return 0;
		}
		rc = mv_queue_pop(q, &c);
		if (rc == 0)
			return 0;
		if (rc > 0 && !c.writable_bytes)
			rc = -1;
		if (rc < 0) {
			*why = q->broken ? q->why : "a disk request has no room for its status";
			return -1;
		}
		s = slot_get(d);
		s->queue = (uint16_t)queue;
		start(s, &c);
	}
}
