/* What a machine makes of its files and its memory, from the specification to the guest: errors come before anything
 * runs, and name the file and the limit.
 * limit: 120 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

#define MIB (UINT64_C(1) << 20)

static void refused(struct mv_tiny *t, const char *word, const char *other)
{
	char *why = NULL;

	t->started = true;
	assert_false(mv_test_start(&t->vmm, &t->spec, &why));
	if (!strstr(why, word) || !strstr(why, other))
		fail_msg("expected \"%s\" and \"%s\" in: %s", word, other, why);
	free(why);
	mv_test_wait_end(&t->vmm, 1);
	mv_tiny_kill(t);
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = strdup(by);
}

/* A copy of the guest's kernel that a test may spoil. */
static int copy_kernel(struct mv_tiny *t, off_t *size)
{
	int fd = mv_tiny_keep(t, mv_test_file());
	struct stat st;
	char *data;

	assert_int_equal(fstat(t->spec.kernel_fd, &st), 0);
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(pread(t->spec.kernel_fd, data, (size_t)st.st_size, 0), st.st_size);
	assert_int_equal(pwrite(fd, data, (size_t)st.st_size, 0), st.st_size);
	free(data);
	t->spec.kernel_fd = fd;
	replace(&t->spec.kernel_name, "/boot/spoilt");
	*size = st.st_size;
	return fd;
}

static void truncated_kernel(void **state)
{
	struct mv_tiny *t = *state;
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	off_t size;
	int fd;

	mv_tiny_begin(t, "memory", "map 16");
	fd = copy_kernel(t, &size);
	mv_tiny_start(t);
	mv_tiny_done(t); /* the copy is good */
	mv_tiny_kill(t);
	/* Behind the last segment there are only the names of symbols. */
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(pread(fd, &segment, sizeof(segment), (off_t)header.e_phoff), sizeof(segment));
	size = (off_t)(segment.p_offset + segment.p_filesz);
	for (off_t cut = size - 1; cut > 64; cut = cut * 2 / 3) {
		assert_int_equal(ftruncate(fd, cut), 0);
		refused(t, "/boot/spoilt", "truncated");
	}
	assert_int_equal(ftruncate(fd, 40), 0);
	refused(t, "/boot/spoilt", "truncated");
	assert_int_equal(ftruncate(fd, 0), 0);
	refused(t, "/boot/spoilt", "empty");
}

static void spoilt_kernel(void **state)
{
	struct mv_tiny *t = *state;
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	off_t size;
	int fd;

	mv_tiny_begin(t, "memory", "map 16");
	fd = copy_kernel(t, &size);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	header.e_machine = EM_AARCH64;
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	refused(t, "/boot/spoilt", "machine");
	header.e_machine = EM_X86_64;
	header.e_type = ET_REL;
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	refused(t, "/boot/spoilt", "cannot be run");
	header.e_type = ET_EXEC;
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(pread(fd, &segment, sizeof(segment), (off_t)header.e_phoff), sizeof(segment));
	/* Too large for the guest; and where it may not lie. */
	segment.p_memsz = 64 * MIB;
	assert_int_equal(pwrite(fd, &segment, sizeof(segment), (off_t)header.e_phoff), sizeof(segment));
	refused(t, "/boot/spoilt", "16 MiB");
	segment.p_memsz = ~UINT64_C(0);
	assert_int_equal(pwrite(fd, &segment, sizeof(segment), (off_t)header.e_phoff), sizeof(segment));
	refused(t, "/boot/spoilt", "too large");
	segment.p_memsz = segment.p_filesz;
	segment.p_paddr = 0x1000;
	assert_int_equal(pwrite(fd, &segment, sizeof(segment), (off_t)header.e_phoff), sizeof(segment));
	refused(t, "/boot/spoilt", "spoilt");
}

static void foreign_kernel(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		const char *word;
	} files[] = {
		{ "#!/bin/sh\n", 10, "script" }, { "\x1f\x8b\x08", 3, "gzip" },
		{ "QFI\xfb", 4, "qcow2" },       { "070701", 6, "cpio" },
		{ "\177ELF", 4, "ELF" },         { "nothing of this world", 21, "neither" },
	};
	struct mv_tiny *t = *state;
	int fd;

	mv_tiny_begin(t, "memory", "map 16");
	fd = t->spec.kernel_fd = mv_tiny_keep(t, mv_test_file());
	replace(&t->spec.kernel_name, "/boot/foreign");
	for (size_t i = 0; i < MV_ARRAY_SIZE(files); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(ftruncate(fd, 8192), 0);
		assert_int_equal(pwrite(fd, files[i].head, files[i].len, 0), (ssize_t)files[i].len);
		refused(t, "/boot/foreign", files[i].word);
	}
	t->spec.kernel_fd = mv_tiny_keep(t, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	refused(t, "/boot/foreign", "not a regular file");
	t->spec.kernel_fd = mv_tiny_keep(t, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	refused(t, "/boot/foreign", "not a regular file");
}

static void command_line(void **state)
{
	struct mv_tiny *t = *state;
	char *line = malloc(65537);

	assert_non_null(line);
	mv_tiny_begin(t, "memory", NULL);
	memset(line, 'a', 65536);
	memcpy(line, "cmdline ", 8);
	line[65535] = 0;
	t->spec.cmdline = line;
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "65535\n");
	mv_tiny_done(t);
	mv_tiny_kill(t);
	line[65535] = 'a';
	line[65536] = 0;
	refused(t, "65536 bytes", "65535");
}

static int make_initrd(struct mv_tiny *t, size_t size)
{
	int fd = mv_tiny_keep(t, mv_test_file());
	uint8_t *data = malloc(size);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 7);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	free(data);
	return fd;
}

static void initrd(void **state)
{
	struct mv_tiny *t = *state;

	mv_tiny_begin(t, "memory", "initrd 123457");
	t->spec.initrd_fd = make_initrd(t, 123457);
	t->spec.initrd_name = strdup("/boot/initrd.img");
	mv_tiny_start(t);
	mv_tiny_done(t);
	mv_tiny_kill(t);
	/* After a reset it is there again. */
	replace(&t->spec.cmdline, "initrd 5000000");
	t->spec.initrd_fd = make_initrd(t, 5000000);
	t->spec.on_poweroff = MV_ACTION_RESTART;
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "done\n");
	mv_test_expect(&t->vmm, "done\n");
	mv_tiny_kill(t);
	t->spec.initrd_fd = make_initrd(t, 15 * MIB + 900 * 1024);
	refused(t, "/boot/initrd.img", "does not fit");
	t->spec.initrd_fd = mv_tiny_keep(t, mv_test_file());
	refused(t, "/boot/initrd.img", "empty");
	assert_int_equal(ftruncate(t->spec.initrd_fd, INT64_MAX), 0);
	refused(t, "/boot/initrd.img", "does not fit");
}

/* ---- memory ---- */

static void with_memory(void **state)
{
	struct mv_tiny *t = *state;
	uint64_t mib = *(const uint64_t *)t->plan;
	char cmdline[64];

	snprintf(cmdline, sizeof(cmdline), "map %llu", (unsigned long long)mib);
	mv_tiny_begin(t, "memory", cmdline);
	t->spec.memory = mib * MIB;
	mv_tiny_start(t);
	mv_tiny_done(t);
	mv_tiny_kill(t);
	snprintf(cmdline, sizeof(cmdline), "size %llu", (unsigned long long)mib);
	replace(&t->spec.cmdline, cmdline);
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "pending\n");
	mv_tiny_save_restore(t);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* A size that is no multiple of anything but a page. */
static void odd_memory(void **state)
{
	struct mv_tiny *t = *state;

	mv_tiny_begin(t, "memory", "initrd 4096");
	t->spec.memory = 16 * MIB + 4096;
	t->spec.initrd_fd = make_initrd(t, 4096);
	mv_tiny_start(t);
	mv_tiny_done(t);
}

/* A gigabyte's image takes no more of the disk than the guest has touched. */
static void sparse_image(void **state)
{
	struct mv_tiny *t = *state;
	int fd = mv_tiny_keep(t, mv_test_file());
	struct stat st;

	mv_tiny_begin(t, "memory", "size 5120");
	t->spec.memory = 5120 * MIB;
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "pending\n");
	assert_int_equal(mv_test_call(&t->vmm, MV_CALL_SAVE, MV_SAVE_THEN_QUIT, NULL, fd, NULL), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size >= (off_t)(5120 * MIB));
	assert_true((uint64_t)st.st_blocks * 512 < 8 * MIB);
}

/* Bytes of the process that are in RAM, guest memory among them. */
static uint64_t resident(pid_t pid)
{
	char path[64], line[256];
	uint64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmRSS:", 6))
			kib = strtoull(line + 6, NULL, 10);
	fclose(f);
	return kib << 10;
}

static void preallocation(void **state)
{
	struct mv_tiny *t = *state;
	uint64_t less;

	mv_tiny_begin(t, "memory", "size 64");
	t->spec.memory = 64 * MIB;
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "pending\n");
	less = resident(t->vmm.pid);
	mv_tiny_kill(t);
	t->spec.prealloc = true;
	t->spec.start_paused = true;
	mv_tiny_start(t);
	assert_true(resident(t->vmm.pid) >= 64 * MIB);
	assert_true(less < 32 * MIB);
	mv_test_call_ok(&t->vmm, MV_CALL_RESUME, 0);
	mv_test_expect(&t->vmm, "pending\n");
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

static uint64_t free_huge_pages(void)
{
	char line[256];
	uint64_t count = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "HugePages_Free:", 15))
			count = strtoull(line + 15, NULL, 10);
	fclose(f);
	return count;
}

/* As many as the host has are given; more are refused before the guest starts, and it says of what there are too few.
 */
static void huge_pages(void **state)
{
	struct mv_tiny *t = *state;
	uint64_t have = free_huge_pages();

	mv_tiny_begin(t, "memory", "size 16");
	t->spec.huge_pages = true;
	if (have >= 8) {
		mv_tiny_start(t);
		mv_test_expect(&t->vmm, "pending\n");
		mv_test_send(&t->vmm, "q");
		mv_tiny_done(t);
		mv_tiny_kill(t);
	}
	t->spec.memory = (have < 8 ? 8 : have + 1) * 2 * MIB;
	refused(t, "huge pages of 2 MiB", "MiB");
	t->spec.memory = 17 * MIB;
	refused(t, "not a multiple", "2 MiB");
}

#define MEMORY(mib)                                                                                       \
	{                                                                                                 \
		.name = "memory_of_" #mib "_mib", .test_func = with_memory, .setup_func = mv_tiny_set_up, \
		.teardown_func = mv_tiny_tear_down, .initial_state = (uint64_t[])                         \
		{                                                                                         \
			mib                                                                               \
		}                                                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_TINY(truncated_kernel),
		MV_TINY(spoilt_kernel),
		MV_TINY(foreign_kernel),
		MV_TINY(command_line),
		MV_TINY(initrd),
		MEMORY(16),
		MEMORY(65),
		MEMORY(3071),
		MEMORY(3072),
		MEMORY(3073),
		MEMORY(5120),
		MV_TINY(odd_memory),
		MV_TINY(sparse_image),
		MV_TINY(preallocation),
		MV_TINY(huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
