/* What the parts of saving and loading share. */
#ifndef MV_KVM_X86_VCPU_STATE_INTERNAL_H
#define MV_KVM_X86_VCPU_STATE_INTERNAL_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/x86/msr.h"
#include "engine/kvm/x86/vcpu_state.h"

struct mv_state_env {
	int kvm_fd, vm_fd; /* borrowed */
	size_t xsave_size;
	bool has_sregs2, has_xsave2, has_xcrs, has_debugregs, has_nested, has_tsc_scaling;
	uint32_t *msrs; /* those to save; after the first vCPU only those that can be read */
	size_t msr_count;
	bool msrs_tried;
	struct kvm_cpuid2 *supported; /* asked for when the first vCPU is loaded */

	/* The moment that all vCPUs' TSCs are related to: when the clock was read (saving) or set (loading). */
	bool have_moment;
	uint64_t moment_ns;  /* the guest's clock */
	uint64_t moment_tsc; /* the host's TSC */
	uint64_t elapsed_ns; /* loading: how far the guest's clock was by then beyond its saved value */
};

/* Takes the moment, if there is none yet. */
int mv_state_moment(struct mv_state_env *env, struct mv_error **err);
/* Reads the guest's clock and, with it, the host's TSC. */
int mv_state_clock_read(struct mv_state_env *env, uint64_t *ns, uint64_t *host_tsc, struct mv_error **err);

/* A vCPU's TSC: its frequency, and what it shows at the moment. */
struct mv_vcpu_tsc {
	uint32_t khz; /* 0: KVM does not tell */
	uint64_t value;
};

int mv_vcpu_tsc_get(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, struct mv_vcpu_tsc *tsc,
		    struct mv_error **err);
/* `invariant`: the guest was promised that the frequency never changes. */
int mv_vcpu_tsc_set(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, const struct mv_vcpu_tsc *tsc, bool invariant,
		    struct mv_error **err);

#define MV_VCPU_MAX_CPUID 256
#define MV_VCPU_MAX_MSRS 4096
#define MV_VCPU_MAX_XSAVE (64 * 1024)

/* All of one vCPU, between KVM and the visitor. */
struct mv_vcpu_data {
	uint32_t number;
	int fd;
	uint32_t mp_state;
	struct kvm_cpuid2 *cpuid; /* with room for MV_VCPU_MAX_CPUID entries */
	struct mv_vcpu_tsc tsc;
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	uint64_t xcr0; /* 0: there is none */
	void *xsave;
	size_t xsave_size;
	struct kvm_debugregs debug;
	struct kvm_lapic_state lapic;
	struct kvm_msr_entry *msrs;
	size_t msr_count;
	struct kvm_vcpu_events events;
};

/* Saves or loads all of it but number and descriptor; loading allocates msrs and xsave. */
void mv_vcpu_visit(struct mv_state *st, struct mv_vcpu_data *v);

/* All MSRs but the TSC. *entries is owned by the caller. */
int mv_vcpu_msrs_get(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, struct kvm_msr_entry **entries,
		     size_t *count, struct mv_error **err);
/* Sets all but the TSC and its deadline, for which mv_vcpu_deadline_set() is called after the TSC runs right. */
int mv_vcpu_msrs_set(uint32_t vcpu, int vcpu_fd, const struct kvm_msr_entry *entries, size_t count,
		     struct mv_error **err);
int mv_vcpu_deadline_set(uint32_t vcpu, int vcpu_fd, const struct kvm_msr_entry *entries, size_t count,
			 struct mv_error **err);

#endif
