/* Guests that write what no driver writes into configuration space, BARs and device registers.
 * limit: 240
 * quick: no */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/hostile.h"

#define G "hostile_registers"

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_HOSTILE_ALL(G, "config_by_ecam"),
		MV_HOSTILE_ALL(G, "config_by_ports"),
		MV_HOSTILE_ALL(G, "bar_contents"),
		MV_HOSTILE_ALL(G, "bars_moved"),
		MV_HOSTILE_ALL(G, "bars_overlapping"),
		MV_HOSTILE_ALL(G, "features"),
		MV_HOSTILE_ALL(G, "setup"),
		MV_HOSTILE_ALL(G, "resets_by_two"),
		MV_HOSTILE_ALL(G, "bar_moves_under_use"),
		MV_HOSTILE_ALL(G, "msix_nonsense"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
