/* CPUID: topology, feature names, and what a saved guest's CPUID needs of a host. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/kvm/x86/cpu_features.h"
#include "engine/kvm/x86/cpuid.h"
#include "engine/kvm/x86/cpuid_topology.h"
#include "engine/kvm/x86/topology.h"

#define MAX_ENTRIES 256

struct fixture {
	struct mv_machine_spec spec;
	struct mv_cpu_feature features[4];
	char *message;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	mv_machine_spec_init(&f->spec);
	f->spec.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	f->spec.vcpus = f->spec.sockets = f->spec.cores = f->spec.threads = 1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->spec.kvm_fd >= 0)
		close(f->spec.kvm_fd);
	free(f->message);
	free(f);
	return 0;
}

static void needs_kvm(const struct fixture *f)
{
	if (f->spec.kvm_fd < 0) {
		print_message("skip: /dev/kvm cannot be opened\n");
		skip();
	}
}

static void set_topology(struct fixture *f, uint32_t sockets, uint32_t cores, uint32_t threads)
{
	f->spec.sockets = sockets;
	f->spec.cores = cores;
	f->spec.threads = threads;
	f->spec.vcpus = sockets * cores * threads;
}

static void set_features(struct fixture *f, const char *first, bool enable, const char *second, bool enable_second)
{
	f->features[0] = (struct mv_cpu_feature){ (char *)first, enable };
	f->features[1] = (struct mv_cpu_feature){ (char *)second, enable_second };
	f->spec.features = f->features;
	f->spec.feature_count = second ? 2 : 1;
}

/* The entries of one vCPU, or NULL with the reason in f->message. */
static struct kvm_cpuid2 *entries(struct fixture *f, uint32_t vcpu)
{
	struct mv_error *err = NULL;
	mv_auto(mv_cpuid) cpuid = NULL;
	mv_auto(mv_cpuid_query) query = NULL;
	struct kvm_cpuid2 *c = NULL;

	/* Half of the vCPUs are built from an answer that a thread got. */
	if (vcpu % 2)
		assert_int_equal(mv_cpuid_ask(f->spec.kvm_fd, &query, NULL), 0);

	if (mv_cpuid_create(&f->spec, query, &cpuid, &err) == 0) {
		c = mv_cpuid_entries(cpuid, vcpu);
		assert_non_null(c);
	}
	free(f->message);
	f->message = strdup(err ? err->message : "");
	mv_error_free(err);
	return c;
}

static uint32_t reg(struct kvm_cpuid2 *c, uint32_t function, uint32_t index, enum mv_cpuid_reg r)
{
	struct kvm_cpuid_entry2 *e = mv_cpuid_find(c, function, index);

	return e ? *mv_cpuid_reg(e, r) : 0;
}

static bool has(struct kvm_cpuid2 *c, const char *name)
{
	struct mv_feature feature;

	assert_int_equal(mv_feature_find(name, &feature), 0);
	return reg(c, feature.word->function, feature.word->index, feature.word->reg) >> feature.bit & 1;
}

/* ---- without KVM ---- */

static void numbers_apic_ids_by_topology(void **state)
{
	struct fixture *f = *state;

	set_topology(f, 2, 3, 2);
	assert_int_equal(mv_topology_thread_bits(&f->spec), 1);
	assert_int_equal(mv_topology_package_bits(&f->spec), 3);
	assert_int_equal(mv_topology_apic_id(&f->spec, 0), 0);
	assert_int_equal(mv_topology_apic_id(&f->spec, 1), 1);
	assert_int_equal(mv_topology_apic_id(&f->spec, 5), 5);
	assert_int_equal(mv_topology_apic_id(&f->spec, 6), 8);
	assert_int_equal(mv_topology_max_apic_id(&f->spec), 13);
	set_topology(f, 1, 1, 1);
	assert_int_equal(mv_topology_max_apic_id(&f->spec), 0);
	set_topology(f, 1024, 1, 1);
	assert_int_equal(mv_topology_max_apic_id(&f->spec), 1023);
	/* A specification that nobody checked. */
	set_topology(f, 0, 0, 0);
	assert_int_equal(mv_topology_apic_id(&f->spec, 7), 7);
}

static void finds_features_by_libvirts_names(void **state)
{
	static const struct {
		const char *name;
		uint32_t function, index;
		enum mv_cpuid_reg reg;
		unsigned bit;
	} known[] = {
		{ "sse2", 1, 0, MV_CPUID_EDX, 26 },
		{ "pni", 1, 0, MV_CPUID_ECX, 0 },
		{ "sse4.1", 1, 0, MV_CPUID_ECX, 19 },
		{ "sse4_2", 1, 0, MV_CPUID_ECX, 20 },
		{ "hypervisor", 1, 0, MV_CPUID_ECX, 31 },
		{ "avx2", 7, 0, MV_CPUID_EBX, 5 },
		{ "avx512vl", 7, 0, MV_CPUID_EBX, 31 },
		{ "pku", 7, 0, MV_CPUID_ECX, 3 },
		{ "avx512-vpopcntdq", 7, 0, MV_CPUID_ECX, 14 },
		{ "amx-tile", 7, 0, MV_CPUID_EDX, 24 },
		{ "spec-ctrl", 7, 0, MV_CPUID_EDX, 26 },
		{ "ssbd", 7, 0, MV_CPUID_EDX, 31 },
		{ "avx-vnni", 7, 1, MV_CPUID_EAX, 4 },
		{ "xsaves", 0xd, 1, MV_CPUID_EAX, 3 },
		{ "lm", 0x80000001, 0, MV_CPUID_EDX, 29 },
		{ "3dnow", 0x80000001, 0, MV_CPUID_EDX, 31 },
		{ "3dnowprefetch", 0x80000001, 0, MV_CPUID_ECX, 8 },
		{ "perfctr_core", 0x80000001, 0, MV_CPUID_ECX, 23 },
		{ "invtsc", 0x80000007, 0, MV_CPUID_EDX, 8 },
		{ "amd-ssbd", 0x80000008, 0, MV_CPUID_EBX, 24 },
		{ "npt", 0x8000000a, 0, MV_CPUID_EDX, 0 },
		{ "auto-ibrs", 0x80000021, 0, MV_CPUID_EAX, 8 },
		{ "kvm-pv-eoi", 0x40000001, 0, MV_CPUID_EAX, 6 },
	};
	struct mv_feature feature;

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(known); i++) {
		assert_int_equal(mv_feature_find(known[i].name, &feature), 0);
		assert_int_equal(feature.word->function, known[i].function);
		assert_int_equal(feature.word->index, known[i].index);
		assert_int_equal(feature.word->reg, known[i].reg);
		assert_int_equal(feature.bit, known[i].bit);
	}
	assert_int_equal(mv_feature_find("avx2x", &feature), -ENOENT);
	assert_int_equal(mv_feature_find("avx", &feature), 0);
	assert_int_equal(feature.bit, 28);
	assert_int_equal(mv_feature_find("", &feature), -ENOENT);
	assert_int_equal(mv_feature_find("rdctl-no", &feature), -ENOTSUP);
}

static struct kvm_cpuid2 *amd(void)
{
	static const struct kvm_cpuid_entry2 list[] = {
		{ .function = 0, .eax = 0xd, .ebx = 0x68747541, .ecx = 0x444d4163, .edx = 0x69746e65 },
		{ .function = 1, .ebx = 0x01020800, .edx = 0x178bfbff },
		{ .function = 0x80000001, .ecx = 1u << 22, .edx = 0x2fd3fbff },
		{ .function = 0x80000008, .eax = 0x3030 },
		{ .function = 0x8000001d, .index = 0, .flags = 1, .eax = 0x121 },
		{ .function = 0x8000001d, .index = 3, .flags = 1, .eax = 0x163 },
	};
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + MAX_ENTRIES * sizeof(c->entries[0]));

	assert_non_null(c);
	memcpy(c->entries, list, sizeof(list));
	c->nent = MV_ARRAY_SIZE(list);
	return c;
}

static void describes_the_topology_as_amd_does(void **state)
{
	struct fixture *f = *state;
	struct kvm_cpuid2 *c = amd();

	set_topology(f, 2, 3, 2);
	mv_cpuid_topology(c, &f->spec);
	mv_cpuid_topology_vcpu(c, mv_topology_apic_id(&f->spec, 9), 1, 3); /* socket 1, core 1, thread 1: id 11 */
	assert_int_equal(reg(c, 1, 0, MV_CPUID_EBX), 11u << 24 | 8u << 16 | 0x0800);
	assert_int_equal(reg(c, 0x80000008, 0, MV_CPUID_ECX), 3u << 12 | 5);
	assert_int_equal(reg(c, 0x8000001e, 0, MV_CPUID_EAX), 11);
	assert_int_equal(reg(c, 0x8000001e, 0, MV_CPUID_EBX), 1u << 8 | 1);
	assert_int_equal(reg(c, 0x8000001d, 0, MV_CPUID_EAX) >> 14 & 0xfff, 1);
	assert_int_equal(reg(c, 0x8000001d, 3, MV_CPUID_EAX) >> 14 & 0xfff, 7);
	assert_true(has(c, "cmp_legacy"));
	assert_int_equal(reg(c, 0x80000000, 0, MV_CPUID_EAX), 0x8000001e);
	free(c);
}

static void compares_saved_and_present_features(void **state)
{
	struct kvm_cpuid2 *saved = amd(), *host = amd();
	struct mv_error *err = NULL;

	(void)state;
	assert_int_equal(mv_cpuid_check(saved, host, NULL), 0);
	/* The host may have more; what follows topology and control registers does not count. */
	mv_cpuid_find(host, 0x80000001, 0)->ecx |= 1u << 6;
	mv_cpuid_find(saved, 1, 0)->ecx |= 1u << 27;
	mv_cpuid_find(saved, 1, 0)->edx |= 1u << 28;
	assert_int_equal(mv_cpuid_check(saved, host, NULL), 0);
	assert_int_equal(mv_cpuid_check(host, saved, &err), -1);
	assert_non_null(strstr(err->message, "'sse4a'"));
	mv_error_free(err);
	err = NULL;
	mv_cpuid_find(saved, 1, 0)->ecx |= 1u << 11;
	assert_int_equal(mv_cpuid_check(saved, host, &err), -1);
	assert_non_null(strstr(err->message, "bit 11"));
	mv_error_free(err);
	err = NULL;
	mv_cpuid_find(host, 0, 0)->ebx = 0x756e6547;
	assert_int_equal(mv_cpuid_check(saved, host, &err), -1);
	assert_non_null(strstr(err->message, "another vendor"));
	mv_error_free(err);
	err = NULL;
	saved->nent = 0;
	assert_int_equal(mv_cpuid_check(saved, host, NULL), -1);
	free(saved);
	free(host);
}

/* ---- with KVM ---- */

static void tells_each_vcpu_its_place(void **state)
{
	struct fixture *f = *state;

	needs_kvm(f);
	set_topology(f, 2, 3, 2);
	for (uint32_t i = 0; i < f->spec.vcpus; i++) {
		uint32_t id = mv_topology_apic_id(&f->spec, i);
		mv_autofree struct kvm_cpuid2 *c = entries(f, i);

		if (!c) {
			fail_msg("%s", f->message);
			return;
		}
		assert_int_equal(reg(c, 1, 0, MV_CPUID_EBX) >> 24, id);
		assert_int_equal(reg(c, 1, 0, MV_CPUID_EBX) >> 16 & 0xff, 8);
		assert_int_equal(reg(c, 0xb, 0, MV_CPUID_EAX), 1);
		assert_int_equal(reg(c, 0xb, 0, MV_CPUID_EBX), 2);
		assert_int_equal(reg(c, 0xb, 0, MV_CPUID_ECX), 0x100);
		assert_int_equal(reg(c, 0xb, 0, MV_CPUID_EDX), id);
		assert_int_equal(reg(c, 0xb, 1, MV_CPUID_EAX), 3);
		assert_int_equal(reg(c, 0xb, 1, MV_CPUID_EBX), 6);
		assert_int_equal(reg(c, 0xb, 1, MV_CPUID_ECX), 0x201);
		assert_int_equal(reg(c, 0xb, 1, MV_CPUID_EDX), id);
		assert_int_equal(reg(c, 0xb, 2, MV_CPUID_ECX), 2);
		assert_true(has(c, "ht"));
	}
}

static void offers_what_a_guest_needs(void **state)
{
	struct fixture *f = *state;
	mv_autofree struct kvm_cpuid2 *c = NULL;

	needs_kvm(f);
	c = entries(f, 0);
	if (!c) {
		fail_msg("%s", f->message);
		return;
	}
	assert_int_equal(reg(c, 0x40000000, 0, MV_CPUID_EBX), 0x4b4d564b); /* KVMK */
	assert_true(has(c, "hypervisor"));
	assert_true(has(c, "x2apic"));
	assert_true(has(c, "kvmclock"));
	assert_true(has(c, "lm"));
	assert_false(has(c, "ht"));
	/* Only for those who ask. */
	assert_false(has(c, "vmx"));
	assert_false(has(c, "svm"));
	assert_false(has(c, "invtsc"));
	assert_false(has(c, "kvm-msi-ext-dest-id"));
	for (uint32_t i = 0; i < c->nent; i++)
		assert_true(c->entries[i].eax | c->entries[i].ebx | c->entries[i].ecx | c->entries[i].edx);
}

static void switches_features(void **state)
{
	struct fixture *f = *state;
	struct kvm_cpuid2 *c;

	needs_kvm(f);
	set_features(f, "sse4.2", false, "hypervisor", false);
	c = entries(f, 0);
	if (!c) {
		fail_msg("%s", f->message);
		return;
	}
	assert_false(has(c, "sse4.2"));
	assert_false(has(c, "hypervisor"));
	assert_true(has(c, "sse2"));
	free(c);
	set_features(f, "kvm-steal-time", false, "sse2", true);
	c = entries(f, 0);
	if (!c) {
		fail_msg("%s", f->message);
		return;
	}
	assert_false(has(c, "kvm-steal-time"));
	assert_true(has(c, "kvmclock"));
	free(c);
}

static void refuses_features(void **state)
{
	struct fixture *f = *state;
	mv_autofree struct kvm_cpuid2 *supported = NULL;
	struct mv_error *err = NULL;

	needs_kvm(f);
	set_features(f, "warp-drive", true, NULL, false);
	assert_null(entries(f, 0));
	assert_non_null(strstr(f->message, "'warp-drive' is not known"));
	set_features(f, "osxsave", true, NULL, false);
	assert_null(entries(f, 0));
	assert_non_null(strstr(f->message, "'osxsave' cannot be switched"));
	/* No processor has all of both vendors' features. */
	supported = mv_cpuid_supported(f->spec.kvm_fd, &err);
	assert_non_null(supported);
	set_features(f, "ia64", true, NULL, false);
	assert_false(has(supported, "ia64"));
	assert_null(entries(f, 0));
	assert_non_null(strstr(f->message, "'ia64' cannot be given"));
	assert_non_null(strstr(f->message, "lacks it"));
}

static void hides_the_state_of_hidden_features(void **state)
{
	struct fixture *f = *state;
	struct kvm_cpuid2 *c;

	needs_kvm(f);
	c = entries(f, 0);
	if (!c) {
		fail_msg("%s", f->message);
		return;
	}
	if (!has(c, "xsave") || !has(c, "avx")) {
		free(c);
		print_message("skip: no AVX for guests here\n");
		skip();
		return;
	}
	assert_true(reg(c, 0xd, 0, MV_CPUID_EAX) & 4);
	free(c);
	set_features(f, "avx", false, "avx512f", false);
	c = entries(f, 0);
	assert_non_null(c);
	assert_int_equal(reg(c, 0xd, 0, MV_CPUID_EAX) & 0xe4, 0);
	assert_int_equal(reg(c, 0xd, 2, MV_CPUID_EAX), 0);
	free(c);
	set_features(f, "xsave", false, NULL, false);
	c = entries(f, 0);
	assert_non_null(c);
	assert_null(mv_cpuid_find(c, 0xd, 0));
	free(c);
}

static void gives_many_vcpus_wide_ids(void **state)
{
	struct fixture *f = *state;
	mv_autofree struct kvm_cpuid2 *c = NULL;

	needs_kvm(f);
	set_topology(f, 1, 512, 2);
	c = entries(f, 1000);
	if (!c) {
		fail_msg("%s", f->message);
		return;
	}
	assert_int_equal(reg(c, 0xb, 0, MV_CPUID_EDX), 1000);
	assert_int_equal(reg(c, 1, 0, MV_CPUID_EBX) >> 24, 255);
	assert_int_equal(reg(c, 1, 0, MV_CPUID_EBX) >> 16 & 0xff, 255);
	set_features(f, "x2apic", false, NULL, false);
	assert_null(entries(f, 0));
	assert_non_null(strstr(f->message, "'x2apic' is needed"));
}

static void is_what_its_own_host_accepts(void **state)
{
	struct fixture *f = *state;
	mv_autofree struct kvm_cpuid2 *supported = NULL, *c = NULL;
	struct mv_error *err = NULL;

	needs_kvm(f);
	set_topology(f, 1, 2, 1);
	c = entries(f, 1);
	supported = mv_cpuid_supported(f->spec.kvm_fd, &err);
	assert_non_null(c);
	assert_non_null(supported);
	if (mv_cpuid_check(c, supported, &err) < 0)
		fail_msg("%s", err->message);
}

#define cpuid_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cpuid_test(numbers_apic_ids_by_topology),
		cpuid_test(finds_features_by_libvirts_names),
		cpuid_test(describes_the_topology_as_amd_does),
		cpuid_test(compares_saved_and_present_features),
		cpuid_test(tells_each_vcpu_its_place),
		cpuid_test(offers_what_a_guest_needs),
		cpuid_test(switches_features),
		cpuid_test(refuses_features),
		cpuid_test(hides_the_state_of_hidden_features),
		cpuid_test(gives_many_vcpus_wide_ids),
		cpuid_test(is_what_its_own_host_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
