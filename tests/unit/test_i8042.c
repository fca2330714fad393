#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/kvm/dev/platform.h"
#include "tests/unit/fake_machine.h"

#define DATA 0x60
#define COMMAND 0x64

struct keyboard {
	struct fake_machine f;
	struct mv_dev *dev;
};

static int setup(void **state)
{
	struct keyboard *k = calloc(1, sizeof(*k));

	fake_machine_init(&k->f, 0);
	k->dev = fake_machine_device(&k->f, &mv_i8042_ops, NULL);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct keyboard *k = *state;

	mv_dev_free(k->dev);
	fake_machine_release(&k->f);
	free(k);
	return 0;
}

static uint8_t ask(struct keyboard *k, uint8_t command)
{
	fake_out8(&k->f, COMMAND, command);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x01, 0x01);
	return fake_in8(&k->f, DATA);
}

static void test_reset_pulse(void **state)
{
	struct keyboard *k = *state;

	/* As Linux does: the input buffer must never be full, then the pulse. */
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x02, 0);
	fake_out8(&k->f, COMMAND, 0xff);
	assert_int_equal(k->f.requests, 0);
	fake_out8(&k->f, COMMAND, 0xfe);
	assert_int_equal(k->f.requests, 1);
	assert_int_equal(k->f.request, MV_REQUEST_RESET);
	assert_int_equal(k->f.reason, MV_REASON_RESET);
}

static void test_reset_by_output_port(void **state)
{
	struct keyboard *k = *state;

	assert_int_equal(ask(k, 0xd0), 0x03);
	fake_out8(&k->f, COMMAND, 0xd1);
	fake_out8(&k->f, DATA, 0x03);
	assert_int_equal(k->f.requests, 0);
	fake_out8(&k->f, COMMAND, 0xd1);
	fake_out8(&k->f, DATA, 0x02);
	assert_int_equal(k->f.requests, 1);
}

static void test_self_test(void **state)
{
	struct keyboard *k = *state;

	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x04, 0);
	assert_int_equal(ask(k, 0xaa), 0x55);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x04, 0x04);
	assert_int_equal(ask(k, 0xab), 0x00);
	assert_int_equal(ask(k, 0xa9), 0x00);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x01, 0);
}

static void test_config(void **state)
{
	struct keyboard *k = *state;

	fake_out8(&k->f, COMMAND, 0x60);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x08, 0x08);
	fake_out8(&k->f, DATA, 0x07);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x08, 0);
	assert_int_equal(ask(k, 0x20), 0x07);
	fake_out8(&k->f, COMMAND, 0xad);
	fake_out8(&k->f, COMMAND, 0xa7);
	assert_int_equal(ask(k, 0x20), 0x37);
	fake_out8(&k->f, COMMAND, 0xae);
	fake_out8(&k->f, COMMAND, 0xa8);
	assert_int_equal(ask(k, 0x20), 0x07);
}

/* No one is at home: the controller says so itself, with its timeout bit. */
static void test_no_keyboard_no_mouse(void **state)
{
	struct keyboard *k = *state;

	fake_out8(&k->f, DATA, 0xff);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x61, 0x41);
	assert_int_equal(fake_in8(&k->f, DATA), 0xfe);
	fake_out8(&k->f, COMMAND, 0xd4);
	fake_out8(&k->f, DATA, 0xf2);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x61, 0x61);
	assert_int_equal(fake_in8(&k->f, DATA), 0xfe);
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x61, 0);
}

static void test_interrupts(void **state)
{
	struct keyboard *k = *state;

	fake_out8(&k->f, COMMAND, 0x60);
	fake_out8(&k->f, DATA, 0x03);
	fake_out8(&k->f, COMMAND, 0xd2);
	fake_out8(&k->f, DATA, 0x1c);
	assert_true(fake_irq(&k->f, 1));
	assert_false(fake_irq(&k->f, 12));
	assert_int_equal(fake_in8(&k->f, DATA), 0x1c);
	assert_false(fake_irq(&k->f, 1));
	fake_out8(&k->f, COMMAND, 0xd3);
	fake_out8(&k->f, DATA, 0xa5);
	assert_true(fake_irq(&k->f, 12));
	k->dev->ops->reset(k->dev);
	assert_false(fake_irq(&k->f, 12));
	assert_int_equal(fake_in8(&k->f, COMMAND) & 0x01, 0);
}

/* Saved between a command and its data, and with a byte waiting. */
static void test_state(void **state)
{
	struct keyboard *k = *state, other = { 0 };

	fake_out8(&k->f, COMMAND, 0x60);
	fake_out8(&k->f, DATA, 0x01);
	fake_out8(&k->f, COMMAND, 0xd2);
	fake_out8(&k->f, DATA, 0x1c);
	fake_out8(&k->f, COMMAND, 0x60);
	fake_machine_init(&other.f, 0);
	other.dev = fake_machine_device(&other.f, &mv_i8042_ops, NULL);
	fake_machine_copy_state(k->dev, other.dev);
	assert_true(fake_irq(&other.f, 1));
	assert_int_equal(fake_in8(&other.f, DATA), 0x1c);
	assert_false(fake_irq(&other.f, 1));
	fake_out8(&other.f, DATA, 0x05);
	assert_int_equal(ask(&other, 0x20), 0x05);
	mv_dev_free(other.dev);
	fake_machine_release(&other.f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reset_pulse), TEST(test_reset_by_output_port), TEST(test_self_test),
		TEST(test_config),      TEST(test_no_keyboard_no_mouse), TEST(test_interrupts),
		TEST(test_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
