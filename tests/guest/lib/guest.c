/* Start, output, checks. */
#include "tests/guest/lib/guest.h"

#define COM1 0x3f8
#define PM_TIMER 0x608
#define PM1_CONTROL 0x604
#define S5 ((5 << 10) | (1 << 13))
#define TICKS_PER_MS 3580

void guest_start(const struct start_info *info) __attribute__((noreturn));

extern u64 pml4[512], pdpt[512];
u64 guest_argument, guest_argument2;
const struct start_info *boot;

void *memset(void *to, int byte, size_t size)
{
	void *end = to;

	__asm__ volatile("rep stosb" : "+D"(end), "+c"(size) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *end = to;

	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(size) : : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *p = a, *q = b;

	for (; size; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

void print(const char *text)
{
	while (*text)
		out8(COM1, (u8)*text++);
}

void print_hex(u64 value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		if (value >> shift || !shift)
			out8(COM1, (u8) "0123456789abcdef"[value >> shift & 15]);
}

void print_number(u64 value)
{
	char digits[21];
	unsigned n = 20;

	digits[n] = 0;
	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	print(digits + n);
}

u8 read_key(void)
{
	while (!(in8(COM1 + 5) & 1))
		pause();
	return in8(COM1);
}

u8 say_and_wait(const char *text)
{
	print(text);
	print("\n");
	return read_key();
}

static void __attribute__((noreturn)) power_off(void)
{
	for (;;) {
		out16(PM1_CONTROL, S5);
		__asm__ volatile("cli\n\thlt");
	}
}

void fail(const char *what)
{
	print("FAIL ");
	print(what);
	print("\n");
	power_off();
}

void check(bool ok, const char *what)
{
	if (!ok)
		fail(what);
}

void check_equal(u64 got, u64 wanted, const char *what)
{
	if (got == wanted)
		return;
	print("FAIL ");
	print(what);
	print(": 0x");
	print_hex(got);
	print(" instead of 0x");
	print_hex(wanted);
	print("\n");
	power_off();
}

void finish(void)
{
	print("done\n");
	power_off();
}

void map_gigabyte(unsigned number)
{
	/* One page of tables a gigabyte, where nothing else is. */
	u64 *directory = (u64 *)(u64)(FREE_MEMORY - 0x100000 + (number & 63) * 0x1000);

	if (pdpt[number])
		return;
	for (unsigned i = 0; i < 512; i++)
		directory[i] = ((u64)number << 30) + ((u64)i << 21) + 0x83;
	pdpt[number] = (u64)directory + 3;
}

u32 pm_timer(void)
{
	return in32(PM_TIMER);
}

void sleep_ms(unsigned ms)
{
	u32 start = pm_timer();

	while (pm_timer() - start < ms * TICKS_PER_MS)
		pause();
}

static bool takes_word(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (memcmp(*text, word, n) || ((*text)[n] && (*text)[n] != ' '))
		return false;
	*text += n;
	return true;
}

static u64 next_number(const char **text)
{
	u64 value = 0;

	while (**text == ' ')
		++*text;
	for (; **text >= '0' && **text <= '9'; ++*text)
		value = value * 10 + (u64)(**text - '0');
	return value;
}

void guest_start(const struct start_info *info)
{
	const char *text = (const char *)info->cmdline;

	boot = info;
	idt_load();
	for (const struct guest_case *c = guest_cases; c->name; c++)
		if (takes_word(&text, c->name)) {
			guest_argument = next_number(&text);
			guest_argument2 = next_number(&text);
			c->run();
			finish();
		}
	print(text);
	fail("no such case");
}
