/* Starting an unpacked kernel in place of its bzImage: where it goes, what is linked anew, and that whatever the file
 * says, the worst is that the bzImage is booted. */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "tests/unit/boot_files.h"
#include "tests/unit/kernel_files.h"

#define LOAD KERNEL_LOAD
#define TEXT 0x1000 /* in the file */
#define TEXT_SIZE 0x3000
#define DATA 0x4000
#define DATA_SIZE 0x1000
#define DATA_AT 0x400000 /* in memory, from LOAD */
#define DATA_MEMORY 0x2000
#define ELF_END (DATA + DATA_SIZE)
#define MAX_WORDS 16

#define PLACE_64 0x1008
#define PLACE_32 0x2004
#define PLACE_INVERSE (DATA_AT + 0x10)
#define WORD(offset) (0x80000000U + LOAD + (offset))

struct elf {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t rest[ELF_END - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	uint32_t words[MAX_WORDS];
};

static const uint32_t words_of_old_kernels[] = { 0, WORD(PLACE_64), 0, WORD(PLACE_INVERSE), 0, WORD(PLACE_32) };

static uint8_t byte_of_text(size_t i)
{
	return (uint8_t)(i * 5 + i / 256 + 1);
}

static void make_elf(struct elf *e)
{
	uint8_t *bytes = (uint8_t *)e;

	memset(e, 0, sizeof(*e));
	memcpy(e->header.e_ident, ELFMAG, SELFMAG);
	e->header.e_ident[EI_CLASS] = ELFCLASS64;
	e->header.e_ident[EI_DATA] = ELFDATA2LSB;
	e->header.e_type = ET_EXEC;
	e->header.e_machine = EM_X86_64;
	e->header.e_entry = LOAD + 0x40;
	e->header.e_phoff = sizeof(Elf64_Ehdr);
	e->header.e_phentsize = sizeof(Elf64_Phdr);
	e->header.e_phnum = 2;
	e->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_offset = TEXT, .p_paddr = LOAD, .p_filesz = TEXT_SIZE, .p_memsz = TEXT_SIZE
	};
	e->segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				       .p_offset = DATA,
				       .p_paddr = LOAD + DATA_AT,
				       .p_filesz = DATA_SIZE,
				       .p_memsz = DATA_MEMORY };
	for (size_t i = 0; i < TEXT_SIZE; i++)
		bytes[TEXT + i] = byte_of_text(i);
	mv_put_le64(bytes + TEXT + PLACE_64, 0xffffffff81001234);
	mv_put_le32(bytes + TEXT + PLACE_32, 0x81005678);
	mv_put_le32(bytes + DATA + PLACE_INVERSE - DATA_AT, 0x80000000);
	memcpy(e->words, words_of_old_kernels, sizeof(words_of_old_kernels));
}

static const struct boot_params *zero_page(struct boot_fixture *f)
{
	return mv_memory_ptr(&f->memory, f->entry.info, sizeof(struct boot_params));
}

/* Boots the bzImage with the first `size` bytes of e as what it unpacks itself to. */
static void boot(struct boot_fixture *f, const struct elf *e, size_t size)
{
	uint8_t image[KERNEL_SETUP_SIZE + 4096];

	memset(image, 0xcc, sizeof(image));
	memset(image, 0, KERNEL_SETUP_SIZE);
	kernel_header(image, 4096);
	if (f->spec.payload_fd >= 0)
		close(f->spec.payload_fd);
	f->spec.payload_fd = boot_file(e, size);
	boot_accepted(f, image, sizeof(image));
}

static size_t size_with(unsigned words)
{
	return offsetof(struct elf, words) + words * sizeof(uint32_t);
}

static bool started_unpacked(struct boot_fixture *f)
{
	uint64_t text = f->entry.start - 0x40;

	if (f->entry.start == LOAD + 0x200) {
		const uint8_t *p = mv_memory_ptr(&f->memory, LOAD, DATA_AT + DATA_MEMORY);

		/* The bzImage, and nothing else. */
		for (size_t i = 0; i < DATA_AT + DATA_MEMORY; i++)
			assert_int_equal(p[i], i < 4096 ? 0xcc : 0);
		assert_int_equal(zero_page(f)->hdr.loadflags & KASLR_FLAG, 0);
		return false;
	}
	for (size_t i = 0; i < 0x1000; i++)
		assert_int_equal(*(uint8_t *)mv_memory_ptr(&f->memory, text + i, 1), byte_of_text(i));
	return true;
}

static uint64_t at(struct boot_fixture *f, uint64_t offset, unsigned width)
{
	return mv_get_le(mv_memory_ptr(&f->memory, f->entry.start - 0x40 + offset, width), width);
}

/* How far the kernel was moved; all places agree. */
static uint64_t slide(struct boot_fixture *f)
{
	uint64_t by = at(f, PLACE_64, 8) - 0xffffffff81001234;

	assert_int_equal((uint32_t)at(f, PLACE_32, 4), (uint32_t)(0x81005678 + by));
	return by;
}

static void obeys_nokaslr(void **state)
{
	struct boot_fixture *f = *state;
	struct elf e;

	make_elf(&e);
	f->spec.cmdline = strdup("console=ttyS0 nokaslr quiet");
	boot(f, &e, size_with(6));
	assert_true(started_unpacked(f));
	assert_int_equal(f->entry.kind, MV_BOOT_LINUX64);
	assert_int_equal(f->entry.start, LOAD + 0x40);
	assert_int_equal(slide(f), 0);
	assert_int_equal(at(f, PLACE_INVERSE, 4), 0x80000000);
	assert_int_equal(zero_page(f)->hdr.loadflags & KASLR_FLAG, 0);
	assert_int_equal(zero_page(f)->hdr.header, 0x53726448);
	/* Not every word that begins so. */
	strcpy(f->spec.cmdline, "nokaslr2 xnokaslr");
	boot(f, &e, size_with(6));
	assert_int_equal(zero_page(f)->hdr.loadflags & KASLR_FLAG, KASLR_FLAG);
}

static void chooses_addresses_at_random(void **state)
{
	struct boot_fixture *f = *state;
	uint64_t first_slide = 0, first_start = 0;
	bool other_slide = false, other_start = false;
	uint8_t initrd[5000];
	struct elf e;

	make_elf(&e);
	memset(initrd, 0xaa, sizeof(initrd));
	f->spec.initrd_fd = boot_file(initrd, sizeof(initrd));
	for (int i = 0; i < 100; i++) {
		uint64_t text;

		boot(f, &e, size_with(6));
		assert_true(started_unpacked(f));
		text = f->entry.start - 0x40;
		assert_int_equal(text % 0x200000, 0);
		assert_in_range(text, LOAD, zero_page(f)->hdr.ramdisk_image - KERNEL_INIT_SIZE);
		assert_int_equal(slide(f) % 0x200000, 0);
		assert_in_range(slide(f), 0, (1 << 30) - LOAD - KERNEL_INIT_SIZE);
		assert_int_equal(at(f, PLACE_INVERSE, 4), (uint32_t)(0x80000000 - slide(f)));
		assert_int_equal(zero_page(f)->hdr.loadflags & KASLR_FLAG, KASLR_FLAG);
		assert_memory_equal(mv_memory_ptr(&f->memory, zero_page(f)->hdr.ramdisk_image, sizeof(initrd)), initrd,
				    sizeof(initrd));
		if (i == 0) {
			first_slide = slide(f);
			first_start = f->entry.start;
		}
		other_slide |= slide(f) != first_slide;
		other_start |= f->entry.start != first_start;
	}
	assert_true(other_slide);
	assert_true(other_start);
}

static void moves_nothing_into_memory_that_is_spoken_for(void **state)
{
	static const char *const words[] = { "mem=48M", "memmap=8M$24M", "hugepages=2" };
	struct boot_fixture *f = *state;
	bool moved = false;
	struct elf e;

	make_elf(&e);
	for (size_t i = 0; i < MV_ARRAY_SIZE(words); i++) {
		free(f->spec.cmdline);
		f->spec.cmdline = strdup(words[i]);
		for (int round = 0; round < 20; round++) {
			boot(f, &e, size_with(6));
			assert_true(started_unpacked(f));
			assert_int_equal(f->entry.start, LOAD + 0x40);
			moved |= slide(f) != 0;
		}
	}
	assert_true(moved);
}

/* It fits exactly: there is one place. */
static void fits_exactly(void **state)
{
	struct boot_fixture *f = *state;
	struct elf e;

	make_elf(&e);
	boot_fixture_memory(f, LOAD + KERNEL_INIT_SIZE);
	boot(f, &e, size_with(6));
	assert_true(started_unpacked(f));
	assert_int_equal(f->entry.start, LOAD + 0x40);
}

static void knows_newer_and_fixed_kernels(void **state)
{
	struct boot_fixture *f = *state;
	bool moved = false;
	struct elf e;

	make_elf(&e);
	e.words[2] = 0; /* 0, 64 bits, 0, 32 bits: no list of inverse places */
	e.words[3] = WORD(PLACE_32);
	for (int i = 0; i < 20; i++) {
		boot(f, &e, size_with(4));
		assert_true(started_unpacked(f));
		assert_int_equal(at(f, PLACE_INVERSE, 4), 0x80000000);
		moved |= slide(f) != 0;
	}
	assert_true(moved);
	boot(f, &e, size_with(0));
	assert_true(started_unpacked(f));
	assert_int_equal(f->entry.start, LOAD + 0x40);
	assert_int_equal(slide(f), 0);
	assert_int_equal(zero_page(f)->hdr.loadflags & KASLR_FLAG, 0);
}

static void ordinary(struct boot_fixture *f, const struct elf *e, size_t size)
{
	boot(f, e, size);
	assert_false(started_unpacked(f));
}

static void falls_back_on_bad_places(void **state)
{
	static const uint32_t tables[][6] = {
		{ 1, WORD(PLACE_64), 0, 0, 0, WORD(PLACE_32) },                 /* no 0 at the beginning */
		{ 0, 0, 0, 0, 0, 0 },                                           /* too many lists */
		{ 0, 1, 1, 1, 1, 1 },                                           /* one */
		{ 0, WORD(0) - 1, 0, 0, WORD(PLACE_32), WORD(PLACE_32) },       /* before the image */
		{ 0, WORD(DATA_AT + DATA_MEMORY - 7), 0, 0, WORD(0), WORD(0) }, /* across its end */
		{ 0, WORD(0), 0, WORD(DATA_AT + DATA_MEMORY - 3), 0, WORD(0) },
		{ 0, WORD(0), 0, WORD(0), 0, UINT32_MAX },
		{ 0, WORD(0), 0, WORD(0), 0, 0x7fffffff },
	};
	struct boot_fixture *f = *state;
	struct elf e;

	for (size_t i = 0; i < MV_ARRAY_SIZE(tables); i++) {
		make_elf(&e);
		memcpy(e.words, tables[i], sizeof(tables[i]));
		ordinary(f, &e, size_with(6));
	}
	make_elf(&e);
	ordinary(f, &e, size_with(6) - 1);
	ordinary(f, &e, size_with(1));
}

static void falls_back_on_bad_files(void **state)
{
	static const uint64_t bad[] = { 0,          1,          LOAD - 1,         LOAD + KERNEL_INIT_SIZE,
					UINT32_MAX, UINT64_MAX, UINT64_MAX - LOAD };
	struct boot_fixture *f = *state;
	struct elf e;
	int pipes[2];

	for (size_t i = 0; i < MV_ARRAY_SIZE(bad); i++) {
		make_elf(&e);
		e.segments[1].p_paddr = bad[i];
		ordinary(f, &e, size_with(6));
		make_elf(&e);
		e.header.e_entry = bad[i];
		ordinary(f, &e, size_with(6));
		make_elf(&e);
		e.header.e_phoff = bad[i];
		ordinary(f, &e, size_with(6));
		make_elf(&e);
		e.segments[1].p_memsz = bad[i] ? bad[i] : 1;
		ordinary(f, &e, size_with(6));
		make_elf(&e);
		e.segments[1].p_offset = bad[i] > 1 ? bad[i] : UINT64_MAX;
		ordinary(f, &e, size_with(6));
	}
	for (size_t size = 0; size < size_with(0); size += 491) {
		make_elf(&e);
		ordinary(f, &e, size);
	}
	make_elf(&e);
	e.header.e_phnum = 65535;
	ordinary(f, &e, size_with(6));
	make_elf(&e);
	e.header.e_machine = EM_AARCH64;
	ordinary(f, &e, size_with(6));
	make_elf(&e);
	boot(f, &e, size_with(6));
	close(f->spec.payload_fd);
	assert_int_equal(pipe(pipes), 0);
	close(pipes[1]);
	f->spec.payload_fd = pipes[0];
	{
		uint8_t image[KERNEL_SETUP_SIZE + 4096] = { 0 };

		kernel_header(image, 4096);
		boot_accepted(f, image, sizeof(image));
		assert_int_equal(f->entry.start, LOAD + 0x200);
	}
}

static void falls_back_on_odd_headers(void **state)
{
	struct boot_fixture *f = *state;
	uint8_t image[KERNEL_SETUP_SIZE + 4096] = { 0 };
	static const uint32_t alignments[] = { 0, 0x1000, 0x300000, 0x80000000 };
	struct elf e;

	make_elf(&e);
	f->spec.payload_fd = boot_file(&e, size_with(6));
	for (size_t i = 0; i < MV_ARRAY_SIZE(alignments); i++) {
		kernel_header(image, 4096)->kernel_alignment = alignments[i];
		boot_accepted(f, image, sizeof(image));
		assert_int_equal(f->entry.start, LOAD + 0x200);
	}
	kernel_header(image, 4096)->relocatable_kernel = 0;
	boot_accepted(f, image, sizeof(image));
	assert_int_equal(f->entry.start, LOAD + 0x40);
}

/* Random changes: nothing but guest memory is written (the sanitizers watch). */
static void survives_random_files(void **state)
{
	struct boot_fixture *f = *state;
	uint32_t seed = 99;
	struct elf e;

	for (int round = 0; round < 1000; round++) {
		uint8_t image[KERNEL_SETUP_SIZE + 4096] = { 0 };

		make_elf(&e);
		for (int changes = 0; changes < 3; changes++) {
			size_t where;

			seed = seed * 1664525 + 1013904223;
			where = (seed >> 8) % (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) + 24);
			if (where >= sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr))
				where += sizeof(e.rest);
			((uint8_t *)&e)[where] = (uint8_t)(seed >> 24);
		}
		if (f->spec.payload_fd >= 0)
			close(f->spec.payload_fd);
		f->spec.payload_fd = boot_file(&e, size_with(6));
		kernel_header(image, 4096);
		boot_accepted(f, image, sizeof(image));
		assert_in_range(f->entry.start, LOAD, f->spec.memory - 1);
	}
}

/* The kernel of the test host, when it has been fetched: it is loaded unpacked, and moved. */
static void boots_debians_kernel(void **state)
{
	struct boot_fixture *f = *state;
	bool moved = false;

	if (access("build/hosts/vmlinuz", R_OK) < 0 || access("build/hosts/vmlinux", R_OK) < 0) {
		print_message("skip: no build/hosts/vmlinuz (make check fetches it)\n");
		skip();
	}
	boot_fixture_memory(f, 256 << 20);
	f->spec.kernel_fd = open("build/hosts/vmlinuz", O_RDONLY | O_CLOEXEC);
	f->spec.payload_fd = open("build/hosts/vmlinux", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		struct mv_error *err = NULL;

		assert_int_equal(mv_memory_clear(&f->memory, NULL), 0);
		if (mv_boot_load(&f->spec, &f->memory, &f->entry, &err) < 0)
			fail_msg("%s", err->message);
		assert_int_equal(f->entry.start % 0x200000, 0);
		assert_int_equal(zero_page(f)->hdr.loadflags & KASLR_FLAG, KASLR_FLAG);
		moved |= f->entry.start != LOAD;
	}
	assert_true(moved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, boot_fixture_set_up, boot_fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(obeys_nokaslr),
		TEST(chooses_addresses_at_random),
		TEST(moves_nothing_into_memory_that_is_spoken_for),
		TEST(fits_exactly),
		TEST(knows_newer_and_fixed_kernels),
		TEST(falls_back_on_bad_places),
		TEST(falls_back_on_bad_files),
		TEST(falls_back_on_odd_headers),
		TEST(survives_random_files),
		TEST(boots_debians_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
