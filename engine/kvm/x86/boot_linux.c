/* Linux' 64-bit boot protocol. The file is: boot sector and setup code in real mode, which we do not run, and then the
 * protected-mode kernel, whose 64-bit entry is 0x200 bytes into it. */
#include "engine/kvm/x86/boot_internal.h"

#include <asm/bootparam.h>
#include <string.h>

#include "engine/kvm/x86/memmap.h"

#define SECTOR 512
#define ENTRY64 0x200
#define OLDEST_PROTOCOL 0x020c /* 2.12 has xloadflags, that is, a 64-bit entry (Linux 3.8) */
#define LOADER_UNKNOWN 0xff
#define VIDEO_NORMAL 0xffff
#define GIB (1ULL << 30)
#define HEADER_OFFSET offsetof(struct boot_params, hdr)

#define PAGE_PRESENT 0x1ULL
#define PAGE_WRITABLE 0x2ULL
#define PAGE_LARGE 0x80ULL

struct kernel {
	struct setup_header header;
	uint64_t payload; /* offset of the protected-mode part in the file */
	uint64_t payload_size;
	uint64_t load; /* where it goes */
	uint64_t end;  /* of the memory that the kernel needs before it looks at the memory map */
};

/* The header says itself how long it is: its last byte is where the jump at its begin goes. */
static void read_header(const struct mv_boot *b, struct setup_header *h)
{
	size_t size = 0x202 + b->head[0x201] - HEADER_OFFSET;

	memset(h, 0, sizeof(*h));
	memcpy(h, b->head + HEADER_OFFSET, size < sizeof(*h) ? size : sizeof(*h));
}

static int check_header(const struct mv_boot *b, const struct setup_header *h, struct mv_error **err)
{
	if (b->head_size < HEADER_OFFSET + sizeof(*h))
		return mv_boot_refuse(b, err,
				      "is truncated: a bzImage's boot header alone has %zu bytes, the file %llu.",
				      HEADER_OFFSET + sizeof(*h), (unsigned long long)b->file_size);
	if (!(h->loadflags & LOADED_HIGH))
		return mv_boot_refuse(b, err, "is a 16-bit zImage; a bzImage for 64 bits is needed.");
	if (h->version < OLDEST_PROTOCOL)
		return mv_boot_refuse(b, err, "has boot protocol %u.%02u; at least 2.12 (Linux 3.8) is needed.",
				      h->version >> 8, h->version & 0xff);
	if (!(h->xloadflags & XLF_KERNEL_64))
		return mv_boot_refuse(b, err, "is a 32-bit kernel: it has no 64-bit entry (XLF_KERNEL_64).");
	return 0;
}

static int place(const struct mv_boot *b, struct kernel *k, struct mv_error **err)
{
	const struct setup_header *h = &k->header;
	uint64_t needed;

	/* 0 means 4, for kernels of long ago. */
	k->payload = ((h->setup_sects ? h->setup_sects : 4) + 1ULL) * SECTOR;
	k->payload_size = h->syssize * 16ULL;
	if (k->payload > b->file_size || k->payload_size > b->file_size - k->payload)
		return mv_boot_refuse(
			b, err,
			"is truncated: its header announces %llu bytes (%llu of setup and %llu of kernel), the "
			"file has %llu.",
			(unsigned long long)(k->payload + k->payload_size), (unsigned long long)k->payload,
			(unsigned long long)k->payload_size, (unsigned long long)b->file_size);
	if (k->payload_size < ENTRY64 + 1)
		return mv_boot_refuse(b, err, "has no kernel in it: the part after the setup code has %llu bytes.",
				      (unsigned long long)k->payload_size);
	/* A kernel that may run elsewhere still unpacks itself to its preferred address or above. */
	k->load = h->pref_address;
	if (k->load < MV_BOOT_LOAD_BASE || k->load >= (1ULL << 32))
		return mv_boot_refuse(b, err, "wants to be at address %#llx, which is not between 1 MiB and 4 GiB.",
				      (unsigned long long)k->load);
	needed = k->payload_size > h->init_size ? k->payload_size : h->init_size;
	k->end = k->load + needed;
	if (k->end > b->ram_end)
		return mv_boot_refuse(
			b, err, "is too large: it needs memory up to %llu MiB, and the guest has %llu MiB below 4 GiB.",
			(unsigned long long)((k->end + 0xfffff) >> 20), (unsigned long long)(b->ram_end >> 20));
	return 0;
}

static void fill_zero_page(const struct mv_boot *b, const struct kernel *k, struct boot_params *zero, uint64_t initrd,
			   uint64_t initrd_size)
{
	struct mv_memmap_entry map[MV_MEMMAP_MAX];

	zero->hdr = k->header;
	zero->hdr.type_of_loader = LOADER_UNKNOWN;
	zero->hdr.vid_mode = VIDEO_NORMAL;
	zero->hdr.cmd_line_ptr = (uint32_t)MV_BOOT_CMDLINE;
	zero->hdr.ramdisk_image = (uint32_t)initrd;
	zero->hdr.ramdisk_size = (uint32_t)initrd_size;
	zero->hdr.setup_data = 0;
	zero->acpi_rsdp_addr = b->rsdp;
	zero->e820_entries = (uint8_t)mv_memmap_build(b->mem, map);
	for (unsigned i = 0; i < zero->e820_entries; i++)
		zero->e820_table[i] = (struct boot_e820_entry){ map[i].address, map[i].size, map[i].type };
}

/* Identity mapping of all that is loaded, in pages of 2 MiB. */
static int write_page_tables(const struct mv_boot *b, struct mv_error **err)
{
	uint64_t gibs = (b->ram_end + GIB - 1) / GIB;
	uint64_t *table = mv_memory_ptr(b->mem, MV_BOOT_PAGE_TABLES, (2 + gibs) * 4096);

	if (!table)
		return mv_error_set(err, MV_ERR_INTERNAL, "The guest's memory has no room for the page tables.");
	table[0] = (MV_BOOT_PAGE_TABLES + 4096) | PAGE_PRESENT | PAGE_WRITABLE;
	for (uint64_t i = 0; i < gibs; i++)
		table[512 + i] = (MV_BOOT_PAGE_TABLES + (2 + i) * 4096) | PAGE_PRESENT | PAGE_WRITABLE;
	for (uint64_t i = 0; i < gibs * 512; i++)
		table[1024 + i] = i << 21 | PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE;
	return 0;
}

/* The selectors that the protocol asks for: 0x10 for code and 0x18 for data, flat. */
static int write_gdt(const struct mv_boot *b, struct mv_boot_entry *out, struct mv_error **err)
{
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffffULL, 0x00cf93000000ffffULL };

	out->gdt = MV_BOOT_GDT;
	out->gdt_limit = sizeof(gdt) - 1;
	if (mv_memory_write(b->mem, MV_BOOT_GDT, gdt, sizeof(gdt)) < 0)
		return mv_error_set(err, MV_ERR_INTERNAL, "The guest's memory has no room for descriptors.");
	return 0;
}

/* Unpacked, or else such that it unpacks itself. Between the kernel and `limit` is only RAM. */
static int load(const struct mv_boot *b, struct kernel *k, uint64_t limit, uint64_t *start, struct mv_error **err)
{
	const struct mv_boot_place at = {
		.preferred = k->load,
		.size = k->end - k->load,
		.limit = limit,
		.alignment = k->header.kernel_alignment,
		.movable = k->header.relocatable_kernel,
	};
	struct mv_boot_loaded loaded;

	k->header.loadflags &= (uint8_t)~KASLR_FLAG; /* the decompressor's to set */
	if (mv_boot_payload(b, &at, &loaded)) {
		*start = loaded.entry;
		if (loaded.random)
			k->header.loadflags |= KASLR_FLAG;
		return 0;
	}
	*start = k->load + ENTRY64;
	return mv_boot_read(b, mv_memory_ptr(b->mem, k->load, k->payload_size), k->payload, k->payload_size, err);
}

int mv_boot_linux(struct mv_boot *b, struct mv_boot_entry *out, struct mv_error **err)
{
	struct boot_params *zero = mv_memory_ptr(b->mem, MV_BOOT_ZERO_PAGE, sizeof(*zero));
	struct kernel k = { 0 };
	uint64_t initrd, initrd_size;

	if (!zero)
		return mv_error_set(err, MV_ERR_INTERNAL, "The guest's memory has no room for the zero page.");
	read_header(b, &k.header);
	if (check_header(b, &k.header, err) < 0 || place(b, &k, err) < 0)
		return -1;
	if (mv_boot_put_cmdline(b, k.header.cmdline_size, err) < 0)
		return -1;
	if (mv_boot_put_initrd(b, k.end, k.header.initrd_addr_max + 1ULL, &initrd, &initrd_size, err) < 0)
		return -1;
	if (load(b, &k, initrd ? initrd : b->ram_end, &out->start, err) < 0)
		return -1;
	fill_zero_page(b, &k, zero, initrd, initrd_size);
	if (write_page_tables(b, err) < 0 || write_gdt(b, out, err) < 0)
		return -1;
	out->kind = MV_BOOT_LINUX64;
	out->info = MV_BOOT_ZERO_PAGE;
	out->page_table = MV_BOOT_PAGE_TABLES;
	return 0;
}
