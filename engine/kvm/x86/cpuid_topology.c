#include "engine/kvm/x86/cpuid_topology.h"

#include "engine/kvm/x86/topology.h"

#define LEVEL_THREAD 1u
#define LEVEL_CORE 2u
#define LEAF1_HT (1u << 28)
#define AMD_CMP_LEGACY (1u << 1)
#define AMD_TOPOEXT (1u << 22)

#define FIELD(value, high, low) (((value) & ((1ull << ((high) - (low) + 1)) - 1)) << (low))
#define MASK(high, low) ((uint32_t)FIELD(~0ull, high, low))

struct kvm_cpuid_entry2 *mv_cpuid_find(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == function && (e->index == index || !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

struct kvm_cpuid_entry2 *mv_cpuid_obtain(struct kvm_cpuid2 *c, uint32_t function, uint32_t index, bool has_index)
{
	struct kvm_cpuid_entry2 *e = mv_cpuid_find(c, function, index);

	if (e)
		return e;
	e = &c->entries[c->nent++];
	*e = (struct kvm_cpuid_entry2){
		.function = function,
		.index = index,
		.flags = has_index ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
	return e;
}

bool mv_cpuid_is_amd(struct kvm_cpuid2 *c)
{
	const struct kvm_cpuid_entry2 *e = mv_cpuid_find(c, 0, 0);

	/* "Auth" and "Hygo" */
	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

/* Leaf 4 (Intel) and 0x8000001d (AMD) describe one cache per index and have the same fields: bits 7:5 the level, 25:14
 * how many ids share it, less one. Up to level 2 they belong to a core, beyond to a package. */
static void share_caches(struct kvm_cpuid2 *c, uint32_t function, unsigned thread_bits, unsigned package_bits)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];
		uint32_t level = e->eax >> 5 & 7;
		uint32_t sharing = (1u << (level <= 2 ? thread_bits : package_bits)) - 1;

		if (e->function != function || !(e->eax & 0x1f))
			continue;
		e->eax &= ~MASK(25, 14);
		e->eax |= FIELD(at_most(sharing, 0xfff), 25, 14);
		if (function == 4) {
			e->eax &= ~MASK(31, 26);
			e->eax |= FIELD(at_most((1u << (package_bits - thread_bits)) - 1, 0x3f), 31, 26);
		}
	}
}

/* Leaves 0xb and 0x1f: a level per index, the last one empty. */
static void describe_levels(struct kvm_cpuid2 *c, uint32_t function, const struct mv_machine_spec *spec)
{
	uint32_t threads = spec->threads ? spec->threads : 1, cores = spec->cores ? spec->cores : 1;
	struct kvm_cpuid_entry2 *e = mv_cpuid_obtain(c, function, 0, true);

	/* KVM may have offered it as a leaf without indexes. */
	e->index = 0;
	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	e->eax = mv_topology_thread_bits(spec);
	e->ebx = threads;
	e->ecx = LEVEL_THREAD << 8;
	e = mv_cpuid_obtain(c, function, 1, true);
	e->eax = mv_topology_package_bits(spec);
	e->ebx = threads * cores;
	e->ecx = LEVEL_CORE << 8 | 1;
	e = mv_cpuid_obtain(c, function, 2, true);
	e->eax = e->ebx = 0;
	e->ecx = 2;
}

static void describe_amd(struct kvm_cpuid2 *c, const struct mv_machine_spec *spec, unsigned thread_bits,
			 unsigned package_bits)
{
	struct kvm_cpuid_entry2 *features = mv_cpuid_find(c, 0x80000001, 0);
	struct kvm_cpuid_entry2 *sizes = mv_cpuid_find(c, 0x80000008, 0);
	uint32_t in_package = (spec->threads ? spec->threads : 1) * (spec->cores ? spec->cores : 1);
	struct kvm_cpuid_entry2 *e;

	if (features) {
		features->ecx &= ~AMD_CMP_LEGACY;
		if (in_package > 1)
			features->ecx |= AMD_CMP_LEGACY;
	}
	if (sizes) {
		/* 15:12 the bits of the id within a package, 7:0 the threads in one, less one */
		sizes->ecx &= ~(MASK(15, 12) | MASK(7, 0));
		sizes->ecx |= FIELD(package_bits, 15, 12) | FIELD(at_most(in_package - 1, 0xff), 7, 0);
	}
	if (!features || !(features->ecx & AMD_TOPOEXT))
		return;
	e = mv_cpuid_obtain(c, 0x80000000, 0, false);
	if (e->eax < 0x8000001e)
		e->eax = 0x8000001e;
	share_caches(c, 0x8000001d, thread_bits, package_bits);
	e = mv_cpuid_obtain(c, 0x8000001e, 0, false);
	e->ebx = FIELD(at_most(spec->threads ? spec->threads - 1 : 0, 0xff), 15, 8);
	e->ecx = 0; /* one node in the package */
	e->edx = 0;
}

void mv_cpuid_topology(struct kvm_cpuid2 *c, const struct mv_machine_spec *spec)
{
	unsigned thread_bits = mv_topology_thread_bits(spec), package_bits = mv_topology_package_bits(spec);
	struct kvm_cpuid_entry2 *basic = mv_cpuid_obtain(c, 0, 0, false);
	struct kvm_cpuid_entry2 *e = mv_cpuid_obtain(c, 1, 0, false);

	e->ebx &= ~MASK(31, 16);
	e->ebx |= FIELD(at_most(1u << package_bits, 0xff), 23, 16);
	if (package_bits > 0)
		e->edx |= LEAF1_HT;
	else
		e->edx &= ~LEAF1_HT;

	if (basic->eax < 0xb)
		basic->eax = 0xb;
	describe_levels(c, 0xb, spec);
	if (basic->eax >= 0x1f)
		describe_levels(c, 0x1f, spec);
	share_caches(c, 4, thread_bits, package_bits);
	if (mv_cpuid_is_amd(c))
		describe_amd(c, spec, thread_bits, package_bits);
}

void mv_cpuid_topology_vcpu(struct kvm_cpuid2 *c, uint32_t apic_id, unsigned thread_bits, unsigned package_bits)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		switch (e->function) {
		case 1: e->ebx = (e->ebx & ~MASK(31, 24)) | FIELD(at_most(apic_id, 0xff), 31, 24); break;
		case 0xb:
		case 0x1f: e->edx = apic_id; break;
		case 0x8000001e:
			/* Zero without the feature, and to remain so. */
			if (!mv_cpuid_is_amd(c))
				break;
			e->eax = apic_id;
			e->ebx &= ~MASK(7, 0);
			e->ebx |= FIELD((apic_id & ((1u << package_bits) - 1)) >> thread_bits, 7, 0);
			break;
		default: break;
		}
	}
}
