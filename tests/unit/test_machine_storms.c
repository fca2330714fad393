/* Much at once: guests that reset themselves from all vCPUs while calls come from outside, and guests that are saved
 * and restored in the middle of their worst doings.
 * limit: 240
 * quick: no */
#include <errno.h>
#include <poll.h>
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

#include "tests/harness/hostile.h"

#define SLACK (128 * 1024)
#define CALLS 60

static void with_devices(struct mv_tiny *t, const char *guest, const char *which, unsigned vcpus)
{
	mv_tiny_begin(t, guest, which);
	mv_tiny_vcpus(t, vcpus);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_add_console(t, 3);
	mv_tiny_add_balloon(t, 4);
}

/* Takes what the machine says without waiting, so that it is never let go as a client that does not read. */
static void drop_all(struct mv_test_vmm *vmm)
{
	struct pollfd p = { .fd = vmm->control, .events = POLLIN };
	char text[4096];

	while (vmm->event_count)
		mv_message_clear(&vmm->events[--vmm->event_count]);
	while (poll(&p, 1, 0) == 1) {
		struct mv_message m;

		mv_message_init(&m);
		assert_int_equal(mv_message_receive(vmm->control, &m), 1);
		mv_message_clear(&m);
	}
	p.fd = vmm->console;
	while (poll(&p, 1, 0) == 1 && read(vmm->console, text, sizeof(text)) > 0)
		;
	vmm->output_len = 0;
}

static void one_call(struct mv_tiny *t, unsigned which)
{
	struct mv_test_vmm *vmm = &t->vmm;
	int fd;

	switch (which % 8) {
	case 0: mv_test_call_ok(vmm, MV_CALL_RESET, 0); break;
	case 1: mv_test_call(vmm, MV_CALL_SUSPEND, 0, NULL, -1, NULL); break;
	case 2: mv_test_call(vmm, MV_CALL_RESUME, 0, NULL, -1, NULL); break;
	case 3: mv_test_call(vmm, MV_CALL_POWER_BUTTON, 0, NULL, -1, NULL); break;
	case 4: mv_test_call_ok(vmm, MV_CALL_STATS, 0); break;
	case 5:
		fd = mv_test_file();
		assert_int_equal(mv_test_call(vmm, MV_CALL_SAVE, MV_SAVE_THEN_RUN, NULL, fd, NULL), 0);
		close(fd);
		break;
	case 6: mv_test_attach(vmm, "serial0"); break;
	default: mv_test_call_ok(vmm, MV_CALL_BALLOON, MV_MACHINE_MIN_MEMORY - ((which & 255) << 12)); break;
	}
}

/* Every call is answered, none leaves the machine in a state that the next one cannot leave. */
static void resets_under_calls(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before = { 0 };
	uint32_t seed = 4711;

	with_devices(t, "storm", t->plan, strstr(t->plan, "4") ? 4 : 1);
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "...");
	for (unsigned i = 0; i < 2 * CALLS; i++) {
		if (i == CALLS) {
			mv_test_call_ok(&t->vmm, MV_CALL_RESUME, 0);
			mv_tiny_usage(t->vmm.pid, &before);
		}
		seed = seed * 1664525 + 1013904223;
		one_call(t, seed >> 16);
		drop_all(&t->vmm);
	}
	mv_test_call_ok(&t->vmm, MV_CALL_RESUME, 0);
	drop_all(&t->vmm);
	mv_test_expect(&t->vmm, "...");
	mv_tiny_usage_same(t->vmm.pid, &before, SLACK);
	mv_test_call_ok(&t->vmm, MV_CALL_QUIT, 0);
	mv_test_wait_end(&t->vmm, 0);
}

/* It ends after some resets, and says so once. */
static void reset_or_power_off(void **state)
{
	struct mv_tiny *t = *state;

	for (unsigned i = 0; i < 10; i++) {
		struct mv_message event;

		if (!i)
			with_devices(t, "storm", "reset_and_power_off", 2);
		mv_tiny_start(t);
		mv_test_wait_event(&t->vmm, MV_EVENT_STOPPED, &event);
		if (event.status.reason != MV_REASON_POWEROFF)
			fail_msg("it ended by '%s' (%s)", mv_reason_name(event.status.reason), event.status.detail);
		mv_message_clear(&event);
		mv_test_wait_end(&t->vmm, 0);
		mv_tiny_kill(t);
	}
}

struct plan {
	const char *guest;
	const char *which;
};

/* A hostile guest's image is an image like any other. */
static void saved_in_the_middle(void **state)
{
	struct mv_tiny *t = *state;
	const struct plan *plan = t->plan;
	char cmdline[64];

	snprintf(cmdline, sizeof(cmdline), "%s 1000000", plan->which);
	with_devices(t, plan->guest, cmdline, 2);
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "ready\n");
	mv_test_send(&t->vmm, "k");
	for (unsigned i = 0; i < 8; i++) {
		struct mv_message reply;

		/* Another moment each time; what comes meanwhile is taken. */
		for (unsigned k = 0; k <= i; k++) {
			poll(NULL, 0, 3);
			drop_all(&t->vmm);
		}
		mv_tiny_save_restore(t);
		assert_int_equal(mv_test_call(&t->vmm, MV_CALL_QUERY, 0, NULL, -1, &reply), 0);
		assert_int_equal(reply.status.state, MV_STATE_RUNNING);
		mv_message_clear(&reply);
	}
	mv_test_call_ok(&t->vmm, MV_CALL_QUIT, 0);
	mv_test_wait_end(&t->vmm, 0);
}

#define CASE(name_, fn, plan_)                                                                                        \
	{                                                                                                             \
		.name = (name_), .test_func = (fn), .setup_func = mv_tiny_set_up, .teardown_func = mv_tiny_tear_down, \
		.initial_state = (void *)(uintptr_t)(plan_)                                                           \
	}
#define SAVED(guest, which, victim) \
	CASE("saved_" which "_" victim, saved_in_the_middle, ((struct plan[]){ { guest, which " " victim } }))

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("resets_under_calls", resets_under_calls, "resets 1"),
		CASE("resets_of_four_under_calls", resets_under_calls, "resets 4"),
		MV_TINY(reset_or_power_off),
		SAVED("hostile_registers", "resets_by_two", "2"),
		SAVED("hostile_registers", "resets_by_two", "3"),
		SAVED("hostile_registers", "resets_by_two", "4"),
		SAVED("hostile_registers", "resets_by_two", "5"),
		SAVED("hostile_registers", "bar_moves_under_use", "2"),
		SAVED("hostile_registers", "bar_moves_under_use", "3"),
		SAVED("hostile_registers", "setup", "2"),
		SAVED("hostile_registers", "features", "5"),
		SAVED("hostile_rings", "rewritten", "2"),
		SAVED("hostile_rings", "rewritten", "3"),
		SAVED("hostile_rings", "rewritten", "4"),
		SAVED("hostile_rings", "loops", "5"),
		SAVED("hostile_devices", "console_control", "3"),
		SAVED("hostile_devices", "balloon_pages", "5"),
		SAVED("hostile_devices", "blk_cache_switch", "2"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
