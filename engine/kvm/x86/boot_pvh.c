/* PVH: an ELF file with a note (XEN_ELFNOTE_PHYS32_ENTRY) that holds the physical address where it starts, in 32-bit
 * protected mode. Its segments go to their physical addresses. */
#include "engine/kvm/x86/boot_internal.h"

#include <elf.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/x86/memmap.h"

#define MAX_HEADERS 128
#define MAX_NOTES (64 * 1024)
#define NOTE_GUEST_OS 6
#define NOTE_PHYS32_ENTRY 18

/* Linux cuts a longer one off without a word (its COMMAND_LINE_SIZE). */
#define LINUX_CMDLINE_MAX 2047

#define START_INFO_MAGIC 0x336ec578

/* The start info and what it points to (Xen's arch-x86/hvm/start_info.h), version 1. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t memmap_count;
	uint32_t reserved;
};

struct module {
	uint64_t address;
	uint64_t size;
	uint64_t cmdline;
	uint64_t reserved;
};

struct memmap_entry {
	uint64_t address;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* All of them together, below the zero page. */
struct boot_page {
	struct start_info info;
	struct module initrd;
	struct memmap_entry map[MV_MEMMAP_MAX];
};

/* What we need of a program header, of either class. */
struct segment {
	uint32_t type;
	uint64_t offset, address, file_size, memory_size, align;
};

struct image {
	bool wide; /* ELF64 */
	uint64_t headers;
	unsigned header_size, count;
	struct segment segments[MAX_HEADERS];
	uint64_t entry;
	bool has_entry;
	bool is_linux;
	uint64_t end; /* of the highest segment */
};

static int read_elf_header(const struct mv_boot *b, struct image *im, struct mv_error **err)
{
	Elf32_Ehdr e32;
	Elf64_Ehdr e64;
	unsigned machine, type;

	im->wide = b->head[EI_CLASS] == ELFCLASS64;
	if (b->file_size < (im->wide ? sizeof(e64) : sizeof(e32)))
		return mv_boot_refuse(b, err, "is truncated: an ELF header does not fit into %llu bytes.",
				      (unsigned long long)b->file_size);
	if (b->head[EI_CLASS] != ELFCLASS64 && b->head[EI_CLASS] != ELFCLASS32)
		return mv_boot_refuse(b, err, "is an ELF file of an unknown class (%u).", b->head[EI_CLASS]);
	if (b->head[EI_DATA] != ELFDATA2LSB)
		return mv_boot_refuse(b, err, "is an ELF file for a big-endian machine.");
	memcpy(&e32, b->head, sizeof(e32));
	memcpy(&e64, b->head, sizeof(e64));
	machine = im->wide ? e64.e_machine : e32.e_machine;
	type = im->wide ? e64.e_type : e32.e_type;
	if (machine != EM_X86_64 && machine != EM_386)
		return mv_boot_refuse(b, err, "is an ELF file for another machine (e_machine %u), not for x86.",
				      machine);
	if (type != ET_EXEC && type != ET_DYN)
		return mv_boot_refuse(b, err,
				      "is an ELF file that cannot be run (e_type %u): an object or a core file.", type);
	im->headers = im->wide ? e64.e_phoff : e32.e_phoff;
	im->header_size = im->wide ? e64.e_phentsize : e32.e_phentsize;
	im->count = im->wide ? e64.e_phnum : e32.e_phnum;
	if (im->count == 0 || im->count > MAX_HEADERS)
		return mv_boot_refuse(b, err, "has %u ELF program headers; 1 to %u are allowed.", im->count,
				      MAX_HEADERS);
	if (im->header_size != (im->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return mv_boot_refuse(b, err, "is damaged: an ELF program header cannot have %u bytes.",
				      im->header_size);
	return 0;
}

static int read_segments(const struct mv_boot *b, struct image *im, struct mv_error **err)
{
	uint8_t raw[MAX_HEADERS * sizeof(Elf64_Phdr)];
	uint64_t size = (uint64_t)im->count * im->header_size;

	if (im->headers > b->file_size || size > b->file_size - im->headers)
		return mv_boot_refuse(b, err,
				      "is truncated: its ELF program headers end at byte %llu, the file has %llu.",
				      (unsigned long long)(im->headers + size), (unsigned long long)b->file_size);
	if (mv_boot_read(b, raw, im->headers, size, err) < 0)
		return -1;
	for (unsigned i = 0; i < im->count; i++) {
		struct segment *s = &im->segments[i];
		Elf32_Phdr p32;
		Elf64_Phdr p64;

		if (im->wide) {
			memcpy(&p64, raw + i * sizeof(p64), sizeof(p64));
			*s = (struct segment){ p64.p_type,   p64.p_offset, p64.p_paddr,
					       p64.p_filesz, p64.p_memsz,  p64.p_align };
		} else {
			memcpy(&p32, raw + i * sizeof(p32), sizeof(p32));
			*s = (struct segment){ p32.p_type,   p32.p_offset, p32.p_paddr,
					       p32.p_filesz, p32.p_memsz,  p32.p_align };
		}
		if (s->type != PT_LOAD && s->type != PT_NOTE)
			continue;
		if (s->offset > b->file_size || s->file_size > b->file_size - s->offset)
			return mv_boot_refuse(
				b, err,
				"is truncated: ELF segment %u has %llu bytes at %#llx, the file has %llu in all.", i,
				(unsigned long long)s->file_size, (unsigned long long)s->offset,
				(unsigned long long)b->file_size);
	}
	return 0;
}

static void look_at_note(struct image *im, uint32_t type, const uint8_t *desc, uint32_t size)
{
	if (type == NOTE_PHYS32_ENTRY && (size == 4 || size == 8)) {
		im->entry = mv_get_le(desc, size);
		im->has_entry = true;
	}
	if (type == NOTE_GUEST_OS && size >= 5 && !memcmp(desc, "linux", 5))
		im->is_linux = true;
}

/* Notes are: sizes of name and description, type, name, description, the latter two padded. */
static int read_notes(const struct mv_boot *b, struct image *im, const struct segment *s, struct mv_error **err)
{
	uint64_t pad = s->align == 8 ? 7 : 3;
	uint64_t size = s->file_size < MAX_NOTES ? s->file_size : MAX_NOTES;
	mv_autofree uint8_t *notes = malloc(size ? size : 1);

	if (!notes)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the notes of '%s'.", b->name);
	if (mv_boot_read(b, notes, s->offset, size, err) < 0)
		return -1;
	for (uint64_t at = 0; at + 12 <= size;) {
		uint64_t name_size = mv_get_le32(notes + at), desc_size = mv_get_le32(notes + at + 4);
		uint64_t name = at + 12;
		uint64_t desc = name + ((name_size + pad) & ~pad);

		if (desc > size || desc_size > size - desc)
			break; /* a note that is damaged is no note */
		if (name_size == 4 && !memcmp(notes + name, "Xen", 4))
			look_at_note(im, mv_get_le32(notes + at + 8), notes + desc, (uint32_t)desc_size);
		at = desc + ((desc_size + pad) & ~pad);
	}
	return 0;
}

static int find_entry(const struct mv_boot *b, struct image *im, struct mv_error **err)
{
	for (unsigned i = 0; i < im->count && !im->has_entry; i++)
		if (im->segments[i].type == PT_NOTE && read_notes(b, im, &im->segments[i], err) < 0)
			return -1;
	if (!im->has_entry)
		return mv_boot_refuse(
			b, err,
			"is an ELF file without a PVH entry (a XEN_ELFNOTE_PHYS32_ENTRY note); Linux has one when "
			"it is built with CONFIG_PVH.");
	for (unsigned i = 0; i < im->count; i++) {
		const struct segment *s = &im->segments[i];

		if (s->type == PT_LOAD && im->entry >= s->address && im->entry - s->address < s->memory_size)
			return 0;
	}
	return mv_boot_refuse(b, err, "is damaged: its PVH entry %#llx is outside all its segments.",
			      (unsigned long long)im->entry);
}

static int check_segments(const struct mv_boot *b, struct image *im, struct mv_error **err)
{
	for (unsigned i = 0; i < im->count; i++) {
		const struct segment *s = &im->segments[i];

		if (s->type != PT_LOAD || s->memory_size == 0)
			continue;
		if (s->file_size > s->memory_size)
			return mv_boot_refuse(b, err,
					      "is damaged: ELF segment %u is larger in the file than in memory.", i);
		if (s->address < MV_BOOT_LOAD_BASE)
			return mv_boot_refuse(
				b, err, "has a segment at %#llx; below %#llx is what the machine itself puts there.",
				(unsigned long long)s->address, (unsigned long long)MV_BOOT_LOAD_BASE);
		if (s->address >= b->ram_end || s->memory_size > b->ram_end - s->address)
			return mv_boot_refuse(
				b, err,
				"is too large: a segment of %llu bytes at %#llx does not lie in the guest's memory "
				"of %llu MiB below 4 GiB.",
				(unsigned long long)s->memory_size, (unsigned long long)s->address,
				(unsigned long long)(b->ram_end >> 20));
		if (s->address + s->memory_size > im->end)
			im->end = s->address + s->memory_size;
	}
	return 0;
}

static void fill_boot_page(const struct mv_boot *b, struct boot_page *page, uint64_t initrd, uint64_t initrd_size)
{
	struct mv_memmap_entry map[MV_MEMMAP_MAX];
	unsigned count = mv_memmap_build(b->mem, map);

	page->info = (struct start_info){
		.magic = START_INFO_MAGIC,
		.version = 1,
		.cmdline = MV_BOOT_CMDLINE,
		.rsdp = b->rsdp,
		.memmap = MV_BOOT_START_INFO + offsetof(struct boot_page, map),
		.memmap_count = count,
	};
	if (initrd_size) {
		page->info.module_count = 1;
		page->info.modules = MV_BOOT_START_INFO + offsetof(struct boot_page, initrd);
		page->initrd = (struct module){ .address = initrd, .size = initrd_size };
	}
	for (unsigned i = 0; i < count; i++)
		page->map[i] = (struct memmap_entry){ map[i].address, map[i].size, map[i].type, 0 };
}

int mv_boot_pvh(struct mv_boot *b, struct mv_boot_entry *out, struct mv_error **err)
{
	struct boot_page *page = mv_memory_ptr(b->mem, MV_BOOT_START_INFO, sizeof(*page));
	struct image im = { 0 };
	uint64_t initrd, initrd_size;

	if (!page)
		return mv_error_set(err, MV_ERR_INTERNAL, "The guest's memory has no room for the start info.");
	if (read_elf_header(b, &im, err) < 0 || read_segments(b, &im, err) < 0 || find_entry(b, &im, err) < 0 ||
	    check_segments(b, &im, err) < 0)
		return -1;
	if (mv_boot_put_cmdline(b, im.is_linux ? LINUX_CMDLINE_MAX : MV_BOOT_CMDLINE_MAX, err) < 0)
		return -1;
	if (mv_boot_put_initrd(b, im.end, b->ram_end, &initrd, &initrd_size, err) < 0)
		return -1;
	for (unsigned i = 0; i < im.count; i++) {
		const struct segment *s = &im.segments[i];

		/* What is not in the file is zero, as all memory is now. */
		if (s->type == PT_LOAD && s->file_size > 0 &&
		    mv_boot_read(b, mv_memory_ptr(b->mem, s->address, s->file_size), s->offset, s->file_size, err) < 0)
			return -1;
	}
	fill_boot_page(b, page, initrd, initrd_size);
	out->kind = MV_BOOT_PVH;
	out->start = im.entry;
	out->info = MV_BOOT_START_INFO;
	return 0;
}
