/* Guests that are saved and restored in the middle of something. Each says "." as it gets on, checks itself all the
 * time, and ends when a 'q' is typed. */
#include "tests/guest/lib/virtio.h"

#define COM1 0x3f8
#define RINGS 0x400000ULL
#define BUFFERS 0x500000ULL
#define VECTOR 0x60

static struct device dev;
static struct ring ring;

static bool asked_to_end(void)
{
	return (in8(COM1 + 5) & 1) && in8(COM1) == 'q';
}

/* Lines of 64 bytes with a number each, by one instruction. */
static void rep_out(void)
{
	static char line[64];

	memset(line, '-', sizeof(line));
	line[63] = '\n';
	for (u32 n = 0; !asked_to_end(); n++) {
		const char *from = line;
		u64 count = 64;

		for (unsigned i = 0; i < 8; i++)
			line[i] = "0123456789abcdef"[n >> (28 - 4 * i) & 15];
		__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(COM1) : "memory");
	}
}

static void rep_in(void)
{
	static u8 bytes[1024];
	u8 wanted;

	out32(0xcf8, 0x80000000);
	wanted = in8(0xcfc);
	while (!asked_to_end()) {
		void *to = bytes;
		u64 count = sizeof(bytes);

		memset(bytes, 0, sizeof(bytes));
		__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0xcfc) : "memory");
		for (unsigned i = 0; i < sizeof(bytes); i += 5)
			check_equal(bytes[i], wanted, "a byte of a string");
		print(".");
	}
}

static void mmio(void)
{
	u64 at = ECAM + 0x8000 + PCI_INTERRUPT_LINE;

	for (u32 n = 0; !asked_to_end(); n++) {
		u8 old = (u8)(n + 1);

		write8(at, (u8)n);
		check_equal(read8(at), (u8)n, "a register");
		__asm__ volatile("xchgb %0, (%1)" : "+q"(old) : "r"(at) : "memory");
		check_equal(old, (u8)n, "what a register held");
		check_equal(read32(ECAM + 0x8000) & 0xffff, 0x1af4, "a device's vendor");
		if (!(n & 63))
			print(".");
	}
}

/* All general registers, two of SSE, a debug register, flags and a segment base hold what nobody else has. */
static void registers(void)
{
	static u64 sse[4] = { 0x1111222233334444, 0x5555666677778888, 0x99990000aaaabbbb, 0xccccddddeeeeffff }, back[4];

	__asm__ volatile("mov %%cr4, %%rax\n\tor $0x600, %%eax\n\tmov %%rax, %%cr4" : : : "rax");
	__asm__ volatile("mov %%cr0, %%rax\n\tand $~4, %%eax\n\tmov %%rax, %%cr0" : : : "rax");
	__asm__ volatile("movups (%0), %%xmm3\n\tmovups 16(%0), %%xmm12" : : "r"(sse) : "memory");
	__asm__ volatile("mov %0, %%dr1" : : "r"(0x123456789aULL));
	wrmsr(0xc0000101, 0x77778888000); /* GS base */
	wrmsr(0xc0000102, 0x66668888000); /* kernel GS base */
	wrmsr(0xc0000081, 0x0018000800000000);
	wrmsr(0xc0000082, 0x1234567);
	wrmsr(0x277, 0x0007010600070106); /* PAT */
	while (!asked_to_end()) {
		u64 bad = 0, dr1;

		__asm__ volatile(
			"push %%rbp\n\t"
			"mov $0x1001, %%ecx\n\tmov $0x1002, %%edx\n\tmov $0x1003, %%esi\n\tmov $0x1004, %%edi\n\t"
			"mov $0x1005, %%ebp\n\tmovabs $0x1234567890abcdef, %%r8\n\tmov $0x1007, %%r9d\n\t"
			"mov $0x1008, %%r10d\n\tmov $0x1009, %%r11d\n\tmov $0x100a, %%r12d\n\tmov $0x100b, %%r13d\n\t"
			"mov $0x100c, %%r14d\n\tmov $0x100d, %%r15d\n\tmov $3000, %%ebx\n\tstc\n"
			"1:\tjnc 2f\n\tdec %%ebx\n\tjnz 1b\n\t"
			"cmp $0x1001, %%ecx\n\tjne 2f\n\tcmp $0x1002, %%edx\n\tjne 2f\n\tcmp $0x1003, %%esi\n\tjne 2f\n\t"
			"cmp $0x1004, %%edi\n\tjne 2f\n\tcmp $0x1005, %%ebp\n\tjne 2f\n\t"
			"movabs $0x1234567890abcdef, %%rcx\n\tcmp %%rcx, %%r8\n\tjne 2f\n\t"
			"cmp $0x1007, %%r9d\n\tjne 2f\n\tcmp $0x1008, %%r10d\n\tjne 2f\n\tcmp $0x1009, %%r11d\n\tjne 2f\n\t"
			"cmp $0x100a, %%r12d\n\tjne 2f\n\tcmp $0x100b, %%r13d\n\tjne 2f\n\tcmp $0x100c, %%r14d\n\tjne 2f\n\t"
			"cmp $0x100d, %%r15d\n\tjne 2f\n\txor %%eax, %%eax\n\tjmp 3f\n"
			"2:\tmov $1, %%eax\n3:\tpop %%rbp"
			: "=a"(bad)
			:
			: "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			  "memory", "cc");
		check_equal(bad, 0, "a general register");
		__asm__ volatile("movups %%xmm3, (%0)\n\tmovups %%xmm12, 16(%0)" : : "r"(back) : "memory");
		check(!memcmp(sse, back, sizeof(sse)), "an SSE register");
		__asm__ volatile("mov %%dr1, %0" : "=r"(dr1));
		check_equal(dr1, 0x123456789aULL, "a debug register");
		check_equal(rdmsr(0xc0000101), 0x77778888000, "GS base");
		check_equal(rdmsr(0xc0000102), 0x66668888000, "kernel GS base");
		check_equal(rdmsr(0xc0000082), 0x1234567, "LSTAR");
		check_equal(rdmsr(0x277), 0x0007010600070106, "PAT");
		print(".");
	}
}

/* ---- halted, waiting for a timer ---- */

static void wait_until_asked(u8 vector)
{
	u64 tsc = rdtsc();
	u32 pm = pm_timer();

	for (u32 n = 0; !asked_to_end(); n++) {
		u32 count = interrupt_count[vector];

		while (interrupt_count[vector] == count)
			wait_for_interrupt();
		/* Clocks go on where they were: never back, and not by the time in between. */
		check(rdtsc() > tsc, "the TSC went back");
		check(pm_timer() - pm < 3579545 * 15, "the PM timer leapt");
		tsc = rdtsc();
		pm = pm_timer();
		print(".");
	}
}

static void hlt_pit(void)
{
	pic_init(1);
	out8(0x43, 0x34);
	out8(0x40, 0x9b);
	out8(0x40, 0x2e); /* 100 Hz */
	wait_until_asked(PIC_VECTOR);
}

static void hlt_pit_ioapic(void)
{
	pic_init(0);
	lapic_enable();
	ioapic_route(2, VECTOR, 0);
	out8(0x43, 0x34);
	out8(0x40, 0x9b);
	out8(0x40, 0x2e);
	wait_until_asked(VECTOR);
}

static void lapic_periodic(void)
{
	u32 ticks;

	lapic_write(LAPIC_TIMER_DIVIDE, 0xb);
	lapic_write(LAPIC_TIMER, IOAPIC_MASKED | VECTOR);
	lapic_write(LAPIC_TIMER_INITIAL, 0xffffffff);
	sleep_ms(5);
	ticks = (0xffffffff - lapic_read(LAPIC_TIMER_CURRENT)) / 5;
	lapic_write(LAPIC_TIMER, 0x20000 | VECTOR);
	lapic_write(LAPIC_TIMER_INITIAL, ticks * 10);
}

static void hlt_lapic(void)
{
	lapic_enable();
	lapic_periodic();
	wait_until_asked(VECTOR);
}

static void hlt_x2apic(void)
{
	lapic_x2apic();
	lapic_periodic();
	wait_until_asked(VECTOR);
}

static u64 tsc_step;

static void next_deadline(struct frame *f)
{
	(void)f;
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_step);
}

static void hlt_deadline(void)
{
	u64 tsc;
	u32 pm;

	if (!(cpuid(1, 0).ecx >> 24 & 1)) {
		while (!asked_to_end())
			print(".");
		return;
	}
	lapic_enable();
	tsc = rdtsc();
	pm = pm_timer();
	sleep_ms(5);
	tsc_step = (rdtsc() - tsc) * 3580 * 10 / (pm_timer() - pm);
	handlers[VECTOR] = next_deadline;
	lapic_write(LAPIC_TIMER, 0x40000 | VECTOR);
	next_deadline(NULL);
	wait_until_asked(VECTOR);
}

static void hlt_rtc(void)
{
	pic_init(1 << 8);
	out8(0x70, 0xa);
	out8(0x71, 0x2a); /* 64 Hz */
	out8(0x70, 0xb);
	out8(0x71, in8(0x71) | 0x40);
	for (u32 n = 0; !asked_to_end(); n++) {
		u32 count = interrupt_count[PIC_VECTOR + 8];

		out8(0x70, 0xc);
		(void)in8(0x71);
		while (interrupt_count[PIC_VECTOR + 8] == count)
			wait_for_interrupt();
		print(".");
	}
}

/* ---- something pending ---- */

/* Saved at "pending"; then a key, and it must come, once. */
static void wait_pending(void)
{
	print("pending\n");
	while (!asked_to_end())
		pause();
}

static void check_comes_once(u8 vector, const char *what)
{
	interrupts_on();
	sleep_ms(5);
	interrupts_off();
	check_equal(interrupt_count[vector], 1, what);
}

static void pending_ipi(void)
{
	lapic_enable();
	lapic_send(0, 0x40000 | VECTOR); /* self */
	check(lapic_requested(VECTOR), "the request's bit");
	wait_pending();
	check(lapic_requested(VECTOR), "the request's bit afterwards");
	check_equal(interrupt_count[VECTOR], 0, "interrupts too early");
	check_comes_once(VECTOR, "an interrupt that was pending in the local APIC");
}

/* Held back by the task priority, with interrupts on. */
static void pending_tpr(void)
{
	lapic_enable();
	lapic_write(LAPIC_TPR, 0xf0);
	lapic_send(0, 0x40000 | VECTOR);
	interrupts_on();
	wait_pending();
	check_equal(lapic_read(LAPIC_TPR), 0xf0, "the task priority");
	check_equal(interrupt_count[VECTOR], 0, "interrupts too early");
	lapic_write(LAPIC_TPR, 0);
	check_comes_once(VECTOR, "an interrupt held back by the task priority");
}

static void pending_pic(void)
{
	pic_init(0);
	out8(0x43, 0x30);
	out8(0x40, 0);
	out8(0x40, 1);
	out8(0x20, 0x0a);
	while (!(in8(0x20) & 1))
		pause();
	wait_pending();
	out8(0x20, 0x0a);
	check_equal(in8(0x20) & 1, 1, "the PIC's request bit afterwards");
	interrupts_on();
	out8(0x21, 0xfe);
	check_comes_once(PIC_VECTOR, "an interrupt that was masked in the PIC");
}

static void make_request(void)
{
	ring_describe(&ring, 0, BUFFERS, 16, DESC_WRITE, 0);
	ring_do(&ring, 0);
}

static void open_rng(u16 vector)
{
	pic_init(0);
	lapic_enable();
	device_open(&dev, VIRTIO_RNG);
	device_negotiate(&dev, F_VERSION_1);
	ring_lay_out(&ring, &dev, 0, 8, RINGS);
	ring_enable(&ring, vector);
	device_go(&dev);
}

static void pending_msix(void)
{
	open_rng(1);
	msix_vector(&dev, 1, VECTOR, true);
	msix_control(&dev, true, false);
	make_request();
	while (!msix_pending(&dev, 1))
		pause();
	wait_pending();
	check(msix_pending(&dev, 1), "the pending bit afterwards");
	interrupts_on();
	write32(dev.msix_table + 16 + 12, 0);
	check_comes_once(VECTOR, "an interrupt that was masked by MSI-X");
	make_request();
	wait_for_count(VECTOR, 2);
}

static volatile u32 intx_causes;

/* A software KVM delivers a level that was lowered meanwhile once more, so what counts is the cause. */
static void on_intx(struct frame *f)
{
	(void)f;
	intx_causes += read8(dev.isr);
}

static void pending_intx(void)
{
	unsigned pin;

	open_rng(NO_VECTOR);
	pin = read8(dev.config + PCI_INTERRUPT_LINE);
	handlers[VECTOR] = on_intx;
	ioapic_route(pin, IOAPIC_MASKED | IOAPIC_LEVEL | IOAPIC_LOW | VECTOR, 0);
	make_request();
	while (!(read16(dev.config + PCI_STATUS) & 8))
		pause();
	wait_pending();
	check_equal(read16(dev.config + PCI_STATUS) & 8, 8, "the interrupt status afterwards");
	ioapic_route(pin, IOAPIC_LEVEL | IOAPIC_LOW | VECTOR, 0);
	interrupts_on();
	sleep_ms(5);
	interrupts_off();
	check_equal(intx_causes, 1, "an interrupt whose line was masked");
	make_request();
	while (intx_causes != 2)
		wait_for_interrupt();
}

/* Saved with bytes in the serial port's receive buffer, which come out afterwards in order. */
static void pending_input(void)
{
	out8(COM1 + 2, 1); /* with FIFO: without one, a key waits outside until the one before it is read */
	print("pending\n");
	while (!(in8(COM1 + 5) & 1))
		pause();
	sleep_ms(20);
	print("pending\n");
	sleep_ms(50);
	check_equal(in8(COM1), 'a', "the first key");
	check_equal(read_key(), 'b', "the second key");
	check_equal(read_key(), 'c', "the third key");
}

/* ---- requests in flight ---- */

/* Two requests offered and not waited for, then the save; what was asked for arrives. */
static void rng_flight(void)
{
	open_rng(NO_VECTOR);
	for (u32 n = 0; !asked_to_end(); n++) {
		for (u16 i = 0; i < 8; i++) {
			memset((void *)(BUFFERS + 4096u * i), 0, 64);
			ring_describe(&ring, i, BUFFERS + 4096u * i, 64, DESC_WRITE, 0);
			ring_offer(&ring, i);
			ring_kick(&ring);
		}
		print(".");
		for (u16 i = 0; i < 8; i++) {
			u32 head;

			check_equal(ring_wait(&ring, &head), 64, "random bytes");
			check_equal(head, i, "their order");
			check(read64(BUFFERS + 4096u * i + 56) != 0, "random bytes are zeros");
		}
		check(!ring_has_used(&ring), "a request came back twice");
	}
}

struct header {
	u32 type, reserved;
	u64 sector;
};

/* Rounds of writes and reads, many at once; what is read is what the round before wrote. */
static void blk_flight(void)
{
	struct header *headers = (void *)(BUFFERS + 0x80000);
	volatile u8 *status = (volatile u8 *)(BUFFERS + 0x90000);

	device_open(&dev, VIRTIO_BLK);
	device_negotiate(&dev, F_VERSION_1);
	ring_open(&ring, &dev, 0, 128, RINGS);
	device_go(&dev);
	for (u32 n = 0; !asked_to_end(); n++) {
		bool write = !(n & 1);

		for (u16 i = 0; i < 32; i++) {
			u32 *data = (u32 *)(BUFFERS + 512u * i);

			headers[i] = (struct header){ write, 0, i * 3u };
			status[i] = 0xff;
			data[0] = data[127] = write ? n * 64 + i : 0;
			ring_describe(&ring, (u16)(i * 3), (u64)&headers[i], 16, DESC_NEXT, (u16)(i * 3 + 1));
			ring_describe(&ring, (u16)(i * 3 + 1), (u64)data, 512,
				      (u16)(DESC_NEXT | (write ? 0 : DESC_WRITE)), (u16)(i * 3 + 2));
			ring_describe(&ring, (u16)(i * 3 + 2), (u64)&status[i], 1, DESC_WRITE, 0);
			ring_offer(&ring, (u16)(i * 3));
			if (i % 8 == 7)
				ring_kick(&ring);
		}
		print(".");
		for (u16 i = 0; i < 32; i++)
			ring_wait(&ring, NULL);
		check(!ring_has_used(&ring), "a request came back twice");
		for (u16 i = 0; i < 32; i++) {
			u32 *data = (u32 *)(BUFFERS + 512u * i);

			check_equal(status[i], 0, "the status of a request");
			if (!write) {
				check_equal(data[0], (n - 1) * 64 + i, "what was written");
				check_equal(data[127], (n - 1) * 64 + i, "the end of what was written");
			}
		}
	}
}

/* Kicked, and halted until the interrupt comes. */
static void blk_interrupt(void)
{
	static struct header header;
	static volatile u8 status;

	pic_init(0);
	lapic_enable();
	device_open(&dev, VIRTIO_BLK);
	device_negotiate(&dev, F_VERSION_1 | F_EVENT_INDEX);
	ring_lay_out(&ring, &dev, 0, 8, RINGS);
	ring_enable(&ring, 1);
	msix_vector(&dev, 1, VECTOR, false);
	msix_control(&dev, true, false);
	device_go(&dev);
	for (u32 n = 0; !asked_to_end(); n++) {
		u32 before = interrupt_count[VECTOR];

		header = (struct header){ BLK_IN, 0, n % 200 };
		status = 0xff;
		ring_describe(&ring, 0, (u64)&header, 16, DESC_NEXT, 1);
		ring_describe(&ring, 1, BUFFERS, 512, DESC_NEXT | DESC_WRITE, 2);
		ring_describe(&ring, 2, (u64)&status, 1, DESC_WRITE, 0);
		*ring_used_event(&ring) = ring.seen;
		ring_offer(&ring, 0);
		ring_kick(&ring);
		while (interrupt_count[VECTOR] == before)
			wait_for_interrupt();
		check(ring_has_used(&ring), "an interrupt came before its cause");
		ring_wait(&ring, NULL);
		check_equal(status, 0, "the status of a read");
		check_equal(read32(BUFFERS), n % 200, "a sector's number");
		print(".");
	}
}

/* ---- several processors ---- */

static volatile u32 beats[MAX_APS];
static volatile bool end;

static void beat(unsigned index)
{
	while (!end)
		__atomic_add_fetch(&beats[index], 1, __ATOMIC_SEQ_CST);
}

static void smp_running(void)
{
	unsigned others = (unsigned)guest_argument - 1;

	aps_start(others, beat);
	while (!asked_to_end()) {
		/* All of them get on. */
		for (unsigned i = 0; i < others; i++) {
			u32 before = beats[i];

			while (beats[i] == before)
				pause();
		}
		print(".");
	}
	end = true;
}

/* Each halts until the one before it sends an interrupt, round and round. */
static void pass_on(struct frame *f)
{
	u32 id = lapic_id();

	(void)f;
	beats[id]++;
	lapic_send((id + 1) % (u32)guest_argument, 0x4000 | VECTOR);
}

static void halt_for_ever(unsigned index)
{
	(void)index;
	lapic_enable();
	while (!end)
		wait_for_interrupt();
}

static void smp_halted(void)
{
	unsigned count = (unsigned)guest_argument;

	handlers[VECTOR] = pass_on;
	aps_start(count - 1, halt_for_ever);
	lapic_send(1, 0x4000 | VECTOR);
	for (u32 n = 0; !asked_to_end(); n++) {
		u32 before = beats[0];

		while (beats[0] - before < 5)
			wait_for_interrupt();
		print(".");
	}
	/* One interrupt goes round: nobody is ahead of the others by more than a round. */
	for (unsigned i = 1; i < count; i++)
		check(beats[i] - beats[0] <= 1, "an interrupt was lost or doubled");
}

/* Never started before the save; and, once started, halted for good, from which only INIT helps. */
static volatile u32 visits;

static void visit(unsigned index)
{
	(void)index;
	__atomic_add_fetch(&visits, 1, __ATOMIC_SEQ_CST);
}

static void smp_unstarted(void)
{
	unsigned others = (unsigned)guest_argument - 1;

	wait_pending();
	for (u32 round = 1; round <= 3; round++) {
		aps_start(others, visit);
		while (visits != round * others)
			pause();
		print("pending\n");
		while (!asked_to_end())
			pause();
	}
}

const struct guest_case guest_cases[] = {
	{ "rep_out", rep_out },
	{ "rep_in", rep_in },
	{ "mmio", mmio },
	{ "registers", registers },
	{ "hlt_pit", hlt_pit },
	{ "hlt_pit_ioapic", hlt_pit_ioapic },
	{ "hlt_lapic", hlt_lapic },
	{ "hlt_x2apic", hlt_x2apic },
	{ "hlt_deadline", hlt_deadline },
	{ "hlt_rtc", hlt_rtc },
	{ "pending_ipi", pending_ipi },
	{ "pending_tpr", pending_tpr },
	{ "pending_pic", pending_pic },
	{ "pending_msix", pending_msix },
	{ "pending_intx", pending_intx },
	{ "pending_input", pending_input },
	{ "rng_flight", rng_flight },
	{ "blk_flight", blk_flight },
	{ "blk_interrupt", blk_interrupt },
	{ "smp_running", smp_running },
	{ "smp_halted", smp_halted },
	{ "smp_unstarted", smp_unstarted },
	{ NULL, NULL },
};
