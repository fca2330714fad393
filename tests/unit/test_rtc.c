#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/kvm/dev/platform.h"
#include "tests/unit/fake_machine.h"

#define IRQ 8
#define A 0x0a
#define B 0x0b
#define C 0x0c
#define D 0x0d
#define CENTURY 0x32

struct clock {
	struct fake_machine f;
	struct mv_dev *dev;
};

static uint8_t get(struct clock *c, uint8_t index)
{
	fake_out8(&c->f, 0x70, index);
	return fake_in8(&c->f, 0x71);
}

static void put(struct clock *c, uint8_t index, uint8_t value)
{
	fake_out8(&c->f, 0x70, index);
	fake_out8(&c->f, 0x71, value);
}

static int setup(void **state)
{
	struct clock *c = calloc(1, sizeof(*c));

	fake_machine_init(&c->f, 0);
	c->f.spec.memory = UINT64_C(5) << 30;
	c->f.spec.vcpus = 3;
	c->dev = fake_machine_device(&c->f, &mv_rtc_ops, NULL);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct clock *c = *state;

	mv_dev_free(c->dev);
	fake_machine_release(&c->f);
	free(c);
	return 0;
}

static unsigned bcd(unsigned value)
{
	return value / 10 << 4 | value % 10;
}

/* As Linux sets it: stop, reset the divider, write, let go. The next second begins half a second later. */
static void set_time(struct clock *c, const uint8_t *fields /* s, m, h, day, month, year, century */)
{
	static const uint8_t regs[] = { 0, 2, 4, 7, 8, 9, CENTURY };
	uint8_t b = get(c, B), a = get(c, A) & 0x7f;

	put(c, B, b | 0x80);
	put(c, A, a | 0x70);
	for (unsigned i = 0; i < sizeof(regs); i++)
		put(c, regs[i], fields[i]);
	put(c, B, b);
	put(c, A, a);
}

static const uint8_t new_years_eve[] = { 0x58, 0x59, 0x23, 0x31, 0x12, 0x99, 0x20 };

static void test_time_of_day(void **state)
{
	struct clock *c = *state;
	time_t before, after;
	struct tm tm;

	do {
		before = time(NULL);
		gmtime_r(&before, &tm);
		assert_int_equal(get(c, D), 0x80);
		assert_int_equal(get(c, 4), bcd((unsigned)tm.tm_hour));
		assert_int_equal(get(c, 2), bcd((unsigned)tm.tm_min));
		assert_in_range(get(c, 0), bcd((unsigned)tm.tm_sec), bcd((unsigned)tm.tm_sec) + 7);
		assert_int_equal(get(c, 6), (unsigned)tm.tm_wday + 1);
		assert_int_equal(get(c, 7), bcd((unsigned)tm.tm_mday));
		assert_int_equal(get(c, 8), bcd((unsigned)tm.tm_mon + 1));
		assert_int_equal(get(c, 9), bcd((unsigned)tm.tm_year % 100));
		assert_int_equal(get(c, CENTURY), 0x20);
		after = time(NULL);
	} while (before != after);
}

static void test_set_time_and_rollover(void **state)
{
	struct clock *c = *state;
	uint8_t first;

	set_time(c, new_years_eve);
	first = get(c, 0);
	assert_int_equal(first, 0x58);
	assert_int_equal(get(c, 6), 5); /* a Thursday */
	put(c, B, get(c, B) | 0x04);    /* binary */
	assert_int_equal(get(c, 4), 23);
	assert_int_equal(get(c, 9), 99);
	put(c, B, 0x00); /* BCD, 12 hours */
	assert_int_equal(get(c, 4), 0x91);
	/* A write to a field while the clock runs sets just this one. */
	put(c, B, 0x02);
	put(c, 2, 0x30);
	assert_int_equal(get(c, 2), 0x30);
	assert_int_equal(get(c, 4), 0x23);
}

static void test_frozen_while_set(void **state)
{
	struct clock *c = *state;

	set_time(c, new_years_eve);
	put(c, B, 0x82);
	assert_int_equal(get(c, 0), 0x58);
	put(c, 0, 0x11);
	assert_int_equal(get(c, 0), 0x11);
	assert_int_equal(get(c, A) & 0x80, 0);
	put(c, B, 0x02);
	assert_int_equal(get(c, 0), 0x11);
}

static bool interrupted(void *opaque)
{
	return fake_irq(&((struct clock *)opaque)->f, IRQ);
}

static void test_alarm(void **state)
{
	struct clock *c = *state;

	set_time(c, new_years_eve);
	put(c, 1, 0x59);
	put(c, 3, 0x59);
	put(c, 5, 0x23);
	get(c, C);
	put(c, B, 0x22);
	assert_false(fake_irq(&c->f, IRQ));
	assert_true(fake_machine_until(&c->f, interrupted, c));
	assert_int_equal(get(c, 0), 0x59);
	assert_int_equal(get(c, C) & 0xa0, 0xa0);
	assert_false(fake_irq(&c->f, IRQ));
	assert_int_equal(get(c, C), 0);
}

/* Without interrupts the flags can be polled. Hours that do not matter cross midnight. */
static void test_alarm_polled(void **state)
{
	struct clock *c = *state;
	static const uint8_t midnight[] = { 0x59, 0x59, 0x23, 0x31, 0x12, 0x99, 0x20 };

	set_time(c, midnight);
	put(c, 1, 0x00);
	put(c, 3, 0x00);
	put(c, 5, 0xff);
	get(c, C);
	while (!(get(c, C) & 0x20))
		assert_int_not_equal(get(c, 0), 0x01);
	assert_int_equal(get(c, 0), 0x00);
	assert_int_equal(get(c, 7), 0x01);
	assert_int_equal(get(c, 8), 0x01);
	assert_int_equal(get(c, 9), 0x00);
	assert_int_equal(get(c, CENTURY), 0x21);
	assert_false(fake_irq(&c->f, IRQ));
}

static void test_alarm_without_time(void **state)
{
	struct clock *c = *state;

	put(c, 5, 0x77);
	put(c, B, 0x22);
	fake_machine_turn(&c->f);
	assert_false(fake_irq(&c->f, IRQ));
}

/* A flag that is up for a quarter of a millisecond each second. */
static void test_update_in_progress(void **state)
{
	struct clock *c = *state;
	time_t start = time(NULL);

	while (!(get(c, A) & 0x80))
		assert_true(time(NULL) - start < 30);
	while (get(c, A) & 0x80)
		;
}

static void test_update_interrupt(void **state)
{
	struct clock *c = *state;

	set_time(c, new_years_eve);
	get(c, C);
	put(c, B, 0x12);
	assert_true(fake_machine_until(&c->f, interrupted, c));
	assert_int_equal(get(c, 0), 0x59);
	assert_int_equal(get(c, C) & 0x90, 0x90);
	/* SET switches it off. */
	put(c, B, 0x92);
	assert_int_equal(get(c, B), 0x82);
}

static void test_periodic_interrupt(void **state)
{
	struct clock *c = *state;

	put(c, A, 0x2a); /* 64 Hz */
	get(c, C);
	put(c, B, 0x42);
	for (int i = 0; i < 10; i++) {
		assert_true(fake_machine_until(&c->f, interrupted, c));
		assert_int_equal(get(c, C) & 0xc0, 0xc0);
		assert_false(fake_irq(&c->f, IRQ));
	}
	put(c, A, 0x20);
	assert_int_equal(get(c, C) & 0x80, 0);
}

static void test_memory_sizes(void **state)
{
	struct clock *c = *state;

	assert_int_equal(get(c, 0x15) | get(c, 0x16) << 8, 640);
	assert_int_equal(get(c, 0x30) | get(c, 0x31) << 8, 65535);
	assert_int_equal(get(c, 0x34) | get(c, 0x35) << 8, (3072 - 16) * 16);
	assert_int_equal(get(c, 0x5b) | get(c, 0x5c) << 8 | get(c, 0x5d) << 16, 2048 * 16);
	assert_int_equal(get(c, 0x5f), 2);
	put(c, 0x40, 0xab);
	assert_int_equal(get(c, 0xc0), 0xab); /* the NMI mask is no part of the index */
	assert_int_equal(fake_in8(&c->f, 0x70), 0xff);
}

static void test_reset_keeps_time(void **state)
{
	struct clock *c = *state;

	set_time(c, new_years_eve);
	put(c, B, 0x72);
	put(c, 0x40, 1);
	c->dev->ops->reset(c->dev);
	assert_int_equal(get(c, B), 0x02);
	assert_int_equal(get(c, 9), 0x99);
	assert_int_equal(get(c, 0x40), 1);
	assert_false(fake_irq(&c->f, IRQ));
}

/* Saved with an alarm ahead: it goes off in the machine that loads. */
static void test_state(void **state)
{
	struct clock *c = *state, other = { 0 };

	set_time(c, new_years_eve);
	put(c, 1, 0x59);
	put(c, 3, 0xff);
	put(c, 5, 0xff);
	get(c, C);
	put(c, B, 0x22);
	put(c, 0x40, 0x77);
	fake_machine_init(&other.f, 0);
	other.dev = fake_machine_device(&other.f, &mv_rtc_ops, NULL);
	fake_machine_copy_state(c->dev, other.dev);
	assert_int_equal(get(&other, 9), 0x99);
	assert_int_equal(get(&other, 0x40), 0x77);
	assert_true(fake_machine_until(&other.f, interrupted, &other));
	assert_int_equal(get(&other, 0), 0x59);
	mv_dev_free(other.dev);
	fake_machine_release(&other.f);
}

/* Anything in the registers and any saved state: no undefined arithmetic (UBSan judges), no endless search. */
static void test_hostile(void **state)
{
	struct clock *c = *state;
	uint32_t seed = 1;
	size_t size;
	mv_autofree uint8_t *body = fake_machine_save(c->dev, &size);

	for (int i = 0; i < 200000; i++) {
		seed = seed * 1103515245 + 12345;
		put(c, (uint8_t)(seed >> 16) % 0x34, (uint8_t)(seed >> 24));
		if (i % 16 == 0)
			get(c, (uint8_t)(seed >> 8) % 0x34);
	}
	for (size_t i = 0; i < size; i++) {
		uint8_t before = body[i];

		for (int v = 0; v < 256; v += 51) {
			body[i] = (uint8_t)v;
			fake_machine_load(c->dev, body, size);
			get(c, C);
			get(c, 0);
		}
		body[i] = before;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_time_of_day),
		TEST(test_set_time_and_rollover),
		TEST(test_frozen_while_set),
		TEST(test_alarm),
		TEST(test_alarm_polled),
		TEST(test_alarm_without_time),
		TEST(test_update_in_progress),
		TEST(test_update_interrupt),
		TEST(test_periodic_interrupt),
		TEST(test_memory_sizes),
		TEST(test_reset_keeps_time),
		TEST(test_state),
		TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
