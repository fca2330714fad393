/* Guest memory: one or two RAM regions (split around the PCI hole), each one host mapping. Made before any thread
 * starts and unchanged until they have ended, so lookups need no lock. */
#ifndef MV_KVM_VMM_MEMORY_H
#define MV_KVM_VMM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/* What the mappings are made of. */
enum mv_memory_kind {
	/* Private anonymous memory. Not a memfd: the kernel gives transparent huge pages to files in memory only where
	 * the administrator switched that on (rarely), and without them each 4 KiB costs an exit at first touch and
	 * more TLB misses ever after: Debian's kernel takes half as long again to boot. */
	MV_MEMORY_ANONYMOUS,
	MV_MEMORY_HUGE_PAGES, /* a memfd of reserved huge pages */
	MV_MEMORY_IMAGE,      /* a save image, copied on write */
};

struct mv_memory_region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
	uint64_t offset; /* of the region in the memfd or image */
};

struct mv_memory {
	enum mv_memory_kind kind;
	struct mv_memory_region regions[2];
	unsigned region_count;
	uint64_t size;
	int fd;         /* HUGE_PAGES: the memfd; else -1 */
	int pagemap_fd; /* /proc/self/pagemap: tells which pages of anonymous memory exist; -1 where it is not to be had
			 */
};

/* Empty guest memory of `size` bytes. With huge_pages or prealloc, all of it is there when this returns;
 * what the host cannot give is an error (MV_ERR_NO_MEMORY) that says how much was asked and is available. */
int mv_memory_create(struct mv_memory *mem, uint64_t size, bool huge_pages, bool prealloc, struct mv_error **err);
/* Memory mapped copy-on-write from `fd` (borrowed) at `offset` (page-aligned): nothing is read now. */
int mv_memory_map_image(struct mv_memory *mem, uint64_t size, int fd, uint64_t offset, struct mv_error **err);
void mv_memory_release(struct mv_memory *mem);

/* The host address of [gpa, gpa+len) or NULL when any byte of it is not RAM or it crosses a region's end. len 0 is
 * NULL. */
void *mv_memory_ptr(const struct mv_memory *mem, uint64_t gpa, uint64_t len);
/* Copies; 0, or -EFAULT when any byte is not RAM. */
int mv_memory_read(const struct mv_memory *mem, uint64_t gpa, void *buf, size_t len);
int mv_memory_write(const struct mv_memory *mem, uint64_t gpa, const void *buf, size_t len);
/* The first offset at or after `offset` of region `index` whose page may hold something other than zeros, or the
 * region's size. What was never touched is passed over without touching it. */
uint64_t mv_memory_next_data(const struct mv_memory *mem, unsigned index, uint64_t offset);
/* Gives all pages back: the guest reads zeros. Nothing may run. */
int mv_memory_clear(struct mv_memory *mem, struct mv_error **err);
/* Gives the pages of one range back to the host (balloon). Addresses are page-aligned. What the guest reads there
 * afterwards is undefined: zeros, or (memory mapped from an image) what the image holds. -errno. */
int mv_memory_discard(struct mv_memory *mem, uint64_t gpa, uint64_t len);

#endif
