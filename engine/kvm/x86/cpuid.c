#include "engine/kvm/x86/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine/kvm/x86/cpu_features.h"
#include "engine/kvm/x86/cpuid_internal.h"
#include "engine/kvm/x86/topology.h"

#define BIT(n) (1u << (n))

/* Parts of 0x80000001 EDX that on AMD repeat leaf 1 EDX. */
#define AMD_REPEATED_EDX 0x0183f3ffu

#define XCR0_AMX_TILES 18

struct mv_cpuid {
	unsigned thread_bits, package_bits;
	uint32_t *apic_ids;
	uint32_t vcpus;
	struct kvm_cpuid2 *template;
};

static bool has(struct kvm_cpuid2 *c, const char *name)
{
	struct mv_feature f;
	struct kvm_cpuid_entry2 *e;

	if (mv_feature_find(name, &f) < 0)
		return false;
	e = mv_cpuid_find(c, f.word->function, f.word->index);
	return e && (*mv_cpuid_reg(e, f.word->reg) & BIT(f.bit));
}

static void set(struct kvm_cpuid2 *c, const struct mv_feature *f, bool on)
{
	struct kvm_cpuid_entry2 *e = mv_cpuid_find(c, f->word->function, f->word->index);

	if (!e)
		return;
	if (on)
		*mv_cpuid_reg(e, f->word->reg) |= BIT(f->bit);
	else
		*mv_cpuid_reg(e, f->word->reg) &= ~BIT(f->bit);
}

static void clear_by_name(struct kvm_cpuid2 *c, const char *name)
{
	struct mv_feature f;

	if (mv_feature_find(name, &f) == 0)
		set(c, &f, false);
}

static int apply_features(struct kvm_cpuid2 *c, struct kvm_cpuid2 *supported, const struct mv_machine_spec *spec,
			  struct mv_error **err)
{
	for (uint32_t i = 0; i < spec->feature_count; i++) {
		const char *name = spec->features[i].name;
		bool enable = spec->features[i].enable;
		struct mv_feature f;
		int rc = mv_feature_find(name, &f);

		if (rc == -ENOTSUP)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The CPU feature '%s' cannot be switched.",
					    name);
		if (rc < 0)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The CPU feature '%s' is not known.", name);
		if (enable && !has(supported, name) && !(f.word->dynamic & BIT(f.bit)))
			return mv_error_set(
				err, MV_ERR_CONFIG_UNSUPPORTED,
				"The CPU feature '%s' cannot be given to the guest: this host's processor or its "
				"KVM lacks it.",
				name);
		set(c, &f, enable);
	}
	if (mv_topology_max_apic_id(spec) > 254 && !has(c, "x2apic"))
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "With %u vCPUs in this topology the CPU feature 'x2apic' is needed.", spec->vcpus);
	return 0;
}

/* Some features take the place of a guest's whole future: one that has them cannot be saved, or not be restored on
 * another host. They are there for those who ask. */
static void clear_unasked(struct kvm_cpuid2 *c, const struct mv_machine_spec *spec)
{
	clear_by_name(c, "vmx");
	clear_by_name(c, "svm");
	clear_by_name(c, "invtsc");
	/* It is needed, and then good, only when there are such destinations. */
	if (mv_topology_max_apic_id(spec) <= 254)
		clear_by_name(c, "kvm-msi-ext-dest-id");
}

static void remove_leaf(struct kvm_cpuid2 *c, uint32_t function)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == function)
			c->entries[i].eax = c->entries[i].ebx = c->entries[i].ecx = c->entries[i].edx = 0;
}

/* Leaf 0xd must not offer state of features that were switched off: XCR0 would let the guest enable it. */
static void fit_xsave(struct kvm_cpuid2 *c)
{
	static const struct {
		const char *feature;
		uint32_t components;
	} owners[] = {
		{ "avx", BIT(2) }, { "mpx", BIT(3) | BIT(4) },        { "avx512f", BIT(5) | BIT(6) | BIT(7) },
		{ "pku", BIT(9) }, { "amx-tile", BIT(17) | BIT(18) },
	};
	struct kvm_cpuid_entry2 *main = mv_cpuid_find(c, 0xd, 0);
	uint32_t size = 576; /* legacy area and header */

	if (!main)
		return;
	if (!has(c, "xsave")) {
		remove_leaf(c, 0xd);
		return;
	}
	for (size_t i = 0; i < MV_ARRAY_SIZE(owners); i++)
		if (!has(c, owners[i].feature))
			main->eax &= ~owners[i].components;
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		/* Bit 0 of ECX: a component of XSS instead. */
		if (e->function != 0xd || e->index < 2 || e->index >= 32 || (e->ecx & 1))
			continue;
		if (!(main->eax & BIT(e->index)))
			e->eax = e->ebx = e->ecx = e->edx = 0;
		else if (e->ebx + e->eax > size)
			size = e->ebx + e->eax;
	}
	main->ecx = size;
}

/* What follows from the features. */
static void make_consistent(struct kvm_cpuid2 *c)
{
	static const char *const tiles[] = { "amx-tile", "amx-int8", "amx-bf16", "amx-fp16", "amx-complex" };
	struct kvm_cpuid_entry2 *first = mv_cpuid_find(c, 1, 0), *extended = mv_cpuid_find(c, 0x80000001, 0);
	struct kvm_cpuid_entry2 *xsave = mv_cpuid_find(c, 0xd, 0);

	if (first && extended && mv_cpuid_is_amd(c))
		extended->edx &= ~(AMD_REPEATED_EDX & ~first->edx);
	/* The process was not allowed to have them, or they were switched off. */
	if (!xsave || !(xsave->eax & BIT(XCR0_AMX_TILES)) || !has(c, "amx-tile")) {
		for (size_t i = 0; i < MV_ARRAY_SIZE(tiles); i++)
			clear_by_name(c, tiles[i]);
		remove_leaf(c, 0x1d);
		remove_leaf(c, 0x1e);
	}
	if (!has(c, "svm"))
		remove_leaf(c, 0x8000000a);
	remove_leaf(c, 0x12);
	fit_xsave(c);
}

/* An empty leaf reads the same as one that is not there, and KVM searches all of them at each CPUID. */
static void drop_empty(struct kvm_cpuid2 *c)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->eax | e->ebx | e->ecx | e->edx)
			c->entries[kept++] = *e;
	}
	c->nent = kept;
}

int mv_cpuid_create(const struct mv_machine_spec *spec, struct mv_cpuid_query *query, struct mv_cpuid **out,
		    struct mv_error **err)
{
	mv_auto(mv_cpuid) cpuid = calloc(1, sizeof(*cpuid));
	mv_autofree struct kvm_cpuid2 *supported = query ? mv_cpuid_take_answer(query, err) :
							   mv_cpuid_supported(spec->kvm_fd, err);

	if (!supported)
		return -1;
	if (cpuid) {
		cpuid->template = mv_cpuid_room();
		cpuid->apic_ids = calloc(spec->vcpus ? spec->vcpus : 1, sizeof(uint32_t));
	}
	if (!cpuid || !cpuid->template || !cpuid->apic_ids)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for CPUID.");
	cpuid->vcpus = spec->vcpus;
	cpuid->thread_bits = mv_topology_thread_bits(spec);
	cpuid->package_bits = mv_topology_package_bits(spec);
	for (uint32_t i = 0; i < spec->vcpus; i++)
		cpuid->apic_ids[i] = mv_topology_apic_id(spec, i);
	memcpy(cpuid->template, supported, sizeof(*supported) + supported->nent * sizeof(supported->entries[0]));
	clear_unasked(cpuid->template, spec);
	if (apply_features(cpuid->template, supported, spec, err) < 0)
		return -1;
	make_consistent(cpuid->template);
	mv_cpuid_topology(cpuid->template, spec);
	drop_empty(cpuid->template);
	*out = mv_steal(cpuid);
	return 0;
}

void mv_cpuid_free(struct mv_cpuid *cpuid)
{
	if (!cpuid)
		return;
	free(cpuid->template);
	free(cpuid->apic_ids);
	free(cpuid);
}

static void entries_for(const struct mv_cpuid *cpuid, uint32_t vcpu, struct kvm_cpuid2 *out)
{
	memcpy(out, cpuid->template, sizeof(*out) + cpuid->template->nent * sizeof(out->entries[0]));
	mv_cpuid_topology_vcpu(out, cpuid->apic_ids[vcpu], cpuid->thread_bits, cpuid->package_bits);
}

int mv_cpuid_apply(const struct mv_cpuid *cpuid, uint32_t vcpu, int vcpu_fd, struct mv_error **err)
{
	struct mv_cpuid_room room;

	if (vcpu >= cpuid->vcpus)
		return mv_error_set(err, MV_ERR_INTERNAL, "There is no vCPU %u.", vcpu);
	entries_for(cpuid, vcpu, &room.head);
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, &room) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the CPUID of vCPU %u", vcpu);
	return 0;
}

struct kvm_cpuid2 *mv_cpuid_entries(const struct mv_cpuid *cpuid, uint32_t vcpu)
{
	struct kvm_cpuid2 *c = vcpu < cpuid->vcpus ? mv_cpuid_room() : NULL;

	if (c)
		entries_for(cpuid, vcpu, c);
	return c;
}

static int check_word(struct kvm_cpuid2 *wanted, struct kvm_cpuid2 *supported, const struct mv_feature_word *w,
		      struct mv_error **err)
{
	struct kvm_cpuid_entry2 *want = mv_cpuid_find(wanted, w->function, w->index);
	struct kvm_cpuid_entry2 *have = mv_cpuid_find(supported, w->function, w->index);
	uint32_t lacking;
	unsigned bit;

	if (!want)
		return 0;
	lacking = *mv_cpuid_reg(want, w->reg) & ~w->dynamic;
	if (have)
		lacking &= ~*mv_cpuid_reg(have, w->reg);
	if (!lacking)
		return 0;
	bit = (unsigned)__builtin_ctz(lacking);
	if (w->names[bit])
		return mv_error_set(
			err, MV_ERR_CONFIG_UNSUPPORTED,
			"The guest was saved with the CPU feature '%s', which this host's processor or its KVM lacks.",
			w->names[bit]);
	return mv_error_set(
		err, MV_ERR_CONFIG_UNSUPPORTED,
		"The guest was saved with a CPU feature (bit %u of register %u of CPUID leaf %#x) that this host's "
		"processor or its KVM lacks.",
		bit, w->reg, w->function);
}

int mv_cpuid_check(const struct kvm_cpuid2 *wanted, const struct kvm_cpuid2 *supported, struct mv_error **err)
{
	/* The search functions are for both kinds of caller; nothing is changed here. */
	struct kvm_cpuid2 *want = (struct kvm_cpuid2 *)wanted, *have = (struct kvm_cpuid2 *)supported;
	const struct kvm_cpuid_entry2 *a = mv_cpuid_find(want, 0, 0), *b = mv_cpuid_find(have, 0, 0);

	if (!a || !b || a->ebx != b->ebx || a->ecx != b->ecx || a->edx != b->edx)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The guest was saved on a host with a processor of another vendor.");
	for (size_t i = 0; i < mv_feature_word_count; i++)
		if (check_word(want, have, &mv_feature_words[i], err) < 0)
			return -1;
	return 0;
}
