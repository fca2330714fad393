/* virtio devices of a real machine, driven by hand by a tiny guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "tests/harness/tiny.h"

#define DISK_SIZE (256 * 512)

static void with_rng(void **state)
{
	struct mv_tiny *t = *state;

	mv_tiny_begin(t, "virtio", t->plan);
	mv_tiny_add_rng(t, 4);
	mv_tiny_start(t);
	mv_tiny_done(t);
}

static void blk(void **state)
{
	struct mv_tiny *t = *state;
	uint8_t sector[512];
	int fd;

	mv_tiny_begin(t, "virtio", "blk 256");
	fd = mv_tiny_add_blk(t, 7, DISK_SIZE);
	mv_tiny_start(t);
	mv_tiny_done(t);
	/* What the guest did, in the file. */
	assert_int_equal(pread(fd, sector, 512, 15 * 512), 512);
	assert_int_equal(mv_get_le32(sector), 15);
	assert_int_equal(pread(fd, sector, 512, 16 * 512), 512);
	assert_int_equal(mv_get_le32(sector), 0);
	assert_int_equal(pread(fd, sector, 512, 24 * 512), 512);
	assert_int_equal(mv_get_le32(sector), 24);
}

static void blk_many(void **state)
{
	struct mv_tiny *t = *state;

	mv_tiny_begin(t, "virtio", "blk_many");
	mv_tiny_add_blk(t, 7, DISK_SIZE);
	mv_tiny_start(t);
	mv_tiny_done(t);
}

/* The other end of a console port. */
static void expect_bytes(int fd, const char *text)
{
	char got[64];
	size_t n = 0;

	while (n < strlen(text)) {
		ssize_t rc = read(fd, got + n, strlen(text) - n);

		assert_true(rc > 0);
		n += (size_t)rc;
	}
	assert_memory_equal(got, text, n);
}

static void console(void **state)
{
	struct mv_tiny *t = *state;
	int serial, port;

	mv_tiny_begin(t, "virtio", "console");
	mv_tiny_add_console(t, 5);
	t->spec.start_paused = true;
	mv_tiny_start(t);
	/* The harness has one place for a console. */
	serial = t->vmm.console;
	t->vmm.console = -1;
	mv_test_attach(&t->vmm, "console0.0");
	int console = mv_tiny_keep(t, t->vmm.console);

	t->vmm.console = -1;
	mv_test_attach(&t->vmm, "console0.1");
	port = mv_tiny_keep(t, t->vmm.console);
	t->vmm.console = serial;
	mv_test_call_ok(&t->vmm, MV_CALL_RESUME, 0);
	mv_test_expect(&t->vmm, "sent\n");
	expect_bytes(console, "from the console\n");
	expect_bytes(port, "from the port\n");
	assert_int_equal(write(console, "0123456789", 10), 10);
	assert_int_equal(write(port, "abcdefghij", 10), 10);
	expect_bytes(console, "0123456789");
	expect_bytes(port, "abcdefghij");
	mv_tiny_done(t);
}

/* Pages of the machine's process that are in RAM, shared ones (guest memory) among them. */
static uint64_t resident(pid_t pid)
{
	char path[64], text[64], *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	strtoull(text, &rest, 10); /* the size; then what is resident */
	return strtoull(rest, NULL, 10) * 4096;
}

static void balloon(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_message event;
	uint64_t full;

	mv_tiny_begin(t, "virtio", "balloon");
	mv_tiny_add_balloon(t, 9);
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "target\n");
	full = resident(t->vmm.pid);
	mv_test_call_ok(&t->vmm, MV_CALL_BALLOON, MV_MACHINE_MIN_MEMORY - (4 << 20));
	mv_test_expect(&t->vmm, "inflated\n");
	mv_test_wait_event(&t->vmm, MV_EVENT_BALLOON, &event);
	assert_int_equal(event.number, MV_MACHINE_MIN_MEMORY - (4 << 20));
	mv_message_clear(&event);
	/* The host has them back. */
	assert_true(resident(t->vmm.pid) + (3 << 20) < full);
	mv_test_send(&t->vmm, "k");
	mv_test_expect(&t->vmm, "deflated\n");
	mv_test_wait_event(&t->vmm, MV_EVENT_BALLOON, &event);
	assert_int_equal(event.number, MV_MACHINE_MIN_MEMORY);
	mv_message_clear(&event);
	mv_test_send(&t->vmm, "k");
	mv_tiny_done(t);
}

#define RNG(which)                                                                              \
	{                                                                                       \
		.name = "rng_" which, .test_func = with_rng, .setup_func = mv_tiny_set_up,      \
		.teardown_func = mv_tiny_tear_down, .initial_state = (void *)(uintptr_t)(which) \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RNG("registers"), RNG("rng"),   RNG("indirect"),   RNG("msix"),      RNG("event_index"),
		RNG("intx"),      MV_TINY(blk), MV_TINY(blk_many), MV_TINY(console), MV_TINY(balloon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
