/* Model specific registers: their numbers, and setting many at once. */
#ifndef MV_KVM_X86_MSR_H
#define MV_KVM_X86_MSR_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

enum mv_msr {
	MV_MSR_TSC = 0x10,
	MV_MSR_KVM_WALL_CLOCK_OLD = 0x11,
	MV_MSR_KVM_SYSTEM_TIME_OLD = 0x12,
	MV_MSR_TSC_ADJUST = 0x3b,
	MV_MSR_SPEC_CTRL = 0x48,
	MV_MSR_UMWAIT_CONTROL = 0xe1,
	MV_MSR_TSX_CTRL = 0x122,
	MV_MSR_MISC_FEATURES_ENABLES = 0x140,
	MV_MSR_SYSENTER_CS = 0x174,
	MV_MSR_SYSENTER_ESP = 0x175,
	MV_MSR_SYSENTER_EIP = 0x176,
	MV_MSR_MCG_STATUS = 0x17a,
	MV_MSR_PERFEVTSEL0 = 0x186,
	MV_MSR_MISC_ENABLE = 0x1a0,
	MV_MSR_XFD = 0x1c4,
	MV_MSR_XFD_ERR = 0x1c5,
	MV_MSR_DEBUGCTL = 0x1d9,
	MV_MSR_MTRR_PHYSBASE0 = 0x200,
	MV_MSR_MTRR_FIX64K = 0x250,
	MV_MSR_MTRR_FIX16K = 0x258,
	MV_MSR_MTRR_FIX4K = 0x268,
	MV_MSR_PAT = 0x277,
	MV_MSR_MTRR_DEF_TYPE = 0x2ff,
	MV_MSR_FIXED_CTR_CTRL = 0x38d,
	MV_MSR_PERF_GLOBAL_CTRL = 0x38f,
	MV_MSR_U_CET = 0x6a0,
	MV_MSR_S_CET = 0x6a2,
	MV_MSR_PL0_SSP = 0x6a4,
	MV_MSR_TSC_DEADLINE = 0x6e0,
	MV_MSR_BNDCFGS = 0xd90,
	MV_MSR_XSS = 0xda0,
	MV_MSR_KVM_WALL_CLOCK = 0x4b564d00,
	MV_MSR_KVM_SYSTEM_TIME = 0x4b564d01,
	MV_MSR_KVM_ASYNC_PF_EN = 0x4b564d02,
	MV_MSR_KVM_STEAL_TIME = 0x4b564d03,
	MV_MSR_KVM_PV_EOI_EN = 0x4b564d04,
	MV_MSR_KVM_POLL_CONTROL = 0x4b564d05,
	MV_MSR_KVM_ASYNC_PF_INT = 0x4b564d06,
};

#define MV_MSR_STAR 0xc0000081u
#define MV_MSR_LSTAR 0xc0000082u
#define MV_MSR_CSTAR 0xc0000083u
#define MV_MSR_SFMASK 0xc0000084u
#define MV_MSR_KERNEL_GS_BASE 0xc0000102u
#define MV_MSR_TSC_AUX 0xc0000103u
#define MV_MSR_AMD_PERFEVTSEL0 0xc0010000u
#define MV_MSR_AMD_PERFEVTSEL_CORE0 0xc0010200u
#define MV_MSR_VIRT_SPEC_CTRL 0xc001011fu

/* KVM takes no more in one call. */
#define MV_MSR_MAX_AT_ONCE 256

/* Sets or gets `count` (any number) MSRs of a vCPU in order. `refused` is called for each that KVM does not take, and
 * the others are gone on with; it says whether to go on. 0, -errno, or -ECANCELED when it said no. */
typedef int (*mv_msr_refused_fn)(void *opaque, const struct kvm_msr_entry *entry);
int mv_msr_set(int vcpu_fd, const struct kvm_msr_entry *entries, size_t count, mv_msr_refused_fn refused, void *opaque);

/* Reads the MSRs named in `entries`, which become those that could be read, in order; *count becomes their number. */
int mv_msr_get(int vcpu_fd, struct kvm_msr_entry *entries, size_t *count);

#endif
