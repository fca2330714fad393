/* Opening and closing test hosts, and the table of what they can do. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include "engine/test/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/notice.h"
#include "engine/test/calls.h"
#include "engine/test/load.h"

#define MAX_DELAY 60 /* seconds */

#define SLOT(call) .call = mv_test_##call,
static const struct mv_calls test_calls = { MV_TEST_ALL_CALLS(SLOT) };

const struct mv_test_loader mv_test_loaders[] = {
	{ "domain", mv_test_load_domain }, { "network", mv_test_load_network }, { "interface", mv_test_load_interface },
	{ "pool", mv_test_load_pool },     { "device", mv_test_load_nodedev },  { NULL, NULL },
};

/* --- hosts --- */

static void host_unref(struct mv_test_host *host)
{
	if (!host || --host->refs)
		return;
	mv_entity_table_clear(&host->domains);
	mv_entity_table_clear(&host->networks);
	mv_entity_table_clear(&host->pools);
	mv_entity_table_clear(&host->interfaces);
	mv_entity_table_clear(&host->saved_interfaces);
	mv_entity_table_clear(&host->nodedevs);
	for (size_t i = 0; i < host->user_count; i++) {
		free(host->users[i].name);
		free(host->users[i].password);
	}
	free(host->users);
	free(host);
}

static struct mv_test_host *host_create(struct mv_error **err)
{
	struct mv_test_host *host = calloc(1, sizeof(*host));

	if (!host) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a test host");
		return NULL;
	}
	*host = (struct mv_test_host){
		.refs = 1,
		.model = "i686",
		.memory = 3 << 20,
		.cpus = 16,
		.mhz = 1400,
		.nodes = 2,
		.sockets = 2,
		.cores = 2,
		.threads = 2,
		.next_id = 1,
	};
	return host;
}

/* The host of test:///default is one for all connections of a thread (all calls of a connection come from its thread),
 * as long as there is one: so that a script can see in one connection what it does in another. */
static _Thread_local struct mv_test_host *shared_host;

static struct mv_test_host *open_default(bool own, struct mv_error **err)
{
	struct mv_test_host *host;

	if (shared_host && !own) {
		shared_host->refs++;
		return shared_host;
	}
	host = host_create(err);
	if (!host)
		return NULL;
	host->cell_count = 2;
	for (unsigned i = 0; i < host->cell_count; i++)
		host->cells[i] = (struct mv_test_cell){ .memory = (i + 1) * (2048u << 10),
							.free = (i + 1) * (1024u << 10),
							.cpus = 8 };
	if (mv_test_load(host, mv_test_content, strlen(mv_test_content), NULL, err) < 0) {
		host_unref(host);
		return NULL;
	}
	if (!own)
		shared_host = host;
	return host;
}

static struct mv_test_host *open_file(const char *path, struct mv_error **err)
{
	struct mv_test_host *host = host_create(err);

	if (host && mv_test_load_file(host, path, err) < 0) {
		host_unref(host);
		return NULL;
	}
	return host;
}

/* --- connections --- */

/* A host that names its users lets in only those: the URI says who it is (test://NAME:PASSWORD@host/FILE). */
static int check_user(const struct mv_test_host *host, const struct mv_uri *uri, struct mv_error **err)
{
	const char *at = strrchr(uri->authority, '@'), *colon;
	size_t len;

	if (!host->user_count)
		return 0;
	colon = at ? memchr(uri->authority, ':', (size_t)(at - uri->authority)) : NULL;
	len = at ? (size_t)((colon ? colon : at) - uri->authority) : 0;
	for (size_t i = 0; at && i < host->user_count; i++) {
		const struct mv_test_user *user = &host->users[i];

		if (strlen(user->name) != len || memcmp(user->name, uri->authority, len) != 0)
			continue;
		if (!user->password ||
		    (colon && strlen(user->password) == (size_t)(at - colon) - 1 &&
		     memcmp(user->password, colon + 1, strlen(user->password)) == 0))
			return 0;
	}
	return mv_error_set(err, MV_ERR_AUTH_FAILED,
			    "authentication failed, see test XML for the correct username/password");
}

/* ?delay=SECONDS: how long each call takes, to try programs with a host that is far away. */
static int read_delay(const struct mv_uri *uri, unsigned *milliseconds, struct mv_error **err)
{
	const char *text = mv_uri_get(uri, "delay");
	char *end;
	double seconds;

	*milliseconds = 0;
	if (!text)
		return 0;
	seconds = strtod(text, &end);
	if (end == text || *end || !(seconds >= 0 && seconds <= MAX_DELAY))
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "delay=%s: the delay of calls must be a number of seconds from 0 to %d", text,
				    MAX_DELAY);
	*milliseconds = (unsigned)(seconds * 1000);
	return 0;
}

static int test_open(const struct mv_uri *uri, struct mv_driver **out, struct mv_error **err)
{
	struct mv_test_driver *test;
	unsigned delay_ms;

	if (!uri->path[0] || strcmp(uri->path, "/") == 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "testOpen: supply a path or use test:///default");
	if (read_delay(uri, &delay_ms, err) < 0)
		return -1;
	test = calloc(1, sizeof(*test));
	if (!test)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a connection");
	test->driver.delay_ms = delay_ms;
	test->driver.slow = delay_ms > 0;
	test->driver.ops = &mv_test_driver;
	test->host = strcmp(uri->path, "/default") == 0 ? open_default(delay_ms > 0, err) : open_file(uri->path, err);
	if (!test->host) {
		free(test);
		return -1;
	}
	if (check_user(test->host, uri, err) < 0 || mv_event_queue_init(&test->driver.events, err) < 0) {
		host_unref(test->host);
		free(test);
		return -1;
	}
	test->next = test->host->drivers;
	test->host->drivers = test;
	*out = &test->driver;
	return 0;
}

static void test_close(struct mv_driver *drv)
{
	struct mv_test_driver *test = (struct mv_test_driver *)drv;
	struct mv_test_driver **at = &test->host->drivers;

	while (*at != test)
		at = &(*at)->next;
	*at = test->next;
	if (test->host == shared_host && test->host->refs == 1)
		shared_host = NULL;
	host_unref(test->host);
	mv_event_queue_release(&drv->events);
	free(test);
}

static int test_fd(const struct mv_driver *drv)
{
	return drv->events.fd;
}

static int test_wait(struct mv_driver *drv, int timeout_ms, struct mv_error **err)
{
	struct pollfd p = { .fd = drv->events.fd, .events = POLLIN };

	if (poll(&p, 1, timeout_ms) < 0 && errno != EINTR)
		return mv_error_set_errno(err, errno, "Cannot wait for events");
	return 0;
}

const struct mv_driver_ops mv_test_driver = {
	.scheme = "test",
	.open = test_open,
	.close = test_close,
	.fd = test_fd,
	.wait = test_wait,
	.calls = &test_calls,
};

/* --- what the files of the driver share --- */

void mv_test_event(struct mv_test_host *host, enum mv_call_id event, const void *msg)
{
	for (struct mv_test_driver *test = host->drivers; test; test = test->next) {
		const struct mv_wire_struct *desc = mv_call_descs[event].msg;
		mv_autofree void *copy = NULL;

		if (!mv_notify_wanted(&test->driver, event))
			continue;
		copy = malloc(desc->size);
		if (copy && mv_wire_copy(desc, copy, msg, NULL) == 0)
			mv_notify(&test->driver, event, copy);
	}
}

int mv_test_check_flags(uint32_t flags, uint32_t allowed, const char *function, struct mv_error **err)
{
	if (flags & ~allowed)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s",
				    flags & ~allowed, function);
	return 0;
}

int mv_test_copy(const char *text, char **to, struct mv_error **err)
{
	*to = strdup(text);
	return *to ? 0 : mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
}
