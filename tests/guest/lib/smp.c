/* Starting the other processors: INIT, then two start-up messages with the trampoline's page. */
#include "tests/guest/lib/guest.h"

#define ICR_INIT 0x4500
#define ICR_STARTUP 0x4600

void ap_start(unsigned index) __attribute__((noreturn));

extern u8 trampoline[], trampoline_end[];
volatile u32 aps_running;
void (*volatile ap_function)(unsigned index);

void ap_start(unsigned index)
{
	idt_load();
	__atomic_add_fetch(&aps_running, 1, __ATOMIC_SEQ_CST);
	if (ap_function)
		ap_function(index);
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

void ap_wake(u32 apic_id)
{
	memcpy((void *)TRAMPOLINE, trampoline, (size_t)(trampoline_end - trampoline));
	lapic_send(apic_id, ICR_INIT);
	lapic_send(apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
	lapic_send(apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
}

void aps_start(unsigned count, void (*function)(unsigned index))
{
	u32 before = aps_running;

	ap_tickets = 0;
	ap_function = function;
	lapic_enable();
	for (unsigned i = 1; i <= count; i++)
		ap_wake(i);
	while (aps_running != before + count)
		pause();
}
