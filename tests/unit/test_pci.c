/* The PCI bus as a guest sees it: configuration space by both ways, BARs that move to all the wrong places, INTx. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/pci.h"
#include "tests/unit/virtio_guest.h"

#define BAR_SIZE 0x2000
#define SLOT_A 3
#define SLOT_B 7 /* same interrupt line as slot 3 */
#define COMMAND 4
#define STATUS 6
#define MEMORY 2
#define INTX_DISABLE 0x400
#define INTERRUPT_STATUS 8

/* A function whose BARs remember the last write, and which counts. */
struct gadget {
	struct mv_pci_fn fn;
	uint64_t offset, value;
	unsigned len;
	unsigned reads, writes, mapped, unmapped, config_reads, config_writes;
	uint64_t at; /* where bar_mapped said that BAR 0 is; 0: nowhere */
};

struct rig {
	struct fake_machine f;
	struct mv_dev *host;
	struct gadget a, b;
	unsigned descriptors;
};

static struct gadget *gadget_of(struct mv_pci_fn *fn)
{
	return (struct gadget *)fn;
}

static void gadget_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct mv_pci_bar *bar = opaque;
	struct gadget *g = gadget_of(bar->fn);

	g->reads++;
	g->offset = offset;
	mv_put_le(buf, 0xa0 + bar->fn->slot + 0x100 * bar->index, len);
}

static void gadget_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct gadget *g = gadget_of(((struct mv_pci_bar *)opaque)->fn);

	g->writes++;
	g->offset = offset;
	g->value = mv_get_le(buf, len);
	g->len = len;
}

static void gadget_mapped(struct mv_pci_fn *fn, unsigned bar, uint64_t address, bool mapped)
{
	struct gadget *g = gadget_of(fn);

	g->mapped += mapped;
	g->unmapped += !mapped;
	if (bar == 0)
		g->at = mapped ? address : 0;
}

static void gadget_config_written(struct mv_pci_fn *fn, unsigned offset, unsigned len)
{
	(void)offset;
	(void)len;
	gadget_of(fn)->config_writes++;
}

static void gadget_config_read(struct mv_pci_fn *fn, unsigned offset, unsigned len)
{
	(void)offset;
	(void)len;
	gadget_of(fn)->config_reads++;
}

static const struct mv_pci_ops gadget_ops = {
	.config_read = gadget_config_read,
	.config_written = gadget_config_written,
	.bar = { .read = gadget_read, .write = gadget_write },
	.bar_mapped = gadget_mapped,
};

static const struct mv_pci_ids ids = {
	.vendor = 0x1234,
	.device = 0x5678,
	.subsystem_vendor = 0x9abc,
	.subsystem = 0xdef0,
	.revision = 5,
	.class_code = 0x010203,
};

static void make_gadget(struct rig *r, struct gadget *g, unsigned slot)
{
	assert_int_equal(mv_pci_fn_init(&g->fn, &r->f.machine, slot, &ids, &gadget_ops, NULL), 0);
	assert_int_equal(mv_pci_add_bar(&g->fn, 0, BAR_SIZE - 100, NULL), 0);
	assert_int_equal(mv_pci_add_bar(&g->fn, 4, 16, NULL), 0);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->descriptors = vg_open_descriptors();
	fake_machine_init(&r->f, UINT64_C(1) << 20);
	r->host = fake_machine_device(&r->f, &mv_pci_host_ops, NULL);
	make_gadget(r, &r->a, SLOT_A);
	make_gadget(r, &r->b, SLOT_B);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	mv_pci_fn_release(&r->a.fn);
	mv_pci_fn_release(&r->b.fn);
	mv_dev_free(r->host);
	fake_machine_release(&r->f);
	assert_int_equal(vg_open_descriptors(), r->descriptors);
	free(r);
	return 0;
}

static uint32_t get(struct rig *r, unsigned slot, unsigned reg, unsigned len)
{
	return vg_config_read(&r->f, slot, reg, len);
}

static void set(struct rig *r, unsigned slot, unsigned reg, uint32_t value, unsigned len)
{
	vg_config_write(&r->f, slot, reg, value, len);
}

static void move(struct rig *r, unsigned slot, uint64_t address)
{
	set(r, slot, 0x10, (uint32_t)address, 4);
}

/* ---- ways to configuration space ---- */

static void select_config(struct rig *r, uint32_t address)
{
	uint8_t raw[4];

	mv_put_le32(raw, address);
	mv_bus_write(r->f.machine.bus, MV_SPACE_PORT, 0xcf8, raw, 4);
}

static uint32_t port_read(struct rig *r, unsigned port, unsigned len)
{
	uint8_t raw[8];

	mv_bus_read(r->f.machine.bus, MV_SPACE_PORT, port, raw, len);
	return (uint32_t)mv_get_le(raw, len);
}

static void port_write(struct rig *r, unsigned port, uint32_t value, unsigned len)
{
	uint8_t raw[8];

	mv_put_le(raw, value, len);
	mv_bus_write(r->f.machine.bus, MV_SPACE_PORT, port, raw, len);
}

static uint32_t type1(unsigned bus, unsigned slot, unsigned function, unsigned reg)
{
	return 0x80000000 | bus << 16 | slot << 11 | function << 8 | (reg & 0xfc);
}

static void test_identity(void **state)
{
	struct rig *r = *state;

	assert_int_equal(get(r, 0, 0x0a, 2), 0x0600); /* host bridge */
	assert_int_equal(get(r, SLOT_A, 0, 4), 0x56781234);
	assert_int_equal(get(r, SLOT_A, 8, 4), 0x01020305);
	assert_int_equal(get(r, SLOT_A, 0x2c, 4), 0xdef09abc);
	assert_int_equal(get(r, SLOT_A, 0x3c, 2), 0x100 + MV_GSI_PCI_INTX + SLOT_A % 4);
	assert_int_equal(get(r, SLOT_A, 0x0e, 1), 0);
}

/* All widths and alignments read the same bytes by either way. */
static void test_widths(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[256];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)get(r, SLOT_A, i, 1);
	for (unsigned reg = 0; reg < 256; reg++)
		for (unsigned len = 1; len <= 8 && reg + len <= 256; len++) {
			assert_int_equal(vg_memory_read(&r->f, MV_ECAM_BASE + (SLOT_A << 15) + reg, len),
					 mv_get_le(bytes + reg, len));
			if (len > 4 || reg % 4 + len > 4)
				continue;
			select_config(r, type1(0, SLOT_A, 0, reg));
			assert_int_equal(port_read(r, 0xcfc + reg % 4, len), mv_get_le(bytes + reg, len));
		}
}

static void test_extended_space_is_empty(void **state)
{
	struct rig *r = *state;

	for (unsigned reg = 256; reg < 4096; reg += 4)
		assert_int_equal(get(r, SLOT_A, reg, 4), 0);
	set(r, SLOT_A, 256, 0x12345678, 4);
	assert_int_equal(get(r, SLOT_A, 256, 4), 0);
	/* Half in, half out, by a width that no processor uses here. */
	assert_int_equal(vg_memory_read(&r->f, MV_ECAM_BASE + (SLOT_A << 15) + 252, 8), 0);
	assert_true(vg_memory_read(&r->f, MV_ECAM_BASE + (SLOT_A << 15) + 4092, 8) == UINT64_MAX);
	vg_memory_write(&r->f, MV_ECAM_BASE + (SLOT_A << 15) + 252, UINT64_MAX, 8);
	vg_memory_write(&r->f, MV_ECAM_BASE + (SLOT_A << 15) + 4092, UINT64_MAX, 8);
}

static void test_absent(void **state)
{
	struct rig *r = *state;

	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned function = 0; function < 8; function++) {
			bool there = function == 0 && (slot == 0 || slot == SLOT_A || slot == SLOT_B);
			uint64_t at = MV_ECAM_BASE + (slot << 15) + (function << 12);

			assert_int_equal(vg_memory_read(&r->f, at, 4) != 0xffffffff, there);
			select_config(r, type1(0, slot, function, 0));
			assert_int_equal(port_read(r, 0xcfc, 4) != 0xffffffff, there);
			if (there)
				continue;
			vg_memory_write(&r->f, at, 0, 4);
			port_write(r, 0xcfc, 0, 4);
			assert_int_equal(vg_memory_read(&r->f, at + 0xffc, 4), 0xffffffff);
		}
	for (unsigned bus = 1; bus < 256; bus++) {
		select_config(r, type1(bus, SLOT_A, 0, 0));
		assert_int_equal(port_read(r, 0xcfc, 4), 0xffffffff);
	}
	select_config(r, type1(0, SLOT_A, 0, 0) & 0x7fffffff); /* not enabled */
	assert_int_equal(port_read(r, 0xcfc, 4), 0xffffffff);
	assert_int_equal(port_read(r, 0xcfc, 1), 0xff);
}

static void test_address_port(void **state)
{
	struct rig *r = *state;

	select_config(r, 0xffffffff);
	assert_int_equal(port_read(r, 0xcf8, 4), 0x80fffffc);
	select_config(r, type1(0, SLOT_A, 0, 0));
	/* Other widths are no accesses to the register. */
	port_write(r, 0xcf8, 0, 1);
	port_write(r, 0xcf8, 0, 2);
	port_write(r, 0xcfa, 0, 2);
	port_write(r, 0xcfb, 0, 1);
	assert_int_equal(port_read(r, 0xcf8, 4), type1(0, SLOT_A, 0, 0));
	assert_int_equal(port_read(r, 0xcf8, 1), 0xff);
	assert_int_equal(port_read(r, 0xcfa, 2), 0xffff);
	assert_int_equal(port_read(r, 0xcfc, 2), 0x1234);
	assert_int_equal(port_read(r, 0xcfe, 2), 0x5678);
}

/* As Linux does it: first the kind of reset, then the edge. */
static void test_reset_control(void **state)
{
	struct rig *r = *state;

	assert_int_equal(port_read(r, 0xcf9, 1), 0);
	port_write(r, 0xcf9, 0x02, 1);
	assert_int_equal(port_read(r, 0xcf9, 1), 0x02);
	assert_int_equal(r->f.requests, 0);
	port_write(r, 0xcf9, 0x06, 1);
	assert_int_equal(r->f.requests, 1);
	assert_int_equal(r->f.request, MV_REQUEST_RESET);
	assert_int_equal(r->f.reason, MV_REASON_RESET);
	assert_int_equal(port_read(r, 0xcf9, 1), 0x02);
	r->host->ops->reset(r->host);
	assert_int_equal(port_read(r, 0xcf9, 1), 0);
}

/* ---- BARs ---- */

static bool answers(struct rig *r, uint64_t address, unsigned slot)
{
	return vg_memory_read(&r->f, address, 4) == 0xa0 + slot;
}

static void test_bar(void **state)
{
	struct rig *r = *state;
	uint64_t at = r->a.fn.bars[0].address;

	assert_int_equal(get(r, SLOT_A, 0x10, 4), at);
	assert_int_equal(at % BAR_SIZE, 0);
	assert_true(r->a.fn.bars[0].mapped && at >= MV_PCI_MMIO_BASE);
	assert_true(answers(r, at, SLOT_A));
	vg_memory_write(&r->f, at + BAR_SIZE - 2, 0xbeef, 2);
	assert_int_equal(r->a.offset, BAR_SIZE - 2);
	assert_int_equal(r->a.value, 0xbeef);
	assert_int_equal(r->a.len, 2);
	/* BARs that do not exist are zero whatever is written. */
	for (unsigned reg = 0x14; reg < 0x20; reg += 4) {
		set(r, SLOT_A, reg, 0xffffffff, 4);
		assert_int_equal(get(r, SLOT_A, reg, 4), 0);
	}
	set(r, SLOT_A, 0x30, 0xffffffff, 4); /* no ROM */
	assert_int_equal(get(r, SLOT_A, 0x30, 4), 0);
}

static void test_bar_sizing(void **state)
{
	struct rig *r = *state;
	uint64_t at = r->a.fn.bars[0].address;

	move(r, SLOT_A, 0xffffffff);
	assert_int_equal(get(r, SLOT_A, 0x10, 4), 0xffffffff - BAR_SIZE + 1);
	assert_false(r->a.fn.bars[0].mapped);
	assert_int_equal(r->a.at, 0);
	move(r, SLOT_A, at);
	assert_true(answers(r, at, SLOT_A));
	assert_int_equal(r->a.at, at);
	set(r, SLOT_A, 0x20, 0xffffffff, 4);
	assert_int_equal(get(r, SLOT_A, 0x20, 4), 0xfffffff0);
}

static void test_bar_moves(void **state)
{
	struct rig *r = *state;
	uint64_t from = r->a.fn.bars[0].address, to = MV_PCI_MMIO_BASE + MV_PCI_MMIO_SIZE - BAR_SIZE;

	move(r, SLOT_A, to + 0xff); /* the low bits do not count */
	assert_true(answers(r, to, SLOT_A));
	assert_false(answers(r, from, SLOT_A));
	/* Byte by byte, through whatever lies between. */
	for (unsigned i = 0; i < 4; i++)
		set(r, SLOT_A, 0x10 + i, (uint8_t)(from >> 8 * i), 1);
	assert_true(answers(r, from, SLOT_A));
	/* Across registers: the end of BAR 0 and the start of BAR 1, which is none. */
	set(r, SLOT_A, 0x12, (uint32_t)(to >> 16), 4);
	assert_int_equal(get(r, SLOT_A, 0x10, 4) >> 16, to >> 16);
}

static void test_memory_decoding(void **state)
{
	struct rig *r = *state;
	uint64_t at = r->a.fn.bars[0].address;

	set(r, SLOT_A, COMMAND, 0, 2);
	assert_false(r->a.fn.bars[0].mapped);
	assert_true(vg_memory_read(&r->f, at, 4) == 0xffffffff);
	move(r, SLOT_A, MV_PCI_MMIO_BASE + 0x100000);
	assert_int_equal(r->a.at, 0);
	set(r, SLOT_A, COMMAND, 0xffff, 2);
	assert_true(answers(r, MV_PCI_MMIO_BASE + 0x100000, SLOT_A));
	assert_int_equal(get(r, SLOT_A, COMMAND, 2), 0x0546);
}

/* Wherever it must not be, it is not, and it comes back from there. */
static void test_bar_in_bad_places(void **state)
{
	struct rig *r = *state;
	uint64_t good = r->a.fn.bars[0].address;
	static const uint64_t bad[] = {
		0,
		0x2000,
		0x1000000,
		MV_PCI_MMIO_BASE - BAR_SIZE,
		MV_ECAM_BASE,
		MV_ECAM_BASE - BAR_SIZE + 0x2000,
		MV_ECAM_BASE + (SLOT_A << 15),
		MV_IOAPIC_BASE,
		MV_LAPIC_BASE,
		MV_KVM_IDENTITY_MAP & ~0x1fffULL,
		0xffffe000,
	};

	for (unsigned i = 0; i < MV_ARRAY_SIZE(bad); i++) {
		move(r, SLOT_A, bad[i]);
		assert_false(r->a.fn.bars[0].mapped);
		assert_int_equal(get(r, SLOT_A, 0x10, 4), bad[i]);
		assert_false(answers(r, bad[i], SLOT_A));
		assert_int_equal(get(r, SLOT_A, 0, 4), 0x56781234);
		move(r, SLOT_A, good);
		assert_true(answers(r, good, SLOT_A));
	}
	assert_int_equal(r->a.mapped - r->a.unmapped, 2);
}

static void test_bars_over_each_other(void **state)
{
	struct rig *r = *state;
	uint64_t a = r->a.fn.bars[0].address, b = r->b.fn.bars[0].address;

	/* Who was there stays. */
	move(r, SLOT_A, b);
	assert_false(r->a.fn.bars[0].mapped);
	assert_true(answers(r, b, SLOT_B));
	/* And when it goes, the other one gets the place. */
	move(r, SLOT_B, a);
	assert_true(answers(r, a, SLOT_B));
	assert_true(answers(r, b, SLOT_A));
	/* A function's own BARs; only a part of the range. */
	set(r, SLOT_A, 0x20, (uint32_t)b + 0x1000, 4);
	assert_false(r->a.fn.bars[4].mapped);
	assert_true(answers(r, b + 0x1000, SLOT_A));
	move(r, SLOT_A, MV_PCI_MMIO_BASE + 0x200000);
	assert_true(r->a.fn.bars[4].mapped);
	assert_int_equal(vg_memory_read(&r->f, b + 0x1000, 4), 0x400 + 0xa0 + SLOT_A);
	/* Off and gone. */
	move(r, SLOT_B, MV_PCI_MMIO_BASE + 0x200000);
	assert_false(r->b.fn.bars[0].mapped);
	set(r, SLOT_A, COMMAND, 0, 2);
	assert_true(answers(r, MV_PCI_MMIO_BASE + 0x200000, SLOT_B));
	set(r, SLOT_A, COMMAND, MEMORY, 2);
	assert_false(r->a.fn.bars[0].mapped);
}

static void test_window_is_finite(void **state)
{
	struct rig *r = *state;
	struct gadget *g = calloc(1, sizeof(*g));
	mv_auto(mv_error) err = NULL;

	assert_int_equal(mv_pci_fn_init(&g->fn, &r->f.machine, 0, &ids, &gadget_ops, NULL), 0);
	assert_int_equal(g->fn.slot, 1);
	assert_int_equal(mv_pci_add_bar(&g->fn, 0, MV_PCI_MMIO_SIZE, &err), -1);
	assert_true(err && strstr(err->message, "512 MiB"));
	mv_pci_fn_release(&g->fn);
	free(g);
}

static void test_slots(void **state)
{
	struct rig *r = *state;
	struct gadget *g = calloc(32, sizeof(*g));
	mv_auto(mv_error) taken = NULL;
	mv_auto(mv_error) none = NULL;
	mv_auto(mv_error) full = NULL;

	assert_int_equal(mv_pci_fn_init(&g[0].fn, &r->f.machine, SLOT_A, &ids, &gadget_ops, &taken), -1);
	assert_string_equal(taken->message, "Two devices want PCI slot 3.");
	assert_int_equal(mv_pci_fn_init(&g[0].fn, &r->f.machine, 32, &ids, &gadget_ops, &none), -1);
	for (unsigned i = 0; i < 29; i++)
		assert_int_equal(mv_pci_fn_init(&g[i].fn, &r->f.machine, 0, &ids, &gadget_ops, NULL), 0);
	assert_int_equal(mv_pci_fn_init(&g[29].fn, &r->f.machine, 0, &ids, &gadget_ops, &full), -1);
	assert_string_equal(full->message, "All 31 PCI slots are taken.");
	for (unsigned i = 0; i < 32; i++)
		mv_pci_fn_release(&g[i].fn);
	free(g);
}

/* ---- what may be written ---- */

/* Ones, zeros and patterns to every byte with every width: what is fixed stays, and the function lives. */
static void test_writes_everywhere(void **state)
{
	struct rig *r = *state;
	static const uint64_t patterns[] = { UINT64_MAX, 0, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
					     0xd0000000e0000000 };
	uint8_t before[256];
	uint64_t home = r->a.fn.bars[0].address;

	for (unsigned i = 0; i < 256; i++)
		before[i] = (uint8_t)get(r, SLOT_A, i, 1);
	for (unsigned len = 1; len <= 8; len++)
		for (unsigned reg = 0; reg < 4096; reg += reg < 256 ? 1 : 61)
			for (unsigned p = 0; p < MV_ARRAY_SIZE(patterns); p++)
				vg_memory_write(&r->f, MV_ECAM_BASE + (SLOT_A << 15) + reg, patterns[p], len);
	for (unsigned i = 0; i < 256; i++) {
		uint8_t fixed = (uint8_t) ~(r->a.fn.writable[i] | r->a.fn.write1_clear[i]);

		assert_int_equal(get(r, SLOT_A, i, 1) & fixed, before[i] & fixed);
	}
	move(r, SLOT_A, home);
	set(r, SLOT_A, COMMAND, MEMORY, 2);
	assert_true(answers(r, home, SLOT_A));
	assert_true(answers(r, r->b.fn.bars[0].address, SLOT_B));
	assert_true(r->a.config_writes > 1000);
}

static void test_capabilities(void **state)
{
	struct rig *r = *state;
	const uint8_t body[] = { 1, 2, 3, 4, 5 };
	unsigned pcie = vg_capability(&r->f, SLOT_A, 0x10, 0), mine;

	/* A root complex integrated endpoint, version 2. */
	assert_true(get(r, SLOT_A, STATUS, 2) & 0x10);
	assert_int_equal(get(r, SLOT_A, pcie + 2, 2), 0x92);
	mine = mv_pci_add_capability(&r->a.fn, 9, body, 7);
	assert_int_equal(mine % 4, 0);
	assert_int_equal(vg_capability(&r->f, SLOT_A, 9, 0), mine);
	assert_int_equal(get(r, SLOT_A, mine + 2, 4), 0x04030201);
	assert_int_equal(vg_capability(&r->f, SLOT_A, 9, mine), 0);
	while (mv_pci_add_capability(&r->a.fn, 9, body, 7))
		;
	assert_true(r->a.fn.capability_end <= 256);
	assert_int_equal(mv_pci_add_capability(&r->a.fn, 9, body, 7), 0);
}

static void test_config_hooks(void **state)
{
	struct rig *r = *state;

	get(r, SLOT_A, 0x40, 4);
	assert_int_equal(r->a.config_reads, 1);
	get(r, SLOT_A, 0x400, 4);
	assert_int_equal(r->a.config_reads, 1);
	set(r, SLOT_A, 0x3c, 11, 1);
	assert_int_equal(r->a.config_writes, 1);
	assert_int_equal(get(r, SLOT_A, 0x3c, 1), 11);
}

/* ---- INTx ---- */

static bool line(struct rig *r)
{
	return fake_irq(&r->f, MV_GSI_PCI_INTX + SLOT_A % 4);
}

static void test_intx(void **state)
{
	struct rig *r = *state;

	assert_false(line(r));
	mv_pci_intx(&r->a.fn, true);
	assert_true(line(r));
	assert_true(get(r, SLOT_A, STATUS, 2) & INTERRUPT_STATUS);
	/* Both on one line: it falls when the last one lets go. */
	mv_pci_intx(&r->b.fn, true);
	mv_pci_intx(&r->a.fn, false);
	assert_true(line(r));
	assert_false(get(r, SLOT_A, STATUS, 2) & INTERRUPT_STATUS);
	mv_pci_intx(&r->b.fn, false);
	assert_false(line(r));
}

static void test_intx_disable(void **state)
{
	struct rig *r = *state;

	mv_pci_intx(&r->a.fn, true);
	set(r, SLOT_A, COMMAND, MEMORY | INTX_DISABLE, 2);
	assert_false(line(r));
	assert_true(get(r, SLOT_A, STATUS, 2) & INTERRUPT_STATUS);
	set(r, SLOT_A, COMMAND, MEMORY, 2);
	assert_true(line(r));
	set(r, SLOT_A, STATUS, 0xffff, 2); /* cannot be cleared that way */
	assert_true(line(r));
	mv_pci_fn_reset(&r->a.fn);
	assert_false(line(r));
	assert_false(get(r, SLOT_A, STATUS, 2) & INTERRUPT_STATUS);
}

/* ---- reset, save, restore ---- */

static void test_reset(void **state)
{
	struct rig *r = *state;
	uint64_t home = r->a.fn.bars[0].address;

	move(r, SLOT_A, MV_LAPIC_BASE);
	set(r, SLOT_A, COMMAND, INTX_DISABLE, 2);
	set(r, SLOT_A, 0x3c, 99, 1);
	mv_pci_fn_reset(&r->a.fn);
	assert_true(answers(r, home, SLOT_A));
	assert_int_equal(get(r, SLOT_A, COMMAND, 2), MEMORY);
	assert_int_equal(get(r, SLOT_A, 0x3c, 1), MV_GSI_PCI_INTX + SLOT_A % 4);
}

static const void *save(struct mv_pci_fn *fn, struct mv_state **st, size_t *size)
{
	assert_int_equal(mv_state_saver("gadget", 1, st, NULL), 0);
	mv_pci_fn_state(fn, *st, 50);
	assert_int_equal(mv_state_finish(*st, NULL), 0);
	return mv_state_body(*st, size);
}

static int load(struct mv_pci_fn *fn, const void *body, size_t size)
{
	mv_auto(mv_state) st = NULL;

	assert_int_equal(mv_state_loader("gadget", 1, body, size, &st, NULL), 0);
	mv_pci_fn_state(fn, st, 50);
	return mv_state_finish(st, NULL);
}

/* The two functions exchanged their places before they were saved; loading needs them both, one after the other. */
static void test_state(void **state)
{
	struct rig *r = *state;
	uint64_t a = r->a.fn.bars[0].address, b = r->b.fn.bars[0].address;
	mv_auto(mv_state) saved_a = NULL;
	mv_auto(mv_state) saved_b = NULL;
	size_t size_a, size_b;
	const void *body_a, *body_b;

	move(r, SLOT_A, 0);
	move(r, SLOT_B, a);
	move(r, SLOT_A, b);
	mv_pci_intx(&r->a.fn, true);
	body_a = save(&r->a.fn, &saved_a, &size_a);
	body_b = save(&r->b.fn, &saved_b, &size_b);
	mv_pci_fn_reset(&r->a.fn);
	mv_pci_fn_reset(&r->b.fn);
	assert_true(answers(r, a, SLOT_A));
	assert_int_equal(load(&r->a.fn, body_a, size_a), 0);
	assert_int_equal(load(&r->b.fn, body_b, size_b), 0);
	assert_true(answers(r, b, SLOT_A));
	assert_true(answers(r, a, SLOT_B));
	assert_true(line(r));
}

static void test_state_of_another_device(void **state)
{
	struct rig *r = *state;
	mv_auto(mv_state) saved = NULL;
	size_t size;
	const void *body = save(&r->a.fn, &saved, &size);
	mv_autofree uint8_t *bad = malloc(size);
	bool refused = false;

	/* Flip each bit: it is refused, or it was one that a guest can change. */
	for (size_t bit = 0; bit < size * 8; bit++) {
		memcpy(bad, body, size);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused |= load(&r->a.fn, bad, size) < 0;
		assert_int_equal(get(r, SLOT_A, 0, 4), 0x56781234);
	}
	assert_true(refused);
	assert_int_equal(load(&r->a.fn, body, size), 0);
	assert_int_equal(load(&r->a.fn, body, size - 1), -1);
}

static void test_host_state(void **state)
{
	struct rig *r = *state;
	struct fake_machine other;
	struct mv_dev *host;
	uint8_t raw[4];

	select_config(r, type1(0, SLOT_A, 0, 0x2c));
	fake_machine_init(&other, 0);
	host = fake_machine_device(&other, &mv_pci_host_ops, NULL);
	fake_machine_copy_state(r->host, host);
	mv_bus_read(other.machine.bus, MV_SPACE_PORT, 0xcf8, raw, 4);
	assert_int_equal(mv_get_le32(raw), type1(0, SLOT_A, 0, 0x2c));
	mv_dev_free(host);
	fake_machine_release(&other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identity),
		CASE(test_widths),
		CASE(test_extended_space_is_empty),
		CASE(test_absent),
		CASE(test_address_port),
		CASE(test_reset_control),
		CASE(test_bar),
		CASE(test_bar_sizing),
		CASE(test_bar_moves),
		CASE(test_memory_decoding),
		CASE(test_bar_in_bad_places),
		CASE(test_bars_over_each_other),
		CASE(test_window_is_finite),
		CASE(test_slots),
		CASE(test_writes_everywhere),
		CASE(test_capabilities),
		CASE(test_config_hooks),
		CASE(test_intx),
		CASE(test_intx_disable),
		CASE(test_reset),
		CASE(test_state),
		CASE(test_state_of_another_device),
		CASE(test_host_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
