/* The fields of a saved vCPU, in their order. */
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "engine/kvm/x86/vcpu_state_internal.h"

#define CPUID_BYTES 28 /* function, index, flags, four registers */
#define MSR_BYTES 12   /* index, value */

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

static void visit_cpuid(struct mv_state *st, struct mv_vcpu_data *v)
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
	mv_state_blob(st, TAG_CPUID, &data, &size, (size_t)MV_VCPU_MAX_CPUID * CPUID_BYTES);
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

static void visit_msrs(struct mv_state *st, struct mv_vcpu_data *v)
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
	mv_state_blob(st, TAG_MSRS, &data, &size, MV_VCPU_MAX_MSRS * MSR_BYTES);
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

void mv_vcpu_visit(struct mv_state *st, struct mv_vcpu_data *v)
{
	mv_state_u32(st, TAG_MP_STATE, &v->mp_state);
	visit_cpuid(st, v);
	mv_state_u32(st, TAG_TSC_KHZ, &v->tsc.khz);
	mv_state_u64(st, TAG_TSC, &v->tsc.value);
	mv_state_u64(st, TAG_XCR0, &v->xcr0);
	mv_state_blob(st, TAG_XSAVE, &v->xsave, &v->xsave_size, MV_VCPU_MAX_XSAVE);
	mv_state_bytes(st, TAG_LAPIC, v->lapic.regs, sizeof(v->lapic.regs));
	visit_msrs(st, v);
	visit_regs(st, &v->regs);
	visit_system(st, &v->sregs);
	visit_debug(st, &v->debug);
	visit_events(st, &v->events);
}
