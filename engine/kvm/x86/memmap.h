/* The memory map that a guest is told: what is RAM and what is not to be touched. Entries are ascending and do not
 * overlap. */
#ifndef MV_KVM_X86_MEMMAP_H
#define MV_KVM_X86_MEMMAP_H

#include <stdint.h>

#include "engine/kvm/vmm/memory.h"

#define MV_CONVENTIONAL_END 0x9fc00ULL
#define MV_EXTENDED_BASE 0x100000ULL
#define MV_MEMMAP_MAX 8

/* Numbered as both e820 and PVH do. */
enum mv_memmap_type { MV_MEMMAP_RAM = 1, MV_MEMMAP_RESERVED = 2 };

struct mv_memmap_entry {
	uint64_t address, size;
	uint32_t type; /* enum mv_memmap_type */
};

/* Returns the number of entries. */
unsigned mv_memmap_build(const struct mv_memory *mem, struct mv_memmap_entry entries[MV_MEMMAP_MAX]);

#endif
