/* Virtual processors and I/O threads, and the host's processors that they may use. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/api/typed.h"
#include "engine/conf/cpuset_walk.h"
#include "engine/test/calls.h"
#include "engine/test/cpumap.h"
#include "engine/test/driver.h"

enum { IMPACT = MV_AFFECT_LIVE | MV_AFFECT_CONFIG, MAX_VCPUS = 32 };

/* Processors that the host could have: what maps are about. */
static unsigned host_cpus(struct mv_driver *drv)
{
	const struct mv_test_host *host = mv_test_host(drv);

	return (unsigned)(host->nodes * host->sockets * host->cores * host->threads);
}

static struct mv_domain_def *one_def(struct mv_driver *drv, const struct mv_domain_ref *ref, uint32_t flags,
				     uint32_t known, const char *function, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(flags, known, function, err) < 0)
		return NULL;
	dom = mv_test_domain(drv, ref, err);
	return dom ? mv_domobj_one_def(&dom->guest, flags, NULL, err) : NULL;
}

/* `count` maps of `len` bytes each. */
static int new_maps(struct mv_blob *maps, size_t count, size_t len, struct mv_error **err)
{
	maps->data = calloc(count * len + 1, 1);
	if (!maps->data)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %zu maps of processors", count);
	maps->size = count * len;
	return 0;
}

static size_t map_length(int32_t asked)
{
	return asked < 0 ? 0 : asked > 2048 ? 2048 : (size_t)asked;
}

/* --- how many --- */

int mv_test_domain_get_vcpus_flags(struct mv_driver *drv, const struct mv_domain_get_vcpus_flags_args *args,
				   struct mv_domain_get_vcpus_flags_ret *ret, struct mv_error **err)
{
	enum { MAXIMUM = 4 };
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT | MAXIMUM, "testDomainGetVcpusFlags",
					    err);

	if (!def)
		return -1;
	ret->num = (int32_t)(args->flags & MAXIMUM ? def->vcpu.max : mv_domobj_vcpus(def));
	return 0;
}

static void set_vcpus(struct mv_domain_def *def, unsigned count)
{
	def->vcpu.has_current = count != def->vcpu.max;
	def->vcpu.current = count;
}

static void set_max_vcpus(struct mv_domain_def *def, unsigned count)
{
	unsigned current = mv_domobj_vcpus(def);

	def->vcpu.max = count;
	set_vcpus(def, current < count ? current : count);
}

int mv_test_domain_set_vcpus_flags(struct mv_driver *drv, const struct mv_domain_set_vcpus_flags_args *args, void *ret,
				   struct mv_error **err)
{
	enum { MAXIMUM = 4 };
	struct mv_domain_def *live, *config;
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, IMPACT | MAXIMUM, "testDomainSetVcpusFlags", err) < 0)
		return -1;
	if (args->nvcpus > MAX_VCPUS)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "requested cpu amount exceeds maximum supported amount (%u > %d)", args->nvcpus,
				    MAX_VCPUS);
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_defs(&dom->guest, args->flags, &live, &config, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		const struct mv_domain_def *def = i ? config : live;

		if (def && !(i && (args->flags & MAXIMUM)) && def->vcpu.max < args->nvcpus)
			return mv_error_set(err, MV_ERR_INVALID_ARG, "requested cpu amount exceeds maximum (%u > %u)",
					    args->nvcpus, def->vcpu.max);
	}
	if (live)
		set_vcpus(live, args->nvcpus);
	if (config && (args->flags & MAXIMUM))
		set_max_vcpus(config, args->nvcpus);
	else if (config)
		set_vcpus(config, args->nvcpus);
	return 0;
}

/* --- where they run --- */

static struct mv_cputune_vcpupin_def *vcpu_pin(const struct mv_domain_def *def, unsigned vcpu)
{
	for (size_t i = 0; i < def->cputune.n_vcpupins; i++) {
		if (def->cputune.vcpupins[i]->vcpu == vcpu)
			return def->cputune.vcpupins[i];
	}
	return NULL;
}

/* The set of processors of a vCPU; NULL: all. */
static const char *vcpu_set(const struct mv_domain_def *def, unsigned vcpu)
{
	const struct mv_cputune_vcpupin_def *pin = vcpu_pin(def, vcpu);

	return pin ? pin->cpuset : def->vcpu.cpuset;
}

static void fill(const char *set, unsigned cpus, uint8_t *map, size_t len)
{
	if (set)
		mv_cpumap_fill(set, map, len);
	else
		mv_cpumap_fill_all(cpus, map, len);
}

int mv_test_domain_get_vcpus(struct mv_driver *drv, const struct mv_domain_get_vcpus_args *args,
			     struct mv_domain_get_vcpus_ret *ret, struct mv_error **err)
{
	enum { RUNNING = 1 };
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);
	size_t len = map_length(args->maplen), count;
	unsigned cpus = host_cpus(drv);
	struct timespec now;

	if (!dom)
		return -1;
	if (!dom->guest.object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "cannot list vcpus for an inactive domain");
	count = mv_domobj_vcpus(dom->guest.def);
	if (args->maxinfo < 0 || count > (size_t)args->maxinfo)
		count = args->maxinfo < 0 ? 0 : (size_t)args->maxinfo;
	ret->info = calloc(count + 1, sizeof(*ret->info));
	if (!ret->info)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	ret->n_info = count;
	if (new_maps(&ret->cpumaps, count, len, err) < 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	for (unsigned i = 0; i < count; i++) {
		const char *set = vcpu_set(dom->guest.def, i);

		fill(set, cpus, (uint8_t *)ret->cpumaps.data + i * len, len);
		ret->info[i] = (struct mv_vcpu_info){
			.number = i,
			.state = RUNNING,
			.cpu_time = ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000) / 10,
			.cpu = (int32_t)(set ? mv_cpuset_last(set) : cpus - 1),
		};
	}
	return 0;
}

int mv_test_domain_get_vcpu_pin_info(struct mv_driver *drv, const struct mv_domain_get_vcpu_pin_info_args *args,
				     struct mv_domain_get_vcpu_pin_info_ret *ret, struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainGetVcpuPinInfo", err);
	size_t len = map_length(args->maplen), count;

	if (!def)
		return -1;
	count = def->vcpu.max;
	if (args->ncpumaps < 0 || count > (size_t)args->ncpumaps)
		count = args->ncpumaps < 0 ? 0 : (size_t)args->ncpumaps;
	if (new_maps(&ret->cpumaps, count, len, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		fill(vcpu_set(def, i), host_cpus(drv), (uint8_t *)ret->cpumaps.data + i * len, len);
	ret->num = (int32_t)count;
	return 0;
}

int mv_test_domain_pin_vcpu_flags(struct mv_driver *drv, const struct mv_domain_pin_vcpu_flags_args *args, void *ret,
				  struct mv_error **err)
{
	struct mv_cputune_vcpupin_def *pin;
	struct mv_test_domain *dom;
	struct mv_domain_def *def;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainPinVcpuFlags", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	def = dom->guest.def;
	if (!dom->guest.object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "cannot pin vcpus on an inactive domain");
	if (args->vcpu >= mv_domobj_vcpus(def))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "requested vcpu '%u' is not present in the domain",
				    args->vcpu);
	pin = vcpu_pin(def, args->vcpu);
	if (!pin) {
		pin = mv_conf_new(&mv_cputune_vcpupin_desc, err);
		if (!pin || mv_conf_append(&def->cputune.vcpupins, &def->cputune.n_vcpupins, pin, err) < 0) {
			mv_conf_free(&mv_cputune_vcpupin_desc, pin);
			return -1;
		}
		pin->vcpu = args->vcpu;
		def->cputune.present = true;
	}
	return mv_cpumap_text(&args->cpumap, &pin->cpuset, err);
}

/* Not what libvirt's older call is elsewhere: this driver's newer one takes no flags, not even the one for the running
 * domain. */
int mv_test_domain_pin_vcpu(struct mv_driver *drv, const struct mv_domain_pin_vcpu_args *args, void *ret,
			    struct mv_error **err)
{
	const struct mv_domain_pin_vcpu_flags_args flagged = { .dom = args->dom,
							       .vcpu = args->vcpu,
							       .cpumap = args->cpumap };

	return mv_test_domain_pin_vcpu_flags(drv, &flagged, ret, err);
}

int mv_test_domain_pin_emulator(struct mv_driver *drv, const struct mv_domain_pin_emulator_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainPinEmulator", err);
	mv_autofree char *set = NULL;

	(void)ret;
	if (!def || mv_cpumap_text(&args->cpumap, &set, err) < 0)
		return -1;
	if (!set[0])
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Empty cpu list for pinning");
	free(def->cputune.emulatorpin.cpuset);
	def->cputune.emulatorpin.cpuset = mv_steal(set);
	def->cputune.emulatorpin.present = def->cputune.present = true;
	return 0;
}

int mv_test_domain_get_emulator_pin_info(struct mv_driver *drv, const struct mv_domain_get_emulator_pin_info_args *args,
					 struct mv_domain_get_emulator_pin_info_ret *ret, struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainGetEmulatorPinInfo", err);
	size_t len = map_length(args->maplen);

	if (!def || new_maps(&ret->cpumaps, 1, len, err) < 0)
		return -1;
	fill(def->cputune.emulatorpin.present ? def->cputune.emulatorpin.cpuset : def->vcpu.cpuset, host_cpus(drv),
	     ret->cpumaps.data, len);
	ret->ret = 1;
	return 0;
}

/* --- I/O threads --- */

static size_t find_iothread(const struct mv_domain_def *def, unsigned id)
{
	size_t i = 0;

	while (i < def->iothreadids.n_iothreads && def->iothreadids.iothreads[i]->id != id)
		i++;
	return i;
}

static bool has_iothread(const struct mv_domain_def *def, unsigned id)
{
	return find_iothread(def, id) < def->iothreadids.n_iothreads;
}

static struct mv_cputune_iothreadpin_def *iothread_pin(const struct mv_domain_def *def, unsigned id)
{
	for (size_t i = 0; i < def->cputune.n_iothreadpins; i++) {
		if (def->cputune.iothreadpins[i]->iothread == id)
			return def->cputune.iothreadpins[i];
	}
	return NULL;
}

int mv_test_domain_get_iothread_info(struct mv_driver *drv, const struct mv_domain_get_iothread_info_args *args,
				     struct mv_domain_get_iothread_info_ret *ret, struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainGetIOThreadInfo", err);
	/* Threads that are pinned nowhere may use what this machine has. */
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	size_t count, len = (cpus + 7) / 8;

	if (!def)
		return -1;
	count = def->iothreadids.n_iothreads;
	ret->info = calloc(count + 1, sizeof(*ret->info));
	if (!ret->info)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	for (size_t i = 0; i < count; i++) {
		struct mv_domain_iothread_info *info = &ret->info[ret->n_info++];
		const struct mv_cputune_iothreadpin_def *pin;

		info->iothread_id = def->iothreadids.iothreads[i]->id;
		pin = iothread_pin(def, info->iothread_id);
		if (new_maps(&info->cpumap, 1, len, err) < 0)
			return -1;
		fill(pin ? pin->cpuset : def->vcpu.cpuset, cpus, info->cpumap.data, len);
	}
	ret->ret = (uint32_t)count;
	return 0;
}

int mv_test_domain_pin_iothread(struct mv_driver *drv, const struct mv_domain_pin_iothread_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainPinIOThread", err);
	struct mv_cputune_iothreadpin_def *pin;
	mv_autofree char *set = NULL;

	(void)ret;
	if (!def || mv_cpumap_text(&args->cpumap, &set, err) < 0)
		return -1;
	if (!set[0])
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Empty iothread cpumap list for pinning");
	if (!has_iothread(def, args->iothreads_id))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "iothreadid %u not found", args->iothreads_id);
	pin = iothread_pin(def, args->iothreads_id);
	if (!pin) {
		pin = mv_conf_new(&mv_cputune_iothreadpin_desc, err);
		if (!pin || mv_conf_append(&def->cputune.iothreadpins, &def->cputune.n_iothreadpins, pin, err) < 0) {
			mv_conf_free(&mv_cputune_iothreadpin_desc, pin);
			return -1;
		}
		pin->iothread = args->iothreads_id;
		def->cputune.present = true;
	}
	free(pin->cpuset);
	pin->cpuset = mv_steal(set);
	return 0;
}

/* What a thread polls with is the guest's own, not its definition's. */
static struct mv_test_iothread *polling(struct mv_test_domain *dom, unsigned id)
{
	for (size_t i = 0; i < dom->iothread_count; i++) {
		if (dom->iothreads[i].id == id)
			return &dom->iothreads[i];
	}
	return NULL;
}

int mv_test_domain_add_iothread(struct mv_driver *drv, const struct mv_domain_add_iothread_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainAddIOThread", err);
	struct mv_test_domain *dom = def ? mv_test_domain(drv, &args->dom, err) : NULL;
	struct mv_test_iothread *grown;
	struct mv_domain_iothread_def *thread;

	(void)ret;
	if (!def)
		return -1;
	if (has_iothread(def, args->iothread_id))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "an IOThread is already using iothread_id '%u'",
				    args->iothread_id);
	grown = reallocarray(dom->iothreads, dom->iothread_count + 1, sizeof(*grown));
	if (!grown)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an I/O thread");
	dom->iothreads = grown;
	thread = mv_conf_new(&mv_domain_iothread_desc, err);
	if (!thread || mv_conf_append(&def->iothreadids.iothreads, &def->iothreadids.n_iothreads, thread, err) < 0) {
		mv_conf_free(&mv_domain_iothread_desc, thread);
		return -1;
	}
	thread->id = args->iothread_id;
	def->iothreadids.present = true;
	def->iothreads++;
	if (!polling(dom, args->iothread_id))
		dom->iothreads[dom->iothread_count++] = (struct mv_test_iothread){ .id = args->iothread_id,
										   .poll_max_ns = 32768 };
	return 0;
}

int mv_test_domain_del_iothread(struct mv_driver *drv, const struct mv_domain_del_iothread_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, IMPACT, "testDomainDelIOThread", err);
	struct mv_test_domain *dom = def ? mv_test_domain(drv, &args->dom, err) : NULL;
	struct mv_test_iothread *poll;
	size_t i;

	(void)ret;
	if (!def)
		return -1;
	i = find_iothread(def, args->iothread_id);
	if (i == def->iothreadids.n_iothreads)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids list",
				    args->iothread_id);
	mv_conf_free(&mv_domain_iothread_desc,
		     mv_conf_remove(def->iothreadids.iothreads, &def->iothreadids.n_iothreads, i));
	def->iothreads--;
	for (i = 0; i < def->cputune.n_iothreadpins; i++) {
		if (def->cputune.iothreadpins[i]->iothread == args->iothread_id)
			mv_conf_free(&mv_cputune_iothreadpin_desc,
				     mv_conf_remove(def->cputune.iothreadpins, &def->cputune.n_iothreadpins, i--));
	}
	poll = polling(dom, args->iothread_id);
	if (poll) {
		size_t after = dom->iothread_count - (size_t)(poll - dom->iothreads) - 1;

		memmove(poll, poll + 1, after * sizeof(*poll));
		dom->iothread_count--;
	}
	return 0;
}

int mv_test_domain_set_iothread_params(struct mv_driver *drv, const struct mv_domain_set_iothread_params_args *args,
				       void *ret, struct mv_error **err)
{
	static const struct mv_typed_rule rules[] = { { "poll_max_ns", MV_TYPED_ULLONG },
						      { "poll_grow", MV_TYPED_UINT },
						      { "poll_shrink", MV_TYPED_UINT } };
	const struct mv_typed_param *p;
	struct mv_test_iothread *poll;
	struct mv_test_domain *dom;
	struct mv_domain_def *def;

	(void)ret;
	def = one_def(drv, &args->dom, args->flags, MV_AFFECT_LIVE, "testDomainSetIOThreadParams", err);
	if (!def || mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	poll = dom ? polling(dom, args->iothread_id) : NULL;
	if (!has_iothread(def, args->iothread_id) || !poll)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids",
				    args->iothread_id);
	p = mv_typed_find(args->params, args->n_params, "poll_max_ns");
	if (p && p->value.ul > INT32_MAX)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "poll-max-ns (%llu) must be less than or equal to %d",
				    (unsigned long long)p->value.ul, INT32_MAX);
	if (p)
		poll->poll_max_ns = p->value.ul;
	p = mv_typed_find(args->params, args->n_params, "poll_grow");
	poll->poll_grow = p ? p->value.ui : poll->poll_grow;
	p = mv_typed_find(args->params, args->n_params, "poll_shrink");
	poll->poll_shrink = p ? p->value.ui : poll->poll_shrink;
	return 0;
}

int mv_test_iothread_stats(const struct mv_test_domain *dom, struct mv_typed_out out, struct mv_error **err)
{
	if (!dom->guest.object.active || !dom->iothread_count)
		return 0;
	if (mv_typed_add_uint(out, "iothread.count", (uint32_t)dom->iothread_count, err) < 0)
		return -1;
	for (size_t i = 0; i < dom->iothread_count; i++) {
		const struct mv_test_iothread *thread = &dom->iothreads[i];
		char max[64], grow[64], shrink[64];

		snprintf(max, sizeof(max), "iothread.%u.poll-max-ns", thread->id);
		snprintf(grow, sizeof(grow), "iothread.%u.poll-grow", thread->id);
		snprintf(shrink, sizeof(shrink), "iothread.%u.poll-shrink", thread->id);
		if (mv_typed_add_ullong(out, max, thread->poll_max_ns, err) < 0 ||
		    mv_typed_add_uint(out, grow, thread->poll_grow, err) < 0 ||
		    mv_typed_add_uint(out, shrink, thread->poll_shrink, err) < 0)
			return -1;
	}
	return 0;
}
