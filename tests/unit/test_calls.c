/* Calls: the table, what the API checks, what follows from what, streams, events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/api/notice.h"
#include "tests/unit/fake_driver.h"

/* --- memory that runs out --- */

static struct {
	bool armed, failed;
	unsigned count, fail_at;
} shortage;

static bool runs_out(void)
{
	if (!shortage.armed || shortage.count++ != shortage.fail_at)
		return false;
	shortage.failed = true;
	return true;
}

/* The linker lets the engine call these. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return runs_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return runs_out() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
	return runs_out() ? NULL : __real_strdup(text);
}

static struct fake_driver *fake;
static struct mv_conn *conn;

static int set_up(void **state)
{
	(void)state;
	conn = fake_open(&fake);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mv_conn_unref(conn);
	return 0;
}

static void expect_error(int result, struct mv_error **err, int code, const char *message)
{
	assert_int_equal(result, -1);
	assert_non_null(*err);
	assert_string_equal((*err)->message, message);
	assert_int_equal((*err)->code, code);
	mv_error_free(*err);
	*err = NULL;
}

static struct mv_domain_ref some_domain(void)
{
	return (struct mv_domain_ref){ .name = (char *)"d0", .uuid = { 0, 0, 0xaa }, .id = 1 };
}

/* --- the table --- */

static void every_procedure_is_there_once(void **state)
{
	static const unsigned counts[] = { 443, 7 };
	bool seen[2][500] = { { false } };

	(void)state;
	for (int i = MV_CALL_NONE + 1; i < MV_CALL_LAST; i++) {
		const struct mv_call_desc *desc = &mv_call_descs[i];

		assert_true(desc->program < 2 && desc->number >= 1 && desc->number <= counts[desc->program]);
		assert_false(seen[desc->program][desc->number]);
		seen[desc->program][desc->number] = true;
		assert_int_equal(mv_call_find(desc->name), i);
		assert_true(desc->event ? desc->msg && !desc->args && !desc->ret : !desc->msg);
		assert_non_null(desc->permission);
	}
	assert_int_equal(MV_CALL_LAST - 1, counts[0] + counts[1]);
	assert_int_equal(mv_call_find("nonsense"), MV_CALL_NONE);
	assert_int_equal(mv_call_descs[MV_CALL_DOMAIN_SET_MEMORY_FLAGS].number, 204);
	assert_string_equal(mv_call_descs[MV_CALL_QEMU_DOMAIN_AGENT_COMMAND].function, "virDomainQemuAgentCommand");
	assert_int_equal(mv_call_descs[MV_CALL_STORAGE_VOL_UPLOAD].stream, 'w');
	assert_int_equal(mv_call_descs[MV_CALL_DOMAIN_SCREENSHOT].stream, 'r');
}

/* --- making calls --- */

static void arguments_and_results_arrive(void **state)
{
	struct mv_domain_create_with_flags_args args = { .dom = some_domain(), .flags = 3 };
	struct mv_domain_create_with_flags_ret ret;
	struct mv_error *err = NULL;

	(void)state;
	memset(&ret, 0xff, sizeof(ret)); /* what was in it does not matter */
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_CREATE_WITH_FLAGS, &args, &ret, &err), 0);
	assert_string_equal(fake->last, "create d0 id 1 flags 3");
	assert_string_equal(ret.dom.name, "d1");
	mv_call_ret_free(MV_CALL_DOMAIN_CREATE_WITH_FLAGS, &ret);
	assert_null(ret.dom.name);
	/* Half an answer is freed. */
	fake->fails = true;
	expect_error(mv_call(conn, MV_CALL_DOMAIN_CREATE_WITH_FLAGS, &args, &ret, &err), &err, MV_ERR_OPERATION_FAILED,
		     "it was to fail");
	assert_null(ret.dom.name);
}

static void what_a_driver_lacks_is_said_in_libvirts_words(void **state)
{
	struct mv_domain_suspend_args args = { .dom = some_domain() };
	struct mv_error *err = NULL;

	(void)state;
	expect_error(mv_call(conn, MV_CALL_DOMAIN_SUSPEND, &args, NULL, &err), &err, MV_ERR_NO_SUPPORT,
		     "this function is not supported by the connection driver: virDomainSuspend");
	/* What it would follow from is not there: it is still the call that was made. */
	expect_error(mv_call(conn, MV_CALL_DOMAIN_SHUTDOWN, &args, NULL, &err), &err, MV_ERR_NO_SUPPORT,
		     "this function is not supported by the connection driver: virDomainShutdown");
	expect_error(mv_call(conn, MV_CALL_DOMAIN_EVENT_LIFECYCLE, NULL, NULL, &err), &err, MV_ERR_INVALID_ARG,
		     "There is no call with the number 107");
	expect_error(mv_call(conn, (enum mv_call_id)100000, NULL, NULL, &err), &err, MV_ERR_INVALID_ARG,
		     "There is no call with the number 100000");
	/* Nobody has to want the reason. */
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_SUSPEND, &args, NULL, NULL), -1);
}

static void readers_only_read(void **state)
{
	struct mv_domain_get_xml_desc_args xml = { .dom = some_domain() };
	struct mv_domain_get_xml_desc_ret ret;
	struct mv_domain_create_args create = { .dom = some_domain() };
	struct mv_domain_set_scheduler_parameters_args set = { .dom = some_domain() };
	struct mv_domain_get_vcpus_flags_args vcpus = { .dom = some_domain(), .flags = 8 };
	struct mv_domain_get_vcpus_flags_ret vcpus_ret;
	struct mv_domain_interface_addresses_args addresses = { .dom = some_domain(), .source = 1 };
	struct mv_domain_interface_addresses_ret addresses_ret;
	struct mv_error *err = NULL;

	(void)state;
	conn->read_only = true;
	expect_error(mv_call(conn, MV_CALL_DOMAIN_CREATE, &create, NULL, &err), &err, MV_ERR_OPERATION_DENIED,
		     "operation forbidden: read only access prevents virDomainCreate");
	expect_error(mv_call(conn, MV_CALL_DOMAIN_SET_SCHEDULER_PARAMETERS, &set, NULL, &err), &err,
		     MV_ERR_OPERATION_DENIED,
		     "operation forbidden: read only access prevents virDomainSetSchedulerParameters");
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_GET_XML_DESC, &xml, &ret, &err), 0);
	mv_call_ret_free(MV_CALL_DOMAIN_GET_XML_DESC, &ret);
	xml.flags = 1;
	expect_error(mv_call(conn, MV_CALL_DOMAIN_GET_XML_DESC, &xml, &ret, &err), &err, MV_ERR_OPERATION_DENIED,
		     "operation forbidden: virDomainGetXMLDesc with secure flag");
	/* These need more when they ask the guest. */
	expect_error(mv_call(conn, MV_CALL_DOMAIN_GET_VCPUS_FLAGS, &vcpus, &vcpus_ret, &err), &err,
		     MV_ERR_OPERATION_DENIED, "operation forbidden: read only access prevents virDomainGetVcpusFlags");
	expect_error(mv_call(conn, MV_CALL_DOMAIN_INTERFACE_ADDRESSES, &addresses, &addresses_ret, &err), &err,
		     MV_ERR_OPERATION_DENIED,
		     "operation forbidden: read only access prevents virDomainInterfaceAddresses");
	addresses.source = 0;
	expect_error(mv_call(conn, MV_CALL_DOMAIN_INTERFACE_ADDRESSES, &addresses, &addresses_ret, &err), &err,
		     MV_ERR_NO_SUPPORT,
		     "this function is not supported by the connection driver: virDomainInterfaceAddresses");
}

static void arguments_are_checked_as_libvirt_does(void **state)
{
	struct mv_domain_ref dom = some_domain();
	struct mv_domain_set_memory_flags_args memory = { .dom = dom };
	struct mv_domain_rename_args rename = { .dom = dom };
	struct mv_domain_rename_ret renamed;
	struct mv_domain_managed_save_args save = { .dom = dom, .flags = 6 };
	struct mv_domain_snapshot_create_xml_args snapshot = { .dom = dom, .xml_desc = (char *)"<x/>", .flags = 2 };
	struct mv_domain_snapshot_create_xml_ret made;
	struct mv_connect_list_defined_domains_args list = { -1 };
	struct mv_connect_list_defined_domains_ret names;
	struct mv_domain_set_metadata_args metadata = { .dom = dom, .type = 2, .metadata = (char *)"<a/>" };
	struct mv_domain_pin_vcpu_args pin = { .dom = dom };
	struct mv_error *err = NULL;

	(void)state;
#define REFUSED(call, args, ret, message) \
	expect_error(mv_call(conn, MV_CALL_##call, args, ret, &err), &err, MV_ERR_INVALID_ARG, message)
	REFUSED(DOMAIN_SET_MEMORY_FLAGS, &memory, NULL, "memory in virDomainSetMemoryFlags must not be zero");
	REFUSED(DOMAIN_RENAME, &rename, &renamed, "new_name in virDomainRename must not be NULL");
	rename.new_name = (char *)"";
	REFUSED(DOMAIN_RENAME, &rename, &renamed, "string new_name in virDomainRename must not be empty");
	REFUSED(DOMAIN_MANAGED_SAVE, &save, NULL,
		"Flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' are mutually exclusive");
	REFUSED(DOMAIN_SNAPSHOT_CREATE_XML, &snapshot, &made,
		"Flag 'VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE' is required by flag "
		"'VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT'");
	REFUSED(CONNECT_LIST_DEFINED_DOMAINS, &list, &names,
		"maxnames in virConnectListDefinedDomains must be zero or greater");
	REFUSED(DOMAIN_PIN_VCPU, &pin, NULL, "maplen in virDomainPinVcpu must be greater than zero");
	REFUSED(DOMAIN_SET_METADATA, &metadata, NULL, "uri in virDomainSetMetadata must not be NULL");
	metadata.uri = (char *)"urn:x";
	REFUSED(DOMAIN_SET_METADATA, &metadata, NULL, "key in virDomainSetMetadata must not be NULL");
	metadata.type = 1;
	REFUSED(DOMAIN_SET_METADATA, &metadata, NULL, "uri in virDomainSetMetadata must be NULL");
	metadata.metadata = (char *)"a\nb";
	REFUSED(DOMAIN_SET_METADATA, &metadata, NULL, "metadata title can't contain newlines");
	assert_null(fake->last);
}

/* --- what follows --- */

static void older_calls_follow_from_newer_ones(void **state)
{
	struct mv_domain_set_max_memory_args memory = { .dom = some_domain(), .memory = 77 };
	struct mv_domain_get_scheduler_parameters_args get = { .dom = some_domain(), .nparams = 5 };
	struct mv_domain_get_scheduler_parameters_ret got;

	(void)state;
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_CREATE, &(struct mv_domain_create_args){ some_domain() }, NULL,
				 NULL),
			 0);
	assert_string_equal(fake->last, "create d0 id 1 flags 0");
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_SET_MAX_MEMORY, &memory, NULL, NULL), 0);
	assert_string_equal(fake->last, "memory d0 77 flags 4");
	fake->typed_params = 2;
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_GET_SCHEDULER_PARAMETERS, &get, &got, NULL), 0);
	assert_string_equal(fake->last, "get scheduler 5");
	assert_int_equal(got.n_params, 2);
	assert_string_equal(got.params[1].value.s, "many");
	mv_call_ret_free(MV_CALL_DOMAIN_GET_SCHEDULER_PARAMETERS, &got);
}

static void numbers_and_names_follow_from_lists(void **state)
{
	struct mv_connect_num_of_domains_ret num;
	struct mv_connect_list_domains_ret ids;
	struct mv_connect_list_defined_domains_ret names;
	struct mv_error *err = NULL;

	(void)state;
	fake->domains = 7;
	assert_int_equal(mv_call(conn, MV_CALL_CONNECT_NUM_OF_DOMAINS, NULL, &num, NULL), 0);
	assert_int_equal(num.num, 4);
	assert_int_equal(mv_call(conn, MV_CALL_CONNECT_LIST_DOMAINS, &(struct mv_connect_list_domains_args){ 3 }, &ids,
				 NULL),
			 0);
	assert_int_equal(ids.n_ids, 3);
	assert_int_equal(ids.ids[2], 5);
	mv_call_ret_free(MV_CALL_CONNECT_LIST_DOMAINS, &ids);
	assert_int_equal(mv_call(conn, MV_CALL_CONNECT_LIST_DEFINED_DOMAINS,
				 &(struct mv_connect_list_defined_domains_args){ 100 }, &names, NULL),
			 0);
	assert_int_equal(names.n_names, 3);
	assert_string_equal(names.names[2], "d5");
	mv_call_ret_free(MV_CALL_CONNECT_LIST_DEFINED_DOMAINS, &names);
	fake->fails = true;
	expect_error(mv_call(conn, MV_CALL_CONNECT_NUM_OF_DOMAINS, NULL, &num, &err), &err, MV_ERR_OPERATION_FAILED,
		     "it was to fail");
}

static void questions_follow_from_lists(void **state)
{
	struct mv_domain_is_active_args args = { .dom = some_domain() };
	struct mv_domain_is_active_ret ret;
	struct mv_domain_has_current_snapshot_args snapshot = { .dom = some_domain() };
	struct mv_domain_has_current_snapshot_ret has;
	struct mv_error *err = NULL;

	(void)state;
	fake->domains = 2;
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_IS_ACTIVE, &args, &ret, NULL), 0);
	assert_int_equal(ret.active, 1);
	args.dom.uuid[0] = 1;
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_IS_ACTIVE, &args, &ret, NULL), 0);
	assert_int_equal(ret.active, 0);
	args.dom.uuid[0] = 2;
	expect_error(mv_call(conn, MV_CALL_DOMAIN_IS_ACTIVE, &args, &ret, &err), &err, MV_ERR_NO_DOMAIN,
		     "it is not there any more");
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_HAS_CURRENT_SNAPSHOT, &snapshot, &has, NULL), 0);
	assert_int_equal(has.result, 1);
	snapshot.dom.name = (char *)"d1";
	assert_int_equal(mv_call(conn, MV_CALL_DOMAIN_HAS_CURRENT_SNAPSHOT, &snapshot, &has, NULL), 0);
	assert_int_equal(has.result, 0);
}

static void the_connection_knows_itself(void **state)
{
	struct mv_connect_get_uri_ret uri;
	struct mv_connect_get_lib_version_ret version;

	(void)state;
	assert_int_equal(mv_call(conn, MV_CALL_CONNECT_GET_URI, NULL, &uri, NULL), 0);
	assert_string_equal(uri.uri, "fake:///");
	mv_call_ret_free(MV_CALL_CONNECT_GET_URI, &uri);
	assert_int_equal(mv_call(conn, MV_CALL_CONNECT_GET_LIB_VERSION, NULL, &version, NULL), 0);
	assert_int_equal(version.lib_ver, 9000000);
}

/* --- streams --- */

static void streams_carry_data(void **state)
{
	struct mv_storage_vol_upload_args args = { .vol = { (char *)"p", (char *)"v", (char *)"k" }, .offset = 9 };
	struct mv_storage_vol_download_args down = { .vol = args.vol };
	struct mv_stream *stream;
	struct mv_error *err = NULL;
	char data[64];

	(void)state;
	expect_error(mv_call(conn, MV_CALL_STORAGE_VOL_UPLOAD, &args, NULL, &err), &err, MV_ERR_INVALID_ARG,
		     "The call 'storage_vol_upload' opens a stream");
	assert_int_equal(mv_call_stream(conn, MV_CALL_STORAGE_VOL_UPLOAD, &args, NULL, &stream, NULL), 0);
	assert_string_equal(fake->last, "upload p/v at 9");
	assert_int_equal(mv_stream_send(stream, "0123456789", 10, NULL), 5);
	assert_int_equal(mv_stream_recv(stream, data, sizeof(data), &err), -1);
	expect_error(-1, &err, MV_ERR_OPERATION_INVALID, "This stream cannot receive: data goes the other way");
	assert_int_equal(mv_stream_finish(stream, NULL), 0);
	assert_int_equal(mv_stream_send(stream, "x", 1, &err), -1);
	expect_error(-1, &err, MV_ERR_OPERATION_INVALID, "This stream is finished and cannot send any more");
	mv_stream_free(stream);
	assert_int_equal(fake->aborted, 0);
	assert_string_equal(fake->uploaded, "01234");

	assert_int_equal(mv_call_stream(conn, MV_CALL_STORAGE_VOL_DOWNLOAD, &down, NULL, &stream, NULL), 0);
	assert_int_equal(mv_stream_recv(stream, data, 2, NULL), 2);
	mv_stream_free(stream); /* in the middle */
	assert_int_equal(fake->aborted, 1);

	assert_int_equal(mv_call_stream(conn, MV_CALL_STORAGE_VOL_UPLOAD, &args, NULL, &stream, NULL), 0);
	fake->stream_breaks = true;
	assert_int_equal(mv_stream_send(stream, "x", 1, NULL), -1);
	assert_int_equal(mv_stream_finish(stream, &err), -1);
	expect_error(-1, &err, MV_ERR_OPERATION_INVALID, "This stream is broken and cannot finish any more");
	mv_stream_free(stream);
	/* A call that fails leaves no stream. */
	fake->fails = true;
	assert_int_equal(mv_call_stream(conn, MV_CALL_STORAGE_VOL_UPLOAD, &args, NULL, &stream, NULL), -1);
	assert_null(stream);
	assert_int_equal(fake->streams, 0);
}

/* --- events --- */

struct listener {
	char text[256];
	int number;      /* its registration */
	bool once;       /* it ends it at the first event */
	bool starts_one; /* it registers another one */
	unsigned freed;
};

static void listen_to_domains(struct listener *l, const struct mv_domain_ref *dom);

static void hear(enum mv_call_id event, const void *msg, void *opaque)
{
	const struct mv_domain_event_callback_lifecycle_msg *m = msg;
	struct listener *l = opaque;
	size_t used = strlen(l->text);

	assert_int_equal(event, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE);
	snprintf(l->text + used, sizeof(l->text) - used, "%s:%d/%d ", m->msg.dom.name, m->msg.event, m->msg.detail);
	if (l->once)
		assert_int_equal(mv_conn_off(conn, l->number, NULL), 0);
	if (l->starts_one) {
		l->starts_one = false;
		listen_to_domains(l, NULL);
	}
}

static void let_go(void *opaque)
{
	((struct listener *)opaque)->freed++;
}

static void listen_to_domains(struct listener *l, const struct mv_domain_ref *dom)
{
	l->number = mv_conn_listen(conn, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, dom, hear, l, let_go, NULL);
	assert_true(l->number > 0);
}

static void happen(unsigned number, int event)
{
	struct mv_domain_event_callback_lifecycle_msg msg = { .msg = { .dom = fake_domain(number), .event = event } };

	mv_notify(conn->drv, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg);
	assert_null(msg.msg.dom.name); /* taken, whether it is delivered or not */
}

static void events_reach_who_listens(void **state)
{
	struct mv_domain_ref second = fake_domain(1);
	struct listener all = { .text = "" };
	struct listener one = { .text = "" };
	struct listener once = { .once = true };

	(void)state;
	happen(0, 1); /* nobody listens */
	assert_int_equal(fake->drv.notices.count, 0);
	listen_to_domains(&all, NULL);
	listen_to_domains(&one, &second);
	listen_to_domains(&once, NULL);
	free(second.name);
	happen(0, 2);
	happen(1, 3);
	assert_int_equal(mv_conn_dispatch(conn, 0, NULL), 4);
	assert_string_equal(all.text, "d0:2/0 d1:3/0 ");
	assert_string_equal(one.text, "d1:3/0 ");
	assert_string_equal(once.text, "d0:2/0 ");
	assert_int_equal(once.freed, 1);
	assert_int_equal(mv_conn_dispatch(conn, 0, NULL), 0);
	assert_int_equal(mv_conn_off(conn, all.number, NULL), 0);
	assert_int_equal(mv_conn_off(conn, all.number, NULL), -1);
	assert_int_equal(all.freed, 1);
	happen(0, 4);
	assert_int_equal(mv_conn_dispatch(conn, 0, NULL), 0);
	assert_int_equal(mv_conn_off(conn, one.number, NULL), 0);
}

static void a_new_listener_hears_what_is_new(void **state)
{
	struct listener l = { .starts_one = true };

	(void)state;
	listen_to_domains(&l, NULL);
	happen(0, 1);
	assert_int_equal(mv_conn_dispatch(conn, 0, NULL), 1);
	happen(0, 2);
	assert_int_equal(mv_conn_dispatch(conn, 0, NULL), 2);
	assert_string_equal(l.text, "d0:1/0 d0:2/0 d0:2/0 ");
}

static void a_queue_that_nobody_empties_has_an_end(void **state)
{
	struct mv_domain_event_callback_reboot_msg reboot;
	struct listener l = { .text = "" };

	(void)state;
	listen_to_domains(&l, NULL);
	for (unsigned i = 0; i < MV_NOTICE_LIMIT + 10; i++) {
		reboot.msg.dom = fake_domain(0);
		mv_notify(conn->drv, MV_CALL_DOMAIN_EVENT_CALLBACK_REBOOT, &reboot);
	}
	assert_int_equal(fake->drv.notices.count, MV_NOTICE_LIMIT);
	for (unsigned i = 0; i < MV_NOTICE_LIMIT + 10; i++)
		happen(0, 1);
	assert_int_equal(fake->drv.notices.count, 2 * MV_NOTICE_LIMIT);
	/* They go with the connection. */
}

static void only_real_events_are_listened_to(void **state)
{
	struct mv_error *err = NULL;

	(void)state;
	assert_int_equal(mv_conn_listen(conn, MV_CALL_DOMAIN_EVENT_LIFECYCLE, NULL, hear, NULL, NULL, &err), -1);
	expect_error(-1, &err, MV_ERR_INVALID_ARG, "'domain_event_lifecycle' is no event that can be listened to");
	assert_int_equal(mv_conn_listen(conn, MV_CALL_DOMAIN_CREATE, NULL, hear, NULL, NULL, NULL), -1);
	assert_int_equal(mv_conn_listen(conn, MV_CALL_NONE, NULL, hear, NULL, NULL, NULL), -1);
	assert_int_equal(mv_notice_find("domain", 0), MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE);
	assert_int_equal(mv_notice_find("domain", 26), MV_CALL_DOMAIN_EVENT_MEMORY_DEVICE_SIZE_CHANGE);
	assert_int_equal(mv_notice_find("domain", 27), MV_CALL_NONE);
	assert_int_equal(mv_notice_find("network", 0), MV_CALL_NETWORK_EVENT_LIFECYCLE);
	assert_int_equal(mv_notice_find("secret", 1), MV_CALL_SECRET_EVENT_VALUE_CHANGED);
	for (int i = 0; i <= 26; i++)
		assert_ptr_equal(mv_notice_object_type(mv_notice_find("domain", i)), &mv_domain_ref_wire);
}

/* --- without memory --- */

static void hear_nothing(enum mv_call_id event, const void *msg, void *opaque)
{
	(void)event, (void)msg, (void)opaque;
}

/* A record of statistics and a list of domains, copied; a list of names, derived; a listener and an event. */
static void use_memory(void)
{
	struct mv_typed_param params[] = {
		{ .field = (char *)"a", .type = MV_TYPED_STRING, .value.s = (char *)"text" },
		{ .field = (char *)"b", .type = MV_TYPED_INT, .value.i = -1 },
	};
	struct mv_domain_stats_record record = { .dom = some_domain(), .params = params, .n_params = 2 };
	struct mv_connect_get_all_domain_stats_ret stats = { .retStats = &record, .n_retStats = 1 };
	struct mv_connect_get_all_domain_stats_ret copy;
	struct mv_connect_storage_pool_event_register_any_args args = {
		.pool = &(struct mv_storage_pool_ref){ .name = (char *)"p" },
	};
	struct mv_connect_storage_pool_event_register_any_args args_copy;
	struct mv_connect_list_secrets_args secrets = { 10 };
	struct mv_connect_list_secrets_ret uuids;
	struct mv_domain_ref dom = some_domain();
	struct mv_node_device_ref device = { .name = (char *)"dev" };
	int number;

	if (mv_wire_copy(mv_call_descs[MV_CALL_CONNECT_GET_ALL_DOMAIN_STATS].ret, &copy, &stats, NULL) == 0) {
		assert_string_equal(copy.retStats[0].params[0].value.s, "text");
		mv_call_ret_free(MV_CALL_CONNECT_GET_ALL_DOMAIN_STATS, &copy);
	}
	if (mv_wire_copy(mv_call_descs[MV_CALL_CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY].args, &args_copy, &args,
			 NULL) == 0) {
		assert_string_equal(args_copy.pool->name, "p");
		mv_call_args_free(MV_CALL_CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY, &args_copy);
	}
	if (mv_call(conn, MV_CALL_CONNECT_LIST_SECRETS, &secrets, &uuids, NULL) == 0) {
		assert_int_equal(uuids.n_uuids, 2);
		mv_call_ret_free(MV_CALL_CONNECT_LIST_SECRETS, &uuids);
	}
	number = mv_conn_listen(conn, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &dom, hear_nothing, NULL, NULL, NULL);
	if (number > 0) {
		struct mv_domain_event_callback_lifecycle_msg msg = { .msg.dom = { .name = __real_strdup("d0") } };

		mv_notify(conn->drv, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg);
		mv_conn_dispatch(conn, 0, NULL);
		mv_conn_off(conn, number, NULL);
	}
	number = mv_conn_listen(conn, MV_CALL_NODE_DEVICE_EVENT_UPDATE, &device, hear_nothing, NULL, NULL, NULL);
	if (number > 0)
		mv_conn_off(conn, number, NULL);
}

static void calls_survive_without_memory(void **state)
{
	(void)state;
	shortage.fail_at = 0;
	do {
		shortage.failed = false;
		shortage.count = 0;
		shortage.armed = true;
		use_memory();
		shortage.armed = false;
		assert_int_equal(fake->drv.notices.listeners, 0);
		assert_int_equal(fake->drv.notices.count, 0);
		shortage.fail_at++;
	} while (shortage.failed);
	assert_true(shortage.fail_at > 10);
}

/* --- words --- */

static void errors_speak_as_libvirt_does(void **state)
{
	static const struct {
		int code;
		const char *message, *text;
	} cases[] = {
		{ MV_ERR_NO_DOMAIN, "no domain with matching name 'x'",
		  "Domain not found: no domain with matching name 'x'" },
		{ MV_ERR_NO_DOMAIN, NULL, "Domain not found" },
		{ MV_ERR_NO_DOMAIN, "Domain not found: here", "Domain not found: here" },
		{ MV_ERR_DOM_EXIST, "web", "domain web exists already" },
		{ MV_ERR_SYSTEM, "Cannot open", "Cannot open" },
		{ MV_ERR_XML, "bad", "XML error: bad" },
		{ MV_ERR_XML, NULL, "XML description is invalid or not well formed" },
		{ MV_ERR_OPERATION_DENIED, "operation forbidden: no", "operation forbidden: no" },
		{ MV_ERR_INVALID_NETWORK, "x", "invalid network pointer in x" },
		{ MV_ERR_INVALID_ARG, "memory in virDomainSetMemory must not be zero",
		  "memory in virDomainSetMemory must not be zero" },
		{ MV_ERR_INVALID_ARG, "unsupported flags (0x8) in function testX",
		  "unsupported flags (0x8) in function testX" },
		{ MV_ERR_INVALID_ARG, "no such disk", "invalid argument: no such disk" },
		{ 9999, "new", "new" },
		{ -1, NULL, "an error without a message" },
	};

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		mv_autofree char *text = mv_error_text(cases[i].code, cases[i].message);

		assert_string_equal(text, cases[i].text);
	}
	assert_string_equal(mv_error_prefix(MV_ERR_OPERATION_INVALID), "Requested operation is not valid");
	assert_null(mv_error_prefix(MV_ERR_LAST));
	assert_null(mv_error_prefix(0));
	for (int i = 1; i < MV_ERR_LAST; i++)
		assert_int_equal(mv_error_code_find(mv_error_code_name(i)), i);
	for (int i = 0; i < MV_FROM_LAST; i++)
		assert_non_null(mv_error_domain_name(i));
	assert_int_equal(mv_error_code_find("nonsense"), -1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(every_procedure_is_there_once),
		test(arguments_and_results_arrive),
		test(what_a_driver_lacks_is_said_in_libvirts_words),
		test(readers_only_read),
		test(arguments_are_checked_as_libvirt_does),
		test(older_calls_follow_from_newer_ones),
		test(numbers_and_names_follow_from_lists),
		test(questions_follow_from_lists),
		test(the_connection_knows_itself),
		test(streams_carry_data),
		test(events_reach_who_listens),
		test(a_new_listener_hears_what_is_new),
		test(a_queue_that_nobody_empties_has_an_end),
		test(only_real_events_are_listened_to),
		test(calls_survive_without_memory),
		test(errors_speak_as_libvirt_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
