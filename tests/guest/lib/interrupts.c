/* IDT, PICs, local APIC, IOAPIC. */
#include "tests/guest/lib/guest.h"

#define PIC1 0x20
#define PIC2 0xa0
#define CODE_64 0x18

struct gate {
	u16 offset_low, selector;
	u16 flags, offset_middle;
	u32 offset_high, reserved;
};

struct __attribute__((packed)) table_pointer {
	u16 limit;
	u64 base;
};

void interrupt(struct frame *f);

extern u8 idt_stubs[256][16];
static struct gate idt[256] __attribute__((aligned(16)));
void (*volatile handlers[256])(struct frame *f);
void (*volatile exception_handlers[32])(struct frame *f);
volatile u32 interrupt_count[256];

void idt_load(void)
{
	struct table_pointer p = { sizeof(idt) - 1, (u64)idt };

	for (unsigned i = 0; i < 256 && !idt[255].flags; i++) {
		u64 stub = (u64)idt_stubs[i];

		idt[i] = (struct gate){ (u16)stub, CODE_64, 0x8e00, (u16)(stub >> 16), (u32)(stub >> 32), 0 };
	}
	__asm__ volatile("lidt %0" : : "m"(p));
}

static bool from_pic(u64 vector)
{
	u16 port = vector < PIC_VECTOR + 8 ? PIC1 : PIC2;
	bool in_service;

	if (vector < PIC_VECTOR || vector >= PIC_VECTOR + 16)
		return false;
	out8(port, 0x0b); /* in service? */
	in_service = in8(port) >> (vector & 7) & 1;
	check(in_service || (vector & 7) != 7, "a spurious interrupt of a PIC");
	return in_service;
}

void interrupt(struct frame *f)
{
	if (f->vector < 32) {
		if (exception_handlers[f->vector]) {
			exception_handlers[f->vector](f);
			return;
		}
		print("exception ");
		print_number(f->vector);
		print(" error ");
		print_hex(f->error);
		print(" at ");
		print_hex(f->rip);
		print("\n");
		fail("exception");
	}
	__atomic_add_fetch(&interrupt_count[f->vector], 1, __ATOMIC_SEQ_CST);
	if (handlers[f->vector])
		handlers[f->vector](f);
	if (from_pic(f->vector)) {
		if (f->vector >= PIC_VECTOR + 8)
			out8(PIC2, 0x20);
		out8(PIC1, 0x20);
	} else {
		lapic_write(LAPIC_EOI, 0);
	}
}

void wait_for_count(u8 vector, u32 count)
{
	while (interrupt_count[vector] < count)
		wait_for_interrupt();
}

void pic_init(u16 unmasked)
{
	out8(PIC1, 0x11);
	out8(PIC2, 0x11);
	out8(PIC1 + 1, PIC_VECTOR);
	out8(PIC2 + 1, PIC_VECTOR + 8);
	out8(PIC1 + 1, 4);
	out8(PIC2 + 1, 2);
	out8(PIC1 + 1, 1);
	out8(PIC2 + 1, 1);
	if (unmasked & 0xff00)
		unmasked |= 4;
	out8(PIC1 + 1, (u8)~unmasked);
	out8(PIC2 + 1, (u8)(~unmasked >> 8));
}

/* ---- local APIC ---- */

static bool x2apic(void)
{
	return rdmsr(MSR_APIC_BASE) >> 10 & 1;
}

u32 lapic_read(u32 reg)
{
	return x2apic() ? (u32)rdmsr(0x800 + reg / 16) : read32(LAPIC + reg);
}

void lapic_write(u32 reg, u32 value)
{
	if (x2apic())
		wrmsr(0x800 + reg / 16, value);
	else
		write32(LAPIC + reg, value);
}

void lapic_enable(void)
{
	lapic_write(LAPIC_SPURIOUS, 0x1ff);
}

void lapic_x2apic(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	lapic_enable();
}

u32 lapic_id(void)
{
	u32 id = lapic_read(LAPIC_ID);

	return x2apic() ? id : id >> 24;
}

void lapic_send(u32 apic_id, u32 command)
{
	if (x2apic()) {
		wrmsr(0x830, (u64)apic_id << 32 | command);
		return;
	}
	while (lapic_read(LAPIC_ICR_LOW) & 0x1000)
		pause();
	lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
	lapic_write(LAPIC_ICR_LOW, command);
}

bool lapic_requested(u8 vector)
{
	return lapic_read(LAPIC_IRR + vector / 32u * 16) >> vector % 32 & 1;
}

/* ---- IOAPIC ---- */

u32 ioapic_read(u8 reg)
{
	write32(IOAPIC, reg);
	return read32(IOAPIC + 0x10);
}

void ioapic_write(u8 reg, u32 value)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + 0x10, value);
}

void ioapic_route(unsigned pin, u32 flags_and_vector, u8 apic_id)
{
	ioapic_write((u8)(0x10 + 2 * pin), IOAPIC_MASKED);
	ioapic_write((u8)(0x11 + 2 * pin), (u32)apic_id << 24);
	ioapic_write((u8)(0x10 + 2 * pin), flags_and_vector);
}
