/* What KVM_RUN returns for: port and memory accesses go to the bus, the rest becomes a request to the machine. */
#ifndef MV_KVM_VMM_EXITS_H
#define MV_KVM_VMM_EXITS_H

#include <linux/kvm.h>

#include "engine/kvm/vmm/machine.h"

/* Handles the exit that *run describes. The vCPU's thread. */
void mv_exit_handle(struct mv_machine *m, unsigned vcpu, int vcpu_fd, struct kvm_run *run);
/* KVM_RUN itself failed with errno. */
void mv_exit_failed(struct mv_machine *m, unsigned vcpu, int vcpu_fd, int errnum);

#endif
