/* Runs a hostile guest (tests/guest/lib/hostile.h) on a machine with a device of each kind, and sees that the process
 * neither dies nor grows, and that all devices work afterwards. */
#ifndef MV_TESTS_HARNESS_HOSTILE_H
#define MV_TESTS_HARNESS_HOSTILE_H

#include "tests/harness/tiny.h"

struct mv_hostile_plan {
	const char *guest;
	const char *which;
	unsigned victim; /* virtio device id, the guest's argument */
};

/* A cmocka test whose initial state is a struct mv_hostile_plan. */
void mv_hostile_run(void **state);

#define MV_HOSTILE(guest_, which_, name_, victim_)                                                   \
	{                                                                                            \
		.name = which_ "_" name_, .test_func = mv_hostile_run, .setup_func = mv_tiny_set_up, \
		.teardown_func = mv_tiny_tear_down, .initial_state = (struct mv_hostile_plan[])      \
		{                                                                                    \
			{                                                                            \
				guest_, which_, victim_                                              \
			}                                                                            \
		}                                                                                    \
	}
/* The case with each kind of device as the victim. */
#define MV_HOSTILE_ALL(guest_, which_)                                                  \
	MV_HOSTILE(guest_, which_, "blk", 2), MV_HOSTILE(guest_, which_, "console", 3), \
		MV_HOSTILE(guest_, which_, "rng", 4), MV_HOSTILE(guest_, which_, "balloon", 5)

#endif
