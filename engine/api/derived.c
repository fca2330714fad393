/* Four tables of calls that follow from others, each with one function that does it by the calls' descriptions. */
#include "engine/api/derived.h"

#include <stdlib.h>
#include <string.h>

#include "engine/api/conn.h"
#include "engine/conf/uuid.h"

#define LIB_VERSION 9000000 /* of the interface: libvirt 9.0.0 */

/* Of virDomainModificationImpact and its like, virConnectListAll...Flags, virDomainVcpuFlags, ... */
#define AFFECT_LIVE 1
#define VCPU_MAXIMUM 4
#define MEM_MAXIMUM 4
#define DOMAINS_ACTIVE 1
#define DOMAINS_INACTIVE 2
#define DOMAINS_PERSISTENT 4
#define OTHERS_INACTIVE 1 /* networks, pools, interfaces */
#define OTHERS_ACTIVE 2
#define OTHERS_PERSISTENT 4

/* --- fields --- */

static const struct mv_wire_field *find_field(const struct mv_wire_struct *desc, const char *name)
{
	for (uint32_t i = 0; desc && i < desc->field_count; i++) {
		if (strcmp(desc->fields[i].name, name) == 0)
			return &desc->fields[i];
	}
	return NULL;
}

static void *at(const struct mv_wire_field *field, const void *data)
{
	return (char *)data + field->offset;
}

/* The object that a call is about: the first structure among its arguments. */
static const struct mv_wire_field *object_field(const struct mv_wire_struct *desc)
{
	for (uint32_t i = 0; desc && i < desc->field_count; i++) {
		if (desc->fields[i].kind == MV_WIRE_STRUCT && !desc->fields[i].array)
			return &desc->fields[i];
	}
	return NULL;
}

static const struct mv_wire_field *array_field(const struct mv_wire_struct *desc)
{
	for (uint32_t i = 0; desc && i < desc->field_count; i++) {
		if (desc->fields[i].array)
			return &desc->fields[i];
	}
	return NULL;
}

static bool same_type(const struct mv_wire_field *a, const struct mv_wire_field *b)
{
	return a->kind == b->kind && a->type == b->type && a->array == b->array;
}

static void copy_shallow(const struct mv_wire_field *to_field, void *to, const struct mv_wire_field *from_field,
			 const void *from)
{
	if (to_field->array) {
		*(void **)at(to_field, to) = *(void **)at(from_field, from);
		*(size_t *)((char *)to + to_field->count_offset) = *(const size_t *)((const char *)from +
										     from_field->count_offset);
	} else {
		memcpy(at(to_field, to), at(from_field, from), mv_wire_item_size(to_field));
	}
}

/* Fills the members of *to from those of the same name in *from; what *from owns is then in both. The objects are the
 * same, whatever they are called. */
static void fill(const struct mv_wire_struct *to_desc, void *to, const struct mv_wire_struct *from_desc,
		 const void *from)
{
	const struct mv_wire_field *to_object = object_field(to_desc);
	const struct mv_wire_field *from_object = object_field(from_desc);

	for (uint32_t i = 0; to_desc && i < to_desc->field_count; i++) {
		const struct mv_wire_field *field = &to_desc->fields[i];
		const struct mv_wire_field *source = find_field(from_desc, field->name);

		if (!source && field == to_object)
			source = from_object;
		if (source && same_type(field, source))
			copy_shallow(field, to, source, from);
	}
}

/* Clears the members of *data that fill() has copied to a structure of type `to`. */
static void forget(const struct mv_wire_struct *desc, void *data, const struct mv_wire_struct *to)
{
	for (uint32_t i = 0; desc && i < desc->field_count; i++) {
		const struct mv_wire_field *field = &desc->fields[i];
		const struct mv_wire_field *taker = find_field(to, field->name);

		if (!taker || !same_type(taker, field))
			continue;
		memset(at(field, data), 0, field->array ? sizeof(void *) : mv_wire_item_size(field));
		if (field->array)
			*(size_t *)((char *)data + field->count_offset) = 0;
	}
}

static void set_number(const struct mv_wire_struct *desc, void *data, const char *name, uint64_t value)
{
	const struct mv_wire_field *field = find_field(desc, name);

	if (!field)
		return;
	if (field->kind == MV_WIRE_INT || field->kind == MV_WIRE_UINT)
		*(uint32_t *)at(field, data) = (uint32_t)value;
	else if (field->kind == MV_WIRE_HYPER || field->kind == MV_WIRE_UHYPER)
		*(uint64_t *)at(field, data) = value;
}

static int64_t get_number(const struct mv_wire_struct *desc, const void *data, const char *name)
{
	const struct mv_wire_field *field = find_field(desc, name);

	return field && (field->kind == MV_WIRE_INT || field->kind == MV_WIRE_UINT) ? *(int32_t *)at(field, data) : 0;
}

/* Sets the only number that a call returns. */
static void set_result(enum mv_call_id call, void *ret, int64_t value)
{
	const struct mv_wire_struct *desc = mv_call_descs[call].ret;

	set_number(desc, ret, desc->fields[0].name, (uint64_t)value);
}

/* --- the same with flags --- */

#define KEEP_FLAGS UINT32_MAX /* both have them */

static const struct forward {
	enum mv_call_id old, new;
	uint32_t flags;
} forwards[] = {
	{ MV_CALL_DOMAIN_CREATE, MV_CALL_DOMAIN_CREATE_WITH_FLAGS, 0 },
	{ MV_CALL_DOMAIN_DEFINE_XML, MV_CALL_DOMAIN_DEFINE_XML_FLAGS, 0 },
	{ MV_CALL_DOMAIN_UNDEFINE, MV_CALL_DOMAIN_UNDEFINE_FLAGS, 0 },
	{ MV_CALL_DOMAIN_DESTROY, MV_CALL_DOMAIN_DESTROY_FLAGS, 0 },
	{ MV_CALL_DOMAIN_SHUTDOWN, MV_CALL_DOMAIN_SHUTDOWN_FLAGS, 0 },
	{ MV_CALL_DOMAIN_SET_MEMORY, MV_CALL_DOMAIN_SET_MEMORY_FLAGS, AFFECT_LIVE },
	{ MV_CALL_DOMAIN_SET_MAX_MEMORY, MV_CALL_DOMAIN_SET_MEMORY_FLAGS, MEM_MAXIMUM },
	{ MV_CALL_DOMAIN_SET_VCPUS, MV_CALL_DOMAIN_SET_VCPUS_FLAGS, AFFECT_LIVE },
	{ MV_CALL_DOMAIN_GET_MAX_VCPUS, MV_CALL_DOMAIN_GET_VCPUS_FLAGS, AFFECT_LIVE | VCPU_MAXIMUM },
	{ MV_CALL_DOMAIN_PIN_VCPU, MV_CALL_DOMAIN_PIN_VCPU_FLAGS, AFFECT_LIVE },
	{ MV_CALL_DOMAIN_ATTACH_DEVICE, MV_CALL_DOMAIN_ATTACH_DEVICE_FLAGS, AFFECT_LIVE },
	{ MV_CALL_DOMAIN_DETACH_DEVICE, MV_CALL_DOMAIN_DETACH_DEVICE_FLAGS, AFFECT_LIVE },
	{ MV_CALL_DOMAIN_SAVE, MV_CALL_DOMAIN_SAVE_FLAGS, 0 },
	{ MV_CALL_DOMAIN_RESTORE, MV_CALL_DOMAIN_RESTORE_FLAGS, 0 },
	{ MV_CALL_DOMAIN_CORE_DUMP, MV_CALL_DOMAIN_CORE_DUMP_WITH_FORMAT, KEEP_FLAGS },
	{ MV_CALL_DOMAIN_ABORT_JOB, MV_CALL_DOMAIN_ABORT_JOB_FLAGS, 0 },
	{ MV_CALL_DOMAIN_GET_SCHEDULER_PARAMETERS, MV_CALL_DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS, 0 },
	{ MV_CALL_DOMAIN_SET_SCHEDULER_PARAMETERS, MV_CALL_DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS, 0 },
	{ MV_CALL_NETWORK_CREATE_XML, MV_CALL_NETWORK_CREATE_XML_FLAGS, 0 },
	{ MV_CALL_NETWORK_DEFINE_XML, MV_CALL_NETWORK_DEFINE_XML_FLAGS, 0 },
	{ MV_CALL_NWFILTER_DEFINE_XML, MV_CALL_NWFILTER_DEFINE_XML_FLAGS, 0 },
	{ MV_CALL_NODE_DEVICE_DETTACH, MV_CALL_NODE_DEVICE_DETACH_FLAGS, 0 },
	{ MV_CALL_STORAGE_VOL_GET_INFO, MV_CALL_STORAGE_VOL_GET_INFO_FLAGS, 0 },
	{ MV_CALL_STORAGE_VOL_WIPE, MV_CALL_STORAGE_VOL_WIPE_PATTERN, KEEP_FLAGS },
};

union room {
	char bytes[MV_CALL_STRUCT_MAX];
	uint64_t aligned;
};

static int forward(struct mv_conn *conn, const struct forward *f, const void *args, void *ret, struct mv_error **err)
{
	const struct mv_call_desc *old = &mv_call_descs[f->old];
	const struct mv_call_desc *new = &mv_call_descs[f->new];
	union room new_args = { .aligned = 0 };
	union room new_ret = { .aligned = 0 };

	memset(&new_args, 0, sizeof(new_args));
	fill(new->args, &new_args, old->args, args);
	if (f->flags != KEEP_FLAGS)
		set_number(new->args, &new_args, "flags", f->flags);
	if (mv_call(conn, f->new, &new_args, &new_ret, err) < 0)
		return -1;
	/* What both return moves over; what only the new form returns is of no use. */
	fill(old->ret, ret, new->ret, &new_ret);
	forget(new->ret, &new_ret, old->ret);
	mv_call_ret_free(f->new, &new_ret);
	return 0;
}

/* --- numbers and names --- */

static const struct listing {
	enum mv_call_id count, names; /* how many, and which */
	enum mv_call_id all;
	uint32_t flags;
} listings[] = {
	{ MV_CALL_CONNECT_NUM_OF_DOMAINS, MV_CALL_CONNECT_LIST_DOMAINS, MV_CALL_CONNECT_LIST_ALL_DOMAINS,
	  DOMAINS_ACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_DEFINED_DOMAINS, MV_CALL_CONNECT_LIST_DEFINED_DOMAINS,
	  MV_CALL_CONNECT_LIST_ALL_DOMAINS, DOMAINS_INACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_NETWORKS, MV_CALL_CONNECT_LIST_NETWORKS, MV_CALL_CONNECT_LIST_ALL_NETWORKS,
	  OTHERS_ACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_DEFINED_NETWORKS, MV_CALL_CONNECT_LIST_DEFINED_NETWORKS,
	  MV_CALL_CONNECT_LIST_ALL_NETWORKS, OTHERS_INACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_STORAGE_POOLS, MV_CALL_CONNECT_LIST_STORAGE_POOLS,
	  MV_CALL_CONNECT_LIST_ALL_STORAGE_POOLS, OTHERS_ACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_DEFINED_STORAGE_POOLS, MV_CALL_CONNECT_LIST_DEFINED_STORAGE_POOLS,
	  MV_CALL_CONNECT_LIST_ALL_STORAGE_POOLS, OTHERS_INACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_INTERFACES, MV_CALL_CONNECT_LIST_INTERFACES, MV_CALL_CONNECT_LIST_ALL_INTERFACES,
	  OTHERS_ACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_DEFINED_INTERFACES, MV_CALL_CONNECT_LIST_DEFINED_INTERFACES,
	  MV_CALL_CONNECT_LIST_ALL_INTERFACES, OTHERS_INACTIVE },
	{ MV_CALL_CONNECT_NUM_OF_SECRETS, MV_CALL_CONNECT_LIST_SECRETS, MV_CALL_CONNECT_LIST_ALL_SECRETS, 0 },
	{ MV_CALL_CONNECT_NUM_OF_NWFILTERS, MV_CALL_CONNECT_LIST_NWFILTERS, MV_CALL_CONNECT_LIST_ALL_NWFILTERS, 0 },
	{ MV_CALL_STORAGE_POOL_NUM_OF_VOLUMES, MV_CALL_STORAGE_POOL_LIST_VOLUMES, MV_CALL_STORAGE_POOL_LIST_ALL_VOLUMES,
	  0 },
	{ MV_CALL_DOMAIN_SNAPSHOT_NUM, MV_CALL_DOMAIN_SNAPSHOT_LIST_NAMES, MV_CALL_DOMAIN_LIST_ALL_SNAPSHOTS,
	  KEEP_FLAGS },
	{ MV_CALL_DOMAIN_SNAPSHOT_NUM_CHILDREN, MV_CALL_DOMAIN_SNAPSHOT_LIST_CHILDREN_NAMES,
	  MV_CALL_DOMAIN_SNAPSHOT_LIST_ALL_CHILDREN, KEEP_FLAGS },
};

static int list_all(struct mv_conn *conn, enum mv_call_id all, const struct mv_call_desc *for_call, const void *args,
		    uint32_t flags, bool want, void *ret, struct mv_error **err)
{
	const struct mv_call_desc *desc = &mv_call_descs[all];
	union room all_args;

	memset(&all_args, 0, sizeof(all_args));
	fill(desc->args, &all_args, for_call->args, args);
	set_number(desc->args, &all_args, "need_results", want);
	if (flags != KEEP_FLAGS)
		set_number(desc->args, &all_args, "flags", flags);
	return mv_call(conn, all, &all_args, ret, err);
}

static int count_all(struct mv_conn *conn, const struct listing *l, const void *args, void *ret, struct mv_error **err)
{
	union room all;

	if (list_all(conn, l->all, &mv_call_descs[l->count], args, l->flags, false, &all, err) < 0)
		return -1;
	set_result(l->count, ret, get_number(mv_call_descs[l->all].ret, &all, "ret"));
	mv_call_ret_free(l->all, &all);
	return 0;
}

/* Moves what names an object out of its reference: its id, its name or its UUID as text. */
static int take_name(const struct mv_wire_struct *type, void *object, const struct mv_wire_field *into, void *item,
		     struct mv_error **err)
{
	const struct mv_wire_field *name = find_field(type, "name");
	const struct mv_wire_field *uuid = find_field(type, "uuid");
	char text[MV_UUID_TEXT];

	if (into->kind == MV_WIRE_INT) {
		*(int32_t *)item = (int32_t)get_number(type, object, "id");
	} else if (name) {
		*(char **)item = mv_steal(*(char **)at(name, object));
	} else {
		*(char **)item = strdup(mv_uuid_format(at(uuid, object), text));
		if (!*(char **)item)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list");
	}
	return 0;
}

static int name_all(struct mv_conn *conn, const struct listing *l, const void *args, void *ret, struct mv_error **err)
{
	const struct mv_call_desc *desc = &mv_call_descs[l->names];
	const struct mv_wire_struct *all_desc = mv_call_descs[l->all].ret;
	const struct mv_wire_field *from = array_field(all_desc);
	const struct mv_wire_field *into = array_field(desc->ret);
	int64_t most = get_number(desc->args, args, "maxnames") + get_number(desc->args, args, "maxids") +
		get_number(desc->args, args, "maxuuids");
	size_t size = mv_wire_item_size(into);
	size_t count;
	union room all;
	char *items;
	int result = -1;

	if (list_all(conn, l->all, desc, args, l->flags, true, &all, err) < 0)
		return -1;
	count = *(size_t *)(all.bytes + from->count_offset);
	if (most < 0)
		most = 0;
	if (count > (uint64_t)most)
		count = (size_t)most;
	items = calloc(count + 1, size);
	if (!items) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list");
		goto out;
	}
	*(char **)at(into, ret) = items;
	for (size_t i = 0; i < count; i++) {
		void *object = *(char **)at(from, &all) + i * from->type->size;

		if (take_name(from->type, object, into, items + i * size, err) < 0)
			goto out;
		*(size_t *)((char *)ret + into->count_offset) = i + 1;
	}
	result = 0;
out:
	mv_call_ret_free(l->all, &all);
	return result;
}

/* --- yes or no --- */

static const struct question {
	enum mv_call_id call, all;
	uint32_t flags;
	enum mv_error_code missing; /* when there is no such object at all */
} questions[] = {
	{ MV_CALL_DOMAIN_IS_ACTIVE, MV_CALL_CONNECT_LIST_ALL_DOMAINS, DOMAINS_ACTIVE, MV_ERR_NO_DOMAIN },
	{ MV_CALL_DOMAIN_IS_PERSISTENT, MV_CALL_CONNECT_LIST_ALL_DOMAINS, DOMAINS_PERSISTENT, MV_ERR_NO_DOMAIN },
	{ MV_CALL_NETWORK_IS_ACTIVE, MV_CALL_CONNECT_LIST_ALL_NETWORKS, OTHERS_ACTIVE, MV_ERR_NO_NETWORK },
	{ MV_CALL_NETWORK_IS_PERSISTENT, MV_CALL_CONNECT_LIST_ALL_NETWORKS, OTHERS_PERSISTENT, MV_ERR_NO_NETWORK },
	{ MV_CALL_STORAGE_POOL_IS_ACTIVE, MV_CALL_CONNECT_LIST_ALL_STORAGE_POOLS, OTHERS_ACTIVE,
	  MV_ERR_NO_STORAGE_POOL },
	{ MV_CALL_STORAGE_POOL_IS_PERSISTENT, MV_CALL_CONNECT_LIST_ALL_STORAGE_POOLS, OTHERS_PERSISTENT,
	  MV_ERR_NO_STORAGE_POOL },
	{ MV_CALL_INTERFACE_IS_ACTIVE, MV_CALL_CONNECT_LIST_ALL_INTERFACES, OTHERS_ACTIVE, MV_ERR_NO_INTERFACE },
};

/* By UUID, or by name where the kind has none. */
static bool same_object(const struct mv_wire_struct *type, const void *a, const void *b)
{
	const struct mv_wire_field *uuid = find_field(type, "uuid");
	const struct mv_wire_field *name = find_field(type, "name");

	if (uuid)
		return memcmp(at(uuid, a), at(uuid, b), 16) == 0;
	return strcmp(*(char **)at(name, a), *(char **)at(name, b)) == 0;
}

/* 1, 0, or -1. */
static int is_listed(struct mv_conn *conn, const struct question *q, uint32_t flags, const void *args,
		     struct mv_error **err)
{
	const struct mv_call_desc *desc = &mv_call_descs[q->call];
	const struct mv_wire_field *object = object_field(desc->args);
	const struct mv_wire_field *list = array_field(mv_call_descs[q->all].ret);
	union room all;
	int found = 0;

	if (list_all(conn, q->all, desc, args, flags, true, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < *(size_t *)(all.bytes + list->count_offset) && !found; i++)
		found = same_object(list->type, *(char **)at(list, &all) + i * list->type->size, at(object, args));
	mv_call_ret_free(q->all, &all);
	return found;
}

static int answer(struct mv_conn *conn, const struct question *q, const void *args, void *ret, struct mv_error **err)
{
	int listed = is_listed(conn, q, q->flags, args, err);

	if (listed == 0) {
		int there = is_listed(conn, q, 0, args, err);

		if (there == 0)
			return mv_error_set_full(err, mv_call_descs[q->call].error_domain, q->missing, 0,
						 "it is not there any more");
		if (there < 0)
			return -1;
	}
	if (listed < 0)
		return -1;
	set_result(q->call, ret, listed);
	return 0;
}

/* --- single ones --- */

static int get_uri(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err)
{
	struct mv_connect_get_uri_ret *r = ret;

	(void)args;
	r->uri = strdup(conn->uri);
	return r->uri ? 0 : mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a URI");
}

static int get_lib_version(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err)
{
	struct mv_connect_get_lib_version_ret *r = ret;

	(void)conn, (void)args, (void)err;
	r->lib_ver = LIB_VERSION;
	return 0;
}

/* A driver that has features for migration and the like says so. */
static int supports_feature(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err)
{
	struct mv_connect_supports_feature_ret *r = ret;

	(void)conn, (void)args, (void)err;
	r->supported = 0;
	return 0;
}

static int get_max_memory(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err)
{
	const struct mv_domain_get_max_memory_args *a = args;
	struct mv_domain_get_max_memory_ret *r = ret;
	struct mv_domain_get_info_ret info;

	if (mv_call(conn, MV_CALL_DOMAIN_GET_INFO, &(struct mv_domain_get_info_args){ .dom = a->dom }, &info, err) < 0)
		return -1;
	r->memory = info.maxMem;
	return 0;
}

/* The current snapshot of a domain: 1 with *name (owned), 0 when it has none, -1. */
static int current_snapshot(struct mv_conn *conn, const struct mv_domain_ref *dom, char **name, struct mv_error **err)
{
	struct mv_domain_snapshot_current_ret current;
	mv_auto(mv_error) why = NULL;

	if (mv_call(conn, MV_CALL_DOMAIN_SNAPSHOT_CURRENT, &(struct mv_domain_snapshot_current_args){ .dom = *dom },
		    &current, &why) < 0) {
		if (why && why->code == MV_ERR_NO_DOMAIN_SNAPSHOT)
			return 0;
		if (err && !*err)
			*err = mv_steal(why);
		return -1;
	}
	*name = mv_steal(current.snap.name);
	mv_call_ret_free(MV_CALL_DOMAIN_SNAPSHOT_CURRENT, &current);
	return 1;
}

static int has_current_snapshot(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err)
{
	const struct mv_domain_has_current_snapshot_args *a = args;
	struct mv_domain_has_current_snapshot_ret *r = ret;
	mv_autofree char *name = NULL;

	r->result = current_snapshot(conn, &a->dom, &name, err);
	return r->result < 0 ? -1 : 0;
}

static int snapshot_is_current(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err)
{
	const struct mv_domain_snapshot_is_current_args *a = args;
	struct mv_domain_snapshot_is_current_ret *r = ret;
	mv_autofree char *name = NULL;
	int there = current_snapshot(conn, &a->snap.dom, &name, err);

	r->current = there > 0 && name && strcmp(name, a->snap.name) == 0;
	return there < 0 ? -1 : 0;
}

static const struct {
	enum mv_call_id call;
	int (*fn)(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err);
} singles[] = {
	{ MV_CALL_CONNECT_GET_URI, get_uri },
	{ MV_CALL_CONNECT_GET_LIB_VERSION, get_lib_version },
	{ MV_CALL_CONNECT_SUPPORTS_FEATURE, supports_feature },
	{ MV_CALL_DOMAIN_GET_MAX_MEMORY, get_max_memory },
	{ MV_CALL_DOMAIN_HAS_CURRENT_SNAPSHOT, has_current_snapshot },
	{ MV_CALL_DOMAIN_SNAPSHOT_IS_CURRENT, snapshot_is_current },
};

int mv_derived_call(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_error **err)
{
	for (size_t i = 0; i < MV_ARRAY_SIZE(singles); i++) {
		if (singles[i].call == call)
			return singles[i].fn(conn, args, ret, err);
	}
	for (size_t i = 0; i < MV_ARRAY_SIZE(forwards); i++) {
		if (forwards[i].old == call)
			return forward(conn, &forwards[i], args, ret, err);
	}
	for (size_t i = 0; i < MV_ARRAY_SIZE(listings); i++) {
		if (listings[i].count == call)
			return count_all(conn, &listings[i], args, ret, err);
		if (listings[i].names == call)
			return name_all(conn, &listings[i], args, ret, err);
	}
	for (size_t i = 0; i < MV_ARRAY_SIZE(questions); i++) {
		if (questions[i].call == call)
			return answer(conn, &questions[i], args, ret, err);
	}
	return mv_error_set(err, MV_ERR_NO_SUPPORT, "The call '%s' does not follow from another one",
			    mv_call_descs[call].name);
}
