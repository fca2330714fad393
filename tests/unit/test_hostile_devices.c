/* Guests whose requests break the rules of the device they go to.
 * limit: 240
 * quick: no */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/hostile.h"

#define G "hostile_devices"

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_HOSTILE(G, "blk_shapes", "blk", 2),          MV_HOSTILE(G, "blk_ranges", "blk", 2),
		MV_HOSTILE(G, "blk_overlaps", "blk", 2),        MV_HOSTILE(G, "blk_cache_switch", "blk", 2),
		MV_HOSTILE(G, "console_control", "console", 3), MV_HOSTILE(G, "console_output", "console", 3),
		MV_HOSTILE(G, "balloon_pages", "balloon", 5),   MV_HOSTILE(G, "balloon_reports", "balloon", 5),
		MV_HOSTILE(G, "rng_greedy", "rng", 4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
