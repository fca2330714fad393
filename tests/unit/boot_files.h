/* What the tests of booting share: kernel files made by hand, memory, and the error that loading gives. */
#ifndef MV_TESTS_UNIT_BOOT_FILES_H
#define MV_TESTS_UNIT_BOOT_FILES_H

#include <stdint.h>

#include "engine/kvm/x86/boot.h"

struct boot_fixture {
	struct mv_machine_spec spec;
	struct mv_memory memory;
	struct mv_boot_entry entry;
	char *message; /* of the last error */
};

/* cmocka set-up and tear-down; 64 MiB of memory. */
int boot_fixture_set_up(void **state);
int boot_fixture_tear_down(void **state);
/* Another size; memory is zero again. */
void boot_fixture_memory(struct boot_fixture *f, uint64_t size);

/* An unnamed file with these bytes. */
int boot_file(const void *data, size_t size);
/* Boots the bytes as kernel: the result of mv_boot_load(), its error in f->message. Memory is cleared before. */
int boot_bytes(struct boot_fixture *f, const void *data, size_t size);
/* The same must fail, with a message that names the kernel file and contains `text`. */
void boot_refused(struct boot_fixture *f, const void *data, size_t size, const char *text);
void boot_accepted(struct boot_fixture *f, const void *data, size_t size);

#endif
