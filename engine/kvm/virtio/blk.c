/* Block device (VIRTIO 1.2, section 5.2). It has a thread of its own whose only wait is the I/O engine's. In each round
 * the queues that were notified are emptied, what completed is returned, and the guest is interrupted once. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/blk_request.h"
#include "engine/kvm/virtio/devices.h"
#include "engine/kvm/virtio/virtio.h"

#define F_SEG_MAX 2
#define F_RO 5
#define F_BLK_SIZE 6
#define F_FLUSH 9
#define F_TOPOLOGY 10
#define F_CONFIG_WCE 11
#define F_MQ 12
#define F_DISCARD 13
#define F_WRITE_ZEROES 14
#define BIT(n) (UINT64_C(1) << (n))

/* Offsets in the configuration, 5.2.4. */
#define CONFIG_CAPACITY 0
#define CONFIG_SEG_MAX 12
#define CONFIG_BLK_SIZE 20
#define CONFIG_PHYSICAL_EXPONENT 24
#define CONFIG_MIN_IO 26
#define CONFIG_OPT_IO 28
#define CONFIG_WRITEBACK 32
#define CONFIG_QUEUES 34
#define CONFIG_MAX_DISCARD 36
#define CONFIG_MAX_DISCARD_RANGES 40
#define CONFIG_DISCARD_ALIGN 44
#define CONFIG_MAX_ZERO 48
#define CONFIG_MAX_ZERO_RANGES 52
#define CONFIG_ZERO_MAY_UNMAP 56
#define CONFIG_SIZE 60

#define MAX_REPORTS 16
#define MAX_ROUNDS 16 /* of emptying the queues, before the thread's loop gets a turn */
#define TAG_WRITEBACK 1000

struct blk;

struct kick {
	struct blk *blk;
	unsigned queue;
	struct mv_aio_watch *watch;
};

struct report {
	uint8_t op;
	int errnum;
};

struct blk {
	struct mv_virtio v; /* first */
	struct mv_blk_disk disk;
	struct mv_aio *aio;
	struct mv_image *image;
	int fd; /* owned */
	uint32_t cache;
	uint32_t queues;
	uint16_t queue_size;
	bool writeback;   /* what the guest wrote to the configuration */
	bool working;     /* queues are looked at */
	uint64_t pending; /* queues to look at */
	struct kick kicks[MV_MAX_QUEUES];
	struct report reports[MAX_REPORTS]; /* what the machine was told already */
	unsigned report_count;
};

static struct blk *blk_of(struct mv_virtio *v)
{
	return (struct blk *)v;
}

static struct blk *blk_of_dev(struct mv_dev *d)
{
	return (struct blk *)d;
}

/* --- the work
 * ----------------------------------------------------------------------------------------------------------
 */

static void interrupt(struct blk *b)
{
	uint64_t dirty = b->disk.dirty;

	b->disk.dirty = 0;
	for (; dirty; dirty &= dirty - 1) {
		int fd = mv_virtio_interrupt_fd(&b->v, (unsigned)__builtin_ctzll(dirty));

		if (fd >= 0)
			mv_aio_signal(b->aio, fd);
	}
}

static void stop_for_reset(struct blk *b, const char *why)
{
	b->working = false;
	mv_virtio_needs_reset(&b->v, why);
}

/* Empties the given queues; false when the guest broke one. */
static bool take(struct blk *b, uint64_t queues)
{
	const char *why = NULL;

	for (; queues; queues &= queues - 1) {
		unsigned i = (unsigned)__builtin_ctzll(queues);

		mv_queue_disable_notify(&b->v.queues[i]);
		if (mv_blk_take(&b->disk, i, &why) < 0) {
			stop_for_reset(b, why);
			return false;
		}
	}
	return true;
}

/* What arrived while we worked needs no notification; only before the thread may sleep does it ask for one. */
static uint64_t ask_for_notification(struct blk *b, uint64_t queues)
{
	uint64_t again = 0;

	queues &= ~(b->disk.starved | b->disk.retry);
	for (; queues; queues &= queues - 1) {
		unsigned i = (unsigned)__builtin_ctzll(queues);

		if (mv_queue_enable_notify(&b->v.queues[i]))
			again |= BIT(i);
	}
	return again;
}

/* At the end of each round of the I/O engine. */
static void work(void *opaque)
{
	struct blk *b = opaque;

	for (unsigned round = 0; b->working && (b->pending | b->disk.retry); round++) {
		uint64_t queues = b->pending | b->disk.retry;

		/* A guest that always has more must not keep others from this thread: a pause, a reset. */
		if (round == MAX_ROUNDS) {
			mv_aio_again(b->aio);
			break;
		}
		b->pending = b->disk.retry = 0;
		if (!take(b, queues))
			break;
		/* What the page cache has is complete at once. Direct I/O never is: it starts with the next wait. */
		if (b->image->info.buffered) {
			if (b->disk.retry)
				interrupt(b); /* now, and not after the next burst */
			mv_aio_flush(b->aio);
		}
		interrupt(b);
		b->pending |= ask_for_notification(b, queues);
	}
	interrupt(b);
}

static void on_kick(void *opaque)
{
	struct kick *k = opaque;

	k->blk->pending |= BIT(k->queue);
}

static void look_at_all(struct blk *b)
{
	for (unsigned i = 0; i < b->v.queue_count; i++) {
		if (b->v.queues[i].enabled)
			b->pending |= BIT(i);
	}
	work(b);
}

/* --- errors
 * ------------------------------------------------------------------------------------------------------------
 */

static bool reported(struct blk *b, enum mv_image_op op, int errnum)
{
	for (unsigned i = 0; i < b->report_count; i++) {
		if (b->reports[i].op == op && b->reports[i].errnum == errnum)
			return true;
	}
	/* With so many kinds of trouble, one more is no news. */
	if (b->report_count == MAX_REPORTS)
		return true;
	b->reports[b->report_count++] = (struct report){ .op = (uint8_t)op, .errnum = errnum };
	return false;
}

static void on_failed(void *opaque, enum mv_image_op op, uint64_t sector, int errnum)
{
	static const char *const names[MV_IMAGE_OP_LAST] = {
		[MV_IMAGE_READ] = "Reading",       [MV_IMAGE_WRITE] = "Writing", [MV_IMAGE_FLUSH] = "Flushing",
		[MV_IMAGE_DISCARD] = "Discarding", [MV_IMAGE_ZERO] = "Zeroing",
	};
	struct blk *b = opaque;
	const char *reason = strerrordesc_np(errnum);
	char text[200];

	if (reported(b, op, errnum))
		return;
	if (!reason)
		reason = "unknown error";
	if (op == MV_IMAGE_FLUSH)
		snprintf(text, sizeof(text), "Flushing disk '%s' failed: %s.", b->v.dev.id, reason);
	else
		snprintf(text, sizeof(text), "%s sector %llu of disk '%s' failed: %s.", names[op],
			 (unsigned long long)sector, b->v.dev.id, reason);
	mv_machine_event(b->v.dev.machine, MV_EVENT_DEVICE, 0, text);
}

/* --- configuration
 * -----------------------------------------------------------------------------------------------------
 */

static bool always_durable(const struct blk *b)
{
	return b->cache == MV_CACHE_WRITETHROUGH || b->cache == MV_CACHE_DIRECTSYNC;
}

/* 5.2.5.2: a driver that neither flushes nor switches the cache relies on each write. */
static void choose_durability(struct blk *b)
{
	bool volatile_cache;

	if (b->cache == MV_CACHE_UNSAFE)
		volatile_cache = true;
	else if (always_durable(b))
		volatile_cache = false;
	else if (mv_virtio_has(&b->v, F_CONFIG_WCE))
		volatile_cache = b->writeback;
	else
		volatile_cache = mv_virtio_has(&b->v, F_FLUSH);
	b->disk.durable = !volatile_cache;
	b->disk.no_flush = b->cache == MV_CACHE_UNSAFE || always_durable(b);
}

static uint8_t log2_of(uint32_t n)
{
	return (uint8_t)(31 - __builtin_clz(n));
}

static void blk_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	struct blk *b = blk_of(v);
	const struct mv_image_info *info = &b->image->info;
	uint32_t physical_sectors = info->physical_block_size / MV_BLK_SECTOR;
	uint8_t c[CONFIG_SIZE] = { 0 };

	mv_put_le64(c + CONFIG_CAPACITY, info->size / MV_BLK_SECTOR);
	/* Header and status take a descriptor each. */
	mv_put_le32(c + CONFIG_SEG_MAX, b->queue_size > 2 ? b->queue_size - 2u : 1);
	mv_put_le32(c + CONFIG_BLK_SIZE, info->block_size);
	c[CONFIG_PHYSICAL_EXPONENT] = (uint8_t)(log2_of(info->physical_block_size) - log2_of(info->block_size));
	mv_put_le16(c + CONFIG_MIN_IO, (uint16_t)(info->physical_block_size / info->block_size));
	mv_put_le32(c + CONFIG_OPT_IO, info->optimal_size / info->block_size);
	c[CONFIG_WRITEBACK] = always_durable(b) ? 0 : b->writeback;
	mv_put_le16(c + CONFIG_QUEUES, (uint16_t)b->queues);
	if (b->disk.discard) {
		mv_put_le32(c + CONFIG_MAX_DISCARD, MV_BLK_MAX_RANGE_SECTORS);
		mv_put_le32(c + CONFIG_MAX_DISCARD_RANGES, MV_BLK_MAX_RANGES);
		mv_put_le32(c + CONFIG_DISCARD_ALIGN, physical_sectors);
	}
	mv_put_le32(c + CONFIG_MAX_ZERO, MV_BLK_MAX_RANGE_SECTORS);
	mv_put_le32(c + CONFIG_MAX_ZERO_RANGES, MV_BLK_MAX_RANGES);
	c[CONFIG_ZERO_MAY_UNMAP] = b->disk.discard;
	memcpy(buf, c + offset, len);
}

/* Writes that completed before are in the host's cache; once the guest has switched to writethrough it will not flush
 * them, so that is done here. */
static void flush_before_writethrough(struct blk *b)
{
	if (fdatasync(b->fd) < 0)
		on_failed(b, MV_IMAGE_FLUSH, 0, errno);
}

static void blk_config_write(struct mv_virtio *v, uint32_t offset, const void *buf, unsigned len)
{
	struct blk *b = blk_of(v);
	const uint8_t *bytes = buf;
	bool was = b->writeback;

	if (!mv_virtio_has(v, F_CONFIG_WCE) || offset > CONFIG_WRITEBACK || offset + len <= CONFIG_WRITEBACK)
		return;
	b->writeback = bytes[CONFIG_WRITEBACK - offset] & 1;
	choose_durability(b);
	if (was && !b->writeback) {
		/* Those in flight may still be on their way into the cache. */
		mv_aio_drain(b->aio);
		flush_before_writethrough(b);
		work(b); /* also what the guest notified meanwhile */
	}
}

static uint64_t offered(const struct blk *b, const struct mv_blk_spec *spec)
{
	uint64_t f = BIT(F_SEG_MAX) | BIT(F_BLK_SIZE) | BIT(F_TOPOLOGY);

	if (spec->queues > 1)
		f |= BIT(F_MQ);
	if (spec->read_only)
		return f | BIT(F_RO);
	f |= BIT(F_WRITE_ZEROES);
	if (spec->discard)
		f |= BIT(F_DISCARD);
	if (!always_durable(b))
		f |= BIT(F_FLUSH);
	if (spec->cache == MV_CACHE_WRITEBACK || spec->cache == MV_CACHE_NONE)
		f |= BIT(F_CONFIG_WCE);
	return f;
}

/* --- life
 * --------------------------------------------------------------------------------------------------------------
 */

static int blk_activate(struct mv_virtio *v, struct mv_error **err)
{
	struct blk *b = blk_of(v);

	choose_durability(b);
	b->disk.queues = v->queues;
	b->disk.dropping = false;
	if (mv_aio_attach(b->aio, v->loop, err) < 0)
		return -1;
	mv_aio_set_round(b->aio, work, b);
	for (unsigned i = 0; i < v->queue_count; i++) {
		struct kick *k = &b->kicks[i];

		if (!v->queues[i].enabled)
			continue;
		*k = (struct kick){ .blk = b, .queue = i };
		if (mv_aio_watch(b->aio, mv_virtio_kick_fd(v, i), on_kick, k, &k->watch, err) < 0)
			return -1;
	}
	if (!v->paused) {
		b->working = true;
		look_at_all(b);
	}
	return 0;
}

static void blk_reset(struct mv_virtio *v)
{
	struct blk *b = blk_of(v);

	b->working = false;
	b->disk.dropping = true;
	if (b->aio) {
		mv_aio_drain(b->aio);
		mv_aio_detach(b->aio);
	}
	memset(b->kicks, 0, sizeof(b->kicks));
	b->pending = 0;
	b->disk.dirty = b->disk.retry = b->disk.starved = 0;
	b->writeback = true;
	b->report_count = 0;
}

static void blk_pause(struct mv_virtio *v)
{
	struct blk *b = blk_of(v);

	b->working = false;
	mv_aio_drain(b->aio);
	interrupt(b);
	mv_aio_flush(b->aio); /* with the interrupts */
}

static void blk_resume(struct mv_virtio *v)
{
	struct blk *b = blk_of(v);

	b->working = true;
	look_at_all(b);
}

static void blk_state(struct mv_virtio *v, struct mv_state *st)
{
	mv_state_bool(st, TAG_WRITEBACK, &blk_of(v)->writeback);
}

static const struct mv_virtio_ops blk_ops = {
	.device_id = 2,
	.class_code = 0x010000,
	.config_size = CONFIG_SIZE,
	.config_read = blk_config_read,
	.config_write = blk_config_write,
	.activate = blk_activate,
	.reset = blk_reset,
	.pause = blk_pause,
	.resume = blk_resume,
	.state = blk_state,
};

static int check_spec(const struct mv_device_spec *spec, struct mv_error **err)
{
	const struct mv_blk_spec *s = &spec->blk;

	if (!s->queues || s->queues > MV_MAX_QUEUES)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The disk '%s' cannot have %u queues: 1 to %d are possible.", spec->id, s->queues,
				    MV_MAX_QUEUES);
	if (s->queue_size < 2 || s->queue_size > MV_QUEUE_MAX_SIZE || (s->queue_size & (s->queue_size - 1)))
		return mv_error_set(
			err, MV_ERR_INVALID_ARG,
			"The disk '%s' cannot have a queue of %u entries: it takes a power of two, 2 to %d.", spec->id,
			s->queue_size, MV_QUEUE_MAX_SIZE);
	if (s->cache >= MV_CACHE_LAST)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The disk '%s' has the unknown cache mode %u.", spec->id,
				    s->cache);
	if (s->serial && strlen(s->serial) > MV_BLK_SERIAL_SIZE)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The serial number '%s' of the disk '%s' is longer than %d bytes.", s->serial,
				    spec->id, MV_BLK_SERIAL_SIZE);
	return 0;
}

static int open_image(struct blk *b, const struct mv_blk_spec *spec, struct mv_error **err)
{
	struct mv_machine *m = b->v.dev.machine;

	if (mv_aio_create(MV_AIO_BEST, m->enter_io_thread, m, &b->aio, err) < 0)
		return -1;
	return mv_image_open_raw(b->aio, spec->fd, spec->read_only, &b->image, err);
}

static int blk_create(struct mv_dev *dev, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct blk *b = blk_of_dev(dev);
	uint16_t sizes[MV_MAX_QUEUES];

	b->fd = -1;
	if (check_spec(spec, err) < 0 || open_image(b, &spec->blk, err) < 0)
		return -1;
	b->cache = spec->blk.cache;
	b->queues = spec->blk.queues;
	b->queue_size = (uint16_t)spec->blk.queue_size;
	b->writeback = true;
	if (mv_blk_disk_init(&b->disk, b->queues * b->queue_size, err) < 0)
		return -1;
	b->disk.image = b->image;
	b->disk.discard = spec->blk.discard && !spec->blk.read_only;
	b->disk.failed = on_failed;
	b->disk.opaque = b;
	if (spec->blk.serial)
		memcpy(b->disk.serial, spec->blk.serial, strlen(spec->blk.serial));
	for (unsigned i = 0; i < b->queues; i++)
		sizes[i] = b->queue_size;
	b->v.offered = offered(b, &spec->blk);
	if (mv_virtio_init(&b->v, &blk_ops, spec->slot, true, b->queues, sizes, err) < 0)
		return -1;
	b->fd = spec->blk.fd;
	return 0;
}

static void blk_destroy(struct mv_dev *dev)
{
	struct blk *b = blk_of_dev(dev);

	mv_virtio_release(&b->v);
	mv_blk_disk_release(&b->disk);
	mv_image_close(b->image);
	mv_aio_free(b->aio);
	if (b->fd >= 0)
		close(b->fd);
}

static void blk_stats(struct mv_dev *dev, mv_stat_fn fn, void *opaque)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{ "rd.reqs", offsetof(struct mv_blk_stats, read_requests) },
		{ "rd.bytes", offsetof(struct mv_blk_stats, read_bytes) },
		{ "wr.reqs", offsetof(struct mv_blk_stats, write_requests) },
		{ "wr.bytes", offsetof(struct mv_blk_stats, write_bytes) },
		{ "fl.reqs", offsetof(struct mv_blk_stats, flush_requests) },
		{ "discard.reqs", offsetof(struct mv_blk_stats, discard_requests) },
		{ "discard.bytes", offsetof(struct mv_blk_stats, discard_bytes) },
		{ "errors", offsetof(struct mv_blk_stats, errors) },
	};
	struct blk *b = blk_of_dev(dev);
	char name[128];

	for (size_t i = 0; i < MV_ARRAY_SIZE(fields); i++) {
		const uint64_t *value = (const uint64_t *)((const char *)&b->disk.stats + fields[i].offset);

		snprintf(name, sizeof(name), "block.%s.%s", dev->id, fields[i].name);
		fn(opaque, name, __atomic_load_n(value, __ATOMIC_RELAXED));
	}
	snprintf(name, sizeof(name), "block.%s.capacity", dev->id);
	fn(opaque, name, b->image->info.size);
}

const struct mv_dev_ops mv_blk_dev_ops = {
	.name = "virtio-blk",
	.size = sizeof(struct blk),
	.version = 1,
	.create = blk_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = blk_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
	.stats = blk_stats,
};
