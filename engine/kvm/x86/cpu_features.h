/* The names of CPU features, as libvirt's x86 CPU map has them, and the CPUID bits they stand for. */
#ifndef MV_KVM_X86_CPU_FEATURES_H
#define MV_KVM_X86_CPU_FEATURES_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

enum mv_cpuid_reg { MV_CPUID_EAX, MV_CPUID_EBX, MV_CPUID_ECX, MV_CPUID_EDX };

/* One register of CPUID whose bits are features. */
struct mv_feature_word {
	uint32_t function, index;
	enum mv_cpuid_reg reg;
	uint32_t dynamic;      /* bits that do not come from the host: they follow the guest's registers or topology */
	const char *names[32]; /* NULL: no feature, or none with a name */
};

struct mv_feature {
	const struct mv_feature_word *word;
	unsigned bit;
};

extern const struct mv_feature_word mv_feature_words[];
extern const size_t mv_feature_word_count;

/* Finds a feature; '-', '_' and '.' in names are the same. 0, -ENOENT (not known), or -ENOTSUP (known, but not
 * something that can be switched). */
int mv_feature_find(const char *name, struct mv_feature *out);

/* The register of an entry. */
uint32_t *mv_cpuid_reg(struct kvm_cpuid_entry2 *entry, enum mv_cpuid_reg reg);

#endif
