/* <cachetune> and <memorytune>: parts of caches and of memory bandwidth for groups of vCPUs. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/cpuset_walk.h"
#include "engine/conf/domain_tune.h"

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
		qsort(tune->caches, tune->n_caches, sizeof(void *), by_level_type_id);
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
		qsort(tune->nodes, tune->n_nodes, sizeof(void *), by_node_id);
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

/* What the kernel's group of these vCPUs is called while the guest runs. */
static int fill_id(char **id, const char *vcpus, struct mv_error **err)
{
	if (*id || asprintf(id, "vcpus_%s", vcpus) >= 0)
		return 0;
	*id = NULL;
	return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for the definition of a domain.");
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
		if (fill_id(&tune->id, tune->vcpus, err) < 0 || check_caches(tune, at, err) < 0 ||
		    check_group(t, tune->vcpus, i, SIZE_MAX, at, err) < 0)
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
		if (fill_id(&tune->id, tune->vcpus, err) < 0 || check_nodes(tune, at, err) < 0 ||
		    check_group(t, tune->vcpus, t->n_cachetunes, i, at, err) < 0)
			return -1;
		for (size_t k = 0; k < tune->n_monitors; k++) {
			mv_cpuset_limit(&tune->monitors[k]->vcpus, def->vcpu.max);
			if (!mv_cpuset_contains(tune->vcpus, tune->monitors[k]->vcpus))
				return outside("memorytune", tune->vcpus, tune->monitors[k]->vcpus, at, err);
		}
	}
	return 0;
}
