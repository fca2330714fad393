/* Memory of every size: what is there holds what is written, what is not reads all ones; and what was loaded into it.
 */
#include "tests/guest/lib/guest.h"

#define LOW_LIMIT 0xc0000000ULL
#define HIGH_BASE 0x100000000ULL

struct map_entry {
	u64 address, size;
	u32 type, reserved;
};

/* Distinct values first, then all are looked at: no two places are the same one. */
static void check_places(const u64 *places, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		map_gigabyte((unsigned)(places[i] >> 30));
		write64(places[i], places[i] ^ 0x5555);
	}
	for (unsigned i = 0; i < count; i++)
		check_equal(read64(places[i]), places[i] ^ 0x5555, "memory");
}

/* guest_argument: MiB. */
static void size(void)
{
	u64 all = guest_argument << 20, low = all < LOW_LIMIT ? all : LOW_LIMIT, high = all - low;
	u64 places[16];
	unsigned n = 0;

	places[n++] = 0x600000;
	places[n++] = low / 2;
	places[n++] = low - 4096;
	places[n++] = low - 8;
	if (high) {
		places[n++] = HIGH_BASE;
		places[n++] = HIGH_BASE + 4096;
		places[n++] = HIGH_BASE + high / 2;
		places[n++] = HIGH_BASE + high - 8;
	}
	check_places(places, n);
	map_gigabyte((unsigned)(low >> 30));
	check_equal(read64(low), ~0ULL, "what is behind low memory");
	write64(low, 0);
	check_equal(read64(low), ~0ULL, "what is behind low memory, written");
	map_gigabyte((unsigned)((HIGH_BASE + high) >> 30));
	check_equal(read64(HIGH_BASE + high), ~0ULL, "what is behind all memory");
	/* The last bytes are still what they were, over a save too. */
	if (say_and_wait("pending") == 'q')
		for (unsigned i = 0; i < n; i++)
			check_equal(read64(places[i]), places[i] ^ 0x5555, "memory afterwards");
}

/* The map says what is there: all of it but the part below 1 MiB that firmware has, nothing twice, nothing else. */
static void map(void)
{
	const struct map_entry *e = (const struct map_entry *)boot->memmap;
	u64 all = guest_argument << 20, ram = 0, end = 0;

	check_equal(boot->magic, 0x336ec578, "the start info's magic number");
	check(boot->version >= 1, "the start info's version");
	check(boot->memmap_count >= 2, "there is no memory map");
	for (u32 i = 0; i < boot->memmap_count; i++) {
		check(e[i].address >= end, "the memory map is not in order");
		end = e[i].address + e[i].size;
		if (e[i].type == 1)
			ram += e[i].size;
	}
	check(ram <= all && ram + (1 << 20) > all, "the RAM in the memory map");
	check(!memcmp((const void *)boot->rsdp, "RSD PTR ", 8), "the ACPI root pointer");
}

/* The initrd: bytes that count up, its size is the argument. */
static void initrd(void)
{
	const u64 *module = (const u64 *)boot->modules;
	const u8 *bytes;

	check_equal(boot->module_count, 1, "the modules");
	check_equal(module[1], guest_argument, "the initrd's size");
	bytes = (const u8 *)module[0];
	for (u64 i = 0; i < module[1]; i += i + 101 < module[1] ? 101 : 1)
		check_equal(bytes[i], (u8)(i * 7), "a byte of the initrd");
}

/* The command line as long as it may be: all letters arrive. */
static void cmdline(void)
{
	print_number(strlen((const char *)boot->cmdline));
	print("\n");
}

const struct guest_case guest_cases[] = {
	{ "size", size }, { "map", map }, { "initrd", initrd }, { "cmdline", cmdline }, { NULL, NULL },
};
