/* The KVM driver: guests in processes of their own (moonvisor-vmm), kvm:///embed?root=DIR. */
#ifndef MV_KVM_DRIVER_H
#define MV_KVM_DRIVER_H

#include "engine/api/driver.h"

extern const struct mv_driver_ops mv_kvm_driver;

#endif
