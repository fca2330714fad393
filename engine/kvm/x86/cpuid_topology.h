/* The topology in CPUID: what is the same for all vCPUs, and what tells one from the other. */
#ifndef MV_KVM_X86_CPUID_TOPOLOGY_H
#define MV_KVM_X86_CPUID_TOPOLOGY_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "engine/kvm/common/machine_spec.h"

/* Finds an entry, or NULL. */
struct kvm_cpuid_entry2 *mv_cpuid_find(struct kvm_cpuid2 *c, uint32_t function, uint32_t index);
/* The same; appends an empty one when there is none. The caller sees to it that there is room. */
struct kvm_cpuid_entry2 *mv_cpuid_obtain(struct kvm_cpuid2 *c, uint32_t function, uint32_t index, bool has_index);
/* AMD, or Hygon, whose processors are the same. */
bool mv_cpuid_is_amd(struct kvm_cpuid2 *c);

/* Entries that mv_cpuid_topology() may append. */
#define MV_CPUID_TOPOLOGY_ENTRIES 12

void mv_cpuid_topology(struct kvm_cpuid2 *c, const struct mv_machine_spec *spec);
/* For the vCPU with this APIC id; all else is as mv_cpuid_topology() left it. */
void mv_cpuid_topology_vcpu(struct kvm_cpuid2 *c, uint32_t apic_id, unsigned thread_bits, unsigned package_bits);

#endif
