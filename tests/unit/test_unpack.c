/* Unpacking what is in a bzImage: each format, and files that are damaged or lie. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "tests/unit/boot_files.h"
#include "tests/unit/kernel_files.h"

#define ELF_SIZE 1000003

static const enum mv_payload_format formats[] = { MV_PAYLOAD_XZ, MV_PAYLOAD_ZSTD, MV_PAYLOAD_GZIP };

static int find(const struct kernel_file *k, struct mv_payload *p)
{
	mv_autofd int fd = boot_file(k->data, k->size);

	return mv_payload_find(fd, p);
}

/* Both steps. *out: what came out, which the caller closes. */
static int unpack(const struct kernel_file *k, int *out)
{
	mv_autofd int fd = boot_file(k->data, k->size);
	struct mv_payload p;
	int rc = mv_payload_find(fd, &p);

	*out = boot_file("", 0);
	return rc < 0 ? rc : mv_payload_unpack(fd, &p, *out);
}

static void unpacks_each_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(formats); i++) {
		mv_autofree uint8_t *elf = NULL, *got = NULL;
		mv_autofd int fd = -1;
		struct kernel_file k;
		struct stat st;
		size_t size;

		kernel_file_make(&k, formats[i], ELF_SIZE, 1, &elf);
		assert_int_equal(unpack(&k, &fd), 0);
		got = kernel_read_file(fd, &size);
		assert_int_equal(size, ELF_SIZE);
		assert_memory_equal(got, elf, ELF_SIZE);
		/* A third is zeros, which take no space. */
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(st.st_blocks * 512 < ELF_SIZE * 3 / 4);
		kernel_file_free(&k);
	}
}

static void ends_in_zeros(void **state)
{
	uint8_t elf[3 * 8192 + 5] = "\177ELF";
	mv_autofd int fd = -1;
	struct kernel_file k;
	struct stat st;

	(void)state;
	kernel_file_pack(&k, MV_PAYLOAD_ZSTD, elf, sizeof(elf));
	assert_int_equal(unpack(&k, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, sizeof(elf));
	kernel_file_free(&k);
}

static void finds_nothing_elsewhere(void **state)
{
	struct mv_payload p;
	struct kernel_file k;
	int pipes[2];

	(void)state;
	kernel_file_make(&k, MV_PAYLOAD_XZ, 5000, 1, NULL);
	assert_int_equal(find(&k, &p), 0);
	assert_int_equal(p.size, 5000);
	for (size_t size = 0; size < k.size; size += 61) {
		struct kernel_file cut = { .data = k.data, .size = size };
		int rc = find(&cut, &p);

		assert_int_equal(rc, size < k.payload + k.payload_size ? -ENOEXEC : 0);
	}
	memcpy(k.data + k.payload, "\x02\x21\x4c\x18", 4); /* LZ4 */
	assert_int_equal(find(&k, &p), -ENOEXEC);
	memcpy(k.data, "\177ELF", 4);
	kernel_file_header(&k)->header = 0;
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_free(&k);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(mv_payload_find(pipes[0], &p), -ENOEXEC);
	close(pipes[0]);
	close(pipes[1]);
}

static void believes_no_header(void **state)
{
	struct kernel_file k;
	struct mv_payload p;
	uint8_t *size;

	(void)state;
	kernel_file_make(&k, MV_PAYLOAD_XZ, 5000, 1, NULL);
	size = k.data + k.payload + k.payload_size - 4;
	/* More than the kernel asks for, then more than any kernel has; too little for an ELF file. */
	mv_put_le32(size, KERNEL_INIT_SIZE + 1);
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_header(&k)->init_size = UINT32_MAX;
	assert_int_equal(find(&k, &p), 0);
	mv_put_le32(size, (1U << 30) + 1);
	assert_int_equal(find(&k, &p), -ENOEXEC);
	mv_put_le32(size, 63);
	assert_int_equal(find(&k, &p), -ENOEXEC);
	mv_put_le32(size, 5000);
	kernel_file_header(&k)->payload_offset = UINT32_MAX;
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_header(&k)->payload_offset = 0;
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_header(&k)->payload_offset = KERNEL_PAYLOAD_OFFSET;
	kernel_file_header(&k)->payload_length = UINT32_MAX;
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_header(&k)->payload_length = 3;
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_header(&k)->payload_length = (uint32_t)k.payload_size;
	kernel_file_header(&k)->version = 0x207;
	assert_int_equal(find(&k, &p), -ENOEXEC);
	kernel_file_free(&k);
}

static void expect_damage(const struct kernel_file *k)
{
	mv_autofd int fd = -1;

	assert_int_equal(unpack(k, &fd), -EILSEQ);
}

static void notices_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(formats); i++) {
		uint8_t text[5000] = "no ELF file";
		struct kernel_file k;
		uint8_t *size;

		kernel_file_pack(&k, formats[i], text, sizeof(text));
		expect_damage(&k);
		kernel_file_free(&k);
		kernel_file_make(&k, formats[i], ELF_SIZE, 1, NULL);
		size = k.data + k.payload + k.payload_size - 4;
		/* It gives more, or less, than it says. */
		mv_put_le32(size, ELF_SIZE - 1);
		expect_damage(&k);
		mv_put_le32(size, ELF_SIZE + 1);
		expect_damage(&k);
		mv_put_le32(size, ELF_SIZE);
		k.data[k.payload + k.payload_size / 2] ^= 0x55;
		if (formats[i] != MV_PAYLOAD_ZSTD) /* has no checksum here, so it may not notice */
			expect_damage(&k);
		k.data[k.payload + k.payload_size / 2] ^= 0x55;
		/* Cut short: the size is where it has to be. */
		kernel_file_header(&k)->payload_length = (uint32_t)k.payload_size / 2;
		mv_put_le32(k.data + k.payload + k.payload_size / 2 - 4, ELF_SIZE);
		expect_damage(&k);
		kernel_file_free(&k);
	}
}

/* A whole disk: what cannot be written is told. */
static void reports_a_file_that_takes_nothing(void **state)
{
	mv_autofd int full = open("/dev/full", O_WRONLY | O_CLOEXEC), fd = -1;
	struct kernel_file k;
	struct mv_payload p;

	(void)state;
	kernel_file_make(&k, MV_PAYLOAD_XZ, 5000, 1, NULL);
	fd = boot_file(k.data, k.size);
	assert_int_equal(mv_payload_find(fd, &p), 0);
	assert_int_equal(mv_payload_unpack(fd, &p, full), -ENOSPC);
	kernel_file_free(&k);
}

static void survives_random_damage(void **state)
{
	uint32_t seed = 4711;

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(formats); i++) {
		struct kernel_file k;

		kernel_file_make(&k, formats[i], 20000, 1, NULL);
		for (int round = 0; round < 300; round++) {
			mv_autofd int fd = -1;
			struct stat st;
			size_t at;

			seed = seed * 1664525 + 1013904223;
			at = k.payload + (seed >> 8) % k.payload_size;
			k.data[at] ^= (uint8_t)(seed >> 24 | 1);
			unpack(&k, &fd);
			assert_int_equal(fstat(fd, &st), 0);
			assert_true(st.st_size <= KERNEL_INIT_SIZE);
			k.data[at] ^= (uint8_t)(seed >> 24 | 1);
		}
		kernel_file_free(&k);
	}
}

/* The kernel of the test host, when it has been fetched; beside it is what other tools found in it. */
static void unpacks_debians_kernel(void **state)
{
	mv_autofd int packed = open("build/hosts/vmlinuz", O_RDONLY | O_CLOEXEC);
	mv_autofd int plain = open("build/hosts/vmlinux", O_RDONLY | O_CLOEXEC);
	mv_autofd int out = boot_file("", 0);
	mv_autofree uint8_t *got = NULL, *want = NULL;
	size_t got_size, want_size;
	struct mv_payload p;

	(void)state;
	if (packed < 0 || plain < 0) {
		print_message("skip: no build/hosts/vmlinuz (make check fetches it)\n");
		skip();
	}
	assert_int_equal(mv_payload_find(packed, &p), 0);
	assert_int_equal(mv_payload_unpack(packed, &p, out), 0);
	got = kernel_read_file(out, &got_size);
	want = kernel_read_file(plain, &want_size);
	assert_true(want_size <= got_size);
	assert_true(memcmp(got, want, want_size) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks_each_format),     cmocka_unit_test(ends_in_zeros),
		cmocka_unit_test(finds_nothing_elsewhere), cmocka_unit_test(believes_no_header),
		cmocka_unit_test(notices_damage),          cmocka_unit_test(reports_a_file_that_takes_nothing),
		cmocka_unit_test(survives_random_damage),  cmocka_unit_test(unpacks_debians_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
