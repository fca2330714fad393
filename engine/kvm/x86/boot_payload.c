/* A bzImage's kernel started without its decompressor: the ELF file that it unpacks itself to is given, and what the
 * decompressor does (arch/x86/boot/compressed: parse_elf, handle_relocations, choose_random_location) is done here:
 * segments go to memory, at a random place and linked to a random address, unless the command line says nokaslr.
 *
 * Behind the ELF file are the places that depend on the address, each a 32-bit number that sign-extended is the virtual
 * address of the place:
 *   0, places of 64 bits, 0, inverse places of 32 bits, 0, places of 32 bits     up to the end of the file
 * Inverse are distances to per-CPU variables, which stay where they are; newer kernels have none, and leave the list
 * out with its 0. */
#include "engine/kvm/x86/boot_internal.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/file.h"

#define MAX_SEGMENTS 64
#define LARGE_PAGE (UINT64_C(2) << 20)
#define VIRTUAL_SPACE (UINT64_C(1) << 30) /* KERNEL_IMAGE_SIZE: what the kernel maps of itself */
#define VIRTUAL_BASE UINT32_C(0x80000000) /* __START_KERNEL_map: where it does, low half */
#define MAX_PLACES (UINT64_C(16) << 20)

enum { PLACES_64, PLACES_INVERSE, PLACES_32, PLACE_KINDS };

struct places {
	const uint8_t *first;
	uint64_t count;
};

struct payload {
	uint64_t file_size;
	Elf64_Ehdr elf;
	Elf64_Phdr segments[MAX_SEGMENTS];
	uint64_t elf_end; /* in the file */
	uint64_t span;    /* of memory, from the preferred address to the end of the last segment */
	uint8_t *table;   /* owned: what is behind the ELF file */
	uint64_t words;
	struct places places[PLACE_KINDS];
};

static bool read_exactly(int fd, void *buf, uint64_t size, uint64_t offset)
{
	return mv_file_read_at(fd, buf, size, offset) == (ssize_t)size;
}

/* The end of [offset, offset + size), or 0 when it is not in the file. */
static uint64_t end_in_file(const struct payload *p, uint64_t offset, uint64_t size)
{
	return offset > p->file_size || size > p->file_size - offset ? 0 : offset + size;
}

static bool reach(uint64_t *end, uint64_t to)
{
	if (to > *end)
		*end = to;
	return to != 0;
}

static bool read_elf(int fd, const struct mv_boot_place *at, struct payload *p)
{
	const Elf64_Ehdr *e = &p->elf;
	bool has_entry = false;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !read_exactly(fd, &p->elf, sizeof(p->elf), 0))
		return false;
	p->file_size = (uint64_t)st.st_size;
	if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_ident[EI_CLASS] != ELFCLASS64 ||
	    e->e_ident[EI_DATA] != ELFDATA2LSB || e->e_machine != EM_X86_64 ||
	    (e->e_type != ET_EXEC && e->e_type != ET_DYN) || e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phnum == 0 ||
	    e->e_phnum > MAX_SEGMENTS || (e->e_shnum && e->e_shentsize != sizeof(Elf64_Shdr)))
		return false;
	if (!reach(&p->elf_end, end_in_file(p, e->e_phoff, e->e_phnum * sizeof(Elf64_Phdr))) ||
	    (e->e_shnum && !reach(&p->elf_end, end_in_file(p, e->e_shoff, e->e_shnum * sizeof(Elf64_Shdr)))) ||
	    !read_exactly(fd, p->segments, e->e_phnum * sizeof(Elf64_Phdr), e->e_phoff))
		return false;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		const Elf64_Phdr *s = &p->segments[i];

		if (s->p_type != PT_LOAD || s->p_memsz == 0)
			continue;
		/* Within what the kernel asks for in the setup header, which is in memory. */
		if (s->p_filesz > s->p_memsz || s->p_paddr < at->preferred || s->p_paddr - at->preferred > at->size ||
		    s->p_memsz > at->size - (s->p_paddr - at->preferred) ||
		    (s->p_filesz && !reach(&p->elf_end, end_in_file(p, s->p_offset, s->p_filesz))))
			return false;
		reach(&p->span, s->p_paddr - at->preferred + s->p_memsz);
		if (e->e_entry >= s->p_paddr && e->e_entry - s->p_paddr < s->p_filesz)
			has_entry = true;
	}
	return has_entry;
}

/* --- places that depend on the address --- */

/* Where in the image the place is; its width is in it too. UINT64_MAX: it is not. */
static uint64_t place_offset(const uint8_t *word, unsigned width, const struct payload *p, uint64_t preferred)
{
	uint64_t address = mv_get_le32(word);

	if (address < VIRTUAL_BASE + preferred)
		return UINT64_MAX;
	address -= VIRTUAL_BASE + preferred;
	return p->span < width || address > p->span - width ? UINT64_MAX : address;
}

static unsigned place_width(int kind)
{
	return kind == PLACES_64 ? 8 : 4;
}

static bool places_valid(const struct payload *p, uint64_t preferred)
{
	for (int kind = 0; kind < PLACE_KINDS; kind++)
		for (uint64_t i = 0; i < p->places[kind].count; i++)
			if (place_offset(p->places[kind].first + i * 4, place_width(kind), p, preferred) == UINT64_MAX)
				return false;
	return true;
}

/* Two or three lists, each after a 0; none at all in a kernel that cannot be linked anew. */
static bool read_places(int fd, const struct mv_boot_place *at, struct payload *p)
{
	uint64_t size = p->file_size - p->elf_end;
	struct places lists[PLACE_KINDS] = { 0 };
	int count = 0;

	if (size == 0)
		return true;
	if (size % 4 || size / 4 > MAX_PLACES)
		return false;
	p->table = malloc(size);
	if (!p->table || !read_exactly(fd, p->table, size, p->elf_end) || mv_get_le32(p->table) != 0)
		return false;
	p->words = size / 4;
	for (uint64_t i = 0; i < p->words; i++) {
		if (mv_get_le32(p->table + i * 4) != 0)
			lists[count - 1].count++;
		else if (count == PLACE_KINDS)
			return false;
		else
			lists[count++].first = p->table + (i + 1) * 4;
	}
	if (count < 2)
		return false;
	p->places[PLACES_64] = lists[0];
	p->places[PLACES_32] = lists[count - 1];
	if (count == PLACE_KINDS)
		p->places[PLACES_INVERSE] = lists[1];
	return places_valid(p, at->preferred);
}

/* All places were found to be in the image, and the table is our own copy. */
static void link_anew(const struct payload *p, uint8_t *image, uint64_t preferred, uint64_t slide)
{
	for (int kind = 0; kind < PLACE_KINDS; kind++) {
		for (uint64_t i = 0; i < p->places[kind].count; i++) {
			unsigned width = place_width(kind);
			uint8_t *place = image + place_offset(p->places[kind].first + i * 4, width, p, preferred);
			uint64_t value = mv_get_le(place, width);

			mv_put_le(place, kind == PLACES_INVERSE ? value - slide : value + slide, width);
		}
	}
}

/* --- where it goes --- */

/* Whether the command line has a word that is, or (prefix) begins with, `word`. */
static bool has_word(const char *cmdline, const char *word, bool prefix)
{
	size_t length = strlen(word);

	for (const char *c = cmdline ? cmdline : ""; *c;) {
		size_t size = strcspn(c, " \t\n");

		if (size >= length && (prefix || size == length) && !memcmp(c, word, length))
			return true;
		c += size + strspn(c + size, " \t\n");
	}
	return false;
}

/* A multiple of the alignment of at most `room`. */
static uint64_t choose(uint64_t random, uint64_t room, uint64_t alignment)
{
	return random % (room / alignment + 1) * alignment;
}

struct choice {
	uint64_t address; /* physical */
	uint64_t slide;   /* virtual */
	bool random;
};

static bool choose_place(const struct mv_boot *b, const struct mv_boot_place *at, const struct payload *p,
			 struct choice *c)
{
	const char *cmdline = b->spec->cmdline;
	uint64_t random[2];

	*c = (struct choice){ .address = at->preferred };
	if (!p->table || !at->movable || has_word(cmdline, "nokaslr", false))
		return true;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return false;
	if (VIRTUAL_SPACE < at->preferred + at->size)
		return false;
	c->random = true;
	c->slide = choose(random[0], VIRTUAL_SPACE - at->preferred - at->size, at->alignment);
	/* Who says which memory is to be used, or wants large pages of it, gets the kernel where it is sure not to be
	 * in the way. */
	if (!has_word(cmdline, "mem=", true) && !has_word(cmdline, "memmap=", true) &&
	    !has_word(cmdline, "hugepages=", true))
		c->address += choose(random[1], at->limit - at->preferred - at->size, at->alignment);
	return true;
}

/* --- loading --- */

/* Memory is zeros already, so that holes need no reading. */
static bool load_segment(int fd, uint8_t *to, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size;

	for (uint64_t at = offset; at < end;) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		uint64_t next = hole < 0 ? end : (uint64_t)hole;

		if (data < 0 && errno == ENXIO)
			return true;
		if (data > 0 && (uint64_t)data > at)
			at = (uint64_t)data;
		if (at >= end)
			return true;
		if (next <= at || next > end)
			next = end;
		if (!read_exactly(fd, to + (at - offset), next - at, at))
			return false;
		at = next;
	}
	return true;
}

static bool load(const struct mv_boot *b, const struct mv_boot_place *at, const struct payload *p,
		 struct mv_boot_loaded *out)
{
	uint8_t *image;
	struct choice c;

	if (!choose_place(b, at, p, &c))
		return false;
	image = mv_memory_ptr(b->mem, c.address, p->span);
	if (!image)
		return false;
	for (unsigned i = 0; i < p->elf.e_phnum; i++) {
		const Elf64_Phdr *s = &p->segments[i];

		if (s->p_type != PT_LOAD || s->p_filesz == 0 || s->p_memsz == 0 ||
		    load_segment(b->spec->payload_fd, image + (s->p_paddr - at->preferred), s->p_offset, s->p_filesz))
			continue;
		memset(image, 0, p->span);
		return false;
	}
	if (c.slide)
		link_anew(p, image, at->preferred, c.slide);
	out->entry = p->elf.e_entry - at->preferred + c.address;
	out->random = c.random;
	return true;
}

bool mv_boot_payload(const struct mv_boot *b, const struct mv_boot_place *at, struct mv_boot_loaded *out)
{
	struct payload p = { 0 };
	bool ok = false;

	if (b->spec->payload_fd < 0)
		return false;
	/* The kernel's page tables are moved in large pages, and its first ones map no more than VIRTUAL_SPACE. */
	if (at->alignment >= LARGE_PAGE && at->alignment <= VIRTUAL_SPACE && !(at->alignment & (at->alignment - 1)) &&
	    at->preferred % LARGE_PAGE == 0 && at->preferred < VIRTUAL_SPACE)
		ok = read_elf(b->spec->payload_fd, at, &p) && read_places(b->spec->payload_fd, at, &p) &&
			load(b, at, &p, out);
	free(p.table);
	return ok;
}
