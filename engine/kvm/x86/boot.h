/* Puts a kernel into guest memory, ready to start: bzImage by Linux' 64-bit boot protocol
 * (Documentation/arch/x86/boot.rst), ELF by the PVH protocol (Xen's docs/misc/pvh.pandoc). The ACPI tables and the
 * memory map are written too. */
#ifndef MV_KVM_X86_BOOT_H
#define MV_KVM_X86_BOOT_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/vmm/memory.h"

enum mv_boot_kind {
	MV_BOOT_LINUX64, /* long mode, identity mapped, RSI = address of the zero page */
	MV_BOOT_PVH,     /* 32-bit protected mode without paging, EBX = address of the start info */
};

/* How the boot vCPU starts; for mv_regs_start(). Addresses are physical. */
struct mv_boot_entry {
	enum mv_boot_kind kind;
	uint64_t start;      /* first instruction */
	uint64_t info;       /* zero page or PVH start info */
	uint64_t page_table; /* LINUX64 only: the top-level table */
	uint64_t gdt;        /* where the boot GDT is */
	uint16_t gdt_limit;
};

/* Loads spec->kernel_fd, spec->initrd_fd and spec->cmdline into memory that is all zeros. Called at each start of the
 * guest; reads with pread, so that the descriptors' positions do not matter. Nothing outside guest memory is written,
 * whatever the files contain. Before the guest runs.
 * Errors: MV_ERR_CONFIG_UNSUPPORTED (a file that cannot be booted, does not fit, or a command line that is too long;
 * the message names file and limit), MV_ERR_SYSTEM with errno (reading failed). */
int mv_boot_load(const struct mv_machine_spec *spec, struct mv_memory *mem, struct mv_boot_entry *out,
		 struct mv_error **err);

#endif
