#include "engine/kvm/x86/vcpu_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine/base/bytes.h"
#include "engine/kvm/x86/cpuid.h"
#include "engine/kvm/x86/cpuid_topology.h"
#include "engine/kvm/x86/vcpu_state_internal.h"

#define XSAVE_LEGACY_SIZE 4096
#define INVARIANT_TSC (1u << 8)
#define NO_ADDRESS UINT64_MAX

/* ---- the environment ---- */

/* Our guests do not see that interface, which has registers that change by themselves. */
static bool is_hyperv(uint32_t index)
{
	return index >= 0x40000000 && index < 0x40001000;
}

static int get_msr_list(struct mv_state_env *env, struct mv_error **err)
{
	struct kvm_msr_list probe = { 0 };
	mv_autofree struct kvm_msr_list *list = NULL;

	/* Asked with no room, KVM answers with an error and the number. */
	if (ioctl(env->kvm_fd, KVM_GET_MSR_INDEX_LIST, &probe) < 0 && errno != E2BIG)
		return mv_error_set_errno(err, errno, "KVM does not tell which MSRs there are");
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(list->indices[0]));
	env->msrs = calloc(probe.nmsrs + 1, sizeof(env->msrs[0]));
	if (!list || !env->msrs)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the list of MSRs.");
	list->nmsrs = probe.nmsrs;
	if (ioctl(env->kvm_fd, KVM_GET_MSR_INDEX_LIST, list) < 0)
		return mv_error_set_errno(err, errno, "KVM does not tell which MSRs there are");
	for (uint32_t i = 0; i < list->nmsrs && env->msr_count < MV_VCPU_MAX_MSRS; i++)
		if (!is_hyperv(list->indices[i]))
			env->msrs[env->msr_count++] = list->indices[i];
	return 0;
}

static int capability(const struct mv_state_env *env, int cap)
{
	int value = ioctl(env->vm_fd, KVM_CHECK_EXTENSION, cap);

	return value > 0 ? value : 0;
}

int mv_state_env_create(int kvm_fd, int vm_fd, struct mv_state_env **out, struct mv_error **err)
{
	mv_auto(mv_state_env) env = calloc(1, sizeof(*env));
	size_t size;

	if (!env)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the vCPUs' state.");
	env->kvm_fd = kvm_fd;
	env->vm_fd = vm_fd;
	size = (size_t)capability(env, KVM_CAP_XSAVE2);
	env->has_xsave2 = size > 0;
	env->xsave_size = size > XSAVE_LEGACY_SIZE ? size : XSAVE_LEGACY_SIZE;
	if (env->xsave_size > MV_VCPU_MAX_XSAVE)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "A vCPU's FPU state has %zu bytes on this host; at most %d can be saved.",
				    env->xsave_size, MV_VCPU_MAX_XSAVE);
	env->has_sregs2 = capability(env, KVM_CAP_SREGS2);
	env->has_xcrs = capability(env, KVM_CAP_XCRS);
	env->has_debugregs = capability(env, KVM_CAP_DEBUGREGS);
	env->has_nested = capability(env, KVM_CAP_NESTED_STATE);
	env->has_tsc_scaling = capability(env, KVM_CAP_TSC_CONTROL);
	if (get_msr_list(env, err) < 0)
		return -1;
	*out = mv_steal(env);
	return 0;
}

void mv_state_env_free(struct mv_state_env *env)
{
	if (!env)
		return;
	free(env->msrs);
	free(env->supported);
	free(env);
}

/* ---- from and to KVM ---- */

static int untold(const struct mv_vcpu_data *v, const char *what, struct mv_error **err)
{
	return mv_error_set_errno(err, errno, "KVM does not tell the %s of vCPU %u", what, v->number);
}

static int refused(const struct mv_vcpu_data *v, const char *what, struct mv_error **err)
{
	return mv_error_set_errno(err, errno, "KVM refused the saved %s of vCPU %u", what, v->number);
}

/* A guest that has a hypervisor of its own at work: its state is spread over memory that only KVM understands. */
static int check_nested(const struct mv_state_env *env, const struct mv_vcpu_data *v, struct mv_error **err)
{
	union {
		struct kvm_nested_state state;
		uint8_t room[16 * 1024];
	} u = { .state = { .size = sizeof(u) } };
	bool active;

	if (!env->has_nested || ioctl(v->fd, KVM_GET_NESTED_STATE, &u.state) < 0)
		return 0;
	active = u.state.flags & (KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING);
	if (u.state.format == KVM_STATE_NESTED_FORMAT_VMX)
		active = active || u.state.hdr.vmx.vmxon_pa != NO_ADDRESS;
	else
		active = active || (v->sregs.efer & (1u << 12)); /* SVME */
	if (!active)
		return 0;
	return mv_error_set(
		err, MV_ERR_OPERATION_INVALID,
		"The guest cannot be saved: vCPU %u uses virtualization itself (unload the guest's hypervisor "
		"first).",
		v->number);
}

static int get_sregs(const struct mv_state_env *env, struct mv_vcpu_data *v, struct mv_error **err)
{
	struct kvm_sregs s;

	if (env->has_sregs2)
		return ioctl(v->fd, KVM_GET_SREGS2, &v->sregs) < 0 ? untold(v, "system registers", err) : 0;
	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return untold(v, "system registers", err);
	/* The interrupt bitmap that only this has is told by the events too. */
	v->sregs = (struct kvm_sregs2){
		.cs = s.cs,
		.ds = s.ds,
		.es = s.es,
		.fs = s.fs,
		.gs = s.gs,
		.ss = s.ss,
		.tr = s.tr,
		.ldt = s.ldt,
		.gdt = s.gdt,
		.idt = s.idt,
		.cr0 = s.cr0,
		.cr2 = s.cr2,
		.cr3 = s.cr3,
		.cr4 = s.cr4,
		.cr8 = s.cr8,
		.efer = s.efer,
		.apic_base = s.apic_base,
	};
	return 0;
}

static int put_sregs(const struct mv_state_env *env, const struct mv_vcpu_data *v, struct mv_error **err)
{
	const struct kvm_sregs2 *f = &v->sregs;
	struct kvm_sregs s = {
		.cs = f->cs,
		.ds = f->ds,
		.es = f->es,
		.fs = f->fs,
		.gs = f->gs,
		.ss = f->ss,
		.tr = f->tr,
		.ldt = f->ldt,
		.gdt = f->gdt,
		.idt = f->idt,
		.cr0 = f->cr0,
		.cr2 = f->cr2,
		.cr3 = f->cr3,
		.cr4 = f->cr4,
		.cr8 = f->cr8,
		.efer = f->efer,
		.apic_base = f->apic_base,
	};
	int rc;

	/* Without the newer call KVM reads the PDPTRs from memory, where a PAE guest has them anyway. */
	rc = env->has_sregs2 ? ioctl(v->fd, KVM_SET_SREGS2, f) : ioctl(v->fd, KVM_SET_SREGS, &s);
	return rc < 0 ? refused(v, "system registers", err) : 0;
}

static int get(struct mv_state_env *env, struct mv_vcpu_data *v, struct mv_error **err)
{
	struct kvm_mp_state mp;
	struct kvm_xcrs xcrs = { 0 };

	/* First, because KVM accepts pending INITs and SIPIs in it. */
	if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) < 0)
		return untold(v, "run state", err);
	v->mp_state = mp.mp_state;
	v->cpuid->nent = MV_VCPU_MAX_CPUID;
	if (ioctl(v->fd, KVM_GET_CPUID2, v->cpuid) < 0)
		return untold(v, "CPUID", err);
	if (ioctl(v->fd, KVM_GET_REGS, &v->regs) < 0)
		return untold(v, "registers", err);
	if (get_sregs(env, v, err) < 0 || check_nested(env, v, err) < 0)
		return -1;
	v->xsave_size = env->xsave_size;
	v->xsave = calloc(1, v->xsave_size);
	if (!v->xsave)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the FPU state of vCPU %u.", v->number);
	if (ioctl(v->fd, env->has_xsave2 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, v->xsave) < 0)
		return untold(v, "FPU state", err);
	if (env->has_xcrs && ioctl(v->fd, KVM_GET_XCRS, &xcrs) < 0)
		return untold(v, "extended control registers", err);
	for (uint32_t i = 0; i < xcrs.nr_xcrs && i < KVM_MAX_XCRS; i++)
		if (xcrs.xcrs[i].xcr == 0)
			v->xcr0 = xcrs.xcrs[i].value;
	if (env->has_debugregs && ioctl(v->fd, KVM_GET_DEBUGREGS, &v->debug) < 0)
		return untold(v, "debug registers", err);
	if (ioctl(v->fd, KVM_GET_LAPIC, &v->lapic) < 0)
		return untold(v, "local APIC", err);
	if (mv_vcpu_msrs_get(env, v->number, v->fd, &v->msrs, &v->msr_count, err) < 0 ||
	    mv_vcpu_tsc_get(env, v->number, v->fd, &v->tsc, err) < 0)
		return -1;
	if (ioctl(v->fd, KVM_GET_VCPU_EVENTS, &v->events) < 0)
		return untold(v, "pending events", err);
	return 0;
}

/* What this KVM gives when it is asked for all that it supports. A software KVM cannot hide the processor's features
 * from a guest and says so in what it returns: a guest saved there has more than was asked for. */
static struct kvm_cpuid2 *given_cpuid(struct mv_state_env *env, const struct mv_vcpu_data *v, struct mv_error **err)
{
	mv_autofree struct kvm_cpuid2 *supported = mv_cpuid_supported(env->kvm_fd, err);
	mv_autofree struct kvm_cpuid2 *given = calloc(1,
						      sizeof(*given) + MV_VCPU_MAX_CPUID * sizeof(given->entries[0]));

	if (!supported)
		return NULL;
	if (!given) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for CPUID.");
		return NULL;
	}
	given->nent = MV_VCPU_MAX_CPUID;
	if (ioctl(v->fd, KVM_SET_CPUID2, supported) < 0 || ioctl(v->fd, KVM_GET_CPUID2, given) < 0) {
		refused(v, "CPUID", err);
		return NULL;
	}
	return mv_steal(given);
}

static int put_cpuid(struct mv_state_env *env, const struct mv_vcpu_data *v, struct mv_error **err)
{
	if (!env->supported)
		env->supported = given_cpuid(env, v, err);
	if (!env->supported || mv_cpuid_check(v->cpuid, env->supported, err) < 0)
		return -1;
	return ioctl(v->fd, KVM_SET_CPUID2, v->cpuid) < 0 ? refused(v, "CPUID", err) : 0;
}

static int put_fpu(struct mv_state_env *env, struct mv_vcpu_data *v, struct mv_error **err)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = v->xcr0 } } };
	mv_autofree uint8_t *area = NULL;

	if (v->xcr0 && ioctl(v->fd, KVM_SET_XCRS, &xcrs) < 0)
		return refused(v, "extended control registers", err);
	/* KVM reads as much as this host's vCPUs have, which may be more than was saved. */
	area = calloc(1, v->xsave_size > env->xsave_size ? v->xsave_size : env->xsave_size);
	if (!area)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the FPU state of vCPU %u.", v->number);
	if (v->xsave_size)
		memcpy(area, v->xsave, v->xsave_size);
	return ioctl(v->fd, KVM_SET_XSAVE, area) < 0 ? refused(v, "FPU state", err) : 0;
}

/* The order is KVM's: CPUID decides what the rest may contain; the APIC's base its registers' layout; EFER is with the
 * system registers; a TSC deadline counts only when the APIC's timer is in that mode and the TSC is right; setting
 * registers drops pending exceptions. */
static int put(struct mv_state_env *env, struct mv_vcpu_data *v, struct mv_error **err)
{
	struct kvm_mp_state mp = { .mp_state = v->mp_state };
	const struct kvm_cpuid_entry2 *power;

	if (put_cpuid(env, v, err) < 0 || put_sregs(env, v, err) < 0)
		return -1;
	if (ioctl(v->fd, KVM_SET_REGS, &v->regs) < 0)
		return refused(v, "registers", err);
	if (put_fpu(env, v, err) < 0)
		return -1;
	if (env->has_debugregs && ioctl(v->fd, KVM_SET_DEBUGREGS, &v->debug) < 0)
		return refused(v, "debug registers", err);
	if (mv_vcpu_msrs_set(v->number, v->fd, v->msrs, v->msr_count, err) < 0)
		return -1;
	power = mv_cpuid_find(v->cpuid, 0x80000007, 0);
	if (mv_vcpu_tsc_set(env, v->number, v->fd, &v->tsc, power && (power->edx & INVARIANT_TSC), err) < 0)
		return -1;
	if (ioctl(v->fd, KVM_SET_LAPIC, &v->lapic) < 0)
		return refused(v, "local APIC", err);
	if (mv_vcpu_deadline_set(v->number, v->fd, v->msrs, v->msr_count, err) < 0)
		return -1;
	if (ioctl(v->fd, KVM_SET_VCPU_EVENTS, &v->events) < 0)
		return refused(v, "pending events", err);
	if (ioctl(v->fd, KVM_SET_MP_STATE, &mp) < 0)
		return refused(v, "run state", err);
	return 0;
}

int mv_vcpu_state(struct mv_state_env *env, uint32_t vcpu, int vcpu_fd, struct mv_state *st, struct mv_error **err)
{
	struct mv_vcpu_data v = { .number = vcpu, .fd = vcpu_fd };
	int ret = -1;

	v.cpuid = calloc(1, sizeof(*v.cpuid) + MV_VCPU_MAX_CPUID * sizeof(v.cpuid->entries[0]));
	if (!v.cpuid)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the state of vCPU %u.", vcpu);
	if (!mv_state_loading(st) && get(env, &v, err) < 0)
		goto out;
	mv_vcpu_visit(st, &v);
	if (mv_state_finish(st, err) < 0)
		goto out;
	if (mv_state_loading(st) && put(env, &v, err) < 0)
		goto out;
	ret = 0;
out:
	free(v.cpuid);
	free(v.msrs);
	free(v.xsave);
	return ret;
}
