/* The save image: what a save file, a managed save and a snapshot's memory consist of.
 *
 *   0        header (one page): magic, version, where everything is, its CRC32C
 *   4096     description of the guest (text, opaque here)
 *   ...      device sections: name, version, length, CRC32C, body
 *   ...      checksums: a CRC32C for each MiB of memory; 0 and a hole in the file where a MiB is all zeros
 *   memory   page-aligned and sparse, so that a restore maps it; the file ends where it ends
 *
 * The magic says "partial" until all else is written: a file that was cut short is never taken for an image. All
 * numbers are little-endian. */
#ifndef MV_KVM_COMMON_SAVE_IMAGE_H
#define MV_KVM_COMMON_SAVE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define MV_SAVE_VERSION 1
#define MV_SAVE_PAGE 4096
#define MV_SAVE_BLOCK (UINT64_C(1) << 20) /* memory per checksum */

struct mv_save_header {
	uint32_t version;
	uint32_t vcpus;
	uint64_t memory_size;
	uint64_t description_offset, description_size;
	uint64_t sections_offset, sections_size;
	uint64_t checksums_offset, checksums_size;
	uint64_t memory_offset;
	uint32_t description_crc, sections_crc, checksums_crc;
};

struct mv_save_section {
	char name[64];
	uint32_t version;
	const void *body; /* borrowed */
	size_t size;
};

/* Lays out an image: offsets from the sizes that the caller has set. */
void mv_save_header_lay_out(struct mv_save_header *h);
/* complete: the real magic; else the one that says that the file is partial. */
int mv_save_header_write(int fd, const struct mv_save_header *h, bool complete, struct mv_error **err);
/* Reads and checks header, description and the file's size; `name` is for messages. *description (may be NULL) is owned
 * by the caller and NUL-terminated. Errors: MV_ERR_OPERATION_FAILED with what is wrong: not a save image, partial,
 * newer version, truncated, damaged. */
int mv_save_image_read_header(int fd, const char *name, struct mv_save_header *h, char **description,
			      struct mv_error **err);
/* Reads a part of the image whose CRC32C is known; *data owned by the caller. */
int mv_save_part_read(int fd, const char *name, const char *what, uint64_t offset, uint64_t size, uint32_t crc,
		      void **data, struct mv_error **err);
/* Reads all memory and compares it with its checksums. */
int mv_save_memory_verify(int fd, const char *name, const struct mv_save_header *h, struct mv_error **err);

/* The checksum of a block: 0 for zeros, otherwise its CRC32C (1 where that is 0). */
uint32_t mv_save_block_sum(const void *data, size_t len);
bool mv_save_all_zeros(const void *data, size_t len);

/* Appends one section to a growing buffer (*data, *size; owned by the caller). */
int mv_save_section_append(void **data, size_t *size, const struct mv_save_section *section, struct mv_error **err);
/* Finds a section in the sections' bytes; -1 when it is missing, damaged, or its version is newer than `version`. */
int mv_save_section_find(const void *data, size_t size, const char *name, uint32_t version, struct mv_save_section *out,
			 struct mv_error **err);

#endif
