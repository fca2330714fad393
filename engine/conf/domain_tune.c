#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/domain_tune.h"

#include <stdlib.h>
#include <string.h>

#include "engine/conf/cpuset_walk.h"

/* --- vCPUs -----------------------------------------------------------------------------------------------------------
 */

static int by_vcpu_id(const void *a, const void *b)
{
	const struct mv_domain_vcpus_vcpu_def *x = *(struct mv_domain_vcpus_vcpu_def *const *)a;
	const struct mv_domain_vcpus_vcpu_def *y = *(struct mv_domain_vcpus_vcpu_def *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* <vcpus> has all vCPUs, in order; those that were not given are off and can be plugged in. */
static int fill_vcpus(struct mv_domain_vcpus_def *vcpus, unsigned max, struct mv_error **err)
{
	size_t given = vcpus->n_vcpus;

	for (unsigned id = 0, i = 0; id < max; id++) {
		struct mv_domain_vcpus_vcpu_def *vcpu;

		if (i < given && vcpus->vcpus[i]->id == id) {
			i++;
			continue;
		}
		vcpu = mv_conf_new(&mv_domain_vcpus_vcpu_desc, err);
		if (!vcpu)
			return -1;
		vcpu->id = id;
		vcpu->enabled = MV_TRI_NO;
		vcpu->hotpluggable = MV_TRI_YES;
		if (mv_conf_append(&vcpus->vcpus, &vcpus->n_vcpus, vcpu, err) < 0) {
			mv_conf_free(&mv_domain_vcpus_vcpu_desc, vcpu);
			return -1;
		}
	}
	qsort(vcpus->vcpus, vcpus->n_vcpus, sizeof(*vcpus->vcpus), by_vcpu_id);
	return 0;
}

static int check_vcpu_list(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_vcpus_def *vcpus = &def->vcpus;
	unsigned max = def->vcpu.max, enabled = 0;

	for (size_t i = 0; i < vcpus->n_vcpus; i++) {
		struct mv_domain_vcpus_vcpu_def *vcpu = vcpus->vcpus[i];
		bool on = vcpu->enabled == MV_TRI_YES;

		if (vcpu->id >= max)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the vCPU %u in <vcpus> is out of range: <vcpu> says %u.", vcpu->id, max);
		if (vcpu->hotpluggable == MV_TRI_NONE)
			vcpu->hotpluggable = on ? MV_TRI_NO : MV_TRI_YES;
		if (!on)
			vcpu->order = 0;
		enabled += on;
	}
	qsort(vcpus->vcpus, vcpus->n_vcpus, sizeof(*vcpus->vcpus), by_vcpu_id);
	for (size_t i = 1; i < vcpus->n_vcpus; i++) {
		if (vcpus->vcpus[i]->id == vcpus->vcpus[i - 1]->id)
			return mv_conf_fail(at, err, MV_ERR_XML, "the vCPU %u is there twice in <vcpus>.",
					    vcpus->vcpus[i]->id);
	}
	if (fill_vcpus(vcpus, max, err) < 0)
		return -1;
	for (size_t i = 0; i < vcpus->n_vcpus; i++) {
		unsigned order = vcpus->vcpus[i]->order;

		if (order > enabled)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the order %u of vCPU %zu is more than the %u vCPUs that are on.", order, i,
					    enabled);
		for (size_t k = 0; order && k < i; k++) {
			if (vcpus->vcpus[k]->order == order)
				return mv_conf_fail(at, err, MV_ERR_XML,
						    "the vCPUs %zu and %zu have the same order, %u.", k, i, order);
		}
	}
	def->vcpu.current = enabled;
	def->vcpu.has_current = enabled != max;
	return 0;
}

int mv_domain_check_vcpus(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_vcpu_def *vcpu = &def->vcpu;

	if (vcpu->has_current && vcpu->current > vcpu->max)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "<vcpu current='%u'> is more than the maximum, %u.", vcpu->current, vcpu->max);
	if (vcpu->has_current && vcpu->current == vcpu->max)
		vcpu->has_current = false;
	if (!vcpu->has_current)
		vcpu->current = vcpu->max;
	if (def->vcpus.n_vcpus == 0) {
		mv_conf_clear(&mv_domain_vcpus_desc, &def->vcpus);
		return 0;
	}
	return check_vcpu_list(def, at, err);
}

/* --- iothreads -------------------------------------------------------------------------------------------------------
 */

static int check_pool(bool has_min, int min, bool has_max, int max, struct mv_conf_at *at, struct mv_error **err)
{
	if (has_max && max <= 0)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "thread_pool_max must be at least 1, not %d.",
				    max);
	if (has_min && min < 0)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "thread_pool_min must not be negative: %d.",
				    min);
	if (has_min && (!has_max || min > max))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "thread_pool_min (%d) must be smaller than or equal to thread_pool_max.", min);
	return 0;
}

static struct mv_domain_iothread_def *find_iothread(const struct mv_domain_iothreadids_def *ids, unsigned id)
{
	for (size_t i = 0; i < ids->n_iothreads; i++) {
		if (ids->iothreads[i]->id == id)
			return ids->iothreads[i];
	}
	return NULL;
}

/* When some threads have numbers, the others get the lowest that are free. */
int mv_domain_check_iothreads(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_iothreadids_def *ids = &def->iothreadids;
	struct mv_domain_default_iothread_def *pool = &def->default_iothread;

	if (pool->present &&
	    check_pool(pool->has_thread_pool_min, pool->thread_pool_min, pool->has_thread_pool_max,
		       pool->thread_pool_max, at, err) < 0)
		return -1;
	for (size_t i = 0; i < ids->n_iothreads; i++) {
		const struct mv_domain_iothread_def *t = ids->iothreads[i];

		if (find_iothread(ids, t->id) != t)
			return mv_conf_fail(at, err, MV_ERR_XML, "the iothread %u is there twice.", t->id);
		if (check_pool(t->has_thread_pool_min, t->thread_pool_min, t->has_thread_pool_max, t->thread_pool_max,
			       at, err) < 0)
			return -1;
	}
	if (ids->n_iothreads == 0)
		return 0;
	if (def->iothreads > MV_CONF_MAX_ITEMS)
		return mv_conf_fail(at, err, MV_ERR_XML, "%u iothreads are more than the %u that are possible.",
				    def->iothreads, MV_CONF_MAX_ITEMS);
	for (unsigned id = 1; ids->n_iothreads < def->iothreads; id++) {
		struct mv_domain_iothread_def *t;

		if (find_iothread(ids, id))
			continue;
		t = mv_conf_new(&mv_domain_iothread_desc, err);
		if (!t)
			return -1;
		t->id = id;
		if (mv_conf_append(&ids->iothreads, &ids->n_iothreads, t, err) < 0) {
			mv_conf_free(&mv_domain_iothread_desc, t);
			return -1;
		}
	}
	def->iothreads = (unsigned)ids->n_iothreads;
	return 0;
}

/* Is there a thread with this number? Without <iothreadids> they have the numbers from 1. */
static bool has_iothread(const struct mv_domain_def *def, unsigned id)
{
	if (def->iothreadids.n_iothreads > 0)
		return find_iothread(&def->iothreadids, id);
	return id >= 1 && id <= def->iothreads;
}

/* Where it is among the threads. */
static size_t iothread_place(const struct mv_domain_def *def, unsigned id)
{
	for (size_t i = 0; i < def->iothreadids.n_iothreads; i++) {
		if (def->iothreadids.iothreads[i]->id == id)
			return i;
	}
	return id;
}

/* --- cputune ---------------------------------------------------------------------------------------------------------
 */

static int check_range(const char *what, long long value, long long min, long long max, struct mv_conf_at *at,
		       struct mv_error **err)
{
	if (value <= 0 || (value >= min && value <= max)) /* 0: not given; a negative quota: no limit */
		return 0;
	return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
			    "the value %lld of <%s> in <cputune> must be in the range [%lld, %lld].", value, what, min,
			    max);
}

static int check_shares(const struct mv_domain_cputune_def *t, struct mv_conf_at *at, struct mv_error **err)
{
	const struct {
		const char *name;
		uint64_t period;
		int64_t quota;
	} limits[] = {
		{ "", t->period, t->quota },
		{ "global_", t->global_period, t->global_quota },
		{ "emulator_", t->emulator_period, t->emulator_quota },
		{ "iothread_", t->iothread_period, t->iothread_quota },
	};

	if (t->has_shares && t->shares > INT64_MAX)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the value of <shares> in <cputune> must be in the range [2, 262144].");
	if (t->has_shares && check_range("shares", (long long)t->shares, 2, 262144, at, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		char name[32];
		uint64_t period = limits[i].period > INT64_MAX ? INT64_MAX : limits[i].period;

		strcpy(name, limits[i].name);
		if (check_range(strcat(name, "period"), (long long)period, 1000, 1000000, at, err) < 0)
			return -1;
		strcpy(name, limits[i].name);
		if (check_range(strcat(name, "quota"), limits[i].quota, 1000, 17592186044415, at, err) < 0)
			return -1;
	}
	return 0;
}

static int by_vcpu(const void *a, const void *b)
{
	const struct mv_cputune_vcpupin_def *x = *(struct mv_cputune_vcpupin_def *const *)a;
	const struct mv_cputune_vcpupin_def *y = *(struct mv_cputune_vcpupin_def *const *)b;

	return (x->vcpu > y->vcpu) - (x->vcpu < y->vcpu);
}

static int check_vcpupins(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;

	if (t->n_vcpupins > 0)
		qsort(t->vcpupins, t->n_vcpupins, sizeof(*t->vcpupins), by_vcpu);
	for (size_t i = 0; i < t->n_vcpupins; i++) {
		unsigned vcpu = t->vcpupins[i]->vcpu;

		if (vcpu >= def->vcpu.max) {
			if (mv_conf_warn(at, err, "<vcpupin vcpu='%u'> is left out: there are only %u vCPUs.", vcpu,
					 def->vcpu.max) < 0)
				return -1;
			mv_conf_free(&mv_cputune_vcpupin_desc, mv_conf_remove(t->vcpupins, &t->n_vcpupins, i--));
			continue;
		}
		if (i > 0 && t->vcpupins[i - 1]->vcpu == vcpu)
			return mv_conf_fail(at, err, MV_ERR_INTERNAL, "<vcpupin> is there twice for vCPU %u.", vcpu);
	}
	return 0;
}

static int check_iothreadpins(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;

	for (size_t i = 0; i < t->n_iothreadpins; i++) {
		struct mv_cputune_iothreadpin_def *pin = t->iothreadpins[i];
		size_t k = i;

		if (!has_iothread(def, pin->iothread))
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "<iothreadpin> is for the iothread %u, which is not there.", pin->iothread);
		for (; k > 0 &&
		     iothread_place(def, t->iothreadpins[k - 1]->iothread) > iothread_place(def, pin->iothread);
		     k--)
			t->iothreadpins[k] = t->iothreadpins[k - 1];
		t->iothreadpins[k] = pin;
		if (k > 0 && t->iothreadpins[k - 1]->iothread == pin->iothread)
			return mv_conf_fail(at, err, MV_ERR_INTERNAL, "<iothreadpin> is there twice for iothread %u.",
					    pin->iothread);
	}
	return 0;
}

/* The three kinds of <...sched> are alike: a set (but for the emulator), a scheduler and its priority. */
static int check_scheduler(const char *element, enum mv_scheduler scheduler, bool *has_priority, struct mv_conf_at *at,
			   struct mv_error **err)
{
	if (scheduler != MV_SCHEDULER_FIFO && scheduler != MV_SCHEDULER_RR) {
		*has_priority = false;
		return 0;
	}
	if (!*has_priority)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'priority' of <%s> is missing.", element);
	return 0;
}

/* One <vcpusched> for each vCPU, in order. */
static int split_vcpuscheds(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;
	struct mv_cputune_vcpusched_def **all = t->vcpuscheds;
	size_t n_all = t->n_vcpuscheds;
	int ret = -1;

	t->vcpuscheds = NULL;
	t->n_vcpuscheds = 0;
	for (size_t i = 0; i < n_all; i++) {
		if (check_scheduler("vcpusched", all[i]->scheduler, &all[i]->has_priority, at, err) < 0)
			goto out;
		if (mv_cpuset_count(all[i]->vcpus) && mv_cpuset_last(all[i]->vcpus) >= def->vcpu.max) {
			mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				     "<vcpusched> is for vCPU %u, which is not there.", mv_cpuset_last(all[i]->vcpus));
			goto out;
		}
		for (size_t k = 0; k < i; k++) {
			if (mv_cpuset_overlap(all[i]->vcpus, all[k]->vcpus)) {
				mv_conf_fail(at, err, MV_ERR_XML, "the vCPUs '%s' and '%s' of two <vcpusched> overlap.",
					     all[k]->vcpus, all[i]->vcpus);
				goto out;
			}
		}
	}
	for (unsigned id = 0; id < def->vcpu.max; id++) {
		for (size_t i = 0; i < n_all; i++) {
			struct mv_cputune_vcpusched_def *one;

			if (!mv_cpuset_has(all[i]->vcpus, id))
				continue;
			one = mv_conf_copy(&mv_cputune_vcpusched_desc, all[i], err);
			if (!one)
				goto out;
			/* A set with this number is not shorter than the number, so it fits. */
			mv_cpuset_single(one->vcpus, id);
			if (mv_conf_append(&t->vcpuscheds, &t->n_vcpuscheds, one, err) < 0) {
				mv_conf_free(&mv_cputune_vcpusched_desc, one);
				goto out;
			}
			break;
		}
	}
	ret = 0;
out:
	for (size_t i = 0; i < n_all; i++)
		mv_conf_free(&mv_cputune_vcpusched_desc, all[i]);
	free(all);
	return ret;
}

/* The same for <iothreadsched>, in the order of the threads. */
static int split_iothreadscheds(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;
	struct mv_cputune_iothreadsched_def **all = t->iothreadscheds;
	size_t n_all = t->n_iothreadscheds;
	size_t n_ids = def->iothreadids.n_iothreads;
	int ret = -1;

	t->iothreadscheds = NULL;
	t->n_iothreadscheds = 0;
	for (size_t i = 0; i < n_all; i++) {
		const char *at_set = all[i]->iothreads;
		unsigned first, last;

		if (check_scheduler("iothreadsched", all[i]->scheduler, &all[i]->has_priority, at, err) < 0)
			goto out;
		while (mv_cpuset_next(&at_set, &first, &last)) {
			for (unsigned id = first; id <= last; id++) {
				if (has_iothread(def, id))
					continue;
				mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					     "<iothreadsched> is for the iothread %u, which is not there.", id);
				goto out;
			}
		}
		for (size_t k = 0; k < i; k++) {
			if (mv_cpuset_overlap(all[i]->iothreads, all[k]->iothreads)) {
				mv_conf_fail(at, err, MV_ERR_XML,
					     "the iothreads '%s' and '%s' of two <iothreadsched> overlap.",
					     all[k]->iothreads, all[i]->iothreads);
				goto out;
			}
		}
	}
	for (size_t place = 0; n_all > 0 && place < def->iothreads; place++) {
		unsigned id = n_ids > 0 ? def->iothreadids.iothreads[place]->id : (unsigned)place + 1;

		for (size_t i = 0; i < n_all; i++) {
			struct mv_cputune_iothreadsched_def *one;

			if (!mv_cpuset_has(all[i]->iothreads, id))
				continue;
			one = mv_conf_copy(&mv_cputune_iothreadsched_desc, all[i], err);
			if (!one)
				goto out;
			mv_cpuset_single(one->iothreads, id);
			if (mv_conf_append(&t->iothreadscheds, &t->n_iothreadscheds, one, err) < 0) {
				mv_conf_free(&mv_cputune_iothreadsched_desc, one);
				goto out;
			}
			break;
		}
	}
	ret = 0;
out:
	for (size_t i = 0; i < n_all; i++)
		mv_conf_free(&mv_cputune_iothreadsched_desc, all[i]);
	free(all);
	return ret;
}

int mv_domain_check_cputune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_cputune_emulatorsched_def *emulator = &def->cputune.emulatorsched;

	if (!def->cputune.present)
		return 0;
	if (check_shares(&def->cputune, at, err) < 0 || check_vcpupins(def, at, err) < 0 ||
	    check_iothreadpins(def, at, err) < 0)
		return -1;
	if (emulator->present &&
	    check_scheduler("emulatorsched", emulator->scheduler, &emulator->has_priority, at, err) < 0)
		return -1;
	return split_vcpuscheds(def, at, err) < 0 || split_iothreadscheds(def, at, err) < 0 ? -1 : 0;
}

/* --- cachetune and memorytune ----------------------------------------------------------------------------------------
 */

static int by_level_type_id(const void *a, const void *b)
{
	const struct mv_cachetune_cache_def *x = *(struct mv_cachetune_cache_def *const *)a;
	const struct mv_cachetune_cache_def *y = *(struct mv_cachetune_cache_def *const *)b;

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static int check_caches(struct mv_cachetune_def *tune, struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 0; i < tune->n_caches; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct mv_cachetune_cache_def *a = tune->caches[i], *b = tune->caches[k];

			if (a->level == b->level && a->id == b->id &&
			    (a->type == b->type || a->type == MV_CACHETUNE_TYPE_BOTH ||
			     b->type == MV_CACHETUNE_TYPE_BOTH))
				return mv_conf_fail(at, err, MV_ERR_XML,
						    "two <cache> of <cachetune vcpus='%s'> collide: level %u, id %u.",
						    tune->vcpus, a->level, a->id);
		}
	}
	if (tune->n_caches > 0)
		qsort(tune->caches, tune->n_caches, sizeof(*tune->caches), by_level_type_id);
	return 0;
}

static int by_node_id(const void *a, const void *b)
{
	const struct mv_memorytune_node_def *x = *(struct mv_memorytune_node_def *const *)a;
	const struct mv_memorytune_node_def *y = *(struct mv_memorytune_node_def *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static int check_nodes(struct mv_memorytune_def *tune, struct mv_conf_at *at, struct mv_error **err)
{
	if (tune->n_nodes > 0)
		qsort(tune->nodes, tune->n_nodes, sizeof(*tune->nodes), by_node_id);
	for (size_t i = 1; i < tune->n_nodes; i++) {
		if (tune->nodes[i]->id == tune->nodes[i - 1]->id)
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"the memory bandwidth of node %u is there twice in <memorytune vcpus='%s'>.",
				tune->nodes[i]->id, tune->vcpus);
	}
	return 0;
}

static int outside(const char *element, const char *vcpus, const char *monitor, struct mv_conf_at *at,
		   struct mv_error **err)
{
	return mv_conf_fail(at, err, MV_ERR_INVALID_ARG,
			    "the vCPUs '%s' of a <monitor> are not all among those of <%s vcpus='%s'>.", monitor,
			    element, vcpus);
}

/* Two groups of vCPUs are the same or have nothing in common. */
static int check_group(struct mv_domain_cputune_def *t, const char *vcpus, size_t caches, size_t memories,
		       struct mv_conf_at *at, struct mv_error **err)
{
	const char *other = NULL;

	for (size_t i = 0; !other && i < caches; i++) {
		if (mv_cpuset_overlap(t->cachetunes[i]->vcpus, vcpus) &&
		    (memories == SIZE_MAX || strcmp(t->cachetunes[i]->vcpus, vcpus) != 0))
			other = t->cachetunes[i]->vcpus;
	}
	for (size_t i = 0; !other && memories != SIZE_MAX && i < memories; i++) {
		if (mv_cpuset_overlap(t->memorytunes[i]->vcpus, vcpus))
			other = t->memorytunes[i]->vcpus;
	}
	if (!other)
		return 0;
	return mv_conf_fail(at, err, MV_ERR_XML, "the vCPUs '%s' and '%s' of <cachetune> and <memorytune> overlap.",
			    other, vcpus);
}

int mv_domain_check_resctrl(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;

	for (size_t i = 0; i < t->n_cachetunes; i++) {
		struct mv_cachetune_def *tune = t->cachetunes[i];

		mv_cpuset_limit(&tune->vcpus, def->vcpu.max);
		if (!tune->vcpus || (tune->n_caches == 0 && tune->n_monitors == 0)) {
			mv_conf_free(&mv_cachetune_desc, mv_conf_remove(t->cachetunes, &t->n_cachetunes, i--));
			continue;
		}
		if (check_caches(tune, at, err) < 0 || check_group(t, tune->vcpus, i, SIZE_MAX, at, err) < 0)
			return -1;
		for (size_t k = 0; k < tune->n_monitors; k++) {
			mv_cpuset_limit(&tune->monitors[k]->vcpus, def->vcpu.max);
			if (!mv_cpuset_contains(tune->vcpus, tune->monitors[k]->vcpus))
				return outside("cachetune", tune->vcpus, tune->monitors[k]->vcpus, at, err);
		}
	}
	for (size_t i = 0; i < t->n_memorytunes; i++) {
		struct mv_memorytune_def *tune = t->memorytunes[i];

		mv_cpuset_limit(&tune->vcpus, def->vcpu.max);
		if (!tune->vcpus || (tune->n_nodes == 0 && tune->n_monitors == 0)) {
			mv_conf_free(&mv_memorytune_desc, mv_conf_remove(t->memorytunes, &t->n_memorytunes, i--));
			continue;
		}
		if (check_nodes(tune, at, err) < 0 || check_group(t, tune->vcpus, t->n_cachetunes, i, at, err) < 0)
			return -1;
		for (size_t k = 0; k < tune->n_monitors; k++) {
			mv_cpuset_limit(&tune->monitors[k]->vcpus, def->vcpu.max);
			if (!mv_cpuset_contains(tune->vcpus, tune->monitors[k]->vcpus))
				return outside("memorytune", tune->vcpus, tune->monitors[k]->vcpus, at, err);
		}
	}
	return 0;
}

/* --- numatune --------------------------------------------------------------------------------------------------------
 */

/* Where the memory goes and where the vCPUs run is decided together, when either is left to the host. */
static int check_placement(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_vcpu_def *vcpu = &def->vcpu;
	const struct mv_domain_cputune_def *tune = &def->cputune;
	struct mv_numatune_memory_def *memory = &def->numatune.memory;

	if (vcpu->placement == MV_CPU_PLACEMENT_AUTO) {
		free(vcpu->cpuset);
		vcpu->cpuset = NULL;
	}
	if (memory->present && !memory->nodeset && memory->placement == MV_CPU_PLACEMENT_NONE) {
		if (memory->mode == MV_NUMATUNE_MODE_NONE) { /* <memory/>: that nothing is wanted */
			mv_conf_clear(&mv_numatune_memory_desc, memory);
			return 0;
		}
		if (vcpu->placement == MV_CPU_PLACEMENT_AUTO)
			memory->placement = MV_CPU_PLACEMENT_AUTO;
	}
	if (!memory->present && vcpu->placement == MV_CPU_PLACEMENT_AUTO) {
		if ((!def->numatune.present && mv_conf_init(&mv_domain_numatune_desc, &def->numatune, err) < 0) ||
		    mv_conf_init(&mv_numatune_memory_desc, memory, err) < 0)
			return -1;
		memory->placement = MV_CPU_PLACEMENT_AUTO;
	}
	if (!memory->present)
		return 0;
	if (memory->mode == MV_NUMATUNE_MODE_NONE)
		memory->mode = MV_NUMATUNE_MODE_STRICT;
	if (memory->placement == MV_CPU_PLACEMENT_AUTO) {
		free(memory->nodeset);
		memory->nodeset = NULL;
		if (!vcpu->cpuset && !tune->n_vcpupins && !tune->n_iothreadpins && !tune->emulatorpin.present)
			vcpu->placement = MV_CPU_PLACEMENT_AUTO;
		return 0;
	}
	memory->placement = MV_CPU_PLACEMENT_NONE; /* static is not written */
	if (!memory->nodeset)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the <memory> of <numatune> needs a nodeset, or placement='auto'.");
	return 0;
}

static int by_cellid(const void *a, const void *b)
{
	const struct mv_numatune_memnode_def *x = *(struct mv_numatune_memnode_def *const *)a;
	const struct mv_numatune_memnode_def *y = *(struct mv_numatune_memnode_def *const *)b;

	return (x->cellid > y->cellid) - (x->cellid < y->cellid);
}

int mv_domain_check_numatune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_numatune_def *tune = &def->numatune;
	size_t cells = def->cpu.numa.n_cells;

	if (check_placement(def, at, err) < 0)
		return -1;
	if (tune->n_memnodes == 0)
		return 0;
	if (cells == 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "<memnode> is only possible with NUMA cells in <cpu>.");
	if (tune->memory.placement == MV_CPU_PLACEMENT_AUTO)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "<memnode> is not possible together with automatic NUMA placement.");
	qsort(tune->memnodes, tune->n_memnodes, sizeof(*tune->memnodes), by_cellid);
	for (size_t i = 0; i < tune->n_memnodes; i++) {
		const struct mv_numatune_memnode_def *node = tune->memnodes[i];

		if (node->cellid >= cells)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "<memnode cellid='%u'> is for a NUMA cell that is not there.",
					    node->cellid);
		if (i > 0 && tune->memnodes[i - 1]->cellid == node->cellid)
			return mv_conf_fail(at, err, MV_ERR_XML, "<memnode cellid='%u'> is there twice.", node->cellid);
	}
	return 0;
}

/* --- blkiotune -------------------------------------------------------------------------------------------------------
 */

int mv_domain_check_blkiotune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_blkiotune_def *tune = &def->blkiotune;

	for (size_t i = 0; i < tune->n_devices; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(tune->devices[i]->path, tune->devices[k]->path) == 0)
				return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
						    "the device '%s' is there twice in <blkiotune>.",
						    tune->devices[i]->path);
		}
	}
	for (size_t i = 0; i < tune->n_devices;) {
		const struct mv_blkiotune_device_def *d = tune->devices[i];

		if (d->weight || d->read_iops_sec || d->write_iops_sec || d->read_bytes_sec || d->write_bytes_sec)
			i++;
		else
			mv_conf_free(&mv_blkiotune_device_desc, mv_conf_remove(tune->devices, &tune->n_devices, i));
	}
	return 0;
}

/* --- memory ----------------------------------------------------------------------------------------------------------
 */

/* KiB; libvirt's number for "no limit", and all above it. */
#define UNLIMITED 9007199254740991ull

static int check_hugepages(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_hugepages_def *huge = &def->memory_backing.hugepages;
	size_t cells = def->cpu.numa.n_cells;
	const struct mv_domain_hugepage_def *master = NULL;

	for (size_t i = 0; i < huge->n_pages; i++) {
		struct mv_domain_hugepage_def *page = huge->pages[i];

		if (page->size == 0)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the size of huge pages cannot be zero.");
		if (page->nodeset && mv_cpuset_count(page->nodeset) &&
		    mv_cpuset_last(page->nodeset) >= (cells ? cells : 1))
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "huge pages are for NUMA cell %u, which is not there.",
					    mv_cpuset_last(page->nodeset));
		if (!cells) {
			free(page->nodeset);
			page->nodeset = NULL;
		}
		if (!page->nodeset && master)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "two sizes of huge pages, %llu and %llu KiB, have no nodeset.",
					    (unsigned long long)master->size, (unsigned long long)page->size);
		if (!page->nodeset)
			master = page;
		for (size_t k = 0; page->nodeset && k < i; k++) {
			if (mv_cpuset_overlap(page->nodeset, huge->pages[k]->nodeset))
				return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
						    "the nodesets '%s' and '%s' of two sizes of huge pages overlap.",
						    huge->pages[k]->nodeset, page->nodeset);
		}
	}
	return 0;
}

static uint64_t numa_memory(const struct mv_domain_def *def)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < def->cpu.numa.n_cells; i++)
		sum += def->cpu.numa.cells[i]
			       ->memory; /* each at most 2^53: no overflow with the cells that fit in a document */
	return sum;
}

static void limit(bool *has, uint64_t value)
{
	*has = *has && value < UNLIMITED;
}

int mv_domain_check_memory(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_memtune_def *tune = &def->memtune;

	if (def->memory.size == 0)
		def->memory.size = numa_memory(def);
	if (def->memory.size == 0)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the size of the memory is missing: in <memory> or in the cells of <numa>.");
	if (!def->has_current_memory || def->current_memory == 0 || def->current_memory > def->memory.size)
		def->current_memory = def->memory.size;
	def->has_current_memory = true;
	if (def->max_memory.present && (!def->max_memory.slots || !def->max_memory.size))
		return mv_conf_fail(at, err, MV_ERR_XML, "<maxMemory> needs both a size and a number of slots.");
	if (def->max_memory.present && def->max_memory.size < def->memory.size)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the maximum of the memory (%llu KiB) is less than the memory (%llu KiB).",
				    (unsigned long long)def->max_memory.size, (unsigned long long)def->memory.size);
	limit(&tune->has_hard_limit, tune->hard_limit);
	limit(&tune->has_soft_limit, tune->soft_limit);
	limit(&tune->has_min_guarantee, tune->min_guarantee);
	limit(&tune->has_swap_hard_limit, tune->swap_hard_limit);
	return check_hugepages(def, at, err);
}
