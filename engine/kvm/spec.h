/* The machine specification of a guest, with all its files open. */
#ifndef MV_KVM_SPEC_H
#define MV_KVM_SPEC_H

#include "engine/conf/domain.h"
#include "engine/kvm/common/machine_spec.h"

struct mv_kvm_open {
	const char *root_path; /* for messages */
	int root_folder;       /* ROOT, where unpacked kernels are kept */
	int run_folder;        /* ROOT/run, to name the guest that holds a disk */
	bool restoring;        /* a missing disk is an error even where its size is given, a missing kernel is none */
};

/* Fills *spec (initialised) from conf and opens its files, which belong to the spec: mv_kvm_spec_close(). What becomes
 * known by opening is written to conf: names of taps, sizes of disks. Disks that were made are removed again on
 * failure. */
int mv_kvm_spec_build(struct mv_domain_conf *conf, const struct mv_kvm_open *how, struct mv_machine_spec *spec,
		      struct mv_error **err);
/* Closes all descriptors and clears it. */
void mv_kvm_spec_close(struct mv_machine_spec *spec);

/* Opens disk number `index` (from 0): kind, size, format and lock are checked. The descriptor, or -1. *made: it was
 * missing and was made. */
int mv_kvm_disk_open(struct mv_domain_conf *conf, size_t index, const struct mv_kvm_open *how, bool *made,
		     struct mv_error **err);

/* Opens nic->queues descriptors of a tap into fds, makes it when it is missing, and brings it up. nic->tap is filled
 * in. */
int mv_kvm_tap_open(struct mv_nic_conf *nic, size_t index, int32_t *fds, struct mv_error **err);

#endif
