#include "engine/kvm/x86/cpu_features.h"

#include <errno.h>
#include <stdbool.h>

#include "engine/base/cleanup.h"

#define BIT(n) (1u << (n))

/* clang-format off */
const struct mv_feature_word mv_feature_words[] = {
	{ 0x1, 0, MV_CPUID_EDX, .dynamic = BIT(9) | BIT(28), .names = {
		[0] = "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic",
		[11] = "sep", "mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush",
		[21] = "ds", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe",
	} },
	{ 0x1, 0, MV_CPUID_ECX, .dynamic = BIT(27), .names = {
		[0] = "pni", "pclmuldq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid",
		[12] = "fma", "cx16", "xtpr", "pdcm",
		[17] = "pcid", "dca", "sse4.1", "sse4.2", "x2apic", "movbe", "popcnt", "tsc-deadline", "aes", "xsave",
		[28] = "avx", "f16c", "rdrand", "hypervisor",
	} },
	{ 0x6, 0, MV_CPUID_EAX, .names = { [2] = "arat" } },
	{ 0x7, 0, MV_CPUID_EBX, .names = {
		[0] = "fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2",
		[7] = "smep", "bmi2", "erms", "invpcid", "rtm", "cmt",
		[14] = "mpx",
		[16] = "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", "pcommit", "clflushopt", "clwb",
		"intel-pt", "avx512pf", "avx512er", "avx512cd", "sha-ni", "avx512bw", "avx512vl",
	} },
	{ 0x7, 0, MV_CPUID_ECX, .dynamic = BIT(4), .names = {
		[1] = "avx512vbmi", "umip", "pku",
		[5] = "waitpkg", "avx512vbmi2", "shstk", "gfni", "vaes", "vpclmulqdq", "avx512vnni", "avx512bitalg",
		[14] = "avx512-vpopcntdq",
		[16] = "la57",
		[22] = "rdpid",
		[24] = "bus-lock-detect", "cldemote",
		[27] = "movdiri", "movdir64b",
		[30] = "sgxlc", "pks",
	} },
	{ 0x7, 0, MV_CPUID_EDX, .names = {
		[2] = "avx512-4vnniw", "avx512-4fmaps", "fsrm",
		[8] = "avx512-vp2intersect",
		[10] = "md-clear",
		[14] = "serialize",
		[16] = "tsx-ldtrk",
		[18] = "pconfig", "arch-lbr", "ibt",
		[22] = "amx-bf16", "avx512-fp16", "amx-tile", "amx-int8", "spec-ctrl", "stibp", "flush-l1d",
		"arch-capabilities", "core-capability", "ssbd",
	} },
	{ 0x7, 1, MV_CPUID_EAX, .names = {
		[0] = "sha512", "sm3", "sm4",
		[4] = "avx-vnni", "avx512-bf16",
		[7] = "cmpccxadd",
		[10] = "fzrm", "fsrs", "fsrc",
		[17] = "fred", "lkgs", "wrmsrns",
		[21] = "amx-fp16",
		[23] = "avx-ifma",
		[26] = "lam",
	} },
	{ 0x7, 1, MV_CPUID_EDX, .names = {
		[4] = "avx-vnni-int8", "avx-ne-convert",
		[8] = "amx-complex",
		[10] = "avx-vnni-int16",
		[14] = "prefetchiti",
	} },
	{ 0x7, 2, MV_CPUID_EDX, .names = {
		[0] = "intel-psfd", "ipred-ctrl", "rrsba-ctrl", "ddpd-u", "bhi-ctrl", "mcdt-no",
	} },
	{ 0xd, 1, MV_CPUID_EAX, .names = { [0] = "xsaveopt", "xsavec", "xgetbv1", "xsaves", "xfd" } },
	{ 0x40000001, 0, MV_CPUID_EAX, .names = {
		[0] = "kvmclock-old", "kvm-nopiodelay",
		[3] = "kvmclock", "kvm-asyncpf", "kvm-steal-time", "kvm-pv-eoi", "kvm-pv-unhalt",
		[9] = "kvm-pv-tlb-flush", "kvm-asyncpf-vmexit", "kvm-pv-ipi", "kvm-poll-control", "kvm-pv-sched-yield",
		"kvm-asyncpf-int", "kvm-msi-ext-dest-id",
		[24] = "kvmclock-stable-bit",
	} },
	{ 0x80000001, 0, MV_CPUID_EDX, .dynamic = BIT(9), .names = {
		[11] = "syscall",
		[20] = "nx",
		[22] = "mmxext",
		[25] = "fxsr_opt", "pdpe1gb", "rdtscp",
		[29] = "lm", "3dnowext", "3dnow",
	} },
	{ 0x80000001, 0, MV_CPUID_ECX, .dynamic = BIT(1), .names = {
		[0] = "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8legacy", "abm", "sse4a", "misalignsse",
		"3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt",
		[15] = "lwp", "fma4", "tce", "cvt16", "nodeid_msr",
		[21] = "tbm", "topoext", "perfctr_core", "perfctr_nb",
	} },
	{ 0x80000007, 0, MV_CPUID_EDX, .names = { [8] = "invtsc" } },
	{ 0x80000008, 0, MV_CPUID_EBX, .names = {
		[0] = "clzero",
		[2] = "xsaveerptr",
		[9] = "wbnoinvd",
		[12] = "ibpb",
		[14] = "ibrs", "amd-stibp",
		[17] = "stibp-always-on",
		[24] = "amd-ssbd", "virt-ssbd", "amd-no-ssb",
		[28] = "amd-psfd", "btc-no", "ibpb-ret",
	} },
	{ 0x8000000a, 0, MV_CPUID_EDX, .names = {
		[0] = "npt", "lbrv", "svm-lock", "nrip-save", "tsc-scale", "vmcb-clean", "flushbyasid", "decodeassists",
		[10] = "pause-filter",
		[12] = "pfthreshold", "avic",
		[15] = "v-vmsave-vmload", "vgif",
		[25] = "vnmi",
		[28] = "svme-addr-chk",
	} },
	{ 0x80000021, 0, MV_CPUID_EAX, .names = {
		[0] = "no-nested-data-bp",
		[2] = "lfence-always-serializing",
		[6] = "null-sel-clr-base",
		[8] = "auto-ibrs",
		[20] = "prefetchi",
		[24] = "eraps",
		[27] = "sbpb", "ibpb-brtype", "srso-no", "srso-user-kernel-no",
	} },
};
/* clang-format on */
const size_t mv_feature_word_count = MV_ARRAY_SIZE(mv_feature_words);

/* Known names that are no CPUID bit, or one that the guest switches itself. */
static const char *const unswitchable[] = {
	"osxsave", "ospke",  "rdctl-no",  "ibrs-all",       "rsba",     "skip-l1dfl-vmentry",
	"ssb-no",  "mds-no", "taa-no",    "pschange-mc-no", "tsx-ctrl", "split-lock-detect",
	"sgx1",    "sgx2",   "sgx-debug",
};

static char normal(char c)
{
	return c == '_' || c == '.' ? '-' : c;
}

static bool same_name(const char *a, const char *b)
{
	while (*a && normal(*a) == normal(*b))
		a++, b++;
	return normal(*a) == normal(*b);
}

int mv_feature_find(const char *name, struct mv_feature *out)
{
	for (size_t i = 0; i < mv_feature_word_count; i++) {
		const struct mv_feature_word *w = &mv_feature_words[i];

		for (unsigned bit = 0; bit < 32; bit++) {
			if (w->names[bit] && same_name(name, w->names[bit])) {
				*out = (struct mv_feature){ w, bit };
				return 0;
			}
		}
	}
	for (size_t i = 0; i < MV_ARRAY_SIZE(unswitchable); i++)
		if (same_name(name, unswitchable[i]))
			return -ENOTSUP;
	return -ENOENT;
}

uint32_t *mv_cpuid_reg(struct kvm_cpuid_entry2 *entry, enum mv_cpuid_reg reg)
{
	switch (reg) {
	case MV_CPUID_EAX: return &entry->eax;
	case MV_CPUID_EBX: return &entry->ebx;
	case MV_CPUID_ECX: return &entry->ecx;
	default: return &entry->edx;
	}
}
