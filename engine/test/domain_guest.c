/* What would happen inside of guests: clocks, file systems, keys, agents. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_disks_def.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"
#include "engine/test/keycodes.h"

/* The guest of a call that knows these flags, running; NULL with *err. */
static struct mv_test_domain *running(struct mv_driver *drv, const struct mv_domain_ref *ref, uint32_t flags,
				      uint32_t known, const char *function, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(flags, known, function, err) < 0)
		return NULL;
	dom = mv_test_domain(drv, ref, err);
	return dom && mv_domobj_check_active(&dom->guest, err) == 0 ? dom : NULL;
}

int mv_test_domain_get_hostname(struct mv_driver *drv, const struct mv_domain_get_hostname_args *args,
				struct mv_domain_get_hostname_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainGetHostname", err);

	if (!dom)
		return -1;
	if (asprintf(&ret->hostname, "%shost", dom->guest.object.name) < 0) {
		ret->hostname = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	}
	return 0;
}

/* --- time --- */

int mv_test_domain_get_time(struct mv_driver *drv, const struct mv_domain_get_time_args *args,
			    struct mv_domain_get_time_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainGetTime", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (dom->guest.state != MV_DOMAIN_RUNNING)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "domain is not running");
	ret->seconds = dom->seconds;
	ret->nseconds = dom->nanoseconds;
	return 0;
}

int mv_test_domain_set_time(struct mv_driver *drv, const struct mv_domain_set_time_args *args, void *ret,
			    struct mv_error **err)
{
	enum { SYNC = 1 };
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, SYNC, "testDomainSetTime", err);

	(void)ret;
	if (!dom)
		return -1;
	dom->seconds = args->seconds;
	dom->nanoseconds = args->nseconds;
	return 0;
}

/* In what state the control interface is follows from the guest's clock, so that clients can see all of them. */
int mv_test_domain_get_control_info(struct mv_driver *drv, const struct mv_domain_get_control_info_args *args,
				    struct mv_domain_get_control_info_ret *ret, struct mv_error **err)
{
	enum { STATE_OK, STATE_JOB, STATE_OCCUPIED, STATE_ERROR };
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainGetControlInfo", err);

	if (!dom)
		return -1;
	ret->state = STATE_OK;
	if (dom->seconds > 0 && dom->seconds < 10000) {
		ret->state = STATE_JOB;
		ret->stateTime = (uint64_t)dom->seconds;
	} else if (dom->seconds >= 10000 && dom->seconds < 30000) {
		ret->state = STATE_OCCUPIED;
		ret->stateTime = (uint64_t)dom->seconds - 10000;
	} else if (dom->seconds >= 30000 && dom->seconds < 60000) {
		ret->state = STATE_ERROR;
		ret->details = (uint32_t)(dom->seconds % 4);
		ret->stateTime = (uint64_t)dom->seconds - 30000;
	}
	return 0;
}

/* --- file systems: / and /boot --- */

static const char *const mount_points[] = { "/", "/boot" };

static int mount_point(const char *path, struct mv_error **err)
{
	for (int i = 0; i < 2; i++) {
		if (strcmp(path, mount_points[i]) == 0)
			return i;
	}
	return mv_error_set(err, MV_ERR_OPERATION_INVALID, "mount point not found: %s", path);
}

/* Returns how many have changed. */
static int set_frozen(struct mv_test_domain *dom, char *const *paths, size_t count, bool frozen, struct mv_error **err)
{
	bool after[2] = { dom->frozen[0], dom->frozen[1] };
	int changed;

	if (!count)
		after[0] = after[1] = frozen;
	for (size_t i = 0; i < count; i++) {
		int number = mount_point(paths[i], err);

		if (number < 0)
			return -1;
		after[number] = frozen;
	}
	changed = (after[0] != dom->frozen[0]) + (after[1] != dom->frozen[1]);
	memcpy(dom->frozen, after, sizeof(after));
	return changed;
}

int mv_test_domain_fsfreeze(struct mv_driver *drv, const struct mv_domain_fsfreeze_args *args,
			    struct mv_domain_fsfreeze_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainFSFreeze", err);

	if (!dom)
		return -1;
	ret->filesystems = set_frozen(dom, args->mountpoints, args->n_mountpoints, true, err);
	return ret->filesystems < 0 ? -1 : 0;
}

int mv_test_domain_fsthaw(struct mv_driver *drv, const struct mv_domain_fsthaw_args *args,
			  struct mv_domain_fsthaw_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainFSThaw", err);

	if (!dom)
		return -1;
	ret->filesystems = set_frozen(dom, args->mountpoints, args->n_mountpoints, false, err);
	return ret->filesystems < 0 ? -1 : 0;
}

int mv_test_domain_fstrim(struct mv_driver *drv, const struct mv_domain_fstrim_args *args, void *ret,
			  struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainFSTrim", err);

	(void)ret;
	if (!dom)
		return -1;
	return args->mountPoint && mount_point(args->mountPoint, err) < 0 ? -1 : 0;
}

static int fill_fsinfo(struct mv_domain_fsinfo *info, int number, const char *disk, struct mv_error **err)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%d", disk, number + 1);
	if (mv_test_copy(mount_points[number], &info->mountpoint, err) < 0 ||
	    mv_test_copy(name, &info->name, err) < 0 || mv_test_copy("ext4", &info->fstype, err) < 0)
		return -1;
	info->dev_aliases = calloc(1, sizeof(*info->dev_aliases));
	if (!info->dev_aliases)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	info->n_dev_aliases = 1;
	return mv_test_copy(disk, &info->dev_aliases[0], err);
}

int mv_test_domain_get_fsinfo(struct mv_driver *drv, const struct mv_domain_get_fsinfo_args *args,
			      struct mv_domain_get_fsinfo_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainGetFSInfo", err);

	if (!dom)
		return -1;
	for (size_t i = 0; i < dom->guest.def->devices.n_disks; i++) {
		const struct mv_disk_def *disk = dom->guest.def->devices.disks[i];

		if (disk->device != MV_DISK_DEVICE_DISK)
			continue;
		ret->info = calloc(2, sizeof(*ret->info));
		if (!ret->info)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
		ret->n_info = ret->ret = 2;
		return fill_fsinfo(&ret->info[0], 0, disk->target.dev, err) < 0 ||
				fill_fsinfo(&ret->info[1], 1, disk->target.dev, err) < 0 ?
			-1 :
			0;
	}
	return 0;
}

/* --- input --- */

int mv_test_domain_inject_nmi(struct mv_driver *drv, const struct mv_domain_inject_nmi_args *args, void *ret,
			      struct mv_error **err)
{
	(void)ret;
	return running(drv, &args->dom, args->flags, 0, "testDomainInjectNMI", err) ? 0 : -1;
}

int mv_test_domain_send_key(struct mv_driver *drv, const struct mv_domain_send_key_args *args, void *ret,
			    struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, args->flags, 0, "testDomainSendKey", err);

	(void)ret;
	if (!dom)
		return -1;
	for (size_t i = 0; i < args->n_keycodes; i++) {
		if (!mv_keycode_known(args->codeset, args->keycodes[i])) {
			const char *set = mv_keycode_set_name(args->codeset);

			return mv_error_set(err, MV_ERR_INTERNAL, "invalid keycode %u of %s codeset", args->keycodes[i],
					    set ? set : "unknown");
		}
	}
	return 0;
}

int mv_test_domain_send_process_signal(struct mv_driver *drv, const struct mv_domain_send_process_signal_args *args,
				       void *ret, struct mv_error **err)
{
	enum { SIGNALS = 65 };

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainSendProcessSignal", err) < 0)
		return -1;
	if (args->pid_value != 1)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "only sending a signal to pid 1 is supported");
	if (args->signum >= SIGNALS)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "signum value %d is out of range", (int)args->signum);
	return mv_test_domain(drv, &args->dom, err) ? 0 : -1;
}

int mv_test_domain_set_user_password(struct mv_driver *drv, const struct mv_domain_set_user_password_args *args,
				     void *ret, struct mv_error **err)
{
	enum { ENCRYPTED = 1 };

	(void)ret;
	return running(drv, &args->dom, args->flags, ENCRYPTED, "testDomainSetUserPassword", err) ? 0 : -1;
}

/* --- security --- */

int mv_test_domain_get_security_label(struct mv_driver *drv, const struct mv_domain_get_security_label_args *args,
				      struct mv_domain_get_security_label_ret *ret, struct mv_error **err)
{
	static const char label[] = "libvirt-test";
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	if (!dom)
		return -1;
	if (!dom->guest.object.active)
		return 0;
	ret->label.data = strdup(label);
	if (!ret->label.data)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	ret->label.size = sizeof(label);
	ret->enforcing = 1;
	return 0;
}

int mv_test_domain_get_launch_security_info(struct mv_driver *drv,
					    const struct mv_domain_get_launch_security_info_args *args,
					    struct mv_domain_get_launch_security_info_ret *ret, struct mv_error **err)
{
	(void)drv;
	(void)ret;
	return mv_test_check_flags(args->flags, 0, "testDomainGetLaunchSecurityInfo", err);
}
