/* The guest's clocks. A restored guest's kvmclock and TSCs go on from their saved values, and the TSCs of all vCPUs
 * keep their exact distance, because all are related to one moment: the one in which KVM told, or was told, the clock.
 */
#include "engine/kvm/x86/vcpu_state_internal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

/* Frequencies that differ by less are one frequency, measured twice. */
#define TOLERANCE_PPM 250
#define TSC_TRIES 4

int mv_state_clock_read(struct mv_state_env *env, uint64_t *ns, uint64_t *host_tsc, struct mv_error **err)
{
	struct kvm_clock_data clock = { 0 };

	if (ioctl(env->vm_fd, KVM_GET_CLOCK, &clock) < 0)
		return mv_error_set_errno(err, errno, "KVM does not tell the guest's clock");
	*ns = clock.clock;
	/* Where KVM does not read both at once, a microsecond lies between them. */
	*host_tsc = clock.flags & KVM_CLOCK_HOST_TSC ? clock.host_tsc : __rdtsc();
	return 0;
}

int mv_state_moment(struct mv_state_env *env, struct mv_error **err)
{
	if (env->have_moment)
		return 0;
	if (mv_state_clock_read(env, &env->moment_ns, &env->moment_tsc, err) < 0)
		return -1;
	env->have_moment = true;
	return 0;
}

int mv_clock_state(struct mv_state_env *env, struct mv_state *st, struct mv_error **err)
{
	struct kvm_clock_data clock = { 0 };
	uint64_t ns;

	env->have_moment = false;
	if (mv_state_moment(env, err) < 0)
		return -1;
	ns = env->moment_ns;
	mv_state_u64(st, 1, &ns);
	if (mv_state_finish(st, err) < 0)
		return -1;
	if (!mv_state_loading(st))
		return 0;
	clock.clock = ns;
	if (ioctl(env->vm_fd, KVM_SET_CLOCK, &clock) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the guest's clock");
	env->have_moment = false;
	if (mv_state_moment(env, err) < 0)
		return -1;
	env->elapsed_ns = env->moment_ns > ns ? env->moment_ns - ns : 0;
	return 0;
}

static uint64_t ns_to_ticks(uint64_t ns, uint32_t khz)
{
	return (uint64_t)((unsigned __int128)ns * khz / 1000000);
}

static struct kvm_device_attr offset_attr(uint64_t *offset)
{
	return (struct kvm_device_attr){
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)offset,
	};
}

/* Reads a vCPU's TSC, and the host's (*host) at the same moment: on a busy host this thread may have to wait between
 * the two, so the try counts for which the host's clock advanced least. */
static int read_tsc(uint32_t vcpu, int vcpu_fd, uint64_t *value, uint64_t *host, struct mv_error **err)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < TSC_TRIES; i++) {
		struct kvm_msr_entry entry = { .index = MV_MSR_TSC };
		uint64_t before = __rdtsc(), took;
		size_t count = 1;
		int rc = mv_msr_get(vcpu_fd, &entry, &count);

		took = __rdtsc() - before;
		if (rc < 0 || count != 1)
			return mv_error_set_errno(err, rc < 0 ? -rc : EINVAL, "KVM does not tell the TSC of vCPU %u",
						  vcpu);
		if (took < least) {
			least = took;
			*value = entry.data;
			*host = before + took / 2;
		}
	}
	return 0;
}

int mv_vcpu_tsc_get(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, struct mv_vcpu_tsc *tsc,
		    struct mv_error **err)
{
	int khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);
	uint64_t offset = 0, value = 0, ns = 0, host = 0;
	struct kvm_device_attr attr = offset_attr(&offset);
	bool have_offset;
	int64_t error;

	tsc->khz = khz > 0 ? (uint32_t)khz : 0;
	if (mv_state_moment(env, err) < 0)
		return -1;
	have_offset = ioctl(vcpu_fd, KVM_GET_DEVICE_ATTR, &attr) == 0;
	if (read_tsc(vcpu, vcpu_fd, &value, &host, err) < 0)
		return -1;
	/* Guest's TSC = host's TSC + offset, unless KVM scales it: then the two are far apart (a tenth of a second is
	 * more than the time between the two readings). */
	error = (int64_t)(value - (host + offset));
	if (have_offset && (!tsc->khz || llabs(error) < (int64_t)tsc->khz * 100)) {
		tsc->value = env->moment_tsc + offset;
		return 0;
	}
	if (!env->has_tsc_scaling) {
		tsc->value = value - (host - env->moment_tsc);
		return 0;
	}
	if (mv_state_clock_read(env, &ns, &host, err) < 0)
		return -1;
	tsc->value = value - ns_to_ticks(ns - env->moment_ns, tsc->khz);
	return 0;
}

/* Makes the TSC run as fast as it did. *scaled: faster or slower than the host's. */
static int set_frequency(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, uint32_t khz, bool invariant,
			 bool *scaled, struct mv_error **err)
{
	int now = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);
	uint64_t difference;

	*scaled = false;
	if (!khz || now <= 0)
		return 0;
	difference = khz > (uint32_t)now ? khz - (uint32_t)now : (uint32_t)now - khz;
	if (difference * 1000000 <= (uint64_t)khz * TOLERANCE_PPM)
		return 0;
	if (env->has_tsc_scaling && ioctl(vcpu_fd, KVM_SET_TSC_KHZ, (unsigned long)khz) == 0) {
		*scaled = true;
		return 0;
	}
	/* A guest without that promise asks kvmclock for the time, which tells it the new frequency. */
	if (!invariant)
		return 0;
	return mv_error_set(
		err, MV_ERR_CONFIG_UNSUPPORTED,
		"The TSC of vCPU %u ran at %u kHz when the guest was saved and was promised not to change (CPU "
		"feature 'invtsc'); this host has %d kHz and cannot scale it.",
		vcpu, khz, now);
}

int mv_vcpu_tsc_set(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, const struct mv_vcpu_tsc *tsc, bool invariant,
		    struct mv_error **err)
{
	uint64_t value = tsc->value + ns_to_ticks(env->elapsed_ns, tsc->khz);
	uint64_t offset, ns = 0, host;
	struct kvm_device_attr attr = offset_attr(&offset);
	struct kvm_msr_entry entry = { .index = MV_MSR_TSC };
	struct kvm_msrs *msrs;
	union {
		struct kvm_msrs head;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} u = { .head = { .nmsrs = 1 } };
	bool scaled;

	if (mv_state_moment(env, err) < 0 || set_frequency(env, vcpu, vcpu_fd, tsc->khz, invariant, &scaled, err) < 0)
		return -1;
	offset = value - env->moment_tsc;
	if (!scaled && ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attr) == 0)
		return 0;
	/* The older way: a value for now. KVM sees that the vCPUs' values were meant to be the same clock and gives
	 * them the same offset. */
	if (scaled) {
		if (mv_state_clock_read(env, &ns, &host, err) < 0)
			return -1;
		entry.data = value + ns_to_ticks(ns - env->moment_ns, tsc->khz);
	} else {
		entry.data = value + (__rdtsc() - env->moment_tsc);
	}
	msrs = &u.head;
	msrs->entries[0] = entry;
	if (ioctl(vcpu_fd, KVM_SET_MSRS, msrs) != 1)
		return mv_error_set_errno(err, errno, "KVM refused the TSC of vCPU %u", vcpu);
	return 0;
}
