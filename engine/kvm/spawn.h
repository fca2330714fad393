/* Starting moonvisor-vmm processes. */
#ifndef MV_KVM_SPAWN_H
#define MV_KVM_SPAWN_H

#include <sys/types.h>

#include "engine/base/error.h"

/* The program: $MOONVISOR_VMM where that is set, else moonvisor-vmm beside the running program, beside this library, or
 * in the folder for it that was chosen at build time. Owned; NULL with *err. */
char *mv_kvm_find_machine(struct mv_error **err);

/* Starts it in a session of its own, with control_fd as its descriptor 3 and log_fd for what it prints; nothing else is
 * inherited. Descriptors are borrowed. Takes the time of a vfork. The process id, or -1. */
pid_t mv_kvm_spawn(const char *program, const char *guest, int control_fd, int log_fd, struct mv_error **err);

/* When process `pid` was started, in the kernel's ticks: with the id it names a process for good. 0: there is none. */
unsigned long long mv_kvm_process_start(pid_t pid);

#endif
