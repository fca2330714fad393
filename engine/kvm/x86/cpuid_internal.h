/* What the parts of CPUID share. */
#ifndef MV_KVM_X86_CPUID_INTERNAL_H
#define MV_KVM_X86_CPUID_INTERNAL_H

#include "engine/kvm/x86/cpuid.h"
#include "engine/kvm/x86/cpuid_topology.h"

#define MV_CPUID_MAX_ENTRIES 256 /* KVM takes no more */

/* Room for one vCPU's entries. */
struct mv_cpuid_room {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[MV_CPUID_MAX_ENTRIES];
};

/* One on the heap, empty, the caller's to free(). NULL: out of memory. */
struct kvm_cpuid2 *mv_cpuid_room(void);

/* Waits for KVM's answer and completes it: adds what KVM does not count as a feature of the host's processor, takes
 * away what we cannot give. Owned by the caller (free()); there is one for a query. */
struct kvm_cpuid2 *mv_cpuid_take_answer(struct mv_cpuid_query *query, struct mv_error **err);

#endif
