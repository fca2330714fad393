/* What a guest's definition has that its provider may not stand for. libvirt's test driver looks at it when it reads a
 * host from a file, and at no other time. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "conf/domain_disks_def.h"
#include "conf/domain_hostdevs_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

enum { HIGH_PRIVILEGES, SHELL_SCRIPTS, CDROM_PASSTHROUGH, CUSTOM_DTB, DEPRECATED_CONFIG, TAINTS };

/* In libvirt's order. */
static const char *const texts[TAINTS] = {
	[HIGH_PRIVILEGES] = "tainted: running with undesirable elevated privileges",
	[SHELL_SCRIPTS] = "tainted: network configuration using opaque shell scripts",
	[CDROM_PASSTHROUGH] = "tainted: use of host cdrom passthrough",
	[CUSTOM_DTB] = "tainted: custom device tree blob used",
	[DEPRECATED_CONFIG] = "tainted: use of deprecated configuration settings",
};
static const char deprecated_model[] = "Deprecated-Test";
static const char deprecation[] = "deprecated configuration: CPU model Deprecated-Test";

void mv_test_check_taint(struct mv_test_domain *dom)
{
	const struct mv_domain_def *def = dom->guest.def;
	unsigned taint = 0;

	for (size_t i = 0; i < def->devices.n_disks; i++) {
		const struct mv_disk_def *disk = def->devices.disks[i];

		if (disk->rawio == MV_TRI_YES)
			taint |= 1u << HIGH_PRIVILEGES;
		if (disk->device == MV_DISK_DEVICE_CDROM && disk->type == MV_DISK_TYPE_BLOCK && disk->source.dev)
			taint |= 1u << CDROM_PASSTHROUGH;
	}
	for (size_t i = 0; i < def->devices.n_hostdevs; i++) {
		if (def->devices.hostdevs[i]->rawio == MV_TRI_YES)
			taint |= 1u << HIGH_PRIVILEGES;
	}
	for (size_t i = 0; i < def->devices.n_interfaces; i++) {
		if (def->devices.interfaces[i]->script)
			taint |= 1u << SHELL_SCRIPTS;
	}
	if (def->cpu.present && def->cpu.mode == MV_CPU_MODE_CUSTOM && def->cpu.model.name &&
	    strcmp(def->cpu.model.name, deprecated_model) == 0)
		taint |= 1u << DEPRECATED_CONFIG;
	if (def->os.dtb)
		taint |= 1u << CUSTOM_DTB;
	dom->taint = taint;
}

int mv_test_domain_get_messages(struct mv_driver *drv, const struct mv_domain_get_messages_args *args,
				struct mv_domain_get_messages_ret *ret, struct mv_error **err)
{
	enum { DEPRECATION = 1, TAINTING = 2 };
	const struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, DEPRECATION | TAINTING, "testDomainGetMessages", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	ret->msgs = calloc(TAINTS + 1, sizeof(*ret->msgs));
	if (!ret->msgs)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for messages");
	for (unsigned i = 0; i < TAINTS; i++) {
		if ((!args->flags || (args->flags & TAINTING)) && (dom->taint & 1u << i) &&
		    mv_test_copy(texts[i], &ret->msgs[ret->n_msgs++], err) < 0)
			return -1;
	}
	if ((!args->flags || (args->flags & DEPRECATION)) && (dom->taint & 1u << DEPRECATED_CONFIG))
		return mv_test_copy(deprecation, &ret->msgs[ret->n_msgs++], err);
	return 0;
}
