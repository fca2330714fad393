#include "engine/image/raw_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512U
#define MAX_BLOCK 65536U

static bool block_size_valid(uint64_t n)
{
	return n >= SECTOR && n <= MAX_BLOCK && !(n & (n - 1));
}

/* Before 6.1 the kernel does not tell: the smallest aligned read that works is what it wants. */
static uint32_t probe_by_reading(int fd)
{
	mv_autofree void *buf = NULL;

	if (posix_memalign(&buf, MAX_BLOCK, MAX_BLOCK) != 0) {
		buf = NULL;
		return 4096;
	}
	for (uint32_t align = SECTOR; align < MAX_BLOCK; align *= 2) {
		/* An offset that is aligned to this block size and to no larger one; the end of the file does no harm.
		 */
		if (pread(fd, buf, align, align) >= 0)
			return align;
	}
	return MAX_BLOCK;
}

static void probe_alignment(int fd, struct mv_raw_geometry *g)
{
#ifdef STATX_DIOALIGN
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 && (stx.stx_mask & STATX_DIOALIGN) &&
	    stx.stx_dio_mem_align && block_size_valid(stx.stx_dio_offset_align)) {
		g->memory_align = stx.stx_dio_mem_align;
		g->length_align = stx.stx_dio_offset_align;
		return;
	}
#endif
	g->length_align = probe_by_reading(fd);
	g->memory_align = g->length_align;
}

static int probe_device(int fd, struct mv_raw_geometry *g, struct mv_error **err)
{
	unsigned physical = 0;
	unsigned optimal = 0;
	int logical = 0;

	if (ioctl(fd, BLKGETSIZE64, &g->bytes) < 0)
		return mv_error_set_errno(err, errno, "Cannot learn the size of a block device");
	/* Also without O_DIRECT: discards and zeroing want whole blocks. */
	if (ioctl(fd, BLKSSZGET, &logical) < 0 || logical < 0 || !block_size_valid((uint64_t)logical))
		logical = SECTOR;
	g->length_align = (uint32_t)logical;
	if (ioctl(fd, BLKPBSZGET, &physical) == 0 && block_size_valid(physical))
		g->physical_block_size = physical;
	if (ioctl(fd, BLKIOOPT, &optimal) == 0)
		g->optimal_size = optimal;
	return 0;
}

int mv_raw_probe(int fd, struct mv_raw_geometry *g, struct mv_error **err)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	*g = (struct mv_raw_geometry){ .memory_align = 1, .length_align = SECTOR, .physical_block_size = SECTOR };
	if (flags < 0 || fstat(fd, &st) < 0)
		return mv_error_set_errno(err, errno, "Cannot examine a disk image");
	g->direct = flags & O_DIRECT;
	if (S_ISBLK(st.st_mode)) {
		g->block_device = true;
		if (probe_device(fd, g, err) < 0)
			return -1;
	} else if (S_ISREG(st.st_mode)) {
		g->bytes = (uint64_t)st.st_size;
		g->physical_block_size = block_size_valid((uint64_t)st.st_blksize) ? (uint32_t)st.st_blksize : 4096;
	} else {
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "A disk image must be a regular file or a block device.");
	}
	if (g->direct) {
		uint32_t logical = g->length_align;

		probe_alignment(fd, g);
		if (g->length_align < logical)
			g->length_align = logical;
	}
	if (g->physical_block_size < g->length_align)
		g->physical_block_size = g->length_align;
	return 0;
}
