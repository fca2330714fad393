/* Processors by name. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "engine/conf/cpu_map.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

#define EXPAND_FEATURES 1u /* VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES */

int mv_test_connect_get_cpu_model_names(struct mv_driver *drv, const struct mv_connect_get_cpu_model_names_args *args,
					struct mv_connect_get_cpu_model_names_ret *ret, struct mv_error **err)
{
	int arch = mv_conf_word_value(&mv_arch_enum, args->arch);
	char **names = NULL;
	size_t count = 0;

	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testConnectGetCPUModelNames", err) < 0)
		return -1;
	if (arch <= 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "cannot find architecture %s", args->arch);
	if (mv_cpu_model_names((enum mv_arch)arch, &names, &count, err) < 0)
		return -1;
	ret->ret = (int32_t)count;
	if (args->need_results) {
		ret->models = names;
		ret->n_models = count;
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return 0;
}

int mv_test_connect_baseline_cpu(struct mv_driver *drv, const struct mv_connect_baseline_cpu_args *args,
				 struct mv_connect_baseline_cpu_ret *ret, struct mv_error **err)
{
	mv_auto(mv_cpu_def) result = NULL;
	struct mv_cpu_def **cpus;
	int status = -1;

	(void)drv;
	if (mv_test_check_flags(args->flags, EXPAND_FEATURES, "testConnectBaselineCPU", err) < 0)
		return -1;
	cpus = calloc(args->n_xmlCPUs + 1, sizeof(void *));
	if (!cpus)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for descriptions of processors");
	for (size_t i = 0; i < args->n_xmlCPUs; i++) {
		if (mv_cpu_def_parse(args->xmlCPUs[i], 0, NULL, &cpus[i], err) < 0)
			goto out;
	}
	if (mv_cpu_baseline(cpus, args->n_xmlCPUs, args->flags & EXPAND_FEATURES, &result, err) == 0)
		status = mv_cpu_def_format(result, 0, &ret->cpu, err);
out:
	for (size_t i = 0; i < args->n_xmlCPUs; i++)
		mv_cpu_def_free(cpus[i]);
	free(cpus);
	return status;
}
