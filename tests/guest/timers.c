/* Interrupts of everything that can interrupt without PCI, through the PICs, the IOAPIC and the local APIC. */
#include "tests/guest/lib/guest.h"

#define PIT0 0x40
#define PIT_CONTROL 0x43
#define PIT_HZ 1193182
#define VECTOR 0x40
#define PM1_STATUS 0x600
#define PM1_ENABLE 0x602
#define POWER_BUTTON 0x100
#define COM1 0x3f8
#define RTC_INDEX 0x70
#define RTC_DATA 0x71

static void pit_periodic(u32 hz)
{
	u32 divisor = PIT_HZ / hz;

	out8(PIT_CONTROL, 0x34);
	out8(PIT0, (u8)divisor);
	out8(PIT0, (u8)(divisor >> 8));
}

static void pit_once(u32 us)
{
	u32 count = (u32)((u64)us * PIT_HZ / 1000000);

	out8(PIT_CONTROL, 0x30);
	out8(PIT0, (u8)count);
	out8(PIT0, (u8)(count >> 8));
}

static u32 elapsed_ms(u32 since)
{
	return (pm_timer() - since) / 3580;
}

/* Not too early by the PM timer; how late, a busy host decides. */
static void check_time(u32 start, u32 ms)
{
	check(elapsed_ms(start) + 2 >= ms, "the timer ran too fast");
}

static void pit_by_pic(void)
{
	u32 start;

	pic_init(1);
	start = pm_timer();
	pit_periodic(200);
	wait_for_count(PIC_VECTOR, 5);
	check_time(start, 5 * 5);
	check_equal(interrupt_count[PIC_VECTOR + 1], 0, "interrupts of line 1");
	/* Masked, it is not delivered but requested. */
	out8(0x21, 0xff);
	u32 count = interrupt_count[PIC_VECTOR];

	sleep_ms(20);
	interrupts_on();
	sleep_ms(1);
	interrupts_off();
	check_equal(interrupt_count[PIC_VECTOR], count, "interrupts while masked");
	out8(0x20, 0x0a);
	while (!(in8(0x20) & 1))
		pause();
	out8(0x21, 0xfe);
	wait_for_count(PIC_VECTOR, count + 1);
}

static void pit_by_ioapic(void)
{
	u32 start;

	pic_init(0);
	lapic_enable();
	ioapic_route(2, VECTOR, 0);
	start = pm_timer();
	pit_periodic(200);
	wait_for_count(VECTOR, 5);
	check_time(start, 4 * 5);
	ioapic_route(2, VECTOR | IOAPIC_MASKED, 0);
	interrupts_on();
	sleep_ms(2);
	interrupts_off();
	u32 count = interrupt_count[VECTOR];

	interrupts_on();
	sleep_ms(15);
	interrupts_off();
	check_equal(interrupt_count[VECTOR], count, "interrupts while masked");
	/* Another vector from now on. */
	ioapic_route(2, VECTOR + 1, 0);
	wait_for_count(VECTOR + 1, 2);
}

static void pit_one_shot(void)
{
	u32 start;

	pic_init(1);
	for (u32 i = 1; i <= 3; i++) {
		start = pm_timer();
		pit_once(10000);
		wait_for_count(PIC_VECTOR, i);
		check_time(start, 10);
	}
	interrupts_on();
	sleep_ms(15);
	interrupts_off();
	check_equal(interrupt_count[PIC_VECTOR], 3, "interrupts of a timer that fires once");
	/* Channel 2 by its gate, as kernels do to calibrate. */
	out8(0x61, (u8)((in8(0x61) & ~2) | 1));
	out8(PIT_CONTROL, 0xb0);
	out8(0x42, 0x10);
	out8(0x42, 0x27);
	start = pm_timer();
	while (!(in8(0x61) & 0x20))
		pause();
	check_time(start, 8);
}

static void lapic_timer(void)
{
	u32 ticks;

	lapic_enable();
	lapic_write(LAPIC_TIMER_DIVIDE, 0xb); /* by 1 */
	/* How fast is it? */
	lapic_write(LAPIC_TIMER, IOAPIC_MASKED | VECTOR);
	lapic_write(LAPIC_TIMER_INITIAL, 0xffffffff);
	sleep_ms(5);
	ticks = (0xffffffff - lapic_read(LAPIC_TIMER_CURRENT)) / 5; /* a ms */
	check(ticks > 1000, "the local APIC's timer stands still");
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	/* Once. */
	lapic_write(LAPIC_TIMER, VECTOR);
	u32 start = pm_timer();

	lapic_write(LAPIC_TIMER_INITIAL, ticks * 10);
	wait_for_count(VECTOR, 1);
	check_time(start, 9);
	check_equal(lapic_read(LAPIC_TIMER_CURRENT), 0, "the count of a timer that has fired");
	/* Again and again. */
	lapic_write(LAPIC_TIMER, 0x20000 | (VECTOR + 1));
	start = pm_timer();
	lapic_write(LAPIC_TIMER_INITIAL, ticks * 5);
	wait_for_count(VECTOR + 1, 5);
	check_time(start, 5 * 4);
	/* Masked, it runs on without a word. */
	lapic_write(LAPIC_TIMER, 0x20000 | IOAPIC_MASKED | (VECTOR + 1));
	u32 count = interrupt_count[VECTOR + 1];

	interrupts_on();
	sleep_ms(12);
	interrupts_off();
	check(interrupt_count[VECTOR + 1] <= count + 1, "interrupts while masked");
	check(lapic_read(LAPIC_TIMER_CURRENT) != 0, "a masked periodic timer stands still");
}

static void tsc_deadline(bool x2apic)
{
	u64 start, ms;
	u32 pm;

	if (!(cpuid(1, 0).ecx >> 24 & 1)) {
		print("no TSC deadline\n");
		return;
	}
	if (x2apic)
		lapic_x2apic();
	else
		lapic_enable();
	start = rdtsc();
	pm = pm_timer();
	sleep_ms(5);
	ms = (rdtsc() - start) * 3580 / (pm_timer() - pm);
	lapic_write(LAPIC_TIMER, 0x40000 | VECTOR);
	for (u32 i = 1; i <= 3; i++) {
		u64 deadline = rdtsc() + 5 * ms;

		wrmsr(MSR_TSC_DEADLINE, deadline);
		u64 read = rdmsr(MSR_TSC_DEADLINE);

		/* It may have passed by now, on a busy host. */
		if (read || rdtsc() < deadline)
			check_equal(read, deadline, "the deadline");
		wait_for_count(VECTOR, i);
		check(rdtsc() >= deadline, "the deadline came early");
		check_equal(rdmsr(MSR_TSC_DEADLINE), 0, "the deadline that has passed");
	}
	/* One in the past comes at once; none is none. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() - 1);
	wait_for_count(VECTOR, 4);
	u64 far = rdtsc() + 20 * ms;

	wrmsr(MSR_TSC_DEADLINE, far);
	wrmsr(MSR_TSC_DEADLINE, 0);
	bool in_time = rdtsc() < far;

	interrupts_on();
	sleep_ms(30);
	interrupts_off();
	if (in_time)
		check_equal(interrupt_count[VECTOR], 4, "interrupts of deadlines");
}

static void tsc_deadline_xapic(void)
{
	tsc_deadline(false);
}

static void tsc_deadline_x2apic(void)
{
	tsc_deadline(true);
}

/* ---- devices on lines ---- */

static u8 received;
static u8 causes[2];

static void on_serial(struct frame *f)
{
	u8 cause = in8(COM1 + 2) & 0xf;

	(void)f;
	if (cause == 4) {
		received = in8(COM1);
		causes[0]++;
	} else if (cause == 2) {
		causes[1]++;
	}
}

static void serial_by(u8 vector)
{
	handlers[vector] = on_serial;
	out8(COM1 + 4, 8); /* OUT2 */
	out8(COM1 + 1, 1);
	print("type\n");
	while (!causes[0])
		wait_for_interrupt();
	check_equal(received, 'k', "what was typed");
	/* The transmitter is empty: at once, when that is asked for. */
	out8(COM1 + 1, 2);
	while (!causes[1])
		wait_for_interrupt();
	out8(COM1 + 1, 0);
}

static void serial_by_pic(void)
{
	pic_init(1 << 4);
	serial_by(PIC_VECTOR + 4);
}

static void serial_by_ioapic(void)
{
	pic_init(0);
	lapic_enable();
	ioapic_route(4, VECTOR, 0);
	serial_by(VECTOR);
}

static volatile bool pressed;

static void on_sci(struct frame *f)
{
	(void)f;
	if (in16(PM1_STATUS) & POWER_BUTTON) {
		out16(PM1_STATUS, POWER_BUTTON);
		pressed = true;
	}
}

static void power_button_by(u8 vector)
{
	handlers[vector] = on_sci;
	/* Pressed while nobody wants to know: it is remembered. */
	say_and_wait("press");
	check_equal(in16(PM1_STATUS) & POWER_BUTTON, POWER_BUTTON, "the button's status");
	out16(PM1_ENABLE, POWER_BUTTON);
	while (!pressed)
		wait_for_interrupt();
	pressed = false;
	print("press\n");
	while (!pressed)
		wait_for_interrupt();
	check_equal(in16(PM1_STATUS) & POWER_BUTTON, 0, "the button's status afterwards");
}

static void power_button_by_pic(void)
{
	pic_init(1 << 9);
	out8(0x4d1, in8(0x4d1) | 2); /* level */
	power_button_by(PIC_VECTOR + 9);
}

static void power_button_by_ioapic(void)
{
	pic_init(0);
	lapic_enable();
	ioapic_route(9, IOAPIC_LEVEL | VECTOR, 0);
	power_button_by(VECTOR);
}

static u8 rtc_read(u8 reg)
{
	out8(RTC_INDEX, reg);
	return in8(RTC_DATA);
}

static void rtc_write(u8 reg, u8 value)
{
	out8(RTC_INDEX, reg);
	out8(RTC_DATA, value);
}

static volatile u8 rtc_causes;

static void on_rtc(struct frame *f)
{
	(void)f;
	rtc_causes |= rtc_read(0xc);
}

static void rtc(void)
{
	u32 start;

	pic_init(1 << 8);
	handlers[PIC_VECTOR + 8] = on_rtc;
	check_equal(rtc_read(0xd) & 0x80, 0x80, "the clock's power");
	rtc_write(0xa, 0x26 + 4); /* 64 Hz */
	(void)rtc_read(0xc);
	rtc_write(0xb, rtc_read(0xb) | 0x40);
	start = pm_timer();
	wait_for_count(PIC_VECTOR + 8, 3);
	check_time(start, 2 * 15);
	check_equal(rtc_causes & 0xc0, 0xc0, "the periodic interrupt's cause");
	/* Once a second, when the time is updated. */
	rtc_write(0xb, (rtc_read(0xb) & ~0x40) | 0x10);
	rtc_causes = 0;
	while (!(rtc_causes & 0x10))
		wait_for_interrupt();
}

const struct guest_case guest_cases[] = {
	{ "pit_by_pic", pit_by_pic },
	{ "pit_by_ioapic", pit_by_ioapic },
	{ "pit_one_shot", pit_one_shot },
	{ "lapic_timer", lapic_timer },
	{ "tsc_deadline_xapic", tsc_deadline_xapic },
	{ "tsc_deadline_x2apic", tsc_deadline_x2apic },
	{ "serial_by_pic", serial_by_pic },
	{ "serial_by_ioapic", serial_by_ioapic },
	{ "power_button_by_pic", power_button_by_pic },
	{ "power_button_by_ioapic", power_button_by_ioapic },
	{ "rtc", rtc },
	{ NULL, NULL },
};
