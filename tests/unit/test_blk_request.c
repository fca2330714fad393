/* Requests of the block device, on a queue made by hand and a real image in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/kvm/virtio/blk_request.h"
#include "tests/unit/blk_guest.h"

#define MEMORY_SIZE (UINT64_C(32) << 20)
#define DISK_SIZE (1UL << 20)
#define QUEUE_SIZE 64
#define HEADER 0x200000
#define STATUS 0x201000
#define DATA 0x300000
#define BACK 0x500000

struct rig {
	struct mv_memory memory;
	struct mv_loop *loop;
	struct mv_aio *aio;
	int fd;
	struct mv_queue queues[2];
	struct blk_ring rings[2];
	struct mv_blk_disk disk;
	unsigned failures;
	enum mv_image_op failed_op;
	uint64_t failed_sector;
	int failed_errnum;
};

static void on_failed(void *opaque, enum mv_image_op op, uint64_t sector, int errnum)
{
	struct rig *r = opaque;

	r->failures++;
	r->failed_op = op;
	r->failed_sector = sector;
	r->failed_errnum = errnum;
}

static void enable_queue(struct rig *r, unsigned i)
{
	struct mv_queue *q = &r->queues[i];
	uint64_t base = 0x10000 + i * BLK_RING_SPACE;

	assert_int_equal(mv_queue_init(q, &r->memory, QUEUE_SIZE, NULL), 0);
	blk_ring_init(&r->rings[i], &r->memory, base, QUEUE_SIZE);
	q->size = QUEUE_SIZE;
	q->desc = base;
	q->avail = base + BLK_RING_AVAIL;
	q->used = base + BLK_RING_USED;
	assert_true(mv_queue_enable(q));
}

static void open_disk(struct rig *r, bool read_only, unsigned slots)
{
	mv_image_close(r->disk.image);
	mv_blk_disk_release(&r->disk);
	memset(&r->disk, 0, sizeof(r->disk));
	assert_int_equal(mv_image_open_raw(r->aio, r->fd, read_only, &r->disk.image, NULL), 0);
	assert_int_equal(mv_blk_disk_init(&r->disk, slots, NULL), 0);
	r->disk.queues = r->queues;
	r->disk.failed = on_failed;
	r->disk.opaque = r;
	memcpy(r->disk.serial, "serial-0123456789abc", MV_BLK_SERIAL_SIZE);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(mv_memory_create(&r->memory, MEMORY_SIZE, false, false, NULL), 0);
	assert_int_equal(mv_loop_create(&r->loop, NULL), 0);
	assert_int_equal(mv_aio_create(MV_AIO_BEST, NULL, NULL, &r->aio, NULL), 0);
	r->fd = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(ftruncate(r->fd, DISK_SIZE), 0);
	enable_queue(r, 0);
	enable_queue(r, 1);
	open_disk(r, false, 2 * QUEUE_SIZE);
	assert_int_equal(mv_aio_attach(r->aio, r->loop, NULL), 0);
	for (size_t i = 0; i < DISK_SIZE; i++)
		blk_memory(&r->memory, DATA)[i] = (uint8_t)(i * 13 + (i >> 9) + 1);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	mv_aio_drain(r->aio);
	mv_aio_detach(r->aio);
	mv_blk_disk_release(&r->disk);
	mv_image_close(r->disk.image);
	mv_aio_free(r->aio);
	mv_loop_free(r->loop);
	mv_queue_release(&r->queues[0]);
	mv_queue_release(&r->queues[1]);
	mv_memory_release(&r->memory);
	close(r->fd);
	free(r);
	return 0;
}

static uint8_t *at(struct rig *r, uint64_t gpa)
{
	return blk_memory(&r->memory, gpa);
}

static void take(struct rig *r, unsigned queue)
{
	const char *why = NULL;

	if (mv_blk_take(&r->disk, queue, &why) < 0)
		fail_msg("%s", why);
}

/* Runs one chain whose status is the byte at STATUS; returns it. */
static uint8_t run_chain(struct rig *r, const struct blk_segment *segments, unsigned count, uint32_t *written)
{
	uint16_t head = blk_ring_add(&r->rings[0], segments, count);
	uint32_t got = 0, len = 0;

	*at(r, STATUS) = BLK_NO_STATUS;
	r->disk.dirty = 0;
	take(r, 0);
	mv_aio_drain(r->aio);
	assert_true(blk_ring_take(&r->rings[0], &got, &len));
	assert_int_equal(got, head);
	assert_int_equal(r->disk.dirty, 1);
	if (written)
		*written = len;
	return *at(r, STATUS);
}

static uint8_t run(struct rig *r, uint32_t type, uint64_t sector, uint64_t gpa, uint32_t len, bool writable)
{
	struct blk_segment s[3] = { { HEADER, 16, false }, { gpa, len, writable }, { STATUS, 1, true } };

	blk_put_header(&r->memory, HEADER, type, sector);
	if (!len)
		s[1] = s[2];
	return run_chain(r, s, len ? 3 : 2, NULL);
}

static void write_disk(struct rig *r)
{
	assert_int_equal(pwrite(r->fd, at(r, DATA), DISK_SIZE, 0), DISK_SIZE);
}

static void assert_disk(struct rig *r, uint64_t sector, unsigned sectors, bool zero)
{
	static const uint8_t zeros[512];
	uint8_t buf[512];

	for (uint64_t i = sector; i < sector + sectors; i++) {
		assert_int_equal(pread(r->fd, buf, 512, (off_t)(i * 512)), 512);
		assert_memory_equal(buf, zero ? zeros : at(r, DATA) + i * 512, 512);
	}
}

/* --- transfers -------------------------------------------------------------------------------------------------------
 */

static void test_write_and_read(void **state)
{
	struct rig *r = *state;

	assert_int_equal(run(r, BLK_OUT, 8, DATA, 8192, false), BLK_OK);
	assert_int_equal(run(r, BLK_IN, 8, BACK, 8192, true), BLK_OK);
	assert_memory_equal(at(r, BACK), at(r, DATA), 8192);
	assert_int_equal(run(r, BLK_OUT, 0, DATA, DISK_SIZE, false), BLK_OK);
	assert_int_equal(run(r, BLK_IN, 0, BACK, DISK_SIZE, true), BLK_OK);
	assert_memory_equal(at(r, BACK), at(r, DATA), DISK_SIZE);
	assert_int_equal(r->disk.stats.read_requests, 2);
	assert_int_equal(r->disk.stats.read_bytes, 8192 + DISK_SIZE);
	assert_int_equal(r->disk.stats.write_requests, 2);
	assert_int_equal(r->disk.stats.write_bytes, 8192 + DISK_SIZE);
	assert_int_equal(r->disk.stats.errors, 0);
}

static void test_written_length(void **state)
{
	struct rig *r = *state;
	struct blk_segment in[] = { { HEADER, 16, false }, { BACK, 1024, true }, { STATUS, 1, true } };
	struct blk_segment out[] = { { HEADER, 16, false }, { DATA, 1024, false }, { STATUS, 1, true } };
	uint32_t written;

	blk_put_header(&r->memory, HEADER, BLK_IN, 0);
	assert_int_equal(run_chain(r, in, 3, &written), BLK_OK);
	assert_int_equal(written, 1025);
	blk_put_header(&r->memory, HEADER, BLK_OUT, 0);
	assert_int_equal(run_chain(r, out, 3, &written), BLK_OK);
	assert_int_equal(written, 1);
}

/* 2.7.4: a device must not rely on how a request is cut into descriptors. */
static void test_split_header(void **state)
{
	struct rig *r = *state;
	struct blk_segment s[QUEUE_SIZE];

	for (unsigned cut = 1; cut < 16; cut++) {
		unsigned n = 0;

		memset(at(r, BACK), 0, 1024);
		blk_put_header(&r->memory, HEADER, BLK_IN, 0);
		write_disk(r);
		s[n++] = (struct blk_segment){ HEADER, cut, false };
		s[n++] = (struct blk_segment){ HEADER + cut, 16 - cut, false };
		s[n++] = (struct blk_segment){ BACK, cut, true };
		s[n++] = (struct blk_segment){ BACK + cut, 1024 - cut, true };
		s[n++] = (struct blk_segment){ STATUS, 1, true };
		assert_int_equal(run_chain(r, s, n, NULL), BLK_OK);
		assert_memory_equal(at(r, BACK), at(r, DATA), 1024);
	}
	/* Byte by byte. */
	for (unsigned i = 0; i < 16; i++)
		s[i] = (struct blk_segment){ HEADER + i, 1, false };
	s[16] = (struct blk_segment){ BACK, 512, true };
	s[17] = (struct blk_segment){ STATUS, 1, true };
	assert_int_equal(run_chain(r, s, 18, NULL), BLK_OK);
}

static void test_joined_descriptors(void **state)
{
	struct rig *r = *state;
	struct blk_segment out[] = { { DATA - 16, 16 + 2048, false }, { STATUS, 1, true } };
	/* Data and status in one descriptor. */
	struct blk_segment in[] = { { HEADER, 16, false }, { STATUS - 2048, 2049, true } };

	blk_put_header(&r->memory, DATA - 16, BLK_OUT, 4);
	assert_int_equal(run_chain(r, out, 2, NULL), BLK_OK);
	assert_int_equal(pread(r->fd, at(r, BACK), 2048, 2048), 2048);
	assert_memory_equal(at(r, BACK), at(r, DATA), 2048);
	blk_put_header(&r->memory, HEADER, BLK_IN, 4);
	assert_int_equal(run_chain(r, in, 2, NULL), BLK_OK);
	assert_memory_equal(at(r, STATUS - 2048), at(r, DATA), 2048);
}

static void test_many_segments(void **state)
{
	struct rig *r = *state;
	struct blk_segment s[QUEUE_SIZE];

	/* Twice: the slot keeps its array of segments. */
	for (int pass = 0; pass < 2; pass++) {
		memset(at(r, BACK), 0, 65536);
		write_disk(r);
		blk_put_header(&r->memory, HEADER, BLK_IN, 1);
		s[0] = (struct blk_segment){ HEADER, 16, false };
		for (unsigned i = 0; i < QUEUE_SIZE - 2; i++)
			s[1 + i] = (struct blk_segment){ BACK + i * 512, 512, true };
		s[QUEUE_SIZE - 1] = (struct blk_segment){ STATUS, 1, true };
		assert_int_equal(run_chain(r, s, QUEUE_SIZE, NULL), BLK_OK);
		assert_memory_equal(at(r, BACK), at(r, DATA) + 512, (QUEUE_SIZE - 2) * 512);
	}
}

static void test_bad_ranges(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} cases[] = {
		{ DISK_SIZE / 512, 512 },
		{ DISK_SIZE / 512 - 1, 1024 },
		{ UINT64_MAX, 512 },
		{ UINT64_MAX / 512, 512 },
		{ UINT64_MAX / 512 + 1, 512 }, /* times 512 is 0 */
		{ UINT64_C(1) << 55, 1024 },
		{ UINT64_C(1) << 63, 512 },
		{ 0, DISK_SIZE + 512 },
		{ 0, 511 },
		{ 0, 513 },
		{ 0, 1 },
	};
	struct rig *r = *state;

	write_disk(r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run(r, BLK_IN, cases[i].sector, BACK, cases[i].len, true), BLK_IOERR);
		assert_int_equal(run(r, BLK_OUT, cases[i].sector, BACK, cases[i].len, false), BLK_IOERR);
	}
	assert_disk(r, 0, DISK_SIZE / 512, false);
	/* The guest's mistakes are no failure of the disk. */
	assert_int_equal(r->failures, 0);
	assert_int_equal(run(r, BLK_IN, 0, 0, 0, true), BLK_OK);
}

static void test_short_header(void **state)
{
	struct rig *r = *state;
	struct blk_segment s[] = { { HEADER, 15, false }, { BACK, 512, true }, { STATUS, 1, true } };

	blk_put_header(&r->memory, HEADER, BLK_IN, 0);
	assert_int_equal(run_chain(r, s, 3, NULL), BLK_IOERR);
	assert_int_equal(run_chain(r, s + 1, 2, NULL), BLK_IOERR);
	assert_int_equal(run_chain(r, s + 2, 1, NULL), BLK_IOERR);
}

static void test_no_room_for_status(void **state)
{
	struct rig *r = *state;
	struct blk_segment s[] = { { HEADER, 16, false }, { DATA, 512, false } };
	const char *why = NULL;
	uint32_t head = 0, len = 0;

	blk_put_header(&r->memory, HEADER, BLK_OUT, 0);
	blk_ring_add(&r->rings[0], s, 2);
	assert_int_equal(mv_blk_take(&r->disk, 0, &why), -1);
	assert_non_null(strstr(why, "status"));
	assert_false(blk_ring_take(&r->rings[0], &head, &len));
}

static void test_broken_queue(void **state)
{
	struct rig *r = *state;
	struct blk_segment s[] = { { MEMORY_SIZE + (UINT64_C(1) << 40), 16, false }, { STATUS, 1, true } };
	const char *why = NULL;

	blk_ring_add(&r->rings[0], s, 2);
	assert_int_equal(mv_blk_take(&r->disk, 0, &why), -1);
	assert_non_null(why);
}

static void test_unknown_types(void **state)
{
	static const uint32_t types[] = { 2, 3, 5, 6, 7, 9, 10, 12, 14, 15, 255, UINT32_MAX, UINT32_C(1) << 31 };
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(run(r, types[i], 0, DATA, 512, false), BLK_UNSUPP);
		assert_int_equal(run(r, types[i], 0, BACK, 512, true), BLK_UNSUPP);
		assert_int_equal(run(r, types[i], 0, 0, 0, true), BLK_UNSUPP);
	}
}

static void test_get_id(void **state)
{
	struct rig *r = *state;

	memset(at(r, BACK), 'x', 64);
	assert_int_equal(run(r, BLK_GET_ID, 0, BACK, 20, true), BLK_OK);
	assert_memory_equal(at(r, BACK), "serial-0123456789abcxxx", 23);
	memset(at(r, BACK), 'x', 64);
	assert_int_equal(run(r, BLK_GET_ID, 0, BACK, 6, true), BLK_OK);
	assert_memory_equal(at(r, BACK), "serialxxxx", 10);
	memset(at(r, BACK), 'x', 64);
	assert_int_equal(run(r, BLK_GET_ID, 0, BACK, 40, true), BLK_OK);
	assert_memory_equal(at(r, BACK), "serial-0123456789abcxxx", 23);
	assert_int_equal(run(r, BLK_GET_ID, 0, 0, 0, true), BLK_OK);
}

static void test_flush(void **state)
{
	struct rig *r = *state;

	assert_int_equal(run(r, BLK_FLUSH, 0, 0, 0, true), BLK_OK);
	assert_int_equal(run(r, BLK_FLUSH, UINT64_MAX, DATA, 512, false), BLK_OK);
	r->disk.no_flush = true;
	assert_int_equal(run(r, BLK_FLUSH, 0, 0, 0, true), BLK_OK);
	assert_int_equal(r->disk.stats.flush_requests, 3);
	r->disk.durable = true;
	assert_int_equal(run(r, BLK_OUT, 0, DATA, 4096, false), BLK_OK);
	assert_disk(r, 0, 8, false);
}

/* --- discard and write zeroes ----------------------------------------------------------------------------------------
 */

static uint8_t run_range(struct rig *r, uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	blk_put_range(&r->memory, BACK, sector, sectors, flags);
	return run(r, type, 0, BACK, 16, false);
}

static void test_discard(void **state)
{
	struct rig *r = *state;

	write_disk(r);
	assert_int_equal(run_range(r, BLK_DISCARD, 8, 8, 0), BLK_UNSUPP);
	assert_disk(r, 0, DISK_SIZE / 512, false);
	r->disk.discard = true;
	assert_int_equal(run_range(r, BLK_DISCARD, 8, 8, 0), BLK_OK);
	assert_disk(r, 0, 8, false);
	assert_disk(r, 8, 8, true);
	assert_disk(r, 16, DISK_SIZE / 512 - 16, false);
	assert_int_equal(r->disk.stats.discard_requests, 1);
	assert_int_equal(r->disk.stats.discard_bytes, 4096);
	/* "unmap" is no flag of a discard, and there are no others. */
	for (unsigned bit = 0; bit < 32; bit++)
		assert_int_equal(run_range(r, BLK_DISCARD, 0, 8, UINT32_C(1) << bit), BLK_UNSUPP);
	assert_disk(r, 0, 8, false);
	assert_int_equal(run_range(r, BLK_DISCARD, 0, 0, 0), BLK_OK);
}

static void test_write_zeroes(void **state)
{
	struct rig *r = *state;

	for (uint32_t unmap = 0; unmap < 2; unmap++) {
		for (int discard = 0; discard < 2; discard++) {
			write_disk(r);
			r->disk.discard = discard;
			assert_int_equal(run_range(r, BLK_WRITE_ZEROES, 3, 1001, unmap), BLK_OK);
			assert_disk(r, 0, 3, false);
			assert_disk(r, 3, 1001, true);
			assert_disk(r, 1004, DISK_SIZE / 512 - 1004, false);
		}
	}
	for (unsigned bit = 1; bit < 32; bit++)
		assert_int_equal(run_range(r, BLK_WRITE_ZEROES, 0, 8, UINT32_C(1) << bit), BLK_UNSUPP);
}

static void test_several_ranges(void **state)
{
	struct rig *r = *state;

	r->disk.discard = true;
	for (uint32_t type = BLK_DISCARD; type <= BLK_WRITE_ZEROES; type += 2) {
		write_disk(r);
		for (unsigned i = 0; i < MV_BLK_MAX_RANGES; i++)
			blk_put_range(&r->memory, BACK + i * 16, i * 16, 8, 0);
		assert_int_equal(run(r, type, 0, BACK, MV_BLK_MAX_RANGES * 16, false), BLK_OK);
		for (unsigned i = 0; i < MV_BLK_MAX_RANGES; i++) {
			assert_disk(r, i * 16, 8, true);
			assert_disk(r, i * 16 + 8, 8, false);
		}
		write_disk(r);
		assert_int_equal(run(r, type, 0, BACK, (MV_BLK_MAX_RANGES + 1) * 16, false), BLK_IOERR);
		/* One that is wrong, and none is done. */
		blk_put_range(&r->memory, BACK + 48, DISK_SIZE / 512, 1, 0);
		assert_int_equal(run(r, type, 0, BACK, 64, false), BLK_IOERR);
		assert_disk(r, 0, DISK_SIZE / 512, false);
	}
}

static void test_bad_discards(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors;
	} cases[] = {
		{ DISK_SIZE / 512, 1 },
		{ DISK_SIZE / 512 - 1, 2 },
		{ UINT64_MAX, 1 },
		{ UINT64_C(1) << 55, 1 },
		{ UINT64_MAX - 7, 16 },
		{ 0, UINT32_MAX },
		{ 0, MV_BLK_MAX_RANGE_SECTORS + 1 },
	};
	static const uint32_t lengths[] = { 1, 8, 15, 17, 24, 31, 16 * MV_BLK_MAX_RANGES + 1, 65536 };
	struct rig *r = *state;

	r->disk.discard = true;
	write_disk(r);
	for (uint32_t type = BLK_DISCARD; type <= BLK_WRITE_ZEROES; type += 2) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			assert_int_equal(run_range(r, type, cases[i].sector, cases[i].sectors, 0), BLK_IOERR);
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			assert_int_equal(run(r, type, 0, BACK, lengths[i], false), BLK_IOERR);
		assert_int_equal(run(r, type, 0, 0, 0, true), BLK_IOERR);
		assert_int_equal(run(r, type, 0, BACK, 16, true), BLK_IOERR);
	}
	assert_disk(r, 0, DISK_SIZE / 512, false);
	assert_int_equal(r->failures, 0);
}

static void test_read_only(void **state)
{
	struct rig *r = *state;

	write_disk(r);
	open_disk(r, true, 2 * QUEUE_SIZE);
	r->disk.discard = true;
	assert_int_equal(run(r, BLK_OUT, 0, BACK, 512, false), BLK_IOERR);
	assert_int_equal(run_range(r, BLK_DISCARD, 0, 8, 0), BLK_IOERR);
	assert_int_equal(run_range(r, BLK_WRITE_ZEROES, 0, 8, 0), BLK_IOERR);
	assert_int_equal(run(r, BLK_IN, 0, BACK, 512, true), BLK_OK);
	assert_disk(r, 0, DISK_SIZE / 512, false);
	assert_int_equal(r->failures, 0);
}

/* --- several at once -------------------------------------------------------------------------------------------------
 */

/* Request i of a queue: reads sector i into its own place; status beside it. */
static void add_read(struct rig *r, unsigned queue, unsigned i)
{
	uint64_t header = HEADER + 0x10000 * (queue + 1) + i * 64;
	struct blk_segment s[] = { { header, 16, false },
				   { BACK + (queue * QUEUE_SIZE + i) * 512, 512, true },
				   { header + 32, 1, true } };

	blk_put_header(&r->memory, header, BLK_IN, i);
	*at(r, header + 32) = BLK_NO_STATUS;
	blk_ring_add(&r->rings[queue], s, 3);
}

static unsigned count_used(struct rig *r, unsigned queue)
{
	uint32_t head = 0, len = 0;
	unsigned n = 0;

	while (blk_ring_take(&r->rings[queue], &head, &len))
		n++;
	return n;
}

static void test_two_queues(void **state)
{
	enum { COUNT = QUEUE_SIZE / 3 };
	struct rig *r = *state;

	write_disk(r);
	for (unsigned i = 0; i < COUNT; i++) {
		add_read(r, 0, i);
		add_read(r, 1, i);
	}
	r->disk.dirty = 0;
	take(r, 0);
	take(r, 1);
	mv_aio_drain(r->aio);
	assert_int_equal(r->disk.dirty, 3);
	assert_int_equal(count_used(r, 0), COUNT);
	assert_int_equal(count_used(r, 1), COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(*at(r, HEADER + 0x10000 + i * 64 + 32), BLK_OK);
		assert_int_equal(*at(r, HEADER + 0x20000 + i * 64 + 32), BLK_OK);
		assert_memory_equal(at(r, BACK + i * 512), at(r, DATA + i * 512), 512);
		assert_memory_equal(at(r, BACK + (QUEUE_SIZE + i) * 512), at(r, DATA + i * 512), 512);
	}
}

/* More requests than there are slots: the rest waits, and is asked for again when slots are free. */
static void test_too_few_slots(void **state)
{
	struct rig *r = *state;
	unsigned done = 0;

	write_disk(r);
	open_disk(r, false, 2);
	for (unsigned i = 0; i < 9; i++)
		add_read(r, 1, i);
	take(r, 1);
	assert_int_equal(r->disk.starved, 2);
	while (done < 9) {
		mv_aio_drain(r->aio);
		done += count_used(r, 1);
		if (done < 9) {
			assert_int_equal(r->disk.retry, 2);
			assert_int_equal(r->disk.starved, 0);
			r->disk.retry = 0;
			take(r, 1);
		}
	}
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(*at(r, HEADER + 0x20000 + i * 64 + 32), BLK_OK);
}

/* Large requests through the page cache are taken in bursts. */
static void test_bursts(void **state)
{
	struct rig *r = *state;
	unsigned passes = 0, done = 0;

	blk_put_header(&r->memory, HEADER, BLK_OUT, 0);
	for (unsigned i = 0; i < 9; i++) {
		struct blk_segment s[] = { { HEADER, 16, false }, { DATA, DISK_SIZE / 2, false }, { STATUS, 1, true } };

		blk_ring_add(&r->rings[0], s, 3);
	}
	do {
		r->disk.retry = 0;
		take(r, 0);
		mv_aio_drain(r->aio);
		done += count_used(r, 0);
		passes++;
	} while (r->disk.retry);
	assert_int_equal(done, 9);
	assert_int_equal(passes, 5);
}

static void test_dropped(void **state)
{
	struct rig *r = *state;

	write_disk(r);
	add_read(r, 0, 0);
	take(r, 0);
	r->disk.dropping = true;
	r->disk.dirty = 0;
	mv_aio_drain(r->aio);
	assert_int_equal(r->disk.dirty, 0);
	assert_int_equal(count_used(r, 0), 0);
	assert_int_equal(*at(r, HEADER + 0x10000 + 32), BLK_NO_STATUS);
}

static void test_failure(void **state)
{
	struct rig *r = *state;

	assert_int_equal(ftruncate(r->fd, 4096), 0);
	assert_int_equal(run(r, BLK_IN, 64, BACK, 512, true), BLK_IOERR);
	assert_int_equal(r->failures, 1);
	assert_int_equal(r->failed_op, MV_IMAGE_READ);
	assert_int_equal(r->failed_sector, 64);
	assert_int_equal(r->failed_errnum, EIO);
	assert_int_equal(r->disk.stats.errors, 1);
	assert_int_equal(r->disk.stats.read_requests, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_write_and_read), CASE(test_written_length),
		CASE(test_split_header),   CASE(test_joined_descriptors),
		CASE(test_many_segments),  CASE(test_bad_ranges),
		CASE(test_short_header),   CASE(test_no_room_for_status),
		CASE(test_broken_queue),   CASE(test_unknown_types),
		CASE(test_get_id),         CASE(test_flush),
		CASE(test_discard),        CASE(test_write_zeroes),
		CASE(test_several_ranges), CASE(test_bad_discards),
		CASE(test_read_only),      CASE(test_two_queues),
		CASE(test_too_few_slots),  CASE(test_bursts),
		CASE(test_dropped),        CASE(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
