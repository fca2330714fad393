/* Several vCPUs as a guest finds, starts and interrupts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

struct plan {
	const char *which;
	unsigned sockets, cores, threads;
};

static void begin(struct mv_tiny *t)
{
	const struct plan *p = t->plan;
	char cmdline[64];

	snprintf(cmdline, sizeof(cmdline), "%s %u", p->which, p->sockets * p->cores * p->threads);
	mv_tiny_begin(t, "cpus", cmdline);
	t->spec.sockets = p->sockets;
	t->spec.cores = p->cores;
	t->spec.threads = p->threads;
	t->spec.vcpus = p->sockets * p->cores * p->threads;
	mv_tiny_start(t);
}

static void runs(void **state)
{
	begin(*state);
	mv_tiny_done(*state);
}

static unsigned bits_for(unsigned count)
{
	unsigned bits = 0;

	while (1U << bits < count)
		bits++;
	return bits;
}

/* What leaf 0xb must say, from the specification's numbers alone. */
static void topology(void **state)
{
	struct mv_tiny *t = *state;
	const struct plan *p = t->plan;
	/* Never zero, which a static analyser cannot see. */
	unsigned threads = p->threads ? p->threads : 1, cores = p->cores ? p->cores : 1;
	unsigned count = p->sockets * cores * threads;
	unsigned thread_bits = bits_for(p->threads), core_bits = thread_bits + bits_for(p->cores);

	begin(t);
	/* The first processor speaks last. */
	for (unsigned i = 1; i <= count; i++) {
		unsigned n = i % count;
		unsigned id = (n / (cores * threads)) << core_bits | (n / threads % cores) << thread_bits | n % threads;
		char line[256];

		snprintf(line, sizeof(line),
			 "cpu id=%x initial=%x logical=%x%s level type=1 shift=%x count=%x x2apic=%x"
			 " level type=2 shift=%x count=%x x2apic=%x level type=0 shift=0 count=0 x2apic=%x\n",
			 id, id, 1U << core_bits, p->cores * p->threads > 1 ? " htt=1" : "", thread_bits, p->threads,
			 id, core_bits, p->cores * p->threads, id, id);
		mv_test_expect(&t->vmm, line);
	}
	mv_tiny_done(t);
}

#define CASE(name_, fn, ...)                                                                                      \
	{                                                                                                         \
		.name = name_, .test_func = fn, .setup_func = mv_tiny_set_up, .teardown_func = mv_tiny_tear_down, \
		.initial_state = (struct plan[])                                                                  \
		{                                                                                                 \
			__VA_ARGS__                                                                               \
		}                                                                                                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("starts_2_by_xapic", runs, { "start_xapic", 2, 1, 1 }),
		CASE("starts_4_by_xapic", runs, { "start_xapic", 4, 1, 1 }),
		CASE("starts_4_by_x2apic", runs, { "start_x2apic", 1, 4, 1 }),
		CASE("starts_9_by_x2apic", runs, { "start_x2apic", 9, 1, 1 }),
		CASE("one_socket_one_core", topology, { "topology", 1, 1, 1 }),
		CASE("four_sockets", topology, { "topology", 4, 1, 1 }),
		CASE("four_cores", topology, { "topology", 1, 4, 1 }),
		CASE("two_threads_a_core", topology, { "topology", 1, 2, 2 }),
		CASE("two_of_everything", topology, { "topology", 2, 2, 2 }),
		CASE("interrupts_all_others", runs, { "ipi", 4, 1, 1 }),
		CASE("nmi_reaches_a_halted_one", runs, { "nmi", 2, 1, 1 }),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
