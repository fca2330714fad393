#include "engine/kvm/x86/msr.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

struct batch {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[MV_MSR_MAX_AT_ONCE];
};

/* As many of `count` entries as one call takes; returns how many KVM did before it met one that it does not take. */
static int call(int vcpu_fd, unsigned long request, struct batch *batch, const struct kvm_msr_entry *entries,
		size_t count)
{
	int done;

	if (count > MV_MSR_MAX_AT_ONCE)
		count = MV_MSR_MAX_AT_ONCE;
	batch->head.nmsrs = (uint32_t)count;
	batch->head.pad = 0;
	memcpy(batch->entries, entries, count * sizeof(*entries));
	done = ioctl(vcpu_fd, request, batch);
	return done < 0 ? -errno : done;
}

int mv_msr_set(int vcpu_fd, const struct kvm_msr_entry *entries, size_t count, mv_msr_refused_fn refused, void *opaque)
{
	struct batch batch;

	for (size_t at = 0; at < count;) {
		size_t asked = count - at < MV_MSR_MAX_AT_ONCE ? count - at : MV_MSR_MAX_AT_ONCE;
		int done = call(vcpu_fd, KVM_SET_MSRS, &batch, entries + at, asked);

		if (done < 0)
			return done;
		at += (size_t)done;
		if ((size_t)done == asked)
			continue;
		if (refused(opaque, &entries[at]) < 0)
			return -ECANCELED;
		at++;
	}
	return 0;
}

int mv_msr_get(int vcpu_fd, struct kvm_msr_entry *entries, size_t *count)
{
	struct batch batch;
	size_t kept = 0;

	for (size_t at = 0; at < *count;) {
		size_t asked = *count - at < MV_MSR_MAX_AT_ONCE ? *count - at : MV_MSR_MAX_AT_ONCE;
		int done = call(vcpu_fd, KVM_GET_MSRS, &batch, entries + at, asked);

		if (done < 0)
			return done;
		memcpy(entries + kept, batch.entries, (size_t)done * sizeof(*entries));
		kept += (size_t)done;
		at += (size_t)done;
		if ((size_t)done < asked)
			at++;
	}
	*count = kept;
	return 0;
}
