#include "engine/kvm/common/save_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/bytes.h"
#include "engine/base/crc32c.h"
#include "engine/base/file.h"

#define MAX_DESCRIPTION (UINT64_C(1) << 20)
#define MAX_SECTIONS (UINT64_C(64) << 20)
#define MAX_MEMORY (UINT64_C(1) << 46)
#define SECTION_HEADER 80 /* name (64), version (4), length (8), CRC32C (4) */

static const char magic_complete[8] = "MVSAVE\r\n"; /* the line end shows a transfer as text */
static const char magic_partial[8] = "MVPARTIA";

/* The header's fields in the file, after the magic; each eight bytes wide, the CRC32C of all before it last. */
static const struct {
	size_t offset, size;
} fields[] = {
#define FIELD(name)                                                                               \
	{                                                                                         \
		offsetof(struct mv_save_header, name), sizeof(((struct mv_save_header *)0)->name) \
	}
	FIELD(version),          FIELD(vcpus),           FIELD(memory_size),     FIELD(description_offset),
	FIELD(description_size), FIELD(sections_offset), FIELD(sections_size),   FIELD(checksums_offset),
	FIELD(checksums_size),   FIELD(memory_offset),   FIELD(description_crc), FIELD(sections_crc),
	FIELD(checksums_crc),
#undef FIELD
};
#define HEADER_SIZE (sizeof(magic_complete) + MV_ARRAY_SIZE(fields) * 8 + 4)

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

void mv_save_header_lay_out(struct mv_save_header *h)
{
	h->version = MV_SAVE_VERSION;
	h->description_offset = MV_SAVE_PAGE;
	h->sections_offset = h->description_offset + h->description_size;
	h->checksums_offset = h->sections_offset + h->sections_size;
	h->checksums_size = round_up(h->memory_size, MV_SAVE_BLOCK) / MV_SAVE_BLOCK * 4;
	h->memory_offset = round_up(h->checksums_offset + h->checksums_size, MV_SAVE_PAGE);
}

int mv_save_header_write(int fd, const struct mv_save_header *h, bool complete, struct mv_error **err)
{
	uint8_t page[MV_SAVE_PAGE] = { 0 };
	uint8_t *p = page + sizeof(magic_complete);

	memcpy(page, complete ? magic_complete : magic_partial, sizeof(magic_complete));
	for (size_t i = 0; i < MV_ARRAY_SIZE(fields); i++, p += 8)
		memcpy(p, (const uint8_t *)h + fields[i].offset, fields[i].size);
	/* The CRC covers the magic of a complete image, so that both kinds of header differ in nothing else. */
	mv_put_le32(p,
		    mv_crc32c(mv_crc32c(0, magic_complete, sizeof(magic_complete)), page + sizeof(magic_complete),
			      MV_ARRAY_SIZE(fields) * 8));
	return mv_file_write_at(fd, page, sizeof(page), 0, "save image", err);
}

static int damaged(const char *name, const char *what, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_OPERATION_FAILED, "The save image '%s' is damaged: %s.", name, what);
}

static int check_layout(const struct mv_save_header *h, int fd, const char *name, struct mv_error **err)
{
	struct mv_save_header expected = *h;
	struct stat st;

	if (h->description_size > MAX_DESCRIPTION || h->sections_size > MAX_SECTIONS || h->memory_size > MAX_MEMORY ||
	    !h->memory_size || h->memory_size % MV_SAVE_PAGE)
		return damaged(name, "its header has sizes that cannot be", err);
	mv_save_header_lay_out(&expected);
	if (expected.description_offset != h->description_offset || expected.sections_offset != h->sections_offset ||
	    expected.checksums_offset != h->checksums_offset || expected.checksums_size != h->checksums_size ||
	    expected.memory_offset != h->memory_offset)
		return damaged(name, "its parts are not where they should be", err);
	if (fstat(fd, &st) < 0)
		return mv_error_set_errno(err, errno, "Cannot tell the size of the save image '%s'", name);
	if ((uint64_t)st.st_size != h->memory_offset + h->memory_size)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The save image '%s' is %s: it has %lld bytes where %" PRIu64 " belong.", name,
				    (uint64_t)st.st_size < h->memory_offset + h->memory_size ? "truncated" : "too long",
				    (long long)st.st_size, h->memory_offset + h->memory_size);
	return 0;
}

static int parse_header(int fd, const char *name, struct mv_save_header *h, struct mv_error **err)
{
	uint8_t raw[HEADER_SIZE];
	const uint8_t *p = raw + sizeof(magic_complete);
	ssize_t n = pread(fd, raw, sizeof(raw), 0);

	memset(h, 0, sizeof(*h));
	if (n < 0)
		return mv_error_set_errno(err, errno, "Cannot read the save image '%s'", name);
	if (n >= (ssize_t)sizeof(magic_partial) && !memcmp(raw, magic_partial, sizeof(magic_partial)))
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The save image '%s' is partial: its save did not finish.", name);
	if (n < (ssize_t)sizeof(magic_complete) || memcmp(raw, magic_complete, sizeof(magic_complete)))
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "'%s' is not a save image.", name);
	if (n < (ssize_t)sizeof(raw))
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "The save image '%s' is truncated within its header.",
				    name);
	for (size_t i = 0; i < MV_ARRAY_SIZE(fields); i++, p += 8)
		memcpy((uint8_t *)h + fields[i].offset, p, fields[i].size);
	/* The version comes first: what a newer one puts elsewhere is not ours to judge. */
	if (h->version > MV_SAVE_VERSION)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The save image '%s' has version %u; this program reads up to %d.", name,
				    h->version, MV_SAVE_VERSION);
	if (mv_get_le32(p) != mv_crc32c(0, raw, (size_t)(p - raw)) || h->version == 0)
		return damaged(name, "its header's checksum is wrong", err);
	return check_layout(h, fd, name, err);
}

int mv_save_part_read(int fd, const char *name, const char *what, uint64_t offset, uint64_t size, uint32_t crc,
		      void **data, struct mv_error **err)
{
	mv_autofree uint8_t *buffer = malloc(size + 1);
	ssize_t n;

	if (!buffer)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory to read the save image '%s'.", name);
	n = mv_file_read_at(fd, buffer, size, offset);
	if (n < 0)
		return mv_error_set_errno(err, (int)-n, "Cannot read the save image '%s'", name);
	if ((uint64_t)n != size)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "The save image '%s' is truncated.", name);
	if (mv_crc32c(0, buffer, size) != crc)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The save image '%s' is damaged: the checksum of its %s is wrong.", name, what);
	buffer[size] = 0;
	*data = mv_steal(buffer);
	return 0;
}

int mv_save_image_read_header(int fd, const char *name, struct mv_save_header *h, char **description,
			      struct mv_error **err)
{
	mv_autofree void *text = NULL;

	if (parse_header(fd, name, h, err) < 0 ||
	    mv_save_part_read(fd, name, "description", h->description_offset, h->description_size, h->description_crc,
			      &text, err) < 0)
		return -1;
	if (description)
		*description = mv_steal(text);
	return 0;
}

bool mv_save_all_zeros(const void *data, size_t len)
{
	const uint8_t *p = data;

	return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}

uint32_t mv_save_block_sum(const void *data, size_t len)
{
	uint32_t crc;

	if (mv_save_all_zeros(data, len))
		return 0;
	crc = mv_crc32c(0, data, len);
	return crc ? crc : 1;
}

int mv_save_memory_verify(int fd, const char *name, const struct mv_save_header *h, struct mv_error **err)
{
	mv_autofree void *sums = NULL;
	mv_autofree uint8_t *block = malloc(MV_SAVE_BLOCK);

	if (!block)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory to check the save image '%s'.", name);
	if (mv_save_part_read(fd, name, "list of memory checksums", h->checksums_offset, h->checksums_size,
			      h->checksums_crc, &sums, err) < 0)
		return -1;
	for (uint64_t at = 0; at < h->memory_size; at += MV_SAVE_BLOCK) {
		size_t len = h->memory_size - at < MV_SAVE_BLOCK ? h->memory_size - at : MV_SAVE_BLOCK;
		uint32_t expected = mv_get_le32((uint8_t *)sums + at / MV_SAVE_BLOCK * 4);
		ssize_t n = mv_file_read_at(fd, block, len, h->memory_offset + at);

		if (n < 0)
			return mv_error_set_errno(err, (int)-n, "Cannot read the save image '%s'", name);
		if ((size_t)n != len || mv_save_block_sum(block, len) != expected)
			return mv_error_set(err, MV_ERR_OPERATION_FAILED,
					    "The save image '%s' is damaged: the guest's memory from 0x%" PRIx64
					    " on differs from its checksum.",
					    name, at);
	}
	return 0;
}

int mv_save_section_append(void **data, size_t *size, const struct mv_save_section *section, struct mv_error **err)
{
	uint8_t *grown = realloc(*data, *size + SECTION_HEADER + section->size), *p;

	if (!grown)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the state of '%s'.", section->name);
	p = grown + *size;
	memset(p, 0, SECTION_HEADER);
	memcpy(p, section->name, strnlen(section->name, sizeof(section->name) - 1));
	mv_put_le32(p + 64, section->version);
	mv_put_le64(p + 68, section->size);
	mv_put_le32(p + 76, mv_crc32c(0, section->body, section->size));
	if (section->size)
		memcpy(p + SECTION_HEADER, section->body, section->size);
	*data = grown;
	*size += SECTION_HEADER + section->size;
	return 0;
}

int mv_save_section_find(const void *data, size_t size, const char *name, uint32_t version, struct mv_save_section *out,
			 struct mv_error **err)
{
	const uint8_t *p = data;

	while (size >= SECTION_HEADER) {
		uint64_t len = mv_get_le64(p + 68);

		if (len > size - SECTION_HEADER)
			break;
		if (!strncmp((const char *)p, name, 64)) {
			*out = (struct mv_save_section){
				.version = mv_get_le32(p + 64),
				.body = p + SECTION_HEADER,
				.size = len,
			};
			snprintf(out->name, sizeof(out->name), "%s", name);
			if (mv_crc32c(0, out->body, len) != mv_get_le32(p + 76))
				return mv_error_set(err, MV_ERR_OPERATION_FAILED,
						    "The saved state of '%s' is damaged: its checksum is wrong.", name);
			if (!out->version || out->version > version)
				return mv_error_set(
					err, MV_ERR_OPERATION_FAILED,
					"The saved state of '%s' has version %u; this program reads 1 to %u.", name,
					out->version, version);
			return 0;
		}
		p += SECTION_HEADER + len;
		size -= SECTION_HEADER + len;
	}
	return mv_error_set(err, MV_ERR_OPERATION_FAILED, "The saved state of '%s' is missing.", name);
}
