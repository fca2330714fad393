#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/balloon.h"
#include "engine/kvm/virtio/devices.h"
#include "tests/unit/virtio_guest.h"

#define MIB (UINT64_C(1) << 20)
#define MEMORY (64 * MIB)
#define SLOT 6
#define SIZE 64
#define RINGS 0x100000
#define LISTS 0x200000
#define PAGES (16 * MIB) /* what goes back to the host in these tests */
#define F_STATS (1 << 1)
#define F_DEFLATE_ON_OOM (1 << 2)
#define F_POISON (1 << 4)
#define F_REPORTING (1 << 5)

static const struct mv_device_spec spec = {
	.kind = MV_DEVICE_BALLOON,
	.id = (char[]){ "balloon0" },
	.slot = SLOT,
	.balloon = { .deflate_on_oom = true, .free_page_reporting = true, .stats = true, .target = 48 * MIB },
};

struct guest {
	struct fake_machine f;
	struct mv_dev *host, *dev;
	struct vg_device g;
	struct vg_queue q[MV_BALLOON_QUEUES];
};

static void make(struct guest *g)
{
	fake_machine_init(&g->f, MEMORY);
	g->host = fake_machine_device(&g->f, &mv_pci_host_ops, NULL);
	g->dev = fake_machine_device(&g->f, &mv_balloon_dev_ops, &spec);
}

static uint8_t *at(struct guest *g, uint64_t gpa)
{
	return mv_memory_ptr(&g->f.memory, gpa, 1);
}

static void touch(struct guest *g, uint64_t from, uint64_t bytes)
{
	memset(at(g, from), 0xaa, bytes);
}

static void unmake(struct guest *g)
{
	mv_dev_free(g->dev);
	mv_dev_free(g->host);
	fake_machine_release(&g->f);
}

static int setup(void **state)
{
	struct guest *g = calloc(1, sizeof(*g));

	make(g);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	unmake(*state);
	free(*state);
	return 0;
}

static void drive(struct guest *g, uint64_t features, unsigned queues)
{
	vg_find(&g->g, &g->f, SLOT);
	assert_true(vg_negotiate(&g->g, VG_VERSION_1 | VG_EVENT_IDX | features));
	for (unsigned i = 0; i < MV_BALLOON_QUEUES; i++) {
		if (!(queues >> i & 1))
			continue;
		vg_queue_init(&g->q[i], &g->g, i, SIZE, RINGS + i * 0x1000);
		vg_queue_enable(&g->q[i]);
	}
	vg_set_status(&g->g, VG_READY);
	assert_int_equal(vg_status(&g->g), VG_READY);
}

/* Bytes that the host holds for the guest. */
static uint64_t held(struct guest *g)
{
	const struct mv_memory_region *r = &g->f.memory.regions[0];
	size_t pages = r->size / 4096;
	unsigned char *present = malloc(pages);
	uint64_t bytes = 0;

	assert_non_null(present);
	assert_int_equal(mincore(r->host, r->size, present), 0);
	for (size_t i = 0; i < pages; i++)
		bytes += present[i] & 1 ? 4096 : 0;
	free(present);
	return bytes;
}

static uint32_t config(struct guest *g, unsigned field)
{
	return (uint32_t)vg_memory_read(&g->f, g->g.device + field, 4);
}

static void set_actual(struct guest *g, uint32_t pages)
{
	vg_memory_write(&g->f, g->g.device + 4, pages, 4);
}

static void put_pages(struct guest *g, const uint32_t *pages, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		mv_put_le32(at(g, LISTS + 4 * i), pages[i]);
}

static void inflate(struct guest *g, const uint32_t *pages, unsigned count)
{
	uint16_t head;

	put_pages(g, pages, count);
	head = vg_add(&g->q[0], &(struct vg_segment){ LISTS, 4 * count, false }, 1);
	vg_kick(&g->q[0]);
	vg_expect(&g->q[0], head, 0);
}

static void test_offer(void **state)
{
	struct guest *g = *state;

	vg_find(&g->g, &g->f, SLOT);
	assert_int_equal(vg_offered(&g->g) & 0xff, F_STATS | F_DEFLATE_ON_OOM | F_POISON | F_REPORTING);
	assert_int_equal(config(g, 0), 16 * MIB / 4096);
	assert_int_equal(config(g, 4), 0);
}

static void test_inflate_and_deflate(void **state)
{
	struct guest *g = *state;
	uint32_t pages[512];
	uint64_t before;
	uint16_t head;

	drive(g, 0, 0x03);
	touch(g, LISTS, 4096);
	touch(g, PAGES, 4 * MIB);
	before = held(g);
	/* Up, down, and one here and there. */
	for (unsigned i = 0; i < 512; i++)
		pages[i] = (uint32_t)(PAGES / 4096 + (i < 200 ? i : i < 400 ? 599 - i : 2 * i - 200));
	inflate(g, pages, 512);
	assert_int_equal(before - held(g), 512 * 4096);
	assert_int_equal(*at(g, PAGES), 0);
	assert_int_equal(*at(g, PAGES + 399 * 4096), 0);
	assert_int_equal(*at(g, PAGES + 601 * 4096), 0xaa);
	assert_int_equal(*at(g, PAGES + 602 * 4096), 0);
	head = vg_add(&g->q[1], &(struct vg_segment){ LISTS, 4 * 512, false }, 1);
	vg_kick(&g->q[1]);
	vg_expect(&g->q[1], head, 0);
}

/* Pages that are no RAM, and lists that are no lists, hurt nobody. */
static void test_hostile_pages(void **state)
{
	struct guest *g = *state;
	const uint32_t bad[] = { (uint32_t)(MEMORY / 4096), UINT32_MAX, 0xfffff, (uint32_t)(MEMORY / 4096 - 1),
				 (uint32_t)(MEMORY / 4096), 0xc0000,    0x100000 };
	uint16_t head;

	drive(g, 0, 0x03);
	touch(g, MEMORY - 8192, 8192);
	inflate(g, bad, 7);
	assert_int_equal(*at(g, MEMORY - 4096), 0);
	assert_int_equal(*at(g, MEMORY - 8192), 0xaa);
	/* Seven bytes: one page and three quarters. Nothing at all. Something to write only. */
	head = vg_add(&g->q[0], &(struct vg_segment){ LISTS, 7, false }, 1);
	vg_kick(&g->q[0]);
	vg_expect(&g->q[0], head, 0);
	head = vg_add(&g->q[0], &(struct vg_segment){ LISTS, 0, false }, 1);
	vg_kick(&g->q[0]);
	vg_expect(&g->q[0], head, 0);
	head = vg_add(&g->q[0], &(struct vg_segment){ LISTS, 64, true }, 1);
	vg_kick(&g->q[0]);
	vg_expect(&g->q[0], head, 0);
	assert_int_equal(vg_status(&g->g), VG_READY);
}

/* A chain that lists a page millions of times is worked on in turns: others on the loop get theirs. */
static void test_long_list_shares_the_loop(void **state)
{
	struct guest *g = *state;
	struct vg_segment many[32];
	uint32_t head, written;
	unsigned rounds = 0;

	drive(g, 0, 0x03);
	/* The list itself is among the pages, whatever it holds: numbers that change under the device's hands. */
	for (unsigned i = 0; i < 32; i++)
		many[i] = (struct vg_segment){ PAGES, 4 * MIB, false };
	vg_add(&g->q[0], many, 32);
	vg_kick(&g->q[0]);
	while (!vg_take(&g->q[0], &head, &written)) {
		mv_loop_once(g->f.machine.loop, 100);
		rounds++;
		assert_true(rounds < 1000000);
	}
	assert_true(rounds > 100);
}

static void test_target(void **state)
{
	struct guest *g = *state;
	mv_auto(mv_error) err = NULL;
	uint8_t generation;

	drive(g, 0, 0x03);
	generation = (uint8_t)vg_read(&g->g, VG_GENERATION, 1);
	assert_int_equal(g->dev->ops->balloon(g->dev, 32 * MIB, NULL), 0);
	assert_int_not_equal(vg_read(&g->g, VG_GENERATION, 1), generation);
	assert_int_equal(config(g, 0), 32 * MIB / 4096);
	assert_int_equal(vg_memory_read(&g->f, g->g.isr, 1) & 2, 2);
	assert_int_equal(g->dev->ops->balloon(g->dev, MEMORY, NULL), 0);
	assert_int_equal(config(g, 0), 0);
	assert_int_equal(g->dev->ops->balloon(g->dev, MEMORY + 4096, &err), -1);
	assert_true(err && err->code == MV_ERR_INVALID_ARG);
	assert_int_equal(g->dev->ops->balloon(g->dev, 0, NULL), -1);
	assert_int_equal(config(g, 0), 0);
}

static bool two_events(void *opaque)
{
	return ((struct guest *)opaque)->f.events >= 2;
}

/* A change is told at once, a storm of them a few times. */
static void test_events(void **state)
{
	struct guest *g = *state;

	drive(g, 0, 0x03);
	assert_int_equal(g->f.events, 0);
	set_actual(g, 0);
	assert_int_equal(g->f.events, 0);
	set_actual(g, 256);
	assert_int_equal(g->f.events, 1);
	assert_int_equal(g->f.event, MV_EVENT_BALLOON);
	assert_int_equal(g->f.event_number, MEMORY - MIB);
	for (uint32_t i = 0; i < 1000; i++)
		set_actual(g, i);
	assert_int_equal(g->f.events, 1);
	assert_true(fake_machine_until(&g->f, two_events, g));
	assert_int_equal(g->f.event_number, MEMORY - 999 * 4096);
	/* More than there is. */
	set_actual(g, UINT32_MAX);
	assert_int_equal(config(g, 4), MEMORY / 4096);
}

struct found {
	uint64_t value[16];
	unsigned count;
	const char *name[16];
};

static void add_stat(void *opaque, const char *name, uint64_t value)
{
	struct found *f = opaque;

	f->name[f->count] = name;
	f->value[f->count++] = value;
}

static uint64_t stat_of(const struct found *f, const char *name)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!strcmp(f->name[i], name))
			return f->value[i];
	return UINT64_MAX;
}

static struct found ask(struct guest *g)
{
	struct found f = { .count = 0 };

	g->dev->ops->stats(g->dev, add_stat, &f);
	return f;
}

/* The driver's buffer, filled with a swap-in count and what is free, and an entry that nobody knows. */
static void give_stats(struct guest *g, uint64_t swap_in, uint64_t unused)
{
	uint8_t *p = at(g, LISTS);

	mv_put_le16(p, 0);
	mv_put_le64(p + 2, swap_in);
	mv_put_le16(p + 10, 4);
	mv_put_le64(p + 12, unused);
	mv_put_le16(p + 20, 999);
	mv_put_le64(p + 22, 1);
	vg_add(&g->q[2], &(struct vg_segment){ LISTS, 30, false }, 1);
	vg_kick(&g->q[2]);
	fake_machine_turn(&g->f);
	fake_machine_turn(&g->f);
}

static void test_stats(void **state)
{
	struct guest *g = *state;
	struct found f;
	uint32_t head, written;

	drive(g, F_STATS, 0x07);
	f = ask(g);
	assert_int_equal(f.count, 2);
	assert_int_equal(stat_of(&f, "balloon.current"), MEMORY / 1024);
	assert_int_equal(stat_of(&f, "balloon.maximum"), MEMORY / 1024);
	give_stats(g, 3 * MIB, 5 * MIB);
	assert_false(vg_take(&g->q[2], &head, &written));
	f = ask(g);
	assert_int_equal(stat_of(&f, "balloon.swap_in"), 3072);
	assert_int_equal(stat_of(&f, "balloon.unused"), 5120);
	assert_int_equal(stat_of(&f, "balloon.available"), UINT64_MAX);
	assert_true((uint64_t)time(NULL) - stat_of(&f, "balloon.last-update") < 60);
	/* Asking requested new ones. */
	assert_true(vg_take(&g->q[2], &head, &written));
	f = ask(g);
	assert_int_equal(stat_of(&f, "balloon.unused"), 5120);
	give_stats(g, 3 * MIB, 7 * MIB);
	f = ask(g);
	assert_int_equal(stat_of(&f, "balloon.unused"), 7168);
	assert_true(vg_take(&g->q[2], &head, &written));
	/* Two buffers, an endless one, one without anything: odd, but harmless. */
	vg_add(&g->q[2], &(struct vg_segment){ PAGES, 32 * MIB, false }, 1);
	give_stats(g, 1, 2);
	ask(g);
	fake_machine_turn(&g->f);
	ask(g);
	assert_int_equal(vg_used_index(&g->q[2]), 4);
	assert_int_equal(vg_status(&g->g), VG_READY);
}

static void report(struct guest *g, unsigned queue, uint64_t gpa, uint32_t len)
{
	uint16_t head = vg_add(&g->q[queue], (struct vg_segment[]){ { gpa, len, true }, { gpa + 8 * MIB, len, true } },
			       2);

	vg_kick(&g->q[queue]);
	vg_expect(&g->q[queue], head, 0);
}

static void test_reporting(void **state)
{
	struct guest *g = *state;
	uint64_t before;

	touch(g, RINGS, MV_BALLOON_QUEUES * 0x1000);
	/* Linux's numbers: statistics are not negotiated, so this is the third queue. */
	drive(g, F_REPORTING, 0x07);
	touch(g, PAGES, 16 * MIB);
	before = held(g);
	report(g, 2, PAGES, 2 * MIB);
	assert_int_equal(before - held(g), 4 * MIB);
	/* Parts of pages stay. */
	report(g, 2, PAGES + 2 * MIB + 1, 8191);
	assert_int_equal(before - held(g), 4 * MIB + 8192);
	report(g, 2, PAGES + 3 * MIB + 1, 4095);
	assert_int_equal(before - held(g), 4 * MIB + 8192);
	/* With statistics it is the fourth; by the specification, the fifth. */
	drive(g, F_REPORTING | F_STATS, 0x0f);
	report(g, 3, PAGES + 4 * MIB, MIB);
	assert_int_equal(before - held(g), 6 * MIB + 8192);
	drive(g, F_REPORTING | F_STATS, 0x17);
	report(g, 4, PAGES + 5 * MIB, MIB);
	assert_int_equal(before - held(g), 8 * MIB + 8192);
}

static void test_poison(void **state)
{
	struct guest *g = *state;
	uint64_t before;

	drive(g, F_REPORTING | F_POISON, 0x07);
	vg_memory_write(&g->f, g->g.device + 12, 0xaaaaaaaa, 4);
	touch(g, PAGES, 16 * MIB);
	before = held(g);
	report(g, 2, PAGES, MIB);
	assert_int_equal(before, held(g));
	assert_int_equal(*at(g, PAGES), 0xaa);
	vg_memory_write(&g->f, g->g.device + 12, 0, 4);
	report(g, 2, PAGES, MIB);
	assert_int_equal(before - held(g), 2 * MIB);
}

/* A new driver starts with an empty balloon; what is wanted of it stays. */
static void test_reset(void **state)
{
	struct guest *g = *state;

	drive(g, F_STATS, 0x07);
	give_stats(g, 1, 2);
	set_actual(g, 100);
	vg_set_status(&g->g, 0);
	assert_int_equal(config(g, 4), 0);
	assert_int_equal(config(g, 0), 16 * MIB / 4096);
	assert_int_equal(ask(g).count, 2);
	g->dev->ops->reset(g->dev);
	assert_int_equal(config(g, 0), 16 * MIB / 4096);
}

/* Saved with a half-read list and the driver's statistics buffer in the device's hands. */
static void test_state(void **state)
{
	struct guest *g = *state, *h = calloc(1, sizeof(*h));
	struct vg_segment many[32];
	uint32_t head, written;
	struct found f;

	drive(g, F_STATS, 0x07);
	give_stats(g, 3 * MIB, 5 * MIB);
	set_actual(g, 100);
	for (unsigned i = 0; i < 32; i++)
		many[i] = (struct vg_segment){ PAGES, MIB, false };
	vg_add(&g->q[0], many, 32);
	vg_kick(&g->q[0]);
	fake_machine_turn(&g->f);
	fake_machine_turn(&g->f);
	g->dev->ops->pause(g->dev);
	assert_false(vg_take(&g->q[0], &head, &written));
	f = ask(g); /* nothing moves while it is paused */
	assert_int_equal(stat_of(&f, "balloon.unused"), 5120);
	assert_false(vg_take(&g->q[2], &head, &written));

	make(h);
	memcpy(mv_memory_ptr(&h->f.memory, 0, MEMORY), mv_memory_ptr(&g->f.memory, 0, MEMORY), MEMORY);
	fake_machine_copy_state(g->dev, h->dev);
	memcpy(h->q, g->q, sizeof(h->q));
	vg_find(&h->g, &h->f, SLOT);
	for (unsigned i = 0; i < MV_BALLOON_QUEUES; i++)
		h->q[i].g = &h->g;
	assert_int_equal(config(h, 4), 100);
	h->dev->ops->resume(h->dev);
	for (unsigned i = 0; !vg_take(&h->q[0], &head, &written); i++) {
		assert_true(i < 1000000);
		mv_loop_once(h->f.machine.loop, 100);
	}
	f = ask(h);
	assert_int_equal(stat_of(&f, "balloon.unused"), 5120);
	assert_true(vg_take(&h->q[2], &head, &written));
	give_stats(h, 0, 9 * MIB);
	f = ask(h);
	assert_int_equal(stat_of(&f, "balloon.unused"), 9216);
	unmake(h);
	free(h);
}

static void test_hostile_state(void **state)
{
	struct guest *g = *state;
	size_t size;
	mv_autofree uint8_t *body = NULL;

	drive(g, F_STATS | F_REPORTING, 0x0f);
	give_stats(g, 1, 2);
	vg_add(&g->q[0], &(struct vg_segment){ LISTS, 64, false }, 1);
	g->dev->ops->pause(g->dev);
	body = fake_machine_save(g->dev, &size);
	for (size_t i = 0; i < size; i++) {
		uint8_t before = body[i];

		body[i] ^= 0xff;
		fake_machine_load(g->dev, body, size);
		g->dev->ops->resume(g->dev);
		ask(g);
		for (int n = 0; n < 3; n++)
			fake_machine_turn(&g->f);
		body[i] = before;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offer),         TEST(test_inflate_and_deflate),
		TEST(test_hostile_pages), TEST(test_long_list_shares_the_loop),
		TEST(test_target),        TEST(test_events),
		TEST(test_stats),         TEST(test_reporting),
		TEST(test_poison),        TEST(test_reset),
		TEST(test_state),         TEST(test_hostile_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
