#include "engine/kvm/x86/boot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/kvm/x86/acpi.h"
#include "engine/kvm/x86/boot_internal.h"

#define MIB(bytes) ((unsigned long long)(((bytes) + 0xfffff) >> 20))

/* Reads exactly `size` bytes; a file that ends earlier than it said is an error like any other. */
static int read_at(int fd, const char *what, const char *name, void *buf, uint64_t offset, uint64_t size,
		   struct mv_error **err)
{
	uint8_t *p = buf;

	while (size > 0) {
		ssize_t n = pread(fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_error_set_errno(err, errno, "Reading the %s '%s' failed at byte %llu", what, name,
						  (unsigned long long)offset);
		if (n == 0)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "The %s '%s' is truncated: it ends at byte %llu, and %llu more are needed.",
					    what, name, (unsigned long long)offset, (unsigned long long)size);
		p += n;
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

static int file_size(int fd, const char *what, const char *name, uint64_t *size, struct mv_error **err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return mv_error_set_errno(err, errno, "The %s '%s' cannot be examined", what, name);
	if (!S_ISREG(st.st_mode))
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The %s '%s' is not a regular file.", what, name);
	if (st.st_size == 0)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The %s '%s' is empty.", what, name);
	*size = (uint64_t)st.st_size;
	return 0;
}

int mv_boot_read(const struct mv_boot *b, void *buf, uint64_t offset, uint64_t size, struct mv_error **err)
{
	/* The first page has been read already. */
	if (offset < b->head_size && size <= b->head_size - offset) {
		memcpy(buf, b->head + offset, size);
		return 0;
	}
	return read_at(b->spec->kernel_fd, "kernel", b->name, buf, offset, size, err);
}

int mv_boot_put_cmdline(const struct mv_boot *b, uint64_t limit, struct mv_error **err)
{
	const char *cmdline = b->spec->cmdline ? b->spec->cmdline : "";
	size_t length = strlen(cmdline);

	if (limit > MV_BOOT_CMDLINE_MAX)
		limit = MV_BOOT_CMDLINE_MAX;
	if (length > limit)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The command line is %zu bytes long, but the kernel '%s' takes at most %llu.",
				    length, b->name, (unsigned long long)limit);
	if (mv_memory_write(b->mem, MV_BOOT_CMDLINE, cmdline, length + 1) < 0)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The guest's memory has no room for the command line.");
	return 0;
}

int mv_boot_put_initrd(const struct mv_boot *b, uint64_t kernel_end, uint64_t limit, uint64_t *address, uint64_t *size,
		       struct mv_error **err)
{
	const struct mv_machine_spec *spec = b->spec;
	const char *name = spec->initrd_name ? spec->initrd_name : "initrd";
	uint64_t base;

	*address = *size = 0;
	if (spec->initrd_fd < 0)
		return 0;
	if (file_size(spec->initrd_fd, "initrd", name, size, err) < 0)
		return -1;
	if (limit > b->ram_end)
		limit = b->ram_end;
	if (kernel_end > limit || *size > limit - kernel_end)
		goto too_large;
	base = (limit - *size) & ~0xfffULL;
	if (base < kernel_end)
		goto too_large;
	if (read_at(spec->initrd_fd, "initrd", name, mv_memory_ptr(b->mem, base, *size), 0, *size, err) < 0)
		return -1;
	*address = base;
	return 0;
too_large:
	return mv_error_set(
		err, MV_ERR_CONFIG_UNSUPPORTED,
		"The initrd '%s' of %llu MiB does not fit: between the kernel's end and the highest address it "
		"may have (%#llx) there are %llu MiB.",
		name, MIB(*size), (unsigned long long)limit,
		(unsigned long long)(kernel_end < limit ? (limit - kernel_end) >> 20 : 0));
}

/* What a file that cannot be booted looks like; NULL: like nothing we know. */
static const char *describe(const struct mv_boot *b)
{
	static const struct {
		const char *magic;
		size_t size, offset;
		const char *text;
	} known[] = {
		{ "\x1f\x8b", 2, 0, "gzip-compressed data: decompress it first" },
		{ "\xfd"
		  "7zXZ",
		  5, 0, "xz-compressed data: decompress it first" },
		{ "BZh", 3, 0, "bzip2-compressed data: decompress it first" },
		{ "\x28\xb5\x2f\xfd", 4, 0, "zstd-compressed data: decompress it first" },
		{ "\x04\x22\x4d\x18", 4, 0, "LZ4-compressed data: decompress it first" },
		{ "\x02\x21\x4c\x18", 4, 0, "LZ4-compressed data: decompress it first" },
		{ "\x89LZO", 4, 0, "LZO-compressed data: decompress it first" },
		{ "\x27\x05\x19\x56", 4, 0, "a U-Boot image" },
		{ "ARM\x64", 4, 56, "a Linux kernel for 64-bit ARM" },
		{ "RISCV", 5, 48, "a Linux kernel for RISC-V" },
		{ "MZ", 2, 0, "a PE (EFI) program without a Linux boot header" },
		{ "QFI\xfb", 4, 0, "a qcow2 disk image" },
		{ "070701", 6, 0, "a cpio archive, such as an initrd" },
		{ "070702", 6, 0, "a cpio archive, such as an initrd" },
		{ "!<arch>", 7, 0, "an archive of object files or a Debian package" },
		{ "#!", 2, 0, "a script" },
		{ "\x55\xaa", 2, 510, "a boot sector or a disk image" },
	};

	for (size_t i = 0; i < MV_ARRAY_SIZE(known); i++)
		if (known[i].offset + known[i].size <= b->head_size &&
		    !memcmp(b->head + known[i].offset, known[i].magic, known[i].size))
			return known[i].text;
	return NULL;
}

static int refuse_foreign(const struct mv_boot *b, struct mv_error **err)
{
	const char *text = describe(b);

	if (text)
		return mv_boot_refuse(b, err, "is neither a Linux bzImage nor an ELF file; it looks like %s.", text);
	if (b->head_size < 0x206)
		return mv_boot_refuse(
			b, err,
			"is neither a Linux bzImage nor an ELF file: with %llu bytes it is too short to be one.",
			(unsigned long long)b->file_size);
	return mv_boot_refuse(b, err, "is neither a Linux bzImage (no boot header) nor an ELF file.");
}

int mv_boot_load(const struct mv_machine_spec *spec, struct mv_memory *mem, struct mv_boot_entry *out,
		 struct mv_error **err)
{
	struct mv_boot b = { .spec = spec, .mem = mem, .name = spec->kernel_name ? spec->kernel_name : "kernel" };

	if (spec->kernel_fd < 0)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "There is no kernel to boot.");
	if (mem->region_count == 0 || mem->regions[0].gpa != 0 || mem->regions[0].size <= MV_BOOT_LOAD_BASE)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The guest has too little memory to boot: at least %llu MiB are needed.",
				    MIB(MV_MACHINE_MIN_MEMORY));
	b.ram_end = mem->regions[0].size;
	if (file_size(spec->kernel_fd, "kernel", b.name, &b.file_size, err) < 0)
		return -1;
	b.head_size = b.file_size < sizeof(b.head) ? b.file_size : sizeof(b.head);
	if (read_at(spec->kernel_fd, "kernel", b.name, b.head, 0, b.head_size, err) < 0)
		return -1;

	memset(out, 0, sizeof(*out));
	if (mv_acpi_build(spec, mem, &b.rsdp, err) < 0)
		return -1;
	if (!memcmp(b.head, "\177ELF", 4))
		return mv_boot_pvh(&b, out, err);
	if (!memcmp(b.head + 0x202, "HdrS", 4) && mv_get_le16(b.head + 0x1fe) == 0xaa55)
		return mv_boot_linux(&b, out, err);
	return refuse_foreign(&b, err);
}
