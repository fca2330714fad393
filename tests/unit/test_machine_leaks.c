/* Nothing is left behind: machines started and ended by the hundred, and one machine reset, saved and restored over and
 * over.
 * limit: 240
 * quick: no */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

#define SLACK (64 * 1024)

/* Memory files and KVM's own: what a machine could leave in the system and not in a process. */
static uint64_t shared_memory(void)
{
	char line[256];
	uint64_t kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Shmem:", 6))
			kib = strtoull(line + 6, NULL, 10);
	fclose(f);
	return kib << 10;
}

static unsigned entries(const char *path)
{
	unsigned count = 0;
	DIR *dir = opendir(path);

	assert_non_null(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void one_life(struct mv_tiny *t, unsigned how)
{
	mv_tiny_start(t);
	switch (how % 3) {
	case 0:
		mv_test_expect(&t->vmm, "how?\n");
		mv_test_send(&t->vmm, "p");
		mv_test_wait_event(&t->vmm, MV_EVENT_STOPPED, NULL);
		mv_test_wait_end(&t->vmm, 0);
		break;
	case 1:
		mv_test_call_ok(&t->vmm, MV_CALL_QUIT, 0);
		mv_test_wait_end(&t->vmm, 0);
		break;
	default: break; /* killed in the middle */
	}
	mv_tiny_kill(t);
}

/* All ways to end, with a device of each kind. */
static void two_hundred_lives(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before = { 0 };
	unsigned files;
	uint64_t memory;

	mv_tiny_begin(t, "ends", NULL);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 64 * 512);
	mv_tiny_add_console(t, 3);
	mv_tiny_add_balloon(t, 4);
	for (unsigned i = 0; i < 3; i++)
		one_life(t, i);
	files = entries("/tmp") + entries(".") + entries("/dev/shm");
	memory = shared_memory();
	mv_tiny_usage(getpid(), &before);
	for (unsigned i = 0; i < 200; i++)
		one_life(t, i);
	mv_tiny_usage_same(getpid(), &before, SLACK);
	assert_true(entries("/tmp") + entries(".") + entries("/dev/shm") <= files + 2); /* others live here too */
	/* 200 guests of 16 MiB, of which each touched a MiB or so: a tenth of that would show. */
	assert_true(shared_memory() < memory + (64 << 20));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void drop_events(struct mv_test_vmm *vmm)
{
	while (vmm->event_count)
		mv_message_clear(&vmm->events[--vmm->event_count]);
}

/* The guest uses each device before it is reset, so that there is something to undo. */
static void two_hundred_resets(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before = { 0 };

	mv_tiny_begin(t, "hostile_registers", "setup 2");
	mv_tiny_vcpus(t, 2);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_add_console(t, 3);
	mv_tiny_add_balloon(t, 4);
	mv_tiny_start(t);
	for (unsigned i = 0; i < 210; i++) {
		if (i % 50 == 0)
			mv_test_expect(&t->vmm, "ready\n");
		if (i == 10)
			mv_tiny_usage(t->vmm.pid, &before);
		mv_test_call_ok(&t->vmm, MV_CALL_RESET, 0);
		drop_events(&t->vmm);
	}
	mv_test_expect(&t->vmm, "ready\n");
	mv_tiny_usage_same(t->vmm.pid, &before, SLACK);
}

static void fifty_saves(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before = { 0 };

	mv_tiny_begin(t, "busy", "blk_flight 2");
	mv_tiny_vcpus(t, 2);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_add_console(t, 3);
	mv_tiny_add_balloon(t, 4);
	mv_tiny_start(t);
	for (unsigned i = 0; i < 52; i++) {
		int fd = mv_test_file();

		mv_test_expect(&t->vmm, ".");
		if (i == 2)
			mv_tiny_usage(t->vmm.pid, &before);
		assert_int_equal(mv_test_call(&t->vmm, MV_CALL_SAVE, MV_SAVE_THEN_RUN, NULL, fd, NULL), 0);
		close(fd);
		t->vmm.output_len = 0;
	}
	/* A save that fails must free as much. */
	for (unsigned i = 0; i < 10; i++) {
		int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

		assert_int_not_equal(mv_test_call(&t->vmm, MV_CALL_SAVE, MV_SAVE_THEN_QUIT, NULL, fd, NULL), 0);
		close(fd);
	}
	mv_test_expect(&t->vmm, ".");
	mv_tiny_usage_same(t->vmm.pid, &before, SLACK);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* Machine after machine from the one before: none has more than the second. */
static void fifty_restores(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before = { 0 };

	mv_tiny_begin(t, "busy", "blk_flight 2");
	mv_tiny_vcpus(t, 2);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_start(t);
	for (unsigned i = 0; i < 50; i++) {
		mv_test_expect(&t->vmm, ".");
		mv_tiny_save_restore(t);
		t->vmm.output_len = 0;
		mv_test_expect(&t->vmm, ".");
		if (i == 2)
			mv_tiny_usage(t->vmm.pid, &before);
	}
	mv_tiny_usage_same(t->vmm.pid, &before, SLACK);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

static void two_hundred_pauses(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before = { 0 };

	mv_tiny_begin(t, "busy", "blk_interrupt 1");
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "...");
	for (unsigned i = 0; i < 210; i++) {
		if (i == 10)
			mv_tiny_usage(t->vmm.pid, &before);
		mv_test_call_ok(&t->vmm, MV_CALL_SUSPEND, 0);
		mv_test_call_ok(&t->vmm, MV_CALL_RESUME, 0);
		drop_events(&t->vmm);
		/* Consoles come and go too. */
		mv_test_attach(&t->vmm, "serial0");
		t->vmm.output_len = 0;
	}
	mv_test_expect(&t->vmm, ".");
	mv_tiny_usage_same(t->vmm.pid, &before, SLACK);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_TINY(two_hundred_lives), MV_TINY(two_hundred_resets), MV_TINY(two_hundred_pauses),
		MV_TINY(fifty_saves),       MV_TINY(fifty_restores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
