/* Booting a bzImage: where everything lands, and which files are refused with which words. */
#include <asm/bootparam.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "tests/unit/boot_files.h"

#define SETUP_SECTORS 3
#define SETUP_SIZE ((SETUP_SECTORS + 1) * 512)
#define PAYLOAD_SIZE 0x3000
#define FILE_SIZE (SETUP_SIZE + PAYLOAD_SIZE)
#define LOAD 0x1000000

struct image {
	uint8_t bytes[FILE_SIZE];
};

static struct setup_header *header(struct image *im)
{
	return (struct setup_header *)(im->bytes + offsetof(struct boot_params, hdr));
}

static void make(struct image *im)
{
	struct setup_header *h;

	memset(im, 0, sizeof(*im));
	h = header(im);
	for (size_t i = 0; i < PAYLOAD_SIZE; i++)
		im->bytes[SETUP_SIZE + i] = (uint8_t)(i * 7 + i / 256);
	h->setup_sects = SETUP_SECTORS;
	h->syssize = PAYLOAD_SIZE / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0xeb | (sizeof(*h) + 0x1f1 - 0x202) << 8;
	h->header = 0x53726448;
	h->version = 0x20f;
	h->loadflags = LOADED_HIGH;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->xloadflags = XLF_KERNEL_64;
	h->cmdline_size = 2047;
	h->pref_address = LOAD;
	h->init_size = 0x800000;
}

static void loads_kernel_and_zero_page(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	const struct boot_params *zero;
	uint64_t ram = 0;

	make(&im);
	f->spec.cmdline = strdup("console=ttyS0 quiet");
	boot_accepted(f, &im, sizeof(im));
	assert_int_equal(f->entry.kind, MV_BOOT_LINUX64);
	assert_int_equal(f->entry.start, LOAD + 0x200);
	assert_memory_equal(mv_memory_ptr(&f->memory, LOAD, PAYLOAD_SIZE), im.bytes + SETUP_SIZE, PAYLOAD_SIZE);
	zero = mv_memory_ptr(&f->memory, f->entry.info, sizeof(*zero));
	assert_int_equal(zero->hdr.header, 0x53726448);
	assert_int_equal(zero->hdr.type_of_loader, 0xff);
	assert_int_equal(zero->hdr.ramdisk_size, 0);
	assert_int_equal(zero->acpi_rsdp_addr, MV_ACPI_RSDP);
	assert_string_equal(mv_memory_ptr(&f->memory, zero->hdr.cmd_line_ptr, 32), "console=ttyS0 quiet");
	for (unsigned i = 0; i < zero->e820_entries; i++) {
		if (i > 0)
			assert_true(zero->e820_table[i].addr >=
				    zero->e820_table[i - 1].addr + zero->e820_table[i - 1].size);
		if (zero->e820_table[i].type == 1)
			ram += zero->e820_table[i].size;
	}
	assert_int_equal(ram, f->spec.memory - 0x100000 + 0x9fc00);
}

static void tells_high_memory(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	const struct boot_params *zero;
	const struct boot_e820_entry *last;

	boot_fixture_memory(f, UINT64_C(5) << 30);
	make(&im);
	boot_accepted(f, &im, sizeof(im));
	zero = mv_memory_ptr(&f->memory, f->entry.info, sizeof(*zero));
	last = &zero->e820_table[zero->e820_entries - 1];
	assert_int_equal(last->addr, MV_HIGH_RAM_BASE);
	assert_int_equal(last->size, (UINT64_C(5) << 30) - MV_LOW_RAM_LIMIT);
	assert_int_equal(last->type, 1);
}

/* Follows the tables as the processor would. */
static uint64_t translate(struct boot_fixture *f, uint64_t address)
{
	const uint64_t *t = mv_memory_ptr(&f->memory, f->entry.page_table, 4096);

	for (int shift = 39; shift >= 21; shift -= 9) {
		uint64_t e = t[address >> shift & 511];

		assert_int_equal(e & 3, 3);
		if (shift == 21) {
			assert_int_equal(e & 0x80, 0x80);
			return (e & ~0x1fffffULL) | (address & 0x1fffff);
		}
		t = mv_memory_ptr(&f->memory, e & ~0xfffULL, 4096);
		assert_non_null(t);
	}
	return 0;
}

static void maps_memory_one_to_one(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	boot_fixture_memory(f, UINT64_C(3) << 30);
	make(&im);
	boot_accepted(f, &im, sizeof(im));
	for (uint64_t a = 0; a < f->spec.memory; a += 0x12345678)
		assert_int_equal(translate(f, a), a);
	assert_int_equal(translate(f, f->spec.memory - 1), f->spec.memory - 1);
	assert_int_equal(f->entry.gdt_limit, 31);
}

static void puts_the_initrd_high(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	const struct boot_params *zero;
	char *data = malloc(100001);

	assert_non_null(data);
	for (size_t i = 0; i < 100001; i++)
		data[i] = (char)(i % 251);
	make(&im);
	f->spec.initrd_fd = boot_file(data, 100001);
	boot_accepted(f, &im, sizeof(im));
	zero = mv_memory_ptr(&f->memory, f->entry.info, sizeof(*zero));
	assert_int_equal(zero->hdr.ramdisk_size, 100001);
	assert_int_equal(zero->hdr.ramdisk_image % 4096, 0);
	assert_true(zero->hdr.ramdisk_image + 100001 > f->spec.memory - 4096);
	assert_memory_equal(mv_memory_ptr(&f->memory, zero->hdr.ramdisk_image, 100001), data, 100001);

	header(&im)->initrd_addr_max = LOAD + 0xffffff;
	boot_accepted(f, &im, sizeof(im));
	assert_true(zero->hdr.ramdisk_image + 100001 <= LOAD + 0x1000000);
	assert_memory_equal(mv_memory_ptr(&f->memory, zero->hdr.ramdisk_image, 100001), data, 100001);
	free(data);
}

static void initrd_refused(struct boot_fixture *f, struct image *im, const char *text)
{
	assert_int_equal(boot_bytes(f, im, sizeof(*im)), -1);
	if (!strstr(f->message, "/boot/the-initrd") || !strstr(f->message, text))
		fail_msg("the error is \"%s\"", f->message);
}

static void refuses_initrds(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	int pipes[2];

	make(&im);
	f->spec.initrd_fd = boot_file("", 0);
	initrd_refused(f, &im, "empty");
	/* 64 MiB of memory, less 16 MiB below the kernel and the 8 MiB that it needs. */
	assert_int_equal(ftruncate(f->spec.initrd_fd, (40 << 20) + 1), 0);
	initrd_refused(f, &im, "does not fit");
	assert_non_null(strstr(f->message, "there are 40 MiB"));
	assert_int_equal(ftruncate(f->spec.initrd_fd, 40 << 20), 0);
	boot_accepted(f, &im, sizeof(im));
	header(&im)->initrd_addr_max = 0x1fffff;
	initrd_refused(f, &im, "does not fit");
	header(&im)->initrd_addr_max = UINT32_MAX;
	boot_accepted(f, &im, sizeof(im));
	close(f->spec.initrd_fd);
	assert_int_equal(pipe(pipes), 0);
	f->spec.initrd_fd = pipes[0];
	close(pipes[1]);
	initrd_refused(f, &im, "not a regular file");
}

static void refuses_a_long_command_line(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	make(&im);
	f->spec.cmdline = malloc(70000);
	assert_non_null(f->spec.cmdline);
	memset(f->spec.cmdline, 'x', 70000);
	f->spec.cmdline[2048] = '\0';
	boot_refused(f, &im, sizeof(im), "takes at most 2047");
	f->spec.cmdline[2047] = '\0';
	boot_accepted(f, &im, sizeof(im));
	/* A kernel may say that it takes anything; we do not. */
	header(&im)->cmdline_size = UINT32_MAX;
	memset(f->spec.cmdline, 'x', 69999);
	f->spec.cmdline[69999] = '\0';
	boot_refused(f, &im, sizeof(im), "takes at most 65535");
	f->spec.cmdline[65535] = '\0';
	boot_accepted(f, &im, sizeof(im));
}

static void refuses_other_kernels(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	make(&im);
	header(&im)->loadflags = 0;
	boot_refused(f, &im, sizeof(im), "zImage");
	make(&im);
	header(&im)->version = 0x20b;
	boot_refused(f, &im, sizeof(im), "boot protocol 2.11");
	make(&im);
	header(&im)->xloadflags = 0;
	boot_refused(f, &im, sizeof(im), "32-bit kernel");
}

static void refuses_truncated_and_damaged_files(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	make(&im);
	boot_refused(f, &im, 0, "empty");
	boot_refused(f, &im, 1, "too short");
	boot_refused(f, &im, 0x210, "truncated");
	boot_refused(f, &im, SETUP_SIZE - 1, "truncated");
	boot_refused(f, &im, sizeof(im) - 1, "truncated");
	/* Every cut is an error, and none is a crash. */
	for (size_t size = 0; size < sizeof(im); size += 97)
		assert_int_equal(boot_bytes(f, &im, size), -1);
	header(&im)->syssize = UINT32_MAX;
	boot_refused(f, &im, sizeof(im), "truncated");
	header(&im)->syssize = 1;
	boot_refused(f, &im, sizeof(im), "no kernel in it");
	make(&im);
	header(&im)->setup_sects = 255;
	boot_refused(f, &im, sizeof(im), "truncated");
}

static void refuses_places_outside_memory(void **state)
{
	static const uint64_t bad[] = { 0, 0x10000, 0xfffff, 0x100000000, UINT64_MAX, 0xffffffff00000000 };
	struct boot_fixture *f = *state;
	struct image im;

	for (size_t i = 0; i < MV_ARRAY_SIZE(bad); i++) {
		make(&im);
		header(&im)->pref_address = bad[i];
		boot_refused(f, &im, sizeof(im), "not between 1 MiB and 4 GiB");
	}
	make(&im);
	header(&im)->init_size = 0x3000001;
	boot_refused(f, &im, sizeof(im), "too large");
	header(&im)->init_size = 0x3000000;
	boot_accepted(f, &im, sizeof(im));
	header(&im)->init_size = UINT32_MAX;
	boot_refused(f, &im, sizeof(im), "too large");
	header(&im)->init_size = 0;
	header(&im)->pref_address = f->spec.memory - PAYLOAD_SIZE;
	boot_accepted(f, &im, sizeof(im));
	header(&im)->pref_address++;
	boot_refused(f, &im, sizeof(im), "too large");
	/* A guest of the least size cannot hold a kernel that wants 16 MiB. */
	boot_fixture_memory(f, MV_MACHINE_MIN_MEMORY);
	make(&im);
	boot_refused(f, &im, sizeof(im), "it needs memory up to 24 MiB");
}

static void says_what_a_foreign_file_looks_like(void **state)
{
	static const struct {
		const char *magic;
		size_t size, offset;
		const char *text;
	} files[] = {
		{ "\x1f\x8b\x08", 3, 0, "gzip" },
		{ "\xfd"
		  "7zXZ",
		  5, 0, "xz" },
		{ "\x28\xb5\x2f\xfd", 4, 0, "zstd" },
		{ "MZ", 2, 0, "PE (EFI) program" },
		{ "QFI\xfb", 4, 0, "qcow2" },
		{ "070701", 6, 0, "cpio" },
		{ "#!/bin/sh\n", 10, 0, "a script" },
		{ "\x55\xaa", 2, 510, "disk image" },
		{ "ARM\x64", 4, 56, "ARM" },
		{ "hello", 5, 0, "neither a Linux bzImage" },
	};
	struct boot_fixture *f = *state;
	uint8_t bytes[4096];

	for (size_t i = 0; i < MV_ARRAY_SIZE(files); i++) {
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes + files[i].offset, files[i].magic, files[i].size);
		boot_refused(f, bytes, sizeof(bytes), files[i].text);
	}
}

/* Random headers: whatever they say, nothing but guest memory is written (the sanitizers watch). */
static void survives_random_headers(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	uint32_t seed = 12345;

	for (int round = 0; round < 2000; round++) {
		make(&im);
		for (int changes = 0; changes < 3; changes++) {
			seed = seed * 1664525 + 1013904223;
			im.bytes[0x1f1 + (seed >> 8) % 0x90] = (uint8_t)(seed >> 24);
		}
		boot_bytes(f, &im, sizeof(im));
	}
}

/* The kernel of the test host, when it has been fetched. */
static void boots_debians_kernel(void **state)
{
	struct boot_fixture *f = *state;
	const struct boot_params *zero;
	struct mv_error *err = NULL;
	const char *path = "build/hosts/vmlinuz";

	if (access(path, R_OK) < 0) {
		print_message("skip: no %s (make check fetches it)\n", path);
		skip();
	}
	boot_fixture_memory(f, 256 << 20);
	f->spec.kernel_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (mv_boot_load(&f->spec, &f->memory, &f->entry, &err) < 0)
		fail_msg("%s", err->message);
	zero = mv_memory_ptr(&f->memory, f->entry.info, sizeof(*zero));
	assert_int_equal(zero->hdr.header, 0x53726448);
	assert_true(f->entry.start > 0x100000);
	/* With too little memory it says how much is needed. */
	boot_fixture_memory(f, 32 << 20);
	assert_int_equal(mv_boot_load(&f->spec, &f->memory, &f->entry, &err), -1);
	assert_non_null(strstr(err->message, "too large"));
	mv_error_free(err);
}

#define boot_test(name) cmocka_unit_test_setup_teardown(name, boot_fixture_set_up, boot_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		boot_test(loads_kernel_and_zero_page),
		boot_test(tells_high_memory),
		boot_test(maps_memory_one_to_one),
		boot_test(puts_the_initrd_high),
		boot_test(refuses_initrds),
		boot_test(refuses_a_long_command_line),
		boot_test(refuses_other_kernels),
		boot_test(refuses_truncated_and_damaged_files),
		boot_test(refuses_places_outside_memory),
		boot_test(says_what_a_foreign_file_looks_like),
		boot_test(survives_random_headers),
		boot_test(boots_debians_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
