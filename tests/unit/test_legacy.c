#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/kvm/dev/platform.h"
#include "tests/unit/fake_machine.h"

#define PORT_A 0x92

static void test_fast_reset(void **state)
{
	struct fake_machine f;
	struct mv_dev *d, *other;
	struct fake_machine g;

	(void)state;
	fake_machine_init(&f, 0);
	d = fake_machine_device(&f, &mv_legacy_ops, NULL);
	assert_int_equal(fake_in8(&f, PORT_A), 0x02);
	fake_out8(&f, PORT_A, 0x00);
	assert_int_equal(fake_in8(&f, PORT_A), 0x02); /* A20 stays open */
	fake_out8(&f, PORT_A, 0x03);
	assert_int_equal(f.requests, 1);
	assert_int_equal(f.request, MV_REQUEST_RESET);
	assert_int_equal(f.reason, MV_REASON_RESET);
	/* It is the change of the bit that resets. */
	fake_machine_init(&g, 0);
	other = fake_machine_device(&g, &mv_legacy_ops, NULL);
	fake_machine_copy_state(d, other);
	fake_out8(&g, PORT_A, 0x03);
	assert_int_equal(g.requests, 0);
	other->ops->reset(other);
	fake_out8(&g, PORT_A, 0x03);
	assert_int_equal(g.requests, 1);
	mv_dev_free(other);
	fake_machine_release(&g);
	mv_dev_free(d);
	fake_machine_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fast_reset) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
