#include "tests/unit/fake_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct fake_machine *fake_of(struct mv_machine *m)
{
	return (struct fake_machine *)m;
}

static void on_request(struct mv_machine *m, enum mv_request request, enum mv_reason reason, const char *detail)
{
	struct fake_machine *f = fake_of(m);

	(void)detail;
	f->requests++;
	f->request = request;
	f->reason = reason;
}

static void on_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	struct fake_machine *f = fake_of(m);

	(void)text;
	f->events++;
	f->event = kind;
	f->event_number = number;
}

static int notify_add(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	(void)m;
	(void)space;
	(void)address;
	(void)len;
	(void)fd;
	return 0;
}

static void notify_remove(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	(void)notify_add(m, space, address, len, fd);
}

static const struct mv_machine_ops machine_ops = {
	.request = on_request,
	.event = on_event,
	.notify_add = notify_add,
	.notify_remove = notify_remove,
};

void fake_machine_init(struct fake_machine *f, uint64_t memory)
{
	memset(f, 0, sizeof(*f));
	mv_machine_spec_init(&f->spec);
	f->spec.memory = memory;
	f->machine.ops = &machine_ops;
	f->machine.spec = &f->spec;
	f->memory.fd = -1;
	assert_int_equal(mv_loop_create(&f->machine.loop, NULL), 0);
	assert_int_equal(mv_bus_create(&f->machine.bus, NULL), 0);
	assert_int_equal(mv_irq_create(-1, &f->machine.irq, NULL), 0);
	if (memory)
		assert_int_equal(mv_memory_create(&f->memory, memory, false, false, NULL), 0);
	f->machine.memory = &f->memory;
}

void fake_machine_release(struct fake_machine *f)
{
	mv_memory_release(&f->memory);
	mv_irq_free(f->machine.irq);
	mv_bus_free(f->machine.bus);
	mv_loop_free(f->machine.loop);
	mv_machine_spec_clear(&f->spec);
}

struct mv_dev *fake_machine_device(struct fake_machine *f, const struct mv_dev_ops *ops,
				   const struct mv_device_spec *spec)
{
	struct mv_dev *d = NULL;
	mv_auto(mv_error) err = NULL;

	if (mv_dev_create(ops, &f->machine, spec ? spec->id : ops->name, spec, &d, &err) < 0)
		fail_msg("%s", err ? err->message : "no reason given");
	return d;
}

uint8_t fake_in8(struct fake_machine *f, uint16_t port)
{
	uint8_t v;

	mv_bus_read(f->machine.bus, MV_SPACE_PORT, port, &v, 1);
	return v;
}

uint16_t fake_in16(struct fake_machine *f, uint16_t port)
{
	uint16_t v;

	mv_bus_read(f->machine.bus, MV_SPACE_PORT, port, &v, 2);
	return v;
}

uint32_t fake_in32(struct fake_machine *f, uint16_t port)
{
	uint32_t v;

	mv_bus_read(f->machine.bus, MV_SPACE_PORT, port, &v, 4);
	return v;
}

void fake_out8(struct fake_machine *f, uint16_t port, uint8_t value)
{
	mv_bus_write(f->machine.bus, MV_SPACE_PORT, port, &value, 1);
}

void fake_out16(struct fake_machine *f, uint16_t port, uint16_t value)
{
	mv_bus_write(f->machine.bus, MV_SPACE_PORT, port, &value, 2);
}

bool fake_irq(struct fake_machine *f, unsigned gsi)
{
	return mv_irq_get(f->machine.irq, gsi);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool fake_machine_until(struct fake_machine *f, bool (*done)(void *opaque), void *opaque)
{
	uint64_t limit = now_ms() + 10000;

	while (!done(opaque)) {
		if (now_ms() > limit)
			return false;
		mv_loop_once(f->machine.loop, 10);
	}
	return true;
}

void fake_machine_turn(struct fake_machine *f)
{
	mv_loop_once(f->machine.loop, 0);
}

void *fake_machine_save(struct mv_dev *d, size_t *size)
{
	mv_auto(mv_state) st = NULL;
	const void *body;
	void *copy;

	assert_int_equal(mv_state_saver(d->id, d->ops->version, &st, NULL), 0);
	assert_int_equal(d->ops->state(d, st, NULL), 0);
	assert_int_equal(mv_state_finish(st, NULL), 0);
	body = mv_state_body(st, size);
	copy = malloc(*size ? *size : 1);
	assert_non_null(copy);
	if (*size)
		memcpy(copy, body, *size);
	return copy;
}

int fake_machine_load(struct mv_dev *d, const void *body, size_t size)
{
	mv_auto(mv_state) st = NULL;

	assert_int_equal(mv_state_loader(d->id, d->ops->version, body, size, &st, NULL), 0);
	if (d->ops->state(d, st, NULL) < 0)
		return -1;
	return mv_state_finish(st, NULL);
}

void fake_machine_copy_state(struct mv_dev *from, struct mv_dev *to)
{
	size_t size;
	mv_autofree void *body = fake_machine_save(from, &size);

	assert_int_equal(fake_machine_load(to, body, size), 0);
}
