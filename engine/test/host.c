/* The test host's hardware: processors, memory, firmware. Nothing of it changes. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "engine/test/calls.h"
#include "engine/test/driver.h"

#define MAX_VCPUS 32
#define CPUS_PRESENT 8
#define CPUS_ONLINE 0x15 /* processors 0, 2 and 4 */
#define N_CPU_STATS 4
#define INITIAL_PAGES 6

int mv_test_connect_get_max_vcpus(struct mv_driver *drv, const struct mv_connect_get_max_vcpus_args *args,
				  struct mv_connect_get_max_vcpus_ret *ret, struct mv_error **err)
{
	(void)drv;
	(void)args;
	(void)err;
	ret->max_vcpus = MAX_VCPUS;
	return 0;
}

int mv_test_node_get_info(struct mv_driver *drv, const void *args, struct mv_node_get_info_ret *ret,
			  struct mv_error **err)
{
	const struct mv_test_host *host = mv_test_host(drv);

	(void)args;
	(void)err;
	memcpy(ret->model, host->model, sizeof(ret->model));
	ret->memory = host->memory;
	ret->cpus = host->cpus;
	ret->mhz = host->mhz;
	ret->nodes = host->nodes;
	ret->sockets = host->sockets;
	ret->cores = host->cores;
	ret->threads = host->threads;
	return 0;
}

int mv_test_node_get_cpu_map(struct mv_driver *drv, const struct mv_node_get_cpu_map_args *args,
			     struct mv_node_get_cpu_map_ret *ret, struct mv_error **err)
{
	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testNodeGetCPUMap", err) < 0)
		return -1;
	ret->ret = CPUS_PRESENT;
	if (args->need_online)
		ret->online = (uint32_t)__builtin_popcount(CPUS_ONLINE);
	if (!args->need_map)
		return 0;
	ret->cpumap.data = malloc(1);
	if (!ret->cpumap.data)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a map of processors");
	*(uint8_t *)ret->cpumap.data = CPUS_ONLINE;
	ret->cpumap.size = 1;
	return 0;
}

/* Nanoseconds since some start. As everywhere in this interface, a caller first asks how many there are (0). */
int mv_test_node_get_cpu_stats(struct mv_driver *drv, const struct mv_node_get_cpu_stats_args *args,
			       struct mv_node_get_cpu_stats_ret *ret, struct mv_error **err)
{
	static const struct {
		const char *name;
		uint64_t value;
	} stats[N_CPU_STATS] = {
		{ "user", 9797400000 },
		{ "kernel", 34678723400000 },
		{ "idle", 87264900000 },
		{ "iowait", 763600000 },
	};

	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testNodeGetCPUStats", err) < 0)
		return -1;
	if (args->cpuNum < -1)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "cpuNum in virNodeGetCPUStats only accepts -1 as a negative value");
	ret->nparams = N_CPU_STATS;
	if (args->nparams == 0)
		return 0;
	if (args->nparams < 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "nparams in virNodeGetCPUStats must be zero or greater");
	ret->params = calloc(N_CPU_STATS, sizeof(*ret->params));
	if (!ret->params)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for statistics");
	for (; ret->n_params < N_CPU_STATS && ret->n_params < (size_t)args->nparams; ret->n_params++) {
		struct mv_node_get_cpu_stats *param = &ret->params[ret->n_params];

		param->value = stats[ret->n_params].value;
		if (mv_test_copy(stats[ret->n_params].name, &param->field, err) < 0)
			return -1;
	}
	ret->nparams = (int32_t)ret->n_params;
	return 0;
}

/* Bytes. libvirt's driver takes its cells' numbers, which elsewhere are KiB, as bytes; so do we. */
int mv_test_node_get_free_memory(struct mv_driver *drv, const void *args, struct mv_node_get_free_memory_ret *ret,
				 struct mv_error **err)
{
	const struct mv_test_host *host = mv_test_host(drv);

	(void)args;
	(void)err;
	for (unsigned i = 0; i < host->cell_count; i++)
		ret->freeMem += host->cells[i].free;
	return 0;
}

int mv_test_node_get_cells_free_memory(struct mv_driver *drv, const struct mv_node_get_cells_free_memory_args *args,
				       struct mv_node_get_cells_free_memory_ret *ret, struct mv_error **err)
{
	const struct mv_test_host *host = mv_test_host(drv);

	if (args->startCell < 0 || args->maxcells <= 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    args->startCell < 0 ?
					    "startCell in virNodeGetCellsFreeMemory must be zero or greater" :
					    "maxCells in virNodeGetCellsFreeMemory must be greater than zero");
	if ((unsigned)args->startCell >= host->cell_count)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Range exceeds available cells");
	ret->cells = calloc(host->cell_count, sizeof(*ret->cells));
	if (!ret->cells)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the memory of cells");
	for (unsigned i = (unsigned)args->startCell; i < host->cell_count && ret->n_cells < (size_t)args->maxcells; i++)
		ret->cells[ret->n_cells++] = host->cells[i].memory;
	return 0;
}

/* Numbers that are told apart, for any page size and cell. */
int mv_test_node_get_free_pages(struct mv_driver *drv, const struct mv_node_get_free_pages_args *args,
				struct mv_node_get_free_pages_ret *ret, struct mv_error **err)
{
	size_t count = args->n_pages * args->cellCount;
	uint64_t pages = INITIAL_PAGES;

	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testNodeGetFreePages", err) < 0)
		return -1;
	if (count == 0 || args->cellCount > 1024 || args->n_pages > 1024)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Free pages are asked for %zu page sizes in %u cells",
				    args->n_pages, args->cellCount);
	ret->counts = calloc(count, sizeof(*ret->counts));
	if (!ret->counts)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for free pages");
	while (ret->n_counts < count) {
		pages = pages * 2 + 7;
		ret->counts[ret->n_counts++] = pages;
	}
	return 0;
}

int mv_test_connect_get_sysinfo(struct mv_driver *drv, const struct mv_connect_get_sysinfo_args *args,
				struct mv_connect_get_sysinfo_ret *ret, struct mv_error **err)
{
	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testConnectGetSysinfo", err) < 0)
		return -1;
	return mv_test_copy("<sysinfo type='smbios'>\n"
			    "  <bios>\n"
			    "    <entry name='vendor'>LENOVO</entry>\n"
			    "    <entry name='version'>G4ETA1WW (2.61 )</entry>\n"
			    "    <entry name='date'>05/07/2014</entry>\n"
			    "    <entry name='release'>2.61</entry>\n"
			    "  </bios>\n"
			    "</sysinfo>\n",
			    &ret->sysinfo, err);
}

int mv_test_node_get_security_model(struct mv_driver *drv, const void *args, struct mv_node_get_security_model_ret *ret,
				    struct mv_error **err)
{
	static const char model[] = "testSecurity";

	(void)drv;
	(void)args;
	ret->model.data = strdup(model);
	ret->doi.data = strdup("");
	if (!ret->model.data || !ret->doi.data)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the security model");
	ret->model.size = strlen(model);
	return 0;
}
