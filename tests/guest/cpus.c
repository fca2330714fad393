/* Several processors. */
#include "tests/guest/lib/guest.h"

static volatile u32 ids[MAX_APS + 1];

static void note_id(unsigned index)
{
	lapic_enable();
	ids[index] = lapic_id() + 1;
}

static void check_ids(unsigned count)
{
	u32 seen = 0;

	for (unsigned i = 0; i < count; i++) {
		while (!ids[i])
			pause();
		check(ids[i] - 1 >= 1 && ids[i] - 1 <= count, "an AP has an id of nobody");
		seen |= 1u << (ids[i] - 1);
		ids[i] = 0;
	}
	check_equal(seen, (2u << count) - 2, "the APs' ids");
}

static void start_xapic(void)
{
	unsigned count = (unsigned)guest_argument - 1;

	check_equal(lapic_id(), 0, "the first processor's APIC id");
	aps_start(count, note_id);
	check_ids(count);
	/* Again: INIT takes a running one back to its start. */
	aps_start(count, note_id);
	check_ids(count);
}

static void note_id_x2apic(unsigned index)
{
	lapic_x2apic();
	ids[index] = lapic_id() + 1;
}

static void start_x2apic(void)
{
	unsigned count = (unsigned)guest_argument - 1;

	lapic_x2apic();
	aps_start(count, note_id_x2apic);
	check_ids(count);
}

/* ---- topology ---- */

static volatile u32 turn;

static void say(const char *name, u32 value)
{
	print(" ");
	print(name);
	print("=");
	print_hex(value);
}

static void describe(unsigned index)
{
	struct cpuid first = cpuid(1, 0);

	lapic_enable();
	while (turn != index)
		pause();
	print("cpu");
	say("id", lapic_id());
	say("initial", first.ebx >> 24);
	say("logical", first.ebx >> 16 & 0xff);
	/* A software KVM cannot clear the bit where a processor is alone in its package; there it means nothing. */
	if ((first.ebx >> 16 & 0xff) > 1)
		say("htt", first.edx >> 28 & 1);
	if (cpuid(0, 0).eax >= 0xb)
		for (u32 level = 0; level < 3; level++) {
			struct cpuid c = cpuid(0xb, level);

			print(" level");
			say("type", c.ecx >> 8 & 0xff);
			say("shift", c.eax & 0x1f);
			say("count", c.ebx & 0xffff);
			say("x2apic", c.edx);
			if (!(c.ecx >> 8 & 0xff))
				break;
		}
	print("\n");
	turn = index + 1;
}

/* In the order in which they start; the last to speak is the first processor. */
static void topology(void)
{
	unsigned count = (unsigned)guest_argument - 1;

	for (unsigned i = 1; i <= count; i++) {
		u32 before = turn;

		ap_function = describe;
		lapic_enable();
		ap_wake(i);
		while (turn == before)
			pause();
	}
	describe(turn);
}

/* ---- interrupts between processors ---- */

#define IPI 0x50

static void wait_for_ipi(unsigned index)
{
	(void)index;
	lapic_enable();
	wait_for_count(IPI, 1);
}

static void ipi(void)
{
	unsigned count = (unsigned)guest_argument - 1;

	aps_start(count, wait_for_ipi);
	lapic_send(0, 0xc0000 | 0x4000 | IPI); /* to all but self */
	while (interrupt_count[IPI] < count)
		pause();
	check_equal(interrupt_count[IPI], count, "the interrupts that arrived");
}

/* An NMI reaches a processor that has interrupts off. */
static volatile u32 nmis;

static void on_nmi(struct frame *f)
{
	(void)f;
	nmis++;
}

static void wait_for_nmi(unsigned index)
{
	(void)index;
	lapic_enable();
	while (!nmis)
		__asm__ volatile("hlt");
}

static void nmi(void)
{
	exception_handlers[2] = on_nmi;
	aps_start(1, wait_for_nmi);
	lapic_send(1, 0x4400);
	while (!nmis)
		pause();
	check_equal(nmis, 1, "the NMIs that arrived");
}

const struct guest_case guest_cases[] = {
	{ "start_xapic", start_xapic },
	{ "start_x2apic", start_x2apic },
	{ "topology", topology },
	{ "ipi", ipi },
	{ "nmi", nmi },
	{ NULL, NULL },
};
