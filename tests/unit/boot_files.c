#include "tests/unit/boot_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define KERNEL_NAME "/boot/the-kernel"

int boot_fixture_set_up(void **state)
{
	struct boot_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	mv_machine_spec_init(&f->spec);
	f->memory.fd = -1;
	f->spec.vcpus = f->spec.sockets = f->spec.cores = f->spec.threads = 1;
	f->spec.kernel_name = strdup(KERNEL_NAME);
	f->spec.initrd_name = strdup("/boot/the-initrd");
	boot_fixture_memory(f, 64 << 20);
	*state = f;
	return 0;
}

int boot_fixture_tear_down(void **state)
{
	struct boot_fixture *f = *state;

	if (f->spec.kernel_fd >= 0)
		close(f->spec.kernel_fd);
	if (f->spec.initrd_fd >= 0)
		close(f->spec.initrd_fd);
	if (f->spec.payload_fd >= 0)
		close(f->spec.payload_fd);
	mv_memory_release(&f->memory);
	mv_machine_spec_clear(&f->spec);
	free(f->message);
	free(f);
	return 0;
}

void boot_fixture_memory(struct boot_fixture *f, uint64_t size)
{
	mv_memory_release(&f->memory);
	assert_int_equal(mv_memory_create(&f->memory, size, false, false, NULL), 0);
	f->spec.memory = size;
}

int boot_file(const void *data, size_t size)
{
	int fd = memfd_create("boot-file", MFD_CLOEXEC);
	const char *p = data;

	assert_true(fd >= 0);
	while (size > 0) {
		ssize_t n = write(fd, p, size);

		assert_true(n > 0);
		p += n;
		size -= (size_t)n;
	}
	return fd;
}

int boot_bytes(struct boot_fixture *f, const void *data, size_t size)
{
	struct mv_error *err = NULL;
	int rc;

	if (f->spec.kernel_fd >= 0)
		close(f->spec.kernel_fd);
	f->spec.kernel_fd = boot_file(data, size);
	assert_int_equal(mv_memory_clear(&f->memory, NULL), 0);
	rc = mv_boot_load(&f->spec, &f->memory, &f->entry, &err);
	free(f->message);
	f->message = strdup(err ? err->message : "");
	assert_int_equal(rc < 0, err != NULL);
	mv_error_free(err);
	return rc;
}

void boot_refused(struct boot_fixture *f, const void *data, size_t size, const char *text)
{
	if (boot_bytes(f, data, size) == 0)
		fail_msg("accepted, though it should have been refused: \"%s\"", text);
	if (!strstr(f->message, text) || !strstr(f->message, KERNEL_NAME))
		fail_msg("the error is \"%s\", without \"%s\" or without the file", f->message, text);
}

void boot_accepted(struct boot_fixture *f, const void *data, size_t size)
{
	if (boot_bytes(f, data, size) < 0)
		fail_msg("%s", f->message);
}
