/* <vcpu>, <vcpus>, <numatune>, <blkiotune> and memory. */
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
	qsort(vcpus->vcpus, vcpus->n_vcpus, sizeof(void *), by_vcpu_id);
	return 0;
}

/* The order in which vCPUs are plugged in: each number once, none above that of vCPUs that are on. */
static int check_orders(const struct mv_domain_vcpus_def *vcpus, unsigned enabled, struct mv_conf_at *at,
			struct mv_error **err)
{
	unsigned *owners = calloc(enabled + 1, sizeof(*owners)); /* [order]: the vCPU's number, and 1 */
	int ret = -1;

	if (!owners)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for %u vCPUs.", enabled);
	for (size_t i = 0; i < vcpus->n_vcpus; i++) {
		unsigned order = vcpus->vcpus[i]->order;

		if (order > enabled) {
			mv_conf_fail(at, err, MV_ERR_XML,
				     "the order %u of vCPU %zu is more than the %u vCPUs that are on.", order, i,
				     enabled);
			goto out;
		}
		if (order && owners[order]) {
			mv_conf_fail(at, err, MV_ERR_XML, "the vCPUs %u and %zu have the same order, %u.",
				     owners[order] - 1, i, order);
			goto out;
		}
		owners[order] = (unsigned)i + 1;
	}
	ret = 0;
out:
	free(owners);
	return ret;
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
	qsort(vcpus->vcpus, vcpus->n_vcpus, sizeof(void *), by_vcpu_id);
	for (size_t i = 1; i < vcpus->n_vcpus; i++) {
		if (vcpus->vcpus[i]->id == vcpus->vcpus[i - 1]->id)
			return mv_conf_fail(at, err, MV_ERR_XML, "the vCPU %u is there twice in <vcpus>.",
					    vcpus->vcpus[i]->id);
	}
	if (fill_vcpus(vcpus, max, err) < 0)
		return -1;
	if (check_orders(vcpus, enabled, at, err) < 0)
		return -1;
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
	qsort(tune->memnodes, tune->n_memnodes, sizeof(void *), by_cellid);
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
