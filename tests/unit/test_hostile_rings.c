/* Guests whose rings and chains break every rule.
 * limit: 240
 * quick: no */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/hostile.h"

#define G "hostile_rings"

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_HOSTILE_ALL(G, "rings_outside"),
		MV_HOSTILE_ALL(G, "rings_at_end"),
		MV_HOSTILE_ALL(G, "rings_overlapping"),
		MV_HOSTILE_ALL(G, "buffers_outside"),
		MV_HOSTILE_ALL(G, "index_runs_away"),
		MV_HOSTILE_ALL(G, "heads_out_of_range"),
		MV_HOSTILE_ALL(G, "loops"),
		MV_HOSTILE_ALL(G, "chain_of_65536"),
		MV_HOSTILE_ALL(G, "indirect_tables"),
		MV_HOSTILE_ALL(G, "lengths"),
		MV_HOSTILE_ALL(G, "edges"),
		MV_HOSTILE_ALL(G, "rewritten"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
