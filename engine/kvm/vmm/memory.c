#include "engine/kvm/vmm/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "engine/kvm/common/layout.h"

#define PAGE UINT64_C(4096)
#define HUGE_PAGE (UINT64_C(2) << 20)
#define HUGE_FROM (UINT64_C(64) << 20) /* guests of this size and more get transparent huge pages */

/* Divides `size` bytes around the PCI hole. */
static void lay_out(struct mv_memory *mem, uint64_t size)
{
	uint64_t low = size < MV_LOW_RAM_LIMIT ? size : MV_LOW_RAM_LIMIT;

	*mem = (struct mv_memory){ .size = size, .fd = -1, .pagemap_fd = -1, .region_count = 1 };
	mem->regions[0].size = low;
	if (size > low) {
		mem->regions[1] = (struct mv_memory_region){
			.gpa = MV_HIGH_RAM_BASE,
			.size = size - low,
			.offset = low,
		};
		mem->region_count = 2;
	}
}

/* One mapping for all regions would do, were it not for alignment of the huge pages behind the hole: both regions start
 * on 2 MiB boundaries of the file, so a mapping aligned to 2 MiB serves both. */
static int map_regions(struct mv_memory *mem, int fd, uint64_t offset, int flags, struct mv_error **err)
{
	for (unsigned i = 0; i < mem->region_count; i++) {
		struct mv_memory_region *r = &mem->regions[i];
		uint64_t room = r->size + HUGE_PAGE;
		uint8_t *area = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		uint8_t *start, *end;

		if (area == MAP_FAILED)
			return mv_error_set_errno(err, errno, "No address space for %" PRIu64 " bytes of guest memory",
						  r->size);
		start = (uint8_t *)(((uintptr_t)area + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
		end = start + r->size;
		r->offset += offset;
		if (mmap(start, r->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, (off_t)r->offset) ==
		    MAP_FAILED) {
			int errnum = errno;

			munmap(area, room);
			return mv_error_set_errno(err, errnum, "Cannot map %" PRIu64 " MiB of guest memory",
						  r->size >> 20);
		}
		r->host = start;
		if (start > area)
			munmap(area, (size_t)(start - area));
		if (area + room > end)
			munmap(end, (size_t)(area + room - end));
		/* Guest memory in a core dump helps nobody and may be huge. */
		madvise(start, r->size, MADV_DONTDUMP);
	}
	return 0;
}

static int no_memory(uint64_t size, const char *kind, int errnum, struct mv_error **err)
{
	struct sysinfo info;
	uint64_t available = sysinfo(&info) == 0 ? (uint64_t)info.freeram * info.mem_unit : 0;

	return mv_error_set_full(err, MV_ERROR_DOMAIN, MV_ERR_NO_MEMORY, errnum,
				 "The host cannot give the guest %" PRIu64 " MiB of %s (%" PRIu64
				 " MiB of memory are free)",
				 size >> 20, kind, available >> 20);
}

/* Touches every page now, so that what the host lacks shows here and not as a killed guest later. */
static int populate(struct mv_memory *mem, bool huge_pages, struct mv_error **err)
{
	for (unsigned i = 0; i < mem->region_count; i++) {
		struct mv_memory_region *r = &mem->regions[i];

		if (madvise(r->host, r->size, MADV_POPULATE_WRITE) < 0)
			return no_memory(mem->size, huge_pages ? "huge pages of 2 MiB" : "memory", errno, err);
	}
	return 0;
}

/* MADV_POPULATE_WRITE would wake the kernel's out-of-memory killer rather than fail: refuse before what cannot work. */
static int check_available(uint64_t size, struct mv_error **err)
{
	char text[4096];
	mv_autofd int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;

	if (n <= 0)
		return 0;
	text[n] = 0;
	line = strstr(text, "MemAvailable:");
	if (line && strtoull(line + strlen("MemAvailable:"), NULL, 10) < size >> 10)
		return mv_error_set(err, MV_ERR_NO_MEMORY,
				    "The host cannot give the guest %" PRIu64 " MiB of memory: %llu MiB are available.",
				    size >> 20, strtoull(line + strlen("MemAvailable:"), NULL, 10) >> 10);
	return 0;
}

static int create_huge(struct mv_memory *mem, struct mv_error **err)
{
	mv_auto(mv_error) why = NULL;

	mem->kind = MV_MEMORY_HUGE_PAGES;
	mem->fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	if (mem->fd < 0)
		return mv_error_set_errno(err, errno, "Cannot create guest memory of huge pages");
	if (ftruncate(mem->fd, (off_t)mem->size) < 0)
		return no_memory(mem->size, "huge pages of 2 MiB", errno, err);
	if (map_regions(mem, mem->fd, 0, MAP_SHARED, &why) < 0)
		return no_memory(mem->size, "huge pages of 2 MiB", why->errnum, err);
	return populate(mem, true, err);
}

/* Whoever opens the file with CAP_SYS_ADMIN in effect could read physical page numbers from it for ever after, also
 * inside the sandbox; we only want to know which pages exist. */
static int open_pagemap(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3], none[_LINUX_CAPABILITY_U32S_3];
	int fd;

	if (syscall(SYS_capget, &header, had) < 0)
		return -1;
	memcpy(none, had, sizeof(none));
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		none[i].effective = 0;
	if (syscall(SYS_capset, &header, none) < 0)
		return -1;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	/* They were ours a moment ago and are still permitted, so this cannot be refused; without them only less works.
	 */
	syscall(SYS_capset, &header, had);
	return fd;
}

static int create_anonymous(struct mv_memory *mem, struct mv_error **err)
{
	mem->kind = MV_MEMORY_ANONYMOUS;
	if (map_regions(mem, -1, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, err) < 0)
		return -1;
	/* A tiny guest would pay for 2 MiB where it touches three pages. Where the host has none of them, never mind.
	 */
	for (unsigned i = 0; i < mem->region_count && mem->size >= HUGE_FROM; i++)
		madvise(mem->regions[i].host, mem->regions[i].size, MADV_HUGEPAGE);
	mem->pagemap_fd = open_pagemap();
	return 0;
}

int mv_memory_create(struct mv_memory *mem, uint64_t size, bool huge_pages, bool prealloc, struct mv_error **err)
{
	lay_out(mem, size);
	if (!size || size % PAGE || (huge_pages && size % HUGE_PAGE))
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Guest memory of %" PRIu64 " bytes is not a multiple of %s.", size,
				    huge_pages ? "2 MiB, the size of its huge pages" : "4096");
	if (huge_pages)
		return create_huge(mem, err);
	if (prealloc && check_available(size, err) < 0)
		return -1;
	if (create_anonymous(mem, err) < 0)
		return -1;
	return prealloc ? populate(mem, false, err) : 0;
}

int mv_memory_map_image(struct mv_memory *mem, uint64_t size, int fd, uint64_t offset, struct mv_error **err)
{
	lay_out(mem, size);
	mem->kind = MV_MEMORY_IMAGE;
	return map_regions(mem, fd, offset, MAP_PRIVATE | MAP_NORESERVE, err);
}

void mv_memory_release(struct mv_memory *mem)
{
	for (unsigned i = 0; i < mem->region_count; i++)
		if (mem->regions[i].host)
			munmap(mem->regions[i].host, mem->regions[i].size);
	if (mem->size && mem->fd >= 0)
		close(mem->fd);
	if (mem->size && mem->pagemap_fd >= 0)
		close(mem->pagemap_fd);
	*mem = (struct mv_memory){ .fd = -1, .pagemap_fd = -1 };
}

void *mv_memory_ptr(const struct mv_memory *mem, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < mem->region_count; i++) {
		const struct mv_memory_region *r = &mem->regions[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			return len && len <= r->size - (gpa - r->gpa) ? r->host + (gpa - r->gpa) : NULL;
	}
	return NULL;
}

int mv_memory_read(const struct mv_memory *mem, uint64_t gpa, void *buf, size_t len)
{
	const void *p = mv_memory_ptr(mem, gpa, len);

	if (!len)
		return 0;
	if (!p)
		return -EFAULT;
	memcpy(buf, p, len);
	return 0;
}

int mv_memory_write(const struct mv_memory *mem, uint64_t gpa, const void *buf, size_t len)
{
	void *p = mv_memory_ptr(mem, gpa, len);

	if (!len)
		return 0;
	if (!p)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}

/* What was given back reads as zeros, but for memory mapped from an image: there the image's contents come back, which
 * a clear must not show, so zeros are mapped over it. */
static int give_back(const struct mv_memory *mem, const struct mv_memory_region *r, uint64_t offset, uint64_t len)
{
	int rc;

	if (mem->kind == MV_MEMORY_HUGE_PAGES)
		rc = fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(r->offset + offset),
			       (off_t)len);
	else
		rc = madvise(r->host + offset, len, MADV_DONTNEED);
	return rc < 0 ? -errno : 0;
}

static int map_zeros(const struct mv_memory_region *r)
{
	return mmap(r->host, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		    -1, 0) == MAP_FAILED ?
		-errno :
		0;
}

int mv_memory_clear(struct mv_memory *mem, struct mv_error **err)
{
	for (unsigned i = 0; i < mem->region_count; i++) {
		struct mv_memory_region *r = &mem->regions[i];
		int rc = mem->kind == MV_MEMORY_IMAGE ? map_zeros(r) : give_back(mem, r, 0, r->size);

		if (rc < 0)
			return mv_error_set_errno(err, -rc, "Cannot clear guest memory");
	}
	return 0;
}

int mv_memory_discard(struct mv_memory *mem, uint64_t gpa, uint64_t len)
{
	if (!mv_memory_ptr(mem, gpa, len) || (gpa | len) % PAGE)
		return -EINVAL;
	for (unsigned i = 0; i < mem->region_count; i++) {
		struct mv_memory_region *r = &mem->regions[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			return give_back(mem, r, gpa - r->gpa, len);
	}
	return -EINVAL;
}

/* An entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)

static uint64_t next_existing(const struct mv_memory *mem, const struct mv_memory_region *r, uint64_t offset)
{
	uint64_t entries[512];

	while (offset < r->size) {
		uint64_t pages = (r->size - offset) / PAGE;
		size_t want = pages < MV_ARRAY_SIZE(entries) ? pages : MV_ARRAY_SIZE(entries);
		ssize_t n = pread(mem->pagemap_fd, entries, want * sizeof(entries[0]),
				  (off_t)(((uintptr_t)r->host + offset) / PAGE * sizeof(entries[0])));

		/* Who cannot tell says that everything may be there. */
		if (n <= 0)
			return offset;
		for (size_t i = 0; i < (size_t)n / sizeof(entries[0]); i++, offset += PAGE)
			if (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED))
				return offset;
	}
	return r->size;
}

uint64_t mv_memory_next_data(const struct mv_memory *mem, unsigned index, uint64_t offset)
{
	const struct mv_memory_region *r = &mem->regions[index];

	if (mem->kind == MV_MEMORY_ANONYMOUS && mem->pagemap_fd >= 0)
		return next_existing(mem, r, offset);
	return offset;
}
