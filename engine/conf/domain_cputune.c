/* <iothreads>, <iothreadids> and <cputune>: who is there, what it runs on, and how it is scheduled. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdlib.h>
#include <string.h>

#include "engine/conf/cpuset_walk.h"
#include "engine/conf/domain_tune.h"

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

/* Where the threads with these numbers are in their list, by number. */
struct mv_places {
	struct mv_place {
		unsigned id, place;
	} * all;
	size_t count;
	unsigned unnumbered; /* without a list: so many, with the numbers from 1 */
};

static int by_id(const void *a, const void *b)
{
	const struct mv_place *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int make_places(const struct mv_domain_def *def, struct mv_places *p, struct mv_error **err)
{
	const struct mv_domain_iothreadids_def *ids = &def->iothreadids;

	*p = (struct mv_places){ .unnumbered = ids->n_iothreads ? 0 : def->iothreads };
	if (!ids->n_iothreads)
		return 0;
	p->all = calloc(ids->n_iothreads, sizeof(*p->all));
	if (!p->all)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for %zu iothreads.",
				    ids->n_iothreads);
	for (; p->count < ids->n_iothreads; p->count++)
		p->all[p->count] = (struct mv_place){ ids->iothreads[p->count]->id, (unsigned)p->count };
	qsort(p->all, p->count, sizeof(*p->all), by_id);
	return 0;
}

/* -1: there is no such thread. */
static long place_of_iothread(const void *places, unsigned id)
{
	const struct mv_places *p = places;
	const struct mv_place key = { .id = id }, *found;

	if (!p->count)
		return id >= 1 && id <= p->unnumbered ? (long)id - 1 : -1;
	found = bsearch(&key, p->all, p->count, sizeof(key), by_id);
	return found ? (long)found->place : -1;
}

static int add_iothread(struct mv_domain_iothreadids_def *ids, unsigned id, struct mv_error **err)
{
	struct mv_domain_iothread_def *t = mv_conf_new(&mv_domain_iothread_desc, err);

	if (!t)
		return -1;
	t->id = id;
	if (mv_conf_append(&ids->iothreads, &ids->n_iothreads, t, err) == 0)
		return 0;
	mv_conf_free(&mv_domain_iothread_desc, t);
	return -1;
}

/* The lowest numbers that are free go to the threads that have none. */
static int number_iothreads(struct mv_domain_def *def, const struct mv_places *given, struct mv_conf_at *at,
			    struct mv_error **err)
{
	struct mv_domain_iothreadids_def *ids = &def->iothreadids;
	size_t next = 0;

	for (size_t i = 1; i < given->count; i++) {
		if (given->all[i].id == given->all[i - 1].id)
			return mv_conf_fail(at, err, MV_ERR_XML, "the iothread %u is there twice.", given->all[i].id);
	}
	if (def->iothreads > MV_CONF_MAX_ITEMS)
		return mv_conf_fail(at, err, MV_ERR_XML, "%u iothreads are more than the %u that are possible.",
				    def->iothreads, MV_CONF_MAX_ITEMS);
	for (unsigned id = 1; ids->n_iothreads < def->iothreads; id++) {
		if (next < given->count && given->all[next].id == id)
			next++;
		else if (add_iothread(ids, id, err) < 0)
			return -1;
	}
	def->iothreads = (unsigned)ids->n_iothreads;
	return 0;
}

int mv_domain_check_iothreads(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_iothreadids_def *ids = &def->iothreadids;
	struct mv_domain_default_iothread_def *pool = &def->default_iothread;
	struct mv_places given;
	int ret;

	if (pool->present &&
	    check_pool(pool->has_thread_pool_min, pool->thread_pool_min, pool->has_thread_pool_max,
		       pool->thread_pool_max, at, err) < 0)
		return -1;
	for (size_t i = 0; i < ids->n_iothreads; i++) {
		const struct mv_domain_iothread_def *t = ids->iothreads[i];

		if (check_pool(t->has_thread_pool_min, t->thread_pool_min, t->has_thread_pool_max, t->thread_pool_max,
			       at, err) < 0)
			return -1;
	}
	if (ids->n_iothreads == 0)
		return 0;
	if (make_places(def, &given, err) < 0)
		return -1;
	ret = number_iothreads(def, &given, at, err);
	free(given.all);
	return ret;
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
		qsort(t->vcpupins, t->n_vcpupins, sizeof(void *), by_vcpu);
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

static int by_place(const void *a, const void *b)
{
	const struct mv_place *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* In the order of the threads. */
static int sort_iothreadpins(struct mv_domain_cputune_def *t, const struct mv_places *places, struct mv_conf_at *at,
			     struct mv_error **err)
{
	struct mv_place *order = calloc(t->n_iothreadpins, sizeof(*order)); /* id: the pin's number */
	struct mv_cputune_iothreadpin_def **sorted = calloc(t->n_iothreadpins, sizeof(void *));
	int ret = -1;

	if (!order || !sorted) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for %zu <iothreadpin>.",
			     t->n_iothreadpins);
		goto out;
	}
	for (size_t i = 0; i < t->n_iothreadpins; i++) {
		unsigned id = t->iothreadpins[i]->iothread;
		long place = place_of_iothread(places, id);

		if (place < 0) {
			mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				     "<iothreadpin> is for the iothread %u, which is not there.", id);
			goto out;
		}
		order[i] = (struct mv_place){ (unsigned)i, (unsigned)place };
	}
	qsort(order, t->n_iothreadpins, sizeof(*order), by_place);
	for (size_t i = 0; i < t->n_iothreadpins; i++) {
		sorted[i] = t->iothreadpins[order[i].id];
		if (i > 0 && order[i].place == order[i - 1].place) {
			mv_conf_fail(at, err, MV_ERR_INTERNAL, "<iothreadpin> is there twice for iothread %u.",
				     sorted[i]->iothread);
			goto out;
		}
	}
	memcpy(t->iothreadpins, sorted, t->n_iothreadpins * sizeof(void *));
	ret = 0;
out:
	free(order);
	free(sorted);
	return ret;
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

/* One of the threads or vCPUs for which a scheduler is given. */
struct mv_sched {
	unsigned id;
	long place;
	size_t from; /* the element */
};

static int by_sched_place(const void *a, const void *b)
{
	const struct mv_sched *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* What the schedulers of `n` elements are for, in the order of place(). At most MV_CONF_MAX_CPU. NULL with *err. */
static struct mv_sched *take_sets_apart(const char *element, const char *const *sets, size_t n,
					long (*place)(const void *places, unsigned id), const void *places,
					size_t *count, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_sched *all = calloc(MV_CONF_MAX_CPU, sizeof(*all));
	bool *taken = calloc(MV_CONF_MAX_CPU, sizeof(*taken));

	*count = 0;
	if (!all || !taken) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for <%s>.", element);
		goto fail;
	}
	for (size_t i = 0; i < n; i++) {
		const char *set = sets[i];
		unsigned first, last;

		while (mv_cpuset_next(&set, &first, &last)) {
			for (unsigned id = first; id <= last && id < MV_CONF_MAX_CPU; id++) {
				struct mv_sched *one = &all[*count];

				if (taken[id]) {
					mv_conf_fail(at, err, MV_ERR_XML, "two <%s> overlap: both are for %u.", element,
						     id);
					goto fail;
				}
				taken[id] = true;
				*one = (struct mv_sched){ .id = id, .place = place(places, id), .from = i };
				if (one->place < 0) {
					mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
						     "<%s> is for %u, which is not there.", element, id);
					goto fail;
				}
				++*count;
			}
		}
	}
	free(taken);
	qsort(all, *count, sizeof(*all), by_sched_place);
	return all;
fail:
	free(all);
	free(taken);
	return NULL;
}

static long place_of_vcpu(const void *max, unsigned id)
{
	return id < *(const unsigned *)max ? (long)id : -1;
}

/* One <vcpusched> for each vCPU, in order. */
static int split_vcpuscheds(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;
	struct mv_cputune_vcpusched_def **old = t->vcpuscheds;
	size_t n_old = t->n_vcpuscheds, count = 0;
	const char **sets = calloc(n_old, sizeof(*sets));
	struct mv_sched *all = NULL;
	int ret = -1;

	t->vcpuscheds = NULL;
	t->n_vcpuscheds = 0;
	for (size_t i = 0; sets && i < n_old; i++) {
		sets[i] = old[i]->vcpus;
		if (check_scheduler("vcpusched", old[i]->scheduler, &old[i]->has_priority, at, err) < 0)
			goto out;
	}
	all = sets ? take_sets_apart("vcpusched", sets, n_old, place_of_vcpu, &def->vcpu.max, &count, at, err) : NULL;
	if (!all)
		goto out;
	for (size_t i = 0; i < count; i++) {
		struct mv_cputune_vcpusched_def *one = mv_conf_copy(&mv_cputune_vcpusched_desc, old[all[i].from], err);

		if (!one)
			goto out;
		/* A set with this number is not shorter than the number, so it fits. */
		mv_cpuset_single(one->vcpus, all[i].id);
		if (mv_conf_append(&t->vcpuscheds, &t->n_vcpuscheds, one, err) < 0) {
			mv_conf_free(&mv_cputune_vcpusched_desc, one);
			goto out;
		}
	}
	ret = 0;
out:
	for (size_t i = 0; i < n_old; i++)
		mv_conf_free(&mv_cputune_vcpusched_desc, old[i]);
	free(old);
	free(sets);
	free(all);
	return ret;
}

/* The same for <iothreadsched>, in the order of the threads. */
static int split_iothreadscheds(struct mv_domain_cputune_def *t, const struct mv_places *places, struct mv_conf_at *at,
				struct mv_error **err)
{
	struct mv_cputune_iothreadsched_def **old = t->iothreadscheds;
	size_t n_old = t->n_iothreadscheds, count = 0;
	const char **sets = calloc(n_old, sizeof(*sets));
	struct mv_sched *all = NULL;
	int ret = -1;

	t->iothreadscheds = NULL;
	t->n_iothreadscheds = 0;
	for (size_t i = 0; sets && i < n_old; i++) {
		sets[i] = old[i]->iothreads;
		if (check_scheduler("iothreadsched", old[i]->scheduler, &old[i]->has_priority, at, err) < 0)
			goto out;
	}
	all = sets ? take_sets_apart("iothreadsched", sets, n_old, place_of_iothread, places, &count, at, err) : NULL;
	if (!all)
		goto out;
	for (size_t i = 0; i < count; i++) {
		struct mv_cputune_iothreadsched_def *one = mv_conf_copy(&mv_cputune_iothreadsched_desc,
									old[all[i].from], err);

		if (!one)
			goto out;
		mv_cpuset_single(one->iothreads, all[i].id);
		if (mv_conf_append(&t->iothreadscheds, &t->n_iothreadscheds, one, err) < 0) {
			mv_conf_free(&mv_cputune_iothreadsched_desc, one);
			goto out;
		}
	}
	ret = 0;
out:
	for (size_t i = 0; i < n_old; i++)
		mv_conf_free(&mv_cputune_iothreadsched_desc, old[i]);
	free(old);
	free(sets);
	free(all);
	return ret;
}

/* Pins and schedulers of iothreads. */
static int check_iothread_tuning(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_cputune_def *t = &def->cputune;
	struct mv_places places;
	int ret = 0;

	if (!t->n_iothreadpins && !t->n_iothreadscheds)
		return 0;
	if (make_places(def, &places, err) < 0)
		return -1;
	if (t->n_iothreadpins)
		ret = sort_iothreadpins(t, &places, at, err);
	if (ret == 0 && t->n_iothreadscheds)
		ret = split_iothreadscheds(t, &places, at, err);
	free(places.all);
	return ret;
}

int mv_domain_check_cputune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_cputune_emulatorsched_def *emulator = &def->cputune.emulatorsched;

	if (!def->cputune.present)
		return 0;
	if (check_shares(&def->cputune, at, err) < 0 || check_vcpupins(def, at, err) < 0)
		return -1;
	if (emulator->present &&
	    check_scheduler("emulatorsched", emulator->scheduler, &emulator->has_priority, at, err) < 0)
		return -1;
	if (def->cputune.n_vcpuscheds && split_vcpuscheds(def, at, err) < 0)
		return -1;
	return check_iothread_tuning(def, at, err);
}
