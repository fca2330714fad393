/* bzImages made by hand for tests: an ELF file, packed. */
#ifndef MV_TESTS_UNIT_KERNEL_FILES_H
#define MV_TESTS_UNIT_KERNEL_FILES_H

#include <stddef.h>
#include <stdint.h>

#include <asm/bootparam.h>

#include "engine/kvm/unpack.h"

#define KERNEL_SETUP_SIZE 2048
#define KERNEL_PAYLOAD_OFFSET 0x2cc /* in the part after the setup code */
#define KERNEL_LOAD 0x1000000
#define KERNEL_INIT_SIZE 0x800000

struct kernel_file {
	uint8_t *data; /* owned */
	size_t size;
	size_t payload; /* offset of the packed data */
	size_t payload_size;
};

/* A valid boot header for a file whose part after the setup code has this size, at data, which has KERNEL_SETUP_SIZE
 * bytes. */
struct setup_header *kernel_header(uint8_t *data, size_t rest);
struct setup_header *kernel_file_header(struct kernel_file *k);

/* Packs an ELF file of the least contents that this project looks at: its magic, then bytes that depend on the seed,
 * and blocks of zeros. *elf: what it unpacks to, owned by the caller; NULL: not wanted. */
void kernel_file_make(struct kernel_file *k, enum mv_payload_format format, size_t elf_size, uint32_t seed,
		      uint8_t **elf);
/* Packs these bytes, whatever they are. */
void kernel_file_pack(struct kernel_file *k, enum mv_payload_format format, const void *bytes, size_t size);
void kernel_file_free(struct kernel_file *k);

/* The whole file. Owned. */
uint8_t *kernel_read_file(int fd, size_t *size);

#endif
