/* Registers as no driver would write them: every offset of configuration space and BARs with every width, BARs where
 * they may not be, features never offered, resets from two processors at once. */
#include "tests/guest/lib/hostile.h"

#define BAR_SIZE 0x8000

static const u64 values[] = { 0, ~0ULL, 0x5a01020408c3a5ffULL };
#define VALUES (sizeof(values) / sizeof(values[0]))

static void write_width(u64 at, unsigned width, u64 value)
{
	switch (width) {
	case 1: write8(at, (u8)value); break;
	case 2: write16(at, (u16)value); break;
	case 4: write32(at, (u32)value); break;
	default: write64(at, value); break;
	}
}

static void read_width(u64 at, unsigned width)
{
	switch (width) {
	case 1: (void)read8(at); break;
	case 2: (void)read16(at); break;
	case 4: (void)read32(at); break;
	default: (void)read64(at); break;
	}
}

/* After which nothing may interrupt that was written by chance. */
static void quiet_again(u32 bar, u16 command)
{
	write32(victim.config + PCI_BAR0, bar);
	write16(victim.config + PCI_COMMAND, command);
	write16(victim.config + victim.msix_capability + 2, 0);
	for (unsigned i = 0; i < victim.vectors; i++)
		write32(victim.msix_table + 16 * i + 12, 1);
	device_reset(&victim);
}

static void config_by_ecam(void)
{
	u32 bar = read32(victim.config + PCI_BAR0);
	u16 command = read16(victim.config + PCI_COMMAND);

	for (unsigned v = 0; v < VALUES; v++)
		for (unsigned width = 1; width <= 8; width *= 2) {
			for (unsigned offset = 0; offset < 0x100; offset++) {
				write_width(victim.config + offset, width, values[v]);
				read_width(victim.config + offset, width);
			}
			for (unsigned offset = 0x100; offset < 0x1000; offset += 64 - width)
				write_width(victim.config + offset, width, values[v]);
			quiet_again(bar, command);
		}
	/* What cannot be written is what it was. */
	check_equal(read16(victim.config), 0x1af4, "the vendor");
	check_equal(read16(victim.config + 2), 0x1040 + guest_argument, "the device id");
	check(read8(victim.config + 0x34) != 0 && !(read8(victim.config + 0x34) & 3), "the capabilities' start");
}

static void config_by_ports(void)
{
	u32 bar = read32(victim.config + PCI_BAR0);
	u16 command = read16(victim.config + PCI_COMMAND);

	for (unsigned v = 0; v < VALUES; v++) {
		for (unsigned offset = 0; offset < 0x100; offset++) {
			u16 data = (u16)(0xcfc + offset % 4);

			out32(0xcf8, 0x80000000 | victim.slot << 11 | (offset & 0xfc));
			out8(data, (u8)values[v]);
			out16(data, (u16)values[v]);
			out32(data, (u32)values[v]);
			(void)in32(0xcfc);
		}
		quiet_again(bar, command);
	}
	/* Devices, functions and buses that are not there, and nonsense in the address itself. */
	for (u32 bit = 0; bit < 32; bit++) {
		out32(0xcf8, 0x80000000 ^ 1u << bit);
		if (bit >= 11 && bit < 16)
			continue; /* another slot, perhaps a device */
		out32(0xcfc, 0xffffffff);
		(void)in32(0xcfc);
	}
	check_equal(read16(victim.config), 0x1af4, "the vendor");
}

static void bar_contents(void)
{
	u32 bar = read32(victim.config + PCI_BAR0);
	u16 command = read16(victim.config + PCI_COMMAND);

	for (unsigned v = 0; v < VALUES; v++) {
		for (unsigned width = 1; width <= 8; width *= 2) {
			/* Each structure's first bytes at every place, all the rest at its own width's places. */
			for (u64 page = 0; page < BAR_SIZE; page += 0x1000) {
				for (u64 at = 0; at < 0x48; at++)
					write_width(victim.bar + page + at, width, values[v]);
				for (u64 at = 0x48; at < 0x1000; at += width < 4 ? 4 + width : 8)
					write_width(victim.bar + page + at, width, values[v]);
				for (u64 at = 0; at < 0x80; at += 3)
					read_width(victim.bar + page + at, width);
				write_width(victim.bar + page + 0xfff, width, values[v]);
			}
			quiet_again(bar, command);
		}
	}
	/* Now with a driver that is at work. */
	for (unsigned width = 1; width <= 8; width *= 2) {
		struct ring r;

		victim_ring(&r, 0, 0);
		for (u64 at = 0; at < 0x40; at++) {
			write_width(victim.common + at, width, 0xa5a5a5a5a5a5a5a5);
			write_width(victim.notify + at, width, at);
			write_width(victim.bar + 0x2000 + at, width, ~at);
		}
		quiet_again(bar, command);
	}
}

/* ---- BARs in the wrong places ---- */

static void bars_moved(void)
{
	static const u32 places[] = { 0,          0x1000,     0x100000,   0x500000,   0xb0000000,
				      0xbfff8000, 0xdfffc000, 0xdfff8000, 0xe0000000, 0xe0008000,
				      0xfec00000, 0xfee00000, 0xfeff8000, 0xffff8000 };
	u32 bar = read32(victim.config + PCI_BAR0);
	u16 command = read16(victim.config + PCI_COMMAND);
	struct ring r;
	u32 lapic = lapic_read(0x30), ioapic = ioapic_read(1);

	write64(0x500000, 0x1122334455667788);
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		victim_ring(&r, 0, 0); /* with its doorbells registered */
		write32(victim.config + PCI_BAR0, places[i]);
		check_equal(read32(victim.config + PCI_BAR0) & ~15u, places[i] & ~(BAR_SIZE - 1), "a BAR's address");
		/* What was there is there. */
		check_equal(read64(0x500000), 0x1122334455667788, "memory under a BAR");
		check_equal(lapic_read(0x30), lapic, "the local APIC's version");
		check_equal(ioapic_read(1), ioapic, "the IOAPIC's version");
		check_equal(read16(victim.config), 0x1af4, "configuration space under a BAR");
		if (places[i] != 0xdfff8000)
			check_equal(read32(bar), 0xffffffff, "where the BAR was");
		write16(places[i] == 0xdfff8000 ? 0xdfffb000 : bar + 0x3000, 0);
		write32(victim.config + PCI_BAR0, bar);
		check_equal(read16(victim.common + COMMON_QUEUES), victim_queues(), "the queues of a BAR that is back");
	}
	/* Its size is asked for as kernels do, decoding on and off. */
	write32(victim.config + PCI_BAR0, 0xffffffff);
	check_equal(read32(victim.config + PCI_BAR0), ~(BAR_SIZE - 1u), "a BAR's size");
	write16(victim.config + PCI_COMMAND, command & ~2);
	write32(victim.config + PCI_BAR0, bar);
	check_equal(read32(bar), 0xffffffff, "a BAR that is off");
	write16(victim.config + PCI_COMMAND, command);
	device_reset(&victim);
}

/* Onto another device's place: that one stays, this one is nowhere until the other leaves. */
static void bars_overlapping(void)
{
	static const u16 kinds[] = { VIRTIO_RNG, VIRTIO_BLK, VIRTIO_CONSOLE, VIRTIO_BALLOON };
	u32 bar = read32(victim.config + PCI_BAR0);

	for (unsigned i = 0; i < 4; i++) {
		struct device other;
		struct ring r;
		u32 place;

		if (kinds[i] == guest_argument || !device_find(&other, kinds[i]))
			continue;
		victim_ring(&r, 0, 0);
		place = read32(other.config + PCI_BAR0);
		write32(victim.config + PCI_BAR0, place);
		write16(other.common + COMMON_QUEUE_SELECT, 0x4321);
		check_equal(read16(other.common + COMMON_QUEUE_SELECT), 0x4321, "the other's register");
		/* The other goes away: what lies under it comes up. */
		write16(other.config + PCI_COMMAND, 0);
		write16(other.bar + COMMON_QUEUE_SELECT, 3);
		check_equal(read16(other.bar + COMMON_QUEUE_SELECT), 3, "what came up");
		write16(r.doorbell - bar + place, 0);
		write16(other.config + PCI_COMMAND, 6);
		write32(victim.config + PCI_BAR0, bar);
		/* Nothing was there when it was switched on; now all are back. */
		check_equal(read16(other.common + COMMON_QUEUE_SELECT), 0x4321, "the other's register afterwards");
		check_equal(read16(victim.common + COMMON_QUEUE_SELECT), 3, "the victim's register afterwards");
		device_reset(&victim);
		device_reset(&other);
	}
}

/* ---- features ---- */

static void features(void)
{
	u64 offered = device_offered(&victim);

	for (unsigned bit = 0; bit < 64; bit++) {
		struct ring r;
		bool good = offered >> bit & 1;

		device_negotiate(&victim, F_VERSION_1 | 1ULL << bit);
		check_equal(device_status(&victim) & STATUS_FEATURES_OK, good ? STATUS_FEATURES_OK : 0,
			    "what becomes of a feature");
		ring_open(&r, &victim, 0, 8, RINGS);
		write8(victim.common + COMMON_STATUS, 0xf);
		check_equal(device_status(&victim) & STATUS_DRIVER_OK, good ? STATUS_DRIVER_OK : 0,
			    "a driver that goes on");
		ring_describe(&r, 0, BUFFERS, 16, DESC_WRITE, 0);
		ring_offer(&r, 0);
		ring_kick(&r);
		if (!good) {
			sleep_ms(1);
			check(!ring_has_used(&r), "a device without a driver works");
		}
	}
	/* All at once, in halves that do not exist, after they were agreed on. */
	device_negotiate(&victim, ~0ULL);
	check(!(device_status(&victim) & STATUS_FEATURES_OK), "all features were taken");
	device_negotiate(&victim, F_VERSION_1);
	for (u32 half = 0; half < 70; half++) {
		write32(victim.common + COMMON_DRIVER_SELECT, half < 64 ? half : 0xffffffff - half);
		write32(victim.common + COMMON_DRIVER_FEATURES, 0xffffffff);
		(void)read32(victim.common + COMMON_DRIVER_FEATURES);
	}
	write32(victim.common + COMMON_DRIVER_SELECT, 0);
	check_equal(read32(victim.common + COMMON_DRIVER_FEATURES), 0, "features that were agreed on");
}

/* Queues too late, too large, twice, of no power of two; every status in every order. */
static void setup(void)
{
	static const u16 sizes[] = { 0, 3, 7, 100, 1025, 2048, 0x8000, 0xffff };
	struct ring r;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		victim_open(0);
		ring_lay_out(&r, &victim, 0, 8, RINGS);
		r.size = sizes[i];
		ring_enable(&r, NO_VECTOR);
		check(device_status(&victim) & STATUS_NEEDS_RESET, "a queue of a wrong size was taken");
	}
	victim_open(0);
	device_go(&victim);
	ring_open(&r, &victim, 0, 8, RINGS);
	check(device_status(&victim) & STATUS_NEEDS_RESET, "a queue was enabled too late");
	victim_open(0);
	ring_open(&r, &victim, 0, 8, RINGS);
	for (u16 value = 0; value < 5; value++)
		write16(victim.common + COMMON_QUEUE_ENABLE, value);
	/* A queue in use is fixed. */
	victim_ring(&r, 0, 0);
	write64(victim.common + COMMON_QUEUE_DESC, ~0ULL);
	write64(victim.common + COMMON_QUEUE_AVAIL, ~0ULL);
	write64(victim.common + COMMON_QUEUE_USED, ~0ULL);
	write16(victim.common + COMMON_QUEUE_SIZE, 0);
	check_equal(read64(victim.common + COMMON_QUEUE_DESC), (u64)r.desc, "the address of a queue in use");
	check_equal(read16(victim.common + COMMON_QUEUE_SIZE), 8, "the size of a queue in use");
	for (unsigned status = 1; status < 256; status++) {
		write8(victim.common + COMMON_STATUS, (u8)status);
		if (status % 16 == 0)
			device_reset(&victim);
	}
	device_reset(&victim);
	for (unsigned i = 0; i < 300; i++)
		write8(victim.common + COMMON_STATUS, (u8)random32());
	device_reset(&victim);
	/* Every doorbell, of every queue and of none, without a driver. */
	for (unsigned queue = 0; queue < 64; queue++)
		write16(victim.notify + 4 * queue, (u16)queue);
}

/* ---- two processors ---- */

static volatile bool stop_storm;
static volatile u32 storms;
static volatile bool storm_over;

static void storm(unsigned index)
{
	u32 state = 99 + index;

	while (!stop_storm) {
		state = state * 1664525 + 1013904223;
		switch (state >> 28) {
		case 0:
		case 1: write8(victim.common + COMMON_STATUS, 0); break;
		case 2: write8(victim.common + COMMON_STATUS, 0xf); break;
		case 3: write16(victim.common + COMMON_QUEUE_ENABLE, 1); break;
		case 4: write16(victim.common + COMMON_QUEUE_SELECT, (u16)(state >> 8 & 7)); break;
		case 5: write16(victim.notify, 0); break;
		case 6: write64(victim.common + COMMON_QUEUE_DESC, RINGS); break;
		case 7: (void)read64(victim.bar + 0x2000); break;
		case 8: write16(victim.common + COMMON_QUEUE_VECTOR, (u16)(state >> 8 & 3)); break;
		default: write16(victim.notify + (state >> 8 & 7) * 4, 0); break;
		}
		storms++;
	}
	storm_over = true;
}

static void start_storm(void)
{
	stop_storm = storm_over = false;
	storms = 0;
	aps_start(1, storm);
}

static void end_storm(void)
{
	while (storms <= 10)
		pause();
	stop_storm = true;
	while (!storm_over)
		pause();
}

static void resets_by_two(void)
{
	start_storm();
	for (unsigned round = 0; round < 60; round++) {
		struct ring r;

		write8(victim.common + COMMON_STATUS, 0);
		write8(victim.common + COMMON_STATUS, 3);
		write32(victim.common + COMMON_DRIVER_SELECT, 1);
		write32(victim.common + COMMON_DRIVER_FEATURES, 1);
		write8(victim.common + COMMON_STATUS, 0xb);
		ring_open(&r, &victim, (u16)(round % 3 < victim_queues() ? round % 3 : 0), 8, RINGS);
		write8(victim.common + COMMON_STATUS, 0xf);
		for (u16 i = 0; i < 8; i++) {
			ring_describe(&r, i, BUFFERS + 64u * i, 64, DESC_WRITE, 0);
			ring_offer(&r, i);
			ring_kick(&r);
		}
	}
	end_storm();
	device_reset(&victim);
}

/* The BAR moves about under the hands of the other processor, which goes on ringing. */
static void bar_moves_under_use(void)
{
	u32 bar = read32(victim.config + PCI_BAR0);

	start_storm();
	for (unsigned round = 0; round < 100; round++) {
		write32(victim.config + PCI_BAR0, 0xd0000000 + (random32() & 0xff8000));
		write16(victim.config + PCI_COMMAND, round & 1 ? 6 : 4);
		if (round % 8 == 0) {
			write32(victim.config + PCI_BAR0, bar);
			write16(victim.config + PCI_COMMAND, 6);
			write8(victim.common + COMMON_STATUS, 0xf);
		}
	}
	end_storm();
	write32(victim.config + PCI_BAR0, bar);
	write16(victim.config + PCI_COMMAND, 6);
	device_reset(&victim);
}

/* ---- MSI-X ---- */

/* Vectors with addresses and data that no processor is behind; never one that would stop this one. */
static void msix_nonsense(void)
{
	static const u64 addresses[] = { 0,          0x1000,     0xc0000000, 0xfee00004,     0xfee01000,
					 0xfee0f000, 0xfeeff00c, 0xfef00000, 0x1fee00000ULL, ~0ULL };
	struct ring r;

	victim_open(0);
	ring_lay_out(&r, &victim, 0, 8, RINGS);
	ring_enable(&r, 0);
	device_go(&victim);
	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		for (unsigned entry = 0; entry < victim.vectors; entry++) {
			msix_control(&victim, true, i & 1);
			write64(victim.msix_table + 16 * entry, addresses[i]);
			write32(victim.msix_table + 16 * entry + 8, 0xf0 | i << 16);
			write32(victim.msix_table + 16 * entry + 12, i & 2 ? 0xffffffff : 0);
			ring_describe(&r, 0, BUFFERS, 16, DESC_WRITE, 0);
			ring_offer(&r, 0);
			ring_kick(&r);
			msix_control(&victim, i & 1, false);
			write32(victim.msix_table + 16 * entry + 12, 1);
		}
	write64(victim.msix_pba, ~0ULL);
	msix_control(&victim, false, false);
	device_reset(&victim);
}

#define CASE(name)                    \
	static void case_##name(void) \
	{                             \
		repeat(name, 1);      \
	}

CASE(config_by_ecam)
CASE(config_by_ports)
CASE(bar_contents)
CASE(bars_moved)
CASE(bars_overlapping)
CASE(features)
CASE(setup)
CASE(resets_by_two)
CASE(bar_moves_under_use)
CASE(msix_nonsense)

const struct guest_case guest_cases[] = {
	{ "config_by_ecam", case_config_by_ecam },
	{ "config_by_ports", case_config_by_ports },
	{ "bar_contents", case_bar_contents },
	{ "bars_moved", case_bars_moved },
	{ "bars_overlapping", case_bars_overlapping },
	{ "features", case_features },
	{ "setup", case_setup },
	{ "resets_by_two", case_resets_by_two },
	{ "bar_moves_under_use", case_bar_moves_under_use },
	{ "msix_nonsense", case_msix_nonsense },
	{ NULL, NULL },
};
