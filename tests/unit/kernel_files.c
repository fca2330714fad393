#include "tests/unit/kernel_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "engine/base/bytes.h"

struct setup_header *kernel_header(uint8_t *data, size_t rest)
{
	struct setup_header *h = (struct setup_header *)(data + offsetof(struct boot_params, hdr));

	h->setup_sects = KERNEL_SETUP_SIZE / 512 - 1;
	h->syssize = (uint32_t)(rest / 16);
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
	h->pref_address = KERNEL_LOAD;
	h->init_size = KERNEL_INIT_SIZE;
	return h;
}

struct setup_header *kernel_file_header(struct kernel_file *k)
{
	return (struct setup_header *)(k->data + offsetof(struct boot_params, hdr));
}

/* As Linux' Makefiles do: xz with the filter for x86 and a CRC32. */
static size_t pack_xz(const void *bytes, size_t size, uint8_t *to, size_t room)
{
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_X86, NULL },
				  { LZMA_FILTER_LZMA2, &options },
				  { LZMA_VLI_UNKNOWN, NULL } };
	size_t at = 0;

	assert_false(lzma_lzma_preset(&options, 1));
	assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, bytes, size, to, &at, room),
			 LZMA_OK);
	return at;
}

static size_t pack_gzip(const void *bytes, size_t size, uint8_t *to, size_t room)
{
	z_stream z = { .next_in = (Bytef *)bytes, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static size_t pack_zstd(const void *bytes, size_t size, uint8_t *to, size_t room)
{
	size_t n = ZSTD_compress(to, room, bytes, size, 3);

	assert_false(ZSTD_isError(n));
	return n;
}

void kernel_file_pack(struct kernel_file *k, enum mv_payload_format format, const void *bytes, size_t size)
{
	size_t room = size + size / 2 + 4096, rest;

	k->payload = KERNEL_SETUP_SIZE + KERNEL_PAYLOAD_OFFSET;
	k->data = calloc(1, k->payload + room + 64);
	assert_non_null(k->data);
	if (format == MV_PAYLOAD_GZIP) {
		k->payload_size = pack_gzip(bytes, size, k->data + k->payload, room);
	} else {
		k->payload_size = (format == MV_PAYLOAD_XZ ? pack_xz : pack_zstd)(bytes, size, k->data + k->payload,
										  room);
		mv_put_le32(k->data + k->payload + k->payload_size, (uint32_t)size);
		k->payload_size += 4;
	}
	rest = (KERNEL_PAYLOAD_OFFSET + k->payload_size + 1024 + 15) / 16 * 16;
	if (rest > KERNEL_PAYLOAD_OFFSET + room)
		rest = (KERNEL_PAYLOAD_OFFSET + k->payload_size + 15) / 16 * 16;
	k->size = KERNEL_SETUP_SIZE + rest;
	kernel_header(k->data, rest)->payload_offset = KERNEL_PAYLOAD_OFFSET;
	kernel_file_header(k)->payload_length = (uint32_t)k->payload_size;
}

void kernel_file_make(struct kernel_file *k, enum mv_payload_format format, size_t elf_size, uint32_t seed,
		      uint8_t **elf)
{
	uint8_t *bytes = calloc(1, elf_size);

	assert_non_null(bytes);
	for (size_t i = 0; i < elf_size; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = i / 8192 % 3 == 1 ? 0 : (uint8_t)(seed >> 24 & 0x3f);
	}
	memcpy(bytes, "\177ELF", 4);
	kernel_file_pack(k, format, bytes, elf_size);
	if (elf)
		*elf = bytes;
	else
		free(bytes);
}

void kernel_file_free(struct kernel_file *k)
{
	free(k->data);
	k->data = NULL;
}

uint8_t *kernel_read_file(int fd, size_t *size)
{
	struct stat st;
	uint8_t *data;
	size_t at = 0;

	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	assert_non_null(data);
	while (at < *size) {
		ssize_t n = pread(fd, data + at, *size - at, (off_t)at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	return data;
}
