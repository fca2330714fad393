/* Save and restore in the middle of everything: each guest checks itself, and goes on in another machine where it was.
 *
 * limit: 240
 * quick: no */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

#define ROUNDS 6

struct plan {
	const char *which;
	unsigned vcpus;
};

static void begin(struct mv_tiny *t)
{
	const struct plan *p = t->plan;
	char cmdline[64];

	snprintf(cmdline, sizeof(cmdline), "%s %u", p->which, p->vcpus);
	mv_tiny_begin(t, "busy", cmdline);
	mv_tiny_vcpus(t, p->vcpus);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_start(t);
}

/* The guest says "." as it gets on. */
static void goes_on(void **state)
{
	struct mv_tiny *t = *state;

	begin(t);
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* A different moment each time. */
		for (unsigned i = 0; i <= round; i++)
			mv_test_expect(&t->vmm, ".");
		mv_tiny_save_restore(t);
		/* What was said before the save is no proof. */
		t->vmm.output_len = 0;
		mv_test_expect(&t->vmm, ".");
	}
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* The guest has something pending; it comes after the restore. */
static void keeps_pending(void **state)
{
	struct mv_tiny *t = *state;

	begin(t);
	mv_test_expect(&t->vmm, "pending\n");
	mv_tiny_save_restore(t);
	mv_tiny_save_restore(t);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

static void keeps_unstarted(void **state)
{
	struct mv_tiny *t = *state;

	begin(t);
	for (unsigned round = 0; round < 4; round++) {
		mv_test_expect(&t->vmm, "pending\n");
		mv_tiny_save_restore(t);
		mv_test_send(&t->vmm, "q");
	}
	mv_tiny_done(t);
}

static void keeps_input(void **state)
{
	struct mv_tiny *t = *state;

	begin(t);
	mv_test_expect(&t->vmm, "pending\n");
	mv_test_send(&t->vmm, "abc");
	mv_test_expect(&t->vmm, "pending\n");
	mv_tiny_save_restore(t);
	mv_tiny_done(t);
}

/* Every byte once and in order, over all machines. */
static void loses_no_output(void **state)
{
	struct mv_tiny *t = *state;
	unsigned line = 0;

	begin(t);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < 50 + round * 3; i++, line++) {
			char text[65];

			snprintf(text, sizeof(text), "%08x-------------------------------------------------------\n",
				 line);
			/* Nothing before it either. */
			while (t->vmm.output_len < 64) {
				ssize_t n = read(t->vmm.console, t->vmm.output + t->vmm.output_len,
						 sizeof(t->vmm.output) - t->vmm.output_len);

				assert_true(n > 0);
				t->vmm.output_len += (size_t)n;
			}
			assert_memory_equal(t->vmm.output, text, 64);
			mv_test_expect(&t->vmm, text);
		}
		mv_tiny_save_restore(t);
	}
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* A paused guest stays paused over save and restore when that is asked for. */
static void stays_paused(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_message reply;
	int fd;

	mv_tiny_begin(t, "busy", "hlt_lapic 1");
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "...");
	mv_test_call_ok(&t->vmm, MV_CALL_SUSPEND, 0);
	fd = mv_tiny_keep(t, mv_test_file());
	assert_int_equal(mv_test_call(&t->vmm, MV_CALL_SAVE, MV_SAVE_THEN_QUIT, NULL, fd, NULL), 0);
	mv_test_wait_end(&t->vmm, 0);
	mv_tiny_kill(t);
	t->spec.restore_fd = fd;
	t->spec.start_paused = true;
	mv_tiny_start(t);
	assert_int_equal(mv_test_call(&t->vmm, MV_CALL_QUERY, 0, NULL, -1, &reply), 0);
	assert_int_equal(reply.status.state, MV_STATE_PAUSED);
	assert_int_equal(reply.status.reason, MV_REASON_RESTORED);
	mv_message_clear(&reply);
	/* A machine that was restored and never ran can be saved again. */
	fd = mv_tiny_keep(t, mv_test_file());
	assert_int_equal(mv_test_call(&t->vmm, MV_CALL_SAVE, MV_SAVE_THEN_QUIT, NULL, fd, NULL), 0);
	mv_test_wait_end(&t->vmm, 0);
	mv_tiny_kill(t);
	t->spec.restore_fd = fd;
	t->spec.start_paused = false;
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "...");
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

#define CASE(which_, vcpus_, fn)                                                                                       \
	{                                                                                                              \
		.name = (which_), .test_func = (fn), .setup_func = mv_tiny_set_up, .teardown_func = mv_tiny_tear_down, \
		.initial_state = (struct plan[])                                                                       \
		{                                                                                                      \
			{                                                                                              \
				which_, vcpus_                                                                         \
			}                                                                                              \
		}                                                                                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("rep_out", 1, loses_no_output),
		CASE("rep_in", 1, goes_on),
		CASE("mmio", 1, goes_on),
		CASE("registers", 1, goes_on),
		CASE("hlt_pit", 1, goes_on),
		CASE("hlt_pit_ioapic", 1, goes_on),
		CASE("hlt_lapic", 1, goes_on),
		CASE("hlt_x2apic", 1, goes_on),
		CASE("hlt_deadline", 1, goes_on),
		CASE("hlt_rtc", 1, goes_on),
		CASE("pending_ipi", 1, keeps_pending),
		CASE("pending_tpr", 1, keeps_pending),
		CASE("pending_pic", 1, keeps_pending),
		CASE("pending_msix", 1, keeps_pending),
		CASE("pending_intx", 1, keeps_pending),
		CASE("pending_input", 1, keeps_input),
		CASE("rng_flight", 1, goes_on),
		CASE("blk_flight", 1, goes_on),
		CASE("blk_interrupt", 1, goes_on),
		CASE("smp_running", 4, goes_on),
		CASE("smp_halted", 4, goes_on),
		CASE("smp_unstarted", 4, keeps_unstarted),
		MV_TINY(stays_paused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
