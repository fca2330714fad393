#include "engine/kvm/x86/vcpu_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine/base/bytes.h"
#include "engine/kvm/x86/cpuid.h"
#include "engine/kvm/x86/cpuid_topology.h"
#include "engine/kvm/x86/vcpu_state_internal.h"

#define MAX_CPUID 256
#define CPUID_BYTES 28 /* function, index, flags, four registers */
#define MAX_MSRS 4096
#define MSR_BYTES 12 /* index, value */
#define XSAVE_LEGACY_SIZE 4096
#define MAX_XSAVE (64 * 1024)
#define INVARIANT_TSC (1u << 8)
#define NO_ADDRESS UINT64_MAX

/* Tags; those in a row are given in steps of one. */
enum {
	TAG_MP_STATE = 1,
	TAG_CPUID = 2,
	TAG_TSC_KHZ = 3,
	TAG_TSC = 4,
	TAG_XCR0 = 5,
	TAG_XSAVE = 6,
	TAG_LAPIC = 7,
	TAG_MSRS = 8,
	TAG_REGS = 0x100,
	TAG_SEGMENTS = 0x200, /* 0x10 each */
	TAG_SYSTEM = 0x300,
	TAG_DEBUG = 0x400,
	TAG_EVENTS = 0x500,
};

/* All of one vCPU, between KVM and the visitor. */
struct vcpu {
	uint32_t number;
	int fd;
	uint32_t mp_state;
	struct kvm_cpuid2 *cpuid;
	struct mv_vcpu_tsc tsc;
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	uint64_t xcr0; /* 0: there is none */
	void *xsave;
	size_t xsave_size;
	struct kvm_debugregs debug;
	struct kvm_lapic_state lapic;
	struct kvm_msr_entry *msrs;
	size_t msr_count;
	struct kvm_vcpu_events events;
};

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
	for (uint32_t i = 0; i < list->nmsrs && env->msr_count < MAX_MSRS; i++)
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
	if (env->xsave_size > MAX_XSAVE)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "A vCPU's FPU state has %zu bytes on this host; at most %d can be saved.",
				    env->xsave_size, MAX_XSAVE);
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

/* ---- the fields ---- */

static void visit_cpuid(struct mv_state *st, struct vcpu *v)
{
	mv_autofree void *data = NULL;
	size_t size = 0;

	if (!mv_state_loading(st)) {
		size = (size_t)v->cpuid->nent * CPUID_BYTES;
		data = malloc(size + 1);
		if (!data) {
			mv_state_fail(st, "out of memory");
			return;
		}
	}
	for (size_t i = 0; i < size / CPUID_BYTES; i++) {
		const struct kvm_cpuid_entry2 *e = &v->cpuid->entries[i];
		const uint32_t words[] = { e->function, e->index, e->flags, e->eax, e->ebx, e->ecx, e->edx };

		for (size_t w = 0; w < MV_ARRAY_SIZE(words); w++)
			mv_put_le32((uint8_t *)data + i * CPUID_BYTES + 4 * w, words[w]);
	}
	mv_state_blob(st, TAG_CPUID, &data, &size, (size_t)MAX_CPUID * CPUID_BYTES);
	if (!mv_state_loading(st) || !mv_state_ok(st))
		return;
	if (size % CPUID_BYTES) {
		mv_state_fail(st, "its CPUID is no whole number of entries");
		return;
	}
	for (size_t i = 0; i < size / CPUID_BYTES; i++) {
		const uint8_t *p = (const uint8_t *)data + i * CPUID_BYTES;

		v->cpuid->entries[i] = (struct kvm_cpuid_entry2){
			.function = mv_get_le32(p),
			.index = mv_get_le32(p + 4),
			.flags = mv_get_le32(p + 8),
			.eax = mv_get_le32(p + 12),
			.ebx = mv_get_le32(p + 16),
			.ecx = mv_get_le32(p + 20),
			.edx = mv_get_le32(p + 24),
		};
	}
	v->cpuid->nent = (uint32_t)(size / CPUID_BYTES);
}

static void visit_msrs(struct mv_state *st, struct vcpu *v)
{
	mv_autofree void *data = NULL;
	size_t size = v->msr_count * MSR_BYTES;

	if (!mv_state_loading(st)) {
		data = malloc(size + 1);
		if (!data) {
			mv_state_fail(st, "out of memory");
			return;
		}
		for (size_t i = 0; i < v->msr_count; i++) {
			mv_put_le32((uint8_t *)data + i * MSR_BYTES, v->msrs[i].index);
			mv_put_le64((uint8_t *)data + i * MSR_BYTES + 4, v->msrs[i].data);
		}
	}
	mv_state_blob(st, TAG_MSRS, &data, &size, MAX_MSRS * MSR_BYTES);
	if (!mv_state_loading(st) || !mv_state_ok(st))
		return;
	v->msrs = calloc(size / MSR_BYTES + 1, sizeof(*v->msrs));
	if (!v->msrs || size % MSR_BYTES) {
		mv_state_fail(st, v->msrs ? "its MSRs are no whole number of entries" : "out of memory");
		return;
	}
	v->msr_count = size / MSR_BYTES;
	for (size_t i = 0; i < v->msr_count; i++) {
		v->msrs[i].index = mv_get_le32((const uint8_t *)data + i * MSR_BYTES);
		v->msrs[i].data = mv_get_le64((const uint8_t *)data + i * MSR_BYTES + 4);
	}
}

static void visit_u64s(struct mv_state *st, uint16_t tag, uint64_t *const *fields, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		mv_state_u64(st, tag + i, fields[i]);
}

/* The kernel's types for 64 bits are not uint64_t, though the same. */
#define FIELD(f) ((uint64_t *)&(f))

static void visit_regs(struct mv_state *st, struct kvm_regs *r)
{
	uint64_t *const fields[] = {
		FIELD(r->rax), FIELD(r->rbx), FIELD(r->rcx), FIELD(r->rdx), FIELD(r->rsi), FIELD(r->rdi),
		FIELD(r->rsp), FIELD(r->rbp), FIELD(r->r8),  FIELD(r->r9),  FIELD(r->r10), FIELD(r->r11),
		FIELD(r->r12), FIELD(r->r13), FIELD(r->r14), FIELD(r->r15), FIELD(r->rip), FIELD(r->rflags),
	};

	visit_u64s(st, TAG_REGS, fields, MV_ARRAY_SIZE(fields));
}

/* Attributes as in a VMCS: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. */
static uint32_t pack_attributes(const struct kvm_segment *s)
{
	return (s->type & 0xfu) | (s->s & 1u) << 4 | (s->dpl & 3u) << 5 | (s->present & 1u) << 7 | (s->avl & 1u) << 12 |
		(s->l & 1u) << 13 | (s->db & 1u) << 14 | (s->g & 1u) << 15 | (s->unusable & 1u) << 16;
}

static void unpack_attributes(struct kvm_segment *s, uint32_t a)
{
	s->type = a & 0xf;
	s->s = a >> 4 & 1;
	s->dpl = a >> 5 & 3;
	s->present = a >> 7 & 1;
	s->avl = a >> 12 & 1;
	s->l = a >> 13 & 1;
	s->db = a >> 14 & 1;
	s->g = a >> 15 & 1;
	s->unusable = a >> 16 & 1;
}

static void visit_segments(struct mv_state *st, struct kvm_sregs2 *s)
{
	struct kvm_segment *const segments[] = { &s->cs, &s->ds, &s->es, &s->fs, &s->gs, &s->ss, &s->tr, &s->ldt };
	struct kvm_dtable *const tables[] = { &s->gdt, &s->idt };
	uint16_t tag = TAG_SEGMENTS;

	for (size_t i = 0; i < MV_ARRAY_SIZE(segments); i++, tag += 0x10) {
		uint32_t attributes = pack_attributes(segments[i]);

		mv_state_u64(st, tag, FIELD(segments[i]->base));
		mv_state_u32(st, tag + 1, &segments[i]->limit);
		mv_state_u16(st, tag + 2, &segments[i]->selector);
		mv_state_u32(st, tag + 3, &attributes);
		unpack_attributes(segments[i], attributes);
	}
	for (size_t i = 0; i < MV_ARRAY_SIZE(tables); i++, tag += 0x10) {
		mv_state_u64(st, tag, FIELD(tables[i]->base));
		mv_state_u16(st, tag + 1, &tables[i]->limit);
	}
}

static void visit_system(struct mv_state *st, struct kvm_sregs2 *s)
{
	uint64_t *const fields[] = {
		FIELD(s->cr0),       FIELD(s->cr2),       FIELD(s->cr3),       FIELD(s->cr4),
		FIELD(s->cr8),       FIELD(s->efer),      FIELD(s->apic_base), FIELD(s->flags),
		FIELD(s->pdptrs[0]), FIELD(s->pdptrs[1]), FIELD(s->pdptrs[2]), FIELD(s->pdptrs[3]),
	};

	visit_segments(st, s);
	visit_u64s(st, TAG_SYSTEM, fields, MV_ARRAY_SIZE(fields));
}

static void visit_debug(struct mv_state *st, struct kvm_debugregs *d)
{
	uint64_t *const fields[] = {
		FIELD(d->db[0]), FIELD(d->db[1]), FIELD(d->db[2]), FIELD(d->db[3]), FIELD(d->dr6), FIELD(d->dr7),
	};

	visit_u64s(st, TAG_DEBUG, fields, MV_ARRAY_SIZE(fields));
}

static void visit_events(struct mv_state *st, struct kvm_vcpu_events *e)
{
	uint8_t *const fields[] = {
		&e->exception.injected,
		&e->exception.nr,
		&e->exception.has_error_code,
		&e->exception.pending,
		&e->interrupt.injected,
		&e->interrupt.nr,
		&e->interrupt.soft,
		&e->interrupt.shadow,
		&e->nmi.injected,
		&e->nmi.pending,
		&e->nmi.masked,
		&e->smi.smm,
		&e->smi.pending,
		&e->smi.smm_inside_nmi,
		&e->smi.latched_init,
		&e->triple_fault.pending,
		&e->exception_has_payload,
	};

	mv_state_u32(st, TAG_EVENTS, &e->flags);
	mv_state_u32(st, TAG_EVENTS + 1, &e->sipi_vector);
	mv_state_u32(st, TAG_EVENTS + 2, &e->exception.error_code);
	mv_state_u64(st, TAG_EVENTS + 3, FIELD(e->exception_payload));
	for (size_t i = 0; i < MV_ARRAY_SIZE(fields); i++)
		mv_state_u8(st, (uint16_t)(TAG_EVENTS + 4 + i), fields[i]);
}

static void visit(struct mv_state *st, struct vcpu *v)
{
	mv_state_u32(st, TAG_MP_STATE, &v->mp_state);
	visit_cpuid(st, v);
	mv_state_u32(st, TAG_TSC_KHZ, &v->tsc.khz);
	mv_state_u64(st, TAG_TSC, &v->tsc.value);
	mv_state_u64(st, TAG_XCR0, &v->xcr0);
	mv_state_blob(st, TAG_XSAVE, &v->xsave, &v->xsave_size, MAX_XSAVE);
	mv_state_bytes(st, TAG_LAPIC, v->lapic.regs, sizeof(v->lapic.regs));
	visit_msrs(st, v);
	visit_regs(st, &v->regs);
	visit_system(st, &v->sregs);
	visit_debug(st, &v->debug);
	visit_events(st, &v->events);
}

/* ---- from and to KVM ---- */

static int untold(const struct vcpu *v, const char *what, struct mv_error **err)
{
	return mv_error_set_errno(err, errno, "KVM does not tell the %s of vCPU %u", what, v->number);
}

static int refused(const struct vcpu *v, const char *what, struct mv_error **err)
{
	return mv_error_set_errno(err, errno, "KVM refused the saved %s of vCPU %u", what, v->number);
}

/* A guest that has a hypervisor of its own at work: its state is spread over memory that only KVM understands. */
static int check_nested(const struct mv_state_env *env, const struct vcpu *v, struct mv_error **err)
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

static int get_sregs(const struct mv_state_env *env, struct vcpu *v, struct mv_error **err)
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

static int put_sregs(const struct mv_state_env *env, const struct vcpu *v, struct mv_error **err)
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

static int get(struct mv_state_env *env, struct vcpu *v, struct mv_error **err)
{
	struct kvm_mp_state mp;
	struct kvm_xcrs xcrs = { 0 };

	/* First, because KVM accepts pending INITs and SIPIs in it. */
	if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) < 0)
		return untold(v, "run state", err);
	v->mp_state = mp.mp_state;
	v->cpuid->nent = MAX_CPUID;
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
static struct kvm_cpuid2 *given_cpuid(struct mv_state_env *env, const struct vcpu *v, struct mv_error **err)
{
	mv_autofree struct kvm_cpuid2 *supported = mv_cpuid_supported(env->kvm_fd, err);
	mv_autofree struct kvm_cpuid2 *given = calloc(1, sizeof(*given) + MAX_CPUID * sizeof(given->entries[0]));

	if (!supported)
		return NULL;
	if (!given) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for CPUID.");
		return NULL;
	}
	given->nent = MAX_CPUID;
	if (ioctl(v->fd, KVM_SET_CPUID2, supported) < 0 || ioctl(v->fd, KVM_GET_CPUID2, given) < 0) {
		refused(v, "CPUID", err);
		return NULL;
	}
	return mv_steal(given);
}

static int put_cpuid(struct mv_state_env *env, const struct vcpu *v, struct mv_error **err)
{
	if (!env->supported)
		env->supported = given_cpuid(env, v, err);
	if (!env->supported || mv_cpuid_check(v->cpuid, env->supported, err) < 0)
		return -1;
	return ioctl(v->fd, KVM_SET_CPUID2, v->cpuid) < 0 ? refused(v, "CPUID", err) : 0;
}

static int put_fpu(struct mv_state_env *env, struct vcpu *v, struct mv_error **err)
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
static int put(struct mv_state_env *env, struct vcpu *v, struct mv_error **err)
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
	struct vcpu v = { .number = vcpu, .fd = vcpu_fd };
	int ret = -1;

	v.cpuid = calloc(1, sizeof(*v.cpuid) + MAX_CPUID * sizeof(v.cpuid->entries[0]));
	if (!v.cpuid)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the state of vCPU %u.", vcpu);
	if (!mv_state_loading(st) && get(env, &v, err) < 0)
		goto out;
	visit(st, &v);
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
