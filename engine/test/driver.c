#define MV_ERROR_DOMAIN MV_FROM_TEST
#include "engine/test/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api/call.h"

#define TEST_VERSION 2 /* of the hypervisor: 0.0.2, as libvirt's test driver says */

struct mv_test {
	struct mv_driver drv;
};

/* --- connection --- */

static int copy_text(char **out, const char *text, struct mv_error **err)
{
	*out = strdup(text);
	return *out ? 0 : mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
}

static int get_type(struct mv_driver *drv, const void *args, struct mv_connect_get_type_ret *ret, struct mv_error **err)
{
	(void)drv, (void)args;
	return copy_text(&ret->type, "TEST", err);
}

static int get_version(struct mv_driver *drv, const void *args, struct mv_connect_get_version_ret *ret,
		       struct mv_error **err)
{
	(void)drv, (void)args, (void)err;
	ret->hv_ver = TEST_VERSION;
	return 0;
}

static int get_hostname(struct mv_driver *drv, const void *args, struct mv_connect_get_hostname_ret *ret,
			struct mv_error **err)
{
	char name[256];

	(void)drv, (void)args;
	if (gethostname(name, sizeof(name)) < 0)
		return mv_error_set_errno(err, errno, "failed to determine host name");
	name[sizeof(name) - 1] = 0;
	return copy_text(&ret->hostname, name, err);
}

static const struct mv_calls calls = {
	.connect_get_type = get_type,
	.connect_get_version = get_version,
	.connect_get_hostname = get_hostname,
};

/* --- driver --- */

static int test_open(const struct mv_uri *uri, struct mv_driver **out, struct mv_error **err)
{
	struct mv_test *test;

	if (strcmp(uri->path, "/default") != 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "There is no test host '%s'; try test:///default",
				    uri->path);
	test = calloc(1, sizeof(*test));
	if (!test)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a connection");
	test->drv.ops = &mv_test_driver;
	if (mv_event_queue_init(&test->drv.events, err) < 0) {
		free(test);
		return -1;
	}
	*out = &test->drv;
	return 0;
}

static void test_close(struct mv_driver *drv)
{
	struct mv_test *test = mv_container_of(drv, struct mv_test, drv);

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
	.calls = &calls,
};
