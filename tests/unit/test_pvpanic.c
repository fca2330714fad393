#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/kvm/dev/platform.h"
#include "tests/unit/fake_machine.h"

#define PORT 0x505

static const struct mv_device_spec spec = { .kind = MV_DEVICE_PVPANIC, .id = (char[]){ "panic0" } };

static void test_panic(void **state)
{
	struct fake_machine f;
	struct mv_dev *d;

	(void)state;
	fake_machine_init(&f, 0);
	d = fake_machine_device(&f, &mv_pvpanic_dev_ops, &spec);
	assert_int_equal(fake_in8(&f, PORT), 0x03);
	fake_out8(&f, PORT, 0x00);
	fake_out8(&f, PORT, 0xfc); /* events that were not offered */
	assert_int_equal(f.requests, 0);
	fake_out8(&f, PORT, 0x02);
	assert_int_equal(f.requests, 1);
	assert_int_equal(f.request, MV_REQUEST_PANIC);
	assert_int_equal(f.reason, MV_REASON_PANIC_LOADED);
	fake_out8(&f, PORT, 0x01);
	assert_int_equal(f.requests, 2);
	assert_int_equal(f.reason, MV_REASON_PANIC);
	fake_machine_copy_state(d, d);
	mv_dev_free(d);
	assert_int_equal(fake_in8(&f, PORT), 0xff);
	fake_machine_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_panic) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
