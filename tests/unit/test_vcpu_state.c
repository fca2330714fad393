/* First registers, reset, and saving and loading what KVM holds, with vCPUs on the local /dev/kvm. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/x86/boot.h"
#include "engine/kvm/x86/cpuid.h"
#include "engine/kvm/x86/cpuid_topology.h"
#include "engine/kvm/x86/msr.h"
#include "engine/kvm/x86/regs.h"
#include "engine/kvm/x86/vcpu_state.h"

#define MEMORY_SIZE (16 << 20)
#define CODE 0x100000
#define DATA 0x3000
#define DONE_PORT 0x10
#define VCPUS 2
#define TAG_TSC 4
#define TAG_MSRS 8
#define TAG_REGS 0x100
#define TAG_SEGMENTS_END 0x2ff

struct vm {
	int kvm, fd;
	int vcpu[VCPUS];
	struct kvm_run *run[VCPUS];
	size_t run_size;
	uint8_t *memory;
	struct mv_state_env *env;
};

struct body {
	void *data;
	size_t size;
};

static void fail_with(struct mv_error *err)
{
	fail_msg("%s", err ? err->message : "no reason given");
}

static int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		print_message("skip: /dev/kvm cannot be opened\n");
		skip();
	}
	return fd;
}

/* feature: one to have beside the usual ones, or NULL. */
static void vm_make_with(struct vm *vm, bool give_cpuid, const char *feature)
{
	struct mv_cpu_feature features[] = { { (char *)feature, true } };
	struct kvm_pit_config pit = { 0 };
	struct mv_machine_spec spec;
	mv_auto(mv_cpuid) cpuid = NULL;
	struct mv_error *err = NULL;
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
	uint64_t identity = MV_KVM_IDENTITY_MAP;

	memset(vm, 0, sizeof(*vm));
	vm->kvm = kvm_open();
	mv_machine_spec_init(&spec);
	spec.kvm_fd = vm->kvm;
	spec.vcpus = spec.sockets = VCPUS;
	spec.cores = spec.threads = 1;
	spec.features = features;
	spec.feature_count = feature ? 1 : 0;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	assert_true(vm->fd >= 0);
	vm->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(vm->memory, MAP_FAILED);
	region.userspace_addr = (uint64_t)(uintptr_t)vm->memory;
	assert_int_equal(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), 0);
	ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	ioctl(vm->fd, KVM_SET_TSS_ADDR, MV_KVM_TSS_BASE);
	assert_int_equal(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), 0);
	assert_int_equal(ioctl(vm->fd, KVM_CREATE_PIT2, &pit), 0);
	mv_cpuid_prepare(vm->kvm);
	if (give_cpuid && mv_cpuid_create(&spec, NULL, &cpuid, &err) < 0)
		fail_with(err);
	vm->run_size = (size_t)ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	for (int i = 0; i < VCPUS; i++) {
		vm->vcpu[i] = ioctl(vm->fd, KVM_CREATE_VCPU, i);
		assert_true(vm->vcpu[i] >= 0);
		vm->run[i] = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu[i], 0);
		assert_ptr_not_equal(vm->run[i], MAP_FAILED);
		if (give_cpuid && mv_cpuid_apply(cpuid, (uint32_t)i, vm->vcpu[i], &err) < 0)
			fail_with(err);
	}
	if (mv_state_env_create(vm->kvm, vm->fd, &vm->env, &err) < 0)
		fail_with(err);
}

static void vm_make(struct vm *vm, bool give_cpuid)
{
	vm_make_with(vm, give_cpuid, NULL);
}

static void vm_free(struct vm *vm)
{
	mv_state_env_free(vm->env);
	for (int i = 0; i < VCPUS; i++) {
		munmap(vm->run[i], vm->run_size);
		close(vm->vcpu[i]);
	}
	close(vm->fd);
	close(vm->kvm);
	munmap(vm->memory, MEMORY_SIZE);
}

/* ---- saving and loading ---- */

enum part { CLOCK, VCPU0, VCPU1, IRQCHIP, PARTS };

static int visit(struct vm *vm, enum part part, struct mv_state *st, struct mv_error **err)
{
	switch (part) {
	case CLOCK: return mv_clock_state(vm->env, st, err);
	case VCPU0:
	case VCPU1: return mv_vcpu_state(vm->env, part - VCPU0, vm->vcpu[part - VCPU0], st, err);
	default: return mv_irqchip_state(vm->env, st, err);
	}
}

static struct body save(struct vm *vm, enum part part)
{
	mv_auto(mv_state) st = NULL;
	struct mv_error *err = NULL;
	struct body b;
	const void *data;

	assert_int_equal(mv_state_saver("part", 1, &st, NULL), 0);
	if (visit(vm, part, st, &err) < 0)
		fail_with(err);
	data = mv_state_body(st, &b.size);
	b.data = malloc(b.size);
	assert_non_null(b.data);
	memcpy(b.data, data, b.size);
	return b;
}

static int try_load(struct vm *vm, enum part part, struct body b, struct mv_error **err)
{
	mv_auto(mv_state) st = NULL;

	assert_int_equal(mv_state_loader("part", 1, b.data, b.size, &st, NULL), 0);
	return visit(vm, part, st, err);
}

static void load(struct vm *vm, enum part part, struct body b)
{
	struct mv_error *err = NULL;

	if (try_load(vm, part, b, &err) < 0)
		fail_with(err);
}

static void save_all(struct vm *vm, struct body b[PARTS])
{
	for (enum part p = CLOCK; p < PARTS; p++)
		b[p] = save(vm, p);
}

static void load_all(struct vm *vm, struct body b[PARTS])
{
	for (enum part p = CLOCK; p < PARTS; p++)
		load(vm, p, b[p]);
}

static void free_all(struct body b[PARTS])
{
	for (enum part p = CLOCK; p < PARTS; p++)
		free(b[p].data);
}

/* The bytes of a field: two of tag, two of zeros, four of length come before. */
static uint8_t *field(struct body b, unsigned tag, size_t *size)
{
	uint8_t *p = b.data;

	for (size_t at = 0; at + 8 <= b.size; at += 8 + mv_get_le32(p + at + 4)) {
		if (mv_get_le16(p + at) == tag) {
			*size = mv_get_le32(p + at + 4);
			return p + at + 8;
		}
	}
	*size = 0;
	fail_msg("there is no field %u", tag);
	return NULL;
}

/* Fields from `first` to `last` may differ. */
static void assert_same_but(struct body a, struct body b, unsigned first, unsigned last)
{
	const uint8_t *p = a.data, *q = b.data;

	assert_int_equal(a.size, b.size);
	for (size_t at = 0; at + 8 <= a.size;) {
		size_t size = mv_get_le32(p + at + 4);
		unsigned tag = mv_get_le16(p + at);

		if (tag != TAG_TSC && (tag < first || tag > last) && memcmp(p + at, q + at, 8 + size) != 0)
			fail_msg("field %#x differs", tag);
		at += 8 + size;
	}
}

static void assert_same(struct body a, struct body b)
{
	assert_same_but(a, b, TAG_TSC, TAG_TSC);
}

/* ---- a guest ---- */

/* In 32-bit protected mode: counts, stores its TSC, and tells the port, for ever. */
static const uint8_t counter[] = {
	0xff, 0x05,      0x00, 0x30, 0x00, 0x00, /* inc dword [0x3000] */
	0x0f, 0x31,                              /* rdtsc */
	0xa3, 0x04,      0x30, 0x00, 0x00,       /* mov [0x3004], eax */
	0x89, 0x15,      0x08, 0x30, 0x00, 0x00, /* mov [0x3008], edx */
	0xe6, DONE_PORT,                         /* out 0x10, al */
	0xeb, 0xe9,                              /* back */
};

static void start_counter(struct vm *vm)
{
	struct mv_boot_entry entry = { .kind = MV_BOOT_PVH, .start = CODE, .info = 0x6000 };
	struct mv_error *err = NULL;

	memcpy(vm->memory + CODE, counter, sizeof(counter));
	for (uint32_t i = 0; i < VCPUS; i++)
		if (mv_regs_start(i, vm->vcpu[i], i ? NULL : &entry, &err) < 0)
			fail_with(err);
}

/* Runs to the next write to a port, and lets that finish. */
static void run_once(struct vm *vm)
{
	struct kvm_run *run = vm->run[0];

	assert_int_equal(ioctl(vm->vcpu[0], KVM_RUN, 0), 0);
	assert_int_equal(run->exit_reason, KVM_EXIT_IO);
	assert_int_equal(run->io.port, DONE_PORT);
	run->immediate_exit = 1;
	assert_int_equal(ioctl(vm->vcpu[0], KVM_RUN, 0), -1);
	assert_int_equal(errno, EINTR);
	run->immediate_exit = 0;
}

static uint64_t guest_tsc(const struct vm *vm)
{
	return mv_get_le64(vm->memory + DATA + 4);
}

/* ---- tests ---- */

static void starts_as_pvh_says(void **state)
{
	struct vm vm;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;

	(void)state;
	vm_make(&vm, true);
	start_counter(&vm);
	assert_int_equal(ioctl(vm.vcpu[0], KVM_GET_REGS, &regs), 0);
	assert_int_equal(ioctl(vm.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(ioctl(vm.vcpu[0], KVM_GET_LAPIC, &lapic), 0);
	assert_int_equal(regs.rbx, 0x6000);
	assert_int_equal(regs.rip, CODE);
	assert_int_equal(regs.rflags, 2);
	assert_int_equal(sregs.cr0 & 0x80000001, 1);
	assert_int_equal(sregs.cs.db, 1);
	assert_int_equal(sregs.cs.l, 0);
	assert_int_equal(mv_get_le32(lapic.regs + 0x350) & 0x1ff00, 0x700);
	assert_int_equal(mv_get_le32(lapic.regs + 0x360) & 0x1ff00, 0x400);
	run_once(&vm);
	run_once(&vm);
	assert_int_equal(mv_get_le32(vm.memory + DATA), 2);
	vm_free(&vm);
}

/* In long mode: stores RSI and tells the port. */
static void starts_as_linux_wants(void **state)
{
	static const uint8_t code[] = {
		0x48, 0x89,      0x34, 0x25, 0x00, 0x30, 0x00, 0x00, /* mov [0x3000], rsi */
		0xe6, DONE_PORT, 0xf4,
	};
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffffULL, 0x00cf93000000ffffULL };
	struct mv_boot_entry entry = {
		.kind = MV_BOOT_LINUX64,
		.start = CODE,
		.info = 0x7000,
		.page_table = 0x9000,
		.gdt = 0x500,
		.gdt_limit = sizeof(gdt) - 1,
	};
	struct vm vm;
	struct mv_error *err = NULL;

	(void)state;
	vm_make(&vm, true);
	memcpy(vm.memory + CODE, code, sizeof(code));
	memcpy(vm.memory + 0x500, gdt, sizeof(gdt));
	mv_put_le64(vm.memory + 0x9000, 0xa003);
	mv_put_le64(vm.memory + 0xa000, 0xb003);
	for (uint64_t i = 0; i < MEMORY_SIZE >> 21; i++)
		mv_put_le64(vm.memory + 0xb000 + 8 * i, i << 21 | 0x83);
	if (mv_regs_start(0, vm.vcpu[0], &entry, &err) < 0)
		fail_with(err);
	run_once(&vm);
	assert_int_equal(mv_get_le64(vm.memory + DATA), 0x7000);
	vm_free(&vm);
}

/* Everything that can be set gets a value of its own. */
static void make_dirty(struct vm *vm, int i)
{
	static const struct kvm_msr_entry msrs[] = {
		{ .index = MV_MSR_STAR, .data = 0x0023001000000000 },
		{ .index = MV_MSR_LSTAR, .data = 0xffffffff81000000 },
		{ .index = MV_MSR_SFMASK, .data = 0x47700 },
		{ .index = MV_MSR_KERNEL_GS_BASE, .data = 0xffff888000000000 },
		{ .index = MV_MSR_SYSENTER_CS, .data = 0x10 },
		{ .index = MV_MSR_PAT, .data = 0x0407050600070106 },
		{ .index = MV_MSR_MTRR_DEF_TYPE, .data = 0xc00 },
		{ .index = MV_MSR_KVM_SYSTEM_TIME, .data = 0x200001 },
		{ .index = MV_MSR_KVM_PV_EOI_EN, .data = 0x200041 },
	};
	struct kvm_regs regs = { .rax = 1, .rbx = 2, .r8 = 3, .r15 = 4, .rsp = 0x5000, .rip = CODE, .rflags = 0x202 };
	struct kvm_debugregs debug = { .db = { 0x1000, 0x2000, 0x3000, 0x4000 }, .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	struct kvm_vcpu_events events = { .nmi = { .pending = 1, .masked = 1 },
					  .flags = KVM_VCPUEVENT_VALID_NMI_PENDING };
	struct kvm_mp_state mp = { .mp_state = i ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_HALTED };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .value = 7 } } };
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;
	uint8_t *xsave = calloc(1, 65536);

	assert_non_null(xsave);
	for (size_t m = 0; m < MV_ARRAY_SIZE(msrs); m++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} one = { .head = { .nmsrs = 1 }, .entry = msrs[m] };

		ioctl(vm->vcpu[i], KVM_SET_MSRS, &one); /* what this KVM does not have stays out */
	}
	assert_int_equal(ioctl(vm->vcpu[i], KVM_GET_SREGS, &sregs), 0);
	sregs.apic_base |= 0x400; /* x2APIC */
	sregs.cr2 = 0xdeadb000;
	sregs.cr8 = 5;
	sregs.idt.base = 0x8000;
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_GET_LAPIC, &lapic), 0);
	mv_put_le32(lapic.regs + 0xf0, 0x1ff);    /* enabled */
	mv_put_le32(lapic.regs + 0x320, 0x100ec); /* timer, masked */
	mv_put_le32(lapic.regs + 0x80, 0x50);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_LAPIC, &lapic), 0);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_REGS, &regs), 0);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_DEBUGREGS, &debug), 0);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_GET_XSAVE, xsave), 0);
	mv_put_le16(xsave, 0x27f);
	mv_put_le32(xsave + 24, 0x1fa0);
	memset(xsave + 160, 0x5a, 64); /* xmm0 to xmm3 */
	mv_put_le64(xsave + 512, 3);   /* x87 and SSE are in use */
	/* AVX too, where there is any. */
	if (ioctl(vm->vcpu[i], KVM_SET_XCRS, &xcrs) == 0) {
		mv_put_le64(xsave + 512, 7);
		memset(xsave + 576, 0xa5, 64);
	}
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_XSAVE, xsave), 0);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_VCPU_EVENTS, &events), 0);
	assert_int_equal(ioctl(vm->vcpu[i], KVM_SET_MP_STATE, &mp), 0);
	free(xsave);
}

static void make_chips_dirty(struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_state2 pit;

	assert_int_equal(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), 0);
	chip.chip.ioapic.ioregsel = 0x10;
	for (unsigned i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		chip.chip.ioapic.redirtbl[i].bits = 0x10030 + i;
	assert_int_equal(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), 0);
	for (uint32_t id = KVM_IRQCHIP_PIC_MASTER; id <= KVM_IRQCHIP_PIC_SLAVE; id++) {
		chip = (struct kvm_irqchip){ .chip_id = id };
		assert_int_equal(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), 0);
		chip.chip.pic.imr = 0xfb;
		chip.chip.pic.irq_base = (uint8_t)(0x20 + 8 * id);
		assert_int_equal(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), 0);
	}
	assert_int_equal(ioctl(vm->fd, KVM_GET_PIT2, &pit), 0);
	pit.channels[2].mode = 3;
	pit.channels[2].count = 1193;
	assert_int_equal(ioctl(vm->fd, KVM_SET_PIT2, &pit), 0);
}

static void carries_everything_over(void **state)
{
	struct vm from, to;
	struct body saved[PARTS], again[PARTS], fresh[PARTS];

	(void)state;
	vm_make(&from, true);
	save_all(&from, fresh);
	make_dirty(&from, 0);
	make_dirty(&from, 1);
	make_chips_dirty(&from);
	save_all(&from, saved);
	vm_make(&to, false);
	load_all(&to, saved);
	save_all(&to, again);
	assert_same(saved[VCPU0], again[VCPU0]);
	assert_same(saved[VCPU1], again[VCPU1]);
	assert_same(saved[IRQCHIP], again[IRQCHIP]);
	/* And there was something to carry. */
	assert_memory_not_equal(saved[VCPU0].data, fresh[VCPU0].data, fresh[VCPU0].size);
	assert_memory_not_equal(saved[IRQCHIP].data, fresh[IRQCHIP].data, fresh[IRQCHIP].size);
	free_all(saved);
	free_all(again);
	free_all(fresh);
	vm_free(&from);
	vm_free(&to);
}

static void a_guest_goes_on(void **state)
{
	struct vm from, to;
	struct body saved[PARTS];
	uint64_t before, khz;
	bool offset;

	(void)state;
	vm_make(&from, true);
	start_counter(&from);
	for (int i = 0; i < 5; i++)
		run_once(&from);
	before = guest_tsc(&from);
	khz = (uint64_t)ioctl(from.vcpu[0], KVM_GET_TSC_KHZ, 0);
	offset = __builtin_ia32_rdtsc() - before > khz * 1000;
	save_all(&from, saved);
	/* The time that passes in between is not the guest's. */
	for (uint64_t t = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - t < khz * 300;)
		;
	vm_make(&to, false);
	memcpy(to.memory, from.memory, MEMORY_SIZE);
	load_all(&to, saved);
	run_once(&to);
	assert_int_equal(mv_get_le32(to.memory + DATA), 6);
	assert_true(guest_tsc(&to) > before);
	/* A KVM without hardware may leave the guest the host's TSC, which nobody can hold back. */
	if (offset)
		assert_true(guest_tsc(&to) - before < khz * 250);
	else
		print_message("the TSC is the host's here: its going on is not tested\n");
	free_all(saved);
	vm_free(&from);
	vm_free(&to);
}

/* The vCPUs' TSCs keep their distance, whatever lies between the readings. */
static uint64_t saved_tsc(struct body b)
{
	size_t size;

	return mv_get_le64(field(b, TAG_TSC, &size));
}

static void clocks_stay_together(void **state)
{
	struct vm from, to;
	struct body saved[PARTS], again[PARTS];
	int64_t distance, distance_again, khz;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET };

	(void)state;
	vm_make(&from, true);
	start_counter(&from);
	run_once(&from);
	khz = ioctl(from.vcpu[0], KVM_GET_TSC_KHZ, 0);
	save_all(&from, saved);
	vm_make(&to, false);
	load_all(&to, saved);
	save_all(&to, again);
	distance = (int64_t)(saved_tsc(saved[VCPU1]) - saved_tsc(saved[VCPU0]));
	distance_again = (int64_t)(saved_tsc(again[VCPU1]) - saved_tsc(again[VCPU0]));
	/* Exactly, where KVM lets offsets be set; otherwise both readings were by hand, which may take 0.2 ms. */
	if (ioctl(from.vcpu[0], KVM_HAS_DEVICE_ATTR, &attr) == 0)
		assert_int_equal(distance_again, distance);
	else
		assert_true(llabs(distance_again - distance) < khz / 5);
	assert_true(mv_get_le64((uint8_t *)again[CLOCK].data + 8) >= mv_get_le64((uint8_t *)saved[CLOCK].data + 8));
	free_all(saved);
	free_all(again);
	vm_free(&from);
	vm_free(&to);
}

static void reset_makes_them_new(void **state)
{
	struct vm vm;
	struct body fresh[PARTS], reset[PARTS];
	struct mv_error *err = NULL;

	(void)state;
	vm_make(&vm, true);
	start_counter(&vm);
	save_all(&vm, fresh);
	for (int i = 0; i < 3; i++)
		run_once(&vm);
	make_dirty(&vm, 0);
	make_dirty(&vm, 1);
	make_chips_dirty(&vm);
	for (uint32_t i = 0; i < VCPUS; i++)
		if (mv_regs_reset(i, vm.vcpu[i], &err) < 0)
			fail_with(err);
	if (mv_irqchip_reset(vm.fd, &err) < 0)
		fail_with(err);
	memset(vm.memory, 0, MEMORY_SIZE);
	start_counter(&vm);
	save_all(&vm, reset);
	assert_same(fresh[VCPU0], reset[VCPU0]);
	assert_same(fresh[IRQCHIP], reset[IRQCHIP]);
	/* What INIT will set is not reset. */
	assert_same_but(fresh[VCPU1], reset[VCPU1], TAG_REGS, TAG_SEGMENTS_END);
	run_once(&vm);
	assert_int_equal(mv_get_le32(vm.memory + DATA), 1);
	free_all(fresh);
	free_all(reset);
	vm_free(&vm);
}

static void refuses(struct vm *to, enum part part, struct body b, const char *text)
{
	struct mv_error *err = NULL;

	assert_int_equal(try_load(to, part, b, &err), -1);
	if (!strstr(err->message, text))
		fail_msg("the error is \"%s\", without \"%s\"", err->message, text);
	mv_error_free(err);
}

static void names_what_kvm_refuses(void **state)
{
	struct vm from, to;
	struct body b;
	uint8_t *msrs;
	uint32_t index;
	size_t size;

	(void)state;
	vm_make(&from, true);
	b = save(&from, VCPU0);
	vm_make(&to, false);
	msrs = field(b, TAG_MSRS, &size);
	index = mv_get_le32(msrs);
	mv_put_le32(msrs, 0x12345678);
	mv_put_le64(msrs + 4, 0);
	load(&to, VCPU0, b);
	mv_put_le64(msrs + 4, 77);
	refuses(&to, VCPU0, b, "0x4d for MSR 0x12345678 of vCPU 0");
	mv_put_le32(msrs, index);
	mv_put_le64(field(b, 0x302, &size), 1); /* CR3 is fine with that; CR4 is not */
	mv_put_le64(field(b, 0x303, &size), UINT64_MAX);
	refuses(&to, VCPU0, b, "system registers of vCPU 0");
	free(b.data);
	vm_free(&from);
	vm_free(&to);
}

static void refuses_features_that_are_not_there(void **state)
{
	struct vm from, to;
	struct body b;
	uint8_t *cpuid;
	size_t size;

	(void)state;
	vm_make(&from, true);
	b = save(&from, VCPU0);
	vm_make(&to, false);
	cpuid = field(b, 2, &size);
	for (size_t at = 0; at < size; at += 28)
		if (mv_get_le32(cpuid + at) == 1)
			mv_put_le32(cpuid + at + 24, mv_get_le32(cpuid + at + 24) | 1u << 30);
	refuses(&to, VCPU0, b, "'ia64'");
	free(b.data);
	vm_free(&from);
	vm_free(&to);
}

/* With EFER.SVME a guest may run guests. */
static void refuses_a_guest_that_has_guests(void **state)
{
	struct vm vm;
	struct kvm_sregs sregs;
	struct mv_error *err = NULL;
	mv_auto(mv_state) st = NULL;
	mv_autofree struct kvm_cpuid2 *supported = NULL;
	const struct kvm_cpuid_entry2 *e;
	int kvm = kvm_open();

	(void)state;
	supported = mv_cpuid_supported(kvm, NULL);
	close(kvm);
	assert_non_null(supported);
	e = mv_cpuid_find(supported, 0x80000001, 0);
	if (!e || !(e->ecx & 1u << 2)) {
		print_message("skip: guests cannot have SVM here\n");
		skip();
	}
	vm_make_with(&vm, true, "svm");
	free(save(&vm, VCPU0).data);
	assert_int_equal(ioctl(vm.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	sregs.efer |= 1u << 12;
	assert_int_equal(ioctl(vm.vcpu[0], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(mv_state_saver("part", 1, &st, NULL), 0);
	assert_int_equal(visit(&vm, VCPU0, st, &err), -1);
	assert_int_equal(err->code, MV_ERR_OPERATION_INVALID);
	assert_non_null(strstr(err->message, "uses virtualization itself"));
	mv_error_free(err);
	/* A reset ends that. */
	if (mv_regs_reset(0, vm.vcpu[0], &err) < 0)
		fail_with(err);
	free(save(&vm, VCPU0).data);
	vm_free(&vm);
}

/* A damaged image: each byte changed once, spread over many tries; loading may fail, and nothing else may happen. */
static void survives_damage(void **state)
{
	struct vm vm;
	struct body saved[PARTS];

	(void)state;
	vm_make(&vm, true);
	start_counter(&vm);
	save_all(&vm, saved);
	for (enum part p = CLOCK; p < PARTS; p++) {
		uint8_t *bytes = saved[p].data;
		size_t step = saved[p].size > 500 ? 61 : 1;

		for (size_t at = 0; at < saved[p].size; at += step) {
			struct body cut = { saved[p].data, at };

			bytes[at] ^= 0xff;
			try_load(&vm, p, saved[p], NULL);
			bytes[at] ^= 0xff;
			assert_int_equal(try_load(&vm, p, cut, NULL), -1);
		}
	}
	load_all(&vm, saved);
	free_all(saved);
	vm_free(&vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_as_pvh_says),
		cmocka_unit_test(starts_as_linux_wants),
		cmocka_unit_test(carries_everything_over),
		cmocka_unit_test(a_guest_goes_on),
		cmocka_unit_test(clocks_stay_together),
		cmocka_unit_test(reset_makes_them_new),
		cmocka_unit_test(names_what_kvm_refuses),
		cmocka_unit_test(refuses_features_that_are_not_there),
		cmocka_unit_test(refuses_a_guest_that_has_guests),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
