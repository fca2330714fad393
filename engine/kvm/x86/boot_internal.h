/* What boot.c and the two protocols share. */
#ifndef MV_KVM_X86_BOOT_INTERNAL_H
#define MV_KVM_X86_BOOT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/vmm/memory.h"
#include "engine/kvm/x86/boot.h"

/* Low memory while booting; a kernel moves what it wants to keep. */
#define MV_BOOT_GDT 0x500ULL
#define MV_BOOT_START_INFO 0x6000ULL
#define MV_BOOT_ZERO_PAGE 0x7000ULL
#define MV_BOOT_PAGE_TABLES 0x9000ULL /* top level, next level, then a table for each GiB */
#define MV_BOOT_CMDLINE 0x20000ULL
#define MV_BOOT_CMDLINE_MAX 0xffffU /* bytes without the NUL */

/* Everything that is loaded lies here: RAM above 1 MiB and below the PCI hole. */
#define MV_BOOT_LOAD_BASE 0x100000ULL

#define MV_BOOT_HEAD_SIZE 8192 /* a tiny guest fits */

struct mv_boot {
	const struct mv_machine_spec *spec;
	struct mv_memory *mem;
	const char *name; /* of the kernel file, for messages */
	uint64_t file_size;
	uint8_t head[MV_BOOT_HEAD_SIZE]; /* the file's first bytes; zeros beyond its end */
	size_t head_size;
	uint64_t ram_end; /* of the region at 0 */
	uint64_t rsdp;
};

/* Each loads the kernel named by b->spec and fills in *out; the file's magic has been seen. */
int mv_boot_linux(struct mv_boot *b, struct mv_boot_entry *out, struct mv_error **err);
int mv_boot_pvh(struct mv_boot *b, struct mv_boot_entry *out, struct mv_error **err);

/* Reads exactly [offset, offset+size) of the kernel file; the caller has checked the range against file_size. */
int mv_boot_read(const struct mv_boot *b, void *buf, uint64_t offset, uint64_t size, struct mv_error **err);
/* Writes the command line with its NUL to MV_BOOT_CMDLINE; `limit` is what the kernel takes, without the NUL. */
int mv_boot_put_cmdline(const struct mv_boot *b, uint64_t limit, struct mv_error **err);
/* Puts the initrd, if there is one, as high as possible into [kernel_end, limit) and tells where. Without one both are
 * 0. */
int mv_boot_put_initrd(const struct mv_boot *b, uint64_t kernel_end, uint64_t limit, uint64_t *address, uint64_t *size,
		       struct mv_error **err);

/* Where an unpacked kernel may go; the caller has checked that [preferred, preferred + size) is below limit, and limit
 * within the RAM at 0. */
struct mv_boot_place {
	uint64_t preferred; /* linked for this physical address */
	uint64_t size;      /* of the memory that it needs from there */
	uint64_t limit;
	uint64_t alignment;
	bool movable; /* it may be elsewhere */
};

struct mv_boot_loaded {
	uint64_t entry; /* 64-bit, with the zero page's address in RSI */
	bool random;    /* the kernel is to choose its other addresses at random, too */
};

/* Loads spec->payload_fd. false: there is none, or it is not what a kernel unpacks itself to; memory is unchanged then,
 * and the kernel can do it itself. */
bool mv_boot_payload(const struct mv_boot *b, const struct mv_boot_place *at, struct mv_boot_loaded *out);

/* "is not ...": refuses the kernel file with a reason. */
#define mv_boot_refuse(b, err, fmt, ...) \
	mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The kernel '%s' " fmt, (b)->name, ##__VA_ARGS__)

#endif
