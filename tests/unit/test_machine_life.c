/* A machine's life, with tiny guests on the local /dev/kvm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/harness/vmm.h"

static void says_hello_and_powers_off(void **state)
{
	struct mv_machine_spec spec;
	struct mv_test_vmm vmm;
	struct mv_message event;

	(void)state;
	if (!mv_test_have_kvm())
		skip();
	mv_test_spec(&spec, "hello");
	spec.start_paused = true;
	mv_test_start_ok(&vmm, &spec);
	mv_test_call_ok(&vmm, MV_CALL_RESUME, 0);
	mv_test_expect(&vmm, "hello\n");
	mv_test_event(&vmm, MV_EVENT_STOPPED, &event);
	assert_int_equal(event.status.state, MV_STATE_SHUTOFF);
	assert_int_equal(event.status.reason, MV_REASON_POWEROFF);
	mv_message_clear(&event);
	mv_test_wait_end(&vmm, 0);
	mv_test_stop(&vmm);
	mv_machine_spec_clear(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_hello_and_powers_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
