/* One test with a tiny guest written in C (tests/guest/lib): its machine, and what has to be cleared away afterwards.
 */
#ifndef MV_TESTS_HARNESS_TINY_H
#define MV_TESTS_HARNESS_TINY_H

#include "tests/harness/vmm.h"

#define MV_TINY_MAX_FDS 32

struct mv_tiny {
	struct mv_machine_spec spec;
	struct mv_test_vmm vmm;
	bool started;
	int fds[MV_TINY_MAX_FDS];
	unsigned fd_count;
	const void *plan; /* the test's initial_state */
};

/* For cmocka: *state becomes a struct mv_tiny, which keeps the initial state as its plan. The end also checks that the
 * machine's process has gone. */
int mv_tiny_set_up(void **state);
int mv_tiny_tear_down(void **state);
#define MV_TINY(fn) cmocka_unit_test_setup_teardown(fn, mv_tiny_set_up, mv_tiny_tear_down)

/* A machine for this guest and this case of it (its command line). Skips the test where there is no /dev/kvm. */
void mv_tiny_begin(struct mv_tiny *t, const char *guest, const char *which);
void mv_tiny_vcpus(struct mv_tiny *t, unsigned count);
/* Keeps a descriptor open until the test ends. */
int mv_tiny_keep(struct mv_tiny *t, int fd);

void mv_tiny_add_rng(struct mv_tiny *t, unsigned slot);
/* A disk in memory; its descriptor is returned (kept). Each sector begins with its number, 32 bits. */
int mv_tiny_add_blk(struct mv_tiny *t, unsigned slot, uint64_t size);
void mv_tiny_add_console(struct mv_tiny *t, unsigned slot);
void mv_tiny_add_balloon(struct mv_tiny *t, unsigned slot);

void mv_tiny_start(struct mv_tiny *t);
/* Waits for the guest's "done" and for its power off. */
void mv_tiny_done(struct mv_tiny *t);
/* Saves onto a new file, ends the machine, and starts another from that file. */
void mv_tiny_save_restore(struct mv_tiny *t);
/* Waits until the process has ended, however that may be, and forgets it. */
void mv_tiny_kill(struct mv_tiny *t);

/* What a process holds, from /proc. */
struct mv_tiny_usage {
	unsigned fds;
	unsigned threads;
	uint64_t anonymous; /* bytes of anonymous memory in RAM, without those of a guest of 16 MiB */
};
void mv_tiny_usage(pid_t pid, struct mv_tiny_usage *usage);
/* Waits until the process holds no more than `before`, and fails when it does not come to that: memory may have grown
 * by `slack` bytes (more with sanitizers). */
void mv_tiny_usage_same(pid_t pid, const struct mv_tiny_usage *before, uint64_t slack);

#endif
