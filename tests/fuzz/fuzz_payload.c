/* What a bzImage is said to unpack itself to: whatever the file says, nothing but guest memory is written, the guest
 * starts inside it, and a kernel that is not believed boots as the bzImage that it is. */
#include <asm/bootparam.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/kvm/x86/boot.h"
#include "tests/fuzz/machine.h"

#define MEMORY (UINT64_C(32) << 20)
#define LOAD 0x1000000
#define SETUP_SIZE 2048
#define REST_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct mv_machine_spec spec;
	struct mv_memory memory;
};

static void write_kernel(int fd)
{
	uint8_t image[SETUP_SIZE + REST_SIZE] = { 0 };
	struct setup_header *h = (struct setup_header *)(image + offsetof(struct boot_params, hdr));

	h->setup_sects = SETUP_SIZE / 512 - 1;
	h->syssize = REST_SIZE / 16;
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
	h->pref_address = LOAD;
	h->init_size = 0x800000;
	fz_must(pwrite(fd, image, sizeof(image), 0) == sizeof(image), "no kernel");
}

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
	w.spec.payload_fd = memfd_create("payload", MFD_CLOEXEC);
	fz_must(w.spec.kernel_fd >= 0 && w.spec.payload_fd >= 0, "no files");
	write_kernel(w.spec.kernel_fd);
	fz_must(mv_memory_create(&w.memory, MEMORY, false, false, NULL) == 0, "no memory");
	return &w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = the_world();
	struct mv_boot_entry entry;

	fz_must(ftruncate(w->spec.payload_fd, 0) == 0, "no empty file");
	fz_must(pwrite(w->spec.payload_fd, data, size, 0) == (ssize_t)size, "no file");
	fz_must(mv_boot_load(&w->spec, &w->memory, &entry, NULL) == 0, "a good kernel is refused");
	fz_must(entry.start >= LOAD && entry.start < MEMORY, "it starts outside memory");
	fz_must(mv_memory_clear(&w->memory, NULL) == 0, "memory is not cleared");
	return 0;
}
