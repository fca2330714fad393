/* The virtio-pci transport, driven by a guest's accesses through the bus: the way a driver should, and every way it
 * should not. The device under it echoes what it reads into what it may write. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "tests/unit/virtio_guest.h"

#define SLOT 6
#define QUEUES 3
#define QUEUE_SIZE 64
#define CONFIG_SIZE 21
#define FEATURE 5 /* the device's only one */
#define TAG_ECHOES 1000
#define RINGS 0x10000 /* 64 KiB for each queue */
#define BUFFERS 0x80000
#define BAR_SIZE 0x8000
#define EVENTS 8 /* that a device sends at once */

struct echo {
	struct mv_virtio v;
	uint8_t config[CONFIG_SIZE];
	uint64_t echoes; /* saved */
	unsigned activated, reset, paused, resumed, notified;
	bool active, refuse;
};

struct notifier {
	uint64_t address;
	int fd;
};

struct rig {
	struct fake_machine f;
	struct mv_machine_ops ops;
	struct mv_dev *host, *dev;
	struct echo *echo;
	struct vg_device g;
	struct vg_queue q[QUEUES];
	unsigned descriptors;
	struct notifier notifiers[8];
	unsigned notifier_count, notifier_errors;
	bool no_notifiers;
	char event[512];
};

/* ---- the device ---- */

static void echo_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	assert_true(offset + len <= CONFIG_SIZE && len >= 1);
	memcpy(buf, ((struct echo *)v)->config + offset, len);
}

static void echo_config_write(struct mv_virtio *v, uint32_t offset, const void *buf, unsigned len)
{
	assert_true(offset + len <= CONFIG_SIZE && len >= 1);
	memcpy(((struct echo *)v)->config + offset, buf, len);
}

static int echo_activate(struct mv_virtio *v, struct mv_error **err)
{
	struct echo *e = (struct echo *)v;

	e->activated++;
	if (e->refuse)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "It does not want to.");
	e->active = true;
	return 0;
}

static void echo_reset(struct mv_virtio *v)
{
	struct echo *e = (struct echo *)v;

	e->reset++;
	e->active = false;
	e->echoes = 0;
}

static void echo_notify(struct mv_virtio *v, unsigned index)
{
	struct echo *e = (struct echo *)v;
	struct mv_queue *q = &v->queues[index];
	struct mv_chain c;

	assert_true(e->active && !v->paused);
	e->notified++;
	do {
		while (mv_queue_pop(q, &c) == 1) {
			uint8_t text[256];
			size_t n = mv_chain_read(&c, 0, text, sizeof(text));

			mv_queue_push(q, c.head, (uint32_t)mv_chain_write(&c, 0, text, n));
			e->echoes++;
		}
	} while (mv_queue_enable_notify(q));
	mv_virtio_interrupt(v, index);
}

static void echo_pause(struct mv_virtio *v)
{
	((struct echo *)v)->paused++;
}

static void echo_resume(struct mv_virtio *v)
{
	((struct echo *)v)->resumed++;
}

static void echo_state(struct mv_virtio *v, struct mv_state *st)
{
	mv_state_u64(st, TAG_ECHOES, &((struct echo *)v)->echoes);
}

static const struct mv_virtio_ops echo_ops = {
	.device_id = 42,
	.class_code = 0xff0000,
	.config_size = CONFIG_SIZE,
	.config_read = echo_config_read,
	.config_write = echo_config_write,
	.activate = echo_activate,
	.reset = echo_reset,
	.notify = echo_notify,
	.pause = echo_pause,
	.resume = echo_resume,
	.state = echo_state,
};

static int echo_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct echo *e = (struct echo *)d;
	const uint16_t sizes[QUEUES] = { QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE };

	e->v.offered = UINT64_C(1) << FEATURE;
	for (unsigned i = 0; i < CONFIG_SIZE; i++)
		e->config[i] = (uint8_t)(0xc0 + i);
	return mv_virtio_init(&e->v, &echo_ops, spec->slot, !strcmp(spec->id, "threaded"), QUEUES, sizes, err);
}

static void echo_destroy(struct mv_dev *d)
{
	mv_virtio_release((struct mv_virtio *)d);
}

static const struct mv_dev_ops echo_dev_ops = {
	.name = "echo",
	.size = sizeof(struct echo),
	.version = 1,
	.create = echo_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = echo_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
};

/* ---- the machine ---- */

static int add_notifier(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	struct rig *r = (struct rig *)m;

	if (r->no_notifiers)
		return -ENOSPC;
	assert_int_equal(space, MV_SPACE_MEMORY);
	assert_int_equal(len, 0);
	assert_true(r->notifier_count < MV_ARRAY_SIZE(r->notifiers));
	r->notifiers[r->notifier_count++] = (struct notifier){ .address = address, .fd = fd };
	return 0;
}

static void remove_notifier(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	struct rig *r = (struct rig *)m;

	(void)space;
	(void)len;
	for (unsigned i = 0; i < r->notifier_count; i++)
		if (r->notifiers[i].address == address && r->notifiers[i].fd == fd) {
			r->notifiers[i] = r->notifiers[--r->notifier_count];
			return;
		}
	r->notifier_errors++;
}

static void keep_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	struct rig *r = (struct rig *)m;

	(void)number;
	assert_int_equal(kind, MV_EVENT_DEVICE);
	snprintf(r->event, sizeof(r->event), "%s", text);
	r->f.events++;
}

static struct rig *make(const char *id)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct mv_device_spec spec = { .slot = SLOT, .id = (char *)(uintptr_t)id };

	r->descriptors = vg_open_descriptors();
	fake_machine_init(&r->f, UINT64_C(1) << 20);
	r->ops = *r->f.machine.ops;
	r->ops.notify_add = add_notifier;
	r->ops.notify_remove = remove_notifier;
	r->ops.event = keep_event;
	r->f.machine.ops = &r->ops;
	r->host = fake_machine_device(&r->f, &mv_pci_host_ops, NULL);
	r->dev = fake_machine_device(&r->f, &echo_dev_ops, &spec);
	r->echo = (struct echo *)r->dev;
	vg_find(&r->g, &r->f, SLOT);
	return r;
}

static int setup(void **state)
{
	*state = make("echo0");
	return 0;
}

static int setup_threaded(void **state)
{
	*state = make("threaded");
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	mv_dev_free(r->dev);
	assert_int_equal(r->notifier_count, 0);
	assert_int_equal(r->notifier_errors, 0);
	mv_dev_free(r->host);
	fake_machine_release(&r->f);
	assert_int_equal(vg_open_descriptors(), r->descriptors);
	free(r);
	return 0;
}

static void set_up_queues(struct rig *r)
{
	for (unsigned i = 0; i < QUEUES; i++) {
		vg_queue_init(&r->q[i], &r->g, i, QUEUE_SIZE, RINGS * (i + 1));
		vg_queue_enable(&r->q[i]);
	}
}

/* The whole way to a working device. */
static void start(struct rig *r, uint64_t features)
{
	assert_true(vg_negotiate(&r->g, features | VG_VERSION_1));
	set_up_queues(r);
	vg_set_status(&r->g, VG_READY);
	assert_int_equal(vg_status(&r->g), VG_READY);
}

static uint8_t *bytes(struct rig *r, uint64_t gpa)
{
	return mv_memory_ptr(&r->f.memory, gpa, 1);
}

static uint16_t add_echo(struct rig *r, unsigned queue, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	const struct vg_segment s[] = { { BUFFERS, len, false }, { BUFFERS + 0x1000, 0x100, true } };

	memcpy(bytes(r, BUFFERS), text, len);
	memset(bytes(r, BUFFERS + 0x1000), 0, 0x100);
	return vg_add(&r->q[queue], s, 2);
}

static void expect_echo(struct rig *r, unsigned queue, const char *text)
{
	uint16_t head = add_echo(r, queue, text);

	vg_kick(&r->q[queue]);
	vg_expect(&r->q[queue], head, (uint32_t)strlen(text));
	assert_memory_equal(bytes(r, BUFFERS + 0x1000), text, strlen(text));
}

/* Whatever happened before: after a reset the device works. */
static void expect_alive(struct rig *r)
{
	start(r, VG_EVENT_IDX);
	expect_echo(r, 1, "alive");
}

/* ---- what a good driver sees ---- */

static void test_identity(void **state)
{
	struct rig *r = *state;

	assert_int_equal(vg_config_read(&r->f, SLOT, 0, 4), (0x1040 + 42) << 16 | 0x1af4);
	assert_true(vg_config_read(&r->f, SLOT, 8, 1) >= 1);
	assert_int_equal(vg_config_read(&r->f, SLOT, 9, 3), 0xff0000);
	assert_true(vg_config_read(&r->f, SLOT, 0x2e, 2) >= 0x40);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_COUNT, 2), QUEUES);
	assert_true(vg_offered(&r->g) == (VG_VERSION_1 | VG_EVENT_IDX | VG_INDIRECT | 1 << FEATURE));
	vg_write(&r->g, VG_DEVICE_FEATURE_SELECT, 2, 4);
	assert_int_equal(vg_read(&r->g, VG_DEVICE_FEATURE, 4), 0);
	assert_int_equal(vg_status(&r->g), 0);
	/* Each queue has an address of its own to notify. */
	for (unsigned i = 0; i < QUEUES; i++) {
		vg_write(&r->g, VG_QUEUE_SELECT, i, 2);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_NOTIFY_OFFSET, 2), i);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_SIZE, 2), QUEUE_SIZE);
	}
}

static void test_start(void **state)
{
	struct rig *r = *state;

	start(r, 1 << FEATURE);
	assert_int_equal(r->echo->activated, 1);
	assert_true(mv_virtio_has(&r->echo->v, FEATURE));
	assert_false(r->echo->v.queues[0].event_index);
	expect_echo(r, 0, "hello");
	expect_echo(r, 2, "there");
	/* Saying the same again changes nothing. */
	vg_set_status(&r->g, VG_READY);
	assert_int_equal(r->echo->activated, 1);
	vg_write(&r->g, VG_QUEUE_SELECT, 1, 2);
	vg_write(&r->g, VG_QUEUE_ENABLE, 1, 2);
	assert_int_equal(vg_status(&r->g), VG_READY);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_ENABLE, 2), 1);
	assert_int_equal(r->f.events, 0);
}

static void test_some_queues_only(void **state)
{
	struct rig *r = *state;

	assert_true(vg_negotiate(&r->g, VG_VERSION_1));
	vg_queue_init(&r->q[1], &r->g, 1, 16, RINGS);
	vg_queue_enable(&r->q[1]);
	vg_set_status(&r->g, VG_READY);
	expect_echo(r, 1, "one");
	assert_int_equal(r->notifier_count, 1);
	/* Notifications for queues that are not there, or not enabled. */
	for (unsigned offset = 0; offset < 0x1000; offset += 4)
		vg_memory_write(&r->f, r->g.notify + offset, 0, 2);
	fake_machine_turn(&r->f);
	expect_echo(r, 1, "two");
	/* A queue that is enabled too late. */
	vg_queue_init(&r->q[0], &r->g, 0, 16, 2 * RINGS);
	vg_queue_enable(&r->q[0]);
	assert_true(vg_status(&r->g) & VG_NEEDS_RESET);
	expect_alive(r);
}

static void test_msix(void **state)
{
	struct rig *r = *state;
	struct mv_pci_fn *fn = &r->echo->v.pci;

	vg_enable_msix(&r->g, QUEUES + 1);
	start(r, 0);
	vg_write(&r->g, VG_CONFIG_VECTOR, 0, 2);
	expect_echo(r, 1, "x");
	assert_int_equal(vg_interrupts(fn, 2), 1);
	assert_int_equal(vg_interrupts(fn, 1), 0);
	expect_echo(r, 0, "y");
	assert_int_equal(vg_interrupts(fn, 1), 1);
	assert_int_equal(vg_interrupts(fn, 0), 0);
	assert_int_equal(mv_virtio_call_fd(&r->echo->v, 1), mv_msix_fd(fn, 2));
	/* The vector may change at any time, also to none. */
	vg_write(&r->g, VG_QUEUE_SELECT, 0, 2);
	vg_write(&r->g, VG_QUEUE_VECTOR, 3, 2);
	expect_echo(r, 0, "z");
	assert_int_equal(vg_interrupts(fn, 3), 1);
	vg_write(&r->g, VG_QUEUE_VECTOR, QUEUES + 1, 2);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_VECTOR, 2), 0xffff);
	vg_write(&r->g, VG_CONFIG_VECTOR, 0xfffe, 2);
	assert_int_equal(vg_read(&r->g, VG_CONFIG_VECTOR, 2), 0xffff);
	expect_echo(r, 0, "w");
	for (unsigned i = 0; i <= QUEUES; i++)
		assert_int_equal(vg_interrupts(fn, i), 0);
	assert_int_equal(mv_virtio_call_fd(&r->echo->v, 0), -1);
	assert_false(fake_irq(&r->f, MV_GSI_PCI_INTX + SLOT % 4));
}

static bool line(struct rig *r)
{
	return fake_irq(&r->f, MV_GSI_PCI_INTX + SLOT % 4);
}

static void test_intx(void **state)
{
	struct rig *r = *state;

	start(r, 0);
	assert_int_equal(mv_virtio_call_fd(&r->echo->v, 0), -1);
	assert_false(line(r));
	expect_echo(r, 0, "x");
	assert_true(line(r));
	assert_int_equal(vg_memory_read(&r->f, r->g.isr + 1, 1), 0); /* not the register */
	assert_true(line(r));
	assert_int_equal(vg_memory_read(&r->f, r->g.isr, 1), 1);
	assert_false(line(r));
	assert_int_equal(vg_memory_read(&r->f, r->g.isr, 1), 0);
	mv_virtio_config_changed(&r->echo->v);
	expect_echo(r, 0, "x");
	assert_int_equal(vg_memory_read(&r->f, r->g.isr, 4), 3);
	assert_false(line(r));
	expect_echo(r, 0, "x");
	vg_set_status(&r->g, 0);
	assert_false(line(r));
	assert_int_equal(vg_memory_read(&r->f, r->g.isr, 1), 0);
}

static void test_event_index(void **state)
{
	struct rig *r = *state;
	struct mv_pci_fn *fn = &r->echo->v.pci;

	vg_enable_msix(&r->g, QUEUES + 1);
	start(r, VG_EVENT_IDX);
	assert_true(r->echo->v.queues[2].event_index);
	mv_put_le16(bytes(r, r->q[0].avail + 4 + 2 * QUEUE_SIZE), 2); /* tell me at the third */
	expect_echo(r, 0, "1");
	expect_echo(r, 0, "2");
	assert_int_equal(vg_interrupts(fn, 1), 0);
	expect_echo(r, 0, "3");
	assert_int_equal(vg_interrupts(fn, 1), 1);
	/* And the device said when it wants to be notified. */
	assert_int_equal(mv_get_le16(bytes(r, r->q[0].used + 4 + 8 * QUEUE_SIZE)), 3);
}

static void test_device_config(void **state)
{
	struct rig *r = *state;
	uint8_t generation = (uint8_t)vg_read(&r->g, VG_GENERATION, 1);

	for (unsigned len = 1; len <= 8; len++)
		for (unsigned at = 0; at < 64; at++) {
			uint64_t expected = 0;

			for (unsigned i = 0; i < len && at + i < CONFIG_SIZE; i++)
				expected |= (uint64_t)(0xc0 + at + i) << 8 * i;
			assert_true(vg_memory_read(&r->f, r->g.device + at, len) == expected);
		}
	vg_memory_write(&r->f, r->g.device + CONFIG_SIZE - 2, 0x11223344, 4); /* half of it outside */
	assert_int_equal(vg_memory_read(&r->f, r->g.device + CONFIG_SIZE - 2, 4), 0x3344);
	mv_virtio_config_changed(&r->echo->v);
	assert_int_equal(vg_read(&r->g, VG_GENERATION, 1), (uint8_t)(generation + 1));
	assert_false(line(r)); /* no driver to tell */
	start(r, 0);
	mv_virtio_config_changed(&r->echo->v);
	assert_true(line(r));
	assert_int_equal(vg_memory_read(&r->f, r->g.isr, 1), 2);
}

/* ---- negotiation ---- */

static void test_features_never_offered(void **state)
{
	struct rig *r = *state;

	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t feature = UINT64_C(1) << bit;
		bool offered = vg_offered(&r->g) & feature;

		assert_int_equal(vg_negotiate(&r->g, VG_VERSION_1 | feature), offered);
		if (offered)
			continue;
		/* Going on regardless leads nowhere. */
		vg_set_status(&r->g, VG_READY);
		assert_int_equal(vg_status(&r->g), VG_ACKNOWLEDGE | VG_DRIVER);
	}
	assert_false(vg_negotiate(&r->g, 0)); /* a legacy driver */
	assert_int_equal(r->echo->activated, 0);
	expect_alive(r);
}

static void test_features_are_final(void **state)
{
	struct rig *r = *state;

	assert_true(vg_negotiate(&r->g, VG_VERSION_1));
	vg_write(&r->g, VG_DRIVER_FEATURE_SELECT, 0, 4);
	vg_write(&r->g, VG_DRIVER_FEATURE, 1 << FEATURE, 4);
	assert_int_equal(vg_read(&r->g, VG_DRIVER_FEATURE, 4), 0);
	assert_true(r->echo->v.features == VG_VERSION_1);
	vg_write(&r->g, VG_DRIVER_FEATURE_SELECT, 7, 4);
	vg_write(&r->g, VG_DRIVER_FEATURE, 0xffffffff, 4);
	assert_int_equal(vg_read(&r->g, VG_DRIVER_FEATURE, 4), 0);
}

static void test_status_rules(void **state)
{
	struct rig *r = *state;

	/* Bits stay until the reset; those that are not the driver's are not set. */
	vg_set_status(&r->g, 0xff & ~VG_FEATURES_OK);
	assert_int_equal(vg_status(&r->g), VG_ACKNOWLEDGE | VG_DRIVER | VG_FAILED);
	vg_set_status(&r->g, VG_ACKNOWLEDGE);
	assert_int_equal(vg_status(&r->g), VG_ACKNOWLEDGE | VG_DRIVER | VG_FAILED);
	vg_set_status(&r->g, 0);
	assert_int_equal(vg_status(&r->g), 0);
	/* All at once is as good, though not with nonsense for features. */
	vg_set_status(&r->g, VG_READY);
	assert_int_equal(vg_status(&r->g), VG_ACKNOWLEDGE | VG_DRIVER);
	/* Wider writes are none. */
	vg_write(&r->g, VG_STATUS, 0, 2);
	vg_write(&r->g, VG_STATUS, 0, 4);
	assert_int_equal(vg_status(&r->g), VG_ACKNOWLEDGE | VG_DRIVER);
	expect_alive(r);
}

static void test_activate_fails(void **state)
{
	struct rig *r = *state;

	r->echo->refuse = true;
	assert_true(vg_negotiate(&r->g, VG_VERSION_1));
	set_up_queues(r);
	vg_set_status(&r->g, VG_READY);
	assert_int_equal(vg_status(&r->g), VG_READY | VG_NEEDS_RESET);
	assert_int_equal(vg_memory_read(&r->f, r->g.isr, 1), 2);
	assert_string_equal(r->event, "Device 'echo0' does nothing until its driver resets it: It does not want to.");
	assert_int_equal(r->notifier_count, 0);
	vg_kick(&r->q[0]);
	fake_machine_turn(&r->f);
	assert_int_equal(r->echo->notified, 0);
	r->echo->refuse = false;
	expect_alive(r);
}

/* ---- queues ---- */

static void test_queue_select_out_of_range(void **state)
{
	struct rig *r = *state;
	static const uint16_t bad[] = { QUEUES, QUEUES + 1, 255, 256, 0x7fff, 0xffff };

	assert_true(vg_negotiate(&r->g, VG_VERSION_1));
	for (unsigned i = 0; i < MV_ARRAY_SIZE(bad); i++) {
		vg_write(&r->g, VG_QUEUE_SELECT, bad[i], 2);
		vg_write(&r->g, VG_QUEUE_VECTOR, 1, 2);
		vg_write(&r->g, VG_QUEUE_SIZE, 16, 2);
		vg_write(&r->g, VG_QUEUE_DESC, RINGS, 8);
		vg_write(&r->g, VG_QUEUE_ENABLE, 1, 2);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_SELECT, 2), bad[i]);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_SIZE, 2), 0);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_ENABLE, 2), 0);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_VECTOR, 2), 0xffff);
		assert_int_equal(vg_read(&r->g, VG_QUEUE_DESC, 8), 0);
	}
	assert_int_equal(vg_status(&r->g), VG_ACKNOWLEDGE | VG_DRIVER | VG_FEATURES_OK);
	expect_alive(r);
}

static void enable_nonsense(struct rig *r, uint16_t size, uint64_t desc, uint64_t avail, uint64_t used, uint16_t value)
{
	unsigned events = r->f.events;

	assert_true(vg_negotiate(&r->g, VG_VERSION_1));
	vg_write(&r->g, VG_QUEUE_SELECT, 0, 2);
	vg_write(&r->g, VG_QUEUE_SIZE, size, 2);
	vg_write(&r->g, VG_QUEUE_DESC, desc, 8);
	vg_write(&r->g, VG_QUEUE_AVAIL, avail, 8);
	vg_write(&r->g, VG_QUEUE_USED, used, 8);
	vg_write(&r->g, VG_QUEUE_ENABLE, value, 2);
	assert_true(vg_status(&r->g) & VG_NEEDS_RESET);
	assert_true(events == EVENTS || r->f.events == events + 1);
	events = r->f.events;
	vg_set_status(&r->g, VG_READY);
	vg_write(&r->g, VG_QUEUE_ENABLE, 1, 2);
	assert_false(r->echo->active);
	assert_int_equal(r->f.events, events);
}

static void test_enable_nonsense(void **state)
{
	struct rig *r = *state;

	enable_nonsense(r, 3, RINGS, RINGS + 0x1000, RINGS + 0x2000, 1);
	enable_nonsense(r, 0, RINGS, RINGS + 0x1000, RINGS + 0x2000, 1);
	enable_nonsense(r, 128, RINGS, RINGS + 0x1000, RINGS + 0x2000, 1);
	enable_nonsense(r, 16, 0xfee00000, RINGS + 0x1000, RINGS + 0x2000, 1);
	enable_nonsense(r, 16, RINGS, UINT64_MAX - 1, RINGS + 0x2000, 1);
	enable_nonsense(r, 16, RINGS, RINGS + 0x1000, RINGS + 0x2002, 1);
	enable_nonsense(r, 16, RINGS, RINGS + 0x1000, (1 << 20) - 16, 1);
	enable_nonsense(r, 16, RINGS, RINGS + 0x1000, RINGS + 0x2000, 2);
	enable_nonsense(r, 16, RINGS, RINGS + 0x1000, RINGS + 0x2000, 0xffff);
	expect_alive(r);
}

static void test_enabled_queue_is_fixed(void **state)
{
	struct rig *r = *state;

	start(r, 0);
	vg_write(&r->g, VG_QUEUE_SELECT, 0, 2);
	vg_write(&r->g, VG_QUEUE_SIZE, 2, 2);
	vg_write(&r->g, VG_QUEUE_DESC, 0xfee00000, 8);
	vg_write(&r->g, VG_QUEUE_USED + 4, 0xffffffff, 4);
	vg_write(&r->g, VG_QUEUE_ENABLE, 0, 2);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_SIZE, 2), QUEUE_SIZE);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_DESC, 8), r->q[0].desc);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_USED, 8), r->q[0].used);
	assert_int_equal(vg_read(&r->g, VG_QUEUE_ENABLE, 2), 1);
	expect_echo(r, 0, "still");
}

static bool needs_reset(void *opaque)
{
	return vg_status(opaque) & VG_NEEDS_RESET;
}

/* One broken queue stops the device, tells the driver and the outside, and a reset heals it. */
static void test_broken_queue(void **state)
{
	struct rig *r = *state;
	const struct vg_segment bad = { 0xd0000000, 16, true };

	for (unsigned round = 0; round < 100; round++) {
		start(r, 0);
		expect_echo(r, 1, "good");
		vg_memory_read(&r->f, r->g.isr, 1);
		vg_add(&r->q[0], &bad, 1);
		vg_kick(&r->q[0]);
		assert_true(fake_machine_until(&r->f, needs_reset, &r->g));
		assert_true(line(r));
		assert_true(vg_memory_read(&r->f, r->g.isr, 1) & 2);
		assert_string_equal(r->event,
				    "Device 'echo0' does nothing until its driver resets it: "
				    "a buffer lies outside memory.");
		assert_true(r->f.events == round + 1 || round >= EVENTS);
		/* The others do nothing any more. */
		add_echo(r, 1, "no");
		vg_kick(&r->q[1]);
		fake_machine_turn(&r->f);
		assert_int_equal(vg_used_index(&r->q[1]), 1);
	}
	assert_true(r->f.events < 50); /* one a second after the first, however slow this machine is */
	expect_alive(r);
}

/* ---- the BAR ---- */

static bool notifiers_at(struct rig *r, uint64_t bar)
{
	for (unsigned i = 0; i < r->notifier_count; i++) {
		uint64_t offset = r->notifiers[i].address - bar - (r->g.notify - r->g.bar);

		if (offset % r->g.multiplier || offset / r->g.multiplier >= QUEUES ||
		    r->notifiers[i].fd != mv_virtio_kick_fd(&r->echo->v, (unsigned)(offset / r->g.multiplier)))
			return false;
	}
	return r->notifier_count == QUEUES;
}

static void test_bar_moves_while_active(void **state)
{
	struct rig *r = *state;
	uint64_t home = r->g.bar, other = MV_PCI_MMIO_BASE + 0x1000000;

	assert_int_equal(r->notifier_count, 0);
	start(r, 0);
	assert_true(notifiers_at(r, home));
	vg_config_write(&r->f, SLOT, 0x10, (uint32_t)other, 4);
	assert_true(notifiers_at(r, other));
	vg_find(&r->g, &r->f, SLOT);
	assert_int_equal(r->g.bar, other);
	expect_echo(r, 0, "moved");
	/* Nowhere: over RAM, then switched off. */
	vg_config_write(&r->f, SLOT, 0x10, 0x4000, 4);
	assert_int_equal(r->notifier_count, 0);
	vg_config_write(&r->f, SLOT, 0x10, (uint32_t)home, 4);
	assert_true(notifiers_at(r, home));
	vg_config_write(&r->f, SLOT, 4, 0, 2);
	assert_int_equal(r->notifier_count, 0);
	/* A reset meanwhile, by the machine. */
	mv_virtio_dev_reset(r->dev);
	assert_int_equal(r->notifier_count, 0);
	vg_find(&r->g, &r->f, SLOT);
	expect_alive(r);
	assert_true(notifiers_at(r, home));
	vg_set_status(&r->g, 0);
	assert_int_equal(r->notifier_count, 0);
}

static void test_without_notifiers(void **state)
{
	struct rig *r = *state;

	r->no_notifiers = true;
	start(r, 0);
	expect_echo(r, 2, "slow but sure");
	vg_config_write(&r->f, SLOT, 0x10, MV_PCI_MMIO_BASE + 0x1000000, 4);
	vg_find(&r->g, &r->f, SLOT);
	expect_echo(r, 2, "there too");
}

/* Every offset of the BAR, with every width and several values. */
static void write_everywhere(struct rig *r, uint64_t value)
{
	for (unsigned len = 1; len <= 8; len++)
		for (uint64_t offset = 0; offset + len <= BAR_SIZE; offset += offset % 0x1000 < 0x60 ? 1 : 251) {
			vg_memory_write(&r->f, r->g.bar + offset, value, len);
			vg_memory_read(&r->f, r->g.bar + offset, len);
		}
}

static void test_writes_everywhere(void **state)
{
	struct rig *r = *state;
	static const uint64_t values[] = { 0, UINT64_MAX, 1, 0x0101010101010101, 0xfee00000, 0x8000000000000000, 0x0f };
	size_t allocated;

	for (unsigned i = 0; i <= QUEUES; i++)
		mv_msix_fd(&r->echo->v.pci, i); /* routes are made once, and kept */
	allocated = vg_allocated();
	for (unsigned i = 0; i < MV_ARRAY_SIZE(values); i++) {
		write_everywhere(r, values[i]);
		start(r, VG_EVENT_IDX | VG_INDIRECT);
		write_everywhere(r, values[i]);
		fake_machine_turn(&r->f);
	}
	mv_virtio_dev_reset(r->dev);
	assert_int_equal(vg_allocated(), allocated);
	expect_alive(r);
}

/* The same through configuration space, where it leads to the BAR too. */
static void test_config_writes_everywhere(void **state)
{
	struct rig *r = *state;
	static const uint64_t values[] = { 0, UINT64_MAX, 0x0101010101010101, 0x0404040404040404, 0x14, 0x0f };

	for (unsigned i = 0; i < MV_ARRAY_SIZE(values); i++)
		for (unsigned len = 1; len <= 8; len++)
			for (unsigned reg = 0; reg < 264; reg++) {
				vg_memory_write(&r->f, MV_ECAM_BASE + (SLOT << 15) + reg, values[i], len);
				vg_memory_read(&r->f, MV_ECAM_BASE + (SLOT << 15) + reg, len);
			}
	mv_virtio_dev_reset(r->dev);
	vg_find(&r->g, &r->f, SLOT);
	expect_alive(r);
}

/* ---- access through configuration space ---- */

static void aim(struct rig *r, uint8_t bar, uint64_t address, uint32_t len)
{
	vg_config_write(&r->f, SLOT, r->g.access + 4, bar, 1);
	vg_config_write(&r->f, SLOT, r->g.access + 8, (uint32_t)(address - r->g.bar), 4);
	vg_config_write(&r->f, SLOT, r->g.access + 12, len, 4);
}

static uint32_t peek(struct rig *r)
{
	return vg_config_read(&r->f, SLOT, r->g.access + 16, 4);
}

static void poke(struct rig *r, uint32_t value)
{
	vg_config_write(&r->f, SLOT, r->g.access + 16, value, 4);
}

static void test_access_capability(void **state)
{
	struct rig *r = *state;

	/* It works with memory decoding off, which is what it is for. */
	vg_config_write(&r->f, SLOT, 4, 0, 2);
	aim(r, 0, r->g.common + VG_STATUS, 1);
	poke(r, VG_ACKNOWLEDGE);
	poke(r, VG_ACKNOWLEDGE | VG_DRIVER);
	assert_int_equal(peek(r) & 0xff, VG_ACKNOWLEDGE | VG_DRIVER);
	poke(r, 0);
	assert_int_equal(peek(r) & 0xff, 0);
	aim(r, 0, r->g.common + VG_QUEUE_COUNT, 2);
	assert_int_equal(peek(r) & 0xffff, QUEUES);
	aim(r, 0, r->g.device, 4);
	assert_int_equal(peek(r), 0xc3c2c1c0);
	poke(r, 0x04030201);
	assert_int_equal(r->echo->config[2], 3);
	/* Nonsense leads nowhere. */
	aim(r, 1, r->g.device, 4);
	poke(r, 0xeeeeeeee);
	aim(r, 0, r->g.device, 3);
	poke(r, 0xeeeeeeee);
	aim(r, 0, r->g.device + 1, 4);
	poke(r, 0xeeeeeeee);
	aim(r, 0, r->g.device, 0xffffffff);
	poke(r, 0xeeeeeeee);
	aim(r, 0, r->g.bar + BAR_SIZE, 4);
	poke(r, 0xeeeeeeee);
	aim(r, 0, r->g.bar + 0xfffffffc, 4);
	poke(r, 0xeeeeeeee);
	peek(r);
	assert_int_equal(mv_get_le32(r->echo->config), 0x04030201);
	vg_config_write(&r->f, SLOT, 4, 2, 2);
	assert_int_equal(vg_status(&r->g), 0);
	expect_alive(r);
}

/* ---- pause, save, restore ---- */

static void test_pause(void **state)
{
	struct rig *r = *state;
	uint16_t head;

	mv_virtio_dev_pause(r->dev);
	mv_virtio_dev_resume(r->dev);
	assert_int_equal(r->echo->paused, 0); /* not active */
	start(r, 0);
	head = add_echo(r, 0, "later");
	vg_kick(&r->q[0]);
	mv_virtio_dev_pause(r->dev);
	mv_virtio_dev_pause(r->dev);
	for (unsigned i = 0; i < 3; i++)
		fake_machine_turn(&r->f);
	assert_int_equal(vg_used_index(&r->q[0]), 0);
	assert_int_equal(r->echo->paused, 1);
	mv_virtio_dev_resume(r->dev);
	mv_virtio_dev_resume(r->dev);
	assert_int_equal(r->echo->resumed, 1);
	vg_expect(&r->q[0], head, 5);
	/* A reset ends the pause of the device, not of the machine. */
	mv_virtio_dev_pause(r->dev);
	mv_virtio_dev_reset(r->dev);
	mv_virtio_dev_resume(r->dev);
	assert_int_equal(r->echo->resumed, 1);
	expect_alive(r);
}

/* The second device takes the place of the first in the same memory, as after a restore. */
static struct echo *replace(struct rig *r, const void *body, size_t size, int result)
{
	struct mv_device_spec spec = { .slot = SLOT, .id = (char[]){ "echo0" } };

	mv_dev_free(r->dev);
	assert_int_equal(r->notifier_count, 0);
	r->dev = fake_machine_device(&r->f, &echo_dev_ops, &spec);
	r->echo = (struct echo *)r->dev;
	assert_int_equal(fake_machine_load(r->dev, body, size), result);
	return r->echo;
}

static void test_state(void **state)
{
	struct rig *r = *state;
	uint64_t other = MV_PCI_MMIO_BASE + 0x1000000;
	mv_autofree void *body = NULL;
	uint16_t head;
	size_t size;

	vg_config_write(&r->f, SLOT, 0x10, (uint32_t)other, 4);
	vg_find(&r->g, &r->f, SLOT);
	vg_enable_msix(&r->g, QUEUES + 1);
	start(r, VG_EVENT_IDX);
	for (unsigned i = 0; i < 70; i++)
		expect_echo(r, 1, "before");
	head = add_echo(r, 1, "in between");
	vg_kick(&r->q[1]); /* and the device did not get to it */
	mv_virtio_dev_pause(r->dev);
	body = fake_machine_save(r->dev, &size);
	replace(r, body, size, 0);
	assert_int_equal(r->echo->activated, 1);
	assert_int_equal(r->echo->paused, 1);
	assert_int_equal(r->echo->echoes, 70);
	assert_true(notifiers_at(r, other));
	for (unsigned i = 0; i < 3; i++)
		fake_machine_turn(&r->f);
	assert_int_equal(vg_used_index(&r->q[1]), 70);
	mv_virtio_dev_resume(r->dev);
	assert_int_equal(r->echo->resumed, 1);
	vg_expect(&r->q[1], head, 10);
	assert_int_equal(vg_status(&r->g), VG_READY);
	mv_put_le16(bytes(r, r->q[1].avail + 4 + 2 * QUEUE_SIZE), 71);
	vg_interrupts(&r->echo->v.pci, 2);
	expect_echo(r, 1, "after");
	assert_int_equal(vg_interrupts(&r->echo->v.pci, 2), 1);
	expect_alive(r);
}

static void test_state_in_every_stage(void **state)
{
	struct rig *r = *state;

	for (unsigned stage = 0; stage < 5; stage++) {
		mv_autofree void *body = NULL;
		uint64_t before[7];
		size_t size;

		vg_set_status(&r->g, 0);
		if (stage >= 1)
			vg_negotiate(&r->g, VG_VERSION_1 | (stage & 1 ? VG_INDIRECT : 0));
		if (stage >= 2)
			set_up_queues(r);
		if (stage >= 3)
			vg_set_status(&r->g, VG_READY);
		if (stage >= 4)
			mv_virtio_needs_reset(&r->echo->v, "the test says so");
		for (unsigned i = 0; i < 7; i++)
			before[i] = vg_read(&r->g, i * 8, 8);
		mv_virtio_dev_pause(r->dev);
		body = fake_machine_save(r->dev, &size);
		replace(r, body, size, 0);
		mv_virtio_dev_resume(r->dev);
		for (unsigned i = 0; i < 7; i++)
			assert_true(vg_read(&r->g, i * 8, 8) == before[i]);
		assert_int_equal(r->echo->activated, stage == 3);
		expect_alive(r);
	}
}

/* A damaged state is refused or gives a device that can be reset; nothing leaks. */
static void test_damaged_state(void **state)
{
	struct rig *r = *state;
	mv_autofree uint8_t *body = NULL;
	mv_autofree uint8_t *bad = NULL;
	unsigned refused = 0;
	size_t size;

	start(r, VG_EVENT_IDX);
	expect_echo(r, 1, "x");
	mv_virtio_dev_pause(r->dev);
	body = fake_machine_save(r->dev, &size);
	bad = malloc(size);
	assert_non_null(bad);
	for (size_t i = 0; i < size; i++) {
		memcpy(bad, body, size);
		bad[i] ^= (uint8_t)(1u << i % 8 | 0x80);
		refused += fake_machine_load(r->dev, bad, size) < 0;
		assert_int_equal(fake_machine_load(r->dev, body, i), -1);
	}
	assert_true(refused > size / 4);
	assert_int_equal(fake_machine_load(r->dev, body, size), 0);
	mv_virtio_dev_resume(r->dev);
	vg_find(&r->g, &r->f, SLOT);
	assert_int_equal(vg_status(&r->g), VG_READY);
	expect_alive(r);
}

/* Saved where a feature was offered that is not offered here. */
static void test_state_with_foreign_features(void **state)
{
	struct rig *r = *state;
	mv_auto(mv_error) err = NULL;
	mv_auto(mv_state) st = NULL;
	mv_autofree void *body = NULL;
	size_t size;

	start(r, 1 << FEATURE);
	mv_virtio_dev_pause(r->dev);
	body = fake_machine_save(r->dev, &size);
	r->echo->v.offered &= ~(UINT64_C(1) << FEATURE);
	assert_int_equal(mv_state_loader("echo0", 1, body, size, &st, NULL), 0);
	assert_int_equal(r->dev->ops->state(r->dev, st, &err), -1);
	assert_true(err && strstr(err->message, "0x20"));
	mv_virtio_dev_resume(r->dev);
	r->echo->v.offered |= 1 << FEATURE;
	expect_alive(r);
}

/* ---- storms ---- */

#define STORM 400

struct vcpu {
	struct rig *r;
	unsigned seed, *running;
};

/* A vCPU that resets, negotiates, enables, kicks, moves the BAR and reads, in an order of its own. */
static void *storm(void *opaque)
{
	struct vcpu *cpu = opaque;
	struct rig *r = cpu->r;
	uint64_t x = cpu->seed;

	for (unsigned n = 0; n < STORM; n++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		vg_set_status(&r->g, x >> 33 & 3 ? VG_READY : 0);
		vg_write(&r->g, VG_DRIVER_FEATURE_SELECT, 1, 4);
		vg_write(&r->g, VG_DRIVER_FEATURE, 1, 4);
		vg_set_status(&r->g, VG_ACKNOWLEDGE | VG_DRIVER | VG_FEATURES_OK);
		vg_write(&r->g, VG_QUEUE_SELECT, x >> 40 & 3, 2);
		vg_write(&r->g, VG_QUEUE_DESC, RINGS, 8);
		vg_write(&r->g, VG_QUEUE_AVAIL, RINGS + 0x1000, 8);
		vg_write(&r->g, VG_QUEUE_USED, RINGS + 0x2000, 8);
		vg_write(&r->g, VG_QUEUE_VECTOR, x >> 50 & 3, 2);
		vg_write(&r->g, VG_QUEUE_ENABLE, 1, 2);
		vg_set_status(&r->g, VG_READY);
		vg_memory_write(&r->f, r->g.notify + 4 * (x >> 44 & 3), 0, 2);
		vg_memory_read(&r->f, r->g.isr, 1);
		vg_memory_read(&r->f, r->g.device + (x >> 36 & 15), 4);
		if (n % 16 == 0) {
			vg_config_write(&r->f, SLOT, 0x10, (uint32_t)r->g.bar + 0x100000, 4);
			vg_config_write(&r->f, SLOT, 0x10, (uint32_t)r->g.bar, 4);
		}
		vg_set_status(&r->g, 0);
	}
	__atomic_sub_fetch(cpu->running, 1, __ATOMIC_RELEASE);
	mv_loop_wake(r->f.machine.loop);
	return NULL;
}

static bool all_done(void *opaque)
{
	return __atomic_load_n((unsigned *)opaque, __ATOMIC_ACQUIRE) == 0;
}

static void test_reset_storm(void **state)
{
	struct rig *r = *state;
	unsigned running = 2, descriptors;
	struct vcpu cpus[2];
	pthread_t threads[2];

	r->no_notifiers = true; /* the list of this test has no lock */
	vg_enable_msix(&r->g, QUEUES + 1);
	start(r, 0);
	fake_machine_turn(&r->f);
	descriptors = vg_open_descriptors();
	for (unsigned i = 0; i < 2; i++) {
		cpus[i] = (struct vcpu){ .r = r, .seed = 77 + i, .running = &running };
		assert_int_equal(pthread_create(&threads[i], NULL, storm, &cpus[i]), 0);
	}
	assert_true(fake_machine_until(&r->f, all_done, &running));
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(vg_open_descriptors(), descriptors);
	vg_set_status(&r->g, 0);
	assert_int_equal(vg_status(&r->g), 0);
	expect_alive(r);
}

static void test_many_resets_in_each_state(void **state)
{
	struct rig *r = *state;
	unsigned descriptors = vg_open_descriptors();
	size_t allocated;

	vg_set_status(&r->g, 0);
	allocated = vg_allocated();
	for (unsigned n = 0; n < 300; n++) {
		vg_set_status(&r->g, 0);
		assert_true(vg_negotiate(&r->g, VG_VERSION_1));
		if (n % 3)
			set_up_queues(r);
		if (n % 3 == 2)
			vg_set_status(&r->g, VG_READY);
	}
	vg_set_status(&r->g, 0);
	assert_int_equal(vg_open_descriptors(), descriptors);
	/* A thread frees its last watches after it has answered. */
	assert_true(r->echo->v.own_loop || vg_allocated() == allocated);
	expect_alive(r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define THREADED(name)                                                      \
	{                                                                   \
#name " (own thread)", name, setup_threaded, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identity),
		CASE(test_start),
		THREADED(test_start),
		CASE(test_some_queues_only),
		CASE(test_msix),
		CASE(test_intx),
		CASE(test_event_index),
		CASE(test_device_config),
		CASE(test_features_never_offered),
		CASE(test_features_are_final),
		CASE(test_status_rules),
		CASE(test_activate_fails),
		CASE(test_queue_select_out_of_range),
		CASE(test_enable_nonsense),
		CASE(test_enabled_queue_is_fixed),
		CASE(test_broken_queue),
		CASE(test_bar_moves_while_active),
		CASE(test_without_notifiers),
		CASE(test_writes_everywhere),
		CASE(test_config_writes_everywhere),
		CASE(test_access_capability),
		CASE(test_pause),
		CASE(test_state),
		CASE(test_state_in_every_stage),
		CASE(test_damaged_state),
		CASE(test_state_with_foreign_features),
		CASE(test_reset_storm),
		THREADED(test_reset_storm),
		CASE(test_many_resets_in_each_state),
		THREADED(test_many_resets_in_each_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
