/* The DSDT's content: the devices that a guest cannot find by probing. */
#ifndef MV_KVM_X86_DSDT_H
#define MV_KVM_X86_DSDT_H

#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/x86/aml.h"

/* Appends the definition block's terms, which follow the table's header. */
void mv_dsdt_write(struct mv_aml *a, const struct mv_machine_spec *spec);

#endif
