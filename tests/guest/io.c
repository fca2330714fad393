/* Port and memory I/O of every width and form, met and missed. */
#include "tests/guest/lib/guest.h"

#define ADDRESS 0xcf8
#define DATA 0xcfc
#define ABSENT_PORT 0x5000
#define ABSENT 0xd0000000ULL /* in the PCI window, and nothing there */
#define ECAM 0xe0000000ULL

static u32 host_id;

static void out_string8(u16 port, const void *from, size_t count)
{
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

static void in_string8(u16 port, void *to, size_t count)
{
	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void in_string16(u16 port, void *to, size_t count)
{
	__asm__ volatile("rep insw" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void in_string32(u16 port, void *to, size_t count)
{
	__asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

/* The host bridge's ids through ports of every width, at every place. */
static void ports(void)
{
	out32(ADDRESS, 0x80000000);
	check_equal(in32(ADDRESS), 0x80000000, "the address register");
	host_id = in32(DATA);
	check(host_id != 0 && host_id != 0xffffffff, "there is no host bridge");
	for (unsigned i = 0; i < 4; i++)
		check_equal(in8((u16)(DATA + i)), host_id >> 8 * i & 0xff, "a byte");
	check_equal(in16(DATA), host_id & 0xffff, "a word");
	check_equal(in16(DATA + 1), host_id >> 8 & 0xffff, "an unaligned word");
	check_equal(in16(DATA + 2), host_id >> 16, "the upper word");
	/* What sticks out of the register meets nothing. */
	check_equal(in16(DATA + 3), 0xffff, "a word that sticks out");
	check_equal(in32(DATA + 2), 0xffffffff, "a double word that sticks out");
	/* The address register knows whole double words only. */
	out8(ADDRESS, 0x12);
	out16(ADDRESS, 0x1234);
	check_equal(in32(ADDRESS), 0x80000000, "the address register after narrow writes");
	check_equal(in8(ADDRESS), 0xff, "a byte of the address register");
	out32(ADDRESS, 0);
	check_equal(in32(DATA), 0xffffffff, "the data port while it is off");
	/* Writes: the interrupt line register keeps any byte. */
	out32(ADDRESS, 0x8000083c);
	check(in32(DATA) != 0xffffffff, "there is no device in slot 1");
	for (unsigned value = 0; value < 256; value += 51) {
		out8(DATA, (u8)value);
		check_equal(in8(DATA), value, "a byte written");
		out16(DATA, (u16)(value ^ 0xff));
		check_equal(in8(DATA), value ^ 0xff, "a word written");
		out32(DATA, value);
		check_equal(in32(DATA) & 0xff, value, "a double word written");
	}
}

static void absent_ports(void)
{
	static const u16 places[] = { 0x80, 0x2f8, 0x3f0, 0x1f7, 0x170, 0xcf4, 0xd00, ABSENT_PORT, 0xfffc };

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		check_equal(in8(places[i]), 0xff, "an absent byte");
		check_equal(in16(places[i]), 0xffff, "an absent word");
		check_equal(in32(places[i]), 0xffffffff, "an absent double word");
		out8(places[i], 0);
		out16(places[i], 0);
		out32(places[i], 0);
	}
	/* The last port: an access that runs over the end of the port space. */
	check_equal(in8(0xffff), 0xff, "the last port");
	check_equal(in16(0xffff), 0xffff, "a word at the last port");
	check_equal(in32(0xfffe), 0xffffffff, "a double word at the end");
}

/* String forms, in one exit and in many. */
static void strings(void)
{
	static u8 bytes[5000];
	static u32 words[64];
	static const char text[] = "written as a string\n";

	out_string8(0x3f8, text, sizeof(text) - 1);
	out32(ADDRESS, 0x80000000);
	host_id = in32(DATA);
	in_string8(DATA, bytes, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i += 97)
		check_equal(bytes[i], host_id & 0xff, "a byte of a string");
	check_equal(bytes[sizeof(bytes) - 1], host_id & 0xff, "the last byte of a string");
	in_string16(DATA, bytes, 100);
	check_equal(bytes[199] << 8 | bytes[198], host_id & 0xffff, "the last word of a string");
	in_string32(DATA, words, 64);
	check_equal(words[0], host_id, "the first double word of a string");
	check_equal(words[63], host_id, "the last double word of a string");
	in_string32(ABSENT_PORT, words, 64);
	check_equal(words[63], 0xffffffff, "a string from an absent port");
	/* Backwards, as the direction flag says. */
	memset(bytes, 0, 16);
	__asm__ volatile("std\n\trep insb\n\tcld" : : "D"(bytes + 7), "c"(8), "d"(DATA) : "memory");
	check_equal(bytes[0], host_id & 0xff, "a byte of a string that runs backwards");
	check_equal(bytes[8], 0, "a byte behind a string that runs backwards");
	memset(bytes, 'x', sizeof(bytes));
	bytes[4096] = '\n';
	out_string8(0x3f8, bytes, 4097);
}

/* The host bridge's configuration space by every width at every place. */
static void memory(void)
{
	u8 bytes[64];

	for (unsigned i = 0; i < 64; i++)
		bytes[i] = read8(ECAM + i);
	for (unsigned i = 0; i + 8 <= 64; i++) {
		u64 wanted = 0;

		for (unsigned k = 8; k-- > 0;)
			wanted = wanted << 8 | bytes[i + k];
		check_equal(read16(ECAM + i), wanted & 0xffff, "a word");
		check_equal(read32(ECAM + i), wanted & 0xffffffff, "a double word");
		check_equal(read64(ECAM + i), wanted, "a quad word");
	}
	/* Slot 1's interrupt line by every width. */
	for (unsigned value = 1; value < 256; value += 60) {
		write8(ECAM + 0x803c, (u8)value);
		check_equal(read8(ECAM + 0x803c), value, "a byte written");
		write16(ECAM + 0x803c, (u16)(value + 1));
		check_equal(read8(ECAM + 0x803c), value + 1, "a word written");
		write32(ECAM + 0x803c, value + 2);
		check_equal(read8(ECAM + 0x803c), value + 2, "a double word written");
		write64(ECAM + 0x8038, (u64)(value + 3) << 32);
		check_equal(read8(ECAM + 0x803c), value + 3, "a quad word written");
		write32(ECAM + 0x8039, (value + 4) << 24);
		check_equal(read8(ECAM + 0x803c), (value + 4) & 0xff, "an unaligned double word written");
	}
}

static void absent_memory(void)
{
	static const u64 places[] = { ABSENT,     ABSENT + 0xffc, 0xe0100000, 0xf0000000,
				      0xfebffff8, 0xfed00000,     0xfee01000, 0x2000000 };

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		check_equal(read8(places[i]), 0xff, "an absent byte");
		check_equal(read16(places[i] + 1), 0xffff, "an absent word");
		check_equal(read32(places[i] + 3), 0xffffffff, "an absent double word");
		check_equal(read64(places[i]), ~0ULL, "an absent quad word");
		write8(places[i], 1);
		write16(places[i] + 1, 1);
		write32(places[i] + 3, 1);
		write64(places[i], 1);
	}
	/* A slot without a device. */
	check_equal(read32(ECAM + (30 << 15)), 0xffffffff, "an empty slot");
	check_equal(read32(ECAM + (1 << 12)), 0xffffffff, "a second function");
}

/* From the end of RAM into nothing, from ECAM's end into nothing, over a page's border in both. */
static void crossing(void)
{
	u64 end = 16 << 20;

	write32(end - 4, 0x11223344);
	check_equal(read32(end - 4), 0x11223344, "the last bytes of RAM");
	check_equal(read64(end - 4), 0xffffffff11223344, "half RAM, half nothing");
	write64(end - 4, 0x5566778899aabbcc);
	check_equal(read32(end - 4), 0x99aabbcc, "what of it fell into RAM");
	check_equal(read16(end - 1) & 0xff, 0x99, "a byte of RAM, a byte of nothing");
	check_equal(read64(0xe00ffffc) >> 32, 0xffffffff, "half ECAM, half nothing");
	check_equal(read32(ECAM + 0xffe) & 0xffff, 0, "the end of a function's space, and the next function's start");
	check_equal(read64(ABSENT + 0xffc), ~0ULL, "over a page's border");
}

/* String instructions between memory and devices; and one that reads and writes a device in one go. */
static void memory_strings(void)
{
	static u32 words[64], again[64];
	void *to = words;
	u64 from = ECAM, count = 64;

	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	for (unsigned i = 0; i < 64; i++)
		check_equal(words[i], read32(ECAM + 4 * i), "a double word of a string");
	to = again;
	from = ECAM;
	count = 256;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	check(!memcmp(words, again, sizeof(words)), "bytes and double words differ");
	/* Into a device's register, over and over: the last one stays. */
	from = (u64)words;
	write8(ECAM + 0x803c, 0);
	for (unsigned i = 0; i < 64; i++)
		words[i] = i;
	u64 device = ECAM + 0x803c;

	for (unsigned i = 0; i < 8; i++) {
		__asm__ volatile("movsb" : "+D"(device), "+S"(from) : : "memory");
		device = ECAM + 0x803c;
		from += 3;
	}
	check_equal(read8(ECAM + 0x803c), 7, "a register written by a string");
	__asm__ volatile("orb %1, (%0)" : : "r"(ECAM + 0x803c), "q"((u8)0xa0) : "memory");
	check_equal(read8(ECAM + 0x803c), 0xa7, "a register read and written in one instruction");
	u8 old = 0x55;

	__asm__ volatile("xchgb %1, (%0)" : : "r"(ECAM + 0x803c), "q"(old) : "memory");
	check_equal(read8(ECAM + 0x803c), 0x55, "a register exchanged");
}

/* Where no table maps. */
static volatile u64 faulted;

static void on_page_fault(struct frame *f)
{
	__asm__ volatile("mov %%cr2, %0" : "=r"(faulted));
	f->rip = f->rbx;
}

static void page_fault(void)
{
	exception_handlers[14] = on_page_fault;
	__asm__ volatile("lea 1f(%%rip), %%rbx\n\tmovl (%0), %%eax\n1:"
			 :
			 : "r"(0x80001234ULL)
			 : "rbx", "rax", "memory");
	check_equal(faulted, 0x80001234, "the address of a page fault");
}

/* ---- what the processor refuses, and what leaves the guest without being I/O ---- */

static volatile u32 refused[32];

static void on_refusal(struct frame *f)
{
	refused[f->vector]++;
	f->rip = f->rbx;
	f->rax = ~0ULL;
}

/* One instruction; rbx is where to go on when it is refused. */
#define TRY(instruction, ...) \
	__asm__ volatile("lea 1f(%%rip), %%rbx\n\t" instruction "\n1:" : : __VA_ARGS__ : "rbx", "memory", "cc")

static void exceptions(void)
{
	exception_handlers[0] = exception_handlers[6] = exception_handlers[13] = on_refusal;
	TRY("ud2", "a"(0));
	check_equal(refused[6], 1, "invalid opcodes");
	TRY("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tdiv %%ecx", "a"(1), "c"(0), "d"(0));
	check_equal(refused[0], 1, "divisions by zero");
	TRY("rdmsr", "c"(0x12345678), "a"(0), "d"(0));
	check_equal(refused[13], 1, "MSRs that are not there, read");
	TRY("wrmsr", "c"(0x12345678), "a"(0), "d"(0));
	check_equal(refused[13], 2, "MSRs that are not there, written");
	TRY("mov %%rax, %%cr0", "a"(0x80000000)); /* paging without protection */
	check_equal(refused[13], 3, "control registers that cannot be");
	/* CPUID beyond its end is still an answer. */
	(void)cpuid(0x7fffffff, 0);
	(void)cpuid(0xffffffff, 0xffffffff);
	__asm__ volatile("wbinvd" : : : "memory");
	__asm__ volatile("invlpg (%0)" : : "r"(0x1000ULL) : "memory");
}

const struct guest_case guest_cases[] = {
	{ "ports", ports },
	{ "absent_ports", absent_ports },
	{ "strings", strings },
	{ "memory", memory },
	{ "absent_memory", absent_memory },
	{ "crossing", crossing },
	{ "memory_strings", memory_strings },
	{ "page_fault", page_fault },
	{ "exceptions", exceptions },
	{ NULL, NULL },
};
