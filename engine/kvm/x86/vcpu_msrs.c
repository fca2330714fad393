#include "engine/kvm/x86/vcpu_state_internal.h"

#include <errno.h>
#include <stdlib.h>

static bool has_own_place(uint32_t index)
{
	return index == MV_MSR_TSC || index == MV_MSR_TSC_DEADLINE;
}

int mv_vcpu_msrs_get(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, struct kvm_msr_entry **entries,
		     size_t *count, struct mv_error **err)
{
	mv_autofree struct kvm_msr_entry *all = calloc(env->msr_count + 1, sizeof(*all));
	size_t n = 0;
	int rc;

	if (!all)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the MSRs of vCPU %u.", vcpu);
	for (size_t i = 0; i < env->msr_count; i++)
		if (env->msrs[i] != MV_MSR_TSC)
			all[n++].index = env->msrs[i];
	rc = mv_msr_get(vcpu_fd, all, &n);
	if (rc < 0)
		return mv_error_set_errno(err, -rc, "KVM does not tell the MSRs of vCPU %u", vcpu);
	/* Each MSR that cannot be read costs a call of its own, so they are tried on the first vCPU only. */
	if (!env->msrs_tried) {
		for (size_t i = 0; i < n; i++)
			env->msrs[i] = all[i].index;
		env->msr_count = n;
		env->msrs_tried = true;
	}
	*count = n;
	*entries = mv_steal(all);
	return 0;
}

struct target {
	uint32_t vcpu;
	int fd;
	struct mv_error **err;
};

/* An MSR that cannot be set is no loss when it already has its value (some only say what the host can do), or when it
 * held nothing and this host does not have it. */
static int refused(void *opaque, const struct kvm_msr_entry *entry)
{
	struct target *t = opaque;
	struct kvm_msr_entry now = { .index = entry->index };
	size_t count = 1;

	if (entry->data == 0)
		return 0;
	if (mv_msr_get(t->fd, &now, &count) == 0 && count == 1 && now.data == entry->data)
		return 0;
	return mv_error_set(t->err, MV_ERR_OPERATION_FAILED,
			    "KVM refused the saved value %#llx for MSR %#x of vCPU %u.",
			    (unsigned long long)entry->data, entry->index, t->vcpu);
}

static int set(uint32_t vcpu, int vcpu_fd, const struct kvm_msr_entry *entries, size_t count, struct mv_error **err)
{
	struct target target = { vcpu, vcpu_fd, err };
	int rc = mv_msr_set(vcpu_fd, entries, count, refused, &target);

	if (rc == -ECANCELED)
		return -1;
	return rc < 0 ? mv_error_set_errno(err, -rc, "KVM refused the MSRs of vCPU %u", vcpu) : 0;
}

int mv_vcpu_msrs_set(uint32_t vcpu, int vcpu_fd, const struct kvm_msr_entry *entries, size_t count,
		     struct mv_error **err)
{
	size_t from = 0;

	for (size_t i = 0; i < count; i++) {
		if (!has_own_place(entries[i].index))
			continue;
		if (set(vcpu, vcpu_fd, entries + from, i - from, err) < 0)
			return -1;
		from = i + 1;
	}
	return set(vcpu, vcpu_fd, entries + from, count - from, err);
}

int mv_vcpu_deadline_set(uint32_t vcpu, int vcpu_fd, const struct kvm_msr_entry *entries, size_t count,
			 struct mv_error **err)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].index == MV_MSR_TSC_DEADLINE && set(vcpu, vcpu_fd, &entries[i], 1, err) < 0)
			return -1;
	return 0;
}
