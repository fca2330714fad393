/* What CPUID tells the guest: the host's features as far as KVM supports them, switched by the specification, the
 * topology, and the paravirtual interface. Built once for a machine, patched for each vCPU. */
#ifndef MV_KVM_X86_CPUID_H
#define MV_KVM_X86_CPUID_H

#include <linux/kvm.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/machine_spec.h"

struct mv_cpuid;

/* Asks Linux for the right to have guests with large registers (AMX tiles), where the processor has them. It is given
 * to the whole process, and counts only for vCPUs that are created afterwards: so once, before the first of them,
 * whether the guest boots or is restored. Without it guests do not see the feature. */
void mv_cpuid_prepare(int kvm_fd);

/* KVM runs the CPUID instruction some fifty times for its answer, which takes half a millisecond and more on a host
 * that is a guest itself: so it can be asked early, on a thread of its own, while the VM is made. *out is owned by the
 * caller; freeing it waits for the answer. */
struct mv_cpuid_query;
int mv_cpuid_ask(int kvm_fd, struct mv_cpuid_query **out, struct mv_error **err);
void mv_cpuid_query_free(struct mv_cpuid_query *query);
MV_AUTO_DEFINE(mv_cpuid_query, mv_cpuid_query_free)

/* Takes KVM's answer to `query` (borrowed), or asks (spec->kvm_fd) when that is NULL, and applies the specification
 * (borrowed during the call). *out is owned by the caller. Errors: MV_ERR_CONFIG_UNSUPPORTED (a feature name that is
 * not known, or one that this host or its KVM lacks), MV_ERR_SYSTEM. */
int mv_cpuid_create(const struct mv_machine_spec *spec, struct mv_cpuid_query *query, struct mv_cpuid **out,
		    struct mv_error **err);
void mv_cpuid_free(struct mv_cpuid *cpuid);
MV_AUTO_DEFINE(mv_cpuid, mv_cpuid_free)

/* Gives vCPU number `vcpu` its CPUID; once, before it first runs. Any number of threads at once. Not needed when the
 * vCPU's state is loaded: the saved CPUID is part of it. */
int mv_cpuid_apply(const struct mv_cpuid *cpuid, uint32_t vcpu, int vcpu_fd, struct mv_error **err);

/* The entries for one vCPU, owned by the caller (free()); for tests. NULL: out of memory. */
struct kvm_cpuid2 *mv_cpuid_entries(const struct mv_cpuid *cpuid, uint32_t vcpu);

/* Fails, naming the first of them, when `wanted` (a saved guest's CPUID) has features that this host cannot give.
 * `supported` is what KVM_GET_SUPPORTED_CPUID answered. */
int mv_cpuid_check(const struct kvm_cpuid2 *wanted, const struct kvm_cpuid2 *supported, struct mv_error **err);

/* What KVM supports on this host; owned by the caller (free()). */
struct kvm_cpuid2 *mv_cpuid_supported(int kvm_fd, struct mv_error **err);

#endif
