/* What a connection is. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <errno.h>
#include <unistd.h>

#include "engine/test/calls.h"
#include "engine/test/driver.h"

#define TEST_VERSION 2 /* of the hypervisor: 0.0.2, as libvirt's test driver says */

int mv_test_connect_get_type(struct mv_driver *drv, const void *args, struct mv_connect_get_type_ret *ret,
			     struct mv_error **err)
{
	(void)drv;
	(void)args;
	return mv_test_copy("TEST", &ret->type, err);
}

int mv_test_connect_get_version(struct mv_driver *drv, const void *args, struct mv_connect_get_version_ret *ret,
				struct mv_error **err)
{
	(void)drv;
	(void)args;
	(void)err;
	ret->hv_ver = TEST_VERSION;
	return 0;
}

int mv_test_connect_get_hostname(struct mv_driver *drv, const void *args, struct mv_connect_get_hostname_ret *ret,
				 struct mv_error **err)
{
	char name[256];

	(void)drv;
	(void)args;
	if (gethostname(name, sizeof(name)) < 0)
		return mv_error_set_errno(err, errno, "failed to determine host name");
	name[sizeof(name) - 1] = 0;
	return mv_test_copy(name, &ret->hostname, err);
}
