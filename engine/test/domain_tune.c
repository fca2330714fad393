/* Tuning parameters of guests: memory limits, NUMA, block devices, performance events, scheduling. Those of their
 * devices are in domain_tune_devices.c. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/cpuset.h"
#include "engine/test/calls.h"
#include "engine/test/domain_tune.h"

#define UNLIMITED 9007199254740991 /* KiB: libvirt's number for no limit */

struct mv_domain_def *mv_test_one_def(struct mv_driver *drv, const struct mv_domain_ref *ref, uint32_t flags,
				      uint32_t known, const char *function, bool *live, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(flags, known, function, err) < 0)
		return NULL;
	dom = mv_test_domain(drv, ref, err);
	return dom ? mv_domobj_one_def(&dom->guest, flags, live, err) : NULL;
}

bool mv_test_only_count(int32_t asked, int32_t count, int32_t *nparams)
{
	*nparams = count;
	return asked <= 0;
}

void mv_test_limit_params(int32_t asked, struct mv_typed_out out, int32_t *nparams)
{
	while (*out.count > (size_t)asked) {
		struct mv_typed_param *last = &(*out.params)[--*out.count];

		if (last->type == MV_TYPED_STRING)
			free(last->value.s);
		free(last->field);
	}
	*nparams = (int32_t)*out.count;
}

/* --- memory --- */

int mv_test_domain_get_memory_parameters(struct mv_driver *drv, const struct mv_domain_get_memory_parameters_args *args,
					 struct mv_domain_get_memory_parameters_ret *ret, struct mv_error **err)
{
	struct mv_domain_def *def;
	const struct mv_domain_memtune_def *tune;
	struct mv_typed_out out = MV_TYPED_OUT(ret);

	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY, "testDomainGetMemoryParameters",
				err) < 0)
		return -1;
	if (mv_test_only_count(args->nparams, 3, &ret->nparams))
		return 0;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY,
			      "testDomainGetMemoryParameters", NULL, err);
	if (!def)
		return -1;
	tune = &def->memtune;
	if (mv_typed_add_ullong(out, "hard_limit", tune->has_hard_limit ? tune->hard_limit : UNLIMITED, err) < 0 ||
	    mv_typed_add_ullong(out, "soft_limit", tune->has_soft_limit ? tune->soft_limit : UNLIMITED, err) < 0 ||
	    mv_typed_add_ullong(out, "swap_hard_limit", tune->has_swap_hard_limit ? tune->swap_hard_limit : UNLIMITED,
				err) < 0)
		return -1;
	mv_test_limit_params(args->nparams, out, &ret->nparams);
	return 0;
}

static void set_limit(const struct mv_typed_param *p, uint64_t *value, bool *has)
{
	if (p) {
		*value = p->value.ul;
		*has = p->value.ul < UNLIMITED;
	}
}

int mv_test_domain_set_memory_parameters(struct mv_driver *drv, const struct mv_domain_set_memory_parameters_args *args,
					 void *ret, struct mv_error **err)
{
	static const struct mv_typed_rule rules[] = { { "hard_limit", MV_TYPED_ULLONG },
						      { "soft_limit", MV_TYPED_ULLONG },
						      { "swap_hard_limit", MV_TYPED_ULLONG } };
	const struct mv_typed_param *hard, *soft, *swap;
	struct mv_domain_memtune_def *tune;
	struct mv_domain_def *def;

	(void)ret;
	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT, "testDomainSetMemoryParameters", err) < 0 ||
	    mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT, "testDomainSetMemoryParameters", NULL, err);
	if (!def)
		return -1;
	tune = &def->memtune;
	hard = mv_typed_find(args->params, args->n_params, "hard_limit");
	soft = mv_typed_find(args->params, args->n_params, "soft_limit");
	swap = mv_typed_find(args->params, args->n_params, "swap_hard_limit");
	if (hard || swap) {
		uint64_t memory = hard ? hard->value.ul : tune->has_hard_limit ? tune->hard_limit : UNLIMITED;
		uint64_t all = swap ? swap->value.ul : tune->has_swap_hard_limit ? tune->swap_hard_limit : UNLIMITED;

		if (memory > all)
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "memory hard_limit tunable value must be lower than or equal to "
					    "swap_hard_limit");
	}
	set_limit(hard, &tune->hard_limit, &tune->has_hard_limit);
	set_limit(soft, &tune->soft_limit, &tune->has_soft_limit);
	set_limit(swap, &tune->swap_hard_limit, &tune->has_swap_hard_limit);
	tune->present = tune->has_hard_limit || tune->has_soft_limit || tune->has_swap_hard_limit ||
		tune->has_min_guarantee;
	return 0;
}

/* --- NUMA --- */

int mv_test_domain_get_numa_parameters(struct mv_driver *drv, const struct mv_domain_get_numa_parameters_args *args,
				       struct mv_domain_get_numa_parameters_ret *ret, struct mv_error **err)
{
	struct mv_typed_out out = MV_TYPED_OUT(ret);
	const struct mv_numatune_memory_def *memory;
	struct mv_domain_def *def;
	bool given;

	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY, "testDomainGetNumaParameters", err) <
	    0)
		return -1;
	if (mv_test_only_count(args->nparams, 2, &ret->nparams))
		return 0;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY,
			      "testDomainGetNumaParameters", NULL, err);
	if (!def)
		return -1;
	memory = &def->numatune.memory;
	given = def->numatune.present && memory->present && memory->mode != MV_NUMATUNE_MODE_NONE;
	if (mv_typed_add_int(out, "numa_mode", given ? (int)memory->mode - MV_NUMATUNE_MODE_STRICT : 0, err) < 0 ||
	    mv_typed_add_string(out, "numa_nodeset", given ? memory->nodeset : NULL, err) < 0)
		return -1;
	mv_test_limit_params(args->nparams, out, &ret->nparams);
	return 0;
}

int mv_test_domain_set_numa_parameters(struct mv_driver *drv, const struct mv_domain_set_numa_parameters_args *args,
				       void *ret, struct mv_error **err)
{
	static const struct mv_typed_rule rules[] = { { "numa_mode", MV_TYPED_INT },
						      { "numa_nodeset", MV_TYPED_STRING } };
	const struct mv_typed_param *mode, *nodes;
	struct mv_numatune_memory_def *memory;
	mv_autofree char *set = NULL, *why = NULL;
	struct mv_domain_def *def;
	bool live;

	(void)ret;
	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT, "testDomainSetNumaParameters", err) < 0 ||
	    mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT, "testDomainSetNumaParameters", &live, err);
	if (!def)
		return -1;
	memory = &def->numatune.memory;
	mode = mv_typed_find(args->params, args->n_params, "numa_mode");
	nodes = mv_typed_find(args->params, args->n_params, "numa_nodeset");
	if (mode && (mode->value.i < 0 || mode->value.i > MV_NUMATUNE_MODE_RESTRICTIVE - MV_NUMATUNE_MODE_STRICT))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "unsupported numatune mode: '%d'", mode->value.i);
	if (nodes && mv_cpuset_read(nodes->value.s, &set, &why) < 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Failed to parse bitmap '%s'", nodes->value.s);
	if (nodes && (!set || !set[0]))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Invalid nodeset of 'numatune': %s", nodes->value.s);
	if (live && mode && memory->present && memory->mode != MV_NUMATUNE_MODE_NONE &&
	    (int)memory->mode - MV_NUMATUNE_MODE_STRICT != mode->value.i)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "can't change numatune mode for running domain");
	if (!set && !memory->nodeset && mode && def->vcpu.placement != MV_CPU_PLACEMENT_AUTO)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
	def->numatune.present = memory->present = true;
	if (mode)
		memory->mode = (enum mv_numatune_mode)(mode->value.i + MV_NUMATUNE_MODE_STRICT);
	else if (memory->mode == MV_NUMATUNE_MODE_NONE)
		memory->mode = MV_NUMATUNE_MODE_STRICT;
	if (set) {
		free(memory->nodeset);
		memory->nodeset = mv_steal(set);
	}
	return 0;
}

/* --- block devices of the host --- */

/* A parameter is a list "PATH,VALUE,PATH,VALUE" of one member of the devices. */
static const struct {
	const char *field;
	size_t offset;
	bool wide;
} device_fields[] = {
	{ "device_weight", offsetof(struct mv_blkiotune_device_def, weight), false },
	{ "device_read_iops_sec", offsetof(struct mv_blkiotune_device_def, read_iops_sec), false },
	{ "device_write_iops_sec", offsetof(struct mv_blkiotune_device_def, write_iops_sec), false },
	{ "device_read_bytes_sec", offsetof(struct mv_blkiotune_device_def, read_bytes_sec), true },
	{ "device_write_bytes_sec", offsetof(struct mv_blkiotune_device_def, write_bytes_sec), true },
};

static uint64_t device_value(const struct mv_blkiotune_device_def *device, size_t field)
{
	const char *at = (const char *)device + device_fields[field].offset;

	return device_fields[field].wide ? *(const uint64_t *)at : *(const unsigned *)at;
}

static void set_device_value(struct mv_blkiotune_device_def *device, size_t field, uint64_t value)
{
	char *at = (char *)device + device_fields[field].offset;

	if (device_fields[field].wide)
		*(uint64_t *)at = value;
	else
		*(unsigned *)at = (unsigned)value;
}

static int add_device_list(const struct mv_domain_blkiotune_def *tune, size_t field, struct mv_typed_out out,
			   struct mv_error **err)
{
	mv_autofree char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	const char *comma = "";

	if (!f)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of devices");
	for (size_t i = 0; i < tune->n_devices; i++) {
		uint64_t value = device_value(tune->devices[i], field);

		if (value) {
			fprintf(f, "%s%s,%llu", comma, tune->devices[i]->path, (unsigned long long)value);
			comma = ",";
		}
	}
	fclose(f);
	return mv_typed_add_string(out, device_fields[field].field, text, err);
}

int mv_test_domain_get_blkio_parameters(struct mv_driver *drv, const struct mv_domain_get_blkio_parameters_args *args,
					struct mv_domain_get_blkio_parameters_ret *ret, struct mv_error **err)
{
	struct mv_typed_out out = MV_TYPED_OUT(ret);
	struct mv_domain_def *def;

	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY, "testDomainGetBlkioParameters",
				err) < 0)
		return -1;
	if (mv_test_only_count(args->nparams, 1 + (int32_t)MV_ARRAY_SIZE(device_fields), &ret->nparams))
		return 0;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY,
			      "testDomainGetBlkioParameters", NULL, err);
	if (!def || mv_typed_add_uint(out, "weight", def->blkiotune.weight, err) < 0)
		return -1;
	for (size_t i = 0; i < MV_ARRAY_SIZE(device_fields); i++) {
		if (add_device_list(&def->blkiotune, i, out, err) < 0)
			return -1;
	}
	mv_test_limit_params(args->nparams, out, &ret->nparams);
	return 0;
}

static struct mv_blkiotune_device_def *blkio_device(struct mv_domain_blkiotune_def *tune, const char *path, size_t len,
						    struct mv_error **err)
{
	struct mv_blkiotune_device_def *device;

	for (size_t i = 0; i < tune->n_devices; i++) {
		if (strlen(tune->devices[i]->path) == len && memcmp(tune->devices[i]->path, path, len) == 0)
			return tune->devices[i];
	}
	device = mv_conf_new(&mv_blkiotune_device_desc, err);
	if (!device)
		return NULL;
	device->path = strndup(path, len);
	if (!device->path || mv_conf_append(&tune->devices, &tune->n_devices, device, err) < 0) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a device");
		mv_conf_free(&mv_blkiotune_device_desc, device);
		return NULL;
	}
	return device;
}

static int set_device_list(struct mv_domain_blkiotune_def *tune, size_t field, const char *text, struct mv_error **err)
{
	const char *p = text;

	while (*p) {
		const char *path = p, *comma = strchr(p, ',');
		struct mv_blkiotune_device_def *device;
		unsigned long long value;
		char *end;

		if (!comma || comma == path)
			return mv_error_set(err, MV_ERR_INVALID_ARG, "unable to parse blkio device '%s' '%s'",
					    device_fields[field].field, text);
		value = strtoull(comma + 1, &end, 10);
		if (end == comma + 1 || (*end && *end != ',') || (!device_fields[field].wide && value > UINT32_MAX))
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "invalid value '%s' for parameter '%s' of device '%.*s'", comma + 1,
					    device_fields[field].field, (int)(comma - path), path);
		device = blkio_device(tune, path, (size_t)(comma - path), err);
		if (!device)
			return -1;
		set_device_value(device, field, value);
		p = *end ? end + 1 : end;
	}
	return 0;
}

int mv_test_domain_set_blkio_parameters(struct mv_driver *drv, const struct mv_domain_set_blkio_parameters_args *args,
					void *ret, struct mv_error **err)
{
	static const struct mv_typed_rule rules[] = {
		{ "weight", MV_TYPED_UINT },
		{ "device_weight", MV_TYPED_STRING },
		{ "device_read_iops_sec", MV_TYPED_STRING },
		{ "device_write_iops_sec", MV_TYPED_STRING },
		{ "device_read_bytes_sec", MV_TYPED_STRING },
		{ "device_write_bytes_sec", MV_TYPED_STRING },
	};
	const struct mv_typed_param *p;
	struct mv_domain_def *def;

	(void)ret;
	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT, "testDomainSetBlkioParameters", err) < 0 ||
	    mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT, "testDomainSetBlkioParameters", NULL, err);
	if (!def)
		return -1;
	def->blkiotune.present = true;
	p = mv_typed_find(args->params, args->n_params, "weight");
	if (p)
		def->blkiotune.weight = p->value.ui;
	for (size_t i = 0; i < MV_ARRAY_SIZE(device_fields); i++) {
		p = mv_typed_find(args->params, args->n_params, device_fields[i].field);
		if (p && set_device_list(&def->blkiotune, i, p->value.s, err) < 0)
			return -1;
	}
	return 0;
}

/* --- performance events --- */

static struct mv_domain_perf_event_def *find_event(const struct mv_domain_def *def, enum mv_perf_event event)
{
	for (size_t i = 0; i < def->perf.n_events; i++) {
		if (def->perf.events[i]->name == event)
			return def->perf.events[i];
	}
	return NULL;
}

int mv_test_domain_get_perf_events(struct mv_driver *drv, const struct mv_domain_get_perf_events_args *args,
				   struct mv_domain_get_perf_events_ret *ret, struct mv_error **err)
{
	struct mv_domain_def *def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY,
						    "testDomainGetPerfEvents", NULL, err);

	if (!def)
		return -1;
	for (size_t i = 1; i < mv_perf_event_enum.count; i++) {
		const struct mv_domain_perf_event_def *event = find_event(def, (enum mv_perf_event)i);

		if (mv_typed_add_boolean(MV_TYPED_OUT(ret), mv_perf_event_enum.words[i],
					 event && event->enabled == MV_TRI_YES, err) < 0)
			return -1;
	}
	return 0;
}

int mv_test_domain_set_perf_events(struct mv_driver *drv, const struct mv_domain_set_perf_events_args *args, void *ret,
				   struct mv_error **err)
{
	struct mv_domain_def *def;

	(void)ret;
	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT, "testDomainSetPerfEvents", err) < 0)
		return -1;
	for (size_t i = 0; i < args->n_params; i++) {
		struct mv_typed_rule rule = { args->params[i].field, MV_TYPED_BOOLEAN };
		bool known = mv_conf_word_value(&mv_perf_event_enum, rule.field) > 0;

		if (mv_typed_check(&args->params[i], 1, &rule, known, err) < 0)
			return -1;
	}
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT, "testDomainSetPerfEvents", NULL, err);
	if (!def)
		return -1;
	for (size_t i = 0; i < args->n_params; i++) {
		enum mv_perf_event name = (enum mv_perf_event)mv_conf_word_value(&mv_perf_event_enum,
										 args->params[i].field);
		struct mv_domain_perf_event_def *event = find_event(def, name);

		if (!event) {
			event = mv_conf_new(&mv_domain_perf_event_desc, err);
			if (!event || mv_conf_append(&def->perf.events, &def->perf.n_events, event, err) < 0) {
				mv_conf_free(&mv_domain_perf_event_desc, event);
				return -1;
			}
			event->name = name;
		}
		event->enabled = args->params[i].value.b ? MV_TRI_YES : MV_TRI_NO;
		def->perf.present = true;
	}
	return 0;
}

/* --- scheduling: there is one parameter, which never changes --- */

int mv_test_domain_get_scheduler_type(struct mv_driver *drv, const struct mv_domain_get_scheduler_type_args *args,
				      struct mv_domain_get_scheduler_type_ret *ret, struct mv_error **err)
{
	(void)drv;
	(void)args;
	ret->nparams = 1;
	return mv_test_copy("fair", &ret->type, err);
}

int mv_test_domain_get_scheduler_parameters_flags(struct mv_driver *drv,
						  const struct mv_domain_get_scheduler_parameters_flags_args *args,
						  struct mv_domain_get_scheduler_parameters_flags_ret *ret,
						  struct mv_error **err)
{
	/* MV_TUNE_STRING_OKAY is what the API adds for every client; libvirt's driver is not asked about it here. */
	if (mv_test_check_flags(args->flags & ~(uint32_t)MV_TUNE_STRING_OKAY, 0,
				"testDomainGetSchedulerParametersFlags", err) < 0 ||
	    !mv_test_domain(drv, &args->dom, err))
		return -1;
	return mv_typed_add_uint(MV_TYPED_OUT(ret), "weight", 50, err);
}

int mv_test_domain_set_scheduler_parameters_flags(struct mv_driver *drv,
						  const struct mv_domain_set_scheduler_parameters_flags_args *args,
						  void *ret, struct mv_error **err)
{
	static const struct mv_typed_rule rules[] = { { "weight", MV_TYPED_UINT } };

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainSetSchedulerParametersFlags", err) < 0 ||
	    mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	return mv_test_domain(drv, &args->dom, err) ? 0 : -1;
}
