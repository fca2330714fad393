/* The virtual machine as KVM sees it: memory slots, in-kernel interrupt controllers and timer, notification eventfds.
 */
#ifndef MV_KVM_VMM_VM_H
#define MV_KVM_VMM_VM_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/vmm/bus.h"
#include "engine/kvm/vmm/memory.h"

struct mv_vm {
	int kvm_fd; /* borrowed */
	int fd;
	size_t run_size; /* bytes of a vCPU's shared kvm_run area */
};

/* Makes the VM with its memory (borrowed, and unchanged as long as the VM exists) and interrupt controllers; no vCPU.
 * Errors: MV_ERR_CONFIG_UNSUPPORTED (this KVM lacks something or allows fewer vCPUs), MV_ERR_SYSTEM. */
int mv_vm_create(struct mv_vm *vm, const struct mv_machine_spec *spec, const struct mv_memory *memory,
		 struct mv_error **err);
void mv_vm_release(struct mv_vm *vm);

/* ioeventfd; see struct mv_machine_ops. -errno. Any thread. */
int mv_vm_notify(const struct mv_vm *vm, enum mv_space space, uint64_t address, unsigned len, int fd, bool add);

#endif
