/* virtio-rng: buffers are filled, within bounds, whatever the driver puts into its queue. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/kvm/virtio/devices.h"
#include "tests/unit/virtio_guest.h"

#define SLOT 2
#define SIZE 64
#define RINGS 0x10000
#define BUFFERS 0x100000
#define TURN 65536 /* bytes that one turn of the device reads at most */

struct rig {
	struct fake_machine f;
	struct mv_dev *host, *dev;
	struct vg_device g;
	struct vg_queue q;
	unsigned descriptors;
};

static struct rig *make(const char *source)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct mv_device_spec spec = { .kind = MV_DEVICE_RNG, .slot = SLOT, .id = (char[]){ "rng0" } };

	r->descriptors = vg_open_descriptors();
	spec.rng.fd = open(source, O_RDONLY | O_CLOEXEC);
	assert_true(spec.rng.fd >= 0);
	fake_machine_init(&r->f, UINT64_C(4) << 20);
	r->host = fake_machine_device(&r->f, &mv_pci_host_ops, NULL);
	r->dev = fake_machine_device(&r->f, &mv_rng_dev_ops, &spec);
	vg_find(&r->g, &r->f, SLOT);
	return r;
}

static int setup(void **state)
{
	*state = make("/dev/urandom");
	return 0;
}

static int setup_without_source(void **state)
{
	*state = make("/dev/null");
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	mv_dev_free(r->dev);
	mv_dev_free(r->host);
	fake_machine_release(&r->f);
	assert_int_equal(vg_open_descriptors(), r->descriptors);
	free(r);
	return 0;
}

static void start(struct rig *r)
{
	assert_true(vg_negotiate(&r->g, VG_VERSION_1 | VG_EVENT_IDX));
	vg_queue_init(&r->q, &r->g, 0, SIZE, RINGS);
	vg_queue_enable(&r->q);
	vg_set_status(&r->g, VG_READY);
}

static uint8_t *buffer(struct rig *r)
{
	return mv_memory_ptr(&r->f.memory, BUFFERS, 1);
}

static unsigned zeros(const uint8_t *p, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += !p[i];
	return n;
}

static void test_identity(void **state)
{
	struct rig *r = *state;

	assert_int_equal(vg_config_read(&r->f, SLOT, 0, 4), 0x10441af4);
	assert_int_equal(r->g.device, 0); /* it has no configuration */
	assert_int_equal(vg_read(&r->g, VG_QUEUE_COUNT, 2), 1);
}

static void test_fill(void **state)
{
	struct rig *r = *state;
	const struct vg_segment s[] = { { BUFFERS, 5, true }, { BUFFERS + 0x100, 1000, true } };
	uint16_t head;

	start(r);
	head = vg_add(&r->q, s, 2);
	vg_kick(&r->q);
	vg_expect(&r->q, head, 1005);
	assert_true(zeros(buffer(r), 5) < 5);
	assert_true(zeros(buffer(r) + 0x100, 1000) < 40);
	/* Not a byte beside. */
	assert_int_equal(zeros(buffer(r) + 5, 0x100 - 5), 0x100 - 5);
	assert_int_equal(zeros(buffer(r) + 0x100 + 1000, 1000), 1000);
}

static void test_odd_chains(void **state)
{
	struct rig *r = *state;
	const struct vg_segment readable[] = { { BUFFERS, 64, false }, { BUFFERS + 0x100, 16, true } };
	const struct vg_segment only_readable = { BUFFERS, 64, false };
	const struct vg_segment empty = { BUFFERS, 0, true };
	uint16_t a, b, c;

	start(r);
	a = vg_add(&r->q, readable, 2);
	b = vg_add(&r->q, &only_readable, 1);
	c = vg_add(&r->q, &empty, 1);
	vg_kick(&r->q);
	vg_expect(&r->q, a, 16);
	vg_expect(&r->q, b, 0);
	vg_expect(&r->q, c, 0);
	assert_int_equal(zeros(buffer(r), 64), 64);
}

/* More than one turn's worth: the loop gets its turn in between, nothing is lost, and no buffer is overfilled. */
static void test_huge_buffers(void **state)
{
	struct rig *r = *state;
	const struct vg_segment huge = { BUFFERS, 2 << 20, true };
	const struct vg_segment half = { BUFFERS, TURN / 2 + 1, true };

	start(r);
	vg_add(&r->q, &huge, 1);
	vg_kick(&r->q);
	vg_expect(&r->q, 0, TURN);
	for (unsigned i = 0; i < SIZE - 1; i++)
		vg_add(&r->q, &half, 1);
	vg_kick(&r->q);
	fake_machine_turn(&r->f);
	assert_int_equal(vg_used_index(&r->q), 3);
	for (unsigned i = 0; i < SIZE - 1; i++) {
		uint32_t head, written;

		while (!vg_take(&r->q, &head, &written))
			fake_machine_turn(&r->f);
		assert_int_equal(head, 1 + i);
		assert_true(written >= 1 && written <= TURN / 2 + 1);
	}
}

static bool needs_reset(void *opaque)
{
	return vg_status(opaque) & VG_NEEDS_RESET;
}

static void test_bad_chain(void **state)
{
	struct rig *r = *state;
	const struct vg_segment bad = { 0xe0000000, 64, true };
	const struct vg_segment good = { BUFFERS, 64, true };

	for (unsigned round = 1; round <= 3; round++) {
		start(r);
		vg_add(&r->q, &bad, 1);
		vg_kick(&r->q);
		assert_true(fake_machine_until(&r->f, needs_reset, &r->g));
		assert_int_equal(r->f.events, round);
		assert_int_equal(vg_used_index(&r->q), 0);
	}
	start(r);
	vg_add(&r->q, &good, 1);
	vg_kick(&r->q);
	vg_expect(&r->q, 0, 64);
}

static void test_source_fails(void **state)
{
	struct rig *r = *state;
	const struct vg_segment s = { BUFFERS, 64, true };

	start(r);
	vg_add(&r->q, &s, 1);
	vg_kick(&r->q);
	assert_true(fake_machine_until(&r->f, needs_reset, &r->g));
	assert_int_equal(r->f.events, 1);
}

static void test_state(void **state)
{
	struct rig *r = *state;
	const struct vg_segment s = { BUFFERS, 64, true };
	struct mv_device_spec spec = { .kind = MV_DEVICE_RNG, .slot = SLOT, .id = (char[]){ "rng0" } };
	mv_autofree void *body = NULL;
	size_t size;

	start(r);
	vg_add(&r->q, &s, 1);
	mv_virtio_dev_pause(r->dev);
	vg_kick(&r->q);
	body = fake_machine_save(r->dev, &size);
	mv_dev_free(r->dev);
	spec.rng.fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	r->dev = fake_machine_device(&r->f, &mv_rng_dev_ops, &spec);
	assert_int_equal(fake_machine_load(r->dev, body, size), 0);
	fake_machine_turn(&r->f);
	assert_int_equal(vg_used_index(&r->q), 0);
	mv_virtio_dev_resume(r->dev);
	vg_expect(&r->q, 0, 64);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identity),
		CASE(test_fill),
		CASE(test_odd_chains),
		CASE(test_huge_buffers),
		CASE(test_bad_chain),
		cmocka_unit_test_setup_teardown(test_source_fails, setup_without_source, teardown),
		CASE(test_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
