/* Kernel files: whatever they say, nothing but guest memory is written, and what is accepted starts inside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/kvm/x86/boot.h"
#include "tests/fuzz/machine.h"

#define MEMORY (UINT64_C(32) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct mv_machine_spec spec;
	struct mv_memory memory;
};

static struct world *the_world(void)
{
	static struct world w;
	static char cmdline[] = "console=ttyS0";

	if (w.memory.region_count)
		return &w;
	mv_machine_spec_init(&w.spec);
	w.spec.vcpus = w.spec.sockets = w.spec.cores = w.spec.threads = 1;
	w.spec.cmdline = cmdline;
	w.spec.kernel_fd = memfd_create("kernel", MFD_CLOEXEC);
	w.spec.initrd_fd = memfd_create("initrd", MFD_CLOEXEC);
	fz_must(w.spec.kernel_fd >= 0 && w.spec.initrd_fd >= 0, "no files");
	fz_must(pwrite(w.spec.initrd_fd, "initrd", 6, 0) == 6, "no initrd");
	fz_must(mv_memory_create(&w.memory, MEMORY, false, false, NULL) == 0, "no memory");
	return &w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = the_world();
	mv_auto(mv_error) err = NULL;
	struct mv_boot_entry entry;

	fz_must(ftruncate(w->spec.kernel_fd, 0) == 0, "no empty file");
	fz_must(pwrite(w->spec.kernel_fd, data, size, 0) == (ssize_t)size, "no file");
	if (mv_boot_load(&w->spec, &w->memory, &entry, &err) < 0) {
		fz_must(err && err->message, "refused without a reason");
		return 0;
	}
	fz_must(entry.start >= 0x100000 && entry.start < MEMORY, "it starts outside memory");
	fz_must(mv_memory_clear(&w->memory, NULL) == 0, "memory is not cleared");
	return 0;
}
