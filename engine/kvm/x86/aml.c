#include "engine/kvm/x86/aml.h"

#include <string.h>

#include "engine/base/bytes.h"

enum {
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_STRING = 0x0d,
	AML_QWORD = 0x0e,
	AML_SCOPE = 0x10,
	AML_BUFFER = 0x11,
	AML_PACKAGE = 0x12,
	AML_EXTENDED = 0x5b,
	AML_EXTENDED_DEVICE = 0x82,
};

/* Resource descriptors (section 6.4). */
enum {
	RESOURCE_IRQ = 0x22,
	RESOURCE_IO = 0x47,
	RESOURCE_END = 0x79,
	RESOURCE_MEMORY32_FIXED = 0x86,
	RESOURCE_DWORD_SPACE = 0x87,
	RESOURCE_WORD_SPACE = 0x88,
};
enum { SPACE_MEMORY = 0, SPACE_IO = 1, SPACE_BUS = 2 };

#define SPACE_FIXED 0x0c /* both limits are fixed; a window for what is behind, decoded positively */
#define MEMORY_WRITABLE 0x01
#define IO_ENTIRE_RANGE 0x03
#define IO_DECODE16 0x01

static void insert(struct mv_aml *a, size_t at, const void *bytes, size_t count)
{
	if (a->full || count > a->capacity - a->size) {
		a->full = true;
		return;
	}
	memmove(a->data + at + count, a->data + at, a->size - at);
	memcpy(a->data + at, bytes, count);
	a->size += count;
}

static void put(struct mv_aml *a, const void *bytes, size_t count)
{
	insert(a, a->size, bytes, count);
}

static void put8(struct mv_aml *a, uint8_t value)
{
	put(a, &value, 1);
}

/* PkgLength (20.2.4) counts itself. */
static size_t encode_length(uint8_t out[4], size_t content)
{
	size_t extra = content + 1 < 0x40 ? 0 : content + 2 < 0x1000 ? 1 : content + 3 < 0x100000 ? 2 : 3;
	size_t length = content + 1 + extra;

	if (!extra) {
		out[0] = (uint8_t)length;
		return 1;
	}
	out[0] = (uint8_t)(extra << 6 | (length & 0xf));
	for (size_t i = 0; i < extra; i++)
		out[1 + i] = (uint8_t)(length >> (4 + 8 * i));
	return 1 + extra;
}

static size_t encode_integer(uint8_t out[9], uint64_t value)
{
	static const struct {
		uint8_t prefix, bytes;
	} sizes[] = { { AML_BYTE, 1 }, { AML_WORD, 2 }, { AML_DWORD, 4 }, { AML_QWORD, 8 } };
	unsigned size = 0;

	if (value <= 1) { /* ZeroOp and OneOp */
		out[0] = (uint8_t)value;
		return 1;
	}
	while (size < 3 && value >> (8 * sizes[size].bytes))
		size++;
	out[0] = sizes[size].prefix;
	mv_put_le(out + 1, value, sizes[size].bytes);
	return 1 + sizes[size].bytes;
}

size_t mv_aml_open_scope(struct mv_aml *a, const char *name)
{
	put8(a, AML_SCOPE);
	put(a, name, 4);
	return a->size - 4;
}

size_t mv_aml_open_device(struct mv_aml *a, const char *name)
{
	put8(a, AML_EXTENDED);
	put8(a, AML_EXTENDED_DEVICE);
	put(a, name, 4);
	return a->size - 4;
}

size_t mv_aml_open_package(struct mv_aml *a, uint8_t elements)
{
	put8(a, AML_PACKAGE);
	put8(a, elements);
	return a->size - 1;
}

void mv_aml_close(struct mv_aml *a, size_t opened)
{
	uint8_t length[4];
	size_t count = encode_length(length, a->size - opened);

	insert(a, opened, length, count);
}

void mv_aml_name(struct mv_aml *a, const char *name)
{
	put8(a, AML_NAME);
	put(a, name, 4);
}

void mv_aml_integer(struct mv_aml *a, uint64_t value)
{
	uint8_t bytes[9];
	size_t count = encode_integer(bytes, value);

	put(a, bytes, count);
}

void mv_aml_string(struct mv_aml *a, const char *text)
{
	put8(a, AML_STRING);
	put(a, text, strlen(text) + 1);
}

static uint32_t hex_digit(char c)
{
	return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void mv_aml_eisa_id(struct mv_aml *a, const char *id)
{
	uint32_t value = 0;
	uint8_t bytes[5] = { AML_DWORD };

	for (int i = 0; i < 3; i++)
		value = value << 5 | (uint32_t)(id[i] - 'A' + 1);
	for (int i = 3; i < 7; i++)
		value = value << 4 | hex_digit(id[i]);
	/* The only big-endian number in ACPI. */
	mv_put_le32(bytes + 1, __builtin_bswap32(value));
	put(a, bytes, sizeof(bytes));
}

void mv_aml_name_integer(struct mv_aml *a, const char *name, uint64_t value)
{
	mv_aml_name(a, name);
	mv_aml_integer(a, value);
}

void mv_aml_name_string(struct mv_aml *a, const char *name, const char *text)
{
	mv_aml_name(a, name);
	mv_aml_string(a, text);
}

void mv_aml_name_eisa_id(struct mv_aml *a, const char *name, const char *id)
{
	mv_aml_name(a, name);
	mv_aml_eisa_id(a, id);
}

size_t mv_aml_open_resources(struct mv_aml *a)
{
	mv_aml_name(a, "_CRS");
	put8(a, AML_BUFFER);
	return a->size;
}

void mv_aml_close_resources(struct mv_aml *a, size_t opened)
{
	/* The end tag's checksum 0 means "not used". */
	static const uint8_t end[] = { RESOURCE_END, 0 };
	uint8_t size[9];
	size_t count;

	put(a, end, sizeof(end));
	count = encode_integer(size, a->size - opened);
	insert(a, opened, size, count);
	mv_aml_close(a, opened);
}

void mv_aml_io(struct mv_aml *a, uint16_t base, uint8_t length)
{
	uint8_t d[8] = { RESOURCE_IO, IO_DECODE16 };

	mv_put_le16(d + 2, base);
	mv_put_le16(d + 4, base);
	d[6] = 1; /* alignment */
	d[7] = length;
	put(a, d, sizeof(d));
}

void mv_aml_irq(struct mv_aml *a, unsigned irq)
{
	uint8_t d[3] = { RESOURCE_IRQ };

	mv_put_le16(d + 1, (uint16_t)(1u << irq));
	put(a, d, sizeof(d));
}

void mv_aml_memory(struct mv_aml *a, uint32_t base, uint32_t length)
{
	uint8_t d[12] = { RESOURCE_MEMORY32_FIXED, 9, 0, MEMORY_WRITABLE };

	mv_put_le32(d + 4, base);
	mv_put_le32(d + 8, length);
	put(a, d, sizeof(d));
}

/* An address space descriptor with `width` bytes per number: granularity, limits, translation, length. */
static void put_window(struct mv_aml *a, uint8_t tag, unsigned width, uint8_t type, uint8_t flags, uint64_t first,
		       uint64_t last)
{
	uint8_t d[6 + 5 * 4] = { tag };

	mv_put_le16(d + 1, (uint16_t)(3 + 5 * width));
	d[3] = type;
	d[4] = SPACE_FIXED;
	d[5] = flags;
	mv_put_le(d + 6 + width, first, width);
	mv_put_le(d + 6 + 2 * width, last, width);
	mv_put_le(d + 6 + 4 * width, last - first + 1, width);
	put(a, d, 6 + 5 * width);
}

void mv_aml_bus_window(struct mv_aml *a, uint16_t first, uint16_t last)
{
	put_window(a, RESOURCE_WORD_SPACE, 2, SPACE_BUS, 0, first, last);
}

void mv_aml_io_window(struct mv_aml *a, uint16_t first, uint16_t last)
{
	put_window(a, RESOURCE_WORD_SPACE, 2, SPACE_IO, IO_ENTIRE_RANGE, first, last);
}

void mv_aml_memory_window(struct mv_aml *a, uint32_t first, uint32_t last)
{
	put_window(a, RESOURCE_DWORD_SPACE, 4, SPACE_MEMORY, MEMORY_WRITABLE, first, last);
}
