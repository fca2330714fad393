/* Registers of a vCPU at its start, as firmware would leave them. */
#ifndef MV_KVM_X86_REGS_H
#define MV_KVM_X86_REGS_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/x86/boot.h"

/* For a vCPU that has just been created and has its CPUID. `entry` is how the boot vCPU starts; NULL for all others,
 * which wait for INIT and SIPI. `vcpu` is the number for messages. The thread that owns the vCPU, or before it exists.
 */
int mv_regs_start(uint32_t vcpu, int vcpu_fd, const struct mv_boot_entry *entry, struct mv_error **err);

/* For a vCPU that has run: back to what it was when created (FPU, MSRs and the paravirtual areas in them, local APIC,
 * events, debug registers). mv_regs_start() follows. No vCPU of the VM may run. */
int mv_regs_reset(uint32_t vcpu, int vcpu_fd, struct mv_error **err);

/* The in-kernel PIC, IOAPIC and (if there is one) PIT, back to what they were when created. No vCPU may run. */
int mv_irqchip_reset(int vm_fd, struct mv_error **err);

#endif
