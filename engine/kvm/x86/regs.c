#include "engine/kvm/x86/regs.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/x86/msr.h"

#define CR0_PE 0x1ULL
#define CR0_ET 0x10ULL
#define CR0_PG 0x80000000ULL
#define CR4_PAE 0x20ULL
#define EFER_LME 0x100ULL
#define EFER_LMA 0x400ULL
#define RFLAGS_ALWAYS 0x2ULL

#define APIC_BASE_BOOT_CPU 0x100ULL
#define APIC_BASE_ENABLED 0x800ULL
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_EXTINT 0x700
#define APIC_LVT_NMI 0x400

#define MISC_ENABLE_FAST_STRINGS 0x1ULL
#define MISC_ENABLE_NO_BTS 0x800ULL
#define MISC_ENABLE_NO_PEBS 0x1000ULL
#define MTRR_ENABLED 0x800ULL
#define MTRR_WRITE_BACK 6ULL

#define TYPE_CODE 0xb /* execute, read, accessed */
#define TYPE_DATA 0x3 /* read, write, accessed */
#define TYPE_TSS 0xb  /* 32 or 64 bits, busy */
#define TYPE_LDT 0x2

/* Flat segments; neither protocol promises more than that they are in the segment registers. */
static void set_segments(struct kvm_sregs *s, bool long_mode)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 0x10, .type = TYPE_CODE, .present = 1, .s = 1, .g = 1
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 0x18, .type = TYPE_DATA, .present = 1, .s = 1, .g = 1, .db = 1
	};

	code.l = long_mode;
	code.db = !long_mode;
	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = (struct kvm_segment){ .limit = 0x67, .type = TYPE_TSS, .present = 1 };
	s->ldt = (struct kvm_segment){ .type = TYPE_LDT, .unusable = 1 };
}

static int set_boot_registers(int vcpu_fd, const struct mv_boot_entry *entry, struct mv_error **err)
{
	bool long_mode = entry->kind == MV_BOOT_LINUX64;
	struct kvm_regs regs = { .rip = entry->start, .rflags = RFLAGS_ALWAYS };
	/* All of a new vCPU's system registers are known, so they need not be asked for. */
	struct kvm_sregs sregs = {
		.gdt = { .base = entry->gdt, .limit = entry->gdt_limit },
		.cr0 = CR0_PE | CR0_ET,
		.apic_base = MV_LAPIC_BASE | APIC_BASE_ENABLED | APIC_BASE_BOOT_CPU,
	};

	set_segments(&sregs, long_mode);
	if (long_mode) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = entry->page_table;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
		regs.rsi = entry->info;
	} else {
		regs.rbx = entry->info;
	}
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the boot vCPU's system registers");
	if (ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the boot vCPU's registers");
	return 0;
}

/* The boot processor takes the PIC's interrupts on LINT0 and NMIs on LINT1. The others are set up by the guest: INIT
 * would undo what we do here. */
static int set_local_interrupts(int vcpu_fd, struct mv_error **err)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu_fd, KVM_GET_LAPIC, &lapic) < 0)
		return mv_error_set_errno(err, errno, "KVM does not tell the boot vCPU's local APIC");
	mv_put_le32(lapic.regs + APIC_LVT_LINT0, APIC_LVT_EXTINT);
	mv_put_le32(lapic.regs + APIC_LVT_LINT1, APIC_LVT_NMI);
	if (ioctl(vcpu_fd, KVM_SET_LAPIC, &lapic) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the boot vCPU's local APIC");
	return 0;
}

struct refused {
	uint32_t vcpu;
	struct mv_error **err;
};

static int msr_refused(void *opaque, const struct kvm_msr_entry *entry)
{
	struct refused *r = opaque;

	return mv_error_set(r->err, MV_ERR_CONFIG_UNSUPPORTED, "KVM refused the value %#llx for MSR %#x of vCPU %u.",
			    (unsigned long long)entry->data, entry->index, r->vcpu);
}

int mv_regs_start(uint32_t vcpu, int vcpu_fd, const struct mv_boot_entry *entry, struct mv_error **err)
{
	/* Linux drops its fast string functions when the first is not set, and maps memory uncached without the second.
	 */
	static const struct kvm_msr_entry msrs[] = {
		{ .index = MV_MSR_MISC_ENABLE,
		  .data = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS },
		{ .index = MV_MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED | MTRR_WRITE_BACK },
	};
	struct refused refused = { vcpu, err };
	int rc = mv_msr_set(vcpu_fd, msrs, MV_ARRAY_SIZE(msrs), msr_refused, &refused);

	if (rc == -ECANCELED)
		return -1;
	if (rc < 0)
		return mv_error_set_errno(err, -rc, "KVM refused the first MSRs of vCPU %u", vcpu);
	if (!entry)
		return 0;
	if (set_boot_registers(vcpu_fd, entry, err) < 0)
		return -1;
	return set_local_interrupts(vcpu_fd, err);
}
