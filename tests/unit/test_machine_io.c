/* Port and memory I/O, interrupts and timers, as a guest sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

struct plan {
	const char *guest;
	const char *which;
};

static void begin(struct mv_tiny *t)
{
	const struct plan *p = t->plan;

	mv_tiny_begin(t, p->guest, p->which);
	mv_tiny_add_rng(t, 1);
	mv_tiny_start(t);
}

static void runs(void **state)
{
	begin(*state);
	mv_tiny_done(*state);
}

static void strings_come_whole(void **state)
{
	struct mv_tiny *t = *state;
	char expected[4096 + 2];

	begin(t);
	mv_test_expect(&t->vmm, "written as a string\n");
	memset(expected, 'x', 4096);
	memcpy(expected + 4096, "\n", 2);
	mv_test_expect(&t->vmm, expected);
	mv_tiny_done(t);
}

static void types_a_key(void **state)
{
	struct mv_tiny *t = *state;

	begin(t);
	mv_test_expect(&t->vmm, "type\n");
	mv_test_send(&t->vmm, "k");
	mv_tiny_done(t);
}

static void presses_the_button(void **state)
{
	struct mv_tiny *t = *state;

	begin(t);
	mv_test_expect(&t->vmm, "press\n");
	mv_test_call_ok(&t->vmm, MV_CALL_POWER_BUTTON, 0);
	mv_test_wait_event(&t->vmm, MV_EVENT_POWER_BUTTON, NULL);
	mv_test_send(&t->vmm, "k");
	mv_test_expect(&t->vmm, "press\n");
	mv_test_call_ok(&t->vmm, MV_CALL_POWER_BUTTON, 0);
	mv_tiny_done(t);
}

#define CASE(guest_, which_, fn)                                                            \
	{                                                                                   \
		.name = guest_ "_" which_, .test_func = (fn), .setup_func = mv_tiny_set_up, \
		.teardown_func = mv_tiny_tear_down, .initial_state = (struct plan[])        \
		{                                                                           \
			{                                                                   \
				guest_, which_                                              \
			}                                                                   \
		}                                                                           \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("io", "ports", runs),
		CASE("io", "absent_ports", runs),
		CASE("io", "strings", strings_come_whole),
		CASE("io", "memory", runs),
		CASE("io", "absent_memory", runs),
		CASE("io", "crossing", runs),
		CASE("io", "memory_strings", runs),
		CASE("io", "page_fault", runs),
		CASE("io", "exceptions", runs),
		CASE("timers", "pit_by_pic", runs),
		CASE("timers", "pit_by_ioapic", runs),
		CASE("timers", "pit_one_shot", runs),
		CASE("timers", "lapic_timer", runs),
		CASE("timers", "tsc_deadline_xapic", runs),
		CASE("timers", "tsc_deadline_x2apic", runs),
		CASE("timers", "serial_by_pic", types_a_key),
		CASE("timers", "serial_by_ioapic", types_a_key),
		CASE("timers", "power_button_by_pic", presses_the_button),
		CASE("timers", "power_button_by_ioapic", presses_the_button),
		CASE("timers", "rtc", runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
