/* What the test host and its hypervisor can do: a machine with a 32-bit processor, which the host's NUMA cells share.
 */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/capabilities_def.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

/* KiB */
static const unsigned page_sizes[] = { 4, 8, 2048, 1048576 };
#define N_PAGE_SIZES (sizeof(page_sizes) / sizeof(*page_sizes))

/* A new item at the end of a list; NULL: no memory. */
static void *add(void *list, size_t *count, const struct mv_conf_desc *desc, struct mv_error **err)
{
	void *item = mv_conf_new(desc, err);

	if (item && mv_conf_append(list, count, item, err) == 0)
		return item;
	mv_conf_free(desc, item);
	return NULL;
}

static int add_host_cpu(struct mv_host_cpu_def *cpu, struct mv_error **err)
{
	if (mv_conf_init(&mv_host_cpu_desc, cpu, err) < 0 ||
	    mv_conf_init(&mv_host_cpu_features_desc, &cpu->abilities, err) < 0)
		return -1;
	cpu->arch = MV_ARCH_I686;
	cpu->abilities.pae = cpu->abilities.nonpae = true;
	for (size_t i = 0; i < N_PAGE_SIZES; i++) {
		struct mv_host_cpu_pages_def *pages = add(&cpu->pages, &cpu->n_pages, &mv_host_cpu_pages_desc, err);

		if (!pages)
			return -1;
		pages->size = page_sizes[i];
	}
	return 0;
}

/* Each cell has its memory in small pages of a size of its own, and none in large ones. */
static int add_pages(const struct mv_test_cell *from, unsigned id, struct mv_host_cell_def *cell, struct mv_error **err)
{
	const struct {
		uint64_t size, count;
	} all[] = {
		{ page_sizes[id % 2], from->memory / page_sizes[id % 2] },
		{ page_sizes[2], 0 },
		{ page_sizes[3], 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct mv_host_cell_pages_def *pages = add(&cell->pages, &cell->n_pages, &mv_host_cell_pages_desc, err);

		if (!pages)
			return -1;
		pages->size = all[i].size;
		pages->count = all[i].count;
	}
	return 0;
}

static int add_cpus(const struct mv_test_cell *from, unsigned id, unsigned first, struct mv_host_cell_def *cell,
		    struct mv_error **err)
{
	if (mv_conf_init(&mv_host_cell_cpus_desc, &cell->cpus, err) < 0)
		return -1;
	cell->cpus.num = from->cpus;
	for (unsigned i = 0; i < from->cpus; i++) {
		struct mv_host_cell_cpu_def *cpu = add(&cell->cpus.cpus, &cell->cpus.n_cpus, &mv_host_cell_cpu_desc,
						       err);

		if (!cpu)
			return -1;
		cpu->id = first + i;
		cpu->has_socket_id = cpu->has_die_id = cpu->has_core_id = true;
		cpu->socket_id = id;
		cpu->core_id = i;
		if (asprintf(&cpu->siblings, "%u", first + i) < 0) {
			cpu->siblings = NULL;
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for capabilities");
		}
	}
	return 0;
}

static int add_cells(const struct mv_test_host *host, struct mv_host_topology_def *topology, struct mv_error **err)
{
	unsigned first = 0;

	if (mv_conf_init(&mv_host_topology_desc, topology, err) < 0 ||
	    mv_conf_init(&mv_host_cells_desc, &topology->cells, err) < 0)
		return -1;
	topology->cells.num = host->cell_count;
	for (unsigned i = 0; i < host->cell_count; i++) {
		struct mv_host_cell_def *cell = add(&topology->cells.cells, &topology->cells.n_cells,
						    &mv_host_cell_desc, err);

		if (!cell)
			return -1;
		cell->id = i;
		cell->has_memory = true;
		cell->memory = host->cells[i].memory;
		if (add_pages(&host->cells[i], i, cell, err) < 0 || add_cpus(&host->cells[i], i, first, cell, err) < 0)
			return -1;
		first += host->cells[i].cpus;
	}
	return 0;
}

static int add_host(const struct mv_test_host *host, struct mv_host_capabilities_def *caps, struct mv_error **err)
{
	struct mv_host_secmodel_def *model;

	if (mv_conf_init(&mv_host_capabilities_desc, caps, err) < 0 || add_host_cpu(&caps->cpu, err) < 0 ||
	    mv_conf_init(&mv_host_power_management_desc, &caps->power_management, err) < 0 ||
	    add_cells(host, &caps->topology, err) < 0)
		return -1;
	caps->iommu_support = MV_TRI_NO;
	model = add(&caps->secmodels, &caps->n_secmodels, &mv_host_secmodel_desc, err);
	if (!model)
		return -1;
	return mv_test_copy("testSecurity", &model->model, err) < 0 || mv_test_copy("", &model->doi, err) < 0 ? -1 : 0;
}

static int add_guest(struct mv_capabilities_def *caps, enum mv_capability_os_type os, struct mv_error **err)
{
	struct mv_guest_capabilities_def *guest = add(&caps->guests, &caps->n_guests, &mv_guest_capabilities_desc, err);
	struct mv_guest_domain_def *domain;

	if (!guest || mv_conf_init(&mv_guest_arch_desc, &guest->arch, err) < 0 ||
	    mv_conf_init(&mv_guest_features_desc, &guest->features, err) < 0)
		return -1;
	guest->os_type = os;
	guest->arch.name = MV_ARCH_I686;
	guest->arch.wordsize = 32;
	guest->features.pae = guest->features.nonpae = true;
	if (mv_test_copy("/usr/bin/test-hv", &guest->arch.emulator, err) < 0)
		return -1;
	domain = add(&guest->arch.domains, &guest->arch.n_domains, &mv_guest_domain_desc, err);
	if (!domain)
		return -1;
	domain->type = MV_CAPABILITY_DOMAIN_TYPE_TEST;
	return 0;
}

int mv_test_connect_get_capabilities(struct mv_driver *drv, const void *args,
				     struct mv_connect_get_capabilities_ret *ret, struct mv_error **err)
{
	mv_auto(mv_capabilities_def) caps = mv_capabilities_def_new(err);

	(void)args;
	if (!caps || add_host(mv_test_host(drv), &caps->host, err) < 0 ||
	    add_guest(caps, MV_CAPABILITY_OS_TYPE_HVM, err) < 0 || add_guest(caps, MV_CAPABILITY_OS_TYPE_XEN, err) < 0)
		return -1;
	return mv_capabilities_def_format(caps, 0, &ret->capabilities, err);
}
