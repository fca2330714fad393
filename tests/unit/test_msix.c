/* MSI-X: masks, pending bits, and routes that are made when they are needed. Without KVM an open route is an eventfd
 * that nobody reads but the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/pci.h"
#include "tests/unit/virtio_guest.h"

#define SLOT 5
#define VECTORS 67 /* more than 64: two dwords of pending bits */
#define TABLE 0x1000
#define PBA 0x2000
#define ENABLE 0x8000
#define FUNCTION_MASK 0x4000

struct rig {
	struct fake_machine f;
	struct mv_dev *host;
	struct mv_pci_fn fn;
	unsigned control;
	unsigned descriptors;
};

static void bar_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct mv_pci_bar *bar = opaque;

	memset(buf, 0x77, len);
	if (mv_msix_covers(bar->fn, offset))
		mv_msix_read(bar->fn, offset, buf, len);
}

static void bar_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct mv_pci_bar *bar = opaque;

	if (mv_msix_covers(bar->fn, offset))
		mv_msix_write(bar->fn, offset, buf, len);
}

static const struct mv_pci_ops ops = { .bar = { .read = bar_read, .write = bar_write } };
static const struct mv_pci_ids ids = { .vendor = 0x1234, .device = 1 };

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->descriptors = vg_open_descriptors();
	fake_machine_init(&r->f, 0);
	r->host = fake_machine_device(&r->f, &mv_pci_host_ops, NULL);
	assert_int_equal(mv_pci_fn_init(&r->fn, &r->f.machine, SLOT, &ids, &ops, NULL), 0);
	assert_int_equal(mv_msix_init(&r->fn, VECTORS, 0, TABLE, PBA, NULL), 0);
	assert_int_equal(mv_pci_add_bar(&r->fn, 0, 0x4000, NULL), 0);
	r->control = vg_capability(&r->f, SLOT, 0x11, 0) + 2;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	mv_pci_fn_release(&r->fn);
	mv_dev_free(r->host);
	fake_machine_release(&r->f);
	assert_int_equal(vg_open_descriptors(), r->descriptors);
	free(r);
	return 0;
}

static uint64_t get(struct rig *r, unsigned offset, unsigned len)
{
	return vg_memory_read(&r->f, r->fn.bars[0].address + offset, len);
}

static void set(struct rig *r, unsigned offset, uint64_t value, unsigned len)
{
	vg_memory_write(&r->f, r->fn.bars[0].address + offset, value, len);
}

static void control(struct rig *r, uint16_t value)
{
	vg_config_write(&r->f, SLOT, r->control, value, 2);
}

static void mask(struct rig *r, unsigned vector, bool on)
{
	set(r, TABLE + 16 * vector + 12, on, 4);
}

static void program(struct rig *r, unsigned vector)
{
	set(r, TABLE + 16 * vector, MV_LAPIC_BASE, 4);
	set(r, TABLE + 16 * vector + 4, 0, 4);
	set(r, TABLE + 16 * vector + 8, 0x30 + vector, 4);
	mask(r, vector, false);
}

static bool is_pending(struct rig *r, unsigned vector)
{
	return get(r, PBA + vector / 64 * 8, 8) >> vector % 64 & 1;
}

/* How often the vector fired since the last call. Only for one that has a route. */
static uint64_t fired(struct rig *r, unsigned vector)
{
	return vg_interrupts(&r->fn, vector);
}

static void test_capability(void **state)
{
	struct rig *r = *state;

	assert_int_equal(vg_config_read(&r->f, SLOT, r->control, 2), VECTORS - 1);
	assert_int_equal(vg_config_read(&r->f, SLOT, r->control + 2, 4), TABLE);
	assert_int_equal(vg_config_read(&r->f, SLOT, r->control + 6, 4), PBA);
	control(r, 0xffff);
	assert_int_equal(vg_config_read(&r->f, SLOT, r->control, 2), ENABLE | FUNCTION_MASK | (VECTORS - 1));
	assert_true(mv_msix_enabled(&r->fn));
}

static void test_covers(void **state)
{
	struct rig *r = *state;

	assert_false(mv_msix_covers(&r->fn, TABLE - 1));
	assert_true(mv_msix_covers(&r->fn, TABLE));
	assert_true(mv_msix_covers(&r->fn, TABLE + 16 * VECTORS - 1));
	assert_false(mv_msix_covers(&r->fn, TABLE + 16 * VECTORS));
	assert_true(mv_msix_covers(&r->fn, PBA + 15));
	assert_false(mv_msix_covers(&r->fn, PBA + 16));
	assert_int_equal(get(r, 0, 1), 0x77);
	/* An access that sticks out of the table. */
	assert_int_equal(get(r, TABLE + 16 * VECTORS - 4, 8), 1);
	assert_int_equal(get(r, PBA + 14, 4), 0);
}

static void test_signal(void **state)
{
	struct rig *r = *state;

	program(r, 3);
	mv_msix_signal(&r->fn, 3); /* not enabled: nothing */
	control(r, ENABLE);
	assert_int_equal(fired(r, 3), 0);
	mv_msix_signal(&r->fn, 3);
	mv_msix_signal(&r->fn, 3);
	assert_int_equal(fired(r, 3), 2);
	assert_false(is_pending(r, 3));
	mv_msix_signal(&r->fn, VECTORS);
	mv_msix_signal(&r->fn, 0xffff);
	assert_int_equal(mv_msix_fd(&r->fn, VECTORS), -1);
}

/* System calls are made for vectors in use only. */
static void test_routes_are_lazy(void **state)
{
	struct rig *r = *state;
	unsigned before = vg_open_descriptors();

	for (unsigned i = 0; i < VECTORS; i++)
		set(r, TABLE + 16 * i, MV_LAPIC_BASE, 8);
	control(r, ENABLE | FUNCTION_MASK);
	program(r, 1);
	assert_int_equal(vg_open_descriptors(), before);
	control(r, ENABLE);
	assert_int_equal(vg_open_descriptors(), before + 1);
	program(r, 66);
	assert_int_equal(vg_open_descriptors(), before + 2);
	for (unsigned i = 0; i < 1000; i++) {
		mask(r, 1, true);
		mask(r, 1, false);
		control(r, 0);
		control(r, ENABLE);
	}
	assert_int_equal(vg_open_descriptors(), before + 2);
}

static void test_masked_vector_is_pending(void **state)
{
	struct rig *r = *state;

	control(r, ENABLE);
	mv_msix_signal(&r->fn, 65); /* has no route yet */
	assert_true(is_pending(r, 65));
	assert_int_equal(get(r, PBA + 8, 4), 2);
	program(r, 65);
	assert_false(is_pending(r, 65));
	assert_int_equal(fired(r, 65), 1);
	mask(r, 65, true);
	mv_msix_signal(&r->fn, 65); /* has one */
	mv_msix_signal(&r->fn, 65);
	assert_true(is_pending(r, 65));
	set(r, PBA, 0, 8); /* read-only */
	set(r, PBA + 8, 0, 8);
	assert_true(is_pending(r, 65));
	mask(r, 65, false);
	assert_false(is_pending(r, 65));
	assert_true(fired(r, 65) > 0);
}

static void test_function_mask(void **state)
{
	struct rig *r = *state;

	program(r, 0);
	control(r, ENABLE | FUNCTION_MASK);
	mv_msix_signal(&r->fn, 0);
	assert_true(is_pending(r, 0));
	control(r, ENABLE);
	assert_false(is_pending(r, 0));
	assert_int_equal(fired(r, 0), 1);
}

static void test_widths(void **state)
{
	struct rig *r = *state;

	set(r, TABLE, 0x1122334455667788, 8);
	assert_true(get(r, TABLE, 8) == 0x1122334455667788);
	set(r, TABLE + 4, 0xffffffff, 4);
	assert_true(get(r, TABLE, 8) == 0xffffffff55667788);
	/* The two lowest bits of an address, and all of the control word but its lowest, are reserved. */
	set(r, TABLE, 3, 4);
	assert_int_equal(get(r, TABLE, 4), 0);
	set(r, TABLE + 12, 0xffffffff, 4);
	assert_int_equal(get(r, TABLE + 12, 4), 1);
	/* Every other width and alignment reads bytes and writes nothing. */
	for (unsigned len = 1; len <= 8; len++)
		for (unsigned offset = TABLE; offset < TABLE + 32; offset++) {
			uint64_t before = get(r, offset, len);

			if ((len == 4 || len == 8) && offset % len == 0)
				continue;
			set(r, offset, UINT64_MAX, len);
			assert_true(get(r, offset, len) == before);
		}
	assert_int_equal(get(r, TABLE + 5, 2), 0xffff);
}

static void test_intx_is_off_while_enabled(void **state)
{
	struct rig *r = *state;

	mv_pci_intx(&r->fn, true);
	assert_true(fake_irq(&r->f, MV_GSI_PCI_INTX + SLOT % 4));
	control(r, ENABLE);
	assert_false(fake_irq(&r->f, MV_GSI_PCI_INTX + SLOT % 4));
	control(r, 0);
	assert_true(fake_irq(&r->f, MV_GSI_PCI_INTX + SLOT % 4));
}

static void test_descriptor_is_stable(void **state)
{
	struct rig *r = *state;
	int fd = mv_msix_fd(&r->fn, 2);

	assert_true(fd >= 0);
	control(r, ENABLE);
	program(r, 2);
	mv_msix_reset(&r->fn);
	assert_int_equal(mv_msix_fd(&r->fn, 2), fd);
	/* What vhost signals directly is held back and delivered like the rest. */
	control(r, ENABLE | FUNCTION_MASK);
	program(r, 2);
	eventfd_write(fd, 1);
	assert_true(is_pending(r, 2));
	control(r, ENABLE);
	assert_int_equal(fired(r, 2), 1);
}

static void test_reset(void **state)
{
	struct rig *r = *state;

	control(r, ENABLE);
	program(r, 0);
	mask(r, 0, true);
	mv_msix_signal(&r->fn, 0);
	mv_msix_signal(&r->fn, 1);
	mv_pci_fn_reset(&r->fn);
	assert_false(mv_msix_enabled(&r->fn));
	assert_int_equal(vg_config_read(&r->f, SLOT, r->control, 2), VECTORS - 1);
	assert_int_equal(get(r, PBA, 8), 0);
	for (unsigned i = 0; i < VECTORS; i++) {
		assert_int_equal(get(r, TABLE + 16 * i, 8), 0);
		assert_int_equal(get(r, TABLE + 16 * i + 12, 4), 1);
	}
}

static const void *save(struct mv_pci_fn *fn, struct mv_state **st, size_t *size)
{
	assert_int_equal(mv_state_saver("msix", 1, st, NULL), 0);
	mv_msix_state(fn, *st, 32);
	mv_pci_fn_state(fn, *st, 48);
	assert_int_equal(mv_state_finish(*st, NULL), 0);
	return mv_state_body(*st, size);
}

static int load(struct mv_pci_fn *fn, const void *body, size_t size)
{
	mv_auto(mv_state) st = NULL;

	assert_int_equal(mv_state_loader("msix", 1, body, size, &st, NULL), 0);
	mv_msix_state(fn, st, 32);
	mv_pci_fn_state(fn, st, 48);
	return mv_state_finish(st, NULL);
}

static void test_state(void **state)
{
	struct rig *r = *state;
	mv_auto(mv_state) st = NULL;
	const void *body;
	size_t size;

	control(r, ENABLE);
	program(r, 1);
	program(r, 66);
	mask(r, 66, true);
	mv_msix_signal(&r->fn, 66);
	mv_msix_signal(&r->fn, 40);
	body = save(&r->fn, &st, &size);
	mv_pci_fn_reset(&r->fn);
	assert_int_equal(load(&r->fn, body, size), 0);
	assert_true(mv_msix_enabled(&r->fn));
	assert_int_equal(fired(r, 1), 0);
	mv_msix_signal(&r->fn, 1);
	assert_int_equal(fired(r, 1), 1);
	assert_true(is_pending(r, 66));
	assert_true(is_pending(r, 40));
	mask(r, 66, false);
	assert_int_equal(fired(r, 66), 1);
	assert_int_equal(load(&r->fn, body, size / 2), -1);
}

/* A table of another size is refused. */
static void test_state_of_another_size(void **state)
{
	struct rig *r = *state;
	struct mv_pci_fn *other = calloc(1, sizeof(*other));
	mv_auto(mv_state) st = NULL;
	const void *body;
	size_t size;

	assert_int_equal(mv_pci_fn_init(other, &r->f.machine, SLOT + 1, &ids, &ops, NULL), 0);
	assert_int_equal(mv_msix_init(other, VECTORS - 1, 0, TABLE, PBA, NULL), 0);
	assert_int_equal(mv_pci_add_bar(other, 0, 0x4000, NULL), 0);
	body = save(other, &st, &size);
	assert_int_equal(load(&r->fn, body, size), -1);
	mv_pci_fn_release(other);
	free(other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_capability),
		CASE(test_covers),
		CASE(test_signal),
		CASE(test_routes_are_lazy),
		CASE(test_masked_vector_is_pending),
		CASE(test_function_mask),
		CASE(test_widths),
		CASE(test_intx_is_off_while_enabled),
		CASE(test_descriptor_is_stable),
		CASE(test_reset),
		CASE(test_state),
		CASE(test_state_of_another_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
