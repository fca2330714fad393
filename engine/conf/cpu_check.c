/* What the tables of schema/cpu.lua cannot say about a processor. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdlib.h>
#include <string.h>

#include "conf/cpu_def.h"
#include "engine/conf/cpuset_walk.h"

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static int check_features(struct mv_cpu_def *cpu, struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 0; i < cpu->n_features; i++) {
		struct mv_cpu_feature_def *feature = cpu->features[i];

		if (!feature->name || !*feature->name)
			return mv_conf_fail(at, err, MV_ERR_XML, "a CPU feature has no name.");
		if (feature->policy == MV_CPU_POLICY_NONE)
			feature->policy = MV_CPU_POLICY_REQUIRE;
		for (size_t k = 0; k < i; k++) {
			if (same_text(cpu->features[k]->name, feature->name))
				return mv_conf_fail(at, err, MV_ERR_XML,
						    "CPU feature '%s' is specified more than once.", feature->name);
		}
	}
	return 0;
}

/* A model is written by custom (always) and host-model (when it was given). */
static int check_model(struct mv_cpu_def *cpu, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_cpu_model_def *model = &cpu->model;

	if (model->vendor_id && strlen(model->vendor_id) != 12)
		return mv_conf_fail(at, err, MV_ERR_XML, "the CPU vendor_id '%s' must have exactly 12 characters.",
				    model->vendor_id);
	if (model->vendor_id && strchr(model->vendor_id, ','))
		return mv_conf_fail(at, err, MV_ERR_XML, "the CPU vendor_id '%s' must not have a comma.",
				    model->vendor_id);
	if (cpu->mode == MV_CPU_MODE_HOST_PASSTHROUGH || cpu->mode == MV_CPU_MODE_MAXIMUM) {
		mv_conf_clear(&mv_cpu_model_desc, model);
	} else if (model->name && !*model->name) {
		free(model->name);
		model->name = NULL;
	}
	if (!model->name) {
		if (cpu->vendor)
			return mv_conf_fail(at, err, MV_ERR_XML, "a CPU vendor is given without a CPU model.");
		model->fallback = MV_CPU_FALLBACK_NONE;
		return 0;
	}
	if (model->fallback == MV_CPU_FALLBACK_NONE)
		model->fallback = MV_CPU_FALLBACK_ALLOW;
	return 0;
}

int mv_cpu_check(struct mv_cpu_def *cpu, struct mv_conf_at *at, struct mv_error **err)
{
	if (cpu->migratable != MV_TRI_NONE && cpu->mode != MV_CPU_MODE_HOST_PASSTHROUGH &&
	    cpu->mode != MV_CPU_MODE_MAXIMUM)
		return mv_conf_fail(
			at, err, MV_ERR_CONFIG_UNSUPPORTED,
			"the attribute migratable is only possible with the CPU modes host-passthrough and maximum.");
	if (check_model(cpu, at, err) < 0 || check_features(cpu, at, err) < 0)
		return -1;
	if (cpu->mode == MV_CPU_MODE_NONE || cpu->mode == MV_CPU_MODE_CUSTOM) {
		bool model = cpu->model.name != NULL;

		if (!model && cpu->n_features > 0)
			return mv_conf_fail(at, err, MV_ERR_XML, "CPU features are given without a CPU model.");
		if (!model && cpu->check != MV_CPU_CHECK_NONE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the attribute check is given for a CPU without a model.");
		if (!model)
			mv_conf_clear(&mv_cpu_model_desc, &cpu->model);
		cpu->mode = model ? MV_CPU_MODE_CUSTOM : MV_CPU_MODE_NONE;
		if (!model)
			cpu->match = MV_CPU_MATCH_NONE;
		else if (cpu->match == MV_CPU_MATCH_NONE)
			cpu->match = MV_CPU_MATCH_EXACT;
	} else {
		cpu->match = MV_CPU_MATCH_NONE;
	}
	return 0;
}

/* --- NUMA ------------------------------------------------------------------------------------------------------------
 */

static int by_cell_id(const void *a, const void *b)
{
	const struct mv_numa_cell_def *x = *(struct mv_numa_cell_def *const *)a,
				      *y = *(struct mv_numa_cell_def *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Cells without a number get that of their place. Numbers then are 0 to count - 1, each once. */
static int number_cells(struct mv_cpu_numa_def *numa, struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 0; i < numa->n_cells; i++) {
		if (!numa->cells[i]->has_id)
			numa->cells[i]->id = (unsigned)i;
		numa->cells[i]->has_id = true;
		if (numa->cells[i]->id >= numa->n_cells)
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"NUMA cell %u is out of range: the numbers of %zu cells are 0 to %zu, each once.",
				numa->cells[i]->id, numa->n_cells, numa->n_cells - 1);
	}
	qsort(numa->cells, numa->n_cells, sizeof(void *), by_cell_id);
	for (size_t i = 1; i < numa->n_cells; i++) {
		if (numa->cells[i]->id == numa->cells[i - 1]->id)
			return mv_conf_fail(at, err, MV_ERR_XML, "NUMA cell %u is described twice.",
					    numa->cells[i]->id);
	}
	return 0;
}

/* Distances as a square, 0 where none is known. */
static int read_distances(const struct mv_cpu_numa_def *numa, unsigned *distances, struct mv_conf_at *at,
			  struct mv_error **err)
{
	size_t n = numa->n_cells;

	for (size_t i = 0; i < n; i++) {
		const struct mv_numa_distances_def *d = &numa->cells[i]->distances;

		for (size_t k = 0; k < d->n_siblings; k++) {
			unsigned to = d->siblings[k]->id, value = d->siblings[k]->value;

			if (to >= n)
				return mv_conf_fail(at, err, MV_ERR_XML,
						    "NUMA cell %zu has a distance to cell %u, which is not there.", i,
						    to);
			if ((to == i) != (value == 10))
				return mv_conf_fail(
					at, err, MV_ERR_XML,
					"the distance %u of NUMA cell %zu to cell %u is not possible: it is 10 to itself, more to others.",
					value, i, to);
			if (distances[i * n + to])
				return mv_conf_fail(at, err, MV_ERR_XML, "NUMA cell %zu has two distances to cell %u.",
						    i, to);
			distances[i * n + to] = value;
		}
	}
	return 0;
}

static int write_distances(struct mv_numa_cell_def *cell, const unsigned *distances, size_t n, struct mv_error **err)
{
	mv_conf_clear(&mv_numa_distances_desc, &cell->distances);
	if (mv_conf_init(&mv_numa_distances_desc, &cell->distances, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct mv_numa_distance_def *sibling;

		if (!distances[i])
			continue;
		sibling = mv_conf_new(&mv_numa_distance_desc, err);
		if (!sibling)
			return -1;
		sibling->id = (unsigned)i;
		sibling->value = distances[i];
		if (mv_conf_append(&cell->distances.siblings, &cell->distances.n_siblings, sibling, err) < 0) {
			mv_conf_free(&mv_numa_distance_desc, sibling);
			return -1;
		}
	}
	return 0;
}

/* A distance holds for the way back too, when that has none of its own; a cell that has one to others has one to
 * itself. */
static int complete_distances(struct mv_cpu_numa_def *numa, struct mv_conf_at *at, struct mv_error **err)
{
	size_t n = numa->n_cells;
	unsigned *distances;
	bool any = false;
	int ret = -1;

	for (size_t i = 0; i < n; i++)
		any |= numa->cells[i]->distances.n_siblings > 0;
	if (!any)
		return 0;
	if (n > 1024)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "distances between more than 1024 NUMA cells are not possible.");
	distances = calloc(n * n, sizeof(*distances));
	if (!distances)
		return mv_error_set(err, MV_ERR_NO_MEMORY,
				    "There is no memory left for the distances of %zu NUMA cells.", n);
	if (read_distances(numa, distances, at, err) < 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			if (!distances[i * n + k] || i == k)
				continue;
			if (!distances[k * n + i])
				distances[k * n + i] = distances[i * n + k];
			distances[i * n + i] = distances[k * n + k] = 10;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (write_distances(numa->cells[i], distances + i * n, n, err) < 0)
			goto out;
		if (numa->cells[i]->distances.n_siblings == 0)
			mv_conf_clear(&mv_numa_distances_desc, &numa->cells[i]->distances);
	}
	ret = 0;
out:
	free(distances);
	return ret;
}

int mv_cpu_numa_check(struct mv_cpu_numa_def *numa, struct mv_conf_at *at, struct mv_error **err)
{
	if (numa->n_cells == 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "a NUMA topology has no cells.");
	if (number_cells(numa, at, err) < 0)
		return -1;
	for (size_t i = 0; i < numa->n_cells; i++) {
		for (size_t k = 0; k < i; k++) {
			if (mv_cpuset_overlap(numa->cells[i]->cpus, numa->cells[k]->cpus))
				return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
						    "NUMA cells %zu and %zu share vCPUs ('%s' and '%s').", i, k,
						    numa->cells[i]->cpus, numa->cells[k]->cpus);
		}
	}
	return complete_distances(numa, at, err);
}

/* libvirt reads the size of a cache line as a plain number of bytes, whatever unit is there. */
int mv_numa_cache_line_check(struct mv_numa_cache_line_def *line, struct mv_conf_at *at, struct mv_error **err)
{
	char *bytes = strdup("B");

	(void)at;
	if (!bytes)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for a NUMA cache.");
	free(line->unit);
	line->unit = bytes;
	return 0;
}
