/* For tiny guests written in C: 64-bit, one address space mapped one to one, no interrupts until asked for. A guest is
 * a list of cases; the command line says which one runs. When a case returns, "done" is printed and the guest powers
 * off. A check that fails prints "FAIL ..." and ends the guest at once. */
#ifndef MV_TESTS_GUEST_GUEST_H
#define MV_TESTS_GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guest/lib/layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

struct guest_case {
	const char *name; /* the command line's first word */
	void (*run)(void);
};

extern const struct guest_case guest_cases[]; /* each guest's own; ends with NULL */
/* PVH start info, version 1. */
struct start_info {
	u32 magic, version, flags, module_count;
	u64 modules, cmdline, rsdp, memmap;
	u32 memmap_count, reserved;
};
extern const struct start_info *boot;
/* The command line's second and third word, numbers; 0: none. */
extern u64 guest_argument, guest_argument2;

/* ---- ports, memory, registers ---- */

static inline void out8(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out16(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out32(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u16 in16(u16 port)
{
	u16 value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 in32(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* One instruction of the type's width each, which the compiler may not split or join. */
#define DEFINE_MEMORY(bits, suffix)                                                            \
	static inline u##bits read##bits(u64 at)                                               \
	{                                                                                      \
		u##bits value;                                                                 \
                                                                                               \
		__asm__ volatile("mov" suffix " (%1), %0" : "=r"(value) : "r"(at) : "memory"); \
		return value;                                                                  \
	}                                                                                      \
	static inline void write##bits(u64 at, u##bits value)                                  \
	{                                                                                      \
		__asm__ volatile("mov" suffix " %0, (%1)" : : "r"(value), "r"(at) : "memory"); \
	}

DEFINE_MEMORY(8, "b")
DEFINE_MEMORY(16, "w")
DEFINE_MEMORY(32, "l")
DEFINE_MEMORY(64, "q")
#undef DEFINE_MEMORY

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(msr) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 index)
{
	struct cpuid c;

	__asm__ volatile("cpuid" : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx) : "a"(leaf), "c"(index));
	return c;
}

static inline void interrupts_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Waits for the next interrupt; none is lost between sti and hlt. Off again afterwards. */
static inline void wait_for_interrupt(void)
{
	__asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

static inline void barrier(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

static inline void pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* ---- saying things ---- */

void print(const char *text);
void print_hex(u64 value);
void print_number(u64 value);
/* The next byte from COM1; waits for it. */
u8 read_key(void);
/* Says `text`, then waits until somebody has sent a byte: where the test does something to the machine. */
u8 say_and_wait(const char *text);

__attribute__((noreturn)) void fail(const char *what);
void check(bool ok, const char *what);
void check_equal(u64 got, u64 wanted, const char *what);
__attribute__((noreturn)) void finish(void);

void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

/* Maps 1 GiB one to one; `number` from 0 on. */
void map_gigabyte(unsigned number);
/* PM timer ticks: 3579545 a second, 32 bits. */
u32 pm_timer(void);
void sleep_ms(unsigned ms);

/* ---- interrupts ---- */

struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* What vector 32 and above call, if set; then the local APIC gets its end of interrupt, or the PICs, if they sent it.
 */
extern void (*volatile handlers[256])(struct frame *f);
extern volatile u32 interrupt_count[256]; /* by vector, all CPUs */
/* Exceptions that a case waits for; else they fail the guest. The handler may move f->rip on. */
extern void (*volatile exception_handlers[32])(struct frame *f);

void idt_load(void); /* done for the first CPU and in ap_start() */
/* Waits, halted, until the vector's count has reached `count`. */
void wait_for_count(u8 vector, u32 count);

#define PIC_VECTOR 0x20      /* the master's; the slave's follow */
void pic_init(u16 unmasked); /* bit per line */

#define LAPIC 0xfee00000ULL
#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SPURIOUS 0xf0
#define LAPIC_IRR 0x200
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_TIMER 0x320
#define LAPIC_LINT0 0x350
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0

u32 lapic_read(u32 reg); /* in whichever mode it is */
void lapic_write(u32 reg, u32 value);
void lapic_enable(void);
void lapic_x2apic(void); /* this CPU's */
u32 lapic_id(void);
void lapic_send(u32 apic_id, u32 command);
bool lapic_requested(u8 vector); /* in IRR */

#define IOAPIC 0xfec00000ULL
#define IOAPIC_MASKED 0x10000
#define IOAPIC_LEVEL 0x8000
#define IOAPIC_LOW 0x2000
u32 ioapic_read(u8 reg);
void ioapic_write(u8 reg, u32 value);
void ioapic_route(unsigned pin, u32 flags_and_vector, u8 apic_id);

/* ---- other processors ---- */

extern u32 ap_tickets;
extern volatile u32 aps_running;                     /* that are in their function */
extern void (*volatile ap_function)(unsigned index); /* what an AP does; returning halts it */
/* Starts the AP with this APIC id by INIT and two SIPIs. */
void ap_wake(u32 apic_id);
/* Starts APs with ids 1..count and waits until all run `function`. */
void aps_start(unsigned count, void (*function)(unsigned index));

#endif
