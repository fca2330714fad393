#include "engine/kvm/x86/memmap.h"

#include "engine/kvm/common/layout.h"

unsigned mv_memmap_build(const struct mv_memory *mem, struct mv_memmap_entry entries[MV_MEMMAP_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < mem->region_count; i++) {
		const struct mv_memory_region *r = &mem->regions[i];

		if (r->gpa == 0) {
			/* Between the two lies what a PC has there: extended BIOS data, video memory, BIOS (our ACPI
			 * tables). */
			entries[n++] = (struct mv_memmap_entry){ 0, MV_CONVENTIONAL_END, MV_MEMMAP_RAM };
			entries[n++] = (struct mv_memmap_entry){ MV_CONVENTIONAL_END, 0xa0000 - MV_CONVENTIONAL_END,
								 MV_MEMMAP_RESERVED };
			entries[n++] = (struct mv_memmap_entry){ MV_ACPI_RSDP, MV_ACPI_TABLES_END - MV_ACPI_RSDP,
								 MV_MEMMAP_RESERVED };
			entries[n++] = (struct mv_memmap_entry){ MV_EXTENDED_BASE, r->size - MV_EXTENDED_BASE,
								 MV_MEMMAP_RAM };
			entries[n++] = (struct mv_memmap_entry){ MV_ECAM_BASE, MV_ECAM_SIZE, MV_MEMMAP_RESERVED };
			entries[n++] = (struct mv_memmap_entry){ MV_KVM_IDENTITY_MAP, 4 * 4096ULL, MV_MEMMAP_RESERVED };
		} else {
			entries[n++] = (struct mv_memmap_entry){ r->gpa, r->size, MV_MEMMAP_RAM };
		}
	}
	return n;
}
