#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/domain_complete_def.h"

#include <stdlib.h>
#include <string.h>

#include "conf/domain_disks_def.h"
#include "conf/domain_hostdevs_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/conf/cpuset_walk.h"
#include "engine/conf/domain_tune.h"
#include "engine/conf/uuid.h"

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

#define drop_list(list, count, desc) \
	while (*(count) > 0)         \
	mv_conf_free(desc, mv_conf_remove(list, count, *(count)-1))

static void drop_texts(char ***list, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		free((*list)[i]);
	free(*list);
	*list = NULL;
	*count = 0;
}

/* --- checks of the document as a whole -------------------------------------------------------------------------------
 */

int mv_domain_name_check(const char *name, struct mv_error **err)
{
	if (!*name)
		return mv_error_set(err, MV_ERR_XML, "The name of a domain cannot be empty.");
	if (strchr(name, '/'))
		return mv_error_set(err, MV_ERR_XML, "name %s cannot contain '/'", name);
	if (strchr(name, '\n'))
		return mv_error_set(err, MV_ERR_XML, "The name of a domain cannot contain a newline.");
	return 0;
}

static int check_name(const struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (strchr(def->name, '/'))
		return mv_conf_fail(at, err, MV_ERR_XML, "name %s cannot contain '/'", def->name);
	if (strchr(def->name, '\n'))
		return mv_conf_fail(at, err, MV_ERR_XML, "the name of a domain cannot contain a newline.");
	if (def->title && strchr(def->title, '\n'))
		return mv_conf_fail(at, err, MV_ERR_XML, "the title of a domain cannot contain a newline.");
	return 0;
}

/* What only one kind of operating system has is left out for the others. */
static void trim_os(struct mv_domain_def *def)
{
	struct mv_domain_os_def *os = &def->os;
	bool exe = os->type.value == MV_OS_TYPE_EXE, hvm = os->type.value == MV_OS_TYPE_HVM;

	if (!def->bootloader)
		drop(&def->bootloader_args);
	if (!exe) {
		drop(&os->init);
		drop_texts(&os->initargs, &os->n_initargs);
		drop_list(os->initenvs, &os->n_initenvs, &mv_domain_os_initenv_desc);
		drop(&os->initdir);
		drop(&os->inituser);
		drop(&os->initgroup);
	} else {
		drop(&os->kernel);
		drop(&os->initrd);
		drop(&os->cmdline);
		drop(&os->dtb);
		drop(&os->root);
		mv_conf_clear(&mv_domain_os_loader_desc, &os->loader);
		mv_conf_clear(&mv_domain_os_nvram_desc, &os->nvram);
	}
	if (!hvm) {
		os->firmware = MV_OS_FIRMWARE_NONE;
		mv_conf_clear(&mv_domain_os_firmware_desc, &os->firmware_features);
	}
	if (!hvm || def->bootloader) {
		drop_list(os->boots, &os->n_boots, &mv_domain_os_boot_desc);
		mv_conf_clear(&mv_domain_os_bootmenu_desc, &os->bootmenu);
		mv_conf_clear(&mv_domain_os_bios_desc, &os->bios);
	}
	/* libvirt keeps as many as there are kinds. */
	while (os->n_boots > mv_boot_device_enum.count - 1)
		mv_conf_free(&mv_domain_os_boot_desc, mv_conf_remove(os->boots, &os->n_boots, os->n_boots - 1));
}

static int check_os(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_os_def *os = &def->os;

	if (!os->type.present || os->type.value == MV_OS_TYPE_NONE) {
		if (!def->bootloader)
			return mv_conf_fail(at, err, MV_ERR_XML, "the <type> in <os> is missing.");
		if ((!os->present && mv_conf_init(&mv_domain_os_desc, os, err) < 0) ||
		    (!os->type.present && mv_conf_init(&mv_domain_os_type_desc, &os->type, err) < 0))
			return -1;
		os->type.value = MV_OS_TYPE_XEN;
	}
	trim_os(def);
	return 0;
}

static int check_actions(const struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct {
		const char *event;
		enum mv_lifecycle_action action;
	} events[] = { { "poweroff", def->on_poweroff }, { "reboot", def->on_reboot } };

	for (size_t i = 0; i < 2; i++) {
		if (events[i].action == MV_LIFECYCLE_ACTION_COREDUMP_DESTROY ||
		    events[i].action == MV_LIFECYCLE_ACTION_COREDUMP_RESTART)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "<on_%s> cannot be '%s'; that is only for <on_crash>.", events[i].event,
					    mv_conf_word(&mv_lifecycle_action_enum, events[i].action));
	}
	return 0;
}

static int check_numa_vcpus(const struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	unsigned count = 0;

	for (size_t i = 0; i < def->cpu.numa.n_cells; i++) {
		const char *cpus = def->cpu.numa.cells[i]->cpus;
		unsigned n = mv_cpuset_count(cpus);

		if (n > 0 && mv_cpuset_last(cpus) >= def->vcpu.max)
			return mv_conf_fail(at, err, MV_ERR_INTERNAL,
					    "NUMA cell %zu has vCPU %u, but <vcpu> says that there are %u.", i,
					    mv_cpuset_last(cpus), def->vcpu.max);
		count += n;
	}
	if (count > def->vcpu.max)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL, "the NUMA cells have %u vCPUs, but <vcpu> says %u.",
				    count, def->vcpu.max);
	return 0;
}

static int same_model(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int check_seclabels(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	/* A label without a type is the driver's default, and written for no domain that does not run. */
	for (size_t i = 0; i < def->n_seclabels;) {
		if (def->seclabels[i]->type == MV_SECLABEL_TYPE_NONE)
			mv_conf_free(&mv_domain_seclabel_desc, mv_conf_remove(def->seclabels, &def->n_seclabels, i));
		else
			i++;
	}
	for (size_t i = 0; def->n_seclabels > 1 && i < def->n_seclabels; i++) {
		if (!def->seclabels[i]->model)
			return mv_conf_fail(at, err, MV_ERR_XML, "each of several security labels needs a model.");
		for (size_t k = 0; k < i; k++) {
			if (same_model(def->seclabels[k]->model, def->seclabels[i]->model))
				return mv_conf_fail(at, err, MV_ERR_XML,
						    "the security label for the model '%s' is there twice.",
						    def->seclabels[i]->model);
		}
	}
	return 0;
}

/* A machine's UUID in its firmware tables is the domain's. */
static int check_system_uuid(const struct mv_domain_def *def, const struct mv_sysinfo_def *info, struct mv_conf_at *at,
			     struct mv_error **err)
{
	static const uint8_t none[16];
	uint8_t uuid[16];

	for (size_t i = 0; i < info->system.n_entries; i++) {
		const struct mv_sysinfo_entry_def *entry = info->system.entries[i];

		if (strcmp(entry->name, "uuid") != 0 || mv_uuid_parse(entry->value, uuid) < 0)
			continue;
		if (memcmp(def->uuid, none, 16) != 0 && memcmp(def->uuid, uuid, 16) != 0)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the UUID in <sysinfo> is not that of the domain: '%s'.", entry->value);
	}
	return 0;
}

int mv_domain_check(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	def->cpu.arch = MV_ARCH_NONE; /* only a host's CPU has one; a guest's is in <os> */
	if (check_name(def, at, err) < 0 || check_os(def, at, err) < 0 || check_actions(def, at, err) < 0 ||
	    mv_domain_check_vcpus(def, at, err) < 0 || mv_domain_check_memory(def, at, err) < 0 ||
	    mv_domain_check_iothreads(def, at, err) < 0 || mv_domain_check_cputune(def, at, err) < 0 ||
	    mv_domain_check_resctrl(def, at, err) < 0 || mv_domain_check_numatune(def, at, err) < 0 ||
	    check_numa_vcpus(def, at, err) < 0 || mv_domain_check_blkiotune(def, at, err) < 0 ||
	    check_seclabels(def, at, err) < 0)
		return -1;
	for (size_t i = 0; i < def->n_sysinfos; i++) {
		if (check_system_uuid(def, def->sysinfos[i], at, err) < 0)
			return -1;
	}
	return 0;
}

/* --- completion for a driver -----------------------------------------------------------------------------------------
 */

static int fill_uuid(uint8_t uuid[16], struct mv_error **err)
{
	static const uint8_t none[16];

	return memcmp(uuid, none, 16) == 0 ? mv_uuid_generate(uuid, err) : 0;
}

static int fill_text(char **text, const char *value, struct mv_error **err)
{
	if (*text || !value)
		return 0;
	*text = strdup(value);
	return *text ? 0 :
		       mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for the definition of a domain.");
}

static bool any_device_boots(const struct mv_devices_def *d)
{
	bool any = false;

	for (size_t i = 0; i < d->n_disks; i++)
		any |= d->disks[i]->boot.present;
	for (size_t i = 0; i < d->n_filesystems; i++)
		any |= d->filesystems[i]->boot.present;
	for (size_t i = 0; i < d->n_interfaces; i++)
		any |= d->interfaces[i]->boot.present;
	for (size_t i = 0; i < d->n_hostdevs; i++)
		any |= d->hostdevs[i]->boot.present;
	for (size_t i = 0; i < d->n_redirdevs; i++)
		any |= d->redirdevs[i]->boot.present;
	return any;
}

/* A machine boots from its disk when nothing else is said: neither here nor by the devices. */
static int complete_boot(struct mv_domain_def *def, struct mv_error **err)
{
	struct mv_domain_os_def *os = &def->os;
	struct mv_domain_os_boot_def *boot;

	if (os->type.value != MV_OS_TYPE_HVM || def->bootloader)
		return 0;
	if (any_device_boots(&def->devices)) {
		if (os->n_boots > 0)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "per-device boot elements cannot be used together with os/boot elements");
		return 0;
	}
	if (os->n_boots > 0)
		return 0;
	boot = mv_conf_new(&mv_domain_os_boot_desc, err);
	if (!boot)
		return -1;
	boot->dev = MV_BOOT_DEVICE_HD;
	if (mv_conf_append(&os->boots, &os->n_boots, boot, err) == 0)
		return 0;
	mv_conf_free(&mv_domain_os_boot_desc, boot);
	return -1;
}

static int complete_os(struct mv_domain_def *def, const struct mv_domain_rules *rules, struct mv_error **err)
{
	struct mv_domain_os_def *os = &def->os;

	if (os->type.value == MV_OS_TYPE_EXE && !os->init)
		return mv_error_set(err, MV_ERR_XML, "init binary must be specified");
	if (os->type.arch == MV_ARCH_NONE)
		os->type.arch = rules->arch;
	if (fill_text(&os->type.machine, rules->machine, err) < 0)
		return -1;
	return complete_boot(def, err);
}

static void drop_namespaces(struct mv_domain_def *def, const struct mv_domain_rules *rules)
{
	if (!rules->qemu_namespace) {
		mv_conf_clear(&mv_qemu_commandline_desc, &def->qemu_commandline);
		mv_conf_clear(&mv_qemu_capabilities_desc, &def->qemu_capabilities);
		mv_conf_clear(&mv_qemu_deprecation_desc, &def->qemu_deprecation);
		mv_conf_clear(&mv_qemu_override_desc, &def->qemu_override);
	}
	if (!rules->lxc_namespace)
		mv_conf_clear(&mv_lxc_namespace_desc, &def->lxc_namespace);
	if (!rules->bhyve_namespace)
		mv_conf_clear(&mv_bhyve_commandline_desc, &def->bhyve_commandline);
	if (!rules->xen_namespace)
		mv_conf_clear(&mv_xen_commandline_desc, &def->xen_commandline);
	if (!rules->vmware_namespace)
		drop(&def->vmware_datacenterpath);
}

int mv_domain_def_complete(struct mv_domain_def *def, const struct mv_domain_rules *rules, struct mv_error **err)
{
	if (fill_uuid(def->uuid, err) < 0 || (def->genid.present && fill_uuid(def->genid.value, err) < 0))
		return -1;
	drop_namespaces(def, rules);
	if (complete_os(def, rules, err) < 0 || fill_text(&def->devices.emulator, rules->emulator, err) < 0)
		return -1;
	return mv_domain_complete_devices(def, rules, err);
}
