/* Booting an ELF file by PVH: where everything lands, and which files are refused with which words. */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "tests/unit/boot_files.h"

#define LOAD 0x200000
#define CODE_AT 0x1800 /* in the file: partly beyond the first page */
#define CODE_SIZE 0x1000
#define CODE_MEMORY 0x3000
#define NOTE_AT 0x200
#define FILE_SIZE (CODE_AT + CODE_SIZE)

struct image {
	uint8_t bytes[FILE_SIZE];
};

static Elf64_Ehdr *header64(struct image *im)
{
	return (Elf64_Ehdr *)im->bytes;
}

static Elf64_Phdr *segment64(struct image *im, unsigned i)
{
	return (Elf64_Phdr *)(im->bytes + sizeof(Elf64_Ehdr)) + i;
}

/* Appends a note and returns its end. */
static size_t put_note(struct image *im, size_t at, const char *owner, uint32_t type, const void *desc, uint32_t size)
{
	uint32_t name = (uint32_t)strlen(owner) + 1;

	mv_put_le32(im->bytes + at, name);
	mv_put_le32(im->bytes + at + 4, size);
	mv_put_le32(im->bytes + at + 8, type);
	memcpy(im->bytes + at + 12, owner, name);
	at += 12 + ((name + 3) & ~3u);
	memcpy(im->bytes + at, desc, size);
	return at + ((size + 3) & ~3u);
}

static size_t put_notes(struct image *im)
{
	uint64_t entry = LOAD + 0x10;
	size_t end = put_note(im, NOTE_AT, "GNU", 18, "\xff\xff\xff\xff", 4);

	end = put_note(im, end, "Xen", 6, "tiny", 5);
	return put_note(im, end, "Xen", 18, &entry, 8);
}

static void make(struct image *im)
{
	Elf64_Ehdr *h;

	memset(im, 0, sizeof(*im));
	h = header64(im);
	for (size_t i = 0; i < CODE_SIZE; i++)
		im->bytes[CODE_AT + i] = (uint8_t)(i * 5 + i / 256 + 1);
	memcpy(h->e_ident, "\177ELF", 4);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_type = ET_EXEC;
	h->e_machine = EM_X86_64;
	h->e_phoff = sizeof(*h);
	h->e_phentsize = sizeof(Elf64_Phdr);
	h->e_phnum = 2;
	*segment64(im, 0) = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = CODE_AT,
		.p_vaddr = 0xffffffff80000000 + LOAD,
		.p_paddr = LOAD,
		.p_filesz = CODE_SIZE,
		.p_memsz = CODE_MEMORY,
	};
	*segment64(im, 1) = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = NOTE_AT,
		.p_filesz = put_notes(im) - NOTE_AT,
		.p_align = 4,
	};
}

static void loads_segments_and_start_info(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	const uint8_t *info, *map;
	uint64_t ram = 0;

	make(&im);
	f->spec.cmdline = strdup("hello");
	boot_accepted(f, &im, sizeof(im));
	assert_int_equal(f->entry.kind, MV_BOOT_PVH);
	assert_int_equal(f->entry.start, LOAD + 0x10);
	assert_memory_equal(mv_memory_ptr(&f->memory, LOAD, CODE_SIZE), im.bytes + CODE_AT, CODE_SIZE);
	info = mv_memory_ptr(&f->memory, f->entry.info, 56);
	assert_int_equal(mv_get_le32(info), 0x336ec578);
	assert_int_equal(mv_get_le32(info + 4), 1);
	assert_int_equal(mv_get_le32(info + 12), 0);
	assert_string_equal(mv_memory_ptr(&f->memory, mv_get_le64(info + 24), 6), "hello");
	assert_int_equal(mv_get_le64(info + 32), MV_ACPI_RSDP);
	map = mv_memory_ptr(&f->memory, mv_get_le64(info + 40), 24 * mv_get_le32(info + 48));
	for (uint32_t i = 0; i < mv_get_le32(info + 48); i++)
		if (mv_get_le32(map + 24 * i + 16) == 1)
			ram += mv_get_le64(map + 24 * i + 8);
	assert_int_equal(ram, f->spec.memory - 0x100000 + 0x9fc00);
}

static void loads_32_bit_files(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	Elf32_Ehdr h = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_phoff = sizeof(h),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 2,
	};
	Elf32_Phdr segments[2] = {
		{ .p_type = PT_LOAD,
		  .p_offset = CODE_AT,
		  .p_paddr = LOAD,
		  .p_filesz = CODE_SIZE,
		  .p_memsz = CODE_MEMORY },
		{ .p_type = PT_NOTE, .p_offset = NOTE_AT },
	};

	make(&im);
	segments[1].p_filesz = (Elf32_Word)segment64(&im, 1)->p_filesz;
	memset(im.bytes, 0, NOTE_AT);
	memcpy(im.bytes, &h, sizeof(h));
	memcpy(im.bytes + sizeof(h), segments, sizeof(segments));
	boot_accepted(f, &im, sizeof(im));
	assert_int_equal(f->entry.start, LOAD + 0x10);
	assert_memory_equal(mv_memory_ptr(&f->memory, LOAD, CODE_SIZE), im.bytes + CODE_AT, CODE_SIZE);
}

static void gives_the_initrd_as_module(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	const uint8_t *info, *module;

	make(&im);
	f->spec.initrd_fd = boot_file("an initrd", 9);
	boot_accepted(f, &im, sizeof(im));
	info = mv_memory_ptr(&f->memory, f->entry.info, 56);
	assert_int_equal(mv_get_le32(info + 12), 1);
	module = mv_memory_ptr(&f->memory, mv_get_le64(info + 16), 32);
	assert_int_equal(mv_get_le64(module + 8), 9);
	assert_memory_equal(mv_memory_ptr(&f->memory, mv_get_le64(module), 9), "an initrd", 9);
	/* It may not overlap the kernel. */
	segment64(&im, 0)->p_memsz = f->spec.memory - LOAD;
	assert_int_equal(boot_bytes(f, &im, sizeof(im)), -1);
	assert_non_null(strstr(f->message, "/boot/the-initrd"));
}

static void refuses_a_long_command_line(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	make(&im);
	f->spec.cmdline = malloc(65537);
	assert_non_null(f->spec.cmdline);
	memset(f->spec.cmdline, 'x', 65536);
	f->spec.cmdline[65536] = '\0';
	boot_refused(f, &im, sizeof(im), "takes at most 65535");
	f->spec.cmdline[65535] = '\0';
	boot_accepted(f, &im, sizeof(im));
	/* Linux would cut it off. */
	memcpy(memmem(&im, sizeof(im), "tiny", 5), "linux", 5);
	boot_refused(f, &im, sizeof(im), "takes at most 2047");
	f->spec.cmdline[2047] = '\0';
	boot_accepted(f, &im, sizeof(im));
}

static void refuses_foreign_files(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	make(&im);
	header64(&im)->e_machine = EM_AARCH64;
	boot_refused(f, &im, sizeof(im), "another machine (e_machine 183)");
	make(&im);
	header64(&im)->e_ident[EI_DATA] = ELFDATA2MSB;
	boot_refused(f, &im, sizeof(im), "big-endian");
	make(&im);
	header64(&im)->e_ident[EI_CLASS] = 7;
	boot_refused(f, &im, sizeof(im), "unknown class");
	make(&im);
	header64(&im)->e_type = ET_REL;
	boot_refused(f, &im, sizeof(im), "cannot be run");
	make(&im);
	segment64(&im, 1)->p_type = PT_NULL;
	boot_refused(f, &im, sizeof(im), "without a PVH entry");
	make(&im);
	segment64(&im, 1)->p_filesz = 20;
	boot_refused(f, &im, sizeof(im), "without a PVH entry");
	make(&im);
	header64(&im)->e_phnum = 0;
	boot_refused(f, &im, sizeof(im), "program headers");
	header64(&im)->e_phnum = 0xffff;
	boot_refused(f, &im, sizeof(im), "program headers");
	make(&im);
	header64(&im)->e_phentsize = 8;
	boot_refused(f, &im, sizeof(im), "damaged");
}

static void refuses_truncated_files(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;

	make(&im);
	boot_refused(f, &im, 10, "truncated");
	boot_refused(f, &im, sizeof(Elf64_Ehdr) - 1, "truncated");
	boot_refused(f, &im, sizeof(Elf64_Ehdr) + 10, "truncated");
	boot_refused(f, &im, sizeof(im) - 1, "truncated: ELF segment 0 has 4096 bytes at 0x1800");
	for (size_t size = 0; size < sizeof(im); size += 97)
		assert_int_equal(boot_bytes(f, &im, size), -1);
	header64(&im)->e_phoff = UINT64_MAX - 10;
	boot_refused(f, &im, sizeof(im), "truncated");
	make(&im);
	segment64(&im, 0)->p_offset = UINT64_MAX;
	boot_refused(f, &im, sizeof(im), "truncated");
	make(&im);
	segment64(&im, 1)->p_filesz = UINT64_MAX;
	boot_refused(f, &im, sizeof(im), "truncated");
}

static void refuses_places_outside_memory(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	Elf64_Phdr *s;
	/* The entry must stay inside, so this is an empty second segment's place. */
	static const uint64_t outside[] = { 64 << 20, 0x100000000, UINT64_MAX, UINT64_MAX - 0xfff, MV_ECAM_BASE };

	make(&im);
	s = segment64(&im, 0);
	s->p_memsz = f->spec.memory - LOAD;
	boot_accepted(f, &im, sizeof(im));
	s->p_memsz++;
	boot_refused(f, &im, sizeof(im), "too large");
	s->p_memsz = UINT64_MAX;
	boot_refused(f, &im, sizeof(im), "too large");
	s->p_memsz = CODE_SIZE - 1;
	boot_refused(f, &im, sizeof(im), "larger in the file than in memory");
	for (size_t i = 0; i < MV_ARRAY_SIZE(outside); i++) {
		make(&im);
		header64(&im)->e_phnum = 3;
		*segment64(&im, 2) = *s;
		segment64(&im, 2)->p_paddr = outside[i];
		boot_refused(f, &im, sizeof(im), "too large");
	}
	make(&im);
	header64(&im)->e_phnum = 3;
	*segment64(&im, 2) = *s;
	segment64(&im, 2)->p_paddr = MV_ACPI_RSDP - CODE_SIZE;
	boot_refused(f, &im, sizeof(im), "has a segment at 0xdf000");
	make(&im);
	s->p_paddr = LOAD + 0x100000;
	boot_refused(f, &im, sizeof(im), "outside all its segments");
}

/* Random changes to headers and notes: whatever they say, nothing but guest memory is written (the sanitizers watch).
 */
static void survives_random_headers(void **state)
{
	struct boot_fixture *f = *state;
	struct image im;
	uint32_t seed = 4711;

	for (int round = 0; round < 3000; round++) {
		make(&im);
		for (int changes = 0; changes < 3; changes++) {
			unsigned limit = round % 2 ? 0xb0 : 0x80;
			unsigned base = round % 2 ? 0 : NOTE_AT;

			seed = seed * 1664525 + 1013904223;
			im.bytes[base + (seed >> 8) % limit] = (uint8_t)(seed >> 24);
		}
		boot_bytes(f, &im, sizeof(im));
	}
}

/* Debian's kernel, unpacked for the test hosts. */
static void boots_debians_kernel(void **state)
{
	struct boot_fixture *f = *state;
	struct mv_error *err = NULL;
	const char *path = "build/hosts/vmlinux";

	if (access(path, R_OK) < 0) {
		print_message("skip: no %s (make check fetches it)\n", path);
		skip();
	}
	boot_fixture_memory(f, 256 << 20);
	f->spec.kernel_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (mv_boot_load(&f->spec, &f->memory, &f->entry, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(f->entry.kind, MV_BOOT_PVH);
	assert_true(f->entry.start >= 0x1000000);
}

#define boot_test(name) cmocka_unit_test_setup_teardown(name, boot_fixture_set_up, boot_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		boot_test(loads_segments_and_start_info), boot_test(loads_32_bit_files),
		boot_test(gives_the_initrd_as_module),    boot_test(refuses_a_long_command_line),
		boot_test(refuses_foreign_files),         boot_test(refuses_truncated_files),
		boot_test(refuses_places_outside_memory), boot_test(survives_random_headers),
		boot_test(boots_debians_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
