/* The vCPUs: a thread each that runs KVM_RUN, and the gate that lets all of them run or holds all of them. */
#ifndef MV_KVM_VMM_VCPUS_H
#define MV_KVM_VMM_VCPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/vmm/machine.h"
#include "engine/kvm/vmm/vm.h"

struct mv_vcpus;

/* Creates the vCPUs of m->spec in KVM; no thread yet. */
int mv_vcpus_create(struct mv_machine *m, const struct mv_vm *vm, struct mv_vcpus **out, struct mv_error **err);
/* Ends and joins the threads; nothing else touches the vCPUs. NULL is accepted. */
void mv_vcpus_free(struct mv_vcpus *vcpus);

unsigned mv_vcpus_count(const struct mv_vcpus *vcpus);
int mv_vcpus_fd(const struct mv_vcpus *vcpus, unsigned index);

/* Starts the threads, held at the gate. `setup` runs first on each: the sandbox of a vCPU thread. */
int mv_vcpus_start(struct mv_vcpus *vcpus, void (*setup)(void *opaque), void *opaque, struct mv_error **err);
/* Opens the gate. Main loop. */
void mv_vcpus_run(struct mv_vcpus *vcpus);
/* Closes the gate and returns when no vCPU runs and none has an unfinished access: their state can be saved. Main loop;
 * calls that vCPUs make into the main loop are served meanwhile. */
void mv_vcpus_hold(struct mv_vcpus *vcpus);
/* Closes the gate without waiting; any thread, vCPU threads too. */
void mv_vcpus_close_gate(struct mv_vcpus *vcpus);

/* CPU time that the vCPU's thread has used, in ns. */
uint64_t mv_vcpus_cpu_time(const struct mv_vcpus *vcpus, unsigned index);

#endif
