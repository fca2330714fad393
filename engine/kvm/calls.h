/* Libvirt's calls for the KVM driver. */
#ifndef MV_KVM_CALLS_H
#define MV_KVM_CALLS_H

struct mv_calls;

extern const struct mv_calls mv_kvm_calls;

#endif
