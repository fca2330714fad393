#define MV_ERROR_DOMAIN MV_FROM_CPU
#include "engine/conf/cpu_map.h"

#include <stdlib.h>
#include <string.h>

/* Which of the table's features a processor has. */
struct features {
	uint64_t bits[4];
};

static const char *const ppc64_models[] = { "POWER6",  "POWER7",        "POWER8",        "POWER9",
					    "POWER10", "POWERPC_e5500", "POWERPC_e6500", NULL };

enum family { FAMILY_NONE, FAMILY_X86, FAMILY_PPC64, FAMILY_ARM, FAMILY_S390 };

static enum family family_of(enum mv_arch arch)
{
	switch (arch) {
	case MV_ARCH_I686:
	case MV_ARCH_X86_64: return FAMILY_X86;
	case MV_ARCH_PPC64:
	case MV_ARCH_PPC64LE: return FAMILY_PPC64;
	case MV_ARCH_AARCH64:
	case MV_ARCH_ARMV6L:
	case MV_ARCH_ARMV7B:
	case MV_ARCH_ARMV7L: return FAMILY_ARM;
	case MV_ARCH_S390:
	case MV_ARCH_S390X: return FAMILY_S390;
	default: return FAMILY_NONE;
	}
}

static int no_support(enum mv_arch arch, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_SUPPORT, "'%s' architecture is not supported by CPU driver",
			    mv_conf_word(&mv_arch_enum, arch));
}

/* --- sets of features ------------------------------------------------------------------------------------------------
 */

static bool has(const struct features *f, unsigned i)
{
	return f->bits[i / 64] >> i % 64 & 1;
}

static void set(struct features *f, unsigned i, bool on)
{
	if (on)
		f->bits[i / 64] |= UINT64_C(1) << i % 64;
	else
		f->bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static unsigned count_without(const struct features *f, const struct features *other)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++)
		n += (unsigned)__builtin_popcountll(f->bits[i] & ~other->bits[i]);
	return n;
}

static bool is_empty(const struct features *f)
{
	return !(f->bits[0] | f->bits[1] | f->bits[2] | f->bits[3]);
}

/* The number of a feature, -1: not known. */
static int find_feature(const char *name, size_t len)
{
	for (int i = 0; mv_cpu_x86_features[i]; i++) {
		if (strncmp(mv_cpu_x86_features[i], name, len) == 0 && !mv_cpu_x86_features[i][len])
			return i;
	}
	return -1;
}

static const struct mv_cpu_x86_model *find_model(const char *name)
{
	for (const struct mv_cpu_x86_model *m = mv_cpu_x86_models; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

static void features_of_model(const struct mv_cpu_x86_model *m, struct features *f)
{
	const char *at = m->features;
	const struct mv_cpu_x86_model *base = m->base ? find_model(m->base) : NULL;

	memset(f, 0, sizeof(*f));
	if (base)
		features_of_model(base, f); /* bases are earlier in the table: this ends */
	while (*at) {
		bool on = *at != '-';
		size_t len;
		int i;

		at += !on;
		len = strcspn(at, " ");
		i = find_feature(at, len);
		if (i >= 0)
			set(f, (unsigned)i, on);
		at += len;
		at += *at == ' ';
	}
}

/* --- names -----------------------------------------------------------------------------------------------------------
 */

static int add_name(char ***names, size_t *count, const char *name, struct mv_error **err)
{
	char **more = realloc(*names, (*count + 1) * sizeof(*more));

	if (!more)
		goto no_memory;
	*names = more;
	more[*count] = strdup(name);
	if (!more[*count])
		goto no_memory;
	++*count;
	return 0;
no_memory:
	return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for the names of processors.");
}

int mv_cpu_model_names(enum mv_arch arch, char ***names, size_t *count, struct mv_error **err)
{
	char **list = NULL;
	size_t n = 0;
	int ret = 0;

	switch (family_of(arch)) {
	case FAMILY_X86:
		for (const struct mv_cpu_x86_model *m = mv_cpu_x86_models; ret == 0 && m->name; m++)
			ret = add_name(&list, &n, m->name, err);
		break;
	case FAMILY_PPC64:
		for (const char *const *name = ppc64_models; ret == 0 && *name; name++)
			ret = add_name(&list, &n, *name, err);
		break;
	case FAMILY_ARM:
	case FAMILY_S390: break;
	case FAMILY_NONE: return no_support(arch, err);
	}
	if (ret < 0) {
		for (size_t i = 0; i < n; i++)
			free(list[i]);
		free(list);
		return -1;
	}
	*names = list;
	*count = n;
	return 0;
}

/* --- what processors have in common ----------------------------------------------------------------------------------
 */

static int set_text(char **to, const char *text, struct mv_error **err)
{
	*to = strdup(text);
	return *to ? 0 :
		     mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for the description of a processor.");
}

static struct mv_cpu_def *new_cpu(const char *model, enum mv_cpu_fallback fallback, struct mv_error **err)
{
	struct mv_cpu_def *cpu = mv_conf_new(&mv_cpu_desc, err);

	if (!cpu)
		return NULL;
	cpu->mode = MV_CPU_MODE_CUSTOM;
	cpu->match = MV_CPU_MATCH_EXACT;
	if (mv_conf_init(&mv_cpu_model_desc, &cpu->model, err) == 0 && set_text(&cpu->model.name, model, err) == 0) {
		cpu->model.fallback = fallback;
		return cpu;
	}
	mv_conf_free(&mv_cpu_desc, cpu);
	return NULL;
}

static int add_feature(struct mv_cpu_def *cpu, unsigned i, enum mv_cpu_policy policy, struct mv_error **err)
{
	struct mv_cpu_feature_def *feature = mv_conf_new(&mv_cpu_feature_desc, err);

	if (!feature)
		return -1;
	feature->policy = policy;
	if (set_text(&feature->name, mv_cpu_x86_features[i], err) == 0 &&
	    mv_conf_append(&cpu->features, &cpu->n_features, feature, err) == 0)
		return 0;
	mv_conf_free(&mv_cpu_feature_desc, feature);
	return -1;
}

/* All that a description says: its model's features and its own, whatever their policy. */
static int features_of_cpu(const struct mv_cpu_def *cpu, struct features *f, const struct mv_cpu_x86_model **model,
			   struct mv_error **err)
{
	*model = find_model(cpu->model.name);
	if (!*model)
		return mv_error_set(err, MV_ERR_INTERNAL, "Unknown CPU model %s", cpu->model.name);
	features_of_model(*model, f);
	for (size_t i = 0; i < cpu->n_features; i++) {
		int n = find_feature(cpu->features[i]->name, strlen(cpu->features[i]->name));

		if (n < 0)
			return mv_error_set(err, MV_ERR_INTERNAL, "Unknown CPU feature %s", cpu->features[i]->name);
		set(f, (unsigned)n, true);
	}
	return 0;
}

static bool is_vendor(const char *name)
{
	return strcmp(name, "Intel") == 0 || strcmp(name, "AMD") == 0 || strcmp(name, "Hygon") == 0;
}

/* How far a model is from what is wanted. Each feature to be added costs 1. Of those to be taken away only the first
 * half counts as such, each 1 more than the one before, from 2; the others cost 1. That is libvirt's measure, by which
 * it chooses, so it is ours. *penalty: the part for what is taken away. */
static unsigned cost_of(unsigned added, unsigned removed, unsigned *penalty)
{
	unsigned counted = (removed + 1) / 2;

	*penalty = counted * 2 + counted * (counted - 1) / 2 * (counted > 0);
	return added + removed - counted + *penalty;
}

/* The model that is nearest to a set of features; `preferred` (may be NULL) when it is possible at all. NULL: none is.
 */
static const struct mv_cpu_x86_model *nearest_model(const struct features *wanted, const char *vendor,
						    const char *preferred)
{
	const struct mv_cpu_x86_model *best = NULL;
	unsigned best_cost = 0, best_penalty = 0;
	size_t n = 0;

	while (mv_cpu_x86_models[n].name)
		n++;
	while (n-- > 0) {
		const struct mv_cpu_x86_model *m = &mv_cpu_x86_models[n];
		struct features f;
		unsigned cost, penalty;

		if (!m->guest || (vendor && m->vendor && strcmp(vendor, m->vendor) != 0))
			continue;
		if (preferred && strcmp(m->name, preferred) == 0)
			return m;
		features_of_model(m, &f);
		cost = cost_of(count_without(wanted, &f), count_without(&f, wanted), &penalty);
		if (!best || cost < best_cost || (cost == best_cost && penalty < best_penalty)) {
			best = m;
			best_cost = cost;
			best_penalty = penalty;
		}
	}
	return best;
}

static int by_name(const void *a, const void *b)
{
	const struct mv_cpu_feature_def *x = *(struct mv_cpu_feature_def *const *)a,
					*y = *(struct mv_cpu_feature_def *const *)b;

	return strcmp(x->name, y->name);
}

/* The features that make the model what is wanted; with `expand` all that are wanted, by name. */
static int describe(struct mv_cpu_def *cpu, const struct mv_cpu_x86_model *model, const struct features *wanted,
		    bool expand, struct mv_error **err)
{
	struct features f;

	features_of_model(model, &f);
	for (unsigned i = 0; mv_cpu_x86_features[i]; i++) {
		if (has(wanted, i) && (expand || !has(&f, i)) && add_feature(cpu, i, MV_CPU_POLICY_REQUIRE, err) < 0)
			return -1;
	}
	for (unsigned i = 0; mv_cpu_x86_features[i]; i++) {
		if (has(&f, i) && !has(wanted, i) && add_feature(cpu, i, MV_CPU_POLICY_DISABLE, err) < 0)
			return -1;
	}
	if (expand && cpu->n_features > 0)
		qsort(cpu->features, cpu->n_features, sizeof(void *), by_name);
	return 0;
}

/* Adds one processor to what is common. *vendor: the first says it only when it has a <vendor>, the others also by
 * their model. */
static int intersect(const struct mv_cpu_def *cpu, bool first, struct features *common, const char **vendor,
		     struct mv_error **err)
{
	const struct mv_cpu_x86_model *model;
	struct features f = { 0 };
	const char *name;

	if (family_of(cpu->arch) != FAMILY_X86)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "CPUs are incompatible");
	if (features_of_cpu(cpu, &f, &model, err) < 0)
		return -1;
	if (cpu->vendor && !is_vendor(cpu->vendor))
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "Unknown CPU vendor %s", cpu->vendor);
	name = cpu->vendor ? cpu->vendor : first ? NULL : model->vendor;
	if (name && *vendor && strcmp(name, *vendor) != 0)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "CPU vendors do not match");
	if (name)
		*vendor = name;
	for (unsigned i = 0; i < 4; i++)
		common->bits[i] &= f.bits[i];
	return 0;
}

static int baseline_x86(struct mv_cpu_def *const *cpus, size_t count, bool expand, struct mv_cpu_def **out,
			struct mv_error **err)
{
	struct features common = { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
	const char *vendor = NULL, *name = cpus[0]->model.name;
	const struct mv_cpu_x86_model *model;
	struct mv_cpu_def *cpu;
	bool all_have_vendor = true;

	for (size_t i = 0; i < count; i++) {
		if (intersect(cpus[i], i == 0, &common, &vendor, err) < 0)
			return -1;
		all_have_vendor &= cpus[i]->vendor != NULL;
		if (name && strcmp(cpus[i]->model.name, name) != 0)
			name = NULL;
	}
	model = is_empty(&common) ? NULL : nearest_model(&common, vendor, name);
	if (!model)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "CPUs are incompatible");
	cpu = new_cpu(model->name,
		      name && strcmp(model->name, name) == 0 ? MV_CPU_FALLBACK_FORBID : MV_CPU_FALLBACK_ALLOW, err);
	if (!cpu)
		return -1;
	if ((all_have_vendor && vendor && set_text(&cpu->vendor, vendor, err) < 0) ||
	    describe(cpu, model, &common, expand, err) < 0) {
		mv_conf_free(&mv_cpu_desc, cpu);
		return -1;
	}
	*out = cpu;
	return 0;
}

static int baseline_ppc64(struct mv_cpu_def *const *cpus, size_t count, struct mv_cpu_def **out, struct mv_error **err)
{
	for (size_t i = 0; i < count; i++) {
		bool known = false;

		for (const char *const *name = ppc64_models; *name; name++)
			known |= strcmp(*name, cpus[i]->model.name) == 0;
		if (family_of(cpus[i]->arch) != FAMILY_PPC64)
			return mv_error_set(err, MV_ERR_OPERATION_FAILED, "CPUs are incompatible");
		if (!known)
			return mv_error_set(err, MV_ERR_INTERNAL, "Unknown CPU model %s", cpus[i]->model.name);
		if (strcmp(cpus[i]->model.name, cpus[0]->model.name) != 0)
			return mv_error_set(err, MV_ERR_OPERATION_FAILED, "CPUs are incompatible");
	}
	*out = new_cpu(cpus[0]->model.name, MV_CPU_FALLBACK_FORBID, err);
	return *out ? 0 : -1;
}

int mv_cpu_baseline(struct mv_cpu_def *const *cpus, size_t count, bool expand, struct mv_cpu_def **out,
		    struct mv_error **err)
{
	if (count == 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "No CPUs given");
	for (size_t i = 0; i < count; i++) {
		if (cpus[i]->arch == MV_ARCH_NONE)
			return mv_error_set(err, MV_ERR_XML, "Missing CPU architecture");
		if (!cpus[i]->model.name)
			return mv_error_set(err, MV_ERR_XML, "Missing CPU model name");
	}
	switch (family_of(cpus[0]->arch)) {
	case FAMILY_X86: return baseline_x86(cpus, count, expand, out, err);
	case FAMILY_PPC64: return baseline_ppc64(cpus, count, out, err);
	case FAMILY_ARM: *out = new_cpu(cpus[0]->model.name, MV_CPU_FALLBACK_ALLOW, err); return *out ? 0 : -1;
	case FAMILY_S390:
		return mv_error_set(err, MV_ERR_NO_SUPPORT, "cannot compute baseline CPU of %s architecture",
				    mv_conf_word(&mv_arch_enum, cpus[0]->arch));
	case FAMILY_NONE: break;
	}
	return no_support(cpus[0]->arch, err);
}
