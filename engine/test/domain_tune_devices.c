/* Tuning parameters of guests' devices: network interfaces and disks. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "conf/domain_disks_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/domain/disks.h"
#include "engine/test/calls.h"
#include "engine/test/domain_tune.h"

/* --- network interfaces --- */

static struct mv_domain_interface_def *find_interface(const struct mv_domain_def *def, const char *name,
						      struct mv_error **err)
{
	uint8_t mac[6];
	bool is_mac = mv_mac_parse(name, mac) == 0;

	for (size_t i = 0; i < def->devices.n_interfaces; i++) {
		struct mv_domain_interface_def *iface = def->devices.interfaces[i];

		if (is_mac ? memcmp(iface->mac, mac, sizeof(mac)) == 0 :
			     iface->target.dev && strcmp(iface->target.dev, name) == 0)
			return iface;
	}
	mv_error_set(err, MV_ERR_INVALID_ARG, "'%s' is not a known interface", name);
	return NULL;
}

static const struct {
	const char *field;
	bool out;
	size_t offset, has_offset;
} rates[] = {
#define RATE(direction, is_out, member)                                                        \
	{                                                                                      \
		direction "." #member, is_out, offsetof(struct mv_bandwidth_rate_def, member), \
			offsetof(struct mv_bandwidth_rate_def, has_##member)                   \
	}
	RATE("inbound", false, average), RATE("inbound", false, peak),    RATE("inbound", false, burst),
	RATE("inbound", false, floor),   RATE("outbound", true, average), RATE("outbound", true, peak),
	RATE("outbound", true, burst),
#undef RATE
};

int mv_test_domain_get_interface_parameters(struct mv_driver *drv,
					    const struct mv_domain_get_interface_parameters_args *args,
					    struct mv_domain_get_interface_parameters_ret *ret, struct mv_error **err)
{
	struct mv_typed_out out = MV_TYPED_OUT(ret);
	const struct mv_domain_interface_def *iface;
	struct mv_domain_def *def;

	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY, "testDomainGetInterfaceParameters",
				err) < 0)
		return -1;
	if (mv_test_only_count(args->nparams, (int32_t)MV_ARRAY_SIZE(rates), &ret->nparams))
		return 0;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY,
			      "testDomainGetInterfaceParameters", NULL, err);
	iface = def ? find_interface(def, args->device, err) : NULL;
	if (!iface)
		return -1;
	for (size_t i = 0; i < MV_ARRAY_SIZE(rates); i++) {
		const struct mv_bandwidth_rate_def *rate = rates[i].out ? &iface->bandwidth.outbound :
									  &iface->bandwidth.inbound;
		const char *base = (const char *)rate;
		bool given = rate->present && *(const bool *)(base + rates[i].has_offset);

		if (mv_typed_add_uint(out, rates[i].field,
				      given ? (uint32_t) * (const uint64_t *)(base + rates[i].offset) : 0, err) < 0)
			return -1;
	}
	mv_test_limit_params(args->nparams, out, &ret->nparams);
	return 0;
}

/* What is set of one direction: nothing (untouched), or another rate, or none. */
static void apply(struct mv_bandwidth_rate_def *to, const struct mv_bandwidth_rate_def *from, bool given)
{
	if (from->average || from->floor) {
		*to = *from;
		to->present = true;
	} else if (given) {
		*to = (struct mv_bandwidth_rate_def){ 0 };
	}
}

int mv_test_domain_set_interface_parameters(struct mv_driver *drv,
					    const struct mv_domain_set_interface_parameters_args *args, void *ret,
					    struct mv_error **err)
{
	struct mv_typed_rule rules[MV_ARRAY_SIZE(rates)];
	struct mv_bandwidth_rate_def in = { 0 }, out = { 0 };
	bool given_in = false, given_out = false;
	struct mv_domain_interface_def *iface;
	struct mv_domain_def *def;

	(void)ret;
	for (size_t i = 0; i < MV_ARRAY_SIZE(rates); i++)
		rules[i] = (struct mv_typed_rule){ rates[i].field, MV_TYPED_UINT };
	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT, "testDomainSetInterfaceParameters", err) < 0 ||
	    mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT, "testDomainSetInterfaceParameters", NULL,
			      err);
	iface = def ? find_interface(def, args->device, err) : NULL;
	if (!iface)
		return -1;
	for (size_t i = 0; i < MV_ARRAY_SIZE(rates); i++) {
		const struct mv_typed_param *p = mv_typed_find(args->params, args->n_params, rates[i].field);
		char *base = (char *)(rates[i].out ? &out : &in);

		if (!p)
			continue;
		*(uint64_t *)(base + rates[i].offset) = p->value.ui;
		*(bool *)(base + rates[i].has_offset) = p->value.ui != 0;
		given_in |= !rates[i].out && (strstr(p->field, "average") || strstr(p->field, "floor"));
		given_out |= rates[i].out && strstr(p->field, "average");
	}
	apply(&iface->bandwidth.inbound, &in, given_in);
	apply(&iface->bandwidth.outbound, &out, given_out);
	iface->bandwidth.present = iface->bandwidth.inbound.present || iface->bandwidth.outbound.present;
	return 0;
}

/* --- disks --- */

#define IOTUNE_MAX 1000000000000000

#define IOTUNE(member)                                               \
	{                                                            \
#member, offsetof(struct mv_disk_iotune_def, member) \
	}
static const struct {
	const char *field;
	size_t offset; /* of a uint64_t, but group_name's */
} iotune_fields[] = {
	IOTUNE(total_bytes_sec),
	IOTUNE(read_bytes_sec),
	IOTUNE(write_bytes_sec),
	IOTUNE(total_iops_sec),
	IOTUNE(read_iops_sec),
	IOTUNE(write_iops_sec),
	IOTUNE(total_bytes_sec_max),
	IOTUNE(read_bytes_sec_max),
	IOTUNE(write_bytes_sec_max),
	IOTUNE(total_iops_sec_max),
	IOTUNE(read_iops_sec_max),
	IOTUNE(write_iops_sec_max),
	IOTUNE(size_iops_sec),
	IOTUNE(group_name),
	IOTUNE(total_bytes_sec_max_length),
	IOTUNE(read_bytes_sec_max_length),
	IOTUNE(write_bytes_sec_max_length),
	IOTUNE(total_iops_sec_max_length),
	IOTUNE(read_iops_sec_max_length),
	IOTUNE(write_iops_sec_max_length),
};
enum { GROUP_NAME = 13 };

static uint64_t *iotune_at(struct mv_disk_iotune_def *tune, size_t i)
{
	return (uint64_t *)((char *)tune + iotune_fields[i].offset);
}

int mv_test_domain_get_block_io_tune(struct mv_driver *drv, const struct mv_domain_get_block_io_tune_args *args,
				     struct mv_domain_get_block_io_tune_ret *ret, struct mv_error **err)
{
	struct mv_typed_out out = MV_TYPED_OUT(ret);
	struct mv_domain_def *def;
	struct mv_disk_def *disk;

	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY, "testDomainGetBlockIoTune", err) < 0)
		return -1;
	if (mv_test_only_count(args->nparams, (int32_t)MV_ARRAY_SIZE(iotune_fields), &ret->nparams))
		return 0;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT | MV_TUNE_STRING_OKAY,
			      "testDomainGetBlockIoTune", NULL, err);
	if (!def)
		return -1;
	disk = mv_domain_disk_find(def, args->disk ? args->disk : "");
	if (!disk)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "disk '%s' was not found in the domain config",
				    args->disk ? args->disk : "");
	for (size_t i = 0; i < MV_ARRAY_SIZE(iotune_fields); i++) {
		if ((i == GROUP_NAME ?
			     mv_typed_add_string(out, "group_name", disk->iotune.group_name, err) :
			     mv_typed_add_ullong(out, iotune_fields[i].field, *iotune_at(&disk->iotune, i), err)) < 0)
			return -1;
	}
	mv_test_limit_params(args->nparams, out, &ret->nparams);
	return 0;
}

static int check_iotune(const struct mv_disk_iotune_def *t, struct mv_error **err)
{
	const struct {
		const char *what;
		uint64_t total, read, write;
	} sums[] = {
		{ "bytes_sec", t->total_bytes_sec, t->read_bytes_sec, t->write_bytes_sec },
		{ "iops_sec", t->total_iops_sec, t->read_iops_sec, t->write_iops_sec },
		{ "bytes_sec_max", t->total_bytes_sec_max, t->read_bytes_sec_max, t->write_bytes_sec_max },
		{ "iops_sec_max", t->total_iops_sec_max, t->read_iops_sec_max, t->write_iops_sec_max },
	};
	struct mv_disk_iotune_def copy = *t;

	for (size_t i = 0; i < MV_ARRAY_SIZE(sums); i++) {
		if (sums[i].total && (sums[i].read || sums[i].write))
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "total and read/write of %s cannot be set at the same time", sums[i].what);
	}
	/* The first six each have a burst six places later. */
	for (size_t i = 0; i < 6; i++) {
		if (*iotune_at(&copy, i) > *iotune_at(&copy, i + 6))
			return mv_error_set(err, MV_ERR_INVALID_ARG, "%s cannot be set higher than %s ",
					    iotune_fields[i].field, iotune_fields[i + 6].field);
	}
	return 0;
}

int mv_test_domain_set_block_io_tune(struct mv_driver *drv, const struct mv_domain_set_block_io_tune_args *args,
				     void *ret, struct mv_error **err)
{
	struct mv_typed_rule rules[MV_ARRAY_SIZE(iotune_fields)];
	struct mv_disk_iotune_def tune;
	struct mv_domain_def *def;
	struct mv_disk_def *disk;
	char *group = NULL;

	(void)ret;
	for (size_t i = 0; i < MV_ARRAY_SIZE(iotune_fields); i++)
		rules[i] = (struct mv_typed_rule){ iotune_fields[i].field,
						   i == GROUP_NAME ? MV_TYPED_STRING : MV_TYPED_ULLONG };
	if (mv_test_check_flags(args->flags, MV_TUNE_IMPACT, "testDomainSetBlockIoTune", err) < 0 ||
	    mv_typed_check(args->params, args->n_params, rules, MV_ARRAY_SIZE(rules), err) < 0)
		return -1;
	def = mv_test_one_def(drv, &args->dom, args->flags, MV_TUNE_IMPACT, "testDomainSetBlockIoTune", NULL, err);
	if (!def)
		return -1;
	disk = mv_domain_disk_find(def, args->disk);
	if (!disk)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "missing persistent configuration for disk '%s'",
				    args->disk);
	tune = disk->iotune;
	for (size_t i = 0; i < MV_ARRAY_SIZE(iotune_fields); i++) {
		const struct mv_typed_param *p = mv_typed_find(args->params, args->n_params, iotune_fields[i].field);

		if (!p || i == GROUP_NAME)
			continue;
		if (p->value.ul > IOTUNE_MAX)
			return mv_error_set(err, MV_ERR_ARGUMENT_UNSUPPORTED,
					    "block I/O throttle limit value must be no more than %lld",
					    (long long)IOTUNE_MAX);
		*iotune_at(&tune, i) = p->value.ul;
	}
	if (check_iotune(&tune, err) < 0)
		return -1;

	const struct mv_typed_param *name = mv_typed_find(args->params, args->n_params, "group_name");
	if (name && name->value.s[0] && mv_test_copy(name->value.s, &group, err) < 0)
		return -1;
	if (name) {
		free(disk->iotune.group_name);
		tune.group_name = group;
	}
	tune.present = true;
	disk->iotune = tune;
	return 0;
}
