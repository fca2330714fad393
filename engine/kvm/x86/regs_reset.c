/* Back to power-on: KVM has no call for it, so every part is set by hand. */
#include "engine/kvm/x86/regs.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/x86/msr.h"

/* KVM reads as much of the XSAVE area as the vCPU's features need; no processor needs more than this. */
#define XSAVE_ROOM (64 * 1024)
#define XSAVE_FCW 0
#define XSAVE_MXCSR 24
#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80

#define APIC_ID 0x20
#define APIC_VERSION 0x30
#define APIC_DFR 0xe0
#define APIC_SPIV 0xf0
#define APIC_LVT_FIRST 0x320
#define APIC_LVT_LAST 0x370
#define APIC_LVT_CMCI 0x2f0
#define APIC_MASKED 0x10000

#define APIC_BASE_BOOT_CPU 0x100ULL
#define APIC_BASE_ENABLED 0x800ULL
#define CR0_RESET 0x60000010ULL
#define DR6_RESET 0xffff0ff0ULL
#define DR7_RESET 0x400ULL
#define PAT_RESET 0x0007040600070406ULL

/* What the guest may have changed and other calls do not set. First of all the areas in guest memory that KVM writes
 * to: after a reset that memory is somebody else's. */
static const struct {
	uint32_t first;
	uint16_t count, step;
	uint64_t value;
} reset_msrs[] = {
	{ MV_MSR_KVM_SYSTEM_TIME, 1, 1, 0 },
	{ MV_MSR_KVM_SYSTEM_TIME_OLD, 1, 1, 0 },
	{ MV_MSR_KVM_STEAL_TIME, 1, 1, 0 },
	{ MV_MSR_KVM_PV_EOI_EN, 1, 1, 0 },
	{ MV_MSR_KVM_ASYNC_PF_EN, 1, 1, 0 },
	{ MV_MSR_KVM_ASYNC_PF_INT, 1, 1, 0 },
	{ MV_MSR_KVM_WALL_CLOCK, 1, 1, 0 },
	{ MV_MSR_KVM_WALL_CLOCK_OLD, 1, 1, 0 },
	{ MV_MSR_KVM_POLL_CONTROL, 1, 1, 1 },
	{ MV_MSR_TSC_DEADLINE, 1, 1, 0 },
	{ MV_MSR_TSC_ADJUST, 1, 1, 0 },
	{ MV_MSR_TSC_AUX, 1, 1, 0 },
	{ MV_MSR_STAR, 1, 1, 0 },
	{ MV_MSR_LSTAR, 1, 1, 0 },
	{ MV_MSR_CSTAR, 1, 1, 0 },
	{ MV_MSR_SFMASK, 1, 1, 0 },
	{ MV_MSR_KERNEL_GS_BASE, 1, 1, 0 },
	{ MV_MSR_SYSENTER_CS, 3, 1, 0 },
	{ MV_MSR_PAT, 1, 1, PAT_RESET },
	{ MV_MSR_MTRR_PHYSBASE0, 16, 1, 0 },
	{ MV_MSR_MTRR_FIX64K, 1, 1, 0 },
	{ MV_MSR_MTRR_FIX16K, 2, 1, 0 },
	{ MV_MSR_MTRR_FIX4K, 8, 1, 0 },
	{ MV_MSR_DEBUGCTL, 1, 1, 0 },
	{ MV_MSR_SPEC_CTRL, 1, 1, 0 },
	{ MV_MSR_VIRT_SPEC_CTRL, 1, 1, 0 },
	{ MV_MSR_TSX_CTRL, 1, 1, 0 },
	{ MV_MSR_MISC_FEATURES_ENABLES, 1, 1, 0 },
	{ MV_MSR_UMWAIT_CONTROL, 1, 1, 0 },
	{ MV_MSR_MCG_STATUS, 1, 1, 0 },
	{ MV_MSR_PERF_GLOBAL_CTRL, 1, 1, 0 },
	{ MV_MSR_FIXED_CTR_CTRL, 1, 1, 0 },
	{ MV_MSR_PERFEVTSEL0, 8, 1, 0 },
	{ MV_MSR_AMD_PERFEVTSEL0, 4, 1, 0 },
	{ MV_MSR_AMD_PERFEVTSEL_CORE0, 6, 2, 0 },
	{ MV_MSR_XFD, 1, 1, 0 },
	{ MV_MSR_XFD_ERR, 1, 1, 0 },
	{ MV_MSR_XSS, 1, 1, 0 },
	{ MV_MSR_BNDCFGS, 1, 1, 0 },
	{ MV_MSR_U_CET, 1, 1, 0 },
	{ MV_MSR_S_CET, 1, 1, 0 },
	{ MV_MSR_PL0_SSP, 5, 1, 0 },
};

static int refused(uint32_t vcpu, const char *what, struct mv_error **err)
{
	return mv_error_set_errno(err, errno, "KVM refused to reset the %s of vCPU %u", what, vcpu);
}

/* An MSR that this KVM does not have needs no reset. */
static int msr_refused(void *opaque, const struct kvm_msr_entry *entry)
{
	(void)opaque;
	(void)entry;
	return 0;
}

static int reset_all_msrs(uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	struct kvm_msr_entry entries[128];
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < MV_ARRAY_SIZE(reset_msrs); i++)
		for (unsigned j = 0; j < reset_msrs[i].count && count < MV_ARRAY_SIZE(entries); j++)
			entries[count++] = (struct kvm_msr_entry){
				.index = reset_msrs[i].first + j * reset_msrs[i].step,
				.data = reset_msrs[i].value,
			};
	rc = mv_msr_set(vcpu_fd, entries, count, msr_refused, NULL);
	return rc < 0 ? mv_error_set_errno(err, -rc, "KVM refused to reset the MSRs of vCPU %u", vcpu) : 0;
}

/* A guest that left its own guests running: the header alone says that there are none. */
static int reset_nested(uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	union {
		struct kvm_nested_state state;
		uint8_t room[16 * 1024];
	} u = { .state = { .size = sizeof(u) } };

	if (ioctl(vcpu_fd, KVM_GET_NESTED_STATE, &u.state) < 0)
		return 0; /* no such thing here */
	if (u.state.flags == 0 && u.state.size <= sizeof(u.state))
		return 0;
	u.state.size = sizeof(u.state);
	if (u.state.format == KVM_STATE_NESTED_FORMAT_SVM) {
		u.state.flags = KVM_STATE_NESTED_GIF_SET;
	} else {
		u.state.flags = 0;
		memset(&u.state.hdr, 0, sizeof(u.state.hdr));
		u.state.hdr.vmx.vmxon_pa = UINT64_MAX;
		u.state.hdr.vmx.vmcs12_pa = UINT64_MAX;
	}
	return ioctl(vcpu_fd, KVM_SET_NESTED_STATE, &u.state) < 0 ? refused(vcpu, "nested state", err) : 0;
}

static struct kvm_segment real_mode_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.base = (uint64_t)selector << 4,
		.limit = 0xffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
	};
}

static int reset_registers(uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	struct kvm_regs regs = { .rip = 0xfff0, .rflags = 2 };
	struct kvm_debugregs debug = { .dr6 = DR6_RESET, .dr7 = DR7_RESET };
	struct kvm_sregs sregs = {
		.gdt = { .limit = 0xffff },
		.idt = { .limit = 0xffff },
		.tr = { .limit = 0xffff, .type = 0xb, .present = 1 },
		.ldt = { .limit = 0xffff, .type = 2, .present = 1 },
		.cr0 = CR0_RESET,
		.apic_base = MV_LAPIC_BASE,
	};

	sregs.cs = real_mode_segment(0xf000, 0xb);
	sregs.cs.base = 0xffff0000;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = real_mode_segment(0, 3);
	/* Off and on again: that is how an APIC leaves x2APIC mode and gets its old id back. */
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return refused(vcpu, "system registers", err);
	sregs.apic_base |= APIC_BASE_ENABLED | (vcpu == 0 ? APIC_BASE_BOOT_CPU : 0);
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return refused(vcpu, "system registers", err);
	if (ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return refused(vcpu, "registers", err);
	if (ioctl(vcpu_fd, KVM_SET_DEBUGREGS, &debug) < 0)
		return refused(vcpu, "debug registers", err);
	return 0;
}

static int reset_fpu(uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = 1 } } };
	mv_autofree uint8_t *area = calloc(1, XSAVE_ROOM);

	if (!area)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the FPU state of vCPU %u.", vcpu);
	/* No bit in its header is set: everything is in its initial configuration. */
	mv_put_le16(area + XSAVE_FCW, FCW_DEFAULT);
	mv_put_le32(area + XSAVE_MXCSR, MXCSR_DEFAULT);
	if (ioctl(vcpu_fd, KVM_SET_XSAVE, area) < 0)
		return refused(vcpu, "FPU", err);
	/* A processor without XSAVE has no such register. */
	if (ioctl(vcpu_fd, KVM_SET_XCRS, &xcrs) < 0 && errno != EINVAL)
		return refused(vcpu, "extended control register", err);
	return 0;
}

static int reset_lapic(uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	struct kvm_lapic_state now, lapic = { { 0 } };

	if (ioctl(vcpu_fd, KVM_GET_LAPIC, &now) < 0)
		return refused(vcpu, "local APIC", err);
	memcpy(lapic.regs + APIC_ID, now.regs + APIC_ID, 4);
	memcpy(lapic.regs + APIC_VERSION, now.regs + APIC_VERSION, 4);
	mv_put_le32(lapic.regs + APIC_DFR, UINT32_MAX);
	mv_put_le32(lapic.regs + APIC_SPIV, 0xff);
	for (unsigned lvt = APIC_LVT_FIRST; lvt <= APIC_LVT_LAST; lvt += 0x10)
		mv_put_le32(lapic.regs + lvt, APIC_MASKED);
	/* The seventh entry is not there everywhere; bits 23:16 of the version are the number of the last. */
	if ((mv_get_le32(now.regs + APIC_VERSION) >> 16 & 0xff) >= 6)
		mv_put_le32(lapic.regs + APIC_LVT_CMCI, APIC_MASKED);
	return ioctl(vcpu_fd, KVM_SET_LAPIC, &lapic) < 0 ? refused(vcpu, "local APIC", err) : 0;
}

int mv_regs_reset(uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	struct kvm_vcpu_events events = { .flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
						  KVM_VCPUEVENT_VALID_SHADOW };
	struct kvm_mp_state mp = { .mp_state = vcpu == 0 ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED };

	if (reset_nested(vcpu, vcpu_fd, err) < 0 || reset_all_msrs(vcpu, vcpu_fd, err) < 0 ||
	    reset_registers(vcpu, vcpu_fd, err) < 0 || reset_fpu(vcpu, vcpu_fd, err) < 0 ||
	    reset_lapic(vcpu, vcpu_fd, err) < 0)
		return -1;
	if (ioctl(vcpu_fd, KVM_SET_VCPU_EVENTS, &events) < 0)
		return refused(vcpu, "pending events", err);
	if (ioctl(vcpu_fd, KVM_SET_MP_STATE, &mp) < 0)
		return refused(vcpu, "run state", err);
	return 0;
}

int mv_irqchip_reset(int vm_fd, struct mv_error **err)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_state2 pit = { 0 };

	chip.chip.ioapic.base_address = MV_IOAPIC_BASE;
	for (unsigned pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		chip.chip.ioapic.redirtbl[pin].bits = APIC_MASKED;
	if (ioctl(vm_fd, KVM_SET_IRQCHIP, &chip) < 0)
		return mv_error_set_errno(err, errno, "KVM refused to reset the IOAPIC");
	for (uint32_t id = KVM_IRQCHIP_PIC_MASTER; id <= KVM_IRQCHIP_PIC_SLAVE; id++) {
		chip = (struct kvm_irqchip){ .chip_id = id };
		/* Lines 0, 1, 2 of the first and the clock's of the second can only be edge-triggered. */
		chip.chip.pic.elcr_mask = id == KVM_IRQCHIP_PIC_MASTER ? 0xf8 : 0xde;
		if (ioctl(vm_fd, KVM_SET_IRQCHIP, &chip) < 0)
			return mv_error_set_errno(err, errno, "KVM refused to reset the PIC");
	}
	for (unsigned i = 0; i < 3; i++)
		pit.channels[i] = (struct kvm_pit_channel_state){ .mode = 0xff, .gate = i != 2 };
	if (ioctl(vm_fd, KVM_SET_PIT2, &pit) < 0 && errno != ENXIO)
		return mv_error_set_errno(err, errno, "KVM refused to reset the interval timer");
	return 0;
}
