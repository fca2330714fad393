/* Saves and loads what KVM holds: vCPUs, clock, interrupt controllers. No vCPU runs meanwhile. The order matters,
 * saving as loading: clock, then each vCPU, then the interrupt controllers (their pending lines go into the local
 * APICs). */
#ifndef MV_KVM_X86_VCPU_STATE_H
#define MV_KVM_X86_VCPU_STATE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/state.h"

#define MV_CLOCK_STATE_VERSION 1
#define MV_VCPU_STATE_VERSION 1
#define MV_IRQCHIP_STATE_VERSION 1

/* What is looked up once for all vCPUs (MSR list, sizes), and the moment that all clocks relate to. */
struct mv_state_env;

/* The descriptors are borrowed; vCPUs may already exist. *out is owned by the caller. */
int mv_state_env_create(int kvm_fd, int vm_fd, struct mv_state_env **out, struct mv_error **err);
void mv_state_env_free(struct mv_state_env *env);
MV_AUTO_DEFINE(mv_state_env, mv_state_env_free)

/* Section "clock". The guest's clocks (kvmclock, TSC) go on from where they were: the time in between is not seen. */
int mv_clock_state(struct mv_state_env *env, struct mv_state *st, struct mv_error **err);

/* Section "vcpu<number>". Loading: the vCPU is freshly created with the same APIC id and has not run; its CPUID is
 * loaded too. What KVM refuses is an error that names the group of registers or the MSR; an MSR that this host lacks is
 * passed over when it held zero. A vCPU that runs a nested guest of its own cannot be saved (MV_ERR_OPERATION_INVALID).
 */
int mv_vcpu_state(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, struct mv_state *st, struct mv_error **err);

/* Section "irqchip": PIC, IOAPIC, and the PIT if there is one. */
int mv_irqchip_state(struct mv_state_env *env, struct mv_state *st, struct mv_error **err);

#endif
