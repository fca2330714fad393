/* The processor topology: which APIC id a vCPU has. */
#ifndef MV_KVM_X86_TOPOLOGY_H
#define MV_KVM_X86_TOPOLOGY_H

#include <stdint.h>

#include "engine/kvm/common/machine_spec.h"

/* Bits of an APIC id below the core number, and below the package number (counts rounded up to powers of two). */
unsigned mv_topology_thread_bits(const struct mv_machine_spec *spec);
unsigned mv_topology_package_bits(const struct mv_machine_spec *spec);

/* The APIC id of vCPU 0..vcpus-1: threads count fastest, then cores, then sockets. It is also the id for
 * KVM_CREATE_VCPU, since KVM makes the one from the other. vCPU 0 has id 0 and boots. Ids above 254 exist in x2APIC
 * mode only: then the VM needs KVM_CAP_X2APIC_API with 32-bit ids before its first vCPU. */
uint32_t mv_topology_apic_id(const struct mv_machine_spec *spec, uint32_t vcpu);
/* The largest of them. */
uint32_t mv_topology_max_apic_id(const struct mv_machine_spec *spec);

#endif
