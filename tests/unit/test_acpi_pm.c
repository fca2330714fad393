#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/platform.h"
#include "tests/unit/fake_machine.h"

#define STATUS MV_PORT_PM_BASE
#define ENABLE (MV_PORT_PM_BASE + 2)
#define CONTROL (MV_PORT_PM_BASE + 4)
#define POWER_BUTTON 0x0100
#define SLEEP 0x2000

struct pm {
	struct fake_machine f;
	struct mv_dev *dev;
};

static int setup(void **state)
{
	struct pm *p = calloc(1, sizeof(*p));

	fake_machine_init(&p->f, 0);
	p->dev = fake_machine_device(&p->f, &mv_acpi_pm_ops, NULL);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pm *p = *state;

	mv_dev_free(p->dev);
	fake_machine_release(&p->f);
	free(p);
	return 0;
}

static void test_power_button(void **state)
{
	struct pm *p = *state;

	/* Pressed before anybody listens: remembered. */
	p->dev->ops->power_button(p->dev);
	assert_false(fake_irq(&p->f, MV_GSI_SCI));
	assert_int_equal(fake_in16(&p->f, STATUS), POWER_BUTTON);
	fake_out16(&p->f, ENABLE, POWER_BUTTON);
	assert_int_equal(fake_in16(&p->f, ENABLE), POWER_BUTTON);
	assert_true(fake_irq(&p->f, MV_GSI_SCI));
	fake_out16(&p->f, STATUS, 0x0001);
	assert_true(fake_irq(&p->f, MV_GSI_SCI));
	fake_out16(&p->f, STATUS, POWER_BUTTON);
	assert_false(fake_irq(&p->f, MV_GSI_SCI));
	assert_int_equal(fake_in16(&p->f, STATUS), 0);
	p->dev->ops->power_button(p->dev);
	assert_true(fake_irq(&p->f, MV_GSI_SCI));
	p->dev->ops->reset(p->dev);
	assert_false(fake_irq(&p->f, MV_GSI_SCI));
}

static void test_power_off(void **state)
{
	struct pm *p = *state;

	assert_int_equal(fake_in16(&p->f, CONTROL), 0x0001);
	/* The type alone, or another sleep state, does nothing. */
	fake_out16(&p->f, CONTROL, MV_PM_S5_TYPE << 10 | 1);
	assert_int_equal(fake_in16(&p->f, CONTROL), MV_PM_S5_TYPE << 10 | 1);
	fake_out16(&p->f, CONTROL, SLEEP | 3 << 10);
	assert_int_equal(p->f.requests, 0);
	fake_out16(&p->f, CONTROL, SLEEP | MV_PM_S5_TYPE << 10);
	assert_int_equal(p->f.requests, 1);
	assert_int_equal(p->f.request, MV_REQUEST_POWEROFF);
	assert_int_equal(p->f.reason, MV_REASON_POWEROFF);
	/* The sleep bit reads as zero, ACPI mode stays on. */
	assert_int_equal(fake_in16(&p->f, CONTROL), MV_PM_S5_TYPE << 10 | 1);
	/* Byte by byte, too. */
	fake_out8(&p->f, CONTROL + 1, (SLEEP | MV_PM_S5_TYPE << 10) >> 8);
	assert_int_equal(p->f.requests, 2);
}

static void test_reset_register(void **state)
{
	struct pm *p = *state;

	fake_out8(&p->f, MV_PORT_PM_RESET, 0x00);
	assert_int_equal(p->f.requests, 0);
	fake_out8(&p->f, MV_PORT_PM_RESET, MV_PM_RESET_VALUE);
	assert_int_equal(p->f.requests, 1);
	assert_int_equal(p->f.request, MV_REQUEST_RESET);
	assert_int_equal(p->f.reason, MV_REASON_RESET);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void test_timer_runs_at_its_rate(void **state)
{
	struct pm *p = *state;
	uint64_t before = now_ns(), after, inner_before, inner_after, ticks;
	uint32_t first, last;

	first = fake_in32(&p->f, MV_PORT_PM_TIMER);
	inner_before = now_ns();
	do
		inner_after = now_ns();
	while (inner_after - inner_before < 20000000);
	last = fake_in32(&p->f, MV_PORT_PM_TIMER);
	after = now_ns();
	ticks = last - first;
	assert_true(ticks <= (after - before) * 3579545 / 1000000000 + 1);
	assert_true(ticks + 1 >= (inner_after - inner_before) * 3579545 / 1000000000);
}

/* Loads a state whose timer is about to change its highest bit. */
static void test_timer_event(void **state)
{
	struct pm *p = *state;
	size_t size;
	mv_autofree uint8_t *body = NULL;

	fake_out16(&p->f, ENABLE, 0x0001);
	assert_int_equal(fake_in16(&p->f, STATUS), 0);
	body = fake_machine_save(p->dev, &size);
	/* The timer is the last field. */
	mv_put_le64(body + size - 8, 0x80000000 - 3579545 / 50);
	assert_int_equal(fake_machine_load(p->dev, body, size), 0);
	while (!fake_irq(&p->f, MV_GSI_SCI))
		mv_loop_once(p->f.machine.loop, 100);
	assert_true(fake_in32(&p->f, MV_PORT_PM_TIMER) >= 0x80000000);
	fake_out16(&p->f, STATUS, 0x0001);
	assert_false(fake_irq(&p->f, MV_GSI_SCI));
}

static void test_general_purpose_events(void **state)
{
	struct pm *p = *state;

	assert_int_equal(fake_in16(&p->f, MV_PORT_PM_GPE0), 0);
	fake_out8(&p->f, MV_PORT_PM_GPE0 + 1, 0xff);
	assert_int_equal(fake_in8(&p->f, MV_PORT_PM_GPE0 + 1), 0xff);
	assert_int_equal(fake_in8(&p->f, MV_PORT_PM_GPE0), 0);
	assert_false(fake_irq(&p->f, MV_GSI_SCI));
}

static void test_state(void **state)
{
	struct pm *p = *state;
	struct fake_machine other;
	struct mv_dev *dev;
	uint32_t timer;

	fake_out16(&p->f, ENABLE, POWER_BUTTON);
	p->dev->ops->power_button(p->dev);
	fake_machine_init(&other, 0);
	dev = fake_machine_device(&other, &mv_acpi_pm_ops, NULL);
	timer = fake_in32(&p->f, MV_PORT_PM_TIMER);
	fake_machine_copy_state(p->dev, dev);
	assert_true(fake_irq(&other, MV_GSI_SCI));
	assert_int_equal(fake_in16(&other, STATUS), POWER_BUTTON);
	assert_true(fake_in32(&other, MV_PORT_PM_TIMER) - timer < 3579545 * 10);
	fake_out16(&other, STATUS, POWER_BUTTON);
	assert_false(fake_irq(&other, MV_GSI_SCI));
	mv_dev_free(dev);
	fake_machine_release(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_power_button),   TEST(test_power_off),
		TEST(test_reset_register), TEST(test_timer_runs_at_its_rate),
		TEST(test_timer_event),    TEST(test_general_purpose_events),
		TEST(test_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
