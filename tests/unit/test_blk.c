/* The block device as a guest sees it: through the registers of its BAR, with its own thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/kvm/common/layout.h"
#include "engine/kvm/virtio/devices.h"
#include "engine/kvm/virtio/virtio_pci.h"
#include "tests/unit/blk_guest.h"
#include "tests/unit/fake_machine.h"

#define DISK_SIZE (UINT64_C(4) << 20)
#define QUEUE_SIZE 128
#define RINGS 0x10000
#define HEADER 0x200000
#define DATA 0x300000
#define F(n) (UINT64_C(1) << (n))
#define F_DEFAULT (F(32) | F(29) | F(28))
#define F_FLUSH 9
#define F_WCE 11

struct disk {
	struct fake_machine fake;
	struct mv_dev *host; /* PCI */
	struct mv_dev *dev;
	struct mv_device_spec spec;
	int file;
	struct blk_ring rings[4];
	unsigned added;
};

static struct mv_virtio *virtio(struct disk *d)
{
	return (struct mv_virtio *)d->dev;
}

static void out(struct disk *d, uint64_t offset, uint64_t value, unsigned len)
{
	uint8_t buf[8];

	mv_put_le64(buf, value);
	mv_virtio_pci_bar_write(&virtio(d)->pci.bars[MV_VIRTIO_BAR], offset, buf, len);
}

static uint64_t in(struct disk *d, uint64_t offset, unsigned len)
{
	uint8_t buf[8] = { 0 };

	mv_virtio_pci_bar_read(&virtio(d)->pci.bars[MV_VIRTIO_BAR], offset, buf, len);
	return mv_get_le64(buf);
}

static uint64_t config(struct disk *d, unsigned offset, unsigned len)
{
	return in(d, MV_VIRTIO_BAR_DEVICE + offset, len);
}

static uint8_t status(struct disk *d)
{
	return (uint8_t)in(d, 0x14, 1);
}

static uint64_t offered(struct disk *d)
{
	uint64_t f;

	out(d, 0, 0, 4);
	f = in(d, 4, 4);
	out(d, 0, 1, 4);
	return f | in(d, 4, 4) << 32;
}

static void make_device(struct disk *d)
{
	d->spec.blk.fd = dup(d->file);
	d->dev = fake_machine_device(&d->fake, &mv_blk_dev_ops, &d->spec);
}

static int set_up(void **state)
{
	struct disk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	fake_machine_init(&d->fake, UINT64_C(16) << 20);
	d->host = fake_machine_device(&d->fake, &mv_pci_host_ops, NULL);
	d->file = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(ftruncate(d->file, (off_t)DISK_SIZE), 0);
	d->spec = (struct mv_device_spec){
		.kind = MV_DEVICE_BLK,
		.id = "disk0",
		.slot = 1,
		.blk = { .discard = true, .queues = 1, .queue_size = QUEUE_SIZE, .serial = "s1" },
	};
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct disk *d = *state;

	mv_dev_free(d->dev);
	mv_dev_free(d->host);
	fake_machine_release(&d->fake);
	close(d->file);
	free(d);
	return 0;
}

/* A driver's way to DRIVER_OK (3.1.1). */
static void drive(struct disk *d, uint64_t features, unsigned queues)
{
	out(d, 0x14, 0, 1);
	out(d, 0x14, 1, 1);
	out(d, 0x14, 3, 1);
	out(d, 8, 0, 4);
	out(d, 0xc, features & UINT32_MAX, 4);
	out(d, 8, 1, 4);
	out(d, 0xc, features >> 32, 4);
	out(d, 0x14, 0xb, 1);
	assert_int_equal(status(d), 0xb);
	for (unsigned i = 0; i < queues; i++) {
		uint64_t base = RINGS + i * BLK_RING_SPACE;

		blk_ring_init(&d->rings[i], &d->fake.memory, base, QUEUE_SIZE);
		out(d, 0x16, i, 2);
		out(d, 0x18, QUEUE_SIZE, 2);
		out(d, 0x20, base, 8);
		out(d, 0x28, base + BLK_RING_AVAIL, 8);
		out(d, 0x30, base + BLK_RING_USED, 8);
		out(d, 0x1c, 1, 2);
	}
	out(d, 0x14, 0xf, 1);
	assert_int_equal(status(d), 0xf);
}

static void notify(struct disk *d, unsigned queue)
{
	out(d, MV_VIRTIO_BAR_NOTIFY + queue * MV_VIRTIO_NOTIFY_MULTIPLIER, queue, 2);
}

/* Places in guest memory of request number i. */
static uint64_t header_of(unsigned i)
{
	return HEADER + i % 256 * 64;
}

static uint64_t data_of(unsigned i)
{
	return DATA + i % 256 * 4096;
}

static uint8_t *status_of(struct disk *d, unsigned i)
{
	return blk_memory(&d->fake.memory, header_of(i) + 32);
}

/* Makes a request of `len` bytes (0: without data) available; returns its number. */
static unsigned add(struct disk *d, unsigned queue, uint32_t type, uint64_t sector, uint32_t len)
{
	unsigned i = d->added++;
	struct blk_segment s[] = { { header_of(i), 16, false },
				   { data_of(i), len, type == BLK_IN || type == BLK_GET_ID },
				   { header_of(i) + 32, 1, true } };

	if (!len)
		s[1] = s[2];
	blk_put_header(&d->fake.memory, header_of(i), type, sector);
	*status_of(d, i) = BLK_NO_STATUS;
	blk_ring_add(&d->rings[queue], s, len ? 3 : 2);
	return i;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The interrupt line of slot 1 (INTx is what a driver without MSI-X gets). */
static bool line(struct disk *d)
{
	for (unsigned gsi = MV_GSI_PCI_INTX; gsi < MV_GSI_PCI_INTX + MV_GSI_PCI_INTX_COUNT; gsi++) {
		if (fake_irq(&d->fake, gsi))
			return true;
	}
	return false;
}

/* Waits for the next used chain as a driver without polling does: by its interrupt. */
static void wait_used(struct disk *d, unsigned queue, unsigned count)
{
	uint64_t limit = now_ms() + 10000;
	uint32_t head = 0, len = 0;

	while (count) {
		do {
			while (count && blk_ring_take(&d->rings[queue], &head, &len))
				count--;
			blk_ring_want_interrupt(&d->rings[queue]);
		} while (count && blk_ring_take(&d->rings[queue], &head, &len) && count--);
		if (!count)
			break;
		while (!line(d)) {
			assert_true(now_ms() < limit);
			poll(NULL, 0, 1);
		}
		/* Reading acknowledges. */
		assert_int_equal(in(d, MV_VIRTIO_BAR_ISR, 1) & 1, 1);
	}
}

static uint8_t run(struct disk *d, uint32_t type, uint64_t sector, uint32_t len)
{
	unsigned i = add(d, 0, type, sector, len);

	notify(d, 0);
	wait_used(d, 0, 1);
	return *status_of(d, i);
}

struct stat_search {
	const char *name;
	uint64_t value;
};

static void on_stat(void *opaque, const char *name, uint64_t value)
{
	struct stat_search *s = opaque;

	if (!strcmp(name, s->name))
		s->value = value;
}

static uint64_t stat_of(struct disk *d, const char *name)
{
	struct stat_search s = { .name = name, .value = UINT64_MAX };

	d->dev->ops->stats(d->dev, on_stat, &s);
	return s.value;
}

/* --- what it offers --------------------------------------------------------------------------------------------------
 */

static void test_configuration(void **state)
{
	struct disk *d = *state;

	d->spec.blk.queues = 3;
	make_device(d);
	assert_int_equal(config(d, 0, 8), DISK_SIZE / 512);
	assert_int_equal(config(d, 12, 4), QUEUE_SIZE - 2);
	assert_int_equal(config(d, 20, 4), 512);
	assert_int_equal(config(d, 24, 1), 3); /* 4096 = 512 << 3 */
	assert_int_equal(config(d, 26, 2), 8);
	assert_int_equal(config(d, 32, 1), 1);
	assert_int_equal(config(d, 34, 2), 3);
	assert_true(config(d, 36, 4) > 0);
	assert_true(config(d, 40, 4) > 0);
	assert_int_equal(config(d, 44, 4), 8);
	assert_true(config(d, 48, 4) > 0);
	assert_true(config(d, 52, 4) > 0);
	assert_int_equal(config(d, 56, 1), 1);
	/* Any width and alignment. */
	assert_int_equal(config(d, 1, 1), DISK_SIZE / 512 >> 8 & 0xff);
	assert_int_equal(offered(d), F_DEFAULT | F(2) | F(6) | F(9) | F(10) | F(11) | F(12) | F(13) | F(14));
	assert_int_equal(stat_of(d, "block.disk0.capacity"), DISK_SIZE);
}

static void test_features(void **state)
{
	static const struct {
		uint32_t cache;
		bool read_only, discard;
		uint64_t features;
	} cases[] = {
		{ MV_CACHE_WRITEBACK, false, false, F(9) | F(11) | F(14) },
		{ MV_CACHE_NONE, false, true, F(9) | F(11) | F(13) | F(14) },
		{ MV_CACHE_WRITETHROUGH, false, true, F(13) | F(14) },
		{ MV_CACHE_DIRECTSYNC, false, false, F(14) },
		{ MV_CACHE_UNSAFE, false, false, F(9) | F(14) },
		{ MV_CACHE_WRITEBACK, true, true, F(5) },
	};
	struct disk *d = *state;

	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		d->spec.blk.cache = cases[i].cache;
		d->spec.blk.read_only = cases[i].read_only;
		d->spec.blk.discard = cases[i].discard;
		make_device(d);
		assert_int_equal(offered(d), F_DEFAULT | F(2) | F(6) | F(10) | cases[i].features);
		mv_dev_free(d->dev);
		d->dev = NULL;
	}
}

static void refuse(struct disk *d)
{
	mv_auto(mv_error) err = NULL;
	struct mv_dev *dev = NULL;

	assert_int_equal(mv_dev_create(&mv_blk_dev_ops, &d->fake.machine, "disk0", &d->spec, &dev, &err), -1);
	assert_null(dev);
	assert_non_null(err);
	/* The descriptor is still the caller's. */
	assert_true(fcntl(d->spec.blk.fd, F_GETFD) >= 0);
}

static void test_bad_specifications(void **state)
{
	struct disk *d = *state;
	struct mv_blk_spec good = d->spec.blk;
	int pipes[2];

	good.fd = d->file;
	d->spec.blk = good;
	d->spec.blk.queues = 0;
	refuse(d);
	d->spec.blk.queues = MV_MAX_QUEUES + 1;
	refuse(d);
	d->spec.blk = good;
	d->spec.blk.queue_size = 96;
	refuse(d);
	d->spec.blk.queue_size = 2048;
	refuse(d);
	d->spec.blk = good;
	d->spec.blk.cache = MV_CACHE_LAST;
	refuse(d);
	d->spec.blk = good;
	d->spec.blk.serial = "a serial of more than twenty bytes";
	refuse(d);
	d->spec.blk = good;
	assert_int_equal(pipe(pipes), 0);
	d->spec.blk.fd = pipes[0];
	refuse(d);
	close(pipes[0]);
	close(pipes[1]);
	/* A slot that is taken: everything was made already. */
	d->spec.blk = good;
	make_device(d);
	d->spec.blk.fd = d->file;
	refuse(d);
}

/* --- requests --------------------------------------------------------------------------------------------------------
 */

static void test_requests(void **state)
{
	struct disk *d = *state;
	uint8_t *data;

	make_device(d);
	drive(d, offered(d), 1);
	data = blk_memory(&d->fake.memory, data_of(d->added));
	memset(data, 0x5a, 4096);
	assert_int_equal(run(d, BLK_OUT, 8, 4096), BLK_OK);
	assert_int_equal(run(d, BLK_FLUSH, 0, 0), BLK_OK);
	assert_int_equal(run(d, BLK_IN, 8, 4096), BLK_OK);
	assert_memory_equal(blk_memory(&d->fake.memory, data_of(d->added - 1)), data, 4096);
	assert_int_equal(run(d, BLK_GET_ID, 0, 20), BLK_OK);
	assert_string_equal(blk_memory(&d->fake.memory, data_of(d->added - 1)), "s1");
	assert_int_equal(run(d, 99, 0, 0), BLK_UNSUPP);
	assert_int_equal(run(d, BLK_IN, DISK_SIZE / 512, 512), BLK_IOERR);
	assert_int_equal(stat_of(d, "block.disk0.rd.reqs"), 1);
	assert_int_equal(stat_of(d, "block.disk0.rd.bytes"), 4096);
	assert_int_equal(stat_of(d, "block.disk0.wr.reqs"), 1);
	assert_int_equal(stat_of(d, "block.disk0.wr.bytes"), 4096);
	assert_int_equal(stat_of(d, "block.disk0.fl.reqs"), 1);
	assert_int_equal(d->fake.events, 0);
}

/* Without event indexes, without indirect descriptors; and each cache mode. */
static void test_cache_modes(void **state)
{
	struct disk *d = *state;

	for (uint32_t cache = 0; cache < MV_CACHE_LAST; cache++) {
		d->spec.blk.cache = cache;
		make_device(d);
		drive(d, F(32), 1);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(run(d, BLK_OUT, 8, 512), BLK_OK);
			assert_int_equal(run(d, BLK_FLUSH, 0, 0), BLK_OK);
			assert_int_equal(run(d, BLK_IN, 8, 512), BLK_OK);
		}
		mv_dev_free(d->dev);
		d->dev = NULL;
	}
}

static void test_batches_on_several_queues(void **state)
{
	struct disk *d = *state;

	d->spec.blk.queues = 4;
	make_device(d);
	drive(d, offered(d), 4);
	for (int round = 0; round < 50; round++) {
		unsigned first = d->added;

		for (unsigned q = 0; q < 4; q++) {
			for (unsigned i = 0; i < 32; i++)
				add(d, q, i % 2 ? BLK_IN : BLK_OUT, (q * 32 + i) * 8, 4096);
			notify(d, q);
		}
		for (unsigned q = 0; q < 4; q++)
			wait_used(d, q, 32);
		for (unsigned i = first; i < d->added; i++)
			assert_int_equal(*status_of(d, i), BLK_OK);
	}
	assert_int_equal(stat_of(d, "block.disk0.rd.reqs"), 50 * 64);
}

static void config_space(struct disk *d, unsigned offset, void *buf, unsigned len, bool write)
{
	uint64_t address = MV_ECAM_BASE + ((uint64_t)d->spec.slot << 15) + offset;

	if (write)
		mv_bus_write(d->fake.machine.bus, MV_SPACE_MEMORY, address, buf, len);
	else
		mv_bus_read(d->fake.machine.bus, MV_SPACE_MEMORY, address, buf, len);
}

/* Enables MSI-X and lets vector 0 through. */
static void use_msix(struct disk *d)
{
	uint8_t at = 0, id = 0;
	uint16_t enable = 0x8000;

	config_space(d, 0x34, &at, 1, false);
	while (at) {
		config_space(d, at, &id, 1, false);
		if (id == 0x11)
			break;
		config_space(d, at + 1, &at, 1, false);
	}
	assert_int_equal(id, 0x11);
	config_space(d, at + 2, &enable, 2, true);
	out(d, MV_VIRTIO_BAR_MSIX_TABLE, 0xfee00000, 8);
	out(d, MV_VIRTIO_BAR_MSIX_TABLE + 8, 0x40, 4);
	out(d, MV_VIRTIO_BAR_MSIX_TABLE + 12, 0, 4);
}

/* Interrupts by message go through an eventfd, which the device writes to along with its other work. */
static void test_message_interrupts(void **state)
{
	struct disk *d = *state;
	struct pollfd p = { .events = POLLIN };

	make_device(d);
	use_msix(d);
	drive(d, offered(d), 1);
	out(d, 0x16, 0, 2);
	out(d, 0x1a, 0, 2);
	assert_int_equal(in(d, 0x1a, 2), 0);
	p.fd = mv_virtio_call_fd(virtio(d), 0);
	assert_true(p.fd >= 0);
	for (int i = 0; i < 20; i++) {
		eventfd_t value;
		uint32_t head, len;

		add(d, 0, i & 1 ? BLK_IN : BLK_OUT, 0, 4096);
		blk_ring_want_interrupt(&d->rings[0]);
		notify(d, 0);
		/* A pause must not swallow the interrupt. */
		if (i % 5 == 4) {
			d->dev->ops->pause(d->dev);
			d->dev->ops->resume(d->dev);
		}
		assert_int_equal(poll(&p, 1, 10000), 1);
		assert_int_equal(eventfd_read(p.fd, &value), 0);
		assert_true(blk_ring_take(&d->rings[0], &head, &len));
	}
}

/* A driver that never sets up all queues. */
static void test_unused_queues(void **state)
{
	struct disk *d = *state;

	d->spec.blk.queues = 4;
	make_device(d);
	drive(d, offered(d), 1);
	notify(d, 3);
	assert_int_equal(run(d, BLK_IN, 0, 4096), BLK_OK);
}

static void test_write_cache_switch(void **state)
{
	struct disk *d = *state;

	make_device(d);
	drive(d, F_DEFAULT | F(F_FLUSH) | F(F_WCE), 1);
	assert_int_equal(config(d, 32, 1), 1);
	assert_int_equal(run(d, BLK_OUT, 0, 4096), BLK_OK);
	out(d, MV_VIRTIO_BAR_DEVICE + 32, 0, 1);
	assert_int_equal(config(d, 32, 1), 0);
	assert_int_equal(run(d, BLK_OUT, 0, 4096), BLK_OK);
	/* Requests in flight while it is switched. */
	for (int i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 8; k++)
			add(d, 0, BLK_OUT, k * 8, 4096);
		notify(d, 0);
		out(d, MV_VIRTIO_BAR_DEVICE + 32, i & 1, 1);
		wait_used(d, 0, 8);
	}
	out(d, MV_VIRTIO_BAR_DEVICE + 32, 1, 1);
	assert_int_equal(config(d, 32, 1), 1);
	/* Nothing else can be written, and without the feature not that either. */
	out(d, MV_VIRTIO_BAR_DEVICE, 0, 4);
	assert_int_equal(config(d, 0, 8), DISK_SIZE / 512);
	drive(d, F_DEFAULT, 1);
	out(d, MV_VIRTIO_BAR_DEVICE + 32, 0, 1);
	assert_int_equal(config(d, 32, 1), 1);
}

/* --- life ------------------------------------------------------------------------------------------------------------
 */

static void test_pause(void **state)
{
	struct disk *d = *state;
	unsigned i;

	make_device(d);
	drive(d, offered(d), 1);
	for (int round = 0; round < 20; round++) {
		uint32_t head, len;

		for (unsigned k = 0; k < 8; k++)
			add(d, 0, BLK_OUT, k * 8, 4096);
		notify(d, 0);
		d->dev->ops->pause(d->dev);
		/* What was taken is complete; the rest waits until it goes on. */
		for (i = 0; blk_ring_take(&d->rings[0], &head, &len); i++)
			;
		add(d, 0, BLK_IN, 0, 4096);
		notify(d, 0);
		assert_false(blk_ring_take(&d->rings[0], &head, &len));
		d->dev->ops->resume(d->dev);
		wait_used(d, 0, 9 - i);
	}
}

static void test_save_and_restore(void **state)
{
	struct disk *d = *state;
	struct mv_dev *first;
	unsigned i;

	make_device(d);
	drive(d, F_DEFAULT | F(F_FLUSH) | F(F_WCE), 1);
	out(d, MV_VIRTIO_BAR_DEVICE + 32, 0, 1);
	assert_int_equal(run(d, BLK_OUT, 0, 4096), BLK_OK);
	d->dev->ops->pause(d->dev);
	/* Notified, and never seen by the first device. */
	i = add(d, 0, BLK_IN, 0, 4096);
	notify(d, 0);
	first = d->dev;
	d->spec.slot = 2;
	make_device(d);
	fake_machine_copy_state(first, d->dev);
	mv_dev_free(first);
	assert_int_equal(*status_of(d, i), BLK_NO_STATUS);
	d->dev->ops->resume(d->dev);
	wait_used(d, 0, 1);
	assert_int_equal(*status_of(d, i), BLK_OK);
	assert_int_equal(config(d, 32, 1), 0);
	assert_int_equal(run(d, BLK_OUT, 8, 4096), BLK_OK);
}

static void test_reset(void **state)
{
	struct disk *d = *state;

	d->spec.blk.queues = 2;
	make_device(d);
	for (int round = 0; round < 30; round++) {
		drive(d, offered(d), 2);
		for (unsigned k = 0; k < 16; k++)
			add(d, k & 1, k % 3 ? BLK_OUT : BLK_IN, k * 8, 4096);
		notify(d, 0);
		notify(d, 1);
		/* By the guest, by the machine; requests may be anywhere. */
		if (round & 1)
			out(d, 0x14, 0, 1);
		else
			d->dev->ops->reset(d->dev);
		assert_int_equal(status(d), 0);
		notify(d, 0);
	}
	drive(d, offered(d), 2);
	assert_int_equal(run(d, BLK_IN, 0, 4096), BLK_OK);
}

/* A guest whose other processor never stops to submit: the device can be paused nevertheless. */
struct flood {
	struct disk *d;
	bool stop;
};

static void *flood(void *opaque)
{
	struct flood *f = opaque;
	struct blk_ring *ring = &f->d->rings[0];
	uint32_t head, len;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		while (blk_ring_take(ring, &head, &len))
			;
		while ((uint16_t)(ring->avail - ring->seen) < 16)
			add(f->d, 0, BLK_GET_ID, 0, 20);
		notify(f->d, 0);
	}
	return NULL;
}

static void test_pause_in_a_flood(void **state)
{
	struct disk *d = *state;
	struct flood f = { .d = d };
	pthread_t thread;

	make_device(d);
	drive(d, offered(d), 1);
	assert_int_equal(pthread_create(&thread, NULL, flood, &f), 0);
	for (int i = 0; i < 50; i++) {
		d->dev->ops->pause(d->dev);
		d->dev->ops->resume(d->dev);
	}
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* A driver that breaks the rules has to reset the device, which then works again. */
static void test_needs_reset(void **state)
{
	struct disk *d = *state;
	struct blk_segment s = { HEADER, 16, false };
	uint64_t limit = now_ms() + 10000;

	make_device(d);
	for (unsigned round = 1; round < 4; round++) {
		drive(d, offered(d), 1);
		blk_ring_add(&d->rings[0], &s, 1);
		notify(d, 0);
		while (!(status(d) & MV_VIRTIO_S_NEEDS_RESET)) {
			assert_true(now_ms() < limit);
			poll(NULL, 0, 1);
		}
		notify(d, 0);
		d->dev->ops->pause(d->dev);
		d->dev->ops->resume(d->dev);
		assert_int_equal(d->fake.events, round);
		assert_int_equal(d->fake.event, MV_EVENT_DEVICE);
	}
	drive(d, offered(d), 1);
	assert_int_equal(run(d, BLK_IN, 0, 4096), BLK_OK);
}

static void test_errors_are_told_once(void **state)
{
	struct disk *d = *state;

	make_device(d);
	assert_int_equal(ftruncate(d->file, 8192), 0);
	for (unsigned round = 1; round < 3; round++) {
		drive(d, offered(d), 1);
		for (int i = 0; i < 5; i++)
			assert_int_equal(run(d, BLK_IN, 64, 4096), BLK_IOERR);
		assert_int_equal(d->fake.events, round);
		assert_int_equal(d->fake.event, MV_EVENT_DEVICE);
	}
	assert_int_equal(stat_of(d, "block.disk0.errors"), 10);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Hosts may forbid io_uring, in this very way; the device has another one. */
static int forbid_io_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = MV_ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_configuration),
		CASE(test_features),
		CASE(test_bad_specifications),
		CASE(test_requests),
		CASE(test_cache_modes),
		CASE(test_batches_on_several_queues),
		CASE(test_message_interrupts),
		CASE(test_unused_queues),
		CASE(test_write_cache_switch),
		CASE(test_pause),
		CASE(test_pause_in_a_flood),
		CASE(test_save_and_restore),
		CASE(test_reset),
		CASE(test_needs_reset),
		CASE(test_errors_are_told_once),
	};

	int failed = cmocka_run_group_tests_name("io_uring", tests, NULL, NULL);

	if (forbid_io_uring() < 0) {
		print_message("no seccomp here: the device's other way is not tested\n");
		return failed;
	}
	return failed + cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
