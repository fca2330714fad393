/* Raw images, each test with both I/O engines, on files of several kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/image/image.h"

#define MiB (1UL << 20)

struct rig {
	enum mv_aio_engine engine;
	struct mv_loop *loop;
	struct mv_aio *aio;
	struct mv_image *img;
	int fd;
	unsigned finished;
	uint8_t *data; /* 8 MiB, page-aligned */
	uint8_t *back;
};

struct job {
	struct mv_image_request req; /* first */
	struct rig *rig;
	int result;
	bool done;
};

/* --- helpers -------------------------------------------------------------------------------------------------------
 */

static void skip_because(const char *reason)
{
	print_message("skip: %s\n", reason);
	skip();
}

static int make_rig(void **state, enum mv_aio_engine engine)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->engine = engine;
	r->fd = -1;
	assert_int_equal(mv_loop_create(&r->loop, NULL), 0);
	r->data = mmap(NULL, 8 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	r->back = mmap(NULL, 8 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(r->data, MAP_FAILED);
	assert_ptr_not_equal(r->back, MAP_FAILED);
	for (size_t i = 0; i < 8 * MiB; i++)
		r->data[i] = (uint8_t)(i * 31 + (i >> 9) * 7 + (i >> 17) + 1);
	*state = r;
	return 0;
}

static int set_up_uring(void **state)
{
	return make_rig(state, MV_AIO_URING);
}

static int set_up_threads(void **state)
{
	return make_rig(state, MV_AIO_THREADS);
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	if (r->aio)
		mv_aio_detach(r->aio);
	mv_image_close(r->img);
	mv_aio_free(r->aio);
	mv_loop_free(r->loop);
	if (r->fd >= 0)
		close(r->fd);
	munmap(r->data, 8 * MiB);
	munmap(r->back, 8 * MiB);
	free(r);
	return 0;
}

static void make_engine(struct rig *r)
{
	struct mv_error *err = NULL;

	if (mv_aio_create(r->engine, NULL, NULL, &r->aio, &err) == 0)
		return;
	assert_int_equal(r->engine, MV_AIO_URING);
	print_message("skip: %s\n", err->message);
	mv_error_free(err);
	skip();
}

/* Opens fd (taken) as the rig's image. */
static void use_fd(struct rig *r, int fd, bool read_only)
{
	struct mv_error *err = NULL;

	assert_true(fd >= 0);
	r->fd = fd;
	make_engine(r);
	if (mv_image_open_raw(r->aio, fd, read_only, &r->img, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(mv_aio_attach(r->aio, r->loop, NULL), 0);
}

static int temporary_file(const char *folder, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/mv-raw-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC | flags);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static void use_file(struct rig *r, off_t size)
{
	int fd = temporary_file("/tmp", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	use_fd(r, fd, false);
}

static void on_done(struct mv_image_request *req, int result)
{
	struct job *j = (struct job *)req;

	j->result = result;
	j->done = true;
	j->rig->finished++;
}

static void start(struct rig *r, struct job *j)
{
	int result;

	j->rig = r;
	j->done = false;
	j->req.done = on_done;
	result = mv_image_submit(r->img, &j->req);
	if (result != -EINPROGRESS)
		on_done(&j->req, result);
}

static int finish(struct rig *r, struct job *j)
{
	for (int i = 0; !j->done; i++) {
		assert_true(i < 10000);
		mv_loop_once(r->loop, 10000);
	}
	return j->result;
}

static int io_vectors(struct rig *r, enum mv_image_op op, uint8_t flags, uint64_t offset, struct iovec *iov,
		      unsigned count)
{
	struct job j = { .req = { .op = op, .flags = flags, .offset = offset, .iov = iov, .iov_count = count } };

	for (unsigned i = 0; i < count; i++)
		j.req.length += iov[i].iov_len;
	start(r, &j);
	return finish(r, &j);
}

static int io(struct rig *r, enum mv_image_op op, uint8_t flags, uint64_t offset, void *buf, size_t len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };

	return io_vectors(r, op, flags, offset, &iov, 1);
}

/* Flush, discard, zero. */
static int range(struct rig *r, enum mv_image_op op, uint8_t flags, uint64_t offset, uint64_t len)
{
	struct job j = { .req = { .op = op, .flags = flags, .offset = offset, .length = len } };

	start(r, &j);
	return finish(r, &j);
}

static void assert_zeros(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i])
			fail_msg("byte %zu of %zu is %02x", i, len, p[i]);
	}
}

static void write_and_read(struct rig *r, uint64_t offset, size_t len, size_t skew)
{
	memset(r->back, 0xee, len + 64);
	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, offset, r->data + skew, len), 0);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, offset, r->back + skew, len), 0);
	assert_memory_equal(r->back + skew, r->data + skew, len);
	assert_int_equal(r->back[skew + len], 0xee);
}

/* --- files -----------------------------------------------------------------------------------------------------------
 */

static void test_information(void **state)
{
	struct rig *r = *state;

	use_file(r, MiB);
	assert_string_equal(mv_aio_engine_name(r->aio), r->engine == MV_AIO_URING ? "io_uring" : "threads");
	assert_int_equal(r->img->info.size, MiB);
	assert_int_equal(r->img->info.block_size, 512);
	assert_true(r->img->info.physical_block_size >= 512);
	assert_true(r->img->info.buffered);
	assert_false(r->img->info.read_only);
}

static void test_neither_file_nor_device(void **state)
{
	struct rig *r = *state;
	struct mv_error *err = NULL;

	r->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	make_engine(r);
	assert_int_equal(mv_image_open_raw(r->aio, r->fd, false, &r->img, &err), -1);
	assert_int_equal(err->code, MV_ERR_CONFIG_UNSUPPORTED);
	mv_error_free(err);
}

static void test_read_what_was_written(void **state)
{
	struct rig *r = *state;

	use_file(r, 8 * MiB);
	write_and_read(r, 0, 512, 0);
	write_and_read(r, 4096, 4096, 0);
	write_and_read(r, 8 * MiB - 512, 512, 1);
	write_and_read(r, 512, 5 * MiB, 3);
}

static void test_vectors(void **state)
{
	static const size_t lengths[] = { 1, 3, 508, 4096, 511, 1, 1024 };
	struct rig *r = *state;
	struct iovec out[MV_ARRAY_SIZE(lengths)], in[MV_ARRAY_SIZE(lengths)];
	size_t at = 0;

	use_file(r, MiB);
	for (size_t i = 0; i < MV_ARRAY_SIZE(lengths); i++) {
		out[i] = (struct iovec){ .iov_base = r->data + at, .iov_len = lengths[i] };
		in[i] = (struct iovec){ .iov_base = r->back + at, .iov_len = lengths[i] };
		at += lengths[i];
	}
	assert_int_equal(io_vectors(r, MV_IMAGE_WRITE, 0, 1024, out, MV_ARRAY_SIZE(lengths)), 0);
	assert_int_equal(io_vectors(r, MV_IMAGE_READ, 0, 1024, in, MV_ARRAY_SIZE(lengths)), 0);
	assert_memory_equal(r->back, r->data, at);
}

/* More segments than the kernel takes in one call: the transfer goes on with the rest. */
static void test_many_vectors(void **state)
{
	struct rig *r = *state;
	struct iovec *iov = calloc(3000, sizeof(*iov));

	assert_non_null(iov);
	use_file(r, 4 * MiB);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < 3000; i++)
			iov[i] = (struct iovec){ .iov_base = (pass ? r->back : r->data) + i * 512, .iov_len = 512 };
		assert_int_equal(io_vectors(r, pass ? MV_IMAGE_READ : MV_IMAGE_WRITE, 0, 0, iov, 3000), 0);
	}
	assert_memory_equal(r->back, r->data, 3000UL * 512);
	free(iov);
}

static void test_end_of_file(void **state)
{
	struct rig *r = *state;
	struct stat st;

	use_file(r, 10000); /* 19 sectors and 272 bytes */
	assert_int_equal(r->img->info.size, 10240);
	assert_int_equal(pwrite(r->fd, r->data, 10000, 0), 10000);
	memset(r->back, 0xee, 10240);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 8192, r->back, 2048), 0);
	assert_memory_equal(r->back, r->data + 8192, 1808);
	assert_zeros(r->back + 1808, 240);
	write_and_read(r, 9728, 512, 0);
	assert_int_equal(fstat(r->fd, &st), 0);
	assert_int_equal(st.st_size, 10240);
}

/* Somebody cut the file while it is in use: that is an error, not zeros. */
static void test_truncated_file(void **state)
{
	struct rig *r = *state;

	use_file(r, MiB);
	assert_int_equal(ftruncate(r->fd, 4096), 0);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 0, r->back, 4096), 0);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 0, r->back, 8192), -EIO);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 8192, r->back, 512), -EIO);
}

static void test_impossible_ranges(void **state)
{
	static const struct {
		uint64_t offset, length;
	} cases[] = {
		{ MiB, 512 }, { MiB - 512, 1024 },        { 0, MiB + 512 },          { 1, 512 },
		{ 0, 511 },   { UINT64_MAX - 511, 1024 }, { 512, UINT64_MAX - 511 }, { UINT64_C(1) << 63, 512 },
	};
	struct rig *r = *state;

	use_file(r, MiB);
	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		for (int op = MV_IMAGE_READ; op < MV_IMAGE_OP_LAST; op++) {
			if (op != MV_IMAGE_FLUSH)
				assert_int_equal(range(r, op, 0, cases[i].offset, cases[i].length), -EINVAL);
		}
	}
	assert_int_equal(range(r, MV_IMAGE_OP_LAST, 0, 0, 512), -EINVAL);
	assert_int_equal(range(r, MV_IMAGE_READ, 0, MiB, 0), 0);
}

static void test_read_only(void **state)
{
	struct rig *r = *state;

	use_fd(r, temporary_file("/tmp", 0), true);
	assert_int_equal(r->img->info.size, 0);
	assert_int_equal(range(r, MV_IMAGE_FLUSH, 0, 0, 0), 0);
	assert_int_equal(range(r, MV_IMAGE_WRITE, 0, 0, 0), -EROFS);
	assert_int_equal(range(r, MV_IMAGE_DISCARD, 0, 0, 0), -EROFS);
	assert_int_equal(range(r, MV_IMAGE_ZERO, 0, 0, 0), -EROFS);
}

static void test_durable(void **state)
{
	struct rig *r = *state;

	use_file(r, MiB);
	assert_int_equal(io(r, MV_IMAGE_WRITE, MV_IMAGE_DURABLE, 0, r->data, 65536), 0);
	assert_int_equal(range(r, MV_IMAGE_FLUSH, 0, 0, 0), 0);
	assert_int_equal(range(r, MV_IMAGE_DISCARD, MV_IMAGE_DURABLE, 0, 4096), 0);
	assert_int_equal(range(r, MV_IMAGE_ZERO, MV_IMAGE_DURABLE, 8192, 4096), 0);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 0, r->back, 65536), 0);
	assert_zeros(r->back, 4096);
	assert_memory_equal(r->back + 4096, r->data + 4096, 4096);
	assert_zeros(r->back + 8192, 4096);
	assert_memory_equal(r->back + 12288, r->data + 12288, 65536 - 12288);
}

static blkcnt_t blocks_of(struct rig *r)
{
	struct stat st;

	assert_int_equal(fstat(r->fd, &st), 0);
	return st.st_blocks;
}

static void test_discard(void **state)
{
	struct rig *r = *state;
	blkcnt_t before;

	use_file(r, 4 * MiB);
	assert_int_equal(io(r, MV_IMAGE_WRITE, MV_IMAGE_DURABLE, 0, r->data, 4 * MiB), 0);
	before = blocks_of(r);
	assert_int_equal(range(r, MV_IMAGE_DISCARD, 0, MiB, 2 * MiB), 0);
	assert_true(blocks_of(r) <= before - (blkcnt_t)(2 * MiB / 512));
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 0, r->back, 4 * MiB), 0);
	assert_memory_equal(r->back, r->data, MiB);
	assert_zeros(r->back + MiB, 2 * MiB);
	assert_memory_equal(r->back + 3 * MiB, r->data + 3 * MiB, MiB);
}

static void check_zero(struct rig *r, uint8_t flags)
{
	/* More than is written at a time where the file system cannot do it, and an odd rest. */
	size_t len = 3 * MiB + 65536 + 1536;

	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, 0, r->data, 4 * MiB), 0);
	assert_int_equal(range(r, MV_IMAGE_ZERO, flags, 512, len), 0);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 0, r->back, 4 * MiB), 0);
	assert_memory_equal(r->back, r->data, 512);
	assert_zeros(r->back + 512, len);
	assert_memory_equal(r->back + 512 + len, r->data + 512 + len, 4 * MiB - 512 - len);
}

static void test_zero(void **state)
{
	struct rig *r = *state;

	use_file(r, 4 * MiB);
	check_zero(r, 0);
	check_zero(r, MV_IMAGE_MAY_UNMAP);
	check_zero(r, MV_IMAGE_MAY_UNMAP | MV_IMAGE_DURABLE);
}

/* A memfd (tmpfs) knows holes, but no zeroing of a range. */
static void test_zero_without_help(void **state)
{
	struct rig *r = *state;
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 4 * MiB), 0);
	use_fd(r, fd, false);
	check_zero(r, 0);
	assert_true(blocks_of(r) >= (blkcnt_t)(4 * MiB / 512));
	check_zero(r, 0);
	check_zero(r, MV_IMAGE_MAY_UNMAP);
	assert_true(blocks_of(r) < (blkcnt_t)(2 * MiB / 512));
}

static void on_signal(int number)
{
	(void)number;
}

/* A write that the host refuses in the middle: what fits is written, the rest is an error of that request alone. */
static void test_too_large_for_the_limit(void **state)
{
	struct rig *r = *state;
	struct rlimit old, limit;

	use_file(r, 4 * MiB);
	signal(SIGXFSZ, on_signal);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 2 * MiB;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, MiB, r->data, 2 * MiB), -EFBIG);
	assert_int_equal(io(r, MV_IMAGE_WRITE, MV_IMAGE_DURABLE, MiB, r->data, 2 * MiB), -EFBIG);
	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, 0, r->data, 2 * MiB), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, MiB, r->data, 2 * MiB), 0);
}

static void test_no_space(void **state)
{
	struct rig *r = *state;
	char folder[] = "/tmp/mv-full-XXXXXX";
	int fd;

	assert_non_null(mkdtemp(folder));
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=1m") < 0) {
		rmdir(folder);
		skip_because("a file system cannot be mounted without privileges");
	}
	fd = temporary_file(folder, 0);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	assert_int_equal(ftruncate(fd, 4 * MiB), 0);
	use_fd(r, fd, false);
	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, 0, r->data, 2 * MiB), -ENOSPC);
	assert_int_equal(io(r, MV_IMAGE_WRITE, MV_IMAGE_DURABLE, 2 * MiB, r->data, 4096), -ENOSPC);
	assert_int_equal(range(r, MV_IMAGE_ZERO, 0, 2 * MiB, MiB), -ENOSPC);
	/* The image still works, and there is room again after a discard. */
	assert_int_equal(range(r, MV_IMAGE_DISCARD, 0, 0, MiB), 0);
	write_and_read(r, 3 * MiB, 65536, 0);
}

/* More requests than the ring, or the pool, takes at a time. */
static void test_many_requests(void **state)
{
	enum { COUNT = 700 };
	struct rig *r = *state;
	struct job *jobs = calloc(COUNT, sizeof(*jobs));
	struct iovec *iov = calloc(COUNT, sizeof(*iov));

	assert_non_null(jobs);
	assert_non_null(iov);
	use_file(r, 8 * MiB);
	for (int pass = 0; pass < 2; pass++) {
		r->finished = 0;
		for (size_t i = 0; i < COUNT; i++) {
			iov[i] = (struct iovec){ .iov_base = (pass ? r->back : r->data) + i * 4096, .iov_len = 4096 };
			jobs[i].req = (struct mv_image_request){
				.op = pass ? MV_IMAGE_READ : MV_IMAGE_WRITE,
				.flags = pass || i % 16 ? 0 : MV_IMAGE_DURABLE,
				.offset = i * 4096,
				.length = 4096,
				.iov = &iov[i],
				.iov_count = 1,
			};
			start(r, &jobs[i]);
		}
		if (pass)
			mv_aio_drain(r->aio);
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(finish(r, &jobs[i]), 0);
		assert_int_equal(r->finished, COUNT);
	}
	assert_memory_equal(r->back, r->data, COUNT * 4096UL);
	free(jobs);
	free(iov);
}

/* What is cached is there without waiting. */
static void test_flush_delivers_cached_data(void **state)
{
	struct rig *r = *state;
	struct iovec iov = { .iov_base = r->back, .iov_len = 4096 };
	struct job j = {
		.req = { .op = MV_IMAGE_READ, .length = 4096, .iov = &iov, .iov_count = 1 },
	};
	bool cached, at_once;

	use_file(r, MiB);
	assert_int_equal(io(r, MV_IMAGE_WRITE, 0, 0, r->data, 4096), 0);
	cached = preadv2(r->fd, &iov, 1, 0, RWF_NOWAIT) == 4096;
	memset(r->back, 0, 4096);
	start(r, &j);
	mv_aio_flush(r->aio);
	at_once = j.done;
	assert_int_equal(finish(r, &j), 0);
	/* Without this, the threads' engine cannot know that data is cached. */
	if (r->engine == MV_AIO_THREADS && !cached)
		skip_because("the file system of /tmp does not tell what is cached");
	assert_true(at_once);
	assert_memory_equal(r->back, r->data, 4096);
}

/* --- O_DIRECT, block devices -----------------------------------------------------------------------------------------
 */

static void use_direct_file(struct rig *r, off_t size)
{
	int fd = temporary_file("/tmp", O_DIRECT);

	if (fd < 0)
		skip_because("the file system of /tmp has no direct I/O");
	assert_int_equal(ftruncate(fd, size), 0);
	use_fd(r, fd, false);
}

static void test_direct(void **state)
{
	struct rig *r = *state;
	uint32_t block;

	use_direct_file(r, 8 * MiB);
	block = r->img->info.block_size;
	assert_false(r->img->info.buffered);
	write_and_read(r, 0, 4096, 0);
	write_and_read(r, block, 5 * MiB, 0);
	/* Guest buffers that the file does not take as they are. */
	write_and_read(r, 0, block, 1);
	write_and_read(r, 8192, 4 * MiB - 4096, 7);
	assert_int_equal(io(r, MV_IMAGE_WRITE, MV_IMAGE_DURABLE, 0, r->data + 3, 8192), 0);
	check_zero(r, 0);
	check_zero(r, MV_IMAGE_MAY_UNMAP);
}

static void test_direct_vectors(void **state)
{
	struct rig *r = *state;
	use_direct_file(r, 8 * MiB);
	for (int pass = 0; pass < 2; pass++) {
		struct iovec iov[3];
		uint8_t *p = pass ? r->back : r->data;

		iov[0] = (struct iovec){ .iov_base = p, .iov_len = 100 };
		iov[1] = (struct iovec){ .iov_base = p + 100, .iov_len = 3 * MiB - 50 };
		iov[2] = (struct iovec){ .iov_base = p + 3 * MiB + 50, .iov_len = 4046 };
		assert_int_equal(io_vectors(r, pass ? MV_IMAGE_READ : MV_IMAGE_WRITE, 0, 4096, iov, 3), 0);
	}
	assert_memory_equal(r->back, r->data, 3 * MiB + 4096);
}

static void test_direct_end_of_file(void **state)
{
	struct rig *r = *state;
	uint32_t block;
	uint64_t last;

	use_direct_file(r, 10000);
	block = r->img->info.block_size;
	if (block > 512)
		skip_because("the last sector is no whole block of this file system");
	assert_int_equal(r->img->info.size, 10240);
	memset(r->back, 0xee, 10240);
	assert_int_equal(io(r, MV_IMAGE_READ, 0, 0, r->back, 10240), 0);
	assert_zeros(r->back, 10240);
	last = 10240 - block;
	write_and_read(r, last, block, 0);
}

static void test_block_device(void **state)
{
	struct rig *r = *state;
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	int file, device;
	char path[64];

	if (control >= 0)
		close(control);
	if (number < 0)
		skip_because("no loop devices, or no privileges");
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	file = temporary_file("/tmp", 0);
	assert_int_equal(ftruncate(file, 8 * MiB), 0);
	device = open(path, O_RDWR | O_CLOEXEC);
	if (device < 0 || ioctl(device, LOOP_SET_FD, file) < 0) {
		print_message("skip: a loop device cannot be set up\n");
		if (device >= 0)
			close(device);
		device = -1;
	}
	close(file);
	if (device < 0)
		skip();
	use_fd(r, device, false);
	assert_int_equal(r->img->info.size, 8 * MiB);
	write_and_read(r, 4096, 3 * MiB, 5);
	assert_int_equal(range(r, MV_IMAGE_FLUSH, 0, 0, 0), 0);
	check_zero(r, 0);
	check_zero(r, MV_IMAGE_MAY_UNMAP);
	assert_int_equal(range(r, MV_IMAGE_DISCARD, 0, 0, MiB), 0);
	assert_int_equal(range(r, MV_IMAGE_DISCARD, MV_IMAGE_DURABLE, MiB, MiB), 0);
	ioctl(r->fd, LOOP_CLR_FD);
}

/* --- the engine and its loop -----------------------------------------------------------------------------------------
 */

static void set_flag(void *opaque)
{
	*(bool *)opaque = true;
}

static void count_up(void *opaque)
{
	++*(unsigned *)opaque;
}

static void turn_until(struct rig *r, const bool *flag)
{
	for (int i = 0; !*flag; i++) {
		assert_true(i < 10000);
		mv_loop_once(r->loop, 10000);
	}
}

static void test_watch(void **state)
{
	struct rig *r = *state;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct mv_aio_watch *watch;
	unsigned rounds = 0;
	bool fired = false;

	use_file(r, MiB);
	mv_aio_set_round(r->aio, count_up, &rounds);
	assert_int_equal(mv_aio_watch(r->aio, fd, set_flag, &fired, &watch, NULL), 0);
	for (int i = 0; i < 5; i++) {
		fired = false;
		rounds = 0;
		mv_loop_once(r->loop, 0);
		assert_false(fired);
		rounds = 0;
		assert_int_equal(eventfd_write(fd, 1), 0);
		turn_until(r, &fired);
		assert_true(rounds > 0);
	}
	mv_aio_unwatch(watch);
	fired = false;
	assert_int_equal(eventfd_write(fd, 1), 0);
	mv_loop_once(r->loop, 0);
	mv_loop_once(r->loop, 0);
	assert_false(fired);
	/* One that was written to before is seen at once, and one that is left over goes with the engine. */
	assert_int_equal(mv_aio_watch(r->aio, fd, set_flag, &fired, &watch, NULL), 0);
	turn_until(r, &fired);
	mv_aio_detach(r->aio);
	close(fd);
}

static void test_signal(void **state)
{
	struct rig *r = *state;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bool posted = false;
	eventfd_t value;

	use_file(r, MiB);
	mv_aio_signal(r->aio, fd);
	mv_aio_flush(r->aio);
	assert_int_equal(eventfd_read(fd, &value), 0);
	assert_int_equal(value, 1);
	/* Or with the next wait; and more often than the ring has room. */
	for (int i = 0; i < 200; i++)
		mv_aio_signal(r->aio, fd);
	assert_int_equal(mv_loop_post(r->loop, set_flag, &posted), 0);
	turn_until(r, &posted);
	assert_int_equal(eventfd_read(fd, &value), 0);
	assert_int_equal(value, 200);
	write_and_read(r, 0, 4096, 0);
	/* One that cannot take it: nothing else suffers. */
	assert_int_equal(eventfd_write(fd, UINT64_MAX - 1), 0);
	mv_aio_signal(r->aio, fd);
	mv_aio_flush(r->aio);
	write_and_read(r, 0, 4096, 0);
	close(fd);
}

/* Always more to do: the loop's own events come through nevertheless. */
struct busy {
	struct rig *rig;
	unsigned rounds;
};

static void never_done(void *opaque)
{
	struct busy *b = opaque;

	b->rounds++;
	mv_aio_again(b->rig->aio);
}

static void test_again(void **state)
{
	struct rig *r = *state;
	struct busy b = { .rig = r };
	bool posted = false;

	use_file(r, MiB);
	mv_aio_set_round(r->aio, never_done, &b);
	mv_aio_again(r->aio);
	while (b.rounds < 100)
		mv_loop_once(r->loop, -1);
	assert_int_equal(mv_loop_post(r->loop, set_flag, &posted), 0);
	turn_until(r, &posted);
	assert_true(b.rounds < 1000);
	write_and_read(r, 0, 4096, 0);
	mv_aio_set_round(r->aio, NULL, NULL);
}

static void test_loop_goes_on(void **state)
{
	struct rig *r = *state;
	struct mv_timer *timer;
	bool rang = false, posted = false;

	use_file(r, MiB);
	assert_int_equal(mv_timer_add(r->loop, set_flag, &rang, &timer, NULL), 0);
	mv_timer_set(timer, 1000000);
	turn_until(r, &rang);
	for (int i = 0; i < 3; i++) {
		posted = false;
		assert_int_equal(mv_loop_post(r->loop, set_flag, &posted), 0);
		write_and_read(r, 0, 4096, 0);
		turn_until(r, &posted);
	}
	mv_timer_free(timer);
	/* Detached and attached again, on the same thread. */
	mv_aio_detach(r->aio);
	posted = false;
	assert_int_equal(mv_loop_post(r->loop, set_flag, &posted), 0);
	turn_until(r, &posted);
	assert_int_equal(mv_aio_attach(r->aio, r->loop, NULL), 0);
	write_and_read(r, 8192, 4096, 0);
}

/* The way a device uses it: made on one thread, attached and used on another, told what to do by calls. */
static void attach_call(void *opaque)
{
	struct rig *r = opaque;

	assert_int_equal(mv_aio_attach(r->aio, r->loop, NULL), 0);
}

static void detach_call(void *opaque)
{
	struct rig *r = opaque;

	mv_aio_drain(r->aio);
	mv_aio_detach(r->aio);
}

static void start_call(void *opaque)
{
	struct job *j = opaque;

	start(j->rig, j);
}

static void test_thread(void **state)
{
	struct rig *r = *state;
	struct iovec iov = { .iov_base = r->data, .iov_len = 4096 };
	struct job j = {
		.rig = r,
		.req = { .op = MV_IMAGE_WRITE, .flags = MV_IMAGE_DURABLE, .length = 4096, .iov = &iov, .iov_count = 1 },
	};

	r->fd = temporary_file("/tmp", 0);
	assert_int_equal(ftruncate(r->fd, MiB), 0);
	make_engine(r);
	assert_int_equal(mv_image_open_raw(r->aio, r->fd, false, &r->img, NULL), 0);
	assert_int_equal(mv_loop_start_thread(r->loop, "disk", NULL, NULL, NULL), 0);
	for (int i = 0; i < 3; i++) {
		mv_loop_call(r->loop, attach_call, r);
		iov = (struct iovec){ .iov_base = r->data, .iov_len = 4096 };
		j.req.iov = &iov;
		j.req.iov_count = 1;
		mv_loop_call(r->loop, start_call, &j);
		mv_loop_call(r->loop, detach_call, r);
		assert_true(j.done);
		assert_int_equal(j.result, 0);
	}
	mv_loop_join(r->loop);
	assert_int_equal(pread(r->fd, r->back, 4096, 0), 4096);
	assert_memory_equal(r->back, r->data, 4096);
}

#define CASE(test)                            \
	{                                     \
#test, test, NULL, NULL, NULL \
	}

static const struct CMUnitTest cases[] = {
	CASE(test_information),
	CASE(test_neither_file_nor_device),
	CASE(test_read_what_was_written),
	CASE(test_vectors),
	CASE(test_many_vectors),
	CASE(test_end_of_file),
	CASE(test_truncated_file),
	CASE(test_impossible_ranges),
	CASE(test_read_only),
	CASE(test_durable),
	CASE(test_discard),
	CASE(test_zero),
	CASE(test_zero_without_help),
	CASE(test_too_large_for_the_limit),
	CASE(test_no_space),
	CASE(test_many_requests),
	CASE(test_flush_delivers_cached_data),
	CASE(test_direct),
	CASE(test_direct_vectors),
	CASE(test_direct_end_of_file),
	CASE(test_block_device),
	CASE(test_watch),
	CASE(test_signal),
	CASE(test_again),
	CASE(test_loop_goes_on),
	CASE(test_thread),
};

int main(void)
{
	struct CMUnitTest uring[MV_ARRAY_SIZE(cases)], threads[MV_ARRAY_SIZE(cases)];
	int failed;

	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		uring[i] = threads[i] = cases[i];
		uring[i].setup_func = set_up_uring;
		threads[i].setup_func = set_up_threads;
		uring[i].teardown_func = threads[i].teardown_func = tear_down;
	}
	failed = cmocka_run_group_tests_name("io_uring", uring, NULL, NULL);
	return failed + cmocka_run_group_tests_name("threads", threads, NULL, NULL);
}
