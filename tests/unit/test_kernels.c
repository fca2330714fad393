/* The cache of unpacked kernels: what is kept, for how long, and what happens when several want it at once. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "engine/kvm/kernels.h"
#include "tests/unit/kernel_files.h"

#define ELF_SIZE 300000
#define FOLDER "cache/kernels"

struct world {
	char path[64];
	int root;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->path, "/tmp/mv-kernels-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->root >= 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'", w->path);
	assert_int_equal(system(command), 0);
	close(w->root);
	free(w);
	return 0;
}

/* Writes a kernel file; the seed says which. */
static int put_kernel(struct world *w, const char *name, uint32_t seed)
{
	struct kernel_file k;
	int fd = openat(w->root, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	kernel_file_make(&k, MV_PAYLOAD_ZSTD, ELF_SIZE, seed, NULL);
	assert_int_equal(pwrite(fd, k.data, k.size, 0), (ssize_t)k.size);
	kernel_file_free(&k);
	return fd;
}

static void expect_elf(int fd, uint32_t seed)
{
	mv_autofree uint8_t *want = NULL, *got = NULL;
	struct kernel_file k;
	size_t size;

	assert_true(fd >= 0);
	kernel_file_make(&k, MV_PAYLOAD_ZSTD, ELF_SIZE, seed, &want);
	kernel_file_free(&k);
	got = kernel_read_file(fd, &size);
	assert_int_equal(size, ELF_SIZE);
	assert_memory_equal(got, want, ELF_SIZE);
}

/* Entries of the cache; name (optional): of the last one that was seen. */
static unsigned entries(struct world *w, char name[256])
{
	int fd = openat(w->root, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	unsigned count = 0;

	assert_non_null(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		count++;
		if (name)
			snprintf(name, 256, "%s", d->d_name);
	}
	closedir(dir);
	return count;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void unpacks_once(void **state)
{
	struct world *w = *state;
	mv_autofd int kernel = put_kernel(w, "vmlinuz", 1);
	int none = mv_kernel_unpacked(w->root, kernel, false);
	mv_autofd int first = mv_kernel_unpacked(w->root, kernel, true);
	mv_autofd int again = mv_kernel_unpacked(w->root, kernel, false);

	assert_int_equal(none, -1);
	expect_elf(first, 1);
	assert_int_equal(inode(first), inode(again));
	assert_int_equal(entries(w, NULL), 1);
	/* A machine cannot change what others boot. */
	assert_int_equal(fcntl(first, F_GETFL) & O_ACCMODE, O_RDONLY);
}

static void notices_another_kernel_in_the_file(void **state)
{
	struct world *w = *state;
	mv_autofd int kernel = put_kernel(w, "vmlinuz", 1);
	mv_autofd int first = mv_kernel_unpacked(w->root, kernel, true);
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	mv_autofd int second = -1, third = -1, changed = -1;

	expect_elf(first, 1);
	changed = put_kernel(w, "vmlinuz", 2);
	assert_int_equal(futimens(changed, long_ago), 0);
	second = mv_kernel_unpacked(w->root, changed, true);
	expect_elf(second, 2);
	assert_int_equal(entries(w, NULL), 1); /* the outdated one is gone */
	/* Nor does it help to put the time back. */
	close(put_kernel(w, "vmlinuz", 3));
	assert_int_equal(futimens(changed, long_ago), 0);
	third = mv_kernel_unpacked(w->root, changed, true);
	expect_elf(third, 3);
	expect_elf(first, 1); /* who has it open keeps it */
}

static void replaces_damaged_entries(void **state)
{
	struct world *w = *state;
	mv_autofd int kernel = put_kernel(w, "vmlinuz", 1);
	mv_autofd int first = mv_kernel_unpacked(w->root, kernel, true), second = -1, third = -1;
	char name[256], path[400];

	assert_int_equal(entries(w, name), 1);
	snprintf(path, sizeof(path), "%s/" FOLDER "/%s", w->path, name);
	assert_int_equal(truncate(path, ELF_SIZE - 1), 0);
	second = mv_kernel_unpacked(w->root, kernel, true);
	expect_elf(second, 1);
	assert_int_not_equal(inode(first), inode(second));
	/* Something else altogether. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	third = mv_kernel_unpacked(w->root, kernel, true);
	expect_elf(third, 1);
}

static void keeps_the_last_few(void **state)
{
	struct world *w = *state;
	char name[16];
	int kernels[MV_KERNELS_KEPT + 2];
	mv_autofd int again = -1;
	ino_t first = 0;

	for (unsigned i = 0; i < MV_KERNELS_KEPT + 2; i++) {
		mv_autofd int fd = -1;

		snprintf(name, sizeof(name), "k%u", i);
		kernels[i] = put_kernel(w, name, i);
		fd = mv_kernel_unpacked(w->root, kernels[i], true);
		expect_elf(fd, i);
		if (i == 0) {
			first = inode(fd);
		} else {
			const struct timespec old[2] = { { .tv_sec = 1000 + i }, { .tv_sec = 1000 + i } };
			mv_autofd int used = mv_kernel_unpacked(w->root, kernels[0], false);

			/* The first one is used all the time, and so stays. */
			assert_int_equal(inode(used), first);
			assert_int_equal(futimens(fd, old), 0);
		}
		assert_int_equal(entries(w, NULL), i < MV_KERNELS_KEPT ? i + 1 : MV_KERNELS_KEPT);
	}
	again = mv_kernel_unpacked(w->root, kernels[MV_KERNELS_KEPT + 1], true);
	expect_elf(again, MV_KERNELS_KEPT + 1);
	for (unsigned i = 0; i < MV_KERNELS_KEPT + 2; i++)
		close(kernels[i]);
}

static void clears_up_after_others(void **state)
{
	struct world *w = *state;
	mv_autofd int one = put_kernel(w, "one", 1), two = put_kernel(w, "two", 2), busy = -1;
	mv_autofd int first = mv_kernel_unpacked(w->root, one, true), second = -1;

	expect_elf(first, 1);
	/* Left by a process that has ended; in use by one that has not; of an earlier boot. */
	close(openat(w->root, FOLDER "/.new-dead", O_WRONLY | O_CREAT | O_CLOEXEC, 0400));
	busy = openat(w->root, FOLDER "/.new-busy", O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	assert_int_equal(flock(busy, LOCK_EX), 0);
	close(openat(w->root, FOLDER "/1-2.3-4.5-6.7.2d8f3c7e-old", O_WRONLY | O_CREAT | O_CLOEXEC, 0400));
	second = mv_kernel_unpacked(w->root, two, true);
	expect_elf(second, 2);
	assert_int_equal(faccessat(w->root, FOLDER "/.new-dead", F_OK, 0), -1);
	assert_int_equal(faccessat(w->root, FOLDER "/.new-busy", F_OK, 0), 0);
	assert_int_equal(entries(w, NULL), 3);
}

static void serves_many_at_once(void **state)
{
	struct world *w = *state;
	mv_autofd int kernel = put_kernel(w, "vmlinuz", 7), fd = -1;
	pid_t children[8];
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < 8; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			char byte;

			close(gate[1]);
			if (read(gate[0], &byte, 1) < 0) /* until the parent has made them all */
				_exit(1);
			expect_elf(mv_kernel_unpacked(w->root, kernel, true), 7);
			_exit(0);
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (unsigned i = 0; i < 8; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(entries(w, NULL), 1);
	fd = mv_kernel_unpacked(w->root, kernel, true);
	expect_elf(fd, 7);
}

static void does_without(void **state)
{
	struct world *w = *state;
	mv_autofd int kernel = put_kernel(w, "vmlinuz", 1), elf = put_kernel(w, "elf", 1);
	mv_autofd int null = open("/dev/null", O_RDONLY | O_CLOEXEC), damaged = put_kernel(w, "damaged", 3);
	struct kernel_file k;

	assert_int_equal(pwrite(elf, "\177ELF", 4, 0x202), 4);
	assert_int_equal(mv_kernel_unpacked(w->root, elf, true), -1);
	assert_int_equal(mv_kernel_unpacked(w->root, null, true), -1);
	assert_int_equal(faccessat(w->root, "cache", F_OK, 0), -1);
	/* The size that follows the stream is not what comes out: nothing is kept of it. */
	kernel_file_make(&k, MV_PAYLOAD_ZSTD, ELF_SIZE, 3, NULL);
	assert_int_equal(pwrite(damaged, "\0\1\0\0", 4, (off_t)(k.payload + k.payload_size - 4)), 4);
	kernel_file_free(&k);
	assert_int_equal(mv_kernel_unpacked(w->root, damaged, true), -1);
	assert_int_equal(entries(w, NULL), 0);
	/* There is no folder to keep it in. */
	assert_int_equal(unlinkat(w->root, FOLDER, AT_REMOVEDIR), 0);
	close(openat(w->root, FOLDER, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(mv_kernel_unpacked(w->root, kernel, true), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unpacks_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_another_kernel_in_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replaces_damaged_entries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_the_last_few, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clears_up_after_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(serves_many_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(does_without, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
