#include "engine/api/check.h"

#include <inttypes.h>
#include <string.h>

enum rule_kind {
	NOT_NULL,     /* text that the wire lets be absent */
	NOT_EMPTY,    /* nor empty */
	NOT_ZERO,     /* a number */
	POSITIVE,     /* a number, or how many items or bytes there are */
	NOT_NEGATIVE, /* a number */
	EXCLUSIVE,    /* the flags a and b */
	REQUIRES,     /* the flag b requires the flag a */
};

struct rule {
	enum mv_call_id call;
	enum rule_kind kind;
	const char *name;  /* of the argument; of the flag a */
	const char *other; /* of the flag b; what libvirt calls the argument when that is another name */
	uint32_t a, b;
};

/* Flags that many have. */
#define LIVE_OR_CONFIG EXCLUSIVE, .name = "VIR_DOMAIN_AFFECT_LIVE", .a = 1, .other = "VIR_DOMAIN_AFFECT_CONFIG", .b = 2
#define RUNNING_OR_PAUSED \
	EXCLUSIVE, .name = "VIR_DOMAIN_SAVE_RUNNING", .a = 2, .other = "VIR_DOMAIN_SAVE_PAUSED", .b = 4
#define CRASH_OR_LIVE EXCLUSIVE, .name = "VIR_DUMP_CRASH", .a = 1, .other = "VIR_DUMP_LIVE", .b = 2
#define CRASH_OR_RESET EXCLUSIVE, .name = "VIR_DUMP_CRASH", .a = 1, .other = "VIR_DUMP_RESET", .b = 8
#define LIVE_OR_RESET EXCLUSIVE, .name = "VIR_DUMP_LIVE", .a = 2, .other = "VIR_DUMP_RESET", .b = 8

static const struct rule rules[] = {
	{ MV_CALL_CONNECT_LIST_DOMAINS, NOT_NEGATIVE, .name = "maxids" },
	{ MV_CALL_CONNECT_LIST_DEFINED_DOMAINS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_NETWORKS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_DEFINED_NETWORKS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_STORAGE_POOLS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_DEFINED_STORAGE_POOLS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_INTERFACES, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_DEFINED_INTERFACES, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_CONNECT_LIST_SECRETS, NOT_NEGATIVE, .name = "maxuuids" },
	{ MV_CALL_CONNECT_LIST_NWFILTERS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_STORAGE_POOL_LIST_VOLUMES, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_NODE_LIST_DEVICES, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_NODE_DEVICE_LIST_CAPS, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_DOMAIN_SNAPSHOT_LIST_NAMES, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_DOMAIN_SNAPSHOT_LIST_CHILDREN_NAMES, NOT_NEGATIVE, .name = "maxnames" },
	{ MV_CALL_NODE_GET_CELLS_FREE_MEMORY, POSITIVE, .name = "maxcells", .other = "maxCells" },

	{ MV_CALL_DOMAIN_SET_MEMORY, NOT_ZERO, .name = "memory" },
	{ MV_CALL_DOMAIN_SET_MEMORY_FLAGS, NOT_ZERO, .name = "memory" },
	{ MV_CALL_DOMAIN_SET_MAX_MEMORY, NOT_ZERO, .name = "memory" },
	{ MV_CALL_DOMAIN_SET_VCPUS, NOT_ZERO, .name = "nvcpus" },
	{ MV_CALL_DOMAIN_SET_VCPUS_FLAGS, REQUIRES, .name = "VIR_DOMAIN_AFFECT_CONFIG", .a = 2,
	  .other = "VIR_DOMAIN_VCPU_MAXIMUM", .b = 4 },
	{ MV_CALL_DOMAIN_SET_VCPUS_FLAGS, EXCLUSIVE, .name = "VIR_DOMAIN_VCPU_GUEST", .a = 8,
	  .other = "VIR_DOMAIN_AFFECT_CONFIG", .b = 2 },
	{ MV_CALL_DOMAIN_SET_VCPUS_FLAGS, NOT_ZERO, .name = "nvcpus" },
	{ MV_CALL_DOMAIN_GET_VCPUS_FLAGS, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_MEMORY_PARAMETERS, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_NUMA_PARAMETERS, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_BLKIO_PARAMETERS, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_INTERFACE_PARAMETERS, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_BLOCK_IO_TUNE, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_VCPU_PIN_INFO, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_EMULATOR_PIN_INFO, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_IOTHREAD_INFO, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_GET_METADATA, LIVE_OR_CONFIG },
	{ MV_CALL_DOMAIN_SET_MEMORY_PARAMETERS, POSITIVE, .name = "params", .other = "nparams" },
	{ MV_CALL_DOMAIN_SET_NUMA_PARAMETERS, POSITIVE, .name = "params", .other = "nparams" },
	{ MV_CALL_DOMAIN_SET_BLKIO_PARAMETERS, POSITIVE, .name = "params", .other = "nparams" },
	{ MV_CALL_DOMAIN_SET_INTERFACE_PARAMETERS, POSITIVE, .name = "params", .other = "nparams" },
	{ MV_CALL_DOMAIN_SET_BLOCK_IO_TUNE, POSITIVE, .name = "params", .other = "nparams" },
	{ MV_CALL_DOMAIN_PIN_VCPU, POSITIVE, .name = "cpumap", .other = "maplen" },
	{ MV_CALL_DOMAIN_PIN_VCPU_FLAGS, POSITIVE, .name = "cpumap", .other = "maplen" },
	{ MV_CALL_DOMAIN_PIN_EMULATOR, POSITIVE, .name = "cpumap", .other = "maplen" },
	{ MV_CALL_DOMAIN_PIN_IOTHREAD, POSITIVE, .name = "cpumap", .other = "maplen" },
	{ MV_CALL_DOMAIN_DEL_IOTHREAD, NOT_ZERO, .name = "iothread_id" },
	{ MV_CALL_DOMAIN_SEND_KEY, POSITIVE, .name = "keycodes", .other = "nkeycodes" },
	{ MV_CALL_DOMAIN_RENAME, NOT_EMPTY, .name = "new_name" },
	{ MV_CALL_DOMAIN_SET_USER_PASSWORD, NOT_NULL, .name = "user" },
	{ MV_CALL_DOMAIN_SET_USER_PASSWORD, NOT_NULL, .name = "password" },

	{ MV_CALL_DOMAIN_SAVE_FLAGS, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_SAVE_PARAMS, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_RESTORE_FLAGS, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_RESTORE_PARAMS, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_SAVE_IMAGE_DEFINE_XML, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_MANAGED_SAVE, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_MANAGED_SAVE_DEFINE_XML, RUNNING_OR_PAUSED },
	{ MV_CALL_DOMAIN_CORE_DUMP, CRASH_OR_LIVE },
	{ MV_CALL_DOMAIN_CORE_DUMP, CRASH_OR_RESET },
	{ MV_CALL_DOMAIN_CORE_DUMP, LIVE_OR_RESET },
	{ MV_CALL_DOMAIN_CORE_DUMP_WITH_FORMAT, CRASH_OR_LIVE },
	{ MV_CALL_DOMAIN_CORE_DUMP_WITH_FORMAT, CRASH_OR_RESET },
	{ MV_CALL_DOMAIN_CORE_DUMP_WITH_FORMAT, LIVE_OR_RESET },

	{ MV_CALL_DOMAIN_SNAPSHOT_CREATE_XML, REQUIRES, .name = "VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE", .a = 1,
	  .other = "VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT", .b = 2 },
	{ MV_CALL_DOMAIN_SNAPSHOT_CREATE_XML, EXCLUSIVE, .name = "VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE", .a = 1,
	  .other = "VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA", .b = 4 },
	{ MV_CALL_DOMAIN_SNAPSHOT_CREATE_XML, EXCLUSIVE, .name = "VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE", .a = 1,
	  .other = "VIR_DOMAIN_SNAPSHOT_CREATE_HALT", .b = 8 },
	{ MV_CALL_DOMAIN_REVERT_TO_SNAPSHOT, EXCLUSIVE, .name = "VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING", .a = 1,
	  .other = "VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED", .b = 2 },
	{ MV_CALL_DOMAIN_SNAPSHOT_DELETE, EXCLUSIVE, .name = "VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN", .a = 1,
	  .other = "VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY", .b = 4 },
	{ MV_CALL_DOMAIN_CHECKPOINT_CREATE_XML, REQUIRES, .name = "VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE", .a = 1,
	  .other = "VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE", .b = 4 },
	{ MV_CALL_DOMAIN_CHECKPOINT_CREATE_XML, EXCLUSIVE, .name = "VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE", .a = 1,
	  .other = "VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE", .b = 2 },
	{ MV_CALL_DOMAIN_CHECKPOINT_DELETE, EXCLUSIVE, .name = "VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN", .a = 1,
	  .other = "VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY", .b = 4 },
	{ MV_CALL_DOMAIN_MEMORY_PEEK, EXCLUSIVE, .name = "VIR_MEMORY_VIRTUAL", .a = 1, .other = "VIR_MEMORY_PHYSICAL",
	  .b = 2 },
};

static const struct mv_wire_field *find_field(const struct mv_call_desc *desc, const char *name)
{
	for (uint32_t i = 0; desc->args && i < desc->args->field_count; i++) {
		if (strcmp(desc->args->fields[i].name, name) == 0)
			return &desc->args->fields[i];
	}
	return NULL;
}

int64_t mv_argument(const struct mv_call_desc *desc, const void *args, const char *name)
{
	const struct mv_wire_field *field = find_field(desc, name);
	const char *at = field ? (const char *)args + field->offset : NULL;

	if (!field)
		return 0;
	if (field->array)
		return (int64_t) * (const size_t *)((const char *)args + field->count_offset);
	switch (field->kind) {
	case MV_WIRE_INT: return *(const int32_t *)at;
	case MV_WIRE_UINT: return *(const uint32_t *)at;
	case MV_WIRE_HYPER:
	case MV_WIRE_UHYPER: return *(const int64_t *)at;
	case MV_WIRE_BLOB: return (int64_t)((const struct mv_blob *)at)->size;
	default: return 0;
	}
}

static const char *text_argument(const struct mv_call_desc *desc, const void *args, const char *name)
{
	const struct mv_wire_field *field = find_field(desc, name);

	return field && field->kind == MV_WIRE_STRING ? *(char *const *)((const char *)args + field->offset) : NULL;
}

#define refuse(desc, err, ...) mv_error_set_full(err, (desc)->error_domain, MV_ERR_INVALID_ARG, 0, __VA_ARGS__)

static int check_rule(const struct mv_call_desc *desc, const struct rule *rule, const void *args, struct mv_error **err)
{
	const char *name = rule->other ? rule->other : rule->name;
	const char *text = text_argument(desc, args, rule->name);
	int64_t value = mv_argument(desc, args, rule->name);
	uint64_t flags = (uint64_t)mv_argument(desc, args, "flags");

	switch (rule->kind) {
	case NOT_EMPTY:
		if (text && !*text)
			return refuse(desc, err, "string %s in %s must not be empty", name, desc->function);
		/* fallthrough */
	case NOT_NULL:
		if (!text)
			return refuse(desc, err, "%s in %s must not be NULL", name, desc->function);
		break;
	case NOT_ZERO:
		if (!value)
			return refuse(desc, err, "%s in %s must not be zero", name, desc->function);
		break;
	case POSITIVE:
		if (value <= 0)
			return refuse(desc, err, "%s in %s must be greater than zero", name, desc->function);
		break;
	case NOT_NEGATIVE:
		if (value < 0)
			return refuse(desc, err, "%s in %s must be zero or greater", name, desc->function);
		break;
	case EXCLUSIVE:
		if ((flags & rule->a) && (flags & rule->b))
			return refuse(desc, err, "Flags '%s' and '%s' are mutually exclusive", rule->name, rule->other);
		break;
	case REQUIRES:
		if ((flags & rule->b) && !(flags & rule->a))
			return refuse(desc, err, "Flag '%s' is required by flag '%s'", rule->name, rule->other);
		break;
	}
	return 0;
}

/* What depends on another argument. */
static int check_metadata(const struct mv_call_desc *desc, const void *args, bool set, struct mv_error **err)
{
	enum { DESCRIPTION, TITLE, ELEMENT };
	const char *metadata = text_argument(desc, args, "metadata");
	const char *key = text_argument(desc, args, "key");
	const char *uri = text_argument(desc, args, "uri");

	switch (mv_argument(desc, args, "type")) {
	case TITLE:
		if (metadata && strchr(metadata, '\n'))
			return refuse(desc, err, "metadata title can't contain newlines");
		/* fallthrough */
	case DESCRIPTION:
		if (uri)
			return refuse(desc, err, "uri in %s must be NULL", desc->function);
		if (key)
			return refuse(desc, err, "key in %s must be NULL", desc->function);
		break;
	case ELEMENT:
		if (!uri)
			return refuse(desc, err, "uri in %s must not be NULL", desc->function);
		if (set && metadata && !key)
			return refuse(desc, err, "key in %s must not be NULL", desc->function);
		break;
	default: break; /* the driver says which it knows */
	}
	return 0;
}

static int check_cpu_stats(const struct mv_call_desc *desc, const void *args, struct mv_error **err)
{
	const struct mv_domain_get_cpu_stats_args *a = args;

	if (a->start_cpu < -1)
		return refuse(desc, err, "start_cpu in %s must be zero or greater", desc->function);
	if (a->start_cpu == -1 && a->ncpus != 1)
		return refuse(desc, err, "ncpus must be 1 when start_cpu is -1");
	return 0;
}

int mv_call_check(enum mv_call_id call, const void *args, struct mv_error **err)
{
	const struct mv_call_desc *desc = &mv_call_descs[call];

	for (size_t i = 0; i < MV_ARRAY_SIZE(rules); i++) {
		if (rules[i].call == call && check_rule(desc, &rules[i], args, err) < 0)
			return -1;
	}
	switch (call) {
	case MV_CALL_DOMAIN_SET_METADATA: return check_metadata(desc, args, true, err);
	case MV_CALL_DOMAIN_GET_METADATA: return check_metadata(desc, args, false, err);
	case MV_CALL_DOMAIN_GET_CPU_STATS: return check_cpu_stats(desc, args, err);
	case MV_CALL_DOMAIN_CORE_DUMP_WITH_FORMAT:
		if (mv_argument(desc, args, "dumpformat") > 4)
			return refuse(desc, err, "dumpformat '%" PRId64 "' is not supported",
				      mv_argument(desc, args, "dumpformat"));
		return 0;
	case MV_CALL_DOMAIN_MEMORY_PEEK:
		if (!(mv_argument(desc, args, "flags") & 3))
			return refuse(desc, err, "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
		return 0;
	case MV_CALL_STORAGE_VOL_RESIZE: /* 2: delta, 4: shrink */
		if (!mv_argument(desc, args, "capacity") && !(mv_argument(desc, args, "flags") & 6))
			return refuse(desc, err, "capacity in %s cannot be zero without 'delta' or 'shrink' flags set",
				      desc->function);
		return 0;
	default: return 0;
	}
}
